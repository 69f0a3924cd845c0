"""Texts taken apart at their numbers, many at once: the numbers, and a fingerprint of what stands around them.

Ground floor: NumPy only. A column of dates holds many texts but few ways of writing: "3/9/1435" and "12/10/1434"
differ in their numbers alone. What is left when each number becomes a mark is the *shape*; texts of one shape are
read alike, so that only shapes, not texts, need a closer look.

Called by: records.reading.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np

from exitmodels.arrays import AnyArray, Ints

__all__ = ["IGNORED", "MOST_NUMBERS", "Runs", "digit_runs", "shape_of"]

MOST_NUMBERS = 7
IGNORED = frozenset(
    "\u0000\u00ad\u061c\u0640\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters that are not seen: marks of direction, joiners, soft hyphens, the Arabic stroke that only stretches."""
_FACTOR, _MARK, _CAP = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x1F0001), 10**12


class Runs(NamedTuple):
    """What was found in each text.

    Attributes
    ----------
    numbers, digits : (n, 7) int64
        The first seven runs of digits as numbers (cut off at about 10**13), and how many digits each has.
    total : (n,) int64
        How many runs of digits there are.
    shape : (n,) uint64
        Equal for texts that differ only in their numbers and in `IGNORED` characters. Two shapes share a fingerprint
        with a chance of about 2**-64.
    """

    numbers: Ints
    digits: Ints
    total: Ints
    shape: Ints


@cache
def _digit_values() -> AnyArray:
    """Value of each decimal digit of the basic plane in any script, -1 for other characters, -2 for ignored ones."""
    values = np.array([unicodedata.decimal(chr(i), -1) for i in range(0x10000)], dtype=np.int64)
    values[[ord(c) for c in IGNORED]] = -2
    return values


def digit_runs(codes: AnyArray) -> Runs:
    """Take texts apart at their runs of digits.

    Parameters
    ----------
    codes : (n, w) uint32
        Code points of the texts, filled up with zeros.

    Notes
    -----
    Cost: O(n w), one pass per column of characters; nothing is done text by text.

    Examples
    --------
    >>> runs = digit_runs(np.array(["3/9/1435", "١٢/١٠/١٤٣٤"]).view(np.uint32).reshape(2, -1))
    >>> runs.numbers[:, :3].tolist(), bool(runs.shape[0] == runs.shape[1])
    ([[3, 9, 1435], [12, 10, 1434]], True)
    """
    n, width = codes.shape
    table = _digit_values()
    numbers, digits = np.zeros(n * MOST_NUMBERS, dtype=np.int64), np.zeros(n * MOST_NUMBERS, dtype=np.int64)
    count, shape = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.uint64)
    inside = np.zeros(n, dtype=bool)
    base = np.arange(n) * MOST_NUMBERS - 1
    for place in range(width):
        code = codes[:, place]
        value = table[np.minimum(code, 0xFFFF)]
        digit = value >= 0
        begins = digit & ~inside
        count += begins
        rows = np.flatnonzero(digit & (count <= MOST_NUMBERS))
        where = base[rows] + count[rows]
        numbers[where] = np.minimum(numbers[where], _CAP) * 10 + value[rows]
        digits[where] += 1
        seen = begins | (value == -1)
        shape = np.where(seen, shape * _FACTOR + np.where(begins, _MARK, code.astype(np.uint64) + np.uint64(1)), shape)
        inside = digit | (inside & (value == -2))
    return Runs(numbers.reshape(n, -1), digits.reshape(n, -1), count, shape)


def shape_of(text: str) -> str:
    """Return one text with each run of digits replaced by # and ignored characters left out.

    >>> shape_of("12 Ramadan 1435")
    '# Ramadan #'
    """
    made: list[str] = []
    inside = False
    for char in text:
        if char in IGNORED:
            continue
        digit = unicodedata.decimal(char, -1) >= 0
        if not (digit and inside):
            made.append("#" if digit else char)
        inside = digit
    return "".join(made)
