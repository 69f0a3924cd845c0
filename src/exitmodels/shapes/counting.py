"""From records to cells: one count over all rows, with every cell present.

First floor. Days are looked up in a table of periods and keys in a table of levels, so ten million rows cost a few
gathers and one `bincount`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.cells import check_counts, check_exposure
from exitmodels.shapes.dates import day_number, day_numbers, iso, window_days
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.periods import period_edges, period_labels, plain_frequency

__all__ = ["choice", "count_records", "cut_periods", "days_of", "drop_or_refuse", "without_exposure"]


def count_records(
    table: Table,
    date: str,
    by: Sequence[str],
    weight: str | None,
    *,
    freq: Any,
    window: tuple[Any, Any] | None,
    exposure: Any,
    unit: str | None,
    shared: bool | None,
    outside: str,
    missing: str,
    date_format: str | None,
    timezone: str | None,
) -> dict[str, Any]:
    """Return the fields of `Counts`; parameters as in ``Counts.from_frame``."""
    choice("missing", missing, ("raise", "drop"))
    choice("outside", outside, ("raise", "set aside"))
    ledger = Ledger(table.n)
    day, gone = days_of(table.column(date), table.labels, date_format, timezone)
    keys = [table.column(name) for name in by]
    keep, ledger = drop_or_refuse([(date, gone), *((k.name, k.missing) for k in keys)], table, missing, ledger)
    first, end, ledger = _window(day if keep is None else day[keep], window, freq, ledger)
    keep, ledger = _inside(day, keep, first, end, date, outside, table, ledger)
    chosen = slice(None) if keep is None else keep
    edges = period_edges(freq, first, end)
    combo, key_columns = _combinations([k if keep is None else k.take(keep) for k in keys], len(day[chosen]))
    n_combos = len(key_columns[0]) if key_columns else 1
    cell = _period_of(edges, first, end)[day[chosen] - first] * n_combos + combo
    size = (len(edges) - 1) * n_combos
    n = _counted(cell, size, table, weight, chosen)
    fields = cut_periods(edges, first, end, freq, n_combos)
    known, shared = _exposures(exposure, shared, table, chosen, cell, edges, fields, n_combos)
    rows = np.arange(size)
    check_exposure("exposure", n, known, rows)
    fields |= {
        "n": n,
        "exposure": known,
        "key_columns": tuple(c.take(np.tile(np.arange(n_combos), len(edges) - 1)) for c in key_columns),
        "ledger": ledger,
        "window": (np.datetime64(first, "D"), np.datetime64(end - 1, "D")),
        "unit": unit if unit is not None else "D" if exposure is None else "",
        "shared": shared,
    }
    return without_exposure(fields)


def choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is not one of the known ones."""
    if value not in known:
        raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"Use one of {known}.")


def days_of(
    column: Column, labels: AnyArray, date_format: str | None, timezone: str | None
) -> tuple[Ints, Bools | None]:
    """Whole day numbers (time of day is cut off), and the missing mask."""
    days, gone = day_numbers(column, labels, date_format, timezone)
    return (days if days.dtype.kind == "i" else np.floor(days)).astype(np.int64, copy=False), gone


def drop_or_refuse(
    masks: Sequence[tuple[str, Bools | None]], table: Table, missing: str, ledger: Ledger
) -> tuple[Bools | None, Ledger]:
    """Refuse missing values, or set their rows aside, each counted once under the first column that lacks it."""
    keep: Bools | None = None
    for name, gone in masks:
        if gone is None or not gone.any():
            continue
        rows = np.flatnonzero(gone if keep is None else gone & keep)
        if missing == "raise":
            raise DataError(
                f"{rows.size} values are missing.",
                column=name,
                rows=table.labels[rows],
                code="missing",
                hint='Complete them, or use missing="drop", which counts the rows in the ledger.',
            )
        ledger = ledger.set_aside(f"{name} is missing", table.labels[rows[:10]], rows.size)
        keep = ~gone if keep is None else keep & ~gone
    if keep is not None and not keep.any():
        raise DataError("Every row lacks a date or a key.", code="empty", hint="Check the columns named.")
    return keep, ledger


def _window(day: Ints, window: Any, freq: Any, ledger: Ledger) -> tuple[int, int, Ledger]:
    if window is not None:
        return (*window_days(window), ledger)
    if not isinstance(freq, str) and len(freq) > 1:
        return int(day_number(freq[0])), int(day_number(freq[-1])), ledger
    first, last = int(day.min()), int(day.max())
    note = f"window taken from the dates found: {iso(first)} to {iso(last)}; the true window may be longer"
    return first, last + 1, ledger.note(note)


def _inside(
    day: Ints, keep: Bools | None, first: int, end: int, date: str, outside: str, table: Table, ledger: Ledger
) -> tuple[Bools | None, Ledger]:
    out = (day < first) | (day >= end)
    if keep is not None:
        out &= keep
    if not out.any():
        return keep, ledger
    rows = np.flatnonzero(out)
    if outside == "raise":
        raise DataError(
            f"{rows.size} dates lie outside the window {iso(first)} to {iso(end - 1)} (first: {iso(day[rows[0]])}).",
            column=date,
            rows=table.labels[rows],
            code="outside-window",
            hint='Widen the window, or use outside="set aside", which counts the rows in the ledger.',
        )
    why = f"{date} lies outside the window {iso(first)} to {iso(end - 1)}"
    return ~out if keep is None else keep & ~out, ledger.set_aside(why, table.labels[rows[:10]], rows.size)


