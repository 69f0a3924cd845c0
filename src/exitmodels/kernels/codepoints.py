"""Texts as arrays of code points, so that letters of many texts are compared at once.

Ground floor: NumPy only. Read next: jarowinkler.py, editdistance.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from exitmodels.arrays import Ints

__all__ = ["code_points", "pair_chunks"]

_CHUNK = 1 << 14


def code_points(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Turn texts into one row of code points each.

    Parameters
    ----------
    texts : sequence of str
        Without NUL characters, which would be taken for the end of a text.

    Returns
    -------
    letters : (n, w) int32
        Code points, zero after the end; w is the length of the longest text, at least 1.
    length : (n,) int64

    Examples
    --------
    >>> letters, length = code_points(["ab", "c"])
    >>> letters.tolist(), length.tolist()
    ([[97, 98], [99, 0]], [2, 1])
    """
    held = np.array(list(texts), dtype=np.str_).reshape(-1)
    width = max(held.dtype.itemsize // 4, 1)
    if not len(held):
        return np.zeros((0, 1), dtype=np.int32), np.zeros(0, dtype=np.int64)
    letters = np.ascontiguousarray(held.astype(f"<U{width}")).view("<u4").reshape(len(held), width).astype(np.int32)
    return letters, np.char.str_len(held).astype(np.int64)


def pair_chunks(
    letters: Ints, length: Ints, first: Ints, second: Ints
) -> Iterator[tuple[slice, Ints, Ints, Ints, Ints]]:
    """Walk over pairs of texts, some thousands at a time.

    Parameters
    ----------
    letters, length : as `code_points` returns them
    first, second : (m,) int
        Rows of `letters`.

    Yields
    ------
    Slice of the pairs; letters of the first and of the second texts (w, c), position first; their lengths (c,).
    """
    for start in range(0, len(first), _CHUNK):
        part = slice(start, min(start + _CHUNK, len(first)))
        a, b = first[part], second[part]
        n_a, n_b = length[a], length[b]
        wide_a, wide_b = max(int(n_a.max()), 1), max(int(n_b.max()), 1)
        yield (
            part,
            np.ascontiguousarray(letters[a, :wide_a].T),
            np.ascontiguousarray(letters[b, :wide_b].T),
            n_a,
            n_b,
        )
