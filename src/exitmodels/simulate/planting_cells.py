"""Defects within cells: encodings, marks, ditto, numbers and ids as spreadsheets leave them, habits of clerks.

Third floor, in the room of simulation. Called by: planting.py.
"""

from __future__ import annotations

import unicodedata

from exitmodels.simulate.bed import DAY, Bed, Keep
from exitmodels.simulate.papers import day_text

__all__ = ["plant_habits", "plant_ids", "plant_numbers", "plant_texts"]

_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_PRESENTED = "\ufecb\ufefc\ufe9d"
_ARABIC = "علاج"


# ---- texts -------------------------------------------------------------------------------------------------------
def plant_texts(bed: Bed) -> None:
    """Encodings, marks that are not seen, line breaks, ditto and other marks for a reason."""
    for place in bed.agree("reason", _ARABIC, bed.per):
        bed.write("mojibake", bed.rows[place], "reason", _ARABIC.encode().decode("latin-1").translate(_cp1252()))
    for place in bed.agree("reason", _ARABIC, bed.per):
        bed.write("presentation-forms", bed.rows[place], "reason", _PRESENTED)
    for place in bed.agree("reason", "زيارة اهله", bed.per):
        bed.write("hidden-marks", bed.rows[place], "reason", "زيارة\u200f \u202bاهله\u202c")
    for place in bed.agree("reason", "زواج", bed.per):
        bed.write("lost-characters", bed.rows[place], "reason", "???? ????")
    accented: Keep = lambda row: not row.cells["name"].isascii()  # noqa: E731
    bed.put("mojibake", "name", lambda row: row.cells["name"].encode().decode("latin-1").translate(_cp1252()), accented)
    bed.put("mixed-forms", "name", lambda row: unicodedata.normalize("NFD", row.cells["name"]), accented)
    bed.put("lost-characters", "name", lambda row: row.cells["name"][:2] + "\ufffd" + row.cells["name"][3:])
    bed.put("hidden-marks", "name", lambda row: row.cells["name"].replace(" ", " \u200b"))
    for place in bed.agree("reason", "family visit; study", bed.per):
        bed.write("embedded-newline", bed.rows[place], "reason", "family visit;\nstudy")
    marks = ("n/a", "?", "//", "-")
    for place, mark in zip(bed.pick("placeholder-reason", n=2 * bed.per), marks * bed.per, strict=False):
        bed.write("placeholder-reason", bed.rows[place], "reason", mark)
    _dittos(bed)


def _cp1252() -> dict[int, str]:
    made = {}
    for code in range(0x80, 0xA0):
        try:
            made[code] = bytes([code]).decode("cp1252")
        except UnicodeError:
            continue
    return made


def _dittos(bed: Bed) -> None:
    """The row above keeps its reason, and the row itself has the same one in the clean twin."""
    marks = ('"', "do.", "كذلك", "〃")
    for k in range(2 * bed.per):
        free = set(bed.free)
        place = next(p for p in bed.free if p - 1 in free and 0 < len(bed.rows[p - 1].cells["reason"]) <= 20)
        bed.free = [p for p in bed.free if p not in (place, place - 1)]
        above = bed.rows[place - 1].cells["reason"]
        bed.rows[place].cells["reason"] = bed.clean[place].cells["reason"] = above
        bed.write("ditto", bed.rows[place], "reason", marks[k % len(marks)])


# ---- numbers and ids ---------------------------------------------------------------------------------------------
def plant_numbers(bed: Bed) -> None:
    bed.put("thousands-separator", "fee", lambda row: f"{int(row.cells['fee']) + 1000:,}.00")
    bed.put("decimal-comma", "fee", lambda row: f"{row.cells['fee']},50")
    bed.put("foreign-digits", "fee", lambda row: row.cells["fee"].translate(_ARABIC_DIGITS))
    bed.put("power-of-ten", "fee", lambda _: "1.2E+03")
    bed.put("not-a-number", "fee", lambda row: f"about {row.cells['fee']}")
    bed.put("impossible-age", "age", lambda _: "0")
    bed.put("impossible-age", "age", lambda _: "999")
    bed.put("sentinel-value", "age", lambda _: "99")
    bed.put("sentinel-value", "age", lambda _: "-1")


def plant_ids(bed: Bed) -> None:
    whole: Keep = lambda row: not row.cells["record"].startswith("0")  # noqa: E731
    bed.put("scientific-id", "record", lambda row: f"{row.cells['record'][0]}.{row.cells['record'][1:3]}E+20", whole)
    bed.put("rounded-id", "record", lambda row: row.cells["record"][:15] + "000000", whole)
    front: Keep = lambda row: row.cells["record"].startswith("0") and row.cells["record"][1] != "0"  # noqa: E731
    bed.put("lost-zeros", "record", lambda row: row.cells["record"][1:], front)
    for place in bed.pick("repeated-id"):
        other = bed.rows[bed.pick("repeated-id", n=1)[0]]
        bed.planted.append(("repeated-id", other, "record", other.cells["record"], other.cells["record"]))
        bed.write("repeated-id", bed.rows[place], "record", other.cells["record"])


# ---- habits ------------------------------------------------------------------------------------------------------
def plant_habits(bed: Bed) -> None:
    """Clocks of twelve hours, times with a zone, one day of entry for many, rounded days of birth, one kind of form."""
    _batch(bed)
    for row in bed.rows:
        day, _, clock = row.cells["recorded"].partition(" ")
        hour = int(clock[:2])
        row.cells["recorded"] = f"{day} {hour - 12 if hour > 12 else hour:02d}{clock[2:]}"
        row.cells["form"] = "A"
        if row.cells["born"] == day_text(row.days["born"]) and bed.rng.random() < 0.3:
            row.cells["born"] = day_text(row.days["born"].replace(day=1))
    bed.put("time-zone", "recorded", lambda row: f"{row.cells['recorded']} +03:00")


def _batch(bed: Bed) -> None:
    """Twelve records of the weeks before, and more where exits are frequent, entered on one day."""
    free = sorted(bed.free, key=lambda place: bed.rows[place].days["left"])
    size = 12 + 5 * len(bed.rows) // ((bed.last - bed.first).days + 1)
    start = free[len(free) // 2 : len(free) // 2 + size]
    day = max(bed.rows[place].days["left"] for place in start) + DAY
    for place in start:
        clock = bed.rows[place].cells["recorded"].partition(" ")[2]
        bed.rows[place].cells["recorded"] = f"{day_text(day)} {clock}"
    gone = set(start)
    bed.free = [place for place in bed.free if place not in gone]
