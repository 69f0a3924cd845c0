"""Predicted incidence from Fine and Gray's model: influence of each row, squared and added over time.

Ground floor. A predicted cumulative subdistribution hazard moves with a row in four ways: through its own event,
through its time in the risk set (and beyond a competing exit), through the weights W it helps to estimate, and
through the coefficients. Each is a step function with few steps, so the sums of squares need only their steps.

Read next: influence.py (sums of squares of step functions), subvarying.py (effects that change with time).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.beyond import Layer
from exitmodels.kernels.coxresiduals import relative_risk
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.influence import step_moments
from exitmodels.kernels.partial import CoxTerms
from exitmodels.kernels.subdistribution import SubData

__all__ = ["Moments", "curve_moments", "curve_variance"]


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments, over rows or clusters, of the influence on one stratum's cumulative hazard.

    Attributes
    ----------
    steps : (m, q, q)
        Of the q step functions at each time asked for.
    cross : (m, q, p)
        Of the step functions with the influence on the coefficients.
    fixed : (p, p)
        Of the influence on the coefficients: their covariance.
    reader : (m, q)
        What each step function counts for, for a row whose relative risk is one.
    """

    steps: Floats
    cross: Floats
    fixed: Floats
    reader: Floats


def curve_moments(
    data: SubData,
    terms: CoxTerms,
    stratum: int,
    chosen: Ints,
    coefficients: Floats,
    factor: Floats,
    cluster: Ints | None,
    known: bool = False,
) -> Moments:
    """Collect the moments for one stratum.

    Parameters
    ----------
    chosen : (m,) int
        Grid points of the stratum at which the curve is read, ascending, counted from its first.
    coefficients : (n, p)
        Influence of each row on the coefficients, unweighted.
    factor : (n,)
        Sampling weights, or square roots of replication weights.
    cluster : (n,) int or None
    known : bool
        Take the weights W as known.

    Notes
    -----
    Cost: a sort of the steps by unit, then O(n q (q + p)) sums. Source: Fine & Gray (1999), section 5, in the form
    of influence functions.
    """
    unit = np.arange(len(factor)) if cluster is None else cluster
    made = _Steps(data, terms, stratum, chosen, factor)
    made.at_risk()
    for i, layer in enumerate(() if data.cox.beyond is None else data.cox.beyond.layers):
        made.layer(i, layer, known)
    points, steps, rows, reader = made.joined()
    beta = coefficients * factor[:, None]
    if cluster is not None:
        beta = group_sum(beta, cluster, int(cluster.max()) + 1)
    m, q = len(chosen), steps.shape[1]
    own = unit[rows]
    cross = np.empty((m, q, beta.shape[1]))
    for a in range(q):
        for b in range(beta.shape[1]):
            cross[:, a, b] = np.cumsum(np.bincount(points, steps[:, a] * beta[own, b], m + 1)[:m])
    return Moments(step_moments(points, steps, own, m), cross, beta.T @ beta, reader)


def curve_variance(moments: Moments, slope: Floats) -> Floats:
    """Variance of the cumulative hazard of a row whose relative risk is one, (m,).

    Parameters
    ----------
    slope : (m, p)
        Derivative of the cumulative hazard with respect to the coefficients.
    """
    r = moments.reader
    own = np.einsum("mi,mij,mj->m", r, moments.steps, r)
    mixed = np.einsum("mi,mij,mj->m", r, moments.cross, slope)
    return np.maximum(own + 2 * mixed + np.einsum("mi,ij,mj->m", slope, moments.fixed, slope), 0.0)


