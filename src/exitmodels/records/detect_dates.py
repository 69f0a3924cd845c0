"""Dates that cannot be read, or were not meant as they read: by kind, with what to write where that is plain.

Third floor, in the room of records. Read next: detect_orders.py (dates against each other). Called by: audit.py.
"""

from __future__ import annotations

import re

import numpy as np

from exitmodels.arrays import AnyArray, Bools
from exitmodels.records.auditview import Column, Span, View
from exitmodels.records.detect_reasons import ditto_rows
from exitmodels.records.finding import Finding
from exitmodels.records.parsing import parse_dates
from exitmodels.records.reading import ORDERS, PROBLEMS, Choices, read_texts
from exitmodels.records.rereading import STAY_YEARS, Rereading
from exitmodels.records.respelling import (
    date_parts,
    numbers_in,
)

__all__ = ["DAYS_1904", "date_defects", "empty_markers"]

DAYS_1904 = 1_462
_ZONE = re.compile(r"\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:z|utc|gmt|[+\-\u2212]\d\d:?\d\d)(?![\w:])", re.IGNORECASE)
_MARKERS = {
    *((9999, 12, 31), (9999, 1, 1), (1900, 1, 1), (1900, 1, 0), (1899, 12, 30), (1899, 12, 31), (1904, 1, 1)),
    *((1970, 1, 1), (1111, 11, 11), (1, 1, 1), (2099, 12, 31), (2999, 12, 31), (1800, 1, 1), (1753, 1, 1)),
}
_SAID = {
    "unreadable": "that cannot be read as dates",
    "ambiguous": "with more than one reading",
    "no-year": "without a year",
    "no-such-day": "on a day that its month does not have",
    "calendar-range": "outside the calendar's table",
    "solar": "in the Iranian solar Hijri calendar",
    "two-dates": "with two dates, or two months, in one cell",
    "half-named": "with a month's name that is shared by two",
    "zero": "with 0 for the day or the month",
    "no-calendar": "that do not show their calendar",
    "date-order": "in an order that was not declared",
}


def date_defects(view: View) -> list[Finding]:
    """Everything about the columns of dates, each by itself."""
    found: list[Finding] = []
    for name in view.records.schema.date_columns:
        marked, rows = empty_markers(view, name)
        ditto = ditto_rows(view, name)
        rest = view.without(rows | ditto)
        found += marked + _absent(rest, name) + _unreadable(rest, name) + _partial(rest, name)
        found += _zones(rest, name) + _typed(rest, name)
    return found


# ---- dates that stand for nothing --------------------------------------------------------------------------------
def empty_markers(view: View, name: str) -> tuple[list[Finding], Bools]:
    """Dates such as 9999-12-31 or 1900-01-01 that stand for "not known", and their rows (n,)."""
    column, span = view.column(name), view.span(name)
    rows = column.rows(column.which(_is_marker)) & view.sound & _far_off(view, name, span)
    what = "{rows} with a date that programs write where none is known"
    new = dict.fromkeys(np.flatnonzero(rows).tolist())
    hint = "The proposal empties the cell; what was meant is not in the file."
    return view.finding("sentinel-date", rows, what, name, "fault", hint, new), rows


def _is_marker(text: str) -> bool:
    values = [value for _, _, value in numbers_in(text)[:3]]
    return len(values) == 3 and any(sorted(values) == sorted(marker) for marker in _MARKERS)


def _far_off(view: View, name: str, span: Span) -> Bools:
    """Dates that cannot be meant: unreadable, outside the window, or so far off that no person spans the distance."""
    schema = view.records.schema
    far = ~span.known
    if name in (schema.left, schema.joined):
        if name == schema.left and view.window is not None:
            return np.asarray(far | (span.high < view.window[0]) | (span.low > view.window[1]))
        years = STAY_YEARS
    else:
        years = 2 * STAY_YEARS + 20
    known = view.span(schema.left).known & view.sound
    middle = int(np.median(view.span(schema.left).low[known])) if known.any() else 0
    return np.asarray(far | (np.abs(span.low - middle) > years * 365.25))


def _absent(view: View, name: str) -> list[Finding]:
    schema = view.records.schema
    rows = view.column(name).empty & view.sound
    if name == schema.left and schema.missing_left == "inside":
        what = "{rows} without a date: still inside, as the schema says"
        return view.finding("no-date", rows, what, name, "note")
    weight = "fault" if name in (schema.left, schema.joined) else "note"
    return view.finding("no-date", rows, "{rows} without a date", name, weight, "Set them aside, or find the date.")


# ---- dates that cannot be read -----------------------------------------------------------------------------------
def _unreadable(view: View, name: str) -> list[Finding]:
    """One finding for each kind of problem."""
    column, found = view.column(name), []
    why = _problems(view, column)
    reread = Rereading(view, name)
    weight = "fault" if name in (view.records.schema.left, view.records.schema.joined) else "doubt"
    for word in [word for word in PROBLEMS[2:] if word in set(why.tolist())]:
        rows = column.rows(why == word) & view.sound & ~view.typed(name)
        at = np.flatnonzero(rows).tolist()
        code, what, hint, new = _kind(word, reread, at)
        found += view.finding(code, rows, what, name, weight, hint, new)
    return found + _both_orders(view, name, column, weight)


