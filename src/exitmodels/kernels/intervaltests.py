"""Score tests for groups seen through intervals: each row's score, and two variances of their sums.

Ground floor. The pooled distribution is estimated once (turnbull.py). A row's score is the slope of its
log-likelihood in a group effect, at no effect; three ways in which an effect may act give three tests.

Read next: logrank.py (`chi_squared`, which takes the sums).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.graphs import solve_graph
from exitmodels.kernels.grouped import group_sum

__all__ = ["EFFECTS", "Scored", "permutation_variance", "score_rows", "score_variance"]

EFFECTS = ("sun", "finkelstein", "wilcoxon")


@dataclass(frozen=True, eq=False)
class Scored:
    """Rows placed on the distinct values of the pooled curve, with their scores.

    Attributes
    ----------
    curve, slope, bend : (s + 1,)
        Survival at each node (1 first, 0 last), and its first and second derivative in the effect.
    enters, first, stop : (n,) int
        Nodes of each row.
    score, bends : (n,)
        First and second derivative of the log-likelihood of each row.
    effect : str
    """

    curve: Floats
    slope: Floats
    bend: Floats
    enters: Ints
    first: Ints
    stop: Ints
    score: Floats
    bends: Floats
    effect: str


def score_rows(before: Floats, mass: Floats, enters: Ints, first: Ints, stop: Ints, effect: str) -> Scored:
    """Score every row at no effect.

    Parameters
    ----------
    before : (m + 1,)
        Pooled survival before each innermost interval, and 0 at the end.
    mass : (m,)
    enters, first, stop : (n,) int
        Rows on the innermost intervals.
    effect : {"sun", "finkelstein", "wilcoxon"}
        "sun": the odds of the discrete hazard are multiplied; the log-rank test when times are exact.
        "finkelstein": S becomes S to the power exp(effect), proportional hazards of grouped times.
        "wilcoxon": the odds of survival are multiplied.

    Notes
    -----
    Source: Finkelstein (1986); Sun (1996); Fay (1999), who derives the three from one likelihood.
    """
    node = np.concatenate([[0], np.cumsum(mass > 0)])
    value = np.concatenate([before[:-1][mass > 0], [0.0]])
    slope, bend = _derivatives(value, effect)
    e, a, b = node[enters], node[first], node[stop]
    inside = value[a] - value[b]
    own, own_bend = (slope[a] - slope[b]) / inside, (bend[a] - bend[b]) / inside
    late, late_bend = slope[e] / value[e], bend[e] / value[e]
    return Scored(value, slope, bend, e, a, b, own - late, own_bend - own**2 - late_bend + late**2, effect)


def _derivatives(value: Floats, effect: str) -> tuple[Floats, Floats]:
    if effect == "finkelstein":
        log = np.log(np.where(value > 0, value, 1.0))
        return value * log, value * log * (1 + log)
    if effect == "wilcoxon":
        return -value * (1 - value), value * (1 - value) * (1 - 2 * value)
    hazard = 1.0 - value[1:] / value[:-1]
    total = np.concatenate([[0.0], np.cumsum(hazard)])
    spread = np.concatenate([[0.0], np.cumsum(hazard * (1 - hazard))])
    return -value * total, value * (total**2 - spread)


def permutation_variance(score: Floats, group: Ints, n_groups: int, weight: Floats) -> Floats:
    """Covariance of the summed scores of the groups when labels are dealt out at random.

    Notes
    -----
    Assumes that, without an effect, rows are exchangeable: inspections (and entries) alike in all groups.
    Source: Fay & Shaw (2010), after Strasser & Weber's permutational central limit theorem.
    """
    size = np.bincount(group, weight, n_groups)
    total = size.sum()
    centre = float(weight @ score) / total
    spread = float(weight @ (score - centre) ** 2) / (total - 1)
    return spread * (np.diag(size) - np.outer(size, size) / total)


def score_variance(rows: Scored, group: Ints, n_groups: int, weight: Floats) -> Floats:
    """Observed information about the group effects that the unknown curve does not take away.

    Notes
    -----
    The curve is a parameter at each node where it falls, so the information about it is that of a graph whose
    edges are the rows. Source: Finkelstein (1986); Fay (1996), for masses at the edge of zero left out.
    """
    size = len(rows.curve)
    inside = rows.curve[rows.first] - rows.curve[rows.stop]
    entered = rows.curve[rows.enters]
    cross = np.zeros((n_groups, size))
    for g in range(n_groups):
        own = np.flatnonzero(group == g)
        w, a, b, e = weight[own], rows.first[own], rows.stop[own], rows.enters[own]
        ratio = w / inside[own]
        direct = np.bincount(a, ratio, size) - np.bincount(b, ratio, size) - np.bincount(e, w / entered[own], size)
        squared = ratio * (rows.slope[a] - rows.slope[b]) / inside[own]
        late = w * rows.slope[e] / entered[own] ** 2
        moved = np.bincount(b, squared, size) - np.bincount(a, squared, size) + np.bincount(e, late, size)
        cross[g] = moved + _through_curve(rows, direct)
    cross[:, [0, -1]] = 0.0
    edge, held = weight / inside**2, np.array([0, size - 1])
    extra = -np.bincount(rows.enters, weight / entered**2, size)
    solved = np.stack([solve_graph(rows.first, rows.stop, edge, row, held, extra, 0.0) for row in cross])
    own_information = np.diag(-group_sum(weight * rows.bends, group, n_groups))
    found = own_information - cross @ solved.T
    return (found + found.T) / 2


def _through_curve(rows: Scored, direct: Floats) -> Floats:
    """Derivatives of the slopes by the heights of the curve, transposed, times `direct`."""
    s = rows.curve
    if rows.effect == "finkelstein":
        return direct * (1 + np.log(np.where(s > 0, s, 1.0)))
    if rows.effect == "wilcoxon":
        return direct * (2 * s - 1)
    total = np.concatenate([[0.0], np.cumsum(1.0 - s[1:] / s[:-1])])
    tail = np.cumsum((direct * s)[::-1])[::-1]
    out = -total * direct
    out[1:] += tail[1:] / s[:-1]
    out[:-1] -= s[1:] / s[:-1] ** 2 * tail[1:]
    return out
