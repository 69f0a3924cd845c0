"""Jaro and Winkler's similarity of two names, for many pairs at once.

Ground floor: NumPy only. The loop runs over positions in the texts; every step handles thousands of pairs.

Read next: editdistance.py. Called by: records/comparing.py.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.codepoints import pair_chunks

__all__ = ["jaro_winkler"]


def jaro_winkler(
    letters: Ints,
    length: Ints,
    first: Ints,
    second: Ints,
    prefix_weight: float = 0.1,
    boost_from: float = 0.7,
) -> Floats:
    """Similarity of pairs of texts, from 0 (nothing shared) to 1 (equal).

    Parameters
    ----------
    letters, length : as `codepoints.code_points` returns them
    first, second : (m,) int
        Rows of `letters`.
    prefix_weight : float
        What each of up to four equal letters at the start adds, as a share of what is missing to 1. Zero gives Jaro's
        measure.
    boost_from : float
        The prefix counts only where Jaro's measure is above this, as in Winkler's program; 0 lets it count always,
        as some programs do.

    Returns
    -------
    (m,) float64; two empty texts are equal, an empty one shares nothing with another.

    Notes
    -----
    Letters match when equal and at most ``max(longer // 2 - 1, 0)`` places apart, each once, taken from the left. With
    c matches and t half the places at which their two orders differ (rounded down, as in Winkler's program), Jaro's
    measure is ``(c / n1 + c / n2 + (c - t) / c) / 3``. Taking letters from the left is not symmetric in rare cases, so
    the shorter text of a pair is always read first (of equal lengths, the one that sorts first).
    Cost: O(w1 w2) array operations for each chunk of pairs.
    Source: Jaro (1989), Winkler (1990).

    Examples
    --------
    >>> from exitmodels.kernels.codepoints import code_points
    >>> held = code_points(["MARTHA", "MARHTA"])
    >>> round(float(jaro_winkler(*held, np.array([0]), np.array([1]))[0]), 4)
    0.9611
    """
    first, second = _ordered(letters, length, first, second)
    out = np.empty(len(first))
    for part, a, b, n_a, n_b in pair_chunks(letters, length, first, second):
        plain = _jaro(a, b, n_a, n_b)
        common, alike = np.zeros(len(n_a)), np.ones(len(n_a), dtype=bool)
        for i in range(min(4, len(a), len(b))):
            alike &= (a[i] == b[i]) & (i < n_a) & (i < n_b)
            common += alike
        boost = np.where(plain > boost_from, common * prefix_weight, 0.0)
        out[part] = plain + boost * (1 - plain)
    return out


def _ordered(letters: Ints, length: Ints, first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """Put the shorter text of each pair first, equal lengths in the order of their letters."""
    rank = np.empty(len(letters), dtype=np.int64)
    rank[np.lexsort((*letters.T[::-1], length))] = np.arange(len(letters))
    swap = rank[first] > rank[second]
    return np.where(swap, second, first), np.where(swap, first, second)


def _jaro(a: Ints, b: Ints, n_a: Ints, n_b: Ints) -> Floats:
    """Jaro's measure of the columns of `a` (w1, c) with those of `b` (w2, c)."""
    reach = np.maximum(np.maximum(n_a, n_b) // 2 - 1, 0)
    widest = int(reach.max())
    in_a, in_b = np.zeros(a.shape, dtype=bool), np.zeros(b.shape, dtype=bool)
    near = [reach >= gap for gap in range(widest + 1)]
    for i in range(len(a)):
        wanted = i < n_a
        for j in range(max(i - widest, 0), min(i + widest + 1, len(b))):
            hit = (a[i] == b[j]) & wanted
            hit &= near[abs(i - j)]
            hit &= ~in_b[j]
            in_b[j] |= hit
            in_a[i] |= hit
            wanted &= ~hit
    found = in_a.sum(axis=0)
    moved = (_kept(a, in_a) != _kept(b, in_b)).sum(axis=0) // 2
    c = np.maximum(found, 1)
    value = (found / np.maximum(n_a, 1) + found / np.maximum(n_b, 1) + (found - moved) / c) / 3
    return np.where(found > 0, value, np.where((n_a == 0) & (n_b == 0), 1.0, 0.0))


def _kept(letters: Ints, matched: Bools) -> Ints:
    """The matched letters of each column, moved together to the top, zeros below."""
    width = int(matched.sum(axis=0).max(initial=0))
    out = np.zeros((max(width, 1), letters.shape[1]), dtype=letters.dtype)
    place = np.zeros(letters.shape[1], dtype=np.int64)
    for i in range(len(letters)):
        column = np.flatnonzero(matched[i])
        out[place[column], column] = letters[i, column]
        place[column] += 1
    return out
