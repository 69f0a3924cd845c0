"""A sheet: what stands in each cell, as written, before anything is understood.

Third floor, in the room of records. Every cell is text, or nothing; beside it stands what the cell was in its source
(text, a number, a date), because a program that has already understood a cell may have understood it wrongly.

Read next: opening.py (from a file or frame to a sheet), records.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError

__all__ = ["ABSENT", "BOOL", "DATE", "NUMBER", "TEXT", "Sheet"]

ABSENT, TEXT, NUMBER, DATE, BOOL = range(5)
"""What a cell was in its source: no cell or null, text, a number, a date, true or false."""

_CELL, _COLUMN, _NOTHING = "\x1f", "\x1e", "\x00"


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as it was found.

    Attributes
    ----------
    cells : mapping of str to (n,) array of object
        Text of each cell by column, None where there is no cell. Numbers and dates of typed sources are written
        plainly: 12, 0.5, 2014-08-21, 2014-08-21 09:30:00.
    kinds : mapping of str to (n,) int8
        ABSENT, TEXT, NUMBER, DATE or BOOL.
    labels : (n,) array
        Name of each row for messages: line of a text file, row of a worksheet, index of a frame.
    source : str
        Name of the file, or the kind of frame.
    facts : mapping of str to object
        How it was read: encoding, byte-order mark, delimiter, line ends, worksheet, ...
    surplus : mapping of int to tuple of str
        Cells to the right of the last named column, by place of the row.
    short : tuple of int
        Places of rows with fewer cells than columns.
    merged : mapping of str to tuple of int
        By column, places of cells hidden under a merged cell of a worksheet.
    """

    cells: Mapping[str, AnyArray]
    kinds: Mapping[str, Ints]
    labels: AnyArray
    source: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    surplus: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    short: tuple[int, ...] = ()
    merged: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.cells)

    def is_empty(self, name: str) -> Bools:
        """Cells of a column with no text, or nothing but white space (n,)."""
        return np.array([cell is None or not cell.strip() for cell in self.cells[name]], dtype=bool)

    @cached_property
    def places(self) -> dict[Any, int]:
        """Place of each row by its label; of a label given twice, the first."""
        return {label: place for place, label in reversed(list(enumerate(self.labels.tolist())))}

    @cached_property
    def sha256(self) -> str:
        """Hash of names and cells (64 hexadecimal digits); an empty cell and no cell at all differ."""
        digest = hashlib.sha256()
        for name, column in self.cells.items():
            held = column.tolist()
            text = _CELL.join(held if None not in held else [_NOTHING if cell is None else cell for cell in held])
            digest.update(f"{name}{_CELL}{text}{_COLUMN}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def take(self, rows: Ints) -> Sheet:
        """Return some rows, by place."""
        now = {int(old): new for new, old in enumerate(rows)}
        return replace(
            self,
            cells={name: column[rows] for name, column in self.cells.items()},
            kinds={name: column[rows] for name, column in self.kinds.items()},
            labels=self.labels[rows],
            surplus={now[place]: cells for place, cells in self.surplus.items() if place in now},
            short=tuple(now[place] for place in self.short if place in now),
            merged={name: tuple(now[p] for p in places if p in now) for name, places in self.merged.items()},
        )

    def rewritten(self, name: str, new: Mapping[int, str | None]) -> Sheet:
        """Return a sheet in which some cells (by place) hold other text."""
        cells, kinds = self.cells[name].copy(), self.kinds[name].copy()
        for place, text in new.items():
            cells[place], kinds[place] = text, ABSENT if text is None else TEXT
        return replace(self, cells={**self.cells, name: cells}, kinds={**self.kinds, name: kinds})

    def replaced(self, name: str, cells: AnyArray) -> Sheet:
        """Return a sheet with another column of text (None where there is no cell) under an old name."""
        kinds = np.array([ABSENT if cell is None else TEXT for cell in cells], dtype=np.int8)
        return replace(self, cells={**self.cells, name: cells}, kinds={**self.kinds, name: kinds})

    def want(self, name: str) -> AnyArray:
        """Cells of a column; one that is not there is refused with the nearest name."""
        if name in self.cells:
            return self.cells[name]
        import difflib

        near = difflib.get_close_matches(name, self.names, n=1)
        raise DataError(
            f"{self.source} has no column {name!r}.",
            column=name,
            code="no-column",
            hint=(f"Did you mean {near[0]!r}? " if near else "") + f"Columns: {', '.join(self.names)}.",
        )
