"""How uncertain the masses are: information and influence of rows on a distribution seen through windows.

Ground floor: NumPy and SciPy only. Everything is about log masses; a row in slot k with window W has the score
e_k - p, where p is the distribution inside W. Sums over windows that hold two slots at once are cumulative sums over a
(slots x slots) table, so that cost is O(rows + slots^3): merge slots (`merged`) when there are many.

Called by: models.truncation.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.linalg import inverse_but_one
from exitmodels.kernels.windowmass import Windows, inside

__all__ = ["atoms", "bends", "inverse_information", "meat", "merged", "share_slopes"]

_ROWS = 256


def merged(slot: Ints, first: Ints, stop: Ints, size: int, most: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Merge neighbouring slots into at most `most` cells; windows are widened to whole cells.

    Returns
    -------
    slot, first, stop : (n,) int
        In cells.
    last : (cells,) int
        Last slot of each cell.
    """
    cells = min(size, most)
    cell = np.arange(size) * cells // size
    last = np.append(np.flatnonzero(np.diff(cell)), size - 1)
    return cell[slot], cell[first], cell[stop - 1] + 1, last


def atoms(slot: Ints, first: Ints, stop: Ints, cause: Ints, size: int) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Split every slot by cause: places of rows and windows among (slot, cause) atoms, and what each atom is.

    Returns
    -------
    slot, first, stop : (n,) int
        Among atoms.
    own_slot, own_cause : (atoms,) int
    """
    wide = int(cause.max()) + 1
    key = slot.astype(np.int64) * wide + cause
    known, place = np.unique(key, return_inverse=True)
    low, high = np.searchsorted(known, first * wide), np.searchsorted(known, stop * wide)
    return place.ravel(), low, high, known // wide, known % wide


def bends(low: Ints, high: Ints, values: Floats, size: int) -> Floats:
    """Sum `values` over the windows that hold both slots, for every pair: (size, size), symmetric."""
    table = np.bincount(low * size + high - 1, values, size * size).reshape(size, size)
    table = np.cumsum(np.cumsum(table, axis=0)[:, ::-1], axis=1)[:, ::-1]
    upper = np.triu(table)
    return upper + np.triu(table, 1).T


def inverse_information(data: Windows, mass: Floats) -> Floats:
    """Inverse of the information about log masses, with the heaviest slot held fixed: (size, size).

    Notes
    -----
    Functions of the shares do not depend on which slot is held. Source: Emura, Konno & Michimae (2015).
    """
    covered = inside(data.low, data.high, mass)
    held = int(np.argmax(data.events))
    info = np.diag(data.events) - np.outer(mass, mass) * bends(data.low, data.high, data.count / covered**2, data.size)
    return inverse_but_one(info, held)


def meat(data: Windows, mass: Floats, square: Floats, cluster: Ints | None = None) -> Floats:
    """Sum of outer products of scores over rows, or over clusters: (size, size).

    Parameters
    ----------
    square : (n,)
        What the product of a row counts: its weight when weights are copies, its square otherwise. With `cluster`, the
        weight of the row in its cluster's sum.
    cluster : (n,) int, optional
        Codes from 0.
    """
    m = data.size
    covered = inside(data.first, data.stop, mass)
    if cluster is not None:
        return _clustered(data, mass, square, covered, cluster)
    both = np.outer(mass, mass) * bends(data.first, data.stop, square / covered**2, m)
    steps = np.bincount(data.slot * (m + 1) + data.first, square / covered, m * (m + 1))
    steps -= np.bincount(data.slot * (m + 1) + data.stop, square / covered, m * (m + 1))
    cross = np.cumsum(steps.reshape(m, m + 1), axis=1)[:, :m] * mass
    return np.diag(np.bincount(data.slot, square, m)) - cross - cross.T + both


def _clustered(data: Windows, mass: Floats, weight: Floats, covered: Floats, cluster: Ints) -> Floats:
    m = data.size
    out = np.zeros((m, m))
    order = np.argsort(cluster, kind="stable")
    edges = np.searchsorted(cluster[order], np.arange(0, int(cluster.max()) + 1 + _ROWS, _ROWS))
    for start, stop in pairwise(edges):
        rows = order[start:stop]
        if len(rows) == 0:
            continue
        code = cluster[rows] - cluster[rows].min()
        n = int(code.max()) + 1
        push = weight[rows] / covered[rows]
        steps = np.bincount(code * (m + 1) + data.first[rows], push, n * (m + 1))
        steps -= np.bincount(code * (m + 1) + data.stop[rows], push, n * (m + 1))
        own = np.bincount(code * m + data.slot[rows], weight[rows], n * m).reshape(n, m)
        score = own - np.cumsum(steps.reshape(n, m + 1), axis=1)[:, :m] * mass
        out += score.T @ score
    return out


def share_slopes(mass: Floats, slot: Ints, chosen: Floats, n_slots: int) -> Floats:
    """Derivatives, by log masses of atoms, of the mass of the chosen atoms up to and in each slot: (n_slots, atoms).

    Parameters
    ----------
    mass : (atoms,)
        Sums to one.
    slot : (atoms,) int
    chosen : (atoms,) of 0 and 1
    """
    held = (slot[None, :] <= np.arange(n_slots)[:, None]) * chosen
    return np.asarray(mass * (held - (held @ mass)[:, None]), dtype=np.float64)
