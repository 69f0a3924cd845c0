"""The chain ladder with Mack's standard errors, which need no law for the counts.

Ground floor: NumPy only. Source: Mack (1993), with his rule for the last variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints

__all__ = ["Ladder", "climb_ladder"]


@dataclass(frozen=True, eq=False)
class Ladder:
    """A completed triangle.

    Attributes
    ----------
    factors : (D,)
        From one delay to the next.
    sigma2 : (D,)
        Mack's variance parameters; NaN where even his rule has nothing to go by.
    ultimate : (m,)
    variance : (m,)
        Mean squared error of prediction of each origin.
    total_variance : float
    """

    factors: Floats
    sigma2: Floats
    ultimate: Floats
    variance: Floats
    total_variance: float


def climb_ladder(n: Floats, last: Ints) -> Ladder:
    """Complete a triangle.

    Parameters
    ----------
    n : (m, D + 1)
        By origin and delay, not summed; zero where not yet seen.
    last : (m,)
        Largest delay that could be seen of each origin.

    Examples
    --------
    >>> climb_ladder(np.array([[2.0, 2.0], [3.0, 0.0]]), np.array([1, 0])).ultimate.tolist()
    [4.0, 6.0]
    """
    width = n.shape[1]
    sums = np.cumsum(n, axis=1)
    old = last[:, None] >= np.arange(1, width)
    before, after = sums[:, :-1], sums[:, 1:]
    base = (before * old).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = (after * old).sum(axis=0) / base
        single = np.where(old & (before > 0), after / before, factors)
    steps = old.sum(axis=0)
    scatter = (before * old * (single - factors) ** 2).sum(axis=0)
    sigma2 = _last_ones(np.where(steps > 1, scatter / np.maximum(steps - 1, 1), np.nan))
    full = sums.copy()
    for d in range(1, width):
        full[:, d] = np.where(old[:, d - 1], sums[:, d], full[:, d - 1] * factors[d - 1])
    ultimate = full[:, -1]
    share = sigma2 / factors**2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(old, 0.0, share * (1 / full[:, :-1] + 1 / base))
        shared = np.where(old, 0.0, share / base)
    some = ultimate > 0
    own = np.where(some, ultimate**2 * np.where(some[:, None], terms, 0.0).sum(axis=1), 0.0)
    # Two origins share the estimated factors of the delays that neither has reached.
    pairs = np.where(some[:, None], shared, 0.0).sum(axis=1)
    order = np.argsort(-last, kind="stable")
    u, p = ultimate[order], pairs[order]
    later = np.cumsum(u[::-1])[::-1] - u
    return Ladder(factors, sigma2, ultimate, own, float(own.sum() + 2 * (u * p * later).sum()))


def _last_ones(sigma2: Floats) -> Floats:
    """Mack's rule where one origin alone shows a factor: the smallest of the two before, and their trend."""
    out = sigma2.copy()
    for d in np.flatnonzero(np.isnan(out)):
        if d < 2:
            continue
        one, two = out[d - 1], out[d - 2]
        out[d] = min(one**2 / two if two > 0 else 0.0, one, two)
    return out
