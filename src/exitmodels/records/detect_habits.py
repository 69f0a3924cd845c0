"""Habits of clerks and machines: clocks of twelve hours, days that heap, many records entered on one day.

Third floor, in the room of records. Here something honest could look alike, so each is judged by an exact test at a
level of one in a million.

Called by: audit.py.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.special import bdtrc, nbdtrc

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.records.auditview import Column, View
from exitmodels.records.detect_dates import empty_markers
from exitmodels.records.detect_orders import BORN
from exitmodels.records.detect_reasons import LEVEL
from exitmodels.records.finding import Finding
from exitmodels.records.monthnames import folded
from exitmodels.records.reading import table_of
from exitmodels.records.respelling import same_digits

__all__ = ["habit_defects"]

_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?!\d)\s*(am|pm|a\.m\.|p\.m\.|ص|م)?", re.IGNORECASE)
_AROUND, _LEAST = 28, 8
_TIMES, _HALF_MORE, _ONE_SIDE, _WEEK = 2.0, 1.5, 1e-4, 7
_HEAPS = (1, 15)
_NONE = -1


def habit_defects(view: View) -> list[Finding]:
    """Findings about columns of dates as a whole."""
    found: list[Finding] = []
    clocks = {name: _minutes(view.column(name)) for name in view.records.schema.date_columns}
    for name, (minutes, marked) in clocks.items():
        found += _twelve_hours(view, name, minutes, marked)
    found += _within_a_day(view, clocks)
    for name in view.records.schema.date_columns:
        found += [] if BORN.search(folded(name)) else _one_day(view, name)
        found += _heaps(view, name)
    return found


# ---- clocks ------------------------------------------------------------------------------------------------------
def _minutes(column: Column) -> tuple[Ints, Bools]:
    """Minutes of the day in each distinct text (-1: no time), and whether it says morning or afternoon."""
    minutes = np.full(len(column.texts), _NONE, dtype=np.int64)
    marked = np.zeros(len(column.texts), dtype=bool)
    for code in np.flatnonzero(column.holding(_CLOCK)).tolist():
        match = _CLOCK.search(column.texts[code])
        if match is not None and int(match.group(1)) < 24 and int(match.group(2)) < 60:
            minutes[code] = 60 * int(match.group(1)) + int(match.group(2))
            marked[code] = match.group(3) is not None
    return minutes, marked


def _by_row(column: Column, minutes: Ints) -> Ints:
    return np.append(minutes, _NONE)[column.codes]


def _twelve_hours(view: View, name: str, minutes: Ints, marked: Bools) -> list[Finding]:
    """Times between 1 and 6, and none between 13 and 18: no clock of 24 hours runs so."""
    column = view.column(name)
    at = _by_row(column, np.where(marked, _NONE, minutes))
    at = np.where(view.sound, at, _NONE)
    hours = at // 60
    after_midnight = (hours == 0) & (at > 0)
    early, late = int(((hours >= 1) & (hours <= 6)).sum()), int((hours >= 13).sum())
    # Whoever writes at night writes at least as much in the afternoon.
    if late or after_midnight.any() or not early or 0.5**early >= LEVEL:
        return []
    rows = (hours >= 1) & (hours <= 11)
    what = (
        f"{{rows}} with a time before noon; {early:,} lie between 1 and 6, and none in the column after 12:59: "
        "a clock of twelve hours"
    )
    hint = "Which are afternoons cannot be told; use days, not hours."
    return view.finding("twelve-hour-clock", rows, what, name, "doubt", hint)


def _within_a_day(view: View, clocks: dict[str, tuple[Ints, Bools]]) -> list[Finding]:
    """Exit before entry on one day, which twelve hours would mend."""
    schema = view.records.schema
    if schema.joined is None:
        return []
    column = view.column(schema.left)
    ends = _by_row(column, np.where(clocks[schema.left][1], _NONE, clocks[schema.left][0]))
    starts = _by_row(view.column(schema.joined), clocks[schema.joined][0])
    left, joined = view.span(schema.left), view.span(schema.joined)
    same = left.known & joined.known & (left.low == joined.low) & (left.high == joined.high)
    rows = view.sound & same & (ends >= 60) & (starts > ends) & (ends + 720 >= starts) & (ends < 720)
    new = {row: _later(column.texts[column.codes[row]]) for row in np.flatnonzero(rows).tolist()}
    what = "{rows} with an exit hours before the entry on the same day, which twelve hours would mend"
    return view.finding("clock-order", rows, what, schema.left, "doubt", "Compare with the source.", dict(new))


def _later(text: str) -> str:
    """Twelve hours later.

    >>> _later("03/05/2014 02:30")
    '03/05/2014 14:30'
    """
    match = _CLOCK.search(text)
    assert match is not None
    hour = same_digits(int(match.group(1)) + 12, match.group(1))
    return text[: match.start(1)] + hour + text[match.end(1) :]


# ---- days --------------------------------------------------------------------------------------------------------
def _known_days(view: View, name: str) -> tuple[Bools, Ints]:
    span = view.span(name)
    _, nothing = empty_markers(view, name)
    rows = span.known & view.sound & (span.low == span.high) & ~nothing
    return rows, span.low


def _one_day(view: View, name: str) -> list[Finding]:
    """Days with far more dates than the weeks before and the weeks after, were these counts Poisson.

    Both sides count, so that a step in the rate is no alarm; twice as many is the least that is said.
    """
    rows, days = _known_days(view, name)
    if rows.sum() < _LEAST:
        return []
    at, counts = np.unique(days[rows], return_counts=True)
    if at[-1] - at[0] < _AROUND:
        return []
    before, after = _neighbours(at, counts, -_AROUND, -1), _neighbours(at, counts, 1, _AROUND)
    both = _so_many(counts, before[0] + after[0], before[1] + after[1])
    odd = (counts >= _LEAST) & (both * len(at) < LEVEL)
    for around, width in (before, after):
        enough = (_so_many(counts, around, width) < _ONE_SIDE) & (counts >= _TIMES * around / np.maximum(width, 1))
        odd &= (width < _WEEK) | enough
    heaped = rows & np.isin(days, at[odd])
    weight = "doubt" if name == view.records.schema.left or name in view.records.schema.other_dates else "note"
    shown = ", ".join(str(np.datetime64(int(day), "D")) for day in at[odd][:3])
    what = f"{{rows}} on {shown}, far more than the weeks around: entered together, or one event"
    hint = "If the day is that of entry, the days of exit are not known."
    return view.finding("bulk-day", heaped, what, name, weight, hint)


def _neighbours(at: Ints, counts: Ints, near: int, far: int) -> tuple[Ints, Ints]:
    """Dates on the days from `near` to `far` of each day, and how many days those are within the column's range.

    Days are looked up among those that occur, so that a wrong year costs nothing.
    """
    total = np.concatenate([[0], np.cumsum(counts)])
    begin, end = np.searchsorted(at, at + near), np.searchsorted(at, at + far, side="right")
    return total[end] - total[begin], np.maximum(np.minimum(at + far, at[-1]) - np.maximum(at + near, at[0]) + 1, 0)


def _so_many(counts: Ints, around: Ints, width: Ints) -> Floats:
    """Chance of so many on one day, given the days around it: Poisson, with a flat prior on the rate."""
    days = np.maximum(width, 1)
    return np.asarray(nbdtrc(counts - 1, around + 1, days / (days + 1.0)))


def _heaps(view: View, name: str) -> list[Finding]:
    """More first and fifteenth days of months than chance gives."""
    rows, days = _known_days(view, name)
    if rows.sum() < 2 * _LEAST:
        return []
    at, place = np.unique(days[rows], return_inverse=True)
    calendar = int(np.bincount(view.records.dates(name).calendar_code[rows].astype(np.int64)).argmax())
    table = table_of(calendar)
    span = np.arange(max(at[0], table.starts[0]), min(at[-1] + 1, table.starts[-1]))
    chance = float(np.isin(table.parts(span)[2], _HEAPS).mean())
    of_month = table.parts(np.clip(at, table.starts[0], table.starts[-1] - 1))[2]
    on = np.isin(of_month, _HEAPS)[place]
    few = on.sum() < _HALF_MORE * chance * len(on)
    if few or bdtrc(int(on.sum()) - 1, len(on), chance) >= LEVEL:
        return []
    heaped = np.zeros(view.n, dtype=bool)
    heaped[np.flatnonzero(rows)[on]] = True
    what = f"{{rows}} on the 1st or 15th of a month, where about {chance * len(on):,.0f} are expected: rounded days"
    hint = "xm.RoundedDates fits days and rounding together."
    return view.finding("heaped-days", heaped, what, name, "note", hint)
