"""Rates and their ratio, with exact limits; no rate without exposure.

Third floor. A rate is a count over the time in which it was counted. When that time is not known there is no
rate, only a count; when it is known as a range, the answer is a range.

Read next: kernels/exact.py (the limits), shares.py, boundary.py (is the last day special?), change.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.exact import POISSON_METHODS, poisson_interval
from exitmodels.kernels.exact_ratio import RATIO_METHODS, ratio_interval, ratio_pvalue
from exitmodels.models.counts.boundary import boundary_test
from exitmodels.models.counts.rate_results import Rate, RateRatio
from exitmodels.models.counts.shares import Shares, shares
from exitmodels.render.text import number
from exitmodels.shapes.cells import check_counts
from exitmodels.shapes.counts import Counts

__all__ = ["Rate", "RateRatio", "Shares", "boundary_test", "rate", "rate_ratio", "shares"]


def rate(
    n: Any, exposure: Any = None, *, unit: str = "", method: str = "garwood", alpha: float = 0.05, labels: Any = ()
) -> Rate:
    """Events per unit of exposure, with limits for the rate behind them.

    Parameters
    ----------
    n : int, array of int, or Counts
        Events; of a `Counts`, all its records over all its exposure.
    exposure : float, array, or (low, high) tuple
        Time observed, or people times time; above zero. A tuple says that only a range is known, and gives an
        interval answer: the low limit at the largest exposure, the high limit at the smallest.
    unit : str
        Unit of the exposure, for printing ("day", "D", "month", ...).
    method : str
        "garwood" (exact, the default), "mid-p", "blaker", "minlike", "byar", "score", "jeffreys", "wald", "log-wald",
        "anscombe" or "anscombe-corrected".
    alpha : float
        0.05 gives 95 % limits.
    labels : sequence of str, optional
        Names for an array of rates.

    Returns
    -------
    Rate

    Raises
    ------
    IdentificationError
        Without an exposure: there is then no rate, and the message gives the count with its exact interval.
    DataError
        If counts are not whole, or exposures are not above zero.

    Notes
    -----
    Assumes that events are independent and their rate is constant over the exposure; clustered events need wider
    limits. Limits below zero are moved to zero; where a method has no limits at zero events the exact ones are given,
    with a note. Source: Garwood (1936), and as in `exitmodels.kernels.exact`.

    Examples
    --------
    >>> print(rate(431, 539, unit="day"))
    0.7996 (0.7259-0.8788) per day; 431 events over 539 days; 95 % limits, garwood
    >>> print(rate(11, (6, 12), unit="month"))
    0.9167 to 1.8333 (0.4576-3.2803) per month; 11 events over 6 to 12 months; 95 % limits, garwood
    """
    if isinstance(n, Counts):
        given = n.total_exposure if exposure is None else exposure
        return rate(n.total, given, unit=unit or (n.unit if exposure is None else ""), method=method, alpha=alpha)
    _check_choice(method, POISSON_METHODS, alpha)
    count = _whole(n)
    low, high = poisson_interval(count, alpha, method)
    low, high, notes = _within_reach(count, low, high, alpha, method)
    if exposure is None:
        raise _no_exposure(count, alpha)
    facts: dict[str, Any] = {
        "unit": unit,
        "method": method,
        "alpha": alpha,
        "labels": tuple(labels),
        "notes": notes,
        "n": _out(count),
    }
    if isinstance(exposure, tuple):
        short, long = (_positive(side, count.shape) for side in _range(exposure))
        band, pairs = (_out(count / long), _out(count / short)), np.stack([short, long], axis=-1)
        estimate = _out(np.full(count.shape, np.nan))
        limits = {"low": _out(low / long), "high": _out(high / short)}
        return Rate(estimate=estimate, exposure=pairs, band=band, **limits, **facts)
    time = _positive(exposure, count.shape)
    return Rate(estimate=_out(count / time), low=_out(low / time), high=_out(high / time), exposure=_out(time), **facts)


def _check_choice(method: str, known: Any, alpha: float) -> None:
    if method not in known:
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {', '.join(known)}.")
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")


def _whole(n: Any) -> AnyArray:
    count = np.asarray(n)
    if count.dtype.kind not in "iuf":
        raise DataError(f"{n!r} is not a count.", column="n", code="count", hint="Give whole numbers, or a Counts.")
    check_counts("n", np.atleast_1d(count).ravel(), np.arange(count.size))
    return count.astype(np.int64)


def _positive(exposure: Any, shape: tuple[int, ...]) -> Floats:
    time = np.broadcast_to(np.asarray(exposure, dtype=np.float64), shape)
    bad = np.flatnonzero(~(np.isfinite(time) & (time > 0)))
    if bad.size:
        raise DataError(
            f"{bad.size} exposures are not above zero and finite (first: {time.ravel()[bad[0]]:g}).",
            column="exposure",
            rows=bad,
            code="exposure",
            hint="A rate needs the time in which the events were counted; leave out rows where nothing was observed.",
        )
    return time


def _range(exposure: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(exposure) != 2 or np.any(np.asarray(exposure[0]) > np.asarray(exposure[1])):
        raise DataError(
            f"exposure={exposure} is not a (low, high) range.",
            column="exposure",
            code="exposure",
            hint="Give (smallest, largest); for several exposures give a list or an array.",
        )
    return exposure[0], exposure[1]


def _within_reach(
    count: AnyArray, low: Floats, high: Floats, alpha: float, method: str
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """No limit below zero, and none without width or end at zero events."""
    if method not in ("wald", "log-wald", "anscombe"):
        return low, high, ()
    notes = ("limits below zero were moved to zero",) if np.any(low[count > 0] < 0) else ()
    low, zero = np.maximum(low, 0.0), count == 0
    if method != "anscombe" and zero.any():
        high = np.where(zero, poisson_interval(0, alpha)[1], high)
        notes = (*notes, f"the {method} method has no limits at zero events; the exact ones are given there")
    return low, high, notes


def _no_exposure(count: AnyArray, alpha: float) -> IdentificationError:
    low, high = poisson_interval(count, alpha)
    first = zip(np.ravel(count)[:5], np.ravel(low), np.ravel(high), strict=False)
    shown = ", ".join(f"{x} ({number(a)}-{number(b)})" for x, a, b in first)
    return IdentificationError(
        f"A rate is events over exposure, and no exposure was given. What can be said is the count, with its "
        f"{number(100 * (1 - alpha))} % exact interval: {shown}.",
        column="exposure",
        code="no-exposure",
        hint="Give exposure= as the time observed; as a (low, high) tuple if only a range is known.",
    )


def _out(value: AnyArray) -> Any:
    return value.item() if np.ndim(value) == 0 else value


def rate_ratio(
    n1: int,
    exposure1: float,
    n2: int,
    exposure2: float,
    *,
    method: str = "exact",
    alpha: float = 0.05,
    unit: str = "",
    labels: tuple[str, str] = ("first", "second"),
) -> RateRatio:
    """Ratio of the rate n1 / exposure1 to n2 / exposure2.

    Parameters
    ----------
    n1, n2 : int
    exposure1, exposure2 : float
        In the same unit.
    method : {"exact", "mid-p", "score", "wald"}
        "exact" conditions on n1 + n2 and gives Clopper-Pearson limits, with twice the smaller tail as p-value.
    alpha : float
    unit, labels : str, pair of str
        For printing.

    Raises
    ------
    DataError
        If a count is not whole or an exposure is not above zero.

    Notes
    -----
    Assumes independent Poisson counts. With zero events in one count the exact limits stay valid: (0, high), or (low,
    infinity). Source: Przyborowski and Wilenski (1940).

    Examples
    --------
    >>> result = rate_ratio(11, 1, 2, 1)
    >>> round(result.ratio, 2), round(result.low, 4), round(result.high, 4), round(result.pvalue, 4)
    (5.5, 1.2004, 51.0652, 0.0225)
    """
    _check_choice(method, RATIO_METHODS, alpha)
    pair = tuple(rate(n, t, unit=unit, alpha=alpha) for n, t in ((n1, exposure1), (n2, exposure2)))
    cells = (int(n1), float(exposure1), int(n2), float(exposure2))
    low, high = (float(limit) for limit in ratio_interval(*cells, alpha, method))
    ratio = pair[0].estimate / pair[1].estimate if n2 else np.inf if n1 else np.nan
    return RateRatio(
        ratio=float(ratio),
        low=low,
        high=high,
        pvalue=ratio_pvalue(*cells, method=method),
        pvalue_minlike=ratio_pvalue(*cells, method="minlike"),
        rates=(pair[0], pair[1]),
        method=method,
        alpha=alpha,
        labels=labels,
    )
