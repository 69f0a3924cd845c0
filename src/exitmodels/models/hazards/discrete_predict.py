"""Predicted hazards, survival and incidences of a discrete-time fit, with limits by the delta method.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.discrete import HazardCurves, hazard_curves
from exitmodels.kernels.intervals import probability_limits
from exitmodels.models.hazards.cox_predictions import Prediction
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.results.regression import Regression
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design

__all__ = ["DiscretePrediction"]


@dataclass(frozen=True, eq=False, kw_only=True)
class DiscretePrediction(Regression):
    """What a discrete-time fit says about new rows.

    Attributes
    ----------
    link : str
    causes : tuple of str
        With several, coefficients are named "cause: column".
    time : (t,)
        End of each period.
    basis : tuple of (t, f)
        Columns of the period part of each cause.
    fixed : (c, t)
        -inf (hazard 0) or inf (hazard 1) where a period needs no coefficient.
    """

    link: str
    causes: tuple[str, ...]
    time: Floats
    basis: tuple[Floats, ...]
    fixed: Floats
    covariates: tuple[str, ...]
    design: Design
    unit: str = "D"

    def _sizes(self) -> list[int]:
        return [basis.shape[1] + len(self.covariates) for basis in self.basis]

    def _curves(self, new: Any) -> list[tuple[Any, HazardCurves]]:
        columns, _, labels = rows_of(new)
        made = self.design.rebuild(columns, labels=labels)
        sizes, t, out = self._sizes(), len(self.time), []
        ends = np.concatenate([[0], np.cumsum(sizes)])
        for i, label in enumerate(labels):
            readers = np.zeros((len(self.causes), t, int(ends[-1])))
            for a, basis in enumerate(self.basis):
                readers[a, :, ends[a] : ends[a] + basis.shape[1]] = basis
                readers[a, :, ends[a] + basis.shape[1] : ends[a + 1]] = made.matrix[i]
            offset = 0.0 if made.offset is None else made.offset[i]
            out.append((label, hazard_curves(self.link, readers @ self.estimate + offset + self.fixed, readers)))
        return out

    def _errors(self, slopes: Floats) -> Floats:
        return np.sqrt(np.maximum(np.einsum("tp,pq,tq->t", slopes, self.covariance, slopes), 0.0))

    def predict_hazard(self, new: Any, alpha: float = 0.05) -> Any:
        """Predicted hazard of each period: columns row, cause, time, estimate, se, lower, upper (logit limits)."""
        import pandas as pd

        frames = []
        for label, made in self._curves(new):
            for a, cause in enumerate(self.causes):
                se = self._errors(made.hazard_slope[a])
                low, high = probability_limits(made.hazard[a], se, alpha, "logit")
                columns = {"row": label, "cause": cause, "time": self.time, "estimate": made.hazard[a], "se": se}
                frames.append(pd.DataFrame({**columns, "lower": low, "upper": high}))
        return pd.concat(frames, ignore_index=True)

    def predict_survival(self, new: Any, transform: str = "log-log") -> Curve:
        """Predicted survival of new rows at the end of each period, with limits (delta method)."""
        pieces = [
            self._piece({"row": label}, made.survival, self._errors(made.survival_slope))
            for label, made in self._curves(new)
        ]
        return self._curve("survival", pieces, transform)

    def predict_incidence(self, new: Any, transform: str = "log-log") -> Curve:
        """Predicted incidence of each cause at the end of each period, with limits (delta method).

        With one cause this is one minus survival; if other causes were censored, it is the incidence in a world
        without them.
        """
        pieces = [
            self._piece({"row": label, "cause": cause}, made.incidence[a], self._errors(made.incidence_slope[a]))
            for label, made in self._curves(new)
            for a, cause in enumerate(self.causes)
        ]
        return self._curve("incidence", pieces, transform)

    def _piece(self, keys: dict[str, Any], estimate: Floats, se: Floats) -> Piece:
        return Piece.predicted(keys, self.time, estimate, se)

    def _curve(self, kind: str, pieces: list[Piece], transform: str) -> Curve:
        return Curve(
            kind=kind,
            pieces=tuple(pieces),
            transform=transform,
            variance=self.vcov,
            unit=self.unit,
            ledger=self.ledger,
            method=f"{kind.capitalize()} predicted by a discrete-time hazard model",
            sources=self.sources,
            outcome=self.outcome,
        )

    def get_prediction(self, new: Any, times: Any = None) -> Prediction:
        """Predicted survival of new rows at times; ``.summary_frame()`` is a table with limits."""
        return Prediction(self.predict_survival(new), times)

    def predict(self, new: Any, kind: str = "survival") -> Any:
        """Predicted "survival", "hazard" or "incidence": one row per new row (and cause), one column per period."""
        import pandas as pd

        if kind not in ("survival", "hazard", "incidence"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint="survival, hazard or incidence.")
        rows, index = [], []
        for label, made in self._curves(new):
            values = getattr(made, kind)
            for a, value in enumerate(np.atleast_2d(values)):
                rows.append(value)
                index.append(label if kind == "survival" or len(self.causes) == 1 else (label, self.causes[a]))
        return pd.DataFrame(rows, index=pd.Index(index), columns=list(self.time))
