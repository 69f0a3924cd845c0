"""Stays with a cause in question and competing ones, times as whole-number codes.

Ground floor. What the weights of Fine and Gray are made from: who left how and when, which rows are pieces of one
stay, who shares a distribution of censoring, and in which order things of one time happen.

Read next: subweights.py (the weights).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.kernels.grouped import ranks, whole_days
from exitmodels.kernels.risksets import RiskIndex, risk_index

__all__ = ["CONVENTIONS", "Stays", "code_times"]

CONVENTIONS = ("fine-gray", "geskus")


@dataclass(frozen=True, eq=False)
class Stays:
    """Rows, with times as whole-number codes.

    Attributes
    ----------
    exit : (n,) int
    entry : (n,) int or None
        None when everyone is at risk from the start.
    levels : (m,)
        The time of each code.
    status : (n,) int
        0 not left, 1 left for the cause in question, 2 left for another cause.
    begins, ends : (n,) bool or None
        Whether the row is the first (last) of its stay; None when every row is a stay. Rows that join end to
        start are one stay: the cut between them is neither a censoring nor an entry.
    stratum : (n,) int or None
    n_strata : int
    group : (n,) int or None
        People of one group share one distribution of censoring and entry.
    n_groups : int
    convention : {"fine-gray", "geskus"}
    """

    exit: Ints
    entry: Ints | None
    levels: Floats
    status: Ints
    begins: Bools | None = None
    ends: Bools | None = None
    stratum: Ints | None = None
    n_strata: int = 1
    group: Ints | None = None
    n_groups: int = 1
    convention: str = "fine-gray"

    @property
    def spread(self) -> int:
        """Keys per code: one, or three to tell events, censorings and entries of one time apart."""
        return 3 if self.convention == "geskus" else 1

    @property
    def closes(self) -> Ints:
        """Key of each exit: the last point of the clock at which the row is there."""
        if self.spread == 1:
            return self.exit
        return self.exit * 3 + (self.status == 0)

    @property
    def opens(self) -> Ints | None:
        """Key of each entry: the first point of the clock at which the row is there."""
        if self.entry is None:
            return None
        return self.entry + 1 if self.spread == 1 else self.entry * 3 + 2

    def grid(self) -> RiskIndex:
        """Event times of the cause in question, and where each row stands; `times` are codes."""
        return risk_index(self.entry, self.exit, self.status == 1, self.stratum, self.n_strata)

    def take(self, rows: Ints) -> Stays:
        """Keep some rows (positions)."""
        entry, begins, ends, stratum, group = (
            None if held is None else held[rows]
            for held in (self.entry, self.begins, self.ends, self.stratum, self.group)
        )
        exit, status = self.exit[rows], self.status[rows]
        return replace(
            self, exit=exit, entry=entry, status=status, begins=begins, ends=ends, stratum=stratum, group=group
        )


def code_times(entry: AnyArray | None, exit: AnyArray) -> tuple[Ints | None, Ints, Floats]:
    """Codes of entry and exit, and the time of each code; times within the tie tolerance share one."""
    days = whole_days(exit)
    entry_days = None if entry is None or days is None else whole_days(entry)
    if days is not None and (entry is None or entry_days is not None):
        low = days.low if entry_days is None else min(days.low, entry_days.low)
        levels = np.arange(low, days.high + 1, dtype=np.float64)
        return None if entry_days is None else entry_days.values - low, days.values - low, levels
    if entry is None:
        levels, (codes,) = ranks(exit)
        return None, codes, levels
    levels, (codes, entered) = ranks(exit, entry)
    return entered, codes, levels
