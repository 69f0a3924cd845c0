"""Whether times seen through windows determine their distribution: who is linked to whom.

Ground floor: NumPy only. A row links its own time to every time inside its window. The maximum likelihood
distribution exists and is unique exactly when every time reaches every other along such links.

The windows of all rows at one time share that time, so together they are one run of slots; what can be reached from
a slot is therefore a run too, and two slots reach each other exactly when they reach the same run. Each round
replaces the reach of a slot by the reach of everything in it, so that the length of paths doubles.

Called by: models.truncation.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Ints

__all__ = ["components"]


def components(slot: Ints, first: Ints, stop: Ints, size: int) -> Ints:
    """Give each slot the number of its component, (size,).

    Parameters
    ----------
    slot, first, stop : (n,) int
        Own slot and window [first, stop) of each row; every slot holds a row.

    Notes
    -----
    Cost: O(n + size log^2 size), usually a few rounds. Source of the condition: Xiao & Hudgens (2019), after Vardi
    (1985); of this way to check it: the argument above.

    Examples
    --------
    >>> components(np.array([0, 1, 2]), np.array([0, 0, 2]), np.array([2, 2, 3]), 3).tolist()
    [0, 0, 1]
    """
    low, high = np.arange(size), np.arange(1, size + 1)
    np.minimum.at(low, slot, first)
    np.maximum.at(high, slot, stop)
    while True:
        least, most = _over_runs(low, low, high, np.minimum), _over_runs(high, low, high, np.maximum)
        if np.array_equal(least, low) and np.array_equal(most, high):
            break
        low, high = least, most
    key = low * np.int64(size + 1) + high
    return np.unique(key, return_inverse=True)[1].ravel()


def _over_runs(values: Ints, low: Ints, high: Ints, which: np.ufunc) -> Ints:
    """Least (or largest) of `values` over each run low .. high - 1, by tables of runs of length 1, 2, 4, ..."""
    length = high - low
    level = np.floor(np.log2(length)).astype(np.int64)
    out = np.empty_like(values)
    table = values
    for j in range(int(level.max()) + 1):
        rows = np.flatnonzero(level == j)
        out[rows] = which(table[low[rows]], table[high[rows] - (1 << j)])
        if len(table) > 1 << j:
            table = which(table[: -(1 << j)], table[1 << j :])
    return out
