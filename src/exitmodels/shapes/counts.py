"""Counts: how many records in each period, of each kind, over how much exposure.

First floor. One row per cell (a period and a value of each key). Cells without records are zeros, not absences; a
period cut by the window has its true length as exposure. Nothing changes after birth.

Read next: counting.py (from records to cells), tabulated.py (from a table that is already counted), periods.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.render.text import Summary, number
from exitmodels.shapes import cells
from exitmodels.shapes.coarser import coarser
from exitmodels.shapes.counting import count_records
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.imprecise import Loose
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.periods import hijri_month
from exitmodels.shapes.persontime import more_effort, new_exposure, person_time
from exitmodels.shapes.tabulated import read_cells

__all__ = ["Counts"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Counts:
    """Records counted in cells: period x keys.

    Attributes
    ----------
    start, end : (k,) datetime64[D]
        First day of the cell's period, and the day after its last; NaT in a table without dates.
    n : (k,) int64 or float64
        Records in the cell; expected ones, not whole, when `whole` is False.
    exposure : (k,) float64
        Days of the period that were observed, or what was given; in `unit`.
    period : (k,) str
        The period's name, such as "2013-03", "1434-04" (Hijri) or "2013-W09".
    partial : (k,) bool
        The window cuts this period.
    key_columns, covariate_columns : tuple of Column
    ledger : Ledger
    freq : str
    window : (first, last) datetime64[D], both inside, or None
    unit : str
        Unit of `exposure`.
    shared : bool or None
        Whether the keys of one period share its exposure (reasons of one day do, places do not). None: not said.
    whole : bool
        Whether counts are whole numbers. They are not when dates known as ranges are spread over several cells, or
        when a record with k labels counts 1/k for each; models for counts then refuse, or say what they do.
    mentions : str
        Name of a key of which one record may count for several values ("" when there is none).
    records : (k,) or None
        With `mentions`: how many records stand behind all values of that key in this period and these other keys.
    loose : Loose or None
        Records whose cell is not certain, as read; used by `imputations` and by models for rounded dates.

    Examples
    --------
    >>> left = ["2013-03-01", "2013-03-09", "2013-05-02"]
    >>> monthly = Counts.from_frame({"left": left}, date="left", date_format="%Y-%m-%d", freq="MS",
    ...                             window=("2013-03-01", "2013-05-10"))
    >>> print(monthly.to_frame()[["period", "n", "exposure", "partial"]].to_string(index=False))
     period  n  exposure  partial
    2013-03  2      31.0    False
    2013-04  0      30.0    False
    2013-05  1      10.0     True
    """

    start: AnyArray
    end: AnyArray
    n: Ints
    exposure: Floats
    period: AnyArray
    partial: Bools
    ledger: Ledger
    key_columns: tuple[Column, ...] = ()
    covariate_columns: tuple[Column, ...] = ()
    freq: str = ""
    window: tuple[Any, Any] | None = None
    unit: str = "D"
    shared: bool | None = True
    whole: bool = True
    mentions: str = ""
    records: AnyArray | None = None
    loose: Loose | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end", "n", "exposure", "period", "partial", "records"):
            if getattr(self, name) is None:
                continue
            kept = np.array(getattr(self, name))
            kept.setflags(write=False)
            object.__setattr__(self, name, kept)
        cells.check(self.n, self.exposure, self.start, self.end, self.key_columns + self.covariate_columns, self.whole)

    # ---- doors in ----------------------------------------------------------------------------------------------
    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        date: str,
        by: str | Sequence[str] | None = None,
        freq: Any = "D",
        window: tuple[Any, Any] | None = None,
        exposure: str | Mapping[Any, float] | Any = None,
        unit: str | None = None,
        shared: bool | None = None,
        weight: str | None = None,
        outside: str = "raise",
        missing: str = "raise",
        date_format: str | Mapping[str, str] | None = None,
        timezone: str | None = None,
        until: str | None = None,
        precision: str | None = None,
        labels: str | Mapping[str, str] | None = None,
        separator: str | None = None,
    ) -> Counts:
        """Count records, one row each, by period and key.

        Parameters
        ----------
        frame : pandas, Polars, PyArrow or DuckDB table, or dict of arrays
        date : str
            Column of dates; text needs `date_format`, zoned times need `timezone`.
        by : str or list of str, optional
            Columns to count by (reason, place, ...). Each combination seen has a cell in every period.
        freq : str or sequence of dates
            See `exitmodels.shapes.periods.period_edges`: "D", "28D", "W" (Monday to Sunday), "W-THU" (weeks that end
            on Thursday), "MS", "QS", "YS", "HM" (Umm al-Qura months), or the edges themselves.
        window : (first, last), optional
            First and last day on which a record could have been made, both inside. By default the first
            and last date found, which the ledger then says: the true window may be longer.
        exposure : str, mapping or Series, optional
            By default the days of the period inside the window. A column must have one value within a cell and is taken
            once, not summed over records; a cell without records then has no value, unless ``shared=True``. A mapping
            gives a value for each period, by its name ("2013-03") or any of its days.
        unit : str, optional
            Unit of the exposure; "D" for days.
        shared : bool, optional
            Whether the keys of a period share its exposure: True for reasons, False for places. By default True for
            days and mappings, and not said for columns.
        weight : str, optional
            Column of whole numbers: the row stands for that many records.
        outside : {"raise", "set aside"}
            What to do with dates outside the window.
        missing : {"raise", "drop"}
            What to do with rows whose date or key is missing; "drop" counts them in the ledger.
        date_format, timezone : str, optional
            With `precision`, the format may be a mapping from precision to format.
        until : str, optional
            Column with the last possible day, for dates known only to lie between two days (both possible).
        precision : str, optional
            Column that says how precisely the date is known: "day", "week", "month", "quarter", "year" or "hijri
            month". The date may then lie anywhere in that period, as far as the window reaches.
        separator, labels : str, optional
            For a key in which one record may name several values, such as "family visit; treatment": what stands
            between them, and how they count: "all" (each value one), "fractional" (1/k each) or "first" (the one
            mentioned first). With several keys name the one meant: ``labels={"reason": "all"}``.

        Raises
        ------
        DataError
            For missing or outside dates, unknown frequencies, weights that are not whole, exposures that differ within
            a cell or are absent, events without exposure, and labels whose counting is not declared.

        Notes
        -----
        A date known as a range counts in each cell in proportion to the days of the range that lie in it, so that
        `n` is an expected count (`whole` is False) unless each range lies within one period. This assumes that, within
        a range, one day is as likely as another; `exitmodels.RoundedDates` fits a rate instead. Source: Heitjan
        and Rubin (1991).
        """
        options: dict[str, Any] = {"freq": freq, "window": window, "exposure": exposure, "unit": unit, "shared": shared}
        reading: dict[str, Any] = {
            "outside": outside,
            "missing": missing,
            "date_format": date_format,
            "timezone": timezone,
            "until": until,
            "precision": precision,
            "labels": labels,
            "separator": separator,
        }
        names = [by] if isinstance(by, str) else list(by or ())
        return cls(**count_records(Table(frame), date, names, weight, **options, **reading))

    @classmethod
    def from_table(
        cls,
        frame: Any,
        *,
        n: str,
        start: str | None = None,
        end: str | None = None,
        exposure: str | None = None,
        by: str | Sequence[str] | None = None,
        freq: str | None = None,
        window: tuple[Any, Any] | None = None,
        covariates: Sequence[str] = (),
        unit: str | None = None,
        shared: bool | None = None,
        missing: str = "raise",
        date_format: str | None = None,
        timezone: str | None = None,
    ) -> Counts:
        """Read a table that is already counted, one row per cell.

        Parameters
        ----------
        frame : table
        n : str
            Column of whole numbers.
        start : str, optional
            Column of the periods' first days. Without it the cells have no dates, and series models refuse them.
        end : str, optional
            Column of the days after the periods' last; or give `freq`.
        exposure : str, optional
            Column; by default the days from start to end, or 1 for a table without dates.
        by, covariates : str or list of str
            Keys name the cell; covariates describe it and can stand in formulas.
        freq : str, optional
            Frequency of the periods, from which their ends follow.
        window : (first, last), optional
            Cuts the first and last period, which become partial.
        unit, shared, missing, date_format, timezone
            As in `from_frame`.

        Raises
        ------
        DataError
            For negative or fractional counts, negative exposures, events over zero exposure, periods
            that overlap. Cells with neither exposure nor events are set aside in the ledger.
        """
        names = [by] if isinstance(by, str) else list(by or ())
        timing: dict[str, Any] = {"start": start, "end": end, "freq": freq, "window": window}
        reading: dict[str, Any] = {"missing": missing, "date_format": date_format, "timezone": timezone}
        others: dict[str, Any] = {"exposure": exposure, "covariates": list(covariates), "unit": unit, "shared": shared}
        return cls(**read_cells(Table(frame), n, names, **timing, **others, **reading))

    # ---- what is there -----------------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self.n)

    @property
    def total(self) -> Any:
        """Records in all cells, each counted once: an int, or a float when counts are not whole."""
        if self.records is None:
            found = self.n.sum()
        else:
            others = [c.values for c in self.key_columns if c.name != self.mentions]
            found = self.records[cells.first_of([self.period_code, *others])].sum()
        return int(found) if found.dtype.kind in "iu" else float(np.round(found, 9))

    @property
    def dated(self) -> bool:
        """Whether the cells have dates."""
        return not bool(np.isnat(self.start).any())

    @property
    def periods(self) -> tuple[str, ...]:
        """Names of the periods, in order of time."""
        first = np.unique(self.period_code, return_index=True)[1]
        return tuple(str(name) for name in self.period[first])

    @cached_property
    def period_code(self) -> Ints:
        """Number of each cell's period, in order of time (k,)."""
        if self.dated:
            return np.unique(self.start, return_inverse=True)[1].astype(np.int64)
        return np.arange(len(self), dtype=np.int64)

    @property
    def keys(self) -> dict[str, Column]:
        """Columns that name the cells."""
        return {column.name: column for column in self.key_columns}

    @property
    def total_exposure(self) -> float:
        """Exposure behind `total`: once per period where keys share it, else summed over cells."""
        return float(cells.summed_exposure(self, self.period_code).sum())

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Columns for formulas: n, exposure, time, month, year, start, then keys and covariates.

        `time` is the middle of the period in days since the window's first day; month and year are those of the
        period's first day, in the Hijri calendar when the frequency is "HM".
        """
        made = {"n": self.n, "exposure": self.exposure}
        found = {name: Column(name, "number", values) for name, values in made.items()}
        if self.dated:
            days, ends = self.start.astype(np.int64), self.end.astype(np.int64)
            first = days.min() if self.window is None else self.window[0].astype(np.int64)
            month, year = self._calendar()
            found["time"] = Column("time", "number", (days + ends) / 2 - first)
            found["month"] = Column("month", "number", month)
            found["year"] = Column("year", "number", year)
            found["start"] = Column("start", "date", self.start.astype("datetime64[us]"))
        return found | {column.name: column for column in self.key_columns + self.covariate_columns}

    def _calendar(self) -> tuple[Ints, Ints]:
        if self.freq == "HM":
            days, where = np.unique(self.start.astype(np.int64), return_inverse=True)
            months = np.array([hijri_month(day) for day in days], dtype=np.int64)[where]
            return months % 12 + 1, months // 12
        months = self.start.astype("datetime64[M]").astype(np.int64)
        return months % 12 + 1, months // 12 + 1970

    def require_whole(self, what: str) -> None:
        """Refuse expected counts where `what` needs numbers of records.

        Raises
        ------
        DataError
        """
        cells.require_whole(self, what)

    # ---- other shapes of the same ------------------------------------------------------------------------------
    def aggregate(self, over: str | Sequence[str] | None = None, *, freq: Any = None) -> Counts:
        """Sum over keys: the ones named, or all of them, which leaves one series; or over time, or both.

        Exposure is taken once where the keys share it and summed where they do not; when that was never said and would
        matter, this is refused. Covariates stay where they are constant within the new cells.

        Parameters
        ----------
        over : str or list of str, optional
            Keys to sum over. By default all of them, or none when `freq` is given.
        freq : str or sequence of dates, optional
            Longer periods, as in `from_frame`, into which the present ones fit.

        Raises
        ------
        DataError
            For an unknown key, when it is not known whether the keys share their exposure, when a present
            period lies in two of the longer ones, or when one record counts for several values of a key.

        >>> daily = Counts.from_frame({"left": ["2014-01-31", "2014-02-01"]}, date="left", date_format="%Y-%m-%d")
        >>> daily.aggregate(freq="MS").to_frame()[["period", "n", "exposure"]].to_numpy().tolist()
        [['2014-01', 1, 1.0], ['2014-02', 1, 1.0]]
        """
        everything = list(self.keys) if freq is None else []
        names = everything if over is None else [over] if isinstance(over, str) else list(over)
        made = self if freq is not None and not names else replace(self, **cells.aggregate(self, names))
        return made if freq is None else replace(made, **coarser(made, freq))

    def select(self, mask: Any = None, **values: Any) -> Counts:
        """Keep some cells: by a mask, or by values of keys and covariates (one value, or a list).

        >>> table = Counts.from_table({"n": [3, 1], "reason": ["treatment", "family"]}, n="n", by="reason")
        >>> table.select(reason="treatment").total
        3
        """
        return replace(self, **cells.select(self, mask, values))

    def imputations(self, m: int = 20, rng: Any = None) -> list[Counts]:
        """Counts in which each uncertain record was put into one cell at random, m times.

        A date known as a range falls on any of its days with equal probability; a record that counts in parts
        (``labels="fractional"``) is given one of its labels. Fit a model to each and pool the answers.

        Parameters
        ----------
        m : int
        rng : numpy Generator or seed

        Raises
        ------
        DataError
            If these counts were summed or chosen from others: draw first, then sum each.

        Notes
        -----
        Source: Rubin (1987); Heitjan and Rubin (1991). The draws do not use the rate found in the other records.
        """
        return [replace(self, **fields) for fields in cells.drawn(self, m, np.random.default_rng(rng))]

    # ---- exposure ----------------------------------------------------------------------------------------------
    def person_time(
        self,
        stock: Any,
        *,
        date: str = "date",
        n: str | tuple[str, str] = "n",
        by: str | Sequence[str] | None = None,
        between: str = "line",
        ends: str = "raise",
        date_format: str | None = None,
    ) -> Any:
        """Person-days at risk in each cell, from numbers of people present on some days.

        Parameters
        ----------
        stock : table
            One row for each day on which people were counted (and each value of the keys in `by`).
        date : str
            Column of days.
        n : str, or pair of str
            Column of the number present; a pair names the smallest and the largest number it may have been.
        by : str or list of str, optional
            Keys of these counts for which the stocks differ. The other keys share them.
        between : {"line", "step"}
            Between two days the stock lies on a straight line, or stays what it was.
        ends : {"raise", "hold"}
            Before the first and after the last of these days: refuse, or hold the nearest value.
        date_format : str, optional

        Returns
        -------
        (k,) float64, or a pair of them (low, high) when the stocks are ranges. Give it to `with_exposure`, or to
        `exitmodels.rate`, which answers a range with a range.

        Raises
        ------
        DataError
            For cells without dates, stocks that are missing, negative, given twice, or do not reach over the window.

        Notes
        -----
        A period's person-days are the sum of the stocks on its observed days. Cost: O(days x keys).
        """
        return person_time(self, stock, date, n, by, between, ends, date_format)

    def with_exposure(self, exposure: Any, *, unit: str = "person-days", shared: bool | None = None) -> Counts:
        """Return the same counts over another exposure.

        Parameters
        ----------
        exposure : (k,) array, column name of a covariate, or mapping from period to value
        unit : str
        shared : bool, optional
            Whether the keys of a period share it; see `from_frame`.

        Raises
        ------
        DataError
            If exposures are missing, negative, or zero where something was counted; or if they are a range.
        """
        return replace(self, **new_exposure(self, exposure, unit, shared))

    def with_effort(self, effort: Any) -> Counts:
        """Return the same counts with exposure multiplied by how much recording there was.

        Parameters
        ----------
        effort : (k,) array, column name of a covariate, or mapping from period to value
            Relative effort: clerks at work, lists received, pages of a newspaper. Twice the effort stands for
            twice the observed time; in a regression, the log of it becomes part of the offset.
        """
        return replace(self, **more_effort(self, effort))

    # ---- tables and pictures -----------------------------------------------------------------------------------
    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row per cell."""
        import pandas as pd

        timed = {
            "period": self.period,
            "start": self.start.astype("datetime64[s]"),
            "end": self.end.astype("datetime64[s]"),
        }
        made: dict[str, Any] = timed if self.dated else {}
        made |= {column.name: column.decoded() for column in self.key_columns}
        made |= {"n": self.n, "exposure": self.exposure, "partial": self.partial}
        return pd.DataFrame(made | {column.name: column.decoded() for column in self.covariate_columns})

    def describe(self) -> Summary:
        """Return a printed description: window, cells, totals, spread, and what was set aside."""
        return cells.describe(self)

    def plot(self, ax: Any = None) -> Any:
        """Draw one bar per period, stacked by key; partial periods are hatched. Return the Axes."""
        from exitmodels.render.bars import period_bars

        if not self.dated:
            raise DataError("These cells have no dates to draw them at.", code="no-dates", hint="Give `start`.")
        return period_bars(ax, **cells.bars(self))

    def __str__(self) -> str:
        return str(self.describe())

    def __repr__(self) -> str:
        keys = f" by {', '.join(self.keys)}" if self.key_columns else ""
        freq = f", freq {self.freq!r}" if self.freq else ""
        return f"Counts({number(self.total)} records in {len(self)} cells{keys}{freq})"
