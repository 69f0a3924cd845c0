"""What a nowcast answers: completed counts with limits, the law of the delay, and whether that law was stable.

Third floor. Made by nowcast.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.delays import predicted_quantiles, two_laws
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates, check_level
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.shapes.ledger import Ledger

__all__ = ["DelayDistribution", "NowcastResults"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DelayDistribution(Estimates):
    """The law of the delay, given that it is at most the largest one modelled.

    Attributes
    ----------
    delay : (D + 1,)
        0, 1, ..., D periods.
    hazard, events, at_risk : (D + 1,)
        Reverse hazard P(delay = d | delay <= d), and the records behind it.
    cdf, pmf : (D + 1,)
    se_log_cdf : (D + 1,)
        Standard error of log cdf.
    mean, naive_mean : float
        Mean delay; and that of the records seen, which is too short.
    dispersion : float
    """

    delay: AnyArray
    hazard: Floats
    events: Floats
    at_risk: Floats
    cdf: Floats
    pmf: Floats
    se_log_cdf: Floats
    mean: float
    naive_mean: float
    dispersion: float
    alpha: float
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None

    def _named(self) -> tuple[Sequence[str], Floats]:
        return [f"delay <= {d}" for d in self.delay], self.cdf

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        """Limits on the scale log(-log cdf), so that they stay between 0 and 1."""
        z = stats.norm.ppf(1 - alpha / 2)
        low, high = self.cdf.copy(), self.cdf.copy()
        some = (self.cdf > 0) & (self.cdf < 1) & (self.se_log_cdf > 0)
        log = -np.log(self.cdf[some])
        factor = np.exp(z * self.se_log_cdf[some] / log)
        low[some], high[some] = np.exp(-log * factor), np.exp(-log / factor)
        low[self.cdf <= 0] = 0.0
        high[(self.cdf <= 0)] = np.nan
        return low, high

    def _heading(self) -> str:
        return f"Delay from event to record, given that it is at most {int(self.delay[-1])} periods"

    def _measure(self) -> str:
        return "share recorded"

    def _more(self) -> dict[str, Sequence[Any]]:
        return {"records": self.events.tolist(), "at risk": self.at_risk.tolist()}

    def quantile(self, p: float) -> int:
        """Smallest delay by which a share p (of those within the largest delay) is recorded."""
        check_level(p)
        return int(self.delay[np.searchsorted(self.cdf, p - 1e-12)])

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(("lagakos1988", "kalbfleisch_lawless1989"), self._heading())

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class NowcastResults(Estimates):
    """Completed counts.

    Attributes
    ----------
    origins : (m,)
    observed, nowcast, share_seen : (m,)
        Records seen; events estimated; probability that a record could be seen by now. NaN where nothing can be said.
    variance : (m,)
        Of true less estimated number.
    total_variance : float
        Of their sum.
    first_open : int
        The first origin whose records may still come.
    dispersion : float
    df : int
        Its degrees of freedom.
    delay : DelayDistribution
    """

    origins: tuple[str, ...]
    observed: Floats
    share_seen: Floats
    nowcast: Floats
    variance: Floats
    variance_log: Floats
    total_variance: float
    kind: str
    dispersion: float
    df: int
    whole: bool
    first_open: int
    alpha: float
    delay: DelayDistribution
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None
    triangle: Any = field(default=None, metadata={"stored": False})

    @property
    def nowcast_se(self) -> Floats:
        """Standard error of prediction of each origin."""
        return np.sqrt(self.variance)

    @property
    def unreported(self) -> Floats:
        """Estimated events whose record is still to come."""
        return self.nowcast - self.observed

    def _named(self) -> tuple[Sequence[str], Floats]:
        return list(self.origins[self.first_open :]), self.nowcast[self.first_open :]

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        """What was seen, plus quantiles of what was not (with half a record more, as a prior)."""
        n = self.observed + (0.5 if self.whole else 0.0)
        share, open_ = self.share_seen, self.share_seen < 1
        more = n * (1 - share) / share
        phi = self.dispersion if self.kind == "quasi" else 1.0
        spread = phi * (n * (1 - share) / share**2 + (n / share) ** 2 * self.variance_log)
        if self.kind == "mack":
            spread = np.maximum(self.variance, more if self.whole else 0.0)
        ends = [
            np.where(open_, self.observed + predicted_quantiles(q, np.where(open_, more, 0.0), spread, self.whole), n)
            for q in (alpha / 2, 1 - alpha / 2)
        ]
        known = np.isfinite(self.nowcast)
        low = np.where(known, np.where(open_, ends[0], self.observed), self.observed)
        high = np.where(known, np.where(open_, ends[1], self.observed), np.inf)
        return low[self.first_open :], high[self.first_open :]

    def _heading(self) -> str:
        words = {"quasi": "over-dispersed Poisson", "poisson": "Poisson", "mack": "Mack's"}[self.kind]
        return f"Nowcast, {words} limits, delays up to {int(self.delay.delay[-1])} periods"

    def _measure(self) -> str:
        return "events"

    def _more(self) -> dict[str, Sequence[Any]]:
        part = slice(self.first_open, None)
        return {"recorded": self.observed[part].tolist(), "share seen": self.share_seen[part].tolist()}

    def total(self, alpha: float | None = None) -> Any:
        """All events together, and those still to be recorded: DataFrame of observed, estimate, se, low, high."""
        alpha = self.alpha if alpha is None else alpha
        check_level(alpha)
        seen, more = float(self.observed.sum()), float(np.nansum(self.unreported))
        mean, spread = np.array([more]), np.array([self.total_variance])
        low, high = (float(predicted_quantiles(q, mean, spread, self.whole)[0]) for q in (alpha / 2, 1 - alpha / 2))
        se = float(np.sqrt(self.total_variance))
        rows = np.array([[seen, seen + more, se, seen + low, seen + high], [0.0, more, se, low, high]])
        return labelled(rows, ("all events", "still to be recorded"), ("observed", "estimate", "se", "low", "high"))

    def to_frame(self, alpha: float | None = None) -> Any:
        """Return one row per origin: origin, observed, share_seen, nowcast, se, low, high."""
        import pandas as pd

        low, high = self.observed.copy(), self.observed.copy()
        low[self.first_open :], high[self.first_open :] = self._limits(self.alpha if alpha is None else alpha)
        made = {"origin": self.origins, "observed": self.observed, "share_seen": self.share_seen}
        return pd.DataFrame({**made, "nowcast": self.nowcast, "se": self.nowcast_se, "low": low, "high": high})

    def stability_test(self, split: int | None = None) -> HypothesisTest:
        """Test that the law of the delay was the same in old and new origins.

        Parameters
        ----------
        split : int, optional
            Number of origins that are old; by default half of the records lie on each side.

        Notes
        -----
        The sum over delays of chi-squared statistics of the reverse hazards, divided by the dispersion. A law that
        changes makes a nowcast wrong however narrow its limits; use ``recent=`` then.
        """
        if self.triangle is None:
            raise DataError("The test needs the triangle, which is not stored.", code="no-data", hint="Fit again.")
        m = len(self.origins)
        half = int(np.searchsorted(np.cumsum(self.observed), self.observed.sum() / 2)) + 1 if split is None else split
        if not 0 < half < m:
            raise DataError(f"split={half} leaves one side empty.", code="split", hint=f"Use 1 to {m - 1}.")
        late = (np.arange(m) >= half).astype(np.int64)
        statistic, df = two_laws(self.triangle.n, self.triangle.last, late)
        if df == 0:
            raise DataError("No delay can be compared.", code="split", hint="Split where both sides have records.")
        scaled = statistic / self.dispersion
        return HypothesisTest(
            statistic=scaled,
            df=df,
            pvalue=float(stats.chi2.sf(scaled, df)),
            method=f"Test of one law of the delay, origins before {self.origins[half]} and from it on",
            ledger=self.ledger,
            sources=("lagakos1988",),
        )

    def plot(self, ax: Any = None, alpha: float | None = None) -> Any:
        """Draw records seen as bars, estimated further events hatched above them, and limits; return the Axes."""
        from exitmodels.render.nowcast import completed_bars

        frame = self.to_frame(alpha)
        level = f"{100 * (1 - (self.alpha if alpha is None else alpha)):g} %"
        from_ = max(0, self.first_open - len(self.delay.delay))
        seen, estimate, low, high = (frame[c].to_numpy()[from_:] for c in ("observed", "nowcast", "low", "high"))
        return completed_bars(ax, list(self.origins[from_:]), seen, estimate, low, high, level, self.whole)

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        more = {"quasi": ("renshaw_verrall1998",), "poisson": (), "mack": ("mack1993",)}[self.kind]
        return citation(("kalbfleisch_lawless1989", "lawless1994", *more), self._heading())

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__
