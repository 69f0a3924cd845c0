"""Proportional hazards seen through intervals: coefficients and baseline together.

Ground floor. For given coefficients the baseline is a concave problem on a chain (chains.py); what is left is a
concave function of the coefficients, climbed by Newton steps whose curvature is the information that the baseline does
not take away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.chains import SHORTEST, Chain, maximise
from exitmodels.kernels.graphs import solve_graph
from exitmodels.kernels.innermost import Innermost
from exitmodels.kernels.turnbull import cut_rows, parts

__all__ = ["IntervalRows", "Profiled", "climb", "interval_rows", "profile_curvature", "profiled"]


@dataclass(frozen=True, eq=False)
class IntervalRows:
    """Rows on innermost intervals, with covariates.

    Attributes
    ----------
    places : Innermost
    weight : (n,)
    matrix : (n, p)
    offset : (n,) or None
    """

    places: Innermost
    weight: Floats
    matrix: Floats
    offset: Floats | None = None


def interval_rows(places: Innermost, weight: Floats, matrix: Floats, offset: Floats | None = None) -> IntervalRows:
    """Keep the rows that count."""
    used = np.flatnonzero(weight > 0)
    rows = Innermost(
        places.left, places.right, places.point, places.enters[used], places.first[used], places.stop[used], places.node
    )
    return IntervalRows(rows, weight[used], matrix[used], None if offset is None else offset[used])


@dataclass(frozen=True, eq=False)
class Profiled:
    """The log-likelihood at given coefficients, the baseline at its best.

    Attributes
    ----------
    beta : (p,)
    value : float
    gradient : (p,)
    information : (p, p)
        About the coefficients, the baseline's part taken away (its intervals with mass taken as given).
    hazards : list of (m_j,)
        Cumulative baseline hazard at the nodes of each part of each stratum.
    scores : list of (n_s, p)
        Efficient score of each row (weights not in it), stratum by stratum.
    converged : bool
    """

    beta: Floats
    value: float
    gradient: Floats
    information: Floats
    hazards: list[Floats]
    scores: list[Floats]
    converged: bool


def profiled(
    beta: Floats, strata: Sequence[IntervalRows], start: list[Floats] | None = None, tol: float = 1e-10
) -> Profiled:
    """Maximise over the baseline of each stratum, and differentiate what is left by the coefficients."""
    p = len(beta)
    value, gradient, information, done = 0.0, np.zeros(p), np.zeros((p, p)), True
    hazards: list[Floats] = []
    scores: list[Floats] = []
    for rows in strata:
        eta = rows.matrix @ beta + (0.0 if rows.offset is None else rows.offset)
        rate, score = np.exp(eta), np.zeros_like(rows.matrix)
        for part in parts(rows.places, rows.weight, 0, rate):
            begin = None if start is None else start[len(hazards)]
            found = maximise(part.data, None, begin, tol)
            own, *ends = cut_rows(rows.places, part)
            made = _by_coefficients(found.hazard, part.data, rows.matrix[own], rate[own], rows.weight[own], *ends)
            value, done = value + found.value, done and found.converged
            gradient, information = gradient + made[0], information + made[1]
            score[own] = made[2]
            hazards.append(found.hazard)
        scores.append(score)
    return Profiled(beta, value, gradient, information, hazards, scores, done)


def _by_coefficients(
    hazard: Floats, data: Chain, x: Floats, r: Floats, w: Floats, enters: Ints, first: Ints, stop: Ints
) -> tuple[Floats, Floats, Floats]:
    """Gradient, efficient information and efficient scores of the rows of one part.

    With u = r (H_b - H_a) and g = 1 / (exp(u) - 1), a row's log-likelihood has derivative -r (H_a - H_e) + u g in its
    linear predictor, and derivatives r, -r (1 + g) and r g in H_e, H_a and H_b.
    """
    m = data.size
    known = stop < m
    high = np.minimum(stop, m - 1)
    lived = r * (hazard[first] - hazard[enters])
    u = np.where(known, r * (hazard[high] - hazard[first]), 1.0)
    g = np.where(known, 1.0 / np.expm1(u), 0.0)
    own = u * g - lived
    group = np.concatenate([[0], np.cumsum(np.diff(hazard) > SHORTEST)])
    size = int(group[-1]) + 1
    e, a, b = group[enters], group[first], group[high]
    pull = r * (g - u * g * (1 + g))
    cross = np.empty((x.shape[1], size))
    for j, column in enumerate(x.T):
        push, mixed = column * w * r, column * w * pull
        cross[j] = np.bincount(e, push, size) - np.bincount(a, push + mixed, size) + np.bincount(b, mixed, size)
    edge = (w * r**2 * g * (1 + g))[known]
    solved = np.zeros_like(cross)
    if size > 1:
        solved = np.stack([solve_graph(a[known], b[known], edge, row, np.array([0])) for row in cross])
    taken = cross[:, 1:] @ solved[:, 1:].T
    bend = w * (lived - u * g + u**2 * g * (1 + g))
    information = x.T @ (bend[:, None] * x) - (taken + taken.T) / 2
    through = r[:, None] * (solved[:, e].T - (1 + g)[:, None] * solved[:, a].T + g[:, None] * solved[:, b].T)
    return x.T @ (w * own), information, own[:, None] * x + through


def climb(start: Profiled, strata: Sequence[IntervalRows], tol: float = 1e-9, most: int = 50) -> tuple[Profiled, int]:
    """Maximise over the coefficients.

    Parameters
    ----------
    start : Profiled
        Where to begin; its information must not be singular.
    tol : float
        Stop when a step is shorter than this many standard errors.

    Returns
    -------
    best : Profiled
    n_steps : int
    """
    here = start
    for step in range(1, most + 1):
        if np.any(np.diag(here.information) < 1e-7 * np.diag(start.information)):
            break  # a coefficient runs to infinity
        way = np.linalg.solve(here.information, here.gradient)
        length = float(np.sqrt(max(float(way @ here.gradient), 0.0)))
        share = 1.0
        while True:
            there = profiled(here.beta + share * way, strata, here.hazards)
            if there.value >= here.value - 1e-11 * max(1.0, abs(here.value)) or share < 1e-6:
                break
            share /= 2
        here = there
        if length <= tol:
            return here, step
    return here, most + 1


def profile_curvature(best: Profiled, strata: Sequence[IntervalRows], step: float = 1.0) -> Floats:
    """Information from second differences of the profile log-likelihood.

    Parameters
    ----------
    step : float
        In standard errors of `best.information`.

    Notes
    -----
    Source: Murphy & van der Vaart (2000): differences with a step of the order of a standard error are consistent,
    whatever becomes of the baseline.
    """
    p = len(best.beta)
    size = step / np.sqrt(np.diag(best.information))
    eye = np.diag(size)

    def fall(move: Floats) -> float:
        return best.value - profiled(best.beta + move, strata, best.hazards, 1e-8).value

    along = [(fall(row) + fall(-row)) / 2 for row in eye]
    out = np.diag([2 * along[j] / size[j] ** 2 for j in range(p)])
    for i in range(p):
        for j in range(i):
            both = (fall(eye[i] + eye[j]) + fall(-eye[i] - eye[j])) / 2
            out[i, j] = out[j, i] = (both - along[i] - along[j]) / (size[i] * size[j])
    return out
