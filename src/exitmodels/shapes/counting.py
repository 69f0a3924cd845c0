"""From records to cells: one count over all rows, with every cell present.

First floor. The work behind ``Counts.from_frame``.

Read next: dense.py (many plain records, fast), tally.py (any records), exposures.py, imprecise.py, mentions.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Ints
from exitmodels.shapes.cells import check_exposure
from exitmodels.shapes.dates import window_days
from exitmodels.shapes.dense import dense_counts
from exitmodels.shapes.exposures import exposures, without_exposure
from exitmodels.shapes.frames import Table
from exitmodels.shapes.imprecise import days_of, read_ranges
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.mentions import label_rules
from exitmodels.shapes.periods import period_edges, period_labels, plain_frequency
from exitmodels.shapes.tally import Counted, choice, count_rows, drop_or_refuse, period_of

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
    date_format: str | Mapping[str, str] | None,
    timezone: str | None,
    until: str | None = None,
    precision: str | None = None,
    labels: str | Mapping[str, str] | None = None,
    separator: str | None = None,
) -> dict[str, Any]:
    """Return the fields of `Counts`; parameters as in ``Counts.from_frame``."""
    choice("missing", missing, ("raise", "drop"))
    choice("outside", outside, ("raise", "set aside"))
    rules = label_rules(labels, separator, by)
    plain = window is not None and not (rules or until or precision or weight or isinstance(exposure, str))
    made = _dense(table, date, by, freq, window) if plain else None
    if made is None:
        dates = read_ranges(table, date, until, precision, date_format, timezone)
        made = count_rows(table, by, weight, (freq, window), (outside, missing), dates, rules, separator)
    fields = cut_periods(made.edges, made.first, made.end, freq, made.n_combos)
    known, shared = exposures(exposure, shared, table, made, fields)
    check_exposure("exposure", made.n, known, np.arange(len(made.n)))
    repeated = np.tile(np.arange(made.n_combos), len(made.edges) - 1)
    fields |= {
        "n": made.n,
        "exposure": known,
        "key_columns": tuple(c.take(repeated) for c in made.key_columns),
        "ledger": made.ledger,
        "window": (np.datetime64(made.first, "D"), np.datetime64(made.end - 1, "D")),
        "unit": unit if unit is not None else "D" if exposure is None else "",
        "shared": shared,
        "whole": made.n.dtype.kind == "i",
        "loose": made.loose,
        "records": made.records,
        "mentions": next((name for name, rule in rules.items() if rule == "all"), ""),
    }
    return without_exposure(fields)


def _dense(table: Table, date: str, by: Sequence[str], freq: Any, window: Any) -> Counted | None:
    first, end = window_days(window)
    edges = period_edges(freq, first, end)
    made = dense_counts(table, date, by, first, end, period_of(edges, first, end))
    return None if made is None else Counted(made[0].ravel(), edges, first, end, made[1], Ledger(table.n))


def cut_periods(edges: Ints, first: int, end: int, freq: Any, repeat: int = 1) -> dict[str, Any]:
    """Starts, ends, names and partial flags of the periods, each `repeat` times."""
    name = plain_frequency(freq) if isinstance(freq, str) else "edges"
    starts, ends = np.maximum(edges[:-1], first), np.minimum(edges[1:], end)
    partial = (starts > edges[:-1]) | (ends < edges[1:])
    labels = np.asarray(period_labels(name, edges[:-1]))
    days = {"start": starts.astype("datetime64[D]"), "end": ends.astype("datetime64[D]")}
    columns = {**days, "period": labels, "partial": partial}
    return {"freq": name, **{key: np.repeat(value, repeat) for key, value in columns.items()}}
