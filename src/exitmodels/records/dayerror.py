"""The clerk's day and the table's day: how far a Hijri date as written may lie from the day that was meant.

Third floor, in the room of records. Months began when the new moon was announced, and a clerk's wall calendar may
follow another table; the printed Umm al-Qura table is one of several answers.

Called by: dates.py, parsing.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.hijri import hijri_table

__all__ = ["DayError"]

_MOST = 31
_CLERK = {-1: 0.10, 0: 0.55, 1: 0.30, 2: 0.05}


@dataclass(frozen=True)
class DayError:
    """Chances that the day meant is so many days after the table's day.

    Parameters
    ----------
    chances : mapping of int to float, optional
        ``{days after the table's day: chance}``, adding to one. The default, ``{-1: 0.10, 0: 0.55, 1: 0.30, 2:
        0.05}``, is a starting point, not an estimate: announced months mostly agree with the table or begin a day
        later. Replace it where dates with known events show how the records run.
    announced : mapping of str to int, optional
        Months whose beginning is known: ``{"1435-09": 1}`` says that Ramadan 1435 began one day after the table's
        first. It holds for every date within that month.
    shared : bool
        Whether one error moves all dates of a month together (the month was announced early or late), or each date
        has its own (the clerk slipped). It matters for draws only.

    Notes
    -----
    The Hijri day begins at sunset. If deeds of the evening were written under the new day, the civil day is one
    earlier: put that chance at -1.

    Examples
    --------
    >>> DayError().offsets.tolist(), DayError({0: 1.0}, announced={"1435-09": 1}).reach
    ([-1, 0, 1, 2], (0, 1))
    """

    chances: Mapping[int, float] = field(default_factory=lambda: dict(_CLERK))
    announced: Mapping[str, int] = field(default_factory=dict)
    shared: bool = True

    def __post_init__(self) -> None:
        total = float(sum(self.chances.values()))
        whole = all(float(day).is_integer() and abs(day) <= _MOST for day in (*self.chances, *self.announced.values()))
        if not whole or not self.chances or min(self.chances.values()) < 0 or not abs(total - 1) < 1e-9:
            raise DataError(
                f"The chances {dict(self.chances)} are no distribution over whole days (they add to {total:g}).",
                code="day-error",
                hint="Give {days after the table's day: chance}, up to 31 days; chances add to one.",
            )
        self._months()

    def _months(self) -> Ints:
        table, places = hijri_table(), []
        for name in self.announced:
            year, _, month = str(name).partition("-")
            if not (year.isdigit() and month.isdigit() and table.holds(int(year)) and 1 <= int(month) <= 12):
                raise DataError(
                    f"announced month {name!r} is not a Hijri month.", code="day-error", hint='Write it as "1435-09".'
                )
            places.append(int(table.month(int(year), int(month))))
        return np.array(places, dtype=np.int64)

    @property
    def offsets(self) -> Ints:
        """Days with a chance above zero, rising (s,)."""
        return np.array(sorted(day for day, chance in self.chances.items() if chance > 0), dtype=np.int64)

    @property
    def weights(self) -> Floats:
        """Their chances (s,)."""
        return np.array([self.chances[int(day)] for day in self.offsets], dtype=np.float64)

    @property
    def reach(self) -> tuple[int, int]:
        """Least and greatest error."""
        days = [*self.offsets.tolist(), *(int(day) for day in self.announced.values())]
        return min(days), max(days)

    def known(self, month: Ints, within: Bools) -> tuple[Bools, Ints]:
        """Which rows lie in an announced month, and by how much that month was off.

        Parameters
        ----------
        month : (n,) int
            Place of each row's month in the Hijri table.
        within : (n,) bool
            Rows that lie within one month.
        """
        sure, off = np.zeros(len(month), dtype=bool), np.zeros(len(month), dtype=np.int64)
        for place, days in zip(self._months(), self.announced.values(), strict=True):
            rows = within & (month == place)
            sure, off = sure | rows, np.where(rows, int(days), off)
        return sure, off
