"""Covariates kept as columns, read only when a formula or a group asks for them.

First floor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray
from exitmodels.errors import DataError
from exitmodels.shapes.frames import Column, Table

__all__ = ["Columns", "rows_of"]


class Columns(Mapping[str, Column]):
    """Named columns of equal length.

    Parameters
    ----------
    table : Table or None
        Where unread columns come from.
    rows : (n,) int, optional
        Which rows of the table are used, in order.
    made : mapping of str to Column
        Columns that are already read; they come before those of the table.
    names : tuple of str, optional
        The columns of the table that may be asked for.
    """

    def __init__(
        self,
        table: Table | None = None,
        rows: AnyArray | None = None,
        made: Mapping[str, Column] | None = None,
        names: tuple[str, ...] | None = None,
    ) -> None:
        self._table = table
        self._rows = rows
        self._made = dict(made or {})
        own = names if names is not None else (table.names if table is not None else ())
        self._names = tuple(dict.fromkeys([*self._made, *own]))

    def __getitem__(self, name: str) -> Column:
        if name in self._made:
            return self._made[name]
        if self._table is None or name not in self._names:
            raise KeyError(name)
        column = self._table.column(name)
        self._made[name] = column if self._rows is None else column.take(self._rows)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def take(self, rows: AnyArray) -> Columns:
        """Return the same columns for these rows (positions)."""
        made = {name: column.take(rows) for name, column in self._made.items()}
        unread = None if self._table is None else (rows if self._rows is None else self._rows[rows])
        return Columns(self._table, unread, made, self._names)

    def with_column(self, column: Column) -> Columns:
        """Return these columns and one more (which replaces one of the same name)."""
        return Columns(self._table, self._rows, {**self._made, column.name: column}, self._names)

    def want(self, name: str) -> Column:
        """Return a column, or an error that lists what there is."""
        if name not in self._names:
            raise DataError(
                f"There is no column {name!r}.",
                column=name,
                code="no-column",
                hint=f"Columns: {', '.join(self._names) or 'none'}.",
            )
        return self[name]


def rows_of(frame: Any) -> tuple[Columns, int, AnyArray]:
    """Read the rows at which a model is asked to predict: columns, number of rows, row labels."""
    if isinstance(frame, Mapping) and not hasattr(frame, "columns"):
        sizes = {len(v) for v in frame.values() if hasattr(v, "__len__") and not isinstance(v, str)}
        n = sizes.pop() if sizes else 1
        frame = {k: v if hasattr(v, "__len__") and not isinstance(v, str) else [v] * n for k, v in frame.items()}
    table = Table(frame)
    return Columns(table), table.n, np.asarray(table.labels)
