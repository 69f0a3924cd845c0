"""Gray's test: do cumulative incidences of one cause differ between groups?

Ground floor. The tables of one stratum are (g, k): groups by the times at which someone left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.kernels.grouped import Days, ranks, whole_days
from exitmodels.kernels.tables import histogram

__all__ = ["GrayTables", "gray_score", "gray_tables"]


@dataclass(frozen=True, eq=False)
class GrayTables:
    """One stratum.

    Attributes
    ----------
    at_risk, events, others : (g, k)
        People at risk just before each time, exits for the cause in question, and exits for other causes.
    """

    at_risk: Floats
    events: Floats
    others: Floats

    def emptied(self) -> Floats:
        """Whether a group has people at risk after all those seen before had left, (g,) bool (late entry only)."""
        gone = np.cumsum((self.at_risk > 0) & (self.events + self.others >= self.at_risk), axis=1)
        return np.asarray(np.any((gone[:, :-1] > 0) & (self.at_risk[:, 1:] > 0), axis=1))


def gray_tables(
    entry: AnyArray | None,
    exit: AnyArray,
    kind: Ints,
    group: Ints,
    n_groups: int,
    weight: Floats | None = None,
    stratum: Ints | None = None,
) -> Iterator[tuple[GrayTables, Floats]]:
    """Give the tables of each stratum, and the size of each group in it, (g,).

    Parameters
    ----------
    kind : (n,) int
        0 not left, 1 left for the cause in question, 2 left for another.
    """
    order = np.arange(len(exit)) if stratum is None else np.argsort(stratum, kind="stable")
    cuts = np.array([]) if stratum is None else np.flatnonzero(np.diff(stratum[order])) + 1
    for rows in np.split(order, cuts.astype(np.int64)):
        days = whole_days(exit[rows])
        begins = None if entry is None or days is None else whole_days(entry[rows])
        if days is None or (entry is not None and begins is None):
            codes = ranks(exit[rows])[1] if entry is None else ranks(exit[rows], entry[rows])[1]
            days, *others = (Days(code, int(code.min()), int(code.max())) for code in codes)
            begins = others[0] if others else None
        own = None if weight is None else weight[rows]
        exits, entries, _ = histogram(days, kind[rows], 2, begins, own, group[rows], n_groups)
        leaving = exits.sum(axis=1)
        at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
        if entries is not None:
            at_risk = at_risk - np.cumsum(entries[:, ::-1], axis=1)[:, ::-1]
        keep = np.flatnonzero(exits[:, 1:].sum(axis=(0, 1)))
        y, d, o = (v[:, keep].astype(np.float64) for v in (at_risk, exits[:, 1], exits[:, 2]))
        yield GrayTables(y, d, o), leaving.sum(axis=1)


@dataclass(frozen=True, eq=False)
class _Curves:
    """Running estimates that the statistic is made of.

    Attributes
    ----------
    before, after : (g, k)
        Kaplan-Meier estimate for exits of any kind, just before and at each time.
    size : (g, k)
        h: people at risk over the chance of being there, an estimate of those at risk had nobody left.
    total : (k,)
        Sum of `size` over the groups.
    gone_before, gone : (k,)
        Common incidence of the cause, just before and at each time.
    """

    before: Floats
    after: Floats
    size: Floats
    total: Floats
    gone_before: Floats
    gone: Floats


def gray_score(tables: GrayTables, rho: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Observed and expected exits, score and its covariance, of one stratum.

    Parameters
    ----------
    rho : float
        Power of one minus the common incidence by which times are weighted.

    Returns
    -------
    observed, expected, score : (g,)
        Expected exits are shares of all exits, by the groups' subdistribution risk sets.
    covariance : (g, g)

    Notes
    -----
    Exits of one cause on one day spread hypergeometrically. Cost: O(k g^2) numbers read, O(k g) held.
    Source: Gray (1988), sections 2 and 3 and the appendix; the tie corrections are those of cmprsk.
    """
    y, d = tables.at_risk, tables.events
    curves, incidence = _curves(tables)
    there = y > 0
    share = np.where(there, curves.size * (1.0 - incidence), 0.0)
    deaths, whole = d.sum(axis=0), share.sum(axis=0)
    weight = (1.0 - curves.gone_before) ** rho
    expected_steps = np.where(there & (whole > 0), deaths * share / np.where(whole > 0, whole, 1.0), 0.0)
    score = (d - expected_steps) @ weight
    return d.sum(axis=1), expected_steps.sum(axis=1), score, _covariance(tables, curves, weight)


def _curves(tables: GrayTables) -> tuple[_Curves, Floats]:
    """The running estimates, and each group's own incidence just before each time, (g, k)."""
    y, d = tables.at_risk, tables.events
    there = y > 0
    safe = np.where(there, y, 1.0)
    after = np.cumprod(np.where(there, (y - d - tables.others) / safe, 1.0), axis=1)
    before = np.concatenate([np.ones((len(y), 1)), after[:, :-1]], axis=1)
    own = np.cumsum(before * d / safe, axis=1)
    incidence = np.concatenate([np.zeros((len(y), 1)), own[:, :-1]], axis=1)
    size = np.where(there, y / np.where(before > 0, before, 1.0), 0.0)
    total = size.sum(axis=0)
    gone = np.cumsum(d.sum(axis=0) / total)
    return _Curves(before, after, size, total, np.concatenate([[0.0], gone[:-1]]), gone), incidence


def _covariance(tables: GrayTables, curves: _Curves, weight: Floats) -> Floats:
    """Sum over the groups m whose exits move the scores: each pair of scores through the martingales of m."""
    g = len(tables.at_risk)
    out = np.zeros((g, g))
    for m in range(g):
        pull, later = _sensitivity(curves, weight, tables.events.sum(axis=0), m)
        own, own_left, others, others_left = _spreads(tables, curves, m)
        final = later[:, -1:]
        first = pull - own_left * (later - final)
        second = others_left * (final - later)
        out += (first * own) @ first.T + (second * others) @ second.T
    return out


def _sensitivity(curves: _Curves, weight: Floats, deaths: Floats, m: int) -> tuple[Floats, Floats]:
    """What a step of the incidence of group m does to each score at once (a), and later on (c), (g, k) each."""
    identity = np.eye(len(curves.size))[:, m : m + 1]
    pull = weight * curves.size[m] * (identity - curves.size / curves.total)
    left = curves.total * (1.0 - curves.gone_before)
    return pull, np.cumsum(np.where(left > 0, pull * deaths / np.where(left > 0, left, 1.0), 0.0), axis=1)


def _spreads(tables: GrayTables, curves: _Curves, m: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Variance of the steps of group m by the cause and by others, and what each takes from those left, (k,) each."""
    y, before, after = tables.at_risk[m], curves.before[m], curves.after[m]
    deaths, others = tables.events.sum(axis=0), tables.others[m]
    there = y > 0
    safe = np.where(there, y, 1.0)
    left = np.where(after > 0, (1.0 - curves.gone) / np.where(after > 0, after, 1.0), 0.0)
    tied = np.where(deaths > 1, 1.0 - (deaths - 1) / np.where(deaths > 1, curves.total * before - 1, 1.0), 1.0)
    own = np.where(there, tied * before * deaths / (curves.total * safe), 0.0)
    tied = np.where(others > 1, 1.0 - (others - 1) / np.where(others > 1, safe - 1, 1.0), 1.0)
    other = np.where(there & (after > 0), tied * before**2 * others / safe**2, 0.0)
    return own, 1.0 - left, other, left
