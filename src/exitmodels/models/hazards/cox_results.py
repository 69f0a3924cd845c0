"""What a Cox fit gives back: ratios, tests, residuals, and predicted curves with limits.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxcurves, coxresiduals
from exitmodels.kernels.linalg import scaled_rank, without_spread
from exitmodels.kernels.partial import CoxTerms
from exitmodels.kernels.steps import value_at
from exitmodels.models.hazards.cox_fitted import Fitted, cluster_codes, refit, robust_score, row_residual
from exitmodels.models.hazards.ph_test import ProportionalityTest, proportionality_test
from exitmodels.results.curve import Curve
from exitmodels.results.labels import labelled
from exitmodels.results.piece import Piece
from exitmodels.results.regression import Regression
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design

__all__ = ["CoxResults"]

_RESIDUALS = ("martingale", "deviance", "cox-snell", "score", "dfbeta", "dfbetas", "schoenfeld", "scaled-schoenfeld")


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxResults(Regression):
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
    baseline: coxcurves.Baseline
    centre: Floats
    scale: Floats
    offset_centre: float
    kept: tuple[int, ...]
    strata_labels: tuple[str, ...]
    until: tuple[float, ...]
    design: Design
    unit: str = "D"
    fitted: Fitted | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "HR"

    # ---- estimates -------------------------------------------------------------------------------------------
    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Hazard ratios with limits: columns HR, low, high."""
        return self.ratios(alpha)

    @property
    def bic_size(self) -> float:
        """Exits, not rows: the amount of information about a hazard (as in R)."""
        return self.n_events

    def _data(self, what: str) -> Fitted:
        if self.fitted is None:
            raise DataError(
                f"{what} needs the data of the fit, which a saved result does not hold.",
                code="no-data",
                hint="Fit the model again on the data.",
            )
        return self.fitted

    def with_vcov(
        self, kind: str, cluster: Any = None, n: int = 1000, rng: np.random.Generator | int | None = None
    ) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster", "bootstrap"}
            "bootstrap" refits on resampled rows, or on resampled clusters when `cluster` is given.
        cluster : str or (n,) labels, optional
            A column, or one label per row; by default (for "cluster") the clusters of the spells.
        n : int
            Bootstrap samples.
        rng : numpy Generator or seed
            For the bootstrap.
        """
        if kind == "model":
            return self._with_wald(self.model_covariance, kind)
        if kind not in ("robust", "cluster", "bootstrap"):
            raise DataError(
                f"vcov={kind!r} is not known.", code="vcov", hint="One of model, robust, cluster, bootstrap."
            )
        fitted = self._data("Another variance")
        if cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, cluster))
        if kind == "bootstrap":
            covariance, failed = self._bootstrap(fitted, None if cluster is None else fitted.cluster, n, rng)
            note = (f"{failed} of {n} bootstrap samples had no maximum and were left out",) if failed else ()
            return self.with_covariance(covariance, kind, warnings=(*self.warnings, *note))
        return self._with_wald(_robust(self, fitted, kind), kind, fitted=fitted)

    def _bootstrap(
        self, fitted: Fitted, cluster: Ints | None, n: int, rng: np.random.Generator | int | None
    ) -> tuple[Floats, int]:
        """Covariance of the coefficients over resampled rows or clusters, and how many samples had no maximum."""
        unit = np.arange(len(fitted.rows)) if cluster is None else cluster
        size, generator = int(unit.max()) + 1, np.random.default_rng(rng)
        draws = np.full((n, len(self.estimate)), np.nan)
        for i in range(n):
            copies = np.bincount(generator.integers(0, size, size), minlength=size)[unit].astype(np.float64)
            best = refit(fitted.data, copies, self.estimate * self.scale, fitted.rows.weights == "frequency")
            if best is not None:
                draws[i] = best / self.scale
        known = draws[~np.isnan(draws).any(axis=1)]
        return np.atleast_2d(np.cov(known, rowvar=False)), n - len(known)

    def _with_wald(self, covariance: Floats, kind: str, **changes: Any) -> Self:
        """Replace the covariance, and the Wald test that follows from it."""
        other = self.with_covariance(covariance, kind, **changes)
        if not len(self.estimate):
            return other
        tests = {name: test for name, test in self.tests.items() if name != "robust score"}
        warnings = other.warnings
        if kind != "model":
            tests["robust score"] = robust_score(other._data("A robust test"), kind)
        rank = scaled_rank(covariance)
        if rank == len(self.estimate):
            tests["Wald"] = other.wald_test()
        else:
            del tests["Wald"]
            note = f"the {kind} variance has rank {rank} for {len(self.estimate)} coefficients: no Wald test"
            warnings = (*warnings, note)
        return replace(other, tests=tests, warnings=warnings)

    # ---- baseline and prediction -----------------------------------------------------------------------------
    @property
    def _linear_centre(self) -> float:
        return float(self.centre @ self.estimate) + self.offset_centre

    @property
    def baseline_hazard(self) -> Any:
        """Cumulative hazard of a row whose covariates are all zero: columns stratum, time, cumhaz."""
        import pandas as pd

        factor = float(np.exp(-self._linear_centre))
        frames = []
        for s, label in enumerate(self.strata_labels):
            own = slice(int(self.baseline.bounds[s]), int(self.baseline.bounds[s + 1]))
            cumhaz = factor * np.cumsum(self.baseline.hazard[own])
            frames.append(pd.DataFrame({"stratum": label, "time": self.baseline.times[own], "cumhaz": cumhaz}))
        return pd.concat(frames, ignore_index=True)

    def _new_rows(self, new: Any) -> tuple[Floats, Floats, Ints, Any]:
        """Centred and scaled covariates, centred linear predictor, stratum and labels of new rows."""
        columns, n, labels = rows_of(new)
        made = self.design.rebuild(columns, labels=labels)
        raw = made.matrix[:, list(self.kept)]
        scaled = (raw - self.centre) / self.scale
        lp = scaled @ (self.estimate * self.scale)
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
        if kind not in ("lp", "hazard_ratio"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint="lp, hazard_ratio, survival or cumhaz.")
        _, lp, _, labels = self._new_rows(new)
        value = lp + self._linear_centre
        return labelled(np.exp(value) if kind == "hazard_ratio" else value, labels, name=kind)

    def predict_survival(self, new: Any, transform: str = "log-log", variance: str = "full") -> Curve:
        """Predicted survival of new rows, exp of minus the cumulative hazard, with limits.

        Parameters
        ----------
        new, variance
            As in `predict_cumhaz`.
        transform : {"log-log", "log", "plain", "logit", "arcsine"}
        """
        hazards = self.predict_cumhaz(new, variance=variance)
        pieces = []
        for piece in hazards.pieces:
            survival = np.exp(-piece.estimate)
            pieces.append(replace(piece, estimate=survival, se=survival * piece.se))
        return replace(
            hazards,
            kind="survival",
            pieces=tuple(pieces),
            transform=transform,
            method="Survival predicted by a Cox model",
        )

    def predict_cumhaz(self, new: Any, transform: str = "log", variance: str = "full") -> Curve:
        """Predicted cumulative hazard of new rows, with limits.

        Parameters
        ----------
        new : table or mapping of columns
            All covariates and strata of the formula; unknown levels are refused.
        transform : {"log", "plain"}
        variance : {"full", "coefficients"}
            For robust and cluster fits: "full" takes both the baseline and the coefficients from the
            influence of each row or cluster; "coefficients" keeps the model-based part for the baseline, as
            R's survfit does.

        Notes
        -----
        The variance has a part for the baseline and one for the coefficients (Tsiatis 1981); their robust
        form is the infinitesimal jackknife (Reid & Crepeau 1985).
        """
        if variance not in ("full", "coefficients"):
            raise DataError(f"variance={variance!r} is not known.", code="variance", hint="full or coefficients.")
        scaled, lp, stratum, labels = self._new_rows(new)
        covariance = self.covariance / np.outer(1 / self.scale, 1 / self.scale)
        moments: dict[int, tuple[Floats, Floats]] = {}
        pieces = []
        for i, label in enumerate(labels):
            s, risk = int(stratum[i]), float(np.exp(lp[i]))
            time, hazard, squared = coxcurves.hazard_curve(self.baseline, s, scaled[i], risk, covariance)
            if self.vcov != "model" and variance == "full":
                if s not in moments:
                    moments[s] = self._moments(s)
                squared = coxcurves.influence_variance(self.baseline, s, scaled[i], risk, *moments[s])
            pieces.append(_predicted({"row": label}, time, hazard, np.sqrt(squared), self.until[s]))
        return Curve(
            kind="cumulative hazard",
            pieces=tuple(pieces),
            transform=transform,
            variance=self.vcov,
            unit=self.unit,
            ledger=self.ledger,
            method="Cumulative hazard predicted by a Cox model",
            sources=(*self.sources, "tsiatis1981" if self.vcov == "model" else "reid_crepeau1985"),
            outcome=self.outcome,
        )

    def _moments(self, stratum: int) -> tuple[Floats, Floats]:
        fitted = self._data("A robust limit")
        assert fitted.terms is not None
        factor, cluster = fitted.units(self.vcov)
        inverse = self.model_covariance / np.outer(1 / self.scale, 1 / self.scale)
        return coxcurves.influence_moments(fitted.data, fitted.terms, fitted.stratum, stratum, inverse, factor, cluster)

    def get_prediction(self, new: Any, times: Any = None) -> Prediction:
        """Predicted survival of new rows at times; ``.summary_frame()`` is a table with limits."""
        return Prediction(self.predict_survival(new), times)

    # ---- residuals -------------------------------------------------------------------------------------------
    def residuals(self, kind: str = "martingale", weighted: bool | None = None) -> Any:
        """Residuals of the rows of the fit.

        Parameters
        ----------
        kind : {"martingale", "deviance", "cox-snell", "score", "dfbeta", "dfbetas", "schoenfeld",
            "scaled-schoenfeld"}
        weighted : bool, optional
            Multiply by the weight of the row; by default only for dfbeta and dfbetas.

        Returns
        -------
        Series or DataFrame labelled by row; Schoenfeld residuals by the time of each exit.

        Notes
        -----
        All agree with the tie method. Source: Therneau & Grambsch (2000), chapters 4-6.
        """
        if kind not in _RESIDUALS:
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint=f"One of {', '.join(_RESIDUALS)}.")
        fitted = self._data("A residual")
        assert fitted.terms is not None
        if "schoenfeld" in kind:
            return self._schoenfeld(fitted, fitted.terms, scaled=kind.startswith("scaled"), weighted=bool(weighted))
        weight = fitted.rows.row_weight
        labels = fitted.rows.labels
        if kind in ("martingale", "deviance", "cox-snell"):
            values = row_residual(fitted, fitted.terms, kind)
            return labelled(values * weight if weighted else values, labels, name=kind)
        table = np.concatenate([block for _, block in coxresiduals.score_residuals(fitted.data, fitted.terms)])
        table = table * self.scale
        if kind != "score":
            table = table @ self.model_covariance
            table = table / self.standard_errors if kind == "dfbetas" else table
        if weighted if weighted is not None else kind != "score":
            table = table * weight[:, None]
        return labelled(table, labels, self.names)

    def ph_test(self, transform: str = "km", form: str = "score") -> ProportionalityTest:
        """Test that effects do not change with time; see `ph_test.proportionality_test`.

        Parameters
        ----------
        transform : {"km", "rank", "identity", "log"}
            The function of time.
        form : {"score", "approximate"}
            Both names are printed with the answer.
        """
        return proportionality_test(self, transform, form)

    def _schoenfeld(self, fitted: Fitted, terms: CoxTerms, scaled: bool, weighted: bool) -> Any:
        data = fitted.data
        rows = data.index.event_rows
        order = rows[np.argsort(data.index.moment[rows], kind="stable")]
        at = data.index.moment[order]
        table = (data.matrix[order] - coxresiduals.event_means(data, terms)[at]) * self.scale
        if weighted:
            table = table * fitted.rows.row_weight[order][:, None]
        if scaled:
            table = table @ self.model_covariance * len(order) + self.estimate
        return labelled(table, data.index.times[at], self.names)


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


def _predicted(keys: Mapping[str, Any], time: Floats, estimate: Floats, se: Floats, until: float) -> Piece:
    none = np.empty(0)
    return Piece(
        keys=keys, time=time, estimate=estimate, se=se, at_risk=none, events=none, censored=none, n=1.0, until=until
    )


def _robust(result: CoxResults, fitted: Fitted, kind: str) -> Floats:
    assert fitted.terms is not None
    factor, cluster = fitted.units(kind)
    middle = coxresiduals.sandwich(fitted.data, fitted.terms, factor, cluster) * np.outer(result.scale, result.scale)
    return without_spread(result.model_covariance @ middle @ result.model_covariance, result.model_covariance)
