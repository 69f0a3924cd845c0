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

from exitmodels.arrays import Floats

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
    large = count >= _LARGE
    if not large.any():
        return TieSums(*_added(at_risk, tied / count, count))
    sums = np.empty((6, len(at_risk)))
    small = np.flatnonzero(~large)
    if len(small):
        sums[:, small] = _added(at_risk[small], tied[small] / count[small], count[small])
    many = np.flatnonzero(large)
    sums[:, many] = _closed(at_risk[many], tied[many], count[many])
    return TieSums(*sums)


def _added(at_risk: Floats, step: Floats, count: Floats) -> tuple[Floats, ...]:
    """Write out each factor and add; nothing to add where nobody is tied."""
    if float(count.max()) <= 1:
        q, zero = 1 / at_risk, np.zeros(len(count))
        return q, zero, q * q, zero, zero, np.log(at_risk)
    m = count.astype(np.int64)
    ends = np.cumsum(m)
    start = ends - m
    owner = np.repeat(np.arange(len(m)), m)
    place = np.arange(int(ends[-1])) - start[owner]
    factor = at_risk[owner] - place * step[owner]
    q, f = 1 / factor, place / count[owner]
    fq = f * q
    table = np.stack([q, fq, q * q, fq * q, fq * fq, np.log(factor)])
    return tuple(np.add.reduceat(table, start, axis=1))


def _closed(at_risk: Floats, tied: Floats, count: Floats) -> tuple[Floats, ...]:
    """Closed forms; the sums with f follow from those without: f q = (S q - 1) / E."""
    step = tied / count
    far = at_risk - tied + step / 2 > _FAR * step
    q, q2, log = np.empty_like(step), np.empty_like(step), np.empty_like(step)
    if far.any():
        q[far], q2[far], log[far] = _midpoint(at_risk[far], tied[far], step[far])
    if not far.all():
        near = ~far
        q[near], q2[near], log[near] = _gamma(at_risk[near], step[near], count[near])
    fq = (at_risk * q - count) / tied
    fq2 = (at_risk * q2 - q) / tied
    return q, fq, q2, fq2, (at_risk * fq2 - fq) / tied, log


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
