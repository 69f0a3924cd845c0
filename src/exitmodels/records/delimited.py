"""Text files with delimiters: bytes to cells, with every choice that was made on the way.

Third floor, in the room of records. The encoding is UTF-8, or what a byte-order mark says, or what the user says;
never a guess. Rows keep the line of the file they start on. A row with too many or too few cells is kept as it is.

Called by: opening.py.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray
from exitmodels.errors import DataError
from exitmodels.records.sheet import ABSENT, TEXT, Sheet

__all__ = ["read_delimited"]

_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32", "UTF-32 (little end first)"),
    (b"\x00\x00\xfe\xff", "utf-32", "UTF-32 (big end first)"),
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe", "utf-16", "UTF-16 (little end first)"),
    (b"\xfe\xff", "utf-16", "UTF-16 (big end first)"),
)
_CANDIDATES = ("cp1256", "cp1252", "iso8859_6", "mac_arabic")
_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE = 1000
_LONGEST = 10_000_000


def read_delimited(path: Path, encoding: str | None, delimiter: str | None, header: int) -> Sheet:
    """Read a text file; see `read_records` for the arguments."""
    raw = path.read_bytes()
    text, facts = _decoded(raw, encoding, path.name)
    facts["sha256 of the file"] = hashlib.sha256(raw).hexdigest()
    if "\x00" in text:
        raise DataError(
            f"{path.name} holds null characters.",
            code="encoding",
            hint="It is not text in this encoding (a spreadsheet, or UTF-16 without its mark?): give encoding=.",
        )
    facts["line ends"] = _line_ends(text)
    used = delimiter or _delimiter(text, header)
    facts["delimiter"] = _NAMES.get(used, used)
    rows, lines = _rows(text, used, path.name)
    return _sheet(rows, lines, header, path.name, facts)


# ---- bytes to text ----------------------------------------------------------------------------------------------
def _decoded(raw: bytes, encoding: str | None, name: str) -> tuple[str, dict[str, Any]]:
    mark = next(((codec, said) for start, codec, said in _MARKS if raw.startswith(start)), None)
    codec = encoding or (mark[0] if mark else "utf-8")
    if mark and codec.lower().replace("_", "-") in ("utf-8", "utf8"):
        codec = mark[0]
    try:
        text = raw.decode(codec)
    except LookupError as problem:
        raise DataError(f"encoding={encoding!r} is not known.", code="encoding", hint="Such as cp1256.") from problem
    except UnicodeError as problem:
        raise _undecoded(raw, codec, name, problem) from problem
    return text, {"encoding": codec, "byte-order mark": mark[1] if mark else "none"}


def _undecoded(raw: bytes, codec: str, name: str, problem: UnicodeError) -> DataError:
    """Say where decoding stopped, and how that line would read in other encodings."""
    start = getattr(problem, "start", 0)
    line = raw.count(b"\n", 0, start) + 1
    begin = raw.rfind(b"\n", 0, start) + 1
    piece = raw[begin : (raw.find(b"\n", start) + 1 or len(raw))].strip()[:80]
    shown = []
    for candidate in _CANDIDATES:
        try:
            shown.append(f"{candidate}: {piece.decode(candidate)!r}")
        except UnicodeError:
            continue
    return DataError(
        f"{name} is not {codec}: byte {start:,}, in line {line:,}, has no meaning in it.",
        code="encoding",
        hint=f"Name the encoding, by which of these reads right: {'; '.join(shown)}.",
    )


def _line_ends(text: str) -> str:
    pairs = text.count("\r\n")
    ends = {"CR LF": pairs, "LF": text.count("\n") - pairs, "CR": text.count("\r") - pairs}
    found = [name for name, n in ends.items() if n]
    return " and ".join(found) or "none"


# ---- text to rows -----------------------------------------------------------------------------------------------
def _delimiter(text: str, header: int) -> str:
    """The delimiter that cuts most of the first rows into as many cells as the header has, more than one."""
    best, most = ",", 0
    start = "\n".join(text.splitlines()[: _SAMPLE + header])
    for mark in _DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(start), delimiter=mark) if row][header - 1 :]
        width = len(rows[0]) if rows else 0
        agree = Counter(map(len, rows))[width] if width > 1 else 0
        if agree and (agree, width) > (most, 0):
            best, most = mark, agree
    return best


def _rows(text: str, delimiter: str, name: str) -> tuple[list[list[str]], list[int]]:
    """Rows that hold anything, and the line each starts on."""
    limit = csv.field_size_limit(_LONGEST)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows, lines, line = [], [], 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as problem:
        raise DataError(
            f"{name} cannot be cut into cells after line {line:,} ({problem}).",
            code="cells",
            hint="A quotation mark that is opened and not closed does this: look there.",
        ) from problem
    finally:
        csv.field_size_limit(limit)
    return rows, lines


# ---- rows to a sheet --------------------------------------------------------------------------------------------
def _sheet(rows: list[list[str]], lines: list[int], header: int, name: str, facts: dict[str, Any]) -> Sheet:
    if len(rows) <= header:
        raise DataError(f"{name} has no rows under its header.", code="empty", hint="Check the file, or header=.")
    names = _header(rows[header - 1], rows[header:], name)
    body, labels = rows[header:], np.array(lines[header:])
    width = len(names)
    wide = np.fromiter(map(len, body), dtype=np.int64, count=len(body))
    odd, short = np.flatnonzero(wide != width).tolist(), tuple(np.flatnonzero(wide < width).tolist())
    surplus = {place: tuple(body[place][width:]) for place in odd if any(body[place][width:])}
    padded: list[list[Any]] = list(body)
    for place in odd:
        padded[place] = (body[place] + [None] * width)[:width]
    cells = {title: _column(values) for title, values in zip(names, zip(*padded, strict=True), strict=True)}
    kinds = {title: np.full(len(body), TEXT, dtype=np.int8) for title in names}
    for place in short:
        for title in names[wide[place] :]:
            kinds[title][place] = ABSENT
    return Sheet(cells, kinds, labels, name, facts, surplus, short)


def _column(values: tuple[str | None, ...]) -> AnyArray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _header(titles: list[str], body: list[list[str]], name: str) -> list[str]:
    """Names of the columns, trimmed; one without a name at the end is no column when nothing stands under it."""
    names = [title.strip() for title in titles]
    while names and not names[-1] and not any(len(row) >= len(names) and row[len(names) - 1] for row in body):
        names.pop()
    empty = [place + 1 for place, title in enumerate(names) if not title]
    twice = sorted({title for title in names if names.count(title) > 1 and title})
    if empty or twice:
        what = f"no name for column {empty[0]}" if empty else f"the name {twice[0]!r} twice"
        raise DataError(
            f"The header of {name} has {what}.", code="header", hint="Name each column once; header= says which row."
        )
    return names
