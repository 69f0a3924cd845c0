"""Counting records and exact limits beside pandas and statsmodels: ``python -m benchmarks.small_counts [--quick]``.

Ten million records are counted by day, 12 reasons and 50 places; exact limits are drawn for a million Poisson counts
(Garwood) and a million shares (Clopper and Pearson).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.pair import Pair, Ready, close, main

__all__ = ["PAIRS"]

WINDOW = ("2013-03-01", "2014-08-21")


def _counting(n: int) -> Ready:
    import pandas as pd

    rng = np.random.default_rng(n)
    day = np.datetime64(WINDOW[0]) + rng.integers(0, 539, n).astype("timedelta64[D]")
    reasons = [f"reason {i:02d}" for i in range(12)]
    frame = pd.DataFrame(
        {
            "left": day.astype("datetime64[ns]"),
            "reason": pd.Categorical.from_codes(rng.integers(0, 12, n), reasons),
            "place": rng.integers(0, 50, n),
        }
    )
    every = pd.MultiIndex.from_product([pd.date_range(*WINDOW), reasons, range(50)])

    def theirs() -> Any:
        grouped = frame.groupby(["left", "reason", "place"], observed=True).size()
        return grouped.reindex(every, fill_value=0)

    def ours() -> Any:
        return xm.Counts.from_frame(frame, date="left", by=["reason", "place"], window=WINDOW)

    return Ready(ours, theirs, lambda here, there: close(here.n, there))


def _garwood(n: int) -> Ready:
    from statsmodels.stats.rates import confint_poisson

    rng = np.random.default_rng(n)
    counts, days = rng.poisson(rng.gamma(1.5, 20, n)), rng.integers(20, 400, n).astype(float)

    def ours() -> Any:
        found = xm.rate(counts, days)
        return found.low, found.high

    def theirs() -> Any:
        return np.nan_to_num(np.array(confint_poisson(counts, days, method="exact-c")))

    return Ready(ours, theirs, lambda here, there: close(np.nan_to_num(np.array(here)), there))


def _clopper_pearson(n: int) -> Ready:
    from statsmodels.stats.proportion import proportion_confint

    from exitmodels.kernels.exact_binomial import binomial_interval

    rng = np.random.default_rng(n)
    total = rng.integers(1, 200, n)
    counts = rng.binomial(total, 0.3)

    def theirs() -> Any:
        return np.array(proportion_confint(counts, total, method="beta"))

    return Ready(lambda: binomial_interval(counts, total), theirs, close)


PAIRS = (
    Pair("counting", "Counts.from_frame, day x 12 reasons x 50 places", "pandas", 10_000_000, 5.0, 0.0, _counting),
    Pair("garwood", "Garwood limits of counts", "statsmodels", 1_000_000, 20.0, 1e-10, _garwood),
    Pair("clopper", "Clopper-Pearson limits of shares", "statsmodels", 1_000_000, 20.0, 1e-10, _clopper_pearson),
)


if __name__ == "__main__":
    main(PAIRS)
