"""Sums over tied events for Efron's approximation.

Ground floor. With m exits at one time, Efron's l-th factor is S - (l/m) E,
l = 0 .. m - 1. The likelihood and its derivatives need sums over l of its
logarithm and inverse powers; small sets are added up, large ones have a closed
form, so that ten million copies of a row cost no more than ten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, zeta

from exitmodels.kernels.arrays import AnyArray, Floats

__all__ = ["TieSums", "efron_sums"]

_LARGE = 24
_FAR = 60.0


@dataclass(frozen=True, eq=False)
class TieSums:
    """Sums over l of q = 1 / (S - f E), f = l / m, for each event time, (k,) each."""

    q: Floats
    fq: Floats
    q2: Floats
    fq2: Floats
    f2q2: Floats
    log: Floats


def efron_sums(at_risk: Floats, tied: Floats, count: Floats) -> TieSums:
    """Sum over the tied exits of each time.

    Parameters
    ----------
    at_risk : (k,)
        S, the sum of risks at the time.
    tied : (k,)
        E, the part of S that belongs to those who leave.
    count : (k,)
        m, how many leave; whole numbers.

    Notes
    -----
    Sets of 24 and more use an Euler-Maclaurin midpoint formula when many stay behind (relative error
    below 1e-13), and gamma functions when few do. Source: Efron (1977); the sums are elementary.
    """
    k = len(at_risk)
    q, q2, log = np.empty(k), np.empty(k), np.empty(k)
    step = tied / count
    large = count >= _LARGE
    far = large & (at_risk - tied + step / 2 > _FAR * step)
    near = large & ~far
    small = np.flatnonzero(~large)
    if len(small):
        q[small], q2[small], log[small] = _added(at_risk[small], step[small], count[small])
    if far.any():
        q[far], q2[far], log[far] = _midpoint(at_risk[far], tied[far], step[far])
    if near.any():
        q[near], q2[near], log[near] = _gamma(at_risk[near], step[near], count[near])
    single = count <= 1
    ratio = np.where(single, 0.0, at_risk / np.where(single, 1.0, tied))
    inverse = np.where(single, 0.0, 1.0 / np.where(single, 1.0, tied))
    fq = np.where(single, 0.0, ratio * q - count * inverse)
    fq2 = np.where(single, 0.0, ratio * q2 - inverse * q)
    f2q2 = np.where(single, 0.0, ratio * fq2 - inverse * fq)
    if len(small):
        fq[small], fq2[small], f2q2[small] = _added_shares(at_risk[small], step[small], count[small])
    return TieSums(q, fq, q2, fq2, f2q2, log)


def _expanded(at_risk: Floats, step: Floats, count: Floats) -> tuple[AnyArray, Floats, Floats]:
    m = count.astype(np.int64)
    start = np.cumsum(m) - m
    place = np.arange(int(m.sum())) - np.repeat(start, m)
    return start, np.repeat(at_risk, m) - place * np.repeat(step, m), place / np.repeat(count, m)


def _added(at_risk: Floats, step: Floats, count: Floats) -> tuple[Floats, Floats, Floats]:
    if count.max() <= 1:
        return 1 / at_risk, 1 / at_risk**2, np.log(at_risk)
    start, factor, _ = _expanded(at_risk, step, count)
    q = 1 / factor
    return np.add.reduceat(q, start), np.add.reduceat(q * q, start), np.add.reduceat(np.log(factor), start)


def _added_shares(at_risk: Floats, step: Floats, count: Floats) -> tuple[Floats, Floats, Floats]:
    if count.max() <= 1:
        zero = np.zeros(len(count))
        return zero, zero, zero
    start, factor, f = _expanded(at_risk, step, count)
    fq = f / factor
    return np.add.reduceat(fq, start), np.add.reduceat(fq / factor, start), np.add.reduceat(fq * fq, start)


def _midpoint(at_risk: Floats, tied: Floats, h: Floats) -> tuple[Floats, Floats, Floats]:
    u, v = at_risk + h / 2, at_risk - tied + h / 2
    r, s = h / u, h / v
    q = np.log1p(tied / v) / h - (s**2 - r**2) / (24 * h) + 7 / 960 * (s**4 - r**4) / h - 31 / 8064 * (s**6 - r**6) / h
    q2 = tied / (u * v) / h
    q2 += (-(s**3 - r**3) / 12 + 7 / 240 * (s**5 - r**5) - 31 / 1344 * (s**7 - r**7)) / h**2
    log = (u * np.log(u) - v * np.log(v) - tied) / h + (s - r) / 24
    log += -7 / 2880 * (s**3 - r**3) + 31 / 40320 * (s**5 - r**5)
    return q, q2, log


def _gamma(at_risk: Floats, h: Floats, count: Floats) -> tuple[Floats, Floats, Floats]:
    top = at_risk / h + 1
    low = np.maximum(top - count, 1.0)
    q = (digamma(top) - digamma(low)) / h
    q2 = (zeta(2, low) - zeta(2, top)) / h**2
    return q, q2, gammaln(top) - gammaln(low) + count * np.log(h)
