"""Counting many records fast: days and keys become one number each, a block of rows at a time.

First floor. The plain case (whole dates inside a given window, keys with few values) is counted in one pass
whose temporaries stay in cache. Anything else is left to counting.py, which gives the same cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Ints
from exitmodels.shapes.frames import Column, Table

__all__ = ["dense_counts"]

_BLOCK = 1 << 15
_ROWS = 1 << 14
_DAY = {"ns": 86_400_000_000_000, "us": 86_400_000_000, "ms": 86_400_000, "s": 86_400}


def dense_counts(
    table: Table, date: str, by: Sequence[str], first: int, end: int, period: Ints
) -> tuple[Ints, tuple[Column, ...]] | None:
    """Count records by period and key combination.

    Parameters
    ----------
    first, end : int
        The window's first day and the day after its last.
    period : (end - first,) int
        Period of each day.

    Returns
    -------
    n : (periods, combinations) int64, and the keys of each combination; None when the case is not a plain one.

    Notes
    -----
    Cost: one pass over the rows, and cells. Only combinations that occur are kept, in the order of their levels.
    """
    moments = _moments(table, date) if date in table.names and table.n >= _ROWS else None
    if moments is None:
        return None
    keys = [_coded(table.column(name)) for name in by]
    if any(key is None for key in keys):
        return None
    known = [key for key in keys if key is not None]
    sizes = [len(levels) for _, _, levels, _ in known]
    combos, periods = int(np.prod(sizes)), int(period[-1]) + 1
    if periods * combos > max(table.n, 1 << 20):
        return None
    cells = _sum(moments, known, sizes, (first, end), period, periods * combos)
    if cells is None:
        return None
    return _trimmed(cells.reshape(periods, combos), known, sizes)


def _moments(table: Table, date: str) -> tuple[Ints, int] | None:
    """Dates as whole numbers, and how many of them make a day; NaT is the smallest number there is."""
    series = table.frame[date]
    stored = getattr(series.to_native(), "dtype", None)
    if not isinstance(stored, np.dtype) or stored.kind != "M":
        return None
    unit = np.datetime_data(stored)[0]
    return (np.asarray(series.to_numpy()).view(np.int64), _DAY[unit]) if unit in _DAY else None


def _coded(column: Column) -> tuple[AnyArray, int, Sequence[Any], Column] | None:
    """Values, what to take off to get codes from zero, and the label of each code."""
    if column.missing is not None:
        return None
    if column.kind == "text":
        return column.values, 0, range(len(column.levels)), column
    if column.values.dtype.kind not in "ib":
        return None
    low, high = int(column.values.min()), int(column.values.max())
    return (column.values, low, range(low, high + 1), column) if high - low < 1 << 16 else None


def _sum(
    moments: tuple[Ints, int], keys: Sequence[Any], sizes: Sequence[int], window: tuple[int, int], period: Ints, n: int
) -> Ints | None:
    """Count block by block; None as soon as a date lies outside the window or is missing."""
    values, day = moments
    first, length = window[0] * day, (window[1] - window[0]) * day
    daily = bool(period[-1] + 1 == len(period))
    cell = np.empty(len(values), dtype=np.int64)
    for start in range(0, len(values), _BLOCK):
        rows = slice(start, start + _BLOCK)
        since = values[rows] - first
        # A missing or early date is negative, hence enormous as an unsigned number.
        if since.view(np.uint64).max() >= length:
            return None
        code = since // day if daily else period[since // day]
        for (column, low, _, _), size in zip(keys, sizes, strict=True):
            code *= size
            code += column[rows]
            if low:
                code -= low
        cell[rows] = code
    return np.bincount(cell, minlength=n).astype(np.int64, copy=False)


def _trimmed(cells: Ints, keys: Sequence[Any], sizes: Sequence[int]) -> tuple[Ints, tuple[Column, ...]]:
    """Leave out combinations that never occur, and name the others."""
    seen = np.flatnonzero(cells.any(axis=0))
    made, rest = [], seen
    for (_, _, levels, column), size in zip(keys[::-1], sizes[::-1], strict=True):
        rest, which = np.divmod(rest, size)
        found = np.asarray(levels)[which]
        if column.kind == "text":
            used, codes = np.unique(found, return_inverse=True)
            labels = tuple(column.levels[i] for i in used)
            made.append(Column(column.name, "text", codes.astype(np.int64), None, labels))
        else:
            made.append(Column(column.name, column.kind, found.astype(column.values.dtype)))
    return cells[:, seen], tuple(made[::-1])
