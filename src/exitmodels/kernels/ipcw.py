"""Inverse probability of censoring weights, and what each row does to a sum that uses them.

Ground floor. People lost before time t are made up for by those like them who were not: a person seen to
leave at T <= t counts 1 / G(T-), one still there at t counts 1 / G, where G is the probability of not having
been censored. G is a product limit within groups, or comes from a Cox model of the censoring.

A sum of weights times residuals depends on every row twice: through its own term, and through G. The second
part is read back from the sums "from here on" of what is weighted, one pass for all rows.

Read next: scores.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.kernels.coxresiduals import drift, relative_risk, score_residuals
from exitmodels.kernels.grouped import ranks
from exitmodels.kernels.partial import CoxData, CoxTerms
from exitmodels.kernels.risksets import RiskIndex, accumulate, at_risk_sum, risk_index

__all__ = ["Censoring", "Clock", "Known", "by_cox", "by_groups", "clock", "known_at"]


@dataclass(frozen=True, eq=False)
class Clock:
    """Exits in order: on one day those with an event first, then those censored.

    Attributes
    ----------
    times : (m,)
        Distinct times of exit or censoring.
    place : (n,) int
        2 j for a row with an event at times[j], 2 j + 1 for one censored there.
    """

    times: Floats
    place: Ints

    def bound(self, t: float, same_day: str = "known") -> int:
        """Places below it are settled by time t; rows at it or beyond are known to be still there.

        `same_day`: whether someone censored on day t itself is "known" not to have left by t (for events
        come first), or "lost".
        """
        j = int(np.searchsorted(self.times, t, side="left"))
        there = j < len(self.times) and self.times[j] == t
        return 2 * j + (0 if not there else 1 if same_day == "known" else 2)


def clock(exit: AnyArray, event: Ints) -> Clock:
    """Put exits in order; times within the tie tolerance are one."""
    times, (codes,) = ranks(exit)
    return Clock(times, 2 * codes + (event == 0))


@dataclass(frozen=True, eq=False)
class Censoring:
    """The law of the censoring, as estimated.

    Attributes
    ----------
    index : RiskIndex
        Rows on the grid of censorings, by group.
    hazard : (k,)
        Increments that a unit of relative risk meets.
    logs : (k,)
        Increments of minus log G for a relative risk of 1.
    spend : (k,)
        What one more censoring adds to `logs`.
    relative : (n,) or None
        Relative risk of each row; None for ones.
    group : (n,) int or None
    slope : tuple or None
        For a Cox model: covariates (n, p), running mean times hazard (k + 1, p), and what one more row adds to
        the coefficients (n, p).
    """

    index: RiskIndex
    hazard: Floats
    logs: Floats
    spend: Floats
    relative: Floats | None = None
    group: Ints | None = None
    slope: tuple[Floats, Floats, Floats] | None = None

    def limits(self, bound: int) -> Ints:
        """For each row, how far along the grid of its group the censorings before `bound` go."""
        begins, times = self.index.bounds, self.index.times
        cuts = np.array([i + np.searchsorted(times[i:j], bound) for i, j in pairwise(begins)])
        return np.minimum(cuts[0] if self.group is None else cuts[self.group], self.index.leaves)

    @property
    def _total(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.logs)])

    def weights(self, limit: Ints) -> Floats:
        """1 / G for rows followed up to `limit`, (n,)."""
        total = self._total
        lived = total[limit] - total[self.index.enters]
        return np.exp(lived if self.relative is None else lived * self.relative)

    def adjoint(self, limit: Ints, values: Floats) -> Floats:
        """Derivative, by the weight of each row, of the sum of `values` through their weights 1 / G.

        Parameters
        ----------
        limit : (n,) int
            How far each row is followed.
        values : (n,) or (n, q)
            Terms of the sum, weights in them; zero for rows that do not count.
        """
        e = np.ones(len(limit)) if self.relative is None else self.relative
        column = (slice(None),) + (None,) * (values.ndim - 1)
        scaled = values * e[column]
        ahead = at_risk_sum(replace(self.index, leaves=limit, moment=self.index.moment), scaled)
        step = ahead * self.spend[column]
        out = -e[column] * accumulate(self.index, step * self.hazard[column])
        rows = self.index.event_rows
        out[rows] += step[self.index.moment[rows]]
        if self.slope is not None:
            out += self._through_coefficients(limit, scaled)
        return out

    def _through_coefficients(self, limit: Ints, scaled: Floats) -> Floats:
        assert self.slope is not None
        matrix, total, moves = self.slope
        cumulative = self._total
        lived = cumulative[limit] - cumulative[self.index.enters]
        path = matrix * lived[:, None] - (total[limit] - total[self.index.enters])
        return np.asarray(moves @ (path.T @ scaled))


def by_groups(when: Clock, event: Ints, weight: Floats, group: Ints | None = None, n_groups: int = 1) -> Censoring:
    """Product limit of the censoring, one for each group. Events on a day leave before censorings."""
    index = risk_index(None, when.place, event == 0, group, n_groups)
    at_risk = at_risk_sum(index, weight)
    rows = index.event_rows
    gone = np.bincount(index.moment[rows], weight[rows], index.n_times)
    hazard = gone / at_risk
    left = at_risk - gone
    open_ = hazard < 1.0 - 1e-14
    spend = np.where(open_, 1.0 / np.where(open_, left, 1.0), 0.0)
    logs = np.where(open_, -np.log1p(-np.where(open_, hazard, 0.0)), 0.0)
    return Censoring(index, hazard, logs, spend, None, group)


def by_cox(data: CoxData, terms: CoxTerms, inverse: Floats, group: Ints | None) -> Censoring:
    """The censoring from a Cox fit whose times are the places of a `Clock` (Breslow's ties).

    Parameters
    ----------
    inverse : (p, p)
        Inverse information on the scaled columns.
    group : (n,) int or None
        Strata of the fit.
    """
    total = np.zeros((data.index.n_times + 1, data.matrix.shape[1]))
    np.cumsum(drift(terms), axis=0, out=total[1:])
    score = np.concatenate([block for _, block in score_residuals(data, terms)])
    e = relative_risk(data, terms)
    return Censoring(
        data.index, terms.hazard, terms.hazard, 1.0 / terms.s0, e, group, (data.matrix, total, score @ inverse)
    )


@dataclass(frozen=True, eq=False)
class Known:
    """What is known at one time.

    Attributes
    ----------
    event : (n,) int
        Cause by which a row has left; 0 if it has not, or is lost.
    there : (n,) bool
    limit : (n,) int
    weight : (n,)
        1 / G; zero for rows lost before.
    """

    event: Ints
    there: AnyArray
    limit: Ints
    weight: Floats


def known_at(when: Clock, event: Ints, censoring: Censoring, t: float, same_day: str = "known") -> Known:
    """Settle who has left by t, who is still there, and with which weight each counts."""
    bound = when.bound(t, same_day)
    there = when.place >= bound
    left = (event > 0) & ~there
    limit = censoring.limits(bound)
    weight = np.where(left | there, censoring.weights(limit), 0.0)
    return Known(np.where(left, event, 0), there, limit, weight)
