"""Multinomial logit on many records: ours and scikit-learn's, at the same optimum.

``python -m benchmarks.composition [rows]`` draws records of 12 categories with 8 columns, shows that the answers agree,
then lets both take turns and prints the ratio of median seconds. The peer is left out when it is not installed.
On a busy machine OPENBLAS_NUM_THREADS=1 gives ratios that can be repeated.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import util
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.data import Array
from benchmarks.measure import alternate

__all__ = ["draw_records", "main", "ours", "theirs"]

CATEGORIES, COLUMNS, AIM = 12, 8, 3.0
TOLERATED = 1e-2  # standard errors


def draw_records(n: int, seed: int = 20) -> tuple[Array, Array]:
    """Columns (n, 7), the intercept not counted, and the category of each record."""
    rng = np.random.default_rng([seed, n])
    x = rng.standard_normal((n, COLUMNS - 1))
    eta = x @ rng.normal(0, 0.5, (COLUMNS - 1, CATEGORIES)) + rng.normal(0, 0.5, CATEGORIES)
    return x, np.argmax(eta + rng.gumbel(size=eta.shape), axis=1)


def ours(x: Array, code: Array) -> Callable[[], Any]:
    """A fit from a table of records, with standard errors."""
    frame = {f"x{j}": np.ascontiguousarray(x[:, j]) for j in range(x.shape[1])} | {"reason": code}
    model = xm.Composition(" + ".join(f"x{j}" for j in range(x.shape[1])), reason="reason", baseline="0")
    return lambda: model.fit(frame)


def theirs(x: Array, code: Array) -> Callable[[], Any] | None:
    """The same by L-BFGS without a penalty, to a gradient that gives the same optimum; None when not installed."""
    if util.find_spec("sklearn") is None:
        return None
    from sklearn.linear_model import LogisticRegression

    return lambda: LogisticRegression(C=np.inf, tol=1e-7, max_iter=5000).fit(x, code)


def difference(fit: Any, peer: Any) -> float:
    """Largest difference of coefficients relative to the first category, in standard errors."""
    whole = np.column_stack([peer.intercept_, peer.coef_])
    return float(np.max(np.abs((whole[1:] - whole[0]).ravel() - fit.estimate) / fit.standard_errors))


def main(n: int = 1_000_000) -> None:
    """Print agreement, seconds and the ratio."""
    x, code = draw_records(n)
    here, there = ours(x, code), theirs(x, code)
    fit = here()
    print(f"{n} records, {CATEGORIES} categories, {COLUMNS} columns; converged: {fit.converged}")
    if there is None:
        print("scikit-learn is not installed; nothing to compare with")
        return
    gap = difference(fit, there())
    print(f"largest difference {gap:.1e} standard errors (tolerated {TOLERATED:.0e})")
    if gap > TOLERATED:
        print("the answers differ; nothing is timed")
        return
    one, two = (float(np.median(values)) for values in alternate(here, there, most=3))
    print(f"ours {one:.2f} s, scikit-learn {two:.2f} s, ratio {two / one:.1f} (aim {AIM:g})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
