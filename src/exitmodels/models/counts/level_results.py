"""What a local-level fit answers: the smoothed level, seasons, effects, innovations and the periods to come.

Third floor. Everything common to regressions comes from results/regression.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import symmetric_root
from exitmodels.kernels.levelfilter import innovations
from exitmodels.kernels.levelvariance import LevelFit, gaussian_at
from exitmodels.kernels.locallevel import Smoothed, poisson_mode
from exitmodels.models.counts.forecast import CountForecast
from exitmodels.models.counts.series import TimeSeries
from exitmodels.models.counts.series_ahead import future_rows
from exitmodels.render.text import number, pvalue
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored

__all__ = ["LevelData", "LocalLevelResults"]

_SETS = 200


@dataclass(frozen=True, eq=False)
class LevelData:
    """What the fit was made from; never stored with the result."""

    series: TimeSeries
    response: Floats
    design: Floats
    fit: LevelFit


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class LocalLevelResults(Regression):
    """A fitted local level.

    The first coefficients are the variances (with limits made on the log scale and no test, since zero is their edge);
    then come seasons and covariates.

    Attributes
    ----------
    family : {"poisson", "gaussian"}
    log : bool
        Whether the Gaussian response is log(n).
    season_length : int
        Zero without a season.
    n_variances : int
    log_covariance : (v, v)
        Covariance of the logs of the variances.
    at_limit : {"", "step", "noise"}
        A variance that is zero.

    Other attributes are those of `exitmodels.results.regression.Regression`.
    """

    family: str
    log: bool
    season_length: int
    n_variances: int
    log_covariance: Floats
    at_limit: str
    data: LevelData | None = field(default=None, metadata={"stored": False})

    # ---- estimates ---------------------------------------------------------------------------------------------
    @property
    def level_variance(self) -> float:
        """Variance of a step of the level."""
        return float(self.estimate[self.n_variances - 1])

    @property
    def irregular_variance(self) -> float:
        """Variance of the noise of the Gaussian family; NaN for Poisson counts."""
        return float(self.estimate[0]) if self.family == "gaussian" else float("nan")

    @property
    def log_variance_se(self) -> Any:
        """Standard errors of the logs of the variances, as a Series."""
        return labelled(np.sqrt(np.diag(self.log_covariance)), self.names[: self.n_variances], name="se")

    @property
    def n_parameters(self) -> int:
        """Variances and effects, and the start of the level."""
        return len(self.names) + 1

    @property
    def df_model(self) -> int:
        """Effects of season and covariates."""
        return len(self.names) - self.n_variances

    @property
    def zvalues(self) -> Any:
        """Effects over their standard errors; NaN for variances."""
        values = super().zvalues.to_numpy(copy=True)
        values[: self.n_variances] = np.nan
        return labelled(values, self.names, name="z")

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Limits: columns low, high; for variances made on the log scale."""
        limits = super().conf_int(alpha).to_numpy(copy=True)
        v = self.n_variances
        half = self._critical(alpha) * np.sqrt(np.diag(self.log_covariance))
        limits[:v] = self.estimate[:v, None] * np.exp(np.column_stack([-half, half]))
        return labelled(limits, self.names, ("low", "high"))

    def ratios(self, alpha: float = 0.05) -> Any:
        """Exponentiated effects with limits; NaN for variances, and where the response is not a log."""
        limits = self.conf_int(alpha).to_numpy()
        with np.errstate(over="ignore"):
            values = np.exp(np.column_stack([self.estimate, limits]))
        values[: self.n_variances if self.log or self.family == "poisson" else None] = np.nan
        return labelled(values, self.names, (self.ratio_name, "low", "high"))

    def season(self, alpha: float = 0.05) -> Any:
        """All effects of the season, which sum to zero: estimate, se, low, high, as a DataFrame."""
        if not self.season_length:
            raise DataError("The model has no season.", code="season", hint="Fit LocalLevel(season=12), say.")
        import pandas as pd

        v, s = self.n_variances, self.season_length
        turn = np.vstack([np.eye(s - 1), -np.ones(s - 1)])
        value = turn @ self.estimate[v : v + s - 1]
        error = np.sqrt(np.diag(turn @ self.covariance[v : v + s - 1, v : v + s - 1] @ turn.T))
        half = self._critical(alpha) * error
        columns = {"estimate": value, "se": error, "low": value - half, "high": value + half}
        return pd.DataFrame(columns, index=pd.RangeIndex(1, s + 1, name="season"))

    def _table(self, alpha: float) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        level = number(100 * (1 - alpha), 3)
        columns = ("term", "estimate", "se", "z", "p", f"low {level}%", f"high {level}%")
        rows = tuple(
            (
                r.term,
                r.estimate,
                r.se,
                "" if np.isnan(r.statistic) else f"{r.statistic:.2f}",
                "" if np.isnan(r.p) else pvalue(r.p),
                r.low,
                r.high,
            )
            for r in self.tidy(alpha).itertuples()
        )
        return columns, rows

    def _facts(self) -> list[tuple[str, Any]]:
        facts = [(name, value) for name, value in super()._facts() if name not in ("rows", "events", "variance")]
        return [("periods", self.nobs), ("records", self.n_events), *facts]

    # ---- over time ---------------------------------------------------------------------------------------------
    def level(self, alpha: float = 0.05) -> Any:
        """Smoothed level of each period, given the whole series: level, se, low, high, as a DataFrame.

        Limits hold for one period at a time and take the variances as estimated. For Poisson counts the level is a
        log rate.
        """
        made = self._data("The level").fit.smoothed
        return self._lines("level", made.level, made.level_variance, alpha)

    def signal(self, alpha: float = 0.05) -> Any:
        """Level plus season and covariates of each period, as `level`."""
        made = self._data("The signal").fit.smoothed
        return self._lines("signal", made.signal, made.signal_variance, alpha)

    def _lines(self, name: str, value: Floats, variance: Floats, alpha: float) -> Any:
        import pandas as pd

        error = np.sqrt(np.maximum(variance, 0.0))
        half = self._critical(alpha) * error
        columns = {name: value, "se": error, "low": value - half, "high": value + half}
        return pd.DataFrame(columns, index=pd.Index(self._data(name).series.index, name="period"))

    @property
    def fitted_values(self) -> Any:
        """Mean of each period given the whole series (exposure included for Poisson counts), as a Series."""
        import pandas as pd

        data = self._data("Fitted values")
        return pd.Series(data.fit.mean, index=data.series.index, name="mean")

    def residuals(self, kind: str = "innovation") -> Any:
        """Residuals of the periods; NaN where there is none.

        Parameters
        ----------
        kind : {"innovation", "response"}
            "innovation": standardised one-step prediction errors of the Gaussian family, independent and standard
            normal when the model holds; the first ones are used up by the level and the effects. "response": response
            less smoothed signal (count less mean, for Poisson).
        """
        import pandas as pd

        data = self._data("Residuals")
        if kind == "response":
            made = data.response - data.fit.mean
        elif kind == "innovation" and self.family == "gaussian":
            seen = np.isfinite(data.response)
            work, weight = np.where(seen, data.response, 0.0), seen / data.fit.noise
            error, variance = innovations(work, weight, data.design, data.fit.step)
            made = error / np.sqrt(variance)
        else:
            raise DataError(
                f"kind={kind!r} is not known for the {self.family} family.",
                code="kind",
                hint='Use "response", or "innovation" for the Gaussian family.',
            )
        return pd.Series(made, index=data.series.index, name=kind)

    def _data(self, what: str) -> LevelData:
        return unstored(self.data, what)

    # ---- to come -----------------------------------------------------------------------------------------------
    def predict_level(self, horizon: int, alpha: float = 0.05) -> Any:
        """Level of the periods to come: level, se, low, high. It stays where it is; what is known of it fades."""
        import pandas as pd

        made = self._data("A prediction").fit.smoothed
        ahead = np.arange(1, int(horizon) + 1)
        error = np.sqrt(made.level_variance[-1] + ahead * self.level_variance)
        half = self._critical(alpha) * error
        value = np.full(len(ahead), made.level[-1])
        columns = {"level": value, "se": error, "low": value - half, "high": value + half}
        return pd.DataFrame(columns, index=pd.Index([f"+{i}" for i in ahead], name="period"))

    def forecast(
        self,
        horizon: int | None = None,
        *,
        new: Any = None,
        paths: int = 2000,
        parameters: bool = True,
        rng: np.random.Generator | int | None = None,
    ) -> CountForecast:
        """Simulate the periods to come: level, effects and noise, and (with `parameters`) the variances too.

        Parameters
        ----------
        horizon, new, paths, rng
            As in `SeriesResults.forecast`. For the Gaussian family paths are values of the response (rates, or their
            logs), not counts.
        parameters : bool
            Whether the variances are drawn from the normal law of their logs, rather than taken as estimated.
        """
        if rng is None:
            raise DataError(
                "Forecasts are simulated, and no source of randomness was given.",
                code="rng",
                hint="Give rng=1, or any whole number, so that the paths can be drawn again.",
            )
        data, generator = self._data("A forecast"), np.random.default_rng(rng)
        rows = future_rows(data.series, horizon, new)
        design = np.column_stack([self._seasons_ahead(data, len(rows.exposure)), rows.matrix[:, 1:]])
        known = np.isfinite(self.log_covariance).all() and not self.at_limit
        sets = min(int(paths), _SETS) if parameters and known else 1
        each = -(-int(paths) // sets)
        drawn = np.concatenate(
            [
                self._ahead(data, *pair, design, rows.exposure, each, generator)
                for pair in self._sets(data, sets, generator)
            ]
        )[: int(paths)]
        made = data.fit.smoothed
        middle = made.level[-1] + design @ made.coef
        expected = rows.exposure * np.exp(middle) if self.family == "poisson" else middle
        notes = () if parameters and known else ("limits take the variances as if they were known",)
        return CountForecast(
            index=np.asarray(rows.index, dtype=str),
            paths=drawn,
            expected=np.asarray(expected, dtype=np.float64),
            exposure=rows.exposure,
            method=f"Forecast of {len(rows.index)} periods: {self.method}",
            sources=self.sources,
            warnings=notes,
            series=data.series if self.family == "poisson" else None,
            future=rows,
        )

    def _seasons_ahead(self, data: LevelData, h: int) -> Floats:
        s = self.season_length
        if not s:
            return np.zeros((h, 0))
        # The design of one season ago is that of the season to come.
        n = len(data.design)
        return np.asarray(data.design[[n - s + i % s for i in range(h)], : s - 1], dtype=np.float64)

    def _sets(self, data: LevelData, sets: int, rng: np.random.Generator) -> list[tuple[float, float, Smoothed]]:
        """Variances and the smoothed level that goes with them."""
        fit = data.fit
        if sets == 1:
            return [(fit.noise, fit.step, fit.smoothed)]
        logs = rng.standard_normal((sets, self.n_variances)) @ symmetric_root(self.log_covariance)
        scale = np.exp(np.clip(logs, -8.0, 8.0))
        found: list[tuple[float, float, Smoothed]] = []
        for row in scale:
            noise, step = fit.noise * row[0], fit.step * row[-1]
            if self.family == "gaussian":
                found.append((noise, step, gaussian_at(data.response, data.design, noise, step)[1]))
            else:
                begin, offset = fit.smoothed.signal, np.log(data.series.exposure)
                found.append((np.nan, step, poisson_mode(data.response, offset, data.design, step, begin)[0]))
        return found

    def _ahead(
        self,
        data: LevelData,
        noise: float,
        step: float,
        made: Smoothed,
        design: Floats,
        exposure: Floats,
        each: int,
        rng: np.random.Generator,
    ) -> Floats:
        joint = np.block([[made.level_variance[-1:, None], made.cross[-1:]], [made.cross[-1:].T, made.coef_covariance]])
        centre = np.append(made.level[-1], made.coef)
        drawn = centre + rng.standard_normal((each, len(centre))) @ symmetric_root(joint)
        walk = np.cumsum(np.sqrt(step) * rng.standard_normal((each, len(exposure))), axis=1)
        signal = drawn[:, :1] + walk + drawn[:, 1:] @ design.T
        if self.family == "gaussian":
            return np.asarray(signal + np.sqrt(noise) * rng.standard_normal(signal.shape), dtype=np.float64)
        return np.asarray(rng.poisson(exposure * np.exp(np.minimum(signal, 30.0))), dtype=np.float64)

    # ---- pictures ----------------------------------------------------------------------------------------------
    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the observed rates (or the response) with the smoothed signal and level; return the Axes."""
        from exitmodels.render.series import level_line

        data = self._data("The picture")
        poisson = self.family == "poisson"
        frames = ({"signal": self.signal(alpha)} if self.df_model else {}) | {"level": self.level(alpha)}
        lines = []
        for name, frame in frames.items():
            columns = [frame[c].to_numpy() for c in (name, "low", "high")]
            value, low, high = (np.exp(c) for c in columns) if poisson else columns
            lines.append((f"smoothed {name}", value, low, high))
        counts = data.series.counts
        dated = counts.dated
        return level_line(
            ax,
            y=data.response / data.series.exposure if poisson else data.response,
            lines=lines,
            starts=counts.start if dated else None,
            ends=counts.end if dated else None,
            label="log of the rate" if self.log else _rate_words(data.series),
            level=f"{number(100 * (1 - alpha), 3)} %",
        )


def _rate_words(series: TimeSeries) -> str:
    if not series.with_exposure or not series.counts.dated:
        return "records per period" if not series.with_exposure else "records per unit of exposure"
    return "records per day" if series.counts.unit == "D" else "records per unit of exposure"
