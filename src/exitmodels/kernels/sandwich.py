"""Covariances that do not trust the model's variance: bread, and what is put between.

Ground floor: NumPy only. `scores` are the rows' derivatives of the log-likelihood, `bread` the inverse of the
information; every covariance here is bread @ meat @ bread.

Called by: models.counts.regression.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats, Ints

__all__ = ["cluster_meat", "hac_lags", "hac_meat", "leverage", "robust_meat"]


def robust_meat(scores: Floats, kind: str = "hc0", hat: Floats | None = None, n_parameters: int = 0) -> Floats:
    """Independent rows: sum of score outer products, with the corrections HC1, HC2 and HC3.

    Source: White (1980); MacKinnon and White (1985). `hat` are the rows' leverages, needed for HC2 and HC3.
    """
    n = len(scores)
    if kind == "hc1":
        return scores.T @ scores * (n / (n - n_parameters))
    if kind in ("hc2", "hc3"):
        assert hat is not None
        room = np.maximum(1 - hat, 1e-12)
        scores = scores / (np.sqrt(room) if kind == "hc2" else room)[:, None]
    return np.asarray(scores.T @ scores, dtype=np.float64)


def leverage(design: Floats, weight: Floats, bread: Floats) -> Floats:
    """Diagonal of W^1/2 X bread X' W^1/2."""
    return np.asarray(weight * np.einsum("ij,jk,ik->i", design, bread, design), dtype=np.float64)


def cluster_meat(scores: Floats, cluster: Ints, small_sample: bool) -> Floats:
    """Rows of a cluster may be related in any way; times G / (G - 1) if asked. Source: Liang and Zeger (1986)."""
    sums = _summed(scores, cluster)
    factor = len(sums) / (len(sums) - 1) if small_sample else 1.0
    return np.asarray(sums.T @ sums * factor, dtype=np.float64)


def hac_meat(scores: Floats, period: Ints, lags: int) -> Floats:
    """Neighbouring periods may be related: Bartlett weights 1 - l / (lags + 1) up to `lags`.

    Scores are first summed within a period, so that several series may be related at any one time. Source: Newey
    and West (1987); Driscoll and Kraay (1998) for several series.
    """
    sums = _summed(scores, period)
    meat = sums.T @ sums
    for lag in range(1, min(lags, len(sums) - 1) + 1):
        part = sums[lag:].T @ sums[:-lag]
        meat = meat + (1 - lag / (lags + 1)) * (part + part.T)
    return np.asarray(meat, dtype=np.float64)


def hac_lags(n_periods: int) -> int:
    """Lags when none are asked for: the whole part of 4 (T / 100)^(2/9), Newey and West (1994).

    >>> hac_lags(59), hac_lags(18)
    (3, 2)
    """
    return int(np.floor(4 * (n_periods / 100) ** (2 / 9)))


def _summed(scores: Floats, group: Ints) -> Floats:
    size = int(group.max()) + 1
    return np.stack([np.bincount(group, column, size) for column in scores.T], axis=1)
