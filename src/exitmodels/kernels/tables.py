"""Event tables: at each time, how many were at risk, left for each cause, or were censored.

Ground floor. Everything nonparametric starts here. Whole-day times are counted
into a histogram; real times are sorted once, as one 64-bit key that holds the
time and the cause together.

Read next: products.py (curves), logrank.py (tests).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import CHUNK, AnyArray, Floats, Ints
from exitmodels.kernels.grouped import TIE_TOLERANCE, Days, ranks, whole_days

__all__ = ["EventTable", "event_table", "grouped_tables", "histogram"]


@dataclass(frozen=True, eq=False)
class EventTable:
    """Counts at the distinct exit times of one group (weighted, when rows carry weights).

    Attributes
    ----------
    time : (k,)
        Ascending.
    at_risk : (k,)
        Just before `time`: entered earlier, not yet gone.
    events : (j, k)
        Exits for each of j causes.
    censored : (k,)
    """

    time: Floats
    at_risk: Floats
    events: Floats
    censored: Floats

    @property
    def all_events(self) -> Floats:
        """Exits for any cause."""
        return self.events[0] if len(self.events) == 1 else self.events.sum(axis=0)


def event_table(
    exit: AnyArray, event: Ints, n_causes: int, entry: AnyArray | None = None, weight: Floats | None = None
) -> EventTable:
    """Count one group.

    Parameters
    ----------
    exit : (n,)
    event : (n,) int
        0 for censored, 1 .. n_causes for the causes.
    entry : (n,), optional
        Rows are at risk on (entry, exit].
    weight : (n,), optional

    Notes
    -----
    Cost: one pass over the rows for whole numbers, one sort otherwise.
    """
    days = whole_days(exit)
    entry_days = None if entry is None or days is None else whole_days(entry)
    if days is not None and (entry is None or entry_days is not None):
        counts, enters, low = histogram(days, event, n_causes, entry_days, weight)
        times: AnyArray = np.arange(low, low + counts.shape[-1])
    else:
        if weight is None:
            sorted_table = _packed(exit, event, n_causes, entry)
            if sorted_table is not None:
                return sorted_table
        levels, codes = ranks(exit) if entry is None else ranks(exit, entry)
        coded = [Days(code, int(code.min()), int(code.max())) for code in codes]
        counts, enters, low = histogram(coded[0], event, n_causes, coded[1] if entry is not None else None, weight)
        times = levels[low : low + counts.shape[-1]]
    return _finish(times, counts[0], None if enters is None else enters[0])


def histogram(
    days: Days,
    event: Ints,
    n_causes: int,
    entry_days: Days | None = None,
    weight: Floats | None = None,
    group: Ints | None = None,
    n_groups: int = 1,
) -> tuple[AnyArray, AnyArray | None, int]:
    """Count exits by group, cause and day, and entries by group and day.

    Returns
    -------
    exits : (n_groups, n_causes + 1, width)
    entries : (n_groups, width) or None
    low : int
        The day of the first column.
    """
    low = days.low if entry_days is None else min(days.low, entry_days.low)
    width = days.high - low + 1
    size = n_groups * (n_causes + 1) * width
    own = None if group is None else (group, n_causes + 1)
    exits = _count(size, days.values, low, width, weight, (event, 1), own)
    entries = None
    if entry_days is not None:
        own = None if group is None else (group, 1)
        entries = _count(n_groups * width, entry_days.values, low, width, weight, own).reshape(n_groups, width)
    return exits.reshape(n_groups, n_causes + 1, width), entries, low


def _count(
    size: int, days: Ints, low: int, width: int, weight: Floats | None, *parts: tuple[Ints, int] | None
) -> AnyArray:
    """Histogram of (sum of code * factor) * width + day - low, by chunks that stay in cache."""
    keyed = [(codes, np.int64(factor * width)) for codes, factor in (part for part in parts if part is not None)]
    total = np.zeros(size, dtype=np.int64 if weight is None else np.float64)
    step = max(CHUNK, size // 4)
    for start in range(0, len(days), step):
        rows = slice(start, start + step)
        key = days[rows] - low if low else days[rows]
        for codes, factor in keyed:
            key = key + codes[rows] * factor
        total += np.bincount(key, None if weight is None else weight[rows], size)
    return total


def _finish(times: AnyArray, counts: AnyArray, entries: AnyArray | None) -> EventTable:
    """Turn histograms over (cause, day) into a table at the days on which someone left."""
    leaving = counts.sum(axis=0)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if entries is not None:
        at_risk = at_risk - (np.cumsum(entries[::-1])[::-1])
    keep = np.flatnonzero(leaving)
    kept = counts[:, keep].astype(np.float64)
    return EventTable(times[keep].astype(np.float64), at_risk[keep].astype(np.float64), kept[1:], kept[0])


def _packed(exit: AnyArray, event: Ints, n_causes: int, entry: AnyArray | None) -> EventTable | None:
    """Sort all moments as integer keys that hold time and kind; None when the times do not fit.

    Non-negative doubles sort like their bit patterns, so a shift frees the low bits for the kind:
    the event code at exits, n_causes + 1 at entries. Entries before the first exit only count.
    """
    bits = (n_causes + 1).bit_length()
    begin = float(exit.min())
    if begin < 0:
        return None
    base = int(np.float64(begin).view(np.int64))
    if (int(np.float64(exit.max()).view(np.int64)) - base) >> (62 - bits):
        return None
    late = None if entry is None else entry[entry >= begin * (1 - TIE_TOLERANCE)]
    n_late = 0 if late is None else len(late)
    key = np.empty(len(exit) + n_late, dtype=np.int64)
    _fill_keys(key[: len(exit)], exit, event, base, bits)
    if late is not None:
        _fill_keys(key[len(exit) :], np.maximum(late, begin), n_causes + 1, base, bits)
    key.sort()
    return _tally(_Moments(key, base, bits), n_causes, len(exit))


def _fill_keys(out: Ints, times: AnyArray, code: Ints | int, base: int, bits: int) -> None:
    np.subtract(np.ascontiguousarray(times, dtype=np.float64).view(np.int64), base, out=out)
    np.left_shift(out, bits, out=out)
    np.bitwise_or(out, code, out=out)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sorted moments, as keys that hold the bits of a time and, below them, a kind."""

    key: Ints
    base: int
    bits: int

    def times(self, start: int, stop: int) -> Floats:
        return ((self.key[start:stop] >> self.bits) + self.base).view(np.float64)

    def kinds(self, start: int, stop: int) -> AnyArray:
        return (self.key[start:stop] & ((1 << self.bits) - 1)).astype(np.int8)

    def pieces(self, tolerance: float) -> Iterator[tuple[Floats, AnyArray, Ints]]:
        """Give times, kinds and the last place of each run of (nearly) tied times, without cutting a run."""
        n, start, size = len(self.key), 0, CHUNK
        while start < n:
            stop = min(start + size, n)
            time = self.times(start, stop)
            ends = np.flatnonzero(np.diff(time) > tolerance)
            if stop < n and not len(ends):
                size *= 2
                continue
            last = np.append(ends, len(time) - 1) if stop == n else ends
            used = int(last[-1]) + 1
            yield time[:used], self.kinds(start, start + used), last
            start, size = start + used, CHUNK

    def mean(self) -> float:
        """Mean of the distinct times."""
        total, count, before = 0.0, 0, np.nan
        for start in range(0, len(self.key), CHUNK):
            time = self.times(start, start + CHUNK)
            new = np.diff(time, prepend=before) != 0
            total, count, before = total + float(time[new].sum()), count + int(np.count_nonzero(new)), time[-1]
        return total / count


