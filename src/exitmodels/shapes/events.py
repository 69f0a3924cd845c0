"""What an event column means: left for which cause, or not yet left. Never guessed.

First floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.frames import Column

__all__ = ["code_events"]


def code_events(
    column: Column, labels: AnyArray, censor: Any = None, unknown: str | None = None
) -> tuple[Ints, tuple[Any, ...], Bools | None, tuple[str, ...]]:
    """Turn an event column into codes: 0 for censored, k for ``causes[k - 1]``.

    Parameters
    ----------
    column : Column
        Booleans, 0/1, or labels.
    censor : label or list of labels, optional
        The labels that mean "not yet"; None inside the list says that a missing label means it.
    unknown : str, optional
        The reason under which missing labels are counted.

    Returns
    -------
    codes : (n,) int
    causes : tuple
    missing : (n,) bool or None
        Rows whose label is missing and was given no meaning.
    notes : tuple of str
        For the ledger.
    """
    means = _as_list(censor)
    if column.kind == "bool" and censor is None:
        return column.values.astype(np.int64), (column.name,), column.missing, ()
    if column.kind == "number" and censor is None:
        return _zero_one(column, labels), (column.name,), column.missing, ()
    if column.kind not in ("bool", "number", "text"):
        raise DataError(
            f"An event column holds booleans, 0/1 or labels; this one holds {column.kind} values.",
            column=column.name,
            code="event-kind",
            hint="Name the column that says whether (and why) the person left.",
        )
    if censor is None:
        raise DataError(
            f"The event column holds the labels {column.examples()}, and none was said to mean 'not yet left'.",
            column=column.name,
            code="event-labels",
            hint="Give censor=[...] with the labels that mean not yet; censor=[] if every row is an exit.",
        )
    return _labelled(column, means, unknown)


def _as_list(censor: Any) -> list[Any]:
    if censor is None:
        return []
    if isinstance(censor, str) or not isinstance(censor, Iterable):
        return [censor]
    return list(censor)


def _zero_one(column: Column, labels: AnyArray) -> Ints:
    values = column.values
    present = values if column.missing is None else values[~column.missing]
    low, high = (float(present.min()), float(present.max())) if len(present) else (0.0, 0.0)
    whole = values.dtype.kind in "iu" or bool(np.all(present == np.floor(present)))
    if low < 0 or high > 1 or not whole:
        found = np.unique(present)
        shown = ", ".join(f"{v:g}" for v in found[:8]) + (", ..." if len(found) > 8 else "")
        bad = np.flatnonzero(~np.isin(values, (0, 1)) & ~column.is_missing)
        coded = "It looks like 1 = not yet, 2 = left. " if np.array_equal(found, [1, 2]) else ""
        raise DataError(
            f"The event column holds {shown}; without censor= only 0 (not yet left) and 1 (left) are understood. "
            f"{coded}",
            column=column.name,
            rows=labels[bad],
            code="event-values",
            hint="Give censor=[value that means not yet]; every other value is then a reason of its own.",
        )
    return np.where(column.is_missing, 0, values).astype(np.int64) if column.missing is not None else values


def _labelled(column: Column, means: Sequence[Any], unknown: str | None) -> Any:
    levels, codes = _levels(column)
    missing_means_not_yet = any(label is None or label != label for label in means)
    not_yet = [label for label in means if label is not None and label == label]
    causes = [level for level in levels if level not in not_yet]
    table = np.array([0 if level in not_yet else causes.index(level) + 1 for level in levels] + [-1], dtype=np.int64)
    out = table[codes]
    notes = tuple(f"censor label {label!r} does not occur" for label in not_yet if label not in levels)
    gone = out < 0
    if not gone.any():
        return out, tuple(causes), None, notes
    if unknown is not None:
        causes = causes if unknown in causes else [*causes, unknown]
        out[gone] = causes.index(unknown) + 1
        return out, tuple(causes), None, (*notes, f"{int(gone.sum())} missing reasons are counted as {unknown!r}")
    out[gone] = 0
    if missing_means_not_yet:
        return out, tuple(causes), None, (*notes, f"{int(gone.sum())} missing reasons mean not yet left")
    return out, tuple(causes), gone, notes


def _levels(column: Column) -> tuple[list[Any], Ints]:
    if column.kind == "text":
        used = np.bincount(column.values[column.values >= 0], minlength=len(column.levels)) > 0
        return _drop_unused(list(column.levels), used, column.values)
    found, codes = np.unique(column.values, return_inverse=True)
    codes = np.where(column.is_missing, -1, codes).astype(np.int64)
    levels = [value.item() for value in found if value == value]
    if all(isinstance(v, float) and v.is_integer() for v in levels):
        levels = [int(v) for v in levels]
    return levels, np.where(codes >= len(levels), -1, codes)


def _drop_unused(levels: list[Any], used: Bools, codes: Ints) -> tuple[list[Any], Ints]:
    if used.all():
        return levels, codes
    table = np.append(np.cumsum(used) - 1, -1)
    return [level for level, keep in zip(levels, used, strict=True) if keep], table[codes].astype(np.int64)
