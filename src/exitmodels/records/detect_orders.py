"""Dates against each other and against the window: impossible orders, slips of a year, day and month exchanged.

Third floor, in the room of records. A row that breaks a rule is tried with one change at a time: a year added or taken,
day and month exchanged, the 1,462 days between two systems of day numbers. When exactly one change mends everything
it is proposed; when none or several do, the row stands under the rule it breaks.

Called by: audit.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from exitmodels.arrays import Bools
from exitmodels.records.auditview import Span, View
from exitmodels.records.detect_dates import DAYS_1904, empty_markers
from exitmodels.records.finding import Finding
from exitmodels.records.monthnames import folded
from exitmodels.records.respelling import date_parts, in_style, plain_date, with_parts_exchanged, with_year

__all__ = ["BORN", "RECORDED", "order_defects"]

BORN = re.compile(r"born|birth|b_?day|dob|مولد|ميلاد|مواليد")
RECORDED = re.compile(r"record|register|enter(?:ed|y_on)|written|form_?date|تسجيل|تدوين|تحرير")
_NEW_YEAR = 60


class _Change(NamedTuple):
    code: str
    column: str
    what: str
    rows: Bools
    new: list[str | None]


@dataclass(frozen=True)
class _Dates:
    """The columns compared: window, exit, joining, and by name birth and record."""

    view: View
    left: Span
    joined: Span | None
    born: tuple[tuple[str, Span], ...]
    recorded: tuple[tuple[str, Span], ...]


def order_defects(view: View) -> list[Finding]:
    """Impossible orders and dates outside the window, and the slips that explain them."""
    schema = view.records.schema
    spans = {name: _sure(view, name) for name in schema.date_columns}
    named = [(name, folded(name)) for name in schema.other_dates]
    born = tuple((name, spans[name]) for name, said in named if BORN.search(said))
    recorded = tuple((name, spans[name]) for name, said in named if RECORDED.search(said) and not BORN.search(said))
    dates = _Dates(view, spans[schema.left], spans[schema.joined] if schema.joined else None, born, recorded)
    outside, late, crossed = _broken(dates)
    found, explained = _explained(dates, outside, late, crossed)
    found += view.finding(
        "outside-window",
        outside & ~explained,
        "{rows} with an exit outside the window",
        schema.left,
        "fault",
        "No single slip explains them: look at the source, or at the window.",
    )
    found += view.finding(
        "outside-window",
        late & ~outside & ~explained,
        "{rows} who joined after the close of the window",
        schema.joined,
        "fault",
        "Nobody can leave before joining: look at the source.",
    )
    found += view.finding(
        "exit-before-entry",
        crossed & ~outside & ~late & ~explained,
        "{rows} with an exit before the entry",
        schema.left,
        "fault",
        "No single slip explains them: look at the source, or set them aside.",
    )
    return found + _same_day(dates) + _other_orders(dates)


def _sure(view: View, name: str) -> Span:
    """Dates of sound rows, without those that stand for nothing."""
    span = view.span(name)
    _, nothing = empty_markers(view, name)
    return Span(span.low, span.high, span.known & view.sound & ~nothing)


def _broken(dates: _Dates) -> tuple[Bools, Bools, Bools]:
    """Exits outside the window, joined after its close, and exits before entry (n,)."""
    left, joined, window = dates.left, dates.joined, dates.view.window
    none = np.zeros(dates.view.n, dtype=bool)
    outside = none if window is None else left.known & ((left.high < window[0]) | (left.low > window[1]))
    if joined is None:
        return outside, none, none
    late = none if window is None else joined.known & (joined.low > window[1])
    return outside, late, left.known & joined.known & (left.high < joined.low)


# ---- one change that mends everything ----------------------------------------------------------------------------
def _explained(dates: _Dates, outside: Bools, late: Bools, crossed: Bools) -> tuple[list[Finding], Bools]:
    rows = np.flatnonzero(outside | late | crossed)
    explained = np.zeros(dates.view.n, dtype=bool)
    if not rows.size:
        return [], explained
    changes = _changes(dates, rows, outside, late, crossed)
    several = np.sum([change.rows for change in changes], axis=0)
    found: list[Finding] = []
    for code, column in dict.fromkeys((change.code, change.column) for change in changes):
        new: dict[int, str | None] = {}
        what = ""
        for change in changes:
            if (change.code, change.column) == (code, column):
                what = change.what
                alone = change.rows & (several == 1)
                new |= {int(rows[k]): change.new[k] for k in np.flatnonzero(alone)}
        explained[list(new)] = True
        weight = "fault" if code == "year-slip" else "doubt"
        found += dates.view.finding(code, list(new), what, column, weight, "Compare with the source.", new)
    return found, explained


def _changes(dates: _Dates, rows: np.ndarray, outside: Bools, late: Bools, crossed: Bools) -> list[_Change]:
    """Every single change, with the rows (among those broken) that it mends."""
    view, schema = dates.view, dates.view.records.schema
    out, close, cross = outside[rows], late[rows], crossed[rows]
    longest = _longest(dates, outside | late | crossed)
    made = []
    for name, wrong in ((schema.left, out), (schema.joined, close)):
        if name is None:
            continue
        span = dates.left if name == schema.left else dates.joined
        assert span is not None
        fresh = cross & (name == schema.left) & ~out & ~close & _new_year(view, name, span, rows)
        options: list[tuple[str, str, Bools, Callable[[int, str], str | None]]] = [
            ("year-slip", _SLIP, wrong | fresh, _year_moved(view, name, span, 1)),
            ("year-slip", _SLIP, wrong, _year_moved(view, name, span, -1)),
            ("day-month-swapped", _SWAP, wrong | cross, lambda _, text: with_parts_exchanged(text)),
            ("1904-days", _APART, wrong, _days_moved(view, name, span, DAYS_1904)),
            ("1904-days", _APART, wrong, _days_moved(view, name, span, -DAYS_1904)),
        ]
        for code, what, tried, rewrite in options:
            new = _texts(view, name, rows, tried & span.known[rows], rewrite)
            read = view.read(name, [*new, None])
            good = read.known[:-1] & _mended(dates, name, rows, read, longest)
            made.append(_Change(code, name, what, good, new))
    return made


_SLIP = "{rows} with a date that fits once a year is added or taken: the old year was written"
_SWAP = "{rows} with a date that fits once day and month are exchanged"
_APART = "{rows} with a date that fits once moved by 1,462 days, from day numbers of 1904 to those of 1900 or back"


def _texts(
    view: View, name: str, rows: np.ndarray, tried: Bools, rewrite: Callable[[int, str], str | None]
) -> list[str | None]:
    """What to write in each row tried; rows of one text are rewritten alike."""
    column, typed = view.column(name), view.typed(name)
    codes = column.codes[rows]
    made: dict[int, str | None] = {}
    for k in np.flatnonzero(tried).tolist():
        code = int(codes[k])
        if code not in made:
            text = rewrite(int(rows[k]), column.texts[code])
            made[code] = _spelled_out(text) if typed[rows[k]] and text is not None else text
    return [made.get(code) if yes else None for code, yes in zip(codes.tolist(), tried.tolist(), strict=True)]


def _spelled_out(text: str) -> str:
    """A date of a typed source, rewritten: its month by name, for it will be text from now on."""
    try:
        return plain_date(int(np.datetime64(text[:10]).astype(np.int64)), 0)
    except ValueError:
        return text


def _year_moved(view: View, name: str, span: Span, step: int) -> Callable[[int, str], str | None]:
    calendar = view.records.dates(name).calendar_code

    def rewrite(row: int, text: str) -> str | None:
        year, _, _ = date_parts(int(span.low[row]), int(calendar[row]))
        return with_year(text, year, year + step)

    return rewrite


def _days_moved(view: View, name: str, span: Span, step: int) -> Callable[[int, str], str | None]:
    calendar = view.records.dates(name).calendar_code

    def rewrite(row: int, text: str) -> str | None:
        if span.low[row] != span.high[row] or calendar[row] != 0:
            return None
        return in_style(int(span.low[row]) + step, 0, [(text, int(span.low[row]))])

    return rewrite


def _new_year(view: View, name: str, span: Span, rows: np.ndarray) -> Bools:
    """Dates in the first weeks of their calendar's year, when the old year is still in the hand."""
    calendar = view.records.dates(name).calendar_code
    early: dict[tuple[int, int], bool] = {}
    for key in set(zip(span.low[rows].tolist(), calendar[rows].tolist(), strict=True)):
        _, month, day = date_parts(*key)
        early[key] = (month - 1) * 30 + day <= _NEW_YEAR
    told = [early[key] for key in zip(span.low[rows].tolist(), calendar[rows].tolist(), strict=True)]
    return np.asarray(np.array(told, dtype=bool) & span.known[rows])


