"""Interrupted series against the same fits made one by one with statsmodels: ``python -m benchmarks.interrupted``.

The answers agree before anything is timed. Series are those of the founding size: 18 months, 78 weeks, 539 days.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.agree import compare
from benchmarks.measure import alternate, seconds

AT, WINDOW = "2014-05-01", ("2013-03-01", "2014-08-21")


def series(freq: str) -> xm.Counts:
    """Simulated records of the founding size."""
    world = xm.simulate.exits(n=431, window=WINDOW, rng=431)
    return xm.Counts.from_frame(world.frame, date="left", freq=freq, window=WINDOW)


def with_newey_west(counts: xm.Counts, matrix: Any) -> Any:
    """Fit as a statsmodels user would: a Poisson GLM with offset and HAC errors."""
    import statsmodels.api as sm

    model = sm.GLM(counts.n, matrix, family=sm.families.Poisson(), offset=np.log(counts.exposure))
    return model.fit(cov_type="HAC", cov_kwds={"maxlags": 2, "use_correction": False}, tol=1e-12)


def one_by_one(counts: xm.Counts, base: Any, number: Any, places: Any) -> Any:
    """F of a step at each place, one fit at a time."""
    import statsmodels.api as sm

    offset, family = np.log(counts.exposure), sm.families.Poisson()
    null = sm.GLM(counts.n, base, family=family, offset=offset).fit(tol=1e-12)
    found = []
    for place in places:
        fit = sm.GLM(counts.n, np.column_stack([base, number >= place]), family=family, offset=offset).fit(tol=1e-12)
        found.append((null.deviance - fit.deviance) / max(fit.pearson_chi2 / fit.df_resid, 1.0))
    return np.array(found)


def main() -> None:
    """Print one line for each task and length: who agreed, and how many times faster."""
    for freq in ("MS", "W", "D"):
        counts = series(freq)
        model = xm.InterruptedSeries(at=AT, vcov="hac", hac_lags=2)
        fit = model.fit(counts)
        matrix, number = fit.cells.matrix, np.arange(len(counts))
        default = seconds(lambda c=counts: xm.InterruptedSeries(at=AT).fit(c))
        print(f"{freq:<3} {len(counts):>4} periods: one default fit {1000 * default:.0f} ms")
        theirs = with_newey_west(counts, matrix)
        agreed = compare(
            {"coef": fit.estimate, "coef_se": fit.standard_errors}, {"coef": theirs.params, "coef_se": theirs.bse}
        )
        report("hac", agreed, lambda m=model, c=counts: m.fit(c), lambda c=counts, x=matrix: with_newey_west(c, x))
        frame = fit.placebo().to_frame().iloc[1:]
        places = np.searchsorted(counts.start, np.array(frame.index, dtype="datetime64[D]"))
        agreed = compare(
            {"statistic": 1 + frame["F"].to_numpy()},
            {"statistic": 1 + one_by_one(counts, matrix[:, :2], number, places)},
        )
        report(
            f"placebo, {len(places)} dates",
            agreed,
            fit.placebo,
            lambda c=counts, x=matrix[:, :2], k=number, p=places: one_by_one(c, x, k, p),
        )


def report(task: str, agreed: Any, ours: Any, theirs: Any) -> None:
    """Time both in turn, if they agree."""
    if not agreed.holds:
        print(f"    {task}: no agreement, not timed ({agreed})")
        return
    here, there = alternate(ours, theirs)
    print(f"    {task}: {agreed}; statsmodels / exitmodels = {np.median(there) / np.median(here):.1f}")


if __name__ == "__main__":
    sys.exit(main())
