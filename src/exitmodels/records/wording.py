"""How one way of writing a date is to be read: which number is what, and what the words say.

Third floor, in the room of records. A wording is a text whose numbers have become # ("# ramadan #"). It is read once,
however many dates are written so. Nothing here knows the numbers.

Read next: reading.py (puts the numbers in). Called by: reading.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from exitmodels.records.monthnames import HALF_NAMED, MONTH, folded, month_of

__all__ = ["NO_CALENDAR", "Wording", "read_wording"]

NO_CALENDAR = -1
_CLOCK = re.compile(r"(?:(?<=#)t|[\s,]+)#:#(?::#(?:\.#)?)?\s*(?:am|pm|ص|م|z|\+#:?#?)?$")
_MARKS = (
    (
        2,
        re.compile(
            r"(?<![^\W_])(?:ه\s?\.?\s?ش\.?|شمسيه?|هجريه? شمسيه?|shamsi|solar|jalali|s\.?h\.?|a\.?p\.?)(?![^\W_])"
        ),
    ),
    (
        1,
        re.compile(
            r"(?<![^\W_])(?:(?:هجريه? )?قمريه?|ه\s?\.?\s?ق\.?|(?:لل)?هجره|هجريه?|ه\.?|a\.?h\.?|h\.?|hij+ri|hegira)"
            r"(?![^\W_])"
        ),
    ),
    (0, re.compile(r"(?<![^\W_])(?:(?:لل)?ميلاديه?|للميلاد|م\.?|a\.?d\.?|c\.?e\.?)(?![^\W_])")),
)
_NUMBERS = re.compile(r"#(?:\s?([/\\.,،٫\s])\s?#(?:\s?\1\s?#)?)?\.?$")
_PARTS = {"early": 1, "اوائل": 1, "اوايل": 1, "mid": 2, "middle": 2, "منتصف": 2, "اواسط": 2, "late": 3, "اواخر": 3}
_WORDS = (
    "of|the|in|month|year|day|from|(?:mon|tues?|wednes|wed|thu|thurs?|fri|satur|sat|sun)(?:day)?|"
    "سنه|عام|لعام|لسنه|من|شهر|يوم|في|السبت|الاحد|الاثنين|الثلاثا|الاربعا|الخميس|الجمعه"
)
_FILLING = re.compile(_WORDS)


@dataclass(frozen=True)
class Wording:
    """What a wording says.

    Attributes
    ----------
    problem : str
        Empty, or why no date of this wording can be read.
    calendar : int
        Place in `monthnames.CALENDARS` that a month name or a mark ("AH", "هـ") names; -1 when nothing does.
    month : int
        The month named; 0 when none is.
    either : tuple
        The two months that share the name given, told apart by the number in place `ordinal`.
    slots : tuple of int
        Places of the numbers that make up the date.
    ahead : int
        How many of them stand before the month's name.
    part : int
        1, 2 or 3 for early, mid and late; 0 for none.
    clock : bool
        Whether a time of day is written too.
    """

    problem: str = ""
    calendar: int = NO_CALENDAR
    month: int = 0
    either: tuple[int, ...] = ()
    ordinal: int = -1
    slots: tuple[int, ...] = ()
    ahead: int = 0
    part: int = 0
    clock: bool = False


@lru_cache(maxsize=1 << 16)
def read_wording(shape: str) -> Wording:
    """Read a text whose numbers have become #.

    >>> read_wording("# رمضان # هـ").month
    9
    """
    if not shape.strip():
        return Wording("blank")
    if not re.search(r"[^\W\d_]", shape):
        shape = shape.replace("-", "|" if "/" in shape else "/")
    text = folded(shape).strip()
    text = re.sub(r"#\s?(?:st|nd|rd|th)(?![^\W_])", "#", text)
    text, clock = _CLOCK.subn("", text)
    text, calendar, clash = _marked(text)
    if clash:
        return Wording("two-dates")
    if not re.search(r"[^\W\d_]", text):
        return _plain(text, calendar, bool(clock))
    spaced = " ".join(re.sub(r"[/\\.,،٫()\[\]:;]", " ", text.replace("#", " # ")).split())
    return replace(_worded(spaced, calendar), clock=bool(clock))


def _marked(text: str) -> tuple[str, int, bool]:
    """Take the mark of a calendar out of the text: (text, calendar, whether two calendars are marked)."""
    found = NO_CALENDAR
    for calendar, pattern in _MARKS:
        text, n = pattern.subn(" ", text)
        if n and found not in (NO_CALENDAR, calendar):
            return text, found, True
        found = calendar if n else found
    return text.strip(" ."), found, False


def _plain(text: str, calendar: int, clock: bool) -> Wording:
    """Numbers alone, one kind of separator between them."""
    text = re.sub(r"\s+", " ", text.replace("-", "/") if "/" not in text else text)
    if not _NUMBERS.fullmatch(text):
        return Wording("unreadable")
    return Wording(calendar=calendar, slots=tuple(range(text.count("#"))), clock=clock)


def _worded(text: str, calendar: int) -> Wording:
    """A month's name, or early, mid and late, among the numbers."""
    months = [(found, *month_of(found.lastgroup or "")) for found in MONTH.finditer(text)]
    rest = MONTH.sub(" ", text).split()
    parts = {_PARTS[word] for word in rest if word in _PARTS}
    if len({(c, m) for _, c, m in months}) > 1:
        return Wording("two-dates")
    if len(parts) > 1 or any(word != "#" and word not in _PARTS and not _FILLING.fullmatch(word) for word in rest):
        return Wording("unreadable")
    n, part = text.count("#"), next(iter(parts), 0)
    if not months:
        return Wording(calendar=calendar, slots=tuple(range(n)), part=part) if n <= 3 else Wording("unreadable")
    found, named, month = months[0]
    if calendar not in (NO_CALENDAR, named):
        return Wording("two-dates")
    ahead = text[: found.start()].count("#")
    slots = tuple(range(n))
    if not month:
        if n <= ahead + 1 or not text[found.end() :].lstrip().startswith("#"):
            return Wording("half-named", named)
        slots = tuple(place for place in slots if place != ahead)
        either = HALF_NAMED[found.lastgroup or ""][1]
        return Wording(calendar=named, either=either, ordinal=ahead, slots=slots, ahead=ahead, part=part)
    return Wording(calendar=named, month=month, slots=slots, ahead=ahead, part=part)
