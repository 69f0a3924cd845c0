"""Count regression with a free level for each group, without a column for any of them.

Ground floor: NumPy and SciPy. The information of the group levels is diagonal, so Newton's equations are solved for
the other parameters first (a Schur complement of their own size) and the levels follow by division; every sum over a
group is one bincount. A Poisson level has a closed form, and is put at its best after each step.

Called by: models.counts.absorbed. Read next: countglm.py (the same without groups).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.ascent import solve_scaled
from exitmodels.kernels.countglm import CountFit, dispersion_terms
from exitmodels.kernels.linalg import cross_products, times_vector

__all__ = ["AbsorbedFit", "fit_absorbed", "within_groups"]

_TOP, _LONGEST = 700.0, 5.0


@dataclass(frozen=True, eq=False)
class AbsorbedFit(CountFit):
    """A fit with group levels; `information` and `scores` are those left when the levels are at their best.

    Attributes
    ----------
    level : (G,)
        Log-scale levels.
    level_weight : (G,)
        Information of each level.
    level_mean : (G, p) or (G, p + 1)
        How a level moves with the coefficients (weighted means of the columns), and with log alpha.
    """

    level: Floats
    level_weight: Floats
    level_mean: Floats


@dataclass(frozen=True, eq=False)
class _Problem:
    y: Floats
    design: Floats
    offset: Floats
    group: Ints
    n_groups: int
    events: Floats
    by_count: Floats
    constant: float


@dataclass(frozen=True, eq=False)
class _Point:
    """Everything of one point: means, value, gradients, and the blocks of the information."""

    mean: Floats
    value: float
    residual: Floats
    level_gradient: Floats
    gradient: Floats
    level_weight: Floats
    between: Floats
    inner: Floats
    score_k: Floats


def within_groups(design: Floats, weight: Floats, group: Ints) -> tuple[Floats, Floats, Floats]:
    """Weighted sums (G,), weighted means of the columns (G, p), and columns less their means (n, p)."""
    total = np.bincount(group, weight)
    mean = np.empty((len(total), design.shape[1]))
    for j in range(design.shape[1]):
        mean[:, j] = np.bincount(group, weight * design[:, j], len(total)) / total
    return total, mean, design - mean[group]


def fit_absorbed(y: Floats, design: Floats, offset: Floats, group: Ints, family: str, steps: int = 100) -> AbsorbedFit:
    """Fit log mean = offset + level of the group + design @ beta.

    Parameters
    ----------
    y : (n,)
        Counts; every group has an event (the level of one without is minus infinity, and its rows say nothing).
    design : (n, p)
        Without an intercept; columns vary within groups.
    offset : (n,)
    group : (n,) int
        Codes 0 .. G - 1, each of which occurs.
    family : {"poisson", "nb2"}

    Returns
    -------
    AbsorbedFit
        For NB2, alpha is zero (Poisson) when the derivative in alpha there is not positive.

    Notes
    -----
    The maximum is the one that dummy columns give, to rounding. Poisson estimates are also those of the conditional
    likelihood given group totals; an NB2 alpha is too small when groups have few rows.
    Cost: O(n p^2 + G p^2) a step; nothing of size n x G is formed.
    Source: Hausman, Hall and Griliches (1984), Econometrica 52, 909-938; Allison and Waterman (2002).
    """
    n_groups = int(group.max()) + 1
    constant = float(special.gammaln(y + 1).sum())
    events, by_count = np.bincount(group, y, n_groups), np.bincount(y.astype(np.int64)).astype(np.float64)
    problem = _Problem(y, design, offset, group, n_groups, events, by_count, constant)
    beta, level, point, converged = _poisson(problem, steps)
    if family == "poisson":
        return _finish(problem, beta, level, 0.0, point, converged)
    excess = float(np.sum((y - point.mean) ** 2 - y)) / 2
    if excess <= 0:
        return _finish(problem, beta, level, 0.0, point, converged)
    moment = float(np.clip(2 * excess / np.sum(point.mean**2), 1e-6, 1e3))
    at, level, point, converged = _joint(problem, np.append(beta, np.log(moment)), level, steps)
    return _finish(problem, at[:-1], level, float(np.exp(at[-1])), point, converged)


def _at(problem: _Problem, beta: Floats, level: Floats, alpha: float) -> _Point:
    eta = problem.offset + level[problem.group] + times_vector(problem.design, beta)
    mean = np.exp(np.minimum(eta, _TOP))
    y, group, size = problem.y, problem.group, problem.n_groups
    spread = 1 + alpha * mean
    residual = (y - mean) / spread
    weight = mean * (1 + alpha * y) / spread**2 if alpha else mean
    inner, gradient = cross_products(problem.design, weight, residual)
    columns = [np.bincount(group, weight * column, size) for column in problem.design.T]
    score_k = np.zeros(0)
    if alpha:
        j = np.arange(len(problem.by_count) - 1)
        rise = float(np.append(0.0, np.cumsum(np.log1p(alpha * j))) @ problem.by_count)
        value = rise + float(y @ eta) - float((y + 1 / alpha) @ np.log1p(alpha * mean)) - problem.constant
        score_k, bend = dispersion_terms(y, mean, alpha)
        cross = alpha * residual * mean / spread
        columns.append(np.bincount(group, cross, size))
        side = np.append(cross @ problem.design, -bend.sum())
        inner = np.vstack([np.column_stack([inner, side[:-1]]), side])
        gradient = np.append(gradient, score_k.sum())
    else:
        value = float(y @ eta - mean.sum()) - problem.constant
    between = np.stack(columns, axis=1) if columns else np.zeros((size, 0))
    sums = np.bincount(group, residual, size)
    return _Point(mean, value, residual, sums, gradient, np.bincount(group, weight, size), between, inner, score_k)


def _left(point: _Point) -> Floats:
    """Information of the coefficients (and log alpha) when levels follow them."""
    return np.asarray(point.inner - point.between.T @ (point.between / point.level_weight[:, None]))


def _poisson(problem: _Problem, steps: int) -> tuple[Floats, Floats, _Point, bool]:
    """Newton's method on the profile; the level of a group is log(events / expected without it)."""

    def best(beta: Floats) -> tuple[Floats, _Point]:
        eta = problem.offset + times_vector(problem.design, beta)
        top = float(eta.max())
        expected = np.bincount(problem.group, np.exp(eta - top), problem.n_groups)
        level = np.log(problem.events) - np.log(expected) - top
        return level, _at(problem, beta, level, 0.0)

    beta = np.zeros(problem.design.shape[1])
    level, here = best(beta)
    for _ in range(steps if len(beta) else 0):
        step = solve_scaled(_left(here), here.gradient)
        if step is None or not np.isfinite(step).all():
            return beta, level, here, False
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
        gain, share = float(here.gradient @ step), 1.0
        other, there = best(beta + step)
        while not there.value >= here.value - 1e-12 * abs(here.value) and share > 1e-8:
            share /= 2
            other, there = best(beta + share * step)
        beta, level, here = beta + share * step, other, there
        if gain < 1e-16 * (1 + abs(here.value)):
            return beta, level, here, True
    return beta, level, here, len(beta) == 0


