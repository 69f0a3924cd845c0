"""B-splines on evenly spaced knots, and the penalty on differences of their coefficients.

Ground floor: P-splines. Many basis functions, none of them placed with care, and
a penalty that keeps neighbouring coefficients on a line unless the data say
otherwise.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BSpline

from exitmodels.arrays import Floats

__all__ = ["basis", "centres", "difference_penalty"]


def basis(x: Floats, low: float, high: float, segments: int, degree: int = 3) -> Floats:
    """Evaluate the B-splines of `segments` equal parts of [low, high]: (n, segments + degree).

    Parameters
    ----------
    x : (n,)
        Outside [low, high] each function goes on along its tangent, so that a fitted curve does too.
    degree : int
        1 or more; 3 gives cubics.

    Notes
    -----
    Source: Eilers & Marx (1996); the tangents as in the R package survival.
    """
    x = np.asarray(x, dtype=float)
    made = BSpline(_knots(low, high, segments, degree), np.eye(segments + degree), degree, extrapolate=False)
    slope = made.derivative()
    inside = np.clip(x, low, high)
    out = np.asarray(made(inside), dtype=float)
    for edge, outside in ((low, x < low), (high, x > high)):
        if outside.any():
            at = np.clip(edge, np.nextafter(low, high), np.nextafter(high, low))
            out[outside] = made(edge) + (x[outside] - edge)[:, None] * slope(at)
    return out


def _knots(low: float, high: float, segments: int, degree: int) -> Floats:
    step = (high - low) / segments
    inner = low + step * np.arange(segments + 1)
    inner[-1] = high
    before, after = low - step * np.arange(degree, 0, -1), high + step * np.arange(1, degree + 1)
    return np.concatenate([before, inner, after])


def centres(low: float, high: float, segments: int, degree: int = 3) -> Floats:
    """Where each basis function has its centre, (segments + degree,): their coefficients at a straight line."""
    step = (high - low) / segments
    return low + step * (np.arange(segments + degree) - (degree - 1) / 2)


def difference_penalty(n: int, order: int = 2) -> Floats:
    """D'D with D the differences of this order of n coefficients: (n, n), of rank n - order."""
    differences = np.diff(np.eye(n), order, axis=0)
    return differences.T @ differences
