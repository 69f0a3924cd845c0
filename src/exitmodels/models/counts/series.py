"""From cells to one series in equal steps: in order of time, with every period in its place.

Third floor. Models of dependence over time need to know which count came before which. A period that is absent from the
cells (nothing was observed in it) takes its place as an unknown count, never as a zero.

Read next: series_ahead.py. Called by: count_ar.py, glarma.py, local_level.py, endemic.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError, FormulaError, IdentificationError
from exitmodels.models.counts.checks import recoding, refuse_collinear, refuse_few
from exitmodels.shapes.counting import cut_periods
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import day_number, iso
from exitmodels.shapes.design import Design
from exitmodels.shapes.periods import period_edges

__all__ = ["MADE", "TimeSeries", "series_of"]

MADE = ("n", "exposure", "time", "month", "year", "start")
"""Columns that follow from the cells themselves."""


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """One count for each period, in order.

    Attributes
    ----------
    counts : Counts
        One cell for each period; unknown ones hold a zero that is not used.
    y : (n,) float
        NaN where the count is unknown.
    exposure : (n,)
        Exposure times exp(offset), or ones.
    design : Design
        With an intercept first.
    with_exposure : bool
    """

    counts: Counts
    y: Floats
    exposure: Floats
    design: Design
    with_exposure: bool

    @property
    def seen(self) -> Bools:
        """Where the count is known (n,)."""
        return np.isfinite(self.y)

    @property
    def index(self) -> AnyArray:
        """Names of the periods, or 1, 2, ... for a series without dates."""
        return self.counts.period if self.counts.dated else np.arange(1, len(self.y) + 1)

    def position(self, at: Any) -> int:
        """Row at which something begins: a period's name, a date that begins a period, or 1, 2, ... without dates.

        Raises
        ------
        IdentificationError
            If nothing was observed before it, or from it on.
        DataError
            If a date falls inside a period.
        """
        found = self._row(at)
        before, after = int(self.seen[:found].sum()), int(self.seen[found:].sum())
        if found < 0 or before == 0 or after == 0:
            raise IdentificationError(
                f"There are {before} known counts before {at} and {after} from then on: these records cannot show "
                "what changed there.",
                column="at",
                code="outside-window",
                hint="Ask about a time inside the series.",
            )
        return found

    def _row(self, at: Any) -> int:
        if not self.counts.dated:
            return int(at) - 1
        named = np.flatnonzero(self.counts.period == str(at))
        if named.size:
            return int(named[0])
        day = int(np.floor(day_number(at, "at")))
        starts, ends = self.counts.start.astype(np.int64), self.counts.end.astype(np.int64)
        cut = np.flatnonzero((starts < day) & (ends > day))
        if cut.size:
            raise DataError(
                f"{iso(day)} falls inside the period {self.counts.period[cut[0]]}.",
                column="at",
                code="inside-period",
                hint="Name the first whole period after it, or count in periods that begin on this date.",
            )
        return int(np.searchsorted(starts, day))


def series_of(
    counts: Counts, formula: str, *, exposure: bool, unobserved: str | None = None, lags: int = 0, extra: int = 0
) -> TimeSeries:
    """Put the cells in order and build the design.

    Parameters
    ----------
    unobserved : str, optional
        Column that is true (or 1) in cells whose count is not known.
    lags : int
        Longest lag of the model.
    extra : int
        Parameters of the model besides the columns of the design.

    Raises
    ------
    DataError
        For several series, irregular periods, or absent periods whose covariates are not known.
    IdentificationError
        If too few periods are left to see the longest lag.
    """
    counts.require_whole("A model of a count series")
    _refuse_several(counts)
    ordered, known = _in_order(counts, formula)
    if unobserved is not None:
        known = known & ~_flags(ordered, unobserved)
    design = Design.of(formula, ordered.columns, intercept=True)
    if design.strata is not None or design.cluster is not None:
        raise FormulaError(
            "strata() and cluster() have no place in a model of one series.",
            code="strata",
            hint="Write a column as a term: C(column).",
        )
    _refuse_short(known, len(design.names) + extra, lags)
    refuse_few(float(ordered.n[known].sum()), int(known.sum()), design.names)
    seen = design.matrix[known]
    refuse_collinear(seen, seen @ recoding(seen, design.names), design.names)
    size = ordered.exposure.astype(np.float64) if exposure else np.ones(len(ordered))
    if design.offset is not None:
        size = size * np.exp(design.offset)
    return TimeSeries(ordered, np.where(known, ordered.n, np.nan), size, design, exposure)


def _refuse_several(counts: Counts) -> None:
    repeated = counts.dated and len(np.unique(counts.start)) < len(counts)
    if repeated or (not counts.dated and counts.keys):
        keys = ", ".join(counts.keys) or "rows"
        raise DataError(
            f"These cells hold several series (by {keys}); the model is for one.",
            code="several-series",
            hint="Sum them with counts.aggregate(), or choose one with counts.select(...).",
        )


def _refuse_short(known: Bools, parameters: int, lags: int) -> None:
    left = int(known.sum()) - lags
    if left < parameters + 1:
        raise IdentificationError(
            f"There are {int(known.sum())} known counts; after the longest lag of {lags} periods {max(left, 0)} remain "
            f"for {parameters} parameters.",
            code="few-periods",
            hint="Use shorter lags and fewer terms, or count in shorter periods.",
        )


def _flags(counts: Counts, name: str) -> Bools:
    columns = counts.columns
    if name not in columns:
        raise DataError(
            f"The counts have no column {name!r}.",
            column=name,
            code="no-column",
            hint=f"Columns: {', '.join(columns)}.",
        )
    values = columns[name].values
    if columns[name].kind not in ("bool", "number") or not np.isin(values, (0, 1)).all():
        raise DataError(
            "A column that marks unknown counts holds true and false, or 1 and 0; "
            f"this one holds {columns[name].examples(3)}.",
            column=name,
            code="unobserved",
            hint="Give 1 where the count is not known.",
        )
    return np.asarray(values == 1, dtype=bool)


def _in_order(counts: Counts, formula: str) -> tuple[Counts, Bools]:
    if not counts.dated:
        return counts, np.ones(len(counts), dtype=bool)
    order = np.argsort(counts.start, kind="stable")
    ordered = _rows(counts, order)
    starts, ends = ordered.start.astype(np.int64), ordered.end.astype(np.int64)
    gaps = np.flatnonzero(starts[1:] != ends[:-1])
    if gaps.size == 0:
        return ordered, np.ones(len(counts), dtype=bool)
    return _with_gaps(ordered, starts, ends, int(gaps[0]), formula)


def _rows(counts: Counts, rows: Ints) -> Counts:
    fields = ("start", "end", "period", "partial", "n", "exposure")
    return replace(
        counts,
        **{name: getattr(counts, name)[rows] for name in fields},
        key_columns=tuple(c.take(rows) for c in counts.key_columns),
        covariate_columns=tuple(c.take(rows) for c in counts.covariate_columns),
    )


def _with_gaps(counts: Counts, starts: Ints, ends: Ints, first: int, formula: str) -> tuple[Counts, Bools]:
    """Give absent periods their place, with the calendar's columns; other covariates cannot be guessed."""
    where = f"after {counts.period[first]} (ending {iso(int(ends[first]) - 1)})"
    if counts.freq in ("", "edges"):
        raise DataError(
            f"The periods do not follow one another: the first gap is {where}, and the frequency is not known.",
            column="start",
            code="gap",
            hint="Give freq= to Counts, so that the absent periods can be named.",
        )
    edges = period_edges(counts.freq, int(starts[0]), int(ends[-1]))
    whole = cut_periods(edges, int(starts[0]), int(ends[-1]), counts.freq)
    every = whole["start"].astype(np.int64)
    odd = np.flatnonzero(~np.isin(starts, every))
    if odd.size:
        raise DataError(
            f"The period {counts.period[odd[0]]} does not begin where a period of {counts.freq!r} does.",
            column="start",
            rows=odd,
            code="gap",
            hint="Count with one frequency throughout.",
        )
    place = np.searchsorted(every, starts)
    known = np.zeros(len(every), dtype=bool)
    known[place] = True
    used = Design.of(formula, counts.columns, intercept=True).variables
    lost = [name for name in used if name not in MADE]
    if lost:
        raise DataError(
            f"{int((~known).sum())} periods are absent (the first {where}), and the model needs {lost[0]!r} in them.",
            column=lost[0],
            code="gap",
            hint="Give every period a row, with its covariates, and mark unknown counts in a column: unobserved=.",
        )
    take = np.zeros(len(every), dtype=np.int64)
    take[place] = np.arange(len(starts))
    made = _rows(counts, take)
    usual = float(np.median(counts.exposure / (ends - starts)))
    days = (whole["end"] - whole["start"]).astype(np.int64)
    filled = replace(
        made,
        **{name: whole[name] for name in ("start", "end", "period", "partial")},
        n=np.where(known, made.n, 0),
        exposure=np.where(known, made.exposure, usual * days),
        ledger=counts.ledger.note(f"{int((~known).sum())} absent periods stand as unknown counts, the first {where}"),
    )
    return filled, known
