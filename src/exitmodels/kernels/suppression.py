"""Which further cells of a table to hide, so that small ones cannot be found by subtraction.

Ground floor: NumPy and SciPy. A table with margins is a vector of cells with linear equations (each margin is the sum
of its cells). What a reader can infer about a hidden cell is a pair of linear programmes.

Called by: records/small_cells.py.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, sparse

from exitmodels.arrays import AnyArray, Bools, Floats, Ints

__all__ = ["hide_further", "inferred_bounds", "safe_already", "table_equations"]

_MARGIN_COST = 1000.0
_PRUNE = 500


def table_equations(rows: int, columns: int) -> AnyArray:
    """Equations of a table with margins: each row and each column adds to its margin, whose sign is minus.

    Cells are numbered row by row, the margin last in each row and column; with one row the column margins are left out.

    >>> table_equations(1, 2).toarray().tolist()
    [[1.0, 1.0, -1.0]]
    """
    if rows == 1:
        return sparse.csr_array(np.append(np.ones(columns), -1.0)[None, :])
    shape = (rows + 1, columns + 1)
    sums = []
    for axis, n in ((0, rows + 1), (1, columns + 1)):
        for i in range(n):
            one = np.zeros(shape)
            line = one[i] if axis == 0 else one[:, i]
            line[:] = 1.0
            line[-1] = -1.0
            sums.append(one.ravel())
    return sparse.csr_array(np.stack(sums))


def inferred_bounds(value: Floats, hidden: Bools, equations: AnyArray, which: Ints) -> tuple[Floats, Floats]:
    """The least and the largest number that hidden cells can hold, given all that is shown.

    Parameters
    ----------
    value : (n,)
        Counts of all cells, margins included.
    hidden : (n,) bool
    equations : (k, n) sparse
    which : (q,) int
        Hidden cells asked about.

    Returns
    -------
    low, high : (q,); infinite where nothing bounds the cell.
    """
    places = np.flatnonzero(hidden)
    left = equations[:, places]
    used = np.asarray(abs(left).sum(axis=1)).ravel() > 0
    right = -(equations @ np.where(hidden, 0.0, value))
    low, high = np.zeros(len(which)), np.full(len(which), np.inf)
    for q, cell in enumerate(which):
        aim = (places == cell).astype(np.float64)
        for sign, side in ((1.0, low), (-1.0, high)):
            if not used.any():
                continue
            found = optimize.linprog(sign * aim, A_eq=left[used], b_eq=right[used], bounds=(0, None), method="highs")
            side[q] = sign * found.fun if found.status == 0 else -sign * np.inf
    return np.round(low, 7) + 0.0, np.round(high, 7)


def safe_already(value: Floats, hidden: Bools, low: Floats, high: Floats) -> Bools:
    """Cells that four hidden cells at the corners of a rectangle protect, without a linear programme.

    Parameters
    ----------
    value : (r, c)
        Counts inside the table, margins left out.
    hidden : (r, c) bool
    low, high : (r, c)
        Values that must remain possible.

    Notes
    -----
    One more in a cell is one less in a cell of its row and in one of its column, and one more where these cross. A cell
    that is not protected in this way may be so in another.
    """
    safe = hidden.copy()
    for d in np.unique((high - value)[hidden & (high > value)]):
        room = (hidden & (value >= d)).astype(np.float64)
        paths = room @ hidden.T @ room
        same = room * (room.sum(axis=1, keepdims=True) + room.sum(axis=0) - 1)
        safe &= (high - value != d) | (paths - same > 0.5)
    for d in np.unique((value - low)[hidden & (low < value)]):
        room, all_hidden = (hidden & (value >= d)).astype(np.float64), hidden.astype(np.float64)
        paths = all_hidden @ room.T @ all_hidden
        same = all_hidden * (room.sum(axis=1, keepdims=True) + room.sum(axis=0) - room)
        safe &= (value - low != d) | (paths - same > 0.5)
    return safe


def hide_further(
    value: Floats,
    primary: Bools,
    margin: Bools,
    equations: AnyArray,
    low: Floats,
    high: Floats,
    settled: Bools | None = None,
) -> Bools:
    """Choose cells to hide beside the primary ones.

    Parameters
    ----------
    value : (n,)
    primary : (n,) bool
        Cells that must be hidden.
    margin : (n,) bool
        Cells that are hidden only when nothing else helps.
    equations : (k, n) sparse
    low, high : (n,)
        A reader must not be able to exclude `low` or `high` for a primary cell.
    settled : (n,) bool, optional
        Cells known to be safe when the primary cells are hidden (`safe_already`).

    Returns
    -------
    (n,) bool, hidden cells, primary ones included.

    Notes
    -----
    For each primary cell the cheapest other table that agrees with all margins and has the cell at `high` (then at
    `low`) is found; the cells that differ are hidden. Small cells are cheap, hidden ones free. At the end cells that
    turned out to be needless are shown again. The result is safe but not always the smallest possible: that problem is
    NP-hard.
    Cost: two linear programmes for each primary cell. Source: the flow heuristic of Kelly, Golden and Assad (1992).
    """
    hidden = primary.copy()
    cost = (1.0 + np.log1p(value)) * np.where(margin, _MARGIN_COST, 1.0)
    order = np.flatnonzero(primary)[np.argsort(-value[primary], kind="stable")]
    for cell in order if settled is None else order[~settled[order]]:
        for change in (high[cell] - value[cell], low[cell] - value[cell]):
            if change != 0:
                hidden |= _moved(value, hidden, cost, equations, int(cell), float(change))
    return _pruned(value, primary, hidden, cost, equations, low, high)


def _moved(value: Floats, hidden: Bools, cost: Floats, equations: AnyArray, cell: int, change: float) -> Bools:
    """Cells that differ in the cheapest table with this cell changed."""
    price = np.where(hidden, 1e-6, cost)
    ups = np.column_stack([np.zeros(len(value)), np.full(len(value), np.inf)])
    downs = np.column_stack([np.zeros(len(value)), value])
    (ups if change > 0 else downs)[cell] = abs(change)
    (downs if change > 0 else ups)[cell] = 0.0
    found = optimize.linprog(
        np.concatenate([price, price]),
        A_eq=sparse.hstack([equations, -equations]),
        b_eq=np.zeros(equations.shape[0]),
        bounds=np.concatenate([ups, downs]),
        method="highs",
    )
    if found.status != 0:
        return np.ones(len(value), dtype=bool)
    up, down = found.x[: len(value)], found.x[len(value) :]
    return np.asarray(np.abs(up - down) > 1e-7)


def _pruned(
    value: Floats, primary: Bools, hidden: Bools, cost: Floats, equations: AnyArray, low: Floats, high: Floats
) -> Bools:
    """Show cells again, dearest first, while every primary cell stays safe."""
    which, extra = np.flatnonzero(primary), np.flatnonzero(hidden & ~primary)
    if len(which) * len(extra) > _PRUNE:
        return hidden
    for cell in extra[np.argsort(-cost[extra], kind="stable")]:
        less = hidden.copy()
        less[cell] = False
        floor, ceiling = inferred_bounds(value, less, equations, which)
        if np.all(floor <= low[which]) and np.all(ceiling >= high[which]):
            hidden = less
    return hidden
