"""Month names as people write them: English and Arabic, Hijri and Gregorian, eastern and western usage.

Third floor, in the room of records. Texts are folded first (`folded`): case, vowel signs, forms of alif, ya and ta
marbuta, apostrophes and hyphens no longer matter. Then each month is one pattern.

Called by: wording.py.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["CALENDARS", "HALF_NAMED", "MONTH", "folded", "month_of"]

CALENDARS = ("gregorian", "hijri", "solar hijri")
_LETTERS = str.maketrans(
    {"ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ە": "ه", "ھ": "ه", "ہ": "ه", "ء": "", "-": " ", "_": " "}
)
_APOSTROPHES = re.compile("['’‘ʿʾʼ`´ʻ]")

_AL, _JOIN = r"(?:ال)?", r"\s?(?:[aeiou]?(?:l|s|t|th|u)?\s)?"
_FIRST = r"(?:i|aww?all?|ula|oula|oola|ola|evvel|avval|first)"
_SECOND = r"(?:ii|than[iy]+[ay]*h?|sani|a[ck]h?ir[ae]?h?|akhar|ukhra|ahir|second)"
_RABI, _JUMADA = r"rab[iey]+\s?(?:[aeu]l)?", r"[jgd]{1,2}[aou]m+a+d[aiey]*h?\s?(?:[aeu]l)?"
_DHU = r"(?:dh|th|z|zh|d)[uoi]+\s?(?:[aeiu]?l)?\s?(?:[aeiu]l)?\s?"

_HIJRI = {
    1: r"m[uo]h?arr?[ae]m|" + _AL + r"محرم(?: الحرام)?",
    2: r"s[ae]f+[ae]r|" + _AL + r"صفر(?: الخير| المظفر)?",
    3: rf"{_RABI}{_JOIN}{_FIRST}|ربيع (?:{_AL}اول|الانور|i)",
    4: rf"{_RABI}{_JOIN}{_SECOND}|ربيع (?:{_AL}ثاني?|{_AL}اخر|ii)",
    5: rf"{_JUMADA}{_JOIN}{_FIRST}|جماد[ياه]? ?(?:{_AL}اولي?|i)",
    6: rf"{_JUMADA}{_JOIN}{_SECOND}|جماد[ياه]? ?(?:{_AL}ثاني?ه?|{_AL}اخر[هي]?|ii)",
    7: r"raj[ae]b|recep|" + _AL + "رجب(?: المرجب| الفرد)?",
    8: r"s[hc]*a+b+a+n|" + _AL + "شعبان(?: المعظم)?",
    9: r"ram+[ae]?[dtz]h?a+n|" + _AL + "رمضان(?: المبارك)?",
    10: r"s[hc]*[ae](?:w+[aeu]*|v+)[ae]+l|" + _AL + "شوال(?: المكرم)?",
    11: _DHU + r"[qk][aiu]*d[aei]*h?|ذ[ويا] ?" + _AL + "قعده?",
    12: _DHU + r"hi[jc]+[aei]*h?|ذ[ويا] ?" + _AL + "حجه?",
}
_GREGORIAN = {
    1: "jan(?:uary)?|يناير|جانفي|كانون (?:الثاني?|ثاني?|ii)",
    2: "feb(?:ruary)?|فبراير|فيفري|شباط",
    3: "mar(?:ch)?|مارس|اذار",
    4: "apr(?:il)?|ابريل|افريل|نيسان",
    5: "may|مايو|ماي|ايار",
    6: "june?|يوني[وه]|جوان|حزيران",
    7: "july?|يولي[وه]|جويليه|يوليوز|تموز",
    8: "aug(?:ust)?|اغسطس|اوت|غشت|اب",
    9: "sept?(?:ember)?|سبتمبر|شتنبر|ايلول",
    10: "oct(?:ober)?|اكتوبر|تشرين (?:الاول|اول|i)",
    11: "nov(?:ember)?|نوفمبر|نونبر|تشرين (?:الثاني?|ثاني?|ii)",
    12: "dec(?:ember)?|ديسمبر|دجنبر|كانون (?:الاول|اول|i)",
}
_SOLAR = {
    1: "farvardin|فروردين",
    2: "ordibehesht|ارديبهشت",
    3: "khordad|خرداد",
    4: "tir|تير",
    5: "a?mordad|ا?مرداد",
    6: "shahrivar|شهريور",
    7: "mehr|مهر",
    8: "aban|ابان",
    9: "azar|اذر",
    10: "d[ea]y|دي",
    11: "bahman|بهمن",
    12: "esfand|اسفند",
}
HALF_NAMED = {
    "h3": (1, (3, 4)),
    "h5": (1, (5, 6)),
    "g10": (0, (10, 11)),
    "g12": (0, (12, 1)),
}
"""Names shared by two months, which need "first" or "second" beside them: (calendar, (first, second))."""
_HALF = {"h3": rf"{_RABI}|ربيع", "h5": rf"{_JUMADA}|جماد[ياه]?", "g10": "تشرين", "g12": "كانون"}


def _pattern() -> re.Pattern[str]:
    """All months in one pattern, whole names before the names they begin with."""
    named = [(f"h{k}n", p) for k, p in _HIJRI.items()] + [(f"g{k}n", p) for k, p in _GREGORIAN.items()]
    named += [(f"s{k}n", p) for k, p in _SOLAR.items()] + list(_HALF.items())
    return re.compile(r"(?<!\S)(?:" + "|".join(f"(?P<{name}>{p})" for name, p in named) + r")(?!\S)")


MONTH = _pattern()


def month_of(group: str) -> tuple[int, int]:
    """Calendar and month of a name matched by `MONTH`; month 0 when the name is shared by two.

    >>> month_of(MONTH.search(folded("تشرين الثاني")).lastgroup)
    (0, 11)
    """
    if group in HALF_NAMED:
        return HALF_NAMED[group][0], 0
    return "ghs".index(group[0]), int(group[1:-1])


def folded(text: str) -> str:
    """Return text without what spelling leaves free.

    >>> folded("ربيع الأوّل"), folded("Dhu'l-Ḥijja")
    ('ربيع الاول', 'dhul hijja')
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(c for c in plain if unicodedata.category(c) != "Mn" and c != "\u0640")
    return _APOSTROPHES.sub("", bare).translate(_LETTERS)
