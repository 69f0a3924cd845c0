"""Likelihood of a rate when dates are rounded: known to a range of days, or heaped on one day of a month.

Ground floor: NumPy and SciPy. Events are a Poisson process whose log rate is a linear form in columns evaluated at a
few points of every day (Gauss-Legendre), so that integrals over days are exact to rounding for smooth rates. Everything
that is seen has a mean that is a sum over days of L, the integrals of the rate; ranges are differences of cumulative
sums, and derivatives travel the same two ways (sums over ranges, and sums over the ranges that hold a day).

Read next: ascent.py (the search). Called by: models.counts.rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.ascent import Surface

__all__ = ["NODES", "Heap", "RoundedData", "rounded_terms"]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)
"""Points of one day, from -1 to 1, and their weights (which add to two)."""


@dataclass(frozen=True, eq=False)
class Heap:
    """One way to round: some records of a period are written on one day of it.

    Attributes
    ----------
    low, high : (h,) int
        Cells that each heaped cell draws from (a run of days of one series), as a range of places.
    at : (h,) int
        Place of the heaped cell itself.
    """

    low: Ints
    high: Ints
    at: Ints


@dataclass(frozen=True, eq=False)
class RoundedData:
    """What was seen, day by day; series (key combinations) follow one another, each with all days.

    Attributes
    ----------
    design : (cells x nodes, p)
        Columns at the nodes, cell by cell.
    offset : (cells x nodes,)
    weight : (cells x nodes,)
        Exposure that each node stands for.
    n : (cells,)
        Records with a certain day.
    middle : (cells, p) and (cells,), or None
        Design and offset at the middle of each day, when a certain day stands for its middle, not for its length.
    low, high, times : (r,)
        Ranges as places of cells, and how many records have each.
    heaps : tuple of Heap
    """

    design: Floats
    offset: Floats
    weight: Floats
    n: Floats
    middle: tuple[Floats, Floats] | None
    low: Ints
    high: Ints
    times: Floats
    heaps: tuple[Heap, ...] = ()

    @property
    def nodes(self) -> int:
        """Nodes of each cell."""
        return len(self.weight) // len(self.n)

    def by_cell(self, values: Floats) -> Floats:
        """Sum over the nodes of each cell."""
        return values.reshape(len(self.n), self.nodes, *values.shape[1:]).sum(axis=1)


def ranges(values: Floats, low: Ints, high: Ints) -> Floats:
    """Sum of `values` over the places ``low .. high - 1`` of each range.

    >>> ranges(np.array([1.0, 2.0, 4.0]), np.array([0, 1]), np.array([2, 3])).tolist()
    [3.0, 6.0]
    """
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    return total[high] - total[low]


def covering(amount: Floats, low: Ints, high: Ints, size: int) -> Floats:
    """For each place, the sum of the amounts of the ranges that hold it: the adjoint of `ranges`.

    >>> covering(np.array([1.0, 3.0]), np.array([0, 1]), np.array([2, 3]), 3).tolist()
    [1.0, 4.0, 3.0]
    """
    steps = np.bincount(low, amount, size + 1) - np.bincount(high, amount, size + 1)
    return np.cumsum(steps)[:-1]


def rounded_terms(data: RoundedData, at: Floats) -> Surface | None:
    """Log-likelihood, its gradient and information at (beta, heap logits); None where rates overflow.

    The heap logits are log odds of each way of rounding against writing the day itself.
    """
    p = data.design.shape[1]
    line = data.offset + data.design @ at[:p]
    if not np.all(line < 600):
        return None
    rate = data.weight * np.exp(line)
    length = data.by_cell(rate)
    slope = data.by_cell(rate[:, None] * data.design)
    parts = [_ranged(data, length, slope)]
    parts.append(_heaped(data, at[p:], length, slope) if data.heaps else _daily(data, at[:p], length, slope))
    size = len(at)
    value, gradient, outer = 0.0, np.zeros(size), np.zeros((size, size))
    bend = np.zeros(len(length))
    for part in parts:
        value += part.value
        gradient += part.gradient
        outer += part.outer
        bend += part.bend
    # The second derivative of every integral is the design's cross product under the rate.
    flow = rate * np.repeat(bend, data.nodes)
    information = outer
    information[:p, :p] -= (data.design * flow[:, None]).T @ data.design

    def stand_in() -> Floats:
        """Complete data: every day known, and the heaped share apart from the rate."""
        made = np.diag(np.maximum(np.abs(np.diag(information)), 1e-8))
        made[:p, :p] = (data.design * rate[:, None]).T @ data.design
        return made

    return Surface(value, gradient, information, stand_in) if np.isfinite(value) else None


@dataclass(frozen=True, eq=False)
class _Part:
    """What one kind of observation adds: `outer` is minus the part of the second derivative that is not in `bend`."""

    value: float
    gradient: Floats
    outer: Floats
    bend: Floats


def _ranged(data: RoundedData, length: Floats, slope: Floats) -> _Part:
    """Records known to a range: log of the integral over it."""
    size = len(length)
    p = slope.shape[1]
    whole = p + len(data.heaps)
    gradient, outer = np.zeros(whole), np.zeros((whole, whole))
    if not len(data.low):
        return _Part(0.0, gradient, outer, np.zeros(size))
    mean = ranges(length, data.low, data.high)
    slopes = ranges(slope, data.low, data.high) / mean[:, None]
    gradient[:p] = data.times @ slopes
    outer[:p, :p] = (slopes * data.times[:, None]).T @ slopes
    bend = covering(data.times / mean, data.low, data.high, size)
    return _Part(float(data.times @ np.log(mean)), gradient, outer, bend)


def _daily(data: RoundedData, beta: Floats, length: Floats, slope: Floats) -> _Part:
    """Records with a day, and minus the whole integral."""
    total = slope.sum(axis=0)
    p = len(total)
    if data.middle is not None:
        design, offset = data.middle
        value = float(data.n @ (offset + design @ beta))
        return _Part(value - length.sum(), data.n @ design - total, np.zeros((p, p)), np.full(len(length), -1.0))
    seen = np.flatnonzero(data.n)
    n, mean, ratio = data.n[seen], length[seen], slope[seen] / length[seen, None]
    bend = np.full(len(length), -1.0)
    bend[seen] += n / mean
    value = float(n @ np.log(mean)) - float(length.sum())
    return _Part(value, n @ ratio - total, (ratio * n[:, None]).T @ ratio, bend)


def _heaped(data: RoundedData, logits: Floats, length: Floats, slope: Floats) -> _Part:
    """Each day's mean is what stays on it and what is rounded to it; minus the sum of these means.

    What is rounded to a day outside the window is not seen, and is left out of the sum.
    """
    p, h = slope.shape[1], len(logits)
    odds = np.exp(np.concatenate([[0.0], logits]) - max(float(logits.max()), 0.0))
    share = odds / odds.sum()
    means = np.zeros((h + 1, len(length)))
    means[0] = length
    slopes = share[0] * slope
    pulled = [ranges(slope, heap.low, heap.high) for heap in data.heaps]
    for k, heap in enumerate(data.heaps, start=1):
        means[k, heap.at] = ranges(length, heap.low, heap.high)
        slopes[heap.at] += share[k] * pulled[k - 1]
    mean = share @ means
    # Derivative of the shares in the logits: share_j (1{j = k} - share_k).
    turn = np.diag(share)[1:] - np.outer(share[1:], share)
    by_logit = turn @ means
    seen = np.flatnonzero(data.n)
    n = data.n[seen]
    ratio = np.column_stack([slopes[seen], by_logit[:, seen].T]) / mean[seen, None]
    value = float(n @ np.log(mean[seen])) - float(mean.sum())
    pull = np.full(len(length), -1.0)
    pull[seen] += n / mean[seen]
    gradient = n @ ratio - np.concatenate([slopes.sum(axis=0), by_logit.sum(axis=1)])
    outer = (ratio * n[:, None]).T @ ratio
    outer[p:, p:] -= _logit_bend(share, means @ pull)
    cross = _cross(turn, slope, pulled, data, pull)
    outer[:p, p:] -= cross
    outer[p:, :p] -= cross.T
    bend = share[0] * pull
    for k, heap in enumerate(data.heaps, start=1):
        bend = bend + share[k] * covering(pull[heap.at], heap.low, heap.high, len(length))
    return _Part(value, gradient, outer, bend)


def _cross(turn: Floats, slope: Floats, pulled: list[Floats], data: RoundedData, pull: Floats) -> Floats:
    """Second derivative of the weighted means in (beta, logits): (p, h)."""
    each = [slope.T @ pull] + [part.T @ pull[heap.at] for part, heap in zip(pulled, data.heaps, strict=True)]
    return np.asarray(np.column_stack(each) @ turn.T, dtype=np.float64)


def _logit_bend(share: Floats, amount: Floats) -> Floats:
    """Second derivative of ``share @ amount`` in the logits."""
    s, a = share[1:], amount[1:]
    middle = float(share @ amount)
    gap = a - middle
    return np.asarray(np.diag(s * gap) - np.outer(s * gap, s) - np.outer(s, s * gap), dtype=np.float64)
