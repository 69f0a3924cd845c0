"""Did the rate change at all, and which dates does the record leave open? At most one change, exactly.

Third floor. Read next: changepoints.py (several changes), change_posterior.py (probabilities), change.py (a date known
beforehand).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.exact_ratio import ratio_interval
from exitmodels.kernels.onechange import drawn_maxima, exact_work, exceeds, ratio_profile, set_exact
from exitmodels.models.counts.periods_in import PeriodSeries, check_alpha, one_series, read_series
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.hypothesis import HypothesisTest

__all__ = ["ChangeTest", "change_test"]

METHODS = ("auto", "exact", "monte-carlo")
SETS = ("exact", "likelihood")
_MOST_WORK = 1e9


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChangeTest(HypothesisTest):
    """Test of a constant rate against one change at an unknown date, with a confidence set for the date.

    Attributes
    ----------
    statistic, pvalue : float
        Twice the largest log-likelihood ratio; its p-value given the total.
    cut : int
        Periods before the most likely change.
    ratios : (n - 1,)
        Twice the log-likelihood ratio of each date; NaN where a side would be shorter than `min_size`.
    date_pvalues : (n - 1,)
        P-value of "the change was at this date" ("exact"), or twice the fall of the log-likelihood ("likelihood").
    inside : (n - 1,) bool
        Dates in the confidence set.
    rates, rate_ratio : estimates before, after, and after over before
    series : PeriodSeries
    """

    cut: int
    ratios: Floats
    date_pvalues: Floats
    inside: Bools
    rates: tuple[float, float]
    rate_ratio: float
    ratio_limits: tuple[float, float]
    set_kind: str
    alpha: float
    series: PeriodSeries

    @property
    def converged(self) -> bool:
        """All dates are tried, which always ends."""
        return True

    @property
    def date(self) -> str:
        """First day of the most likely new regime (its first period's name without dates)."""
        return self.series.begins(self.cut)

    @property
    def confidence_set(self) -> tuple[str, ...]:
        """First days of the new regime that the record leaves open, at level 1 - alpha. Not always an interval."""
        return tuple(self.series.begins(int(i) + 1) for i in np.flatnonzero(self.inside))

    def to_frame(self) -> Any:
        """One row for each date: periods before it, first day after it, likelihood ratio, its p-value, in the set."""
        import pandas as pd

        n = len(self.series)
        made = {
            "cut": np.arange(1, n),
            "first_after": [self.series.begins(i) for i in range(1, n)],
            "ratio": self.ratios,
            "p" if self.set_kind == "exact" else "fall": self.date_pvalues,
            "inside": self.inside,
        }
        return pd.DataFrame(made)

    def tidy(self) -> Any:
        """One row: the change and its test."""
        import pandas as pd

        facts = {"term": ["change"], "first_after": [self.date], "cut": [self.cut], "statistic": [self.statistic]}
        more = {"p": [self.pvalue], "rate_before": [self.rates[0]], "rate_after": [self.rates[1]]}
        ends = {"ratio": [self.rate_ratio], "low": [self.ratio_limits[0]], "high": [self.ratio_limits[1]]}
        return pd.DataFrame(facts | more | ends | {"dates_left_open": [int(self.inside.sum())]})

    def _table(self) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        y, e, n = self.series.y, self.series.exposure, len(self.series)
        rows = []
        for name, part, rate in zip(
            ("before", "after"), (slice(0, self.cut), slice(self.cut, n)), self.rates, strict=True
        ):
            span = self.series.span(part.start, part.stop)
            rows.append((name, span, int(y[part].sum()), float(e[part].sum()), rate))
        return ("", "periods", "events", "exposure", "rate"), tuple(rows)

    def _runs(self) -> str:
        """The set in words: runs of neighbouring dates."""
        places = np.flatnonzero(self.inside) + 1
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        names = [(self.series.begins(int(r[0])), self.series.begins(int(r[-1]))) for r in runs]
        return "; ".join(a if a == b else f"{a} to {b}" for a, b in names)

    def summary(self) -> Summary:
        """Return the printed form."""
        level = number(100 * (1 - self.alpha), 3)
        low, high = self.ratio_limits
        facts = (
            ("largest likelihood ratio", self.statistic),
            ("p-value, given the total", pvalue(self.pvalue)),
            ("new regime from", self.date),
            (f"{level}% set of its first day", self._runs()),
            ("rate ratio", f"{number(self.rate_ratio)} ({number(low)}, {number(high)} at that date)"),
        )
        columns, rows = self._table()
        return Summary(self.method, facts, (Block(columns, rows),), self.warnings)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """Return the two regimes as a LaTeX (booktabs) table; notes give the test and the set of dates."""
        notes = tuple(f"{name}: {number(value)}." for name, value in self.summary().facts)
        return tables.to_latex(*self._table(), caption=caption, label=label, notes=(f"{self.method}.", *notes))

    def plot(self, ax: Any = None) -> Any:
        """Draw the likelihood ratio of each date, dark within the confidence set; return the Axes."""
        from exitmodels.render import changes as picture

        starts, ends = self.series.days
        return picture.date_chances(
            ax,
            values=np.nan_to_num(self.ratios),
            inside=np.asarray(self.inside, dtype=bool),
            starts=starts,
            ends=ends,
            label="twice the log-likelihood ratio",
            inside_label=f"{number(100 * (1 - self.alpha), 3)}% confidence set",
        )


def change_test(
    data: Any,
    exposure: Any = None,
    *,
    min_size: int = 1,
    alpha: float = 0.05,
    method: str = "auto",
    date_set: str = "exact",
    draws: int = 9999,
    rng: Any = None,
) -> ChangeTest:
    """Test a constant Poisson rate against one change at an unknown date, and give the dates that are left open.

    Parameters
    ----------
    data : Counts or array
        One count for each period, in order.
    exposure : (n,) array, optional
    min_size : int
        Fewest periods on each side.
    alpha : float
        One minus the level of the confidence set of the date.
    method : {"auto", "exact", "monte-carlo"}
        How p-values given the total are found; "auto" is exact as far as that takes about a second.
    date_set : {"exact", "likelihood"}
        The set of dates: those not rejected by a likelihood ratio test that is exact given the events on either side
        (Worsley 1986); or those whose log-likelihood is within half the chi-squared quantile of the largest, a rule of
        thumb with no guarantee, since the date is not a regular parameter.
    draws : int
        For "monte-carlo"; the p-value is ``(1 + exceedances) / (draws + 1)``.
    rng : numpy Generator or seed
        Needed for "monte-carlo".

    Returns
    -------
    ChangeTest

    Raises
    ------
    IdentificationError
        For a series without events, or with too few periods for `min_size`.

    Notes
    -----
    Assumes Poisson counts that are independent given the rate: more variance than that makes changes appear. Then use
    `changepoints` with ``cost="negbin"``, or `InterruptedSeries` when the date was known beforehand. The limits of the
    rate ratio are exact for a date fixed beforehand; at the most likely date they are too far from one.

    Examples
    --------
    >>> test = change_test([4, 5, 4, 3, 6, 0, 1, 0, 0, 1, 0, 1])
    >>> test.cut, round(test.pvalue, 6), (np.flatnonzero(test.inside) + 1).tolist()
    (5, 1.3e-05, [5])
    """
    check_alpha(alpha)
    for name, value, known in (("method", method, METHODS), ("date_set", date_set, SETS)):
        if value not in known:
            raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"Use one of {', '.join(known)}.")
    series = one_series(read_series(data, exposure), "change_test")
    y, e, n = series.y.astype(np.int64), series.exposure, len(series)
    among = _dates(y, n, min_size)
    ratios = ratio_profile(y, e)
    top = float(ratios[among].max())
    cut = int(np.flatnonzero(among)[ratios[among].argmax()]) + 1
    p, how = _pvalue(y, e, among, top, method, draws, rng)
    values, inside = _date_values(y, e, among, ratios, alpha, method, date_set, draws, rng)
    before, after = int(y[:cut].sum()), int(y[cut:].sum())
    rates = (before / float(e[:cut].sum()), after / float(e[cut:].sum()))
    low, high = ratio_interval(after, float(e[cut:].sum()), before, float(e[:cut].sum()), alpha)
    warnings = (
        () if p <= alpha else (f"a constant rate is not rejected at {alpha:g}: the date may be of no change at all",)
    )
    return ChangeTest(
        statistic=top,
        df=float("nan"),
        pvalue=p,
        method=f"One change of a Poisson rate, {how}",
        distribution="conditional multinomial",
        sources=("worsley1986", "siegmund1988"),
        ledger=series.ledger,
        warnings=warnings,
        cut=cut,
        ratios=np.where(among, ratios, np.nan),
        date_pvalues=values,
        inside=inside,
        rates=rates,
        rate_ratio=rates[1] / rates[0] if rates[0] > 0 else float("inf"),
        ratio_limits=(float(low), float(high)),
        set_kind=date_set,
        alpha=alpha,
        series=series,
    )