def _tally(moments: _Moments, n_causes: int, n_exits: int) -> EventTable:
    """Count each kind in each run of tied moments, and those at risk, by pieces that stay in cache."""
    time, at_risk = np.empty(n_exits), np.empty(n_exits)
    counts = np.empty((n_causes + 1, n_exits))
    here, done = 2 * n_exits - len(moments.key), 0
    for piece, kind, last in moments.pieces(TIE_TOLERANCE * moments.mean()):
        runs = [_per_run(kind == j, last) for j in range(n_causes + 2)]
        leaving = np.sum(runs[:-1], axis=0)
        net = leaving - runs[-1]
        keep = np.flatnonzero(leaving)
        out = slice(done, done + len(keep))
        time[out] = piece[np.concatenate([[0], last[:-1] + 1])[keep]]
        at_risk[out] = (here - (np.cumsum(net) - net))[keep]
        for j in range(n_causes + 1):
            counts[j, out] = runs[j][keep]
        here, done = here - int(net.sum()), out.stop
    return EventTable(time[:done], at_risk[:done], counts[1:, :done], counts[0, :done])


def _per_run(mask: AnyArray, last: Ints) -> Ints:
    total = np.cumsum(mask, dtype=np.int64)[last]
    total[1:] -= total[:-1].copy()
    return total


def grouped_tables(
    exit: AnyArray,
    event: Ints,
    n_causes: int,
    entry: AnyArray | None,
    weight: Floats | None,
    group: Ints | None,
    n_groups: int,
) -> list[EventTable]:
    """Make one table for each group; whole days in a single pass over all rows."""
    if group is None or n_groups == 1:
        return [event_table(exit, event, n_causes, entry, weight)]
    days = whole_days(exit)
    entry_days = None if entry is None or days is None else whole_days(entry)
    if days is not None and (entry is None or entry_days is not None):
        size = n_groups * (n_causes + 1) * (days.high - days.low + 1)
        if size <= max(4 * len(exit), 1 << 22):
            counts, enters, low = histogram(days, event, n_causes, entry_days, weight, group, n_groups)
            times = np.arange(low, low + counts.shape[-1])
            return [_finish(times, counts[g], None if enters is None else enters[g]) for g in range(n_groups)]
    order = np.argsort(group, kind="stable")
    cuts = np.searchsorted(group[order], np.arange(n_groups + 1))
    pieces = [order[cuts[g] : cuts[g + 1]] for g in range(n_groups)]
    return [
        event_table(
            exit[rows],
            event[rows],
            n_causes,
            None if entry is None else entry[rows],
            None if weight is None else weight[rows],
        )
        for rows in pieces
    ]
