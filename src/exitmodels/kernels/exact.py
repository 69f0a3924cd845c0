"""Limits for a Poisson mean seen through one count: exact, mid-p and the approximations that papers use.

Ground floor: NumPy and SciPy. Every method takes whole counts of any shape and gives two arrays of
that shape. Limits that need a search are found on the distinct counts only, so a million counts
cost little more than their distinct values.

Read next: exact_ratio.py (two Poisson rates), exact_binomial.py (a share), twosided.py (Blaker and minlike).
Called by: models.counts.rates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.distinct import distinct
from exitmodels.kernels.twosided import blaker_limits, minlike_limits, poisson_lower_tail, poisson_upper_tail

__all__ = ["POISSON_METHODS", "bisect", "poisson_interval", "poisson_pvalue"]

Limits = tuple[Floats, Floats]


def poisson_interval(count: ArrayLike, alpha: float = 0.05, method: str = "garwood") -> Limits:
    """Limits for the mean of a Poisson variable of which one value was seen.

    Parameters
    ----------
    count : array of any shape
        Whole numbers, zero or more.
    alpha : float
        One minus the confidence level.
    method : str
        A key of `POISSON_METHODS`.

    Returns
    -------
    low, high : arrays of the shape of `count`
        The textbook values. The exact methods have ``low = 0`` at zero events. "wald" and "anscombe" can fall
        below zero and "wald" has no width at zero events: they are here for comparison with printed tables.

    Notes
    -----
    Cost: O(n) and one inversion or search for each distinct count. Error: closed forms to rounding; searches to about
    1e-14 relative. Source: Garwood (1936); Lancaster (1961) for mid-p; Blaker (2000); Fay (2010) for minlike; Rothman
    and Boice (1979) for Byar; Barker (2002) for a comparison.

    Examples
    --------
    >>> low, high = poisson_interval([0, 11])
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 5.4912], [3.6889, 19.682])
    """
    levels, where = distinct(count)
    low, high = POISSON_METHODS[method](levels, alpha)
    return low[where], high[where]


def bisect(rises: Callable[[Floats], Floats], low: Floats, high: Floats, steps: int = 80) -> Floats:
    """Root of functions that rise from below zero at `low` to above zero at `high`, one for each entry."""
    low, high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    for _ in range(steps):
        middle = 0.5 * (low + high)
        above = rises(middle) > 0
        high, low = np.where(above, middle, high), np.where(above, low, middle)
        if np.all(high - low <= 4e-16 * np.abs(high)):
            break
    return 0.5 * (low + high)


def _z(alpha: float) -> float:
    return float(-special.ndtri(alpha / 2))


def _garwood(x: Floats, alpha: float) -> Limits:
    low = special.gammaincinv(np.where(x > 0, x, 1.0), alpha / 2)
    return np.where(x > 0, low, 0.0), np.asarray(special.gammainccinv(x + 1, alpha / 2), dtype=np.float64)


def _mid_p(x: Floats, alpha: float) -> Limits:
    """Half of the probability of the count itself is given to each tail (Lancaster 1961)."""
    least, most = _garwood(x, alpha)
    upper_low = np.asarray(special.gammaincinv(x + 1, alpha / 2), dtype=np.float64)
    lower_high = np.where(x > 0, special.gammainccinv(np.where(x > 0, x, 1.0), alpha / 2), 0.0)

    def upper(mean: Floats) -> Floats:
        return 0.5 * (poisson_upper_tail(x, mean) + poisson_upper_tail(x + 1, mean)) - alpha / 2

    def lower(mean: Floats) -> Floats:
        return alpha / 2 - 0.5 * (poisson_lower_tail(x, mean) + poisson_lower_tail(x - 1, mean))

    low = np.where(x > 0, bisect(upper, least, upper_low), 0.0)
    return low, bisect(lower, lower_high, most)


def _byar(x: Floats, alpha: float) -> Limits:
    z, safe, up = _z(alpha), np.where(x > 0, x, 1.0), x + 1
    low = safe * (1 - 1 / (9 * safe) - z / (3 * np.sqrt(safe))) ** 3
    return np.where(x > 0, low, 0.0), up * (1 - 1 / (9 * up) + z / (3 * np.sqrt(up))) ** 3


def _score(x: Floats, alpha: float) -> Limits:
    """Where (count - mean)^2 / mean is z^2; the lower limit is the product form, exact at zero."""
    z = _z(alpha)
    high = x + z**2 / 2 + z * np.sqrt(x + z**2 / 4)
    return x**2 / high, high


def _wald(x: Floats, alpha: float) -> Limits:
    half = _z(alpha) * np.sqrt(x)
    return x - half, x + half


def _log_wald(x: Floats, alpha: float) -> Limits:
    """On the log scale; a count of zero says nothing there, so the limits are 0 and infinity."""
    factor = np.exp(_z(alpha) / np.sqrt(np.where(x > 0, x, 1.0)))
    return np.where(x > 0, x / factor, 0.0), np.where(x > 0, x * factor, np.inf)


def _jeffreys(x: Floats, alpha: float) -> Limits:
    low, high = special.gammaincinv(x + 0.5, alpha / 2), special.gammainccinv(x + 0.5, alpha / 2)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _anscombe(x: Floats, alpha: float) -> Limits:
    """Variance-stabilised: 2 sqrt(count + 3/8) is about normal with variance one (Anscombe 1948)."""
    root, half = np.sqrt(x + 0.375), _z(alpha) / 2
    return np.maximum(root - half, 0.0) ** 2 - 0.375, (root + half) ** 2 - 0.375


def _anscombe_corrected(x: Floats, alpha: float) -> Limits:
    """The same with a continuity correction, as printed by person-years programs."""
    half = _z(alpha) / 2
    low = np.maximum(np.sqrt(np.maximum(x - 0.125, 0.0)) - half, 0.0) ** 2
    return np.where(x > 0, low, 0.0), (np.sqrt(x + 0.875) + half) ** 2


POISSON_METHODS: dict[str, Callable[[Floats, float], Limits]] = {
    "garwood": _garwood,
    "mid-p": _mid_p,
    "blaker": blaker_limits,
    "minlike": minlike_limits,
    "byar": _byar,
    "score": _score,
    "wald": _wald,
    "log-wald": _log_wald,
    "jeffreys": _jeffreys,
    "anscombe": _anscombe,
    "anscombe-corrected": _anscombe_corrected,
}
"""Names of the ways to draw limits; "garwood" is the exact one with a tail of alpha/2 on each side."""


def poisson_pvalue(count: float, mean: float, method: str = "central") -> float:
    """Two-sided p-value of a count against a known Poisson mean.

    "central": twice the smaller tail. "mid-p": the same with half the probability of the count itself.
    "minlike": all counts that are no more probable than the one seen (two probabilities within 1e-7 of each
    other are equal).

    >>> round(poisson_pvalue(11, 6, "minlike"), 6)
    0.059972
    """
    below, above = float(poisson_lower_tail(count, mean)), float(poisson_upper_tail(count, mean))
    point = float(_point(count, mean))
    if method == "central":
        return min(1.0, 2 * min(below, above))
    if method == "mid-p":
        return min(1.0, max(0.0, 2 * min(below - point / 2, above - point / 2)))
    return _minlike_pvalue(count, mean, point * (1 + 1e-7))


def _point(x: ArrayLike, mean: ArrayLike) -> Floats:
    k, m = np.asarray(x, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    return np.asarray(np.exp(special.xlogy(k, m) - m - special.gammaln(k + 1)), dtype=np.float64)


def _minlike_pvalue(x: float, mean: float, point: float) -> float:
    """Sum the tail of the count and the part of the other tail that is no more probable."""
    if _point(np.floor(mean), mean) <= point:
        return 1.0
    if x > mean:
        other = np.arange(0, np.ceil(mean))
        far = other[_point(other, mean) <= point]
        extra = float(poisson_lower_tail(far.max(), mean)) if far.size else 0.0
        return min(1.0, float(poisson_upper_tail(x, mean)) + extra)
    other = np.arange(np.ceil(mean), np.ceil(mean + 40 * np.sqrt(mean + 1) + 2 * mean + 800))
    far = other[_point(other, mean) <= point]
    extra = float(poisson_upper_tail(far.min(), mean)) if far.size else 0.0
    return min(1.0, float(poisson_lower_tail(x, mean)) + extra)
