"""Fine and Gray's model with effects that change with time as known functions of it.

Ground floor. The effect of column c at time t is b_c + sum over its functions of gamma g(t), so a row weighs
something else at every event time. Event times are taken in blocks: rows x times of one block at once, never of
all; the sums over rows are matrix products.

Read next: varying.py (what the functions are), subvarying_influence.py (residuals and variances).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.partial import CoxTerms
from exitmodels.kernels.subdistribution import SubData
from exitmodels.kernels.ties import TieSums, efron_sums
from exitmodels.kernels.varying import Varying, varying_events

__all__ = ["Block", "among", "blocks", "varying_sub_terms"]

_CELLS = 1 << 18


@dataclass(frozen=True, eq=False)
class Block:
    """Rows of one stratum at some of its event times.

    Attributes
    ----------
    rows : (r,) int
    first, last : int
        Grid points ``first .. last - 1``.
    risk : (r, b)
        exp(eta - shift) times the row's share in the risk set (1, its weight beyond its exit, or 0), without the
        weight of the row.
    shift : (b,)
    """

    rows: Ints
    first: int
    last: int
    risk: Floats
    shift: Floats

    def events(self, moment: Ints) -> tuple[Ints, Ints]:
        """Places in the block of the rows that have their event here, and of their times."""
        at = moment[self.rows]
        places = np.flatnonzero((at >= self.first) & (at < self.last))
        return places, at[places] - self.first


def blocks(beta: Floats, data: SubData, varying: Varying) -> Iterator[Block]:
    """Go through strata and their event times, a block at a time.

    Parameters
    ----------
    beta : (p + q,)
        Constant effects, then the coefficients of the functions.
    """
    cox, stratum = data.cox, data.stays.stratum
    effects = np.repeat(beta[None, : cox.matrix.shape[1]], cox.index.n_times, axis=0)
    for j, column in enumerate(varying.columns):
        effects[:, column] += beta[cox.matrix.shape[1] + j] * varying.steps[:, j]
    for s, (low, high) in enumerate(zip(cox.index.bounds[:-1], cox.index.bounds[1:], strict=True)):
        rows = np.arange(len(cox.matrix)) if stratum is None else np.flatnonzero(stratum == s)
        size = max(1, _CELLS // max(len(rows), 1))
        matrix = cox.matrix[rows]
        for first in range(int(low), int(high), size):
            last = min(first + size, int(high))
            eta = matrix @ effects[first:last].T
            if cox.offset is not None:
                eta += cox.offset[rows, None]
            share = _share(data, rows, np.arange(first, last))
            shift = np.where(share > 0, eta, -np.inf).max(axis=0)
            yield Block(rows, first, last, np.exp(np.minimum(eta - shift, 0.0)) * share, shift)


def _share(data: SubData, rows: Ints, times: Ints) -> Floats:
    """1 at risk, the weight beyond a competing exit, else 0: (r, b)."""
    index, beyond = data.cox.index, data.cox.beyond
    share = ((index.enters[rows, None] <= times) & (index.leaves[rows, None] > times)).astype(np.float64)
    for layer in () if beyond is None else beyond.layers:
        mine, places = among(layer.rows, rows)
        after = layer.start[mine, None] <= times
        share[places] += after * (layer.factor[mine, None] * layer.keep[times])
    return share


def among(some: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Places in `some` of those that are among `rows` (both ascending), and their places in `rows`."""
    place = np.searchsorted(rows, some)
    mine = np.flatnonzero((place < len(rows)) & (rows[np.minimum(place, len(rows) - 1)] == some))
    return mine, place[mine]


