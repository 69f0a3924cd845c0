"""Why dates were refused, with examples of what was found and what could have been meant.

Third floor, in the room of records. Called by: parsing.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from exitmodels.arrays import AnyArray, Ints
from exitmodels.errors import DataError
from exitmodels.records.monthnames import CALENDARS
from exitmodels.records.reading import MIXED, PROBLEMS, Choices, Found, read_texts
from exitmodels.shapes.dates import iso

__all__ = ["conflict", "refusal"]

_WORDS = {
    "unreadable": (
        "cannot be read as dates",
        'Correct them, set them aside, or read with bad="missing", which lists them in .problems.',
    ),
    "ambiguous": ("have more than one reading", 'Say which comes first: order="dmy", "mdy" or "ymd".'),
    "two-digit-year": (
        "have a year of two digits",
        "Say which hundred years are meant: two_digit_from=1400 reads 35 as 1435; 1950 reads 14 as 2014.",
    ),
    "no-year": ("have no year", "Add the year, or set them aside; a year is never guessed from its neighbours."),
    "no-such-day": (
        "name a day that its month does not have",
        "Correct them. For a 30th in a Hijri month of 29 days say that clerks' months differ: day_error=DayError().",
    ),
    "calendar-range": ("lie outside the calendar's table", "Correct the year, or name the right calendar."),
    "solar": (
        "are in the Iranian solar Hijri calendar",
        'Read them with calendar="solar hijri": the same number is a year some 40 years earlier in the lunar calendar.',
    ),
    "other-calendar": (
        "speak of another calendar (by year, month name or mark)",
        'Name the right calendar, or read each by what it says: calendar="mixed".',
    ),
    "two-dates": ("hold two dates, or two months", "Split the column: one date to a cell."),
    "half-named": (
        "name a month that is two months (Rabi, Jumada, Tishrin, Kanun) without saying which",
        'Write "Rabi II", "ربيع الثاني" or "Rabi 2 1435".',
    ),
    "serial": (
        "are numbers of five digits, perhaps day numbers of a spreadsheet",
        "Turn them into dates in the spreadsheet; its day 1 may be in 1900 or in 1904.",
    ),
    "zero": ("have 0 as day or month", 'If 0 stands for unknown, say zeros="unknown": month or year precision.'),
    "date-order": ("do not fit the order given, but another", 'Allow several: order=("dmy", "ymd").'),
    "no-calendar": (
        "do not show which calendar they are in",
        'Name the calendar; with calendar="mixed" each date needs a year of four digits, a month\'s name or a mark.',
    ),
}


def refusal(
    found: Found, codes: Ints, texts: list[str], labels: AnyArray, choices: Choices, column: str | None
) -> DataError:
    """The error for the most frequent problem; the others are counted in it."""
    problem = np.where(codes >= 0, found.problem[codes], 0)
    counted = Counter(problem[problem > 1].tolist())
    worst, _ = counted.most_common(1)[0]
    word = PROBLEMS[worst]
    rows = np.flatnonzero(problem == worst)
    said, hint = _WORDS[word]
    examples = [texts[i] for i in dict.fromkeys(codes[rows[:1000]].tolist())][:3]
    shown = "; ".join(_shown(text, choices) if word == "ambiguous" else repr(text[:60]) for text in examples)
    others = ", ".join(f"{n:,} {_WORDS[PROBLEMS[code]][0]}" for code, n in counted.most_common()[1:])
    proof = _proof(found, texts) if word == "ambiguous" else ""
    name = "mixed" if choices.calendar == MIXED else CALENDARS[choices.calendar]
    return DataError(
        f"{rows.size:,} of {len(codes):,} dates {said}, such as {shown} (calendar: {name})."
        + (f" Besides, {others}." if others else ""),
        column=column,
        rows=labels[rows],
        code=word,
        hint=hint + proof,
    )


def _shown(text: str, choices: Choices) -> str:
    """One ambiguous text with each of its readings."""
    made: dict[str, str] = {}
    for order in choices.orders:
        one = read_texts([text], replace(choices, orders=(order,)))
        if not one.problem[0]:
            made.setdefault(iso(one.low[0]), order)
    return f"{text[:60]!r} = " + " or ".join(f"{day} ({order})" for day, order in made.items())


def _proof(found: Found, texts: list[str]) -> str:
    """What the other texts of the column say about the order."""
    for code, order, other in ((1, "dmy", "mdy"), (2, "mdy", "dmy")):
        sure = np.flatnonzero(found.proves == code)
        if sure.size:
            return (
                f" {sure.size:,} other texts can only be {order}, such as {texts[sure[0]]!r}; none can only be {other}."
            )
    return ""


def conflict(found: Found, texts: list[str], column: str | None) -> DataError:
    """Some texts can only be day first, others only month first."""
    day_first, month_first = (texts[np.flatnonzero(found.proves == code)[0]] for code in (1, 2))
    return DataError(
        f"{day_first!r} can only be day first and {month_first!r} only month first: the column has no one order.",
        column=column,
        code="date-order",
        hint="Split the column by source and give each its order=.",
    )
