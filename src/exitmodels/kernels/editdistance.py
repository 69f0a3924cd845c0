"""How many slips of the pen lie between two texts: Damerau and Levenshtein's distance, for many pairs at once.

Ground floor: NumPy only. Only a band around the diagonal is worked out when a largest distance of interest is given.

Read next: jarowinkler.py. Called by: records/comparing.py.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Ints
from exitmodels.kernels.codepoints import pair_chunks

__all__ = ["edit_distance"]


def edit_distance(letters: Ints, length: Ints, first: Ints, second: Ints, most: int | None = None) -> Ints:
    """Insertions, deletions, replacements and exchanges of neighbours that turn one text into the other.

    Parameters
    ----------
    letters, length : as `codepoints.code_points` returns them
    first, second : (m,) int
        Rows of `letters`.
    most : int, optional
        Largest distance of interest; every larger one is returned as ``most + 1``.

    Returns
    -------
    (m,) int64

    Notes
    -----
    The restricted form ("optimal string alignment"): no piece is edited twice, so that "CA" and "ABC" are 3 apart, and
    not 2 as in the unrestricted form.
    Cost: O(w1 w2) array operations for each chunk of pairs, O(w1 most) with `most`.
    Source: Damerau (1964), Levenshtein (1966); recursion of Wagner and Fischer (1974) with exchanges.

    Examples
    --------
    >>> from exitmodels.kernels.codepoints import code_points
    >>> held = code_points(["hasan", "hassan", "hsaan", "husain"])
    >>> edit_distance(*held, np.zeros(4, dtype=int), np.arange(4)).tolist()
    [0, 1, 1, 2]
    """
    out = np.empty(len(first), dtype=np.int64)
    for part, a, b, n_a, n_b in pair_chunks(letters, length, first, second):
        band = max(len(a), len(b)) if most is None else most
        out[part] = _distance(a, b, n_a, n_b, band)
        if most is not None:
            out[part] = np.where(np.abs(n_a - n_b) > most, most + 1, np.minimum(out[part], most + 1))
    return out


def _distance(a: Ints, b: Ints, n_a: Ints, n_b: Ints, band: int) -> Ints:
    """Fill the table row by row; the answer of each pair is read where its own texts end."""
    wide, pairs = len(b), a.shape[1]
    far = np.int32(len(a) + wide + 1)
    above2 = np.full((wide + 1, pairs), far, dtype=np.int32)
    above = np.full((wide + 1, pairs), far, dtype=np.int32)
    above[: band + 1] = np.arange(wide + 1, dtype=np.int32)[: band + 1, None]
    columns = np.arange(pairs)
    answer = np.where(n_a == 0, above[np.minimum(n_b, wide), columns], far)
    for i in range(1, len(a) + 1):
        row = np.full((wide + 1, pairs), far, dtype=np.int32)
        if i <= band:
            row[0] = i
        for j in range(max(1, i - band), min(wide, i + band) + 1):
            best = above[j - 1] + (a[i - 1] != b[j - 1])
            np.minimum(best, above[j] + 1, out=best)
            np.minimum(best, row[j - 1] + 1, out=best)
            if i > 1 and j > 1:
                swapped = (a[i - 1] == b[j - 2]) & (a[i - 2] == b[j - 1])
                best = np.where(swapped, np.minimum(best, above2[j - 2] + 1), best)
            row[j] = best
        answer = np.where(n_a == i, row[np.minimum(n_b, wide), columns], answer)
        above2, above = above, row
    return answer.astype(np.int64)