def _problems(view: View, column: Column) -> AnyArray:
    """Why each distinct text cannot be read; empty where it can."""
    form = view.records.schema.date_format(column.name)
    read = parse_dates(
        np.array([*column.texts, None], dtype=object), bad="missing", column=column.name, **form.choices()
    )
    why = np.full(len(column.texts), "", dtype=object)
    why[read.problems["row"].to_numpy()] = read.problems["why"].to_numpy()
    return why


def _kind(word: str, reread: Rereading, at: list[int]) -> tuple[str, str, str, dict[int, str | None] | None]:
    """Code, words, hint and repair of one kind of unreadable date."""
    if word == "serial":
        what = "{rows} with the day number of a spreadsheet for a date"
        return "day-number", what, "Day 1 may be in 1900 or 1904; proposed is the one that fits.", reread.serials(at)
    if word == "two-digit-year":
        what = "{rows} with a year of two digits"
        return word, what, "Say two_digit_from=, or take the year that fits the window.", reread.centuries(at)
    if word == "other-calendar":
        what = "{rows} in another calendar than was declared: two calendars in one column"
        return "two-calendars", what, 'Repair them, or declare calendar="mixed".', reread.calendars(at)
    if word == "date-order":
        new = reread.orders(at)
        if new and all(row in new for row in at):
            what = "{rows} with day and month in the other order than was declared: two orders in one column"
            return "two-orders", what, "Ask whether rows that can be read both ways come from the same hand.", new
    return f"date-{word}", "{rows} " + _SAID[word], "Correct them by the source, or set them aside.", None


def _both_orders(view: View, name: str, column: Column, weight: str) -> list[Finding]:
    """Without a declared order: texts that can only be day first beside others that can only be month first."""
    form = view.records.schema.date_format(name)
    if form.order is not None or form.calendar not in ("gregorian", "hijri") or not column.texts:
        return []
    proves = read_texts(column.texts, Choices(("gregorian", "hijri").index(form.calendar), ORDERS)).proves
    first, second = (column.rows(proves == code) & view.sound & ~view.typed(name) for code in (1, 2))
    if not first.any() or not second.any():
        return []
    fewer, other = (second, "month") if second.sum() <= first.sum() else (first, "day")
    what = f"{{rows}} that can only be {other} first, where others can only be the other way: two orders in one column"
    hint = "Split the column by source, or declare order= and repair the others."
    return view.finding("two-orders", fewer, what, name, weight, hint)


# ---- dates that can be read, and deserve a word ------------------------------------------------------------------
def _partial(view: View, name: str) -> list[Finding]:
    precision = view.records.dates(name).precision_code
    known = view.span(name).known & view.sound
    rows = known & (precision > 0)
    by_month, by_year = int((rows & (precision <= 2)).sum()), int((rows & (precision > 2)).sum())
    what = f"{{rows}} with part of a date ({by_month:,} by month, {by_year:,} by year)"
    if name == view.records.schema.joined:
        hint = "A stay needs a certain start: imputations(m, rng=) draws one, or set them aside."
        return view.finding("partial-date", rows, what, name, "doubt", hint)
    return view.finding("partial-date", rows, what, name, "note", "They are kept as ranges of days.")


def _zones(view: View, name: str) -> list[Finding]:
    column = view.column(name)
    rows = column.rows(column.holding(_ZONE)) & view.sound
    what = "{rows} with a time and its zone: the day there may not be the day here"
    hint = "Say which place's day counts, and write that day."
    return view.finding("time-zone", rows, what, name, "doubt", hint)


def _typed(view: View, name: str) -> list[Finding]:
    """Dates that a spreadsheet understood beside dates in text: those it could not take month first stayed text."""
    typed = view.typed(name) & view.sound
    text = view.span(name).known & ~typed & view.sound
    if not typed.any() or not text.any():
        return []
    days, others = view.span(name).low[typed], view.span(name).low[text]
    parts = np.array([date_parts(int(day), 0) for day in np.unique(days)])
    rest = np.array([date_parts(int(day), 0) for day in np.unique(others)])
    exchanged = bool((parts[:, 2] <= 12).all() and (rest[:, 2] > 12).all() and len(rest) >= 5 and len(parts) >= 2)
    new: dict[int, str | None] | None = None
    if exchanged:
        reread = Rereading(view, name)
        new = {}
        for row, day in zip(np.flatnonzero(typed).tolist(), days.tolist(), strict=True):
            year, month, of_month = date_parts(int(day), 0)
            proposed = reread.styled(int(np.datetime64(f"{year:04d}-{of_month:02d}-{month:02d}").astype(np.int64)))
            if proposed is not None:
                new[row] = proposed
    what = "{rows} with dates a spreadsheet has understood, beside dates left as text" + (
        "; all have a day of 12 or less, all others more: day and month were exchanged" if exchanged else ""
    )
    hint = "Compare some with the source; the spreadsheet reads in the order of its own country."
    return view.finding("typed-beside-text", typed, what, name, "doubt", hint, new)
