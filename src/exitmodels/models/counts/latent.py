"""Limits that know that neighbouring periods are related, and how little a short series says about it.

Third floor. The arithmetic is in kernels/latentar.py; here a fitted series meets it, and the answer can be stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.kernels.latentar import latent_spread, latent_weights, mixture_half_width, mixture_tail
from exitmodels.results.storing import Stored

__all__ = ["LatentLimits"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LatentLimits(Stored):
    """What is known of the error of estimates whose log rate wanders as a first-order autoregression.

    Attributes
    ----------
    noise : (p, p)
        Covariance from the scatter of counts around the rate.
    spread : (k, p, p)
        Covariance from a latent series of unit variance, for each correlation.
    rho : (k,)
        Correlations of neighbouring periods.
    tau2 : (m,)
        Variances of the latent log rate.
    weight : (k, m)
        Of each pair; adds to one.
    """

    noise: Floats
    spread: Floats
    rho: Floats
    tau2: Floats
    weight: Floats

    @classmethod
    def of(cls, residual: Floats, design: Floats, noise: Floats, gap: Floats, influence: Floats) -> LatentLimits:
        """Weigh the pairs by the residuals, and carry each through the influence of every row on the estimates.

        Parameters
        ----------
        residual, noise, gap : (n,)
            Of the log rate; its variance given the latent rate; periods since the row before.
        design : (n, p)
        influence : (n, p)
            What one unit in the log rate of row i adds to each estimate.
        """
        found = latent_weights(residual, design, noise, gap)
        direct = (influence * noise[:, None]).T @ influence
        spread = latent_spread(influence, gap, found.rho)
        return cls(noise=direct, spread=spread, rho=found.rho, tau2=found.tau2, weight=found.weight)

    @property
    def covariance(self) -> Floats:
        """Covariance of the mixture (p, p)."""
        mean = np.einsum("kpq,km,m->pq", self.spread, self.weight, self.tau2)
        return np.asarray(self.noise + mean, dtype=np.float64)

    @property
    def correlation(self) -> float:
        """Weighted mean of rho."""
        return float(self.rho @ self.weight.sum(axis=1))

    @property
    def deviation(self) -> float:
        """Weighted mean of tau, the standard deviation of the latent log rate."""
        return float(np.sqrt(self.tau2) @ self.weight.sum(axis=0))

    def _deviations(self, contrasts: Floats) -> tuple[Floats, Floats]:
        """Standard deviations of contrasts @ estimates at each pair (c, pairs), and the pairs' weights."""
        keep = self.weight.ravel() > 1e-12
        direct = np.einsum("cp,pq,cq->c", contrasts, self.noise, contrasts)
        latent = np.einsum("cp,kpq,cq->ck", contrasts, self.spread, contrasts, optimize=True)
        variance = direct[:, None, None] + latent[:, :, None] * self.tau2
        spread = np.sqrt(np.maximum(variance.reshape(len(contrasts), -1)[:, keep], 1e-300))
        weight = self.weight.ravel()[keep]
        return spread, weight / weight.sum()

    def half_width(self, contrasts: Floats, alpha: float) -> Floats:
        """Half-widths of limits for contrasts (c, p) of the estimates."""
        return mixture_half_width(*self._deviations(contrasts), alpha)

    def pvalues(self, values: Floats, contrasts: Floats) -> Floats:
        """Two-sided p-values of contrasts whose estimates are `values` (c,)."""
        return mixture_tail(np.abs(values), *self._deviations(contrasts))

    def wald(self, value: Floats, contrast: Floats) -> float:
        """P-value of several contrasts together: the mixture of chi-squared tails."""
        total = 0.0
        for spread, row in zip(self.spread, self.weight, strict=True):
            middles = contrast @ self.noise @ contrast.T + self.tau2[:, None, None] * (contrast @ spread @ contrast.T)
            statistic = np.einsum("i,mij,j->m", value, np.linalg.inv(middles), value)
            total += float(row @ stats.chi2.sf(statistic, len(value)))
        return total
