"""The Hijri calendar as a table: Umm al-Qura, 1343 to 1500 AH (1924-08-01 to 2077-11-16).

First floor. The table is made once, from hijridate, and then every conversion is a look-up.

Read next: kernels/calendar.py. Called by: records.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.calendar import MonthTable
from exitmodels.shapes.dates import day_number, iso

__all__ = ["FIRST_SOUND_YEAR", "hijri_table", "to_hijri"]

FIRST_SOUND_YEAR = 1365
"""Before this year the table has months of 28 and 31 days, faults of the printed calendars it was made from."""
_FIRST, _LAST = 1343, 1500


@cache
def hijri_table() -> MonthTable:
    """Month starts of the Umm al-Qura calendar.

    >>> np.datetime64(int(hijri_table().day(1435, 9, 2)), "D")
    np.datetime64('2014-06-29')
    """
    from hijridate import Hijri

    years = range(_FIRST, _LAST + 1)
    starts = [day_number(Hijri(year, month, 1).to_gregorian()) for year in years for month in range(1, 13)]
    last = Hijri(_LAST, 12, 1)
    return MonthTable(_FIRST, np.array([*starts, starts[-1] + last.month_length()], dtype=np.int64))


def to_hijri(dates: Any) -> Any:
    """Year, month and day of dates in the Umm al-Qura calendar.

    Parameters
    ----------
    dates : (n,) dates, or anything NumPy reads as dates
        Missing dates stay missing.

    Returns
    -------
    pandas.DataFrame with the columns year, month, day (nullable whole numbers).

    Raises
    ------
    DataError
        If a date lies outside the table.

    Examples
    --------
    >>> print(to_hijri(["2013-03-01", "2014-08-21"]).to_string(index=False))
     year  month  day
     1434      4   19
     1435     10   25
    """
    import pandas as pd

    moments = np.atleast_1d(np.asarray(dates, dtype="datetime64[D]"))
    gone = np.isnat(moments)
    table = hijri_table()
    days = np.where(gone, table.starts[0], moments.astype(np.int64))
    outside = np.flatnonzero((days < table.starts[0]) | (days >= table.starts[-1]))
    if outside.size:
        raise DataError(
            f"{outside.size} dates lie outside the Umm al-Qura tables, which run from {_FIRST} to {_LAST} AH "
            f"({iso(table.starts[0])} to {iso(table.starts[-1] - 1)}); the first is {iso(days[outside[0]])}.",
            rows=outside,
            code="hijri-range",
            hint="Set these rows aside.",
        )
    frame = pd.DataFrame(dict(zip(("year", "month", "day"), table.parts(days), strict=True)))
    return frame.astype("Int64").mask(gone) if gone.any() else frame