def _period_of(edges: Ints, first: int, end: int) -> Ints:
    """The period of each day of the window, as a table to look days up in."""
    return np.searchsorted(edges, np.arange(first, end), side="right") - 1


def _combinations(keys: Sequence[Column], n: int) -> tuple[Ints | int, tuple[Column, ...]]:
    """Number the combinations of keys that occur, and give each key's value in each of them."""
    if not keys:
        return 0, ()
    parts = [group_codes(key) for key in keys]
    code = parts[0][0]
    for codes, levels in parts[1:]:
        code = code * len(levels) + codes
    every = int(np.prod([len(levels) for _, levels in parts]))
    if every <= max(4 * n, 1 << 20):
        seen = np.flatnonzero(np.bincount(code, minlength=every))
        table = np.zeros(every, dtype=np.int64)
        table[seen] = np.arange(len(seen))
        code = code if len(seen) == every else table[code]
    else:
        seen, code = np.unique(code, return_inverse=True)
    made, rest = [], seen
    for key, (_, levels) in zip(keys[::-1], parts[::-1], strict=True):
        rest, which = np.divmod(rest, len(levels))
        made.append(_key_column(key, which.astype(np.int64), levels))
    return code, tuple(made[::-1])


def _key_column(key: Column, which: Ints, levels: tuple[Any, ...]) -> Column:
    if key.kind == "text":
        return Column(key.name, "text", which, None, levels)
    return Column(key.name, key.kind, np.asarray(levels, dtype=key.values.dtype)[which])


def _counted(cell: Ints, size: int, table: Table, weight: str | None, chosen: Any) -> Ints:
    if weight is None:
        return np.bincount(cell, minlength=size).astype(np.int64, copy=False)
    column = table.column(weight)
    drop_or_refuse([(weight, column.missing)], table, "raise", Ledger(table.n))
    if column.kind != "number":
        raise DataError(
            f"Weights are numbers; found {column.examples(3)}.", column=weight, code="weight", hint="Convert them."
        )
    check_counts(weight, column.values, table.labels)
    weights = column.values[chosen]
    if not weights.any():
        raise DataError("All weights are zero.", column=weight, code="weight", hint="Check the column of weights.")
    return np.bincount(cell, weights, size).round().astype(np.int64)


def cut_periods(edges: Ints, first: int, end: int, freq: Any, repeat: int = 1) -> dict[str, Any]:
    """Starts, ends, names and partial flags of the periods, each `repeat` times."""
    name = plain_frequency(freq) if isinstance(freq, str) else "edges"
    starts, ends = np.maximum(edges[:-1], first), np.minimum(edges[1:], end)
    partial = (starts > edges[:-1]) | (ends < edges[1:])
    labels = np.asarray(period_labels(name, edges[:-1]))
    days = {"start": starts.astype("datetime64[D]"), "end": ends.astype("datetime64[D]")}
    columns = {**days, "period": labels, "partial": partial}
    return {"freq": name, **{key: np.repeat(value, repeat) for key, value in columns.items()}}


def _exposures(
    exposure: Any,
    shared: bool | None,
    table: Table,
    chosen: Any,
    cell: Ints,
    edges: Ints,
    fields: dict[str, Any],
    n_combos: int,
) -> tuple[Floats, bool | None]:
    if exposure is None:
        days = (fields["end"] - fields["start"]).astype(np.int64).astype(np.float64)
        return days, True if shared is None else shared
    if isinstance(exposure, str):
        return _exposure_column(table, exposure, chosen, cell, len(fields["start"]), n_combos, shared), shared
    if not isinstance(exposure, Mapping) and not hasattr(exposure, "items"):
        raise DataError(
            f"exposure is a {type(exposure).__name__}.",
            column="exposure",
            code="exposure",
            hint="Give a column name, or a mapping or Series from period to value.",
        )
    by_period = _exposure_mapping(exposure, edges, fields["period"][::n_combos])
    return np.repeat(by_period, n_combos), True if shared is None else shared


def _exposure_column(
    table: Table, name: str, chosen: Any, cell: Ints, size: int, n_combos: int, shared: bool | None
) -> Floats:
    column = table.column(name)
    if column.kind != "number":
        raise DataError(
            f"Exposures are numbers; found {column.examples(3)}.", column=name, code="exposure", hint="Convert."
        )
    drop_or_refuse([(name, column.missing)], table, "raise", Ledger(table.n))
    values = column.values[chosen].astype(np.float64)
    group, n_groups = (cell // n_combos, size // n_combos) if shared else (cell, size)
    known = np.full(n_groups, np.nan)
    known[group] = values
    bad = np.flatnonzero(known[group] != values)
    if bad.size:
        rows = table.labels[chosen][bad]
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
    kept = {k: v[~empty] for k, v in fields.items() if isinstance(v, np.ndarray)}
    for name in ("key_columns", "covariate_columns"):
        if name in fields:
            kept[name] = tuple(column.take(~empty) for column in fields[name])
    why, ledger = "neither exposure nor events", fields["ledger"]
    first = fields["period"][empty][0]
    noted = ledger.note(f"{int(empty.sum())} cells with {why} left out (first: {first})")
    return {**fields, **kept, "ledger": noted if labels is None else ledger.set_aside(why, labels[empty])}
