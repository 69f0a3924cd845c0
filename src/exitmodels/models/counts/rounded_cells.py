"""Days of all series as a rate with rounded dates needs them: nodes, ranges and heaps as places in one long list.

Third floor. Called by: rounded.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.rounded import NODES, WEIGHTS, Heap
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.frames import Column
from exitmodels.shapes.periods import period_edges

__all__ = ["DailyCells", "daily_cells", "heaps_of"]


@dataclass(frozen=True, eq=False)
class DailyCells:
    """Cells by day, series after series.

    Attributes
    ----------
    first, days, n_series : int
        Day number of the first day, number of days, number of key combinations.
    n : (cells,)
        Records with a certain day.
    exposure : (cells,)
    low, high, times : (r,)
        Ranges as places of cells, and records with each.
    total : float
    kept : tuple of Column
        What describes the cells: keys, covariates, month, year, exposure.
    """

    first: int
    days: int
    n_series: int
    n: Floats
    exposure: Floats
    low: Ints
    high: Ints
    times: Floats
    total: float
    kept: tuple[Column, ...]

    @property
    def weight(self) -> Floats:
        """Exposure that each node stands for (cells x nodes,)."""
        return np.asarray((self.exposure[:, None] * WEIGHTS / 2).ravel(), dtype=np.float64)

    def columns(self, middle: bool = False) -> dict[str, Column]:
        """Columns for formulas, at the nodes of each day or at its middle."""
        within = np.array([0.5]) if middle else 0.5 + NODES / 2
        day = np.tile(np.arange(self.days, dtype=np.float64), self.n_series)
        time = (day[:, None] + within).ravel()
        rows = np.repeat(np.arange(len(self.n)), len(within))
        return {"time": Column("time", "number", time), **{c.name: c.take(rows) for c in self.kept}}


def daily_cells(counts: Counts, heaped: bool) -> DailyCells:
    """Put the cells series after series, and the uncertain records as ranges of places."""
    if counts.freq != "D" or not counts.dated or counts.window is None:
        raise DataError("The counts are not by day.", column="counts", code="freq", hint='Count with freq="D".')
    first, end = int(counts.window[0].astype(np.int64)), int(counts.window[1].astype(np.int64)) + 1
    days = end - first
    series, rest = divmod(len(counts), days)
    if rest or (counts.loose is None and not counts.whole):
        raise DataError(
            "These counts were summed or chosen from others, and no longer hold each day and each uncertain record.",
            code="no-data",
            hint="Fit to the counts as read; choose records before counting them.",
        )
    loose = counts.loose
    if loose is not None and heaped:
        raise DataError(
            "The counts know which dates are ranges, and heaps= says that rounding went unsaid.",
            column="heaps",
            code="heaps",
            hint="Use one of the two: read the dates without precision= and until=, or leave heaps out.",
        )
    if loose is not None and loose.one and np.any(np.diff(loose.begin) > 1):
        raise DataError(
            "Records with several labels count in parts here, and a likelihood needs whole records.",
            code="labels",
            hint='Count with labels="first" or "all", or fit to imputations.',
        )
    order = np.arange(len(counts)).reshape(days, series).T.ravel()
    if np.any(np.diff(counts.start[order].reshape(series, days).astype(np.int64), axis=1) != 1):
        raise DataError("Some days are missing.", code="no-data", hint="Fit to the counts as read.")
    low, high, times = _places(loose, first, days)
    certain = counts.n if loose is None else loose.certain
    columns = counts.columns
    kept = [c.take(order) for name, c in columns.items() if name not in ("n", "time", "start")]
    return DailyCells(
        first=first,
        days=days,
        n_series=series,
        n=certain[order].astype(np.float64),
        exposure=counts.exposure[order],
        low=low,
        high=high,
        times=times,
        total=float(certain.sum() + times.sum()),
        kept=tuple(kept),
    )


def _places(loose: Any, first: int, days: int) -> tuple[Ints, Ints, Floats]:
    """Distinct ranges of each series, and how many records have them."""
    if loose is None:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros(0)
    owner = np.repeat(np.arange(len(loose.low)), np.diff(loose.begin))
    low = loose.low[owner] - first + days * loose.combo
    high = loose.high[owner] - first + days * loose.combo
    pairs, where = np.unique(np.stack([low, high]), axis=1, return_inverse=True)
    return pairs[0], pairs[1], np.bincount(where.ravel(), loose.times[owner].astype(np.float64))


def heaps_of(cells: DailyCells, freq: str, day: int) -> Heap:
    """Runs of days that are rounded to one day: the `day`-th of each period, where it lies inside the window."""
    edges = period_edges(freq, cells.first, cells.first + cells.days) - cells.first
    at = edges[:-1] + int(day) - 1
    if int(day) != day or day < 1 or np.all(at >= edges[1:]):
        raise DataError(
            f"Day {day} is not a day of the periods {freq!r}.", column="heaps", code="heaps", hint="1 is the first day."
        )
    inside = (at >= 0) & (at < cells.days) & (at < edges[1:])
    low, high = np.maximum(edges[:-1], 0)[inside], np.minimum(edges[1:], cells.days)[inside]
    shift = np.repeat(np.arange(cells.n_series) * cells.days, int(inside.sum()))
    return Heap(*(np.tile(v, cells.n_series) + shift for v in (low, high, at[inside])))
