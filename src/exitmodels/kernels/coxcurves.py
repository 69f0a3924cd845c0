"""Predicted cumulative hazards from a Cox fit, with their variances.

Ground floor. Per stratum: increments of the baseline hazard, of its variance,
and of the mean covariate; a prediction for new rows is a running sum of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.coxresiduals import drift, relative_risk, score_residuals
from exitmodels.kernels.influence import step_moments
from exitmodels.kernels.partial import CoxData, CoxTerms

__all__ = ["Baseline", "baseline", "hazard_curve", "influence_moments", "influence_variance"]


@dataclass(frozen=True, eq=False)
class Baseline:
    """Increments at the event times, strata one after another.

    Attributes
    ----------
    times : (k,)
    bounds : (s + 1,) int
    hazard : (k,)
        For a row whose centred linear predictor is zero.
    square : (k,)
        Variance of `hazard` given the coefficients.
    drift : (k, p)
        Hazard times mean (centred and scaled) covariate.
    estimate : (k,), optional
        Increments that make the curve, where they are not `hazard` (Kalbfleisch & Prentice).
    """

    times: Floats
    bounds: Ints
    hazard: Floats
    square: Floats
    drift: Floats
    estimate: Floats | None = None


def baseline(data: CoxData, terms: CoxTerms) -> Baseline:
    """Collect the increments; Efron's or Breslow's, as in the terms.

    Source: Breslow (1974); Tsiatis (1981); Therneau & Grambsch (2000), section 10.2.
    """
    scale = np.exp(-terms.shift)
    return Baseline(
        data.index.times,
        data.index.bounds,
        terms.hazard * scale,
        terms.square * scale**2,
        drift(terms) * scale,
    )


def hazard_curve(
    base: Baseline, stratum: int, rows: Floats, risk: Floats, covariance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Times, cumulative hazard and its model-based variance for one new row, or along a path.

    Parameters
    ----------
    rows : (p,) or (k, p)
        Centred and scaled covariates, of the row or at each event time of the stratum.
    risk : (k,)
        exp of the centred linear predictor (with offset) at each event time.
    covariance : (p, p)
        Of the coefficients on the scaled columns.
    """
    own = slice(int(base.bounds[stratum]), int(base.bounds[stratum + 1]))
    made = base.hazard if base.estimate is None else base.estimate
    slope = path_slope(base, own, rows, risk)
    variance = np.cumsum(risk**2 * base.square[own]) + np.einsum("kp,pq,kq->k", slope, covariance, slope)
    return base.times[own], np.cumsum(risk * made[own]), variance


def path_slope(base: Baseline, own: slice, rows: Floats, risk: Floats) -> Floats:
    """Derivative of the cumulative hazard along a path with respect to the coefficients, (k, p)."""
    step = risk[:, None] * (base.hazard[own][:, None] * rows - base.drift[own])
    return np.asarray(np.cumsum(step, axis=0))


def influence_moments(
    data: CoxData,
    terms: CoxTerms,
    stratum_of_row: Ints | None,
    stratum: int,
    covariance: Floats,
    factor: Floats,
    cluster: Ints | None,
    risk: Floats | None = None,
    plain: CoxTerms | None = None,
) -> tuple[Floats, Floats]:
    """Second moments over clusters of the influence on the cumulative hazard of one stratum.

    Parameters
    ----------
    risk : (k,), optional
        What the increments are multiplied by along a path; ones by default.
    plain : CoxTerms, optional
        Terms whose increments make the baseline, where they are not those of the coefficients.

    Returns
    -------
    moments : (k, p + 2, p + 2)
        Of (jumps so far, at risk, influence on the coefficients).
    rate : (k,)
        Running sum of what a unit at risk takes away.

    Notes
    -----
    The influence of row i on H(t) is the sum of its own event's share less the sum of its time at risk
    times the squared increments, plus the effect through the coefficients. Source: Reid & Crepeau (1985).
    """
    index = data.index
    low, high = int(index.bounds[stratum]), int(index.bounds[stratum + 1])
    k = high - low
    scale = np.exp(-terms.shift)
    here = np.ones(len(factor), bool) if stratum_of_row is None else stratum_of_row == stratum
    rows = np.flatnonzero(here)
    unit = np.arange(len(factor)) if cluster is None else cluster
    base = terms if plain is None else plain
    path = np.ones(k) if risk is None else risk
    square = base.square[low:high] * scale * path
    total = np.concatenate([[0.0], np.cumsum(square)])
    enters, leaves = index.enters[rows] - low, index.leaves[rows] - low
    at_stake = factor[rows] * relative_risk(data, terms)[rows]
    left = rows[index.moment[rows] >= 0]
    at = index.moment[left]
    own = base.hazard[at] / (data.share[at] * data.count[at]) * scale
    own = factor[left] * path[at - low] * (own + relative_risk(data, terms)[left] * base.square_f[at] * scale)
    p = data.matrix.shape[1]
    coefficients = np.empty((len(factor), p))
    for block_rows, block in score_residuals(data, terms):
        coefficients[block_rows] = (block * factor[block_rows, None]) @ covariance
    points = np.concatenate([np.zeros(len(factor), np.int64), enters, leaves, at - low])
    steps = np.zeros((len(points), p + 2))
    n, m = len(factor), len(rows)
    steps[:n, 2:] = coefficients
    steps[n : n + m, 0], steps[n : n + m, 1] = at_stake * total[enters], at_stake
    steps[n + m : n + 2 * m, 0], steps[n + m : n + 2 * m, 1] = -at_stake * total[leaves], -at_stake
    steps[n + 2 * m :, 0] = own
    units = np.concatenate([unit, unit[rows], unit[rows], unit[left]])
    return step_moments(points, steps, units, k), total[1:]


def influence_variance(
    base: Baseline, stratum: int, rows: Floats, risk: Floats, moments: Floats, rate: Floats
) -> Floats:
    """Robust variance of the cumulative hazard along a path, (k,); moments and rate made for that path."""
    own = slice(int(base.bounds[stratum]), int(base.bounds[stratum + 1]))
    slope = path_slope(base, own, rows, risk)
    reader = np.column_stack([np.ones(len(rate)), -rate, slope])
    return np.einsum("ki,kij,kj->k", reader, moments, reader)
