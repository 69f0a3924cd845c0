"""Is the number of records on the first or the last day surprising?

Third floor. Dates noticed because they end a series are not chosen at random: the last day of a list is, by
definition, a day with records. The test therefore asks how often the extreme of n dates is shared by so many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special, stats

from exitmodels.arrays import Ints
from exitmodels.errors import DataError
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.counting import days_of
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import iso, window_days
from exitmodels.shapes.frames import Table

__all__ = ["boundary_test", "read_days", "ties_at_the_extreme"]

RATIOS = (1.5, 2.0, 3.0, 5.0)


def boundary_test(
    dates: Any,
    window: tuple[Any, Any] | int | None = None,
    side: str = "last",
    *,
    ratios: Sequence[float] = RATIOS,
    date_format: str | None = None,
) -> HypothesisTest:
    """Test whether so many records on the first or last day with records are surprising.

    Parameters
    ----------
    dates : array or Series of dates, array of day numbers, or Counts by day
        One entry for each record (a `Counts` holds them counted).
    window : (first, last), both inside, or int
        The days on which records could fall; an int is a number of days, for day numbers 1, 2, ... A
        `Counts` has its own.
    side : {"last", "first"}
    ratios : sequence of float
        Variance-to-mean ratios of the daily counts under which the probability is given too.
    date_format : str, optional
        For dates written as text.

    Returns
    -------
    HypothesisTest
        `statistic` is the number of records on that day, `pvalue` the exact probability of so many ties or more at the
        extreme of n uniform dates. `to_frame()` adds: the probability of so many on a day fixed beforehand (Poisson and
        binomial), and on a day known to have records when daily counts are negative binomial.

    Raises
    ------
    DataError
        If there are no dates, dates fall outside the window, or the counts are not by day.

    Notes
    -----
    With n dates uniform on D days, the last day d with records has j of them with probability
    ``C(n, j) D^-j ((d - 1) / D)^(n - j)``, summed over d. With variance v times the mean m, daily counts are
    negative binomial with size ``m / (v - 1)``, and the probability is P(N >= k) / P(N >= 1). If either end of
    the series could have been reported, double the p-value.

    Examples
    --------
    >>> days = np.repeat(np.arange(1, 540), np.r_[np.ones(427, int), np.zeros(111, int), 4])
    >>> test = boundary_test(days, 539)
    >>> int(test.statistic), round(test.pvalue, 4)
    (4, 0.0164)
    """
    if side not in ("last", "first"):
        raise DataError(f"side={side!r} is not known.", code="side", hint='Use "last" or "first".')
    day, first, end = read_days(dates, window, date_format)
    n, length = len(day), end - first
    extreme = int(day.max() if side == "last" else day.min())
    ties = int((day == extreme).sum())
    mean = n / length
    exact = ties_at_the_extreme(n, length, ties)
    rows = {
        "exact, at the extreme of uniform dates": exact,
        "fixed day, Poisson": float(special.pdtrc(ties - 1, mean)),
        "fixed day, binomial": float(special.betainc(ties, n - ties + 1, 1 / length)),
    }
    rows |= {f"day with records, variance/mean {v:g}": _overdispersed(mean, v, ties) for v in ratios}
    where = f"day {extreme}" if isinstance(window, int) else iso(extreme)
    return HypothesisTest(
        statistic=float(ties),
        df=float("nan"),
        pvalue=exact,
        method=f"{ties} of {n} records on the {side} day with records ({where}), in a window of {length} days",
        distribution="ties at the extreme of uniform dates",
        labels=tuple(rows),
        detail={"probability": np.array(list(rows.values()))},
        warnings=("if either end of the series could have been reported, double the p-value",),
    )


def ties_at_the_extreme(n: int, days: int, ties: int) -> float:
    """P(at least `ties` of n uniform dates on `days` days share the last one taken); exact.

    >>> round(ties_at_the_extreme(2, 2, 2), 12)
    0.5
    """
    d = np.arange(1, days + 1, dtype=np.float64)
    j = np.arange(ties, n + 1, dtype=np.float64)[:, None]
    keep = j[:, 0] <= ties + 60 + 20 * n / days
    j = j[keep]
    log_ways = special.gammaln(n + 1) - special.gammaln(j + 1) - special.gammaln(n - j + 1)
    terms = np.exp(log_ways - j * np.log(days) + special.xlogy(n - j, (d - 1) / days))
    return float(min(1.0, terms.sum()))


def _overdispersed(mean: float, ratio: float, ties: int) -> float:
    if ratio <= 1:
        raise DataError(f"A variance/mean ratio of {ratio:g} is not above 1.", code="ratio", hint="1 is Poisson's.")
    law = stats.nbinom(mean / (ratio - 1), 1 / ratio)
    return float(law.sf(ties - 1) / law.sf(0))


def read_days(dates: Any, window: Any, date_format: str | None) -> tuple[Ints, int, int]:
    """One day number for each record, the window's first day, and the day after its last."""
    if isinstance(dates, Counts):
        if dates.freq != "D" or dates.window is None:
            raise DataError("The counts are not by day.", column="dates", code="freq", hint='Count with freq="D".')
        dates.require_whole("A test of records on days")
        _refuse_mentions(dates)
        days = np.repeat(dates.start.astype(np.int64), dates.n)
        window = (dates.window[0], dates.window[1]) if window is None else window
    else:
        days = _read(dates, date_format)
    if len(days) == 0:
        raise DataError("There are no records.", column="dates", code="empty", hint="A test needs at least one date.")
    if window is None:
        raise DataError(
            "The window is not given.",
            column="window",
            code="window",
            hint="Give the first and last day on which records could fall; the data cannot tell.",
        )
    first, end = (1, int(window) + 1) if isinstance(window, (int, np.integer)) else window_days(window)
    out = np.flatnonzero((days < first) | (days >= end))
    if out.size:
        raise DataError(
            f"{out.size} dates lie outside the window.",
            column="dates",
            rows=out,
            code="outside-window",
            hint="Widen the window, or leave these records out and say so.",
        )
    return days, first, end


def _refuse_mentions(counts: Counts) -> None:
    """A record that counts for two reasons would be two records on its day."""
    if counts.mentions:
        raise DataError(
            f"One record may count for several values of {counts.mentions}.",
            column=counts.mentions,
            code="mentions",
            hint="Count without this key.",
        )


def _read(dates: Any, date_format: str | None) -> Ints:
    values = np.asarray(dates)
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    column = Table({"dates": dates}).column("dates")
    days, gone = days_of(column, np.arange(len(values)), date_format, None)
    if gone is not None and gone.any():
        rows = np.flatnonzero(gone)
        raise DataError(
            f"{rows.size} dates are missing.", column="dates", rows=rows, code="missing", hint="Leave them out."
        )
    return days
