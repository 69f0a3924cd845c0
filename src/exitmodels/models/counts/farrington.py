"""Is this week's count an outbreak, judged by the same weeks of former years? Farrington's limits, old and improved.

Third floor. Read next: monitoring.py (cumulated sums, run lengths), periods_in.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.outbreak import THRESHOLDS, baseline_rows, season_blocks, upper_limit
from exitmodels.models.counts.monitoring import Watched
from exitmodels.models.counts.periods_in import PeriodSeries, check_alpha, one_series, read_series
from exitmodels.render.text import Block, Summary

__all__ = ["OutbreakLimits", "farrington"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class OutbreakLimits(Watched):
    """Expected counts and limits of the periods that were judged.

    Attributes
    ----------
    rows : (m,) int
    expected, upper, pvalue, score, dispersion : (m,)
        `score` is (count - expected) / (upper - expected): above one is above the limit.
    trend : (m,)
        Slope of the log rate per period; 0 where no trend was kept.
    alarm : (m,) bool
        Score above one and enough events lately.
    """

    rows: Ints
    expected: Floats
    upper: Floats
    pvalue: Floats
    score: Floats
    dispersion: Floats
    trend: Floats
    alarm: Bools
    method: str
    alpha: float
    series: PeriodSeries
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("farrington1996",)

    @property
    def dates(self) -> tuple[str, ...]:
        """First days of the periods with an alarm."""
        return tuple(self.series.begins(int(i)) for i in self.rows[self.alarm])

    def tidy(self) -> Any:
        """One row for each period that was judged."""
        import pandas as pd

        made = {"period": [self.series.labels[i] for i in self.rows], "n": self.series.y[self.rows]}
        more = {
            "expected": self.expected,
            "upper": self.upper,
            "p": self.pvalue,
            "score": self.score,
            "alarm": self.alarm,
        }
        return pd.DataFrame(made | more)

    to_frame = tidy

    def summary(self) -> Summary:
        """Return the printed form: the periods with an alarm."""
        frame = self.tidy()
        shown = frame[frame.alarm][["period", "n", "expected", "upper", "p"]]
        rows = tuple(tuple(row) for row in shown.itertuples(index=False)) or (("none", "", "", "", ""),)
        facts = (
            ("periods judged", len(self.rows)),
            ("alarms", int(self.alarm.sum())),
            ("alpha, one-sided", self.alpha),
        )
        return Summary(
            f"Outbreak limits, {self.method}",
            facts,
            (Block(("alarm in", "n", "expected", "limit", "p"), rows),),
            self.warnings,
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw counts, expectations, limits and alarms of the periods that were judged; return the Axes."""
        from exitmodels.render import changes as picture

        starts, ends = self.series.days
        rows = np.asarray(self.rows, dtype=np.int64)
        return picture.watched_series(
            ax,
            y=self.series.y[rows],
            expected=self.expected,
            upper=self.upper,
            alarm=np.asarray(self.alarm, dtype=bool),
            starts=None if starts is None else starts[rows],
            ends=None if ends is None else ends[rows],
            partial=np.asarray(self.series.partial, dtype=bool)[rows],
            first=int(rows[0]),
        )


