"""Pairs of records that agree on something: counted before they are formed.

Ground floor: NumPy only. Codes are whole numbers from 0; a negative code agrees with nothing.

Called by: records/blocking.py. Read next: fellegisunter.py.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Ints

__all__ = ["agreeing_pairs", "combined_codes", "count_agreeing", "largest_blocks"]


def combined_codes(columns: list[Ints]) -> Ints:
    """One code for each distinct combination of several columns of codes; -1 where any of them is negative.

    >>> combined_codes([np.array([0, 0, 1, -1]), np.array([5, 5, 5, 5])]).tolist()
    [0, 0, 1, -1]
    """
    code = np.asarray(columns[0], dtype=np.int64)
    gone = code < 0
    for column in columns[1:]:
        gone = gone | (column < 0)
        width = int(column.max(initial=0)) + 1
        code = np.unique(np.where(gone, -1, code * width + column), return_inverse=True)[1].reshape(-1)
    there = np.unique(code[~gone])
    return np.where(gone, -1, np.searchsorted(there, code))


def count_agreeing(a: Ints, b: Ints | None = None) -> int:
    """Count pairs of equal codes: between `a` and `b`, or within `a`.

    >>> count_agreeing(np.array([0, 0, 0, 1])), count_agreeing(np.array([0, 1]), np.array([0, 0, -1]))
    (3, 2)
    """
    if b is None:
        size = np.bincount(a[a >= 0]).astype(np.float64)
        return int((size * (size - 1) / 2).sum())
    width = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
    one, two = (np.bincount(c[c >= 0], minlength=width).astype(np.float64) for c in (a, b))
    return int(one @ two)


def largest_blocks(a: Ints, b: Ints | None = None, most: int = 3) -> list[tuple[int, int]]:
    """The codes that make most pairs, as (code, pairs)."""
    width = int(max(a.max(initial=0), -1 if b is None else b.max(initial=0))) + 1
    one = np.bincount(a[a >= 0], minlength=width).astype(np.float64)
    pairs = one * (one - 1) / 2 if b is None else one * np.bincount(b[b >= 0], minlength=width)
    order = np.argsort(-pairs, kind="stable")[:most]
    return [(int(code), int(pairs[code])) for code in order if pairs[code] > 0]


def agreeing_pairs(a: Ints, b: Ints | None = None) -> tuple[Ints, Ints]:
    """Form the pairs of equal codes: between `a` and `b`, or within `a` (each once, the lower place first).

    Returns
    -------
    left, right : (m,) int64 places in `a` and in `b` (or in `a`).

    Notes
    -----
    Cost: one sort and O(m).

    Examples
    --------
    >>> [side.tolist() for side in agreeing_pairs(np.array([7, 3, 7, 7]))]
    [[0, 0, 2], [2, 3, 3]]
    """
    if b is None:
        places = np.flatnonzero(a >= 0)
        order = places[np.argsort(a[places], kind="stable")]
        ends = np.searchsorted(a[order], a[order], side="right")
        start = np.arange(1, len(order) + 1)
        return _spread(order, order, start, ends - start)
    rows = np.flatnonzero(a >= 0)
    order = np.argsort(b, kind="stable")
    start = np.searchsorted(b[order], a[rows], side="left")
    size = np.searchsorted(b[order], a[rows], side="right") - start
    return _spread(rows, order, start, size)


def _spread(left: Ints, order: Ints, start: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Pair left[i] with order[start[i] : start[i] + size[i]]."""
    total = int(size.sum())
    first = np.repeat(left, size)
    skip = np.repeat(start - (np.cumsum(size) - size), size)
    return first.astype(np.int64), order[np.arange(total) + skip].astype(np.int64)
