"""A straight line with one bend at an unknown place, in a generalised linear model.

Ground floor: NumPy and SciPy. For a given bend the model is an ordinary one, so that the likelihood can be profiled: a
grid finds the highest of its several hills, and a search within its interval the top.

Source: Muggeo (2003) for the model; Davies (1987) for the test of no bend; Kuechenhoff (1996) for exact maximisation.
Called by: models.counts.bent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from exitmodels.arrays import Floats

__all__ = ["BENT_FAMILIES", "Bend", "davies_pvalue", "fit_bend", "fit_given"]

BENT_FAMILIES = ("poisson", "binomial", "gaussian")


@dataclass(frozen=True, eq=False)
class Bend:
    """Fit at one place: coefficients, log-likelihood, deviance, covariance of the coefficients."""

    place: float
    beta: Floats
    llf: float
    deviance: float
    covariance: Floats
    mean: Floats
    converged: bool


def _terms(family: str, eta: Floats, y: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of y."""
    if family == "binomial":
        share = special.expit(eta)
        return size * share, size * share * (1 - share)
    if family == "poisson":
        mean = size * np.exp(eta)
        return mean, mean
    return eta, 1 / size


def _llf(family: str, eta: Floats, y: Floats, size: Floats) -> float:
    if family == "binomial":
        choose = special.gammaln(size + 1) - special.gammaln(y + 1) - special.gammaln(size - y + 1)
        return float(np.sum(choose + y * eta - size * np.logaddexp(0, eta)))
    if family == "poisson":
        return float(np.sum(y * (eta + np.log(size)) - size * np.exp(eta) - special.gammaln(y + 1)))
    rss, n = float(np.sum(size * (y - eta) ** 2)), len(y)
    return -0.5 * n * (np.log(2 * np.pi * rss / n) + 1) + 0.5 * float(np.sum(np.log(size)))


def _deviance(family: str, mean: Floats, y: Floats, size: Floats) -> float:
    if family == "gaussian":
        return float(np.sum(size * (y - mean) ** 2))
    parts = special.xlogy(y, y / mean) - (y - mean)
    if family == "binomial":
        parts = special.xlogy(y, y / mean) + special.xlogy(size - y, (size - y) / (size - mean))
    return 2 * float(parts.sum())


def fit_given(family: str, y: Floats, size: Floats, matrix: Floats, start: Floats | None = None) -> Bend:
    """Fit with fixed columns by Newton's method; `place` is left at NaN."""
    if family == "gaussian":
        root = np.sqrt(size)
        beta = np.linalg.lstsq(matrix * root[:, None], y * root, rcond=None)[0]
        mean = matrix @ beta
        rss = float(np.sum(size * (y - mean) ** 2))
        spread = rss / max(len(y) - matrix.shape[1], 1)
        cov = np.linalg.pinv(matrix.T @ (matrix * size[:, None])) * spread
        return Bend(np.nan, beta, _llf(family, mean, y, size), rss, cov, mean, True)
    q, r = np.linalg.qr(matrix)
    if start is None:
        share = (y + 0.5) / (size + 1.0) if family == "binomial" else (y + 0.25) / size
        eta = special.logit(share) if family == "binomial" else np.log(share)
        b = q.T @ eta
    else:
        b = r @ start
    value, done = _llf(family, q @ b, y, size), False
    information = np.eye(len(b))
    for _ in range(60):
        mean, variance = _terms(family, q @ b, y, size)
        information = q.T @ (q * variance[:, None])
        step = np.linalg.solve(information, q.T @ (y - mean))
        while (tried := _llf(family, q @ (b + step), y, size)) < value - 1e-10 * (1 + abs(value)):
            step = step / 2
        b, value = b + step, tried
        if np.abs(step).max() <= 1e-12 * (1 + np.abs(b).max()):
            done = True
            break
    mean, variance = _terms(family, q @ b, y, size)
    information = q.T @ (q * variance[:, None])
    back = np.linalg.inv(r)
    cov = back @ np.linalg.inv(information) @ back.T
    return Bend(np.nan, back @ b, value, _deviance(family, mean, y, size), cov, mean, done)


def _with_bend(matrix: Floats, x: Floats, place: float) -> Floats:
    return np.column_stack([matrix, np.maximum(x - place, 0.0)])


def fit_bend(
    family: str, y: Floats, size: Floats, matrix: Floats, x: Floats, low: float, high: float, points: int = 60
) -> tuple[Bend, Callable[[float], Bend]]:
    """Highest likelihood over places of the bend between `low` and `high`.

    Parameters
    ----------
    family : {"poisson", "binomial", "gaussian"}
    y, size : (n,)
        Counts and exposures, successes and trials, or values and weights.
    matrix : (n, k)
        Intercept, x, and other columns.
    x : (n,)

    Returns
    -------
    best : Bend
    at : function
        Fit with the bend at a given place, for profiles.
    """

    def at(place: float) -> Bend:
        made = fit_given(family, y, size, _with_bend(matrix, x, place))
        return Bend(place, *(getattr(made, f) for f in ("beta", "llf", "deviance", "covariance", "mean", "converged")))

    inner = np.unique(x[(x > low) & (x < high)])
    grid = np.unique(np.concatenate([[low], inner, np.linspace(low, high, points), [high]]))
    values = np.array([at(g).llf for g in grid])
    best = at(float(grid[values.argmax()]))
    # The likelihood is smooth between two values of x; the best few intervals are searched.
    for i in np.argsort(np.maximum(values[:-1], values[1:]))[::-1][:6]:
        found = optimize.minimize_scalar(
            lambda p: -at(float(p)).llf, bounds=(grid[i], grid[i + 1]), method="bounded", options={"xatol": 1e-10}
        )
        if -found.fun > best.llf:
            best = at(float(found.x))
    return best, at


def davies_pvalue(scores: Floats) -> float:
    """Bound on the p-value of the largest of signed root statistics over the places of a bend, two-sided.

    Source: Davies (1987), with the total variation of the statistic over its grid.
    """
    top = float(np.abs(scores).max())
    variation = float(np.abs(np.diff(scores)).sum())
    return float(min(1.0, 2 * (special.ndtr(-top) + variation * np.exp(-(top**2) / 2) / np.sqrt(8 * np.pi))))
