"""Bootstrap draws of a few numbers, with the limits read off them.

Second floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["Resampled"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Resampled(Stored):
    """Bootstrap distribution of some estimates.

    Attributes
    ----------
    names : tuple of str
    estimate : (q,)
        From the data themselves.
    draws : (n, q)
        One row per bootstrap sample; NaN where the estimate does not exist in a sample.
    """

    names: tuple[str, ...]
    estimate: Floats
    draws: Floats
    method: str
    sources: tuple[str, ...]
    ledger: Ledger

    @property
    def params(self) -> Any:
        """Estimates from the data, as a Series."""
        return labelled(self.estimate, self.names, name="estimate")

    @property
    def bse(self) -> Any:
        """Standard deviation of the draws (those that exist)."""
        return labelled(np.nanstd(self.draws, axis=0, ddof=1), self.names, name="se")

    @property
    def n_missing(self) -> Any:
        """Number of samples in which each estimate does not exist."""
        return labelled(np.isnan(self.draws).sum(axis=0), self.names, name="missing")

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Percentile limits: columns low, high. Samples without an estimate count as beyond every time."""
        filled = np.where(np.isnan(self.draws), np.inf, self.draws)
        limits = np.quantile(filled, [alpha / 2, 1 - alpha / 2], axis=0, method="inverted_cdf").T
        return labelled(np.where(np.isinf(limits), np.nan, limits), self.names, ("low", "high"))

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        level = number(100 * (1 - alpha), 3)
        limits = self.conf_int(alpha).to_numpy()
        columns = ("", "estimate", "se", f"low {level}%", f"high {level}%", "missing")
        rows = tuple(
            (name, self.estimate[i], self.bse.iloc[i], limits[i, 0], limits[i, 1], int(self.n_missing.iloc[i]))
            for i, name in enumerate(self.names)
        )
        return Summary(self.method, (("samples", len(self.draws)),), (Block(columns, rows),))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
