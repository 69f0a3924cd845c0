"""Self-exciting events known only as counts of periods: a likelihood that does not invent times within a day.

Ground floor: NumPy and SciPy. Two things are said of a period: what comes into it from outside (the background, and
children of events in earlier periods, whose events are taken to be spread evenly over theirs), and which share of the
children of its own events falls into the same period. Each event from outside then founds a family, and family sizes
follow the Borel law, so that the count is generalised Poisson.

Exact when children come much later than a period (Poisson given the past), and when they come much sooner (independent
Borel-Tanner counts); between the two it is an approximation. The branching ratio keeps its meaning: shares add to one.
Source of the law: Tanner (1961); Consul and Jain (1973). Shlomovich, Cohen, Adams and Patel (2022) and Kirchner
(2017) on binned self-exciting counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Surface
from exitmodels.kernels.recursions import bands, lagged, solve

__all__ = ["Binned", "binned_surface", "family_log_law", "rates"]

_SMALL = 1e-5


@dataclass(frozen=True, eq=False)
class Binned:
    """Counts of periods that follow one another without gaps.

    Attributes
    ----------
    n : (k,)
        Counts.
    length : (k,)
        Length of each period, in the unit of time.
    exposure : (k,)
        What the background is a rate of; usually the length.
    design : (k, p)
    """

    n: Floats
    length: Floats
    exposure: Floats
    design: Floats


def family_log_law(n: Floats, outside: Floats, within: Floats) -> Floats:
    """Log-probability of n events in all, when Poisson(outside) founders have families of branching ratio `within`.

    Source: Consul and Jain (1973), the generalised Poisson law; mean outside / (1 - within).

    Examples
    --------
    >>> n = np.arange(200.0)
    >>> round(float(np.exp(family_log_law(n, np.float64(2.0), np.float64(0.4))).sum()), 10)
    1.0
    """
    whole = outside + within * n
    found = np.log(outside) + (n - 1) * np.log(whole) - whole - gammaln(n + 1)
    return np.where(n > 0, found, -outside)


def _shares(decay: float, length: Floats) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Survival over a period, and from an event within to its end on average; with two derivatives by log decay."""
    u = decay * length
    keep = np.exp(-u)
    small = u < _SMALL
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(small, 1 - u / 2 + u * u / 6, -np.expm1(-u) / u)
    slope = np.where(small, -u / 2 + u * u / 3, keep - mean)
    return (keep, -u * keep, (u * u - u) * keep), (mean, slope, -u * keep - slope)


def rates(data: Binned, theta: Floats) -> tuple[tuple[Floats, ...], tuple[Floats, ...], Floats] | None:
    """What comes from outside and the branching ratio within each period, with derivatives by log decay.

    Returns
    -------
    carried : three (k,)
        Children of earlier periods, and the first and second derivative.
    within : three (k,)
    background : (k,)
    None where something overflows or a period explodes within itself.
    """
    p = data.design.shape[1]
    if np.any((theta > 100) | (theta < -300)):
        return None
    with np.errstate(over="ignore", under="ignore"):
        background = data.exposure * np.exp(data.design @ theta[:p])
        eta, beta = float(np.exp(theta[p])), float(np.exp(theta[p + 1]))
        (c, c1, c2), (m, m1, m2) = _shares(beta, data.length)
    within = tuple(eta * part for part in (1 - m, -m1, -m2))
    if not np.isfinite(background).all() or within[0].max() >= 1:
        return None
    packed = bands({1: lagged(c, 1)}, len(c))
    r = solve(packed, lagged(data.n * m, 1))
    r1 = solve(packed, lagged(c1 * r + data.n * m1, 1))
    r2 = solve(packed, lagged(2 * c1 * r1 + c2 * r + data.n * m2, 1))
    carried = (r * (1 - c), r1 * (1 - c) - r * c1, r2 * (1 - c) - 2 * r1 * c1 - r * c2)
    return tuple(eta * part for part in carried), within, background


def binned_surface(data: Binned, theta: Floats) -> Surface | None:
    """Log-likelihood, gradient and observed information; parameters as in `hawkes.exact_surface`.

    Notes
    -----
    Cost: O(k p^2).
    """
    made = rates(data, theta)
    if made is None:
        return None
    (s, s1, s2), (w, w1, w2), mu = made
    n, outside = data.n, mu + s
    if not np.all(outside > 0):
        return None
    value = float(family_log_law(n, outside, w).sum())
    if not np.isfinite(value):
        return None
    some, whole = n > 0, outside + w * n
    by_outside = np.where(some, 1 / outside + (n - 1) / whole - 1, -1.0)
    by_within = np.where(some, n * (n - 1) / whole - n, 0.0)
    oo = np.where(some, -1 / outside**2 - (n - 1) / whole**2, 0.0)
    ow = np.where(some, -(n - 1) * n / whole**2, 0.0)
    ww = np.where(some, -(n**2) * (n - 1) / whole**2, 0.0)
    slopes = np.column_stack([mu[:, None] * data.design, s, s1])
    inner = np.column_stack([np.zeros_like(data.design), w, w1])
    scores = by_outside[:, None] * slopes + by_within[:, None] * inner
    second = slopes.T @ (oo[:, None] * slopes) + inner.T @ (ww[:, None] * inner)
    mixed = slopes.T @ (ow[:, None] * inner)
    second += mixed + mixed.T
    p = data.design.shape[1]
    second[:p, :p] += data.design.T @ ((by_outside * mu)[:, None] * data.design)
    bends = ((p, p, s, w), (p, p + 1, s1, w1), (p + 1, p, s1, w1), (p + 1, p + 1, s2, w2))
    for i, j, o, v in bends:
        second[i, j] += float(by_outside @ o + by_within @ v)
    return Surface(value, scores.sum(axis=0), -second, lambda: scores.T @ scores)