def _dates(y: Any, n: int, min_size: int) -> Bools:
    if y.sum() == 0:
        raise IdentificationError(
            f"There are no events in {n} periods: these records cannot show a change.",
            code="no-events",
            hint="Give rate() for the exact upper limit.",
        )
    if min_size < 1 or n < 2 * min_size:
        raise IdentificationError(
            f"{n} periods cannot be cut into two parts of {min_size} or more.",
            code="few-periods",
            hint="Lower min_size.",
        )
    places = np.arange(1, n)
    return np.asarray((places >= min_size) & (places <= n - min_size))


def _pvalue(y: Any, e: Floats, among: Bools, top: float, method: str, draws: int, rng: Any) -> tuple[float, str]:
    exact = method == "exact" or (method == "auto" and exact_work(len(y), int(y.sum())) <= _MOST_WORK)
    if exact:
        return exceeds(e, int(y.sum()), top, among), "exact p-value"
    drawn = drawn_maxima(y, e, among, draws, np.random.default_rng(rng))
    return (1 + int((drawn >= top - 1e-9).sum())) / (draws + 1), f"p-value from {draws} drawn series"


def _date_values(
    y: Any, e: Floats, among: Bools, ratios: Floats, alpha: float, method: str, kind: str, draws: int, rng: Any
) -> tuple[Floats, Bools]:
    fall = np.where(among, ratios[among].max() - ratios, np.nan)
    if kind == "likelihood":
        from scipy import special

        return fall, np.asarray(fall <= special.chdtri(1, alpha))
    work = exact_work(len(y), int(y.sum()), int(among.sum()))
    if method == "exact" or (method == "auto" and work <= _MOST_WORK):
        p = set_exact(y, e, among)
        return p, np.asarray(p > alpha)
    p = np.where(among, 1.0, np.nan)
    generator = np.random.default_rng(rng)
    total = float(ratios[among].max())
    for k in np.flatnonzero(among & (fall > 1e-9)):
        drawn = drawn_maxima(y, e, among, draws, generator, int(k))
        p[k] = (1 + int((drawn >= total - 1e-9).sum())) / (draws + 1)
    return p, np.asarray(p > alpha)
