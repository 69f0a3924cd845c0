"""Watching a series as it comes: run lengths since the last change, and cumulated sums with known alarm rates.

Third floor. Read next: farrington.py (limits from former years), changepoints.py (the series as a whole).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.cusum import average_run_length, cusum_path, limit_for, reference_value, run_length_law
from exitmodels.kernels.segmentations import run_lengths
from exitmodels.models.counts.periods_in import PeriodSeries, one_series, read_series
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["CountCusum", "OnlineChanges", "Watched", "count_cusum", "online_changes"]


class Watched(Stored, ABC):
    """What results of monitoring share."""

    series: PeriodSeries
    sources: tuple[str, ...]
    converged = True
    warnings: tuple[str, ...]

    @property
    def ledger(self) -> Ledger | None:
        """Records read and set aside."""
        return self.series.ledger

    @abstractmethod
    def summary(self) -> Summary:
        """Return the printed form."""

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """Return the printed table as LaTeX (booktabs)."""
        made = self.summary()
        block = made.tables[0]
        return tables.to_latex(block.columns, block.rows, caption=caption, label=label, notes=(f"{made.title}.",))

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.summary().title)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class OnlineChanges(Watched):
    """Run lengths since the last change, as known after each period.

    Attributes
    ----------
    expected, most_likely : (n,)
        Posterior mean and mode of the number of periods since the last change.
    recent : (n,)
        Probability of a change within the last `within` periods.
    final : (n + 1,)
        Probability of run lengths 0, 1, ... after the last period.
    log_evidence : float
    """

    expected: Floats
    most_likely: Ints
    recent: Floats
    final: Floats
    within: int
    log_evidence: float
    hazard: float
    prior: tuple[float, float]
    series: PeriodSeries
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("adams_mackay2007",)

    def tidy(self) -> Any:
        """One row for each period."""
        import pandas as pd

        made = {"period": list(self.series.labels), "n": self.series.y, "expected_run": self.expected}
        return pd.DataFrame(made | {"most_likely_run": self.most_likely, "recent_change": self.recent})

    to_frame = tidy

    def summary(self) -> Summary:
        """Return the printed form: the last ten periods."""
        rows = tuple(
            (
                self.series.labels[i],
                int(self.series.y[i]),
                float(self.expected[i]),
                int(self.most_likely[i]),
                float(self.recent[i]),
            )
            for i in range(max(len(self.series) - 10, 0), len(self.series))
        )
        columns = ("period", "n", "expected run", "most likely", f"P(change within {self.within})")
        facts = (
            ("log evidence", self.log_evidence),
            ("prior of the rate", f"gamma({self.prior[0]:g}, {self.prior[1]:.4g})"),
        )
        title = f"Online changepoints, Poisson, a change with probability {self.hazard:.4g} after each period"
        return Summary(title, facts, (Block(columns, rows),), self.warnings)

    def plot(self, ax: Any = None) -> Any:
        """Draw the expected and the most likely run length; return the Axes."""
        from exitmodels.render import changes as picture

        starts, ends = self.series.days
        paths = (("expected run length", self.expected), ("most likely", self.most_likely.astype(float)))
        none = np.empty(0, dtype=np.int64)
        return picture.watched_sum(
            ax, paths=paths, limits=(), alarms=none, starts=starts, ends=ends, label="periods since the last change"
        )


def online_changes(
    data: Any,
    exposure: Any = None,
    *,
    hazard: float | None = None,
    prior: tuple[float, float] = (0.5, 1.0),
    within: int = 4,
    keep: float = 0.0,
) -> OnlineChanges:
    """Posterior of the time since the last change of a Poisson rate, after each period, from the past alone.

    Parameters
    ----------
    data : Counts or array
    exposure : (n,) array, optional
    hazard : float, optional
        Probability of a change after each period; by default 1 / 50.
    prior : (shape, rate)
        Gamma law of a rate. Give one that fits the scale of your rates: the default has mean 1/2 per unit of exposure.
    within : int
        For the column that tells whether something has changed lately.
    keep : float
        Forget run lengths with less probability; 0 is exact.

    Raises
    ------
    DataError

    Notes
    -----
    A run of length 0 after period t means that the rate changes at the end of t; t itself is scored under the run that
    ends (algorithm 1 of Adams and MacKay 2007).

    Examples
    --------
    >>> watched = online_changes([0, 1, 0, 0, 1, 0, 9, 8, 9], hazard=0.05)
    >>> watched.most_likely.tolist()
    [1, 2, 3, 4, 5, 6, 1, 2, 3]
    """
    series = one_series(read_series(data, exposure), "online_changes")
    rate = 1 / 50 if hazard is None else float(hazard)
    if not 0 < rate < 1:
        raise DataError(
            f"hazard={hazard} is not between 0 and 1.", code="hazard", hint="1/50: a change every 50 periods."
        )
    a0, b0 = (float(p) for p in prior)
    if not (a0 > 0 and b0 > 0):
        raise DataError(f"prior={prior!r} is not two positive numbers.", code="prior", hint="(shape, rate).")
    if not 0 <= keep < 0.01 or within < 1:
        raise DataError("keep lies from 0 to 0.01, and within is 1 or more.", code="keep", hint="keep=0 is exact.")
    y, e, n = series.y, series.exposure, len(series)
    total, weight = np.append(0.0, np.cumsum(y)), np.append(0.0, np.cumsum(e))

    def predictive(t: int, starts: Ints) -> Floats:
        a, b = a0 + total[t] - total[starts], b0 + weight[t] - weight[starts]
        choose = special.gammaln(a + y[t]) - special.gammaln(a) - special.gammaln(y[t] + 1)
        return np.asarray(choose + a * np.log(b / (b + e[t])) + special.xlogy(y[t], e[t] / (b + e[t])))

    runs, scale = run_lengths(predictive, n, rate, keep)
    return OnlineChanges(
        expected=np.array([run @ np.arange(len(run)) for run in runs]),
        most_likely=np.array([int(run.argmax()) for run in runs]),
        recent=np.array(
            [float(run[: within + 1].sum()) if len(run) > within + 1 else float(run[:-1].sum()) for run in runs]
        ),
        final=runs[-1],
        within=within,
        log_evidence=float(scale.sum()),
        hazard=rate,
        prior=(a0, b0),
        series=series,
    )


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CountCusum(Watched):
    """Cumulated sums of counts with their alarms.

    Attributes
    ----------
    path : (n,)
    alarms : (m,) int
        Rows at which the sum reached the limit; it then starts anew.
    reference : (n,)
        Taken from each count.
    limit : float
    run_length, delay : float
        Expected periods to a false alarm, and to an alarm after the rate has changed by `ratio`, in periods of median
        exposure, from a sum of zero.
    """

    path: Floats
    alarms: Ints
    reference: Floats
    limit: float
    target: float
    ratio: float
    size: float
    run_length: float
    delay: float
    no_alarm: Floats
    series: PeriodSeries
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("page1954", "lucas1985", "brook_evans1972")

    @property
    def dates(self) -> tuple[str, ...]:
        """First days of the periods of the alarms."""
        return tuple(self.series.begins(int(i)) for i in self.alarms)

    def tidy(self) -> Any:
        """One row for each period."""
        import pandas as pd

        alarm = np.zeros(len(self.series), dtype=bool)
        alarm[self.alarms] = True
        made = {"period": list(self.series.labels), "n": self.series.y, "reference": self.reference}
        return pd.DataFrame(made | {"sum": self.path, "alarm": alarm})

    to_frame = tidy

    def summary(self) -> Summary:
        """Return the printed form: the design and the alarms."""
        law = "Poisson" if np.isinf(self.size) else f"negative binomial of size {self.size:g}"
        facts = (
            ("rate in control", self.target),
            ("limit, in events", self.limit),
            ("periods to a false alarm, on average", self.run_length),
            (f"periods to an alarm at {self.ratio:g} times the rate", self.delay),
            ("chance of a false alarm in these periods", 1 - float(self.no_alarm[-1])),
        )
        rows = tuple((self.series.labels[i], int(self.series.y[i]), float(self.path[i])) for i in self.alarms)
        block = Block(("alarm in", "n", "sum"), rows or (("none", "", ""),))
        return Summary(f"CUSUM of counts, {law}", facts, (block,), self.warnings)

    def plot(self, ax: Any = None) -> Any:
        """Draw the sum, its limit and the alarms; return the Axes."""
        from exitmodels.render import changes as picture

        starts, ends = self.series.days
        return picture.watched_sum(
            ax,
            paths=(("cumulated sum", self.path),),
            limits=(self.limit,),
            alarms=np.asarray(self.alarms, dtype=np.int64),
            starts=starts,
            ends=ends,
            label="events above the reference" if self.ratio > 1 else "events below the reference",
        )


def count_cusum(
    data: Any,
    exposure: Any = None,
    *,
    target: float,
    ratio: float = 2.0,
    limit: float | None = None,
    run_length: float = 200.0,
    size: float = float("inf"),
    grid: int = 20,
) -> CountCusum:
    """Cumulated sums that raise an alarm when a rate has moved from `target` to `ratio` times it.

    Parameters
    ----------
    data : Counts or array
    exposure : (n,) array, optional
    target : float
        Rate in control, per unit of exposure; known from elsewhere, not from these counts.
    ratio : float
        The change to be found: above 1 a rise, below 1 a fall.
    limit : float, optional
        In events; by default the smallest with the run length wanted.
    run_length : float
        Expected periods to a false alarm, in periods of median exposure.
    size : float
        Negative binomial size of a period; infinite for Poisson.
    grid : int
        Reference values are rounded to multiples of ``1 / grid``, which makes the run lengths exact.

    Raises
    ------
    DataError

    Notes
    -----
    An estimated target makes false alarms more frequent than promised. Source: Page (1954); Lucas (1985); Brook and
    Evans (1972).

    Examples
    --------
    >>> watched = count_cusum([3, 5, 4, 9, 8, 11, 4], target=4.0, ratio=2.0, limit=6)
    >>> watched.alarms.tolist(), watched.path.round(2).tolist()
    ([5], [0.0, 0.0, 0.0, 3.25, 5.5, 10.75, 0.0])
    """
    series = one_series(read_series(data, exposure), "count_cusum")
    for name, value in (("target", target), ("ratio", ratio), ("size", size), ("run_length", run_length)):
        if not value > 0 or (name == "ratio" and value == 1):
            raise DataError(
                f"{name}={value} is not positive" + (" or is 1, which is no change." if name == "ratio" else "."),
                code=name,
                hint="Rates, ratios and sizes are above zero.",
            )
    upward = ratio > 1
    reference = reference_value(target * series.exposure, ratio, size, grid)
    usual = float(target * np.median(series.exposure))
    k = float(reference_value(np.array([usual]), ratio, size, grid)[0])
    h = (
        limit_for(run_length, usual, k, size, grid, upward)
        if limit is None
        else float(np.ceil(limit * grid - 1e-9) / grid)
    )
    if not (np.isfinite(h) and h > 0):
        raise DataError(
            f"limit={limit}: no limit gives {run_length:g} periods to a false alarm.",
            code="limit",
            hint="Ask for a shorter run length or a larger change.",
        )
    path, alarms = cusum_path((series.y - reference) * (1 if upward else -1), h, True)
    uneven = float(np.ptp(series.exposure)) > 0.05 * float(np.median(series.exposure))
    note = ("exposures differ: run lengths are those of periods of median exposure",) if uneven else ()
    return CountCusum(
        path=path,
        alarms=alarms,
        reference=reference,
        limit=h,
        target=target,
        ratio=ratio,
        size=size,
        run_length=average_run_length(usual, k, size, h, grid, upward),
        delay=average_run_length(ratio * usual, k, size, h, grid, upward),
        no_alarm=run_length_law(usual, k, size, h, len(series), grid, upward),
        series=series,
        warnings=note,
    )
