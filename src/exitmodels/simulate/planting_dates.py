"""Dates that cannot be, cannot be read, or were not meant.

Third floor, in the room of simulation. Each is planted only where no other reading fits. Called by: planting.py.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from exitmodels.shapes.hijri import to_hijri
from exitmodels.simulate.bed import DAY, Bed, Keep
from exitmodels.simulate.papers import Paper, day_text

__all__ = ["plant_orders", "plant_unreadable"]

_SYSTEMS = 1_462


def _inside(bed: Bed, day: dt.date) -> bool:
    return bed.first <= day <= bed.last


def _years(day: dt.date, n: int) -> dt.date:
    return day.replace(year=day.year + n, day=min(day.day, 28) if day.month == 2 else day.day)


def plant_orders(bed: Bed) -> None:
    """Orders that cannot be, days outside the window, and the slips behind some of them."""

    def beyond(row: Paper) -> dt.date:
        return _past_twelve(bed.last + (20 + row.days["left"].day) * DAY)

    late: Keep = lambda row: row.days["joined"] > _years(beyond(row), -1)  # noqa: E731
    bed.put("outside-window", "left", lambda row: day_text(beyond(row)), late)
    before = bed.pick("exit-before-entry", lambda row: _can_cross(bed, row.days["joined"]))
    for place in before:
        row = bed.rows[place]
        bed.write("exit-before-entry", row, "left", day_text(_past_twelve(row.days["joined"] - 30 * DAY)))
    bed.put("born-after", "born", lambda row: day_text(_past_twelve(row.days["joined"] + 400 * DAY)))
    bed.put("after-record", "recorded", lambda row: f"{day_text(row.days['left'] - 15 * DAY)} 09:30")
    bed.put("year-slip", "left", lambda row: day_text(_years(row.days["left"], -1)), lambda row: _slips(bed, row))
    bed.put("day-month-swapped", "left", lambda row: _swapped(row.days["left"]), lambda row: _swaps(bed, row))
    bed.put(
        "1904-days",
        "left",
        lambda row: day_text(row.days["left"] - _SYSTEMS * DAY),
        lambda row: row.days["left"].day > 2,
    )


def _past_twelve(day: dt.date) -> dt.date:
    """The day itself, or one later in the month: nobody can read it month first."""
    return day if day.day > 12 else day.replace(day=day.day + 13)


def _can_cross(bed: Bed, joined: dt.date) -> bool:
    new = _past_twelve(joined - 30 * DAY)
    return _inside(bed, new) and joined.day > 12 and new.month > 2 and new < joined


def _slips(bed: Bed, row: Paper) -> bool:
    left = row.days["left"]
    return left.day > 12 and left.month <= 2 and _years(left, -1) < bed.first and (left.month, left.day) != (2, 29)


def _swapped(day: dt.date) -> str:
    return f"{day.month:02d}/{day.day:02d}/{day.year}"


def _swaps(bed: Bed, row: Paper) -> bool:
    """Exchanged, the exit leaves the window, and a year more or less does not bring it back after the entry."""
    left = row.days["left"]
    if left.day > 12 or left.day == left.month:
        return False
    new = left.replace(month=left.day, day=left.month)
    moved = [_years(new, -1), _years(new, 1)]
    return not _inside(bed, new) and not any(_inside(bed, d) and d >= row.days["joined"] for d in moved)


def _hijri(day: dt.date) -> str:
    parts = to_hijri([np.datetime64(day)]).iloc[0]
    return f"{parts['day']:02d}/{parts['month']:02d}/{parts['year']}"


def _serial(day: dt.date, zero: dt.date) -> str:
    return str((day - zero).days)


def plant_unreadable(bed: Bed) -> None:
    """Dates that cannot be read as declared, or only in part."""
    left = "left"
    bed.put(
        "date-no-such-day", left, lambda row: f"31/{(4, 6, 9, 11)[row.days[left].day % 4]:02d}/{row.days[left].year}"
    )
    bed.put("date-unreadable", left, lambda row: "1?" + day_text(row.days[left])[2:])
    bed.put("date-no-year", left, lambda row: day_text(row.days[left])[:5])
    bed.put("date-zero", left, lambda row: "00" + day_text(row.days[left])[2:])
    bed.put("two-orders", left, lambda row: _swapped(row.days[left]), lambda row: row.days[left].day > 12)
    bed.put("two-calendars", left, lambda row: _hijri(row.days[left]))
    bed.put("two-digit-year", left, lambda row: day_text(row.days[left])[:6] + f"{row.days[left].year % 100:02d}")
    bed.put("day-number", left, lambda row: _serial(row.days[left], dt.date(1899, 12, 30)))
    bed.put("day-number", left, lambda row: _serial(row.days[left], dt.date(1904, 1, 1)))
    bed.put("sentinel-date", left, lambda _: "31/12/9999")
    bed.put("sentinel-date", "born", lambda _: "01/01/1900")
    bed.put("no-date", left, lambda _: "")
    bed.put("no-date", "joined", lambda _: "")
    bed.put("partial-date", left, lambda row: day_text(row.days[left])[3:], lambda row: _whole_month(bed, row))
    middle: Keep = lambda row: _whole_month(bed, row) and 10 < row.days[left].day <= 20  # noqa: E731
    bed.put("partial-date", left, lambda row: f"mid {day_text(row.days[left])[3:]}", middle)
    bed.put("partial-date", "joined", lambda row: day_text(row.days["joined"])[3:])


def _whole_month(bed: Bed, row: Paper) -> bool:
    left = row.days["left"]
    return _inside(bed, left.replace(day=1)) and _inside(bed, left.replace(day=28) + 4 * DAY)
