"""Whether numbers that should be uniform on (0, 1) are: Kolmogorov-Smirnov and Anderson-Darling.

Ground floor: NumPy and SciPy. Called by: models.counts.hawkes_results.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats

__all__ = ["anderson_darling", "kolmogorov_smirnov"]

_LOW = (0.00168691, -0.011672, 0.0347962, -0.0649821, 0.247105, 2.00012)
_HIGH = (-0.0003146, 0.008056, -0.082433, 0.43424, -2.30695, 1.0776)


def kolmogorov_smirnov(u: Floats) -> tuple[float, float]:
    """Largest distance from the uniform distribution, and its exact two-sided p-value."""
    found = stats.ks_1samp(u, stats.uniform.cdf)
    return float(found.statistic), float(found.pvalue)


def anderson_darling(u: Floats) -> tuple[float, float]:
    """Anderson and Darling's statistic for a uniform law that is fully known, and its large-sample p-value.

    Source: Anderson and Darling (1952); the limit law in the form of Marsaglia and Marsaglia (2004), good to six
    places.

    Examples
    --------
    >>> round(anderson_darling((np.arange(10) + 0.5) / 10)[0], 4)
    0.0766
    """
    n, u = len(u), np.clip(np.sort(u), 1e-300, 1 - 1e-16)
    weight = 2 * np.arange(1, n + 1) - 1
    statistic = float(-n - np.mean(weight * (np.log(u) + np.log1p(-u[::-1]))))
    return statistic, 1.0 - _limit_law(statistic)


def _limit_law(z: float) -> float:
    if z <= 0:
        return 0.0
    if z < 2:
        series = np.polyval(_LOW, z)
        return float(np.exp(-1.2337141 / z) / np.sqrt(z) * series)
    return float(np.exp(-np.exp(np.polyval(_HIGH, z))))
