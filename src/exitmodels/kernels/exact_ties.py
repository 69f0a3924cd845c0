"""The exact (discrete) partial likelihood: which d of those at risk left, given that d did.

Ground floor. The denominator is the sum, over all sets of d people at risk, of
the product of their risks: a coefficient of the polynomial prod(1 + z r). It is
read off by a discrete Fourier transform on a circle through the saddle point,
where the terms have one sign and nothing cancels: the cost of a time with d
exits among n at risk is about (d + 30) n, for any d, and no set is listed.

Read next: partial.py (Efron and Breslow, the same data).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.linalg import cross_product, times_vector
from exitmodels.kernels.partial import CoxData
from exitmodels.kernels.risksets import accumulate, at_risk_sum

__all__ = ["ExactTerms", "exact_terms", "subset_terms"]

_TAIL = 41.5  # minus the log of 1e-18: what folding the sums round the circle may add


@dataclass(frozen=True, eq=False)
class ExactTerms:
    """Value, gradient and information at one value of the coefficients."""

    value: float
    gradient: Floats
    information: Floats


def exact_terms(beta: Floats, data: CoxData) -> ExactTerms:
    """Evaluate the exact log partial likelihood and its derivatives.

    Parameters
    ----------
    beta : (p,)
    data : CoxData
        Weights, if any, count copies: a row of weight 3 is three people.

    Notes
    -----
    The same as conditional logistic regression with one set per time. Source: Cox (1972), eq. 12; the
    polynomial: Gail, Lubin & Rubinstein (1981).
    """
    eta = times_vector(data.matrix, beta)
    if data.offset is not None:
        eta = eta + data.offset
    eta = eta - (eta.max() if len(eta) else 0.0)
    index = data.index
    people = np.ones(len(eta)) if data.weight is None else data.weight
    tied = np.bincount(index.moment[index.event_rows], people[index.event_rows], index.n_times)
    risk = np.exp(eta)
    s0 = at_risk_sum(index, people * risk)
    s1 = at_risk_sum(index, data.matrix, people * risk)
    single = tied == 1
    hazard = np.where(single, 1 / s0, 0.0)
    expected = people * risk * accumulate(index, hazard)
    spread = expected.copy()
    value = float(data.event_weight @ eta) - float(np.log(s0[single]).sum())
    middle = -(s1 * (hazard**2)[:, None]).T @ s1
    for k in np.flatnonzero(tied > 1).tolist():
        rows = np.flatnonzero((index.enters <= k) & (index.leaves > k))
        log, share, own, cross = subset_terms(eta[rows], people[rows], float(tied[k]), data.matrix[rows])
        value -= log
        expected[rows] += share
        spread[rows] += own
        middle += cross
    gradient = data.matrix.T @ (data.event_weight - expected)
    return ExactTerms(value, gradient, cross_product(data.matrix, spread) + middle)


def subset_terms(eta: Floats, people: Floats, size: float, matrix: Floats) -> tuple[float, Floats, Floats, Floats]:
    """Log of the sum over subsets of `size` people of exp(sum of eta), and what its derivatives need.

    Parameters
    ----------
    eta : (n,)
    people : (n,)
        Copies of each row, whole numbers.
    matrix : (n, p)
        Derivatives of eta.

    Returns
    -------
    log : float
    share : (n,)
        Expected number of each row's people in the subset: the gradient is matrix' share.
    own : (n,)
    cross : (p, p)
        The Hessian is matrix' diag(own) matrix + cross.
    """
    p = matrix.shape[1]
    if size >= people.sum():
        return float(people @ eta), people.copy(), np.zeros(len(eta)), np.zeros((p, p))
    top = eta.max()
    risk = np.exp(eta - top)
    rho = _saddle(risk, people, size)
    turn, folds = _circle(risk, people, size, rho)
    blocks = [slice(i, i + _block(len(eta))) for i in range(0, len(turn), _block(len(eta)))]
    points = rho * np.exp(1j * turn)
    grown = np.concatenate([np.log1p(points[b, None] * risk) @ people for b in blocks])
    term = folds * np.exp(grown - grown[0] - 1j * size * turn)
    total = float(term.real.sum())
    weight = term / total
    share, own, cross = np.zeros(len(eta)), np.zeros(len(eta)), np.zeros((p, p))
    for b in blocks:
        z = points[b, None] * risk
        chosen = z / (1 + z)
        share += people * (weight[b] @ chosen).real
        own += people * (weight[b] @ (chosen * (1 - chosen))).real
        sums = (chosen * people) @ matrix
        cross += ((sums * weight[b, None]).T @ sums).real
    gradient = share @ matrix
    log = float(grown[0].real) + size * (float(top) - np.log(rho)) + np.log(total / folds.sum())
    return float(log), share, own, cross - np.outer(gradient, gradient)


def _block(n: int) -> int:
    """Points of the circle taken at a time, so that a few million numbers are held."""
    return max(1, 2_000_000 // n)


def _saddle(risk: Floats, people: Floats, size: float) -> float:
    """Odds rho at which sum of rho r / (1 + rho r) is `size`, by Newton's method in log rho."""
    total = float(people.sum())
    log = np.log(size / (total - size)) - float(np.log(risk) @ people) / total
    for _ in range(200):
        odds = np.exp(log) * risk
        chance = odds / (1 + odds)
        short = size - float(people @ chance)
        slope = float(people @ (chance * (1 - chance)))
        step = np.clip(short / max(slope, 1e-300), -2.0, 2.0)
        log += step
        if abs(step) < 1e-9:
            break
    return float(np.exp(log))


def _circle(risk: Floats, people: Floats, size: float, rho: float) -> tuple[Floats, Ints]:
    """Angles of the upper half of the circle, and how often each counts.

    The sum on N points folds the chances of size + N, size - N, ... into that of `size`; N is large enough
    for these to be nothing (Bernstein's bound), and never more than the number of people plus one.
    """
    odds = rho * risk
    variance = float(people @ (odds / (1 + odds) ** 2))
    far = _TAIL * 2 / 3
    reach = (far + np.sqrt(far**2 + 8 * _TAIL * variance)) / 2
    n = int(min(np.ceil(reach) + 1, people.sum() + 1))
    half = np.arange(n // 2 + 1)
    folds = np.where((half == 0) | (2 * half == n), 1, 2)
    return 2 * np.pi * half / n, folds