def _longest(dates: _Dates, broken: Bools) -> int:
    """The longest stay of rows with certain days that break no rule."""
    if dates.joined is None:
        return 0
    good = dates.left.known & dates.joined.known & ~broken
    good &= (dates.left.low == dates.left.high) & (dates.joined.low == dates.joined.high)
    return int((dates.left.high - dates.joined.low)[good].max()) if good.any() else 1 << 30


def _mended(dates: _Dates, name: str, rows: np.ndarray, read: Span, longest: int) -> Bools:
    """Whether all rules hold with this column as read anew."""
    schema, window = dates.view.records.schema, dates.view.window
    low, high = read.low[:-1], read.high[:-1]
    good = np.ones(len(rows), dtype=bool)
    is_left = name == schema.left
    left_low, left_high = (low, high) if is_left else (dates.left.low[rows], dates.left.high[rows])
    left_known = np.ones(len(rows), dtype=bool) if is_left else dates.left.known[rows]
    if window is not None:
        good &= ~left_known | ((left_low >= window[0]) & (left_high <= window[1]))
    if dates.joined is not None:
        start_low, start_high = (dates.joined.low[rows], dates.joined.high[rows]) if is_left else (low, high)
        start_known = dates.joined.known[rows] if is_left else np.ones(len(rows), dtype=bool)
        both = left_known & start_known
        good &= ~both | ((start_high <= left_low) & (left_high - start_low <= longest))
        if window is not None:
            good &= ~start_known | (start_low <= window[1])
        for _, span in dates.born:
            good &= ~(span.known[rows] & start_known) | (span.low[rows] < start_low)
    for _, span in dates.recorded:
        good &= ~(span.known[rows] & left_known) | (left_low <= span.high[rows])
    return good


