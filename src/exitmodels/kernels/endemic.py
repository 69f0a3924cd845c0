"""Endemic-epidemic counts: a mean that adds what comes of itself to what comes of the last count.

Ground floor. mean_t = exp(z_t' a) y_{t-1} E_t / E_{t-1} + E_t exp(x_t' b), E being the exposure; counts are Poisson or
negative binomial. Both parts stay above zero, so there is no edge to run into but a part that vanishes.

Source: Held, Hoehle and Hofmann (2005); Paul, Held and Toschke (2008). Called by: models.counts.endemic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend, positive_part
from exitmodels.kernels.countglm import dispersion_terms, nb2_loglik

__all__ = ["TwoParts", "fit_parts"]


@dataclass(frozen=True, eq=False)
class TwoParts:
    """Rows that enter the likelihood.

    Attributes
    ----------
    y : (n,)
    carried : (n,)
        The count before, times the ratio of exposures.
    exposure : (n,)
    epidemic, endemic : (n, p), (n, q)
        Covariates of both parts.
    """

    y: Floats
    carried: Floats
    exposure: Floats
    epidemic: Floats
    endemic: Floats

    def parts(self, theta: Floats) -> tuple[Floats, Floats]:
        """Epidemic and endemic part of the mean (n,)."""
        p = self.epidemic.shape[1]
        with np.errstate(over="ignore"):
            first = self.carried * np.exp(self.epidemic @ theta[:p])
            second = self.exposure * np.exp(self.endemic @ theta[p : p + self.endemic.shape[1]])
        return first, second

    def slopes(self, first: Floats, second: Floats) -> Floats:
        """Derivative of the mean by each coefficient (p + q, n)."""
        return np.vstack([self.epidemic.T * first, self.endemic.T * second])

    def scores(self, theta: Floats, alpha: float) -> Floats:
        """Derivative of each row's log-likelihood by the coefficients and, where alpha is above zero, log alpha."""
        first, second = self.parts(theta)
        mean = first + second
        rows = self.slopes(first, second) * ((self.y - mean) / (mean * (1 + alpha * mean)))
        return np.vstack([rows, dispersion_terms(self.y, mean, alpha)[0]]) if alpha else rows

    def surface(self, theta: Floats, free_alpha: bool) -> Surface | None:
        """Log-likelihood, score and information of the coefficients and, if free, log alpha (last)."""
        alpha = float(np.exp(np.clip(theta[-1], -40.0, 40.0))) if free_alpha else 0.0
        first, second = self.parts(theta)
        mean = first + second
        if not (np.isfinite(mean).all() and mean.min() > 0):
            return None
        wide = 1 + alpha * mean
        score = (self.y - mean) / (mean * wide)
        bend = self.y / mean**2 - alpha * (1 + alpha * self.y) / wide**2
        rows, p = self.slopes(first, second), self.epidemic.shape[1]
        information = (rows * bend) @ rows.T
        information[:p, :p] -= (self.epidemic.T * (first * score)) @ self.epidemic
        information[p:, p:] -= (self.endemic.T * (second * score)) @ self.endemic
        gradient = rows @ score
        value = nb2_loglik(self.y, mean, alpha)
        if free_alpha:
            own, curve = dispersion_terms(self.y, mean, alpha)
            across = rows @ ((self.y - mean) * alpha / wide**2)
            information = _bordered(information, across, -float(curve.sum()))
            gradient = np.append(gradient, own.sum())

        def expected() -> Floats:
            made = (rows / (mean * wide)) @ rows.T
            if not free_alpha:
                return np.asarray(made, dtype=np.float64)
            own, curve = dispersion_terms(self.y, mean, alpha)
            return _bordered(made, np.zeros(len(rows)), positive_part(-float(curve.sum()), own))

        return Surface(value, gradient, information, expected)


def _bordered(matrix: Floats, side: Floats, corner: float) -> Floats:
    return np.block([[matrix, side[:, None]], [side[None], np.array([[corner]])]])


def fit_parts(rows: TwoParts, negbin: bool) -> tuple[Ascent, bool]:
    """Maximise the likelihood from several shares of the epidemic part; say whether log alpha is the last parameter."""
    p, q = rows.epidemic.shape[1], rows.endemic.shape[1]
    level, found = float(rows.y.sum() / rows.exposure.sum()), []
    for share in (0.1, 0.4, 0.8):
        begin = np.zeros(p + q)
        begin[0], begin[p] = np.log(share), np.log((1 - share) * level)
        found.append(ascend(lambda theta: rows.surface(theta, False), begin))
    best = max(found, key=lambda one: one.surface.value)
    mean = np.add(*rows.parts(best.at))
    gap = float(np.sum((rows.y - mean) ** 2 - rows.y))
    if not negbin or gap <= 0:
        return best, False
    start = np.append(best.at, np.log(np.clip(gap / float(np.sum(mean**2)), 1e-4, 10.0)))
    joint = ascend(lambda theta: rows.surface(theta, True), start)
    return (joint, True) if joint.at[-1] > np.log(1e-8) else (best, False)
