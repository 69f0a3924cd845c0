"""Predicted cumulative hazard and survival of an additive hazards fit.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.models.hazards.additive_fitted import AdditiveFrame
from exitmodels.models.hazards.cox_predictions import Prediction
from exitmodels.results.curve import Curve
from exitmodels.results.differences import Differences
from exitmodels.results.labels import labelled
from exitmodels.results.piece import Piece
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design

__all__ = ["AdditivePrediction"]


@dataclass(frozen=True, eq=False, kw_only=True)
class AdditivePrediction(Differences):
    """What an additive hazards fit says about new rows.

    Attributes
    ----------
    time : (k,)
        Grid of the cumulative effects.
    cumulative : (k, q)
        Cumulative effects on the centred and scaled columns of the fit.
    spread : (k, q + r, q + r)
        Covariance of cumulative and constant effects there.
    elapsed : (k,)
        Time over which effects could be told apart.
    until : tuple of float
        Time up to which each baseline is known.
    """

    frame: AdditiveFrame
    time: Floats
    cumulative: Floats
    elapsed: Floats
    spread: Floats
    until: tuple[float, ...]
    free_design: Design
    constant_design: Design
    unit: str = "D"

    def _new_rows(self, new: Any) -> tuple[Floats, Floats, Floats, Any]:
        """Baseline, changing and constant columns of new rows on the scale of the fit, and their labels."""
        columns, n, labels = rows_of(new)
        first = self.free_design.rebuild(columns, labels=labels)
        second = self.constant_design.rebuild(columns, labels=labels)
        if self.frame.by_spells:
            raise DataError(
                "The spells have strata that the formula does not name, so new rows cannot be placed in one.",
                code="strata",
                hint="Put strata(column) in the formula.",
            )
        stratum = np.zeros(n, dtype=np.int64) if first.strata is None else first.strata
        x = (first.matrix - self.frame.centre) / self.frame.scale
        z = (second.matrix - self.frame.constant_centre) / self.frame.constant_scale
        return stratum, x, z, labels

    def predict_cumhaz(self, new: Any, transform: str = "plain") -> Curve:
        """Predicted cumulative hazard of new rows, with limits.

        Parameters
        ----------
        new : table or mapping of columns
            All covariates and strata of the formula; unknown levels are refused.
        transform : {"plain", "log"}

        Notes
        -----
        Nothing keeps an estimated additive hazard above zero: where the data are thin the curve can fall.
        """
        stratum, x, z, labels = self._new_rows(new)
        s, q = self.frame.n_baselines, len(self.frame.effects)
        constant = self.estimate * self.frame.constant_scale if self.frame.constants else np.zeros(0)
        pieces = []
        for i, label in enumerate(labels):
            reader = np.zeros((len(self.time), q + len(constant)))
            reader[:, int(stratum[i])], reader[:, s:q] = 1.0, x[i]
            reader[:, q:] = self.elapsed[:, None] * z[i]
            hazard = np.einsum("kq,kq->k", reader[:, :q], self.cumulative) + reader[:, q:] @ constant
            variance = np.einsum("kp,kpo,ko->k", reader, self.spread, reader)
            pieces.append(self._piece(label, hazard, variance, self.until[int(stratum[i])]))
        return Curve(
            kind="cumulative hazard",
            pieces=tuple(pieces),
            transform=transform,
            variance=self.vcov,
            unit=self.unit,
            ledger=self.ledger,
            method="Cumulative hazard predicted by an additive model",
            sources=self.sources,
            outcome=self.outcome,
        )

    def _piece(self, label: Any, hazard: Floats, variance: Floats, until: float) -> Piece:
        known = self.time <= until
        se = np.sqrt(np.maximum(variance[known], 0.0))
        return Piece.predicted({"row": label}, self.time[known], hazard[known], se, until)

    def predict_survival(self, new: Any, transform: str = "log", monotone: bool = True) -> Curve:
        """Predicted survival of new rows, exp of minus the cumulative hazard, with limits.

        Parameters
        ----------
        new : table or mapping of columns
        transform : {"log", "plain", "log-log", "logit", "arcsine"}
            "log" is symmetric about the cumulative hazard.
        monotone : bool
            Replace the curve by its lowest value so far, and by 1 where it stands above 1. Source: Lin & Ying (1994).
        """
        hazards = self.predict_cumhaz(new)
        pieces = []
        for piece in hazards.pieces:
            hazard, se = piece.estimate, piece.se
            if monotone and len(hazard):
                hazard, se = _risen(hazard, se)
            survival = np.exp(-hazard)
            pieces.append(replace(piece, estimate=survival, se=survival * se))
        method = "Survival predicted by an additive model"
        return replace(hazards, kind="survival", pieces=tuple(pieces), transform=transform, method=method)

    def get_prediction(self, new: Any, times: Any = None) -> Prediction:
        """Predicted survival of new rows at times; ``.summary_frame()`` is a table with limits."""
        return Prediction(self.predict_survival(new), times)

    def predict(self, new: Any, kind: str = "survival", times: Any = None) -> Any:
        """Predicted survival (or kind="cumhaz") at `times`: one row per new row. For limits use `predict_survival`."""
        if kind not in ("survival", "cumhaz"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint="survival or cumhaz.")
        curve = self.predict_survival(new) if kind == "survival" else self.predict_cumhaz(new)
        asked = np.atleast_1d(np.asarray(times if times is not None else np.unique(curve.time), dtype=float))
        values = curve.at(asked)["estimate"].to_numpy().reshape(len(curve.pieces), len(asked))
        return labelled(values, rows_of(new)[2], list(asked))


def _risen(hazard: Floats, se: Floats) -> tuple[Floats, Floats]:
    """The highest cumulative hazard so far, at least zero, and the error of it there."""
    highest = np.maximum.accumulate(hazard)
    place = np.maximum.accumulate(np.where(hazard >= highest - 1e-12, np.arange(len(hazard)), 0))
    return np.maximum(hazard[place], 0.0), se[place]
