"""Limits of predicted incidence when effects change with time.

Ground floor. The influence of every row on the curve is carried forward from one event time to the next, squared
and added; one new row costs as much as a step of the fit.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.partial import CoxTerms
from exitmodels.kernels.subdistribution import SubData
from exitmodels.kernels.subvarying import Block, blocks
from exitmodels.kernels.varying import Varying

__all__ = ["varying_curve_variance"]


def varying_curve_variance(
    beta: Floats,
    data: SubData,
    varying: Varying,
    terms: CoxTerms,
    stratum: int,
    path: Floats,
    slope: Floats,
    coefficients: Floats,
    factor: Floats,
    cluster: Ints | None,
    known: bool = False,
) -> Floats:
    """Variance of a predicted cumulative subdistribution hazard at the event times of its stratum, (k,).

    Parameters
    ----------
    path : (k,)
        Relative risk of the new row at each event time.
    slope : (k, p + q)
        Derivative of its cumulative hazard with respect to the coefficients.
    coefficients, factor, cluster, known
        As in `subcurves.curve_moments`.

    Notes
    -----
    Cost: O(n k). Source: Fine & Gray (1999), section 5, in the form of influence functions.
    """
    low = int(data.cox.index.bounds[stratum])
    carried = np.zeros(len(factor))
    beta_part = coefficients * factor[:, None]
    out = np.empty(len(path))
    for block in blocks(beta, data, varying):
        if not low <= block.first < low + len(path):
            continue
        step = _increments(block, data, terms, path[block.first - low : block.last - low], known)
        for j in range(step.shape[1]):
            k = block.first - low + j
            carried += step[:, j]
            total = carried * factor + beta_part @ slope[k]
            total = total if cluster is None else group_sum(total, cluster, int(cluster.max()) + 1)
            out[k] = total @ total
    return out


def _increments(block: Block, data: SubData, terms: CoxTerms, path: Floats, known: bool) -> Floats:
    """Influence of each row on the steps of the curve at the times of a block, (n, b)."""
    cox, own = data.cox, slice(block.first, block.last)
    step = np.zeros((len(cox.matrix), block.last - block.first))
    size = np.exp(block.shift)
    step[block.rows] = -block.risk * (path * terms.square[own] * size)
    places, at = block.events(cox.index.moment)
    left, grid = block.rows[places], at + block.first
    jump = terms.hazard[grid] / (cox.share[grid] * cox.count[grid])
    jump += block.risk[places, at] * size[at] * terms.square_f[grid]
    step[left, at] += path[at] * jump
    if not known:
        _weights(block, data, path * terms.square[own] * size, step)
    return step


def _weights(block: Block, data: SubData, size: Floats, step: Floats) -> None:
    """Add what a row does through the weights of those who count beyond their exit, one event time after another."""
    cox, clock = data.cox, data.weights.clock
    index, m = clock.index, clock.n_points
    position = np.full(len(cox.matrix), -1)
    position[block.rows] = np.arange(len(block.rows))
    group = data.stays.group
    for i, layer in enumerate(() if cox.beyond is None else cox.beyond.layers):
        mine = np.flatnonzero(position[layer.rows] >= 0)
        curve = int(data.weights.curves[i][block.first])
        if curve < 0 or not len(mine):
            continue
        start, stop = int(index.bounds[curve]), int(index.bounds[curve + 1])
        ends = np.maximum(data.weights.ends[i][mine], start)
        weight = 1.0 if cox.weight is None else cox.weight[layer.rows[mine]]
        people = np.arange(len(step)) if group is None else np.flatnonzero(group == curve)
        for k in range(block.first, block.last):
            j, mark = k - block.first, int(data.weights.marks[i][k])
            if mark <= start:
                continue
            risk = block.risk[position[layer.rows[mine]], j] * (layer.start[mine] <= k) * weight
            sums = np.cumsum(np.bincount(ends, risk, m + 1))[start:stop] * size[j]
            sums[mark - start :] = 0.0
            total = np.zeros(stop - start + 1)
            np.cumsum(sums * clock.rate[start:stop], out=total[1:])
            step[people, j] -= total[index.leaves[people] - start] - total[index.enters[people] - start]
            for points in (index.moment, clock.came):
                there = people[points[people] >= 0]
                u = points[there]
                step[there, j] += sums[u - start] * clock.jump[u]
