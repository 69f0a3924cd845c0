"""How much a linear predictor explains: normal scores of its ranks, and the concordance it implies.

Ground floor: NumPy and SciPy only. Called by: models.hazards.explained.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats, Ints

__all__ = ["gonen_heller", "normal_scores", "same_values"]

_SAME = 1e-12
_NODES = 16
_WIDTH = 1.0
_ROWS = 1 << 14
_EXACT = 1 << 24


def same_values(values: Floats) -> tuple[Ints, Ints]:
    """Order of the values, and in that order the number of each distinct one (rounding errors are no difference)."""
    order = np.argsort(values, kind="stable")
    apart = np.diff(values[order]) > _SAME * max(float(np.max(np.abs(values), initial=0.0)), 1e-300)
    return order, np.concatenate([[0], np.cumsum(apart)])


def normal_scores(values: Floats, weight: Floats, copies: bool, average: bool = True) -> Floats:
    """Blom's expected normal order statistics of the ranks of `values`.

    Parameters
    ----------
    copies : bool
        Whether a weight counts people: weight 3 then takes three ranks. Otherwise a row takes the share of the
        line that its weight gives it.
    average : bool
        Equal values get the mean of the scores of their ranks; otherwise the score of their mean rank.

    Notes
    -----
    Phi^-1((rank - 3/8) / (n + 1/4)). Source: Royston & Sauerbrei (2004), section 2.
    """
    order, group = same_values(values)
    w = weight[order]
    n = float(w.sum()) if copies else float(len(w))
    upto = np.cumsum(w if copies else w * (n / w.sum()))
    last = np.flatnonzero(np.concatenate([group[1:] != group[:-1], [True]]))
    ends = np.concatenate([[0.0], upto[last]])
    if not average:
        mean = ndtri(((ends[:-1] + ends[1:] + 1.0) / 2 - 0.375) / (n + 0.25))
    elif copies and n <= _EXACT:
        total = np.concatenate([[0.0], np.cumsum(ndtri((np.arange(1.0, n + 1.0) - 0.375) / (n + 0.25)))])
        mean = np.diff(total[np.rint(ends).astype(np.int64)]) / np.diff(ends)
    else:
        edges = np.clip((ends + 0.125) / (n + 0.25), 0.0, 1.0)
        density = np.exp(-0.5 * np.square(ndtri(edges))) / np.sqrt(2 * np.pi)
        mean = -np.diff(density) / np.diff(edges)
    out = np.empty(len(values))
    out[order] = mean[group]
    return out


def gonen_heller(line: Floats, weight: Floats, copies: bool) -> float:
    """Concordance that a proportional hazards model implies: mean over pairs of 1 / (1 + exp(-|difference|)).

    Notes
    -----
    Not by pairs: the values are cut into pieces of length 1; in each, tanh is a polynomial of degree 15 to the
    last digit, so that sums over pairs are running sums of a few columns. Cost: O(n).
    Source: Gonen & Heller (2005), eq. 3 (without smoothing).
    """
    order = np.argsort(line, kind="stable")
    x, w = line[order], weight[order]
    total = float(w.sum())
    pairs = (total**2 - float(w.sum() if copies else w @ w)) / 2
    panel = np.floor((x - x[0]) / _WIDTH).astype(np.int64)
    begins = np.flatnonzero(np.concatenate([[True], panel[1:] != panel[:-1]]))
    ends = np.append(begins[1:], len(x))
    nodes = 0.5 + 0.5 * np.cos((2 * np.arange(_NODES) + 1) * np.pi / (2 * _NODES))
    places, masses, sums = np.empty((len(begins), _NODES)), np.empty((len(begins), _NODES)), 0.0
    for p, (i, j) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        places[p] = x[0] + _WIDTH * (panel[i] + nodes)
        masses[p], own = _inside(x[i:j], w[i:j], places[p])
        sums += own
    for p in range(len(begins) - 1):
        bridge = np.tanh((places[p + 1 :, :, None] - places[p]) / 2)
        sums += float(np.einsum("bk,bkl,l->", masses[p + 1 :], bridge, masses[p]))
    return 0.5 + sums / (2 * pairs)


def _inside(x: Floats, w: Floats, places: Floats) -> tuple[Floats, float]:
    """Weights carried to the nodes, and the sum over ordered pairs of w w tanh(difference / 2), in one piece."""
    carried, sums = np.zeros(len(places)), 0.0
    for start in range(0, len(x), _ROWS):
        some = slice(start, start + _ROWS)
        shares = w[some, None] * _lagrange(x[some], places)
        before = carried + np.cumsum(shares, axis=0) - shares
        sums += float(w[some] @ np.einsum("ik,ik->i", before, np.tanh((x[some, None] - places) / 2)))
        carried = carried + shares.sum(axis=0)
    return carried, sums


def _lagrange(x: Floats, places: Floats) -> Floats:
    """Value at x of each polynomial that is 1 at one node and 0 at the others, (n, q)."""
    gap = x[:, None] - places
    angle = (2 * np.arange(len(places)) + 1) * np.pi / (2 * len(places))
    bary = (-1.0) ** np.arange(len(places)) * np.sin(angle)
    hit = gap == 0
    terms = bary / np.where(hit, 1.0, gap)
    share = terms / terms.sum(axis=1, keepdims=True)
    return np.where(hit.any(axis=1)[:, None], hit.astype(float), share)
