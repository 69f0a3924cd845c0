"""Sums over pairs of rows that are ordered one way in one column and the other way in another.

Ground floor: NumPy only. With rows in ascending order of a score, a pair is inverted when the earlier row
has the larger code (a place in time). Counting inverted pairs for every row is the whole work behind a
concordance, its influence on every row included.

The codes are read a few bits at a time, highest first. Rows that agree in the higher bits form a group; in
each group, short runs of rows are compared directly (byte by byte, many runs at once), and a small table of
running sums by run and by bits says what lies in other runs. So the cost is a few passes for each six or
seven bits of the codes, and no loop over rows.

Read next: concordance.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints

__all__ = ["inverted_sums"]

_RUN = 64
_LAST_BITS = 6
_BITS = 7
_CHUNK = 1 << 10


def inverted_sums(codes: Ints, left: AnyArray, right: AnyArray) -> tuple[Floats, Floats]:
    """For every row, sum over the rows with which it forms an inverted pair.

    Parameters
    ----------
    codes : (n,) int
        Whole numbers from 0; rows i < j form an inverted pair when codes[i] > codes[j].
    left, right : (n,)
        What a row counts when it stands on the left, or on the right, of a pair.

    Returns
    -------
    before : (n,)
        For row j, the sum of `left` over rows i < j with codes[i] > codes[j].
    after : (n,)
        For row i, the sum of `right` over rows j > i with codes[j] < codes[i].
        Both are whole numbers when all of `left` and `right` are -1, 0 or 1.

    Notes
    -----
    Cost: O(n log(largest code)). Error: exact for whole numbers below 2**53; otherwise that of a few sums.

    Examples
    --------
    >>> one = np.ones(4)
    >>> before, after = inverted_sums(np.array([3, 1, 2, 0]), one, one)
    >>> before.tolist(), after.tolist()
    ([0, 1, 1, 3], [3, 1, 1, 0])
    """
    n = len(codes)
    small = n < 1 << 30 and _fits_byte(left) and _fits_byte(right)
    kind = np.int32 if small else np.float64
    before: Floats = np.zeros(n, dtype=kind)
    after: Floats = np.zeros(n, dtype=kind)
    if n < 2:
        return before, after
    counts = (left.astype(np.int8), right.astype(np.int8)) if small else (left, right)
    short = codes.astype(np.int32) if int(codes.max()) < 1 << 31 else codes
    place = max(int(n - 1).bit_length(), 1)
    for shift, width in _digits(int(codes.max())):
        order: Ints | slice = slice(None)
        if int(codes.max()) >> (shift + width):
            order = np.sort(((short >> (shift + width)).astype(np.int64) << place) | np.arange(n))
            order &= (1 << place) - 1
        here = short[order]
        child = ((here >> shift) & ((1 << width) - 1)).astype(np.uint8)
        one, two = _level(here >> (shift + width), child, counts[0][order], counts[1][order], 1 << width)
        before[order] += one
        after[order] += two
    return before, after


def _digits(largest: int) -> list[tuple[int, int]]:
    """Where the bits of the codes are cut: (lowest bit, number of bits), highest first.

    The last digit has as many values as a run has rows, so that rows with distinct codes fill whole runs there.
    """
    bits = max(largest.bit_length(), 1)
    last = min(bits, _LAST_BITS)
    rest = bits - last
    if rest == 0:
        return [(0, last)]
    n_levels = -(-rest // _BITS)
    width = -(-rest // n_levels)
    cuts = [last + max(rest - width * (level + 1), 0) for level in range(n_levels)]
    tops = [bits, *cuts[:-1]]
    return [*((low, top - low) for low, top in zip(cuts, tops, strict=True)), (0, last)]


def _fits_byte(values: AnyArray) -> bool:
    """Whether all values are -1, 0 or 1, so that sums over one run fit a byte."""
    return bool(np.all((values == 0) | (np.abs(values) == 1)))


@dataclass(frozen=True, eq=False)
class _Runs:
    """Where rows stand when each group is cut into runs of equal length, the last one padded.

    `whole`: no padding but at the very end.
    """

    dest: Ints
    run: Ints
    first: Ints
    last: Ints
    n_runs: int
    whole: bool


def _runs(group: Ints) -> _Runs:
    n = len(group)
    begins = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    sizes = np.diff(np.append(begins, n))
    n_runs = -(-sizes // _RUN)
    first = np.cumsum(n_runs) - n_runs
    whole = bool(np.all(sizes[:-1] % _RUN == 0))
    dest = np.arange(n) if whole else np.arange(n) + np.repeat(first * _RUN - begins, sizes)
    bounds = np.repeat(first, sizes), np.repeat(first + n_runs, sizes)
    return _Runs(dest, dest // _RUN, *bounds, int(n_runs.sum()), whole)


def _level(group: Ints, child: AnyArray, left: AnyArray, right: AnyArray, n_children: int) -> tuple[Floats, Floats]:
    """Pairs that agree in the higher bits and differ in these: within runs, and between runs of a group."""
    runs = _runs(group)
    one, two = _within(runs, child, left, right)
    some = np.flatnonzero(runs.last - runs.first > 1)
    if not some.size:
        return one, two
    rows: Ints | slice = some
    if some.size == len(group):
        rows = slice(None)
    else:
        runs = _runs(group[some])
    wide = child[rows].astype(np.int64)
    one[rows] += _between(runs, n_children - 1 - wide, left[rows], n_children, runs.first, runs.run)
    two[rows] += _between(runs, wide, right[rows], n_children, runs.run + 1, runs.last)
    return one, two


def _between(runs: _Runs, child: Ints, values: AnyArray, n_children: int, start: Ints, stop: Ints) -> Floats:
    """For each row, the sum of `values` over runs start .. stop - 1 and smaller children."""
    table = _tally(runs.run * n_children + child, values, runs.n_runs * n_children).reshape(-1, n_children)
    total = np.zeros((runs.n_runs + 1, n_children), dtype=table.dtype)
    np.cumsum(table, axis=0, out=total[1:])
    upto = np.cumsum(total, axis=1, dtype=table.dtype)
    upto -= total
    flat = upto.ravel()
    out = flat[stop * n_children + child]
    out -= flat[start * n_children + child]
    return out


def _tally(place: Ints, values: AnyArray, size: int) -> Floats:
    """Sum of `values` at each place; whole numbers are counted."""
    if values.dtype != np.int8:
        return np.bincount(place, values, size)
    own = values == 1
    out = np.bincount(place if own.all() else place[own], minlength=size)
    taken = values == -1
    if taken.any():
        out = out - np.bincount(place[taken], minlength=size)
    return out.astype(np.int32)


def _within(runs: _Runs, child: AnyArray, left: AnyArray, right: AnyArray) -> tuple[Floats, Floats]:
    """Compare all pairs inside each run, one lag at a time, over many runs at once."""
    columns = [_laid_out(runs, values) for values in (child, left, right)]
    kind = np.int32 if left.dtype == np.int8 else np.float64
    one, two = np.empty((runs.n_runs, _RUN), dtype=kind), np.empty((runs.n_runs, _RUN), dtype=kind)
    for start in range(0, runs.n_runs, _CHUNK):
        part = slice(start, start + _CHUNK)
        bits, first, second = (np.ascontiguousarray(column[part].T) for column in columns)
        a, b = np.zeros_like(first), np.zeros_like(second)
        for lag in range(1, min(_RUN, len(child))):
            hit = (bits[:-lag] > bits[lag:]).view(np.int8)
            if first.dtype == np.int8:
                np.negative(hit, out=hit)
                a[lag:] += hit & first[:-lag]
                b[:-lag] += hit & second[lag:]
            else:
                a[lag:] += hit * first[:-lag]
                b[:-lag] += hit * second[lag:]
        one[part], two[part] = a.T, b.T
    if runs.whole:
        return one.ravel()[: len(child)], two.ravel()[: len(child)]
    return one.ravel()[runs.dest], two.ravel()[runs.dest]


def _laid_out(runs: _Runs, values: AnyArray) -> AnyArray:
    out = np.zeros(runs.n_runs * _RUN, dtype=values.dtype)
    if runs.whole:
        out[: len(values)] = values
    else:
        out[runs.dest] = values
    return out.reshape(runs.n_runs, _RUN)
