"""The same spells with other dates: the days meant, drawn given the days written.

First floor.

Called by: results.sensitivity_changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.dates import days_in_unit
from exitmodels.shapes.hijri import hijri_table
from exitmodels.shapes.shifted import one_by_one, opens_at, refuse_intervals, whole_days
from exitmodels.shapes.spells import Spells

__all__ = ["AnyDay", "DayLaw", "move_dates"]

_ROUNDS = 50


class DayLaw(Protocol):
    """Chances that the day meant is so many days after the day written; `exitmodels.DayError` is one."""

    @property
    def shared(self) -> bool: ...

    @property
    def offsets(self) -> Ints: ...

    @property
    def weights(self) -> Floats: ...

    def known(self, month: Ints, within: Bools) -> tuple[Bools, Ints]: ...


@dataclass(frozen=True)
class AnyDay:
    """Every whole number of days from -k to k is as likely, for each date by itself.

    >>> AnyDay(1).offsets.tolist()
    [-1, 0, 1]
    """

    k: int
    shared: bool = False

    @property
    def offsets(self) -> Ints:
        """Days, rising (2 k + 1,)."""
        return np.arange(-self.k, self.k + 1)

    @property
    def weights(self) -> Floats:
        """Their chances (2 k + 1,)."""
        return np.full(2 * self.k + 1, 1 / (2 * self.k + 1))

    def known(self, month: Ints, within: Bools) -> tuple[Bools, Ints]:
        """No month is known better than others."""
        return np.zeros(len(month), dtype=bool), np.zeros(len(month), dtype=np.int64)


def move_dates(
    spells: Spells, law: DayLaw, rng: np.random.Generator, which: tuple[str, ...] = ("origin", "exit")
) -> Spells:
    """Draw the days meant, given the days written.

    Parameters
    ----------
    spells : Spells
        Persons counted by a frequency weight each have their own error.
    law : DayLaw
        `AnyDay(k)`, or a `DayError`. A shared error moves all dates of a Hijri month together.
    rng : numpy Generator
    which : tuple of "origin" and "exit"
        Dates that may be off. Origins are left alone when the spells were not made from dates; the time at which
        someone still inside was last seen is the window's, and stays.

    Notes
    -----
    An error that would put an exit before its entry or outside the window cannot be the true one: that record draws
    again by itself, and after 50 rounds keeps its dates as written, which the ledger counts.
    """
    refuse_intervals(spells, "Dates cannot be moved")
    unknown = [name for name in which if name not in ("origin", "exit")]
    if unknown or not which:
        raise DataError(f"which={which!r} names no dates.", code="which", hint='Give "origin", "exit" or both.')
    people = one_by_one(spells)
    length = days_in_unit(spells.unit)
    both = _first_errors(people, law, rng, length)
    acts = np.array(["origin" in which and people.origin is not None, "exit" in which])
    both = both * acts
    made, possible = _moved(people, both, length)
    for _ in range(_ROUNDS):
        bad = np.flatnonzero(~possible)
        if not len(bad):
            return made
        both[bad] = _draw(law, rng, (len(bad), 2)) * acts
        made, possible = _moved(people, both, length)
    both[~possible] = 0
    note = "no error could be drawn that keeps the record possible; dates as written"
    n = int(np.count_nonzero(~possible))
    made, _ = _moved(people, both, length)
    return made._with(ledger=made.ledger.note(note, n)) if n else made


def _draw(law: DayLaw, rng: np.random.Generator, size: tuple[int, ...]) -> Ints:
    edges = np.cumsum(law.weights)[:-1]
    return np.asarray(law.offsets[np.searchsorted(edges, rng.random(size), side="right")], dtype=np.int64)


def _first_errors(people: Spells, law: DayLaw, rng: np.random.Generator, length: float) -> Ints:
    """Errors of origin and exit (n, 2); shared ones, and those of announced months, go by Hijri month."""
    own = _draw(law, rng, (len(people), 2))
    by_month = law.shared or bool(getattr(law, "announced", None))
    if not by_month:
        return own
    if people.origin is None:
        raise DataError(
            "Errors that go by month need calendar dates; these spells hold durations only.",
            code="no-dates",
            hint="Read them with origin=, or give a number of days, or a DayError with shared=False.",
        )
    days = np.column_stack([people.origin, people.origin + people.exit * length])
    table = hijri_table()
    place = np.clip(np.searchsorted(table.starts, days, side="right") - 1, 0, len(table.starts) - 2)
    if law.shared:
        found, back = np.unique(place, return_inverse=True)
        own = _draw(law, rng, (len(found),))[back].reshape(place.shape)
    sure, off = law.known(place.ravel(), np.ones(place.size, dtype=bool))
    return np.where(sure.reshape(place.shape), off.reshape(place.shape), own)


def _moved(people: Spells, errors: Ints, length: float) -> tuple[Spells, Bools]:
    """The spells with these errors of origin and exit in days, and which rows remain possible."""
    came, went = errors[:, 0] / length, errors[:, 1] * (people.event > 0) / length
    opens = opens_at(people, length)
    exit = people.exit + went - came
    entry = _entry(people, came, opens)
    changes: dict[str, Any] = {}
    possible = exit > entry
    whole = whole_days(people, length)
    if people.left_limit is not None:
        raw = people.left_limit if opens is None else opens
        changes["left_limit"] = np.maximum(raw - came, 0.0)
        possible &= exit > changes["left_limit"] if whole or opens is None else exit >= changes["left_limit"]
    if people.right_limit is not None:
        changes["right_limit"] = people.right_limit - came
        possible &= exit <= changes["right_limit"]
    if people.window is not None and people.origin is not None and people.scheme == "censored":
        last = (people.window[1] - int(whole) - people.origin) / length - came
        possible &= (people.event == 0) | (exit <= last)
    if whole:
        exit, entry = exit.round().astype(np.int64), entry.round().astype(np.int64)
    if people.origin is not None:
        changes["origin"] = people.origin + errors[:, 0]
    made = people._with(exit=exit, **({"entry": entry} if people.delayed or entry.any() else {}), **changes)
    return made, possible


def _entry(people: Spells, came: Floats, opens: AnyArray | None) -> Floats:
    """Entries on the moved clock: the origin itself moves with the clock; a date later than that stays where it is."""
    entry = np.asarray(people.entry, dtype=np.float64)
    kept = np.where(entry == 0, 0.0, np.maximum(entry - came, 0.0))
    if opens is None or people.scheme != "censored":
        return kept
    by_window = (entry == 0) | (entry == opens)
    return np.where(by_window, np.maximum(opens - came, 0.0), kept)
