"""Exposure of the cells: days, a column, or a value for each period.

First floor. Called by: counting.py, tabulated.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.dates import day_number
from exitmodels.shapes.frames import Table
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.tally import Counted, drop_or_refuse

__all__ = ["exposures", "without_exposure"]


def exposures(
    exposure: Any, shared: bool | None, table: Table, made: Counted, fields: dict[str, Any]
) -> tuple[Floats, bool | None]:
    if exposure is None:
        days = (fields["end"] - fields["start"]).astype(np.int64).astype(np.float64)
        return days, True if shared is None else shared
    if isinstance(exposure, str):
        return _exposure_column(table, exposure, made, shared), shared
    if not isinstance(exposure, Mapping) and not hasattr(exposure, "items"):
        raise DataError(
            f"exposure is a {type(exposure).__name__}.",
            column="exposure",
            code="exposure",
            hint="Give a column name, or a mapping or Series from period to value.",
        )
    by_period = _exposure_mapping(exposure, made.edges, fields["period"][:: made.n_combos])
    return np.repeat(by_period, made.n_combos), True if shared is None else shared


def _exposure_column(table: Table, name: str, made: Counted, shared: bool | None) -> Floats:
    column = table.column(name)
    if column.kind != "number":
        raise DataError(
            f"Exposures are numbers; found {column.examples(3)}.", column=name, code="exposure", hint="Convert."
        )
    if made.loose is not None and not made.loose.dated.all():
        raise DataError(
            "Some dates are ranges of days, so a row does not say which period its exposure belongs to.",
            column=name,
            code="exposure",
            hint="Give exposure as a mapping from period to value.",
        )
    assert made.cell is not None
    drop_or_refuse([(name, column.missing)], table, "raise", Ledger(table.n))
    values = column.values[made.rows].astype(np.float64)
    n_combos, size = made.n_combos, len(made.n)
    group, n_groups = (made.cell // n_combos, size // n_combos) if shared else (made.cell, size)
    known = np.full(n_groups, np.nan)
    known[group] = values
    bad = np.flatnonzero(known[group] != values)
    if bad.size:
        rows = table.labels[made.rows][bad]
        where = "period" if shared else "cell"
        raise DataError(
            f"{bad.size} rows differ in exposure from other rows of their {where} (first: {values[bad[0]]:g} and "
            f"{known[group][bad[0]]:g}).",
            column=name,
            rows=rows,
            code="exposure",
            hint="The exposure of a cell is one number, repeated on its rows.",
        )
    empty = np.flatnonzero(np.isnan(known))
    if empty.size:
        raise DataError(
            f"{empty.size} cells have no record, so no row says their exposure.",
            column=name,
            rows=empty,
            code="exposure",
            hint="Give exposure as a mapping from period to value, or shared=True if keys share it.",
        )
    return np.repeat(known, n_combos) if shared else known


def _exposure_mapping(given: Any, edges: Ints, names: AnyArray) -> Floats:
    known = np.full(len(names), np.nan)
    places = {str(name): i for i, name in enumerate(names)}
    for key, value in given.items():
        i = places.get(str(key))
        if i is None:
            moment = getattr(key, "start_time", key)
            i = int(np.searchsorted(edges, day_number(moment, "period of the exposure"), side="right")) - 1
        if not 0 <= i < len(known) or not np.isnan(known[i]):
            problem = "twice" if 0 <= i < len(known) else "for a period outside the window"
            raise DataError(
                f"Exposure is given {problem}: {key}.", column="exposure", code="exposure", hint="One value per period."
            )
        known[i] = float(value)
    absent = np.flatnonzero(np.isnan(known))
    if absent.size:
        raise DataError(
            f"{absent.size} periods have no exposure (first: {names[absent[0]]}).",
            column="exposure",
            rows=names[absent],
            code="exposure",
            hint="Give a value for every period; zero where nothing could be recorded.",
        )
    return known


def without_exposure(fields: dict[str, Any], labels: AnyArray | None = None) -> dict[str, Any]:
    """Set aside cells in which nothing could happen and nothing did; `labels` when the cells were the rows read."""
    empty = fields["exposure"] == 0
    if not empty.any():
        return fields
    if empty.all():
        raise DataError("No cell has any exposure.", column="exposure", code="exposure", hint="Check the column.")
    kept: dict[str, Any] = {k: v[~empty] for k, v in fields.items() if isinstance(v, np.ndarray)}
    for name in ("key_columns", "covariate_columns"):
        if name in fields:
            kept[name] = tuple(column.take(~empty) for column in fields[name])
    kept["loose"] = None
    why, ledger = "neither exposure nor events", fields["ledger"]
    first = fields["period"][empty][0]
    noted = ledger.note(f"{int(empty.sum())} cells with {why} left out (first: {first})")
    return {**fields, **kept, "ledger": noted if labels is None else ledger.set_aside(why, labels[empty])}
