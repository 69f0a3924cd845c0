"""What a fitted Hawkes process answers: branching with limits, intensity, and whether the model holds.

Third floor. Made by hawkes.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.ascent import Ascent
from exitmodels.kernels.hawkes import Events, compensator, intensity_at
from exitmodels.kernels.hawkes_binned import Binned, family_log_law, rates
from exitmodels.kernels.hawkes_fit import climb, likelihood_of, null_fit, profile_limits
from exitmodels.kernels.hawkes_paths import draw_events
from exitmodels.kernels.uniformity import anderson_darling, kolmogorov_smirnov
from exitmodels.models.counts.hawkes_rows import HawkesData
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.dates import day_number

__all__ = ["HawkesResults"]

_TESTS = {"ks": "Kolmogorov-Smirnov", "ad": "Anderson-Darling"}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class HawkesResults(Regression):
    """A fitted Hawkes process.

    Attributes
    ----------
    n_background : int
        The first so many coefficients are those of the log background; the others, if any, are the logarithms of the
        branching ratio and of the decay.
    longest : float
        Largest mean delay that was considered.

    `llnull` is the same background without self-excitation. Other attributes are those of `Regression`.
    """

    n_background: int
    longest: float
    model_choices: Any = field(default=None, metadata={"stored": False})
    data: Any = field(default=None, metadata={"stored": False})

    # ---- what the coefficients mean ----------------------------------------------------------------------------
    @property
    def excited(self) -> bool:
        """Whether any self-excitation was found."""
        return len(self.names) > self.n_background

    @property
    def branching(self) -> float:
        """Mean number of events that one event brings about directly; 0 when none were found."""
        return float(np.exp(self.estimate[-2])) if self.excited else 0.0

    @property
    def decay(self) -> float:
        """One over the mean delay of the echo."""
        return float(np.exp(self.estimate[-1])) if self.excited else float("nan")

    @property
    def mean_delay(self) -> float:
        """Mean time between an event and those it brings about."""
        return 1 / self.decay

    @property
    def n_parameters(self) -> float:
        """Coefficients, the branching ratio and the decay counted."""
        return len(self.names)

    def branching_ratio(self, alpha: float = 0.05, method: str = "profile") -> Any:
        """Branching ratio with limits: a Series of estimate, low, high.

        Parameters
        ----------
        alpha : float
        method : {"profile", "wald"}
            Profile likelihood (other parameters at their best for each ratio; the lower limit is 0 when no
            self-excitation is compatible with the data), or the normal law for its logarithm.
        """
        half = self._critical(alpha)
        if method == "wald":
            spread = half * self.standard_errors[-2] if self.excited else np.nan
            values = self.branching * np.exp(np.array([0.0, -spread, spread]))
            return labelled(values, ("estimate", "low", "high"), name="branching ratio")
        if method != "profile":
            raise DataError(f"method={method!r} is not known.", code="method", hint='Use "profile" or "wald".')
        data = self._data("Profile limits")
        least, value = 1 / self.longest, likelihood_of(data.kernel)
        low, high = profile_limits(value, self._top(data), half**2 / 2, least, self.llnull)
        return labelled(np.array([self.branching, low, high]), ("estimate", "low", "high"), name="branching ratio")

    def _top(self, data: HawkesData) -> Ascent:
        """Where the profile starts: the estimate or, without excitation, a faint echo of middle length."""
        value, at = likelihood_of(data.kernel), self.estimate
        if not self.excited:
            middle = np.log(np.sqrt(data.n.sum() / data.length / self.longest))
            at = np.append(at, [np.log(1e-3), middle])
        here = value(at)
        assert here is not None
        return Ascent(at, here, np.zeros(len(at), dtype=bool), self.converged, 0)

    @property
    def _theta(self) -> Floats:
        return self.estimate if self.excited else np.append(self.estimate, [-290.0, 0.0])

    def _data(self, what: str) -> HawkesData:
        return unstored(self.data, what, "need")

    # ---- does the model hold? ----------------------------------------------------------------------------------
    def residuals(self, kind: str | None = None) -> Any:
        """Residuals: "rescaled" gaps for exact times (unit exponential if the model holds), "pearson" for counts."""
        import pandas as pd

        data = self._data("Residuals")
        if isinstance(data.kernel, Events):
            if kind not in (None, "rescaled"):
                raise DataError(f"kind={kind!r} is not known for exact times.", code="kind", hint='Use "rescaled".')
            return pd.Series(np.diff(compensator(data.kernel, self._theta)[:-1], prepend=0.0), name="rescaled gap")
        if kind not in (None, "pearson"):
            raise DataError(f"kind={kind!r} is not known for counts.", code="kind", hint='Use "pearson".')
        outside, within = self._law(data.kernel)
        value = (data.n - outside / (1 - within)) / np.sqrt(outside / (1 - within) ** 3)
        return pd.Series(value, index=self._index(data), name="pearson residual")

    def _law(self, kernel: Binned) -> tuple[Floats, Floats]:
        made = rates(kernel, self._theta)
        assert made is not None
        (carried, _, _), (within, _, _), background = made
        return background + carried, within

    def _index(self, data: HawkesData) -> Any:
        return None if data.counts is None else list(data.counts.periods)

    def time_rescaling_test(self, method: str = "ks", rng: Any = None) -> HypothesisTest:
        """Test that the fitted intensity explains the clustering.

        Gaps between events, measured by the expected number of events, are then independent and unit exponential. For
        counts the probability integral transform takes their place, randomised within each count with `rng`.

        Parameters
        ----------
        method : {"ks", "ad"}
            Kolmogorov-Smirnov, or Anderson-Darling, which sees the tails better.
        rng : numpy Generator or seed
            Needed for counts only.

        Notes
        -----
        The p-value takes the parameters as known, and is too large by the amount to which they were fitted to these
        same events: a small one counts, a large one says little. Source: Papangelou (1972); Ogata (1988).
        """
        if method not in _TESTS:
            raise DataError(f"method={method!r} is not known.", code="method", hint='Use "ks" or "ad".')
        u = self._uniforms(rng)
        statistic, p = kolmogorov_smirnov(u) if method == "ks" else anderson_darling(u)
        note = "parameters were estimated from the same events, so that this p-value is too large"
        return HypothesisTest(
            statistic=statistic,
            df=float("nan"),
            pvalue=p,
            method=f"{_TESTS[method]} test of the rescaled times",
            distribution=method,
            sources=("ogata1988",),
            ledger=self.ledger,
            warnings=(note,),
        )

    def _uniforms(self, rng: Any) -> Floats:
        data = self._data("The test")
        if isinstance(data.kernel, Events):
            return -np.expm1(-np.diff(compensator(data.kernel, self._theta)[:-1], prepend=0.0))
        outside, within = self._law(data.kernel)
        n = np.arange(int(data.n.max()) + 1.0)
        below = np.cumsum(np.exp(family_log_law(n, outside[:, None], within[:, None])), axis=1)
        row, count = np.arange(len(data.n)), data.n.astype(np.int64)
        low = np.where(count > 0, below[row, np.maximum(count - 1, 0)], 0.0)
        return low + np.random.default_rng(rng).random(len(row)) * (below[row, count] - low)

    def excitation_test(self, n: int = 199, rng: Any = None) -> HypothesisTest:
        """Test of no self-excitation, by simulation from the background alone.

        Parameters
        ----------
        n : int
            Simulated histories; each is fitted again.
        rng : numpy Generator or seed

        Notes
        -----
        Without self-excitation the decay means nothing and the ratio lies at its bound, so that the likelihood ratio
        has no chi-squared law. p = (1 + number as large) / (1 + n).
        """
        data, rng = self._data("The test"), np.random.default_rng(rng)
        statistic = 2 * (self.llf - self.llnull)
        drawn = np.array([self._null_statistic(data, rng) for _ in range(n)])
        p = float((1 + np.sum(drawn >= statistic - 1e-9)) / (1 + n))
        return HypothesisTest(
            statistic=statistic,
            df=float("nan"),
            pvalue=p,
            method=f"Likelihood-ratio test of no self-excitation, {n} simulated histories",
            distribution="simulated",
            sources=("hawkes1971", "ogata1988"),
            ledger=self.ledger,
        )

    def _null_statistic(self, data: HawkesData, rng: np.random.Generator) -> float:
        design = data.kernel.design
        base = null_fit(data.n, data.mass, design).at
        n = rng.poisson(data.mass * np.exp(design @ base)).astype(np.float64)
        if n.sum() <= len(base) + 2:
            return 0.0
        kernel: Events | Binned
        if isinstance(data.kernel, Events):
            edges = data.kernel.edges
            times = np.sort(
                np.repeat(edges[:-1], n.astype(int))
                + rng.random(int(n.sum())) * np.repeat(np.diff(edges), n.astype(int))
            )
            kernel = Events.of(times, data.kernel.end, edges, design)
        else:
            kernel = replace(data.kernel, n=n)
        again = replace(data, kernel=kernel, n=n)
        null = null_fit(n, data.mass, design)
        rate, least = n.sum() / data.length, 1 / self.longest
        decays = np.unique(np.maximum(rate * np.array([0.1, 1.0, 10.0]), 2 * least))
        best = climb(likelihood_of(again.kernel), null.at, decays, least)
        if best is None:
            return 0.0
        nothing = likelihood_of(again.kernel)(np.append(null.at, [-290.0, 0.0]))
        assert nothing is not None
        return max(2 * (best.surface.value - nothing.value), 0.0)

    # ---- curves ------------------------------------------------------------------------------------------------
    def intensity(self, at: Any = None, alpha: float = 0.05) -> Any:
        """Expected events per unit of time, given what had happened, with limits.

        Parameters
        ----------
        at : array of times (or dates), optional
            By default 400 moments over the window. For counts: the periods, always.
        alpha : float

        Returns
        -------
        DataFrame: time, intensity, low, high (delta method on the log scale; the past is taken as it was). For
        counts: period, mean, and quantiles low and high of the count, given the past and the estimates.
        """
        import pandas as pd

        data = self._data("Intensities")
        if isinstance(data.kernel, Binned):
            mean, low, high = self._ahead(data.kernel, alpha)
            return pd.DataFrame({"period": self._index(data), "n": data.n, "mean": mean, "low": low, "high": high})
        grid = np.linspace(0, data.length, 400) if at is None else self._distance(at, data)
        if np.any((grid < 0) | (grid > data.length)):
            raise DataError("Some of these times lie outside the window.", code="outside", hint="Stay inside it.")
        value, slope = intensity_at(data.kernel, self._theta, grid)
        slope = slope[:, : len(self.names)]
        spread = self._critical(alpha) * np.sqrt(np.einsum("ij,jk,ik->i", slope, self.covariance, slope))
        made = {"intensity": value, "low": value * np.exp(-spread), "high": value * np.exp(spread)}
        return pd.DataFrame({"time": self._clock(grid, data), **made})

    def _ahead(self, kernel: Binned, alpha: float) -> tuple[Floats, Floats, Floats]:
        outside, within = self._law(kernel)
        mean = outside / (1 - within)
        most = int(kernel.n.max() + mean.max() + 12 * np.sqrt((outside / (1 - within) ** 3).max()) + 20)
        law = np.exp(family_log_law(np.arange(most + 1.0), outside[:, None], within[:, None]))
        below = np.cumsum(law, axis=1)
        low, high = ((below < side).sum(axis=1) for side in (alpha / 2, 1 - alpha / 2))
        return mean, low.astype(np.float64), high.astype(np.float64)

    def _distance(self, at: Any, data: HawkesData) -> Floats:
        moments = np.atleast_1d(np.asarray(at))
        values = [day_number(moment, "at") if data.dated else float(moment) for moment in moments]
        return np.asarray(values, dtype=np.float64) - data.start

    def _clock(self, distance: Floats, data: HawkesData) -> Any:
        moments = distance + data.start
        return (moments * 86_400e6).astype("datetime64[us]") if data.dated else moments

    @property
    def background_share(self) -> float:
        """Share of the expected events that came from the background, not from earlier events."""
        data = self._data("The share")
        if isinstance(data.kernel, Events):
            total = float(compensator(data.kernel, self._theta)[-1])
        else:
            outside, within = self._law(data.kernel)
            total = float((outside / (1 - within)).sum())
        rate = np.exp(data.kernel.design @ self.estimate[: self.n_background])
        return float(data.mass @ rate) / total

    def simulate(self, rng: Any = None) -> Floats:
        """Draw the event times of another history from this fit, without a past, on the clock of the data."""
        data = self._data("Simulated histories")
        rate = np.exp(data.kernel.design @ self.estimate[: self.n_background])
        if isinstance(data.kernel, Events):
            edges = data.kernel.edges
        else:
            edges = np.concatenate([[0.0], np.cumsum(data.kernel.length)])
            rate = rate * data.kernel.exposure / data.kernel.length
        decay = self.decay if self.excited else 1.0
        drawn = draw_events(edges, rate, self.branching, decay, np.random.default_rng(rng))
        return np.asarray(drawn + data.start)

    def _facts(self) -> list[tuple[str, Any]]:
        delay = [("mean delay of the echo", self.mean_delay)] if self.excited else []
        return [*super()._facts(), ("branching ratio", self.branching), *delay]

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the intensity with the events below it, or counts with their one-step means; return the Axes."""
        from exitmodels.render.selfexcited import intensity_line
        from exitmodels.render.series import counted_series

        data = self._data("Figures")
        if isinstance(data.kernel, Events):
            frame = self.intensity(alpha=alpha)
            marks = self._clock(data.kernel.times, data)
            time, value, low, high = (frame[name].to_numpy() for name in ("time", "intensity", "low", "high"))
            return intensity_line(ax, time, value, low, high, marks, f"{100 * (1 - alpha):g} %")
        mean, low, high = self._ahead(data.kernel, alpha)
        counts = data.counts
        assert counts is not None
        order = np.argsort(counts.start if counts.dated else counts.period_code, kind="stable")
        starts, ends = (counts.start[order], counts.end[order]) if counts.dated else (None, None)
        return counted_series(
            ax, y=data.n, mean=mean, low=low, high=high, starts=starts, ends=ends,
            partial=counts.partial[order], level=f"{100 * (1 - alpha):g} %", label="mean given the past",
        )  # fmt: skip
