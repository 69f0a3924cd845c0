"""Dates known only as a range: a month, a year, or any first and last possible day.

First floor. A record with such a date belongs to no single bin. It is spread over the bins it may fall in (expected
counts), drawn at random again and again (imputations), or kept as it is (`Loose`) for models that use the range.

Called by: counting.py; the ranges are used by models.counts.rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.dates import day_numbers, iso
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.periods import period_edges

__all__ = ["PRECISIONS", "Loose", "days_of", "read_ranges", "spread_days"]

PRECISIONS = {"day": "D", "week": "W", "month": "MS", "quarter": "QS", "year": "YS", "hijri month": "HM"}
"""Words for how precisely a date is known, and the periods they name."""


@dataclass(frozen=True, eq=False)
class Loose:
    """Records whose cell is not certain.

    Attributes
    ----------
    low, high : (r,) int
        First possible day, and the day after the last possible one.
    times : (r,) int
        How many records each stands for.
    begin : (r + 1,) int
        Record i may belong to the key combinations ``combo[begin[i]:begin[i + 1]]``.
    combo : (m,) int
    one : bool
        Whether a record belongs to one of its combinations (True) or to all of them.
    certain : (cells,) int
        Counts of the records whose cell is certain.
    n_combos : int
    edges : (k + 1,) int
        First days of the periods (the outer two cut by the window), and the day after the last.
    """

    low: Ints
    high: Ints
    times: Ints
    begin: Ints
    combo: Ints
    one: bool
    certain: Ints
    n_combos: int
    edges: Ints

    @property
    def dated(self) -> Bools:
        """Records whose day is certain (r,)."""
        return np.asarray(self.high - self.low == 1)

    def expected(self) -> Floats:
        """Expected counts of all records by cell, each day of a range being as likely as any other (cells,)."""
        size = np.diff(self.begin)
        owner = np.repeat(np.arange(len(size)), size)
        weight = self.times[owner] / (size[owner] if self.one else 1.0)
        by_day = spread_days(
            self.low[owner] - self.edges[0],
            self.high[owner] - self.edges[0],
            weight,
            self.combo,
            (int(self.edges[-1] - self.edges[0]), self.n_combos),
        )
        sums = np.add.reduceat(by_day, self.edges[:-1] - self.edges[0], axis=0)
        return self.certain + sums.ravel()

    def drawn(self, rng: np.random.Generator) -> Ints:
        """Counts by cell with a day (and, if `one`, a combination) drawn for each uncertain record (cells,)."""
        record = np.repeat(np.arange(len(self.low)), self.times)
        day = rng.integers(self.low[record], self.high[record])
        size = np.diff(self.begin)[record]
        if self.one:
            combo = self.combo[self.begin[record] + rng.integers(0, size)]
        else:
            day, first = np.repeat(day, size), np.repeat(self.begin[record], size)
            combo = self.combo[first + np.arange(len(first)) - np.repeat(np.cumsum(size) - size, size)]
        period = np.searchsorted(self.edges, day, side="right") - 1
        return self.certain + np.bincount(period * self.n_combos + combo, minlength=len(self.certain))


def spread_days(low: Ints, high: Ints, weight: Floats, group: Ints, shape: tuple[int, int]) -> Floats:
    """Spread each weight evenly over the days ``low .. high - 1`` of its group.

    Parameters
    ----------
    low, high : (r,) int
        Days counted from the first of the table.
    weight : (r,)
    group : (r,) int
    shape : (days, groups)

    Returns
    -------
    (days, groups)

    Notes
    -----
    Cost: O(r + days x groups): each range is one step up and one step down, summed along the days.

    >>> spread_days(np.array([0]), np.array([2]), np.array([1.0]), np.array([0]), (3, 1)).ravel().tolist()
    [0.5, 0.5, 0.0]
    """
    days, groups = shape
    part = weight / (high - low)
    steps = np.bincount(low * groups + group, part, (days + 1) * groups)
    steps -= np.bincount(high * groups + group, part, (days + 1) * groups)
    made = np.cumsum(steps.reshape(days + 1, groups)[:days], axis=0)
    # What is left of sums that should be nothing is rounding.
    return np.where(np.abs(made) < 1e-12 * max(float(np.abs(part).sum()), 1e-300), 0.0, made)


def read_ranges(
    table: Table,
    date: str,
    until: str | None,
    precision: str | None,
    date_format: str | Mapping[str, str] | None,
    timezone: str | None,
) -> tuple[Ints, Ints, list[tuple[str, Bools | None]]]:
    """First possible days, the days after the last possible ones, and what is missing under which name."""
    if until is not None and precision is not None:
        raise DataError(
            "Both until= and precision= are given.", code="range", hint="Give the last possible day, or how precise."
        )
    column = table.column(date)
    if precision is not None:
        return _by_precision(table, column, table.column(precision), date_format, timezone)
    if isinstance(date_format, Mapping):
        raise DataError(
            "A format for each precision needs precision=.", code="date-format", hint="Name the column that tells."
        )
    low, gone = days_of(column, table.labels, date_format, timezone)
    if until is None:
        return low, low + 1, [(date, gone)]
    last, absent = days_of(table.column(until), table.labels, date_format, timezone)
    known = np.ones(len(low), dtype=bool)
    for mask in (gone, absent):
        known &= True if mask is None else ~mask
    bad = np.flatnonzero(known & (last < low))
    if bad.size:
        i = bad[0]
        raise DataError(
            f"{bad.size} ranges end before they begin (first: {iso(low[i])} to {iso(last[i])}).",
            column=until,
            rows=table.labels[bad],
            code="range",
            hint="The range runs from the first to the last possible day, both inside.",
        )
    return low, np.where(known, last + 1, low + 1), [(date, gone), (until, absent)]


def days_of(column: Column, labels: Any, date_format: str | None, timezone: str | None) -> tuple[Ints, Bools | None]:
    """Whole day numbers (time of day is cut off), and the missing mask."""
    days, gone = day_numbers(column, labels, date_format, timezone)
    return (days if days.dtype.kind == "i" else np.floor(days)).astype(np.int64, copy=False), gone


def _by_precision(
    table: Table, column: Column, told: Column, date_format: str | Mapping[str, str] | None, timezone: str | None
) -> tuple[Ints, Ints, list[tuple[str, Bools | None]]]:
    """Each precision is read with its own format, and becomes the whole period that holds the day read."""
    words = [str(level).strip().lower() for level in told.levels]
    unknown = [level for level, word in zip(told.levels, words, strict=True) if word not in PRECISIONS]
    if told.kind != "text" or unknown:
        found = repr(unknown[0]) if unknown else f"{told.kind} values"
        raise DataError(
            f"How precise a date is cannot be read from {found}.",
            column=told.name,
            code="precision",
            hint=f"Use the words {', '.join(PRECISIONS)}.",
        )
    low, high = np.zeros(table.n, dtype=np.int64), np.ones(table.n, dtype=np.int64)
    gone = column.is_missing.copy()
    for code, word in enumerate(words):
        rows = np.flatnonzero((told.values == code) & ~column.is_missing)
        if not rows.size:
            continue
        how = date_format.get(word) if isinstance(date_format, Mapping) else date_format
        days, _ = days_of(_compact(column.take(rows)), table.labels[rows], how, timezone)
        edges = period_edges(PRECISIONS[word], int(days.min()), int(days.max()) + 1)
        place = np.searchsorted(edges, days, side="right") - 1
        low[rows], high[rows] = edges[place], edges[place + 1]
    return low, high, [(column.name, gone if gone.any() else None), (told.name, told.missing)]


def _compact(column: Column) -> Column:
    """Keep only the texts that occur, so that a format is tried on these alone."""
    if column.kind != "text":
        return column
    used, codes = np.unique(column.values, return_inverse=True)
    return Column(column.name, "text", codes.astype(np.int64), None, tuple(column.levels[i] for i in used))
