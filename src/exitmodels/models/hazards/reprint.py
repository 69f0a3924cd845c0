"""From items of one publication, and the issues of another, to lags in issues.

Third floor, in the room of hazards. The clock counts issues of the second publication that could have carried the item:
the first of them is 1. A serial number is not a length of time: issues come at uneven gaps, so dates of the issues
decide which was the first that could.

Read next: discrete_cure.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.checks import refuse_gaps
from exitmodels.shapes.columns import Columns
from exitmodels.shapes.dates import day_number, day_numbers
from exitmodels.shapes.frames import Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.spells import Spells

__all__ = ["reprint_lags"]


def reprint_lags(
    frame: Any,
    *,
    reappeared: str,
    first: str | None = None,
    last: int | None = None,
    published: str | None = None,
    issues: Sequence[Any] | None = None,
    lead: int = 0,
    cluster: str | None = None,
    date_format: str | None = None,
) -> Spells:
    """Read items that do or do not reappear as spells whose time is counted in issues.

    Parameters
    ----------
    frame : pandas, Polars, PyArrow or DuckDB table, or dict of arrays
        One row per item.
    reappeared : str
        Column with the number of the issue of the second publication that carried the item; missing for items that
        have not been seen there.
    first, last : str and int, optional
        Column with the number of the first issue that could have carried the item, and the number of the last issue
        seen.
    published, issues : str and sequence of dates, optional
        Instead of `first`: column of the item's date, and the dates of issues 1, 2, ... of the second publication.
        The first issue that could carry an item is the first one dated at least `lead` days, and one day, after
        it. `last` is then by default the last of `issues`.
    lead : int
        Days that translation and layout take.
    cluster : str, optional
        Column, such as the issue that the item came from: items of one issue are not independent.
    date_format : str, optional
        How dates written as text are to be read; never guessed.

    Returns
    -------
    Spells
        Exit: the lag in issues. Event: reappeared, or 0 for not yet. Items that no issue seen could have carried are
        set aside and counted.

    Raises
    ------
    DataError
        For items that reappear before the first issue that could carry them or after the last one seen, numbers that
        are not whole, missing dates, issues that are not in order.

    Examples
    --------
    >>> items = {"first": [1, 1, 2, 3], "in": [1, None, 4, None]}
    >>> lags = reprint_lags(items, reappeared="in", first="first", last=4)
    >>> lags.exit.tolist(), lags.event.tolist()
    ([1, 4, 3, 2], [1, 0, 1, 0])
    """
    table = Table(frame)
    begin, end = _first_possible(table, first, last, published, issues, lead, date_format)
    seen, absent = _numbers(table, reappeared, gaps=True)
    _refuse(table, reappeared, ~absent & (seen > end), f"reappear after issue {end}, the last one seen")
    _refuse(table, reappeared, ~absent & (seen < begin), "reappear before the first issue that could have carried them")
    keep = np.flatnonzero(begin <= end)
    if not len(keep):
        raise DataError("No issue seen could have carried any item.", code="empty", hint="Check first=, or the dates.")
    late = np.flatnonzero(begin > end)
    ledger = Ledger(table.n)
    if len(late):
        why = "no issue seen could have carried the item"
        ledger = ledger.set_aside(why, rows=table.labels[late[:10]].tolist(), n=len(late))
    code = None if cluster is None else _clusters(table, cluster)
    lag = np.where(absent, end, seen) - begin + 1
    return Spells._make(
        exit=lag[keep],
        event=(~absent)[keep].astype(np.int64),
        causes=("reappeared",),
        cluster=None if code is None else code[keep],
        columns=Columns(table, keep),
        labels=table.labels[keep],
        ledger=ledger,
        unit="issues",
        scheme="censored",
    )


def _first_possible(
    table: Table,
    first: str | None,
    last: int | None,
    published: str | None,
    issues: Sequence[Any] | None,
    lead: int,
    date_format: str | None,
) -> tuple[Ints, int]:
    if first is not None and last is not None and published is None and issues is None:
        return _numbers(table, first, gaps=False)[0], int(last)
    if first is not None or published is None or issues is None:
        raise DataError(
            "It must be said in one way which issue was the first that could carry an item.",
            code="first",
            hint="Give first= (a column of issue numbers) and last=; or published= (a column of dates) and issues=.",
        )
    days = np.array([int(day_number(date, "issues")) for date in issues], dtype=np.int64)
    if len(days) < 1 or np.any(np.diff(days) <= 0):
        raise DataError("The dates of the issues do not rise.", code="issues", hint="Give them in order, each once.")
    dates, gone = day_numbers(table.column(published), table.labels, date_format)
    refuse_gaps(published, gone, table.labels, "missing")
    end = len(days) if last is None else int(last)
    if not 1 <= end <= len(days):
        raise DataError(f"last={last} is not one of {len(days)} issues.", code="last", hint="A number of an issue.")
    return np.searchsorted(days, np.floor(dates) + lead, side="right").astype(np.int64) + 1, end


def _numbers(table: Table, name: str, gaps: bool) -> tuple[Ints, Bools]:
    """Whole issue numbers of a column, and which are missing."""
    column = table.column(name)
    empty = column.is_missing.copy()
    if column.kind == "text" and not len(column.levels):
        return np.zeros(table.n, dtype=np.int64), np.ones(table.n, dtype=bool)
    if column.kind != "number":
        raise DataError(
            f"It must hold numbers of issues; it holds {column.kind} values such as {column.examples(3)}.",
            column=name,
            code="not-numeric",
            hint="Give 1 for the first issue, and so on; leave items that have not reappeared missing.",
        )
    values = column.values.astype(np.float64)
    empty |= np.isnan(values)
    if not gaps:
        refuse_gaps(name, empty if empty.any() else None, table.labels, "missing")
    bad = ~empty & ((values != np.floor(values)) | (values < 1))
    _refuse(table, name, bad, "are no issue numbers (1, 2, ...)")
    return np.where(empty, 0, values).astype(np.int64), empty


def _clusters(table: Table, name: str) -> Ints:
    column = table.column(name)
    refuse_gaps(name, column.missing, table.labels, "missing")
    return group_codes(column)[0].astype(np.int64)


def _refuse(table: Table, name: str, bad: AnyArray, what: str) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        raise DataError(
            f"{rows.size} items {what}.",
            column=name,
            rows=table.labels[rows],
            code="issue-number",
            hint="Correct the numbers, the dates of the issues, or lead=.",
        )
