"""Reverse time: the distribution of times seen only because each was early enough.

Ground floor. Looking back from the largest time, a row is at risk at t when X <= t <= right, and "fails" at X. The
product limit of these reverse hazards is the distribution below the largest time that could be seen.

Called by: models.truncation.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.products import kaplan_meier
from exitmodels.kernels.windowmass import holding

__all__ = ["reverse_product_limit"]


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
