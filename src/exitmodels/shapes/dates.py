"""Dates as day numbers, never guessed.

First floor. A day number counts days from 1970-01-01. Text is read only with a
stated `date_format`; a time zone only with a stated `timezone`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.frames import Column

__all__ = ["UNIT_DAYS", "day_number", "day_numbers", "days_in_unit", "has_dates", "iso", "window_days"]

UNIT_DAYS = {"s": 1 / 86_400, "min": 1 / 1_440, "h": 1 / 24, "D": 1.0, "W": 7.0, "Y": 365.25}
_DIGITS = {ord(c): str(i % 10) for i, c in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
_MICROSECONDS = 86_400_000_000


def days_in_unit(unit: str) -> float:
    """Return the length of a unit of time in days; months have no fixed length and are refused.

    >>> days_in_unit("W")
    7.0
    """
    if unit not in UNIT_DAYS:
        raise DataError(
            f"unit={unit!r} has no fixed length in days.", code="unit", hint=f"Use one of {', '.join(UNIT_DAYS)}."
        )
    return UNIT_DAYS[unit]


def has_dates(column: Column, date_format: str | None) -> bool:
    """Say whether a column holds dates (or text that a stated format turns into dates)."""
    return column.kind == "date" or (column.kind == "text" and date_format is not None)


def day_numbers(
    column: Column, labels: AnyArray, date_format: str | None = None, timezone: str | None = None
) -> tuple[Ints | Floats, Bools | None]:
    """Return days since 1970-01-01 (whole numbers when no time of day is given) and the missing mask."""
    if column.kind == "text":
        column = _parse(column, labels, date_format)
    if column.kind != "date":
        raise DataError(
            f"This column must hold dates; it holds {column.kind} values such as {column.examples(3)}.",
            column=column.name,
            code="not-dates",
            hint="Give a date column, or durations throughout (then leave `origin` out).",
        )
    moments = column.values if column.zone is None else _local(column, timezone)
    micro = moments.astype("datetime64[us]").astype(np.int64)
    if column.missing is not None:
        micro = np.where(column.missing, 0, micro)
    if not np.any(micro % _MICROSECONDS):
        return micro // _MICROSECONDS, column.missing
    return micro / _MICROSECONDS, column.missing


def _parse(column: Column, labels: AnyArray, date_format: str | None) -> Column:
    import pandas as pd

    if date_format is None:
        raise DataError(
            f"Dates are written as text, such as {column.examples(2)}; their order is never guessed.",
            column=column.name,
            code="date-text",
            hint='Say how they are written, for example date_format="%d/%m/%Y" or "%Y-%m-%d".',
        )
    plain = [str(level).translate(_DIGITS).strip() for level in column.levels]
    parsed = pd.to_datetime(pd.Series(plain, dtype=object), format=date_format, errors="coerce")
    bad = np.flatnonzero(parsed.isna().to_numpy())
    if bad.size:
        rows = np.flatnonzero(np.isin(column.values, bad))
        shown = ", ".join(repr(column.levels[i]) for i in bad[:3])
        raise DataError(
            f"{rows.size} dates do not fit date_format={date_format!r}, such as {shown}.",
            column=column.name,
            rows=labels[rows],
            code="date-format",
            hint="Correct the format, or set these rows aside before reading.",
        )
    moments = parsed.to_numpy().astype("datetime64[us]")
    values = np.append(moments, np.datetime64("NaT"))[column.values]
    return Column(column.name, "date", values, column.missing)


def _local(column: Column, timezone: str | None) -> AnyArray:
    """Wall-clock time in `timezone`; refuse when none is named, for midnight may fall on either side."""
    import pandas as pd

    if timezone is None:
        raise DataError(
            f"These dates carry the time zone {column.zone}; which day is meant depends on the zone "
            f"(first: {column.values[~column.is_missing][0]} in {column.zone}).",
            column=column.name,
            code="time-zone",
            hint=f'Name the zone whose calendar days count: timezone="{column.zone}" keeps the clock as written.',
        )
    moments: Any = pd.Series(column.values)
    zoned = moments.dt.tz_localize(column.zone, ambiguous="NaT", nonexistent="NaT")
    return zoned.dt.tz_convert(timezone).dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def day_number(value: Any, what: str = "date") -> int | float:
    """Return one date as a day number; text must be ISO (2013-03-01), which has one reading only.

    >>> day_number("1970-02-01")
    31
    """
    try:
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(value)
        moment = np.datetime64(value).astype("datetime64[us]")
    except ValueError as problem:
        raise DataError(f"{what}={value!r} is not a date.", code="date", hint='Write it as "2013-03-01".') from problem
    micro = int(moment.astype(np.int64))
    return micro // _MICROSECONDS if micro % _MICROSECONDS == 0 else micro / _MICROSECONDS


def window_days(window: tuple[Any, Any]) -> tuple[int, int]:
    """Return (first day, day after the last) of a window given as two dates, both inside it.

    >>> first, end = window_days(("2013-03-01", "2014-08-21"))
    >>> end - first
    539
    """
    if not (isinstance(window, (tuple, list)) and len(window) == 2):
        raise DataError(
            f"window={window!r} is not a pair of dates.", code="window", hint='Write ("2013-03-01", "2014-08-21").'
        )
    first, last = (int(np.floor(day_number(side, "window"))) for side in window)
    if last < first:
        raise DataError(
            f"The window ends ({iso(last)}) before it begins ({iso(first)}).", code="window", hint="Swap the two dates."
        )
    return first, last + 1


def iso(day: float) -> str:
    """Write a day number as a date.

    >>> iso(15765)
    '2013-03-01'
    """
    return str(np.datetime64(int(np.floor(day)), "D"))
