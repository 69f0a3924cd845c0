"""Rows that are no records: too many or too few cells, shifted ones, totals, repeated headers, headings, empty rows.

Third floor, in the room of records. The first detectors to run: what they find, the others pass over.

Called by: audit.py.
"""

from __future__ import annotations

import math
import re

import numpy as np

from exitmodels.arrays import Bools
from exitmodels.records.auditview import View, quick_fold
from exitmodels.records.cellnumbers import plain_number
from exitmodels.records.finding import Finding

__all__ = ["row_defects"]

_TOTAL = re.compile(
    r"(?:grand |sub ?)?totals?|sums?|overall|(?:ال)?مجموع(?: الكلي| العام)?|(?:ال)?اجمالي|(?:ال)?جمله|"
    r"somme|summe|gesamt"
)
_ROUND, _LONGEST, _NUMERIC = 1e-6, 40, 0.8


def row_defects(view: View) -> tuple[list[Finding], Bools]:
    """Findings about rows, and the rows that other detectors should pass over (n,)."""
    found: list[Finding] = []
    aside = np.zeros(view.n, dtype=bool)
    for detect in (_surplus, _empty, _headers, _totals, _sections, _shifted, _short):
        made, rows = detect(view.without(aside))
        found += made
        aside |= rows
    return found, aside


def _filled(view: View) -> tuple[list[str], Bools]:
    names = list(view.records.sheet.names)
    return names, np.array([~view.column(name).empty for name in names])


def _dated(view: View) -> Bools:
    """Rows with a date of exit that can be read (n,)."""
    return view.span(view.records.schema.left).known


def _surplus(view: View) -> tuple[list[Finding], Bools]:
    rows = np.zeros(view.n, dtype=bool)
    rows[list(view.records.sheet.surplus)] = True
    what = "{rows} with more cells than the header: a delimiter inside a text, perhaps, and later cells shifted"
    return view.finding("surplus-cells", rows, what, None, "fault", "Look at the line of the file."), rows


def _short(view: View) -> tuple[list[Finding], Bools]:
    rows = np.zeros(view.n, dtype=bool)
    rows[list(view.records.sheet.short)] = True
    rows &= view.sound
    what = "{rows} with fewer cells than the header"
    made = view.finding("short-row", rows, what, None, "doubt", "The last cells were lost, or a delimiter was.")
    return made, rows & ~_dated(view)


def _empty(view: View) -> tuple[list[Finding], Bools]:
    _, filled = _filled(view)
    rows = ~filled.any(axis=0) & view.sound
    return view.finding("empty-row", rows, "{rows} with nothing in any cell", None, "fault", "Set them aside."), rows


def _headers(view: View) -> tuple[list[Finding], Bools]:
    names, filled = _filled(view)
    same = np.zeros((len(names), view.n), dtype=bool)
    for place, name in enumerate(names):
        column = view.column(name)
        wanted = {quick_fold(name), quick_fold(name.strip("\ufeff"))}
        same[place] = column.rows(np.array([text in wanted for text in column.folded.texts], dtype=bool))
    held = filled.sum(axis=0)
    rows = (same.sum(axis=0) == held) & (held >= min(2, len(names))) & view.sound
    what = "{rows} that repeat the header: pages or files were put together"
    return view.finding("repeated-header", rows, what, None, "fault", "Set them aside."), rows


def _totals(view: View) -> tuple[list[Finding], Bools]:
    names, filled = _filled(view)
    word = np.zeros(view.n, dtype=bool)
    for name in names:
        column = view.column(name)
        said = column.folded.holding(_TOTAL)
        said[said] = [_is_total(column.folded.texts[code]) for code in np.flatnonzero(said)]
        word |= column.rows(said)
    rows = word & ~_dated(view) & view.sound
    rows |= _bare_sums(view, names, filled)
    what = "{rows} that hold a total, not a record"
    return view.finding("total-row", rows, what, None, "fault", "Set them aside."), rows


def _is_total(text: str) -> bool:
    """Whether a folded text is a word for a total, and nothing but numbers and marks beside it."""
    return len(text) <= _LONGEST and _TOTAL.fullmatch(re.sub(r"[\W\d_]+", " ", text).strip()) is not None


def _bare_sums(view: View, names: list[str], filled: Bools) -> Bools:
    """Rows that hold numbers only, no date, and one of them is the count or the sum of the rows above."""
    rows = np.zeros(view.n, dtype=bool)
    no_sums = (*view.records.schema.date_columns, view.records.schema.id)
    held = filled.sum(axis=0)
    few = (held > 0) & (held <= len(names) / 2) & view.sound & ~_dated(view)
    for row in np.flatnonzero(few).tolist():
        cells = {
            name: str(view.records.sheet.cells[name][row])
            for name, yes in zip(names, filled[:, row], strict=True)
            if yes
        }
        values = {name: plain_number(text) for name, text in cells.items()}
        if not any(math.isnan(value) for value in values.values()):
            rows[row] = any(_sums_up(view, name, value, row, name in no_sums) for name, value in values.items())
    return rows


