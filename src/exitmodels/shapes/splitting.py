"""Cutting spells at times or dates, and counting identical rows once.

First floor; the work behind `Spells.split` and `Spells.collapse`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.shapes.columns import Columns
from exitmodels.shapes.dates import day_number, days_in_unit, iso
from exitmodels.shapes.frames import Column
from exitmodels.shapes.grouping import group_codes

if TYPE_CHECKING:
    from exitmodels.shapes.spells import Spells

__all__ = ["calendar_cuts", "collapse", "split"]


def split(spells: Spells, at: Any, by: str, name: str | None) -> Spells:
    """Cut spells at durations or dates; see `Spells.split`."""
    points = list(at) if isinstance(at, (list, tuple, np.ndarray, set)) else [at]
    if by == "duration":
        cuts = np.unique(np.asarray(points, dtype=float))
        shift: AnyArray = np.zeros(1)
    elif by == "calendar":
        cuts, shift = calendar_cuts(spells, points)
    else:
        raise DataError(f"by={by!r} is not known.", code="split", hint='"duration" or "calendar".')
    return _cut(spells, cuts, shift, name)


def calendar_cuts(spells: Spells, points: list[Any]) -> tuple[Floats, AnyArray]:
    """Dates as cut points on each row's own clock, cut - shift; a date outside the window is refused."""
    if spells.origin is None:
        raise DataError(
            "These spells have no dates, so a date cannot be placed on them.",
            code="no-origin",
            hint="Read them with origin= and date columns.",
        )
    length = days_in_unit(spells.unit)
    days = np.unique(np.asarray([day_number(point, "at") for point in points], dtype=float))
    begins, ends = spells.origin + spells.entry * length, spells.origin + spells.exit * length
    first, last = float(begins.min()), float(ends.max())
    if spells.window is not None:
        first, last = float(spells.window[0]), float(spells.window[1] - 1)
    for day in days:
        if not first < day <= last:
            away = f"{abs(day - (first if day <= first else last)):.0f} days"
            where = f"{away} after the last" if day > last else f"{away} before the first"
            raise IdentificationError(
                f"{iso(day)} lies outside the observed window ({iso(first)} to {iso(last)}), {where} day of "
                "observation. One side of that date holds no observation, so these records cannot show what "
                "changed there.",
                code="outside-window",
                hint="Use a date inside the window, or records that span the date.",
            )
    whole = spells.exit.dtype.kind in "iu" and length == 1
    return (days - (1 if whole else 0)) / length, spells.origin / length


def _cut(spells: Spells, cuts: Floats, shift: AnyArray, name: str | None) -> Spells:
    entry, exit = spells.entry + shift, spells.exit + shift
    before = np.searchsorted(cuts, entry, side="right")
    after = np.searchsorted(cuts, exit, side="left")
    pieces = after - before + 1
    row = np.repeat(np.arange(len(spells)), pieces)
    step = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    passed = before[row] + step
    last = step == pieces[row] - 1
    own_shift = np.broadcast_to(shift, len(spells))[row]
    edges = np.concatenate([[np.nan], cuts, [np.nan]])
    begins = np.where(step == 0, spells.entry[row], edges[passed] - own_shift)
    finishes = np.where(last, spells.exit[row], edges[np.minimum(passed + 1, len(cuts))] - own_shift)
    taken = spells._take(row)
    changes: dict[str, Any] = {
        "entry": _like(begins, spells),
        "exit": _like(finishes, spells),
        "event": np.where(last, spells.event[row], 0),
        "cluster": row if spells.cluster is None else spells.cluster[row],
    }
    if name is not None:
        changes["columns"] = taken.columns.with_column(Column(name, "number", passed.astype(np.int64)))
    return taken._with(**changes)


def _like(times: Floats, spells: Spells) -> AnyArray:
    """Keep whole days whole."""
    if spells.exit.dtype.kind in "iu" and np.array_equal(times, np.floor(times)):
        return times.astype(np.int64)
    return times


def collapse(spells: Spells, by: Iterable[str] | None) -> Spells:
    """Count identical rows once; see `Spells.collapse`."""
    if spells.weight is not None and spells.weights == "sampling":
        raise DataError(
            "Rows with sampling weights are not copies of one another.", code="collapse", hint="Leave them as they are."
        )
    names = tuple(spells.columns) if by is None else tuple(by)
    columns = {name: spells.columns.want(name) for name in names}
    parts: list[AnyArray] = [getattr(spells, n) for n in spells._PER_ROW if n not in ("weight", "entry")]
    parts = [part for part in parts if part is not None] + ([spells.entry] if spells.delayed else [])
    code = _cross([*parts, *(_column_codes(column) for column in columns.values())])
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    weight = np.bincount(place[code], spells.row_weight, len(order))
    kept = spells._take(first[order])
    made = {name: column.take(first[order]) for name, column in columns.items()}
    ledger = spells.ledger.note(f"{len(spells)} rows are held as {len(order)} distinct ones with weights")
    return kept._with(weight=weight, weights="frequency", columns=Columns(made=made), ledger=ledger)


def _column_codes(column: Column) -> Ints:
    codes, _ = group_codes(column)
    return codes


def _cross(parts: list[AnyArray]) -> Ints:
    """One code for each distinct combination."""
    code: Ints = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        _, own = np.unique(part, return_inverse=True)
        _, code = np.unique(code * (int(own.max()) + 1) + own, return_inverse=True)
    return code
