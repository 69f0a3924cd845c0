"""Inverse probability of censoring weights, and what their estimation adds to a variance.

Ground floor. By default exits come before censorings on the same day: someone
who leaves on day t is not at risk of being censored on that day.

Called by: models.hazards.binomial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.kernels.grouped import ranks
from exitmodels.kernels.risksets import RiskIndex, accumulate, at_risk_sum, risk_index
from exitmodels.kernels.ties import efron_sums

__all__ = ["Censoring", "censoring", "estimation_influence"]


@dataclass(frozen=True, eq=False)
class Censoring:
    """The product-limit estimate of not being censored, within groups.

    Attributes
    ----------
    index : RiskIndex
        Grid of the times of censoring, one stratum for each group; `moment` is the row's own censoring.
    jump, rate, own_rate : (k,)
        What a censoring of unit weight adds, what each at risk takes away, and what those censored at that time
        take away, all before the factor Q of `estimation_influence`.
    before : (n,)
        G(T-), the chance of not having been censored before the row's own end.
    weight : (n,)
    """

    index: RiskIndex
    jump: Floats
    rate: Floats
    own_rate: Floats
    before: Floats
    weight: Floats


def censoring(
    exit: AnyArray,
    censored: Bools,
    weight: Floats,
    group: Ints | None,
    n_groups: int,
    exits_first: bool = True,
    replicas: bool = True,
) -> Censoring:
    """Estimate the chance of not being censored.

    Parameters
    ----------
    exit : (n,)
        Nobody enters late.
    censored : (n,) bool
    weight : (n,)
    group : (n,) int or None
        Groups with a censoring law each.
    exits_first : bool
        Order within a day. False puts censorings first, so that a row that leaves on day t was at risk of
        being censored on that day.
    replicas : bool
        Whether a weight counts identical people.

    Notes
    -----
    Censorings of one day count as coming one after another, each order equally likely: the product-limit
    estimate is the same, and its variance is that of times without ties.
    Source: Kaplan & Meier (1958), with censoring in the place of death.
    """
    _, (code,) = ranks(exit)
    index = risk_index(None, 2 * code + (censored if exits_first else ~censored), censored, group, n_groups)
    at_risk = at_risk_sum(index, weight)
    rows = index.event_rows
    leaving = np.bincount(index.moment[rows], weight[rows], index.n_times)
    with np.errstate(divide="ignore"):
        logs = np.log1p(-np.where(leaving < at_risk * (1 - 1e-14), leaving / at_risk, 0.0))
    gone = np.concatenate([[0.0], np.cumsum(leaving >= at_risk * (1 - 1e-14))])
    upto = np.where(censored, index.moment, index.leaves) if len(rows) else index.leaves
    total = np.concatenate([[0.0], np.cumsum(logs)])
    begin = index.bounds[np.zeros(len(exit), np.int64) if group is None else group]
    before = np.exp(total[upto] - total[begin]) * (gone[upto] == gone[begin])
    count = leaving if replicas else np.bincount(index.moment[rows], minlength=index.n_times).astype(np.float64)
    if not len(rows):
        return Censoring(index, at_risk, at_risk, at_risk, before, weight)
    sums, share = efron_sums(at_risk, leaving, count), leaving / count
    return Censoring(index, sums.q / count, share * sums.q2, share * (sums.q2 - sums.fq2), before, weight)


def estimation_influence(c: Censoring, parts: Floats) -> Floats:
    """What estimating G adds to the influence of each row on a sum of `parts` that hold 1 / G(T-).

    Parameters
    ----------
    parts : (n, q)
        The terms of the sum (not yet weighted); zero for rows that do not use G.

    Returns
    -------
    (n, q)
        Integral of Q(s) / Y(s) by the row's censoring martingale, Q(s) the sum of the parts after s.

    Notes
    -----
    Source: the martingale form of 1 / G, as in Scheike, Zhang & Gerds (2008).
    """
    later = at_risk_sum(c.index, parts * c.weight[:, None])
    out = -accumulate(c.index, later * c.rate[:, None])
    rows = c.index.event_rows
    at = c.index.moment[rows]
    out[rows] += later[at] * (c.jump + c.rate - c.own_rate)[at, None]
    return out
