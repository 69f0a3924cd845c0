"""Scores of a multinomial logit: rows' derivatives of the log-likelihood, and what robust variances need of them.

Ground floor: NumPy only. Scores are made block by block; what is kept is their cross product, or their sums over
clusters or periods, never all of them.

Called by: models.counts.composition_covariance.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.multinomial import row_blocks, shares_of

__all__ = ["pearson", "score_squares", "score_sums"]


def residuals(
    beta: Floats, design: Floats, offset: Floats | None, counts: Floats | Ints, weight: Floats, rows: slice
) -> Floats:
    """Observed less expected for the categories but the baseline, (K, rows)."""
    share, _ = shares_of(beta, design[rows], None if offset is None else offset[rows])
    seen = counts[rows]
    if seen.ndim == 1:
        made = -share
        other = np.flatnonzero(seen > 0)
        made[seen[other] - 1, other] += 1.0
        return made * weight[rows]
    return np.asarray((seen[:, 1:].T - seen.sum(axis=1) * share) * weight[rows], dtype=np.float64)


def score_squares(
    beta: Floats, design: Floats, offset: Floats | None, counts: Floats | Ints, weight: Floats, copies: bool
) -> Floats:
    """Sum over rows of score times score', (K p, K p).

    Parameters
    ----------
    beta : (K, p)
    counts : (n, K + 1) or (n,) int
        Counts with the baseline first, or the category of each record, 0 being the baseline.
    weight : (n,)
    copies : bool
        Whether a weight of three is three rows (each with its own score) rather than one row that counts threefold.
    """
    k, p = beta.shape
    out = np.zeros((k * p, k * p))
    power = np.sqrt(weight) if copies else weight
    for rows in row_blocks(len(design), k * p):
        left = residuals(beta, design, offset, counts, power, rows)
        flat = (left[:, None, :] * design[rows].T).reshape(k * p, -1)
        out += flat @ flat.T
    return out


def score_sums(
    beta: Floats, design: Floats, offset: Floats | None, counts: Floats | Ints, weight: Floats, group: Ints
) -> Floats:
    """Sums of the scores over groups of rows, (groups, K p)."""
    k, p = beta.shape
    n_groups = int(group.max()) + 1
    out = np.zeros((k * p, n_groups))
    for rows in row_blocks(len(design), k * p):
        left = residuals(beta, design, offset, counts, weight, rows)
        flat = (left[:, None, :] * design[rows].T).reshape(k * p, -1)
        low, high = int(group[rows].min()), int(group[rows].max()) + 1
        for line, sums in zip(flat, out, strict=True):
            sums[low:high] += np.bincount(group[rows] - low, line, high - low)
    return out.T


def pearson(beta: Floats, design: Floats, offset: Floats | None, counts: Floats) -> tuple[float, float]:
    """Pearson's chi-squared of counts (n, K + 1), and the deviance from a perfect fit."""
    share, log_sum = shares_of(beta, design, offset)
    size = counts.sum(axis=1)
    mean = np.vstack([np.exp(-log_sum), share]).T * size[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        chi2 = np.where(mean > 0, (counts - mean) ** 2 / mean, 0.0).sum()
        deviance = 2 * np.where(counts > 0, counts * np.log(counts / mean), 0.0).sum()
    return float(chi2), float(deviance)
