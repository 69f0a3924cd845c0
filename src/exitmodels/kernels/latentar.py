"""A latent autoregression behind the counts: how likely each (correlation, variance) is, and what it does to estimates.

Ground floor: NumPy and SciPy. Log rates are taken to wander around the regression line as u_t, stationary with
variance tau2 and correlation rho^distance; counts scatter around them. A series of eighteen periods cannot tell rho
and tau2, so nothing is plugged in: `latent_weights` weighs a grid of both by the restricted likelihood, and limits
are taken from the mixture (`mixture_half_width`).

Called by: models.counts.latent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Floats

__all__ = [
    "LatentWeights",
    "latent_spread",
    "latent_weights",
    "mixture_half_width",
    "mixture_tail",
    "restricted_loglik",
]

COARSE, FINE = (12, 20), (16, 24)
PRIOR_SCALE = 2.0
_FAINT = 1e-7


@dataclass(frozen=True, eq=False)
class LatentWeights:
    """Correlations, variances, and how much the data make of each pair.

    Attributes
    ----------
    rho : (k,)
        Correlation of neighbouring periods.
    tau2 : (m,)
        Variance of the latent log rate.
    weight : (k, m)
        Adds to one.
    """

    rho: Floats
    tau2: Floats
    weight: Floats


def restricted_loglik(
    residual: Floats, design: Floats, noise: Floats, gap: Floats, rho: Floats, tau2: Floats
) -> Floats:
    """Restricted log-likelihood of residuals with covariance diag(noise) + tau2 rho^distance, at each pair given.

    Parameters
    ----------
    residual : (n,)
        What is left of the log rate, in order of time.
    design : (n, p)
        Columns that were fitted.
    noise : (n,)
        Variance of each value given the latent rate.
    gap : (n,)
        Distance of each row from the one before, in periods; infinite at the first row of a series.
    rho, tau2 : (k,)

    Returns
    -------
    (k,), up to a constant.

    Notes
    -----
    A Kalman filter runs once over the rows for all pairs and columns together, so nothing of size n x n is formed.
    Cost: O(n k p^2). Source: Harville (1974); the filter as in Harvey (1989), section 3.2.
    """
    columns = np.column_stack([design, residual])
    p, k = design.shape[1], len(rho)
    state, spread = np.zeros((k, p + 1)), tau2.astype(np.float64)
    log_det, cross = np.zeros(k), np.zeros((k, p + 1, p + 1))
    for row, own, distance in zip(columns, noise, gap, strict=True):
        decay = rho**distance
        state = decay[:, None] * state
        spread = decay**2 * spread + tau2 * (1 - decay**2)
        total = spread + own
        surprise = row - state
        log_det += np.log(total)
        cross += surprise[:, :, None] * (surprise / total[:, None])[:, None, :]
        share = spread / total
        state = state + share[:, None] * surprise
        spread = spread * (1 - share)
    inner, side = cross[:, :p, :p], cross[:, :p, p]
    fitted = np.einsum("kp,kp->k", side, np.linalg.solve(inner, side[:, :, None])[:, :, 0])
    return np.asarray(-0.5 * (log_det + np.linalg.slogdet(inner)[1] + cross[:, p, p] - fitted), dtype=np.float64)


def latent_weights(residual: Floats, design: Floats, noise: Floats, gap: Floats) -> LatentWeights:
    """Weigh correlations and variances by restricted likelihood times prior.

    Parameters are those of `restricted_loglik`. The prior is uniform for rho on (0, 1), and for the share
    tau2 / (tau2 + 2 v) on (0, 1), where v is the harmonic mean of `noise`: half of it lies below twice the variance
    that a period's count has anyway.

    Notes
    -----
    Gauss-Legendre nodes cover the unit square, then the part of it that carries weight. The factor 2 was chosen by
    simulation, so that limits at 18 periods hold their level (see the study of coverage).
    Source: the uniform-shrinkage prior, Strawderman (1971), Daniels (1999); integrating over variance parameters
    instead of plugging them in, Harville and Zimmermann (1996).
    """
    scale = PRIOR_SCALE / float(np.mean(1 / noise))
    box = ((0.0, 1.0), (0.0, 1.0))
    for size in (COARSE, FINE):
        (rho, by_rho), (share, by_share) = (_nodes(*side, m) for side, m in zip(box, size, strict=True))
        tau2 = scale * share / (1 - share)
        pairs = (np.repeat(rho, size[1]), np.tile(tau2, size[0]))
        height = restricted_loglik(residual, design, noise, gap, *pairs).reshape(size)
        weight = np.exp(height - height.max()) * np.outer(by_rho, by_share)
        weight /= weight.sum()
        box = (_carrying(rho, weight.sum(axis=1), box[0]), _carrying(share, weight.sum(axis=0), box[1]))
    return LatentWeights(rho, tau2, weight)


def _nodes(low: float, high: float, size: int) -> tuple[Floats, Floats]:
    place, weight = np.polynomial.legendre.leggauss(size)
    return low + (high - low) * (place + 1) / 2, weight / 2


def _carrying(place: Floats, weight: Floats, whole: tuple[float, float]) -> tuple[float, float]:
    """Ends of the stretch, between nodes, outside which no weight is seen."""
    edges = np.concatenate([[whole[0]], place, [whole[1]]])
    seen = np.flatnonzero(weight > _FAINT * weight.max())
    return float(edges[seen[0]]), float(edges[seen[-1] + 2])


def latent_spread(influence: Floats, gap: Floats, rho: Floats) -> Floats:
    """Covariance that a latent series of unit variance gives to linear estimates, for each correlation.

    Parameters
    ----------
    influence : (n, p)
        What one unit in row i adds to each estimate.
    gap : (n,)
    rho : (k,)

    Returns
    -------
    (k, p, p): the sum over rows i and j of influence_i influence_j' rho^distance(i, j), in O(n k p^2).
    """
    k, p = len(rho), influence.shape[1]
    carried, total = np.zeros((k, p)), np.zeros((k, p, p))
    for row, distance in zip(influence, gap, strict=True):
        carried = (rho**distance)[:, None] * carried
        side = carried[:, :, None] * row
        total += side + np.swapaxes(side, 1, 2) + np.outer(row, row)
        carried = carried + row
    return total


def mixture_tail(size: Floats, deviation: Floats, weight: Floats) -> Floats:
    """Two-sided tail of a mixture of centred normal laws: the sum of weight * P(|N(0, deviation^2)| > size).

    Parameters
    ----------
    size : (m,)
    deviation : (m, k)
    weight : (k,)
    """
    return np.asarray(2 * special.ndtr(-size[:, None] / deviation) @ weight, dtype=np.float64)


def mixture_half_width(deviation: Floats, weight: Floats, alpha: float) -> Floats:
    """Half-width that a mixture of centred normal laws exceeds, in size, with probability alpha (m,).

    Notes
    -----
    Bisection to rounding, between the quantiles of the narrowest and the widest law.

    >>> mixture_half_width(np.array([[1.0, 1.0]]), np.array([0.5, 0.5]), 0.05).round(6).tolist()
    [1.959964]
    """
    z = -special.ndtri(alpha / 2)
    low, high = z * deviation.min(axis=1), z * deviation.max(axis=1)
    for _ in range(60):
        middle = (low + high) / 2
        inside = mixture_tail(middle, deviation, weight) <= alpha
        low, high = np.where(inside, low, middle), np.where(inside, middle, high)
    return np.asarray((low + high) / 2, dtype=np.float64)
