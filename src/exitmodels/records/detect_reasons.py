"""Reasons as written: blank and absent, marks that stand for nothing or for "as above", texts cut off.

Third floor, in the room of records. Called by: audit.py; ditto marks also by detect_dates.py.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.special import bdtrc

from exitmodels.arrays import Bools
from exitmodels.records.auditview import Column, View, quick_fold
from exitmodels.records.finding import Finding

__all__ = ["LEVEL", "ditto_rows", "is_ditto", "is_placeholder", "reason_defects"]

LEVEL = 1e-6
"""Level of every test in the audit: about one false alarm in a million honest columns."""
_DITTO = frozenset(
    quick_fold(text)
    for text in (
        *('"', "\u201c", "\u201d", "\u201e", "\u201f", "\u3003", "\u2033", "\u02ba", "\u05f4", ",,", ",", "="),
        *("\u060c", "\u060c\u060c", "do", "do.", "ditto", "idem", "id.", "same", "as above", "same as above"),
        *("نفسه", "نفس الشيء", "كذلك", "كسابقه", "كما سبق", "كما أعلاه"),
    )
)
_PLACEHOLDER = re.compile(
    r"[-\u2013\u2014_/\\?.*~\u061f+x]+|n\.?/?a\.?|none|nil|null|nan|na|tbd|tba|unknown|not known|unk|missing|"
    r"not available|no reason|"
    r"لا يوجد|لايوجد|غير معروف|مجهول|بدون|لا شي"
)
_TAIL, _SHORTEST, _LONGEST = 9, 15, 20


def is_ditto(text: str) -> bool:
    """Whether a text says "as above".

    >>> [is_ditto(text) for text in ("〃", " do. ", "كذلك", "double")]
    [True, True, True, False]
    """
    return quick_fold(text) in _DITTO and bool(text.strip())


def is_placeholder(text: str) -> bool:
    """Whether a text stands for "nothing to say".

    >>> [is_placeholder(text) for text in ("-", "n/a", "??", "غير معروف", "na")]
    [True, True, True, True, True]
    """
    return len(text) <= _LONGEST and _PLACEHOLDER.fullmatch(quick_fold(text) or text.strip()) is not None


def ditto_rows(view: View, name: str) -> Bools:
    """Rows of a column whose cell says "as above" (n,)."""
    column = view.column(name)
    said = column.folded.which(_DITTO.__contains__) & column.used
    return np.asarray(column.rows(said) & view.sound)


def reason_defects(view: View) -> list[Finding]:
    """Findings about the reasons; ditto marks in every column."""
    found: list[Finding] = []
    for name in view.records.sheet.names:
        found += _ditto(view, view.column(name))
    if view.records.schema.reason is None:
        return found
    column = view.column(view.records.schema.reason)
    return found + _blank(view, column) + _placeholders(view, column) + _cut(view, column) + _uncoded(view, column)


def _ditto(view: View, column: Column) -> list[Finding]:
    """Ditto marks, with the text of the nearest record above that has one."""
    rows = ditto_rows(view, column.name)
    if not rows.any():
        return []
    good = view.sound & ~rows & ~column.empty
    above = np.maximum.accumulate(np.where(good, np.arange(view.n), -1))
    places = np.flatnonzero(rows)
    new: dict[int, str | None] = {int(row): column.texts[column.codes[above[row]]] for row in places if above[row] >= 0}
    weight = "fault" if column.name in view.records.schema.date_columns else "doubt"
    what = '{rows} that say "as above"'
    hint = "Right only while the rows stand in their first order."
    return view.finding("ditto", rows, what, column.name, weight, hint, new)


def _blank(view: View, column: Column) -> list[Finding]:
    absent = (column.codes < 0) & view.sound
    blank = column.empty & ~absent & view.sound
    found = view.finding("blank-reason", blank, "{rows} with an empty reason", column.name, "note")
    both = blank.any() and absent.any() and view.records.schema.missing_reason is None
    hint = (
        ""
        if view.records.schema.missing_reason
        else 'Say missing_reason="blank" or "no-field": reasons are not coded before.'
    )
    found += view.finding("absent-reason", absent, "{rows} without a cell for the reason", column.name, "note", hint)
    if both:
        what = "{rows} have no cell for the reason, while others have an empty one"
        found += view.finding("blank-and-absent", absent, what, column.name, "doubt", hint)
    return found


def _placeholders(view: View, column: Column) -> list[Finding]:
    rows = column.rows(column.which(is_placeholder)) & view.sound
    new: dict[int, str | None] = dict.fromkeys(np.flatnonzero(rows).tolist(), "")
    what = "{rows} with a mark or word that stands for no reason"
    return view.finding("placeholder-reason", rows, what, column.name, "note", "The proposal is an empty reason.", new)


def _cut(view: View, column: Column) -> list[Finding]:
    """Far more distinct texts at the greatest length than a falling tail allows."""
    used = np.zeros(len(column.texts), dtype=bool)
    used[np.unique(column.codes[view.sound & ~column.empty])] = True
    lengths = np.array([len(text) for text in column.texts], dtype=np.int64)
    held = lengths[used]
    if not held.size or held.max() < _SHORTEST or held.min() == held.max():
        return []
    most = int(held.max())
    at_end, near = int((held == most).sum()), int((held >= most - _TAIL).sum())
    # In a tail that falls, the greatest of ten lengths holds at most one text in ten.
    if bdtrc(at_end - 1, near, 1 / (_TAIL + 1)) >= LEVEL:
        return []
    rows = column.rows(used & (lengths == most)) & view.sound
    what = f"{{rows}} with a reason of exactly {most} characters, and none longer: cut off"
    hint = "Words at the end, and further reasons, are lost: go back to an earlier copy."
    return view.finding("truncated-text", rows, what, column.name, "doubt", hint)


def _uncoded(view: View, column: Column) -> list[Finding]:
    known = np.array([bool(codes) for codes in view.reason_codes], dtype=bool)
    nothing = column.which(lambda text: is_placeholder(text) or is_ditto(text) or not text.strip())
    rows = column.rows(~known & ~nothing) & view.sound
    what = "{rows} with a reason in which the codebook finds no cue"
    hint = "Read them, and extend the codebook: Codebook.extend."
    return view.finding("uncoded-reason", rows, what, column.name, "note", hint)
