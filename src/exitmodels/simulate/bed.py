"""The records in which defects are planted, and the list of what was planted.

Third floor, in the room of simulation. Called by: planting.py and its neighbours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from exitmodels.errors import DataError
from exitmodels.simulate.papers import Paper

__all__ = ["DAY", "QUIET", "Bed", "Keep"]

QUIET = 25
"""Records at the head of the register in which nothing is planted, so that a subtotal after them is right."""
DAY = dt.timedelta(days=1)
Keep: TypeAlias = Callable[[Paper], bool]


@dataclass
class Bed:
    """The records in which defects are planted, and the list of them.

    Attributes
    ----------
    clean : list of Paper
        The clean twin; changed only where a defect needs certain words on both sides (an Arabic reason, say).
    """

    clean: list[Paper]
    window: tuple[str, str]
    per: int
    rng: np.random.Generator
    rows: list[Paper] = field(default_factory=list)
    planted: list[tuple[str, Paper | None, str | None, Any, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    book: Any = None
    free: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = [row.copy() for row in self.clean]
        self.free = (QUIET + self.rng.permutation(len(self.rows) - QUIET)).tolist()

    @property
    def first(self) -> dt.date:
        """First day of the window."""
        return dt.date.fromisoformat(self.window[0])

    @property
    def last(self) -> dt.date:
        """Last day of the window."""
        return dt.date.fromisoformat(self.window[1])

    def pick(self, what: str, keep: Keep | None = None, n: int | None = None) -> list[int]:
        """Places of free records that keep a rule; they are free no longer."""
        wanted = self.per if n is None else n
        found = [place for place in self.free if keep is None or keep(self.rows[place])][:wanted]
        if len(found) < wanted:
            raise DataError(
                f"Only {len(found)} records can show {what!r}; {wanted} are wanted.",
                code="simulate",
                hint="Simulate more records, or plant fewer of each.",
            )
        gone = set(found)
        self.free = [place for place in self.free if place not in gone]
        return found

    def put(self, code: str, column: str, new: Callable[[Paper], Any], keep: Keep | None = None) -> list[int]:
        """Plant one kind of defect in a cell of some free records."""
        places = self.pick(code, keep)
        for place in places:
            self.write(code, self.rows[place], column, new(self.rows[place]))
        return places

    def write(self, code: str, row: Paper, column: str, new: Any) -> None:
        self.planted.append((code, row, column, row.cells[column], new))
        row.cells[column] = new

    def agree(self, column: str, text: str, n: int) -> list[int]:
        """Free records whose cell is set to some words, in the clean twin too."""
        places = self.pick(text, n=n)
        for place in places:
            self.rows[place].cells[column] = self.clean[place].cells[column] = text
        return places
