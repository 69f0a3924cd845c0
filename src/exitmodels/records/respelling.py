"""Dates rewritten in a cell's own digits and style: another year, day and month exchanged, another day.

Third floor, in the room of records. What is proposed looks like what was written, so that a reader can compare.

Called by: detect_dates.py, detect_orders.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from exitmodels.records.monthnames import CALENDARS
from exitmodels.records.reading import table_of

__all__ = ["date_parts", "in_style", "numbers_in", "plain_date", "same_digits", "with_parts_exchanged", "with_year"]

_RUN = re.compile(r"\d+")
_MONTHS = (
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    (
        *("muharram", "safar", "rabi i", "rabi ii", "jumada i", "jumada ii"),
        *("rajab", "shaban", "ramadan", "shawwal", "dhu al-qada", "dhu al-hijja"),
    ),
    (
        *("farvardin", "ordibehesht", "khordad", "tir", "mordad", "shahrivar"),
        *("mehr", "aban", "azar", "dey", "bahman", "esfand"),
    ),
)


def numbers_in(text: str) -> list[tuple[int, int, int]]:
    """Runs of digits of any script: (start, end, value).

    >>> numbers_in("3/٩/1435")
    [(0, 1, 3), (2, 3, 9), (4, 8, 1435)]
    """
    return [(m.start(), m.end(), int(m.group())) for m in _RUN.finditer(text)]


def same_digits(value: int, like: str, width: int = 0) -> str:
    """Write a number in the digits of another.

    >>> same_digits(2014, "٢٠١٣")
    '٢٠١٤'
    """
    zero = ord(like[0]) - unicodedata.decimal(like[0])
    return "".join(chr(zero + int(digit)) for digit in f"{value:0{width}d}")


def _put(text: str, start: int, end: int, value: int) -> str:
    return text[:start] + same_digits(value, text[start:end], end - start) + text[end:]


def with_year(text: str, old: int, new: int) -> str | None:
    """Rewrite the year; None where it does not stand once, in four digits, or two at the end or beginning.

    >>> with_year("٠٥/٠١/٢٠١٣", 2013, 2014), with_year("20130105", 2013, 2014), with_year("5/1/13", 2013, 2014)
    ('٠٥/٠١/٢٠١٤', '20140105', '5/1/14')
    """
    runs = numbers_in(text)
    full = [(start, end) for start, end, value in runs if value == old and end - start == 4]
    if len(full) == 1:
        return _put(text, *full[0], new)
    for start, end, _ in runs:
        if end - start == 8:
            ahead, behind = int(text[start : start + 4]) == old, int(text[end - 4 : end]) == old
            if ahead != behind:
                return _put(text, *((start, start + 4) if ahead else (end - 4, end)), new)
    short = [(start, end) for start, end, value in runs[-1:] + runs[:1] if value == old % 100 and end - start == 2]
    return _put(text, *short[0], new % 100) if short and not full and len(runs) <= 3 else None


def with_parts_exchanged(text: str) -> str | None:
    """Exchange the two numbers beside a year of four digits; None when the text is not three such numbers.

    >>> with_parts_exchanged("02/11/2014 08:30"), with_parts_exchanged("2014-02-11"), with_parts_exchanged("2 May 2014")
    ('11/02/2014 08:30', '2014-11-02', None)
    """
    runs = numbers_in(text)[:3]
    if len(runs) < 3 or re.search(r"[^\W\d_]", text[: runs[2][1]]):
        return None
    (first, second, third), wide = runs, [end - start for start, end, _ in runs]
    if wide[2] == 4 and max(wide[:2]) <= 2:
        one, other = first, second
    elif wide[0] == 4 and max(wide[1:]) <= 2:
        one, other = second, third
    else:
        return None
    a, b = text[one[0] : one[1]], text[other[0] : other[1]]
    return None if one[2] == other[2] else text[: one[0]] + b + text[one[1] : other[0]] + a + text[other[1] :]


def plain_date(day: int, calendar: int) -> str:
    """Write a day with its month by name, which every order of day and month reads alike.

    >>> plain_date(16303, 0), plain_date(16303, 1)
    ('21 aug 2014', '25 shawwal 1435')
    """
    year, month, of_month = date_parts(day, calendar)
    return f"{of_month} {_MONTHS[calendar][month - 1]} {year}"


def date_parts(day: int, calendar: int) -> tuple[int, int, int]:
    """Year, month and day of a day number; day and year outside the calendar's table are clipped to it."""
    table = table_of(calendar)
    inside = int(np.clip(day, table.starts[0], table.starts[-1] - 1))
    year, month, of_month = table.parts(inside)
    return int(year), int(month), int(of_month)


def in_style(day: int, calendar: int, samples: Sequence[tuple[str, int]]) -> str:
    """Write a day as the samples (text, its day number) are written; with the month's name when none can be followed.

    >>> in_style(16303, 0, [("03/03/2014", 16132), ("28/01/2014", 16098)])
    '21/08/2014'
    """
    new = date_parts(day, calendar)
    for text, known in samples:
        runs, old = numbers_in(text), date_parts(known, calendar)
        values = [value for _, _, value in runs]
        if len(runs) == 3 and len(set(old)) == 3 and sorted(values) == sorted(old):
            for (start, end, value), _ in zip(reversed(runs), range(3), strict=True):
                digits = same_digits(new[old.index(value)], text[start], end - start)
                text = text[:start] + digits + text[end:]
            return text
    return (
        plain_date(day, calendar) if calendar < len(_MONTHS) else f"{new[0]}-{new[1]:02d}-{new[2]:02d} {CALENDARS[2]}"
    )
