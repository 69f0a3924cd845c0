"""Counts with their own law for zero: zero-inflated and hurdle forms of Poisson and NB2.

Ground floor: NumPy and SciPy. Zero-inflated: with probability pi a cell can only be zero, else it is an ordinary
count. Hurdle: one model says whether there is any event, another (cut at zero) how many. Both are fitted by Newton
steps on the observed information, started by a few EM steps where zeros have two sources.

Called by: models.counts.twopart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Surface, ascend
from exitmodels.kernels.countglm import CountFit, dispersion_terms, fit_nb2, fit_poisson

__all__ = ["TwoPart", "TwoPartFit", "count_rows", "fit_hurdle", "fit_zero_inflated"]

_EM, _FLOOR, _FAR = 30, -14.0, 30.0
Rows = tuple[Floats, Floats, Floats, Floats, Floats, Floats]


@dataclass(frozen=True, eq=False)
class TwoPart:
    """What is fitted: counts (n,), designs (n, p) and (n, q), offset (n,), and whether there is a dispersion."""

    y: Floats
    count: Floats
    zero: Floats
    offset: Floats
    negbin: bool


@dataclass(frozen=True, eq=False)
class TwoPartFit:
    """Where the likelihood is highest.

    Attributes
    ----------
    beta : (p,)
        Log-linear part.
    gamma : (q,)
        Logit part: of an extra zero (zero-inflated), or of any event (hurdle).
    alpha : float
        Zero for Poisson, and for a negative binomial that found no overdispersion.
    llf : float
    information, scores : (p + q (+ 1), ...) and (n, ...)
        Observed, of (beta, gamma, log alpha); the last only when alpha is above zero.
    converged : bool
    """

    beta: Floats
    gamma: Floats
    alpha: float
    llf: float
    information: Floats
    scores: Floats
    converged: bool


def count_rows(y: Floats, mean: Floats, alpha: float) -> Rows:
    """Log-likelihood of each row, and derivatives: eta, k = log alpha, eta eta, eta k, k k; alpha 0 is Poisson."""
    if alpha == 0:
        nothing = np.zeros_like(mean)
        return special.xlogy(y, mean) - mean - special.gammaln(y + 1), y - mean, nothing, -mean, nothing, nothing
    spread = 1 + alpha * mean
    j = np.arange(int(y.max()) if len(y) else 0)
    rise = np.append(0.0, np.cumsum(np.log1p(alpha * j)))[y.astype(np.int64)]
    value = rise - special.gammaln(y + 1) + special.xlogy(y, mean) - (y + 1 / alpha) * np.log1p(alpha * mean)
    k, kk = dispersion_terms(y, mean, alpha) if len(y) else (np.zeros(0), np.zeros(0))
    cross = -alpha * (y - mean) * mean / spread**2
    return value, (y - mean) / spread, k, -mean * (1 + alpha * y) / spread**2, cross, kk


def _inflated_rows(y: Floats, mean: Floats, zeta: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """Value (n,), first derivatives (n, 3) in (eta, zeta, k) and second ones (n, 3, 3) of each row."""
    value, e, k, ee, ek, kk = count_rows(y, mean, alpha)
    pi = special.expit(zeta)
    none = y == 0
    q = np.where(none, special.expit(zeta - value), 0.0)
    total = np.where(none, np.logaddexp(zeta, value), value) - np.logaddexp(0.0, zeta)
    both, stay = q * (1 - q), 1 - q
    first = np.stack([stay * e, q - pi, stay * k], axis=1)
    second = np.empty((len(y), 3, 3))
    second[:, 0, 0] = stay * ee + both * e * e
    second[:, 0, 2] = second[:, 2, 0] = stay * ek + both * e * k
    second[:, 2, 2] = stay * kk + both * k * k
    second[:, 0, 1] = second[:, 1, 0] = -both * e
    second[:, 1, 2] = second[:, 2, 1] = -both * k
    second[:, 1, 1] = both - pi * (1 - pi)
    return total, first, second


def _cut_rows(y: Floats, mean: Floats, alpha: float) -> Rows:
    """Rows of counts that are at least one: the same, divided by the probability of any event."""
    value, e, k, ee, ek, kk = count_rows(y, mean, alpha)
    u, e0, k0, ee0, ek0, kk0 = count_rows(np.zeros_like(y), mean, alpha)
    any_event = -np.expm1(u)
    m = np.exp(u) / any_event
    bend = m * (1 + m)
    return (
        value - np.log(any_event),
        e + m * e0,
        k + m * k0,
        ee + m * ee0 + bend * e0 * e0,
        ek + m * ek0 + bend * e0 * k0,
        kk + m * kk0 + bend * k0 * k0,
    )


def _assembled(problem: TwoPart, first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Scores (n, p + q + 1) and information from derivatives in the three predictors of a row."""
    blocks = [problem.count, problem.zero, np.ones((len(problem.y), 1))][: 3 if problem.negbin else 2]
    scores = np.hstack([block * first[:, [i]] for i, block in enumerate(blocks)])
    rows = [[-(a * second[:, i, j][:, None]).T @ b for j, b in enumerate(blocks)] for i, a in enumerate(blocks)]
    return scores, np.block(rows)


