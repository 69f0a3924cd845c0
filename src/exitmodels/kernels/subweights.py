"""How the weight of those who left for another cause falls: by censoring, and by late entry.

Ground floor. A person who left for a competing cause would later have been censored, had they stayed; so
in the wider risk set of Fine and Gray they count at time t with the chance of being still under observation,
W(t-) / W(T-). W is the product-limit estimate of not being censored, times (with delayed entry) that of having
entered; its steps are the points of a `Clock`.

Two conventions, by name. "fine-gray": those who leave at the time of a censoring are at risk of being censored
there (cmprsk). "geskus": at one time events come first, then censorings, then entries (R's finegray).

Read next: beyond.py (the sums), subdistribution.py (what estimating W adds to a variance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.beyond import Beyond, Layer
from exitmodels.kernels.risksets import RiskIndex, at_risk_sum
from exitmodels.kernels.stays import Stays

__all__ = ["Clock", "Ruler", "Weighting", "clock_of", "weighting"]

_TABLE = 1 << 24
_DENSE = 8
_EMPTY = 1e-12


class Ruler:
    """Counts points up to a key, by a table when keys are dense and by search when they are not."""

    def __init__(self, keys: Ints, group: Ints | None, width: int, n_groups: int, n_rows: int) -> None:
        self.width = width
        keyed = keys if group is None else keys + group * np.int64(width)
        self.table: Ints | None = None
        if width * n_groups <= max(_TABLE, _DENSE * n_rows):
            has = np.zeros(width * n_groups, dtype=bool)
            has[keyed] = True
            self.points: Ints = np.flatnonzero(has)
            self.table = np.cumsum(has)
        else:
            self.points = np.unique(keyed)
        self.bounds: Ints = np.searchsorted(self.points, np.arange(n_groups + 1) * np.int64(width))

    def upto(self, keys: Ints, group: Ints | None) -> Ints:
        """Number of points at or before each key (-1 allowed), those of earlier groups included."""
        keyed = keys if group is None else keys + group * np.int64(self.width)
        if self.table is None:
            return np.searchsorted(self.points, keyed, side="right")
        return np.where(keyed >= 0, self.table[np.maximum(keyed, 0)], 0)


@dataclass(frozen=True, eq=False)
class Clock:
    """The points at which W changes, groups one after another.

    Attributes
    ----------
    index : RiskIndex
        Its grid are the points: which rows stand at risk of each, and the point of a row's own censoring (moment).
    came : (n,) int
        Point of a row's own late entry, -1 for others.
    after : (m,)
        W from each point on, 1 before the first of the group.
    jump, rate : (m,)
        Derivative of log W with respect to the weight of a row: minus `jump` at the row's own point, plus
        `rate` at each point where it is at risk.
    empty : (e,) int
        Keys of points at which nobody was left, though people of the group left later; W is not defined then.
    ruler : Ruler
    """

    index: RiskIndex
    came: Ints
    after: Floats
    jump: Floats
    rate: Floats
    empty: Ints
    ruler: Ruler

    @property
    def n_points(self) -> int:
        """Points over all groups."""
        return len(self.after)

    def before(self, keys: Ints, group: Ints | None) -> Floats:
        """W just before each key, in the group of each."""
        if not len(self.after):
            return np.ones(len(keys))
        place = self.ruler.upto(keys - 1, group)
        low = self.index.bounds[0] if group is None else self.index.bounds[group]
        return np.where(place > low, self.after[np.maximum(place - 1, 0)], 1.0)


def clock_of(stays: Stays, weight: Floats | None) -> Clock:
    """Estimate W: one product-limit curve for each group.

    Parameters
    ----------
    weight : (n,) or None

    Notes
    -----
    Points before the first competing exit move no weight, and are left out. Cost: O(n + codes), or one sort when
    groups are many. Source: Fine & Gray (1999), section 3.2; late entry: Geskus (2011), section 2.
    """
    closes, opens, group = stays.closes, stays.opens, stays.group
    n, wide = len(closes), stays.spread * len(stays.levels) + 3
    lowest = _first_competing(stays, closes, wide)
    floor = lowest[0] if group is None else lowest[group]
    gone = (stays.status == 0) & (closes >= floor)
    if stays.ends is not None:
        gone &= stays.ends
    late = np.zeros(n, dtype=bool)
    if opens is not None and stays.spread == 3:
        late = opens > floor
        if stays.begins is not None:
            late &= stays.begins
    keys = np.concatenate([closes[gone], opens[late]]) if opens is not None else closes[gone]
    own = None if group is None else np.concatenate([group[gone], group[late]])
    ruler = Ruler(keys, own, wide, stays.n_groups, n)
    moment, came = np.full(n, -1), np.full(n, -1)
    leaves = ruler.upto(closes, group)
    moment[gone] = leaves[gone] - 1
    if opens is None:
        enters = np.zeros(n, dtype=np.int64) if group is None else ruler.bounds[group]
    else:
        enters = ruler.upto(opens - 1, group)
        came[late] = enters[late]
    names = ruler.points % wide
    index = RiskIndex(names, ruler.bounds, enters, leaves, moment, opens is not None)
    return _product(index, came, weight, stays, ruler, names)


def _first_competing(stays: Stays, closes: Ints, beyond: int) -> Ints:
    """Key of the first competing exit of each group (of all, without late entry); `beyond` where there is none."""
    rows = np.flatnonzero(stays.status == 2)
    lowest = np.full(stays.n_groups, beyond)
    if stays.group is not None and stays.spread == 3:
        np.minimum.at(lowest, stays.group[rows], closes[rows])
    elif len(rows):
        lowest[:] = closes[rows].min()
    return lowest


def _last(stays: Stays, closes: Ints) -> Ints:
    """Key of the last exit or censoring of each group."""
    if stays.group is None:
        return np.array([closes.max()])
    last = np.full(stays.n_groups, -1)
    np.maximum.at(last, stays.group, closes)
    return last


def _product(index: RiskIndex, came: Ints, weight: Floats | None, stays: Stays, ruler: Ruler, names: Ints) -> Clock:
    """W, and what a row does to its logarithm, at each point."""
    m, ones = index.n_times, np.ones(len(came)) if weight is None else weight
    entering = np.zeros(m, dtype=bool) if stays.spread == 1 else names % 3 == 2
    gone, late = np.flatnonzero(index.moment >= 0), np.flatnonzero(came >= 0)
    here = np.bincount(index.moment[gone], ones[gone], m) + np.bincount(came[late], ones[late], m)
    at_risk = at_risk_sum(index, ones)
    share = here / at_risk
    full = share >= 1 - _EMPTY
    stuck = full & (_last(stays, stays.closes)[index.stratum] > names)
    left = np.where(full, 1.0, 1.0 - share)
    step = np.where(entering, 1.0 / left, np.where(full, 0.0, 1.0 - share))
    after = np.empty(m)
    for low, high in zip(index.bounds[:-1], index.bounds[1:], strict=True):
        np.cumprod(step[low:high], out=after[low:high])
    jump = np.where(entering, -1.0, 1.0) / at_risk
    if stays.spread == 3:
        jump = np.where(full, 0.0, jump / left)
    return Clock(index, came, after, jump, jump * share, names[stuck], ruler)


@dataclass(frozen=True, eq=False)
class Weighting:
    """Weights beyond competing exits, and the clock they come from.

    Attributes
    ----------
    clock : Clock
    beyond : Beyond or None
        None when nobody left for another cause before an event time, or W is not defined (`Clock.empty`).
    marks : tuple of (k,) int
        For each layer, one past the last point of the clock at or before each event time, in the group that the
        layer has in the stratum; 0 where there is no such point.
    ends : tuple of (m,) int
        The same for the exits of the rows of each layer.
    curves : tuple of (k,) int
        The group whose W each layer has at each event time, -1 for none.
    """

    clock: Clock
    beyond: Beyond | None
    marks: tuple[Ints, ...]
    ends: tuple[Ints, ...]
    curves: tuple[Ints, ...]


def weighting(stays: Stays, index: RiskIndex, weight: Floats | None) -> Weighting:
    """Weights of all competing exits on the grid of event times.

    Parameters
    ----------
    index : RiskIndex
        Of the stays, with codes for times (`Stays.grid`).

    Notes
    -----
    After the last time seen in its group a row counts no more, as in cmprsk and finegray.
    """
    clock = clock_of(stays, weight)
    stratum = np.zeros(len(stays.exit), np.int64) if stays.stratum is None else stays.stratum
    stop = index.bounds[stratum + 1]
    rows = np.flatnonzero((stays.status == 2) & (index.leaves < stop))
    if not len(rows) or len(clock.empty):
        return Weighting(clock, None, (), (), ())
    group = None if stays.group is None else stays.group[rows]
    factor = 1.0 / clock.before(stays.closes[rows], group)
    past = clock.index.leaves[rows]
    past = np.where(past > clock.index.bounds[0 if group is None else group], past, 0)
    cell = stratum[rows] * stays.n_groups + (0 if group is None else group)
    cells, own = np.unique(cell, return_inverse=True)
    of_stratum, of_group = cells // stays.n_groups, cells % stays.n_groups
    depth = np.arange(len(cells)) - np.searchsorted(of_stratum, of_stratum)
    keys, last = index.times.astype(np.int64) * stays.spread, _last(stays, stays.closes)
    layers, marks, ends, curves = [], [], [], []
    for number in range(int(depth.max()) + 1):
        inside = slice(None) if depth.max() == 0 else np.flatnonzero(depth[own] == number)
        curve = np.full(stays.n_strata, -1)
        curve[of_stratum[depth == number]] = of_group[depth == number]
        at = curve[index.stratum]
        there = np.maximum(at, 0)
        known = (at >= 0) & (keys <= last[there])
        keep = np.where(known, clock.before(keys, there), 0.0)
        layers.append(Layer(rows[inside], index.leaves[rows][inside], stop[rows][inside], factor[inside], keep))
        upto = clock.ruler.upto(keys, there)
        marks.append(np.where((at >= 0) & (upto > clock.index.bounds[there]), upto, 0))
        ends.append(past[inside])
        curves.append(at)
    beyond = Beyond(tuple(layers), index.bounds, len(stays.exit))
    return Weighting(clock, beyond, tuple(marks), tuple(ends), tuple(curves))
