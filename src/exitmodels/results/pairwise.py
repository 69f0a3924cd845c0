"""Comparisons of groups two by two, with p-values adjusted for their number.

Second floor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.multiplicity import adjusted
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["PairwiseTests"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PairwiseTests(Tabled):
    """One test for each pair of groups.

    Attributes
    ----------
    groups : tuple of str
    pairs : (m, 2) int
        Places in `groups`.
    statistic, df, p, adjusted : (m,)
    adjustment : str
        How the p-values were adjusted.
    """

    groups: tuple[str, ...]
    pairs: Floats
    statistic: Floats
    df: Floats
    p: Floats
    adjusted: Floats
    adjustment: str
    method: str
    sources: tuple[str, ...]
    ledger: Ledger
    warnings: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """One row per pair: the two groups, statistic, df, p, p adjusted."""
        import pandas as pd

        first, second = (np.asarray(self.groups, dtype=object)[self.pairs[:, side]] for side in (0, 1))
        columns = {"group": first, "with": second, "statistic": self.statistic, "df": self.df}
        return pd.DataFrame({**columns, "p": self.p, "p adjusted": self.adjusted})

    tidy = to_frame

    @property
    def pvalues(self) -> Any:
        """Adjusted p-values, labelled "b vs a"."""
        import pandas as pd

        names = [f"{self.groups[b]} vs {self.groups[a]}" for a, b in self.pairs]
        return pd.Series(self.adjusted, index=names, name="p")

    def matrix(self) -> Any:
        """Adjusted p-values as a symmetric table of groups by groups."""
        import pandas as pd

        table = np.full((len(self.groups), len(self.groups)), np.nan)
        for (a, b), p in zip(self.pairs, self.adjusted, strict=True):
            table[a, b] = table[b, a] = p
        return pd.DataFrame(table, index=list(self.groups), columns=list(self.groups))

    def with_adjustment(self, method: str) -> PairwiseTests:
        """Return the same tests with their p-values adjusted in another way."""
        return replace(self, adjusted=adjusted(self.p, method), adjustment=method)

    def _note(self) -> str:
        return f"{self.method}; p-values adjusted by {self.adjustment}."

    def _table(self, alpha: float = 0.05) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame()
        for name in ("p", "p adjusted"):
            frame[name] = [pvalue(p) for p in frame[name]]
        if np.isnan(self.df).all():
            frame = frame.drop(columns="df")
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        columns, rows = self._table()
        facts = (("pairs", len(self.pairs)), ("adjustment", self.adjustment))
        return Summary(self.method, facts, (Block(tuple(columns), tuple(tuple(r) for r in rows)),), self.warnings)
