"""What may come after a count series: simulated paths, and what they say of each period and of their sum.

Third floor. Called by: series_results.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.models.counts.series import TimeSeries
from exitmodels.models.counts.series_ahead import FutureRows
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored

__all__ = ["CountForecast"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CountForecast(Stored):
    """Predicted counts of the periods after a series.

    Attributes
    ----------
    index : (h,) str
        Names of the periods.
    paths : (m, h)
        Simulated counts; rows are equally likely futures.
    expected : (h,)
        Means when every count to come equals its own mean and parameters are as estimated; `to_frame` gives the mean
        of the paths beside it.
    exposure : (h,)
    method : str
    """

    index: AnyArray
    paths: Floats
    expected: Floats
    exposure: Floats
    method: str
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    series: TimeSeries | None = field(default=None, metadata={"stored": False})
    future: FutureRows | None = field(default=None, metadata={"stored": False})

    def quantile(self, p: float) -> Floats:
        """Smallest count that at least a share `p` of the paths does not exceed, for each period (h,)."""
        return _lower_quantile(self.paths, p)

    def to_frame(self, alpha: float = 0.05) -> Any:
        """One row per period: expected (plug-in), mean and median of the paths, low, high.

        Limits are quantiles of the paths, with at least ``1 - alpha`` of them inside.
        """
        import pandas as pd

        _check(alpha)
        columns = {
            "expected": self.expected,
            "mean": self.paths.mean(axis=0),
            "median": self.quantile(0.5),
            "low": self.quantile(alpha / 2),
            "high": self.quantile(1 - alpha / 2),
        }
        return pd.DataFrame(columns, index=pd.Index(self.index, name="period"))

    def total(self, alpha: float = 0.05) -> Any:
        """Sum over all periods: mean, median, low, high."""
        import pandas as pd

        _check(alpha)
        sums = self.paths.sum(axis=1)[:, None]
        low, middle, high = (float(_lower_quantile(sums, p)[0]) for p in (alpha / 2, 0.5, 1 - alpha / 2))
        return pd.Series({"mean": float(sums.mean()), "median": middle, "low": low, "high": high}, name="total")

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        frame = self.to_frame(alpha)
        level = number(100 * (1 - alpha), 3)
        columns = ("period", "mean", "median", f"low {level}%", f"high {level}%")
        rows = tuple((str(i), r.mean, r.median, r.low, r.high) for i, r in zip(frame.index, _rows(frame), strict=True))
        facts = (("periods", len(self.index)), ("paths", len(self.paths)))
        return Summary(self.method, facts, (Block(columns, rows),), self.warnings)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)

    def plot(self, ax: Any = None, alpha: float = 0.05, last: int = 60) -> Any:
        """Draw the last counts, and the mean and limits of those to come; return the Axes."""
        from exitmodels.render.series import counted_series

        if self.series is None or self.future is None:
            raise DataError(
                "The picture needs the data, which are not stored with a result.",
                code="no-data",
                hint="Make the forecast again.",
            )
        frame, h = self.to_frame(alpha), len(self.index)
        counts = self.series.counts
        keep = slice(max(len(counts) - last, 0), None)
        y = self.series.y[keep]
        gap = np.full(len(y), np.nan)
        dated = counts.dated and len(self.future.starts) == h
        return counted_series(
            ax,
            y=np.append(y, np.full(h, np.nan)),
            mean=np.append(gap, frame["mean"]),
            low=np.append(gap, frame["low"]),
            high=np.append(gap, frame["high"]),
            starts=np.append(counts.start[keep], self.future.starts) if dated else None,
            ends=np.append(counts.end[keep], self.future.ends) if dated else None,
            partial=np.append(counts.partial[keep], np.zeros(h, dtype=bool)),
            level=f"{number(100 * (1 - alpha), 3)} %",
            future=h,
            label="mean of the paths",
        )


def _rows(frame: Any) -> Any:
    return frame.itertuples(index=False)


def _lower_quantile(values: Floats, p: float) -> Floats:
    return np.asarray(np.quantile(values, p, axis=0, method="inverted_cdf"), dtype=np.float64)


def _check(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
