"""Regression of means at several times on covariates: estimating equations with independence between times.

Ground floor. The outcome of a row at time m is any number whose mean is
mu(intercept_m + x'b): a pseudo-observation, or an indicator weighted for
censoring. Values outside [0, 1] are ordinary here.

Called by: models.hazards.moment_fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.optimise import Maximum, newton

__all__ = [
    "LINKS",
    "MeanData",
    "MeanTerms",
    "inverse_link",
    "link",
    "mean_fit",
    "mean_terms",
    "sandwich",
    "spread_over",
]

LINKS = ("identity", "log", "logit", "cloglog")


def inverse_link(name: str, eta: Floats, falling: bool = False) -> tuple[Floats, Floats]:
    """Mean and its derivative by the linear predictor.

    Parameters
    ----------
    name : {"identity", "log", "logit", "cloglog"}
    falling : bool
        For "cloglog": the mean is a probability of still being there, exp(-exp(eta)), not of having left.
    """
    if name == "identity":
        return eta, np.ones_like(eta)
    with np.errstate(over="ignore"):
        grown = np.exp(eta)
        if name == "log":
            return grown, grown
        if name == "logit":
            mean = 1.0 / (1.0 + np.exp(-eta))
            return mean, mean * (1.0 - mean)
        stay = np.exp(-grown)
        slope = np.where(np.isfinite(grown), grown, 0.0) * stay
    return (stay, -slope) if falling else (-np.expm1(-grown), slope)


def link(name: str, mean: Floats, falling: bool = False) -> Floats:
    """Linear predictor of a mean."""
    if name == "identity":
        return mean
    if name == "log":
        return np.log(mean)
    if name == "logit":
        return np.log(mean / (1.0 - mean))
    return np.log(-np.log(mean)) if falling else np.log(-np.log1p(-mean))


@dataclass(frozen=True, eq=False)
class MeanData:
    """Outcomes and columns.

    Attributes
    ----------
    y : (n, m)
    matrix : (n, p)
        Without an intercept; the m intercepts come first among the coefficients: that of the first time, then
        how much the others differ from it.
    weight, offset : (n,)
    link : str
    falling : bool
    variance : {"constant", "binomial"}
        Working variance: least squares, or mu (1 - mu).
    """

    y: Floats
    matrix: Floats
    weight: Floats
    offset: Floats
    link: str
    falling: bool
    variance: str


@dataclass(frozen=True, eq=False)
class MeanTerms:
    """Value, gradient and expected information at one value of the coefficients.

    `mean` is (n, m); `pull` (n, m) times a column is what a residual is multiplied by.
    """

    value: float
    gradient: Floats
    information: Floats
    mean: Floats
    pull: Floats


def spread_over(values: Floats, matrix: Floats) -> Floats:
    """Gather what belongs to times (n, m) into the coefficients: (n, m + p)."""
    total = values.sum(axis=1)
    return np.hstack([total[:, None], values[:, 1:], total[:, None] * matrix])


def mean_terms(beta: Floats, data: MeanData) -> MeanTerms:
    """Evaluate the estimating equation.

    Notes
    -----
    Cost: O(n (m + p^2)). Source: Liang & Zeger (1986), independence working correlation.
    """
    m = data.y.shape[1]
    base = beta[0] + np.concatenate([[0.0], beta[1:m]])
    eta = (data.matrix @ beta[m:] + data.offset)[:, None] + base
    mean, slope = inverse_link(data.link, eta, data.falling)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if data.variance == "constant":
            pull = slope
            value = -0.5 * float(data.weight @ ((data.y - mean) ** 2).sum(axis=1))
        else:
            pull = slope / (mean * (1.0 - mean))
            inside = data.y * np.log(mean) + (1.0 - data.y) * np.log1p(-mean)
            value = float(data.weight @ inside.sum(axis=1))
    weighted = data.weight[:, None] * pull
    gradient = spread_over(weighted * (data.y - mean), data.matrix).sum(axis=0)
    return MeanTerms(value, gradient, _information(weighted * slope, data.matrix), mean, pull)


def _information(weight: Floats, matrix: Floats) -> Floats:
    """Sum over rows and times of weight times the outer product of the columns, (m + p, m + p)."""
    m, p = weight.shape[1], matrix.shape[1]
    out = np.zeros((m + p, m + p))
    by_time, mixed = weight.sum(axis=0), weight.T @ matrix
    out[0, 0] = by_time.sum()
    out[0, 1:m] = out[1:m, 0] = by_time[1:]
    out[np.arange(1, m), np.arange(1, m)] = by_time[1:]
    out[0, m:] = out[m:, 0] = mixed.sum(axis=0)
    out[1:m, m:] = mixed[1:]
    out[m:, 1:m] = mixed[1:].T
    out[m:, m:] = matrix.T @ (matrix * weight.sum(axis=1)[:, None])
    return out


def mean_fit(data: MeanData, tol: float = 1e-10, max_steps: int = 50) -> Maximum[MeanTerms]:
    """Solve the estimating equation from intercepts that match the mean of each time.

    The terms that come back are those at the answer.
    """
    middle = data.weight @ data.y / data.weight.sum()
    if data.link != "identity":
        middle = np.clip(middle, 0.01, None if data.link == "log" and data.variance == "constant" else 0.99)
    base = link(data.link, middle, data.falling) - float(data.weight @ data.offset / data.weight.sum())
    start = np.concatenate([base[:1], base[1:] - base[0], np.zeros(data.matrix.shape[1])])
    best = newton(lambda b: mean_terms(b, data), start, tol, max_steps)
    return Maximum(best.at, mean_terms(best.at, data), best.start, best.step, best.converged, best.n_steps)


def sandwich(information: Floats, parts: Floats, factor: Floats, cluster: Ints | None) -> Floats:
    """Inverse information around the sum of squared parts of rows (or clusters), (q, q)."""
    own = parts * factor[:, None]
    if cluster is not None:
        own = group_sum(own, cluster, int(cluster.max()) + 1)
    half = np.linalg.solve(information, own.T)
    return np.asarray(half @ half.T)
