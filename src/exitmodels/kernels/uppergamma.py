"""Upper tails of the gamma law and of its stretched form, in logs, far into the tail; derivatives by differences.

Ground floor: NumPy and SciPy only. Called by: timelaws.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln, log_ndtr

from exitmodels.arrays import Floats

__all__ = ["by_differences", "log_density", "log_stretched", "log_upper"]

_TINY = 1e-280
_TERMS = 200
_NEAR = 2e-3
_SERIES = 1 / np.cumprod([2.0, *range(3, 14)])


def log_upper(shape: float, u: Floats) -> Floats:
    """Log chance that a gamma variable with this shape (scale 1) is above u >= 0.

    Notes
    -----
    One minus the lower tail where that is below a half; a continued fraction (Lentz's method) where the upper tail
    itself underflows.

    Examples
    --------
    >>> log_upper(1.0, np.array([0.0, 2.0, 2000.0])).round(9).tolist()
    [-0.0, -2.0, -2000.0]
    """
    upper, lower = gammaincc(shape, u), gammainc(shape, u)
    with np.errstate(divide="ignore"):
        value = np.where(lower < 0.5, np.log1p(-lower), np.log(upper))
    far = np.flatnonzero(upper < _TINY)
    if len(far):
        value[far] = _far(shape, u[far])
    return np.asarray(value, dtype=np.float64)


def _far(shape: float, u: Floats) -> Floats:
    """Lentz's continued fraction for the upper tail, in logs."""
    b = u + 1 - shape
    c, d = np.full_like(u, 1e300), 1 / b
    h = d.copy()
    for i in range(1, _TERMS):
        a = -i * (i - shape)
        b = b + 2
        d = 1 / (a * d + b)
        c = b + a / c
        h *= d * c
        if np.all(np.abs(d * c - 1) < 1e-15):
            break
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(shape * np.log(u) - u - gammaln(shape) + np.log(h), dtype=np.float64)


def log_density(shape: float, y: Floats) -> Floats:
    """Log density of the log of a gamma variable with this shape."""
    return np.asarray(shape * y - np.exp(y) - gammaln(shape), dtype=np.float64)


def log_stretched(w: Floats, q: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Prentice's law on the log time scale: log upper tail, log density, and its first two derivatives (each (n,)).

    Notes
    -----
    With a = 1 / q^2, a exp(q w) is a gamma variable with shape a; q = 0 is the normal law. Within 0.002 of q = 0 the
    log upper tail is a polynomial in q through five values, for a is too large there for the incomplete gamma function.
    Source: Prentice (1974).

    Examples
    --------
    >>> log_stretched(np.array([0.5]), 1.0)[0].round(9).tolist() == (-np.exp([0.5])).round(9).tolist()
    True
    """
    x = q * w
    grown = np.where(np.abs(x) < 0.1, np.polynomial.polynomial.polyval(x, _SERIES), 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.where(np.abs(x) < 0.1, 1.0, x)
        # (exp(x) - 1 - x) / x^2, by its series near 0
        curve = np.where(np.abs(x) < 0.1, grown, (np.expm1(away) - away) / away**2)
        log_dense = _constant(q) - w * w * curve
        steep = -w if q == 0 else -np.expm1(x) / q
        return _tail(w, q), log_dense, steep, -np.exp(x)


def _constant(q: float) -> float:
    """log |q| + a log a - a - log gamma(a) for a = 1 / q^2; Stirling's series where a is large."""
    if abs(q) < 0.03:
        return float(-0.5 * np.log(2 * np.pi) - q**2 / 12 + q**6 / 360 - q**10 / 1260)
    a = 1 / q**2
    return float(np.log(abs(q)) + a * np.log(a) - a - gammaln(a))


def _tail(w: Floats, q: float) -> Floats:
    if abs(q) >= _NEAR:
        a = 1 / q**2
        with np.errstate(over="ignore"):
            u = a * np.exp(np.minimum(q * w, 690.0 - np.log(a)))
        if q > 0:
            return log_upper(a, u)
        lower, upper = gammainc(a, u), gammaincc(a, u)
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(upper < 0.5, np.log1p(-upper), np.log(lower)), dtype=np.float64)
    nodes = _NEAR * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    out = np.zeros_like(w)
    for i, node in enumerate(nodes):
        others = np.delete(nodes, i)
        share = float(np.prod((q - others) / (node - others)))
        if share:
            out += share * (log_ndtr(-w) if node == 0 else _tail(w, float(node)))
    return out


def by_differences(of: Callable[[float], Floats], at: float, step: float) -> tuple[Floats, Floats]:
    """First and second derivative by central differences of fourth order.

    >>> [round(float(d), 8) for d in by_differences(np.exp, 0.0, 1e-2)]
    [1.0, 1.0]
    """
    far, near = of(at + 2 * step), of(at + step)
    back, away = of(at - step), of(at - 2 * step)
    once = (8 * (near - back) - (far - away)) / (12 * step)
    twice = (16 * (near + back) - (far + away) - 30 * of(at)) / (12 * step**2)
    return np.asarray(once), np.asarray(twice)
