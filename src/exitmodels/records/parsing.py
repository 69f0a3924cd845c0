"""`parse_dates`: a column of dates as people wrote them, read or refused.

Third floor, in the room of records. Distinct texts are read once (reading.py); what cannot be read with certainty is
refused with examples, or stands as missing with the reason beside it.

Read next: dates.py (the result), reading.py (the readings).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Ints
from exitmodels.errors import DataError
from exitmodels.records.dates import Dates
from exitmodels.records.dayerror import DayError
from exitmodels.records.monthnames import CALENDARS
from exitmodels.records.reading import MIXED, ORDERS, PROBLEMS, Choices, Found, read_texts
from exitmodels.records.refusing import conflict, refusal
from exitmodels.shapes.hijri import FIRST_SOUND_YEAR, hijri_table

__all__ = ["parse_dates"]

_NAMES = {**{name: place for place, name in enumerate(CALENDARS)}, "mixed": MIXED}
_ORDERS = (*ORDERS, "ydm")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_dates(
    values: Any,
    *,
    calendar: str = "gregorian",
    order: str | Iterable[str] | None = None,
    two_digit_from: int | None = None,
    zeros: str = "refuse",
    day_error: DayError | Mapping[int, float] | None = None,
    bad: str = "raise",
    column: str | None = None,
) -> Dates:
    """Read dates as people wrote them, each as the first and last day it may mean.

    Parameters
    ----------
    values : (n,) sequence or column of text
        Digits of any script; marks of direction are not seen; month names in English and Arabic; "AH", "هـ", "م" and
        the like; "early", "mid", "late". Whole numbers are years (1435) or eight digits (14351025). A column of dates
        is taken as it is when the calendar is Gregorian. Blank cells are missing.
    calendar : {"gregorian", "hijri", "solar hijri", "mixed"}
        "hijri" is Umm al-Qura, 1343 to 1500 AH; "solar hijri" the Iranian calendar, 1343 to 1472; neither is taken for
        the other. "mixed": Gregorian or Hijri, by what each date says (month name, mark, or year of four digits).
    order : str or sequence of str, optional
        Order of year, month and day in numbers, such as "dmy", or several allowed ones, such as ("dmy", "ymd"). By
        default all of "ymd", "dmy" and "mdy" are tried, and a text with two readings is refused.
    two_digit_from : int, optional
        First of the hundred years in which years of two digits lie: with 1400, "35" is 1435. Without it they are
        refused.
    zeros : {"refuse", "unknown"}
        What 00 means for a day or month.
    day_error : DayError or mapping, optional
        How far the day meant may lie from the day in the Hijri table; widens `lower` and `upper` of Hijri dates. With
        it a 30th day is taken in months that have 29 in the table. ``DayError()`` holds default chances.
    bad : {"raise", "missing"}
        What to do with texts that cannot be read: refuse, or let them be missing and list them in `problems`.
    column : str, optional
        Name for messages.

    Returns
    -------
    Dates

    Raises
    ------
    DataError
        For texts that cannot be read, have two readings, name an impossible day, lack a year, lie outside the
        calendar's table, or speak of another calendar; with examples and the rows. `code` tells which.

    Notes
    -----
    Distinct texts are read once, and those that differ only in their numbers together. Source of the Hijri table:
    hijridate (Umm al-Qura); it is not meant for religious use, and years before 1365 hold impossible months.

    Examples
    --------
    >>> dates = parse_dates(["19/4/1434", "٢٥ شوال ١٤٣٥ هـ", "Ramadan 1435"], calendar="hijri", order="dmy")
    >>> dates.lower.astype(str).tolist()
    ['2013-03-01', '2014-08-21', '2014-06-28']
    >>> dates.upper.astype(str).tolist()
    ['2013-03-01', '2014-08-21', '2014-07-27']
    """
    choices = _choices(calendar, order, two_digit_from, zeros, day_error is not None)
    if bad not in ("raise", "missing"):
        raise DataError(f"bad={bad!r} is not known.", code="option", hint='Use "raise" or "missing".')
    law = day_error if isinstance(day_error, DayError) or day_error is None else DayError(day_error)
    codes, texts, labels = _distinct(values, choices.calendar, column)
    found = read_texts(texts, choices) if texts else read_texts(["0"], choices)
    _refuse(found, codes, texts, labels, choices, order is None, bad, column)
    return _gathered(found, codes, texts, labels, law)


def _choices(calendar: str, order: Any, two_digit_from: int | None, zeros: str, longer: bool) -> Choices:
    if calendar not in _NAMES:
        raise DataError(
            f"calendar={calendar!r} is not known.", code="calendar", hint=f"Use one of {', '.join(map(repr, _NAMES))}."
        )
    orders = ORDERS if order is None else (order,) if isinstance(order, str) else tuple(order)
    if not orders or any(one not in _ORDERS for one in orders):
        raise DataError(
            f"order={order!r} is not known.",
            code="order",
            hint=f"Use one or several of {', '.join(map(repr, _ORDERS))}.",
        )
    if zeros not in ("refuse", "unknown"):
        raise DataError(f"zeros={zeros!r} is not known.", code="option", hint='Use "refuse" or "unknown".')
    return Choices(_NAMES[calendar], orders, two_digit_from, zeros == "unknown", longer)


# ---- distinct texts ----------------------------------------------------------------------------------------------
def _distinct(values: Any, calendar: int, column: str | None) -> tuple[Ints, list[str], AnyArray]:
    """Codes into the distinct texts (-1 where missing), those texts, and the row labels."""
    import pandas as pd

    series = values if isinstance(values, pd.Series) else _series(values)
    labels = np.asarray(series.index)
    if series.dtype.kind == "M":
        return *_from_moments(series, calendar, column), labels
    codes, levels = pd.factorize(series)
    held = np.asarray(levels, dtype=object).tolist()
    if all(type(level) is str for level in held):
        return np.asarray(codes), held, labels
    dates = [isinstance(level, (dt.date, np.datetime64)) for level in held]
    if all(dates):
        return *_from_moments(pd.to_datetime(series), calendar, column), labels
    if any(dates):
        shown = f"{held[dates.index(True)]!r} and {held[dates.index(False)]!r}"
        raise DataError(
            f"The column mixes dates with text or numbers, such as {shown}.",
            column=column,
            code="mixed",
            hint="A spreadsheet turned some texts into dates, day and month perhaps exchanged: go back to the text.",
        )
    return np.asarray(codes), [_as_text(level, column) for level in held], labels


def _series(values: Any) -> Any:
    """A column of any kind as a pandas column, without turning its objects into anything else."""
    import pandas as pd

    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise DataError(
            f"A {type(values).__name__} is not a column of dates.",
            code="not-dates",
            hint="Give a list, array or column.",
        )
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return pd.Series(values, dtype=None if values.dtype.kind in "iufM" else object)
    listed = values.to_list() if hasattr(values, "to_list") else list(values)
    made = np.empty(len(listed), dtype=object)
    made[:] = listed
    return pd.Series(made, dtype=object)


def _as_text(level: Any, column: str | None) -> str:
    if isinstance(level, str):
        return level
    if (
        isinstance(level, (bool, np.bool_))
        or not hasattr(level, "__float__")
        or float(level) != int(level)
        or level < 0
    ):
        raise DataError(
            f"{level!r} is not a date.",
            column=column,
            code="not-dates",
            hint="Give text as written; numbers may be years or eight digits (14351025).",
        )
    return str(int(level))


def _from_moments(series: Any, calendar: int, column: str | None) -> tuple[Ints, list[str]]:
    import pandas as pd

    if calendar not in (0, MIXED):
        raise DataError(
            f"The column holds Gregorian dates already, such as {series.dropna().iloc[:1].to_list()}; "
            f"the calendar named is {CALENDARS[calendar]}.",
            column=column,
            code="other-calendar",
            hint="Some program has read the texts as Gregorian dates: go back to the text.",
        )
    if series.dt.tz is not None:
        raise DataError(
            f"These dates carry the time zone {series.dt.tz}.",
            column=column,
            code="time-zone",
            hint="Take the local date first (.dt.tz_localize(None) keeps the clock as written).",
        )
    codes, levels = pd.factorize(series.to_numpy().astype("datetime64[D]"))
    # Months by name leave no doubt, whatever order was declared for texts.
    return np.asarray(codes), [f"{day.day} {_MONTHS[day.month - 1]} {day.year}" for day in levels.astype(object)]


# ---- refuse or gather --------------------------------------------------------------------------------------------
def _refuse(
    found: Found,
    codes: Ints,
    texts: list[str],
    labels: AnyArray,
    choices: Choices,
    free: bool,
    bad: str,
    column: str | None,
) -> None:
    if not texts:
        return
    if bad == "raise" and free and (found.proves == 1).any() and (found.proves == 2).any():
        raise conflict(found, texts, column)
    wrong = np.flatnonzero(found.problem > 1)
    if bad == "raise" and wrong.size:
        raise refusal(found, codes, texts, labels, choices, column)


def _gathered(found: Found, codes: Ints, texts: list[str], labels: AnyArray, law: DayError | None) -> Dates:
    import pandas as pd

    missing = codes < 0
    usable = found.problem == 0
    missing |= ~usable[codes]
    lost = np.flatnonzero((codes >= 0) & (found.problem[codes] > 1))
    problems = pd.DataFrame(
        {
            "row": labels[lost],
            "text": [texts[i] for i in codes[lost]],
            "why": [PROBLEMS[i] for i in found.problem[codes[lost]]],
        }
    )
    low, high = (np.where(usable, side, 0) for side in (found.low, found.high))
    first, last = np.where(missing, 0, low[codes]), np.where(missing, 0, high[codes])
    precision, calendar = (part.astype(np.int8)[codes] for part in (found.precision, found.calendar))
    notes = _notes(first, missing, calendar, law, int((found.clock[codes] & ~missing).sum()), len(lost))
    return Dates(first, last, missing, precision, calendar, law, problems, notes)


def _notes(
    first: Ints, missing: AnyArray, calendar: AnyArray, law: DayError | None, clocks: int, lost: int
) -> tuple[str, ...]:
    lunar = (calendar == 1) & ~missing
    notes = []
    if lunar.any():
        said = (
            f"the day meant may lie {law.reach[0]:+d} to {law.reach[1]:+d} days from it"
            if law
            else "taken as the day meant"
        )
        notes.append(f"{int(lunar.sum()):,} Hijri dates by the Umm al-Qura table; {said}")
        early = int((lunar & (first < hijri_table().day(FIRST_SOUND_YEAR, 1, 1))).sum())
        if early:
            notes.append(f"{early:,} lie before {FIRST_SOUND_YEAR} AH, where the table has months of 28 and 31 days")
    if clocks:
        notes.append(f"{clocks:,} times of day were left out")
    if lost:
        notes.append(f"{lost:,} texts could not be read and are missing (.problems)")
    return tuple(notes)
