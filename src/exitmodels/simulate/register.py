"""A deliberately dirty register: every defect that leaked records show, planted and listed.

Third floor, in the room of simulation. Read next: papers.py (the clean register), planting.py (the defects of text
files), planting_books.py (those of worksheets).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.simulate.bed import Bed
from exitmodels.simulate.made import SimulatedExits
from exitmodels.simulate.papers import COLUMNS, Paper, papers
from exitmodels.simulate.planting import plant_text
from exitmodels.simulate.planting_books import plant_book

__all__ = ["DirtyRecords", "dirty"]

_LEAST = 300


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DirtyRecords:
    """A simulated register, dirty or clean, as it stands in a file.

    Attributes
    ----------
    frame : pandas.DataFrame
        Cells as text, indexed by the label `read_records` will give the row: line of the file, row of the worksheet.
        Cells beyond the last column are not shown.
    planted : pandas.DataFrame
        What was planted: code, row, column, was, is; row is None for defects of the file or of a column.
    clean : DirtyRecords or None
        The same records without defects; None for the clean twin itself.
    truth : mapping
        Of the simulated world.
    window : (str, str)
    form : {"csv", "xlsx"}
    """

    frame: Any
    planted: Any
    clean: DirtyRecords | None
    truth: Mapping[str, Any]
    window: tuple[str, str]
    form: str
    _content: bytes = field(default=b"")
    _book: Any = None

    def write(self, path: str | Path) -> Path:
        """Write the file, byte for byte the same each time for text; worksheets need openpyxl."""
        path = Path(path)
        if path.suffix.lower() != f".{self.form}":
            raise DataError(
                f"{path.name} does not end in .{self.form}, the form these defects were planted for.",
                code="format",
                hint=f'Write to .{self.form}, or make them with form="{path.suffix.lower().lstrip(".")}".',
            )
        if self.form == "csv":
            path.write_bytes(self._content)
        else:
            self._book(path)
        return path

    def __str__(self) -> str:
        what = "without defects" if self.clean is None else f"with {len(self.planted):,} planted defects (.planted)"
        return (
            f"SIMULATED DATA, not real records: a register of {len(self.frame):,} rows {what}.\n"
            "No row describes a real person; names are made of syllables."
        )

    __repr__ = __str__


def dirty(made: SimulatedExits, *, per: int = 2, form: str = "csv", rng: np.random.Generator | int = 0) -> DirtyRecords:
    """Write simulated exits as a register with every defect the audit knows, and list what was planted.

    Parameters
    ----------
    made : SimulatedExits
        Of `exits` with scheme "exits-only".
    per : int
        Rows for each defect of single rows, two or more.
    form : {"csv", "xlsx"}
        A text file (encodings, marks, delimiters, totals, dates, reasons, ids, numbers, duplicates), or a worksheet
        (dates that the spreadsheet understood beside dates in text, day numbers, merged cells, hidden rows).
    rng : numpy Generator or seed

    Returns
    -------
    DirtyRecords

    Raises
    ------
    DataError
        If there are too few records, or too few of the kind that a defect needs.

    Examples
    --------
    >>> from exitmodels import simulate
    >>> register = dirty(simulate.exits(rng=1), rng=1)
    >>> print(register)  # doctest: +ELLIPSIS
    SIMULATED DATA, not real records: a register of ... rows with ... planted defects (.planted).
    No row describes a real person; names are made of syllables.
    >>> register.planted.query("code == 'year-slip'")["is"].str[-4:].unique().tolist()
    ['2013']
    """
    _check(made, per, form)
    generator = np.random.default_rng(rng)
    clean = papers(made.frame, generator)
    bed = Bed(clean, made.window, per, generator)
    rows = plant_text(bed) if form == "csv" else plant_book(bed)
    twin = _written(bed.clean, {}, made, form, None, [])
    return _written(rows, bed.headers, made, form, twin, bed.planted, bed)


def _check(made: SimulatedExits, per: int, form: str) -> None:
    wrong = [
        ("made", len(made.frame), len(made.frame) >= _LEAST * max(per / 2, 1), f"Give {_LEAST} records or more."),
        ("made", made.scheme, made.scheme == "exits-only", 'Give exits(scheme="exits-only").'),
        ("per", per, per >= 2, "Two or more."),
        ("form", form, form in ("csv", "xlsx"), '"csv" or "xlsx".'),
    ]
    for name, value, right, hint in wrong:
        if not right:
            raise DataError(f"{name}: {value!r} makes no register.", column=name, code="simulate", hint=hint)


# ---- to a file ---------------------------------------------------------------------------------------------------
def _written(
    rows: list[Paper],
    headers: Mapping[str, str],
    made: SimulatedExits,
    form: str,
    twin: DirtyRecords | None,
    planted: list[tuple[str, Paper | None, str | None, Any, Any]],
    bed: Bed | None = None,
) -> DirtyRecords:
    import pandas as pd

    titles = [headers.get(name, name) for name in COLUMNS]
    lines = [row.raw if row.raw is not None else [row.cells[name] for name in COLUMNS] for row in rows]
    if form == "csv":
        content, labels = _text_file(titles, lines, bed)
        book = None
    else:
        content, labels = b"", list(range(2, len(rows) + 2))
        book = _Workbook(titles, lines, None if bed is None else bed.book)
    shown = [
        [None if cell is None else str(cell) for cell in (line + [None] * len(titles))[: len(titles)]] for line in lines
    ]
    label_of = {id(row): label for row, label in zip(rows, labels, strict=True)}
    table = [(c, None if row is None else label_of[id(row)], column, was, now) for c, row, column, was, now in planted]
    return DirtyRecords(
        frame=pd.DataFrame(shown, columns=titles, index=pd.Index(labels)),
        planted=pd.DataFrame(table, columns=["code", "row", "column", "was", "is"], dtype=object),
        clean=twin,
        truth=made.truth,
        window=made.window,
        form=form,
        _content=content,
        _book=book,
    )


def _text_file(titles: list[str], lines: list[list[Any]], bed: Bed | None) -> tuple[bytes, list[int]]:
    """The bytes, and the line on which each row starts; a dirty file has a byte-order mark and mixed line ends."""
    parts, labels, line = [], [], 1
    for place, cells in enumerate([titles, *lines]):
        held = io.StringIO()
        csv.writer(held, lineterminator="\n").writerow(["" if cell is None else cell for cell in cells])
        text = held.getvalue()[:-1]
        labels.append(line)
        line += text.count("\n") + 1
        parts.append(text + ("\r\n" if bed is not None and place > len(lines) // 2 else "\n"))
    return ("\ufeff" if bed is not None else "").encode() + "".join(parts).encode(), labels[1:]


@dataclass(frozen=True, eq=False)
class _Workbook:
    """A worksheet, written when asked."""

    titles: list[str]
    lines: list[list[Any]]
    more: Any

    def __call__(self, path: Path) -> None:
        from openpyxl import Workbook

        book = Workbook()
        sheet = book.active
        sheet.title = "register"
        for cells in [self.titles, *self.lines]:
            sheet.append(["" if cell is None else cell for cell in cells])
        if self.more is not None:
            self.more(sheet)
        book.save(path)
