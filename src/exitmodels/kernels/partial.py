"""Cox's partial likelihood: value, gradient and information by the two operators.

Ground floor. With r = w exp(eta), S0 = A r and S1 = A (r X); the hazard
increments are h = d / S0, the martingale part of a row is r A'h, and the
information is one weighted cross product of X minus one over event times. No
loop over risk sets, nothing of size n x k or n x p x p.

Read next: ties.py (Efron), coxresiduals.py (score residuals, curves).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.kernels.beyond import Beyond, beyond_lived, beyond_sum
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.linalg import cross_product, cross_products, times_vector
from exitmodels.kernels.risksets import RiskIndex, accumulate, at_risk_sum
from exitmodels.kernels.ties import TieSums, efron_sums

__all__ = ["CoxData", "CoxTerms", "cox_data", "cox_terms", "cox_value", "weighted_information"]

_CANCELLED = 1e-8
_SMALL = 1 << 15


@dataclass(frozen=True, eq=False)
class CoxData:
    """What does not depend on the coefficients.

    Attributes
    ----------
    matrix : (n, p)
        Centred and scaled columns.
    index : RiskIndex
    weight : (n,) or None
    offset : (n,) or None
    count : (k,)
        Steps that Efron's sums take at each time: tied rows, or tied people when weights are copies.
    share : (k,)
        Weight of one step: the mean weight of the tied rows, or 1.
    event_weight : (n,)
        Weight at rows with an event, zero elsewhere.
    efron : bool
    beyond : Beyond or None
        Rows that count on after they left for another cause, with their weights (Fine & Gray); None in Cox's model.
    """

    matrix: Floats
    index: RiskIndex
    weight: Floats | None
    offset: Floats | None
    count: Floats
    share: Floats
    event_weight: Floats
    efron: bool
    beyond: Beyond | None = None

    @cached_property
    def event_steps(self) -> tuple[Ints, Ints]:
        """Pointers and grid points of the sparse matrix that adds rows with an event to their time."""
        pointers = np.concatenate([[0], np.cumsum(self.index.moment >= 0, dtype=np.int32)]).astype(np.int32)
        return pointers, self.index.moment[self.index.event_rows].astype(np.int32)

    def lived(self, steps: Floats) -> Floats:
        """For each row, the sum of `steps` (k,) or (k, p) over the event times at which it counts."""
        out = accumulate(self.index, steps)
        return out if self.beyond is None else beyond_lived(self.beyond, steps, out)


@dataclass(frozen=True, eq=False)
class CoxTerms:
    """The partial likelihood at one value of the coefficients.

    Attributes
    ----------
    value, gradient, information
    risk : (n,)
        w exp(eta - shift).
    shift : float
    s0, s1 : (k,), (k, p)
        Sums of risk, and of risk times covariates, over those at risk.
    e1 : (k, p) or None
        The same over those who leave (Efron, tied times only).
    hazard, hazard_event : (k,)
        Sum over steps of 1 / (S0 - f E0), and of f / (S0 - f E0), times the weight of a step.
    square, square_f, square_ff : (k,)
        Sums of f^j / (S0 - f E0)^2, j = 0, 1, 2, times the weight of a step.
    """

    value: float
    gradient: Floats
    information: Floats
    risk: Floats
    shift: float
    s0: Floats
    s1: Floats
    e1: Floats | None
    hazard: Floats
    hazard_event: Floats
    square: Floats
    square_f: Floats
    square_ff: Floats


def cox_data(
    matrix: Floats,
    index: RiskIndex,
    weight: Floats | None = None,
    offset: Floats | None = None,
    ties: str = "efron",
    replicas: bool = True,
) -> CoxData:
    """Prepare a fit.

    Parameters
    ----------
    ties : {"efron", "breslow"}
    replicas : bool
        Whether a weight counts identical people (then weight 3 is exactly three rows) or is a sampling
        weight (then Efron's sums use the mean weight of the tied rows).
    """
    k = index.n_times
    rows = index.event_rows
    heads = np.bincount(index.moment[rows], minlength=k).astype(np.float64)
    event_weight = np.zeros(len(matrix))
    event_weight[rows] = 1.0 if weight is None else weight[rows]
    total = heads if weight is None else np.bincount(index.moment[rows], weight[rows], k)
    by_people = weight is None or replicas
    count = total if by_people else heads
    share = np.ones(k) if by_people else total / heads
    if by_people and weight is not None:
        count, share = np.where(total > 0, total, 1.0), np.where(total > 0, 1.0, 0.0)
    efron = ties == "efron" and bool(np.any(count > 1))
    return CoxData(matrix, index, weight, offset, count, share, event_weight, efron)


def cox_terms(beta: Floats, data: CoxData) -> CoxTerms:
    """Evaluate the log partial likelihood and its derivatives.

    Notes
    -----
    Cost: O(n p^2 + k p^2). Source: Cox (1972); Efron (1977); Breslow (1974); the information as in
    Therneau & Grambsch (2000), section 3.1, summed by rows instead of by risk sets.
    """
    eta = _eta(beta, data)
    shift = float(eta.max()) if len(eta) else 0.0
    log_events = float(data.event_weight @ eta) - shift * float(data.event_weight.sum())
    risk = np.exp(np.subtract(eta, shift, out=eta), out=eta)
    if data.weight is not None:
        risk *= data.weight
    s0, s1 = _risk_sums(data, risk)
    e0, e1 = _event_sums(data, risk)
    sums = _sums(data, s0, e0)
    hazard, hazard_event = data.share * sums.q, data.share * sums.fq
    square, square_f, square_ff = data.share * sums.q2, data.share * sums.fq2, data.share * sums.f2q2
    value = log_events - float(data.share @ sums.log)
    expected = data.lived(hazard)
    if data.efron:
        rows = data.index.event_rows
        expected[rows] -= hazard_event[data.index.moment[rows]]
    expected *= risk
    information, gradient = cross_products(data.matrix, expected, data.event_weight - expected)
    information -= (s1 * square[:, None]).T @ s1
    if e1 is not None:
        mixed = (s1 * square_f[:, None]).T @ e1
        information += mixed + mixed.T - (e1 * square_ff[:, None]).T @ e1
    return CoxTerms(
        value, gradient, information, risk, shift, s0, s1, e1, hazard, hazard_event, square, square_f, square_ff
    )


def cox_value(beta: Floats, data: CoxData) -> float:
    """Evaluate the log partial likelihood alone, O(n p): for cross-validation and searches along a line."""
    eta = _eta(beta, data)
    shift = float(eta.max()) if len(eta) else 0.0
    log_events = float(data.event_weight @ eta) - shift * float(data.event_weight.sum())
    risk = np.exp(np.subtract(eta, shift, out=eta), out=eta)
    if data.weight is not None:
        risk *= data.weight
    s0, _ = _risk_sums(data, risk, value_only=True)
    own = data.index.event_rows
    e0 = np.bincount(data.index.moment[own], risk[own], data.index.n_times) if data.efron else None
    return log_events - float(data.share @ _sums(data, s0, e0).log)


def weighted_information(data: CoxData, terms: CoxTerms, factor: Floats) -> Floats:
    """Information with the contribution of each event time multiplied by `factor` (k,): (p, p).

    Ones give the information itself; a function of time gives the information about effects that change
    with it. Cost: that of one evaluation, nothing of size k x p x p.
    """
    expected = data.lived(terms.hazard * factor)
    if data.efron:
        rows = data.index.event_rows
        at = data.index.moment[rows]
        expected[rows] -= (terms.hazard_event * factor)[at]
    information = cross_product(data.matrix, expected * terms.risk)
    information -= (terms.s1 * (terms.square * factor)[:, None]).T @ terms.s1
    if terms.e1 is not None:
        mixed = (terms.s1 * (terms.square_f * factor)[:, None]).T @ terms.e1
        information += mixed + mixed.T - (terms.e1 * (terms.square_ff * factor)[:, None]).T @ terms.e1
    return information


def _eta(beta: Floats, data: CoxData) -> Floats:
    eta = times_vector(data.matrix, beta)
    return eta if data.offset is None else eta + data.offset


def _sums(data: CoxData, s0: Floats, e0: Floats | None) -> TieSums:
    if e0 is not None:
        return efron_sums(s0, e0, data.count)
    zero = np.zeros(len(s0))
    q = 1.0 / s0
    return TieSums(data.count * q, zero, data.count * q * q, zero, zero, data.count * np.log(s0))


def _event_sums(data: CoxData, risk: Floats) -> tuple[Floats | None, Floats | None]:
    """Sums over those who leave at each time; needed for Efron's approximation only."""
    if not data.efron:
        return None, None
    own = risk[data.index.event_rows]
    k = data.index.n_times
    if data.matrix.size <= _SMALL:
        at = data.index.moment[data.index.event_rows]
        return np.bincount(at, own, k), group_sum(data.matrix[data.index.event_rows] * own[:, None], at, k)
    pointers, points = data.event_steps
    who = sparse.csc_array((own, points, pointers), shape=(k, len(risk)))
    return np.bincount(points, own, k), np.asarray(who @ data.matrix)


def _risk_sums(data: CoxData, risk: Floats, value_only: bool = False) -> tuple[Floats, Floats]:
    s0 = at_risk_sum(data.index, risk)
    s1 = np.empty((len(s0), 0)) if value_only else at_risk_sum(data.index, data.matrix, risk)
    if data.index.delayed:
        gross = np.cumsum(np.bincount(data.index.leaves, risk, data.index.n_times + 1)[:0:-1])[::-1]
        for k in np.flatnonzero(s0 < _CANCELLED * gross):
            there = _standing(data.index, int(k))
            s0[k] = risk[there].sum()
            if not value_only:
                s1[k] = risk[there] @ data.matrix[there]
    if data.beyond is not None:
        s0 = s0 + beyond_sum(data.beyond, risk)
        s1 = s1 if value_only else s1 + beyond_sum(data.beyond, data.matrix, risk)
    return s0, s1


def _standing(index: RiskIndex, k: int) -> AnyArray:
    """Rows at risk at one grid point; used where those not yet entered weigh far more than those at risk."""
    return np.flatnonzero((index.enters <= k) & (index.leaves > k))
