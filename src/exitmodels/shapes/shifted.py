"""The same spells seen through a window whose edges lie elsewhere.

First floor. What if the records began a week later, or ended a week earlier? Rows that then fall outside are set aside
and counted.

Read next: redated.py (the dates themselves). Called by: results.sensitivity_changes.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import AnyArray
from exitmodels.errors import DataError
from exitmodels.shapes.dates import days_in_unit
from exitmodels.shapes.spells import Spells

__all__ = ["move_window", "one_by_one", "opens_at", "refuse_intervals", "whole_days"]


def one_by_one(spells: Spells) -> Spells:
    """Spells with one row for each person: a row of frequency weight 3 becomes three rows."""
    if spells.weight is None or spells.weights != "frequency":
        return spells
    rows = np.repeat(np.arange(len(spells)), spells.weight.astype(np.int64))
    return spells._take(rows)._with(weight=None)


def move_window(spells: Spells, first: int = 0, last: int = 0) -> Spells:
    """Move the first and the last day of the window by so many days; positive is later.

    Parameters
    ----------
    spells : Spells
        Under "exits-only" the limits of each row follow, and exits outside them are set aside. Under "censored" people
        who came before the window are at risk from its new first day, those who left earlier are set aside, and
        stays that go on beyond the new last day are censored there; when the last day moves out, those still
        inside are taken to have stayed.
    first, last : int

    Raises
    ------
    DataError
        When the spells do not say where the window lies, or exits are only known to lie between two times.

    Notes
    -----
    Moving an edge outwards says that the records were kept longer than thought and hold nobody from those days.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.datasets.exits431().spells()
    >>> moved = move_window(spells, first=7)
    >>> len(moved), moved.ledger.entries[-1].why
    (427, 'exit outside the window once its first day is 7 days later')
    """
    refuse_intervals(spells, "The window cannot be moved")
    length = days_in_unit(spells.unit)
    moved = _limits_moved(spells, first, last, length) if spells.scheme == "exits-only" else None
    return _watch_moved(spells, first, last, length) if moved is None else moved


def _limits_moved(spells: Spells, first: int, last: int, length: float) -> Spells:
    opens, left, right = opens_at(spells, length), spells.left_limit, spells.right_limit
    if opens is not None:
        left = np.maximum(opens + first / length, 0.0)
    elif first:
        if left is None or np.any(left <= 0):
            raise _no_window(spells, "its first day")
        left = np.maximum(left + first / length, 0.0)
    if last and right is None:
        raise _no_window(spells, "its last day")
    right = None if right is None else right + last / length
    strict = opens is None or whole_days(spells, length)
    inside = np.ones(len(spells), dtype=bool)
    if left is not None:
        inside &= spells.exit > left if strict else spells.exit >= left
    if right is not None:
        inside &= spells.exit <= right
    window = None if spells.window is None else (spells.window[0] + first, spells.window[1] + last)
    made = spells._with(left_limit=left, right_limit=right, window=window)
    return made.select(inside, why=f"exit outside the window once {_words(first, last)}")


def _watch_moved(spells: Spells, first: int, last: int, length: float) -> Spells:
    opens = opens_at(spells, length)
    if opens is None or spells.window is None or spells.origin is None:
        raise _no_window(spells, "the window")
    whole = whole_days(spells, length)
    late = (opens > 0) & (spells.entry == opens)
    begins = np.where(late, np.maximum(opens + first / length, 0), np.maximum(spells.entry, opens + first / length))
    close = (spells.window[1] - int(whole) - spells.origin) / length
    ends = close + last / length
    gone = spells.exit > ends
    waits = (spells.event == 0) & (spells.exit == close)
    exit = np.where(gone | waits, ends, spells.exit)
    event = np.where(gone, 0, spells.event)
    if whole:
        begins, exit = begins.astype(np.int64), exit.astype(np.int64)
    made = spells._with(
        entry=begins, exit=exit, event=event, window=(spells.window[0] + first, spells.window[1] + last)
    )
    return made.select(exit > begins, why=f"not inside the window once {_words(first, last)}")


def whole_days(spells: Spells, length: float) -> bool:
    """Whether times are whole days, so that the window's first day counts from its eve."""
    return spells.exit.dtype.kind in "iu" and length == 1


def opens_at(spells: Spells, length: float) -> AnyArray | None:
    """When the window opened on each row's own clock (negative: before it came), or None when that is not known."""
    if spells.window is None or spells.origin is None:
        return None
    return np.asarray((spells.window[0] - int(whole_days(spells, length)) - spells.origin) / length)


def _words(first: int, last: int) -> str:
    parts = [("its first day", first), ("its last day", last)]
    said = [f"{name} is {abs(by)} days {'later' if by > 0 else 'earlier'}" for name, by in parts if by]
    return " and ".join(said) or "it is applied again"


def _no_window(spells: Spells, what: str) -> DataError:
    return DataError(
        f"These spells do not say when {what} lies on the clock of each row, so it cannot be moved.",
        code="window",
        hint="Read them with Spells.from_frame(origin=, exit=, window=...).",
    )


def refuse_intervals(spells: Spells, what: str) -> None:
    """Refuse exits that are only known to lie between two times."""
    if spells.lower is not None or spells.upper is not None:
        raise DataError(
            f"{what} where an exit is only known to lie between two times.",
            code="interval-censored",
            hint="Give exact times, or named variations made by hand.",
        )
