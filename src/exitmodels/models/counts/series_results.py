"""What a fitted model of one count series answers: predictions one step ahead, their scores and calibration, forecasts.

Third floor. Everything common to regressions comes from results/regression.py; here is what a series knows.

Read next: count_ar.py, glarma.py (the models), forecast.py.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import solve_scaled
from exitmodels.kernels.countglm import unit_deviance
from exitmodels.kernels.predictive import CountLaw, marginal_gap, pit_histogram, scores
from exitmodels.models.counts.forecast import CountForecast
from exitmodels.models.counts.series import TimeSeries
from exitmodels.models.counts.series_ahead import FutureRows, future_rows
from exitmodels.render.text import number, pvalue
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored

__all__ = ["KINDS", "Pieces", "SeriesFit", "SeriesResults", "series_covariance"]

KINDS = ("model", "observed", "robust")


@dataclass(frozen=True, eq=False)
class Pieces:
    """What covariances are made of, for the q parameters that were estimated together.

    Attributes
    ----------
    observed, expected : (q, q)
        Information.
    spread : (q, q)
        Variance of the score under the model (equal to `expected` for maximum likelihood).
    scores : (q, n)
        Derivative of each period's log-likelihood; zero where no count is known.
    bound : (q,) bool
        Parameters at their lower bound, which have no variance.
    """

    observed: Floats
    expected: Floats
    spread: Floats
    scores: Floats
    bound: Bools


@dataclass(frozen=True, eq=False)
class SeriesFit:
    """What the fit was made from; never stored with the result.

    Attributes
    ----------
    series : TimeSeries
    law : CountLaw
        One-step predictive law of every period, given the periods before it and the estimates.
    pieces : Pieces
    kernel : object
        What the kernel was given.
    theta : (q,)
        Parameters in the kernel's order.
    used : (n,) bool, optional
        Periods in the likelihood; by default those whose count is known.
    """

    series: TimeSeries
    law: CountLaw
    pieces: Pieces
    kernel: Any
    theta: Floats
    used: Bools | None = None


def series_covariance(pieces: Pieces, kind: str) -> Floats:
    """Covariance of all parameters: NaN for those at their bound.

    Parameters
    ----------
    kind : {"model", "observed", "robust"}
        Expected information (with the model's variance of the score between, for quasi-likelihood); observed
        information; or the sum of squared scores between (scores are martingale differences, so no lags are needed).
    """
    if kind not in KINDS:
        raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"Use one of {', '.join(KINDS)}.")
    free = np.flatnonzero(~pieces.bound)
    keep = np.ix_(free, free)
    bread = _inverse(pieces.observed[keep] if kind == "observed" else pieces.expected[keep])
    if kind == "robust":
        bread = bread @ (pieces.scores[free] @ pieces.scores[free].T) @ bread
    elif kind == "model":
        bread = bread @ pieces.spread[keep] @ bread
    out = np.full(pieces.expected.shape, np.nan)
    out[keep] = (bread + bread.T) / 2
    return out


def _inverse(information: Floats) -> Floats:
    made = solve_scaled(information, np.eye(len(information)))
    return np.full(information.shape, np.nan) if made is None else made


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SeriesResults(Regression):
    """A fitted model of one count series.

    Attributes
    ----------
    family : {"poisson", "negbin", "binomial"}
    link : {"identity", "log", "logit"}
    alpha : float
        Variance is mean + alpha mean^2; zero without overdispersion. `theta` is 1 / alpha.
    log_alpha_se : float
        Standard error of log alpha; NaN where there is none.
    n_covariates : int
        The first so many coefficients are those of the intercept and covariates; then come the lags.

    Other attributes are those of `exitmodels.results.regression.Regression`.
    """

    family: str
    link: str
    alpha: float
    log_alpha_se: float
    n_covariates: int
    data: SeriesFit | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "ratio"

    # ---- estimates ---------------------------------------------------------------------------------------------
    @property
    def theta(self) -> float:
        """1 / alpha, the size of the negative binomial; infinite without overdispersion."""
        return 1 / self.alpha if self.alpha else float("inf")

    @property
    def theta_se(self) -> float:
        """Standard error of theta, by the delta method from log alpha."""
        return self.theta * self.log_alpha_se

    @property
    def n_parameters(self) -> int:
        """Coefficients, and the dispersion of the negative binomial."""
        return len(self.names) + (self.family == "negbin")

    @property
    def df_model(self) -> int:
        """Coefficients but the intercept."""
        return len(self.names) - 1

    def ratios(self, alpha: float = 0.05) -> Any:
        """Exponentiated coefficients of covariates; NaN for lags, and for all with the identity link."""
        values = super().ratios(alpha).to_numpy(copy=True)
        values[self.n_covariates if self.link != "identity" else 0 :] = np.nan
        return labelled(values, self.names, (self.ratio_name, "low", "high"))

    def rate_ratios(self, alpha: float = 0.05) -> Any:
        """Ratios of the mean (odds ratios for binomial counts) for a unit more of each covariate, with limits.

        They hold within one period, given its past; what a lasting change does in the end depends on the lags too.
        """
        if self.link == "identity":
            raise DataError(
                "With the identity link covariates add to the rate; there are no ratios.",
                code="link",
                hint='Read .params as additions to the rate, or fit link="log".',
            )
        return self.ratios(alpha).iloc[: self.n_covariates]

    def with_vcov(self, kind: str) -> Self:
        """Return the same fit with another covariance ("model", "observed" or "robust"); nothing is refitted."""
        pieces = self._data("Another covariance").pieces
        q, full = len(self.names), series_covariance(pieces, kind)
        error = float(np.sqrt(full[q, q])) if len(full) > q else self.log_alpha_se
        return replace(self, covariance=full[:q, :q], vcov=kind, log_alpha_se=error)

    def _table(self, alpha: float) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        level = number(100 * (1 - alpha), 3)
        columns = ("term", "coef", "se", "z", "p", f"low {level}%", f"high {level}%")
        rows = tuple(
            (r.term, r.estimate, r.se, f"{r.statistic:.2f}", pvalue(r.p), r.low, r.high)
            for r in self.tidy(alpha).itertuples()
        )
        return columns, rows

    def _facts(self) -> list[tuple[str, Any]]:
        facts = [("periods", self.nobs), *super()._facts()[1:]]
        if self.family == "negbin":
            facts.append(("alpha", self.alpha))
        if self.data is not None:
            facts.append(("Pearson chi2 / df", self.dispersion))
        return facts

    # ---- one step ahead ----------------------------------------------------------------------------------------
    @property
    def fitted_values(self) -> Any:
        """Mean of each period given those before it, as a Series."""
        import pandas as pd

        data = self._data("Fitted values")
        return pd.Series(data.law.mean, index=data.series.index, name="mean")

    @property
    def dispersion(self) -> float:
        """Sum of squared Pearson residuals over residual degrees of freedom."""
        y, law = self._known("The dispersion")
        return float(np.sum((y - law.mean) ** 2 / law.variance)) / max(len(y) - len(self.names), 1)

    def residuals(self, kind: str = "pearson") -> Any:
        """Residuals of the periods; NaN where no count is known.

        Parameters
        ----------
        kind : {"response", "pearson", "deviance"}
        """
        import pandas as pd

        data = self._data("Residuals")
        y, law = data.series.y, data.law
        gap = y - law.mean
        if kind == "response":
            made = gap
        elif kind == "pearson":
            made = gap / np.sqrt(law.variance)
        elif kind == "deviance" and law.trials is None:
            seen = np.isfinite(y)
            made = np.full(len(y), np.nan)
            made[seen] = np.sign(gap[seen]) * np.sqrt(unit_deviance(y[seen], law.mean[seen], law.alpha))
        else:
            raise DataError(
                f"kind={kind!r} is not known here.", code="kind", hint='Use "response", "pearson" or "deviance".'
            )
        return pd.Series(made, index=data.series.index, name=kind)

    def scores(self) -> Any:
        """Mean proper scores of the one-step predictions (smaller is better), as a Series.

        Logarithmic, quadratic, spherical, ranked probability, Dawid-Sebastiani, normalised squared and squared error.
        The parameters were estimated from the same counts, so scores flatter models with many of them.
        """
        import pandas as pd

        y, law = self._known("Scores")
        return pd.Series({name: float(v.mean()) for name, v in scores(y, law).items()}, name="score")

    def pit(self, bins: int = 10) -> Floats:
        """Heights of the non-randomised histogram of the probability integral transform (bins,).

        All near one when predictions are calibrated; a U says that counts vary more than the model allows, a hump
        that they vary less.
        """
        return pit_histogram(*self._known("The transform"), bins)

    def marginal_calibration(self, k: Any = None) -> Any:
        """Predicted less observed share of counts up to k, as a Series; by default for all k that were seen."""
        import pandas as pd

        y, law = self._known("Calibration")
        at = np.arange(float(y.max()) + 1) if k is None else np.atleast_1d(np.asarray(k, dtype=np.float64))
        return pd.Series(marginal_gap(y, law, at), index=pd.Index(at, name="count"), name="gap")

    def _known(self, what: str) -> tuple[Floats, CountLaw]:
        data = self._data(what)
        seen = data.series.seen if data.used is None else data.used
        return data.series.y[seen], data.law.rows(seen)

    def _data(self, what: str) -> SeriesFit:
        return unstored(self.data, what)

    # ---- to come -----------------------------------------------------------------------------------------------
    def forecast(
        self,
        horizon: int | None = None,
        *,
        new: Any = None,
        paths: int = 2000,
        parameters: bool = True,
        rng: np.random.Generator | int | None = None,
    ) -> CountForecast:
        """Simulate the periods to come.

        Parameters
        ----------
        horizon : int, optional
            Number of periods, when the formula needs nothing but the calendar.
        new : Counts, frame or dict, optional
            One row for each period to come, with the covariates and "exposure".
        paths : int
            Simulated futures.
        parameters : bool
            Whether the estimates' own uncertainty is carried along: each path (or group of paths) has parameters
            drawn from their normal law, inside the model's domain.
        rng : numpy Generator or int
            Needed: forecasts are simulated.

        Raises
        ------
        DataError
            Without rng, or when rows to come are not described.
        """
        if rng is None:
            raise DataError(
                "Forecasts are simulated, and no source of randomness was given.",
                code="rng",
                hint="Give rng=1, or any whole number, so that the paths can be drawn again.",
            )
        data = self._data("A forecast")
        rows = self._to_come(data.series, horizon, new)
        drawn, expected, notes = self._paths(data, rows, int(paths), parameters, np.random.default_rng(rng))
        return CountForecast(
            index=np.asarray(rows.index, dtype=str),
            paths=drawn,
            expected=expected,
            exposure=rows.exposure,
            method=f"Forecast of {len(rows.index)} periods: {self.method}",
            sources=self.sources,
            warnings=notes,
            series=data.series,
            future=rows,
        )

    def _to_come(self, series: TimeSeries, horizon: int | None, new: Any) -> FutureRows:
        return future_rows(series, horizon, new)

    @abstractmethod
    def _paths(
        self, data: SeriesFit, rows: FutureRows, paths: int, parameters: bool, rng: np.random.Generator
    ) -> tuple[Floats, Floats, tuple[str, ...]]:
        """Drawn counts (paths, periods), their expected path, and what to say about them."""

    # ---- pictures ----------------------------------------------------------------------------------------------
    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the counts, the one-step means and their predictive limits; return the Axes."""
        from exitmodels.render.series import counted_series

        data = self._data("The picture")
        counts, dated = data.series.counts, data.series.counts.dated
        return counted_series(
            ax,
            y=data.series.y,
            mean=data.law.mean,
            low=data.law.quantile(alpha / 2),
            high=data.law.quantile(1 - alpha / 2),
            starts=counts.start if dated else None,
            ends=counts.end if dated else None,
            partial=counts.partial,
            level=f"{number(100 * (1 - alpha), 3)} % one-step",
        )

    def plot_pit(self, ax: Any = None, bins: int = 10) -> Any:
        """Draw the histogram of the probability integral transform; return the Axes."""
        from exitmodels.render.series import pit_bars

        return pit_bars(ax, self.pit(bins), int(self.nobs))

    def plot_calibration(self, ax: Any = None) -> Any:
        """Draw marginal calibration; return the Axes."""
        from exitmodels.render.series import calibration_gap

        gap = self.marginal_calibration()
        return calibration_gap(ax, gap.index.to_numpy(), gap.to_numpy())