def farrington(
    data: Any,
    exposure: Any = None,
    *,
    method: str = "improved",
    season: int = 52,
    years: int = 5,
    half: int = 3,
    last: int | None = None,
    blocks: int | None = None,
    skip: int | None = None,
    reweight: float | None = None,
    trend: bool = True,
    trend_alpha: float | None = None,
    threshold: str = "power",
    alpha: float = 0.05,
    few: tuple[int, int] = (5, 4),
    as_surveillance: bool = False,
) -> OutbreakLimits:
    """Judge each of the last periods by a baseline of former years, in which former outbreaks weigh less.

    Parameters
    ----------
    data : Counts or array
    exposure : (n,) array, optional
    method : {"improved", "original"}
        Defaults of Noufaily et al. (2013): the year in 10 blocks, the last 26 periods left out, counts more than 2.58
        standard deviations high weigh less, a trend always tried; or of Farrington et al. (1996): the 2 `half` + 1
        periods around the same period of each year, counts more than 1 high weigh less, a trend kept when its p-value
        is below 0.05. `blocks`, `skip`, `reweight` and `trend_alpha` override these.
    season : int
        Periods in a year.
    years, half : int
    last : int, optional
        How many periods to judge; by default all that have so many years before them.
    threshold : {"power", "negbin-plugin", "negbin-quantile"}
        Limit from a normal law of counts to the power 2/3; from a negative binomial law at the expected count; or at
        the upper `alpha` quantile of the expected count.
    alpha : float
        One-sided. The original paper's 0.05 for both sides is ``alpha=0.025`` here.
    few : (events, periods)
        No alarm unless so many events happened in the last so many periods, the present one included.
    as_surveillance : bool
        Follow the R package surveillance to the last digit: its fits stop earlier, and after reweighting its
        improved method computes the dispersion behind standard errors with wrong weights. By default neither.

    Raises
    ------
    IdentificationError
        If no period has so many years before it.
    DataError

    Examples
    --------
    >>> weekly = np.random.default_rng(1).poisson(5.0, 60 * 4)
    >>> weekly[-1] = 25
    >>> farrington(weekly, season=52, years=4, last=3).alarm.tolist()
    [False, False, True]
    """
    if method not in ("improved", "original") or threshold not in THRESHOLDS:
        raise DataError(
            f"method={method!r} or threshold={threshold!r} is not known.",
            code="method",
            hint=f'Methods: "improved", "original"; thresholds: {", ".join(THRESHOLDS)}.',
        )
    check_alpha(alpha)
    series = one_series(read_series(data, exposure), "farrington")
    if season < 2 * half + 2 or years < 1 or half < 0:
        raise DataError(
            f"A season of {season} periods has no room for windows of {2 * half + 1}.",
            code="season",
            hint="Give the periods in a year, and a smaller half=.",
        )
    improved = method == "improved"
    parts = (10 if improved else 1) if blocks is None else blocks
    gap = (26 if improved else half) if skip is None else skip
    heavy = (2.58 if improved else 1.0) if reweight is None else reweight
    level = (1.0 if improved else 0.05) if trend_alpha is None else trend_alpha
    first = years * season + half
    n = len(series)
    rows = np.arange(max(first, n - last) if last is not None else first, n)
    if not rows.size or (last is not None and len(rows) < last):
        raise IdentificationError(
            f"{n} periods leave {max(n - first, 0)} with {years} years of {season} periods before them.",
            code="few-periods",
            hint="Judge fewer periods, use fewer years, or count_cusum with a target known from elsewhere.",
        )
    found = []
    for at in rows:
        block = season_blocks(int(at), season, years, half, parts)
        found.append(
            upper_limit(
                series.y, series.exposure, block, baseline_rows(block, int(at), gap), int(at),
                quantile=1 - alpha, threshold=heavy, trend=trend, trend_alpha=level, years=years, kind=threshold,
                stop=1e-8 if as_surveillance else 1e-13, wrong_weights=as_surveillance and improved,
            )
        )  # fmt: skip
    expected, upper = np.array([f.expected for f in found]), np.array([f.upper for f in found])
    y = series.y[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (y - expected) / (upper - expected)
    lately = np.array([series.y[max(at - few[1] + 1, 0) : at + 1].sum() for at in rows])
    lost = sum(not f.converged for f in found)
    return OutbreakLimits(
        rows=rows,
        expected=expected,
        upper=upper,
        pvalue=np.array([f.pvalue for f in found]),
        score=score,
        dispersion=np.array([f.dispersion for f in found]),
        trend=np.array([f.trend for f in found]),
        alarm=np.asarray((y > upper) & (lately >= few[0]) & (y > 0)),
        method=f"{method} Farrington, {threshold}",
        alpha=alpha,
        series=series,
        warnings=(f"the baseline of {lost} periods did not converge",) if lost else (),
        sources=("farrington1996", "noufaily2013") if improved else ("farrington1996",),
    )
