"""Bootstrap of product-limit quantiles: draw numbers of rows, not rows.

Ground floor. Rows are sorted into (time, kind) cells once; a sample is a vector
of counts over cells, and many samples are one matrix with running sums along it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.kernels.grouped import ranks

__all__ = ["Cells", "bootstrap_quantile", "compress"]

_BLOCK = 1 << 17
_FLAT = 1e-8


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows as counts.

    Attributes
    ----------
    time : (m,)
        Time of each cell, ascending; at one time the exits come before the censorings.
    is_event : (m,) bool
    of_row : (n,) int
        Cell of each unit that is drawn on its own, in cell order.
    late : (n,) int or None
        For delayed entry: the first cell at which each unit of `of_row` is at risk.
    shares : sparse (units, 2 m) or None
        When units are clusters or carry sampling weights: what each unit adds to exits (first m columns)
        and to entries (last m).
    """

    time: Floats
    is_event: Bools
    of_row: Ints
    late: Ints | None
    shares: sparse.csr_array | None


def compress(
    exit: AnyArray,
    event: Bools,
    entry: AnyArray | None,
    weight: Floats | None,
    replicas: bool,
    cluster: Ints | None,
) -> Cells:
    """Sort rows into cells.

    Parameters
    ----------
    weight : (n,), optional
    replicas : bool
        Whether weights count separate people, who are then drawn one by one.
    cluster : (n,) int, optional
        Drawn whole.
    """
    levels, codes = ranks(exit) if entry is None else ranks(exit, entry)
    keys, cell = np.unique(2 * codes[0] + ~event, return_inverse=True)
    late = None if entry is None else np.searchsorted(keys, 2 * codes[1] + 1, side="right")
    time, is_event = levels[keys // 2], keys % 2 == 0
    if cluster is None and (weight is None or replicas):
        times = np.ones(len(exit), np.int64) if weight is None else weight.astype(np.int64)
        order = np.repeat(np.argsort(cell, kind="stable"), times[np.argsort(cell, kind="stable")])
        return Cells(time, is_event, cell[order], None if late is None else late[order], None)
    unit = np.arange(len(exit)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    w = np.ones(len(exit)) if weight is None else weight
    m = len(keys)
    places = [cell] if late is None else [cell, m + np.minimum(late, m)]
    shape = (int(unit.max()) + 1, 2 * m + 1)
    data = np.tile(w, len(places))
    shares = sparse.csr_array((data, (np.tile(unit, len(places)), np.concatenate(places))), shape=shape)
    return Cells(time, is_event, cell, late, shares)


def bootstrap_quantile(cells: Cells, p: float, n_samples: int, rng: np.random.Generator) -> Floats:
    """Time by which a share p has left, in each bootstrap sample; NaN where it is not reached.

    Notes
    -----
    Cost: O(n_samples (n + m)), in blocks that stay in cache. On a flat piece at the level the middle
    is taken, as `steps.crossing` does.
    """
    m = len(cells.time)
    block = max(1, _BLOCK // max(m, len(cells.of_row)))
    reach = _reach(cells, 1.0 - p)
    out = np.empty(n_samples)
    for start in range(0, n_samples, block):
        b = min(block, n_samples - start)
        leaving, entering, size = _draw(cells, b, m, rng)
        out[start : start + b] = _read(cells, leaving, entering, size, 1.0 - p, reach)
    return out


def _draw(cells: Cells, b: int, m: int, rng: np.random.Generator) -> tuple[AnyArray, AnyArray | None, AnyArray]:
    """Counts in each cell (b, m), late entries (b, m) if any, and the size of each sample."""
    if cells.shares is not None:
        units = cells.shares.shape[0]
        chosen = rng.integers(0, units, size=(b, units)) + np.arange(b)[:, None] * units
        numbers = np.bincount(chosen.ravel(), minlength=b * units).reshape(b, units)
        drawn = np.asarray((cells.shares.T @ numbers.T).T, dtype=float)
        entering = drawn[:, m : 2 * m] if cells.late is not None else None
        return drawn[:, :m], entering, drawn[:, :m].sum(axis=1, keepdims=True)
    n = len(cells.of_row)
    draw = rng.integers(0, n, size=(b, n), dtype=np.int64)
    base = np.arange(b)[:, None]
    key = (draw if m == n else cells.of_row[draw]) + base * m
    leaving = np.bincount(key.ravel(), minlength=b * m).reshape(b, m)
    if cells.late is None:
        return leaving, None, np.full((b, 1), n)
    entry_key = np.minimum(cells.late[draw], m) + base * (m + 1)
    entering = np.bincount(entry_key.ravel(), minlength=b * (m + 1)).reshape(b, m + 1)[:, :m]
    return leaving, entering, np.full((b, 1), n)


def _read(
    cells: Cells, leaving: AnyArray, entering: AnyArray | None, size: AnyArray, level: float, reach: int
) -> Floats:
    """Run the product limit along each row up to cell `reach` and find where it crosses the level."""
    some = leaving[:, :reach]
    gone = np.cumsum(some, axis=1)
    gone -= some
    at_risk = np.subtract(size, gone, dtype=np.float64)
    if entering is not None:
        late = np.cumsum(entering, axis=1)
        at_risk -= (late[:, -1:] - late)[:, :reach]
    np.maximum(at_risk, 1e-300, out=at_risk)
    steps = np.multiply(some, cells.is_event[:reach], dtype=np.float64)
    steps /= at_risk
    np.subtract(1.0, steps, out=steps)
    survival = np.cumprod(steps, axis=1, out=steps)
    hit = survival <= level - _FLAT
    beyond = hit.argmax(axis=1)
    rows = np.arange(len(hit))
    crossed = hit[rows, beyond]
    if reach < leaving.shape[1] and not crossed.all():
        return _read(cells, leaving, entering, size, level, leaving.shape[1])
    time = np.where(crossed, cells.time[beyond], np.nan)
    for row in np.flatnonzero((np.abs(survival - level) <= _FLAT).any(axis=1)):
        flat = cells.time[int(np.argmax(survival[row] <= level + _FLAT))]
        time[row] = (flat + time[row]) / 2 if crossed[row] else flat
    return time


def _reach(cells: Cells, level: float) -> int:
    """Cells that the quantile of a sample can hardly pass: the curve of the data down to level - 4 / sqrt(n)."""
    if cells.shares is not None or cells.late is not None:
        return len(cells.time)
    counts = np.bincount(cells.of_row, minlength=len(cells.time))
    at_risk = np.cumsum(counts[::-1])[::-1]
    survival = np.cumprod(1.0 - cells.is_event * counts / at_risk)
    low = level - 4.0 / np.sqrt(len(cells.of_row))
    return min(int(np.searchsorted(-survival, -low)) + 1, len(survival))
