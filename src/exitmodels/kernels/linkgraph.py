"""Links between records as a graph: who belongs together, and one partner for each.

Ground floor: NumPy and SciPy. Called by: records/linked.py.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import csgraph

from exitmodels.arrays import Bools, Floats, Ints

__all__ = ["components", "least_inside", "one_partner"]


def components(n: int, left: Ints, right: Ints) -> Ints:
    """Number the sets of records that links hold together (n,), in the order of their first record.

    >>> components(5, np.array([3, 0]), np.array([4, 3])).tolist()
    [0, 1, 2, 0, 0]
    """
    graph = sparse.coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    found = csgraph.connected_components(graph, directed=False)[1]
    order, place = np.unique(found, return_index=True)
    rank = np.empty(len(order), dtype=np.int64)
    rank[np.argsort(place)] = np.arange(len(order))
    return rank[found]


def least_inside(cluster: Ints, left: Ints, right: Ints, probability: Floats) -> tuple[Floats, Floats]:
    """The least probability among compared pairs inside each cluster, and how many inner pairs were not compared.

    Parameters
    ----------
    cluster : (n,) int
    left, right, probability : (m,)
        Compared pairs.

    Returns
    -------
    least, uncompared : (clusters,)
        1 and 0 for a record alone.
    """
    n = int(cluster.max(initial=-1)) + 1
    inside = cluster[left] == cluster[right]
    where = cluster[left][inside]
    least = np.ones(n)
    np.minimum.at(least, where, probability[inside])
    size = np.bincount(cluster, minlength=n).astype(np.float64)
    return least, size * (size - 1) / 2 - np.bincount(where, minlength=n)


def one_partner(left: Ints, right: Ints, gain: Floats) -> Bools:
    """Choose links so that no record has two partners and the sum of gains is largest.

    Parameters
    ----------
    left, right : (m,) int
        Records of the first and of the second list, each list numbered from 0.
    gain : (m,)
        Above zero.

    Returns
    -------
    (m,) bool, the links that stay.

    Notes
    -----
    Cost: links that compete with no other stay at once; each set of competing links is one assignment problem (cubic
    in its size). Among equal sums the earlier links are kept.

    Examples
    --------
    >>> one_partner(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([5.0, 4.0, 3.0])).tolist()
    [False, True, True]
    """
    keep = np.ones(len(left), dtype=bool)
    if not len(left):
        return keep
    far = int(left.max()) + 1
    group = components(far + int(right.max()) + 1, left, right + far)[left]
    size = np.bincount(group)
    contested = np.flatnonzero(size[group] > 1)
    order = contested[np.argsort(group[contested], kind="stable")]
    for links in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(links):
            keep[links] = _best(left[links], right[links], gain[links])
    return keep


def _best(left: Ints, right: Ints, gain: Floats) -> Bools:
    rows, i = np.unique(left, return_inverse=True)
    columns, j = np.unique(right, return_inverse=True)
    table = np.zeros((len(rows), len(columns)))
    table[i, j] = gain
    taken = np.zeros(table.shape, dtype=bool)
    taken[optimize.linear_sum_assignment(table, maximize=True)] = True
    return taken[i, j]
