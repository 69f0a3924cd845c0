"""Links within one list, and between two: unique records, and how far two lists overlap.

Third floor, in the room of records. Called by: linking.py. Read next: linked.py (what both share).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.records.linked import Linked
from exitmodels.shapes.frames import Table
from exitmodels.shapes.ledger import Ledger

__all__ = ["Deduplicated", "LinkedLists", "Unique"]


@dataclass(frozen=True, eq=False)
class Unique:
    """One record of each cluster.

    Attributes
    ----------
    frame : the kind of frame that was given
    ledger : Ledger
        The others, set aside.
    """

    frame: Any
    ledger: Ledger


@dataclass(frozen=True, eq=False, kw_only=True)
class Deduplicated(Linked):
    """Duplicates within one list."""

    table: Table | None = field(default=None, metadata={"stored": False})
    method: str = "Duplicates within a list"

    def unique(self, keep: str = "first") -> Unique:
        """One record of each cluster, the others set aside in a ledger.

        Parameters
        ----------
        keep : {"first", "last", "fullest"}
            The first or last row of each cluster, or the one with most values (the first of those).
        """
        if self.table is None:
            raise DataError(
                "Records are never stored with a result.",
                code="stored",
                hint="Fit again, or use .clusters on your frame.",
            )
        if keep not in ("first", "last", "fullest"):
            raise DataError(f"keep={keep!r} is not known.", code="choice", hint='Use "first", "last" or "fullest".')
        place = np.arange(self.n_a)
        rank = place if keep == "first" else -place
        if keep == "fullest":
            gone = np.sum([self.table.column(name).is_missing for name in self.table.names], axis=0)
            rank = gone * self.n_a + place
        order = np.lexsort((rank, self.cluster))
        chosen = order[np.append(True, np.diff(self.cluster[order]) > 0)]
        kept = np.zeros(self.n_a, dtype=bool)
        kept[chosen] = True
        rows = np.flatnonzero(kept)
        why = f"duplicate of a record that is kept ({keep}; link probability {self.cutoff:g} or more)"
        ledger = self.ledger.set_aside(why, rows=self.labels_a[~kept]) if not kept.all() else self.ledger
        return Unique(self.table.frame[rows.tolist()].to_native(), ledger)

    def _facts(self, alpha: float) -> list[tuple[str, Any]]:
        size = np.bincount(self.cluster)
        return [
            ("records", f"{self.n_a:,}"),
            *super()._facts(alpha),
            (
                "persons",
                f"{self.n_persons:,}, {int((size > 1).sum()):,} of them with {int(size.max())} records at most",
            ),
        ]


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkedLists(Linked):
    """Links between two lists."""

    method: str = "Links between two lists"

    def overlap(self, alpha: float = 0.05) -> Any:
        """Persons on both lists (n11), on the first only (n10) and on the second only (n01), as a DataFrame.

        Rows: "linked", the count at the threshold; "expected", the sum of probabilities over compared pairs; "with
        missed", the same and the matches that no block brings together. Limits hold the draws of the fit and the chance
        in who is a match. Capture-recapture is sensitive to n11: carry all three through.
        """
        import pandas as pd

        c = self.cluster
        on_a, on_b = (np.bincount(part, minlength=self.n_persons) > 0 for part in (c[: self.n_a], c[self.n_a :]))
        both, first, second = int((on_a & on_b).sum()), int((on_a & ~on_b).sum()), int((~on_a & on_b).sum())
        keyed = float(np.count_nonzero(self.key >= 0))
        everything = np.ones(self.nobs, dtype=bool)
        p, n = self._per_cell(everything)
        drawn = self._simulated(everything)[1] + keyed
        missed = np.repeat(self.missed_draws, len(drawn) // len(self.missed_draws)) if len(self.missed_draws) else 0.0
        rows: list[tuple[Any, ...]] = [("linked", both, np.nan, np.nan, first, second)]
        extra = self.mixture.hidden_matches
        named = (
            (("expected", 0.0, 0.0), ("with missed", extra, missed)) if self.countable else (("expected", 0.0, 0.0),)
        )
        most = min(both + first, both + second)
        for name, more, spread in named:
            value = min(float(n @ p) + keyed + more, most)
            low, high = np.minimum(np.quantile(drawn + spread, [alpha / 2, 1 - alpha / 2]), most)
            rows.append((name, value, low, high, both + first - value, both + second - value))
        return pd.DataFrame(rows, columns=["count", "n11", "low", "high", "n10", "n01"])

    def _facts(self, alpha: float) -> list[tuple[str, Any]]:
        counts = self.overlap(alpha).iloc[0]
        both = f"{counts.n11:.0f} on both lists, {counts.n10:.0f} and {counts.n01:.0f} on one"
        return [("records", f"{self.n_a:,} and {self.n_b:,}"), *super()._facts(alpha), ("persons", both)]