def fit_zero_inflated(problem: TwoPart, steps: int = 200) -> TwoPartFit:
    """Fit logit pi = zero @ gamma and log mean = offset + count @ beta jointly (with log alpha for NB2).

    Returns
    -------
    TwoPartFit
        `converged` is False when the search leaves every finite region (no extra zeros, or a separating column), or
        when the observed information is not positive definite where it stops.

    Notes
    -----
    The likelihood of a negative binomial mixture can have several tops: the search starts from the Poisson mixture and
    from the negative binomial without extra zeros, and the higher end is given.
    Source: Lambert (1992), Technometrics 34, 1-14; Greene (1994) for NB.
    """
    poisson = TwoPart(problem.y, problem.count, problem.zero, problem.offset, False)
    plain = _inflated_from(poisson, _expectation(poisson), steps)
    if not problem.negbin:
        return plain
    p = problem.count.shape[1]
    single = fit_nb2(problem.y, problem.count, problem.offset)
    tail = np.full(problem.zero.shape[1], 0.0)
    starts = [np.concatenate([plain.beta, np.clip(plain.gamma, -5, 5), [np.log(0.3)]])]
    if single.alpha:
        gamma = np.linalg.lstsq(problem.zero, np.full(len(problem.y), -2.0), rcond=None)[0] if len(tail) else tail
        starts.append(np.concatenate([single.beta, gamma, [np.log(single.alpha)]]))
    found = [_inflated_from(problem, start, steps) for start in starts]
    best = max(found, key=lambda fit: (np.isfinite(fit.llf), fit.llf))
    assert len(best.beta) == p
    # No overdispersion beside the extra zeros: log alpha runs to minus infinity, and the Poisson form is the answer.
    return plain if best.alpha == 0 or plain.llf >= best.llf - 1e-9 * (1 + abs(best.llf)) else best


def _expectation(problem: TwoPart) -> Floats:
    """A few EM steps from a guess: weights of the zeros, a weighted Poisson and a weighted logit step in turn."""
    y, none = problem.y, problem.y == 0
    beta = fit_poisson(y, problem.count, problem.offset).beta
    gamma = np.zeros(problem.zero.shape[1])
    extra = np.where(none, 0.5, 0.0)
    for _ in range(_EM):
        for _ in range(2):
            mean = np.exp(np.clip(problem.offset + problem.count @ beta, -_FAR, _FAR))
            weight = (1 - extra) * mean
            beta = beta + _solve(problem.count, weight, (1 - extra) * (y - mean))
            pi = special.expit(np.clip(problem.zero @ gamma, -_FAR, _FAR))
            gamma = gamma + _solve(problem.zero, pi * (1 - pi), extra - pi)
        mean = np.exp(np.clip(problem.offset + problem.count @ beta, -_FAR, _FAR))
        zeta = np.clip(problem.zero @ gamma, -_FAR, _FAR)
        extra = np.where(none, special.expit(zeta + mean), 0.0)
    return np.concatenate([beta, gamma])


