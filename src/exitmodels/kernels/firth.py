"""Firth's penalty for the partial likelihood: half the log determinant of the information.

Ground floor. The penalty keeps estimates finite when the likelihood is
monotone. Its gradient needs third moments over the risk sets, taken here step
by step of Efron's sums; meant for small data, O(n p^2) numbers are held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_terms
from exitmodels.kernels.risksets import at_risk_sum

__all__ = ["FirthTerms", "firth_terms"]


@dataclass(frozen=True, eq=False)
class FirthTerms:
    """Penalised log-likelihood, its gradient, the information, and the unpenalised terms."""

    value: float
    gradient: Floats
    information: Floats
    plain: CoxTerms


def firth_terms(beta: Floats, data: CoxData) -> FirthTerms:
    """Evaluate the penalised log partial likelihood.

    Notes
    -----
    Source: Firth (1993); Heinze & Schemper (2001), eq. 3.
    """
    plain = cox_terms(beta, data)
    sign, logdet = np.linalg.slogdet(plain.information)
    value = plain.value + 0.5 * logdet if sign > 0 else -np.inf
    gradient = plain.gradient + 0.5 * _third_moments(data, plain, symmetric_inverse(plain.information))
    return FirthTerms(float(value), gradient, plain.information, plain)


def _third_moments(data: CoxData, terms: CoxTerms, inverse: Floats) -> Floats:
    """Derivative of log det I: sum over steps of E[(x - m) (x - m)' V (x - m)]."""
    x = data.matrix
    p = x.shape[1]
    size = np.einsum("ip,pq,iq->i", x, inverse, x)
    square = (x[:, :, None] * x[:, None, :]).reshape(len(x), p * p)
    owner, f, weight = _steps(data)
    total = _moment(data, terms, np.ones((len(x), 1)), owner, f)
    mean = _moment(data, terms, x, owner, f) / total
    outer = (_moment(data, terms, square, owner, f) / total).reshape(-1, p, p)
    mean_size = _moment(data, terms, size[:, None], owner, f) / total
    weighted = _moment(data, terms, x * size[:, None], owner, f) / total
    pulled = mean @ inverse
    third = weighted - 2 * np.einsum("kpq,kq->kp", outer, pulled) - mean * mean_size
    third += 2 * mean * np.einsum("kp,kp->k", mean, pulled)[:, None]
    return weight @ third


def _steps(data: CoxData) -> tuple[Ints, Floats, Floats]:
    """Event time, share f = l / m and weight of each step; one step per time for Breslow's approximation."""
    k = data.index.n_times
    if not data.efron:
        return np.arange(k), np.zeros(k), data.share * data.count
    m = data.count.astype(np.int64)
    owner = np.repeat(np.arange(k), m)
    place = np.arange(int(m.sum())) - np.repeat(np.cumsum(m) - m, m)
    return owner, place / data.count[owner], data.share[owner]


def _moment(data: CoxData, terms: CoxTerms, values: Floats, owner: Ints, f: Floats) -> Floats:
    """Sum of risk times values over those at risk at each step, (steps, q)."""
    at_risk = at_risk_sum(data.index, values, terms.risk)[owner]
    if not data.efron:
        return at_risk
    rows = data.index.event_rows
    own = values[rows] * terms.risk[rows, None]
    tied = np.stack([np.bincount(data.index.moment[rows], c, data.index.n_times) for c in own.T], axis=1)
    return at_risk - f[:, None] * tied[owner]
