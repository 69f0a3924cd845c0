"""What an additive hazards fit gives back: cumulative effects, constant effects, tests, predicted curves.

Third floor, in the room of hazards.

Read next: additive_tests.py (is there an effect, and is it constant?).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from scipy.special import ndtr, ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.additive import model_covariance
from exitmodels.kernels.additive_influence import constant_influence, robust_covariance
from exitmodels.kernels.risksets import accumulate
from exitmodels.models.hazards.additive_fitted import Fitted
from exitmodels.models.hazards.additive_predict import AdditivePrediction
from exitmodels.models.hazards.additive_tests import EffectTests, average_effects, resampled_tests
from exitmodels.models.hazards.cox_fitted import cluster_codes
from exitmodels.models.hazards.wald import with_wald
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.storing import unstored

__all__ = ["AdditiveResults"]


@dataclass(frozen=True, eq=False, kw_only=True)
class AdditiveResults(AdditivePrediction):
    """A fitted additive hazards model.

    `params`, `bse` and the like are the constant effects: exits per person and unit of time. When all effects
    change with time they are average effects, weighted over the exits as in R's aareg (weights "aalen").
    """

    fitted: Fitted | None = field(default=None, metadata={"stored": False})

    def _effect(self) -> str:
        from exitmodels.render.axes import UNIT_NAMES

        unit = UNIT_NAMES.get(self.unit, self.unit)
        return f"Exits per person and unit of time ({unit})" if self.frame.constants else "Average effect"

    def _facts(self) -> list[tuple[str, Any]]:
        return [("rows", self.nobs), ("events", self.n_events), ("variance", self.vcov), ("unit of time", self.unit)]

    def _data(self, what: str) -> Fitted:
        return unstored(self.fitted, what)

    # ---- variances -------------------------------------------------------------------------------------------
    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster"}
        cluster : str or (n,) labels, optional
            A column, or one label per row; by default the clusters of the formula or the spells.
        """
        if kind not in ("model", "robust", "cluster"):
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint="One of model, robust, cluster.")
        fitted = self._data("Another variance")
        if cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, cluster))
        if kind == "model":
            spread = model_covariance(fitted.data, fitted.terms, fitted.units("robust")[0])
        else:
            spread = robust_covariance(fitted.data, fitted.terms, *fitted.units(kind))
        q = len(self.frame.effects)
        changes: dict[str, Any] = {"spread": spread, "fitted": fitted, "vcov": kind}
        if self.frame.constants:
            size = self.frame.constant_scale
            changes["covariance"] = spread[-1, q:, q:] / np.outer(size, size)
        else:
            average = average_effects(fitted, self.frame, "aalen", kind)
            changes |= {"names": self.frame.effects, "estimate": average.estimate, "covariance": average.covariance}
        made = replace(self, **changes)
        return with_wald(made, [i for i, name in enumerate(made.names) if not name.startswith("Intercept")])

    # ---- effects over time -----------------------------------------------------------------------------------
    def _given(self) -> tuple[Floats, Floats]:
        """Cumulative effects in the units given, and their standard errors: (k, q) each."""
        q = len(self.frame.effects)
        change = self.frame.to_given_over(self.elapsed)
        constant = self.estimate * self.frame.constant_scale if self.frame.constants else np.zeros(0)
        value = np.einsum("kqp,kp->kq", change[:, :, :q], self.cumulative) + change[:, :, q:] @ constant
        variance = np.einsum("kqp,kpo,kqo->kq", change, self.spread, change)
        return value, np.sqrt(np.maximum(variance, 0.0))

    def cumulative_effects(self, alpha: float = 0.05) -> Any:
        """Integral of each changing effect from the start to each time, with pointwise limits.

        Returns
        -------
        DataFrame
            Columns term, time, estimate, se, lower, upper; "Intercept" is the cumulative hazard of a row whose
            covariates are all zero. The slope of `estimate` over time is the effect.
        """
        import pandas as pd

        value, se = self._given()
        half = float(ndtri(1 - alpha / 2)) * se
        frames = []
        for j, name in enumerate(self.frame.effects):
            columns = {"term": name, "time": self.time, "estimate": value[:, j], "se": se[:, j]}
            frames.append(pd.DataFrame({**columns, "lower": (value - half)[:, j], "upper": (value + half)[:, j]}))
        return pd.concat(frames, ignore_index=True)

    def effect_test(self, weights: str = "aalen") -> HypothesisTest:
        """Test that the covariates have no effect at any time, by weighted sums of the increments.

        Parameters
        ----------
        weights : {"aalen", "nrisk", "variance"}
            What an increment counts: one over its variance factor (the diagonal of (X'X)^-1); the number at
            risk; or the whole matrix, which gives a log-rank-like test of each column.

        Returns
        -------
        HypothesisTest
            `detail` holds coef, se, z and p of each term (se by the variance of the fit), the weighted sums and
            their covariance.

        Notes
        -----
        Source: Aalen (1989); the three forms and their names are those of R's aareg.
        """
        if self.frame.constants:
            raise DataError(
                "This test is for models in which all effects change with time.",
                code="test",
                hint="Use resampled_tests(), or wald_test() for the constant effects.",
            )
        fitted = self._data("A test")
        return average_effects(fitted, self.frame, weights, self.vcov).test(fitted.rows.ledger)

    def resampled_tests(self, n: int = 1000, rng: np.random.Generator | int | None = None) -> EffectTests:
        """Test each changing effect: is it zero at all times, and is it the same at all times?

        Parameters
        ----------
        n : int
            Number of resampled processes.
        rng : numpy Generator or seed

        Returns
        -------
        EffectTests
            Supremum test of no effect; supremum and integrated tests of a constant effect; bands.
        """
        fitted = self._data("A resampled test")
        kind = "cluster" if self.vcov == "cluster" else "robust"
        robust = self if self.vcov == kind else self.with_vcov(kind)
        value, se = robust._given()
        return resampled_tests(fitted, self.frame, value, se, kind, self.unit, n, np.random.default_rng(rng))

    def plot(self, ax: Any = None, alpha: float = 0.05, terms: Sequence[str] | None = None, bands: Any = None) -> Any:
        """Draw the cumulative effects, a panel each; or, when all covariate effects are constant, those.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            For constant effects only.
        terms : list of str, optional
            Which cumulative effects; giving any draws them even when the covariates have constant effects.
        bands : EffectTests, optional
            Adds limits that hold at all times together (dashed).
        """
        if terms is None and not self.frame.names and self.frame.constants:
            return super().plot(ax, alpha)
        from exitmodels.render.effects import Effect, cumulated

        value, se = self._given()
        half = float(ndtri(1 - alpha / 2)) * se
        effects = []
        for name in terms if terms is not None else self.frame.effects:
            if name not in self.frame.effects:
                known = ", ".join(self.frame.effects)
                raise DataError(f"No cumulative effect is called {name!r}.", code="term", hint=f"Known: {known}.")
            j = self.frame.effects.index(name)
            wide = None if bands is None else bands.band(name, alpha)
            low, high = (value - half)[:, j], (value + half)[:, j]
            effects.append(Effect(name, self.time, value[:, j], low, high, wide))
        return cumulated(effects, self.unit, number(100 * (1 - alpha), 3))

    # ---- residuals -------------------------------------------------------------------------------------------
    def residuals(self, kind: str = "martingale") -> Any:
        """Residuals of the rows: "martingale" (exits less expected exits), or "dfbeta" of the constant effects."""
        fitted = self._data("A residual")
        data, terms, labels = fitted.data, fitted.terms, fitted.rows.labels
        if kind == "martingale":
            width = np.diff(terms.elapsed, prepend=0.0)
            parts = accumulate(data.index, np.hstack([terms.steps, width[:, None] * terms.constant]))
            at = data.index.moment
            left = (at >= 0) & terms.usable[np.maximum(at, 0)]
            return labelled(left - np.einsum("ip,ip->i", data.columns, parts), labels, name=kind)
        if kind == "dfbeta" and self.frame.constants:
            influence = constant_influence(data, terms) / self.frame.constant_scale * data.weight[:, None]
            return labelled(influence, labels, self.names)
        raise DataError(
            f"kind={kind!r} is not known here.", code="kind", hint='"martingale", or "dfbeta" with constant effects.'
        )

    # ---- print -----------------------------------------------------------------------------------------------
    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: coefficients, and where the cumulative effects stand at their last time."""
        made = super().summary(alpha)
        value, se = self._given()
        last = len(self.time) - 1
        rows = []
        for j, name in enumerate(self.frame.effects):
            z = value[last, j] / se[last, j] if se[last, j] > 0 else np.nan
            p = 2 * float(ndtr(-abs(z)))
            rows.append(
                (name, float(self.time[last]), float(value[last, j]), float(se[last, j]), f"{z:.2f}", pvalue(p))
            )
        heading = "Constant effects:" if self.frame.constants else "Average effects (aareg's weights):"
        blocks = [replace(made.tables[0], heading=heading), *made.tables[1:]]
        columns = ("cumulative effect", "time", "estimate", "se", "z", "p")
        blocks.append(Block(columns, tuple(rows), "Cumulative effects at the last time:"))
        return Summary(made.title, made.facts, tuple(blocks), made.notes)
