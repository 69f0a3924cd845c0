"""Interrupted series against the same fits made one by one with statsmodels: ``python -m benchmarks.interrupted``.

Series are those of the founding size: 18 months, 78 weeks, 539 days.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.agree import compare
from benchmarks.pair import Pair, Ready, close, main

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


def _newey_west(freq: str) -> Callable[[int], Ready]:
    def prepare(n: int) -> Ready:
        counts = series(freq)
        model = xm.InterruptedSeries(at=AT, vcov="hac", hac_lags=2)
        matrix = model.fit(counts).cells.matrix
        return Ready(lambda: model.fit(counts), lambda: with_newey_west(counts, matrix), _difference)

    return prepare


def _difference(fit: Any, peer: Any) -> float:
    ours = {"coef": fit.estimate, "coef_se": fit.standard_errors}
    agreed = compare(ours, {"coef": peer.params, "coef_se": peer.bse})
    return agreed.difference / agreed.tolerance


def _placebo(freq: str) -> Callable[[int], Ready]:
    def prepare(n: int) -> Ready:
        counts = series(freq)
        fit = xm.InterruptedSeries(at=AT, vcov="hac", hac_lags=2).fit(counts)
        base, number = fit.cells.matrix[:, :2], np.arange(len(counts))
        dates = np.array(fit.placebo().to_frame().iloc[1:].index, dtype="datetime64[D]")
        places = np.searchsorted(counts.start, dates)
        return Ready(
            fit.placebo,
            lambda: one_by_one(counts, base, number, places),
            lambda here, there: close(here.to_frame().iloc[1:]["F"], there),
        )

    return prepare


PERIODS = {"MS": (18, "months"), "W": (78, "weeks"), "D": (539, "days")}
PAIRS = tuple(
    pair
    for freq, (n, said) in PERIODS.items()
    for pair in (
        Pair(f"its-{said}", f"Interrupted series, HAC, {said}", "statsmodels", n, 0.0, 1.0, _newey_west(freq), least=n),
        Pair(f"placebo-{said}", f"Placebo dates, {said}", "statsmodels", n, 0.0, 1e-8, _placebo(freq), least=n),
    )
)


if __name__ == "__main__":
    main(PAIRS)
