"""The result of a test: statistic, degrees of freedom, p-value, and what was compared.

Second floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["HypothesisTest", "quadratic_test", "trend_scores"]


@dataclass(frozen=True, eq=False, kw_only=True)
class HypothesisTest(Stored):
    """A test statistic with its reference distribution.

    Attributes
    ----------
    statistic : float
        The test statistic; chi-squared on `df` degrees of freedom unless `distribution` says otherwise.
    df : float
        Degrees of freedom.
    pvalue : float
        Two-sided unless `method` says otherwise.
    method : str
        What was computed, in words.
    detail : mapping of str to arrays, optional
        Parts of the statistic (observed, expected, covariance, ...), each labelled by `labels`.
    """

    statistic: float
    df: float
    pvalue: float
    method: str
    distribution: str = "chi2"
    labels: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    ledger: Ledger | None = None
    warnings: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return one row per group: observed and expected events and the like, as a pandas DataFrame."""
        import pandas as pd

        columns = {name: v for name, v in self.detail.items() if getattr(v, "ndim", 0) == 1}
        return pd.DataFrame(columns, index=pd.Index(self.labels, name="group"))

    def summary(self) -> Summary:
        """Return the printed form."""
        columns = [name for name, v in self.detail.items() if getattr(v, "ndim", 0) == 1]
        rows = tuple((label, *(float(self.detail[name][i]) for name in columns)) for i, label in enumerate(self.labels))
        parts = (Block(("", *columns), rows),) if columns and rows else ()
        df = () if np.isnan(self.df) else (("degrees of freedom", self.df),)
        facts = (("statistic", self.statistic), *df, ("p-value", pvalue(self.pvalue)))
        return Summary(self.method, facts, parts, self.warnings)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind this number."""
        return citation(self.sources, self.method)


def quadratic_test(
    score: Floats, spread: Floats, method: str, ledger: Ledger, sources: tuple[str, ...]
) -> HypothesisTest:
    """Test that a vector is zero, given its covariance: chi-squared on the rank of that."""
    value = float(score @ np.linalg.pinv(spread, hermitian=True) @ score)
    df = int(np.linalg.matrix_rank(spread))
    pvalue = float(chdtrc(df, value))
    return HypothesisTest(statistic=value, df=df, pvalue=pvalue, method=method, ledger=ledger, sources=sources)


def trend_scores(trend: bool | Sequence[float] | None, n_groups: int) -> Floats | None:
    """Scores of ordered groups: 1, 2, ... for True, those given, or None for no trend."""
    if trend is None or trend is False:
        return None
    scores = np.arange(1.0, n_groups + 1) if trend is True else np.asarray(trend, dtype=float)
    if len(scores) != n_groups:
        raise DataError(
            f"{len(scores)} scores were given for {n_groups} groups.", code="trend", hint="Give one for each, in order."
        )
    return scores
