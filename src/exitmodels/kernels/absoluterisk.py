"""Absolute risk: the chance of having left for one cause, from the hazards of all causes.

Ground floor. F_k(t) sums S(u-) dL_k(u); a small change of dL_j(u) moves F_k(t) by
1{j = k} S(u-) - (F_k(t) - F_k(u)) v(u). So variances are running sums of three
kinds, read at each time: nothing of size times x times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.influence import step_moments

__all__ = ["CauseRows", "CauseSteps", "Risk", "absolute_risk", "model_variance", "robust_variance"]


@dataclass(frozen=True, eq=False)
class Risk:
    """One cause's absolute risk for one new row.

    Attributes
    ----------
    before : (k,)
        Chance of still being there just before each time.
    incidence : (k,)
    own : (k,)
        S(u-), how a change in the cause's own hazard adds.
    other : (k,)
        v(u), how a change in any hazard takes from what follows.
    """

    before: Floats
    incidence: Floats
    own: Floats
    other: Floats

    def weights(self, mine: bool) -> tuple[Floats, Floats]:
        """What multiplies the hazard increments of a cause in the sums U and V; the change of F is U - F(t) V."""
        lasting = self.incidence * self.other
        return (self.own + lasting if mine else lasting), self.other


@dataclass(frozen=True, eq=False)
class CauseSteps:
    """Increments of one cause's hazard for one new row, on the common grid of times.

    Attributes
    ----------
    hazard, square : (k,)
        Increment and its variance given the coefficients.
    slope : (k, p)
        Derivative of the increment with respect to the coefficients.
    """

    hazard: Floats
    square: Floats
    slope: Floats


def absolute_risk(hazards: Floats, cause: int, product: bool) -> Risk:
    """Risk of one cause.

    Parameters
    ----------
    hazards : (j, k)
        Increments of every cause.
    cause : int
        Row of `hazards`.
    product : bool
        Survival as the product of one minus the increments (then risks and survival add to one); else as
        the exponential of minus their sum.

    Notes
    -----
    Source: Benichou & Gail (1990); Aalen & Johansen (1978).
    """
    total = hazards.sum(axis=0)
    stays = np.maximum(1 - total, 0.0) if product else np.exp(-total)
    before = np.concatenate([[1.0], np.cumprod(stays)[:-1]])
    incidence = np.cumsum(before * hazards[cause])
    other = np.ones_like(total)
    if product:
        with np.errstate(divide="ignore"):
            other = np.where(stays > 1e-14, 1 / stays, 0.0)
    return Risk(before, incidence, before, other)


def model_variance(risk: Risk, cause: int, steps: list[CauseSteps], covariances: list[Floats]) -> Floats:
    """Variance of the risk at each time, causes and their baselines independent: (k,)."""
    f = risk.incidence
    out = np.zeros_like(f)
    for j, (step, covariance) in enumerate(zip(steps, covariances, strict=True)):
        u, v = risk.weights(j == cause)
        out += np.cumsum(u * u * step.square) - 2 * f * np.cumsum(u * v * step.square)
        out += f * f * np.cumsum(v * v * step.square)
        moved = np.cumsum(u[:, None] * step.slope, axis=0) - f[:, None] * np.cumsum(v[:, None] * step.slope, axis=0)
        out += np.einsum("kp,pq,kq->k", moved, covariance, moved)
    return np.maximum(out, 0.0)


@dataclass(frozen=True, eq=False)
class CauseRows:
    """The rows behind one cause's hazard, on the common grid.

    Attributes
    ----------
    enters, leaves, moment : (n,) int
        As in `risksets.RiskIndex`; rows of other strata never enter.
    jump : (n,)
        What the row's own exit adds to the increment at its time (for a relative risk of one).
    relative : (n,)
        Relative risk of the row.
    square : (k,)
        What a unit of relative risk at risk takes away, for a relative risk of one.
    coefficients : (n, p)
        Influence on the coefficients.
    """

    enters: Ints
    leaves: Ints
    moment: Ints
    jump: Floats
    relative: Floats
    square: Floats
    coefficients: Floats


def robust_variance(
    risk: Risk,
    cause: int,
    steps: list[CauseSteps],
    rows: list[CauseRows],
    scale: list[float],
    factor: Floats,
    unit: Ints,
) -> Floats:
    """Sum over units of the squared influence on the risk at each time, (k,).

    Parameters
    ----------
    scale : (j,)
        Relative risk of the new row for each cause.
    factor : (n,)
        What each row's influence is multiplied by.
    unit : (n,) int
        Cluster of each row.
    """
    f, n_times, n = risk.incidence, len(risk.incidence), len(factor)
    width = 2 + sum(1 + r.coefficients.shape[1] for r in rows)
    points, made, units, reader = [], [], [], np.zeros((n_times, width))
    reader[:, 0], reader[:, 1] = 1.0, -f
    place = 2
    for j, (own, step, r) in enumerate(zip(rows, steps, scale, strict=True)):
        u, v = risk.weights(j == cause)
        p = own.coefficients.shape[1]
        totals = [np.concatenate([[0.0], np.cumsum(w * r * own.square)]) for w in (u, v)]
        stake = factor * own.relative
        for at, sign in ((own.enters, 1.0), (own.leaves, -1.0)):
            block = np.zeros((n, width))
            block[:, 0], block[:, 1] = sign * stake * totals[0][at], sign * stake * totals[1][at]
            block[:, place] = sign * stake
            points.append(at)
            made.append(block)
            units.append(unit)
        left = np.flatnonzero(own.moment >= 0)
        block = np.zeros((len(left), width))
        jump = factor[left] * own.jump[left] * r
        block[:, 0], block[:, 1] = jump * u[own.moment[left]], jump * v[own.moment[left]]
        points.append(own.moment[left])
        made.append(block)
        units.append(unit[left])
        block = np.zeros((n, width))
        block[:, place + 1 : place + 1 + p] = own.coefficients * factor[:, None]
        points.append(np.zeros(n, np.int64))
        made.append(block)
        units.append(unit)
        reader[:, place] = -totals[0][1:] + f * totals[1][1:]
        reader[:, place + 1 : place + 1 + p] = np.cumsum(u[:, None] * step.slope, axis=0)
        reader[:, place + 1 : place + 1 + p] -= f[:, None] * np.cumsum(v[:, None] * step.slope, axis=0)
        place += 1 + p
    moments = step_moments(np.concatenate(points), np.concatenate(made), np.concatenate(units), n_times)
    return np.einsum("ki,kij,kj->k", reader, moments, reader)
