"""What a Cox fit gives back: ratios, tests, residuals, and predicted curves with limits.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxcurves, coxresiduals
from exitmodels.kernels.linalg import scaled_rank, without_spread
from exitmodels.kernels.partial import CoxTerms
from exitmodels.kernels.steps import value_at
from exitmodels.kernels.varying import Varying, varying_events
from exitmodels.models.hazards.cox_compare import added_terms, compare
from exitmodels.models.hazards.cox_curves import cumulative_hazards, path_hazards, survival_of
from exitmodels.models.hazards.cox_fitted import Fitted, cluster_codes, robust_score, row_residual, two_ways
from exitmodels.models.hazards.cox_influence import influence_table
from exitmodels.models.hazards.cox_profile import likelihood_tests, profile_limits
from exitmodels.models.hazards.cox_refit import bootstrap_draws, jackknife_covariance
from exitmodels.models.hazards.ph_test import ProportionalityTest, proportionality_test
from exitmodels.models.hazards.standardised import standardised
from exitmodels.results.comparison import Comparison
from exitmodels.results.contrasts import Contrasts
from exitmodels.results.curve import Curve
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.shapes.columns import Columns, rows_of
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
    ties: str = "efron"
    varying: Varying | None = None
    fitted: Fitted | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "HR"

    # ---- estimates -------------------------------------------------------------------------------------------
    def hazard_ratios(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Hazard ratios with limits: columns HR, low, high.

        Parameters
        ----------
        alpha : float
        method : {"wald", "profile"}
            As in `conf_int`.
        """
        return self.ratios(alpha, method)

    def conf_int(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Limits of the coefficients: columns low, high.

        Parameters
        ----------
        alpha : float
        method : {"wald", "profile"}
            Estimate and standard error; or the profile likelihood, see `profile_limits`.
        """
        if method not in ("wald", "profile"):
            raise DataError(f"method={method!r} is not known.", code="method", hint="wald or profile.")
        return super().conf_int(alpha) if method == "wald" else self.profile_limits(alpha=alpha)

    def ratios(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Hazard ratios with limits: columns HR, low, high."""
        with np.errstate(over="ignore"):
            values = np.exp(np.column_stack([self.estimate, self.conf_int(alpha, method).to_numpy()]))
        return labelled(values, self.names, (self.ratio_name, "low", "high"))

    def profile_limits(self, names: str | Sequence[str] | None = None, alpha: float = 0.05) -> Any:
        """Profile-likelihood limits of the coefficients: columns low, high.

        Parameters
        ----------
        names : str or list of str, optional
            Some of the coefficients; all by default.
        alpha : float

        Returns
        -------
        DataFrame
            Infinite where the likelihood never falls far enough (monotone likelihood). With
            ``penalty="firth"`` the penalised likelihood is profiled, and limits are finite.

        Raises
        ------
        DataError
            With robust variance, sampling weights, or a ridge or lasso penalty: there is no likelihood of
            independent rows to profile.

        Notes
        -----
        Source: Venzon & Moolgavkar (1988); for Firth's penalty Heinze & Schemper (2001).
        """
        return profile_limits(self, names, alpha)

    def likelihood_tests(self, names: str | Sequence[str] | None = None) -> Any:
        """Likelihood-ratio test that each coefficient is zero, the others refitted: columns chi2, df, p.

        With ``penalty="firth"`` the penalised likelihood is compared, its penalty that of all columns
        (Heinze & Schemper 2001).
        """
        return likelihood_tests(self, names)

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
        if self.ties == "exact":
            raise DataError(
                f"{what} is not offered with exact ties: that likelihood conditions on how many leave at each time.",
                code="ties",
                hint='Fit with ties="efron", or use DiscreteHazard for times that are truly few.',
            )
        return self.fitted

    def with_vcov(
        self, kind: str, cluster: Any = None, n: int = 1000, rng: np.random.Generator | int | None = None
    ) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster", "jackknife", "bootstrap"}
            "robust" is the infinitesimal jackknife, "jackknife" refits without each row (or cluster) in
            turn, "bootstrap" on resampled rows; both by clusters when `cluster` is given.
        cluster : str, (n,) labels, or a pair of these, optional
            A column, or one label per row; by default (for "cluster") the clusters of the spells. A pair
            gives two-way clusters (Cameron, Gelbach & Miller 2011).
        n : int
            Bootstrap samples.
        rng : numpy Generator or seed
            For the bootstrap.
        """
        if kind == "model":
            return self._with_wald(self.model_covariance, kind)
        kinds = ("model", "robust", "cluster", "jackknife", "bootstrap")
        if kind not in kinds:
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {', '.join(kinds)}.")
        fitted = self._data("Another variance")
        pair = two_ways(cluster, len(fitted.rows))
        if pair is not None:
            first, second = (cluster_codes(fitted.rows, c) for c in pair)
            fitted = replace(fitted, cluster=first, second=second)
        elif cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, cluster), second=None)
        if kind in ("jackknife", "bootstrap"):
            return self._resampled(fitted, kind, pair is not None, None if cluster is None else fitted.cluster, n, rng)
        return self._with_wald(_robust(self, fitted, kind), kind, fitted=fitted)

    def _resampled(
        self,
        fitted: Fitted,
        kind: str,
        two: bool,
        cluster: Ints | None,
        n: int,
        rng: np.random.Generator | int | None,
    ) -> Self:
        """Covariance of the coefficients over samples, with a note on those that had no maximum."""
        if two or self.varying is not None:
            raise DataError(
                f"The {kind} does not go with {'two-way clusters' if two else 'effects that change with time'}.",
                code="vcov",
                hint='Use vcov="cluster".' if two else 'Use vcov="robust".',
            )
        at = self.estimate * self.scale
        kept = replace(fitted, resampled=cluster is not None)
        if kind == "jackknife":
            covariance = jackknife_covariance(fitted, at, cluster) / np.outer(self.scale, self.scale)
            return self._with_wald(covariance, kind, fitted=kept)
        draws = bootstrap_draws(fitted, at, cluster, n, np.random.default_rng(rng)) / self.scale
        known = draws[~np.isnan(draws).any(axis=1)]
        failed = n - len(known)
        note = (f"{failed} of {n} bootstrap samples had no maximum and were left out",) if failed else ()
        covariance = np.atleast_2d(np.cov(known, rowvar=False))
        return self._with_wald(covariance, kind, warnings=(*self.warnings, *note), fitted=kept)

    def _bootstrap_draws(
        self, units: Ints | None, n: int, rng: np.random.Generator, tick: Callable[[int], None]
    ) -> Floats | None:
        """Coefficients on n resamples, for `exitmodels.bootstrap`; None when each sample must be fitted in full."""
        if self.fitted is None or self.ties == "exact" or self.varying is not None or "penalty" in self.method:
            return None
        return bootstrap_draws(self.fitted, self.estimate * self.scale, units, n, rng, tick) / self.scale

    def _with_wald(self, covariance: Floats, kind: str, **changes: Any) -> Self:
        """Replace the covariance, and the Wald test that follows from it."""
        other = self.with_covariance(covariance, kind, **changes)
        if not len(self.estimate):
            return other
        tests = {name: test for name, test in self.tests.items() if name != "robust score"}
        warnings = other.warnings
        if kind in ("robust", "cluster"):
            tests["robust score"] = robust_score(other._data("A robust test"), kind)
        rank = scaled_rank(covariance)
        if rank == len(self.estimate):
            tests["Wald"] = other.wald_test()
        else:
            del tests["Wald"]
            note = f"the {kind} variance has rank {rank} for {len(self.estimate)} coefficients: no Wald test"
            warnings = (*warnings, note)
        return replace(other, tests=tests, warnings=warnings)

    # ---- comparison and influence ----------------------------------------------------------------------------
    def anova(self, *others: CoxResults) -> Comparison:
        """Likelihood-ratio tests: terms added one after another, or this fit against larger or smaller ones.

        Parameters
        ----------
        *others : CoxResults
            Fits to the same rows; each model must hold the smaller ones (this is checked on the columns).

        Notes
        -----
        Needs a likelihood, so robust variance, sampling weights and penalties are refused: use `wald_test`.
        """
        return compare(self, *others) if others else added_terms(self)

    def influence(self, by: Any = None) -> Any:
        """How far each row, or each cluster, moves the estimates.

        Parameters
        ----------
        by : str, array of labels or "cluster", optional
            Add up rows that belong together; "cluster" takes the clusters of the spells.

        Returns
        -------
        DataFrame
            ``dfbetas`` of each coefficient (change if the row were left out, in standard errors, to first
            order), ``displacement`` (twice the fall of the log-likelihood that leaving it out causes, to
            second order), ``lmax`` (share in the direction that moves the estimates most; its squares sum to 1),
            and the martingale and deviance residuals of rows.

        Notes
        -----
        Source: Cain & Lange (1984); Pettitt & Bin Daud (1989).
        """
        return influence_table(self, by)

    # ---- baseline and prediction -----------------------------------------------------------------------------
    @property
    def _linear_centre(self) -> float:
        return float(self.centre @ self.estimate) + self.offset_centre

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

    def _curves_allowed(self) -> None:
        if self.ties == "exact":
            self._data("A curve")

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
        table = fitted.score(fitted.terms) * self.scale
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
        if self.varying is not None:
            raise DataError(
                "Effects already change with time here.",
                code="time-varying",
                hint="Test the fit without time_varying=.",
            )
        return proportionality_test(self, transform, form)

    def _schoenfeld(self, fitted: Fitted, terms: CoxTerms, scaled: bool, weighted: bool) -> Any:
        data = fitted.data
        rows = data.index.event_rows
        turn = np.argsort(data.index.moment[rows], kind="stable")
        order = rows[turn]
        at = data.index.moment[order]
        own = data.matrix[order] if fitted.varying is None else varying_events(data, fitted.varying)[turn]
        table = (own - coxresiduals.event_means(data, terms)[at]) * self.scale
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


def _robust(result: CoxResults, fitted: Fitted, kind: str) -> Floats:
    assert fitted.terms is not None
    assert fitted.at is not None
    middle = fitted.middle(kind, fitted.terms, fitted.at)
    if fitted.second is not None:
        size, turn = np.linalg.eigh(middle)
        middle = (turn * np.maximum(size, 0.0)) @ turn.T
    middle = middle * np.outer(result.scale, result.scale)
    return without_spread(result.model_covariance @ middle @ result.model_covariance, result.model_covariance)
