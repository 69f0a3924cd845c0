"""The difference of two rates.

Third floor. Read next: rates.py (one rate, and the ratio of two), kernels/rate_difference.py (the limits).
"""

from __future__ import annotations

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.rate_difference import DIFFERENCE_METHODS, difference_interval, difference_pvalue
from exitmodels.models.counts.rate_results import RateDifference
from exitmodels.models.counts.rates import rate
from exitmodels.results.estimates import check_level

__all__ = ["rate_difference"]


def rate_difference(
    n1: int,
    exposure1: float,
    n2: int,
    exposure2: float,
    *,
    method: str = "score",
    alpha: float = 0.05,
    unit: str = "",
    labels: tuple[str, str] = ("first", "second"),
) -> RateDifference:
    """Difference of the rate n1 / exposure1 and n2 / exposure2.

    Parameters
    ----------
    n1, n2 : int
    exposure1, exposure2 : float
        In the same unit.
    method : {"score", "mover", "exact", "wald"}
        "score" inverts the score test, and has the coverage nearest to its level; "exact" never covers less than its
        level and is wide. "wald" is for comparison: it has no width when both counts are zero.
    alpha : float
    unit, labels : str, pair of str
        For printing.

    Raises
    ------
    DataError
        If a count is not whole or an exposure is not above zero.

    Notes
    -----
    Assumes independent Poisson counts. Source: Miettinen and Nurminen (1985); Zou and Donner (2008) for "mover".

    Examples
    --------
    >>> result = rate_difference(11, 12, 2, 12, unit="month")
    >>> round(result.difference, 3), round(result.low, 3), round(result.high, 3), round(result.pvalue, 4)
    (0.75, 0.192, 1.493, 0.0126)
    """
    check_level(alpha)
    if method not in DIFFERENCE_METHODS:
        known = ", ".join(DIFFERENCE_METHODS)
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {known}.")
    pair = tuple(rate(n, t, unit=unit, alpha=alpha) for n, t in ((n1, exposure1), (n2, exposure2)))
    cells = (int(n1), float(exposure1), int(n2), float(exposure2))
    low, high = (float(limit) for limit in np.concatenate(difference_interval([cells[0]], *cells[1:], alpha, method)))
    return RateDifference(
        difference=pair[0].estimate - pair[1].estimate,
        low=low,
        high=high,
        pvalue=difference_pvalue(*cells, method=method),
        rates=(pair[0], pair[1]),
        method=method,
        alpha=alpha,
        labels=labels,
    )