def _joint(problem: _Problem, at: Floats, level: Floats, steps: int) -> tuple[Floats, Floats, _Point, bool]:
    """Newton's method on coefficients, log alpha and levels together."""

    def point(where: Floats, levels: Floats) -> _Point:
        return _at(problem, where[:-1], levels, float(np.exp(np.clip(where[-1], -40, 40))))

    here = point(at, level)
    for _ in range(steps):
        left = _left(here)
        right = here.gradient - here.between.T @ (here.level_gradient / here.level_weight)
        step = solve_scaled(left, right)
        if step is None:
            # Far from the top the surface may bend the wrong way in log alpha: score size stands in for curvature.
            left[-1, :-1] = left[:-1, -1] = 0.0
            left[-1, -1] = max(float(here.score_k @ here.score_k), 1e-8)
            step = solve_scaled(left, right)
        if step is None or not np.isfinite(step).all():
            return at, level, here, False
        move = (here.level_gradient - here.between @ step) / here.level_weight
        size = max(float(np.abs(step).max()), float(np.abs(move).max()))
        share = min(1.0, _LONGEST / max(size, 1e-300))
        whole = share == 1.0
        gain = float(here.gradient @ step + here.level_gradient @ move)
        there = point(at + share * step, level + share * move)
        while not there.value >= here.value - 1e-12 * abs(here.value) and share > 1e-8:
            share, whole = share / 2, False
            there = point(at + share * step, level + share * move)
        at, level, here = at + share * step, level + share * move, there
        if whole and gain < 1e-16 * (1 + abs(here.value)):
            return at, level, here, True
    return at, level, here, False


def _finish(
    problem: _Problem, beta: Floats, level: Floats, alpha: float, point: _Point, converged: bool
) -> AbsorbedFit:
    p = len(beta)
    mean = point.between / point.level_weight[:, None]
    scores = (problem.design - mean[problem.group, :p]) * point.residual[:, None]
    if alpha:
        scores = np.column_stack([scores, point.score_k - mean[problem.group, p] * point.residual])
    return AbsorbedFit(
        beta=beta,
        alpha=alpha,
        mean=point.mean,
        llf=point.value,
        information=_left(point),
        scores=scores,
        converged=converged,
        level=level,
        level_weight=point.level_weight,
        level_mean=mean,
    )
