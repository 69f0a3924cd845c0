"""Cox's partial likelihood with effects that change with time as known functions of it.

Ground floor. The effect of column c at time t is b_c + sum over its functions of
gamma g(t); so at each event time the rows at risk have the linear predictor
X b_k, and every sum over them is one small product. The rows are never repeated
for each time; a fit costs as much as reading every risk set once a step.

Read next: partial.py (constant effects).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.partial import CoxData, CoxTerms
from exitmodels.kernels.ties import TieSums, efron_sums

__all__ = ["Varying", "varying_events", "varying_residuals", "varying_terms"]


@dataclass(frozen=True, eq=False)
class Varying:
    """Which columns have effects that change, and how.

    Attributes
    ----------
    columns : (q,) int
        Column of the matrix that each function belongs to.
    steps : (k, q)
        Value of each function at each event time.
    """

    columns: Ints
    steps: Floats

    def wide(self, rows: Floats, own: slice = slice(None)) -> Floats:
        """Covariates as the model sees them at (some of) the event times: (k, p) or (p,) to (k, p + q)."""
        steps = self.steps[own]
        plain = np.broadcast_to(rows, (len(steps), rows.shape[-1]))
        return np.concatenate([plain, plain[:, self.columns] * steps], axis=1)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Over those at risk (s) and those who leave (e), at each event time; risks relative to exp(shift)."""

    shift: Floats
    s0: Floats
    s1: Floats
    s2: Floats
    e0: Floats
    e1: Floats
    e2: Floats


def varying_terms(beta: Floats, data: CoxData, varying: Varying) -> CoxTerms:
    """Evaluate the log partial likelihood and its derivatives.

    Parameters
    ----------
    beta : (p + q,)
        Constant effects, then the coefficients of the functions.

    Notes
    -----
    Cost: O(rows at risk, added over the event times, times p^2). Source: Cox (1972), section 5.
    """
    sums = _sums(beta, data, varying)
    ties = _tie_sums(data, sums)
    q, fq, q2, fq2, f2q2 = (data.share * v for v in (ties.q, ties.fq, ties.q2, ties.fq2, ties.f2q2))
    s1, e1 = varying.wide(sums.s1), varying.wide(sums.e1)
    rows = data.index.event_rows
    weight = data.event_weight[rows]
    left = varying_events(data, varying)
    eta = left @ beta + (0.0 if data.offset is None else data.offset[rows])
    value = float(weight @ eta) - float(data.share @ (ties.log + data.count * sums.shift))
    gradient = weight @ left - (q @ s1 - fq @ e1)
    information = _second(data, varying, sums, q, fq)
    mixed = (s1 * fq2[:, None]).T @ e1
    information += mixed + mixed.T - (s1 * q2[:, None]).T @ s1 - (e1 * f2q2[:, None]).T @ e1
    scale = np.exp(sums.shift)
    grown = scale[:, None]
    return CoxTerms(
        value,
        gradient,
        information,
        np.empty(0),
        0.0,
        sums.s0 * scale,
        s1 * grown,
        e1 * grown if data.efron else None,
        q / scale,
        fq / scale,
        q2 / scale**2,
        fq2 / scale**2,
        f2q2 / scale**2,
    )


def varying_events(data: CoxData, varying: Varying) -> Floats:
    """Covariates of each exit at its own time, (events, p + q)."""
    rows = data.index.event_rows
    own = data.matrix[rows]
    return np.concatenate([own, own[:, varying.columns] * varying.steps[data.index.moment[rows]]], axis=1)


