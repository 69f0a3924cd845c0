"""Numbers put into wordings: from distinct texts to the first and last day each may mean.

Third floor, in the room of records. Every possible reading of a text is tried; a text is read when exactly one date
comes out. Work is done wording by wording, never text by text.

Read next: wording.py, kernels/digitruns.py. Called by: dates.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from exitmodels.arrays import CHUNK, AnyArray, Bools, Ints
from exitmodels.kernels.calendar import MonthTable, gregorian_table, solar_table
from exitmodels.kernels.digitruns import digit_runs, shape_of
from exitmodels.records.wording import NO_CALENDAR, Wording, read_wording
from exitmodels.shapes.hijri import hijri_table

__all__ = ["MIXED", "ORDERS", "PRECISION_WORDS", "PROBLEMS", "Choices", "Found", "read_texts", "table_of"]

MIXED = 9
ORDERS = ("ymd", "dmy", "mdy")
PRECISION_WORDS = ("day", "month part", "month", "year part", "year")
PROBLEMS = (
    *("", "blank", "unreadable", "ambiguous", "two-digit-year", "no-year", "no-such-day", "calendar-range", "solar"),
    *("other-calendar", "two-dates", "half-named", "serial", "zero", "date-order", "no-calendar"),
)
_CODE = {word: code for code, word in enumerate(PROBLEMS)}
_WEIGHTY = ("no-year", "calendar-range", "no-such-day", "zero", "two-digit-year", "other-calendar")
_RANK = np.array([1 + _WEIGHTY.index(word) if word in _WEIGHTY else 0 for word in PROBLEMS])
_LONGEST = 64


@dataclass(frozen=True)
class Choices:
    """What the user declared: calendar (place in CALENDARS, or MIXED), orders, and how to take what is left open."""

    calendar: int
    orders: tuple[str, ...] = ORDERS
    two_digit_from: int | None = None
    zeros: bool = False
    longer_months: bool = False


class Found(NamedTuple):
    """First and last possible day of each text, how precise, in which calendar, why not, and which order it proves.

    `proves` is 1 for texts that can only be day first, 2 for month first, 0 for others.
    """

    low: Ints
    high: Ints
    precision: Ints
    calendar: Ints
    problem: Ints
    proves: Ints
    clock: Bools


class _Reading(NamedTuple):
    """One way to share out the numbers: values and digits of year, month, day; month or day None when not written."""

    year: Ints
    wide: Ints
    month: Ints | None
    day: Ints | None
    sound: Bools


def table_of(calendar: int) -> MonthTable:
    """The table of a calendar by its place in `monthnames.CALENDARS`."""
    return (gregorian_table, hijri_table, solar_table)[calendar]()


def _blank(n: int) -> Found:
    low, high, precision, calendar, problem, proves = (np.zeros(n, dtype=np.int64) for _ in range(6))
    return Found(low, high, precision, calendar, problem, proves, np.zeros(n, dtype=bool))


def read_texts(texts: Sequence[str], choices: Choices) -> Found:
    """Read distinct texts, in blocks that stay in cache."""
    whole = _blank(len(texts))
    for start in range(0, len(texts), CHUNK):
        part = _read_block(texts[start : start + CHUNK], choices)
        for made, piece in zip(whole, part, strict=True):
            made[start : start + CHUNK] = piece
    return whole


def _read_block(texts: Sequence[str], choices: Choices) -> Found:
    n = len(texts)
    width = min(max(map(len, texts)), _LONGEST + 1) or 1
    codes = np.array(texts, dtype=f"U{width}").view(np.uint32).reshape(n, width)
    runs = digit_runs(codes)
    _, first, which = np.unique(runs.shape, return_index=True, return_inverse=True)
    order = np.argsort(which, kind="stable")
    made = _blank(n)
    for rows, sample in zip(np.split(order, np.cumsum(np.bincount(which))[:-1]), first, strict=True):
        wording = read_wording(shape_of(texts[sample][: _LONGEST + 1]))
        _fill(made, rows, _resolve(wording, runs.numbers[rows], runs.digits[rows], choices))
        made.clock[rows] = wording.clock
    if width > _LONGEST:
        made.problem[codes[:, _LONGEST] > 0] = _CODE["unreadable"]
    return made


def _fill(made: Found, rows: AnyArray, part: Found) -> None:
    for whole, piece in zip(made, part, strict=True):
        whole[rows] = piece


def _resolve(wording: Wording, numbers: Ints, digits: Ints, choices: Choices) -> Found:
    """All texts of one wording."""
    made = _blank(len(numbers))
    wrong = wording.problem or _wrong_calendar(wording.calendar, choices.calendar)
    if wrong:
        made.problem[:] = _CODE[wrong]
        return made
    if wording.either:
        return _shared_name(wording, numbers, digits, choices)
    if choices.calendar != MIXED:
        return _dated(wording, numbers, digits, choices)
    if wording.calendar != NO_CALENDAR:
        return _dated(wording, numbers, digits, replace(choices, calendar=wording.calendar))
    long = digits[:, list(wording.slots)] >= 4
    year = np.where(long, numbers[:, list(wording.slots)], 0).max(axis=1, initial=0)
    compact = (year >= 1e7) & (year % 10_000 >= 1300) & (year % 10_000 < 2500)
    year = np.where(compact & ("ymd" not in choices.orders), year % 10_000, np.where(year >= 1e7, year // 10_000, year))
    made.problem[:] = _CODE["no-calendar"]
    for calendar, mine in ((0, year >= 1583), (1, (year >= 1300) & (year <= 1500))):
        rows = np.flatnonzero(mine)
        if rows.size:
            _fill(made, rows, _dated(wording, numbers[rows], digits[rows], replace(choices, calendar=calendar)))
    return made


def _wrong_calendar(named: int, chosen: int) -> str:
    if named == 2 and chosen != 2:
        return "solar"
    return "other-calendar" if named not in (NO_CALENDAR, chosen) and chosen != MIXED else ""


def _shared_name(wording: Wording, numbers: Ints, digits: Ints, choices: Choices) -> Found:
    """A name shared by two months, told apart by the number 1 or 2 that follows it."""
    made = _blank(len(numbers))
    made.problem[:] = _CODE["half-named"]
    for place, month in enumerate(wording.either, start=1):
        rows = np.flatnonzero((numbers[:, wording.ordinal] == place) & (digits[:, wording.ordinal] == 1))
        if rows.size:
            plain = replace(wording, month=month, either=(), ordinal=-1)
            _fill(made, rows, _resolve(plain, numbers[rows], digits[rows], choices))
    return made


# ---- the readings ------------------------------------------------------------------------------------------------
def _dated(wording: Wording, numbers: Ints, digits: Ints, choices: Choices) -> Found:
    """One calendar, one wording: try the readings, keep what is certain, say why for the rest."""
    readings, names = _readings(wording, numbers, digits, choices.orders)
    made = _tried(readings, names, wording.part, choices)
    if names:
        lost = np.flatnonzero(made.problem == _CODE["unreadable"])
        if lost.size and set(choices.orders) < set(ORDERS):
            others, called = _readings(wording, numbers[lost], digits[lost], ORDERS)
            fits = _tried(others, called, 0, choices).problem
            made.problem[lost[(fits == 0) | (fits == _CODE["ambiguous"])]] = _CODE["date-order"]
    elif not readings:
        made = _blank(len(numbers))
        made.problem[:] = _CODE["unreadable"]
    if not wording.month:
        wide = digits[:, list(wording.slots)]
        failed = made.problem > 0
        made.problem[failed & (wide.shape[1] == 1) & np.all(wide == 5, axis=1)] = _CODE["serial"]
        made.problem[failed & (wide.shape[1] == 2) & np.all(wide <= 2, axis=1)] = _CODE["no-year"]
    return made


def _readings(w: Wording, numbers: Ints, digits: Ints, orders: tuple[str, ...]) -> tuple[list[_Reading], list[str]]:
    value, wide = numbers[:, list(w.slots)], digits[:, list(w.slots)]
    fit = np.ones(len(value), dtype=bool)
    k = len(w.slots)
    if w.month:
        month = np.full(len(value), w.month)
        if k == 1:
            return [_Reading(value[:, 0], np.where(wide[:, 0] == 2, 1, wide[:, 0]), month, None, fit)], []
        if k != 2 or w.part:
            return [], []
        last = _Reading(value[:, 1], wide[:, 1], month, value[:, 0], wide[:, 0] <= 2)
        lead = _Reading(value[:, 0], wide[:, 0], month, value[:, 1], (wide[:, 0] == 4) & (wide[:, 1] <= 2))
        return [last, lead], []
    if k == 3 and not w.part:
        return [_in_order(value, wide, order) for order in orders], list(orders)
    if k == 2:
        ends = [(0, 1), (1, 0)]
        return [
            _Reading(value[:, y], wide[:, y], value[:, m], None, (wide[:, y] >= 3) & (wide[:, m] <= 2)) for y, m in ends
        ], []
    if k == 1:
        year = _Reading(value[:, 0], np.where(wide[:, 0] == 2, 1, wide[:, 0]), None, None, fit)
        packed = [_unpacked(value[:, 0], wide[:, 0], order) for order in orders] if not w.part else []
        return [year, *packed], ["y", *orders] if packed else []
    return [], []


def _in_order(value: Ints, wide: Ints, order: str) -> _Reading:
    y, m, d = (order.index(letter) for letter in "ymd")
    return _Reading(value[:, y], wide[:, y], value[:, m], value[:, d], (wide[:, m] <= 2) & (wide[:, d] <= 2))


def _unpacked(value: Ints, wide: Ints, order: str) -> _Reading:
    """Eight digits without separators."""
    sizes = [4 if letter == "y" else 2 for letter in order]
    held: dict[str, Ints] = {}
    for letter, size in zip(order[::-1], sizes[::-1], strict=True):
        held[letter], value = value % 10**size, value // 10**size
    return _Reading(held["y"], np.full(len(value), 4), held["m"], held["d"], wide == 8)


def _tried(readings: list[_Reading], names: list[str], part: int, choices: Choices) -> Found:
    """Check each reading against the calendar; two readings that give two dates are ambiguous."""
    n = len(readings[0].year) if readings else 0
    made = _blank(n)
    if not readings:
        return made
    found, several = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    why = np.full(n, _CODE["unreadable"])
    for place, reading in enumerate(readings):
        low, high, precision, fault = _checked(reading, part, choices)
        good = fault == 0
        differ = good & found & ((low != made.low) | (high != made.high))
        several |= differ
        order = names[place] if names else ""
        fresh = good & ~found
        made.low[fresh], made.high[fresh], made.precision[fresh] = low[fresh], high[fresh], precision[fresh]
        made.proves[fresh] = {"dmy": 1, "mdy": 2}.get(order, 0)
        same = good & found & ~differ
        made.proves[same] = 0
        found |= good
        why = np.where(_RANK[fault] > _RANK[why], fault, why)
    made.problem[:] = np.where(several, _CODE["ambiguous"], np.where(found, 0, why))
    made.proves[made.problem > 0] = 0
    made.calendar[:] = choices.calendar
    return made


def _checked(reading: _Reading, part: int, choices: Choices) -> tuple[Ints, Ints, Ints, Ints]:
    """First and last day, precision, and what is wrong (0 for nothing) of one reading."""
    table, n = table_of(choices.calendar), len(reading.year)
    base = choices.two_digit_from
    short = reading.wide == 2
    year = reading.year if base is None else np.where(short, base + (reading.year - base) % 100, reading.year)
    full = (reading.wide == 4) | (short & (base is not None))
    month = np.ones(n, dtype=np.int64) if reading.month is None else reading.month
    day = np.ones(n, dtype=np.int64) if reading.day is None else reading.day
    no_month, no_day = reading.month is None, reading.day is None
    blank_month, blank_day = (month == 0) | no_month, (day == 0) | no_day
    zero = ((month == 0) & ~np.bool_(no_month)) | ((day == 0) & ~np.bool_(no_day))
    at = np.where(blank_month, 1, month)
    limit = table.length(year, np.minimum(at, 12))
    if choices.longer_months and choices.calendar == 1:
        limit = np.maximum(limit, 30)
    plausible = reading.sound & (month <= 12) & (day <= 31)
    fault = np.full(n, _CODE["unreadable"])
    inside = table.holds(year)
    other = (reading.wide == 4) & (((year >= 1300) & (year <= 1500)) if choices.calendar == 0 else (year >= 1583))
    rules = (
        (plausible & full & inside & (blank_day | (day <= limit)), 0),
        (plausible & full & inside, _CODE["no-such-day"]),
        (plausible & full & other, _CODE["other-calendar"]),
        (plausible & full, _CODE["calendar-range"]),
        (plausible & short, _CODE["two-digit-year"]),
        (reading.sound & (reading.wide == 1) & (no_month or no_day), _CODE["no-year"]),
    )
    for mask, code in rules[::-1]:
        fault[mask] = code
    fault[(fault == 0) & zero & (not choices.zeros)] = _CODE["zero"]
    fault[(fault == 0) & blank_month & ~blank_day] = _CODE["unreadable"]
    low, high, precision = _span(table, year, np.clip(at, 1, 12), np.maximum(day, 1), blank_month, blank_day, part)
    return low, high, precision, fault


def _span(
    table: MonthTable, year: Ints, month: Ints, day: Ints, whole_year: Bools, whole_month: Bools, part: int
) -> tuple[Ints, Ints, Ints]:
    """First and last day of a day, a month, a year, or the third of one that is named."""
    known = table.day(year, month, day)
    first, third = table.day(year, month, 1), max(part - 1, 0)
    length = table.length(year, month)
    begin = first + 10 * third
    end = np.where(part in (1, 2), begin + 9, first + length - 1)
    opens = table.day(year, 1 + 4 * third, 1)
    last = 12 if part in (0, 3) else 4 * part
    closes = table.day(year, last, 1) + table.length(year, last) - 1
    low = np.where(whole_year, opens, np.where(whole_month, begin, known))
    high = np.where(whole_year, closes, np.where(whole_month, end, known))
    coarse = np.where(whole_year, 3 if part else 4, np.where(whole_month, 1 if part else 2, 0))
    return low, high, coarse
