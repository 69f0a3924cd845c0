"""Standardised rates: a weighted sum of strata, with limits that hold when strata have few events.

Ground floor: NumPy and SciPy. Each stratum i has n_i events over t_i, and a weight w_i (a share of the standard
population); the standardised rate is the sum of w_i n_i / t_i.

Called by: models.counts.standardise.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.exact import poisson_interval

__all__ = ["STANDARD_METHODS", "standard_interval", "standard_moments"]

STANDARD_METHODS = ("fay-feuer", "tiwari", "dobson", "normal", "lognormal")


def standard_moments(n: Floats, t: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Standardised rate and its variance; strata are on the last axis.

    >>> rate, variance = standard_moments(np.array([2.0, 8.0]), np.array([10.0, 20.0]), np.array([0.5, 0.5]))
    >>> round(float(rate), 3), round(float(variance), 4)
    (0.3, 0.01)
    """
    return np.sum(share * n / t, axis=-1), np.sum(share**2 * n / t**2, axis=-1)


def standard_interval(
    n: Floats, t: Floats, share: Floats, alpha: float = 0.05, method: str = "fay-feuer"
) -> tuple[Floats, Floats]:
    """Limits for a standardised rate.

    Parameters
    ----------
    n, t : (..., strata)
        Events and exposure; exposure above zero.
    share : (..., strata)
        Weights, which add to one.
    method : {"fay-feuer", "tiwari", "dobson", "normal", "lognormal"}
        "fay-feuer": gamma limits, the upper one with one more event in the stratum of largest weight. "tiwari": that
        event is spread over the strata, which gives a lower upper limit. "dobson": exact limits of the total,
        rescaled; they cover too little when a stratum of large weight has hardly any events. "normal" and
        "lognormal" are for comparison.

    Returns
    -------
    low, high : arrays of the shape of the leading axes
        With no events at all: 0 and a finite upper limit for the first two; "dobson" then rescales by the largest
        weight; "normal" has no width and "lognormal" gives (0, infinity).

    Notes
    -----
    Source: Fay and Feuer (1997), equations 2 and 4; Tiwari, Clegg and Zou (2006); Dobson, Kuulasmaa, Eberle and
    Scherer (1991). "fay-feuer" has kept its level in every published study; "tiwari" nearly.

    Examples
    --------
    >>> low, high = standard_interval(np.array([2.0, 8.0]), np.array([10.0, 20.0]), np.array([0.5, 0.5]))
    >>> round(float(low), 4), round(float(high), 4)
    (0.1372, 0.6008)
    """
    rate, variance = standard_moments(n, t, share)
    weight = np.broadcast_to(share / t, np.broadcast_shapes(np.shape(n), np.shape(share / t)))
    z = -special.ndtri(alpha / 2)
    if method == "normal":
        return rate - z * np.sqrt(variance), rate + z * np.sqrt(variance)
    if method == "lognormal":
        known = rate > 0
        factor = np.exp(z * np.sqrt(variance) / np.where(known, rate, 1.0))
        return np.where(known, rate / factor, 0.0), np.where(known, rate * factor, np.inf)
    if method == "dobson":
        return _dobson(np.sum(n, axis=-1), rate, variance, weight.max(axis=-1), alpha)
    extra, squared = (
        (weight.max(axis=-1), weight.max(axis=-1) ** 2)
        if method == "fay-feuer"
        else (weight.mean(axis=-1), np.mean(weight**2, axis=-1))
    )
    return _gamma_low(rate, variance, alpha), _gamma_high(rate + extra, variance + squared, alpha)


def _gamma_low(mean: Floats, variance: Floats, alpha: float) -> Floats:
    known = mean > 0
    scale = np.where(known, variance, 1.0) / np.where(known, mean, 1.0)
    shape = np.where(known, mean, 1.0) / scale
    return np.where(known, scale * special.gammaincinv(shape, alpha / 2), 0.0)


def _gamma_high(mean: Floats, variance: Floats, alpha: float) -> Floats:
    scale = variance / mean
    return np.asarray(scale * special.gammainccinv(mean / scale, alpha / 2), dtype=np.float64)


def _dobson(total: Floats, rate: Floats, variance: Floats, largest: Floats, alpha: float) -> tuple[Floats, Floats]:
    low, high = poisson_interval(total, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(total > 0, np.sqrt(variance / np.where(total > 0, total, 1.0)), largest)
    return rate + factor * (low - total), rate + factor * (high - total)
