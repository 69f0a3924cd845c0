"""Many small log-linear fits at once: simulated series, moved dates, delayed effects.

Ground floor: NumPy only. One pass of weighted least squares serves all fits together, so that a thousand fits of
eighteen periods cost little more than one.

Read next: countglm.py (one fit, to full precision). Called by: models.counts.interrupted_checks, interrupted_variances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Bools, Floats

__all__ = ["ManyFits", "fit_many"]


@dataclass(frozen=True, eq=False)
class ManyFits:
    """b fits of the same number of columns.

    Attributes
    ----------
    beta : (b, p)
    mean : (b, n)
    bread : (b, p, p)
        Inverse of the expected information.
    deviance : (b,)
        Poisson's (the negative binomial's when `alpha` was given).
    pearson : (b,)
        Sum of squared Pearson residuals.
    converged : (b,) bool
        False also where an estimate runs to infinity.
    """

    beta: Floats
    mean: Floats
    bread: Floats
    deviance: Floats
    pearson: Floats
    converged: Bools


def fit_many(
    y: Floats, design: Floats, offset: Floats, alpha: float = 0.0, steps: int = 60, tol: float = 1e-12
) -> ManyFits:
    """Fit log mean = offset + design @ beta to each row of counts, or with each of several designs.

    Parameters
    ----------
    y : (n,) or (b, n)
        Counts.
    design : (n, p) or (b, n, p)
        Of full rank; columns of like size keep their digits.
    offset : (n,)
    alpha : float
        Variance mean + alpha mean^2, with alpha as given; zero for Poisson.
    steps, tol
        Stop when no coefficient moves by more than `tol`, or after so many steps.

    Notes
    -----
    Cost: O(b n p^2) a step. Error: about 1e-12 in the coefficients.
    Source: iteratively reweighted least squares, McCullagh and Nelder (1989), section 2.5.

    Examples
    --------
    >>> fits = fit_many(np.array([[4.0, 6, 9, 14], [1, 2, 4, 8]]), np.ones((4, 1)), np.zeros(4))
    >>> np.exp(fits.beta[:, 0]).round(6).tolist()
    [8.25, 3.75]
    """
    many = max(len(y) if y.ndim == 2 else 1, len(design) if design.ndim == 3 else 1)
    x = np.broadcast_to(design, (many, *design.shape[-2:]))
    counts = np.broadcast_to(y, (many, x.shape[1]))
    eta, weight = np.log(counts + 0.5) - offset, (counts + 0.5) / (1 + alpha * (counts + 0.5))
    beta = np.full((many, x.shape[2]), np.inf)
    converged = np.zeros(many, dtype=bool)
    for _ in range(steps):
        old = beta
        bread = _inverse(np.einsum("bn,bnp,bnq->bpq", weight, x, x, optimize=True))
        beta = np.einsum("bpq,bnq,bn->bp", bread, x, weight * eta, optimize=True)
        line = np.clip(np.einsum("bnp,bp->bn", x, beta), -60.0, 60.0)
        mean = np.exp(np.clip(line + offset, -60.0, 60.0))
        eta, weight = line + (counts - mean) / mean, mean / (1 + alpha * mean)
        converged = np.abs(beta - old).max(axis=1) <= tol * (1 + np.abs(beta).max(axis=1))
        if converged.all():
            break
    bread = _inverse(np.einsum("bn,bnp,bnq->bpq", weight, x, x, optimize=True))
    pearson = ((counts - mean) ** 2 / (mean + alpha * mean**2)).sum(axis=1)
    finite = np.abs(beta).max(axis=1) < 50
    return ManyFits(beta, mean, bread, _deviance(counts, mean, alpha), pearson, converged & finite)


def _inverse(matrices: Floats) -> Floats:
    """Inverses after scaling to unit diagonals; a direction without information gets a very large variance."""
    scale = 1 / np.sqrt(np.maximum(np.diagonal(matrices, axis1=1, axis2=2), 1e-300))
    both = scale[:, :, None] * scale[:, None, :]
    size, axes = np.linalg.eigh(matrices * both)
    inner = np.einsum("bpk,bk,bqk->bpq", axes, 1 / np.maximum(size, 1e-14), axes, optimize=True)
    return np.asarray(inner * both, dtype=np.float64)


def _deviance(y: Floats, mean: Floats, alpha: float) -> Floats:
    gain = special.xlogy(y, np.where(y > 0, y, 1.0) / mean)
    if alpha == 0:
        return np.asarray(2 * (gain - (y - mean)).sum(axis=1), dtype=np.float64)
    loss = (y + 1 / alpha) * np.log1p(alpha * (y - mean) / (1 + alpha * mean))
    return np.asarray(2 * (gain - loss).sum(axis=1), dtype=np.float64)
