"""Linear systems whose matrix is the Laplacian of a graph: what Newton steps on a chain of nodes need.

Ground floor. Small systems are solved by Cholesky's method, large ones by conjugate gradients, without forming
the matrix.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack

from exitmodels.arrays import Bools, Floats, Ints

__all__ = ["solve_graph"]

_DENSE = 400


def solve_graph(
    low: Ints, high: Ints, edge: Floats, right: Floats, held: Ints, extra: Floats | None = None, ridge: float = 1e-12
) -> Floats:
    """Solve a linear system whose matrix is the Laplacian of a graph.

    Parameters
    ----------
    low, high : (k,) int
        Ends of the edges, low < high.
    edge : (k,)
        Their weights.
    right : (s,)
    held : (h,) int
        Nodes kept at zero.
    extra : (s,), optional
        Added to the diagonal; the whole must stay positive definite on the nodes that are not held.
    ridge : float
        Added to the diagonal, relative to it, so that parts of the graph without a held node do not fail.
    """
    size = len(right)
    free = np.ones(size, dtype=bool)
    free[held] = False
    degree = np.bincount(low, edge, size) + np.bincount(high, edge, size)
    degree = np.where(degree > 0, degree * (1 + ridge), 1.0 + np.abs(right))
    if extra is not None:
        degree = degree + extra
    if size > _DENSE:
        return _conjugate(low, high, edge, degree, np.where(free, right, 0.0), free)
    places = np.flatnonzero(free)
    out = np.zeros(size)
    if not places.size:
        return out
    matrix = -np.bincount(low * size + high, edge, size * size).reshape(size, size)
    matrix += matrix.T
    matrix.flat[:: size + 1] += degree
    matrix = matrix[np.ix_(places, places)]
    _, found, fault = lapack.dposv(matrix, right[places])
    out[places] = found if fault == 0 else linalg.lstsq(matrix, right[places], check_finite=False)[0]
    return out


def _conjugate(low: Ints, high: Ints, edge: Floats, degree: Floats, right: Floats, free: Bools) -> Floats:
    """Conjugate gradients; the preconditioner keeps the edges between neighbours."""
    size = len(right)
    near = (high == low + 1) & free[low] & free[high]
    bands = np.zeros((2, size))
    bands[1] = np.where(free, degree, 1.0)
    bands[0] = -np.bincount(high[near], edge[near], size)
    factor = linalg.cholesky_banded(bands, check_finite=False)
    inner = free[low] & free[high]
    i, j, w = low[inner], high[inner], edge[inner]
    table = sparse.csr_array((np.concatenate([w, w]), (np.concatenate([i, j]), np.concatenate([j, i]))), (size, size))
    x = np.zeros(size)
    residual = right.copy()
    z = linalg.cho_solve_banded((factor, False), residual, check_finite=False)
    way, old = z.copy(), float(residual @ z)
    first = old
    for _ in range(200):
        if old <= 1e-20 * first:
            break
        image = np.where(free, degree * way - table @ way, 0.0)
        length = old / float(way @ image)
        x += length * way
        residual -= length * image
        z = linalg.cho_solve_banded((factor, False), residual, check_finite=False)
        new = float(residual @ z)
        way, old = z + (new / old) * way, new
    return x
