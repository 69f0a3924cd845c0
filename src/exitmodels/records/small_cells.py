"""Tables for print in which no small count can be read or worked out.

Third floor, in the room of records. Read next: kernels/suppression.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.suppression import hide_further, inferred_bounds, safe_already, table_equations
from exitmodels.render.text import Block, Summary
from exitmodels.results.tabled import Tabled

__all__ = ["SmallCells", "suppress_small"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SmallCells(Tabled):
    """A table of counts with small cells hidden. The hidden counts are not kept.

    Attributes
    ----------
    shown : (r, c) float
        Counts, margins last; NaN where hidden.
    why : (r, c) int
        0 shown, 1 hidden because small, 2 hidden so that others cannot be worked out.
    low, high : (r, c)
        What can be inferred about each cell from all that is shown.
    rows, columns : tuple of str
        Labels, margins included.
    below : int
    name : str
        Heading of the first column.
    """

    shown: Floats
    why: Ints
    low: Floats
    high: Floats
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    below: int
    name: str
    method: str = "Counts with small cells hidden"
    sources: tuple[str, ...] = ("kelly_golden_assad1992",)

    @property
    def n_primary(self) -> int:
        """Cells hidden because they are small."""
        return int((self.why == 1).sum())

    @property
    def n_secondary(self) -> int:
        """Cells hidden so that others cannot be worked out."""
        return int((self.why == 2).sum())

    def to_frame(self, marker: str = "*") -> Any:
        """The table as a DataFrame, hidden cells as `marker`."""
        import pandas as pd

        cells = [[marker if np.isnan(x) else int(x) for x in row] for row in self.shown]
        return pd.DataFrame(cells, index=pd.Index(self.rows, name=self.name), columns=list(self.columns), dtype=object)

    def bounds(self) -> Any:
        """What can be inferred of each hidden cell, as a DataFrame: row, column, low, high. Not for print."""
        import pandas as pd

        held = [
            (self.rows[i], self.columns[j], self.low[i, j], self.high[i, j])
            for i, j in zip(*np.nonzero(self.why), strict=True)
        ]
        return pd.DataFrame(held, columns=["row", "column", "low", "high"])

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        columns, rows = self._table(alpha)
        facts = (
            ("cells", self.why.size),
            ("hidden, small", self.n_primary),
            ("hidden with them", self.n_secondary),
        )
        return Summary(self.method, facts, (Block(tuple(columns), tuple(tuple(r) for r in rows)),), (self._note(),))

    def _table(self, alpha: float) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        frame = self.to_frame()
        return (self.name, *self.columns), [(label, *frame.loc[label]) for label in self.rows]

    def _note(self) -> str:
        return f"Hidden (*): counts under {self.below}, and others from which they could be worked out."


def suppress_small(
    table: Any, below: int = 5, *, margins: bool = True, zeros: bool = False, total: str = "total"
) -> SmallCells:
    """Hide small counts, and what would give them away.

    Parameters
    ----------
    table : DataFrame or Series of counts
        One or two ways, without margins.
    below : int
        Counts from 1 to ``below - 1`` are hidden; margins too.
    margins : bool
        Whether sums are printed beside the table. They make subtraction possible, so more cells are hidden with them.
    zeros : bool
        Whether zeros are small. An empty cell says of everyone in its row and column that they are not in it.
    total : str
        Label of the margins.

    Returns
    -------
    SmallCells

    Raises
    ------
    DataError
        For counts that are negative, missing or not whole, or margins among the labels.

    Notes
    -----
    From what is shown a reader cannot exclude, for any cell hidden because it is small, that it holds 1 (0 with
    `zeros`), nor that it holds `below`. This is checked by linear programming on the whole table. It does not hold for
    two tables of the same records printed side by side (by reason, and by reason and unit, say), nor for a table
    printed again after a few records were added: hide in the finest table and print sums of it.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.DataFrame({"north": [20, 3, 9], "south": [14, 8, 12]}, index=["visit", "trade", "study"])
    >>> print(suppress_small(counts).to_frame().to_string())
           north south total
    visit     20    14    34
    ...
    """
    counts, rows, columns, name = _counts(table, below, total)
    ways = 1 if len(columns) == 0 else 2
    inside = counts.reshape(1, -1) if ways == 1 else counts
    r, c = inside.shape
    if margins:
        inside = np.column_stack([inside, inside.sum(axis=1)])
        inside = inside if r == 1 else np.vstack([inside, inside.sum(axis=0)])
        equations = table_equations(r, c)
    else:
        equations = None
    value = inside.ravel().astype(np.float64)
    small = (value < below) & ((value > 0) | zeros)
    margin = np.zeros(inside.shape, dtype=bool)
    if margins:
        margin[:, -1] = True
        if r > 1:
            margin[-1] = True
    hidden, low, high = small, np.zeros(len(value)), np.full(len(value), np.inf)
    if equations is not None and small.any():
        floor = np.minimum(value, 0.0 if zeros else 1.0)
        ceiling = np.full(len(value), float(below))
        settled = np.zeros(inside.shape, dtype=bool)
        if r > 1:
            part = np.s_[:r, :c]
            grids = (v.reshape(inside.shape)[part] for v in (value, small, floor, ceiling))
            settled[part] = safe_already(*grids)
        hidden = hide_further(value, small, margin.ravel(), equations, floor, ceiling, settled.ravel())
        places = np.flatnonzero(hidden)
        low[places], high[places] = inferred_bounds(value, hidden, equations, places)
    low, high = np.where(hidden, low, value), np.where(hidden, high, value)
    shape = inside.shape if ways == 2 else (inside.size, 1)
    why = np.where(small, 1, np.where(hidden, 2, 0))
    extra = (total,) if margins else ()
    return SmallCells(
        shown=np.where(hidden, np.nan, value).reshape(shape),
        why=why.reshape(shape),
        low=low.reshape(shape),
        high=high.reshape(shape),
        rows=(*rows, *(extra if ways == 1 or r > 1 else ())),
        columns=(*columns, *extra) if ways == 2 else ("n",),
        below=below,
        name=name,
    )


def _counts(table: Any, below: int, total: str) -> tuple[Floats, tuple[str, ...], tuple[str, ...], str]:
    import pandas as pd

    if below < 2:
        raise DataError(
            f"below={below!r} hides nothing.", column="below", code="choice", hint="Give 2 or more; 5 is usual."
        )
    if not isinstance(table, (pd.DataFrame, pd.Series)) or not table.size:
        raise DataError("Counts come as a DataFrame or Series.", code="frame", hint="Try frame.groupby(...).size().")
    try:
        counts = table.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as problem:
        raise DataError(
            "The table holds something else than counts.", code="counts", hint="Keep counts only."
        ) from problem
    bad = ~(np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts)))
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} cells are negative, missing or not whole.",
            rows=table.index[bad if bad.ndim == 1 else bad.any(axis=1)],
            code="counts",
            hint="Give whole counts; an empty cell is a zero.",
        )
    rows = tuple(str(label) for label in table.index)
    columns = tuple(str(label) for label in table.columns) if isinstance(table, pd.DataFrame) else ()
    if total in rows or total in columns or len(set(rows)) < len(rows) or len(set(columns)) < len(columns):
        raise DataError(
            f"The labels hold {total!r} or repeat themselves.",
            code="labels",
            hint="Give the table without margins; they are added.",
        )
    return counts, rows, columns, str(table.index.name or "")
