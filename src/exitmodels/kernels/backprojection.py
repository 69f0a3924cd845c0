"""Back-projection: from the dates of records to the dates of events, when the law of the delay is known.

Ground floor: NumPy only. Each step shares the records of a period among the periods in which their events may have
lain (EM), and smooths the result by binomial weights (S). Source: Becker, Watson and Carlin (1991), equation 3a and
their S-step.
"""

from __future__ import annotations

from math import comb

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["back_project", "expected_records"]


def expected_records(rate: Floats, law: Floats) -> Floats:
    """Mean records of each period: (..., T) events spread by the law of the delay; records after T are lost.

    >>> expected_records(np.array([4.0, 0.0, 0.0]), np.array([0.25, 0.75])).tolist()
    [1.0, 3.0, 0.0]
    """
    out = np.zeros(rate.shape)
    size = rate.shape[-1]
    for d, p in enumerate(law[:size]):
        out[..., d:] += p * rate[..., : size - d]
    return out


def back_project(
    y: Floats, law: Floats, k: int = 2, tol: float = 1e-10, most: int = 5000
) -> tuple[Floats, Floats, bool, int]:
    """Estimate events by period.

    Parameters
    ----------
    y : (..., T)
        Records by period; each leading row is a series of its own.
    law : (D + 1,)
        Probability of each delay, in periods.
    k : int
        Smoothing over k + 1 periods, even; 0 for none (then the answer is rough, and the limit slow).
    tol : float
        Stop when a step changes the estimates by less than this, relative to their size.

    Returns
    -------
    rate : (..., T)
    seen : (T,)
        Probability that a record of an event of that period was made by T.
    converged : bool
    steps : int
    """
    size = y.shape[-1]
    late = np.append(np.cumsum(law), np.full(size, law.sum()))[:size]
    seen = late[::-1].copy()
    weight = np.array([comb(k, j) for j in range(k + 1)]) / 2.0**k
    whole = _smooth(np.ones(size), weight)
    rate = np.broadcast_to(y.mean(axis=-1, keepdims=True), y.shape).astype(np.float64)
    for step in range(1, most + 1):
        mean = expected_records(rate, law)
        ratio = np.divide(y, mean, out=np.zeros(y.shape), where=mean > 0)
        back = expected_records(ratio[..., ::-1], law)[..., ::-1]
        made = np.divide(rate * back, seen, out=np.zeros(y.shape), where=seen > 0)
        made = _smooth(made, weight) / whole
        change = np.sqrt(((made - rate) ** 2).sum(axis=-1))
        size_before = np.sqrt((rate**2).sum(axis=-1))
        rate = made
        if np.all(change <= tol * size_before):
            return rate, seen, True, step
    return rate, seen, False, most


def _smooth(values: Floats, weight: Floats) -> Floats:
    half, size = len(weight) // 2, values.shape[-1]
    wide = np.zeros((*values.shape[:-1], size + 2 * half))
    wide[..., half : half + size] = values
    out = np.zeros(values.shape)
    for j, w in enumerate(weight):
        out += w * wide[..., j : j + size]
    return out
