"""The calendar of an interrupted series: which periods lie after a date, and in what shape an effect comes.

Third floor. A period counts from the date on: 1 in the first whole period after it, 2 in the next; a period that the
date cuts counts by the share of its days that lie after. Effects are functions of that number.

Read next: interrupted.py (the model), interrupted_fit.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.models.counts.change import refuse_outside
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import day_number, iso

__all__ = ["EFFECTS", "Timeline", "effect_parts", "numbers_of_days", "refuse_short", "season_columns"]

UNEVEN = 1.25


def _gradual(k: Floats, rate: float) -> Floats:
    if rate == 1:
        return k
    return np.minimum(k, 1.0) if rate == 0 else 1 - rate**k


def _decay(k: Floats, rate: float) -> Floats:
    return np.minimum(k, 1.0) * np.where(k > 1, rate ** np.maximum(k - 1, 0.0), 1.0)


EFFECTS: dict[str, Callable[[Floats, float, float], Floats]] = {
    "level": lambda k, length, rate: np.minimum(k, 1.0),
    "slope": lambda k, length, rate: k,
    "ramp": lambda k, length, rate: np.minimum(k / length, 1.0),
    "gradual": lambda k, length, rate: _gradual(k, rate),
    "decay": lambda k, length, rate: _decay(k, rate),
    "pulse": lambda k, length, rate: np.minimum(k, 1.0) - np.clip(k - 1, 0.0, 1.0),
}


def effect_parts(effect: str, length: float | None, rate: float | None) -> tuple[str, ...]:
    """Read "level+slope" and the like, and see that each part has the number it needs."""
    parts = tuple(part.strip() for part in effect.split("+"))
    unknown = [part for part in parts if part not in EFFECTS]
    if unknown or len(set(parts)) < len(parts):
        raise DataError(
            f"effect={effect!r} is not known.",
            code="effect",
            hint=f"Use one of {', '.join(EFFECTS)}, or several joined by +.",
        )
    if "ramp" in parts and not (length is not None and length > 0):
        raise DataError(
            "A ramp needs its length.", code="length", hint="Give length=, the periods until the full effect."
        )
    needs_rate = {"gradual", "decay"} & set(parts)
    if needs_rate and not (rate is not None and 0 <= rate <= 1):
        raise DataError(
            f"effect={effect!r} needs a rate between 0 and 1; found {rate}.",
            code="rate",
            hint="Give rate=, the share of the change still to come (gradual) or still left (decay) a period later.",
        )
    return parts


def numbers_of_days(at: Any) -> tuple[int, ...]:
    """Day numbers of one date or several, in order."""
    dates = list(at) if isinstance(at, (list, tuple, set, np.ndarray)) else [at]
    days = tuple(sorted(int(np.floor(day_number(date, "at"))) for date in dates))
    if not days or len(set(days)) < len(days):
        raise DataError(f"at={at!r} holds no date, or one twice.", code="at", hint="Give each date once.")
    return days


@dataclass(frozen=True, eq=False)
class Timeline:
    """Periods of one series.

    Attributes
    ----------
    number : (n,)
        1, 2, ... from the first period; periods without a cell are skipped over.
    gap : (n,)
        Periods since the cell before; infinite at the first.
    start, end : (n,) day numbers
    length : float
        Days of an ordinary period.
    even : bool
        Whether periods are alike, as months and weeks are; otherwise time is counted in days over `length`.
    """

    number: Floats
    gap: Floats
    start: Ints
    end: Ints
    length: float
    even: bool

    @classmethod
    def of(cls, counts: Counts) -> Timeline:
        """Number the periods of a dated series."""
        start, end = counts.start.astype(np.int64), counts.end.astype(np.int64)
        inner = (end - start)[~counts.partial] if (~counts.partial).any() else end - start
        length = float(np.median(inner))
        even = bool(inner.max() <= UNEVEN * inner.min())
        if even:
            missing = np.round((start[1:] - end[:-1]) / length)
            steps = 1 + missing
        else:
            steps = np.diff(start + end) / 2 / length
        number = 1 + np.concatenate([[0.0], np.cumsum(steps)])
        return cls(number, np.concatenate([[np.inf], steps]), start, end, length, even)

    def since(self, day: int, delay: float = 0.0) -> Floats:
        """Periods since a date: 1 in the first whole one after it, its share in one that it cuts, 0 or less before."""
        if not self.even:
            return np.asarray((self.end - day) / self.length - delay, dtype=np.float64)
        first = int(np.argmax(self.end > day))
        begin, end = int(self.start[first]), int(self.end[first])
        share = (end - day) / (end - begin) if begin < day else 1.0 + round((begin - day) / self.length)
        return np.asarray(self.number - self.number[first] + share - delay, dtype=np.float64)

    def cut(self, day: int) -> Bools:
        """Periods with days on both sides of the date."""
        return (self.start < day) & (self.end > day)

    def after(self, day: int, delay: float = 0.0) -> Floats:
        """`since`, from 0: never less, and at most its share in a period that the date cuts."""
        k = np.maximum(self.since(day, delay), 0.0)
        if self.even:
            return k
        share = np.clip((self.end - day - delay * self.length) / (self.end - self.start), 0.0, 1.0)
        return np.where(share < 1, share, np.maximum(k, 1.0))


def season_columns(counts: Counts, timeline: Timeline, season: int | str | None) -> tuple[list[str], list[Floats]]:
    """Columns for the time of year: pairs of harmonics, or one for each month but the first."""
    if season is None:
        return [], []
    if not (season == "month" or (isinstance(season, int) and season > 0)):
        raise DataError(
            f"season={season!r} is not known.", code="season", hint='Give a number of harmonics, or "month".'
        )
    if timeline.end[-1] - timeline.start[0] < 360:
        raise IdentificationError(
            f"The series spans {timeline.end[-1] - timeline.start[0]} days: a season shorter than one year cannot be "
            "told from a trend or from an effect.",
            column="season",
            code="season",
            hint="Leave season out, and say that a yearly pattern could not be removed.",
        )
    month = counts.columns["month"].values
    if season == "month":
        levels = np.unique(month)[1:]
        return [f"month {m}" for m in levels], [(month == m).astype(float) for m in levels]
    monthly = counts.freq in ("MS", "HM")
    turn = month / 12 if monthly else ((timeline.start + timeline.end) / 2) / 365.2425
    pairs = range(1, int(season) + 1)
    names = [f"{wave}{j}" for j in pairs for wave in ("cos", "sin")]
    return names, [wave(2 * np.pi * j * turn) for j in pairs for wave in (np.cos, np.sin)]


def refuse_short(
    counts: Counts,
    timeline: Timeline,
    kept: Bools,
    days: Sequence[int],
    delay: float,
    least: tuple[int, int],
    min_events: int,
) -> None:
    """Refuse dates outside the window, and stretches with too few periods or events to show a change."""
    sides = [np.maximum(timeline.since(day, delay), 0.0) for day in days]
    for day in days:
        refuse_outside(counts, day)
    for day, k in zip(days, sides, strict=True):
        if not (k > 0).any():
            raise IdentificationError(
                f"With a delay of {delay:g} periods, an effect of {iso(day)} begins after the last period.",
                column="delay",
                code="outside-window",
                hint="Ask for a shorter delay.",
            )
    stretch = np.sum([k >= 0.5 for k in sides], axis=0)
    for i in range(len(days) + 1):
        mine = kept & (stretch == i)
        need = least[0] if i == 0 else least[1]
        n, events = int(mine.sum()), int(counts.n[mine].sum())
        where = f"before {iso(days[0])}" if i == 0 else f"from {iso(days[i - 1])}"
        where += f" to {iso(days[i])}" if 0 < i < len(days) else ""
        if n < need or events < min_events:
            raise IdentificationError(
                f"The stretch {where} has {n} periods with {events} events; it needs {need} periods and {min_events} "
                "events to show a change.",
                column="at",
                code="short-side",
                hint="Count in finer periods, give the counts with exact limits (rate_change), or lower min_periods or "
                "min_events and say so.",
            )
