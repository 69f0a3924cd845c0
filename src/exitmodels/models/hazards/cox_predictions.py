"""What a Cox fit predicts: for new rows, along paths, and averaged over people, with limits.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.steps import value_at
from exitmodels.models.hazards.cox_curves import cumulative_hazards, path_hazards, survival_of
from exitmodels.models.hazards.cox_variances import CoxVariances
from exitmodels.models.hazards.standardised import standardised
from exitmodels.results.contrasts import Contrasts
from exitmodels.results.curve import Curve
from exitmodels.results.labels import labelled
from exitmodels.shapes.columns import rows_of

__all__ = ["CoxPredictions", "Prediction"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxPredictions(CoxVariances):
    """Predicted linear predictors, hazards and survival."""

    @property
    def baseline_hazard(self) -> Any:
        """Cumulative hazard of a row whose covariates are all zero: columns stratum, time, cumhaz."""
        import pandas as pd

        factor: Any = np.exp(-self._linear_centre)
        if self.varying is not None:
            factor = np.exp(-(self.varying.wide(self.centre[: len(self.kept)]) @ self.estimate) - self.offset_centre)
        frames = []
        for s, label in enumerate(self.strata_labels):
            own = slice(int(self.baseline.bounds[s]), int(self.baseline.bounds[s + 1]))
            cumhaz = np.cumsum((factor * self.baseline.hazard)[own])
            frames.append(pd.DataFrame({"stratum": label, "time": self.baseline.times[own], "cumhaz": cumhaz}))
        return pd.concat(frames, ignore_index=True)

    def predict(self, new: Any, kind: str = "lp", times: Any = None) -> Any:
        """Predict for new rows.

        Parameters
        ----------
        new : table or mapping of columns
        kind : {"lp", "hazard_ratio", "survival", "cumhaz"}
            Linear predictor x'b (not centred); exp of it; survival or cumulative hazard at `times`.
        times : sequence of float, optional
            For "survival" and "cumhaz".

        Returns
        -------
        Series of one value per row; DataFrame (rows x times) for curves. For limits use `predict_survival`.
        """
        if kind in ("survival", "cumhaz"):
            curve = self.predict_survival(new) if kind == "survival" else self.predict_cumhaz(new)
            asked = np.atleast_1d(np.asarray(times if times is not None else np.unique(curve.time), dtype=float))
            values = np.stack([value_at(p.time, p.estimate, asked, curve.start) for p in curve.pieces])
            return labelled(values, _labels(new), list(asked))
        if self.varying is not None:
            raise DataError(
                "With effects that change with time there is no one linear predictor.",
                code="time-varying",
                hint="Use predict_survival, or predict_cumhaz.",
            )
        if kind not in ("lp", "hazard_ratio"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint="lp, hazard_ratio, survival or cumhaz.")
        _, lp, _, labels = self._new_rows(new)
        value = lp + self._linear_centre
        return labelled(np.exp(value) if kind == "hazard_ratio" else value, labels, name=kind)

    def predict_survival(
        self, new: Any, transform: str = "log-log", variance: str = "full", baseline: str | None = None
    ) -> Curve:
        """Predicted survival of new rows, exp of minus the cumulative hazard, with limits.

        Parameters
        ----------
        new, variance, baseline
            As in `predict_cumhaz`.
        transform : {"log-log", "log", "plain", "logit", "arcsine"}
        """
        return survival_of(self.predict_cumhaz(new, variance=variance, baseline=baseline), transform)

    def predict_cumhaz(
        self, new: Any, transform: str = "log", variance: str = "full", baseline: str | None = None
    ) -> Curve:
        """Predicted cumulative hazard of new rows, with limits.

        Parameters
        ----------
        new : table or mapping of columns
            All covariates and strata of the formula; unknown levels are refused.
        transform : {"log", "plain"}
        variance : {"full", "coefficients", "centred"}
            For robust and cluster fits: "full" takes both the baseline and the coefficients from the
            influence of each row or cluster; "coefficients" keeps the model-based part for the baseline, as
            R's survfit does. "centred": for the Kalbfleisch-Prentice baseline, what R's survfit prints with
            stype=1, which depends on where the covariates are centred.
        baseline : {"efron", "breslow", "kalbfleisch-prentice"}, optional
            By default as the ties of the fit. "kalbfleisch-prentice" is the product limit (Kaplan-Meier's
            estimate when there are no covariates).

        Notes
        -----
        The variance has a part for the baseline and one for the coefficients (Tsiatis 1981); their robust
        form is the infinitesimal jackknife (Reid & Crepeau 1985).
        """
        self._curves_allowed()
        return cumulative_hazards(self, new, transform, variance, baseline)

    def predict_path(
        self,
        new: Any,
        start: str = "start",
        stop: str = "stop",
        by: str | None = None,
        kind: str = "survival",
        transform: str | None = None,
        variance: str = "full",
        baseline: str | None = None,
    ) -> Curve:
        """Predicted survival of people whose covariates change with time, with limits.

        Parameters
        ----------
        new : table or mapping of columns
            One row for each stretch of time; stretches of a person follow one another without holes.
        start, stop : str
            Columns: the row's covariates hold on (start, stop].
        by : str, optional
            Column that says whose row it is; by default all rows are one person.
        kind : {"survival", "cumhaz"}
            A path that starts after 0 gives survival from its start on.
        transform, variance, baseline
            As in `predict_survival` and `predict_cumhaz`.

        Notes
        -----
        Means something for covariates whose future course is given (external covariates); for those that
        only exist while the person is there, no survival function belongs to a path
        (Kalbfleisch & Prentice 2002, section 6.3).
        """
        self._curves_allowed()
        if kind not in ("survival", "cumhaz"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint="survival or cumhaz.")
        hazards = path_hazards(self, new, start, stop, by, transform or "log", variance, baseline)
        return survival_of(hazards, transform or "log-log") if kind == "survival" else hazards

    def standardised_survival(
        self, set: Mapping[str, Any], times: Any, over: Any = None, target: str = "population"
    ) -> Contrasts:
        """Survival averaged over people's covariates when one of these is set for everyone (g-computation).

        Parameters
        ----------
        set : mapping of column to list
            Scenarios: ``{"fin": [0, 1]}`` compares everyone with fin=0 to everyone with fin=1. Several columns
            are set together, their lists read side by side.
        times : sequence of float
        over : table, optional
            The people; by default the rows of the fit, with their weights (each row must then be a person).
        target : {"population", "sample"}
            Whether the people stand for a population (their choice adds to the variance) or are all there is.

        Returns
        -------
        Contrasts
            ``.estimates()`` has survival by scenario and time; ``.contrasts()`` differences or ratios with limits.

        Notes
        -----
        The difference is an effect of setting the covariate if the model is right and nothing unmeasured moves
        both it and the exits. The variance follows the influence of each row on coefficients, baseline and
        average together. Source: Robins (1986); Ozenne, Scheike, Staerk & Gerds (2020).
        """
        self._curves_allowed()
        return standardised((self,), None, set, times, over, target, True)

    def get_prediction(self, new: Any, times: Any = None) -> Prediction:
        """Predicted survival of new rows at times; ``.summary_frame()`` is a table with limits."""
        return Prediction(self.predict_survival(new), times)

    def _curves_allowed(self) -> None:
        if self.ties == "exact":
            self._data("A curve")


@dataclass(frozen=True)
class Prediction:
    """Predicted survival, as statsmodels users expect to read it."""

    curve: Curve
    times: Any = None

    def summary_frame(self, alpha: float = 0.05) -> Any:
        """One row per new row and time: estimate, se, lower, upper."""
        return self.curve.to_frame(alpha) if self.times is None else self.curve.at(self.times, alpha)


def _labels(new: Any) -> Any:
    return rows_of(new)[2]
