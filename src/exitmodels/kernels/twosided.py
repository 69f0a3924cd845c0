"""Two-sided exact limits for a Poisson mean: Blaker's and the ones of least likelihood.

Ground floor: NumPy and SciPy. Both invert a two-sided test whose p-value has jumps as the mean moves.
Between two jumps the p-value is one minus the probability of a run of counts, which has a single
top; so the p-value crosses alpha at most once on each piece, and each limit is either that crossing or a jump.

Called by: exact.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from exitmodels.arrays import Floats

__all__ = ["blaker_limits", "minlike_limits", "poisson_lower_tail", "poisson_upper_tail"]

_TINY = 4e-15


def poisson_lower_tail(x: ArrayLike, mean: ArrayLike) -> Floats:
    """P(X <= x); zero below a count of zero."""
    known = np.where(np.asarray(x) >= 0, special.gammaincc(np.maximum(x, 0) + 1.0, mean), 0.0)
    return np.asarray(known, dtype=np.float64)


def poisson_upper_tail(x: ArrayLike, mean: ArrayLike) -> Floats:
    """P(X >= x); one at a count of zero."""
    known = np.where(np.asarray(x) > 0, special.gammainc(np.maximum(x, 1.0), mean), 1.0)
    return np.asarray(known, dtype=np.float64)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high, xtol=1e-300, rtol=_TINY, maxiter=500))


def blaker_limits(counts: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Blaker's limits: nested inside Garwood's, shorter on average, coverage never below 1 - alpha.

    The p-value adds to the smaller tail of the count the largest opposite tail that is no more probable.
    Source: Blaker (2000), Canadian Journal of Statistics 28, theorem 1.
    """
    pairs = [(_blaker_low(x, alpha), _blaker_high(x, alpha)) for x in counts]
    return _columns(pairs)


def _blaker_low(x: float, alpha: float) -> float:
    """The p-value is at most twice the upper tail, so no smaller mean than Garwood's limit is accepted."""
    if x == 0:
        return 0.0
    start = float(special.gammaincinv(x, alpha / 2))
    below = _last_below(start, alpha / 2)

    def tails_differ(mean: float) -> float:
        return float(poisson_upper_tail(x, mean)) - float(poisson_lower_tail(below + 1, mean))

    def excess(mean: float) -> float:
        return float(poisson_upper_tail(x, mean)) + float(poisson_lower_tail(below, mean)) - alpha

    jump = _root(tails_differ, start, x + 1.0)
    return _root(excess, start, jump) if excess(jump) > 0 else jump


def _blaker_high(x: float, alpha: float) -> float:
    start = float(special.gammainccinv(x + 1, alpha / 2))
    above = _first_above(start, alpha / 2)

    def tails_differ(mean: float) -> float:
        return float(poisson_lower_tail(x, mean)) - float(poisson_upper_tail(above - 1, mean))

    def excess(mean: float) -> float:
        return float(poisson_lower_tail(x, mean)) + float(poisson_upper_tail(above, mean)) - alpha

    jump = _root(tails_differ, max(x * 0.5, 1e-12), start)
    return _root(excess, jump, start) if excess(jump) > 0 else jump


def _last_below(mean: float, probability: float) -> float:
    """Return the largest y with P(X <= y) <= probability, or -1."""
    y = float(np.ceil(special.pdtrik(probability, mean))) if special.pdtr(0, mean) <= probability else -1.0
    while y >= 0 and poisson_lower_tail(y, mean) > probability:
        y -= 1
    while poisson_lower_tail(y + 1, mean) <= probability:
        y += 1
    return y


def _first_above(mean: float, probability: float) -> float:
    """Return the smallest y with P(X >= y) <= probability."""
    y = float(np.ceil(special.pdtrik(1 - probability, mean))) + 1
    while poisson_upper_tail(y, mean) > probability:
        y += 1
    while poisson_upper_tail(y - 1, mean) <= probability:
        y -= 1
    return y


def minlike_limits(counts: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Limits that match the test which adds up all counts no more probable than the one seen.

    When the accepted means have a gap, the outermost ones are given.
    Source: Sterne (1954); Fay (2010), R Journal 2(1).
    """
    pairs = [(_minlike_low(x, alpha), _minlike_high(x, alpha)) for x in counts]
    return _columns(pairs)


def _equal_likelihood(x: float, y: Floats) -> Floats:
    """The mean at which x and y are equally probable: (x!/y!)^(1/(x-y))."""
    return np.asarray(np.exp((special.gammaln(x + 1) - special.gammaln(y + 1)) / (x - y)), dtype=np.float64)


def _minlike_low(x: float, alpha: float) -> float:
    """Walk up the pieces; the lower tail never outweighs the upper one by as much as 19 to 1."""
    if x == 0:
        return 0.0
    start, stop = special.gammaincinv(x, [alpha / 20, alpha])
    # A geometric mean is below the arithmetic one, so no y under 2 start - x has its jump above `start`.
    inside = np.arange(max(0.0, np.floor(2 * start - x) - 3), x, dtype=np.float64)
    jumps = _equal_likelihood(x, inside)
    first = int(np.searchsorted(jumps, start, side="right"))
    last = min(int(np.searchsorted(jumps, stop, side="right")), len(jumps) - 1)
    edges = np.concatenate([[start], jumps[first : last + 1]])
    below = inside[0] + np.arange(first - 1, last)
    for piece, y in enumerate(below):

        def excess(mean: float, y: float = y) -> float:
            return float(poisson_upper_tail(x, mean)) + float(poisson_lower_tail(y, mean)) - alpha

        low, high = float(edges[piece]), float(edges[piece + 1])
        if excess(low) > 0:
            return low
        if excess(high) > 0:
            return _root(excess, low, high)
    return float(edges[-1])


def _minlike_high(x: float, alpha: float) -> float:
    """Walk down the pieces from a mean that no test would accept."""
    start, stop = special.gammainccinv(x + 1, [alpha / 20, alpha])
    outside = np.asarray(x + 1 + np.arange(int(np.e * (start - x)) + 20 + int(4 * np.sqrt(start))), dtype=np.float64)
    jumps = _equal_likelihood(x, outside)
    first = int(np.searchsorted(jumps, start, side="left"))
    last = max(int(np.searchsorted(jumps, stop, side="left")) - 1, 0)
    edge = float(start)
    for piece in range(first, last - 1, -1):
        z = float(outside[piece])

        def excess(mean: float, z: float = z) -> float:
            return float(poisson_lower_tail(x, mean)) + float(poisson_upper_tail(z, mean)) - alpha

        low = float(jumps[piece - 1]) if piece > 0 else 0.0
        if excess(edge) > 0:
            return edge
        if excess(low) > 0:
            return _root(excess, low, edge)
        edge = low
    return edge


def _columns(pairs: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    both = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
