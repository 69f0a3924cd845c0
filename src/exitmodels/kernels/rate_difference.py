"""The difference of two Poisson rates.

Ground floor: NumPy and SciPy. With counts n1 and n2 over exposures t1 and t2, the difference is n1 / t1 - n2 / t2. No
conditioning removes the nuisance rate here; each method says what it does instead. All of them give limits with
width at zero events, except "wald".

Read next: exact.py (limits of one rate). Called by: models.counts.differences.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.exact import bisect, poisson_interval

__all__ = ["DIFFERENCE_METHODS", "difference_interval", "difference_pvalue", "difference_score"]

Limits = tuple[Floats, Floats]
_STEPS = 200


def difference_interval(
    n1: ArrayLike, t1: ArrayLike, n2: ArrayLike, t2: ArrayLike, alpha: float = 0.05, method: str = "score"
) -> Limits:
    """Limits for n1 / t1 - n2 / t2.

    Parameters
    ----------
    n1, n2 : arrays of whole numbers
    t1, t2 : arrays of exposures, above zero
    method : {"score", "mover", "exact", "wald"}
        "score": the differences that the score test does not reject. "mover": square-and-add of the score limits of the
        two rates. "exact": the two rates' exact limits at level sqrt(1 - alpha), subtracted; coverage is never below
        the level, and mostly far above. "wald": textbook.

    Returns
    -------
    low, high : arrays

    Notes
    -----
    Source: Miettinen and Nurminen (1985) for the score; Zou and Donner (2008) for square-and-add.

    Examples
    --------
    >>> low, high = difference_interval(11, 1, 2, 1)
    >>> round(float(low), 4), round(float(high), 4)
    (2.3016, 17.9209)
    """
    x, s, y, t = (np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(n1, t1, n2, t2))
    return DIFFERENCE_METHODS[method](x, s, y, t, alpha)


def difference_score(n1: Floats, t1: Floats, n2: Floats, t2: Floats, null: Floats) -> Floats:
    """Score statistic of the difference against `null`; standard normal when the counts are not small.

    The variance uses the rates that are most likely among those that differ by `null`.
    """
    middle = (t1 + t2) * null - n1 - n2
    root = np.sqrt(middle**2 + 4 * (t1 + t2) * n2 * null)
    # The form that adds two numbers of one sign keeps its digits.
    with np.errstate(divide="ignore", invalid="ignore"):
        second = np.where(middle <= 0, (root - middle) / (2 * (t1 + t2)), 2 * n2 * null / (middle + root))
    second = np.maximum(np.nan_to_num(second, nan=0.0), np.maximum(0.0, -null))
    spread = np.sqrt((second + null) / t1 + second / t2)
    gap = n1 / t1 - n2 / t2 - null
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap == 0, 0.0, gap / spread)


def _score(x: Floats, s: Floats, y: Floats, t: Floats, alpha: float) -> Limits:
    """Both limits by bisection, from the estimate outwards; each end is widened until it is rejected."""
    z, middle = float(-special.ndtri(alpha / 2)), x / s - y / t

    def edge(sign: float) -> Floats:
        width = z * np.sqrt((x + 1) / s**2 + (y + 1) / t**2) + z**2 * np.maximum(1 / s, 1 / t)
        for _ in range(_STEPS):
            inside = sign * difference_score(x, s, y, t, middle + sign * width) > -z
            if not inside.any():
                break
            width = np.where(inside, 2 * width, width)

        def rejected(step: Floats) -> Floats:
            return -z - sign * difference_score(x, s, y, t, middle + sign * step)

        return middle + sign * bisect(rejected, np.zeros_like(width), width)

    return edge(-1.0), edge(1.0)


def _mover(x: Floats, s: Floats, y: Floats, t: Floats, alpha: float) -> Limits:
    (low1, high1), (low2, high2) = poisson_interval(x, alpha, "score"), poisson_interval(y, alpha, "score")
    a, b = x / s, y / t
    down = np.hypot(a - low1 / s, high2 / t - b)
    up = np.hypot(high1 / s - a, b - low2 / t)
    return a - b - down, a - b + up


def _exact(x: Floats, s: Floats, y: Floats, t: Floats, alpha: float) -> Limits:
    each = -np.expm1(0.5 * np.log1p(-alpha))
    (low1, high1), (low2, high2) = poisson_interval(x, each), poisson_interval(y, each)
    return low1 / s - high2 / t, high1 / s - low2 / t


def _wald(x: Floats, s: Floats, y: Floats, t: Floats, alpha: float) -> Limits:
    half = -special.ndtri(alpha / 2) * np.sqrt(x / s**2 + y / t**2)
    return x / s - y / t - half, x / s - y / t + half


DIFFERENCE_METHODS: dict[str, Callable[[Floats, Floats, Floats, Floats, float], Limits]] = {
    "score": _score,
    "mover": _mover,
    "exact": _exact,
    "wald": _wald,
}


def difference_pvalue(n1: float, t1: float, n2: float, t2: float, null: float = 0.0, method: str = "score") -> float:
    """Two-sided p-value of a difference: the smallest alpha whose limits leave `null` out.

    >>> round(difference_pvalue(11, 1, 2, 1), 6)
    0.012555
    """
    a, b, c, d = (np.array([float(v)]) for v in (n1, t1, n2, t2))
    if method == "score":
        return float(2 * special.ndtr(-np.abs(difference_score(a, b, c, d, np.array([null])))[0]))
    if method == "wald":
        spread = float(np.sqrt(n1 / t1**2 + n2 / t2**2))
        gap = abs(n1 / t1 - n2 / t2 - null)
        return float(2 * special.ndtr(-gap / spread)) if spread else float(gap == 0)
    low, high = -745.0, float(np.log1p(-1e-12))
    for _ in range(80):
        middle = 0.5 * (low + high)
        found = DIFFERENCE_METHODS[method](a, b, c, d, float(np.exp(middle)))
        inside = found[0][0] <= null <= found[1][0]
        low, high = (middle, high) if inside else (low, middle)
    return float(min(1.0, np.exp(0.5 * (low + high))))
