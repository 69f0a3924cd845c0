"""Piecewise constant hazards of several causes when the cause of some exits is masked.

Ground floor: NumPy only. With n[j, p] exits of pattern p and T[j] time at risk in piece j, the log-likelihood is
sum n[j, p] log(c[p] . h[j]) - T[j] sum h[j]. The hazard of all causes is exits over time; how it splits is the
question of patternshares.py.

Read next: patternshares.py. Called by: models.hazards.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from exitmodels.arrays import CHUNK, AnyArray, Floats, Ints
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.patternshares import curvature

__all__ = [
    "cluster_scores",
    "hazard_covariance",
    "hazard_value",
    "pattern_counts",
    "piecewise_incidence",
    "score_squares",
    "time_at_risk",
]


def time_at_risk(entry: AnyArray, exit: AnyArray, weight: Floats, cuts: Floats) -> Floats:
    """Time spent in each of (0, c1], (c1, c2], ..., (cm, inf), weighted (J,)."""
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    spent = [weight @ np.maximum(np.minimum(exit, high) - np.maximum(entry, low), 0.0) for low, high in pairwise(edges)]
    return np.array(spent, dtype=np.float64)


def pattern_counts(exit: AnyArray, pattern: Ints, weight: Floats, cuts: Floats, n_patterns: int) -> Floats:
    """Weighted exits of each pattern in each piece (J, P); `pattern` is 0 for no exit, p + 1 for pattern p."""
    gone = pattern > 0
    place = np.searchsorted(cuts, exit[gone], side="left") * n_patterns + pattern[gone] - 1
    return np.bincount(place, weight[gone], (len(cuts) + 1) * n_patterns).reshape(-1, n_patterns)


def hazard_value(count: Floats, time: Floats, hazard: Floats, chance: Floats) -> float:
    """Log-likelihood of the hazards (J, K)."""
    mixed = hazard @ chance.T
    with np.errstate(divide="ignore"):
        logs = np.where(count > 0, count * np.log(np.where(count > 0, mixed, 1.0)), 0.0)
    return float(logs.sum() - time @ hazard.sum(axis=1))


def hazard_covariance(count: Floats, hazard: Floats, chance: Floats) -> Floats:
    """Inverse observed information of the log hazards of one piece (K, K); NaN for hazards of zero.

    Parameters
    ----------
    count : (P,)
    hazard : (K,)
    """
    held = hazard > 0
    out = np.full((len(hazard),) * 2, np.nan)
    if held.any():
        bend = curvature(count, hazard, chance) * np.outer(hazard, hazard)
        out[np.ix_(held, held)] = symmetric_inverse(bend[np.ix_(held, held)])
    return out


def piecewise_incidence(hazard: Floats, cuts: Floats, times: Floats) -> tuple[Floats, Floats]:
    """Incidence of each cause and its slopes by the log hazards.

    Parameters
    ----------
    hazard : (J, K)
    times : (t,)
        Rising, above zero, all cuts below the last among them: hazards are then constant within each step.

    Returns
    -------
    (K, t), and (K, t, J K)
    """
    n_pieces, n_causes = hazard.shape
    edges = np.concatenate([[0.0], cuts, [np.inf]])
    begin = np.concatenate([[0.0], times[:-1]])
    piece = np.searchsorted(cuts, times, side="left")
    own, total = hazard[piece], hazard[piece].sum(axis=1)
    spent = np.clip(begin[:, None] - edges[:-1], 0.0, np.diff(edges))
    before = np.exp(-spent @ hazard.sum(axis=1))
    rise = total * (times - begin)
    share = own / np.where(total > 0, total, 1.0)[:, None]
    gone, kept = before * -np.expm1(-rise), before * np.exp(-rise)
    slopes = np.zeros((n_causes, len(times), n_pieces, n_causes))
    steps = share * gone[:, None]
    rows = np.arange(len(times))
    for k in range(n_causes):
        # Through survival up to the step, through the exits of the step, and through how causes share them.
        slopes[k] -= (steps[:, k, None] * spent)[:, :, None] * hazard
        slopes[k, rows, piece] += (share[:, k] * kept * (times - begin))[:, None] * own - steps[:, k, None] * share
        slopes[k, rows, piece, k] += steps[:, k]
    return np.cumsum(steps, axis=0).T, np.cumsum(slopes, axis=1).reshape(n_causes, len(times), -1)


def score_squares(
    entry: AnyArray, exit: AnyArray, pattern: Ints, factor: Floats, cuts: Floats, hazard: Floats, chance: Floats
) -> Floats:
    """Sum over rows of squared scores of the log hazards (J K, J K).

    Parameters
    ----------
    factor : (n,)
        What a row's score counts before squaring: its weight, or the root of a weight that means copies.
    hazard : (J, K)
    """
    out = np.zeros((hazard.size,) * 2)
    for rows, score in _scores(entry, exit, pattern, cuts, hazard, chance):
        scaled = score * factor[rows, None]
        out += scaled.T @ scaled
    return out


def cluster_scores(
    entry: AnyArray,
    exit: AnyArray,
    pattern: Ints,
    weight: Floats,
    cuts: Floats,
    hazard: Floats,
    chance: Floats,
    cluster: Ints,
    width: int,
) -> Floats:
    """Sum of the scores of the log hazards over each of `width` clusters (width, J K)."""
    sums = np.zeros((width, hazard.size))
    for rows, score in _scores(entry, exit, pattern, cuts, hazard, chance):
        np.add.at(sums, cluster[rows], score * weight[rows, None])
    return sums


def _scores(
    entry: AnyArray, exit: AnyArray, pattern: Ints, cuts: Floats, hazard: Floats, chance: Floats
) -> Iterator[tuple[slice, Floats]]:
    """Scores (rows, J K) by blocks of rows that stay in cache."""
    n_causes = hazard.shape[1]
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    mixed = hazard @ chance.T
    slopes = np.where(mixed[:, :, None] > 0, chance / np.where(mixed > 0, mixed, 1.0)[:, :, None], 0.0)
    size = CHUNK // max(hazard.size, 1) + 1
    for start in range(0, len(exit), size):
        rows = slice(start, start + size)
        begin, end, seen = entry[rows, None], exit[rows, None], pattern[rows]
        spent = np.maximum(np.minimum(end, edges[1:]) - np.maximum(begin, edges[:-1]), 0.0)
        score = -np.repeat(spent, n_causes, axis=1).reshape(len(spent), -1, n_causes)
        gone = np.flatnonzero(seen > 0)
        place = np.searchsorted(cuts, exit[rows][gone], side="left")
        score[gone, place] += slopes[place, seen[gone] - 1]
        yield rows, (score * hazard).reshape(len(spent), -1)
