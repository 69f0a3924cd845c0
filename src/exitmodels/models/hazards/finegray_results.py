"""What a Fine-Gray fit gives back: ratios, tests, residuals, and predicted incidence with limits.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxcurves
from exitmodels.kernels.coxresiduals import event_means
from exitmodels.kernels.linalg import scaled_rank, without_spread
from exitmodels.kernels.steps import value_at
from exitmodels.kernels.varying import Varying, varying_events
from exitmodels.models.hazards.cox_fitted import cluster_codes
from exitmodels.models.hazards.cox_predictions import Prediction
from exitmodels.models.hazards.finegray_curves import incidence_of, predicted_hazards
from exitmodels.models.hazards.finegray_fitted import FineGrayFitted, Variance, bootstrap_draws, robust_score
from exitmodels.models.hazards.finegray_test import proportional_subdistribution_test
from exitmodels.models.hazards.ph_test import ProportionalityTest
from exitmodels.results.curve import Curve
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design

__all__ = ["VARIANCES", "FineGrayResults"]

VARIANCES = ("robust", "cluster", "model", "cmprsk")
_RESIDUALS = ("martingale", "score", "influence", "dfbeta", "dfbetas", "schoenfeld", "scaled-schoenfeld")


@dataclass(frozen=True, eq=False, kw_only=True)
class FineGrayResults(Regression):
    """A fitted Fine-Gray model; ratios are subdistribution hazard ratios (SHR).

    Attributes
    ----------
    model_covariance : (p, p)
        Inverse information, whatever `vcov` is in use; not a variance by itself.
    baseline : kernels.coxcurves.Baseline
        Increments of the baseline subdistribution hazard in each stratum.
    varying : Varying or None
        Functions of time, when effects change with it.
    centre, scale : (p,)
        Of the columns, as the fit used them.
    strata_labels : tuple of str
    until : tuple of float
        Last time observed in each stratum; predicted curves end there.
    weighting : {"fine-gray", "geskus"}
    """

    model_covariance: Floats
    baseline: coxcurves.Baseline
    varying: Varying | None
    centre: Floats
    scale: Floats
    offset_centre: float
    kept: tuple[int, ...]
    strata_labels: tuple[str, ...]
    until: tuple[float, ...]
    weighting: str
    design: Design
    unit: str = "D"
    fitted: FineGrayFitted | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "SHR"

    # ---- estimates -------------------------------------------------------------------------------------------
    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Subdistribution hazard ratios with limits: columns SHR, low, high."""
        return self.ratios(alpha)

    @property
    def bic_size(self) -> float:
        """Exits for the cause, not rows: the amount of information about a hazard (as in R)."""
        return self.n_events

    def _data(self, what: str) -> FineGrayFitted:
        return unstored(self.fitted, what)

    def with_vcov(
        self,
        kind: str,
        cluster: Any = None,
        known_weights: bool = False,
        n: int = 1000,
        rng: np.random.Generator | int | None = None,
    ) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"robust", "cluster", "model", "cmprsk", "bootstrap"}
            As `FineGray.vcov`; "bootstrap" refits on resampled rows (or people, or clusters when `cluster` is
            given), estimating the weights anew each time.
        cluster : str or (n,) labels, optional
            A column, or one label per row; by default (for "cluster") the clusters of the spells.
        known_weights : bool
            Take the weights of those who left for other causes as known.
        n : int
            Bootstrap samples.
        rng : numpy Generator or seed
            For the bootstrap.
        """
        if kind not in (*VARIANCES, "bootstrap"):
            known = ", ".join((*VARIANCES, "bootstrap"))
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {known}.")
        if kind == "model":
            return self._with_wald(self.model_covariance, Variance(kind))
        fitted = self._data("Another variance")
        if cluster is not None:
            given = cluster if isinstance(cluster, str) else _in_fit_order(fitted, cluster)
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, given))
        if kind == "bootstrap":
            return self._bootstrap(fitted, None if cluster is None else fitted.cluster, n, rng)
        assert fitted.terms is not None
        assert fitted.at is not None
        variance = Variance(kind, known_weights)
        middle = fitted.middle(variance, fitted.terms, fitted.at) * np.outer(self.scale, self.scale)
        covariance = without_spread(self.model_covariance @ middle @ self.model_covariance, self.model_covariance)
        added = ("zhou2012",) if kind == "cluster" and "zhou2012" not in self.sources else ()
        return self._with_wald(covariance, variance, fitted=fitted, sources=(*self.sources, *added))

    def _with_wald(self, covariance: Floats, variance: Variance, **changes: Any) -> Self:
        """Replace the covariance, and the tests that follow from it."""
        other = self.with_covariance(covariance, variance.name, **changes)
        if not len(self.estimate):
            return other
        tests = {name: test for name, test in self.tests.items() if name == "pseudo likelihood ratio"}
        notes = tuple(note for note in other.warnings if not note.endswith("no Wald test"))
        if scaled_rank(covariance) == len(self.estimate):
            tests["Wald"] = other.wald_test()
        else:
            rank = scaled_rank(covariance)
            notes = (*notes, f"the {variance.name} variance has rank {rank} of {len(self.estimate)}: no Wald test")
        return replace(other, tests=tests, warnings=notes)

    def score_test(self) -> HypothesisTest:
        """Robust score test that all coefficients are zero, with the kind of variance in use."""
        kind, _, known = self.vcov.partition(", ")
        variance = Variance(kind if kind in VARIANCES and kind != "model" else "robust", bool(known))
        return robust_score(self._data("A score test"), variance)

    def _bootstrap(
        self, fitted: FineGrayFitted, cluster: Ints | None, n: int, rng: np.random.Generator | int | None
    ) -> Self:
        draws = bootstrap_draws(fitted, cluster, n, np.random.default_rng(rng)) / self.scale
        failed = n - len(draws)
        note = (f"{failed} of {n} bootstrap samples had no maximum and were left out",) if failed else ()
        covariance = np.atleast_2d(np.cov(draws, rowvar=False))
        other = self._with_wald(covariance, Variance("bootstrap"), fitted=fitted)
        return replace(other, warnings=(*other.warnings, *note))

    # ---- baseline and prediction -----------------------------------------------------------------------------
    @property
    def _linear_centre(self) -> Any:
        """What centring took from the linear predictor: a number, or one for each event time."""
        rows = self.centre[: len(self.kept)]
        wide = self.centre if self.varying is None else self.varying.wide(rows)
        return wide @ self.estimate + self.offset_centre

    @property
    def baseline_hazard(self) -> Any:
        """Cumulative subdistribution hazard of a row whose covariates are all zero: columns stratum, time, cumhaz."""
        import pandas as pd

        hazard = self.baseline.hazard * np.exp(-self._linear_centre)
        frames = []
        for s, label in enumerate(self.strata_labels):
            own = slice(int(self.baseline.bounds[s]), int(self.baseline.bounds[s + 1]))
            frame = {"stratum": label, "time": self.baseline.times[own], "cumhaz": np.cumsum(hazard[own])}
            frames.append(pd.DataFrame(frame))
        return pd.concat(frames, ignore_index=True)

    def _new_rows(self, new: Any) -> tuple[Floats, Floats, Ints, Any]:
        """Centred and scaled covariates, offset (less its mean), stratum and labels of new rows."""
        columns, n, labels = rows_of(new)
        made = self.design.rebuild(columns, labels=labels)
        p = len(self.kept)
        scaled = (made.matrix[:, list(self.kept)] - self.centre[:p]) / self.scale[:p]
        offset = np.zeros(n) if made.offset is None else made.offset - self.offset_centre
        if made.strata is None and len(self.strata_labels) > 1:
            raise DataError(
                "The spells have strata that the formula does not name, so new rows cannot be placed in one.",
                code="strata",
                hint="Put strata(column) in the formula.",
            )
        return scaled, offset, np.zeros(n, dtype=np.int64) if made.strata is None else made.strata, labels

    def predict(self, new: Any, kind: str = "lp", times: Any = None) -> Any:
        """Predict for new rows.

        Parameters
        ----------
        new : table or mapping of columns
        kind : {"lp", "hazard_ratio", "incidence", "cumhaz"}
            Linear predictor x'b (not centred); exp of it; incidence, or cumulative subdistribution hazard, at `times`.
        times : sequence of float, optional
            For "incidence" and "cumhaz"; by default the event times.

        Returns
        -------
        Series of one value per row; DataFrame (rows x times) for curves. For limits use `predict_incidence`.
        """
        if kind in ("incidence", "cumhaz"):
            asked = np.unique(self.baseline.times) if times is None else np.atleast_1d(np.asarray(times, dtype=float))
            hazards = predicted_hazards(self, new, None, "log", limits=False)
            values = np.stack([value_at(p.time, p.estimate, asked, 0.0) for p in hazards.pieces])
            values = np.where(asked > np.array([[p.known_until] for p in hazards.pieces]), np.nan, values)
            labels = [p.keys["row"] for p in hazards.pieces]
            return labelled(-np.expm1(-values) if kind == "incidence" else values, labels, list(asked))
        if kind not in ("lp", "hazard_ratio"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint="lp, hazard_ratio, incidence or cumhaz.")
        if self.varying is not None:
            raise DataError(
                "With effects that change with time there is no one linear predictor.",
                code="time-varying",
                hint="Use predict_incidence.",
            )
        scaled, offset, _, labels = self._new_rows(new)
        value = scaled @ (self.estimate * self.scale) + offset + self._linear_centre
        return labelled(np.exp(value) if kind == "hazard_ratio" else value, labels, name=kind)

    def predict_incidence(self, new: Any, times: Any = None, transform: str = "cloglog") -> Curve:
        """Predicted incidence of the cause for new rows, 1 - exp(-cumulative hazard), with limits.

        Parameters
        ----------
        new : table or mapping of columns
            All covariates and strata of the formula; unknown levels are refused.
        times : sequence of float, optional
            Give the curve at these times only, which costs less memory; by default at every event time.
        transform : {"cloglog", "log-log", "log", "plain", "logit", "arcsine"}
            Scale of the limits; "cloglog" is the logarithm of the cumulative hazard.

        Notes
        -----
        The variance is that of the fit (`vcov`): robust and cluster forms take the baseline, the coefficients and
        (unless the weights are taken as known) the weights from the influence of each row or cluster. The form is
        that of Fine & Gray (1999), section 5.
        """
        return incidence_of(predicted_hazards(self, new, times, "log"), transform)

    def predict_cumhaz(self, new: Any, times: Any = None, transform: str = "log") -> Curve:
        """Predicted cumulative subdistribution hazard of new rows, with limits; see `predict_incidence`."""
        return predicted_hazards(self, new, times, transform)

    def get_prediction(self, new: Any, times: Any = None) -> Prediction:
        """Predicted incidence of new rows at times; ``.summary_frame()`` is a table with limits."""
        return Prediction(self.predict_incidence(new, times), times)

    # ---- residuals -------------------------------------------------------------------------------------------
    def residuals(self, kind: str = "martingale", weighted: bool | None = None, known_weights: bool = False) -> Any:
        """Residuals of the rows of the fit.

        Parameters
        ----------
        kind : {"martingale", "score", "influence", "dfbeta", "dfbetas", "schoenfeld", "scaled-schoenfeld"}
            "score": with the weights taken as known; "influence": with what the row does through the weights;
            "dfbeta": influence on the coefficients; "schoenfeld": exits less the mean of the risk set, one row for
            each exit (their sums by time are cmprsk's ``res``).
        weighted : bool, optional
            Multiply by the weight of the row; by default only for dfbeta and dfbetas.
        known_weights : bool
            For dfbeta and dfbetas: take the weights as known.

        Returns
        -------
        Series or DataFrame labelled by row; Schoenfeld residuals by the time of each exit.

        Notes
        -----
        Source: Fine & Gray (1999), section 4 (eta and psi).
        """
        if kind not in _RESIDUALS:
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint=f"One of {', '.join(_RESIDUALS)}.")
        fitted = self._data("A residual")
        if "schoenfeld" in kind:
            return self._schoenfeld(fitted, scaled=kind.startswith("scaled"), weighted=bool(weighted))
        weight, labels = fitted.rows.row_weight, fitted.given_order(fitted.rows.labels)
        if kind == "martingale":
            values = fitted.martingale()
            return labelled(fitted.given_order(values * weight if weighted else values), labels, name=kind)
        table = fitted.influence(known_weights or kind == "score") * self.scale
        if kind.startswith("dfbeta"):
            table = table @ self.model_covariance
            table = table / self.standard_errors if kind == "dfbetas" else table
        if weighted if weighted is not None else kind.startswith("dfbeta"):
            table = table * weight[:, None]
        return labelled(fitted.given_order(table), labels, self.names)

    def ph_test(self, transform: str = "log") -> ProportionalityTest:
        """Test that effects on the subdistribution hazard do not change with time.

        Parameters
        ----------
        transform : {"log", "identity", "rank"}
            The function of time that effects may follow.

        Notes
        -----
        A score test of added terms x g(t) with the robust variance, weights estimated.
        Source: Zhou, Fine & Laird (2013).
        """
        return proportional_subdistribution_test(self, self._data("A test of proportional hazards"), transform)

    def _schoenfeld(self, fitted: FineGrayFitted, scaled: bool, weighted: bool) -> Any:
        cox, terms = fitted.data.cox, fitted.terms
        assert terms is not None
        rows = cox.index.event_rows
        place = np.argsort(cox.index.moment[rows], kind="stable")
        order = rows[place]
        at = cox.index.moment[order]
        own = cox.matrix[order] if self.varying is None else varying_events(cox, self.varying)[place]
        table = (own - event_means(cox, terms)[at]) * self.scale
        if weighted:
            table = table * fitted.rows.row_weight[order][:, None]
        if scaled:
            table = table @ self.model_covariance * len(order) + self.estimate
        return labelled(table, cox.index.times[at], self.names)


def _in_fit_order(fitted: FineGrayFitted, labels: Any) -> Any:
    """One label per row, as given by the reader, in the order of the fit."""
    values = np.asarray(labels)
    if fitted.back is None or len(values) != len(fitted.back):
        return values
    order = np.empty(len(values), dtype=np.int64)
    order[fitted.back] = np.arange(len(values))
    return values[order]
