"""Reasons as a table for models of shares: from counts, from a wide table, from records, or from spells.

Third floor. One row holds either the counts of every reason (cells) or one record with its reason; the columns of the
formula and what groups the rows ride along. The baseline reason comes first.

Called by: composition.py, ordered.py, multiple_response.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes import checks
from exitmodels.shapes.cells import check_counts, check_exposure
from exitmodels.shapes.columns import Columns
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.mentions import RULES, split_labels
from exitmodels.shapes.spells import Spells

__all__ = ["Asked", "ReasonRows", "read_reasons"]

_DOORS = (
    "Give Counts with a key of reasons; a table with reasons=[one column of counts for each]; a table of records with "
    "reason=; or Spells with several causes."
)


@dataclass(frozen=True)
class Asked:
    """What the model was told about the table; see `exitmodels.Composition`."""

    reason: str | None = None
    reasons: tuple[str, ...] = ()
    baseline: str | None = None
    weight: str | None = None
    weights: str = "frequency"
    cluster: str | None = None
    exposure: str | None = None
    offset: Mapping[str, str] = field(default_factory=dict)
    separator: str | None = None
    labels: str | None = None
    missing: str = "raise"


@dataclass(frozen=True, eq=False)
class ReasonRows:
    """The rows of a model of shares.

    Attributes
    ----------
    reasons : tuple of str
    counts : (n, J) float, or (n,) int
        Counts of each reason, or the number of each record's reason.
    columns : Columns
        What a formula may use.
    labels : (n,)
        Row labels, for messages.
    weight : (n,)
    weights : {"frequency", "sampling"}
    cluster : (n,) int or None
    offset : (n, J) or None
    exposure : (n,) or None
    start, end : (n,) datetime64[D] or None
    partial : (n,) bool or None
    """

    reasons: tuple[str, ...]
    counts: AnyArray
    columns: Columns
    labels: AnyArray
    weight: Floats
    ledger: Ledger
    weights: str = "frequency"
    cluster: Ints | None = None
    cluster_name: str = ""
    offset: Floats | None = None
    exposure: Floats | None = None
    start: AnyArray | None = None
    end: AnyArray | None = None
    partial: AnyArray | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def grouped(self) -> bool:
        """Whether rows are cells with counts."""
        return self.counts.ndim == 2

    @property
    def size(self) -> Floats:
        """Records in each row, without weights."""
        return self.counts.sum(axis=1) if self.grouped else np.ones(len(self))

    @property
    def totals(self) -> Floats:
        """Weighted records of each reason, (J,)."""
        if self.grouped:
            return np.asarray(self.weight @ self.counts, dtype=np.float64)
        return np.bincount(self.counts, self.weight, len(self.reasons))

    def table(self) -> Floats:
        """Counts of each reason in each row, (n, J), also for records."""
        if self.grouped:
            return self.counts
        out = np.zeros((len(self), len(self.reasons)))
        out[np.arange(len(self)), self.counts] = 1.0
        return out

    def take(self, rows: Any) -> ReasonRows:
        """Some rows."""
        names = ("counts", "labels", "weight", "cluster", "offset", "exposure", "start", "end", "partial")
        held = {name: getattr(self, name) for name in names}
        taken: dict[str, Any] = {name: None if value is None else value[rows] for name, value in held.items()}
        return replace(self, columns=self.columns.take(rows), **taken)

    def ordered(self, order: Sequence[int]) -> ReasonRows:
        """The same rows with the reasons in another order."""
        order = list(order)
        place = np.argsort(order)
        counts = self.counts[:, order] if self.grouped else place[self.counts]
        offset = None if self.offset is None else self.offset[:, order]
        return replace(self, reasons=tuple(self.reasons[i] for i in order), counts=counts, offset=offset)


def read_reasons(data: Any, asked: Asked, model: str = "Composition") -> ReasonRows:
    """Read reasons from any of the doors and put the baseline first.

    Raises
    ------
    DataError
        If it is not clear which column holds the reasons, fewer than two reasons occur, or a column breaks a rule.
    """
    if isinstance(data, Counts):
        rows = _from_counts(data, asked)
    elif isinstance(data, Spells):
        rows = _from_spells(data, asked, model)
    else:
        table = Table(data)
        rows = _from_wide(table, asked) if asked.reasons else _from_records(table, asked)
    rows = replace(rows, offset=_offsets(rows, asked.offset))
    if len(rows.reasons) < 2:
        raise DataError(
            f"There is one reason only ({', '.join(rows.reasons)}), so its share is 1.",
            code="one-reason",
            hint="Compare its counts with CountRegression.",
        )
    return rows.ordered(_order(rows, asked.baseline))


def _order(rows: ReasonRows, baseline: str | None) -> list[int]:
    if baseline is None:
        first = int(np.argmax(rows.totals))
    elif str(baseline) in rows.reasons:
        first = rows.reasons.index(str(baseline))
    else:
        known = ", ".join(rows.reasons)
        raise DataError(f"baseline={baseline!r} is not a reason.", code="baseline", hint=f"Reasons: {known}.")
    return [first, *(i for i in range(len(rows.reasons)) if i != first)]


# ---- Counts ------------------------------------------------------------------------------------------------------
def _from_counts(counts: Counts, asked: Asked) -> ReasonRows:
    counts.require_whole("A model of shares")
    name = asked.reason
    if name is None and len(counts.keys) == 1:
        name = next(iter(counts.keys))
    if name is None or name not in counts.keys:
        raise DataError(
            f"reason={name!r} is not a key of the counts." if name else "Which key holds the reasons is not said.",
            column=name,
            code="no-key",
            hint=f"Give reason= as one of: {', '.join(counts.keys) or 'none; count the records with by='}.",
        )
    code, levels = group_codes(counts.keys[name])
    others = [c for c in counts.key_columns if c.name != name]
    if counts.dated:
        parts = [counts.start.astype(np.int64), *(c.values for c in others)]
    else:
        parts = [*(c.values for c in others), *(c.values for c in counts.covariate_columns), counts.exposure]
    codes = np.stack([np.unique(part, return_inverse=True)[1].ravel() for part in parts])
    _, first, row = np.unique(codes, axis=1, return_index=True, return_inverse=True)
    row, order = row.ravel(), np.argsort(first, kind="stable")
    place = np.argsort(order)
    first, row = first[order], place[row]
    _refuse_twins(row * len(levels) + code)
    table = np.zeros((len(first), len(levels)))
    table[row, code] = counts.n
    columns = {n: c for n, c in counts.columns.items() if n not in (name, "n")}
    constant = {n: c for n, c in columns.items() if np.array_equal(c.values, c.values[first][row])}
    _refuse_unequal_exposure(constant)
    ledger = counts.ledger
    absent = table.size - len(counts)
    if absent:
        ledger = ledger.note(f"{absent} cells (period and reason) are not in the table and are read as zero")
    dated: dict[str, Any] = {"start": counts.start[first], "end": counts.end[first], "partial": counts.partial[first]}
    rows = ReasonRows(
        tuple(str(level) for level in levels),
        table,
        Columns(made={n: c.take(first) for n, c in constant.items()}),
        np.arange(len(first)),
        np.ones(len(first)),
        ledger,
        exposure=counts.exposure[first],
        **(dated if counts.dated else {}),
    )
    return _with_cluster(rows, asked)


def _refuse_twins(cell: Ints) -> None:
    seen = np.bincount(cell)
    if seen.max() > 1:
        rows = np.flatnonzero(seen[cell] > 1)
        raise DataError(
            f"{rows.size} cells share period, keys and covariates with another cell of the same reason.",
            rows=rows,
            code="same-cell",
            hint="Give start= to Counts.from_table, or a key that tells them apart.",
        )


def _refuse_unequal_exposure(constant: Mapping[str, Column]) -> None:
    if "exposure" not in constant:
        raise DataError(
            "The reasons of one period have different exposures, so their shares are not shares of one total.",
            column="exposure",
            code="shared-exposure",
            hint="Reasons divide the same observed time; for reasons with a population of their own give offset=.",
        )


# ---- tables ------------------------------------------------------------------------------------------------------
def _from_wide(table: Table, asked: Asked) -> ReasonRows:
    found = [table.column(name) for name in asked.reasons]
    for column in found:
        if column.kind not in ("number", "bool"):
            raise DataError(
                f"Counts are numbers; the column holds {column.examples(3)}.", column=column.name, code="not-numeric"
            )
        check_counts(column.name, column.values, table.labels)
    counts = np.column_stack([column.values for column in found]).astype(np.float64)
    exposure = None
    if asked.exposure is not None:
        exposure = table.column(asked.exposure).values.astype(np.float64)
        check_exposure(asked.exposure, counts.sum(axis=1), exposure, table.labels)
    rows = ReasonRows(
        tuple(asked.reasons),
        counts,
        _without(table, asked.reasons),
        table.labels,
        np.ones(table.n),
        Ledger(int(counts.sum())),
        exposure=exposure,
    )
    return _with_cluster(_with_weight(rows, asked), asked)


def _without(table: Table, names: Sequence[str]) -> Columns:
    return Columns(table, names=tuple(name for name in table.names if name not in names))


def _from_records(table: Table, asked: Asked) -> ReasonRows:
    if asked.reason is None:
        raise DataError("Which column holds the reasons is not said.", code="no-reason", hint=_DOORS)
    column = table.column(asked.reason)
    ledger = Ledger(table.n)
    gone = column.missing
    if gone is not None and asked.missing != "drop":
        checks.refuse_gaps(column.name, gone, table.labels, "missing")
    keep = np.flatnonzero(~gone) if gone is not None else None
    rows = ReasonRows(
        (),
        np.zeros(table.n, dtype=np.int64),
        _without(table, [asked.reason]),
        table.labels,
        np.ones(table.n),
        ledger,
    )
    rows = _with_cluster(_with_weight(rows, asked), asked)
    if keep is not None and gone is not None:
        rows, column = rows.take(keep), column.take(keep)
        rows = replace(rows, ledger=ledger.set_aside("reason missing", table.labels[gone]))
    if asked.separator is not None or asked.labels is not None:
        return _split(rows, column, asked)
    code, levels = group_codes(column)
    return replace(rows, counts=code, reasons=tuple(str(level) for level in levels))


def _split(rows: ReasonRows, column: Column, asked: Asked) -> ReasonRows:
    """One row for each label of a record; the labels of a record are a cluster."""
    if asked.labels not in RULES or not asked.separator:
        raise DataError(
            f"labels={asked.labels!r} with separator={asked.separator!r} does not say how a record with two reasons "
            "counts.",
            code="labels",
            hint='Give both: separator=";" and labels="all" (each counts one), "fractional" (1/k each) or "first".',
        )
    gone, make = split_labels(column, asked.separator, asked.labels)
    if gone is not None:
        checks.refuse_gaps(column.name, gone, rows.labels, "without any reason")
    mentions = make(np.arange(len(rows)))
    code, levels = group_codes(mentions.column)
    record = np.arange(len(rows)) if rows.cluster is None else rows.cluster
    out = replace(rows, cluster=record, cluster_name=rows.cluster_name or "record").take(mentions.row)
    note = f"{mentions.several} records name several reasons; counted by the rule {asked.labels!r}"
    return replace(
        out,
        counts=code,
        reasons=tuple(str(level) for level in levels),
        weight=out.weight * mentions.share,
        ledger=rows.ledger.note(note),
    )


# ---- spells ------------------------------------------------------------------------------------------------------
def _from_spells(spells: Spells, asked: Asked, model: str) -> ReasonRows:
    left = np.flatnonzero(spells.event > 0)
    if not len(left):
        raise DataError("No spell ended, so there are no reasons.", code="no-event", hint=_DOORS)
    if asked.weight is not None:
        raise DataError("Spells carry their weights.", column=asked.weight, code="weight", hint="Leave weight= out.")
    part = spells
    if len(left) < len(spells):
        part = spells.select(spells.event > 0, why=f"not left: no reason yet ({model})")
    weight = np.ones(len(part)) if part.weight is None else np.asarray(part.weight, dtype=np.float64)
    rows = ReasonRows(
        tuple(str(cause) for cause in part.causes),
        part.event.astype(np.int64) - 1,
        part.columns,
        part.labels,
        weight,
        part.ledger,
        part.weights,
        part.cluster,
        "cluster" if part.cluster is not None else "",
    )
    seen = np.flatnonzero(rows.totals > 0)
    table = np.cumsum(rows.totals > 0) - 1
    rows = replace(rows, reasons=tuple(rows.reasons[i] for i in seen), counts=table[rows.counts])
    return _with_cluster(rows, asked)


# ---- what rides along --------------------------------------------------------------------------------------------
def _with_weight(rows: ReasonRows, asked: Asked) -> ReasonRows:
    if asked.weight is None:
        return rows
    column = rows.columns.want(asked.weight)
    if column.kind != "number":
        raise DataError(f"Weights are numbers, not {column.examples(2)}.", column=column.name, code="not-numeric")
    weight = column.values.astype(np.float64)
    checks.check_weights(weight, asked.weights, rows.labels, asked.weight)
    return replace(rows, weight=weight, weights=asked.weights)


def _with_cluster(rows: ReasonRows, asked: Asked) -> ReasonRows:
    if asked.cluster is None:
        return rows
    column = rows.columns.want(asked.cluster)
    checks.refuse_gaps(column.name, column.missing, rows.labels, "missing")
    code = np.unique(group_codes(column)[0], return_inverse=True)[1].astype(np.int64)
    return replace(rows, cluster=code, cluster_name=asked.cluster)


def _offsets(rows: ReasonRows, offset: Mapping[str, str]) -> Floats | None:
    if not offset:
        return rows.offset
    unknown = [reason for reason in offset if reason not in rows.reasons]
    if unknown:
        raise DataError(
            f"offset= names {unknown[0]!r}, which is not a reason.",
            code="offset",
            hint=f"Reasons: {', '.join(rows.reasons)}. Reasons that are left out have offset zero.",
        )
    out = np.zeros((len(rows), len(rows.reasons)))
    for reason, name in offset.items():
        column = rows.columns.want(name)
        checks.refuse_gaps(name, checks.not_finite(column.values), rows.labels)
        out[:, rows.reasons.index(reason)] = column.values
    return out
