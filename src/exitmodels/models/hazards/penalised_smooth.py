"""Smooth terms of a fit: their curve with limits, and tests of the straight line and of what is left.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.shapes.smooth import Smooth

if TYPE_CHECKING:
    from exitmodels.models.hazards.penalised_results import PenalisedCoxResults

__all__ = ["effect_of", "lines_of", "tests_of"]


def effect_of(result: PenalisedCoxResults, smooth: Smooth, own: list[int], at: Any, alpha: float) -> Any:
    """The curve of one smooth term, zero on average over the rows: x, effect, se, low, high."""
    import pandas as pd

    x = np.linspace(smooth.low, smooth.high, 101) if at is None else np.atleast_1d(np.asarray(at, dtype=float))
    away = smooth.basis(x) - result.centre[own]
    effect = away @ result.estimate[own]
    se = np.sqrt(np.einsum("ij,jk,ik->i", away, result.covariance[np.ix_(own, own)], away))
    half = result._critical(alpha) * se
    return pd.DataFrame({"x": x, "effect": effect, "se": se, "low": effect - half, "high": effect + half})


def tests_of(result: PenalisedCoxResults) -> Any:
    """Straight line and rest of each smooth term: term, part, coef, se, chi2, df, p."""
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    smooths = result.penalty.smooths
    dfs = result.term_df if smooths else {}
    for smooth in smooths:
        own = [result.names.index(name) for name in smooth.names]
        covariance, b = result.covariance[np.ix_(own, own)], result.estimate[own]
        line = np.column_stack([np.ones(smooth.width), smooth.centres])
        left = np.linalg.solve(covariance, line)
        weights = np.linalg.solve(line.T @ left, left.T)[1]
        slope, se = float(weights @ b), float(np.sqrt(weights @ covariance @ weights))
        linear, df = (slope / se) ** 2, float(dfs[smooth.label])
        rest = float(b @ np.linalg.solve(covariance, b)) - linear
        p = float(chdtrc(max(df - 1, 0.5), max(rest, 0.0)))
        rows.append((smooth.label, "linear", slope, se, linear, 1.0, float(chdtrc(1, linear))))
        rows.append((smooth.label, "nonlinear", np.nan, np.nan, rest, df - 1, p))
    return pd.DataFrame(rows, columns=["term", "part", "coef", "se", "chi2", "df", "p"])


def lines_of(tests: Any, critical: float) -> Any:
    """The tests in the columns of a table of coefficients."""
    import pandas as pd

    low, high = tests.coef - critical * tests.se, tests.coef + critical * tests.se
    return pd.DataFrame(
        {
            "term": tests.term + ", " + tests.part,
            "estimate": tests.coef,
            "se": tests.se,
            "statistic": np.where(tests.part == "linear", tests.coef / tests.se, np.nan),
            "p": tests.p,
            "low": low,
            "high": high,
            "ratio": np.exp(tests.coef),
            "ratio_low": np.exp(low),
            "ratio_high": np.exp(high),
        }
    )
