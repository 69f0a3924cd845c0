"""The ratio of two Poisson rates: given both counts together, the first one is binomial.

Ground floor: NumPy and SciPy. With counts n1 and n2 over exposures t1 and t2, n1 given n1 + n2 is binomial
with probability R t1 / (R t1 + t2), R being the ratio of the rates; every limit of that
probability is a limit of R (Przyborowski and Wilenski 1940).

Called by: models.counts.rates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.exact_binomial import binomial_lower, binomial_pvalue

__all__ = ["RATIO_METHODS", "ratio_interval", "ratio_pvalue", "ratio_score"]

RATIO_METHODS = {"exact": "clopper-pearson", "mid-p": "mid-p", "score": "wilson", "wald": ""}
"""How each way to compare rates treats the share of the first count."""


def ratio_interval(
    n1: ArrayLike, t1: ArrayLike, n2: ArrayLike, t2: ArrayLike, alpha: float = 0.05, method: str = "exact"
) -> tuple[Floats, Floats]:
    """Limits for (n1 / t1) / (n2 / t2).

    Parameters
    ----------
    n1, n2 : arrays of whole numbers
    t1, t2 : arrays of exposures, above zero
    method : {"exact", "mid-p", "score", "wald"}

    Returns
    -------
    low, high : 0 where n1 = 0, infinity where n2 = 0; never crossed, never NaN. "wald" works on the log scale and
        gives (0, infinity) when either count is zero, since its standard error is then infinite.

    Examples
    --------
    >>> low, high = ratio_interval(11, 1, 2, 1)
    >>> round(float(low), 6), round(float(high), 6)
    (1.20036, 51.065241)
    """
    x, s, y, t = (np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(n1, t1, n2, t2))
    if method == "wald":
        return _wald(x, s, y, t, alpha)
    first = binomial_lower(x, x + y, alpha, RATIO_METHODS[method])
    second = binomial_lower(y, x + y, alpha, RATIO_METHODS[method])
    with np.errstate(divide="ignore"):
        return first / (1 - first) * t / s, np.where(second > 0, (1 - second) / second * t / s, np.inf)


def _wald(x: Floats, s: Floats, y: Floats, t: Floats, alpha: float) -> tuple[Floats, Floats]:
    known = (x > 0) & (y > 0)
    a, b = np.where(known, x, 1.0), np.where(known, y, 1.0)
    factor = np.exp(-special.ndtri(alpha / 2) * np.sqrt(1 / a + 1 / b))
    ratio = (a / s) / (b / t)
    return np.where(known, ratio / factor, 0.0), np.where(known, ratio * factor, np.inf)


def ratio_score(n1: float, t1: float, n2: float, t2: float, null: float = 1.0) -> float:
    """Score statistic of the ratio against `null`: standard normal when the counts are not small."""
    total, share = n1 + n2, null * t1 / (null * t1 + t2)
    return float((n1 - total * share) / np.sqrt(total * share * (1 - share))) if total else 0.0


def ratio_pvalue(n1: float, t1: float, n2: float, t2: float, null: float = 1.0, method: str = "exact") -> float:
    """Two-sided p-value that agrees with the limits of the same method; also "minlike".

    >>> round(ratio_pvalue(11, 30, 3, 25, method="minlike"), 7)
    0.1049862
    """
    share = null * t1 / (null * t1 + t2)
    if method in ("exact", "mid-p", "minlike"):
        return binomial_pvalue(n1, n1 + n2, share, "central" if method == "exact" else method)
    if method == "score":
        return float(2 * special.ndtr(-abs(ratio_score(n1, t1, n2, t2, null))))
    if n1 == 0 or n2 == 0:
        return 1.0
    z = np.log((n1 / t1) / (n2 / t2) / null) / np.sqrt(1 / n1 + 1 / n2)
    return float(2 * special.ndtr(-abs(z)))
