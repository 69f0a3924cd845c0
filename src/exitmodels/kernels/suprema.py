"""How far a Brownian path strays: probabilities behind bands of curves and supremum tests.

Ground floor: NumPy and SciPy. Each probability is a series that converges fast where it is used; none is read from a
table or simulated.

Called by: results.banding (critical values), models.nonparametric.renyi (p-value).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import linalg, optimize, special

from exitmodels.arrays import Floats

__all__ = ["bridge_critical", "bridge_inside", "motion_exceeds", "scaled_critical", "scaled_inside"]

_FADED = 40.0
_MOST_TERMS = 200_000
_BASIS = 64


def motion_exceeds(bound: float) -> float:
    """P(|W(s)| > bound for some s in [0, 1]) for Brownian motion W.

    Notes
    -----
    By reflection this is four times an alternating sum of normal tails at the odd multiples of the bound, which
    keeps its digits far out; below a bound of 1 the theta series of the complement takes fewer terms.
    Source: Billingsley (1968), section 11; Klein & Moeschberger (2003), section 7.6.

    Examples
    --------
    >>> round(motion_exceeds(2.2414), 4)
    0.05
    """
    if np.isnan(bound):
        return np.nan
    if bound <= 0:
        return 1.0
    odd = 2.0 * np.arange(64) + 1.0
    sign = np.where(np.arange(64) % 2 == 0, 1.0, -1.0)
    if bound >= 1:
        return float(4.0 * np.sum(sign * special.ndtr(-odd * bound)))
    return float(1.0 - 4.0 / np.pi * np.sum(sign / odd * np.exp(-((np.pi * odd / bound) ** 2) / 8.0)))


def bridge_inside(bound: float, low: float, high: float) -> float:
    """P(|B(u)| <= bound for all u in [low, high]) for the Brownian bridge B on [0, 1].

    Parameters
    ----------
    bound : float
        Positive.
    low, high : float
        0 <= low <= high < 1.

    Notes
    -----
    The bridge is Brownian motion that ends in zero. Motion killed at +-bound has the sine series as its density, and
    the normal densities that lead up to `low` and on from `high` are integrated against each sine in closed form
    (with the Faddeeva function). Source: Hall & Wellner (1980); the series is that of Feller (1971), section X.5.

    Examples
    --------
    Over the whole of [0, 1] it is Kolmogorov's law:

    >>> round(bridge_inside(1.3581, 0.0, 1 - 1e-12), 4)
    0.95
    """
    width = high - low
    if width <= 0:
        spread = np.sqrt(low * (1 - low))
        return float(special.erf(bound / (np.sqrt(2) * spread))) if spread > 0 else 1.0
    terms = min(int(np.sqrt(8 * _FADED * bound**2 / (np.pi**2 * width)) / 2) + 2, _MOST_TERMS)
    frequency = np.pi * (2.0 * np.arange(terms) + 1.0) / (2.0 * bound)
    decay = np.exp(-(frequency**2) * width / 2.0)
    parts = _cosine_of_normal(frequency, bound, low) * _cosine_of_normal(frequency, bound, 1.0 - high)
    return float(np.clip(np.sqrt(2 * np.pi) / bound * np.sum(decay * parts), 0.0, 1.0))


def _cosine_of_normal(frequency: Floats, bound: float, variance: float) -> Floats:
    """Integral over [-bound, bound] of cos(frequency x) times the normal density with this variance."""
    if variance <= 0:
        return np.ones_like(frequency)
    root = np.sqrt(2.0 * variance)
    argument = (-frequency * variance + 1j * bound) / root
    cut = np.exp(-(bound**2) / (2 * variance)) * np.exp(-1j * frequency * bound) * special.wofz(argument)
    return np.asarray(np.exp(-(frequency**2) * variance / 2.0) - cut.real)


def scaled_inside(bound: float, ratio: float) -> float:
    """P(|W(s)| <= bound sqrt(s) for all s in [1, ratio]) for Brownian motion W.

    Parameters
    ----------
    bound : float
        Positive.
    ratio : float
        At least 1: the largest variance over the smallest.

    Notes
    -----
    On the scale of log time W(s) / sqrt(s) is a stationary Ornstein-Uhlenbeck path, and the probability is a sum of
    exponentials of log(ratio) / 2 over the eigenvalues of Hermite's operator on [-bound, bound]; these come from a
    Legendre-Galerkin matrix of 64 even polynomials. The usual formula of Miller and Siegmund (1982) is the
    first-order tail of this. Source: Nair (1984); DeLong (1981).

    Examples
    --------
    >>> round(scaled_inside(1.959964, 1.0), 4)
    0.95
    """
    if ratio <= 1:
        return float(special.erf(bound / np.sqrt(2)))
    rates, shares = _ornstein_uhlenbeck(float(bound))
    return float(np.clip(np.sum(shares * np.exp(-rates * np.log(ratio) / 2.0)), 0.0, 1.0))


@lru_cache(maxsize=64)
def _ornstein_uhlenbeck(bound: float) -> tuple[Floats, Floats]:
    """Rates of decay of the killed path, and the share of the stationary law that each carries.

    With f = exp(x^2 / 4) g the operator f'' - x f' becomes g'' - (x^2 / 4 - 1 / 2) g, whose matrices are well
    conditioned for the polynomials P_j+2 - P_j, which vanish at the ends.
    """
    nodes, weights = np.polynomial.legendre.leggauss(4 * _BASIS)
    degrees = 2 * np.arange(_BASIS)
    legendre = np.polynomial.legendre.legvander(nodes, int(degrees[-1]) + 2)
    basis = (legendre[:, degrees + 2] - legendre[:, degrees]) / np.sqrt(4.0 * degrees + 6.0)
    weighted = basis * (weights * bound)[:, None]
    x = bound * nodes
    mass = basis.T @ weighted
    stiffness = np.eye(_BASIS) / bound + basis.T @ (weighted * (x**2 / 4.0 - 0.5)[:, None])
    rates, vectors = linalg.eigh(stiffness, mass)
    root_density = np.exp(-(x**2) / 4.0) / (2 * np.pi) ** 0.25
    return rates, ((weighted.T @ root_density) @ vectors) ** 2


def scaled_critical(alpha: float, ratio: float) -> float:
    """Bound that |W(s)| / sqrt(s) leaves on [1, ratio] with probability alpha: for equal-precision bands.

    Examples
    --------
    For variances from 0.1 / 0.9 to 0.6 / 0.4 Klein & Moeschberger (2003), example 4.2, read 2.8826 from a table made
    with the formula of Miller and Siegmund; the exact bound is a little wider.

    >>> round(scaled_critical(0.05, (0.6 / 0.4) / (0.1 / 0.9)), 4)
    2.8873
    """
    start = float(special.ndtri(1 - alpha / 2))
    if ratio <= 1:
        return start
    return _solve(lambda bound: scaled_inside(bound, ratio), start, alpha)


def bridge_critical(alpha: float, low: float, high: float) -> float:
    """Bound that the Brownian bridge leaves on [low, high] with probability alpha: for Hall-Wellner bands.

    Examples
    --------
    Klein & Moeschberger (2003), example 4.2, read 1.3211 from a table:

    >>> round(bridge_critical(0.05, 0.1, 0.6), 4)
    1.3211
    """
    middle = min(max(0.5, low), high)
    start = float(special.ndtri(1 - alpha / 2)) * np.sqrt(middle * (1 - middle))
    if start <= 0:
        return 0.0
    return _solve(lambda bound: bridge_inside(bound, low, high), start, alpha) if high > low else start


def _solve(inside: Callable[[float], float], start: float, alpha: float) -> float:
    """Find the bound at or above `start` where the probability of staying inside reaches 1 - alpha."""
    high = start
    while inside(high) < 1 - alpha:
        start, high = high, 1.25 * high
    if high == start:
        return start
    return float(optimize.brentq(lambda bound: inside(bound) - (1 - alpha), start, high, xtol=1e-12, rtol=1e-13))
