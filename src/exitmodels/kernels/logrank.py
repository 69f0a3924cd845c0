"""Weighted log-rank statistics from tables of people at risk and exits by group.

Ground floor. The tables of one stratum are (g, k): groups by event times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.kernels.grouped import Days, ranks, whole_days
from exitmodels.kernels.tables import histogram

__all__ = [
    "FAMILIES",
    "chi_squared",
    "joint_score",
    "merged_steps",
    "risk_tables",
    "score",
    "time_weights",
    "timed_risk_tables",
    "total_scores",
]

FAMILIES = ("logrank", "gehan", "tarone-ware", "peto", "modified-peto", "prentice", "fleming-harrington")


def risk_tables(
    entry: AnyArray | None,
    exit: AnyArray,
    event: Ints,
    group: Ints,
    n_groups: int,
    weight: Floats | None = None,
    stratum: Ints | None = None,
    n_strata: int = 1,
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Give, for each stratum, people at risk and exits over its event times, (g, k) each, and group sizes, (g,).

    Notes
    -----
    Whole days and few strata: one pass over all rows. Otherwise each stratum is sorted on its own.
    """
    for _, *table in timed_risk_tables(entry, exit, event, group, n_groups, weight, stratum, n_strata):
        yield table[0], table[1], table[2]


def timed_risk_tables(
    entry: AnyArray | None,
    exit: AnyArray,
    event: Ints,
    group: Ints,
    n_groups: int,
    weight: Floats | None = None,
    stratum: Ints | None = None,
    n_strata: int = 1,
) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
    """The event times themselves, (k,), before what `risk_tables` gives for each stratum."""
    days = whole_days(exit)
    entry_days = None if entry is None or days is None else whole_days(entry)
    counted = days is not None and (entry is None or entry_days is not None)
    if days is not None and counted and n_strata * n_groups * (days.high - days.low + 1) <= max(1 << 21, 2 * len(exit)):
        both = group if stratum is None else stratum * n_groups + group
        counts, enters, low = histogram(days, event, 1, entry_days, weight, both, n_strata * n_groups)
        moments = np.arange(low, low + counts.shape[-1])
        for s in range(n_strata):
            own = slice(s * n_groups, (s + 1) * n_groups)
            yield _at_event_times(moments, counts[own], None if enters is None else enters[own])
        return
    for rows in _each_stratum(stratum, n_strata, len(exit)):
        levels, codes = ranks(exit[rows]) if entry is None else ranks(exit[rows], entry[rows])
        coded = [Days(code, int(code.min()), int(code.max())) for code in codes]
        begins = None if entry is None else coded[1]
        own_weight = None if weight is None else weight[rows]
        counts, enters, low = histogram(coded[0], event[rows], 1, begins, own_weight, group[rows], n_groups)
        yield _at_event_times(levels[low : low + counts.shape[-1]], counts, enters)


def _each_stratum(stratum: Ints | None, n_strata: int, n: int) -> Iterator[AnyArray]:
    if stratum is None:
        yield np.arange(n)
        return
    order = np.argsort(stratum, kind="stable")
    cuts = np.searchsorted(stratum[order], np.arange(n_strata + 1))
    for s in range(n_strata):
        if cuts[s] < cuts[s + 1]:
            yield order[cuts[s] : cuts[s + 1]]


def _at_event_times(
    moments: AnyArray, counts: AnyArray, enters: AnyArray | None
) -> tuple[Floats, Floats, Floats, Floats]:
    exits = counts[:, 1]
    leaving = counts.sum(axis=1)
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    if enters is not None:
        at_risk = at_risk - np.cumsum(enters[:, ::-1], axis=1)[:, ::-1]
    keep = np.flatnonzero(exits.sum(axis=0))
    times = moments[keep].astype(np.float64)
    return times, at_risk[:, keep].astype(np.float64), exits[:, keep].astype(np.float64), leaving.sum(axis=1)


def time_weights(at_risk: Floats, events: Floats, family: str, rho: float = 0.0, gamma: float = 0.0) -> Floats | None:
    """Weight of each event time, from the pooled sample; None for the log-rank test.

    Parameters
    ----------
    at_risk, events : (k,)
        Over all groups.
    family : str
        One of FAMILIES. "fleming-harrington" is S(t-)^rho (1 - S(t-))^gamma with the pooled Kaplan-Meier
        estimate; "peto" is the product of 1 - d / (Y + 1) up to t; "modified-peto" that times Y / (Y + 1);
        "prentice" the product of Y / (Y + d), which differs from "peto" where exits are tied.

    Notes
    -----
    Source: Gehan (1965); Tarone & Ware (1977); Peto & Peto (1972); Fleming & Harrington (1991), section 7.2;
    Klein & Moeschberger (2003), section 7.3; Prentice (1978).
    """
    if family == "logrank":
        return None
    if family == "gehan":
        return at_risk
    if family == "tarone-ware":
        return np.sqrt(at_risk)
    if family in ("peto", "modified-peto"):
        peto = np.cumprod(1.0 - events / (at_risk + 1.0))
        return peto if family == "peto" else peto * at_risk / (at_risk + 1.0)
    if family == "prentice":
        return np.cumprod(at_risk / (at_risk + events))
    before = np.concatenate([[1.0], np.cumprod(1.0 - events / at_risk)[:-1]])
    return before**rho * (1.0 - before) ** gamma


