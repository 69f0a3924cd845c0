"""Numbers and ids: as a spreadsheet leaves them, as people write them, and values that stand for nothing.

Third floor, in the room of records. Called by: audit.py.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter

import numpy as np
from scipy.special import bdtrc

from exitmodels.arrays import AnyArray, Bools
from exitmodels.records.auditview import Column, View
from exitmodels.records.cellnumbers import plain_number
from exitmodels.records.detect_reasons import LEVEL, is_ditto, is_placeholder
from exitmodels.records.finding import Finding
from exitmodels.records.monthnames import folded

__all__ = ["id_defects", "number_defects"]

_POWER = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+]?\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:([,'\u2019\u00a0\u202f \u066c])\d{3})(?:\1\d{3})*(?:\.\d+)?")
_POINTED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+|[+-]?\d{1,3}(?:\.\d{3}){2,}")
_COMMA = re.compile(r"[+-]?\d*,\d+")
_AGE = re.compile(r"(?:^|[ _.])age(?:$|[ _.])|^age|عمر|السن|^سن$")
_OLDEST = 110
_SENTINELS = (-1, -7, -8, -9, -77, -88, -99, -999, -9999, 77, 88, 97, 98, 99, 777, 888, 997, 998, 999, 9999, 99999)
_SURE = 15
_MOST = 0.9


# ---- numbers -----------------------------------------------------------------------------------------------------
def number_defects(view: View) -> list[Finding]:
    """Cells of columns of numbers that are not plainly numbers, ages that cannot be, values that stand for nothing."""
    found: list[Finding] = []
    for name in view.records.schema.numbers:
        column = view.column(name)
        values = np.array([plain_number(text) for text in column.texts] or [math.nan])[: len(column.texts)]
        found += _written(view, column, values) + _values(view, column, values)
    return found


def _written(view: View, column: Column, values: AnyArray) -> list[Finding]:
    """Thousands marked, decimal commas, powers of ten, digits of another script, and what is no number at all."""
    made: dict[str, dict[str, str | None]] = {}
    commas = any(_is_comma(text) and not _THOUSANDS.fullmatch(_ascii(text)) for text in column.texts)
    for text, value in zip(column.texts, values.tolist(), strict=True):
        if not text.strip():
            continue
        kind, new = _reading(text, value, commas)
        if kind:
            made.setdefault(kind, {})[text] = new
    found: list[Finding] = []
    for kind, new_texts in made.items():
        rows = np.flatnonzero(column.rows(column.which(new_texts.__contains__)) & view.sound).tolist()
        every = {row: new_texts[column.texts[column.codes[row]]] for row in rows}
        emptied = kind == "placeholder-number"
        proposed = {row: text for row, text in every.items() if emptied or text is not None}
        what, weight, hint = _KINDS[kind]
        found += view.finding(kind, rows, what, column.name, weight, hint, proposed)
    return found


_KINDS = {
    "thousands-separator": ("{rows} with marks between thousands", "fault", "The proposal leaves them out."),
    "decimal-comma": ("{rows} with a decimal comma", "fault", "The proposal writes a point."),
    "power-of-ten": ("{rows} with a number written with a power of ten", "fault", "Digits may be lost: look."),
    "foreign-digits": ("{rows} with digits that are not 0 to 9", "note", "They are read; other programs refuse them."),
    "placeholder-number": ("{rows} with a mark for a number that is not known", "fault", "The proposal empties them."),
    "not-a-number": ("{rows} with text that is no number", "fault", "Correct them, or set them aside."),
}


def _ascii(text: str) -> str:
    plain = "".join(str(unicodedata.decimal(c, c)) for c in text.strip())
    return plain.replace("\u2212", "-").replace("\u066b", ".")


def _is_comma(text: str) -> bool:
    return bool(_COMMA.fullmatch(_ascii(text))) or bool(_POINTED.fullmatch(_ascii(text)))


def _reading(text: str, value: float, commas: bool) -> tuple[str, str | None]:
    """Kind of a cell that is not a number in ASCII digits, and what to write."""
    plain = _ascii(text)
    if not math.isnan(value):
        return ("foreign-digits", plain) if plain != text.strip() and not text.isascii() else ("", None)
    if match := _THOUSANDS.fullmatch(plain):
        # 1,200 beside 12,5 may be one point two.
        unsure = commas and match.group(1) == "," and plain.count(",") == 1 and "." not in plain
        return "thousands-separator", None if unsure else plain.replace(match.group(1), "")
    if _is_comma(text):
        return "decimal-comma", plain.replace(".", "").replace(",", ".")
    if _POWER.fullmatch(plain):
        return "power-of-ten", None
    if is_placeholder(text):
        return "placeholder-number", None
    return ("" if is_ditto(text) else "not-a-number"), None


def _values(view: View, column: Column, values: AnyArray) -> list[Finding]:
    held = np.zeros(len(values), dtype=bool)
    codes = column.codes[view.sound]
    held[codes[codes >= 0]] = True
    numbers = held & np.isfinite(values)
    aged = bool(_AGE.search(folded(column.name)))
    standing = _standing_for_nothing(values, numbers) & ~(aged & (values > _OLDEST))
    found = view.finding(
        "sentinel-value",
        column.rows(standing) & view.sound,
        f'{{rows}} with {_listed(values[standing])}, far from all other values: a code for "not known"',
        column.name,
        "doubt",
        "Ask for the code list of the source; then empty these cells.",
    )
    if aged:
        odd = numbers & ~standing & ((values <= 0) | (values > _OLDEST))
        found += view.finding(
            "impossible-age",
            column.rows(odd) & view.sound,
            f"{{rows}} with an age of {_listed(values[odd])}",
            column.name,
            "doubt",
            "Empty these cells, or find the age.",
        )
    return found


def _standing_for_nothing(values: AnyArray, numbers: Bools) -> Bools:
    """Values such as -1 and 99 that lie apart from all the others."""
    coded = numbers & np.isin(values, _SENTINELS)
    others = (
        values[numbers & ~coded & (values >= 0) & (values < 10 * np.median(values[numbers]) + 10)]
        if numbers.any()
        else values[:0]
    )
    if others.size < 5:
        return np.zeros(len(values), dtype=bool)
    gap = max((others.max() - others.min()) / 4, 1)
    return np.asarray(coded & ((values > others.max() + gap) | ((values < 0) & (others.min() >= 0))))


def _listed(values: AnyArray) -> str:
    return ", ".join(f"{value:g}" for value in np.unique(values)[:5])


# ---- ids ---------------------------------------------------------------------------------------------------------
def id_defects(view: View) -> list[Finding]:
    """Ids that a spreadsheet has read as numbers, and ids given twice."""
    name = view.records.schema.id
    if name is None:
        return []
    column = view.column(name)
    power = column.which(lambda text: bool(_POWER.fullmatch(text.strip())))
    found = view.finding(
        "scientific-id",
        column.rows(power) & view.sound,
        "{rows} with an id turned into a power of ten by a spreadsheet",
        name,
        "fault",
        "The digits are lost: go back to an earlier copy.",
    )
    rounded = _rounded(column)
    found += view.finding(
        "rounded-id",
        column.rows(rounded) & view.sound,
        "{rows} with an id rounded to fifteen digits",
        name,
        "fault",
        "Spreadsheets keep fifteen digits: go back to an earlier copy.",
    )
    short, width = _short(column)
    rows = np.flatnonzero(column.rows(short & ~rounded) & view.sound).tolist()
    found += view.finding(
        "lost-zeros",
        rows,
        f"{{rows}} with an id shorter than the others ({width} digits): zeros at its front are lost",
        name,
        "doubt",
        "The proposal puts them back.",
        {row: column.texts[column.codes[row]].strip().zfill(width) for row in rows},
    )
    return found


def repeated_ids(view: View, twins: Bools) -> list[Finding]:
    """Ids given to rows that are not copies of each other; `twins` are rows already known as copies."""
    name = view.records.schema.id
    if name is None:
        return []
    column = view.column(name)
    lost = column.which(lambda text: bool(_POWER.fullmatch(text.strip()))) | _rounded(column)
    rows = view.sound & ~twins & ~column.empty & ~column.rows(lost)
    times = np.bincount(column.codes[rows], minlength=len(column.texts))
    what = "{rows} with an id that another row has too"
    hint = "Different persons, or one person twice: compare the rows."
    return view.finding("repeated-id", rows & column.rows(times > 1), what, name, "fault", hint)


def _rounded(column: Column) -> Bools:
    """Long numbers that end in zeros after the fifteenth digit, more of them than chance gives."""
    texts = [text.strip() for text in column.texts]
    long = np.array([len(text.lstrip("0")) > _SURE and text.isdigit() and text.isascii() for text in texts], dtype=bool)
    if not long.any():
        return long
    extra = np.array(
        [max(len(text.lstrip("0")) - _SURE, 0) if yes else 0 for text, yes in zip(texts, long, strict=True)]
    )
    ends = np.array(
        [more > 0 and not text[-more:].strip("0") for text, more in zip(texts, extra.tolist(), strict=True)]
    )
    for more in np.unique(extra[ends]):
        among = long & (extra >= more)
        if bdtrc(int((ends & among).sum()) - 1, int(among.sum()), 10.0 ** -float(more)) < LEVEL:
            return np.asarray(ends & among)
    return np.zeros(len(texts), dtype=bool)


def _short(column: Column) -> tuple[Bools, int]:
    """Ids of digits shorter than nearly all others, in a column where some begin with 0; and the common width."""
    none = np.zeros(len(column.texts), dtype=bool)
    digits = column.which(lambda text: text.strip().isdigit())
    if not digits.any():
        return none, 0
    lengths = np.array([len(text.strip()) for text in column.texts])
    width, n = Counter(lengths[digits].tolist()).most_common(1)[0]
    zeros = any(
        text.strip().startswith("0") for text, yes in zip(column.texts, digits & (lengths == width), strict=True) if yes
    )
    if not zeros or n < _MOST * digits.sum():
        return none, 0
    return np.asarray(digits & (lengths < width)), int(width)
