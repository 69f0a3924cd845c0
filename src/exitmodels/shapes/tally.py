"""From rows to cells, whatever the rows are like: outside the window, ranges of days, several labels, weights.

First floor. Days are looked up in a table of periods and keys in a table of levels; then one `bincount`.

Called by: counting.py, which has a faster way for the plain case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.cells import check_counts
from exitmodels.shapes.dates import day_number, iso, window_days
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.imprecise import Loose, spread_days
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.mentions import Mentions, split_labels
from exitmodels.shapes.periods import period_edges

__all__ = ["Counted", "choice", "count_rows", "drop_or_refuse", "period_of"]


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts by cell, and what is needed to name the cells."""

    n: AnyArray
    edges: Ints
    first: int
    end: int
    key_columns: tuple[Column, ...]
    ledger: Ledger
    cell: Ints | None = None
    rows: Any = None
    loose: Loose | None = None
    records: Ints | None = None

    @property
    def n_combos(self) -> int:
        return len(self.key_columns[0]) if self.key_columns else 1


def count_rows(
    table: Table,
    by: Sequence[str],
    weight: str | None,
    timing: tuple[Any, Any],
    manners: tuple[str, str],
    dates: tuple[Ints, Ints, list[tuple[str, Bools | None]]],
    rules: Mapping[str, str],
    separator: str | None,
) -> Counted:
    """Any records: dates outside the window, ranges of days, several labels, weights."""
    low, high, masks = dates
    keys = {name: table.column(name) for name in by}
    split = {name: split_labels(keys[name], str(separator), rule) for name, rule in rules.items()}
    absent = [(name, split[name][0] if name in split else column.missing) for name, column in keys.items()]
    keep, ledger = drop_or_refuse([*masks, *absent], table, manners[1], Ledger(table.n))
    freq, window = timing
    first, end, ledger = _window(low, high, keep, window, freq, ledger)
    keep, ledger = _inside(low, high, keep, first, end, masks[0][0], manners[0], table, ledger)
    chosen = np.arange(table.n) if keep is None else np.flatnonzero(keep)
    times = _times(table, weight, chosen)
    mentions = next((make(chosen) for _, make in split.values()), None)
    row = np.arange(len(chosen)) if mentions is None else mentions.row
    columns = [mentions.column if c.name in split and mentions else c.take(chosen[row]) for c in keys.values()]
    combo, key_columns = _combinations(columns, len(row))
    combo = np.broadcast_to(np.asarray(combo, dtype=np.int64), row.shape)
    n_combos = len(key_columns[0]) if key_columns else 1
    edges = period_edges(freq, first, end)
    size = (len(edges) - 1) * n_combos
    before = low[chosen], high[chosen]
    low, high = np.maximum(before[0], first), np.minimum(before[1], end)
    ledger = _noted(ledger, (low, high), before, mentions, rules)
    cell = period_of(edges, first, end)[low[row] - first] * n_combos + combo
    sure = (high - low == 1)[row] & (True if mentions is None else ~mentions.loose)
    inner = np.concatenate([[first], edges[1:-1], [end]])
    one = "fractional" in rules.values()
    loose = None if sure.all() else _loose(low, high, times, row, combo, sure, one, (inner, cell, n_combos))
    return Counted(
        _summed(cell, row, times, loose, inner, size),
        edges,
        first,
        end,
        key_columns,
        ledger,
        cell=cell,
        rows=chosen[row],
        loose=loose,
        records=_records(rules, key_columns, (low, high), row, combo, times, inner),
    )


def _summed(cell: Ints, row: Ints, times: Ints | None, loose: Loose | None, inner: Ints, size: int) -> AnyArray:
    """Counts by cell: whole numbers whenever every uncertain record stays within one cell."""
    if loose is not None:
        period = np.searchsorted(inner, loose.low, side="right") - 1
        within = bool(np.all(loose.high <= inner[period + 1]))
        split = loose.one and bool(np.any(np.diff(loose.begin) > 1))
        if split or not within:
            return loose.expected()
    weights = None if times is None else times[row]
    counted = np.bincount(cell, weights, size)
    return counted.astype(np.int64, copy=False) if weights is None else counted.round().astype(np.int64)