def _sums_up(view: View, name: str, value: float, row: int, count_only: bool) -> bool:
    above = view.sound.copy()
    above[row:] = False
    if value == above.sum() and value > 1:
        return True
    column = view.column(name)
    codes = column.codes[above]
    if count_only or codes.size < 2:
        return False
    seen = {int(code): plain_number(column.texts[code]) for code in np.unique(codes) if code >= 0}
    numbers = np.array([seen.get(code, math.nan) for code in codes.tolist()])
    total = float(np.nansum(numbers))
    return bool(np.isfinite(numbers).mean() > _NUMERIC and abs(value - total) <= _ROUND * max(abs(total), 1))


def _sections(view: View) -> tuple[list[Finding], Bools]:
    names, filled = _filled(view)
    alone = (filled.sum(axis=0) == 1) & view.sound & ~_dated(view)
    rows = np.zeros(view.n, dtype=bool)
    if len(names) >= 3:
        for row in np.flatnonzero(alone).tolist():
            text = str(view.records.sheet.cells[names[int(np.argmax(filled[:, row]))]][row])
            rows[row] = bool(re.search(r"[^\W\d_]{2}", text))
    what = "{rows} with text in a single cell: a heading between the records"
    return view.finding("section-row", rows, what, None, "fault", "Set them aside."), rows


# ---- shifted cells -----------------------------------------------------------------------------------------------
def _shifted(view: View) -> tuple[list[Finding], Bools]:
    """A cell that does not fit its column, while one beside it (or beside its like neighbours) would, out of place."""
    names = list(view.records.sheet.names)
    rows = np.zeros(view.n, dtype=bool)
    for kind in _typed_columns(view):
        for step in (1, -1):
            at = names.index(kind) + step
            if not 0 <= at < len(names) or _alike(view, kind, names[at]):
                continue
            wrong = _misfits(view, names, kind, step)
            if wrong.any():
                rows |= wrong & _fits(view, names[at], kind, wrong) & ~_at_home(view, names[at], wrong)
    what = "{rows} whose cells fit the neighbouring columns: shifted by one"
    hint = "Move the cells back with repair(column, {row: text}, why=), or set the rows aside."
    return view.finding("shifted-cells", rows, what, None, "fault", hint), rows


def _misfits(view: View, names: list[str], kind: str, step: int) -> Bools:
    """Rows with a cell that is not at home in this column, or in those of its kind that follow without a gap (n,)."""
    wrong, at = np.zeros(view.n, dtype=bool), names.index(kind)
    while 0 <= at < len(names) and (names[at] == kind or _alike(view, kind, names[at])):
        wrong |= ~_fits(view, names[at], names[at], view.sound)
        at -= step
    return wrong & view.sound


def _typed_columns(view: View) -> list[str]:
    schema = view.records.schema
    return [name for name in view.records.sheet.names if name in (*schema.date_columns, *schema.numbers)]


def _alike(view: View, one: str, other: str) -> bool:
    dates, numbers = view.records.schema.date_columns, view.records.schema.numbers
    return (one in dates and other in dates) or (one in numbers and other in numbers)


def _fits(view: View, held: str, kind: str, rows: Bools) -> Bools:
    """Rows (among some) whose cell in column `held` is what column `kind` holds (n,)."""
    schema, column = view.records.schema, view.column(held)
    codes = np.unique(column.codes[rows])
    codes = codes[codes >= 0]
    good = np.zeros(len(column.texts), dtype=bool)
    if kind in schema.date_columns:
        if held == kind:
            return np.asarray(view.span(kind).known & rows)
        texts = [column.texts[code] for code in codes]
        full = np.array([len(text) < 40 and len(re.findall(r"\d+", text)) >= 2 for text in texts], dtype=bool)
        if full.any():
            sure = codes[full]
            good[sure] = view.read(kind, [column.texts[code] for code in sure]).known
    else:
        good[codes] = [not math.isnan(plain_number(column.texts[code])) for code in codes]
    return np.asarray(column.rows(good) & rows)


def _at_home(view: View, name: str, rows: Bools) -> Bools:
    """Rows (among some) whose cell is of its column's own kind; in columns of text, anything but a date or a number."""
    schema, column = view.records.schema, view.column(name)
    if name in (*schema.date_columns, *schema.numbers):
        return _fits(view, name, name, rows) | column.empty
    if name == schema.id:
        return np.ones(view.n, dtype=bool)
    numeric = column.which(lambda text: bool(re.fullmatch(r"[\W\d_]+", text)) and bool(re.search(r"\d", text)))
    share = column.rows(numeric)[view.sound].mean() if view.sound.any() else 0.0
    return np.asarray(~column.rows(numeric) | column.empty) if share < 0.1 else np.ones(view.n, dtype=bool)
