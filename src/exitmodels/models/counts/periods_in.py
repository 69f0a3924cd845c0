"""Counts, or plain arrays, as one series of periods in order: what changepoints and monitoring read.

Third floor. Read next: changepoints.py, change_date.py, change_posterior.py, monitoring.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.errors import DataError
from exitmodels.results.storing import Stored
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.ledger import Ledger

__all__ = ["PeriodSeries", "check_alpha", "one_series", "read_series", "several_kinds"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PeriodSeries(Stored):
    """Periods in order.

    Attributes
    ----------
    y : (n,) or (n, k)
        Counts, of k kinds in the second form.
    exposure : (n,)
    labels : tuple of str
        Names of the periods; 1, 2, ... without dates.
    starts, ends : (n,) datetime64[D], or empty
    partial : (n,) bool
    kinds : tuple of str
    unit : str
        Of the exposure.
    ledger : Ledger or None
    """

    y: Floats
    exposure: Floats
    labels: tuple[str, ...]
    starts: AnyArray
    ends: AnyArray
    partial: Bools
    kinds: tuple[str, ...] = ()
    unit: str = ""
    ledger: Ledger | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def dated(self) -> bool:
        """Whether the periods have dates."""
        return len(self.starts) > 0

    @property
    def days(self) -> tuple[AnyArray | None, AnyArray | None]:
        """Starts and ends as dates, or None; also after loading from a file."""
        if not self.dated:
            return None, None
        return np.asarray(self.starts, dtype="datetime64[D]"), np.asarray(self.ends, dtype="datetime64[D]")

    def begins(self, row: int) -> str:
        """First day of a period, or its name in a series without dates."""
        return str(np.asarray(self.starts[row], dtype="datetime64[D]")) if self.dated else self.labels[row]

    def span(self, first: int, end: int) -> str:
        """Name of the stretch of rows first .. end - 1."""
        a, b = self.labels[first], self.labels[end - 1]
        return a if first == end - 1 else f"{a} to {b}"


def read_series(data: Any, exposure: Any = None, *, by: str | None = None, whole: bool = True) -> PeriodSeries:
    """Read `Counts` or an array of counts.

    Parameters
    ----------
    data : Counts or array
        (n,) counts, or (n, k) counts of k kinds. Of `Counts` with keys, give the one that names the kinds in `by`;
        other keys must be summed first.
    exposure : array, optional
        With arrays; ones by default.
    by : str, optional
    whole : bool
        Whether only whole numbers, zero or more, are counts.

    Raises
    ------
    DataError
        For missing values, negative or fractional counts, exposures that are not positive, several series, a gap.
    """
    if isinstance(data, Counts):
        if exposure is not None:
            raise DataError(
                "exposure= was given beside Counts, which have their own.",
                column="exposure",
                code="exposure",
                hint="Give it when the counts are made.",
            )
        return _of_counts(data, by, whole)
    return _of_array(data, exposure, whole)


def _of_array(data: Any, exposure: Any, whole: bool) -> PeriodSeries:
    try:
        y = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "The series holds values that are not numbers.", code="not-numeric", hint="Convert it."
        ) from None
    if y.ndim not in (1, 2) or len(y) < 2:
        raise DataError(
            f"The series has shape {y.shape}; two periods or more are needed, one count each, or one row each.",
            code="shape",
            hint="Give a one-dimensional array, or (periods, kinds).",
        )
    bad = ~np.isfinite(y) | ((y < 0) | (y != np.rint(y)) if whole else False)
    rows = np.flatnonzero(bad.any(axis=1) if y.ndim == 2 else bad)
    if rows.size:
        what = "whole numbers, zero or more" if whole else "finite numbers"
        raise DataError(
            f"{rows.size} values are not {what} (first: {np.ravel(y[rows[0]])[0]:g}).",
            rows=rows,
            code="count",
            hint="Correct them; a period without records is a zero, an unobserved one has no place in the series.",
        )
    e = np.ones(len(y)) if exposure is None else np.asarray(exposure, dtype=np.float64)
    _check_exposure(e, len(y))
    labels = tuple(str(i) for i in range(1, len(y) + 1))
    kinds = tuple(str(k) for k in range(1, y.shape[1] + 1)) if y.ndim == 2 else ()
    none = np.empty(0, dtype="datetime64[D]")
    return PeriodSeries(
        y=y, exposure=e, labels=labels, starts=none, ends=none, partial=np.zeros(len(y), dtype=bool), kinds=kinds
    )


def _check_exposure(e: Floats, n: int) -> None:
    if e.shape != (n,):
        raise DataError(
            f"There are {n} periods and exposures of shape {e.shape}.",
            column="exposure",
            code="length",
            hint="Give one each.",
        )
    rows = np.flatnonzero(~(np.isfinite(e) & (e > 0)))
    if rows.size:
        raise DataError(
            f"{rows.size} exposures are not positive numbers (first: {e[rows[0]]:g}).",
            column="exposure",
            rows=rows,
            code="exposure",
            hint="A period without exposure shows nothing; leave it out.",
        )


def _of_counts(counts: Counts, by: str | None, whole: bool) -> PeriodSeries:
    if whole:
        counts.require_whole("A search for changes")
    others = [name for name in counts.keys if name != by]
    if by is not None and by not in counts.keys:
        raise DataError(
            f"The counts have no key {by!r}.",
            column=by,
            code="no-column",
            hint=f"Keys: {', '.join(counts.keys) or 'none'}.",
        )
    if others:
        raise DataError(
            f"These cells hold several series (by {', '.join(others)}).",
            code="several-series",
            hint="Sum them with counts.aggregate(), choose one with counts.select(...), or name the kinds with by=.",
        )
    code = counts.period_code if counts.dated or by is None else np.unique(counts.period, return_inverse=True)[1]
    n = int(code.max()) + 1
    first = np.zeros(n, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    kinds: tuple[str, ...]
    if by is None:
        y, kinds = counts.n[first].astype(np.float64), ()
    else:
        y, kinds = _table(counts, by, code, n)
    _check_exposure(counts.exposure[first].astype(np.float64), n)
    dated = counts.dated
    starts, ends = counts.start[first], counts.end[first]
    if dated and (gap := np.flatnonzero(starts[1:] != ends[:-1])).size:
        raise DataError(
            f"{gap.size} periods do not follow the one before (first gap: before {counts.period[first][gap[0] + 1]}).",
            column="start",
            rows=gap + 1,
            code="gap",
            hint="Give every period a row; select() a stretch without gaps.",
        )
    none = np.empty(0, dtype="datetime64[D]")
    return PeriodSeries(
        y=y,
        exposure=counts.exposure[first].astype(np.float64),
        labels=tuple(str(p) for p in counts.period[first]),
        starts=starts if dated else none,
        ends=ends if dated else none,
        partial=counts.partial[first],
        kinds=kinds,
        unit=counts.unit,
        ledger=counts.ledger,
    )


def _table(counts: Counts, by: str, code: AnyArray, n: int) -> tuple[Floats, tuple[str, ...]]:
    values = counts.to_frame()[by].astype(str).to_numpy()
    names, kind = np.unique(values, return_inverse=True)
    flat = np.bincount(code * len(names) + kind, counts.n, n * len(names))
    return flat.reshape(n, len(names)), tuple(str(name) for name in names)


def one_series(series: PeriodSeries, what: str) -> PeriodSeries:
    """Refuse a table of several kinds."""
    if series.kinds:
        raise DataError(
            f"{what} reads one series; this is a table of {len(series.kinds)} kinds.",
            code="several-series",
            hint="Give one column, or the sum.",
        )
    return series


def several_kinds(series: PeriodSeries, what: str) -> PeriodSeries:
    """Refuse a single series."""
    if len(series.kinds) < 2:
        raise DataError(
            f"{what} is about shares, and needs two kinds or more.",
            code="one-kind",
            hint="Give (periods, kinds), or Counts with by=.",
        )
    return series


def check_alpha(alpha: float) -> None:
    """Refuse a level that is none."""
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
