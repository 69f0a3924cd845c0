"""Regressions on a scale where effects are differences: hazards, probabilities or time are added to.

Second floor. The table and the figure then show the coefficients themselves, not their exponentials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from exitmodels.render.text import number, pvalue
from exitmodels.results.regression import Regression

__all__ = ["Differences"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Differences(Regression):
    """A regression whose coefficients are read as they stand.

    `effect_name` says what a coefficient adds to; it heads the axis of the figure.
    """

    effect_name: ClassVar[str] = "difference"

    def _effect(self) -> str:
        return self.effect_name

    def tidy(self, alpha: float = 0.05) -> Any:
        """One row per coefficient: term, estimate, se, statistic, p, low, high."""
        import pandas as pd

        limits = self.conf_int(alpha).to_numpy()
        return pd.DataFrame(
            {
                "term": list(self.names),
                "estimate": self.estimate,
                "se": self.standard_errors,
                "statistic": self.zvalues.to_numpy(),
                "p": self.pvalues.to_numpy(),
                "low": limits[:, 0],
                "high": limits[:, 1],
            }
        )

    def _table(self, alpha: float) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        level = number(100 * (1 - alpha), 3)
        columns = ("term", "coef", "se", "z", "p", f"low {level}%", f"high {level}%")
        rows = tuple(
            (r.term, r.estimate, r.se, f"{r.statistic:.2f}", pvalue(r.p), r.low, r.high)
            for r in self.tidy(alpha).itertuples()
        )
        return columns, rows

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the coefficients with their limits; return the Axes."""
        from exitmodels.render.effects import differences

        keep = [i for i, name in enumerate(self.names) if name != "Intercept"]
        values = np.column_stack([self.estimate, self.conf_int(alpha).to_numpy()])[keep]
        names = [self.names[i] for i in keep]
        return differences(ax, names, values, self._effect(), number(100 * (1 - alpha), 3))