def _solve(design: Floats, weight: Floats, residual: Floats) -> Floats:
    """A damped weighted least-squares step."""
    inner = (design * weight[:, None]).T @ design
    inner += 1e-6 * np.trace(inner) / max(len(inner), 1) * np.eye(len(inner)) + 1e-10 * np.eye(len(inner))
    step = np.linalg.solve(inner, design.T @ residual)
    return np.asarray(step * min(1.0, 2.0 / max(float(np.abs(step).max(initial=0.0)), 1e-300)))


def _inflated_from(problem: TwoPart, start: Floats, steps: int) -> TwoPartFit:
    p, q = problem.count.shape[1], problem.zero.shape[1]

    def predictors(at: Floats) -> tuple[Floats, Floats, float]:
        eta, zeta = problem.offset + problem.count @ at[:p], problem.zero @ at[p : p + q]
        return eta, zeta, float(np.exp(at[-1])) if problem.negbin else 0.0

    def parts(at: Floats) -> tuple[float, Floats, Floats]:
        eta, zeta, alpha = predictors(at)
        value, first, second = _inflated_rows(problem.y, np.exp(eta), zeta, alpha)
        scores, information = _assembled(problem, first, second)
        return float(value.sum()), scores, information

    def surface(at: Floats) -> Surface | None:
        if not np.isfinite(at).all() or (problem.negbin and not _FLOOR <= at[-1] <= _FAR):
            return None
        eta, zeta, _ = predictors(at)
        if eta.max(initial=0.0) > _FAR or np.abs(zeta).max(initial=0.0) > 1e3:
            return None
        value, scores, information = parts(at)
        if not np.isfinite(value):
            return None
        return Surface(value, scores.sum(axis=0), information, lambda: _outer(scores))

    return _found(problem, surface, parts, start, steps)


def _found(
    problem: TwoPart,
    surface: Callable[[Floats], Surface | None],
    parts: Callable[[Floats], tuple[float, Floats, Floats]],
    start: Floats,
    steps: int,
) -> TwoPartFit:
    p, q = problem.count.shape[1], problem.zero.shape[1]
    if surface(start) is None:
        start = np.zeros_like(start)
        if surface(start) is None:
            blank = np.full((len(start), len(start)), np.nan)
            scores = np.full((len(problem.y), len(start)), np.nan)
            return TwoPartFit(start[:p], start[p : p + q], 0.0, -np.inf, blank, scores, False)
    found = ascend(surface, start, most=steps)
    value, scores, information = parts(found.at)
    alpha = float(np.exp(found.at[-1])) if problem.negbin else 0.0
    if problem.negbin and found.at[-1] < _FLOOR + 2:
        alpha = 0.0
    return TwoPartFit(
        found.at[:p],
        found.at[p : p + q],
        alpha,
        value,
        information,
        scores,
        bool(found.converged and np.isfinite(value) and _is_hill(information)),
    )


def _outer(scores: Floats) -> Floats:
    """Sum of outer products of scores, made positive definite: the curvature where the surface is not a hill."""
    made = scores.T @ scores
    return np.asarray(made + 1e-8 * max(np.trace(made) / len(made), 1e-8) * np.eye(len(made)))


def _is_hill(information: Floats) -> bool:
    """Whether the information is positive definite, once its scale is taken out."""
    size = np.diag(information)
    if not (np.isfinite(information).all() and np.all(size > 0)):
        return False
    scale = 1 / np.sqrt(size)
    return bool(np.linalg.eigvalsh(information * np.outer(scale, scale)).min() > 1e-10)


