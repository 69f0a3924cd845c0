"""The distribution seen through intervals: how much mass each innermost interval holds.

Ground floor. Turnbull's estimator for left-, right- and interval-censored times with delayed entry.

Read next: turnbull_limits.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.chains import SHORTEST, Chain, chain, maximise, node_gradient
from exitmodels.kernels.innermost import Innermost

__all__ = ["Masses", "Part", "cut_rows", "fit_masses", "parts"]


@dataclass(frozen=True, eq=False)
class Masses:
    """The maximum likelihood distribution.

    Attributes
    ----------
    mass : (m,)
        Probability of each innermost interval; sums to one.
    before : (m + 1,)
        Survival before each interval, and after the last.
    value : float
        Log-likelihood.
    gap : float
        Largest amount by which an interval breaks the condition that the mean, over rows, of the chance of
        the interval given the row, relative to the interval's own, is at most 1 (1 where there is mass). The
        log-likelihood is within n times this of its maximum.
    drift : float
        Largest change of a mass in one more step of self-consistency.
    flat : int
        Number of directions in which the likelihood does not change; 0 when the masses are unique.
    exhausted : tuple of int
        Intervals after which nobody is left though others enter later.
    """

    mass: Floats
    before: Floats
    value: float
    gap: float
    drift: float
    converged: bool
    flat: int
    exhausted: tuple[int, ...]
    n_steps: int


def fit_masses(
    places: Innermost, weight: Floats, level: float | None = None, tol: float = 1e-10, most: int = 500
) -> Masses:
    """Maximise the likelihood over distributions on the innermost intervals.

    Parameters
    ----------
    places : Innermost
    weight : (n,)
    level : float, optional
        Survival to be kept at ``places.node``.

    Notes
    -----
    Where nobody is known to live through an interval that somebody may have left in, its hazard is infinite: survival
    falls to zero there, whoever enters later. Such intervals cut the chain, and the parts are solved one by one.
    Without late entry masses are unique. With it, a direction without change exists exactly when the graph whose
    nodes lie between intervals with mass, and whose edges are the rows, is not connected.
    Source: Gentleman & Geyer (1994); Hudgens (2005).
    """
    node = places.node if level is not None else 0
    before, value, steps, flat, done = np.zeros(len(places) + 1), 0.0, 0, 0, True
    pieces = parts(places, weight, node)
    late = bool(places.enters.any())
    for piece in pieces:
        first = piece.low == 0
        fixed = (node, -float(np.log(level))) if level is not None and first and node > 0 else None
        found = maximise(piece.data, fixed, None, tol, most)
        value, steps, done = value + found.value, steps + found.n_steps, done and found.converged
        flat += _flat(piece.data, found.hazard) if late else 0
        if first:
            before[: piece.data.size] = np.exp(-found.hazard)
    upto = pieces[0].data.size
    gap, drift = (np.nan, np.nan) if level is not None else _consistency(places, weight, before, upto)
    later = tuple(piece.low - 1 for piece in pieces[1:])
    return Masses(-np.diff(before), before, value, gap, drift, done, flat, later, steps)


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the chain: it begins at interval `low` of the whole."""

    low: int
    data: Chain


def parts(places: Innermost, weight: Floats, node: int = 0, rate: Floats | None = None) -> list[Part]:
    """Cut the chain after the intervals, from `node` on, that nobody is known to live through though some may leave.

    Survival is zero after such an interval; rows that enter later say nothing about what came before.
    """
    m = len(places)
    used = np.flatnonzero(weight > 0)
    enters, first, stop, w = places.enters[used], places.first[used], places.stop[used], weight[used]
    r = None if rate is None else rate[used]
    through = np.cumsum(np.bincount(enters, minlength=m + 1) - np.bincount(first, minlength=m + 1))[: m - 1]
    inside = np.cumsum(np.bincount(first, minlength=m + 1) - np.bincount(stop, minlength=m + 1))[: m - 1]
    ends = np.flatnonzero((through == 0) & (inside > 0) & (np.arange(m - 1) >= node)) + 1
    if ends.size == 0:
        return [Part(0, chain(m, enters, first, stop, w, r))]
    out = []
    for low, high in zip([0, *ends], [*ends, m], strict=True):
        own = np.flatnonzero((enters >= low) & (enters < high))
        if own.size:
            begin, close = first[own] - low, np.minimum(stop[own], high) - low
            data = chain(high - low, enters[own] - low, begin, close, w[own], None if r is None else r[own])
            out.append(Part(int(low), data))
    return out


def cut_rows(places: Innermost, part: Part) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows of a part (all weights being positive), and where they stand in it: rows, enters, first, stop."""
    low, high = part.low, part.low + part.data.size
    own = np.flatnonzero((places.enters >= low) & (places.enters < high))
    return own, places.enters[own] - low, places.first[own] - low, np.minimum(places.stop[own], high) - low


def _flat(data: Chain, hazard: Floats) -> int:
    """Directions in which the likelihood is constant: parts of the graph of edges not tied to the beginning."""
    gradient, _ = node_gradient(data, hazard)
    rise = np.cumsum(gradient[:0:-1])[::-1]
    free = (np.diff(hazard) > SHORTEST) | (np.abs(rise) <= 1e-9 * np.maximum(data.living, 1e-300))
    group = np.concatenate([[0], np.cumsum(free)])
    size = int(group[-1]) + 1
    graph = sparse.coo_array((np.ones(len(data.low)), (group[data.low], group[data.high])), (size, size))
    count, part = connected_components(graph, directed=False)
    floating = np.ones(count, dtype=bool)
    floating[part[0]] = False
    push = np.bincount(part[group], np.abs(data.slope), count)
    net = np.bincount(part[group], data.slope, count)
    return int(np.count_nonzero(floating & (np.abs(net) <= 1e-9 * np.maximum(push, 1.0))))


def _consistency(places: Innermost, weight: Floats, before: Floats, upto: int) -> tuple[float, float]:
    """Breach of the conditions of a maximum on the scale of masses, and the drift of one step of self-consistency."""
    m = len(places)
    rows = np.flatnonzero((weight > 0) & (places.enters < upto))
    a, b, e, w = places.first[rows], np.minimum(places.stop[rows], upto), places.enters[rows], weight[rows]
    b = np.where(b >= upto, m, b)
    inside = w / (before[a] - before[b])
    seen = np.cumsum(np.bincount(e, w / before[e], m + 1))[:upto]
    asked = np.cumsum(np.bincount(a, inside, m + 1) - np.bincount(b, inside, m + 1))[:upto]
    ratio = asked / seen - 1.0
    mass = -np.diff(before)[:upto]
    return float(max(ratio.max(), 0.0)), float(np.max(np.abs(ratio) * mass))
