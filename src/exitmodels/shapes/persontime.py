"""Person-time at risk: from numbers of people present on some days to the exposure of each cell; and reporting effort.

First floor. Called by: counts.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.dates import day_number, iso
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.imprecise import days_of
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.tally import choice, drop_or_refuse

if TYPE_CHECKING:
    from exitmodels.shapes.counts import Counts

__all__ = ["more_effort", "new_exposure", "person_time"]


def person_time(
    counts: Counts,
    stock: Any,
    date: str,
    n: str | tuple[str, str],
    by: str | Sequence[str] | None,
    between: str,
    ends: str,
    date_format: str | None,
) -> Any:
    """Person-days of each cell; parameters as in ``Counts.person_time``."""
    choice("between", between, ("line", "step"))
    choice("ends", ends, ("raise", "hold"))
    if not counts.dated:
        raise DataError("These cells have no dates.", column="start", code="no-dates", hint="Count with dates.")
    table, names = Table(stock), [by] if isinstance(by, str) else list(by or ())
    day, gone = days_of(table.column(date), table.labels, date_format, None)
    keys = [table.column(name) for name in names]
    drop_or_refuse([(date, gone), *((k.name, k.missing) for k in keys)], table, "raise", Ledger(table.n))
    group, mine, shown = _groups(counts, keys, names) if names else _one_group(table.n, len(counts))
    rows = np.lexsort([day, group])
    _refuse_twice(day[rows], group[rows], table.labels[rows], date)
    made = [_integrated(counts, table, name, (day, group, rows), (mine, shown), between, ends) for name in _pair(n)]
    if len(made) == 1:
        return made[0]
    if np.any(made[0] > made[1]):
        raise DataError("The smallest stocks exceed the largest.", column=n[0], code="range", hint="Swap the columns.")
    return made[0], made[1]


def _pair(n: str | tuple[str, str]) -> tuple[str, ...]:
    return (n,) if isinstance(n, str) else tuple(n)


def _groups(counts: Counts, keys: Sequence[Column], names: Sequence[str]) -> tuple[Ints, Ints, list[str]]:
    """Number the key combinations of the stocks; find that of each cell."""
    unknown = [name for name in names if name not in counts.keys]
    if unknown:
        raise DataError(
            f"No key of these counts is called {unknown[0]!r}.",
            column=unknown[0],
            code="no-key",
            hint=f"Keys: {', '.join(counts.keys) or 'none'}.",
        )
    here = list(zip(*(key.decoded().tolist() for key in keys), strict=True))
    there = list(zip(*(counts.keys[name].decoded().tolist() for name in names), strict=True))
    place = {values: i for i, values in enumerate(dict.fromkeys(here))}
    lost = [values for values in dict.fromkeys(there) if values not in place]
    if lost:
        raise DataError(
            f"No stock is given for {', '.join(map(str, lost[0]))}.",
            column=names[0],
            code="no-stock",
            hint="Give a stock for every value that was counted.",
        )
    shown = [", ".join(map(str, values)) for values in place]
    return np.array([place[v] for v in here]), np.array([place[v] for v in there]), shown


def _one_group(stocks: int, cells: int) -> tuple[Ints, Ints, list[str]]:
    return np.zeros(stocks, dtype=np.int64), np.zeros(cells, dtype=np.int64), [""]


def _refuse_twice(day: Ints, group: Ints, labels: AnyArray, date: str) -> None:
    twice = np.flatnonzero((np.diff(day) == 0) & (np.diff(group) == 0))
    if twice.size:
        raise DataError(
            f"{twice.size} days have two stocks (first: {iso(day[twice[0]])}).",
            column=date,
            rows=labels[twice + 1],
            code="twice",
            hint="Give one number for each day; name the keys that tell them apart with by=.",
        )


def _integrated(
    counts: Counts,
    table: Table,
    name: str,
    stocks: tuple[Ints, Ints, Ints],
    cells: tuple[Ints, list[str]],
    between: str,
    ends: str,
) -> Floats:
    """Sum the stock over the days of each cell."""
    day, group, rows = stocks
    mine, shown = cells
    column = table.column(name)
    values = _levels(column, table)
    start, end = counts.start.astype(np.int64), counts.end.astype(np.int64)
    first, days = int(start.min()), np.arange(start.min(), end.max())
    made = np.zeros(len(counts))
    for code, word in enumerate(shown):
        known = rows[group[rows] == code]
        at, level = day[known], values[known]
        if ends == "raise" and (at[0] > days[0] or (between == "line" and at[-1] < days[-1])):
            raise DataError(
                f"The stocks{f' of {word}' if word else ''} run from {iso(at[0])} to {iso(at[-1])}; the counts from "
                f"{iso(days[0])} to {iso(days[-1])}.",
                column=name,
                code="stock-range",
                hint='Give stocks that reach over the window, or ends="hold" to keep the nearest value.',
            )
        daily = np.interp(days, at, level) if between == "line" else _steps(days, at, level)
        total = np.concatenate([[0.0], np.cumsum(daily)])
        chosen = mine == code
        made[chosen] = total[end[chosen] - first] - total[start[chosen] - first]
    return made


def _steps(days: Ints, at: Ints, level: Floats) -> Floats:
    return np.asarray(level[np.maximum(np.searchsorted(at, days, side="right") - 1, 0)])


def _levels(column: Column, table: Table) -> Floats:
    if column.kind != "number":
        raise DataError(
            f"Stocks are numbers; found {column.examples(3)}.", column=column.name, code="not-numeric", hint="Convert."
        )
    drop_or_refuse([(column.name, column.missing)], table, "raise", Ledger(table.n))
    values = column.values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if bad.size:
        raise DataError(
            f"{bad.size} stocks are negative or infinite (first: {values[bad[0]]:g}).",
            column=column.name,
            rows=table.labels[bad],
            code="stock",
            hint="A stock is a number of people, zero or more.",
        )
    return values


# ---- exposure and effort -----------------------------------------------------------------------------------------
def new_exposure(counts: Counts, exposure: Any, unit: str, shared: bool | None) -> dict[str, Any]:
    """Fields that change when the exposure does."""
    if isinstance(exposure, tuple):
        raise DataError(
            "The exposure is a range, and a model needs one value for each cell.",
            column="exposure",
            code="exposure",
            hint="Use rate(counts, exposure=(low, high)) for an interval answer, or fit at both ends of the range.",
        )
    values = _by_cell(counts, exposure, "exposure")
    known = not isinstance(exposure, (str, np.ndarray)) and hasattr(exposure, "items")
    told = shared if shared is not None else True if known or not counts.keys else None
    ledger = counts.ledger.note(f"exposure replaced; now in {unit or 'units not named'}")
    return {"exposure": values, "unit": unit, "shared": told, "ledger": ledger}


def more_effort(counts: Counts, effort: Any) -> dict[str, Any]:
    """Fields that change when exposure is multiplied by effort."""
    values = _by_cell(counts, effort, "effort")
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if bad.size:
        raise DataError(
            f"{bad.size} efforts are missing, infinite or negative (first: {values[bad[0]]:g}).",
            column="effort",
            rows=bad,
            code="effort",
            hint="Effort is zero or more; relative size is enough.",
        )
    ledger = counts.ledger.note("exposure multiplied by reporting effort")
    return {"exposure": counts.exposure * values, "unit": f"{counts.unit} x effort".strip(), "ledger": ledger}


def _by_cell(counts: Counts, given: Any, what: str) -> Floats:
    """One value for each cell: from an array, a covariate, or a mapping from period."""
    if isinstance(given, str):
        if given not in counts.columns or counts.columns[given].kind != "number":
            raise DataError(
                f"{given!r} is not a column of numbers here.", column=given, code="no-column", hint="Name a covariate."
            )
        return np.asarray(counts.columns[given].values, dtype=np.float64)
    if isinstance(given, Mapping) or hasattr(given, "items"):
        return _by_period(counts, given, what)
    values = np.asarray(given, dtype=np.float64)
    if values.shape not in ((), (len(counts),)):
        raise DataError(
            f"{what} has shape {values.shape}; there are {len(counts)} cells.",
            column=what,
            code="shape",
            hint="Give one value for each cell, or a mapping from period to value.",
        )
    return np.broadcast_to(values, (len(counts),))


def _by_period(counts: Counts, given: Any, what: str) -> Floats:
    names = {str(name): i for i, name in enumerate(counts.periods)}
    starts = np.unique(counts.start).astype(np.int64) if counts.dated else np.zeros(0, dtype=np.int64)
    known = np.full(len(names), np.nan)
    for key, value in given.items():
        place = names.get(str(key))
        if place is None and counts.dated:
            moment = day_number(getattr(key, "start_time", key), f"period of the {what}")
            place = int(np.searchsorted(starts, moment, side="right")) - 1
        if place is None or place < 0 or not np.isnan(known[place]):
            raise DataError(
                f"{what} names {key}, which is no period of these counts, or is named twice.",
                column=what,
                code=what,
                hint="Give one value for each period.",
            )
        known[place] = float(value)
    absent = np.flatnonzero(np.isnan(known))
    if absent.size:
        raise DataError(
            f"{absent.size} periods have no {what} (first: {counts.periods[absent[0]]}).",
            column=what,
            code=what,
            hint="Give a value for every period.",
        )
    return known[counts.period_code]
