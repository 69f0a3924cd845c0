"""Any frame in: pandas, Polars, PyArrow and DuckDB read through one small door.

First floor. `Table` names the columns and labels the rows; `Column` holds one
column as a NumPy array of one of five kinds. Nothing is converted by guess:
text stays text, dates stay dates, and what is missing is said by a mask.
"""

from __future__ import annotations

import datetime as dt
import difflib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from exitmodels.arrays import AnyArray, Bools
from exitmodels.errors import DataError

__all__ = ["Column", "Kind", "Table"]

Kind = Literal["number", "bool", "text", "date", "duration"]


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
    kind : {"number", "bool", "text", "date", "duration"}
    values : (n,) array
        int64 or float64; bool; int64 codes into `levels` (-1 where missing); datetime64[us]; timedelta64[us].
    missing : (n,) bool or None
        None when nothing is missing.
    levels : tuple
        The distinct labels of a text column: in category order if the column is categorical, else sorted.
    zone : str or None
        The time zone of a date column that has one.
    """

    name: str
    kind: Kind
    values: AnyArray
    missing: Bools | None = None
    levels: tuple[Any, ...] = ()
    zone: str | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Any) -> Column:
        """Return these rows (positions or a mask)."""
        missing = None if self.missing is None else self.missing[rows]
        return replace(
            self, values=self.values[rows], missing=missing if missing is not None and missing.any() else None
        )

    @cached_property
    def is_missing(self) -> Bools:
        """A mask of missing values, also when there are none."""
        return np.zeros(len(self.values), dtype=bool) if self.missing is None else self.missing

    def decoded(self) -> AnyArray:
        """Return plain values: labels for text, None where missing."""
        if self.kind != "text":
            return self.values
        table = np.array([*self.levels, None], dtype=object)
        return table[self.values]

    def examples(self, most: int = 5) -> str:
        """Name the first few distinct values, for messages."""
        if self.kind == "text":
            seen = [repr(level) for level in self.levels[: most + 1]]
        else:
            seen = [str(v) for v in np.unique(self.values[~self.is_missing][:100_000])[: most + 1]]
        return ", ".join(seen[:most]) + (", ..." if len(seen) > most else "")


class Table:
    """A frame of any kind narwhals knows, held as named columns.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame or LazyFrame, pyarrow.Table, DuckDB relation, or dict of arrays

    Examples
    --------
    >>> table = Table({"week": [20, 17, 52], "arrest": [1, 1, 0]})
    >>> table.column("week").values
    array([20, 17, 52])
    """

    def __init__(self, frame: Any) -> None:
        import narwhals as nw

        if isinstance(frame, dict):
            import pandas as pd

            frame = pd.DataFrame(frame)
        try:
            self.frame: Any = nw.from_native(frame)
        except TypeError as problem:
            raise DataError(
                f"A {type(frame).__name__} is not a table that can be read here.",
                code="frame",
                hint="Give a pandas or Polars frame, a PyArrow table, a DuckDB relation, or a dict of arrays.",
            ) from problem
        if isinstance(self.frame, nw.LazyFrame):
            polars = "polars" in str(self.frame.implementation).lower()
            self.frame = self.frame.collect() if polars else self.frame.collect(backend="pyarrow")
        self._hold()
        self.names: tuple[str, ...] = tuple(str(c) for c in self.frame.columns)
        self.n: int = int(self.frame.shape[0])
        if self.n == 0:
            raise DataError("The table has no rows.", code="empty", hint="Check the filter or the file that made it.")

    def _hold(self) -> None:
        """Keep the data as they are now, whatever the caller does to the frame later.

        Polars and Arrow data never change. pandas 3 copies on write, so holding a frame is enough; before
        that, it is copied.
        """
        import narwhals as nw

        if self.frame.implementation.is_pandas():
            import pandas as pd

            deep = int(pd.__version__.split(".")[0]) < 3
            self.frame = nw.from_native(self.frame.to_native().copy(deep=deep))

    @cached_property
    def labels(self) -> AnyArray:
        """Row labels, for messages: the pandas index, else 0, 1, 2, ..."""
        native = self.frame.to_native()
        index = getattr(native, "index", None)
        return np.arange(self.n) if index is None or callable(index) else np.asarray(index)

    def column(self, name: str) -> Column:
        """Read one column; a name that is not there is an error that suggests the nearest."""
        if name not in self.names:
            close = difflib.get_close_matches(name, self.names, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise DataError(
                f"The table has no column {name!r}.",
                column=name,
                code="no-column",
                hint=f"{hint}Columns: {', '.join(self.names)}.",
            )
        return _read(name, self.frame[name])


def _read(name: str, series: Any) -> Column:
    stored = getattr(series.to_native(), "dtype", None)
    if isinstance(stored, np.dtype) and stored.kind in "iuf":
        return _plain(name, np.asarray(series.to_numpy()))
    dtype = series.dtype
    kind = str(dtype).split("(")[0]
    missing = _missing(series)
    if kind == "Boolean":
        filled = series if missing is None else series.fill_null(False)
        return Column(name, "bool", np.asarray(filled.to_numpy(), dtype=bool), missing)
    if dtype.is_integer() or dtype.is_float() or kind == "Decimal":
        return _numbers(name, series, missing, whole=dtype.is_integer())
    if kind in ("Datetime", "Date"):
        zone = getattr(dtype, "time_zone", None)
        plain = series if zone is None else series.dt.replace_time_zone(None)
        return _moments(name, "date", plain.to_numpy(), missing, zone)
    if kind == "Duration":
        return _moments(name, "duration", series.to_numpy(), missing, None)
    if kind in ("String", "Categorical", "Enum"):
        return _text(name, series, kind)
    return _objects(name, series)


def _plain(name: str, values: AnyArray) -> Column:
    """A NumPy column of numbers: whole ones cannot be missing, and one sum finds whether any real one is."""
    if values.dtype.kind in "iu":
        return Column(name, "number", values.astype(np.int64, copy=False))
    values = values.astype(np.float64, copy=False)
    missing = None if np.isfinite(_total(values)) else np.isnan(values)
    return Column(name, "number", values, missing if missing is not None and missing.any() else None)


def _missing(series: Any) -> Bools | None:
    if series.null_count() == 0:
        return None
    mask = np.asarray(series.is_null().to_numpy(), dtype=bool)
    return mask if mask.any() else None


def _numbers(name: str, series: Any, missing: Bools | None, whole: bool) -> Column:
    if whole and missing is None:
        return Column(name, "number", np.asarray(series.to_numpy()).astype(np.int64, copy=False))
    filled = series if missing is None else series.fill_null(0)
    values = np.asarray(filled.to_numpy()).astype(np.float64, copy=False)
    return _plain(name, values if missing is None else np.where(missing, np.nan, values))


def _total(values: AnyArray) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        return float(values.sum())


def _moments(name: str, kind: Kind, values: Any, missing: Bools | None, zone: str | None) -> Column:
    unit = "datetime64[us]" if kind == "date" else "timedelta64[us]"
    moments = np.asarray(values).astype(unit)
    nat = np.isnat(moments)
    return Column(name, kind, moments, nat if nat.any() else missing, (), zone)


def _text(name: str, series: Any, kind: str) -> Column:
    import pandas as pd

    if kind == "String":
        try:
            native = series.to_pandas()
        except (ImportError, ModuleNotFoundError):
            native = pd.Series(series.to_list(), dtype=object)
        codes, levels = pd.factorize(native, sort=True)
        return _coded(name, codes, tuple(str(level) for level in levels))
    native = series.to_native()
    if hasattr(native, "cat") and hasattr(native.cat, "categories"):
        return _coded(name, native.cat.codes.to_numpy(), tuple(native.cat.categories))
    import narwhals as nw

    plain = _text(name, series.cast(nw.String), "String")
    known = tuple(series.dtype.categories) if kind == "Enum" else plain.levels
    table = np.array([known.index(level) for level in plain.levels] + [-1], dtype=np.int64)
    return _coded(name, table[plain.values], known)


def _coded(name: str, codes: Any, levels: tuple[Any, ...]) -> Column:
    values = np.asarray(codes, dtype=np.int64)
    missing = values < 0
    return Column(name, "text", values, missing if missing.any() else None, levels)


def _objects(name: str, series: Any) -> Column:
    """Read a column of Python objects: all of one kind, or an error that shows the mixture."""
    import pandas as pd

    items = np.array([*series.to_list(), None], dtype=object)[:-1]
    gone = np.asarray(pd.isna(pd.Series(items, dtype=object)), dtype=bool)
    held = items[~gone]
    kinds = {_sort(item) for item in held}
    missing = gone if gone.any() else None
    if len(kinds) > 1:
        first = {_sort(item): item for item in held[::-1]}
        shown = ", ".join(f"{kind} ({value!r})" for kind, value in sorted(first.items()))
        raise DataError(
            f"The column mixes {shown}.", column=name, code="mixed", hint="Make it one kind before it is read."
        )
    kind = kinds.pop() if kinds else "number"
    if kind == "bool":
        return Column(name, "bool", np.where(gone, False, items).astype(bool), missing)
    if kind == "number":
        return Column(name, "number", np.where(gone, np.nan, items).astype(np.float64), missing)
    if kind == "date":
        return _moments(name, "date", pd.to_datetime(pd.Series(items)).to_numpy(), missing, None)
    if kind == "duration":
        plain = [_timedelta(item, name) for item in items]
        return _moments(name, "duration", pd.to_timedelta(pd.Series(plain)).to_numpy(), missing, None)
    codes, levels = pd.factorize(pd.Series(items, dtype=object), sort=True)
    return _coded(name, codes, tuple(str(level) for level in levels))


def _sort(item: Any) -> str:
    if isinstance(item, (bool, np.bool_)):
        return "bool"
    if isinstance(item, (dt.date, dt.datetime, np.datetime64)):
        return "date"
    if isinstance(item, (dt.timedelta, np.timedelta64)) or hasattr(item, "nanoseconds"):
        return "duration"
    if isinstance(item, str):
        return "text"
    return "number" if hasattr(item, "__float__") else type(item).__name__


def _timedelta(item: Any, name: str) -> Any:
    """Arrow intervals (months, days, nanoseconds) become durations when they hold no months."""
    if not hasattr(item, "months"):
        return item
    if item.months:
        raise DataError(
            f"{item} counts months, which have no fixed length.", column=name, code="unit", hint="Give days."
        )
    return np.timedelta64(item.days, "D") + np.timedelta64(item.nanoseconds // 1000, "us")
