"""From events or counts to what a self-exciting model is fitted to.

Third floor. Times must be exact; records of whole days come as `Counts`. The start of observation, its end and the
pieces of the background are settled here, and impossible questions are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.hawkes import Events
from exitmodels.kernels.hawkes_binned import Binned
from exitmodels.models.counts.checks import recoding, refuse_collinear, refuse_few
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import day_number, day_numbers, has_dates, iso
from exitmodels.shapes.design import Design
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.ledger import Ledger

__all__ = ["HawkesData", "of_counts", "of_times"]


@dataclass(frozen=True, eq=False)
class HawkesData:
    """What was fitted.

    Attributes
    ----------
    kernel : Events or Binned
    names : tuple of str
        Of the background's coefficients.
    n, mass : (k,)
        Events and exposure of each piece or period: what the model without self-excitation needs.
    start : float
        First moment of observation on the user's clock; a day number when `dated`.
    """

    kernel: Events | Binned
    names: tuple[str, ...]
    n: Floats
    mass: Floats
    start: float
    dated: bool
    ledger: Ledger
    counts: Counts | None = None
    notes: tuple[str, ...] = ()

    @property
    def length(self) -> float:
        """Length of observation."""
        return self.kernel.end if isinstance(self.kernel, Events) else float(self.kernel.length.sum())


def of_counts(counts: Counts, formula: str, at: Sequence[Any]) -> HawkesData:
    """Read one series of counts of periods without gaps."""
    counts.require_whole("A self-exciting model")
    if len(set(counts.period_code.tolist())) < len(counts):
        raise DataError(
            "There are several series: more than one cell in a period.",
            code="several-series",
            hint="Sum them with counts.aggregate(), or choose one with counts.select(reason=...).",
        )
    order = np.argsort(counts.start if counts.dated else counts.period_code, kind="stable")
    start, end = counts.start[order].astype(np.int64), counts.end[order].astype(np.int64)
    if counts.dated and np.any(start[1:] != end[:-1]):
        gap = int(np.flatnonzero(start[1:] != end[:-1])[0])
        raise DataError(
            f"After {iso(end[gap] - 1)} the next period begins on {iso(start[gap + 1])}.",
            code="gap",
            hint="Periods must follow one another: an echo does not stop where nobody counted.",
        )
    length = (end - start).astype(np.float64) if counts.dated else np.ones(len(counts))
    edges = np.concatenate([[0.0], np.cumsum(length)])
    first = float(start[0]) if counts.dated else 0.0
    columns = Columns(made={name: column.take(order) for name, column in counts.columns.items()})
    places = _places(at, first, edges[-1], counts.dated)
    steps = [np.clip((edges[1:] - place) / length, 0.0, 1.0) for place, _ in places]
    names, design = _design(formula, columns, steps, [name for _, name in places], len(length))
    n, exposure = counts.n[order].astype(np.float64), counts.exposure[order].astype(np.float64)
    _enough(n, design, names, places, edges)
    cut = [name for (_, name), share in zip(places, steps, strict=True) if np.any((share > 0) & (share < 1))]
    notes = (f"{', '.join(cut)} falls within a period, which counts by the share that lies after it",) if cut else ()
    made = Binned(n, length, exposure, design)
    return HawkesData(made, names, n, exposure, first, counts.dated, counts.ledger, counts, notes)


def of_times(
    events: Any, window: Any, formula: str, at: Sequence[Any], periods: Any, ties: str = "refuse"
) -> HawkesData:
    """Read exact times, and the periods in which the background is constant."""
    values, dated = _values(events)
    start, end = _window(window, dated)
    bad = np.flatnonzero(~np.isfinite(values) | (values < start) | (values > end))
    if bad.size:
        raise DataError(
            f"{bad.size} events are missing or outside the window (first: {values[bad[0]]:g}).",
            rows=bad,
            code="outside",
            hint="Observation runs from the start to the end of window=; set the others aside or widen it.",
        )
    times = np.sort(values - start)
    tied = np.flatnonzero(np.diff(times) <= 0)
    if tied.size and ties == "refuse":
        raise DataError(
            f"{tied.size} events share their time with another; exact times of a self-exciting process never tie, so "
            "these were rounded.",
            code="ties",
            hint="Count them in periods and give the Counts, whose likelihood needs no exact times; for a few ties "
            'among fine times, ties="keep". Do not jitter.',
        )
    span, places = end - start, _places(at, start, end - start, dated)
    edges = np.unique(np.concatenate([[0.0, span], [place for place, _ in places]]))
    columns = None
    if periods is not None:
        begins, columns = _periods(periods, start, span, dated)
        edges = np.unique(np.concatenate([edges, np.clip(begins, 0, span)]))
        columns = columns.take(np.searchsorted(begins, edges[:-1], side="right") - 1)
    steps = [(edges[:-1] >= place).astype(np.float64) for place, _ in places]
    names, design = _design(formula, columns or Columns(), steps, [name for _, name in places], len(edges) - 1)
    made = Events.of(times, span, edges, design)
    n = np.bincount(made.piece, minlength=len(design)).astype(np.float64)
    _enough(n, design, names, places, edges)
    notes = (f"{tied.size} tied times: the second is taken to follow the first at once",) if tied.size else ()
    return HawkesData(made, names, n, np.diff(edges), start, dated, Ledger(len(times)), None, notes)


def _values(events: Any) -> tuple[Floats, bool]:
    values = np.asarray(events)
    if values.ndim != 1 or values.size == 0:
        raise DataError(
            f"Events must be one column of times; found an array of shape {values.shape}.",
            code="shape",
            hint="Give an array of times, a Series of dates, or Counts.",
        )
    if values.dtype.kind in "iuf":
        return values.astype(np.float64), False
    column = Table({"event": events if hasattr(events, "dtype") else values}).column("event")
    if not has_dates(column, None):
        raise DataError(
            f"Events must be numbers or dates; found {column.examples(3)}.",
            code="not-times",
            hint="Parse the dates first (pandas.to_datetime with a format), or give Counts.",
        )
    days, missing = day_numbers(column, np.arange(len(values)))
    return np.where(column.is_missing, np.nan, days.astype(np.float64)) if missing is not None else days * 1.0, True


def _window(window: Any, dated: bool) -> tuple[float, float]:
    if not (isinstance(window, (tuple, list, np.ndarray)) and len(window) == 2):
        raise DataError(
            f"window={window!r}: when observation began and ended is not said, and the last event does not say it.",
            code="window",
            hint="Give window=(start, end): two numbers, or the first and last day for dates.",
        )
    start, end = (day_number(side, "window") if dated else float(side) for side in window)
    end = end + 1 if dated and float(end).is_integer() else end
    if not (np.isfinite(start) and np.isfinite(end) and end > start):
        raise DataError(f"The window {window!r} does not end after it begins.", code="window", hint="Swap the two.")
    return float(start), float(end)


def _places(at: Sequence[Any], start: float, span: float, dated: bool) -> list[tuple[float, str]]:
    """Steps as distances from the start, with their names; outside the window there is nothing to compare."""
    found = []
    for moment in at:
        if isinstance(moment, str) and not dated:
            raise DataError(
                f"at={moment!r} is a date; these events have no dates.", code="at", hint="Give the step as a number."
            )
        place = (day_number(moment, "at") if dated else float(moment)) - start
        if not 0 < place < span:
            raise IdentificationError(
                f"The step at {moment} is not inside the observed window, so nothing was seen on one side of it.",
                code="outside-window",
                hint="The records cannot show a change at that time, however they are analysed.",
            )
        found.append((float(place), f"step at {moment}"))
    return found


def _periods(periods: Any, start: float, span: float, dated: bool) -> tuple[Floats, Columns]:
    columns, n, labels = rows_of(periods)
    column = columns.want("start")
    begins = (day_numbers(column, labels)[0] if dated else column.values) * 1.0 - start
    if np.any(np.diff(begins) <= 0) or begins[0] > 0 or begins[-1] >= span:
        raise DataError(
            f"The {n} periods must begin at or before the window, rise, and begin before it ends.",
            column="start",
            code="periods",
            hint="Give one row per period, in order of time.",
        )
    return begins, columns


def _design(
    formula: str, columns: Columns, steps: list[Floats], step_names: list[str], k: int
) -> tuple[tuple[str, ...], Floats]:
    made = columns.with_column(Column("_", "number", np.zeros(k))) if "_" not in columns else columns
    design = Design.of(formula, made, intercept=True, labels=np.arange(k))
    if design.offset is not None or design.strata is not None or design.cluster is not None:
        raise DataError(
            f"The background {formula!r} may not have offset(), strata() or cluster() terms.",
            code="formula",
            hint="Give an exposure with the counts instead.",
        )
    return (*design.names, *step_names), np.column_stack([design.matrix, *steps])


def _enough(n: Floats, design: Floats, names: tuple[str, ...], places: Any, edges: AnyArray) -> None:
    refuse_few(float(n.sum()), max(len(n), len(names) + 2), (*names, "log branching", "log decay"))
    for place, name in places:
        after = edges[:-1] >= place
        if n[after].sum() == 0 or n[~after].sum() == 0:
            raise IdentificationError(
                f"{name}: there is no event on one side of it.",
                code="empty-side",
                hint="The size of the step is then unbounded; give the counts with exact limits (rate, rate_ratio).",
            )
    if design.shape[1] > 1:
        refuse_collinear(design, design @ recoding(design, names), names)