def varying_residuals(beta: Floats, data: CoxData, varying: Varying, terms: CoxTerms) -> tuple[Floats, Floats]:
    """Martingale and score residuals of each row, (n,) and (n, p + q), consistent with the ties.

    Source: Therneau & Grambsch (2000), sections 4.1 and 4.2, with covariates that change with time.
    """
    n = len(data.matrix)
    rows = data.index.event_rows
    at = data.index.moment[rows]
    steps = data.share * data.count
    means = terms.s1 * (terms.hazard / steps)[:, None]
    if terms.e1 is not None:
        means -= terms.e1 * (terms.hazard_event / steps)[:, None]
    martingale, score = np.zeros(n), np.zeros((n, len(beta)))
    martingale[rows] = 1.0
    score[rows] = varying_events(data, varying) - means[at]
    for k, there, effect in _risk_sets(beta, data, varying):
        risk = np.exp(_predictor(data, there, effect))
        left = data.index.moment[there] == k
        jump = terms.hazard[k] - left * terms.hazard_event[k]
        drift = terms.s1[k] * (terms.square[k] - left * terms.square_f[k])[:, None]
        if terms.e1 is not None:
            drift -= terms.e1[k] * (terms.square_f[k] - left * terms.square_ff[k])[:, None]
        plain = data.matrix[there]
        wide = np.concatenate([plain, plain[:, varying.columns] * varying.steps[k]], axis=1)
        martingale[there] -= risk * jump
        score[there] -= risk[:, None] * (wide * jump[:, None] - drift)
    return martingale, score


def _risk_sets(beta: Floats, data: CoxData, varying: Varying) -> Iterator[tuple[int, Ints, Floats]]:
    """Event time, rows at risk, and effects of the columns there; one after another."""
    p = data.matrix.shape[1]
    effects = np.repeat(beta[None, :p], data.index.n_times, axis=0)
    for j, column in enumerate(varying.columns):
        effects[:, column] += beta[p + j] * varying.steps[:, j]
    index = data.index
    for k in range(index.n_times):
        yield k, np.flatnonzero((index.enters <= k) & (index.leaves > k)), effects[k]


def _predictor(data: CoxData, rows: Ints, effect: Floats) -> Floats:
    eta = data.matrix[rows] @ effect
    return eta if data.offset is None else eta + data.offset[rows]


def _sums(beta: Floats, data: CoxData, varying: Varying) -> _Sums:
    k, p = data.index.n_times, data.matrix.shape[1]
    shift, s0, e0 = np.zeros(k), np.zeros(k), np.zeros(k)
    s1, e1, s2, e2 = np.zeros((k, p)), np.zeros((k, p)), np.zeros((k, p, p)), np.zeros((k, p, p))
    for t, rows, effect in _risk_sets(beta, data, varying):
        eta = _predictor(data, rows, effect)
        shift[t] = eta.max()
        risk = np.exp(eta - shift[t])
        if data.weight is not None:
            risk *= data.weight[rows]
        x = data.matrix[rows]
        s0[t], s1[t], s2[t] = risk.sum(), risk @ x, (x * risk[:, None]).T @ x
        if data.efron:
            left = data.index.moment[rows] == t
            own, x = risk[left], x[left]
            e0[t], e1[t], e2[t] = own.sum(), own @ x, (x * own[:, None]).T @ x
    return _Sums(shift, s0, s1, s2, e0, e1, e2)


def _tie_sums(data: CoxData, sums: _Sums) -> TieSums:
    if data.efron:
        return efron_sums(sums.s0, sums.e0, data.count)
    zero, q = np.zeros_like(sums.s0), 1 / sums.s0
    return TieSums(data.count * q, zero, data.count * q * q, zero, zero, data.count * np.log(sums.s0))


def _second(data: CoxData, varying: Varying, sums: _Sums, q: Floats, fq: Floats) -> Floats:
    """Sum over times of the mean of x x' for the wide covariates."""
    g, c = varying.steps, varying.columns
    made = sums.s2 * q[:, None, None] - sums.e2 * fq[:, None, None]
    both = np.einsum("kpj,kj->pj", made[:, :, c], g)
    corner = np.einsum("ki,kij,kj->ij", g, made[:, c][:, :, c], g)
    return np.block([[made.sum(axis=0), both], [both.T, corner]])
