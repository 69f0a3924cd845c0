"""Those who left for another cause and still count: the wider risk set of Fine and Gray.

Ground floor. A row that left for a competing cause at T stays in the risk set of every later event
time t of its stratum, with the falling weight W(t-) / W(T-). The two operators of risksets.py grow by
one forward and one backward running sum; nothing of size rows x times is formed.

Called by: partial.py. Made by: subweights.py, which knows where the weights come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.kernels.grouped import group_sum

__all__ = ["Beyond", "LaterSums", "Layer", "beyond_lived", "beyond_sum", "layer_steps", "running_sum"]

_SMALL = 1 << 15


@dataclass(frozen=True, eq=False)
class Layer:
    """Rows that count on after a competing exit; at most one weight curve for each stratum.

    Attributes
    ----------
    rows : (m,) int
        Ascending.
    start, stop : (m,) int
        The row counts at grid points ``start .. stop - 1``: the event times after its exit.
    factor : (m,)
        1 / W(T-), the weight curve just before the row's own exit.
    keep : (k,)
        W(t-) at each event time, of the curve that this layer has in the stratum.
    """

    rows: Ints
    start: Ints
    stop: Ints
    factor: Floats
    keep: Floats

    def steps(self, n_rows: int) -> tuple[Ints, Ints]:
        """Pointers and grid points of the sparse matrix that adds each row at its start."""
        member = np.zeros(n_rows, dtype=np.int32)
        member[self.rows] = 1
        return np.concatenate([[0], np.cumsum(member)]).astype(np.int32), self.start.astype(np.int32)


@dataclass(frozen=True, eq=False)
class Beyond:
    """All layers: one for each set of rows whose weights fall together within a stratum.

    Attributes
    ----------
    layers : tuple of Layer
    bounds : (s + 1,) int
        As in `risksets.RiskIndex`.
    n_rows : int
    """

    layers: tuple[Layer, ...]
    bounds: Ints
    n_rows: int

    @cached_property
    def pointers(self) -> tuple[tuple[Ints, Ints], ...]:
        """`Layer.steps` of each layer."""
        return tuple(layer.steps(self.n_rows) for layer in self.layers)

    def take(self, rows: AnyArray | slice, kept: AnyArray) -> Beyond:
        """Keep some rows (positions or a slice) and the grid points where `kept` is true; the weights stay."""
        upto = np.concatenate([[0], np.cumsum(kept)])
        chosen = np.arange(self.n_rows)[rows]
        place = np.full(self.n_rows, -1)
        place[chosen] = np.arange(len(chosen))
        layers = []
        for layer in self.layers:
            here = place[layer.rows]
            use = np.flatnonzero((here >= 0) & (upto[layer.start] < upto[layer.stop]))
            use = use[np.argsort(here[use], kind="stable")]
            start, stop = upto[layer.start[use]], upto[layer.stop[use]]
            layers.append(Layer(here[use], start, stop, layer.factor[use], layer.keep[kept]))
        return Beyond(tuple(layers), upto[self.bounds], len(chosen))


def running_sum(steps: Floats, bounds: Ints) -> Floats:
    """Cumulative sum that begins anew in each stratum, (k,) or (k, p)."""
    total: Floats = np.cumsum(steps, axis=0)
    if len(bounds) > 2 and len(total):
        first = bounds[:-1]
        base = total[np.maximum(first - 1, 0)] * (first > 0).reshape(-1, *[1] * (total.ndim - 1))
        total -= np.repeat(base, np.diff(bounds), axis=0)
    return total


def beyond_sum(beyond: Beyond, values: AnyArray, scale: Floats | None = None) -> Floats:
    """Sum over those who count beyond their exit, at each event time.

    Parameters
    ----------
    values : (n,) or (n, p)
    scale : (n,), optional
        A factor for each row, applied without forming the product.

    Returns
    -------
    (k,) or (k, p)

    Notes
    -----
    Cost: O(m p + k p) for m competing exits. Source: Fine & Gray (1999), section 3.2, the weights w_i(t).
    """
    total: Floats = np.zeros((int(beyond.bounds[-1]), *values.shape[1:]))
    for i, layer in enumerate(beyond.layers):
        added = running_sum(layer_steps(beyond, i, values, scale), beyond.bounds)
        added *= layer.keep.reshape(-1, *[1] * (values.ndim - 1))
        total += added
    return total


def layer_steps(beyond: Beyond, i: int, values: AnyArray, scale: Floats | None = None) -> Floats:
    """Sum of factor * scale * value over the rows of one layer that begin to count at each grid point."""
    layer, k = beyond.layers[i], int(beyond.bounds[-1])
    weight = layer.factor if scale is None else layer.factor * scale[layer.rows]
    if values.ndim == 1:
        return np.bincount(layer.start, weight * values[layer.rows], k)
    if values.size <= _SMALL:
        return group_sum(values[layer.rows] * weight[:, None], layer.start, k)
    pointers, points = beyond.pointers[i]
    return np.asarray(sparse.csc_array((weight, points, pointers), shape=(k, beyond.n_rows)) @ values)


def beyond_lived(beyond: Beyond, steps: Floats, out: Floats) -> Floats:
    """Add to `out` the weighted sum of `steps` over the event times each row lives through beyond its exit.

    Parameters
    ----------
    steps : (k,) or (k, p)
    out : (n,) or (n, p)
        Changed in place and returned.
    """
    for layer in beyond.layers:
        shape = (-1, *[1] * (steps.ndim - 1))
        total = np.zeros((len(steps) + 1, *steps.shape[1:]))
        np.cumsum(layer.keep.reshape(shape) * steps, axis=0, out=total[1:])
        lived = np.take(total, layer.stop, axis=0) - np.take(total, layer.start, axis=0)
        out[layer.rows] += layer.factor.reshape(shape) * lived
    return out


class LaterSums:
    """Sums of steps over the later event times of a row, ready to be read by blocks of rows.

    Parameters
    ----------
    beyond : Beyond
    steps : (k, p)
    """

    def __init__(self, beyond: Beyond, steps: Floats) -> None:
        self.beyond = beyond
        self.totals = []
        for layer in beyond.layers:
            total = np.zeros((len(steps) + 1, steps.shape[1]))
            np.cumsum(layer.keep[:, None] * steps, axis=0, out=total[1:])
            self.totals.append(total)

    def add_to(self, block: Floats, first: int, risk: Floats) -> None:
        """Add risk times the weighted sum to the rows ``first, first + 1, ...`` of a block, in place."""
        for layer, total in zip(self.beyond.layers, self.totals, strict=True):
            low, high = np.searchsorted(layer.rows, [first, first + len(block)])
            rows, own = layer.rows[low:high], slice(low, high)
            lived = total[layer.stop[own]] - total[layer.start[own]]
            block[rows - first] += lived * (risk[rows] * layer.factor[own])[:, None]