class _Steps:
    """Steps of each row: grid point, column, size. Column 0 is constant between steps, the others are read."""

    def __init__(self, data: SubData, terms: CoxTerms, stratum: int, chosen: Ints, factor: Floats) -> None:
        self.data, self.terms, self.chosen, self.factor = data, terms, chosen, factor
        self.low, self.high = (int(b) for b in data.cox.index.bounds[stratum : stratum + 2])
        own = data.stays.stratum
        self.here = np.ones(len(factor), bool) if own is None else own == stratum
        self.scale = float(np.exp(-terms.shift))
        self.risk = relative_risk(data.cox, terms)
        self.square = terms.square[self.low : self.high] * self.scale
        self.made: list[tuple[Ints, Ints, int, Floats]] = []
        self.reader: list[Floats] = [np.ones(len(chosen))]

    def add(self, points: Ints, rows: Ints, column: int, size: Floats) -> None:
        """Note steps at grid points of the stratum; they show at the next point that is read."""
        seen = np.searchsorted(self.chosen, points)
        self.made.append((seen, rows, column, size * self.factor[rows]))

    def column(self, reader: Floats) -> int:
        """Open a new step function that counts for `reader` at each point read."""
        self.reader.append(reader)
        return len(self.reader) - 1

    def at_risk(self) -> None:
        """Own events, and the ordinary risk set."""
        cox, terms = self.data.cox, self.terms
        index = cox.index
        rows = np.flatnonzero(self.here)
        total = np.concatenate([[0.0], np.cumsum(self.square)])
        column = self.column(-total[1:][self.chosen])
        enters, leaves, risk = index.enters[rows] - self.low, index.leaves[rows] - self.low, self.risk[rows]
        self.add(enters, rows, column, risk)
        self.add(enters, rows, 0, risk * total[enters])
        self.add(leaves, rows, column, -risk)
        self.add(leaves, rows, 0, -risk * total[leaves])
        left = rows[index.moment[rows] >= 0]
        at = index.moment[left]
        own = terms.hazard[at] / (cox.share[at] * cox.count[at]) + self.risk[left] * terms.square_f[at]
        self.add(at - self.low, left, 0, own * self.scale)

    def layer(self, i: int, layer: Layer, known: bool) -> None:
        """Those who count beyond their exit, and everyone who moves their weights."""
        own = slice(self.low, self.high)
        curve = self.data.weights.curves[i][own]
        if not len(curve) or curve[0] < 0:
            return
        keep = np.concatenate([[0.0], np.cumsum(layer.keep[own] * self.square)])
        mine = np.flatnonzero(self.here[layer.rows])
        rows, start = layer.rows[mine], layer.start[mine] - self.low
        size = self.risk[rows] * layer.factor[mine]
        self.add(start, rows, self.column(-keep[1:][self.chosen]), size)
        self.add(start, rows, 0, size * keep[start])
        if not known:
            weight = self.data.cox.weight
            self._weights(i, keep, size if weight is None else size * weight[rows], mine, int(curve[0]))

    def _weights(self, i: int, keep: Floats, size: Floats, mine: Ints, group: int) -> None:
        """Through W: at point u, the sum over those who left before u and event times after it is a difference."""
        weights = self.data.weights
        clock, mark = weights.clock, weights.marks[i][self.low : self.high]
        low, high = (int(b) for b in clock.index.bounds[group : group + 2])
        if high == low:
            return
        ends = np.maximum(weights.ends[i][mine] - low, 0)
        sums = np.cumsum(np.bincount(ends, size, high - low + 1))[: high - low]
        first = np.searchsorted(mark, np.arange(low, high), side="right")
        sizes = np.stack([sums, sums * keep[first]], axis=1)
        total = np.zeros((high - low + 1, 2))
        np.cumsum(sizes * clock.rate[low:high, None], axis=0, out=total[1:])
        place = np.maximum(mark - low, 0)[self.chosen]
        ahead = keep[1:][self.chosen]
        moved = self.column(ahead)
        active = self.column(total[place, 1] - ahead * total[place, 0])
        own = self.data.stays.group
        rows = np.flatnonzero(clock.index.enters < clock.index.leaves)
        rows = rows if own is None else rows[own[rows] == group]
        enters, leaves = clock.index.enters[rows] - low, clock.index.leaves[rows] - low
        begin, end = np.searchsorted(mark, enters + low, side="right"), np.searchsorted(mark, leaves + low, side="left")
        for point, sign, at in ((begin, 1.0, enters), (end, -1.0, leaves)):
            self.add(point, rows, active, np.full(len(rows), sign))
            self.add(point, rows, moved, sign * total[at, 0])
            self.add(point, rows, 0, -sign * total[at, 1])
        for points in (clock.index.moment, clock.came):
            jumping = np.flatnonzero(points >= 0)
            jumping = jumping if own is None else jumping[own[jumping] == group]
            u = points[jumping] - low
            self.add(first[u], jumping, moved, sizes[u, 0] * clock.jump[low:high][u])
            self.add(first[u], jumping, 0, -sizes[u, 1] * clock.jump[low:high][u])

    def joined(self) -> tuple[Ints, Floats, Ints, Floats]:
        """Points, steps (as a table over the columns), rows, and what each column counts for."""
        points = np.concatenate([p for p, _, _, _ in self.made])
        rows = np.concatenate([r for _, r, _, _ in self.made])
        column = np.concatenate([np.full(len(p), c) for p, _, c, _ in self.made])
        size = np.concatenate([s for _, _, _, s in self.made])
        use = np.flatnonzero(points < len(self.chosen))
        steps = np.zeros((len(use), len(self.reader)))
        steps[np.arange(len(use)), column[use]] = size[use]
        return points[use], steps, rows[use], np.column_stack(self.reader)
