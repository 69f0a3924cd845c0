"""What a penalised Cox fit gives back: shrunken coefficients, smooth effects, and what can be said about them.

Third floor, in the room of hazards. After a lasso there are no standard errors,
and this file is where asking for them is answered.

Read next: cox_results.py (everything that penalised and plain fits share).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels import coxcurves
from exitmodels.kernels.linalg import clearly_independent, symmetric_inverse
from exitmodels.kernels.partial import cox_terms
from exitmodels.kernels.penalised import block_df, covariances
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.models.hazards.penalised_smooth import effect_of, lines_of, tests_of
from exitmodels.models.hazards.penalty import Penalty
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.curve import Curve
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.shapes.smooth import Smooth

__all__ = ["PenalisedCoxResults"]

_SELECTED = (
    "The columns were selected, and their coefficients shrunk, on the same data: Wald limits and p-values would "
    "claim far more than is known."
)
_INSTEAD = (
    "Use fit.debiased(), or fit the selected columns to other data with Cox; for prediction the shrunken fit "
    "needs none."
)


@dataclass(frozen=True, eq=False, kw_only=True)
class PenalisedCoxResults(CoxResults):
    """A Cox model fitted with a ridge, lasso or elastic-net penalty, or with penalised splines.

    Attributes
    ----------
    penalty : Penalty
    information, penalty_matrix : (p, p)
        Of the log partial likelihood at the estimate, and of the quadratic penalty; for a lasso only of the
        coefficients that are not zero.
    df_effective : float
        Trace of (information + penalty)^-1 information; it counts in `aic` and `bic`.
    violation : float
        Largest breach of the conditions for a maximum, in the unit of the strength (lasso).

    Notes
    -----
    `llf` is without the penalty. The covariance is (information + penalty)^-1, as R's coxph prints it: it
    holds over the prior that the penalty stands for, and so allows for the bias. ``with_vcov("frequentist")``
    is the variance over repeated samples, without the bias (``var2`` of coxph).
    """

    penalty: Penalty
    information: Floats
    penalty_matrix: Floats
    df_effective: float
    violation: float = 0.0

    @property
    def selects(self) -> bool:
        """Whether the penalty sets coefficients to zero."""
        return bool(self.penalty.mix)

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the columns with a coefficient that is not zero."""
        return tuple(name for name, b in zip(self.names, self.estimate, strict=True) if b != 0)

    # ---- degrees of freedom ----------------------------------------------------------------------------------
    @property
    def n_parameters(self) -> float:
        """Effective degrees of freedom, which the information criteria count."""
        return self.df_effective

    @property
    def terms(self) -> dict[str, list[int]]:
        """Columns of each term: levels of a factor, or the parts of a curve, go together."""
        found: dict[str, list[int]] = {}
        for j, name in enumerate(self.names):
            key = ":".join(part.split("[")[0] for part in name.split(":"))
            found.setdefault(key, []).append(j)
        return found

    @property
    def term_df(self) -> Any:
        """Effective degrees of freedom of each term, as a Series.

        The trace of V^-1 V2 over the term's block, with V the covariance and V2 the frequentist one, as in
        R's coxph. Blocks interact, so these need not add up to `df_effective`.
        """
        self._no_limits("Degrees of freedom by term")
        pair = covariances(self.information, self.penalty_matrix)
        return labelled(block_df(*pair, list(self.terms.values())), list(self.terms), name="df")

    # ---- standard errors -------------------------------------------------------------------------------------
    def _no_limits(self, what: str) -> None:
        if self.selects:
            raise DataError(f"{what} after a lasso: refused. {_SELECTED}", code="no-limits", hint=_INSTEAD)

    @property
    def standard_errors(self) -> Floats:
        """Standard errors; NaN after a lasso."""
        return np.full(len(self.estimate), np.nan) if self.selects else np.sqrt(np.diag(self.covariance))

    def cov_params(self) -> Any:
        """Covariance of the coefficients; refused after a lasso."""
        self._no_limits("A covariance")
        return super().cov_params()

    def conf_int(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Limits of the coefficients: columns low, high; refused after a lasso."""
        self._no_limits("Limits")
        return super().conf_int(alpha, method)

    def ratios(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Hazard ratios with limits (NaN after a lasso)."""
        if not self.selects:
            return super().ratios(alpha, method)
        empty = np.full(len(self.estimate), np.nan)
        return labelled(np.column_stack([np.exp(self.estimate), empty, empty]), self.names, ("HR", "low", "high"))

    def wald_test(self, what: Any = None) -> HypothesisTest:
        """Wald test with the covariance in use; refused after a lasso."""
        self._no_limits("A test")
        return super().wald_test(what)

    def with_vcov(
        self, kind: str, cluster: Any = None, n: int = 1000, rng: np.random.Generator | int | None = None
    ) -> Self:
        """Return the same fit with another covariance; see `CoxResults.with_vcov`.

        Parameters
        ----------
        kind : {"model", "frequentist", "robust", "cluster", "jackknife", "bootstrap"}
            "frequentist": variance over repeated samples at this strength, H^-1 I H^-1. Robust kinds put the
            empirical middle between H^-1; resampling refits with the same penalty.
        """
        self._no_limits("A covariance")
        if kind == "frequentist":
            return self._with_wald(covariances(self.information, self.penalty_matrix)[1], kind)
        return super().with_vcov(kind, cluster, n, rng)

    def _with_wald(self, covariance: Floats, kind: str, **changes: Any) -> Self:
        return self.with_covariance(covariance, kind, **changes)

    def debiased(self) -> CoxResults:
        """One Newton step of the likelihood from the shrunken estimate, with its limits.

        Returns
        -------
        CoxResults
            All columns, none of them zero; limits have their nominal cover in large samples when columns are
            few beside the exits, whatever the penalty selected.

        Raises
        ------
        DataError
            With more columns than a fifth of the exits, or columns that follow from others.

        Notes
        -----
        b + I^-1 U at the penalised estimate b, with the information there; its covariance is the inverse
        information at the new point. Source: van de Geer, Buehlmann, Ritov & Dezeure (2014), with the
        inverse of the information itself, which exists when columns are few.
        """
        fitted = self._data("A debiased fit")
        assert fitted.terms is not None
        assert fitted.at is not None
        terms, p = fitted.terms, len(self.names)
        if 5 * p > self.n_events or not clearly_independent(terms.information, 1e-9):
            raise DataError(
                f"There are {p} columns for {number(self.n_events)} exits (or columns that follow from others): one "
                "step from the penalised fit is not near the truth then.",
                code="debias",
                hint="Fewer columns, or limits from other data.",
            )
        at = fitted.at + symmetric_inverse(terms.information) @ terms.gradient
        moved = cox_terms(at, fitted.data)
        covariance = symmetric_inverse(moved.information) / np.outer(self.scale, self.scale)
        kept = {f.name: getattr(self, f.name) for f in fields(CoxResults)}
        return CoxResults(
            **{
                **kept,
                "estimate": at / self.scale,
                "covariance": covariance,
                "model_covariance": covariance,
                "vcov": "model",
                "llf": moved.value,
                "baseline": coxcurves.baseline(fitted.data, moved),
                "fitted": replace(fitted, terms=moved, at=at, penalised=None),
                "method": f"{self.method.split(', ')[0]}, debiased {self.penalty}",
                "sources": (*self.sources, "van_de_geer2014"),
                "tests": {},
            }
        )

    # ---- smooth terms ----------------------------------------------------------------------------------------
    def _smooth(self, column: str | None) -> tuple[Smooth, list[int]]:
        smooths = self.penalty.smooths
        chosen = [s for s in smooths if column is None or column in (s.column, s.label)]
        if not chosen:
            raise DataError(
                f"There is no smooth term of {column or 'any column'}.",
                code="no-smooth",
                hint=f"Smooth terms: {', '.join(s.label for s in smooths) or 'none; write pspline(column)'}.",
            )
        return chosen[0], [self.names.index(name) for name in chosen[0].names]

    def smooth_effect(self, column: str | None = None, at: Any = None, alpha: float = 0.05) -> Any:
        """Effect of a smooth term on the log hazard, with limits.

        Parameters
        ----------
        column : str, optional
            By default the first smooth term.
        at : sequence of float, optional
            By default 101 points over the range of the data. Beyond it the curve goes on along its tangent.
        alpha : float

        Returns
        -------
        DataFrame
            x, effect (zero on average over the rows of the fit), se, low, high; limits are pointwise.
        """
        return effect_of(self, *self._smooth(column), at, alpha)

    def smooth_tests(self) -> Any:
        """For each smooth term: slope of the straight line in it, and tests of that line and of what is left.

        Returns
        -------
        DataFrame
            term, part ("linear", "nonlinear"), coef, se, chi2, df, p.

        Notes
        -----
        The line is the weighted least-squares line through the coefficients; chi-squared of the rest is that
        of the term less that of the line, on df - 1 degrees of freedom (at least 0.5 for the p-value).
        Source: Therneau & Grambsch (2000), section 5.8.3; the same numbers as R's coxph.
        """
        return tests_of(self)

    def plot_smooth(self, column: str | None = None, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw a smooth effect with its limits on the scale of hazard ratios; return the Axes."""
        from exitmodels.render.paths import smooth_curve

        smooth, _ = self._smooth(column)
        frame = self.smooth_effect(column, alpha=alpha)
        x, effect, low, high = (frame[name].to_numpy() for name in ("x", "effect", "low", "high"))
        level, df = number(100 * (1 - alpha), 3), number(float(self.term_df[smooth.label]), 3)
        seen = self.fitted.rows.columns[smooth.column].values if self.fitted is not None else np.empty(0)
        what = f"{df} df, {level}% limits"
        return smooth_curve(ax, x, effect, low, high, np.asarray(seen, dtype=float), smooth.column, what)

    # ---- prediction and residuals ----------------------------------------------------------------------------
    def predict_cumhaz(
        self, new: Any, transform: str = "log", variance: str = "full", baseline: str | None = None
    ) -> Curve:
        """Predicted cumulative hazard of new rows, with limits; see `CoxResults.predict_cumhaz`.

        After a lasso the limits take the selected columns and their shrinkage as given, and say so.
        """
        if not self.selects:
            return super().predict_cumhaz(new, transform, variance, baseline)
        return _limited(super(PenalisedCoxResults, self._wide()).predict_cumhaz(new, transform, variance, baseline))

    def predict_path(self, new: Any, *choices: Any, **named: Any) -> Curve:
        """Predicted survival along a path of covariates; see `CoxResults.predict_path`, and `predict_cumhaz`."""
        if not self.selects:
            return super().predict_path(new, *choices, **named)
        return _limited(super(PenalisedCoxResults, self._wide()).predict_path(new, *choices, **named))

    def _wide(self) -> Self:
        """The same fit with the covariance of the columns in use spread out over all of them."""
        wide = np.zeros((len(self.names), len(self.names)))
        own = np.flatnonzero(self.estimate != 0)
        wide[np.ix_(own, own)] = self.covariance
        return replace(self, covariance=wide, vcov="model")

    def influence(self, by: Any = None) -> Any:
        """Influence of rows on the estimates; refused after a lasso. See `CoxResults.influence`."""
        self._no_limits("Influence in standard errors")
        return super().influence(by)

    def residuals(self, kind: str = "martingale", weighted: bool | None = None) -> Any:
        """Residuals of the rows of the fit; see `CoxResults.residuals`."""
        if kind in ("dfbeta", "dfbetas", "scaled-schoenfeld"):
            self._no_limits(f"{kind} residuals")
        return super().residuals(kind, weighted)

    def ph_test(self, transform: str = "km", form: str = "score") -> Any:
        """Refused: the test needs a score of zero, which a penalised fit does not have."""
        raise DataError(
            "The test of proportional hazards takes the score to be zero at the estimate; a penalty moves it away.",
            code="penalty",
            hint="Test the fit without the penalty (with bs() in place of pspline()).",
        )

    # ---- print -----------------------------------------------------------------------------------------------
    def _facts(self) -> list[tuple[str, Any]]:
        facts = [item for item in super()._facts() if item[0] != "variance" or not self.selects]
        facts.insert(2, ("effective degrees of freedom", self.df_effective))
        if self.selects:
            facts.insert(2, ("columns in use", f"{len(self.active)} of {len(self.names)}"))
        return facts

    def tidy(self, alpha: float = 0.05) -> Any:
        """One row per coefficient (of smooth terms: their straight line and the rest)."""
        import pandas as pd

        if self.selects:
            empty = dict.fromkeys(("se", "statistic", "p", "low", "high"), np.nan)
            frame = pd.DataFrame({"term": list(self.names), "estimate": self.estimate, **empty})
            return frame.assign(ratio=np.exp(self.estimate), ratio_low=np.nan, ratio_high=np.nan)
        frame = super().tidy(alpha)
        hidden = {name for smooth in self.penalty.smooths for name in smooth.names}
        frame = frame[~frame.term.isin(hidden)]
        if not hidden:
            return frame
        more = lines_of(self.smooth_tests(), self._critical(alpha))
        return more if frame.empty else pd.concat([frame, more], ignore_index=True)

    def _table(self, alpha: float) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        if self.selects:
            per_sd = self.estimate * self.scale
            rows = [
                (name, float(b), float(s), float(np.exp(b)))
                for name, b, s in zip(self.names, self.estimate, per_sd, strict=True)
                if b != 0
            ]
            return ("term", "coef", "coef per sd", "HR"), tuple(rows)
        columns, rows_ = super()._table(alpha)
        blank = tuple(tuple("" if cell in ("nan",) or _nan(cell) else cell for cell in row) for row in rows_)
        return columns, blank

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the fit, the coefficients, the smooth terms, and what must be known to read it."""
        made = super().summary(alpha)
        notes = list(made.notes)
        if self.selects:
            notes.append(f"No standard errors. {_SELECTED} {_INSTEAD}")
        else:
            notes.append(f"Shrunken estimates; standard errors are {_NAMES.get(self.vcov, self.vcov)}.")
        blocks = list(made.tables)
        if self.penalty.smooths:
            tests = self.smooth_tests()
            lines = tuple(
                (f"{t.term}, {t.part}", float(t.chi2), float(t.df), pvalue(float(t.p))) for t in tests.itertuples()
            )
            blocks.insert(1, Block(("smooth term", "chi2", "df", "p"), lines))
        return replace(made, tables=tuple(blocks), notes=tuple(notes))

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the hazard ratios with their limits (after a lasso, coefficients per standard deviation, without)."""
        from exitmodels.render import axes, paths

        if self.selects:
            own = [j for j, b in enumerate(self.estimate) if b != 0]
            return paths.shrunken(ax, [self.names[j] for j in own], (self.estimate * self.scale)[own])
        hidden = {name for smooth in self.penalty.smooths for name in smooth.names}
        own = [j for j, name in enumerate(self.names) if name not in hidden]
        if not own:
            return self.plot_smooth(ax=ax, alpha=alpha)
        values = self.ratios(alpha).to_numpy()[own]
        return axes.coefficients(
            ax, [self.names[j] for j in own], values, self.ratio_name, number(100 * (1 - alpha), 3)
        )


_NAMES = {
    "model": "those of (information + penalty)^-1, which allow for the bias",
    "frequentist": "those over repeated samples, which leave out the bias",
}


def _limited(curve: Curve) -> Curve:
    note = "limits take the columns that the lasso selected, and their shrinkage, as given: they are too narrow"
    return replace(curve, warnings=(*curve.warnings, note))


def _nan(cell: Any) -> bool:
    return isinstance(cell, float) and bool(np.isnan(cell))