def score(at_risk: Floats, events: Floats, weight: Floats | None) -> tuple[Floats, Floats, Floats, Floats]:
    """Observed and expected exits, weighted score and its hypergeometric covariance, of one stratum.

    Parameters
    ----------
    at_risk, events : (g, k)
    weight : (k,) or None

    Returns
    -------
    observed, expected, score : (g,)
    covariance : (g, g)

    Notes
    -----
    Source: Mantel (1966); Klein & Moeschberger (2003), eq. 7.3.2-7.3.5.
    """
    total, deaths = at_risk.sum(axis=0), events.sum(axis=0)
    hazard = deaths / total
    w = 1.0 if weight is None else weight
    spread = np.where(total > 1, hazard * (total - deaths) / np.maximum(total - 1.0, 1.0), 0.0) * (w * w)
    covariance = np.diag(at_risk @ spread) - (at_risk * (spread / total)) @ at_risk.T
    observed, expected = events.sum(axis=1), at_risk @ hazard
    if weight is None:
        return observed, expected, observed - expected, covariance
    return observed, expected, (events - at_risk * hazard) @ weight, covariance


def joint_score(at_risk: Floats, events: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Scores under several weights, and their joint covariance over weights and groups, of one stratum.

    Parameters
    ----------
    at_risk, events : (g, k)
    weights : (j, k)

    Returns
    -------
    score : (j, g)
    covariance : (j, g, j, g)

    Notes
    -----
    The scores share their increments, so weights w and v have covariance sum w v dV over event times, with dV the
    hypergeometric covariance of the exits of one time. Cost: O(j^2 g^2 k). Source: Tarone (1981); Karrison (2016).
    """
    total, deaths = at_risk.sum(axis=0), events.sum(axis=0)
    hazard = deaths / total
    spread = np.where(total > 1, hazard * (total - deaths) / np.maximum(total - 1.0, 1.0), 0.0)
    (j, _), g = weights.shape, len(at_risk)
    covariance = np.empty((j, g, j, g))
    for a in range(j):
        for b in range(a + 1):
            own = spread * weights[a] * weights[b]
            part = np.diag(at_risk @ own) - (at_risk * (own / total)) @ at_risk.T
            covariance[a, :, b], covariance[b, :, a] = part, part
    return weights @ (events - at_risk * hazard).T, covariance


def merged_steps(times: list[Floats], *steps: list[Floats]) -> tuple[Floats, ...]:
    """Put the steps of several strata on one grid of distinct times: those of one time are added.

    Returns
    -------
    times : (k,)
    steps : (k,) for each list given
    """
    grid, (place,) = ranks(np.concatenate(times))
    return grid, *(np.bincount(place, np.concatenate(step), len(grid)) for step in steps)


def chi_squared(score: Floats, covariance: Floats) -> tuple[float, int]:
    """Quadratic form over the groups that were ever at risk with others, and its degrees of freedom."""
    use = np.flatnonzero(np.diag(covariance) > 1e-12 * max(float(np.trace(covariance)), 1e-300))
    if use.size < 2:
        return 0.0, 0
    kept = use[:-1]
    part = covariance[np.ix_(kept, kept)]
    inverse = np.linalg.pinv(part, rcond=1e-10, hermitian=True)
    return float(score[kept] @ inverse @ score[kept]), int(np.linalg.matrix_rank(part, tol=1e-10 * np.trace(part)))


def total_scores(
    tables: Iterable[tuple[Floats, Floats, Floats]], n_groups: int, family: str, rho: float = 0.0, gamma: float = 0.0
) -> list[Floats]:
    """Size, observed, expected, score, (g,) each, and covariance, (g, g), added over the tables of all strata."""
    totals = [*np.zeros((4, n_groups)), np.zeros((n_groups, n_groups))]
    for at_risk, events, sizes in tables:
        weight = time_weights(at_risk.sum(axis=0), events.sum(axis=0), family, rho, gamma)
        for total, part in zip(totals, (sizes, *score(at_risk, events, weight)), strict=True):
            total += part
    return totals
