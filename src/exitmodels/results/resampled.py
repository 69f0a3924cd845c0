"""Bootstrap draws of a few numbers, with the limits read off them.

Second floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
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
    acceleration : (q,) or None
        Change of the standard error with the parameter, for BCa limits.
    """

    names: tuple[str, ...]
    estimate: Floats
    draws: Floats
    method: str
    sources: tuple[str, ...]
    ledger: Ledger
    acceleration: Floats | None = None

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

    def conf_int(self, alpha: float = 0.05, method: str = "percentile") -> Any:
        """Limits: columns low, high.

        Parameters
        ----------
        alpha : float
        method : {"percentile", "bca", "basic", "normal"}
            Quantiles of the draws; the same at levels corrected for bias and acceleration (Efron 1987);
            the percentile limits mirrored at the estimate; the estimate and its bootstrap standard error.

        Notes
        -----
        Samples without an estimate count as beyond every value, so that a median that is not reached in
        three samples of a hundred has no upper 95 % limit.
        """
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        if method not in ("percentile", "bca", "basic", "normal"):
            raise DataError(f"method={method!r} is not known.", code="method", hint="percentile, bca, basic, normal.")
        if method == "normal":
            half = ndtri(1 - alpha / 2) * self.bse.to_numpy()
            return labelled(np.column_stack([self.estimate - half, self.estimate + half]), self.names, ("low", "high"))
        levels = np.tile([alpha / 2, 1 - alpha / 2], (len(self.estimate), 1))
        if method == "bca":
            levels = self._corrected(levels)
        filled = np.where(np.isnan(self.draws), np.inf, self.draws)
        limits = np.stack(
            [np.quantile(filled[:, j], levels[j], method="inverted_cdf") for j in range(len(self.estimate))]
        )
        if method == "basic":
            limits = 2 * self.estimate[:, None] - limits[:, ::-1]
        return labelled(np.where(np.isinf(limits), np.nan, limits), self.names, ("low", "high"))

    def _corrected(self, levels: Floats) -> Floats:
        """Levels of the BCa limits."""
        if self.acceleration is None:
            raise DataError(
                "BCa limits need the acceleration, which was not asked for.",
                code="bca",
                hint="Call bootstrap(..., bca=True).",
            )
        filled = np.where(np.isnan(self.draws), np.inf, self.draws)
        n = len(filled)
        below = (filled < self.estimate).sum(axis=0) + 0.5 * (filled == self.estimate).sum(axis=0)
        bias = ndtri(np.clip(below / n, 0.5 / n, 1 - 0.5 / n))[:, None]
        shifted = bias + ndtri(levels)
        return np.asarray(ndtr(bias + shifted / (1 - self.acceleration[:, None] * shifted)))

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
