"""What a regression of truncated delays answers: factors of delay, shares recorded by a time, and the number behind.

Third floor. Made by truncated_delay.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.truncatedscale import log_share, quantile
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.shapes.columns import rows_of

__all__ = ["TruncatedDelayResults"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TruncatedDelayResults(Regression):
    """A fitted regression of right-truncated delays.

    Attributes
    ----------
    family : str
    largest_limit : float
        Beyond it everything is extrapolation by the law.

    The last coefficient is the logarithm of the shape. Other attributes are those of `Regression`.
    """

    family: str
    largest_limit: float
    unit: str = "D"
    design: Any = field(default=None, metadata={"stored": False})
    limit: Any = field(default=None, metadata={"stored": False})
    weight: Any = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "time ratio"

    @property
    def shape(self) -> float:
        """Shape: one over the scale of log time."""
        return float(np.exp(self.estimate[-1]))

    @property
    def df_model(self) -> int:
        """Number of coefficients, intercept and shape not counted."""
        return len(self.names) - 2

    def _rows(self, new: Any) -> Floats:
        if self.design is None:
            raise DataError("Predictions need the design, which is not stored.", code="no-data", hint="Fit again.")
        if new is None:
            if len(self.names) > 2:
                raise DataError("For which rows?", code="new", hint="Give new= with the columns of the formula.")
            return np.ones((1, 1))
        columns, _, labels = rows_of(new)
        return np.asarray(self.design.rebuild(columns, labels=labels).matrix)

    def predict_share(self, times: Any, new: Any = None, alpha: float = 0.05) -> Any:
        """Share of delays that are at most each time, with limits: DataFrame of row, time, estimate, low, high.

        Limits are for z = shape (log time - x b), by the delta method, and so stay between 0 and 1.
        """
        import pandas as pd

        rows, times = self._rows(new), np.atleast_1d(np.asarray(times, dtype=np.float64))
        if np.any(times <= 0):
            raise DataError("Times must be positive.", code="times", hint="The share recorded at time 0 is 0.")
        half, found = self._critical(alpha), []
        for i, x in enumerate(rows):
            z = self.shape * (np.log(times) - x @ self.estimate[:-1])
            slope = np.column_stack([np.tile(-self.shape * x, (len(times), 1)), z])
            spread = half * np.sqrt(np.einsum("ij,jk,ik->i", slope, self.covariance, slope))
            made = [np.exp(log_share(self.family, v)[0]) for v in (z, z - spread, z + spread)]
            found.append(
                pd.DataFrame(dict(zip(("estimate", "low", "high"), made, strict=True))).assign(row=i, time=times)
            )
        frame = pd.concat(found, ignore_index=True)[["row", "time", "estimate", "low", "high"]]
        return frame.assign(extrapolated=frame["time"] > self.largest_limit)

    def predict_quantile(self, p: float = 0.5, new: Any = None, alpha: float = 0.05) -> Any:
        """Time by which a share p of the delays is over, with limits: DataFrame of estimate, low, high."""
        if not 0 < p < 1:
            raise DataError(f"p={p} is not between 0 and 1.", code="p", hint="0.5 gives the median.")
        rows, half = self._rows(new), self._critical(alpha)
        step = float(quantile(self.family, np.array(p))) / self.shape
        log = rows @ self.estimate[:-1] + step
        slope = np.column_stack([rows, np.full(len(rows), -step)])
        spread = half * np.sqrt(np.einsum("ij,jk,ik->i", slope, self.covariance, slope))
        values = np.exp(np.column_stack([log, log - spread, log + spread]))
        return labelled(values, range(len(rows)), ("estimate", "low", "high"))

    def expected_total(self) -> float:
        """Estimated events, recorded or not, from the first event to the last seen: sum of weight / F(limit).

        Rows whose share seen is tiny dominate; it says nothing about origins of which no record was seen.
        """
        if self.limit is None:
            raise DataError("The total needs the rows, which are not stored.", code="no-data", hint="Fit again.")
        z = self.shape * (np.log(self.limit) - self.design.matrix @ self.estimate[:-1])
        return float(np.sum(self.weight / np.exp(log_share(self.family, z)[0])))
