"""Risk sets: who was at risk, and at which event times.

Ground floor. Let A[k, i] = 1 when row i is at risk at event time t_k of its
stratum. A is never formed. `at_risk_sum` gives A v and `accumulate` gives A'u;
Kaplan-Meier, the log-rank test, Cox regression and their residuals are these two.

Read next: tables.py (counts at each time), partial.py (Cox).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.kernels.grouped import Days, group_sum, ranks, whole_days

__all__ = ["RiskIndex", "accumulate", "at_risk_sum", "risk_index"]

_TABLE = 1 << 24
_SMALL = 1 << 15


@dataclass(frozen=True, eq=False)
class RiskIndex:
    """Where each row stands on the grid of event times.

    Attributes
    ----------
    times : (k,)
        Distinct event times, ascending within each stratum, strata one after another.
    bounds : (s + 1,) int
        Grid points of stratum j are ``bounds[j] .. bounds[j + 1] - 1``.
    enters, leaves : (n,) int
        Row i is at risk at grid points ``enters[i] .. leaves[i] - 1``: the event times t of its
        stratum with entry_i < t <= exit_i.
    moment : (n,) int
        Grid point of the row's own event; -1 for rows without one.
    delayed : bool
        Whether any row enters after the first grid point of its stratum.
    """

    times: Floats
    bounds: Ints
    enters: Ints
    leaves: Ints
    moment: Ints
    delayed: bool

    @property
    def n_times(self) -> int:
        """k, the number of event times over all strata."""
        return len(self.times)

    @cached_property
    def event_rows(self) -> Ints:
        """Rows that have an event, in the order of the rows."""
        return np.flatnonzero(self.moment >= 0)

    @cached_property
    def stratum(self) -> Ints:
        """Stratum of each grid point."""
        return np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))

    @cached_property
    def subtracts(self) -> bool:
        """Whether entries must be subtracted: rows that do not stand at risk from grid point 0."""
        return self.delayed or len(self.bounds) > 2

    def take(self, rows: AnyArray | slice) -> RiskIndex:
        """Keep some rows (positions or a slice), and the event times at which one of them has its event."""
        moment = self.moment[rows]
        has = np.zeros(self.n_times, dtype=bool)
        has[moment[moment >= 0]] = True
        upto = np.concatenate([[0], np.cumsum(has)])
        own = np.where(moment >= 0, upto[moment], -1)
        enters, leaves = upto[self.enters[rows]], upto[self.leaves[rows]]
        return RiskIndex(self.times[has], upto[self.bounds], enters, leaves, own, self.delayed)

    @cached_property
    def _steps(self) -> tuple[Ints, Ints, Floats]:
        """Pointers, grid points and signs of the sparse difference matrix D with A = (reverse cumulative sum) D."""
        n = len(self.leaves)
        if not self.subtracts:
            return np.arange(n + 1, dtype=np.int32), self.leaves.astype(np.int32), np.ones(1)
        points = np.empty((n, 2), dtype=np.int32)
        points[:, 0], points[:, 1] = self.leaves, self.enters
        return np.arange(0, 2 * n + 1, 2, dtype=np.int32), points.ravel(), np.array([1.0, -1.0])


def risk_index(
    entry: AnyArray | None, exit: AnyArray, event: Bools, stratum: Ints | None = None, n_strata: int = 1
) -> RiskIndex:
    """Place every row on the grid of event times.

    Parameters
    ----------
    entry : (n,) or None
        None when everyone is at risk from the start.
    exit : (n,)
    event : (n,) bool
    stratum : (n,) int, optional
        Codes 0 .. n_strata - 1.

    Notes
    -----
    Cost: whole numbers are counted, O(n + range); real times cost one sort.
    """
    days, entry_days, levels = _clock(entry, exit)
    low = days.low if entry_days is None else min(days.low, entry_days.low)
    width = days.high - low + 2
    base = 0 if stratum is None else stratum * np.int64(width)
    begins = None if entry_days is None else entry_days.values
    place = _counted if width * n_strata <= max(_TABLE, 4 * len(exit)) else _searched
    times, bounds, enters, leaves, moment = place(days.values, begins, event, base, low, width, n_strata)
    start = bounds[0] if stratum is None else bounds[stratum]
    delayed = begins is not None and bool(np.any(enters > start))
    named = times.astype(np.float64) if levels is None else levels[times]
    return RiskIndex(named, bounds, enters, leaves, moment, delayed)


def _clock(entry: AnyArray | None, exit: AnyArray) -> tuple[Days, Days | None, Floats | None]:
    """Times as whole numbers: themselves when they are, else the codes of their distinct values."""
    days = whole_days(exit)
    entry_days = None if entry is None or days is None else whole_days(entry)
    if days is not None and (entry is None or entry_days is not None):
        return days, entry_days, None
    levels, codes = ranks(exit) if entry is None else ranks(exit, entry)
    coded = [Days(code, int(code.min()), int(code.max())) for code in codes]
    return coded[0], coded[1] if entry is not None else None, levels


Placed = tuple[Ints, Ints, Ints, Ints, Ints]


def _counted(
    days: Ints, entry_days: Ints | None, event: Bools, base: Ints | int, low: int, width: int, n_strata: int
) -> Placed:
    """One table of "event times up to here" per stratum, looked up by every row."""
    key = (days - low + 1) + base
    has = np.bincount(key[event], minlength=width * n_strata) > 0
    upto = np.cumsum(has)
    slots = np.flatnonzero(has)
    bounds = np.concatenate([[0], upto[width - 1 :: width]])
    leaves = upto[key]
    if entry_days is None:
        enters = np.broadcast_to(np.int64(0), len(days)) if n_strata == 1 else bounds[base // width]
    else:
        enters = upto[(entry_days - low + 1) + base]
    moment = np.where(event, leaves - 1, -1)
    return slots % width + low - 1, bounds, np.ascontiguousarray(enters), leaves, moment


def _searched(
    days: Ints, entry_days: Ints | None, event: Bools, base: Ints | int, low: int, width: int, n_strata: int
) -> Placed:
    """The same by binary search, for many strata of few rows each."""
    key = (days - low + 1) + base
    slots = np.unique(key[event])
    bounds = np.searchsorted(slots, np.arange(n_strata + 1) * np.int64(width))
    leaves = np.searchsorted(slots, key, side="right")
    if entry_days is None:
        enters = bounds[base // width]
    else:
        enters = np.searchsorted(slots, (entry_days - low + 1) + base, side="right")
    moment = np.where(event, leaves - 1, -1)
    return slots % width + low - 1, bounds, np.broadcast_to(enters, len(days)).copy(), leaves, moment


def at_risk_sum(index: RiskIndex, values: AnyArray, scale: Floats | None = None) -> Floats:
    """Sum over the rows at risk at each event time: A v, or A (scale * v).

    Parameters
    ----------
    values : (n,) or (n, p)
        Any units; ones give head counts.
    scale : (n,), optional
        A factor for each row, applied without forming the product.

    Returns
    -------
    (k,) or (k, p), in the units of `values` (times those of `scale`).

    Notes
    -----
    Cost: O(n p + k p); nothing of size n x k is formed. Sums run backwards from the last
    time, so that the few left at the end are not the difference of large numbers; rows that
    enter late are subtracted at their entry.
    Error: whole numbers are exact below 2**53; otherwise about (n + k) eps sum(|values|).
    Source: Andersen, Borgan, Gill & Keiding (1993), the at-risk process Y.
    """
    k = index.n_times
    if values.ndim == 1:
        weight = values if scale is None else values * scale
        steps = np.bincount(index.leaves, weight, k + 1)
        if index.subtracts:
            steps -= np.bincount(index.enters, weight, k + 1)
    else:
        weight = np.ones(len(values)) if scale is None else scale
        steps = (_counted_steps if values.size <= _SMALL else _sparse_steps)(index, values, weight)
    return np.cumsum(steps[:0:-1], axis=0)[::-1]


def _counted_steps(index: RiskIndex, values: AnyArray, scale: Floats) -> Floats:
    """Column by column: quicker than making a sparse matrix when there are few numbers."""
    scaled, k = values * scale[:, None], index.n_times + 1
    steps = group_sum(scaled, index.leaves, k)
    return steps - group_sum(scaled, index.enters, k) if index.subtracts else steps


def _sparse_steps(index: RiskIndex, values: AnyArray, scale: Floats) -> Floats:
    pointers, points, signs = index._steps
    if len(signs) == 1:
        data = scale
    else:
        both = np.empty((len(scale), 2))
        both[:, 0] = scale
        np.negative(scale, out=both[:, 1])
        data = both.ravel()
    shape = (index.n_times + 1, len(values))
    return np.asarray(sparse.csc_array((data, points, pointers), shape=shape) @ values)


def accumulate(index: RiskIndex, steps: Floats) -> Floats:
    """For each row, the sum of `steps` over the event times it lived through: A'u.

    Parameters
    ----------
    steps : (k,) or (k, p)

    Returns
    -------
    (n,) or (n, p)

    Notes
    -----
    Cost: a cumulative sum and two look-ups, O(n p + k p).
    """
    total = np.zeros((index.n_times + 1, *steps.shape[1:]))
    np.cumsum(steps, axis=0, out=total[1:])
    out = np.take(total, index.leaves, axis=0)
    if index.subtracts:
        out -= np.take(total, index.enters, axis=0)
    return out
