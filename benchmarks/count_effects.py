"""Negative binomial regression with unit levels against statsmodels with dummy columns.

``python -m benchmarks.count_effects [cells]``; by default 323,400 cells of 62 units. The answers agree before anything
is timed, and both sides are timed from the counts to the standard errors.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.agree import compare
from benchmarks.measure import alternate, seconds

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


def main() -> None:
    """Print who agreed, and how many times faster."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else CELLS
    counts = cells(n)
    fit = ours(counts)
    print(f"{n:,} cells, {UNITS} units: exitmodels {seconds(lambda: ours(counts)):.2f} s, converged {fit.converged}")
    if importlib.util.find_spec("statsmodels") is None:
        print("    statsmodels: not installed")
        return
    agreed = compare(numbers(fit, False), numbers(theirs(counts), True))
    if not agreed.holds:
        print(f"    no agreement, not timed ({agreed})")
        return
    here, there = alternate(lambda: ours(counts), lambda: theirs(counts))
    print(f"    {agreed}; statsmodels / exitmodels = {np.median(there) / np.median(here):.1f}")


if __name__ == "__main__":
    sys.exit(main())
