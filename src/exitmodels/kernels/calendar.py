"""Calendars as tables of month starts: year, month and day to day numbers and back.

Ground floor: NumPy only. A calendar is the list of the days on which its months begin. Every question is then a
look-up, whatever the calendar, and a calendar that follows no rule (Umm al-Qura) costs no more than one that does.

Called by: shapes.hijri (which makes the Hijri table), records.reading.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from exitmodels.arrays import AnyArray, Ints

__all__ = ["MonthTable", "gregorian_table", "solar_table"]

_SOLAR_FIRST, _SOLAR_LAST = 1343, 1472
_SOLAR_LEAP = (1, 5, 9, 13, 17, 22, 26, 30)
_SOLAR_ANCHOR = (1393, 16_150)  # 1 Farvardin 1393 = 2014-03-21


class MonthTable(NamedTuple):
    """The first days of all months of a calendar, twelve to the year.

    Attributes
    ----------
    first_year : int
    starts : (12 k + 1,) int64
        Day numbers (days since 1970-01-01) of the first day of each month of k years, and the day after the last.

    Examples
    --------
    >>> table = gregorian_table()
    >>> int(table.day(2013, 3, 1))
    15765
    >>> [int(part) for part in table.parts(15765)]
    [2013, 3, 1]
    """

    first_year: int
    starts: Ints

    @property
    def last_year(self) -> int:
        """The last whole year of the table."""
        return self.first_year + len(self.starts) // 12 - 1

    def month(self, year: AnyArray | int, month: AnyArray | int) -> Ints:
        """Place of a month in the table; places outside it are clipped, so check `holds` first."""
        place = 12 * (np.asarray(year, dtype=np.int64) - self.first_year) + month - 1
        return np.clip(place, 0, len(self.starts) - 2)

    def holds(self, year: AnyArray | int) -> AnyArray:
        """Whether the year is in the table."""
        years = np.asarray(year)
        return np.asarray((years >= self.first_year) & (years <= self.last_year))

    def length(self, year: AnyArray | int, month: AnyArray | int) -> Ints:
        """Days of a month."""
        place = self.month(year, month)
        return np.asarray(self.starts[place + 1] - self.starts[place])

    def day(self, year: AnyArray | int, month: AnyArray | int, day: AnyArray | int) -> Ints:
        """Day number of a date; the date is not checked."""
        return np.asarray(self.starts[self.month(year, month)] + day - 1)

    def parts(self, days: AnyArray | int) -> tuple[Ints, Ints, Ints]:
        """Year, month and day of day numbers that lie inside the table."""
        at = np.asarray(days, dtype=np.int64)
        place = np.searchsorted(self.starts, at, side="right") - 1
        return self.first_year + place // 12, place % 12 + 1, at - self.starts[place] + 1


@cache
def gregorian_table() -> MonthTable:
    """Months of the Gregorian calendar, 1583 to 2500."""
    months = np.arange(12 * (1583 - 1970), 12 * (2501 - 1970) + 1)
    return MonthTable(1583, months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64))


@cache
def solar_table() -> MonthTable:
    """Months of the Iranian solar Hijri calendar, 1343 to 1472 (1964 to 2094).

    Notes
    -----
    Six months of 31 days, five of 30, and one of 29, or 30 in leap years: those whose remainder by 33 is 1, 5, 9, 13,
    17, 22, 26 or 30. The official calendar follows the equinox in Tehran; over these years the rule agrees with it,
    which is why the table ends where it does.

    >>> np.datetime64(int(solar_table().day(1400, 1, 1)), "D")
    np.datetime64('2021-03-21')
    """
    years = np.arange(_SOLAR_FIRST, _SOLAR_LAST + 1)
    lengths = np.tile([31] * 6 + [30] * 5 + [29], (len(years), 1))
    lengths[:, 11] += np.isin(years % 33, _SOLAR_LEAP)
    starts = np.concatenate([[0], np.cumsum(lengths.ravel())]).astype(np.int64)
    year, day = _SOLAR_ANCHOR
    return MonthTable(_SOLAR_FIRST, starts + day - starts[12 * (year - _SOLAR_FIRST)])
