"""Counting records and exact limits beside pandas and statsmodels: ``python -m benchmarks.small_counts [--quick]``.

Ten million records are counted by day, 12 reasons and 50 places; exact limits are drawn for a million Poisson counts
(Garwood) and a million shares (Clopper and Pearson). For each line the numbers are shown to agree first; then ours and
the peer's take turns. A peer that is not installed is left out with the reason.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.data import Array
from benchmarks.measure import alternate

__all__ = ["LINES", "Line", "measure"]

WINDOW = ("2013-03-01", "2014-08-21")


@dataclass(frozen=True)
class Line:
    """One comparison.

    Parameters
    ----------
    name, peer : str
    n : int
        Records or counts at full size.
    aim : float
        The ratio to reach.
    tolerance : float
        Largest relative difference of the answers.
    prepare : function of a size
        Gives ours, theirs (both without arguments), and a function from either answer to numbers.
    """

    name: str
    peer: str
    n: int
    aim: float
    tolerance: float
    prepare: Callable[[int], tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], Array]]]


def _counting(n: int) -> tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], Array]]:
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

    return ours, theirs, lambda answer: np.asarray(answer.n if isinstance(answer, xm.Counts) else answer)


def _garwood(n: int) -> tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], Array]]:
    from statsmodels.stats.rates import confint_poisson

    rng = np.random.default_rng(n)
    counts, days = rng.poisson(rng.gamma(1.5, 20, n)), rng.integers(20, 400, n).astype(float)

    def ours() -> Any:
        found = xm.rate(counts, days)
        return found.low, found.high

    return ours, lambda: confint_poisson(counts, days, method="exact-c"), lambda answer: np.nan_to_num(np.array(answer))


def _clopper_pearson(n: int) -> tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], Array]]:
    from statsmodels.stats.proportion import proportion_confint

    from exitmodels.kernels.exact_binomial import binomial_interval

    rng = np.random.default_rng(n)
    total = rng.integers(1, 200, n)
    counts = rng.binomial(total, 0.3)
    theirs = lambda: proportion_confint(counts, total, method="beta")  # noqa: E731
    return lambda: binomial_interval(counts, total), theirs, lambda answer: np.array(answer)


LINES = (
    Line("day x 12 reasons x 50 places", "pandas", 10_000_000, 5.0, 0.0, _counting),
    Line("Garwood limits", "statsmodels", 1_000_000, 20.0, 1e-10, _garwood),
    Line("Clopper-Pearson limits", "statsmodels", 1_000_000, 20.0, 1e-10, _clopper_pearson),
)


def measure(line: Line, n: int) -> str:
    """Check that the answers agree, then time both in turn; return one line of text."""
    try:
        version = metadata.version(line.peer)
    except metadata.PackageNotFoundError:
        return f"{line.name}: {line.peer} is not installed"
    ours, theirs, read = line.prepare(n)
    here, there = read(ours()), read(theirs())
    gap = float(np.max(np.abs(here - there) / np.maximum(np.abs(there), 1.0)))
    if not gap <= line.tolerance:
        return f"{line.name}: {line.peer} {version} disagrees by {gap:.2g}"
    mine, its = alternate(ours, theirs)
    a, b = float(np.median(mine)), float(np.median(its))
    verdict = "met" if b / a >= line.aim else "missed"
    return (
        f"{line.name}, {n:,}: {a:.3g} s; {line.peer} {version} {b:.3g} s; {b / a:.1f}x (aim {line.aim:g}x: {verdict})"
    )


def main() -> None:
    """Print every line."""
    quick = "--quick" in sys.argv
    for line in LINES:
        print(measure(line, line.n // 100 if quick else line.n), flush=True)


if __name__ == "__main__":
    main()
