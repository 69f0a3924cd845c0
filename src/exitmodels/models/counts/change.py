"""Did the rate change at a date? An exact answer where the records hold one, a refusal where they do not.

Third floor. Read next: rates.py (the ratio), regression.py (trend, season and overdispersion).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.errors import DataError, IdentificationError
from exitmodels.models.counts.rates import RateRatio, rate_ratio
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import day_number, iso

__all__ = ["rate_change", "refuse_outside"]


def rate_change(
    counts: Counts, at: Any, *, method: str = "exact", min_events: int = 5, alpha: float = 0.05
) -> RateRatio:
    """Ratio of the rate from `at` onwards to the rate before.

    Parameters
    ----------
    counts : Counts
        With dates; keys are summed. A period must not contain `at` in its midst: count by day.
    at : date
        First day of the new regime.
    method : {"exact", "mid-p", "score", "wald"}
    min_events : int
        Fewest events on each side.
    alpha : float

    Returns
    -------
    RateRatio
        After over before.

    Raises
    ------
    IdentificationError
        If `at` lies outside the observed window, or a side has fewer than `min_events` events: these records cannot
        show a change, however they are analysed.
    DataError
        If `at` falls inside a period.

    Notes
    -----
    Assumes one constant rate on each side and a date chosen before the records were seen. Records made by another
    clerk, or until another day, change the rate too. Source: Przyborowski and Wilenski (1940).

    Examples
    --------
    >>> left = np.datetime64("2014-01-01") + np.repeat(np.arange(20), [1] * 10 + [2] * 10)
    >>> daily = Counts.from_frame({"left": left}, date="left", window=("2014-01-01", "2014-01-20"))
    >>> change = rate_change(daily, "2014-01-11")
    >>> round(change.ratio, 3), round(change.low, 3), round(change.high, 3)
    (2.0, 0.894, 4.785)
    """
    if not counts.dated:
        raise DataError("These cells have no dates.", column="start", code="no-dates", hint="Count with dates.")
    counts.require_whole("An exact ratio of rates")
    day = int(np.floor(day_number(at, "at")))
    refuse_outside(counts, day)
    series = counts.aggregate() if counts.keys else counts
    starts, ends = series.start.astype(np.int64), series.end.astype(np.int64)
    cut = np.flatnonzero((starts < day) & (ends > day))
    if cut.size:
        raise DataError(
            f"{iso(day)} falls inside the period {series.start[cut[0]]} to {iso(ends[cut[0]] - 1)}.",
            column="at",
            code="inside-period",
            hint='Count with freq="D", or with edges of which this date is one.',
        )
    after = starts >= day
    n = (int(series.n[after].sum()), int(series.n[~after].sum()))
    exposure = (float(series.exposure[after].sum()), float(series.exposure[~after].sum()))
    _refuse_few(n, exposure, day, min_events, counts.unit)
    labels = (f"from {iso(day)}", f"before {iso(day)}")
    return rate_ratio(n[0], exposure[0], n[1], exposure[1], method=method, alpha=alpha, unit=counts.unit, labels=labels)


def refuse_outside(counts: Counts, day: int) -> None:
    """Refuse a date without observation on both of its sides."""
    first = int(counts.start.min().astype(np.int64))
    last = int(counts.end.max().astype(np.int64)) - 1
    if first < day <= last:
        return
    if day > last:
        found = (
            f"The observed window ends on {iso(last)}: the last record is {_at_least(counts, last)}{day - last} days "
            "before that date; there is no observation after it"
        )
    else:
        found = (
            f"The observed window begins on {iso(first)}, {first - day} days after that date; there is no observation "
            "before it"
        )
    raise IdentificationError(
        f"These records cannot show a change on {iso(day)}. {found}, so any difference between before and after is "
        "unknown, whatever the model.",
        column="at",
        code="outside-window",
        hint="Find records from the other side of the date, or ask about a date inside the window.",
    )


def _at_least(counts: Counts, last: int) -> str:
    """Say "at least" unless a record is known to fall on the window's last day."""
    final = counts.end.astype(np.int64) == last + 1
    one_day = counts.start[final].astype(np.int64) == last
    return "" if np.any(one_day & (counts.n[final] > 0)) else "at least "


def _refuse_few(n: tuple[int, int], exposure: tuple[float, float], day: int, least: int, unit: str) -> None:
    if min(n) >= least:
        return
    raise IdentificationError(
        f"Too few events to compare the two sides of {iso(day)}: {n[1]} before (over {exposure[1]:g} {unit}) "
        f"and {n[0]} from that day (over {exposure[0]:g} {unit}); each side needs {least}.",
        column="at",
        code="few-events",
        hint="These records cannot show a change; give the two counts with exact limits (rate), or lower min_events "
        "and say so.",
    )
