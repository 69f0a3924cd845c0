"""Multinomial logit on many records: ours and scikit-learn's, at the same optimum.

``python -m benchmarks.composition [--quick]`` draws records of 12 categories with 8 columns.
On a busy machine OPENBLAS_NUM_THREADS=1 gives ratios that can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.data import Array
from benchmarks.pair import Pair, Ready, main

__all__ = ["PAIRS", "draw_records", "ours", "theirs"]

CATEGORIES, COLUMNS = 12, 8


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


def theirs(x: Array, code: Array) -> Callable[[], Any]:
    """The same by L-BFGS without a penalty, to a gradient that gives the same optimum."""

    def fit() -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=np.inf, tol=1e-7, max_iter=5000).fit(x, code)

    return fit


def difference(fit: Any, peer: Any) -> float:
    """Largest difference of coefficients relative to the first category, in standard errors."""
    whole = np.column_stack([peer.intercept_, peer.coef_])
    return float(np.max(np.abs((whole[1:] - whole[0]).ravel() - fit.estimate) / fit.standard_errors))


def _prepare(n: int) -> Ready:
    x, code = draw_records(n)
    return Ready(ours(x, code), theirs(x, code), difference)


PAIRS = (
    Pair(
        "multinomial",
        f"Multinomial logit, {CATEGORIES} categories, {COLUMNS} columns",
        "scikit-learn",
        1_000_000,
        3.0,
        1e-2,  # standard errors
        _prepare,
    ),
)


if __name__ == "__main__":
    main(PAIRS)
