"""Actuarial life tables: counts in intervals, and what follows from them.

Ground floor. Those who enter late, or are lost, within an interval count half in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints

__all__ = ["LifeColumns", "LifeCounts", "count_intervals", "life_columns", "place", "robust_errors"]


@dataclass(frozen=True, eq=False)
class LifeCounts:
    """Counts in each of k intervals.

    Attributes
    ----------
    present : (k,)
        At the beginning of the interval.
    entered, lost, left : (k,)
        Late entries, censorings and exits within it.
    """

    present: Floats
    entered: Floats
    lost: Floats
    left: Floats

    @property
    def exposed(self) -> Floats:
        """People at risk, late entries and losses counted half."""
        return self.present + (self.entered - self.lost) / 2


@dataclass(frozen=True, eq=False)
class LifeColumns:
    """Estimates for each interval; NaN where the width is infinite or nobody is exposed.

    Attributes
    ----------
    exposed, share : (k,)
        Effective number at risk, and exits over it.
    survival, density, hazard : (k,)
        Survival at the beginning; density and hazard at the middle, per unit of time.
    survival_se, density_se, hazard_se : (k,)
    median_rest, median_rest_se : (k,)
        Median time still to go at the beginning.
    """

    exposed: Floats
    share: Floats
    survival: Floats
    density: Floats
    hazard: Floats
    survival_se: Floats
    density_se: Floats
    hazard_se: Floats
    median_rest: Floats
    median_rest_se: Floats


def place(times: AnyArray, edges: Floats, closed: str) -> Ints:
    """Interval that holds each time: [a, b) when closed on the left, (a, b] on the right."""
    return np.searchsorted(edges, times, side="right" if closed == "left" else "left") - 1


def count_intervals(
    exit: AnyArray, left: Bools, edges: Floats, entry: AnyArray | None, weight: Floats, closed: str = "left"
) -> LifeCounts:
    """Count people in intervals between `edges` (k + 1, the last may be infinite).

    Notes
    -----
    Somebody who enters exactly at an edge is present at the beginning of the interval after it. Exits at or
    beyond the last edge are still present there, and counted nowhere.
    """
    k = len(edges) - 1
    at = place(exit, edges, closed)
    inside = (at >= 0) & (at < k)
    lost = np.bincount(at[inside & ~left], weight[inside & ~left], k)
    gone = np.bincount(at[inside & left], weight[inside & left], k)
    begin: Ints = np.zeros(len(exit), dtype=np.int64)
    entered: Floats = np.zeros(k)
    if entry is not None:
        begin = np.searchsorted(edges, entry, side="left")
        late = (begin > 0) & (begin <= k)
        entered = np.bincount(begin[late] - 1, (weight * _strictly(entry, edges, begin))[late], k)
    starts = np.bincount(np.minimum(begin, k), weight, k + 1)[:k]
    leaves = np.bincount(np.clip(at, 0, k), weight, k + 1)
    present = np.cumsum(starts) - np.concatenate([[0.0], np.cumsum(leaves)[: k - 1]])
    return LifeCounts(present, entered, lost, gone)


def _strictly(entry: AnyArray, edges: Floats, begin: Ints) -> Floats:
    """1 for entries inside an interval; 0 for those at an edge, who are there from its beginning."""
    at = edges[np.minimum(begin, len(edges) - 1)] == entry
    return np.where(at, 0.0, 1.0)


def life_columns(counts: LifeCounts, edges: Floats) -> LifeColumns:
    """Turn counts into the columns of a life table.

    Notes
    -----
    Source: Gehan (1969); Klein & Moeschberger (2003), section 5.4; Greenwood (1926) for survival.
    """
    exposed, left = counts.exposed, counts.left
    width = np.diff(edges)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(exposed > 0, left / exposed, np.nan)
        stay = 1.0 - share
        full = np.cumprod(np.where(exposed > 0, stay, 1.0))
        survival = np.concatenate([[1.0], full[:-1]])
        odds = np.where(left > 0, share / (exposed * stay), 0.0)
        earlier = np.concatenate([[0.0], np.cumsum(odds)[:-1]])
        density = np.where(np.isfinite(width), survival * share / width, np.nan)
        hazard = np.where(np.isfinite(width), 2 * share / (width * (1 + stay)), np.nan)
        survival_se = np.where(survival > 0, survival * np.sqrt(earlier), 0.0)
        density_se = density * np.sqrt(earlier + np.where(left > 0, stay / (exposed * share), 0.0))
        hazard_se = hazard * np.sqrt((1 - (hazard * width / 2) ** 2) / np.where(left > 0, left, np.nan))
        hazard_se = np.where((left == 0) & np.isfinite(width), 0.0, hazard_se)
    rest, rest_se = _median_rest(survival, full, density, exposed, edges)
    return LifeColumns(exposed, share, survival, density, hazard, survival_se, density_se, hazard_se, rest, rest_se)


def _median_rest(
    survival: Floats, after: Floats, density: Floats, exposed: Floats, edges: Floats
) -> tuple[Floats, Floats]:
    """Time from the beginning of each interval until half of those present have left, by straight lines."""
    half = survival / 2
    j = np.array([np.argmax(after <= h + 1e-15) if after[-1] <= h + 1e-15 else -1 for h in half])
    reached = (j >= 0) & np.isfinite(edges[j + 1]) & (survival > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        into = (survival[j] - half) / density[j]
        rest = np.where(reached, edges[j] + into - edges[:-1], np.nan)
        spread = np.where(reached, half / (density[j] * np.sqrt(exposed)), np.nan)
    return rest, spread


def robust_errors(
    exit: AnyArray,
    left: Bools,
    edges: Floats,
    entry: AnyArray | None,
    closed: str,
    columns: LifeColumns,
    weight: Floats,
    copies: bool,
    cluster: Ints | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Standard errors by the infinitesimal jackknife over rows, or over clusters.

    Parameters
    ----------
    weight : (n,)
    copies : bool
        Whether a weight counts separate people.
    cluster : (n,) int, optional
        Codes 0, 1, ...

    Returns
    -------
    survival_se, density_se, hazard_se : (k,)

    Notes
    -----
    With D exits and E exposed, one more row moves log S by -(dD - q dE) / (E - D) in each interval it meets.
    One interval at a time, so that nothing of size rows x intervals is held.
    """
    k, width = len(edges) - 1, np.diff(edges)
    at = place(exit, edges, closed)
    begin = np.zeros(len(exit), dtype=np.int64) if entry is None else np.searchsorted(edges, entry, side="left")
    halfway = np.zeros(len(exit), dtype=bool) if entry is None else _strictly(entry, edges, begin) > 0
    out = np.zeros((3, k))
    moved = np.zeros(len(exit))

    def spread(push: Floats) -> float:
        if cluster is not None:
            return float(np.sqrt(np.sum(np.bincount(cluster, weight * push) ** 2)))
        return float(np.sqrt(np.sum((weight if copies else weight**2) * push**2)))

    with np.errstate(divide="ignore", invalid="ignore"):
        for j in range(k):
            share = columns.share[j]
            exposure = 1.0 * ((begin <= j) & (at >= j)) + 0.5 * (halfway & (begin - 1 == j) & (at >= j))
            exposure -= 0.5 * ((at == j) & ~left)
            own = (((at == j) & left) - share * exposure) / columns.exposed[j]
            out[0, j] = spread(columns.survival[j] * moved)
            out[1, j] = spread(columns.density[j] * moved + columns.survival[j] * own / width[j])
            out[2, j] = spread(own * 4 / (width[j] * (2 - share) ** 2))
            moved = moved - (own / (1 - share) if share < 1 else np.zeros(len(own)))
    out[1:, ~np.isfinite(width)] = np.nan
    return out[0], out[1], out[2]
