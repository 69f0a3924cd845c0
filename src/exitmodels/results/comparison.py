"""Nested models side by side: what each step adds to the log-likelihood.

Second floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Comparison"]

_COLUMNS = ("model", "log-likelihood", "parameters", "chi2", "df", "p")


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison(Tabled):
    """Likelihood-ratio tests of models that hold one another, smallest first.

    Attributes
    ----------
    names : tuple of str
        What each model is, or which term it adds.
    llf : (m,)
        Log-likelihoods.
    parameters : (m,)
        Numbers of coefficients.
    """

    names: tuple[str, ...]
    llf: Floats
    parameters: Floats
    method: str
    sources: tuple[str, ...]
    ledger: Ledger

    @property
    def statistic(self) -> Floats:
        """Twice the gain in log-likelihood of each step, (m - 1,)."""
        return np.asarray(2 * np.diff(self.llf))

    @property
    def df(self) -> Floats:
        """Coefficients added at each step, (m - 1,)."""
        return np.asarray(np.diff(self.parameters))

    @property
    def pvalues(self) -> Floats:
        """From the chi-squared law, (m - 1,)."""
        return np.asarray(chdtrc(self.df, np.maximum(self.statistic, 0.0)))

    def to_frame(self) -> Any:
        """One row per model: model, llf, parameters, statistic, df, p (the first has no test)."""
        import pandas as pd

        return pd.DataFrame(
            {
                "model": list(self.names),
                "llf": self.llf,
                "parameters": self.parameters,
                "statistic": np.append(np.nan, self.statistic),
                "df": np.append(np.nan, self.df),
                "p": np.append(np.nan, self.pvalues),
            }
        )

    def _table(self, alpha: float = 0.05) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        first = (self.names[0], self.llf[0], self.parameters[0], "", "", "")
        rest = zip(
            self.names[1:], self.llf[1:], self.parameters[1:], self.statistic, self.df, self.pvalues, strict=True
        )
        return _COLUMNS, (first, *((name, llf, m, x, df, pvalue(p)) for name, llf, m, x, df, p in rest))

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        return Summary(self.method, (), (Block(*self._table(alpha)),))
