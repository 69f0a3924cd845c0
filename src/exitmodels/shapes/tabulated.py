"""From a table that is already counted to cells.

First floor. The work behind ``Counts.from_table``: counts are checked, periods are completed from a frequency or an
end column, and cells in which nothing could happen are set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.cells import check_counts, check_exposure
from exitmodels.shapes.counting import choice, days_of, drop_or_refuse, without_exposure
from exitmodels.shapes.dates import iso, window_days
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.periods import period_edges, period_labels, plain_frequency

__all__ = ["read_cells"]


def read_cells(
    table: Table,
    n: str,
    by: Sequence[str],
    *,
    start: str | None,
    end: str | None,
    freq: str | None,
    window: tuple[Any, Any] | None,
    exposure: str | None,
    covariates: Sequence[str],
    unit: str | None,
    shared: bool | None,
    missing: str,
    date_format: str | None,
    timezone: str | None,
) -> dict[str, Any]:
    """Return the fields of `Counts`; parameters as in ``Counts.from_table``."""
    choice("missing", missing, ("raise", "drop"))
    counted = _numbers(table, n)
    keys, others = [table.column(name) for name in by], [table.column(name) for name in covariates]
    given = _numbers(table, exposure) if exposure else None
    needed = [counted, *keys, *others, *([given] if given is not None else [])]
    dated = {name: _dates(table.column(name), date_format) for name in (start, end) if name is not None}
    days = {name: days_of(column, table.labels, date_format, timezone) for name, column in dated.items()}
    masks = [*((c.name, c.missing) for c in needed), *((name, gone) for name, (_, gone) in days.items())]
    keep, ledger = drop_or_refuse(masks, table, missing, Ledger(table.n))
    chosen = slice(None) if keep is None else np.flatnonzero(keep)
    labels = table.labels[chosen]
    values = counted.values[chosen]
    check_counts(n, values, labels)
    timing = (
        _untimed(labels)
        if start is None
        else _timed(start, days[start][0][chosen], None if end is None else days[end][0][chosen], freq, window, labels)
    )
    columns = [k.take(chosen) for k in keys]
    _refuse_overlap(timing, columns, labels, start)
    known = _exposure(given, chosen, timing)
    check_exposure(exposure or "exposure", values, known, labels)
    fields = {
        **timing,
        "n": values.astype(np.int64),
        "exposure": known,
        "key_columns": tuple(columns),
        "covariate_columns": tuple(c.take(chosen) for c in others),
        "ledger": ledger,
        "unit": unit if unit is not None else "D" if given is None and start is not None else "",
        "shared": _shared(shared, given is not None, bool(keys)),
    }
    return without_exposure(fields, labels)


def _shared(shared: bool | None, given: bool, keyed: bool) -> bool | None:
    """Calendar days are shared by the keys of a period; of a column of exposures only the user can tell."""
    return shared if shared is not None else None if given and keyed else not given


def _numbers(table: Table, name: str) -> Column:
    column = table.column(name)
    if column.kind != "number":
        raise DataError(
            f"This column must hold numbers; it holds {column.kind} values such as {column.examples(3)}.",
            column=name,
            code="not-numeric",
            hint="Convert it first.",
        )
    return column


def _dates(column: Column, date_format: str | None) -> Column:
    """Whole numbers such as 1851 are dates when a format says so (date_format="%Y")."""
    if column.kind != "number" or date_format is None or column.missing is not None:
        return column
    levels, codes = np.unique(column.values, return_inverse=True)
    return Column(column.name, "text", codes.astype(np.int64), None, tuple(f"{level:g}" for level in levels))


def _untimed(labels: AnyArray) -> dict[str, Any]:
    nothing = np.full(len(labels), np.datetime64("NaT"), dtype="datetime64[D]")
    names = np.asarray([str(label) for label in labels])
    return {"start": nothing, "end": nothing, "period": names, "partial": np.zeros(len(labels), dtype=bool), "freq": ""}


def _timed(name: str, start: Ints, end: Ints | None, freq: str | None, window: Any, labels: AnyArray) -> dict[str, Any]:
    whole = _whole_periods(name, start, end, freq)
    first, last = (int(start.min()), int(whole[1].max())) if window is None else window_days(window)
    begins, ends = np.maximum(start, first), np.minimum(whole[1], last)
    out = np.flatnonzero(ends <= begins)
    if out.size:
        raise DataError(
            f"{out.size} periods are empty or lie outside the window {iso(first)} to {iso(last - 1)} "
            f"(first: {iso(start[out[0]])} to {iso(whole[1][out[0]] - 1)}).",
            column=name,
            rows=labels[out],
            code="outside-window",
            hint="A period must end after it starts; widen the window, or leave these rows out.",
        )
    plain = plain_frequency(freq) if freq else "edges"
    days, where = np.unique(whole[0], return_inverse=True)
    return {
        "start": begins.astype("datetime64[D]"),
        "end": ends.astype("datetime64[D]"),
        "period": np.asarray(period_labels(plain, days))[where],
        "partial": (begins > whole[0]) | (ends < whole[1]),
        "freq": plain,
        "window": (np.datetime64(first, "D"), np.datetime64(last - 1, "D")),
    }


def _whole_periods(name: str, start: Ints, end: Ints | None, freq: str | None) -> tuple[Ints, Ints]:
    if end is not None:
        return start, end
    if freq is None:
        raise DataError(
            "Where the periods end is not said.",
            column=name,
            code="no-end",
            hint='Give end= (the day after the last), or freq=, for example freq="MS".',
        )
    edges = period_edges(freq, int(start.min()), int(start.max()) + 1)
    place = np.searchsorted(edges, start, side="right") - 1
    return edges[place], edges[place + 1]


def _refuse_overlap(timing: dict[str, Any], keys: Sequence[Column], labels: AnyArray, name: str | None) -> None:
    """Within one combination of keys, periods are the same or apart."""
    if name is None:
        return
    start, end = timing["start"].astype(np.int64), timing["end"].astype(np.int64)
    codes = [group_codes(key)[0] for key in keys]
    order = np.lexsort([end, start, *codes])
    same = np.ones(len(start) - 1, dtype=bool)
    for code in codes:
        same &= code[order[1:]] == code[order[:-1]]
    equal = (start[order[1:]] == start[order[:-1]]) & (end[order[1:]] == end[order[:-1]])
    bad = np.flatnonzero(same & ~equal & (start[order[1:]] < end[order[:-1]]))
    if bad.size:
        raise DataError(
            f"{bad.size} periods overlap the one before (first: one ends {iso(end[order[bad[0]]] - 1)}, the next "
            f"starts {iso(start[order[bad[0] + 1]])}).",
            column=name,
            rows=labels[order[bad + 1]],
            code="overlap",
            hint="Periods of one series follow each other; name the key that tells two series apart with by=.",
        )


def _exposure(given: Column | None, chosen: Any, timing: dict[str, Any]) -> Floats:
    if given is not None:
        return np.asarray(given.values[chosen], dtype=np.float64)
    if np.isnat(timing["start"]).any():
        return np.ones(len(timing["start"]))
    return np.asarray((timing["end"] - timing["start"]).astype(np.int64), dtype=np.float64)