def varying_sub_terms(beta: Floats, data: SubData, varying: Varying) -> CoxTerms:
    """Evaluate the log partial likelihood and its derivatives.

    Returns
    -------
    CoxTerms
        With s1 and e1 for the p + q covariates as they are at each event time; `risk` is empty.

    Notes
    -----
    Cost: O(n k p), one pass over blocks of event times. Source: Fine & Gray (1999), section 3, with covariates
    that are known functions of time; cmprsk's cov2 and tf.
    """
    cox = data.cox
    k, p, q = cox.index.n_times, cox.matrix.shape[1], len(varying.columns)
    shift, s0, e0 = np.zeros(k), np.zeros(k), np.zeros(k)
    s1, e1 = np.zeros((k, p)), np.zeros((k, p))
    held = np.zeros((6, k))
    spread = np.zeros((len(cox.matrix), 1 + q + q * q))
    steps = np.concatenate([np.ones((k, 1)), varying.steps, _products(varying.steps)], axis=1)
    for block in blocks(beta, data, varying):
        own = slice(block.first, block.last)
        risk = block.risk if cox.weight is None else block.risk * cox.weight[block.rows, None]
        shift[own], s0[own] = block.shift, risk.sum(axis=0)
        s1[own] = risk.T @ cox.matrix[block.rows]
        places, at = block.events(cox.index.moment)
        leaving = risk[places, at]
        if cox.efron:
            e0[own] = np.bincount(at, leaving, block.last - block.first)
            e1[own] = group_sum(cox.matrix[block.rows[places]] * leaving[:, None], at, block.last - block.first)
        held[:, own] = _ties(cox.efron, s0[own], e0[own], cox.count[own]) * _five(cox.share[own])
        spread[block.rows] += risk @ (held[0, own, None] * steps[own])
        spread[block.rows[places]] -= leaving[:, None] * (held[1, own, None] * steps[own])[at]
    hazard, hazard_event, square, square_f, square_ff, log = held
    wide1, wide_e = varying.wide(s1), varying.wide(e1)
    left, weight = varying_events(cox, varying), cox.event_weight[cox.index.event_rows]
    offset = 0.0 if cox.offset is None else cox.offset[cox.index.event_rows]
    value = float(weight @ (left @ beta + offset)) - float((cox.share * log).sum() + (cox.share * cox.count) @ shift)
    gradient = weight @ left - (hazard @ wide1 - hazard_event @ wide_e)
    information = _second(cox.matrix, varying.columns, spread)
    mixed = (wide1 * square_f[:, None]).T @ wide_e
    information += mixed + mixed.T - (wide1 * square[:, None]).T @ wide1 - (wide_e * square_ff[:, None]).T @ wide_e
    size = np.exp(shift)
    return CoxTerms(
        value,
        gradient,
        information,
        np.empty(0),
        0.0,
        s0 * size,
        wide1 * size[:, None],
        wide_e * size[:, None] if cox.efron else None,
        hazard / size,
        hazard_event / size,
        square / size**2,
        square_f / size**2,
        square_ff / size**2,
    )


def _products(steps: Floats) -> Floats:
    """All products of two functions at each time, (k, q * q)."""
    return np.asarray((steps[:, :, None] * steps[:, None, :]).reshape(len(steps), -1))


def _five(share: Floats) -> Floats:
    """The weight of a step multiplies all sums over ties but the logarithm's, which is weighted later."""
    return np.stack([share] * 5 + [np.ones(len(share))])


def _ties(efron: bool, s0: Floats, e0: Floats, count: Floats) -> Floats:
    """Sums over the tied exits: q, f q, q^2, f q^2, f^2 q^2 and the logarithm, (6, b)."""
    if efron:
        sums: TieSums = efron_sums(s0, e0, count)
        return np.stack([sums.q, sums.fq, sums.q2, sums.fq2, sums.f2q2, sums.log])
    zero, q = np.zeros_like(s0), 1 / s0
    return np.stack([count * q, zero, count * q * q, zero, zero, count * np.log(s0)])


def _second(matrix: Floats, columns: Ints, spread: Floats) -> Floats:
    """Sum over times of the weighted cross products of the wide covariates."""
    q = len(columns)
    changing = matrix[:, columns]
    plain = matrix.T @ (matrix * spread[:, :1])
    both = matrix.T @ (changing * spread[:, 1 : 1 + q])
    corner = np.einsum("ia,iab,ib->ab", changing, spread[:, 1 + q :].reshape(len(matrix), q, q), changing)
    return np.block([[plain, both], [both.T, corner]])
