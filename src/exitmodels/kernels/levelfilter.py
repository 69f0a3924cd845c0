"""Innovations of a local level: what each observation adds to all before it.

Ground floor. Given the coefficients of covariates the filter is a linear recursion, whose variances are the pivots of a
banded Cholesky factor; the coefficients, of which nothing is known at first, follow by recursive least squares.

Source: De Jong (1991). Called by: models.counts.level_results.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from exitmodels.arrays import Floats
from exitmodels.kernels.locallevel import tridiagonal
from exitmodels.kernels.recursions import bands, solve

__all__ = ["innovations"]

_CHUNK = 2048


def innovations(work: Floats, weight: Floats, design: Floats, step: float) -> tuple[Floats, Floats]:
    """One-step prediction errors and their variances, given only what came before (n,).

    NaN where nothing was observed, and for the first observations, which the level and the coefficients use up.

    Notes
    -----
    The filter that knows the coefficients is a linear recursion, run on the response and on each covariate; the
    coefficients then follow by recursive least squares. Cost: O(n k^3) time, memory in chunks.
    """
    n, k = design.shape
    gain, prior = _forward(weight, step)
    right = (weight[:, None] * np.column_stack([work, design])).T
    held = solve(bands({1: np.append(0.0, gain[:-1])}, n), right)
    seen = weight > 0
    started = np.append(False, np.cumsum(seen)[:-1] > 0)
    use = np.flatnonzero(seen & started)
    before = held[:, use - 1] / prior[use - 1]
    errors = np.column_stack([work, design]).T[:, use] - before
    spread = 1 / weight[use] + 1 / prior[use - 1] + step
    error, variance = np.full(n, np.nan), np.full(n, np.nan)
    error[use], variance[use] = _recursive(errors[0], errors[1:].T, spread) if k else (errors[0], spread)
    return error, variance


def _open(weight: Floats, tight: float) -> Floats:
    """The same precision, with a step still to follow the last time."""
    ab = tridiagonal(weight, tight)[0]
    ab[0, -1] += tight
    return ab


def _forward(weight: Floats, step: float) -> tuple[Floats, Floats]:
    """How much of a time's information reaches the next, and the information itself (n,): the filter's variances."""
    if step == 0:
        return np.ones(len(weight)), np.cumsum(weight)
    tight = 1 / step
    pivots = linalg.cholesky_banded(_open(weight, tight), lower=True)[0] ** 2
    return tight / pivots, np.maximum(pivots - tight, 0.0)


def _recursive(error: Floats, columns: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Recursive least squares: each error given the coefficients that the errors before it determine."""
    m, k = columns.shape
    scale = np.sqrt(np.maximum((columns**2).mean(axis=0), 1e-300))
    columns = columns / scale
    out, variance = np.full(m, np.nan), np.full(m, np.nan)
    gram, moment = np.zeros((k, k)), np.zeros(k)
    for begin in range(0, m, _CHUNK):
        rows = slice(begin, min(begin + _CHUNK, m))
        x, scaled = columns[rows], columns[rows] / spread[rows, None]
        grams = np.cumsum(np.concatenate([gram[None], scaled[:, :, None] * x[:, None, :]]), axis=0)
        moments = np.cumsum(np.concatenate([moment[None], scaled * error[rows, None]]), axis=0)
        gram, moment = grams[-1], moments[-1]
        # A prediction is known when the row asks only for combinations that earlier rows have determined.
        size, axes = np.linalg.eigh(grams[:-1])
        firm = size > 1e-9 * np.maximum(size[:, -1:], 1e-300)
        inside = np.einsum("tij,ti->tj", axes, x)
        lost = np.sum(np.where(firm, 0.0, inside) ** 2, axis=1)
        known = lost <= 1e-16 * np.sum(x**2, axis=1)
        share = np.where(firm, inside / np.where(firm, size, 1.0), 0.0)
        guess = np.einsum("tj,tij,ti->t", share, axes, moments[:-1])
        out[rows] = np.where(known, error[rows] - guess, np.nan)
        variance[rows] = np.where(known, spread[rows] + np.sum(share * inside, axis=1), np.nan)
    return out, variance
