"""Groups from columns: a code for each row, and the label of each code.

First floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Ints
from exitmodels.shapes.frames import Column

__all__ = ["crossed", "group_codes", "present"]

_FIRST_ROWS = 4096


def present(column: Column) -> tuple[Any, ...]:
    """Return the levels of a text column that occur."""
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.levels))
    return tuple(level for level, count in zip(column.levels, counts, strict=True) if count)


def group_codes(column: Column) -> tuple[Ints, tuple[Any, ...]]:
    """Return a code for each row and the label of each code; labels in order (levels, or sorted values)."""
    if column.kind == "text":
        used = present(column)
        if len(used) == len(column.levels):
            return column.values, column.levels
        table = np.cumsum([level in used for level in column.levels]) - 1
        return table.astype(np.int64)[column.values], used
    values = column.values
    if values.dtype.kind in "iub" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < 1 << 16:
            shifted = values.astype(np.int64, copy=False) - low if low else values.astype(np.int64, copy=False)
            found = np.arange(2) if high - low == 1 else np.flatnonzero(np.bincount(shifted[:_FIRST_ROWS]))
            if len(found) <= high - low:
                found = np.flatnonzero(np.bincount(shifted))
            kind = bool if values.dtype.kind == "b" else int
            labels = tuple(kind(v + low) for v in found)
            if len(found) == high - low + 1:
                return shifted, labels
            table = np.zeros(high - low + 1, dtype=np.int64)
            table[found] = np.arange(len(found))
            return table[shifted], labels
    levels, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), tuple(v.item() if hasattr(v, "item") else v for v in levels)


def crossed(names: Sequence[str], columns: Mapping[str, Column]) -> tuple[Ints | None, tuple[str, ...]]:
    """Cross several columns into one code per row; labels as "a=1, b=x"."""
    if not names:
        return None, ("",)
    code: Ints | None = None
    labels: list[str] = [""]
    for name in names:
        part, levels = group_codes(columns[name])
        code = part if code is None else code * len(levels) + part
        labels = [f"{old}, {name}={new}" if old else f"{name}={new}" for old in labels for new in levels]
        used, code = np.unique(code, return_inverse=True)
        labels = [labels[i] for i in used]
    assert code is not None
    return code.astype(np.int64), tuple(labels)
