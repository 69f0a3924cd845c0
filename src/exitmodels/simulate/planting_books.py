"""The defects of a worksheet: dates a spreadsheet has understood, day numbers, merged cells, hidden rows.

Third floor, in the room of simulation. Called by: register.py.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from exitmodels.simulate.bed import Bed
from exitmodels.simulate.papers import COLUMNS, Paper

__all__ = ["plant_book"]

_ZERO = dt.date(1899, 12, 30)


def plant_book(bed: Bed) -> list[Paper]:
    """Plant everything; returns the rows in the order of the worksheet."""
    for place in bed.pick("day-number"):
        row = bed.rows[place]
        bed.write("day-number", row, "joined", (row.days["joined"] - _ZERO).days)
    merged = _merged(bed)
    _understood(bed)
    chosen = bed.pick("hidden-rows")
    hidden = [place + 2 for place in chosen]
    bed.planted += [("hidden-rows", bed.rows[place], None, None, "hidden") for place in chosen]

    def more(sheet: Any) -> None:
        letter = sheet.cell(1, COLUMNS.index("reason") + 1).column_letter
        for place in merged:
            sheet.merge_cells(f"{letter}{place + 1}:{letter}{place + 2}")
        for row in hidden:
            sheet.row_dimensions[row].hidden = True

    bed.book = more
    return bed.rows


def _merged(bed: Bed) -> list[int]:
    """Places of rows whose reason lies under a cell merged with the one above."""
    places: list[int] = []
    for _ in range(bed.per):
        free = set(bed.free)
        place = next(p for p in bed.free if p - 1 in free)
        bed.free = [p for p in bed.free if p not in (place, place - 1)]
        bed.rows[place].cells["reason"] = bed.clean[place].cells["reason"] = bed.rows[place - 1].cells["reason"] = (
            "treatment"
        )
        bed.clean[place - 1].cells["reason"] = "treatment"
        bed.write("merged-cells", bed.rows[place], "reason", None)
        places.append(place)
    return places


def _understood(bed: Bed) -> None:
    """Exits that could be read month first were; the others stayed text."""
    for row in bed.rows:
        left = row.days["left"]
        if left.day <= 12:
            bed.write("typed-beside-text", row, "left", dt.datetime(left.year, left.day, left.month))
