"""What the detectors of the audit look at: distinct texts of each column, dates as days, and rows that are records.

Third floor, in the room of records. A defect of spelling is looked for once in each distinct text, never row by row.

Read next: detect_file.py and its neighbours. Called by: audit.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.records.codebook import Codebook
from exitmodels.records.dates import Dates
from exitmodels.records.finding import Finding
from exitmodels.records.monthnames import folded
from exitmodels.records.parsing import parse_dates
from exitmodels.records.records import Records
from exitmodels.records.sheet import DATE
from exitmodels.shapes.dates import window_days

__all__ = ["Column", "Span", "View", "counted", "quick_fold"]

_APART = "\x1f"


def counted(n: int, one: str, many: str = "") -> str:
    """Number and noun.

    >>> counted(1, "row"), counted(1200, "entry", "entries")
    ('1 row', '1,200 entries')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


_ASCII = str.maketrans("-_", "  ", "'`")


def quick_fold(text: str) -> str:
    """Do what `folded` does, and trim; faster for ASCII.

    >>> quick_fold(" Grand-Total "), quick_fold("الإجمالي")
    ('grand total', 'الاجمالي')
    """
    if not text.isascii():
        return folded(text).strip()
    plain = text.casefold()
    marked = "-" in plain or "_" in plain or "'" in plain or "`" in plain
    return (plain.translate(_ASCII) if marked else plain).strip()


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its distinct texts, and which of them stands in each row.

    Attributes
    ----------
    name : str
    codes : (n,) int
        Place of the text of each row; -1 where there is no cell.
    texts : list of str
        The distinct texts.
    """

    name: str
    codes: Ints
    texts: list[str]

    def rows(self, chosen: AnyArray) -> Bools:
        """Rows whose text is among the chosen ones; `chosen` has one truth value for each distinct text."""
        return np.asarray(np.append(chosen, False)[self.codes], dtype=bool)

    def which(self, rule: Callable[[str], Any]) -> Bools:
        """Distinct texts that keep a rule."""
        return np.array(list(map(bool, map(rule, self.texts))), dtype=bool)

    def holding(self, pattern: re.Pattern[str]) -> Bools:
        """Distinct texts in which a pattern is found; one search through all of them."""
        found = np.zeros(len(self.texts), dtype=bool)
        if not self.texts:
            return found
        at = [match.start() for match in pattern.finditer(self._together)]
        found[np.searchsorted(self._starts, np.array(at, dtype=np.int64), side="right") - 1] = True
        return found

    @cached_property
    def _together(self) -> str:
        return _APART.join(self.texts)

    @cached_property
    def _starts(self) -> Ints:
        sizes = np.fromiter(map(len, self.texts), dtype=np.int64, count=len(self.texts))
        return np.concatenate([[0], np.cumsum(sizes + 1)[:-1]]).astype(np.int64)

    @cached_property
    def folded(self) -> Column:
        """The same column with its texts without case, accents and what else spelling leaves free, trimmed."""
        return Column(self.name, self.codes, [quick_fold(text) for text in self.texts])

    @cached_property
    def plain(self) -> bool:
        """Whether every text is ASCII."""
        return self._together.isascii()

    @cached_property
    def empty(self) -> Bools:
        """Rows with no cell, or nothing but white space (n,)."""
        return self.rows(self.which(lambda text: not text.strip())) | (self.codes < 0)

    @cached_property
    def used(self) -> Bools:
        """Distinct texts that hold more than white space."""
        return self.which(str.strip)


@dataclass(frozen=True, eq=False)
class Span:
    """A column of dates as days: the first and last day each may mean (day numbers), where `known`."""

    low: Ints
    high: Ints
    known: Bools


@dataclass(frozen=True, eq=False)
class View:
    """Records, as the detectors see them.

    Attributes
    ----------
    records : Records
    aside : (n,) bool
        Rows that are no records (totals, headings, shifted cells): other detectors pass over them.
    """

    records: Records
    aside: Bools
    _columns: dict[str, Column] = field(default_factory=dict)
    _held: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Records) -> View:
        return cls(records, np.zeros(len(records), dtype=bool))

    def without(self, rows: Bools) -> View:
        """Return a view in which further rows are passed over."""
        return replace(self, aside=self.aside | rows)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.records)

    @property
    def sound(self) -> Bools:
        """Rows that are records (n,)."""
        return ~self.aside

    def column(self, name: str) -> Column:
        """Return a column by its distinct texts."""
        if name not in self._columns:
            import pandas as pd

            codes, texts = pd.factorize(pd.Series(self.records.sheet.want(name), dtype=object))
            self._columns[name] = Column(name, np.asarray(codes), np.asarray(texts, dtype=object).tolist())
        return self._columns[name]

    @property
    def reason_codes(self) -> list[tuple[str, ...]]:
        """Codes of each distinct reason by the shipped codebook, highest first; none where no cue is found."""
        if "reasons" not in self._held:
            name, book = self.records.schema.reason, Codebook.named()
            rank = {code: place for place, code in enumerate(book.hierarchy)}
            texts = [] if name is None else self.column(name).texts
            self._held["reasons"] = [tuple(sorted(book.code(text).codes, key=rank.__getitem__)) for text in texts]
        return list(self._held["reasons"])

    def typed(self, name: str) -> Bools:
        """Cells that were dates in their source (n,)."""
        return np.asarray(self.records.sheet.kinds[name] == DATE)

    def span(self, name: str) -> Span:
        """Return a column of dates as day numbers."""
        return _span(self.records.dates(name))

    def read(self, name: str, texts: Sequence[str | None]) -> Span:
        """Read other texts the way a column of dates is read."""
        made = np.empty(len(texts), dtype=object)
        made[:] = texts
        choices = self.records.schema.date_format(name).choices()
        return _span(parse_dates(made, bad="missing", column=name, **choices))

    @cached_property
    def window(self) -> tuple[int, int] | None:
        """First and last day of the window, both inside."""
        if self.records.schema.window is None:
            return None
        first, end = window_days(self.records.schema.window)
        return int(first), int(end) - 1

    def finding(
        self,
        code: str,
        rows: Bools | Iterable[int],
        what: str,
        column: str | None = None,
        weight: str = "fault",
        hint: str = "",
        new: Mapping[int, str | None] | None = None,
    ) -> list[Finding]:
        """Make one finding, or none when no row shows it; two when a repair is plain for some of the rows only.

        Parameters
        ----------
        rows : (n,) bool, or places
        what : str
            Words; ``{rows}`` stands for the number of rows.
        new : mapping of place to text, optional
            What to write, for the rows where that is plain.
        """
        mask = isinstance(rows, np.ndarray) and rows.dtype == bool
        places: list[int] = np.flatnonzero(rows).tolist() if mask else sorted(rows)  # type: ignore[arg-type]
        texts = {} if new is None else new
        parts = ([place for place in places if place in texts], [place for place in places if place not in texts])
        made = []
        for part in filter(None, parts):
            labels = tuple(self.records.labels[part].tolist())
            proposal = tuple(texts[place] for place in part) if part[0] in texts else None
            said = what.replace("{rows}", counted(len(labels), "row"))
            made.append(Finding(code, said, labels, column, weight, proposal, hint))
        return made


def _span(dates: Dates) -> Span:
    known = ~dates.missing
    low, high = (np.where(known, side.astype(np.int64), 0) for side in (dates.lower, dates.upper))
    return Span(low, high, known)
