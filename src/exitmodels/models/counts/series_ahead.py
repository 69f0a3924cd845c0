"""The periods that come after a series: their names, their exposure and their rows of the design.

Third floor. What the calendar gives is made here; other covariates must be given.

Called by: series_results.py, level_results.py, endemic.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.models.counts.series import MADE, TimeSeries
from exitmodels.shapes.counting import cut_periods
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.periods import period_edges

__all__ = ["FutureRows", "future_rows"]


@dataclass(frozen=True, eq=False)
class FutureRows:
    """Periods to come: design, exposure and names."""

    matrix: Floats
    exposure: Floats
    index: AnyArray
    starts: AnyArray
    ends: AnyArray


def future_rows(series: TimeSeries, horizon: int | None, new: Any) -> FutureRows:
    """Rows for the periods after the series.

    Parameters
    ----------
    horizon : int, optional
        Number of periods; enough when the formula needs nothing but the calendar.
    new : Counts, frame or dict, optional
        One row for each period to come, with the covariates and, optionally, "exposure".

    Raises
    ------
    DataError
        If neither says enough.
    """
    counts = series.counts
    none = np.array([], dtype="datetime64[D]")
    if new is None:
        return _calendar_rows(series, horizon)
    if isinstance(new, Counts):
        design = series.design.rebuild(new.columns)
        return _future(series, design, new.exposure, new.period, new.start, new.end)
    table = Table(new)
    wanted = [name for name in table.names if name in (*series.design.variables, "exposure")]
    columns = {name: table.column(name) for name in wanted}
    design = series.design.rebuild(columns, labels=table.labels)
    size = columns["exposure"].values.astype(np.float64) if "exposure" in columns else _usual(series, table.n)
    if np.any(~(np.isfinite(size) & (size > 0))):
        raise DataError(
            "Exposures to come must be above zero and finite.",
            column="exposure",
            code="exposure",
            hint="Give the time for which to predict.",
        )
    if horizon is not None and horizon != table.n:
        raise DataError(f"horizon={horizon}, but new= has {table.n} rows.", code="horizon", hint="Leave horizon out.")
    names = np.asarray([f"+{i}" for i in range(1, table.n + 1)])
    if counts.dated and counts.freq not in ("", "edges"):
        names = _future_counts(series, table.n).period
    return _future(series, design, size, names, none, none)


def _usual(series: TimeSeries, n: int) -> Floats:
    known = series.counts.exposure
    if series.with_exposure and np.ptp(known) > 1e-9 * known.max():
        raise DataError(
            "The exposure of the periods to come is not said, and it differed between periods so far.",
            column="exposure",
            code="exposure",
            hint='Add a column "exposure" to new=.',
        )
    return np.full(n, float(known[0]))


def _future(series: TimeSeries, design: Design, size: Any, names: Any, starts: Any, ends: Any) -> FutureRows:
    exposure = np.asarray(size, dtype=np.float64) if series.with_exposure else np.ones(len(design.matrix))
    if design.offset is not None:
        exposure = exposure * np.exp(design.offset)
    return FutureRows(design.matrix, exposure, np.asarray(names), starts, ends)


def _calendar_rows(series: TimeSeries, horizon: int | None) -> FutureRows:
    if horizon is None or int(horizon) != horizon or horizon < 1:
        raise DataError(
            f"horizon={horizon} is not a number of periods.", code="horizon", hint="Give 1, 2, ..., or rows in new=."
        )
    lost = [name for name in series.design.variables if name not in MADE]
    if lost:
        raise DataError(
            f"The model needs {lost[0]!r} in the periods to come.",
            column=lost[0],
            code="new",
            hint="Give one row for each period in new=.",
        )
    counts = series.counts
    if counts.dated and counts.freq not in ("", "edges"):
        made = _future_counts(series, int(horizon))
        design = series.design.rebuild(_future_columns(made, counts))
        return _future(series, design, made.exposure, made.period, made.start, made.end)
    if series.design.variables:
        raise DataError(
            "Without a frequency the calendar of the periods to come is not known.",
            code="new",
            hint="Give one row for each period in new=, or freq= to Counts.",
        )
    columns: Mapping[str, Column] = {"n": Column("n", "number", np.zeros(int(horizon)))}
    design = series.design.rebuild(columns)
    none = np.array([], dtype="datetime64[D]")
    return _future(
        series, design, _usual(series, int(horizon)), [f"+{i}" for i in range(1, int(horizon) + 1)], none, none
    )


def _future_counts(series: TimeSeries, horizon: int) -> Counts:
    counts = series.counts
    begin = int(counts.end[-1].astype(np.int64))
    edges = period_edges(counts.freq, begin, begin + 400 * horizon if not counts.freq[:1].isdigit() else begin)
    if counts.freq[:1].isdigit() or counts.freq == "D":
        step = int(counts.freq[:-1] or 1)
        edges = begin + step * np.arange(horizon + 1)
    edges = edges[: horizon + 1]
    fields = cut_periods(edges, begin, int(edges[-1]), counts.freq)
    days = (fields["end"] - fields["start"]).astype(np.int64).astype(np.float64)
    so_far = (counts.end - counts.start).astype(np.int64)
    per_day = counts.exposure / so_far
    if series.with_exposure and np.ptp(per_day) > 1e-9 * per_day.max():
        days = _usual(series, horizon)
    else:
        days = days * float(per_day[0])
    freq = {key: fields[key] for key in ("start", "end", "period", "partial", "freq")}
    return Counts(
        n=np.zeros(horizon, dtype=np.int64), exposure=days, ledger=counts.ledger, window=counts.window, **freq
    )


def _future_columns(made: Counts, counts: Counts) -> dict[str, Column]:
    """Calendar columns of the periods to come; time goes on from the window's first day."""
    columns = dict(made.columns)
    first = counts.start.min() if counts.window is None else counts.window[0]
    middle = (made.start.astype(np.int64) + made.end.astype(np.int64)) / 2
    columns["time"] = Column("time", "number", middle - int(first.astype("datetime64[D]").astype(np.int64)))
    return columns
