"""Worksheets of Excel files: cells as text, with what each was (text, number, date), and merged cells named.

Third floor, in the room of records. Called by: opening.py.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.records.sheet import Sheet
from exitmodels.records.typed import plain_cells

__all__ = ["read_workbook"]


def read_workbook(path: Path, worksheet: str | None, header: int) -> Sheet:
    """Read one worksheet; see `read_records` for the arguments."""
    book = _opened(path)
    sheet = _chosen(book, worksheet, path.name)
    rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
    filled = [place for place, row in enumerate(rows) if any(cell is not None for cell in row)]
    if len(filled) <= header:
        raise DataError(f"{path.name} has no rows under its header.", code="empty", hint="Check the file, or header=.")
    titles = rows[filled[header - 1]]
    names = _header(titles, path.name)
    places = filled[header:]
    columns = {name: plain_cells([rows[place][j] for place in places]) for name, j in names.items()}
    last = max(names.values())
    surplus = {
        k: tuple(str(cell) for cell in rows[place][last + 1 :] if cell is not None) for k, place in enumerate(places)
    }
    facts: dict[str, Any] = {
        "worksheet": sheet.title,
        "sha256 of the file": hashlib.sha256(path.read_bytes()).hexdigest(),
        "day numbers begin": 1904 if book.epoch.year == 1904 else 1900,
        "hidden rows": tuple(row for row, dimension in sorted(sheet.row_dimensions.items()) if dimension.hidden),
        "other worksheets": tuple(title for title in book.sheetnames if title != sheet.title),
    }
    return Sheet(
        {name: cells for name, (cells, _) in columns.items()},
        {name: kinds for name, (_, kinds) in columns.items()},
        np.array([place + 1 for place in places]),
        path.name,
        facts,
        {place: cells for place, cells in surplus.items() if cells},
        (),
        _merged(sheet, names, places),
    )


def _opened(path: Path) -> Any:
    try:
        import openpyxl
    except ImportError as problem:
        raise DataError(
            "Excel files are read with the package openpyxl, which is not installed.",
            code="no-package",
            hint="Install exitmodels[excel], or save the worksheet as CSV (dates change their form then: look).",
        ) from problem
    if path.suffix.lower() == ".xls":
        raise DataError(f"{path.name} is in the old binary format.", code="format", hint="Save it as .xlsx or CSV.")
    return openpyxl.load_workbook(path, data_only=True)


def _chosen(book: Any, worksheet: str | None, name: str) -> Any:
    if worksheet is None and len(book.sheetnames) == 1:
        return book[book.sheetnames[0]]
    if worksheet in book.sheetnames:
        return book[worksheet]
    what = f"no worksheet {worksheet!r}" if worksheet else f"{len(book.sheetnames)} worksheets"
    raise DataError(
        f"{name} has {what}.", code="worksheet", hint=f"Give worksheet=, one of: {', '.join(book.sheetnames)}."
    )


def _header(titles: tuple[Any, ...], name: str) -> dict[str, int]:
    """Place of each named column; columns without a name must be empty to be left out."""
    names: dict[str, int] = {}
    for place, title in enumerate(titles):
        text = "" if title is None else str(title).strip()
        if isinstance(title, (dt.date, int, float)) or text in names:
            raise DataError(
                f"The header of {name} has {text!r}{' twice' if text in names else ''}, which names no column.",
                code="header",
                hint="Name each column once; header= says which row of the worksheet holds the names.",
            )
        if text:
            names[text] = place
    if not names:
        raise DataError(f"The header of {name} is empty.", code="header", hint="header= says which row holds it.")
    return names


def _merged(sheet: Any, names: dict[str, int], places: list[int]) -> dict[str, tuple[int, ...]]:
    """Cells hidden under a merged one, by column and place."""
    row_of = {row + 1: place for place, row in enumerate(places)}
    found: dict[str, list[int]] = {}
    for area in sheet.merged_cells.ranges:
        for name, column in names.items():
            if area.min_col <= column + 1 <= area.max_col:
                inside = [row_of[row] for row in range(area.min_row, area.max_row + 1) if row in row_of]
                first = column + 1 == area.min_col
                found.setdefault(name, []).extend(inside[1:] if first and area.min_row in row_of else inside)
    return {name: tuple(sorted(set(rows))) for name, rows in found.items() if rows}
