"""Times that are only known to lie between two others: limits read from spells, and checked.

First floor. A person was last known to be present at `lower` and known to be gone at `upper`: the exit lies in
(lower, upper]. Equal limits are an exact time; an infinite upper limit is "not yet, as far as is known".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError

if TYPE_CHECKING:
    from exitmodels.shapes.spells import Spells

__all__ = ["Between", "between", "last_known", "refuse_contradiction"]


class Between(NamedTuple):
    """Limits of each row, and the time it had to outlive to be seen (None when nothing was required)."""

    lower: Floats
    upper: Floats
    entry: Floats | None


def last_known(
    lower: AnyArray | None,
    upper: AnyArray | None,
    entry: AnyArray | None,
    labels: AnyArray,
    event: Ints | None = None,
    skip: Bools | None = None,
) -> tuple[AnyArray, Ints]:
    """Stand in for `exit` and `event` when only limits are given.

    Parameters
    ----------
    event : (n,) int, optional
        As given; must not say "not yet left" of a row with a finite upper limit.
    skip : (n,) bool, optional
        Rows that have been set aside already; what they get means nothing.

    Returns
    -------
    exit : (n,)
        The upper limit; where that is infinite, the lower.
    event : (n,) int
        1 where the upper limit is finite.

    Raises
    ------
    DataError
        If a limit is missing, or a row says nothing at all.
    """
    if lower is None or upper is None:
        raise DataError(
            "There is neither exit nor both limits.",
            code="no-times",
            hint="Give exit=, or lower= and upper= for times known to lie between two others.",
        )
    if skip is not None:
        lower, upper = np.where(skip, 0.0, lower), np.where(skip, np.inf if event is None else 1.0, upper)
    for name, values in (("lower", lower), ("upper", upper)):
        _refuse_missing(name, values, labels)
    known = np.isfinite(upper)
    exit = np.where(known, upper, lower)
    use = np.ones(len(exit), dtype=bool) if skip is None else ~skip
    if event is not None:
        refuse_contradiction(np.where(use, upper, np.inf), event, labels)
    empty = np.flatnonzero(use & (exit <= (0 if entry is None else entry)))
    if empty.size and not known[empty].any():
        raise DataError(
            f"{empty.size} rows were never seen after entry and are not known to have left, so they say nothing.",
            rows=labels[empty],
            code="no-information",
            hint="Set them aside before reading the data.",
        )
    return exit, known.astype(np.int64)


def refuse_contradiction(upper: AnyArray | None, event: Ints, labels: AnyArray) -> None:
    """Refuse rows that have not left according to `event`, yet had left by `upper`."""
    both = np.flatnonzero(np.isfinite(upper) & (event == 0)) if upper is not None else np.zeros(0, dtype=np.int64)
    if both.size:
        raise DataError(
            f"{both.size} rows have a time by which they had left, but their event says not yet left.",
            rows=labels[both],
            code="interval",
            hint="Give an infinite upper limit where the exit has not happened, or correct the event.",
        )


def between(spells: Spells, chosen: Ints) -> Between:
    """Read the limits of each row.

    Parameters
    ----------
    spells : Spells
        As given, with every cause.
    chosen : (n,) int
        Not zero for the exits that count.

    Notes
    -----
    Without `lower` and `upper` the exit is exact. A row that is not an exit was present at its `exit`, and may
    leave at any time after it; one that left for a reason that does not count was present at `lower`.

    Raises
    ------
    DataError
        If a limit is missing, or somebody was gone by the time of entry.
    """
    exit = spells.exit.astype(np.float64)
    lower = exit if spells.lower is None else spells.lower.astype(np.float64)
    upper = exit if spells.upper is None else spells.upper.astype(np.float64)
    if spells.lower is None and spells.upper is not None:
        lower = np.where(upper > exit, exit, upper)
    for name, values in (("lower", lower), ("upper", upper)):
        _refuse_missing(name, values, spells.labels)
    stays = spells.event == 0
    upper = np.where(chosen > 0, upper, np.inf)
    lower = np.where(stays, np.maximum(lower, np.where(np.isfinite(exit), exit, lower)), lower)
    crossed = np.flatnonzero(lower > upper)
    if crossed.size:
        raise DataError(
            "A lower limit exceeds its upper limit.",
            rows=spells.labels[crossed],
            code="interval",
            hint="Give (lower, upper] with lower <= upper.",
        )
    entry = spells.entry.astype(np.float64) if spells.delayed else None
    if entry is not None:
        gone = np.flatnonzero(upper <= entry)
        if gone.size:
            raise DataError(
                f"{gone.size} people were known to be gone by the time they entered (first: entry={entry[gone[0]]:g}, "
                f"upper={upper[gone[0]]:g}). A person is at risk on (entry, exit].",
                column="upper",
                rows=spells.labels[gone],
                code="order",
                hint="Correct these rows, or set them aside.",
            )
    return Between(lower, upper, entry)


def _refuse_missing(name: str, values: AnyArray, labels: AnyArray) -> None:
    bad = np.flatnonzero(np.isnan(values)) if values.dtype.kind == "f" else np.zeros(0, dtype=np.int64)
    if bad.size:
        raise DataError(
            f"{bad.size} limits are missing.",
            column=name,
            rows=labels[bad],
            code="missing",
            hint="Give minus infinity (lower) or infinity (upper) where nothing is known; equal limits when exact.",
        )
