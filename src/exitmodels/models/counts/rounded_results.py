"""What a rate with rounded dates answers: the rate by day with limits, and how many dates were heaped.

Third floor. Everything common to regressions comes from results/regression.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.models.counts.rounded_cells import DailyCells
from exitmodels.render.text import number
from exitmodels.results.regression import Regression
from exitmodels.shapes.dates import day_number, iso
from exitmodels.shapes.design import Design
from exitmodels.shapes.frames import Column, Table

__all__ = ["RoundedResults"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RoundedResults(Regression):
    """A fitted rate with rounded dates.

    Attributes
    ----------
    heaps : tuple of str
        Ways of heaping, one logit each at the end of `estimate`.
    unit : str
        Rates are per unit of exposure.

    Other attributes are those of `exitmodels.results.regression.Regression`.
    """

    heaps: tuple[str, ...] = ()
    unit: str = "D"
    design: Design | None = field(default=None, metadata={"stored": False})
    cells: DailyCells | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "rate ratio"

    def rate_ratios(self, alpha: float = 0.05) -> Any:
        """Rate ratios with limits, of all terms but the intercept and the heap logits."""
        kept = [name for name in self.names[: self._p] if name != "Intercept"]
        return self.ratios(alpha).loc[kept]

    @property
    def _p(self) -> int:
        return len(self.names) - len(self.heaps)

    def heaped_share(self, alpha: float = 0.05) -> Any:
        """Probability that a date is written as given, or rounded in each way, with limits: share, low, high.

        Limits are symmetric on the logit scale of each share (delta method).
        """
        import pandas as pd

        if not self.heaps:
            raise DataError("No heaping was modelled.", code="heaps", hint='Give heaps=, such as {"MS": 1}.')
        share = special.softmax(np.concatenate([[0.0], self.estimate[self._p :]]))
        turn = (np.diag(share) - np.outer(share, share))[:, 1:]
        spread = np.sqrt(np.einsum("ij,jk,ik->i", turn, self.covariance[self._p :, self._p :], turn))
        half = self._critical(alpha) * spread / (share * (1 - share))
        middle = special.logit(share)
        columns = {"share": share, "low": special.expit(middle - half), "high": special.expit(middle + half)}
        return pd.DataFrame(columns, index=["as given", *self.heaps])

    def rate(self, dates: Any = None, new: Any = None, alpha: float = 0.05) -> Any:
        """Rate on some days, with limits.

        Parameters
        ----------
        dates : date or list of dates, optional
            By default every day of the window.
        new : dict, optional
            Values of the keys and covariates of the formula, one for each date or one for all.
        alpha : float

        Returns
        -------
        DataFrame with one row per day: date, rate (at noon, per unit of exposure), low, high.
        """
        import pandas as pd

        cells, design = self._data()
        day = self._days(dates, cells)
        given = {"time": Column("time", "number", day - cells.first + 0.5)}
        months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        given["month"] = Column("month", "number", months % 12 + 1)
        given["year"] = Column("year", "number", months // 12 + 1970)
        if new is not None:
            table = Table({k: np.broadcast_to(np.asarray(v), day.shape) for k, v in new.items()})
            given |= {name: table.column(name) for name in table.names}
        made = design.rebuild(given)
        line = made.matrix @ self.estimate[: self._p] + (0.0 if made.offset is None else made.offset)
        spread = np.sqrt(np.einsum("ij,jk,ik->i", made.matrix, self.covariance[: self._p, : self._p], made.matrix))
        half = self._critical(alpha) * spread
        values = {"rate": np.exp(line), "low": np.exp(line - half), "high": np.exp(line + half)}
        return pd.DataFrame({"date": day.astype("datetime64[D]").astype("datetime64[s]"), **values})

    def _days(self, dates: Any, cells: DailyCells) -> Floats:
        if dates is None:
            return np.arange(cells.first, cells.first + cells.days)
        listed = [dates] if isinstance(dates, str) or not hasattr(dates, "__len__") else list(dates)
        day = np.floor(np.array([float(day_number(d)) for d in listed])).astype(np.int64)
        out = np.flatnonzero((day < cells.first) | (day >= cells.first + cells.days))
        if out.size:
            raise DataError(
                f"{iso(day[out[0]])} lies outside the window of the fit, {iso(cells.first)} to "
                f"{iso(cells.first + cells.days - 1)}.",
                column="dates",
                rows=out,
                code="outside-window",
                hint="The formula says nothing beyond the days it was fitted to.",
            )
        return day

    def _data(self) -> tuple[DailyCells, Design]:
        if self.cells is None or self.design is None:
            raise DataError(
                "Rates need the data, which a saved result does not keep.",
                code="no-data",
                hint="Fit the model again to get them.",
            )
        return self.cells, self.design

    def plot(self, ax: Any = None, alpha: float = 0.05, new: Any = None) -> Any:
        """Draw the fitted rate with limits over counts by week as they were written; return the Axes.

        Bars are dates known to the day, per day of the week; a heap stands out of the curve. Ranges are lines at their
        mean rate.
        """
        from exitmodels.render.rounded import rate_and_dates

        cells, _ = self._data()
        frame = self.rate(None, new, alpha)
        n = cells.n.reshape(cells.n_series, cells.days).sum(axis=0)
        exposure = cells.exposure.reshape(cells.n_series, cells.days)
        exposure = exposure[0] if cells.n_series == 1 or np.all(exposure == exposure[0]) else exposure.sum(axis=0)
        ranges = (cells.low % cells.days, (cells.high - 1) % cells.days + 1, cells.times)
        level = number(100 * (1 - alpha), 3)
        written = "dates as written, by week" if self.heaps else "dates known to the day, by week"
        return rate_and_dates(ax, cells.first, frame, n, exposure, ranges, level, self.unit, written)
