"""Stays of people found inside on a day: long stays are found more often, and some are not over yet.

Ground floor: NumPy and SciPy only. Everything is about the masses p of *found* stays; a stay of length t is found with
a chance proportional to w(t) (t itself when people came at a constant rate), so stays themselves have masses p / w.
A person still there at c says that the stay is longer than c: the chance of that, given being found, is the sum of
p / w over longer stays.

Read next: squared.py (how the step is repeated). Called by: models.truncation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.linalg import inverse_but_one
from exitmodels.kernels.squared import Settled, settle

__all__ = [
    "Found",
    "fit_found",
    "found_meat",
    "found_spread",
    "found_window",
    "make_found",
    "merge_found",
    "place_found",
]

_ROWS = 256


@dataclass(frozen=True, eq=False)
class Found:
    """Rows on atoms (a time, or a time and a cause), in order of time.

    Attributes
    ----------
    place : (n,) int
        Atom of each row that left; for a row still there, the first atom that its stay may still be.
    left : (n,) bool
    weight : (n,)
    chance : (m,)
        w of each atom, up to a factor.
    events, open : (m,)
        Weight of the rows that left at each atom; of the rows still there whose stay may be that atom or later ones.
    """

    place: Ints
    left: Floats
    weight: Floats
    chance: Floats
    events: Floats
    open: Floats


def found_window(time: Floats, since: float, growth: float) -> Floats:
    """Chance to be found, up to a factor, of stays of each length: the people who came at most that long before.

    Parameters
    ----------
    time : (m,)
    since : float
        How long before the day people had been coming; may be infinite when `growth` is not negative.
    growth : float
        They came at a rate proportional to exp(growth * date).

    Examples
    --------
    >>> found_window(np.array([1.0, 4.0]), 3.0, 0.0).tolist()
    [1.0, 3.0]
    """
    reach = np.minimum(time, since)
    return reach if growth == 0 else -np.expm1(-growth * reach) / growth


def make_found(place: Ints, left: Floats, weight: Floats, chance: Floats) -> Found:
    """Count the rows of each atom."""
    m, gone = len(chance), np.asarray(left, dtype=bool)
    events = np.bincount(place[gone], weight[gone], m)
    return Found(place, gone, weight, chance, events, np.bincount(place[~gone], weight[~gone], m))


def _tails(data: Found, mass: Floats) -> tuple[Floats, Floats]:
    """Masses of stays (not scaled), and their sums from each atom on."""
    stays = mass / data.chance
    return stays, np.cumsum(stays[::-1])[::-1]


def fit_found(data: Found, start: Floats | None = None, tol: float = 1e-12) -> Settled:
    """Maximise the likelihood of the masses of found stays.

    Notes
    -----
    The log-likelihood, sum over those who left of log(p / w) plus sum over those still there of log of the sum of p / w
    over longer stays, is concave in p, so the maximum is unique where every atom has an exit. Each step shares those
    still there among longer stays. Cost: O(rows) for each step.
    Source: Vardi (1982, 1989); Asgharian, M'Lan & Wolfson (2002).

    Examples
    --------
    >>> data = make_found(np.array([0, 1]), np.array([True, True]), np.ones(2), np.array([1.0, 3.0]))
    >>> fit_found(data).mass.tolist()
    [0.5, 0.5]
    """
    total = float(data.weight.sum())
    holds = data.open > 0

    def step(mass: Floats) -> tuple[float, Floats]:
        stays, tail = _tails(data, mass)
        exits = data.events > 0
        with np.errstate(divide="ignore"):
            value = data.events[exits] @ np.log(stays[exits]) + data.open[holds] @ np.log(tail[holds])
        shared = np.cumsum(np.where(holds, data.open / np.where(holds, tail, 1.0), 0.0))
        after = data.events + stays * shared
        return float(value), after / total

    begin = (data.events + data.open.mean() + total / len(data.chance)) if start is None else start
    return settle(step, begin, tol)


def found_spread(data: Found, mass: Floats) -> Floats:
    """Inverse of the information about log masses, with the heaviest atom held fixed: (m, m).

    Notes
    -----
    Those who left bring diag(p) - p p'; of those still there what is not known is taken away: Louis (1982).
    """
    total = float(data.weight.sum())
    stays, tail = _tails(data, mass)
    holds = data.open > 0
    one = np.cumsum(np.where(holds, data.open / np.where(holds, tail, 1.0), 0.0))
    two = np.cumsum(np.where(holds, data.open / np.where(holds, tail, 1.0) ** 2, 0.0))
    order = np.arange(len(mass))
    both = np.outer(stays, stays) * two[np.minimum.outer(order, order)]
    info = np.diag(total * mass - stays * one) - total * np.outer(mass, mass) + both
    return inverse_but_one(info, int(np.argmax(data.events)))


def found_meat(data: Found, mass: Floats, square: Floats, cluster: Ints | None = None) -> Floats:
    """Sum of outer products of scores over rows, or over clusters: (m, m).

    Parameters
    ----------
    square : (n,)
        What the product of a row counts: its weight when weights are copies, its square otherwise. With `cluster`,
        the weight of the row in its cluster's sum.
    """
    stays, tail = _tails(data, mass)
    m = len(mass)
    if cluster is not None:
        return _clustered(data, mass, square, cluster, stays, tail)
    gone = data.left
    events = np.bincount(data.place[gone], square[gone], m)
    still = np.bincount(data.place[~gone], square[~gone], m)
    safe = np.where(still > 0, tail, 1.0)
    one, two = np.cumsum(still / safe), np.cumsum(still / safe**2)
    order = np.arange(m)
    mean = events + stays * one
    both = np.diag(events) + np.outer(stays, stays) * two[np.minimum.outer(order, order)]
    cross = np.outer(mass, mean)
    return np.asarray(both - cross - cross.T + square.sum() * np.outer(mass, mass), dtype=np.float64)


def _clustered(data: Found, mass: Floats, weight: Floats, cluster: Ints, stays: Floats, tail: Floats) -> Floats:
    m = len(mass)
    out = np.zeros((m, m))
    order = np.argsort(cluster, kind="stable")
    edges = np.searchsorted(cluster[order], np.arange(0, int(cluster.max()) + 1 + _ROWS, _ROWS))
    for start, stop in pairwise(edges):
        rows = order[start:stop]
        if len(rows) == 0:
            continue
        code = cluster[rows] - cluster[rows].min()
        n = int(code.max()) + 1
        gone, w, at = data.left[rows], weight[rows], data.place[rows]
        own = np.bincount(code[gone] * m + at[gone], w[gone], n * m).reshape(n, m)
        push = np.where(gone, 0.0, w / np.where(gone, 1.0, tail[at]))
        later = np.cumsum(np.bincount(code * m + at, push, n * m).reshape(n, m), axis=1) * stays
        score = own + later - np.bincount(code, w, n)[:, None] * mass
        out += score.T @ score
    return out


def place_found(
    level: Ints, left: Floats, weight: Floats, times: Floats, since: float, growth: float
) -> tuple[Found, Ints, Floats]:
    """Put rows on atoms: each time at which somebody left, and the moment just after each at which somebody stayed.

    Parameters
    ----------
    level : (n,) int
        Place of each row's time in `times`.
    left : (n,) bool
        False for those still there.
    times : (k,)
        Distinct, ascending.

    Returns
    -------
    data : Found
    which : (m,) int
        Place of each atom in `times`.
    reached : (m,) bool
        Whether somebody left there (else the atom lies just after the time).
    """
    used = np.flatnonzero(weight > 0)
    gone = np.asarray(left, dtype=bool)[used]
    keys, place = np.unique(2 * level[used] + ~gone, return_inverse=True)
    which = keys // 2
    data = make_found(place.ravel(), gone, weight[used], found_window(times[which], since, growth))
    return data, which, np.asarray(keys % 2 == 0)


def merge_found(data: Found, mass: Floats, most: int) -> tuple[Found, Ints]:
    """Merge neighbouring atoms into at most `most` cells that keep the mass of stays; also the last atom of each."""
    m = len(mass)
    cells = min(m, most)
    cell = np.arange(m) * cells // m
    stays = np.bincount(cell, mass / data.chance, cells)
    chance = np.bincount(cell, mass, cells) / np.where(stays > 0, stays, 1.0)
    last = np.append(np.flatnonzero(np.diff(cell)), m - 1)
    return make_found(cell[data.place], data.left, data.weight, np.where(stays > 0, chance, data.chance[last])), last
