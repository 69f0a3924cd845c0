"""Arrays as given to `Spells(...)`: numbers copied, labels and events coded.

First floor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Ints
from exitmodels.errors import DataError
from exitmodels.shapes import checks
from exitmodels.shapes.events import code_events
from exitmodels.shapes.frames import Table
from exitmodels.shapes.grouping import group_codes

__all__ = ["events", "labels_of", "numeric"]


def numeric(name: str, values: Any) -> AnyArray:
    """Copy an array of times; text and the like are refused."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    column = Table({name: array}).column(name)
    if column.kind != "number":
        raise DataError(
            f"It must hold numbers; it holds {column.kind} values such as {column.examples(3)}.",
            column=name,
            code="not-numeric",
            hint="Dates are read by Spells.from_frame(..., origin=...).",
        )
    return column.values


def labels_of(name: str, values: Any) -> tuple[Ints | None, tuple[Any, ...]]:
    """Codes and labels of clusters or strata."""
    if values is None:
        return None, ()
    column = Table({name: np.asarray(values)}).column(name)
    checks.refuse_gaps(name, column.missing, np.arange(len(column)), "missing")
    codes, labels = group_codes(column)
    return codes.copy(), labels


def events(event: Any, n: int, causes: tuple[Any, ...] | None, censor: Any) -> tuple[Ints, tuple[Any, ...]]:
    """Event codes and the causes they stand for."""
    if event is None:
        return np.ones(n, dtype=np.int64), causes or ("exit",)
    array = np.asarray(event)
    if array.dtype.kind in "iu" and censor is None:
        return _event_codes(array.astype(np.int64), causes)
    column = Table({"event": array}).column("event")
    whole = column.kind == "number" and column.missing is None and bool(np.all(column.values == column.values.round()))
    if whole and censor is None:
        return _event_codes(column.values.astype(np.int64), causes)
    codes, named, missing, _ = code_events(column, np.arange(n), censor)
    checks.refuse_gaps("event", missing, np.arange(n), "missing, and a missing label is not a reason")
    return np.array(codes, dtype=np.int64), causes or named


def _event_codes(codes: Ints, causes: tuple[Any, ...] | None) -> tuple[Ints, tuple[Any, ...]]:
    low, high = int(codes.min()), int(codes.max())
    found = np.flatnonzero(np.bincount(codes)) if low >= 0 and high < 1000 else np.unique(codes)
    limit = high if causes is None else len(causes)
    if low < 0 or high > limit or (causes is None and (np.array_equal(found, [1, 2]) or high > 100)):
        shown = ", ".join(str(v) for v in found[:8])
        raise DataError(
            f"The event codes are {shown}; 0 means not yet left and k the k-th cause.",
            column="event",
            rows=np.flatnonzero((codes < 0) | (codes > min(limit, 1 if causes is None else limit))),
            code="event-values",
            hint="Give causes=[...] to name the codes, or censor=[value that means not yet].",
        )
    if causes is not None:
        return codes, causes
    return codes, ("event",) if high <= 1 else tuple(range(1, high + 1))
