"""Rows that are pieces of one stay: which begin it, which end it, and what does not fit.

Ground floor. A stay that was cut (a covariate changed, a calendar boundary passed) has rows that join end to start.
The cut is neither a censoring nor an entry, and estimates of censoring and entry must not take it for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Bools, Ints

__all__ = ["Joins", "join_rows"]


@dataclass(frozen=True, eq=False)
class Joins:
    """How rows of one person follow one another.

    Attributes
    ----------
    begins, ends : (n,) bool
        Whether the row is the first (last) of its stay.
    overlap, gap, early : int arrays
        Rows that begin before the person's last row has ended; that leave a gap; that follow an exit.
    """

    begins: Bools
    ends: Bools
    overlap: Ints
    gap: Ints
    early: Ints

    @property
    def n_joins(self) -> int:
        """Number of places at which two rows join."""
        return int(np.count_nonzero(~self.begins))


def join_rows(person: Ints, entry: Ints, exit: Ints, left: Bools) -> Joins:
    """Put the rows of each person in order and see how they meet.

    Parameters
    ----------
    person : (n,) int
    entry, exit : (n,) int
        Codes of times, so that equal times are equal.
    left : (n,) bool
        Whether the row ended with an exit of any kind.

    Notes
    -----
    Cost: one sort.
    """
    order = np.lexsort((exit, person))
    before, after = order[:-1], order[1:]
    same = person[before] == person[after]
    meet = same & (entry[after] == exit[before])
    joined = meet & ~left[before]
    begins, ends = np.ones(len(person), dtype=bool), np.ones(len(person), dtype=bool)
    begins[after[joined]] = False
    ends[before[joined]] = False
    return Joins(
        begins,
        ends,
        after[same & (entry[after] < exit[before])],
        after[same & (entry[after] > exit[before])],
        after[same & left[before]],
    )
