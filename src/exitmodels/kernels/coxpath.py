"""Elastic-net paths of the partial likelihood: from the strongest penalty to the weakest.

Ground floor. At each strength a proximal Newton method works on the columns
that may be needed (found by the strong rule, checked by the conditions of
Karush, Kuhn and Tucker over all columns), started from the strength before.
Each Newton step uses the full information of those columns, so one or two steps
are enough; nothing of size n x n or n x k is formed.

Read next: lasso.py (the inner step), penalised.py (ridge and splines).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.coxresiduals import martingale
from exitmodels.kernels.lasso import quadratic_lasso
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_terms

__all__ = ["PathFit", "cox_path", "elastic_net_df", "largest_strength"]

_SLACK = 1e-7


@dataclass(frozen=True, eq=False)
class PathFit:
    """Solutions along a path of m strengths (fewer, if it ended early).

    Attributes
    ----------
    beta : (m, p)
        Coefficients; exact zeros where a column is out.
    value : (m,)
        Log partial likelihood, without the penalty.
    df : (m,)
        Degrees of freedom: see `elastic_net_df`.
    violation : (m,)
        Largest breach of the conditions for a maximum over all columns, in units of the gradient.
    converged : (m,) bool
    evaluations : int
        Passes over the data with information.
    """

    beta: Floats
    value: Floats
    df: Floats
    violation: Floats
    converged: Floats
    evaluations: int


def cox_path(
    data: CoxData,
    absolute: Floats,
    squared: Floats,
    strengths: Sequence[float] | Floats,
    start: Floats | None = None,
    tol: float = 1e-5,
    max_steps: int = 60,
    enough: float = np.inf,
    flat: float = 0.0,
) -> PathFit:
    """Maximise l(b) - s (sum a |b| + sum q b^2 / 2) for each strength s.

    Parameters
    ----------
    absolute, squared : (p,)
        a and q, not negative; both zero for a column without a penalty, infinite `absolute` leaves it out.
    strengths : (m,)
        In the order in which they are to be solved; falling strengths make warm starts good.
    start : (p,), optional
    tol : float
        Stop when a step is shorter than this many standard errors; the step is taken and evaluated, so the
        error that is left is of the order of its square.
    enough : float
        End the path after the first strength at which the log-likelihood exceeds this.
    flat : float
        End it when the last four strengths gained less than this share of what all of them gained.

    Notes
    -----
    Cost: about two evaluations per strength, each O(n w^2) for w columns in the working set, and O(n p) for
    the check over all columns. Source: Simon, Friedman, Hastie & Tibshirani (2011); the strong rule:
    Tibshirani et al. (2012); the proximal Newton step: Lee, Sun & Saunders (2014).
    """
    n, p = data.matrix.shape
    if p > n and not absolute.any() and bool(np.all(squared > 0)):
        return _rotated(data, squared, strengths, start, tol, max_steps, enough, flat)
    path = _Path(data, absolute, squared, tol, max_steps)
    beta = np.zeros(p) if start is None else np.where(np.isinf(absolute), 0.0, start)
    gradient = path.full_gradient(beta, path.columns(np.flatnonzero((beta != 0) | (absolute == 0))))
    before = largest_strength(gradient, absolute)
    rows = []
    for strength in strengths:
        beta, gradient, row = path.solve(float(strength), max(before, float(strength)), beta, gradient)
        rows.append((beta, *row))
        before = float(strength)
        gained = row[0] - rows[0][1]
        if row[0] > enough or (len(rows) > 4 and row[0] - rows[-5][1] < flat * gained):
            break
    betas, value, df, violation, converged = zip(*rows, strict=True)
    return PathFit(
        np.array(betas), np.array(value), np.array(df), np.array(violation), np.array(converged), path.evaluations
    )


def _rotated(
    data: CoxData,
    squared: Floats,
    strengths: Sequence[float] | Floats,
    start: Floats | None,
    tol: float,
    max_steps: int,
    enough: float,
    flat: float,
) -> PathFit:
    """Ridge with more columns than rows: the answer lies in the space of the rows, so work there."""
    size = np.sqrt(squared)
    left, values, right = np.linalg.svd(data.matrix / size, full_matrices=False)
    small = replace(data, matrix=np.ascontiguousarray(left * values))
    r = len(values)
    begin = None if start is None else right @ (size * start)
    found = cox_path(small, np.zeros(r), np.ones(r), strengths, begin, tol, max_steps, enough, flat)
    return replace(found, beta=found.beta @ right / size)


def largest_strength(gradient: Floats, absolute: Floats) -> float:
    """Smallest strength at which every penalised coefficient is zero, given the gradient where they are."""
    used = (absolute > 0) & np.isfinite(absolute)
    return float(np.max(np.abs(gradient[used]) / absolute[used], initial=0.0))


def elastic_net_df(information: Floats, squared: Floats) -> float:
    """Degrees of freedom: trace of (I + Q)^-1 I over the coefficients in use.

    For the lasso alone this is the number of coefficients that are not zero.
    Source: Zou, Hastie & Tibshirani (2007); Tibshirani & Taylor (2012).
    """
    if not np.any(squared > 0):
        return float(len(information))
    d = np.sqrt(np.diag(information) + squared)
    unit = np.outer(d, d)
    return float(np.trace(np.linalg.solve((information + np.diag(squared)) / unit, information / unit)))


@dataclass(eq=False)
class _Path:
    """What the strengths share: the data, the penalty, and the columns copied for the working set."""

    data: CoxData
    absolute: Floats
    squared: Floats
    tol: float
    max_steps: int
    evaluations: int = 0
    held: tuple[Ints, CoxData] | None = None

    def columns(self, chosen: Ints) -> CoxData:
        """The data with some columns only; kept while the working set stays."""
        if len(chosen) == self.data.matrix.shape[1]:
            return self.data
        if self.held is None or not np.array_equal(self.held[0], chosen):
            self.held = (chosen, replace(self.data, matrix=np.ascontiguousarray(self.data.matrix[:, chosen])))
        return self.held[1]

    def evaluate(self, part: CoxData) -> Callable[[Floats], CoxTerms]:
        def terms(beta: Floats) -> CoxTerms:
            self.evaluations += 1
            return cox_terms(beta, part)

        return terms

    def full_gradient(self, beta: Floats, part: CoxData, terms: CoxTerms | None = None) -> Floats:
        """Gradient over all columns, from the martingale residuals of a fit on some."""
        if terms is None:
            inside = (beta != 0) | (self.absolute == 0)
            terms = self.evaluate(part)(beta[inside] if part is not self.data else beta)
        if part is self.data:
            return terms.gradient
        residual = martingale(part, terms)
        if self.data.weight is not None:
            residual = residual * self.data.weight
        return residual @ self.data.matrix

    def solve(
        self, strength: float, before: float, beta: Floats, gradient: Floats
    ) -> tuple[Floats, Floats, tuple[float, float, float, bool]]:
        """Solve at one strength, adding columns until none is missed."""
        out = np.isinf(self.absolute)
        finite = np.where(out, 0.0, self.absolute)
        absolute = np.where(out, np.inf, strength * finite)
        strong = ~out & (np.abs(gradient) >= (2 * strength - before) * finite)
        inside = strong | (beta != 0) | (self.absolute == 0)
        while True:
            chosen = np.flatnonzero(inside)
            part = self.columns(chosen)
            penalty = (absolute[chosen], strength * self.squared[chosen])
            found, terms, converged = _newton(self.evaluate(part), beta[chosen], *penalty, self.tol, self.max_steps)
            beta = np.zeros_like(beta)
            beta[chosen] = found
            gradient = self.full_gradient(beta, part, terms)
            missed = ~inside & (np.abs(gradient) > absolute * (1 + _SLACK))
            if not missed.any():
                break
            inside = inside | missed
        breach = _breach(beta, gradient, absolute, strength * self.squared)
        active = np.flatnonzero((found != 0) | (penalty[0] == 0))
        df = elastic_net_df(terms.information[np.ix_(active, active)], penalty[1][active])
        return beta, gradient, (terms.value, df, breach, converged)


def _newton(
    evaluate: Callable[[Floats], CoxTerms], beta: Floats, absolute: Floats, squared: Floats, tol: float, max_steps: int
) -> tuple[Floats, CoxTerms, bool]:
    """Proximal Newton: the penalty as it is, the likelihood by its parabola; steps that fail are halved."""

    def height(b: Floats, terms: CoxTerms) -> float:
        return terms.value - float(np.abs(b) @ np.where(b == 0, 0.0, absolute)) - 0.5 * float(b**2 @ squared)

    here = evaluate(beta)
    for _ in range(max_steps):
        square = here.information + np.diag(squared)
        step = quadratic_lasso(square, here.gradient + here.information @ beta, absolute, beta) - beta
        size = float(np.sqrt(max(float(step @ square @ step), 0.0)))
        if size == 0.0:
            return beta, here, True
        level = height(beta, here) - 1e-12 * abs(here.value)
        for _halving in range(25):
            there = evaluate(beta + step)
            if height(beta + step, there) >= level:
                break
            step = step / 2
        beta, here = beta + step, there
        if size < tol:
            return beta, here, True
    return beta, here, False


def _breach(beta: Floats, gradient: Floats, absolute: Floats, squared: Floats) -> float:
    """How far the conditions for a maximum are from being met."""
    slope = gradient - squared * beta
    with np.errstate(invalid="ignore"):
        inside = np.abs(slope - np.where(beta == 0, 0.0, absolute) * np.sign(beta))
    outside = np.maximum(np.abs(slope) - absolute, 0.0)
    return float(np.max(np.where(beta != 0, inside, outside), initial=0.0))
