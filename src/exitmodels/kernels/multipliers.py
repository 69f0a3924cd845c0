"""Random paths with the law of a curve's error: each row's influence times a normal draw, added up.

Ground floor: NumPy and SciPy. A path is a running sum over event times, so a draw costs one pass over the rows (or
over the distinct kinds of row) and nothing of size rows x times is formed.

Called by: models.nonparametric (bands of incidences, and of any curve under clusters).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from exitmodels.arrays import Bools, Floats
from exitmodels.kernels.jackknife import Form, Rows
from exitmodels.kernels.risksets import RiskIndex, at_risk_sum

__all__ = ["suprema"]

_BLOCK = 1 << 21


def suprema(rows: Rows, form: Form, scale: Floats, use: Bools, n_draws: int, rng: np.random.Generator) -> Floats:
    """Largest absolute value of each random path, divided by `scale`, over the chosen grid times.

    Parameters
    ----------
    rows : Rows
    form : Form
        Influence of a row on the curve, as in jackknife.py.
    scale : (k,)
        What the path is divided by at each grid time, such as the standard error; used where positive.
    use : (k,) bool
        Grid times that count.
    n_draws : int
    rng : numpy Generator

    Returns
    -------
    (n_draws,)

    Notes
    -----
    The draw of a row is shared by its cluster. Without clusters rows of one kind (same times, same event) are one
    row whose factor is the root of the sum of squares, since a sum of independent normals is normal; whole-day data
    have few kinds. Source: Lin (1997); Lin, Wei & Ying (1993).
    """
    kinds, jumps = (rows, form.jumps) if rows.cluster is not None else _kinds(rows, form.jumps)
    index, cluster = kinds.index, rows.cluster
    n, k = len(kinds.factor), index.n_times
    owners = n if cluster is None else int(cluster.max()) + 1
    adders = [_adder(index, kinds.factor * jumps[:, q]) for q in range(jumps.shape[1])]
    seen = np.flatnonzero(use & (scale > 0))
    out = np.zeros(n_draws)
    size = max(1, _BLOCK // max(n, k))
    for start in range(0, n_draws, size):
        normal = rng.standard_normal((owners, min(size, n_draws - start)))
        own = normal if cluster is None else normal[cluster]
        present = at_risk_sum(index, own, kinds.factor)
        path = np.zeros((k, own.shape[1]))
        for q, adder in enumerate(adders):
            path += form.readout[:, q, None] * np.cumsum(adder @ own - form.rates[:, q, None] * present, axis=0)
        if len(seen):
            out[start : start + size] = np.max(np.abs(path[seen]) / scale[seen, None], axis=0)
    return out


def _adder(index: RiskIndex, values: Floats) -> sparse.csr_array:
    """Matrix (k, n) that adds up what each row's own event contributes at its time."""
    rows = index.event_rows
    return sparse.csr_array((values[rows], (index.moment[rows], rows)), shape=(index.n_times, len(values)))


def _kinds(rows: Rows, jumps: Floats) -> tuple[Rows, Floats]:
    """One row for each kind, with its jumps."""
    i, k = rows.index, rows.index.n_times + 1
    key = (i.enters * k + i.leaves) * (int(rows.event.max()) + 1) + rows.event
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    index = RiskIndex(i.times, i.bounds, i.enters[first], i.leaves[first], i.moment[first], i.delayed)
    factor = np.sqrt(np.bincount(kind, rows.factor**2, len(first)))
    return Rows(index, rows.event[first], rows.weight[first], factor, None), jumps[first]