# ---- the other rules ---------------------------------------------------------------------------------------------
def _same_day(dates: _Dates) -> list[Finding]:
    if dates.joined is None:
        return []
    left, joined = dates.left, dates.joined
    rows = left.known & joined.known & (left.low == left.high) & (joined.low == joined.high) & (left.low == joined.low)
    what = "{rows} who joined and left on the same day"
    hint = "A stay needs a length: to_spells(day_fraction=0.5), or set them aside."
    return dates.view.finding("same-day", rows, what, dates.view.records.schema.left, "doubt", hint)


def _other_orders(dates: _Dates) -> list[Finding]:
    schema, found = dates.view.records.schema, []
    start, what = (dates.left, "left") if dates.joined is None else (dates.joined, "joined")
    for name, span in dates.born:
        rows = span.known & start.known & (span.low > start.high)
        said = f"{{rows}} born after they {what}"
        found += dates.view.finding("born-after", rows, said, name, "fault", "One of the two dates is wrong.")
    for name, span in dates.recorded:
        rows = span.known & dates.left.known & (dates.left.low > span.high)
        if dates.joined is not None:
            rows |= span.known & dates.joined.known & (dates.joined.low > span.high)
        broken = np.logical_or.reduce(_broken(dates))
        said = f"{{rows}} recorded before what they record ({schema.left} is later)"
        found += dates.view.finding(
            "after-record", rows & ~broken, said, name, "fault", "One of the two dates is wrong."
        )
    return found
