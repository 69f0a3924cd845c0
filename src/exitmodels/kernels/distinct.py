"""Distinct values, so that a costly function is called once for each of them.

Ground floor: NumPy only. Whole numbers of moderate size are found in a table, which costs two gathers; anything else
is sorted.

Called by: exact.py, exact_binomial.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from exitmodels.arrays import Floats, Ints

__all__ = ["distinct", "distinct_pairs"]

_TABLE = 1 << 20


def distinct(values: ArrayLike) -> tuple[Floats, Ints]:
    """Distinct values in rising order, and the place of each entry among them.

    Parameters
    ----------
    values : array of any shape

    Returns
    -------
    levels : (k,) float64
    where : int64, of the shape of `values`

    Examples
    --------
    >>> levels, where = distinct([3, 0, 3])
    >>> levels.tolist(), where.tolist()
    ([0.0, 3.0], [1, 0, 1])
    """
    given = np.asarray(values)
    found = _by_table(given.ravel()) if given.dtype.kind in "iu" else None
    if found is None:
        levels, where = np.unique(given.astype(np.float64).ravel(), return_inverse=True)
        found = levels, where.ravel()
    return found[0].astype(np.float64), found[1].reshape(given.shape).astype(np.int64, copy=False)


def distinct_pairs(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats, Ints]:
    """Distinct pairs of two arrays of one shape: their two parts, and the place of each entry among them.

    >>> one, two, where = distinct_pairs([1, 0, 1], [4, 4, 4])
    >>> one.tolist(), two.tolist(), where.tolist()
    ([0.0, 1.0], [4.0, 4.0], [1, 0, 1])
    """
    a, b = (np.asarray(v).ravel() for v in (first, second))
    shape = np.shape(first)
    if len(a) == 0:
        return a.astype(np.float64), b.astype(np.float64), np.zeros(shape, dtype=np.int64)
    width = float(b.max()) + 1
    if not (_whole(a) and _whole(b)) or (float(a.max()) + 1) * width >= 2**53:
        pairs, where = np.unique(np.stack([a, b]).astype(np.float64), axis=1, return_inverse=True)
        return pairs[0], pairs[1], where.reshape(shape).astype(np.int64, copy=False)
    levels, where = distinct(a.astype(np.int64, copy=False) * int(width) + b.astype(np.int64, copy=False))
    one = np.floor(levels / width)
    return one, levels - one * width, where.reshape(shape)


def _whole(values: Floats) -> bool:
    """Whole numbers of zero or more."""
    if values.dtype.kind not in "iu" and not np.all(values == np.floor(values)):
        return False
    return bool(values.min() >= 0)


def _by_table(values: Ints) -> tuple[Ints, Ints] | None:
    """Look whole numbers up, when their range is not much larger than their number."""
    if not len(values):
        return None
    low, high = int(values.min()), int(values.max())
    size = high - low + 1
    if size > max(4 * len(values), _TABLE) or size > 1 << 26:
        return None
    shifted = values.astype(np.int64, copy=False) - low if low else values.astype(np.int64, copy=False)
    found = np.flatnonzero(np.bincount(shifted, minlength=size))
    table = np.zeros(size, dtype=np.int64)
    table[found] = np.arange(len(found))
    return found + low, table[shifted]
