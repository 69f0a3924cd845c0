"""The scan test: is the busiest week of the record busier than chance would make some week?

Third floor. The busiest window is noticed because it is the busiest; the test asks how often the busiest
window of a steady record holds so many.

Read next: kernels/scan.py; boundary.py for the first and last day; conditional.py for spread over all periods.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.conditional import drawn_pvalue
from exitmodels.kernels.scan import (
    exact_cost,
    naus_pvalue,
    scan_drawn,
    scan_exact,
    scan_maximum,
    wallenstein_neff_pvalue,
)
from exitmodels.models.counts.boundary import read_days
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import iso

__all__ = ["scan_test"]

_METHODS = ("auto", "exact", "monte-carlo", "naus", "wallenstein-neff")
_COST = 3e8


def scan_test(
    dates: Any,
    width: int,
    window: tuple[Any, Any] | int | None = None,
    *,
    method: str = "auto",
    draws: int = 9999,
    rng: Any = None,
    date_format: str | None = None,
) -> HypothesisTest:
    """Test whether the largest number of records in `width` neighbouring days is surprising.

    Parameters
    ----------
    dates : array or Series of dates, array of day numbers, or Counts by day
        One entry for each record; a `Counts` also says how much of each day was observed (its exposure).
    width : int
        Days in a window, chosen before the records were seen.
    window : (first, last), both inside, or int
        As in `boundary_test`.
    method : {"auto", "exact", "monte-carlo", "naus", "wallenstein-neff"}
        "exact" is the law of the largest window given the total, feasible for small windows and clusters;
        "monte-carlo" draws records on days. "auto" is exact where it takes a second or so. The other two are
        approximations for continuous time and steady exposure: Naus's for a Poisson process, and Wallenstein and
        Neff's given the total.
    draws : int
    rng : numpy Generator or seed
    date_format : str, optional

    Returns
    -------
    HypothesisTest
        `statistic` is the number of records in the busiest window; `to_frame()` has the approximations beside it.

    Raises
    ------
    DataError
        If there are no dates, dates fall outside the window, or the width does not fit into it.

    Notes
    -----
    Assumes that, without a cluster, records fall on days independently in proportion to exposure: a trend, or a day
    on which papers were filed in batches, also makes busy windows. Source: Naus (1965, 1982); Wallenstein and Neff
    (1987).

    Examples
    --------
    >>> test = scan_test([3, 40, 41, 43, 90, 150], width=7, window=180)
    >>> int(test.statistic), round(test.pvalue, 4)
    (3, 0.0659)
    """
    if method not in _METHODS:
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {', '.join(_METHODS)}.")
    days, first, end = read_days(dates, window, date_format)
    length, total = end - first, len(days)
    if int(width) != width or not 1 <= width < length:
        raise DataError(
            f"width={width} is not a number of days within a window of {length}.",
            column="width",
            code="width",
            hint="Give the length of the cluster looked for, such as 7.",
        )
    n = np.bincount(days - first, minlength=length)
    share = _shares(dates, first, length)
    most, start = (int(v) for v in scan_maximum(n, int(width)))
    if method == "auto":
        method = "exact" if exact_cost(total, length, int(width), most) <= _COST else "monte-carlo"
    found, warnings = _pvalue(method, total, share, int(width), most, draws, rng)
    beside = {
        "Naus, Poisson process": naus_pvalue(most, total * width / length, length / width),
        "Wallenstein and Neff, given the total": wallenstein_neff_pvalue(most, total, width / length),
    }
    begins = f"day {start + first}" if isinstance(window, (int, np.integer)) else iso(start + first)
    return HypothesisTest(
        statistic=float(most),
        df=float("nan"),
        pvalue=found,
        method=f"Scan: {most} of {total} records in {width} days from {begins}, window of {length} days ({method})",
        distribution="largest window, given the total",
        labels=tuple(beside),
        detail={"probability": np.array(list(beside.values()))},
        sources=("naus1965", "naus1982", "wallenstein_neff1987"),
        ledger=dates.ledger if isinstance(dates, Counts) else None,
        warnings=warnings,
    )


def _pvalue(
    method: str, total: int, share: Any, width: int, most: int, draws: int, rng: Any
) -> tuple[float, tuple[str, ...]]:
    if method == "exact":
        cost = exact_cost(total, len(share), width, most)
        if cost > 30 * _COST:
            raise DataError(
                f"The exact law of {most} records in {width} days takes about {cost:.2g} steps.",
                code="method",
                hint='Use method="monte-carlo".',
            )
        return scan_exact(total, share, width, most), ()
    if method == "monte-carlo":
        if draws < 99:
            raise DataError(f"draws={draws} is too few.", column="draws", code="draws", hint="Use 999 or more.")
        drawn = scan_drawn(total, share, width, draws, np.random.default_rng(rng))
        p, error = drawn_pvalue(int(np.sum(drawn >= most)), draws)
        return p, (f"p-value from {draws} draws; Monte Carlo standard error {error:.2g}",)
    if np.ptp(share) > 1e-12:
        raise DataError(
            f"Days were not observed equally, which the {method} approximation needs.",
            column="exposure",
            code="exposure",
            hint='Use method="monte-carlo" or "exact".',
        )
    if method == "naus":
        return naus_pvalue(most, total * width / len(share), len(share) / width), ()
    return wallenstein_neff_pvalue(most, total, width / len(share)), ()


def _shares(dates: Any, first: int, length: int) -> Any:
    """Probability that a record falls on each day: equal, or in proportion to the exposure of daily counts."""
    if not isinstance(dates, Counts):
        return np.full(length, 1 / length)
    series = dates.aggregate() if dates.keys else dates
    share = np.zeros(length)
    share[series.start.astype(np.int64) - first] = series.exposure
    return share / share.sum()
