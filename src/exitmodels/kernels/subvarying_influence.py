"""Residuals and influences in Fine and Gray's model with effects that change with time.

Ground floor. The sums behind them are taken block by block, as the likelihood's are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.coxresiduals import drift, drift_event, event_means
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.partial import CoxTerms
from exitmodels.kernels.subdistribution import SubData, own_events, pull_from, weight_part, weight_totals
from exitmodels.kernels.subvarying import Block, among, blocks
from exitmodels.kernels.varying import Varying, varying_events

__all__ = ["varying_influences", "varying_martingale"]


def varying_influences(
    beta: Floats, data: SubData, varying: Varying, terms: CoxTerms, known: bool = False, within: bool = False
) -> Iterator[tuple[slice, Floats]]:
    """Influence of each row on the score, as `subdistribution.influences`, in one block of all rows.

    Notes
    -----
    Cost: O(n k p). Source: Fine & Gray (1999), section 4.
    """
    cox = data.cox
    rows, n, wide = cox.index.event_rows, len(cox.matrix), len(beta)
    at = cox.index.moment[rows]
    total = np.zeros((n, wide))
    total[rows] = varying_events(cox, varying) - event_means(cox, terms)[at]
    parts = _Parts(data, varying, terms, within)
    tied = drift_event(terms) if cox.efron else None
    for block in blocks(beta, data, varying):
        own = slice(block.first, block.last)
        size = np.exp(block.shift)
        total[block.rows] -= parts.lived(block.rows, block.risk, own, size, terms.hazard)
        if tied is not None:
            places, here = block.events(cox.index.moment)
            left, grid = block.rows[places], here + block.first
            weight = (block.risk[places, here] * size[here])[:, None]
            seen = cox.matrix[left]
            seen = np.concatenate([seen, seen[:, varying.columns] * varying.steps[grid]], axis=1)
            total[left] += weight * (seen * terms.hazard_event[grid, None] - tied[grid])
        if not known:
            parts.beyond(block, size)
    if not known and cox.beyond is not None:
        pull = parts.pull()
        total += weight_part(data, pull, weight_totals(data, pull), slice(0, n))
    yield slice(0, n), total


def varying_martingale(beta: Floats, data: SubData, varying: Varying, terms: CoxTerms) -> Floats:
    """Exits less expected exits of each row, (n,)."""
    out = np.zeros(len(data.cox.matrix))
    out[data.cox.index.event_rows] = 1.0
    for block in blocks(beta, data, varying):
        size = np.exp(block.shift)
        out[block.rows] -= block.risk @ (terms.hazard[block.first : block.last] * size)
        places, at = block.events(data.cox.index.moment)
        out[block.rows[places]] += block.risk[places, at] * size[at] * terms.hazard_event[at + block.first]
    return out


class _Parts:
    """Sums over blocks behind the part of the influence that goes through the weights."""

    def __init__(self, data: SubData, varying: Varying, terms: CoxTerms, within: bool) -> None:
        self.data, self.varying = data, varying
        self.hazard, self.drift = terms.hazard, drift(terms)
        layers = () if data.cox.beyond is None else data.cox.beyond.layers
        k, wide = self.drift.shape
        curves = data.weights.curves
        self.share = [own_events(data.cox, data.stays.group, c) if within else np.ones(k) for c in curves]
        self.first = [np.zeros((k, wide)) for _ in layers]
        self.own = [np.zeros((len(layer.rows), wide)) for layer in layers]

    def lived(self, rows: Ints, risk: Floats, own: slice, size: Floats, hazard: Floats) -> Floats:
        """Sum over the times of a block of risk * (x dH - mean dH), (r, p + q)."""
        cox, f = self.data.cox, self.varying
        step = (hazard[own] * size)[:, None]
        made = risk @ np.concatenate([step, f.steps[own] * step], axis=1)
        seen = np.concatenate([cox.matrix[rows] * made[:, :1], cox.matrix[rows][:, f.columns] * made[:, 1:]], axis=1)
        return np.asarray(seen - risk @ (self.drift[own] * size[:, None]))

    def beyond(self, block: Block, size: Floats) -> None:
        """Add what those who count beyond their exit contribute in a block: by event time, and by row."""
        cox, f = self.data.cox, self.varying
        times, own = np.arange(block.first, block.last), slice(block.first, block.last)
        for i, layer in enumerate(() if cox.beyond is None else cox.beyond.layers):
            mine, places = among(layer.rows, block.rows)
            risk = block.risk[places] * (layer.start[mine, None] <= times)
            if cox.weight is not None:
                risk *= cox.weight[layer.rows[mine], None]
            share = self.share[i][own]
            sums = f_wide(risk.T @ cox.matrix[layer.rows[mine]], f, own) * self.hazard[own, None]
            self.first[i][own] += (sums - risk.sum(axis=0)[:, None] * self.drift[own]) * (size * share)[:, None]
            self.own[i][mine] += self.lived(layer.rows[mine], risk * share, own, size, self.hazard)

    def pull(self) -> Floats:
        size = self.data.weights.clock.n_points + 1
        ended = [group_sum(own, end, size) for own, end in zip(self.own, self.data.weights.ends, strict=True)]
        return pull_from(self.data, self.first, ended)


def f_wide(rows: Floats, varying: Varying, own: slice) -> Floats:
    """Sums of covariates at some event times as the model sees them, (b, p) to (b, p + q)."""
    return np.concatenate([rows, rows[:, varying.columns] * varying.steps[own]], axis=1)
