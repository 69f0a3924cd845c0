"""What a stretch of a series costs when one rate (or share, or mean) is made to fit all of it.

Ground floor: NumPy and SciPy. A cost is minus twice the largest log-likelihood of the stretch, less what no cut can
change. It depends on sums over the stretch only, so that differences of cumulated sums give the cost of any stretch.

Read next: partition.py (the best cuts).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Floats

__all__ = ["COSTS", "Cost", "meanvar_cost", "multinomial_cost", "negbin_cost", "normal_cost", "poisson_cost"]

Evaluate = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Cost:
    """A family of costs.

    Attributes
    ----------
    evaluate : function
        From sums (d, ...) to costs (...).
    positive : tuple of int
        Sums that must stay positive or zero for the cost to have a meaning.
    parameters : int
        Parameters of one stretch.
    shortest : int
        Fewest points of a stretch.
    """

    evaluate: Evaluate
    positive: tuple[int, ...]
    parameters: int
    shortest: int = 1


def poisson_cost(sums: Floats) -> Floats:
    """Cost of one rate: ``2 (S - S log(S / E))``, with sums S of counts and E of exposures.

    Parameters
    ----------
    sums : (2, ...)
        Counts and exposures.

    Returns
    -------
    (...), zero for a stretch without events.

    Notes
    -----
    ``0 log 0`` is 0. Source: Killick, Fearnhead and Eckley (2012).

    Examples
    --------
    >>> poisson_cost(np.array([[3.0, 0.0], [3.0, 2.0]])).tolist()
    [6.0, 0.0]
    """
    events, exposure = sums
    safe = np.maximum(events, 1e-300)
    return np.asarray(2 * events * (1 - np.log(safe / np.maximum(exposure, 1e-300))))


def negbin_cost(size: float) -> Evaluate:
    """Cost of one negative binomial mean, of which `size` is the dispersion in one unit of exposure.

    Parameters
    ----------
    size : float
        Variance is ``mean (1 + rate / size)``. Of a period with exposure e the size is ``size * e``, so that cutting a
        period in two changes nothing.

    Returns
    -------
    function from (2, ...) sums of counts and exposures to costs (...)
    """

    def evaluate(sums: Floats) -> Floats:
        events, weight = sums[0], size * sums[1]
        both = events + weight
        return np.asarray(-2 * (special.xlogy(events, events / both) + weight * np.log(weight / both)))

    return evaluate


def normal_cost(sums: Floats) -> Floats:
    """Cost of one mean with variance one, ``-S^2 / W``: sums of ``w x`` and of weights w; ``sum w x^2`` is left out."""
    return np.asarray(-sums[0] * sums[0] / sums[1])


def meanvar_cost(sums: Floats) -> Floats:
    """Cost of one mean and variance, ``m (log(2 pi v) + 1)``; sums of x, of x^2, and the number m.

    The variance is at least 1e-12: without a floor, equal neighbours would cost minus infinity.
    """
    m = sums[2]
    found = sums[1] / m - (sums[0] / m) ** 2
    spread = np.maximum(found, 1e-12)
    return np.asarray(m * (np.log(2 * np.pi * spread) + found / spread))


def multinomial_cost(sums: Floats) -> Floats:
    """Cost of one composition, ``-2 sum S_k log(S_k / S)``; sums S_k of counts of each kind.

    >>> float(multinomial_cost(np.array([5.0, 0.0])))
    0.0
    """
    total = sums.sum(axis=0)
    shares = sums * np.log(np.maximum(sums, 1e-300))
    return np.asarray(2 * (total * np.log(np.maximum(total, 1e-300)) - shares.sum(axis=0)))


COSTS = ("poisson", "negbin", "multinomial", "binomial", "gaussian", "meanvar")
"""Names of the costs that users choose from."""
