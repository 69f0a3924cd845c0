"""Rates that can be compared although groups differ in age, place or anything else: standardised rates and SMR.

Third floor. Direct: each stratum's rate, weighted as in a standard population. Indirect: the events seen over those
expected if the standard's rates held.

Read next: standardise_results.py, kernels/standardised.py (the limits), rates.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.exact import POISSON_METHODS
from exitmodels.kernels.standardised import STANDARD_METHODS, standard_moments
from exitmodels.models.counts.grouped import grouped_cells
from exitmodels.models.counts.standardise_results import (
    StandardisedRate,
    StandardisedRatio,
    count_limits,
    standard_limits,
)
from exitmodels.results.estimates import check_level
from exitmodels.shapes.cells import check_counts, check_exposure
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.ledger import Ledger

__all__ = ["StandardisedRate", "StandardisedRatio", "smr", "standardised_rate"]


def standardised_rate(
    n: Any,
    exposure: Any = None,
    standard: Any = None,
    *,
    over: str | None = None,
    by: str | Sequence[str] | None = None,
    method: str = "fay-feuer",
    alpha: float = 0.05,
    labels: Sequence[str] = (),
    unit: str = "",
) -> StandardisedRate:
    """Rate that a standard population would have, given each group's rates by stratum.

    Parameters
    ----------
    n : Counts, or (strata,) or (groups, strata) array of int
    exposure : array of the shape of `n`
        Above zero; of `Counts`, by default their own.
    standard : (strata,) array, or mapping from stratum to size
        The standard population. Its scale does not matter.
    over : str
        For `Counts`: the key whose values are the strata.
    by : str or list of str, optional
        For `Counts`: the groups.
    method : {"fay-feuer", "tiwari", "dobson", "normal", "lognormal"}
        How limits are made; "fay-feuer" (gamma) keeps its level with few events, "dobson" does not.
    alpha : float
    labels : sequence of str
        Names of the groups of an array.
    unit : str
        For printing.

    Raises
    ------
    DataError
        If a stratum has no exposure (its rate is then unknown), counts are not whole, or the standard does not
        name each stratum.

    Notes
    -----
    Assumes independent Poisson counts. Source: Fay and Feuer (1997); Tiwari, Clegg and Zou (2006); Dobson et
    al. (1991).

    Examples
    --------
    >>> result = standardised_rate([[2, 8], [5, 1]], [[10, 20], [30, 5]], [1, 1], labels=["a", "b"])
    >>> result.to_frame().round(3).loc["a"].tolist()
    [10.0, 30.0, 0.333, 0.3, 0.1, 0.137, 0.601]
    """
    check_level(alpha)
    if method not in STANDARD_METHODS:
        known = ", ".join(STANDARD_METHODS)
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {known}.")
    table = _strata(n, exposure, over, by, labels, "standardised_rate")
    share = _standard(standard, table.strata)
    low, high, notes = standard_limits(table.n, table.exposure, share, alpha, method)
    rate, variance = standard_moments(table.n, table.exposure, share)
    return StandardisedRate(
        names=table.groups,
        estimate=rate,
        low=low,
        high=high,
        crude=table.n.sum(axis=-1) / table.exposure.sum(axis=-1),
        se=np.sqrt(variance),
        n=table.n,
        exposure=table.exposure,
        share=share,
        strata=table.strata,
        method=method,
        alpha=alpha,
        unit=unit or table.unit,
        notes=notes,
        ledger=table.ledger,
    )


def smr(
    n: Any,
    expected: Any = None,
    *,
    exposure: Any = None,
    reference: Any = None,
    over: str | None = None,
    by: str | Sequence[str] | None = None,
    method: str = "garwood",
    alpha: float = 0.05,
    labels: Sequence[str] = (),
) -> StandardisedRatio:
    """Events seen over events expected (indirect standardisation), with exact limits.

    Parameters
    ----------
    n : int, array of int, or Counts
        Events: in all when `expected` is given, else by stratum, (strata,) or (groups, strata).
    expected : float or array, optional
        Events expected.
    exposure : array, optional
        Of the shape of `n`, when `expected` is not given.
    reference : (strata,) array, or mapping from stratum to rate
        Rates of the standard; events expected are these times the exposure.
    over, by : str
        For `Counts`: the strata, and the groups.
    method : str
        As in `rate`: "garwood" (exact), "byar", "mid-p", ...
    alpha : float
    labels : sequence of str

    Raises
    ------
    DataError
        If expected events are not above zero, counts are not whole, or rates are negative.

    Notes
    -----
    The standard's rates are taken as known. Source: Breslow and Day (1987), section 2.3.

    Examples
    --------
    >>> result = smr(35, 6.646)
    >>> [round(float(v), 4) for v in (result.estimate[0], result.low[0], result.high[0])]
    [5.2663, 3.6682, 7.3242]
    """
    check_level(alpha)
    if method not in POISSON_METHODS:
        known = ", ".join(POISSON_METHODS)
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {known}.")
    ledger: Ledger | None = None
    if expected is None:
        table = _strata(n, exposure, over, by, labels, "smr")
        rates = _named_values(reference, table.strata, "reference")
        seen, wanted, names, ledger = table.n.sum(axis=-1), table.exposure @ rates, table.groups, table.ledger
    else:
        seen = np.atleast_1d(np.asarray(n.total if isinstance(n, Counts) else n, dtype=np.float64)).ravel()
        wanted = np.broadcast_to(np.asarray(expected, dtype=np.float64), seen.shape)
        names = tuple(labels) or (("all",) if len(seen) == 1 else tuple(str(i + 1) for i in range(len(seen))))
        check_counts("n", seen, np.arange(len(seen)))
    bad = np.flatnonzero(~(np.isfinite(wanted) & (wanted > 0)))
    if bad.size:
        raise DataError(
            f"{bad.size} numbers of expected events are not above zero (first: {wanted[bad[0]]:g}).",
            column="expected",
            rows=bad,
            code="expected",
            hint="Check the reference rates and the exposure.",
        )
    low, high, notes = count_limits(seen, alpha, method)
    return StandardisedRatio(
        names=names,
        estimate=seen / wanted,
        low=low / wanted,
        high=high / wanted,
        observed=seen,
        expected=wanted,
        method=method,
        alpha=alpha,
        measure="standardised ratio (observed / expected)",
        notes=notes,
        ledger=ledger,
    )


# ---- strata ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Strata:
    """Counts and exposures by group and stratum (groups, strata)."""

    groups: tuple[str, ...]
    strata: tuple[str, ...]
    n: Floats
    exposure: Floats
    unit: str = ""
    ledger: Ledger | None = None


def _strata(
    n: Any, exposure: Any, over: str | None, by: str | Sequence[str] | None, labels: Sequence[str], what: str
) -> _Strata:
    table = _from_counts(n, exposure, over, by, what) if isinstance(n, Counts) else _from_arrays(n, exposure, labels)
    rows = np.arange(table.n.size)
    check_counts("n", table.n.ravel(), rows)
    check_exposure("exposure", table.n.ravel(), table.exposure.ravel(), rows)
    empty = np.argwhere(table.exposure <= 0)
    if len(empty):
        g, s = empty[0]
        raise DataError(
            f"{len(empty)} strata have no exposure (first: {table.strata[s]} of {table.groups[g]}), so their "
            "rates are unknown.",
            column="exposure",
            code="exposure",
            hint="Merge strata so that each group has exposure in each of them.",
        )
    return table


def _from_arrays(n: Any, exposure: Any, labels: Sequence[str]) -> _Strata:
    counts, time = np.atleast_2d(np.asarray(n, dtype=np.float64)), np.atleast_2d(np.asarray(exposure, dtype=np.float64))
    if counts.shape != time.shape or counts.ndim != 2:
        raise DataError(
            f"Counts have shape {counts.shape} and exposures {time.shape}.",
            column="exposure",
            code="shape",
            hint="Give both by stratum, or by group and stratum.",
        )
    groups = tuple(labels) or (("all",) if len(counts) == 1 else tuple(str(i + 1) for i in range(len(counts))))
    return _Strata(groups, tuple(str(i + 1) for i in range(counts.shape[1])), counts, time)


def _from_counts(counts: Counts, exposure: Any, over: str | None, by: Any, what: str) -> _Strata:
    if over is None:
        raise DataError(
            "The strata are not named.", column="over", code="over", hint="Give over= the key whose values are strata."
        )
    names = [by] if isinstance(by, str) else list(by or ())
    made = grouped_cells(counts, [*names, over], what, exposure)
    strata_of = counts.keys[over].decoded()[made.first] if over != "period" else counts.period[made.first]
    group_of = [str(label).rpartition(", ")[0] or "all" for label in made.labels]
    groups, strata = tuple(dict.fromkeys(group_of)), tuple(dict.fromkeys(str(s) for s in strata_of))
    n, time = np.zeros((len(groups), len(strata))), np.zeros((len(groups), len(strata)))
    for label, stratum, x, t in zip(group_of, strata_of, made.n, made.exposure, strict=True):
        place = groups.index(label), strata.index(str(stratum))
        n[place], time[place] = x, t
    return _Strata(groups, strata, n, time, counts.unit, counts.ledger)


def _named_values(given: Any, strata: tuple[str, ...], what: str) -> Floats:
    """One value for each stratum, by name or in order."""
    if given is None:
        raise DataError(f"{what}= is not given.", column=what, code=what, hint="Give one value for each stratum.")
    if isinstance(given, Mapping) or (hasattr(given, "items") and set(strata) <= {str(key) for key in given.index}):
        known = {str(key): float(value) for key, value in given.items()}
        absent = [name for name in strata if name not in known]
        if absent:
            raise DataError(
                f"{what} does not name the stratum {absent[0]!r}.",
                column=what,
                code=what,
                hint=f"Strata: {', '.join(strata)}.",
            )
        values = np.array([known[name] for name in strata])
    else:
        values = np.asarray(given, dtype=np.float64)
    if values.shape != (len(strata),) or not np.isfinite(values).all() or np.any(values < 0) or not values.any():
        raise DataError(
            f"{what} must have one value of zero or more for each of {len(strata)} strata.",
            column=what,
            code=what,
            hint=f"Strata: {', '.join(strata)}.",
        )
    return values


def _standard(given: Any, strata: tuple[str, ...]) -> Floats:
    values = _named_values(given, strata, "standard")
    return np.asarray(values / values.sum(), dtype=np.float64)
