"""Concave likelihoods on a chain: the cumulative hazard at the ends of innermost intervals.

Ground floor. With H the cumulative hazard at the nodes between intervals, a row that entered at node e, was last
known present at node a and known gone at node b adds

    -r (H_a - H_e) + log(1 - exp(-r (H_b - H_a)))

to the log-likelihood (r = 1 without covariates): concave in H, under delayed entry too. Each step pools
neighbours (iterative convex minorant) and then takes Newton steps on the intervals that hold mass; the Hessian
is that of a graph whose edges are the rows, so nothing of size rows x intervals is formed.

Source: Groeneboom & Wellner (1992); Jongbloed (1998); the hybrid is in the spirit of Wellner & Zhan (1997).
Read next: turnbull.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.graphs import solve_graph

__all__ = ["SHORTEST", "Chain", "Solution", "chain", "maximise", "node_gradient"]

_EARLY = 3  # Newton steps while the set of intervals with mass still changes
SHORTEST = 1e-14
"""Rises of the cumulative hazard below this count as none."""


@dataclass(frozen=True, eq=False)
class Chain:
    """A likelihood on a chain of nodes 0 .. m - 1, with the last interval (m - 1, "ever") taking what is left.

    Attributes
    ----------
    size : int
        m, the number of intervals; node v lies before interval v.
    slope : (m,)
        Coefficient of H at each node.
    low, high : (k,) int
        Ends of the edges: rows known to have left between node `low` and node `high` < m.
    weight, rate : (k,)
    living : (m - 1,)
        Weight (times rate) of those known to live through each interval.
    """

    size: int
    slope: Floats
    low: Ints
    high: Ints
    weight: Floats
    rate: Floats
    living: Floats


@dataclass(frozen=True, eq=False)
class Solution:
    """Cumulative hazard at the nodes, log-likelihood, and how far the conditions of a maximum are from holding."""

    hazard: Floats
    value: float
    gap: float
    converged: bool
    n_steps: int


def chain(size: int, enters: Ints, first: Ints, stop: Ints, weight: Floats, rate: Floats | None = None) -> Chain:
    """Arrange rows as a chain; rows with the same ends (and rate) become one edge."""
    r = np.ones(len(weight)) if rate is None else rate
    push = weight * r
    slope = np.bincount(enters, push, size)[:size] - np.bincount(first, push, size)[:size]
    known = np.flatnonzero((stop < size) & (weight > 0))
    living = surely_through(size, enters, first, push)
    key = first[known] * np.int64(size) + stop[known]
    if rate is None:
        key, inverse = np.unique(key, return_inverse=True)
        total = np.bincount(inverse, weight[known], len(key))
        return Chain(size, slope, key // size, key % size, total, np.ones(len(key)), living)
    return Chain(size, slope, key // size, key % size, weight[known], r[known], living)


def surely_through(size: int, enters: Ints, first: Ints, push: Floats) -> Floats:
    """Weight of the rows that are known to live through each interval but the last: enters <= j < first."""
    through = np.flatnonzero(enters < first)
    steps = np.bincount(enters[through], push[through], size + 1) - np.bincount(first[through], push[through], size + 1)
    heads = np.bincount(enters[through], minlength=size + 1) - np.bincount(first[through], minlength=size + 1)
    return np.where(np.cumsum(heads) > 0, np.cumsum(steps), 0.0)[: size - 1]


def maximise(
    data: Chain,
    fixed: tuple[int, float] | None = None,
    start: Floats | None = None,
    tol: float = 1e-10,
    most: int = 500,
) -> Solution:
    """Find the cumulative hazard that maximises the likelihood of a chain.

    Parameters
    ----------
    fixed : (node, value), optional
        Keep H at this node at this value.
    start : (m,), optional
        Where to begin.
    tol : float
        Largest relative violation, over intervals, of the condition that expected exits equal (where mass is)
        or do not exceed (elsewhere) the cumulative risk.

    Notes
    -----
    Cost of a step: linear in edges and nodes, plus the cube of the number of intervals with mass up to 400; beyond,
    conjugate gradients with a tridiagonal preconditioner.
    """
    here = _point(data, _begin(data, fixed) if start is None else start)
    gap, steps, lost, scale = np.inf, 0, 0, max(1.0, abs(here.value))
    while steps < most and lost < 4:
        steps += 1
        before = here.value
        here = _pooled_step(data, here, fixed)
        for _ in range(_EARLY if steps < 3 else 8):
            here, promise = _newton_step(data, here, fixed)
            if promise <= tol**2 * scale:
                break
        gap = _breach(data, here, fixed)
        if gap <= tol:
            break
        lost = lost + 1 if here.value - before <= 1e-13 * scale else 0
    return Solution(here.hazard, here.value, gap, bool(gap <= max(tol, 1e-9)), steps)


@dataclass(frozen=True, eq=False)
class _Point:
    """A cumulative hazard, its log-likelihood, and 1 / (exp(x) - 1) for the gap x of each edge."""

    hazard: Floats
    value: float
    odds: Floats


def _point(data: Chain, hazard: Floats) -> _Point:
    gaps = data.rate * (hazard[data.high] - hazard[data.low])
    if len(gaps) and gaps.min() <= 0:
        return _Point(hazard, -np.inf, gaps)
    with np.errstate(over="ignore"):
        odds = 1.0 / np.expm1(gaps)
    return _Point(hazard, float(data.slope @ hazard - data.weight @ np.log1p(odds)), odds)


def _begin(data: Chain, fixed: tuple[int, float] | None) -> Floats:
    """Spread each row evenly over its intervals, and read off a hazard."""
    m = data.size
    share = data.weight / (data.high - data.low)
    exits = np.cumsum(np.bincount(data.low, share, m) - np.bincount(data.high, share, m))[: m - 1]
    step = exits / (data.living + exits + 1e-12) + 1e-6 * (exits > 0)
    hazard = np.concatenate([[0.0], np.cumsum(step)])
    if fixed is not None:
        node, level = fixed
        even = np.linspace(0, level, node + 1)
        before = hazard[: node + 1]
        if before[-1] > 0:
            even = 0.9 * level * before / before[-1] + 0.1 * even
        after = hazard[node + 1 :] - hazard[node] + 1e-6 * np.arange(1, m - node)
        hazard = np.concatenate([even, level + after])
    return hazard


def node_gradient(data: Chain, hazard: Floats) -> tuple[Floats, Floats]:
    """Gradient at the nodes, and the curvature of each edge."""
    return _gradient(data, _point(data, hazard))


def _gradient(data: Chain, here: _Point) -> tuple[Floats, Floats]:
    pull = data.weight * data.rate * here.odds
    gradient = data.slope + np.bincount(data.high, pull, data.size) - np.bincount(data.low, pull, data.size)
    return gradient, pull * data.rate * (1.0 + here.odds)


def _breach(data: Chain, here: _Point, fixed: tuple[int, float] | None) -> float:
    """Largest breach of the conditions of a maximum, relative to the risk lived through."""
    gradient, _ = _gradient(data, here)
    node = data.size - 1 if fixed is None else fixed[0]
    step = np.diff(here.hazard)
    first, rest = gradient[1 : node + 1].copy(), gradient[node + 1 :]
    if fixed is not None:
        first[-1] = 0.0
    rise = np.concatenate([np.cumsum(first[::-1])[::-1], np.cumsum(rest[::-1])[::-1]])
    if fixed is not None:
        rise[:node] -= float(rise[:node] @ step[:node]) / max(float(step[:node].sum()), 1e-300)
    scaled = rise / np.where(data.living > 0, data.living, 1.0)
    return float(np.max(np.maximum(scaled, -scaled * np.minimum(step, 1.0)), initial=0.0))


def _pooled_step(data: Chain, here: _Point, fixed: tuple[int, float] | None) -> _Point:
    """One step of the iterative convex minorant: a Newton step with diagonal curvature, made monotone."""
    gradient, edge = _gradient(data, here)
    bend = np.bincount(data.low, edge, data.size) + np.bincount(data.high, edge, data.size)
    bend = np.maximum(bend, np.abs(gradient) + 1e-12)
    target = here.hazard + gradient / bend
    aim = np.zeros(data.size)
    cut = data.size if fixed is None else fixed[0]
    top = np.inf if fixed is None else fixed[1]
    if cut > 1:
        aim[1:cut] = np.clip(isotonic_regression(target[1:cut], weights=bend[1:cut]).x, 0.0, top)
    if fixed is not None:
        aim[cut] = top
        if cut + 1 < data.size:
            after = isotonic_regression(target[cut + 1 :], weights=bend[cut + 1 :]).x
            aim[cut + 1 :] = np.maximum(after, top)
    way = aim - here.hazard
    return _climb(data, here, way, float(gradient @ way))


def _climb(data: Chain, here: _Point, way: Floats, slope: float) -> _Point:
    """Halve the step until the likelihood rises enough; stay when it does not."""
    share = 1.0 if slope > 0 else 0.0
    while share > 1e-12:
        found = _point(data, here.hazard + share * way)
        if found.value > here.value and found.value >= here.value + 1e-4 * share * slope:
            return found
        share /= 2
    return here


def _newton_step(data: Chain, here: _Point, fixed: tuple[int, float] | None) -> tuple[_Point, float]:
    """Newton step on the intervals that hold mass; intervals that would fall below zero are emptied.

    Returns the new point, and the rise that the step promised (0 when it was not taken).
    """
    step = np.diff(here.hazard)
    has = step > SHORTEST
    group = np.concatenate([[0], np.cumsum(has)])
    size = int(group[-1]) + 1
    held = np.array(sorted({0} if fixed is None else {0, int(group[fixed[0]])}))
    if size <= len(held):
        return here, 0.0
    gradient, edge = _gradient(data, here)
    way = solve_graph(group[data.low], group[data.high], edge, np.bincount(group, gradient, size), held)[group]
    promise = float(gradient @ way)
    if not np.isfinite(promise) or promise <= 0:
        return here, 0.0
    change = np.diff(way)
    found = _point(data, _emptied(np.where(has, step, 0.0), change, fixed))
    scale = max(1.0, abs(here.value))
    if promise <= 1e-11 * scale and found.value >= here.value - 1e-13 * scale:
        return found, promise  # too close to the top for the likelihood to tell: the gradient decides
    if found.value > here.value + 1e-4 * max(min(promise, float(gradient @ (found.hazard - here.hazard))), 0.0):
        return found, promise
    falling = change < 0
    room = float(np.min(step[falling] / -change[falling])) if falling.any() else np.inf
    share = min(1.0, room)
    found = _climb(data, here, share * way, share * promise)
    return found, promise if found is not here else 0.0


def _emptied(step: Floats, change: Floats, fixed: tuple[int, float] | None) -> Floats:
    new = np.maximum(step + change, 0.0)
    hazard = np.concatenate([[0.0], np.cumsum(new)])
    if fixed is None:
        return hazard
    node, level = fixed
    if hazard[node] > 0:
        after = hazard[node:] - hazard[node]
        hazard = np.concatenate([hazard[:node] * (level / hazard[node]), level + after])
    return hazard
