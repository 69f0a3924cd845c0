"""Regression of a restricted mean on covariates: rows followed to their end are weighted for those that were not.

Ground floor. Censored rows count through the weights of the others; censoring.py makes the weights.

Called by: models.hazards.mean_stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.censoring import Censoring
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.kernels.risksets import accumulate, at_risk_sum

__all__ = ["MeanTerms", "RestrictedData", "restricted_covariance", "restricted_fit", "restricted_terms"]


@dataclass(frozen=True, eq=False)
class RestrictedData:
    """Outcomes, columns and weights.

    Attributes
    ----------
    y : (n,)
        The stay up to the horizon, or the time lost before it.
    matrix : (n, p)
        The first column is the intercept.
    weight : (n,)
        Copies of the row, or its sampling weight.
    inverse : (n,)
        1 / G for rows followed to their exit or to the horizon, 0 for rows censored before.
    offset : (n,)
    log : bool
        Whether the mean is exp(x'b) or x'b.
    """

    y: Floats
    matrix: Floats
    weight: Floats
    inverse: Floats
    offset: Floats
    log: bool


@dataclass(frozen=True, eq=False)
class MeanTerms:
    """Value, gradient and information at one value of the coefficients; `mean` is (n,)."""

    value: float
    gradient: Floats
    information: Floats
    mean: Floats


def restricted_terms(beta: Floats, data: RestrictedData) -> MeanTerms:
    """Weighted least squares, or the Poisson likelihood kernel whose score is the same for the log link.

    Notes
    -----
    Source: Tian, Zhao & Wei (2014), eq. 2.
    """
    eta = data.matrix @ beta + data.offset
    both = data.weight * data.inverse
    with np.errstate(over="ignore"):
        mean = np.exp(eta) if data.log else eta
        value = both @ (data.y * eta - mean) if data.log else -0.5 * float(both @ (data.y - mean) ** 2)
    slope = mean if data.log else np.ones_like(mean)
    gradient = (both * (data.y - mean)) @ data.matrix
    return MeanTerms(float(value), gradient, data.matrix.T @ (data.matrix * (both * slope)[:, None]), mean)


def restricted_fit(data: RestrictedData, tol: float = 1e-12, max_steps: int = 50) -> Maximum[MeanTerms]:
    """Solve the estimating equation from the weighted mean of the outcomes."""
    both = data.weight * data.inverse
    middle = float(both @ data.y / both.sum())
    start = np.zeros(data.matrix.shape[1])
    start[0] = np.log(max(middle, 1e-8)) if data.log else middle
    best = newton(lambda beta: restricted_terms(beta, data), start, tol, max_steps)
    return Maximum(best.at, restricted_terms(best.at, data), best.start, best.step, best.converged, best.n_steps)


def restricted_covariance(
    data: RestrictedData, mean: Floats, c: Censoring, factor: Floats, cluster: Ints | None, known: bool = False
) -> Floats:
    """Sandwich covariance of the coefficients, with what estimating the censoring law adds.

    Parameters
    ----------
    mean : (n,)
        Fitted means.
    factor : (n,)
        Weight of a row's influence: its sampling weight, or the root of a number of copies.
    cluster : (n,) int, optional
    known : bool
        Take the censoring weights as known.

    Notes
    -----
    The bread is the expected one, over all rows. A row's part is its own residual plus the integral of S(u) / Y(u) by
    its censoring martingale, S(u) the sum of the residual parts of those still there. Cost: O(n p^2).
    Source: Tian, Zhao & Wei (2014), appendix.
    """
    parts = data.matrix * (data.inverse * (data.y - mean))[:, None]
    if not known and c.index.n_times:
        at_risk = at_risk_sum(c.index, data.weight)
        rows = c.index.event_rows
        moment = c.index.moment[rows]
        gone = np.bincount(moment, data.weight[rows], c.index.n_times)
        later = at_risk_sum(c.index, parts, data.weight) / at_risk[:, None]
        parts = parts - accumulate(c.index, later * (gone / at_risk)[:, None])
        parts[rows] += later[moment]
    slope = data.weight * (mean if data.log else 1.0)
    own = parts * factor[:, None]
    if cluster is not None:
        own = group_sum(own, cluster, int(cluster.max()) + 1)
    half = np.linalg.solve(data.matrix.T @ (data.matrix * slope[:, None]), own.T)
    return np.asarray(half @ half.T)
