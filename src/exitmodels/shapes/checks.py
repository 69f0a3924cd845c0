"""The rules that spells keep, each with its message. One validator for every way in.

First floor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.errors import DataError

__all__ = ["check_lengths", "check_order", "check_weights", "not_finite", "refuse_gaps"]


def check_lengths(n: int, **arrays: Any) -> None:
    """Refuse columns of different lengths, and tables without rows."""
    if n == 0:
        raise DataError("There are no rows.", code="empty", hint="Check the filter or the file that made the table.")
    for name, values in arrays.items():
        if values is not None and len(values) != n:
            raise DataError(
                f"It has {len(values)} values where exit has {n}.", column=name, code="length", hint="Give one per row."
            )


def not_finite(values: AnyArray) -> Bools | None:
    """Return a mask of NaN and infinite values, or None when there are none (found by one sum)."""
    if values.dtype.kind != "f":
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum()):
            return None
    bad = ~np.isfinite(values)
    return bad if bad.any() else None


_GAPS = 'Complete them, or give missing="drop", which sets the rows aside and counts them in the ledger.'


def refuse_gaps(
    name: str, bad: Bools | None, labels: AnyArray, what: str = "missing or infinite", hint: str = _GAPS
) -> None:
    """Refuse missing or infinite values in a column."""
    if bad is not None:
        rows = np.flatnonzero(bad)
        raise DataError(
            f"{rows.size} values are {what}.",
            column=name,
            rows=labels[rows],
            code="missing",
            hint=hint,
        )


def check_order(entry: AnyArray | None, exit: AnyArray, labels: AnyArray, names: tuple[str, str]) -> None:
    """Refuse spells that do not end after they begin."""
    start: Any = 0 if entry is None else entry
    bad = exit <= start
    if not bad.any():
        return
    rows = np.flatnonzero(bad)
    begins = np.broadcast_to(start, len(exit))
    first = rows[0]
    negative = int(np.count_nonzero(exit[rows] < begins[rows]))
    kind = "negative durations" if negative == rows.size else "spells that do not end after they begin"
    raise DataError(
        f"There are {rows.size} {kind} (first: {names[0]}={begins[first]:g}, {names[1]}={exit[first]:g}). "
        "A person is at risk on (entry, exit], so exit must be later than entry.",
        column=names[1],
        rows=labels[rows],
        code="order",
        hint="For exits on the day of entry give day_fraction=0.5; correct mistakes, or set those rows aside.",
    )


def check_weights(weight: Floats, kind: str, labels: AnyArray, name: str) -> None:
    """Refuse weights that cannot be what they are said to be."""
    if kind not in ("frequency", "sampling"):
        raise DataError(
            f"weights={kind!r} is not known.",
            code="weights-kind",
            hint='"frequency": a row stands for that many identical rows; "sampling": inverse chance of being drawn.',
        )
    refuse_gaps(name, not_finite(weight), labels)
    negative = np.flatnonzero(weight < 0)
    if negative.size:
        raise DataError(
            f"{negative.size} weights are negative.",
            column=name,
            rows=labels[negative],
            code="negative-weight",
            hint="A weight counts people, or is the inverse of a chance: it cannot be below zero.",
        )
    if not weight.any():
        raise DataError("All weights are zero.", column=name, code="zero-weight", hint="Leave the weights out.")
    if kind == "frequency":
        fractions = np.flatnonzero(weight != np.floor(weight))
        if fractions.size:
            raise DataError(
                f"{fractions.size} frequency weights are not whole numbers (first: {weight[fractions[0]]:g}).",
                column=name,
                rows=labels[fractions],
                code="fractional-weight",
                hint='If they are inverse sampling chances, give weights="sampling" (robust variance follows).',
            )
