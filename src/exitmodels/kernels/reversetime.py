"""Reverse time: the distribution of times seen only because each was early enough.

Ground floor. Looking back from the largest time, a row is at risk at t when X <= t <= right, and "fails" at X. The
product limit of these reverse hazards is the distribution below the largest time that could be seen.

Called by: models.truncation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.grouped import ranks
from exitmodels.kernels.products import kaplan_meier
from exitmodels.kernels.windowmass import holding

__all__ = ["LimitLaw", "limit_law", "reverse_product_limit"]


def reverse_product_limit(
    slot: Ints, stop: Ints, weight: Floats, size: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Estimate the distribution given that the time is not beyond the largest.

    Parameters
    ----------
    slot : (n,) int
        Slot of each time.
    stop : (n,) int
        One more than the last slot that the row's limit lets be seen.
    weight : (n,)

    Returns
    -------
    cdf : (size,)
        At and below each slot; 1 at the last.
    variance : (size,)
        Greenwood's, cdf^2 times the sum of d / (Y (Y - d)) over later slots; NaN where the cdf is 0.
    mass : (size,)
    events, at_risk : (size,)

    Notes
    -----
    Source: Lynden-Bell (1971); Lagakos, Barraj & De Gruttola (1988); Kalbfleisch & Lawless (1989).

    Examples
    --------
    >>> cdf, *_ = reverse_product_limit(np.array([0, 1, 2]), np.array([2, 3, 3]), np.ones(3), 3)
    >>> cdf.tolist()
    [0.25, 0.5, 1.0]
    """
    events = np.bincount(slot, weight, size)
    at_risk = np.maximum(holding(slot, stop, weight, size), events)
    after, green = kaplan_meier(at_risk[::-1], events[::-1])
    cdf = np.append(after[::-1][1:], 1.0)
    greenwood = np.append(green[::-1][1:], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.where(cdf > 0, cdf**2 * greenwood, np.nan)
    return cdf, variance, cdf * events / at_risk, events, at_risk


@dataclass(frozen=True, eq=False)
class LimitLaw:
    """The law of right limits among all rows, seen or not, from those seen: a limit is seen when it exceeds the time.

    Attributes
    ----------
    time, limit : (n,) int
        Places of each time and limit among the levels.
    ends : (n,) bool
        Whether the limit is finite and exceeds the time.
    events, at_risk : (k,)
        Weight of the limits at each level, and of the rows with time < level <= limit.
    log_chance : (n,)
        Log of the chance of a limit beyond each row's time, minus the cumulative hazard of limits up to it.
    """

    time: Ints
    limit: Ints
    ends: Bools
    events: Floats
    at_risk: Floats
    log_chance: Floats

    def moved(self, push: Floats) -> Floats:
        """What one more unit of weight of each row adds to the sum of `push` (n, p) times `-log_chance`: (n, p)."""
        k = len(self.events)
        later = np.stack([np.cumsum(np.bincount(self.time, c, k)[::-1])[::-1] for c in push.T], axis=1)
        safe = np.where(self.at_risk > 0, self.at_risk, 1.0)[:, None]
        taken = np.cumsum(later * (self.events[:, None] / safe**2), axis=0)
        own = np.where(self.ends[:, None], (later / safe)[self.limit], 0.0)
        return np.asarray(own - (taken[self.limit] - taken[self.time]), dtype=np.float64)


def limit_law(time: Floats, limit: Floats, weight: Floats) -> LimitLaw:
    """Estimate the law of limits by exp(-Nelson-Aalen), each limit entering late at its own time.

    Parameters
    ----------
    time, limit : (n,)
        Limits may be infinite. A row whose limit is its time tells nothing here: it would not be seen.
    weight : (n,)

    Notes
    -----
    Source: the weights of Vakulenko-Lagun, Mandel & Betensky (2020) as their program computes them.

    Examples
    --------
    >>> np.exp(limit_law(np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.ones(2)).log_chance).tolist()
    [1.0, 1.0]
    """
    levels, (at, end) = ranks(time, np.minimum(limit, max(float(time.max()), _largest(limit)) + 1.0))
    ends = np.isfinite(limit) & (end > at)
    k = len(levels)
    events = np.bincount(end[ends], weight[ends], k)
    at_risk = np.maximum(holding(at + 1, end + 1, weight, k + 1)[:k], events)
    hazard = np.where(events > 0, events / np.where(events > 0, at_risk, 1.0), 0.0)
    return LimitLaw(at, end, ends, events, at_risk, -np.cumsum(hazard)[at])


def _largest(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else -np.inf
