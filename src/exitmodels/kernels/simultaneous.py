"""Limits for all shares of a list together, and the critical value of the largest of several normal errors.

Ground floor: NumPy and SciPy. Limits that hold one share at a time are too narrow for a sentence about several.

Called by: models.counts.shares, models.counts.composition_predict, models.counts.composition_effects.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, special, stats

from exitmodels.arrays import Floats
from exitmodels.kernels.exact_binomial import binomial_interval
from exitmodels.kernels.maxima import sphere

__all__ = ["SIMULTANEOUS_METHODS", "largest_critical", "simultaneous_limits", "sison_glaz"]

SIMULTANEOUS_METHODS = ("goodman", "quesenberry-hurst", "bonferroni", "sison-glaz")


def simultaneous_limits(counts: Floats, alpha: float = 0.05, method: str = "goodman") -> tuple[Floats, Floats]:
    """Limits that cover all shares of one list together with probability near 1 - alpha.

    Parameters
    ----------
    counts : (J,)
        Whole numbers, not all zero.
    method : {"goodman", "quesenberry-hurst", "bonferroni", "sison-glaz"}
        Score limits with chi-squared on 1 df at level alpha / J, or on J - 1 df at level alpha; exact binomial limits
        at level alpha / J, which alone are never too narrow; or the smallest common half-width.

    Notes
    -----
    Source: Quesenberry and Hurst (1964); Goodman (1965); Clopper and Pearson (1934); Sison and Glaz (1995).

    Examples
    --------
    >>> low, high = simultaneous_limits(np.array([7, 2, 1, 1]))
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.2935, 0.0379, 0.0113, 0.0113], [0.8806, 0.556, 0.4666, 0.4666])
    """
    j, size = len(counts), float(counts.sum())
    if method == "bonferroni":
        return binomial_interval(counts, size, alpha / j, "clopper-pearson")
    if method == "sison-glaz":
        _, _, low, high = sison_glaz(counts, alpha)
        return low, high
    if method == "goodman":
        # The score limit with chi-squared on one df at alpha / J is Wilson's at that level.
        return binomial_interval(counts, size, alpha / j, "wilson")
    chi2 = float(stats.chi2.isf(alpha, j - 1)) if j > 1 else float(stats.chi2.isf(alpha, 1))
    return binomial_interval(counts, size, float(stats.chi2.sf(chi2, 1)), "wilson")


def sison_glaz(counts: Floats, alpha: float = 0.05) -> tuple[int, float, Floats, Floats]:
    """The smallest whole number c such that all counts lie within c of their mean with probability 1 - alpha.

    Returns
    -------
    c : int
    delta : float
        How far the level lies between those of c and c + 1: the upper limit is (count + c + 2 delta) / n.
    low, high : (J,)

    Notes
    -----
    The probability is that of independent Poisson counts cut off at c, given their sum, by an Edgeworth series for
    the sum. Source: Sison and Glaz (1995); Levin (1981).
    """
    size = float(counts.sum())
    before = 0.0
    for c in range(1, int(size) + 1):
        here = _inside(counts, c, size)
        if here >= 1 - alpha or c == size:
            break
        before = here
    half = c - 1
    delta = (1 - alpha - before) / (here - before)
    low = np.maximum(counts / size - half / size, 0.0)
    high = np.minimum(counts / size + (half + 2 * delta) / size, 1.0)
    return half, float(delta), low, high


def _inside(counts: Floats, c: int, size: float) -> float:
    """P(all counts within c of their means), the observed counts being the means."""
    mean = np.asarray(counts, dtype=np.float64)
    log_chance, first, moments = 0.0, 0.0, np.zeros(3)
    for m in mean:
        low, high = max(m - c, 0.0), m + c
        values = np.arange(low, high + 1)
        log_p = special.xlogy(values, m) - m - special.gammaln(values + 1)
        chance = np.exp(log_p)
        whole = chance.sum()
        log_chance += np.log(whole)
        p = chance / whole
        centre = float(p @ values)
        away = values - centre
        second, third, fourth = (float(p @ away**r) for r in (2, 3, 4))
        first += centre
        moments += (second, third, fourth - 3 * second**2)
    spread = np.sqrt(moments[0])
    z = (size - first) / spread
    skew, peak = moments[1] / spread**3, moments[2] / spread**4
    series = 1 + skew * (z**3 - 3 * z) / 6 + peak * (z**4 - 6 * z**2 + 3) / 24
    series += skew**2 * (z**6 - 15 * z**4 + 45 * z**2 - 15) / 72
    density = series * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / spread
    log_size = special.xlogy(size, size) - size - special.gammaln(size + 1)
    return float(np.exp(log_chance - log_size) * density)


def largest_critical(covariance: Floats, alpha: float = 0.05, df: float | None = None) -> float:
    """Value that the largest absolute error, each over its standard error, exceeds with probability alpha.

    Parameters
    ----------
    covariance : (q, q)
        Of the errors, which are jointly normal; of any rank. Errors without variance do not count.
    df : float, optional
        Degrees of freedom, when the variance was estimated (a multivariate t).

    Notes
    -----
    As in `exitmodels.kernels.maxima.largest_form_tail`: a length times a direction; error near 1e-3 at most.

    Examples
    --------
    Two independent errors: each at level 1 - sqrt(0.95).

    >>> round(largest_critical(np.eye(2)), 4), round(float(stats.norm.isf((1 - 0.95**0.5) / 2)), 4)
    (2.2365, 2.2365)
    """
    spread = np.sqrt(np.diag(covariance))
    keep = np.isfinite(spread) & (spread > 0)
    if not keep.any():
        return float(special.ndtri(1 - alpha / 2))
    unit = covariance[np.ix_(keep, keep)] / np.outer(spread[keep], spread[keep])
    values, vectors = np.linalg.eigh(unit)
    large = values > 1e-9 * values[-1]
    factor = vectors[:, large] * np.sqrt(values[large])
    rank = factor.shape[1]
    reach = np.ones(1) if rank == 1 else np.max(np.abs(sphere(rank) @ factor.T), axis=1)
    if rank == 1:
        reach = reach * float(np.abs(factor).max())

    def excess(bound: float) -> float:
        length = (bound / reach) ** 2
        tail = stats.chi2.sf(length, rank) if df is None else stats.f.sf(length / rank, rank, df)
        return float(np.mean(tail)) - alpha

    return float(optimize.brentq(excess, 1e-3, 1e3, xtol=1e-10))
