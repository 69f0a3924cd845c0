"""Log-likelihoods of count families as functions of all their parameters, for profiles and score tests.

Ground floor: NumPy only. Called by: models.counts.examined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.nb1 import nb1_rows
from exitmodels.kernels.twopart import Rows, count_rows

__all__ = ["CountTerms", "count_terms", "scores_at_zero"]


@dataclass(frozen=True, eq=False)
class CountTerms:
    """Value, gradient and information at one point."""

    value: float
    gradient: Floats
    information: Floats


def _rows(y: Floats, mean: Floats, family: str, alpha: float) -> Rows:
    return nb1_rows(y, mean, alpha) if family == "nb1" else count_rows(y, mean, alpha)


def count_terms(y: Floats, design: Floats, offset: Floats, family: str) -> Callable[[Floats], CountTerms]:
    """Return the function that gives the terms at (beta, log alpha), or at (beta) for "poisson".

    Parameters
    ----------
    y, offset : (n,)
    design : (n, p)
    family : {"poisson", "nb1", "nb2"}
    """
    p = design.shape[1]

    def terms(at: Floats) -> CountTerms:
        alpha = 0.0 if family == "poisson" else float(np.exp(np.clip(at[p], -40, 40)))
        mean = np.exp(np.clip(offset + design @ at[:p], -700.0, 700.0))
        value, e, k, ee, ek, kk = _rows(y, mean, family, alpha)
        gradient, information = design.T @ e, -(design * ee[:, None]).T @ design
        if alpha:
            side = -(design.T @ ek)
            information = np.vstack([np.column_stack([information, side]), np.append(side, -kk.sum())])
            gradient = np.append(gradient, k.sum())
        return CountTerms(float(value.sum()), gradient, information)

    return terms


def scores_at_zero(design: Floats, mean: Floats, family: str, alpha: float) -> tuple[Floats, Floats]:
    """log P(0) of each row (n,), and what its score would be if its count were zero (n, p) or (n, p + 1)."""
    log_zero, e, k, *_ = _rows(np.zeros(len(mean)), mean, family, alpha)
    scores = design * e[:, None]
    return log_zero, np.column_stack([scores, k]) if alpha else scores
