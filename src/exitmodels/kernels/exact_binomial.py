"""Limits for a share: exact (Clopper-Pearson), mid-p, Wilson and Jeffreys.

Ground floor: NumPy and SciPy. Only lower limits are worked out: the upper limit of a share is one minus
the lower limit of what is left, and keeping the two apart keeps their small digits.

Read next: exact_ratio.py, where a ratio of two rates becomes a share.
Called by: models.counts.shares.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.distinct import distinct_pairs

__all__ = ["BINOMIAL_METHODS", "binomial_interval", "binomial_lower", "binomial_pvalue", "binomial_tails"]


def binomial_interval(
    count: ArrayLike, total: ArrayLike, alpha: float = 0.05, method: str = "clopper-pearson"
) -> tuple[Floats, Floats]:
    """Limits for the probability behind `count` of `total`.

    Parameters
    ----------
    count, total : arrays that broadcast to one shape
        Whole numbers, ``0 <= count <= total``. With a total of zero the limits are 0 and 1.
    alpha : float
    method : {"clopper-pearson", "mid-p", "wilson", "jeffreys"}

    Returns
    -------
    low, high : arrays, ``0 <= low <= count / total <= high <= 1``.

    Notes
    -----
    Cost: O(n), and one inversion (a search for mid-p) for each distinct pair.
    Source: Clopper and Pearson (1934); Wilson (1927); Brown, Cai and DasGupta (2001), with Jeffreys' limits
    moved to 0 and 1 at the ends as they advise.

    Examples
    --------
    >>> low, high = binomial_interval(3, 4)
    >>> round(float(low), 4), round(float(high), 4)
    (0.1941, 0.9937)
    """
    x, n, where = distinct_pairs(*np.broadcast_arrays(count, total))
    low, high = _lower(x, n, alpha, method), 1 - _lower(n - x, n, alpha, method)
    return low[where], high[where]


def binomial_lower(x: Floats, n: Floats, alpha: float, method: str) -> Floats:
    """Lower limits; zero where the count is zero."""
    one, two, where = distinct_pairs(x, n)
    return _lower(one, two, alpha, method)[where]


def _lower(x: Floats, n: Floats, alpha: float, method: str) -> Floats:
    seen = x > 0
    low = np.zeros(len(x))
    low[seen] = BINOMIAL_METHODS[method](x[seen], n[seen], alpha)
    return low


def _clopper_pearson(x: Floats, n: Floats, alpha: float) -> Floats:
    return np.asarray(special.betaincinv(x, n - x + 1, alpha / 2), dtype=np.float64)


def _mid_p(x: Floats, n: Floats, alpha: float) -> Floats:
    """P(X > x) + P(X = x) / 2 = alpha / 2, between the limits with the whole and with none of P(X = x)."""
    low = _clopper_pearson(x, n, alpha)
    high = np.where(x < n, special.betaincinv(x + 1, np.maximum(n - x, 1), alpha / 2), 1.0)
    for _ in range(80):
        middle = 0.5 * (low + high)
        _, above, point = binomial_tails(x, n, middle)
        over = above - point / 2 > alpha / 2
        high, low = np.where(over, middle, high), np.where(over, low, middle)
        if np.all(high - low <= 4e-16 * high):
            break
    return 0.5 * (low + high)


def _wilson(x: Floats, n: Floats, alpha: float) -> Floats:
    """The score limit in product form, so that small shares keep their digits."""
    z2 = special.ndtri(alpha / 2) ** 2
    share = x / n
    high = (share + z2 / (2 * n) + np.sqrt(z2 * (share * (1 - share) + z2 / (4 * n)) / n)) / (1 + z2 / n)
    return np.asarray(share**2 / (1 + z2 / n) / high, dtype=np.float64)


def _jeffreys(x: Floats, n: Floats, alpha: float) -> Floats:
    return np.asarray(special.betaincinv(x + 0.5, n - x + 0.5, alpha / 2), dtype=np.float64)


BINOMIAL_METHODS: dict[str, Callable[[Floats, Floats, float], Floats]] = {
    "clopper-pearson": _clopper_pearson,
    "mid-p": _mid_p,
    "wilson": _wilson,
    "jeffreys": _jeffreys,
}


def binomial_tails(x: ArrayLike, n: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """P(X <= x), P(X >= x) and P(X = x)."""
    x, n, p = (np.asarray(v, dtype=np.float64) for v in (x, n, p))
    below = np.where(x < n, special.betaincc(x + 1, np.maximum(n - x, 1.0), p), 1.0)
    above = np.where(x > 0, special.betainc(np.maximum(x, 1.0), n - x + 1, p), 1.0)
    log_ways = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    point = np.exp(log_ways + special.xlogy(x, p) + special.xlog1py(n - x, -p))
    return below, above, np.asarray(point, dtype=np.float64)


def binomial_pvalue(x: float, n: float, p: float, method: str = "central") -> float:
    """Two-sided p-value: twice the smaller tail ("central"), "mid-p", or all outcomes no more probable ("minlike").

    Two probabilities within 1e-7 of each other count as equal, as in R's binom.test.

    >>> round(binomial_pvalue(11, 13, 0.5), 6), round(binomial_pvalue(11, 13, 0.5, "mid-p"), 6)
    (0.022461, 0.012939)
    """
    below, above, point = (float(v) for v in binomial_tails(x, n, p))
    if method == "central":
        return min(1.0, 2 * min(below, above))
    if method == "mid-p":
        return min(1.0, max(0.0, 2 * min(below - point / 2, above - point / 2)))
    outcomes = np.arange(n + 1)
    _, _, chances = binomial_tails(outcomes, n, p)
    return float(min(1.0, chances[chances <= point * (1 + 1e-7)].sum()))
