"""From spells to the rows of a Fine-Gray fit: causes, stays cut into pieces, groups of censoring, late entry.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Ints
from exitmodels.errors import DataError
from exitmodels.kernels.grouped import whole_days
from exitmodels.kernels.joins import Joins, join_rows
from exitmodels.kernels.stays import Stays, code_times
from exitmodels.kernels.subweights import Clock
from exitmodels.render.text import number
from exitmodels.shapes.spells import Spells

__all__ = ["Arranged", "arrange", "by_time", "refuse_empty"]


@dataclass(frozen=True, eq=False)
class Arranged:
    """Stays, the person behind each row when stays are cut into pieces, and what to tell the reader."""

    stays: Stays
    person: Ints | None
    notes: tuple[str, ...]


def by_time(spells: Spells) -> tuple[Spells, Ints | None]:
    """Sort rows by exit when times are real, so that sums over risk sets read memory in order; say how to undo it."""
    if len(spells) < 2 or whole_days(spells.exit) is not None:
        return spells, None
    order = np.argsort(spells.exit)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return spells.select(order), back


def arrange(
    rows: Spells,
    target: Spells,
    stratum: Ints | None,
    n_strata: int,
    convention: str | None,
    censoring: str | Sequence[str] | None,
    person: str | None,
) -> Arranged:
    """Code times and say who shares a censoring distribution.

    Parameters
    ----------
    rows : Spells
        All causes.
    target : Spells
        The same rows with the cause in question alone.
    """
    entry, exit, levels = code_times(rows.entry_or_none, rows.exit)
    status = np.where(target.event > 0, 1, np.where(rows.event > 0, 2, 0))
    joins, who, notes = _pieces(rows, entry, exit, status, person)
    begins, ends = (None, None) if joins is None else (joins.begins, joins.ends)
    late = np.zeros(len(exit), dtype=bool) if entry is None else entry >= exit.min()
    if begins is not None:
        late &= begins
    group, keys = (None, [{}]) if censoring is None else rows.groups(censoring)
    stays = Stays(
        exit,
        entry if entry is not None and (late.any() or joins is not None or _staggered(entry)) else None,
        levels,
        status,
        begins,
        ends,
        stratum,
        n_strata,
        group,
        len(keys),
        _convention(convention, rows, late),
    )
    return Arranged(stays, who, notes)


def _staggered(entry: Ints) -> bool:
    return bool(entry.max() > entry.min())


def _convention(asked: str | None, rows: Spells, late: Any) -> str:
    """Weights of Fine and Gray unless people enter late, which only those of Geskus allow."""
    if not late.any():
        return asked or "fine-gray"
    if asked == "fine-gray":
        raise DataError(
            f'weighting="fine-gray" is for people seen from the start, and {int(late.sum())} of {len(rows)} '
            "entered after the first exit.",
            rows=rows.labels[np.flatnonzero(late)],
            code="delayed-entry",
            hint='Use weighting="geskus", which weighs for late entry too.',
        )
    return "geskus"


def _pieces(
    rows: Spells, entry: Ints | None, exit: Ints, status: Ints, person: str | None
) -> tuple[Joins | None, Ints | None, tuple[str, ...]]:
    """Rows that join end to start within a person; within clusters too, when their rows never overlap."""
    who = rows.cluster if person is None else rows.groups(person)[0]
    if who is None or (entry is None and person is None):
        return None, None, ()
    joins = join_rows(who, np.zeros_like(exit) - 1 if entry is None else entry, exit, status > 0)
    if person is not None:
        _refuse_pieces(rows, joins, person)
    elif not joins.n_joins or len(joins.overlap):
        return None, None, ()
    if not joins.n_joins:
        return None, who, ()
    note = f"{joins.n_joins} rows go on where another of the same {person or 'cluster'} stops; they are one stay"
    return joins, who, (note,)


def _refuse_pieces(rows: Spells, joins: Joins, person: str) -> None:
    for found, what, code in (
        (joins.overlap, "begin before the person's last row has ended", "overlap"),
        (joins.early, "follow an exit of the same person", "after-exit"),
        (joins.gap, "leave a gap after the person's last row", "gap"),
    ):
        if len(found):
            raise DataError(
                f"{len(found)} rows {what}; the rows of one person are pieces of one stay.",
                column=person,
                rows=rows.labels[found],
                code=code,
                hint="Give a stay of its own to each absence and return, or leave id= out if rows are separate.",
            )


def refuse_empty(clock: Clock, stays: Stays, what: str) -> None:
    """Refuse a fit whose weights are not defined because at some time nobody was under observation."""
    if len(clock.empty):
        when = stays.levels[int(clock.empty[0]) // stays.spread]
        raise DataError(
            f"At {number(float(when))} nobody ({what}) was left under observation, though others entered later; the "
            "chance of still being observed cannot be followed across the gap.",
            code="empty-risk-set",
            hint="Begin later (select rows that leave after a time at which enough are at risk), or use fewer groups.",
        )
