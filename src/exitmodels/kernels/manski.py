"""Limits for a quantity that the data only bound.

Ground floor: NumPy and SciPy only. Called by: models.nonparametric.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from exitmodels.arrays import Floats

__all__ = ["critical_value"]


def critical_value(width: Floats, alpha: float) -> Floats:
    """How many standard errors to go beyond each bound so that the quantity itself is covered.

    Parameters
    ----------
    width : (t,)
        Distance between the bounds over the larger of their standard errors; infinite where these are zero.
    alpha : float

    Returns
    -------
    (t,)
        Between the one-sided and the two-sided normal quantile: c with
        Phi(c + width) - Phi(-c) = 1 - alpha.

    Notes
    -----
    The quantity cannot be near both bounds at once, so wide bounds need a smaller c than a single point.
    Source: Imbens and Manski (2004), eq. 6 and 7.

    Examples
    --------
    >>> critical_value(np.array([0.0, 1.0, 50.0]), 0.05).round(4).tolist()
    [1.96, 1.6815, 1.6449]
    """
    low, high = np.full(np.shape(width), ndtri(1 - alpha)), np.full(np.shape(width), ndtri(1 - alpha / 2))
    for _ in range(60):
        middle = (low + high) / 2
        enough = ndtr(middle + width) - ndtr(-middle) >= 1 - alpha
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.asarray(high, dtype=np.float64)
