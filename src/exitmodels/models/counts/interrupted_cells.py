"""What an interrupted series was fitted to: the periods kept with a result, and the data that are not.

Third floor. Called by: interrupted.py, interrupted_results.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.models.counts.interrupted_fit import Columns, Estimate
from exitmodels.models.counts.interruption import Timeline
from exitmodels.results.storing import Stored
from exitmodels.shapes.counts import Counts

__all__ = ["Cells", "InterruptedData"]


@dataclass(frozen=True, eq=False)
class InterruptedData:
    """What the fit was made from, and what is said of it whatever its limits; never stored with the result."""

    model: Any
    counts: Counts
    control: Counts | None
    columns: Columns
    kept: Bools
    fit: Estimate | None = None
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells(Stored):
    """Periods of the series that were used, with their columns.

    Attributes
    ----------
    period : (n,) str
    start, end : (n,) str
        Dates of the first day, and of the day after the last.
    n, exposure : (n,)
    partial : (n,) bool
    since : (n,)
        Periods since the first date.
    matrix : (n, p)
    offset : (n,)
    freq : str
    """

    period: AnyArray
    start: AnyArray
    end: AnyArray
    n: Floats
    exposure: Floats
    partial: Bools
    since: Floats
    matrix: Floats
    offset: Floats
    freq: str

    @classmethod
    def of(cls, series: Counts, kept: Bools, timeline: Timeline, day: int, columns: Columns) -> Cells:
        """Take the kept periods of a series."""
        names = ("period", "n", "exposure", "partial")
        taken = {name: getattr(series, name)[kept] for name in names}
        dates = {name: getattr(series, name)[kept].astype(str) for name in ("start", "end")}
        own = columns.own
        since = timeline.since(day)[kept]
        rows = {"matrix": columns.matrix[own], "offset": columns.offset[own]}
        return cls(**taken, **dates, **rows, since=since, freq=series.freq)
