"""Defects of the file: encodings, marks that are not seen, headers, merged and hidden cells, columns that say nothing.

Third floor, in the room of records. Called by: audit.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from exitmodels.records.auditview import Column, View, counted
from exitmodels.records.finding import Finding

__all__ = ["encodings", "layout", "mended"]

_MARKS = re.compile(
    "[\u00ad\u061c\u200b\u200d\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]|(?<![\u0600-\u06ff])\u200c|"
    "\u200c(?![\u0600-\u06ff])"
)
_LOST = re.compile(r"\ufffd|\?{4,}|\?{2,} \?{2,}")
_PRESENTED = re.compile("[\ufb50-\ufbff\ufc00-\ufd3d\ufd50-\ufdcf\ufe70-\ufefc]")
_NEWLINE = re.compile(r"[\r\n\u2028\u2029\x0b\x0c\x85]")
_SUSPECT = re.compile("[\u00c2-\u00f4\u0627\u0637\u0638\u00d8\u00d9\u0623][\u0080-\uffff]")
_CODECS = ("cp1252", "cp1256")
_PLAUSIBLE = ((0x80, 0x24F), (0x400, 0x4FF), (0x600, 0x6FF), (0x2000, 0x206F), (0x20AC, 0x20AC), (0xFE70, 0xFEFF))
_SAID, _MOSTLY = 20, 0.95


# ---- encodings ---------------------------------------------------------------------------------------------------
def encodings(view: View) -> list[Finding]:
    """Text that went through the wrong encoding, or holds characters that are not seen."""
    found = []
    for name in view.records.sheet.names:
        column = view.column(name)
        found += _newlines(view, column)
        if not column.plain or column.holding(_LOST).any():
            found += _misread(view, column) + _unseen(view, column) + _forms(view, column)
    return found


def _rewritten(
    view: View, column: Column, chosen: Sequence[int], new: Callable[[str], str]
) -> tuple[list[int], dict[int, str | None]]:
    """Rows of some distinct texts, and what to write in them."""
    mask = np.zeros(len(column.texts), dtype=bool)
    mask[list(chosen)] = True
    text = {code: new(column.texts[code]) for code in chosen}
    rows = np.flatnonzero(column.rows(mask) & view.sound).tolist()
    return rows, {row: text[int(column.codes[row])] for row in rows}


def _newlines(view: View, column: Column) -> list[Finding]:
    codes = np.flatnonzero(column.holding(_NEWLINE)).tolist()
    rows, new = _rewritten(view, column, codes, lambda text: " ".join(re.sub(_NEWLINE, " ", text).split()))
    return view.finding(
        "embedded-newline",
        rows,
        "{rows} with a line break inside a cell",
        column.name,
        "doubt",
        "Two entries may stand in one cell; the proposal puts a space for the break.",
        new,
    )


def _misread(view: View, column: Column) -> list[Finding]:
    suspects = np.flatnonzero(column.holding(_SUSPECT)).tolist()
    better = {code: mended(column.texts[code]) for code in suspects}
    wrong = [code for code in suspects if better[code] != column.texts[code]]
    rows, new = _rewritten(view, column, wrong, mended)
    found = view.finding(
        "mojibake",
        rows,
        "{rows} with UTF-8 text that was read in another encoding"
        + (f", such as {column.texts[wrong[0]][:30]!r} for {better[wrong[0]][:30]!r}" if wrong else ""),
        column.name,
        "fault",
        "Read the file again in its encoding, or repair these cells.",
        new,
    )
    lost = column.rows(column.holding(_LOST)) & view.sound
    return found + view.finding(
        "lost-characters",
        lost,
        "{rows} with characters that some program could not write (U+FFFD, ????)",
        column.name,
        "fault",
        "They are gone here: go back to an earlier copy of the file.",
    )


def mended(text: str) -> str:
    """Undo a wrong reading of UTF-8, word by word; text that shows none is returned as it is.

    >>> mended("Ø¹Ù„Ø§Ø¬"), mended("RÃ©ma Dara"), mended("Straße"), mended("Ã la carte")
    ('علاج', 'Réma Dara', 'Straße', 'Ã la carte')
    """
    return " ".join(_mended_word(word) for word in text.split(" "))


def _mended_word(word: str) -> str:
    if word.isascii():
        return word
    for codec in _CODECS:
        raw = _as_bytes(word, codec)
        try:
            better = raw.decode("utf-8") if raw is not None else ""
        except UnicodeError:
            continue
        beyond = [char for char in better if ord(char) > 0x7F]
        # Two Arabic letters of cp1256 can be one of UTF-8 by chance; two such pairs in one word hardly.
        enough = len(beyond) >= (1 if codec == "cp1252" else 2)
        if enough and all(any(low <= ord(c) <= high for low, high in _PLAUSIBLE) for c in beyond):
            return better
    return word


def _as_bytes(word: str, codec: str) -> bytes | None:
    raw = bytearray()
    for char in word:
        try:
            raw += char.encode(codec)
        except UnicodeError:
            if ord(char) > 0xFF:
                return None
            raw.append(ord(char))
    return bytes(raw)


def _unseen(view: View, column: Column) -> list[Finding]:
    codes = np.flatnonzero(column.holding(_MARKS)).tolist()
    rows, new = _rewritten(view, column, codes, lambda text: _MARKS.sub("", text))
    found = view.finding(
        "hidden-marks",
        rows,
        "{rows} with characters that are not seen (marks of direction, zero-width, soft hyphens)",
        column.name,
        "doubt",
        "Two texts that look alike differ; the proposal takes the marks out.",
        new,
    )
    codes = np.flatnonzero(column.holding(_PRESENTED)).tolist()
    rows, new = _rewritten(view, column, codes, lambda text: unicodedata.normalize("NFKC", text))
    return found + view.finding(
        "presentation-forms",
        rows,
        "{rows} with Arabic letters stored as shapes (from a PDF or an old program)",
        column.name,
        "doubt",
        "No search finds them; the proposal writes the letters.",
        new,
    )


def _forms(view: View, column: Column) -> list[Finding]:
    """Some texts with letters and accents as one character, others as two."""
    apart, whole = [], False
    for code, text in enumerate(column.texts):
        if text.isascii():
            continue
        if len(unicodedata.normalize("NFC", text)) < len(text):
            apart.append(code)
        else:
            whole = whole or len(unicodedata.normalize("NFD", text)) > len(text)
    if not whole:
        return []
    rows, new = _rewritten(view, column, apart, lambda text: unicodedata.normalize("NFC", text))
    return view.finding(
        "mixed-forms",
        rows,
        "{rows} with letter and accent as two characters, where other rows have one",
        column.name,
        "doubt",
        "Equal names differ so; the proposal writes one character (NFC).",
        new,
    )


# ---- layout ------------------------------------------------------------------------------------------------------
def layout(view: View) -> list[Finding]:
    """Marks in headers, merged cells, hidden rows, columns that hold one text or none, other worksheets."""
    sheet = view.records.sheet
    found: list[Finding] = []
    for name in sheet.names:
        bare = _MARKS.sub("", name)
        if bare != name:
            what = f"the name of the column holds a mark that is not seen (shown as {name!a})"
            found.append(Finding("header-mark", what, (), name, "fault", None, f"Rename it {bare!r} in the file."))
        found += view.finding(
            "merged-cells",
            [place for place in sheet.merged.get(name, ()) if not view.aside[place]],
            "{rows} whose cell lies under a merged one and is empty here",
            name,
            "fault",
            "If the merge means that all these rows say the same, repair(column, {row: text}, why=).",
        )
        found += _saying_nothing(view, view.column(name))
    hidden = sheet.facts.get("hidden rows", ())
    n = len(hidden)
    if n:
        labels = tuple(row for row in hidden if row in sheet.places)
        what = f"{counted(n, 'row')} of the worksheet {'is' if n == 1 else 'are'} hidden, and read all the same"
        found.append(Finding("hidden-rows", what, labels, None, "note", None, "Ask why they were hidden."))
    others = sheet.facts.get("other worksheets", ())
    if others:
        what = f"{counted(len(others), 'other worksheet')} not read: {', '.join(others)}"
        found.append(Finding("other-worksheets", what, (), None, "note"))
    if " and " in str(sheet.facts.get("line ends", "")):
        what = f"lines end in two ways ({sheet.facts['line ends']}): the file was put together from several"
        found.append(Finding("line-ends", what, (), None, "note"))
    return found


def _saying_nothing(view: View, column: Column) -> list[Finding]:
    held = view.sound & ~column.empty
    if view.sound.sum() < _SAID:
        return []
    if not held.any():
        return [Finding("empty-column", "nothing stands in this column", (), column.name, "note")]
    codes = np.unique(column.codes[held])
    if len(codes) == 1 and held.sum() >= _MOSTLY * view.sound.sum():
        what = f"every row that has it says {column.texts[codes[0]][:40]!r}"
        return [Finding("constant-column", what, (), column.name, "note")]
    return []
