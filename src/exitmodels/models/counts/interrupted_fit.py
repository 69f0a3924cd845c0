"""The arithmetic of an interrupted series: its columns and its estimate.

Third floor. Every family ends as a set of rows with influences on the coefficients, so that the default limits
(latent.py) are made in one way for all.

Read next: interrupted_spread.py (covariances), interrupted.py (the model), interrupted_results.py (the answers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.arerrors import fit_ar1
from exitmodels.kernels.countglm import CountFit, fit_nb2, fit_poisson
from exitmodels.models.counts.checks import recoding, refuse_collinear, runaway

__all__ = ["Columns", "Estimate", "estimate", "plain_family"]

_FAMILIES = {
    "poisson": "poisson",
    "quasi": "quasi",
    "quasipoisson": "quasi",
    "negbin": "negbin",
    "nb2": "negbin",
    "lognormal": "lognormal",
    "lognormal-ar1": "lognormal-ar1",
}


def plain_family(family: str) -> str:
    """Return the one name of a family."""
    if family not in _FAMILIES:
        raise DataError(f"family={family!r} is not known.", code="family", hint=f"Use one of {', '.join(_FAMILIES)}.")
    return _FAMILIES[family]


@dataclass(frozen=True, eq=False)
class Columns:
    """Rows and columns of the fit; the rows of a control series, if any, stand after those of the series itself.

    Attributes
    ----------
    names : tuple of str, one for each column of `matrix` (n, p)
    effects : dict from column to the number of its date
    y, offset, gap : (n,)
    period : (n,) int
        Number of the row's period, the same for both series at one time.
    own : (n,) bool
        False for the control series.
    """

    names: tuple[str, ...]
    matrix: Floats
    effects: dict[str, int]
    y: Floats
    offset: Floats
    gap: Floats
    period: Ints
    own: Bools

    def without(self, dates: Sequence[int]) -> Floats:
        """The matrix as it would be had the effects of these dates not happened."""
        made = self.matrix.copy()
        made[:, [j for j, name in enumerate(self.names) if self.effects.get(name, -1) in dates]] = 0.0
        return made


@dataclass(frozen=True, eq=False)
class Estimate:
    """A fitted family.

    Attributes
    ----------
    beta : (p,)
    mean : (n,)
    alpha : float
        Of the negative binomial, else zero.
    bread : (q, q)
        Inverse information in the fitted (centred) columns, with log alpha when it was estimated.
    scores : (n, q)
    weight : (n,)
        Working weights.
    recode : (p, p)
        From centred coefficients to those asked for.
    centred : (n, p)
    llf : float
    residual, noise : (n,)
        Of the log rate, and its variance given the latent rate.
    phi : float
        Pearson's chi-squared over its degrees of freedom (residual variance for log counts).
    df : int
    rho : float
        Correlation of errors, where it was estimated.
    trouble : str
    """

    family: str
    beta: Floats
    mean: Floats
    alpha: float
    bread: Floats
    scores: Floats
    weight: Floats
    recode: Floats
    centred: Floats
    llf: float
    residual: Floats
    noise: Floats
    phi: float
    df: int
    rho: float = float("nan")
    trouble: str = ""

    @property
    def expected_bread(self) -> Floats:
        """Inverse of the expected information of the coefficients, as asked for (p, p)."""
        p = len(self.beta)
        inner = self.bread[:p, :p]
        if self.alpha:
            inner = np.linalg.inv((self.centred * self.weight[:, None]).T @ self.centred)
        return np.asarray(self.recode @ inner @ self.recode.T, dtype=np.float64)

    @property
    def influence(self) -> Floats:
        """What one unit in the log rate of each row adds to the coefficients (n, p)."""
        inner = np.linalg.inv((self.centred * self.weight[:, None]).T @ self.centred)
        return np.asarray((self.centred * self.weight[:, None]) @ inner @ self.recode.T, dtype=np.float64)


def estimate(columns: Columns, family: str) -> Estimate:
    """Fit the family to the columns."""
    recode = recoding(columns.matrix, columns.names)
    centred = columns.matrix @ recode
    refuse_collinear(columns.matrix, centred, columns.names)
    df = len(columns.y) - len(columns.names)
    if family.startswith("lognormal"):
        return _of_logs(columns, family, recode, centred, df)
    middle = float(columns.offset.mean())
    fit = (fit_nb2 if family == "negbin" else fit_poisson)(columns.y, centred, columns.offset - middle)
    fit.beta[0] -= middle
    variance = fit.mean + fit.alpha * fit.mean**2
    return Estimate(
        family=family,
        beta=recode @ fit.beta,
        mean=fit.mean,
        alpha=fit.alpha,
        bread=np.linalg.pinv(fit.information, hermitian=True),
        scores=fit.scores,
        weight=fit.mean**2 / variance,
        recode=recode,
        centred=centred,
        llf=fit.llf if family != "quasi" else float("nan"),
        residual=(columns.y - fit.mean) / fit.mean,
        noise=1 / fit.mean,
        phi=float(((columns.y - fit.mean) ** 2 / variance).sum()) / df,
        df=df,
        trouble=_trouble(fit, columns),
    )


def _trouble(fit: CountFit, columns: Columns) -> str:
    text = runaway(fit, columns.y, columns.matrix, columns.names)
    if text or fit.converged:
        return text
    return "The search for the highest likelihood stopped before its rule was met; do not report these estimates."


def _of_logs(columns: Columns, family: str, recode: Floats, centred: Floats, df: int) -> Estimate:
    """Least squares on log(n / exposure), with independent errors or first-order autoregressive ones."""
    zero = np.flatnonzero(columns.y == 0)
    if zero.size:
        raise DataError(
            f"{zero.size} periods have no record, and zero has no logarithm.",
            column="n",
            rows=zero,
            code="zero-count",
            hint='Use family="poisson" or "negbin".',
        )
    z = np.log(columns.y) - columns.offset
    rho, trouble = float("nan"), ""
    if family == "lognormal-ar1":
        if not (np.all(columns.own) and np.all(columns.gap[1:] == 1)):
            raise DataError(
                'family="lognormal-ar1" needs one series without gaps.', code="gaps", hint='Use family="lognormal".'
            )
        fit = fit_ar1(z, centred)
        beta, bread, phi, rho = fit.beta, fit.covariance / fit.sigma2, fit.sigma2, fit.rho
        trouble = "" if fit.converged else "The search for the errors' correlation did not settle."
    else:
        bread = np.linalg.inv(centred.T @ centred)
        beta = bread @ (centred.T @ z)
        phi = float(((z - centred @ beta) ** 2).sum()) / df
    error = z - centred @ beta
    mean = np.exp(columns.offset + centred @ beta)
    variance = float((error**2).mean())
    llf = float(-0.5 * len(z) * (np.log(2 * np.pi * variance) + 1) - np.log(columns.y).sum())
    return Estimate(
        family=family,
        beta=recode @ beta,
        mean=mean,
        alpha=0.0,
        bread=bread,
        scores=centred * error[:, None],
        weight=np.ones(len(z)),
        recode=recode,
        centred=centred,
        llf=llf if family == "lognormal" else float("nan"),
        residual=error,
        noise=1 / mean,
        phi=phi,
        df=df,
        rho=rho,
        trouble=trouble,
    )
