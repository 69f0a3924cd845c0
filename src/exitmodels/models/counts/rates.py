"""Rates and their ratio, with exact limits; no rate without exposure.

Third floor. A rate is a count over the time in which it was counted. When that time is not known there is no
rate, only a count; when it is known as a range, the answer is a range.

Read next: kernels/exact.py (the limits), shares.py, boundary.py (is the last day special?), change.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.estimated_exposure import ESTIMATED_METHODS, estimated_exposure_interval, log_variance
from exitmodels.kernels.exact import POISSON_METHODS, poisson_interval
from exitmodels.kernels.exact_ratio import RATIO_METHODS, ratio_interval, ratio_pvalue
from exitmodels.models.counts.boundary import boundary_test
from exitmodels.models.counts.grouped import grouped_cells
from exitmodels.models.counts.rate_results import Rate, RateRatio, within_reach
from exitmodels.models.counts.shares import Shares, shares
from exitmodels.render.text import number
from exitmodels.shapes.cells import check_counts
from exitmodels.shapes.counts import Counts

__all__ = ["Rate", "RateRatio", "Shares", "boundary_test", "rate", "rate_ratio", "shares"]


def rate(
    n: Any,
    exposure: Any = None,
    *,
    exposure_se: Any = None,
    covariance: Any = 0.0,
    by: str | Sequence[str] | None = None,
    unit: str = "",
    method: str | None = None,
    alpha: float = 0.05,
    labels: Any = (),
) -> Rate:
    """Events per unit of exposure, with limits for the rate behind them.

    Parameters
    ----------
    n : int, array of int, or Counts
        Events; of a `Counts`, all its records over all its exposure, or those of each group in `by`.
    exposure : float, array, or (low, high) tuple
        Time observed, or people times time; above zero. A tuple says that only a range is known, and gives an
        interval answer: the low limit at the largest exposure, the high limit at the smallest. With `Counts`, an
        array (or pair of arrays) has one value for each cell, as `Counts.person_time` gives them.
    exposure_se : float or array, optional
        Standard error of the exposure, when it is itself an estimate (a population from two lists, say).
    covariance : float or array
        Of the count and an estimated exposure, when one source gave both.
    by : str or list of str, optional
        For `Counts`: keys, or "period".
    unit : str
        Unit of the exposure, for printing ("day", "D", "month", ...).
    method : str, optional
        "garwood" (exact, the default), "mid-p", "blaker", "minlike", "byar", "score", "jeffreys", "wald", "log-wald",
        "anscombe" or "anscombe-corrected". With `exposure_se`: "delta-log" (the default), "fieller" or "mover".
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
    with a note. Source: Garwood (1936), and as in `exitmodels.kernels.exact`; for estimated exposures
    `exitmodels.kernels.estimated_exposure`.

    Examples
    --------
    >>> print(rate(431, 539, unit="day"))
    0.7996 (0.7259-0.8788) per day; 431 events over 539 days; 95 % limits, garwood
    >>> print(rate(11, (6, 12), unit="month"))
    0.9167 to 1.8333 (0.4576-3.2803) per month; 11 events over 6 to 12 months; 95 % limits, garwood
    >>> print(rate(11, 626, exposure_se=147.3))
    0.0176 (0.0083-0.0372); 11 events over 626; 95 % limits, delta-log; 38 % of the variance comes from the estimated \
