"""Interrupted series: did the rate of leaving change with a date, by how much, and how many exits is that?

Third floor. Read next: interruption.py (which periods lie after a date), interrupted_fit.py (estimates),
interrupted_spread.py (covariances), latent.py (the default limits), interrupted_results.py (what a fit answers).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import ConvergenceWarning, DataError, IdentificationError
from exitmodels.models.counts.interrupted_cells import Cells, InterruptedData
from exitmodels.models.counts.interrupted_fit import Columns, estimate, plain_family
from exitmodels.models.counts.interrupted_results import InterruptedResults
from exitmodels.models.counts.interrupted_rows import TRENDS, columns_of, one_series, same_periods, with_effects
from exitmodels.models.counts.interrupted_spread import KINDS, spread_of
from exitmodels.models.counts.interruption import Timeline, effect_parts, numbers_of_days, refuse_short
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import iso
from exitmodels.shapes.ledger import Ledger

__all__ = ["InterruptedSeries"]

_TITLES = {
    "poisson": "Poisson",
    "quasi": "quasi-Poisson",
    "negbin": "negative binomial",
    "lognormal": "least squares on log counts",
    "lognormal-ar1": "Prais-Winsten on log counts",
}
_SOURCES = {
    "poisson": ("mccullagh_nelder1989",),
    "quasi": ("mccullagh_nelder1989",),
    "negbin": ("lawless1987",),
    "lognormal": (),
    "lognormal-ar1": ("prais_winsten1954",),
}
LEAST_DF = 3


@dataclass(frozen=True)
class InterruptedSeries:
    """Log-linear model of a count series whose rate may change with one date or several.

    Parameters
    ----------
    at : date or list of dates
        First day of the new regime; chosen before the records were seen.
    effect : str
        "level" (a step), "slope" (a change of trend: k in period k after the date), "ramp" (grows evenly over `length`
        periods, then stays), "gradual" (approaches its full size: 1 - rate^k in period k), "decay" (full at once, times
        `rate` each period after), "pulse" (one period), or several joined by "+", such as "level+slope". The same for
        each date.
    family : {"poisson", "quasi", "negbin", "lognormal", "lognormal-ar1"}
        How the coefficients are estimated. "lognormal" is least squares on log(n / exposure), "lognormal-ar1" that with
        first-order autoregressive errors (Prais and Winsten).
    trend : {"linear", "none", "quadratic"} or int
        Degree of the trend in the number of the period, 1, 2, ...
    season : int or "month", optional
        Pairs of harmonics of the year, or a level for each month.
    controls : str, optional
        Formula of further terms, columns of the counts.
    vcov : {"latent", "model", "quasi", "robust", "hc1", "hc2", "hc3", "hac", "hac-leverage"}, optional
        Which limits. The default, "latent", lets the log rate wander as a first-order autoregression and averages over
        what the series leaves unknown about it; see Notes. "quasi" takes a dispersion of at least one and Student's t.
    hac_lags : int, optional
        By default the whole part of 4 (T / 100)^(2/9).
    delay : float
        Periods between the date and the beginning of its effect.
    length, rate : float, optional
        Of a ramp; of a gradual or decaying effect.
    straddle : {"share", "drop", "raise"}
        What to do with a period that a date cuts: count it as after by the share of its days, set it aside, or refuse.
    min_events : int
        Fewest events on each side of a date.
    min_periods : (int, int)
        Fewest periods before the first date and after each (slopes and other shapes need one more than a level).

    Notes
    -----
    With "latent" limits, the estimates are those of the family; their errors are taken to come from Poisson scatter
    and from a latent log rate u with covariance tau^2 rho^|s - t|, which contains plain overdispersion (rho = 0). Every
    (rho, tau) is weighed by its restricted likelihood and a weak prior, and limits are quantiles of the mixture. At 18
    periods this covers 94 to 99 % where Newey-West errors cover 69 to 78 %; see docs/interrupted-series.md. The
    price is width when counts are truly Poisson. rho below zero is not considered: limits are then too wide.

    Nothing here tells the effect of a policy from that of another event of the same weeks, nor from a change in how
    records were made.
    Source: Box and Tiao (1975) for the shapes; Lopez Bernal, Cummins and Gasparrini (2017) for the design.

    Examples
    --------
    >>> starts = np.arange("2013-03", "2014-09", dtype="datetime64[M]").astype("datetime64[D]")
    >>> n = [22, 17, 25, 21, 19, 24, 20, 23, 18, 26, 21, 20, 24, 19, 12, 11, 14, 10]
    >>> monthly = Counts.from_table({"month": starts, "n": n}, n="n", start="month", freq="MS")
    >>> fit = InterruptedSeries(at="2014-05-01").fit(monthly)
    >>> fit.rate_ratios().loc["level"].round(2).tolist()
    [0.53, 0.33, 0.85]
    """

    at: Any
    effect: str = "level"
    family: str = "poisson"
    trend: str | int = "linear"
    season: int | str | None = None
    controls: str | None = None
    vcov: str | None = None
    hac_lags: int | None = None
    delay: float = 0
    length: float | None = None
    rate: float | None = None
    straddle: str = "share"
    min_events: int = 5
    min_periods: tuple[int, int] = (4, 2)

    def __post_init__(self) -> None:
        plain_family(self.family)
        numbers_of_days(self.at)
        effect_parts(self.effect, self.length, self.rate)
        wrong = [
            ("trend", self.trend, self.trend in TRENDS or (isinstance(self.trend, int) and self.trend >= 0)),
            ("straddle", self.straddle, self.straddle in ("share", "drop", "raise")),
            ("delay", self.delay, self.delay >= 0),
            ("vcov", self.vcov, self.vcov is None or self.vcov.lower() in KINDS),
        ]
        hints = {
            "trend": f"Use one of {', '.join(TRENDS)}, or a degree.",
            "straddle": 'Use "share", "drop" or "raise".',
            "delay": "Give periods, zero or more.",
            "vcov": f"Use one of {', '.join(KINDS)}.",
        }
        for name, value, right in wrong:
            if not right:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=hints[name])

    def fit(self, counts: Counts, control: Counts | None = None) -> InterruptedResults:
        """Fit to a series; the counts and the model stay as they were.

        Parameters
        ----------
        counts : Counts
            With dates; keys are summed.
        control : Counts, optional
            A series that the dates should not have touched, over the same periods (another reason, another place). It
            has its own level, trend and season; a change that both series share ("common level") is then not counted as
            the effect. With "latent" limits the two wander independently; shocks that hit both make limits too wide.

        Raises
        ------
        IdentificationError
            If a date lies outside the window, a side has too few periods or events, or fewer than three periods would
            be left over: these records cannot show the effect.
        DataError
            For counts without dates or exposure, columns that follow from one another, unequal periods of the control.
        """
        return self.fit_rows(counts, control)

    def fit_rows(self, counts: Counts, control: Counts | None = None, keep: Bools | None = None) -> InterruptedResults:
        """Fit with some periods of the series set aside (those not in `keep`), as sensitivity checks do."""
        series, timeline, days = self.calendar(counts)
        other = None if control is None else same_periods(series, one_series(control))
        kept, ledger = self._kept(series, timeline, days, keep)
        self._refuse(series, timeline, kept, days)
        columns = columns_of(self, series, timeline, kept, other)
        if len(columns.y) - len(columns.names) < LEAST_DF:
            raise IdentificationError(
                f"{len(columns.y)} periods for {len(columns.names)} coefficients ({', '.join(columns.names)}) leave "
                f"{len(columns.y) - len(columns.names)} to judge the noise by; at least {LEAST_DF} are needed.",
                code="few-rows",
                hint="Count in finer periods, or leave out season, trend or controls.",
            )
        return self._answer(
            series, timeline, kept, columns, InterruptedData(self, counts, control, columns, kept), ledger
        )

    # ---- rows ------------------------------------------------------------------------------------------------
    def _kept(
        self, series: Counts, timeline: Timeline, days: Sequence[int], keep: Bools | None
    ) -> tuple[Bools, Ledger]:
        kept = np.ones(len(series), dtype=bool) if keep is None else keep.copy()
        ledger = series.ledger
        if not kept.all():
            ledger = ledger.set_aside("periods left out by a sensitivity check", n=int(series.n[~kept].sum()))
        cut = np.any([timeline.cut(day) for day in days], axis=0)
        first = int(np.argmax(cut))
        if cut.any() and self.straddle == "raise":
            raise DataError(
                f"A date falls inside the period {series.start[first]} to {iso(timeline.end[first] - 1)}.",
                column="at",
                code="inside-period",
                hint='Use straddle="share" or "drop", or count with edges of which this date is one.',
            )
        if cut.any() and self.straddle == "drop":
            why = f"period {series.period[first]} is cut by a date"
            ledger = ledger.set_aside(why, n=int(series.n[cut & kept].sum()))
            kept &= ~cut
        return kept, ledger

    def _refuse(self, series: Counts, timeline: Timeline, kept: Bools, days: Sequence[int]) -> None:
        parts = effect_parts(self.effect, self.length, self.rate)
        shaped = len(parts) + (parts[0] not in ("level", "pulse"))
        least = (self.min_periods[0], self.min_periods[1] + shaped - 1)
        refuse_short(series, timeline, kept, days, self.delay, least, self.min_events)

    # ---- the same columns for other choices ------------------------------------------------------------------
    def calendar(self, counts: Counts) -> tuple[Counts, Timeline, tuple[int, ...]]:
        """Return the one series that is fitted, its timeline, and the day numbers of the dates."""
        series = one_series(counts)
        return series, Timeline.of(series), numbers_of_days(self.at)

    def refuse(self, counts: Counts) -> None:
        """Refuse what the records cannot show (dates, delays, short sides), without fitting."""
        series, timeline, days = self.calendar(counts)
        self._refuse(series, timeline, self._kept(series, timeline, days, None)[0], days)

    def rebuilt(self, fit: InterruptedResults, dates: Sequence[Sequence[int] | None]) -> Floats:
        """Build the matrices that this model would have on the rows of a fit, were its dates these; None: its own."""
        assert fit.data is not None
        _, timeline, _ = self.calendar(fit.data.counts)
        columns, kept = fit.data.columns, fit.data.kept
        return np.stack([with_effects(self, columns, timeline, kept, days) for days in dates])

    # ---- the answer ------------------------------------------------------------------------------------------
    def _answer(
        self,
        series: Counts,
        timeline: Timeline,
        kept: Bools,
        columns: Columns,
        data: InterruptedData,
        ledger: Ledger,
    ) -> InterruptedResults:
        family = plain_family(self.family)
        found = estimate(columns, family)
        spread = spread_of(found, columns, self._kind(), self.hac_lags)
        null = replace(columns, names=("Intercept",), matrix=np.ones((len(columns.y), 1)), effects={})
        days = numbers_of_days(self.at)
        notes = tuple(self._cautions(series, timeline, days))
        if found.trouble:
            warnings.warn(found.trouble, ConvergenceWarning, stacklevel=4)
            notes = (found.trouble, *notes)
        sources = ("box_tiao1975", "lopez_bernal2017", *_SOURCES[family])
        return InterruptedResults(
            names=columns.names,
            estimate=found.beta,
            covariance=spread.covariance,
            vcov=spread.label,
            llf=found.llf,
            llnull=estimate(null, family).llf,
            nobs=float(len(columns.y)),
            n_events=float(columns.y.sum()),
            df_resid=spread.df,
            converged=not found.trouble,
            ledger=ledger,
            method=f"Interrupted series, {_TITLES[family]}: {self.effect} at {', '.join(iso(day) for day in days)}",
            sources=sources + spread.sources,
            outcome="n",
            warnings=notes + spread.warnings,
            family=family,
            effects=columns.effects,
            dates=tuple(iso(day) for day in days),
            alpha=found.alpha,
            dispersion=found.phi,
            rho=found.rho,
            cells=Cells.of(series, kept, timeline, days[0], columns),
            latent=spread.latent,
            data=replace(data, fit=found, warnings=notes, sources=sources),
        )

    def _kind(self) -> str:
        if self.vcov is None:
            return "model" if plain_family(self.family) == "lognormal-ar1" else "latent"
        return self.vcov

    def _cautions(self, series: Counts, timeline: Timeline, days: Sequence[int]) -> list[str]:
        notes = []
        for day in days:
            cut = np.flatnonzero(timeline.cut(day))
            if cut.size and self.straddle == "share":
                share = float(np.minimum(timeline.after(day)[cut[0]], 1.0))
                notes.append(f"{iso(day)} cuts the period {series.period[cut[0]]}: {share:.2f} of it counts as after")
        if self.season is not None and timeline.end[-1] - timeline.start[0] < 730:
            notes.append("with less than two years, season and effect are told apart by the shape of the curve alone")
        return notes
