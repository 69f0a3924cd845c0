"""Probabilities of counts under each family: at one count, up to a count, and randomised residuals.

Ground floor: NumPy and SciPy.

Called by: models.counts.fitted, twopart_results.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from exitmodels.arrays import Floats

__all__ = ["at_most", "expected_frequencies", "log_probability", "quantile_residuals", "row_alpha", "variance"]


def row_alpha(mean: Floats, family: str, alpha: float) -> Floats:
    """The alpha_i with which each row is an NB2 count of variance mean + alpha_i mean^2 (n,)."""
    if family == "nb1":
        return np.asarray(alpha / mean)
    return np.full(len(mean), alpha if family == "nb2" else 0.0)


def variance(mean: Floats, family: str, alpha: float) -> Floats:
    """Variance of each row under the family (n,); Poisson's for "quasipoisson".

    >>> variance(np.array([4.0]), "nb1", 0.5).tolist(), variance(np.array([4.0]), "nb2", 0.5).tolist()
    ([6.0], [12.0])
    """
    return np.asarray(mean * (1 + mean * row_alpha(mean, family, alpha)))


def log_probability(k: Floats, mean: Floats, family: str, alpha: float) -> Floats:
    """log P(count = k) for each row (n,)."""
    if alpha == 0:
        return np.asarray(special.xlogy(k, mean) - mean - special.gammaln(k + 1))
    spread = row_alpha(mean, family, alpha)
    size = 1 / spread
    log_odds = np.log1p(spread * mean)
    ways = special.gammaln(k + size) - special.gammaln(size) - special.gammaln(k + 1)
    return np.asarray(ways - size * log_odds + special.xlogy(k, spread * mean) - k * log_odds)


def at_most(k: Floats, mean: Floats, family: str, alpha: float) -> Floats:
    """P(count <= k) for each row (n,); zero for k below zero."""
    inside = np.maximum(k, 0.0)
    if alpha == 0:
        below = special.pdtr(inside, mean)
    else:
        spread = row_alpha(mean, family, alpha)
        below = special.betainc(1 / spread, inside + 1, 1 / (1 + spread * mean))
    return np.where(k < 0, 0.0, below)


def expected_frequencies(mean: Floats, family: str, alpha: float, most: int) -> Floats:
    """Expected number of rows with a count of 0, 1, ..., most (most + 1,)."""
    with np.errstate(divide="ignore"):
        return np.array(
            [np.exp(log_probability(np.full(len(mean), float(k)), mean, family, alpha)).sum() for k in range(most + 1)]
        )


def quantile_residuals(below: Floats, up_to: Floats, uniform: Floats) -> Floats:
    """Normal quantiles of a point drawn between P(count < y) and P(count <= y).

    Parameters
    ----------
    below, up_to : (n,)
    uniform : (n,)
        Draws from (0, 1).

    Notes
    -----
    Normal with variance one, exactly, when the model and its parameters are right.
    Source: Dunn and Smyth (1996), Journal of Computational and Graphical Statistics 5, 236-244.
    """
    point = below + uniform * (up_to - below)
    return np.asarray(special.ndtri(np.clip(point, 1e-300, 1 - 1e-16)))