exposure
    """
    if isinstance(n, Counts):
        options: dict[str, Any] = {"exposure_se": exposure_se, "covariance": covariance, "method": method}
        return _of_counts(n, exposure, by, unit, alpha, options)
    if by is not None:
        raise DataError("by= chooses among the keys of Counts.", code="by", hint="Give labels= to name an array.")
    estimated = exposure_se is not None
    method = method or ("delta-log" if estimated else "garwood")
    _check_choice(method, ESTIMATED_METHODS if estimated else POISSON_METHODS, alpha)
    count = _whole(n)
    if exposure is None:
        raise _no_exposure(count, alpha)
    facts: dict[str, Any] = {"unit": unit, "method": method, "alpha": alpha, "labels": tuple(labels), "n": _out(count)}
    if estimated:
        return _estimated(count, exposure, exposure_se, covariance, facts)
    low, high, notes = within_reach(count, *poisson_interval(count, alpha, method), alpha, method)
    facts["notes"] = notes
    if isinstance(exposure, tuple):
        short, long = (_positive(side, count.shape) for side in _range(exposure))
        band, pairs = (_out(count / long), _out(count / short)), np.stack([short, long], axis=-1)
        estimate = _out(np.full(count.shape, np.nan))
        limits = {"low": _out(low / long), "high": _out(high / short)}
        return Rate(estimate=estimate, exposure=pairs, band=band, **limits, **facts)
    time = _positive(exposure, count.shape)
    return Rate(estimate=_out(count / time), low=_out(low / time), high=_out(high / time), exposure=_out(time), **facts)


def _of_counts(
    counts: Counts, exposure: Any, by: str | Sequence[str] | None, unit: str, alpha: float, options: dict[str, Any]
) -> Rate:
    """Sum the cells of each group, and the exposure given for cells (or one exposure for all)."""
    per_cell = exposure is not None and any(np.ndim(side) for side in _sides(exposure))
    n: Any
    if per_cell or exposure is None:
        sides = [grouped_cells(counts, by, "rate", side) for side in _sides(exposure)]
        time: Any = sides[0].exposure if len(sides) == 1 else tuple(side.exposure for side in sides)
        n, labels = sides[0].n, sides[0].labels
    else:
        made = grouped_cells(counts, by, "rate")
        n, time, labels = made.n, exposure, made.labels
    if by is None:
        n, labels = int(n[0]), ()
        time = tuple(float(np.ravel(t)[0]) for t in time) if isinstance(time, tuple) else float(np.ravel(time)[0])
    found = rate(n, time, unit=unit or (counts.unit if exposure is None else ""), alpha=alpha, labels=labels, **options)
    return replace(found, ledger=counts.ledger)


def _sides(exposure: Any) -> tuple[Any, ...]:
    return exposure if isinstance(exposure, tuple) else (exposure,)


def _estimated(count: AnyArray, exposure: Any, se: Any, covariance: Any, facts: dict[str, Any]) -> Rate:
    """A rate over an exposure that has a standard error."""
    if isinstance(exposure, tuple):
        raise DataError(
            "The exposure is a range, and has a standard error.",
            column="exposure",
            code="exposure",
            hint="Give the range, or the estimate with its standard error.",
        )
    time = _positive(exposure, count.shape)
    error = _positive(se, count.shape, "exposure_se")
    shared = np.broadcast_to(np.asarray(covariance, dtype=np.float64), count.shape)
    variance, share = log_variance(np.asarray(count, dtype=np.float64), time, error, shared)
    bad = np.flatnonzero((count > 0) & ~(variance > 0))
    if bad.size:
        raise DataError(
            "The covariance of count and exposure is larger than their variances allow.",
            column="covariance",
            rows=bad,
            code="covariance",
            hint="It cannot exceed the product of the two standard errors.",
        )
    low, high = estimated_exposure_interval(count, time, error, facts["alpha"], facts["method"], shared)
    notes: tuple[str, ...] = ()
    if np.any(count == 0) and facts["method"] != "mover":
        notes = (f"the {facts['method']} method has no limits at zero events; those of mover are given there",)
    if np.isinf(high).any():
        notes = (*notes, "the exposure could be zero at this level, so the rate has no upper limit")
    if np.any(shared != 0) and facts["method"] == "mover":
        notes = (*notes, "mover takes count and exposure as independent")
    return Rate(
        estimate=_out(count / time),
        low=_out(low),
        high=_out(high),
        exposure=_out(time),
        exposure_se=_out(error),
        covariance=_out(shared),
        denominator_share=_out(share),
        notes=notes,
        **facts,
    )


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


def _positive(exposure: Any, shape: tuple[int, ...], name: str = "exposure") -> Floats:
    time = np.broadcast_to(np.asarray(exposure, dtype=np.float64), shape)
    bad = np.flatnonzero(~(np.isfinite(time) & (time > 0)))
    if bad.size:
        raise DataError(
            f"{bad.size} {'exposures' if name == 'exposure' else 'values'} are not above zero and finite "
            f"(first: {time.ravel()[bad[0]]:g}).",
            column=name,
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