def fit_hurdle(problem: TwoPart, steps: int = 200) -> TwoPartFit:
    """Fit logit P(any event) = zero @ gamma on all rows, and the counts above zero by their law cut at zero.

    Notes
    -----
    The two parts share no parameter, so each has its own maximum and they are unrelated.
    Source: Mullahy (1986), Journal of Econometrics 33, 341-365.
    """
    y, some = problem.y, problem.y > 0
    gamma, logit, logit_scores, ok = _logit(some.astype(np.float64), problem.zero, steps)
    beta, alpha, value, inner, scores, fine = _cut(
        y[some], problem.count[some], problem.offset[some], problem.negbin, steps
    )
    p, q, extra = len(beta), len(gamma), int(alpha > 0)
    information = np.zeros((p + q + extra, p + q + extra))
    place = np.r_[np.arange(p), np.arange(p + q, p + q + extra)]
    information[np.ix_(place, place)] = inner
    information[p : p + q, p : p + q] = logit[1]
    rows = np.zeros((len(y), p + q + extra))
    rows[np.ix_(np.flatnonzero(some), place)] = scores
    rows[:, p : p + q] = logit_scores
    return TwoPartFit(beta, gamma, alpha, value + float(logit[0]), information, rows, ok and fine)


def _logit(some: Floats, design: Floats, steps: int) -> tuple[Floats, tuple[float, Floats], Floats, bool]:
    def surface(at: Floats) -> Surface | None:
        zeta = design @ at
        if np.abs(zeta).max(initial=0.0) > 500:
            return None
        pi = special.expit(zeta)
        inner = (design * (pi * (1 - pi))[:, None]).T @ design
        value = float(some @ zeta - np.logaddexp(0.0, zeta).sum())
        return Surface(value, design.T @ (some - pi), inner, lambda: inner + 1e-12 * np.eye(len(at)))

    found = ascend(surface, np.zeros(design.shape[1]), most=steps)
    pi = special.expit(design @ found.at)
    hill = _is_hill(found.surface.information) and float((pi * (1 - pi)).max()) > 1e-8
    part = (found.surface.value, found.surface.information)
    return found.at, part, design * (some - pi)[:, None], found.converged and hill


def _cut(
    y: Floats, design: Floats, offset: Floats, negbin: bool, steps: int
) -> tuple[Floats, float, float, Floats, Floats, bool]:
    """Fit counts of one or more; returns beta, alpha, value, information, scores and whether the top was found."""
    p = design.shape[1]

    def parts(at: Floats) -> tuple[float, Floats, Floats]:
        alpha = float(np.exp(at[p])) if len(at) > p else 0.0
        value, e, k, ee, ek, kk = _cut_rows(y, np.exp(offset + design @ at[:p]), alpha)
        inner, scores = -(design * ee[:, None]).T @ design, design * e[:, None]
        if len(at) > p:
            side = -(design.T @ ek)
            inner = np.vstack([np.column_stack([inner, side]), np.append(side, -kk.sum())])
            scores = np.column_stack([scores, k])
        return float(value.sum()), scores, inner

    def surface(at: Floats) -> Surface | None:
        if np.abs(offset + design @ at[:p]).max() > _FAR or (len(at) > p and not _FLOOR <= at[p] <= 12):
            return None
        value, scores, inner = parts(at)
        if not np.isfinite(value):
            return None
        return Surface(value, scores.sum(axis=0), inner, lambda: _outer(scores))

    start: CountFit = fit_poisson(y, design, offset)
    low = start.beta if surface(start.beta) is not None else np.zeros(p)
    plain = ascend(surface, low, most=steps)
    if negbin:
        found = ascend(surface, np.append(plain.at, np.log(0.2)), most=steps)
        if found.surface.value > plain.surface.value + 1e-9 and found.at[p] > _FLOOR + 2:
            value, scores, inner = parts(found.at)
            fine = found.converged and _is_hill(inner)
            return found.at[:p], float(np.exp(found.at[p])), value, inner, scores, fine
    value, scores, inner = parts(plain.at)
    return plain.at, 0.0, value, inner, scores, plain.converged and _is_hill(inner)
