"""A fitted Cox model: what it holds, and how new rows are read.

Third floor, in the room of hazards.

Read next: cox_variances.py, cox_predictions.py, cox_results.py, each adding questions to the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.coxcurves import Baseline
from exitmodels.kernels.varying import Varying
from exitmodels.models.hazards.cox_fitted import Fitted
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.design import Design

__all__ = ["CoxFit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxFit(Regression):
    """A fitted Cox model.

    Attributes
    ----------
    model_covariance : (p, p)
        Inverse information, whatever `vcov` is in use.
    baseline : kernels.coxcurves.Baseline
        Increments of the baseline hazard in each stratum.
    centre, scale : (p,)
        Of the columns, as the fit used them.
    strata_labels : tuple of str
    until : tuple of float
        Last time observed in each stratum; predicted curves end there.
    """

    model_covariance: Floats
    baseline: Baseline
    centre: Floats
    scale: Floats
    offset_centre: float
    kept: tuple[int, ...]
    strata_labels: tuple[str, ...]
    until: tuple[float, ...]
    design: Design
    unit: str = "D"
    ties: str = "efron"
    varying: Varying | None = None
    fitted: Fitted | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "HR"

    @property
    def bic_size(self) -> float:
        """Exits, not rows: the amount of information about a hazard (as in R)."""
        return self.n_events

    def _data(self, what: str) -> Fitted:
        fitted = unstored(self.fitted, what)
        if self.ties == "exact":
            raise DataError(
                f"{what} is not offered with exact ties: that likelihood conditions on how many leave at each time.",
                code="ties",
                hint='Fit with ties="efron", or use DiscreteHazard for times that are truly few.',
            )
        return fitted

    @property
    def _linear_centre(self) -> float:
        return float(self.centre @ self.estimate) + self.offset_centre

    def _new_rows(self, new: Any) -> tuple[Floats, Floats, Ints, Any]:
        """Centred and scaled covariates, centred linear predictor, stratum and labels of new rows."""
        columns, n, labels = rows_of(new)
        return self._coded(columns, n, labels)

    def _coded(self, columns: Columns, n: int, labels: AnyArray) -> tuple[Floats, Floats, Ints, Any]:
        made = self.design.rebuild(columns, labels=labels)
        raw = made.matrix[:, list(self.kept)]
        p = raw.shape[1]
        scaled = (raw - self.centre[:p]) / self.scale[:p]
        lp = scaled @ (self.estimate * self.scale)[:p]
        if made.offset is not None:
            lp = lp + made.offset - self.offset_centre
        stratum = np.zeros(n, dtype=np.int64) if made.strata is None else made.strata
        if made.strata is None and len(self.strata_labels) > 1:
            raise DataError(
                "The spells have strata that the formula does not name, so new rows cannot be placed in one.",
                code="strata",
                hint="Put strata(column) in the formula.",
            )
        return scaled, lp, stratum, labels

    def _over_time(self, rows: Floats, stratum: int) -> tuple[Floats, Floats]:
        """Covariates at the event times of a stratum, and what effects that change with time add to the predictor."""
        own = slice(int(self.baseline.bounds[stratum]), int(self.baseline.bounds[stratum + 1]))
        k, p = own.stop - own.start, len(self.kept)
        if self.varying is None:
            return rows, np.zeros(k)
        wide = self.varying.wide(rows, own)
        return wide, wide[:, p:] @ (self.estimate * self.scale)[p:]

    def _centring(self) -> float:
        """Log risk of our baseline row relative to R's: plain means, but zero for columns of -1, 0 and 1 only."""
        fitted = self._data("This variance")
        matrix = fitted.data.matrix * self.scale + self.centre
        flat = np.all(np.isin(np.round(matrix, 9), (-1.0, 0.0, 1.0)), axis=0)
        counted = fitted.rows.weights == "frequency"
        means = np.average(matrix, axis=0, weights=fitted.rows.row_weight if counted else None)
        return float((self.centre - np.where(flat, 0.0, means)) @ self.estimate)
