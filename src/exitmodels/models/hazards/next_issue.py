"""Chances of the next issue: each item, and at least one of them.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.intervals import probability_limits
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates
from exitmodels.shapes.ledger import Ledger

__all__ = ["NextIssue"]


@dataclass(frozen=True, eq=False, kw_only=True)
class NextIssue(Estimates):
    """Predictive chances that items appear, given that they have not yet.

    Attributes
    ----------
    names : tuple of str
        The items, and "at least one" at the end.
    chance, se : (m + 1,)
    waited : tuple of int
        Issues each item has been missing from so far.
    issues : int
        Issues looked ahead.
    """

    names: tuple[str, ...]
    chance: Floats
    se: Floats
    waited: tuple[int, ...]
    issues: int
    alpha: float
    method: str
    sources: tuple[str, ...]
    ledger: Ledger
    notes: tuple[str, ...] = ()

    @property
    def at_least_one(self) -> float:
        """Chance that one of the items or more appears."""
        return float(self.chance[-1])

    @property
    def expected(self) -> float:
        """Expected number of items that appear."""
        return float(self.chance[:-1].sum())

    def _named(self) -> tuple[tuple[str, ...], Floats]:
        return self.names, self.chance

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        low, high = probability_limits(self.chance, self.se, alpha, "cloglog")
        return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 1.0)

    def _heading(self) -> str:
        return self.method

    def _measure(self) -> str:
        return "chance"

    def _more(self) -> dict[str, Any]:
        return {"waited": [*self.waited, ""]}

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
