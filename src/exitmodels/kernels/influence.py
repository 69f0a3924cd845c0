"""Infinitesimal jackknife of a curve: sums of squared influences over time, without rows x times.

Ground floor. The influence of a row on a curve at time t is linear in three
kinds of step function that change only when the row enters, leaves or has its
event. So the sum of squares over rows (or clusters) needs only the increments
of products of these steps: a sort by cluster, then grouped sums.

Called by: models.nonparametric (curves), models.hazards (predicted curves).
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats, Ints

__all__ = ["integrated_influence", "step_moments", "variance_over_time"]


def variance_over_time(
    enters: Ints,
    leaves: Ints,
    moment: Ints,
    jumps: Floats,
    rates: Floats,
    readout: Floats,
    weight: Floats,
    cluster: Ints | None = None,
    constants: Floats | None = None,
    constant_readout: Floats | None = None,
) -> Floats:
    """Sum over clusters of the squared influence on a curve, at every grid time.

    Parameters
    ----------
    enters, leaves, moment : (n,) int
        Place of each row on the grid of k event times (`risksets.RiskIndex`, one stratum).
    jumps : (n, q)
        What the row's own event adds to each of q sums (zero for rows without one).
    rates : (k, q)
        What each time at risk takes from each of the q sums.
    readout : (k, q)
        The influence at t_k is sum_q readout[k, q] * (sum of jumps - sum of rates so far).
    weight : (n,)
        Factor of the row: its sampling weight, or the square root of a replication weight.
    cluster : (n,) int, optional
        Rows of one cluster are added before squaring; each row alone by default.
    constants : (n, c), optional
        Further parts of the influence that do not change with time (weights already in them), read by
        `constant_readout` (k, c).

    Returns
    -------
    (k,)

    Notes
    -----
    Cost: O(n log n + (n + k) (q + c)^2); nothing of size n x k.
    """
    k, q = rates.shape
    total = np.zeros((k + 1, q))
    np.cumsum(rates, axis=0, out=total[1:])
    n = len(enters)
    points = np.concatenate([enters, leaves, np.where(moment >= 0, moment, k)])
    steps = np.zeros((3 * n, q + 1))
    steps[:n, :q], steps[:n, q] = weight[:, None] * total[enters], weight
    steps[n : 2 * n, :q], steps[n : 2 * n, q] = -weight[:, None] * total[leaves], -weight
    steps[2 * n :, :q] = weight[:, None] * jumps
    unit = np.tile(np.arange(n) if cluster is None else cluster, 3)
    reader = np.column_stack([readout, -np.einsum("kq,kq->k", readout, total[1:])])
    if constants is not None and constant_readout is not None:
        points, unit, steps = _with_constants(points, unit, steps, constants, cluster)
        reader = np.column_stack([reader, constant_readout])
    moments = step_moments(points, steps, unit, k)
    return np.maximum(np.einsum("ki,kij,kj->k", reader, moments, reader), 0.0)


def _with_constants(
    points: Ints, unit: Ints, steps: Floats, constants: Floats, cluster: Ints | None
) -> tuple[Ints, Ints, Floats]:
    """Add the constant parts as steps at the very beginning of the grid."""
    n, c = constants.shape
    wide = np.zeros((len(steps) + n, steps.shape[1] + c))
    wide[n:, : steps.shape[1]] = steps
    wide[:n, steps.shape[1] :] = constants
    own = np.arange(n) if cluster is None else cluster
    return np.concatenate([np.zeros(n, np.int64), points]), np.concatenate([own, unit]), wide


def step_moments(points: Ints, steps: Floats, unit: Ints, n_times: int) -> Floats:
    """Sum over units of s s', where s is each unit's running sum of steps, at every grid time.

    Parameters
    ----------
    points : (m,) int
        Grid time at which a step happens; n_times and beyond never happen.
    steps : (m, q)
    unit : (m,) int

    Returns
    -------
    (n_times, q, q)
    """
    use = points < n_times
    points, steps, unit = points[use], steps[use], unit[use]
    order = np.lexsort((points, unit))
    points, unit = points[order], unit[order]
    running = np.cumsum(steps[order], axis=0)
    first = np.flatnonzero(np.concatenate([[True], unit[1:] != unit[:-1]])) if len(unit) else np.zeros(0, int)
    base = np.zeros_like(running)
    offsets = running[first] - steps[order][first]
    base[:] = np.repeat(offsets, np.diff(np.append(first, len(unit))), axis=0)
    after = running - base
    before = after - steps[order]
    before[first] = 0.0
    q = steps.shape[1]
    out = np.empty((n_times, q, q))
    for i in range(q):
        for j in range(i + 1):
            change = after[:, i] * after[:, j] - before[:, i] * before[:, j]
            out[:, i, j] = out[:, j, i] = np.cumsum(np.bincount(points, change, n_times))
    return out


def integrated_influence(
    enters: Ints, leaves: Ints, moment: Ints, jumps: Floats, rates: Floats, readout: Floats, width: Floats
) -> Floats:
    """Influence of each row on the integral of the curve.

    Parameters
    ----------
    width : (k,)
        Length of time (up to the horizon) during which the curve keeps its value after t_k.
        The others are as in `variance_over_time`.

    Returns
    -------
    (n,), not yet multiplied by weights.
    """
    ahead = np.cumsum((readout * width[:, None])[::-1], axis=0)[::-1]
    total = np.zeros(len(rates) + 1)
    np.cumsum(np.einsum("kq,kq->k", rates, ahead), out=total[1:])
    own = np.zeros(len(enters))
    happened = moment >= 0
    own[happened] = np.einsum("iq,iq->i", jumps[happened], ahead[moment[happened]])
    return own - (total[leaves] - total[enters])
