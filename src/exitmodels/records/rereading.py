"""What dates that cannot be read may have been meant for: only readings that fit, and only when one does.

Third floor, in the room of records. Called by: detect_dates.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from exitmodels.records.auditview import View
from exitmodels.records.parsing import parse_dates
from exitmodels.records.respelling import in_style, numbers_in, plain_date, same_digits, with_parts_exchanged

__all__ = ["BASES", "STAY_YEARS", "Rereading"]

BASES = {1900: -25_569, 1904: -24_107}
"""Day number of day 0 of spreadsheets that count from 1900 (after its 29 February 1900) and from 1904."""
_CENTURIES = {0: (1900, 2000), 1: (1300, 1400), 2: (1300, 1400)}
STAY_YEARS = 40
"""No stay is longer."""


class Rereading:
    """What the dates of a column may have been meant for: only readings that fit, and only when one does."""

    def __init__(self, view: View, name: str) -> None:
        self.view, self.name = view, name
        self.column = view.column(name)
        form = view.records.schema.date_format(name)
        self.calendar = {"hijri": 1, "solar hijri": 2}.get(form.calendar, 0)
        self.form = form

    def _text(self, row: int) -> str:
        return self.column.texts[self.column.codes[row]]

    def styled(self, day: int) -> str | None:
        """A day as most dates of the column are written, or with its month by name; None when neither reads as it."""
        options = [in_style(day, self.calendar, self._samples), plain_date(day, self.calendar)]
        read = self.view.read(self.name, options)
        right = read.known & (read.low <= day) & (day <= read.high)
        return options[int(np.argmax(right))] if right.any() else None

    @cached_property
    def _samples(self) -> list[tuple[str, int]]:
        span = self.view.span(self.name)
        good = np.flatnonzero(span.known & (span.low == span.high) & self.view.sound & ~self.view.typed(self.name))
        return [(self._text(row), int(span.low[row])) for row in good[:50].tolist()]

    def _single(self, row: int, days: Iterable[int]) -> int | None:
        """The one day of several that fits the row; None when none or several do."""
        fitting = [day for day in dict.fromkeys(days) if _may_be(self.view, self.name, row, day)]
        return fitting[0] if len(fitting) == 1 else None

    def serials(self, at: list[int]) -> dict[int, str | None]:
        begin = self.view.records.sheet.facts.get("day numbers begin")
        bases = [BASES[begin]] if begin in BASES else list(BASES.values())
        made: dict[int, str | None] = {}
        for row in at:
            runs = numbers_in(self._text(row))
            day = self._single(row, [runs[0][2] + base for base in bases]) if len(runs) == 1 else None
            text = None if day is None else self.styled(day)
            if text is not None:
                made[row] = text
        return made

    def centuries(self, at: list[int]) -> dict[int, str | None]:
        made: dict[int, str | None] = {}
        for row in at:
            text = self._text(row)
            runs = numbers_in(text)
            options = [
                text[:start] + same_digits(century + value, text[start]) + text[end:]
                for start, end, value in dict.fromkeys((*runs[:3][-1:], *runs[:1]))
                if end - start == 2
                for century in _CENTURIES[self.calendar]
            ]
            read = self.view.read(self.name, options) if options else None
            if read is not None:
                days = {option: int(read.low[k]) for k, option in enumerate(options) if read.known[k]}
                one = self._single(row, days.values())
                if one is not None:
                    made[row] = next(option for option, day in days.items() if day == one)
        return made

    def calendars(self, at: list[int]) -> dict[int, str | None]:
        other = "hijri" if self.calendar == 0 else "gregorian"
        read = parse_dates(
            np.array([*(self._text(row) for row in at), None], dtype=object),
            calendar=other,
            order=self.form.order,
            bad="missing",
        )
        made: dict[int, str | None] = {}
        for k, row in enumerate(at):
            if not read.missing[k] and read.first[k] == read.last[k]:
                day = self._single(row, [int(read.first[k])])
                text = None if day is None else self.styled(day)
                if text is not None:
                    made[row] = text
        return made

    def orders(self, at: list[int]) -> dict[int, str | None]:
        texts = {row: with_parts_exchanged(self._text(row)) for row in at}
        read = self.view.read(self.name, [*texts.values(), None])
        return {row: text for k, (row, text) in enumerate(texts.items()) if text is not None and read.known[k]}


def _may_be(view: View, name: str, row: int, day: int) -> bool:
    """Whether a day fits the window and the other date of the row."""
    schema = view.records.schema
    if name == schema.left:
        if view.window is not None and not view.window[0] <= day <= view.window[1]:
            return False
        if schema.joined is None:
            return True
        start = view.span(schema.joined)
        return bool(not start.known[row] or start.low[row] <= day)
    end = view.span(schema.left)
    if name == schema.joined:
        close = int(end.high[row]) if end.known[row] else view.window[1] if view.window else day
        return day <= close and day > close - STAY_YEARS * 366
    return bool(not end.known[row] or abs(int(end.low[row]) - day) <= (2 * STAY_YEARS + 20) * 366)