def _loose(
    low: Ints,
    high: Ints,
    times: Ints | None,
    row: Ints,
    combo: Ints,
    sure: Bools,
    one: bool,
    table: tuple[Ints, Ints, int],
) -> Loose:
    """Keep the records whose cell is not certain; count the others."""
    edges, cell, n_combos = table
    each = np.ones(len(low), dtype=np.int64) if times is None else times
    owner, size = np.unique(row[~sure], return_counts=True)
    return Loose(
        low=low[owner],
        high=high[owner],
        times=each[owner],
        begin=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        combo=combo[~sure],
        one=one,
        certain=np.bincount(cell[sure], each[row[sure]], (len(edges) - 1) * n_combos).round().astype(np.int64),
        n_combos=n_combos,
        edges=edges,
    )


def _records(
    rules: Mapping[str, str],
    key_columns: tuple[Column, ...],
    days: tuple[Ints, Ints],
    row: Ints,
    combo: Ints,
    times: Ints | None,
    inner: Ints,
) -> AnyArray | None:
    """Records behind the cells of each period and other keys, when one record may count in several cells."""
    if "all" not in rules.values():
        return None
    others = [c.values for c in key_columns if c.name not in rules]
    codes = np.stack([np.unique(v, return_inverse=True)[1] for v in others] or [np.zeros(len(key_columns[0]), int)])
    group = np.unique(codes, axis=1, return_inverse=True)[1].ravel()
    mine = group[combo[np.searchsorted(row, np.arange(len(days[0])))]]
    weight = np.ones(len(days[0])) if times is None else times.astype(np.float64)
    shape = (int(inner[-1] - inner[0]), int(group.max()) + 1)
    by_day = spread_days(days[0] - inner[0], days[1] - inner[0], weight, mine, shape)
    made = np.add.reduceat(by_day, inner[:-1] - inner[0], axis=0)[:, group].ravel()
    whole = made.round()
    return whole.astype(np.int64) if np.allclose(made, whole, rtol=0, atol=1e-9) else made


def _noted(
    ledger: Ledger,
    days: tuple[Ints, Ints],
    before: tuple[Ints, Ints],
    mentions: Mentions | None,
    rules: Mapping[str, str],
) -> Ledger:
    """Say how many dates are ranges, how many of these the window cuts, and how several labels count."""
    low, high = days
    if ranges := int(np.sum(before[1] - before[0] > 1)):
        cut = int(np.sum((before[0] < low) | (before[1] > high)))
        more = f"; {cut} of these ranges were cut at the window's ends" if cut else ""
        ledger = ledger.note(f"{ranges} dates are known only to within a range of days{more}")
    for name, rule in rules.items():
        several = mentions.several if mentions else 0
        ledger = ledger.note(f"{several} records name several values of {name}; {_RULE_WORDS[rule]}")
    return ledger


_RULE_WORDS = {
    "all": "each value counts one, so that cells add up to more than the records",
    "fractional": "each of k values counts 1/k",
    "first": "the first one counts",
}


def choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is not one of the known ones."""
    if value not in known:
        raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"Use one of {known}.")


def drop_or_refuse(
    masks: Sequence[tuple[str, Bools | None]], table: Table, missing: str, ledger: Ledger
) -> tuple[Bools | None, Ledger]:
    """Refuse missing values, or set their rows aside, each counted once under the first column that lacks it."""
    keep: Bools | None = None
    for name, gone in masks:
        if gone is None or not gone.any():
            continue
        rows = np.flatnonzero(gone if keep is None else gone & keep)
        if missing == "raise":
            raise DataError(
                f"{rows.size} values are missing.",
                column=name,
                rows=table.labels[rows],
                code="missing",
                hint='Complete them, or use missing="drop", which counts the rows in the ledger.',
            )
        ledger = ledger.set_aside(f"{name} is missing", table.labels[rows[:10]], rows.size)
        keep = ~gone if keep is None else keep & ~gone
    if keep is not None and not keep.any():
        raise DataError("Every row lacks a date or a key.", code="empty", hint="Check the columns named.")
    return keep, ledger


def _window(
    low: Ints, high: Ints, keep: Bools | None, window: Any, freq: Any, ledger: Ledger
) -> tuple[int, int, Ledger]:
    if window is not None:
        return (*window_days(window), ledger)
    if not isinstance(freq, str) and len(freq) > 1:
        return int(day_number(freq[0])), int(day_number(freq[-1])), ledger
    some: Any = slice(None) if keep is None else keep
    first, end = int(low[some].min()), int(high[some].max())
    note = f"window taken from the dates found: {iso(first)} to {iso(end - 1)}; the true window may be longer"
    return first, end, ledger.note(note)


def _inside(
    low: Ints,
    high: Ints,
    keep: Bools | None,
    first: int,
    end: int,
    date: str,
    outside: str,
    table: Table,
    ledger: Ledger,
) -> tuple[Bools | None, Ledger]:
    """A range of days is outside when no day of it is inside."""
    out = (high <= first) | (low >= end)
    if keep is not None:
        out &= keep
    if not out.any():
        return keep, ledger
    rows = np.flatnonzero(out)
    if outside == "raise":
        raise DataError(
            f"{rows.size} dates lie outside the window {iso(first)} to {iso(end - 1)} (first: {iso(low[rows[0]])}).",
            column=date,
            rows=table.labels[rows],
            code="outside-window",
            hint='Widen the window, or use outside="set aside", which counts the rows in the ledger.',
        )
    why = f"{date} lies outside the window {iso(first)} to {iso(end - 1)}"
    return ~out if keep is None else keep & ~out, ledger.set_aside(why, table.labels[rows[:10]], rows.size)


def period_of(edges: Ints, first: int, end: int) -> Ints:
    """The period of each day of the window, as a table to look days up in."""
    return np.searchsorted(edges, np.arange(first, end), side="right") - 1


def _combinations(keys: Sequence[Column], n: int) -> tuple[Ints | int, tuple[Column, ...]]:
    """Number the combinations of keys that occur, and give each key's value in each of them."""
    if not keys:
        return 0, ()
    parts = [group_codes(key) for key in keys]
    code = parts[0][0]
    for codes, levels in parts[1:]:
        code = code * len(levels) + codes
    every = int(np.prod([len(levels) for _, levels in parts]))
    if every <= max(4 * n, 1 << 20):
        seen = np.flatnonzero(np.bincount(code, minlength=every))
        table = np.zeros(every, dtype=np.int64)
        table[seen] = np.arange(len(seen))
        code = code if len(seen) == every else table[code]
    else:
        seen, code = np.unique(code, return_inverse=True)
    made, rest = [], seen
    for key, (_, levels) in zip(keys[::-1], parts[::-1], strict=True):
        rest, which = np.divmod(rest, len(levels))
        made.append(_key_column(key, which.astype(np.int64), levels))
    return code, tuple(made[::-1])


def _key_column(key: Column, which: Ints, levels: tuple[Any, ...]) -> Column:
    if key.kind == "text":
        return Column(key.name, "text", which, None, levels)
    return Column(key.name, key.kind, np.asarray(levels, dtype=key.values.dtype)[which])


def _times(table: Table, weight: str | None, chosen: Ints) -> Ints | None:
    """How many records each row stands for."""
    if weight is None:
        return None
    column = table.column(weight)
    drop_or_refuse([(weight, column.missing)], table, "raise", Ledger(table.n))
    if column.kind != "number":
        raise DataError(
            f"Weights are numbers; found {column.examples(3)}.", column=weight, code="weight", hint="Convert them."
        )
    check_counts(weight, column.values, table.labels)
    weights = column.values[chosen]
    if not weights.any():
        raise DataError("All weights are zero.", column=weight, code="weight", hint="Check the column of weights.")
    return weights.astype(np.int64)
