"""Event tables: at each time, how many were at risk, left for each cause, or were censored.

Ground floor. Everything nonparametric starts here. Whole-day times are counted
into a histogram; real times are sorted once, as one 64-bit key that holds the
time and the cause together.

Read next: products.py (curves), logrank.py (tests).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.kernels.arrays import CHUNK, AnyArray, Floats, Ints
from exitmodels.kernels.grouped import TIE_TOLERANCE, ranks, whole_numbers

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
    days = whole_numbers(exit)
    entry_days = None if entry is None else whole_numbers(entry)
    if days is not None and (entry is None or entry_days is not None):
        counts, enters, low = histogram(days, event, n_causes, entry_days, weight)
        times = np.arange(low, low + counts.shape[-1])
        return _finish(times, counts[0], None if enters is None else enters[0])
    if weight is None:
        sorted_table = _packed(exit, event, n_causes, entry)
        if sorted_table is not None:
            return sorted_table
    levels, codes = ranks(exit) if entry is None else ranks(exit, entry)
    entry_codes = None if entry is None else codes[1]
    counts, enters, low = histogram(codes[0], event, n_causes, entry_codes, weight)
    times = levels[low : low + counts.shape[-1]]
    return _finish(times, counts[0], None if enters is None else enters[0])


def histogram(
    days: Ints,
    event: Ints,
    n_causes: int,
    entry_days: Ints | None = None,
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
    low, high = int(days.min()), int(days.max())
    if entry_days is not None:
        low = min(low, int(entry_days.min()))
    width = high - low + 1
    size = n_groups * (n_causes + 1) * width
    exits = _count(size, days, low, width, weight, (event, 1), None if group is None else (group, n_causes + 1))
    entries = None
    if entry_days is not None:
        entries = _count(n_groups * width, entry_days, low, width, weight, None if group is None else (group, 1))
        entries = entries.reshape(n_groups, width)
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
    """Sort (time, cause) as one integer key; None when the times do not fit or near-ties must be merged.

    Non-negative doubles sort like their bit patterns, so a shift frees the low bits for the cause.
    """
    bits = n_causes.bit_length()
    pattern = _pattern(exit)
    if pattern is None:
        return None
    base = int(pattern.min())
    if (int(pattern.max()) - base) >> (62 - bits):
        return None
    key = pattern - base
    key <<= bits
    key |= event
    key.sort()
    code = key & ((1 << bits) - 1)
    key >>= bits
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    time = (key[first] + base).view(np.float64)
    if len(time) > 1 and float(np.diff(time).min()) <= TIE_TOLERANCE * float(time.mean()):
        return None
    at_risk = len(exit) - first
    if entry is not None:
        late = _not_yet_entered(time, entry)
        if late is None:
            return None
        at_risk = at_risk - late
    return EventTable(time, at_risk.astype(np.float64), *_tally(code, first, n_causes))


def _tally(code: Ints, first: Ints, n_causes: int) -> tuple[Floats, Floats]:
    """Exits of each cause, and censorings, in each run of tied rows that begins at `first`."""
    if len(first) == len(code):
        counts = [(code == j).astype(np.float64) for j in range(n_causes + 1)]
    else:
        counts = [np.add.reduceat((code == j).astype(np.float64), first) for j in range(n_causes + 1)]
    return np.stack(counts[1:]), counts[0]


def _pattern(times: AnyArray) -> Ints | None:
    values = np.ascontiguousarray(times, dtype=np.float64)
    return None if float(values.min()) < 0 else (values + 0.0).view(np.int64)


def _not_yet_entered(time: Floats, entry: AnyArray) -> Ints | None:
    """Count rows with entry >= t for each sorted time t, by one merge; None when an entry nearly ties a time."""
    late = np.asarray(entry[entry >= time[0]], dtype=np.float64)
    if len(late) == 0:
        return np.zeros(len(time), dtype=np.int64)
    base = int(time[0].view(np.int64))
    key = np.empty(len(time) + len(late), dtype=np.int64)
    np.left_shift(time.view(np.int64) - base, 1, out=key[: len(time)])
    np.left_shift((late + 0.0).view(np.int64) - base, 1, out=key[len(time) :])
    key[len(time) :] |= 1
    key.sort()
    moments = ((key >> 1) + base).view(np.float64)
    gaps = np.diff(moments)
    if np.any((gaps > 0) & (gaps <= TIE_TOLERANCE * float(time.mean()))):
        return None
    at = np.flatnonzero((key & 1) == 0)
    return len(late) - (at - np.arange(len(time)))


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
    days = whole_numbers(exit)
    entry_days = None if entry is None else whole_numbers(entry)
    small = n_groups * (n_causes + 1) * (np.ptp(exit) + 1) <= max(4 * len(exit), 1 << 22)
    if days is not None and (entry is None or entry_days is not None) and small:
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
