"""What an interrupted series answers: the effect, what would have been without it, and how many exits that is.

Third floor. Everything common to regressions comes from results/regression.py. Checks that refit the model (placebo
dates, delays, windows, other variances) are in interrupted_checks.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.models.counts import interrupted_checks as checks
from exitmodels.models.counts.interrupted_cells import Cells, InterruptedData
from exitmodels.models.counts.interrupted_spread import spread_of
from exitmodels.models.counts.interrupted_variances import variances
from exitmodels.models.counts.latent import LatentLimits
from exitmodels.models.counts.profiled import EffectProfile
from exitmodels.render.text import Block, number
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored

__all__ = ["InterruptedResults"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class InterruptedResults(Regression):
    """A fitted interrupted series.

    Attributes
    ----------
    family : str
    effects : mapping of str to int
        Coefficients that are effects, and the place in `dates` of each one's date.
    dates : tuple of str
    alpha : float
        Negative binomial: variance is mean + alpha mean^2; else zero.
    dispersion : float
        Pearson's chi-squared over residual degrees of freedom; for log counts the residual variance.
    rho : float
        Correlation of the errors, for "lognormal-ar1".
    cells : Cells
    latent : LatentLimits or None
        What is known of the latent autoregression, when the limits rest on one.

    Other attributes are those of `exitmodels.results.regression.Regression`.
    """

    family: str
    effects: Mapping[str, int]
    dates: tuple[str, ...]
    alpha: float
    dispersion: float
    rho: float
    cells: Cells
    latent: LatentLimits | None = None
    data: InterruptedData | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "rate ratio"

    # ---- limits ------------------------------------------------------------------------------------------------
    def _half_widths(self, contrasts: Floats, alpha: float) -> Floats:
        critical = self._critical(alpha)
        if self.latent is not None:
            return self.latent.half_width(contrasts, alpha)
        variance = np.einsum("cp,pq,cq->c", contrasts, self.covariance, contrasts)
        return np.asarray(critical * np.sqrt(np.maximum(variance, 0.0)), dtype=np.float64)

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Limits of the coefficients: columns low, high; quantiles of the mixture with "latent" limits."""
        half = self._half_widths(np.eye(len(self.names)), alpha)
        return labelled(np.column_stack([self.estimate - half, self.estimate + half]), self.names, ("low", "high"))

    @property
    def pvalues(self) -> Any:
        """Two-sided p-values, by the law that the limits come from."""
        if self.latent is None:
            return super().pvalues
        return labelled(self.latent.pvalues(self.estimate, np.eye(len(self.names))), self.names, name="p")

    def wald_test(self, what: str | Sequence[str] | Floats | None = None) -> HypothesisTest:
        """Test that coefficients (by default all effects), or combinations of them, are zero."""
        chosen = list(self.effects) if what is None else what
        test = super().wald_test(chosen)
        if self.latent is None:
            return test
        contrast = self._contrast(chosen)
        p = self.latent.wald(contrast @ self.estimate, contrast)
        return replace(test, pvalue=p, distribution="mixture of chi-squared laws over the latent autoregression")

    @property
    def n_parameters(self) -> float:
        """Coefficients, and the dispersion where one is estimated."""
        return len(self.names) + (self.family in ("negbin", "lognormal"))

    def rate_ratios(self, alpha: float = 0.05) -> Any:
        """Rate ratios with limits."""
        return self.ratios(alpha)

    def with_vcov(self, kind: str, *, hac_lags: int | None = None) -> InterruptedResults:
        """Return the same estimates with other limits; nothing is refitted.

        Parameters
        ----------
        kind : {"latent", "model", "quasi", "robust", "hc1", "hc2", "hc3", "hac", "hac-leverage"}
        hac_lags : int, optional
        """
        data = self._data("Another variance")
        assert data.fit is not None
        spread = spread_of(data.fit, data.columns, kind, hac_lags)
        made: dict[str, Any] = {
            "covariance": spread.covariance,
            "vcov": spread.label,
            "df_resid": spread.df,
            "latent": spread.latent,
        }
        notes, sources = data.warnings + spread.warnings, data.sources + spread.sources
        return replace(self, **made, warnings=notes, sources=sources)

    # ---- without the effect ------------------------------------------------------------------------------------
    def _without(self, date: Any = None) -> tuple[Floats, list[int]]:
        dates = list(range(len(self.dates)))
        if date is not None:
            if str(date) not in self.dates:
                raise DataError(
                    f"{date} is not a date of this fit.", code="at", hint=f"One of {', '.join(self.dates)}."
                )
            dates = [self.dates.index(str(date))]
        gone = [j for j, name in enumerate(self.names) if self.effects.get(name, -1) in dates]
        matrix = self.cells.matrix.copy()
        matrix[:, gone] = 0.0
        return matrix, gone

    def counterfactual(self, date: Any = None, alpha: float = 0.05) -> Any:
        """Expected records in each period, as fitted and as they would have been without the effect, with limits.

        Parameters
        ----------
        date : optional
            Leave out the effects of this date only; by default of all.
        alpha : float

        Returns
        -------
        DataFrame
            period, start, end, n, exposure, partial, fitted, fitted_low, fitted_high, counterfactual, low, high. The
            limits are those of the expectation; a count scatters around it.
        """
        import pandas as pd

        cells, (without, _) = self.cells, self._without(date)
        made: dict[str, Any] = {}
        for name, matrix in (("fitted", cells.matrix), ("counterfactual", without)):
            line, half = cells.offset + matrix @ self.estimate, self._half_widths(matrix, alpha)
            low, high = ("fitted_low", "fitted_high") if name == "fitted" else ("low", "high")
            made |= {name: np.exp(line), low: np.exp(line - half), high: np.exp(line + half)}
        dates = {"start": pd.to_datetime(cells.start), "end": pd.to_datetime(cells.end)}
        given = {"period": cells.period, **dates, "n": cells.n, "exposure": cells.exposure, "partial": cells.partial}
        return pd.DataFrame(given | made)

    def averted(self, date: Any = None, alpha: float = 0.05, limits: str = "ratio") -> Any:
        """How many records fewer (or, below zero, more) there were after the date than without the effect.

        Parameters
        ----------
        date : optional
            One of several dates; by default all together.
        alpha : float
        limits : {"ratio", "delta"}
            "ratio": limits of the ratio of expected to fitted records, times the fitted number; they leave out zero
            just when the ratio leaves out one. "delta": the difference plus and minus its error.

        Returns
        -------
        DataFrame
            One row: periods touched, observed, fitted, counterfactual, averted, se, low, high; then the same as per
            cent of the counterfactual.
        """
        import pandas as pd

        if limits not in ("ratio", "delta"):
            raise DataError(f"limits={limits!r} is not known.", code="limits", hint='Use "ratio" or "delta".')
        cells, (without, gone) = self.cells, self._without(date)
        touched = np.any(cells.matrix[:, gone] != 0, axis=1)
        sums, slopes = [], []
        for matrix in (cells.matrix[touched], without[touched]):
            mean = np.exp(cells.offset[touched] + matrix @ self.estimate)
            sums.append(float(mean.sum()))
            slopes.append(mean @ matrix)
        (fitted, expected), (here, there) = sums, slopes
        gradient = there - here
        se = float(np.sqrt(gradient @ self.covariance @ gradient))
        relative = (there / expected - here / fitted)[None, :]
        half, ratio = float(self._half_widths(relative, alpha)[0]), float(np.log(expected / fitted))
        if limits == "ratio":
            low, high = (fitted * np.expm1(ratio + side * half) for side in (-1, 1))
        else:
            wide = float(self._half_widths(gradient[None, :], alpha)[0])
            low, high = expected - fitted - wide, expected - fitted + wide
        percent = [-100 * np.expm1(-ratio - side * half) for side in (0, -1, 1)]
        row = {
            "periods": int(touched.sum()),
            "observed": float(cells.n[touched].sum()),
            "fitted": fitted,
            "counterfactual": expected,
            "averted": expected - fitted,
            "se": se,
            "low": low,
            "high": high,
            **dict(zip(("percent", "percent_low", "percent_high"), percent, strict=True)),
        }
        return pd.DataFrame([row], index=[", ".join(self.dates) if date is None else str(date)])

    # ---- checks ------------------------------------------------------------------------------------------------
    def variances(
        self, coef: str | None = None, alpha: float = 0.05, n: int = 999, rng: np.random.Generator | int | None = None
    ) -> Any:
        """Limits of one coefficient under every variance, side by side; see `interrupted_variances.variances`."""
        return variances(self, coef, alpha, n, rng)

    def placebo(self, where: str = "all", date: Any = None) -> HypothesisTest:
        """Rank the effect at its date among the effects at all other dates; see `interrupted_checks.placebo`."""
        return checks.placebo(self, where, date)

    def sensitivity(
        self,
        donut: Sequence[int] = (0, 1, 2),
        window: Sequence[int | None] = (None, 24, 12, 8),
        coef: str | None = None,
        alpha: float = 0.05,
    ) -> Any:
        """Refit without periods near the date, and with fewer far from it; see `interrupted_checks.sensitivity`."""
        return checks.sensitivity(self, donut, window, coef, alpha)

    def profile(self, **grid: Sequence[float]) -> EffectProfile:
        """Fit the effect at each delay, length or rate given, such as ``profile(delay=range(13))``."""
        return checks.profile(self, grid)

    # ---- print -------------------------------------------------------------------------------------------------
    def plot(self, ax: Any = None, alpha: float = 0.05, what: str = "series") -> Any:
        """Draw the series, the fit and the counterfactual with its limits; ``what="effects"`` draws the rate ratios."""
        from exitmodels.render.axes import coefficients
        from exitmodels.render.interruption import interruption

        if what == "effects":
            keep = [i for i, name in enumerate(self.names) if name in self.effects]
            values = self.ratios(alpha).to_numpy()[keep]
            return coefficients(
                ax, [self.names[i] for i in keep], values, self.ratio_name, number(100 * (1 - alpha), 3)
            )
        if what != "series":
            raise DataError(f"what={what!r} is not known.", code="what", hint='Use "series" or "effects".')
        frame = self.counterfactual(alpha=alpha)
        touched = np.any(self.cells.matrix[:, self._without()[1]] != 0, axis=1)
        columns = {name: frame[name].to_numpy() for name in ("n", "partial", "fitted", "counterfactual", "low", "high")}
        dates = {name: getattr(self.cells, name).astype("datetime64[D]") for name in ("start", "end")}
        level = number(100 * (1 - alpha), 3)
        return interruption(ax, **columns, **dates, touched=touched, at=self.dates, freq=self.cells.freq, level=level)

    def _facts(self) -> list[tuple[str, Any]]:
        facts = [fact for fact in super()._facts() if not (isinstance(fact[1], float) and np.isnan(fact[1]))]
        facts.append(("residual variance" if self.family.startswith("log") else "Pearson chi2 / df", self.dispersion))
        if self.family == "negbin":
            facts.append(("alpha", self.alpha))
        if np.isfinite(self.rho):
            facts.append(("correlation of errors", self.rho))
        if self.latent is not None:
            facts.append(("latent series: mean rho, sd", f"{self.latent.correlation:.2f}, {self.latent.deviation:.2f}"))
        return facts

    def summary(self, alpha: float = 0.05) -> Any:
        """Return the printed form: the fit, the coefficients, the exits averted or added, and every warning."""
        made = super().summary(alpha)
        row = self.averted(alpha=alpha).iloc[0]
        level = number(100 * (1 - alpha), 3)
        names = ("fitted", "counterfactual", "averted", "low", "high")
        words = ("observed", "fitted", "without the effect", "averted", f"low {level}%", f"high {level}%")
        numbers = (f"{row[name]:.1f}" for name in names)
        line = (f"{int(row.periods)} periods", int(row.observed), *numbers)
        return replace(made, tables=(*made.tables, Block(("after the date", *words), (line,))))

    def _data(self, what: str) -> InterruptedData:
        return unstored(self.data, what)
