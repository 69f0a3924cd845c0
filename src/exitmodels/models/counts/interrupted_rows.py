"""Rows and columns of an interrupted series: baseline, season, controls, effects, and a control series beside.

Third floor. Called by: interrupted.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError
from exitmodels.models.counts.interrupted_fit import Columns
from exitmodels.models.counts.interruption import EFFECTS, Timeline, effect_parts, numbers_of_days, season_columns
from exitmodels.shapes.cells import require_whole
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import iso
from exitmodels.shapes.design import Design

if TYPE_CHECKING:
    from exitmodels.models.counts.interrupted import InterruptedSeries

__all__ = ["TRENDS", "columns_of", "one_series", "same_periods", "with_effects"]

TRENDS = {"none": 0, "linear": 1, "quadratic": 2}


def one_series(counts: Counts) -> Counts:
    """Sum over keys and put the periods in order; refuse what is not one dated series with exposure."""
    if not counts.dated:
        raise DataError("These cells have no dates.", column="start", code="no-dates", hint="Count with dates.")
    require_whole(counts, "An interrupted series")
    if not counts.keys and len(np.unique(counts.start)) < len(counts):
        raise DataError(
            "Several cells begin on one day, and no key tells them apart.",
            column="start",
            code="repeated-periods",
            hint="Read the table with by=, or add the rows of a period.",
        )
    series = counts.aggregate() if counts.keys or np.any(np.diff(counts.start.astype(np.int64)) < 0) else counts
    none = np.flatnonzero(series.exposure == 0)
    if none.size:
        raise DataError(
            f"{none.size} periods have no exposure.",
            column="exposure",
            rows=series.period[none],
            code="zero-exposure",
            hint="Leave these periods out with select().",
        )
    return series


def same_periods(series: Counts, other: Counts) -> Counts:
    """Return the control series, or refuse one whose periods are not those of the series."""
    if len(series) != len(other) or np.any(series.start != other.start) or np.any(series.end != other.end):
        raise DataError(
            f"The control series has {len(other)} periods from {other.start[0]}, the series {len(series)} from "
            f"{series.start[0]}, or their periods differ.",
            column="control",
            code="control-periods",
            hint="Count both with the same freq and window.",
        )
    return other


def columns_of(
    model: InterruptedSeries, series: Counts, timeline: Timeline, kept: Bools, other: Counts | None = None
) -> Columns:
    """Build the columns of the fit: baseline and season, controls, effects; then those of a control series."""
    base_names, base = _baseline(model, series, timeline)
    effect_names, effects, dates = _effects(model, timeline)
    control_names, controls = _controls(model, series)
    names, matrix = [*base_names, *control_names, *effect_names], np.column_stack([base, controls, effects])[kept]
    period = (timeline.number - 1).round() if timeline.even else np.arange(len(series))
    y, offset, when = series.n[kept].astype(np.float64), np.log(series.exposure[kept]), period[kept].astype(np.int64)
    own, gap = np.ones(len(matrix), dtype=bool), np.diff(timeline.number[kept], prepend=-np.inf)
    if other is not None:
        their_names, theirs = _controls(model, other)
        if their_names != control_names:
            raise DataError(
                "The controls have other levels in the control series.",
                code="control-columns",
                hint="Use numeric columns, or the same levels.",
            )
        matrix = _beside(matrix, base[kept], theirs[kept], effects[kept])
        names += [f"control: {name}" for name in base_names] + [f"common {name}" for name in effect_names]
        y, offset = np.append(y, other.n[kept]), np.append(offset, np.log(other.exposure[kept]))
        own, gap, when = np.repeat([True, False], len(own)), np.tile(gap, 2), np.tile(when, 2)
    numbered = dict(zip(effect_names, dates, strict=True))
    return Columns(tuple(names), matrix, numbered, y, offset, gap, when, own)


def with_effects(
    model: InterruptedSeries, columns: Columns, timeline: Timeline, kept: Bools, days: Sequence[int] | None = None
) -> Floats:
    """Return the matrix of `columns` with the effects of this model in it, at these days (by default its own)."""
    names, effects, _ = _effects(model, timeline, days)
    matrix = columns.matrix.copy()
    own = int(columns.own.sum())
    old = list(columns.effects)
    matrix[:own, [columns.names.index(name) for name in old]] = effects[kept]
    if own < len(matrix):
        shared = [columns.names.index(f"common {name}") for name in old]
        matrix[:own, shared] = matrix[own:, shared] = effects[kept]
    assert len(names) == len(old)
    return matrix


def _beside(matrix: Floats, base: Floats, controls: Floats, effects: Floats) -> Floats:
    """Add the rows of the control series, its own baseline, and the changes that both series share."""
    top = np.column_stack([matrix, np.zeros_like(base), effects])
    bottom = np.column_stack([np.zeros_like(base), controls, np.zeros_like(effects), base, effects])
    # The control's own intercept is written as a difference, so that the first column stays one of ones.
    bottom[:, 0] = 1.0
    return np.vstack([top, bottom])


def _baseline(model: InterruptedSeries, series: Counts, timeline: Timeline) -> tuple[list[str], Floats]:
    degree = TRENDS[model.trend] if isinstance(model.trend, str) else model.trend
    powers = [timeline.number**j for j in range(degree + 1)]
    season_names, season = season_columns(series, timeline, model.season)
    trends = ["trend" if j == 1 else f"trend^{j}" for j in range(1, degree + 1)]
    return ["Intercept", *trends, *season_names], np.column_stack([*powers, *season])


def _controls(model: InterruptedSeries, series: Counts) -> tuple[list[str], Floats]:
    if model.controls is None:
        return [], np.empty((len(series), 0))
    design = Design.of(model.controls, series.columns)
    return list(design.names), design.matrix


def _effects(
    model: InterruptedSeries, timeline: Timeline, days: Sequence[int] | None = None
) -> tuple[list[str], Floats, list[int]]:
    days = numbers_of_days(model.at) if days is None else days
    length, rate = model.length or 1.0, 1.0 if model.rate is None else model.rate
    names, made, dates = [], [], []
    for number, day in enumerate(days):
        k = timeline.after(day, model.delay)
        for part in effect_parts(model.effect, model.length, model.rate):
            names.append(part if len(days) == 1 else f"{part} {iso(day)}")
            made.append(EFFECTS[part](k, length, rate))
            dates.append(number)
    return names, np.column_stack(made), dates
