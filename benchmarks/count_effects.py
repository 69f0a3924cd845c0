"""Negative binomial regression with unit levels against statsmodels with dummy columns.

``python -m benchmarks.count_effects [--quick]``: 323,400 cells of 62 units, from the counts to the standard errors.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.agree import compare
from benchmarks.pair import Pair, Ready, main

UNITS, CELLS = 62, 323_400
COLUMNS = ("x", "policy", "trend")


def cells(n: int, seed: int = 62) -> xm.Counts:
    """Simulated overdispersed counts of days in units, with three covariates that vary within units."""
    rng = np.random.default_rng(seed)
    unit = np.arange(n) % UNITS
    table: dict[str, Any] = {"x": rng.normal(size=n), "policy": rng.integers(0, 2, n), "trend": np.arange(n) / n}
    level = 0.4 * rng.normal(size=UNITS)[unit]
    mean = np.exp(-0.5 + 0.2 * table["x"] - 0.3 * table["policy"] + 0.1 * table["trend"] + level)
    table |= {"unit": unit, "n": rng.poisson(mean * rng.gamma(2.0, 0.5, n))}
    return xm.Counts.from_table(table, n="n", covariates=[*COLUMNS, "unit"])


def ours(counts: xm.Counts) -> Any:
    """Fit without columns for the units."""
    return xm.CountRegression(" + ".join(COLUMNS) + " + fe(unit)", family="nb2", exposure=False).fit(counts)


def theirs(counts: xm.Counts) -> Any:
    """Fit as a statsmodels user would: dummy columns, Newton's method from a Poisson fit."""
    from statsmodels.discrete.discrete_model import NegativeBinomial, Poisson

    columns = [counts.columns[name].values for name in COLUMNS]
    matrix = np.column_stack([*columns, np.eye(UNITS)[counts.columns["unit"].values]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = Poisson(counts.n, matrix).fit(method="newton", disp=0).params
        model = NegativeBinomial(counts.n, matrix)
        return model.fit(start_params=np.append(start, 0.5), method="newton", maxiter=100, disp=0)


def numbers(fit: Any, peer: bool) -> dict[str, Any]:
    """Coefficients and standard errors of the three covariates."""
    if peer:
        return {"coef": np.asarray(fit.params)[:3], "coef_se": np.asarray(fit.bse)[:3]}
    return {"coef": fit.estimate, "coef_se": fit.standard_errors}


def _difference(fit: Any, peer: Any) -> float:
    agreed = compare(numbers(fit, False), numbers(peer, True))
    return agreed.difference / agreed.tolerance


def _prepare(n: int) -> Ready:
    counts = cells(n)
    return Ready(lambda: ours(counts), lambda: theirs(counts), _difference)


PAIRS = (Pair("count-effects", f"Negative binomial, {UNITS} unit levels", "statsmodels", CELLS, 0.0, 1.0, _prepare),)


if __name__ == "__main__":
    main(PAIRS)
