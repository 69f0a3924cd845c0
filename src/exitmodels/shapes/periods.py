"""Periods of calendar time: from a frequency and a window to the days on which each period begins.

First floor. A period runs from its first day up to, and not including, the first day of the next. The
periods of a window are whole ones that cover it; `Counts` then cuts the outer two at the window's ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Ints
from exitmodels.errors import DataError
from exitmodels.shapes.dates import day_number, iso

__all__ = ["hijri_month", "period_edges", "period_labels", "plain_frequency"]

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_STEPS = {"M": 1, "MS": 1, "ME": 1, "Q": 3, "QS": 3, "QE": 3, "Y": 12, "YS": 12, "YE": 12}
_HIJRI_FIRST, _HIJRI_LAST = 1343, 1500
_KNOWN = '"D", "28D" (any number of days), "W", "W-MON" ... "W-SUN", "MS", "QS", "YS", "HM" (Hijri months), or edges'


def period_edges(freq: Any, first: int, end: int) -> Ints:
    """First days of the whole periods that cover the days ``first .. end - 1``, and the day after the last.

    Parameters
    ----------
    freq : str or sequence of dates
        "D"; "nD", periods of n days from the window's first day; "W", weeks from Monday to Sunday (ISO 8601), or
        "W-THU" and the like, weeks that end on that day; "M" or "MS", "Q" or "QS", "Y" or "YS", Gregorian months,
        quarters and years; "HM", Hijri months of the Umm al-Qura calendar; or the edges themselves.
    first, end : int
        Day numbers: the window's first day and the day after its last.

    Returns
    -------
    (k + 1,) int64, day numbers, rising; ``edges[0] <= first`` and ``edges[-1] >= end``.

    Examples
    --------
    >>> [iso(day) for day in period_edges("MS", 15765, 15800)]
    ['2013-03-01', '2013-04-01', '2013-05-01']
    """
    if not isinstance(freq, str):
        return _given(freq, first, end)
    name = plain_frequency(freq)
    if days := re.fullmatch(r"(\d*)D", name):
        step = int(days[1] or 1)
        return first + step * np.arange(-(-(end - first) // step) + 1, dtype=np.int64)
    if name.startswith("W-"):
        begins = (WEEKDAYS.index(name[2:]) + 1) % 7
        start = first - (first + 3 - begins) % 7
        return start + 7 * np.arange(-(-(end - start) // 7) + 1, dtype=np.int64)
    if name == "HM":
        return _hijri_edges(first, end)
    return _month_edges(_STEPS[name], first, end)


def plain_frequency(freq: str) -> str:
    """Return the one name of a frequency: "D", "nD", "W-SUN", "MS", "QS", "YS" or "HM".

    >>> plain_frequency("w"), plain_frequency("D")
    ('W-SUN', 'D')
    """
    name = freq.strip().upper()
    if re.fullmatch(r"0*[1-9]\d*D", name):
        return "D" if int(name[:-1]) == 1 else f"{int(name[:-1])}D"
    if name in ("D", "W"):
        return "D" if name == "D" else "W-SUN"
    if name in _STEPS:
        return name[0] + "S"
    if name == "HM" or (name.startswith("W-") and name[2:] in WEEKDAYS):
        return name
    raise DataError(f"freq={freq!r} is not a known frequency.", code="freq", hint=f"Use one of {_KNOWN}.")


def _given(edges: Sequence[Any], first: int, end: int) -> Ints:
    days = np.asarray([day_number(edge, "edge") for edge in edges], dtype=np.int64)
    back = np.flatnonzero(np.diff(days) <= 0)
    if len(days) < 2 or back.size:
        found = f"{iso(days[back[0]])} is followed by {iso(days[back[0] + 1])}" if back.size else f"{len(days)} edge(s)"
        raise DataError(
            f"The edges of the periods must rise and be two or more; found {found}.",
            code="edges",
            hint="Give the first day of each period and, last, the day after the final period.",
        )
    if first < days[0] or end > days[-1]:
        raise DataError(
            f"The edges cover {iso(days[0])} to {iso(days[-1] - 1)}; the window is {iso(first)} to {iso(end - 1)}.",
            code="edges",
            hint="Add edges so that they cover the window, or narrow the window.",
        )
    inside = np.flatnonzero((days[1:] > first) & (days[:-1] < end))
    return days[inside[0] : inside[-1] + 2]


def _month_edges(step: int, first: int, end: int) -> Ints:
    months = np.array([first, end - 1], dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64)
    begin = months[0] - months[0] % step
    span = np.arange(begin, months[1] - months[1] % step + step + 1, step)
    return span.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _hijri_edges(first: int, end: int) -> Ints:
    from hijridate import Hijri

    month = hijri_month(first)
    edges: list[int] = []
    while not edges or edges[-1] < end:
        year, number = divmod(month, 12)
        if year > _HIJRI_LAST:
            _refuse_hijri(end - 1)
        edges.append(day_number(Hijri(year, number + 1, 1).to_gregorian()))  # type: ignore[arg-type]
        month += 1
    return np.asarray(edges, dtype=np.int64)


def hijri_month(day: float) -> int:
    """Return 12 * year + month - 1 of a day in the Umm al-Qura calendar (1343 to 1500 AH)."""
    from hijridate import Gregorian

    date = np.datetime64(int(day), "D").astype(object)
    try:
        hijri = Gregorian(date.year, date.month, date.day).to_hijri()
    except (OverflowError, AttributeError):
        _refuse_hijri(day)
    return int(12 * hijri.year + hijri.month - 1)


def _refuse_hijri(day: float) -> None:
    raise DataError(
        f"{iso(day)} lies outside the Umm al-Qura tables, which run from {_HIJRI_FIRST} to {_HIJRI_LAST} AH "
        "(1924-08-01 to 2077-11-16).",
        code="hijri-range",
        hint="Count in Gregorian months, or narrow the window.",
    )


def period_labels(freq: str, starts: Ints) -> tuple[str, ...]:
    """Name periods by their (uncut) first days: "2013-03", "1434-04", "2013-W09", "2013-Q1", "2013", or the date.

    >>> period_labels("W-SUN", np.array([15761]))
    ('2013-W09',)
    """
    days = starts.astype("datetime64[D]")
    if freq in ("MS", "YS"):
        return tuple(str(day)[: 7 if freq == "MS" else 4] for day in days)
    if freq == "QS":
        return tuple(f"{str(day)[:4]}-Q{(int(str(day)[5:7]) + 2) // 3}" for day in days)
    if freq == "W-SUN":
        return tuple("{}-W{:02d}".format(*day.astype(object).isocalendar()[:2]) for day in days)
    if freq == "HM":
        months = [hijri_month(day) for day in starts]
        return tuple(f"{month // 12}-{month % 12 + 1:02d}" for month in months)
    return tuple(str(day) for day in days)
