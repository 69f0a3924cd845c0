"""Centring, scaling, weighted cross products and linear dependence of columns.

Ground floor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from exitmodels.arrays import Floats

__all__ = [
    "Dependency",
    "clearly_independent",
    "cross_product",
    "cross_products",
    "dependencies",
    "inverse_but_one",
    "scaled_rank",
    "standardise",
    "symmetric_inverse",
    "times_vector",
    "without_spread",
]

_ROWS = 1 << 13
_DEPENDENT = 1e-11


def standardise(matrix: Floats, weight: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Centre columns in place, and scale those whose spread is far from one.

    Returns
    -------
    centre, scale : (p,)
        So that the old column was ``centre + scale * new``; scale is 0 for a constant column, and 1 for
        columns of ordinary size, which need no scaling.
    spread : (p,)
        Standard deviation of the new columns.
    """
    n, p = matrix.shape
    if p == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    total = float(n) if weight is None else float(weight.sum())
    ones = np.ones(n) if weight is None else weight
    centre = ones @ matrix / total
    squares = np.zeros(p)
    for start in range(0, n, _ROWS):
        block = matrix[start : start + _ROWS]
        block -= centre
        squares += ones[start : start + _ROWS] @ (block * block)
    spread = np.sqrt(squares / total)
    flat = spread <= 1e-12 * np.abs(centre)
    ordinary = (spread > 1e-2) & (spread < 1e2)
    scale = np.where(flat, 0.0, np.where(ordinary, 1.0, spread))
    if np.any((scale != 1) & (scale != 0)):
        matrix /= np.where(scale > 0, scale, 1.0)
    return centre, scale, np.where(scale > 0, spread / np.where(scale > 0, scale, 1.0), 0.0)


def cross_product(matrix: Floats, weight: Floats) -> Floats:
    """X' diag(w) X, by blocks of rows that stay in cache; nothing of the size of X is made."""
    return cross_products(matrix, weight, None)[0]


def cross_products(matrix: Floats, weight: Floats, vector: Floats | None) -> tuple[Floats, Floats]:
    """X' diag(w) X and X'v in one pass over X.

    Blocks are small enough for BLAS to use one thread: on a busy machine threads that wait for each
    other cost more than they save on products this narrow.
    """
    p = matrix.shape[1]
    square, single = np.zeros((p, p)), np.zeros(p)
    for rows in _blocks(len(matrix), p):
        block = matrix[rows]
        square += block.T @ (block * weight[rows, None])
        if vector is not None:
            single += vector[rows] @ block
    return (square + square.T) / 2, single


def times_vector(matrix: Floats, vector: Floats) -> Floats:
    """X b, by the same blocks."""
    out = np.empty(len(matrix))
    for rows in _blocks(*matrix.shape):
        np.dot(matrix[rows], vector, out=out[rows])
    return out


def _blocks(n: int, p: int) -> Iterator[slice]:
    size = int(np.clip((1 << 18) // max(p * p, 1), 256, _ROWS))
    return (slice(start, start + size) for start in range(0, n, size))


@dataclass(frozen=True)
class Dependency:
    """A column that the columns before it already give."""

    column: int
    on: tuple[int, ...]
    coefficients: tuple[float, ...]


def dependencies(gram: Floats, tolerance: float = _DEPENDENT) -> list[Dependency]:
    """Find columns that are linear combinations of earlier ones.

    Parameters
    ----------
    gram : (p, p)
        Cross products of centred columns.
    tolerance : float
        A column is dependent when less than this share of its variance is left.
    """
    spread = np.sqrt(np.maximum(np.diag(gram), 0.0))
    unit = np.where(spread > 0, spread, 1.0)
    gram = gram / np.outer(unit, unit)
    if clearly_independent(gram, tolerance):
        return []
    kept: list[int] = []
    found: list[Dependency] = []
    for j in range(len(gram)):
        if gram[j, j] <= 0:
            found.append(Dependency(j, (), ()))
            continue
        if not kept:
            kept.append(j)
            continue
        part = gram[np.ix_(kept, kept)]
        slope = np.linalg.solve(part, gram[kept, j])
        left = 1.0 - float(slope @ gram[kept, j]) / float(gram[j, j])
        if left > tolerance:
            kept.append(j)
            continue
        used = [i for i, b in enumerate(slope) if abs(b) > 1e-6]
        coefficients = tuple(float(slope[i] * unit[j] / unit[kept[i]]) for i in used)
        found.append(Dependency(j, tuple(kept[i] for i in used), coefficients))
    return found


def clearly_independent(gram: Floats, tolerance: float = _DEPENDENT) -> bool:
    """Whether a Cholesky factor leaves each column well above the tolerance: the quick answer to `dependencies`."""
    diagonal = np.diag(gram)
    if len(gram) == 0 or not np.all(diagonal > 0):
        return len(gram) == 0
    try:
        factor = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return False
    return bool(np.all(np.diag(factor) ** 2 > 10 * tolerance * diagonal))


def symmetric_inverse(matrix: Floats) -> Floats:
    """Inverse of a symmetric positive definite matrix, scaled to unit diagonal first."""
    if len(matrix) == 0:
        return matrix.copy()
    d = np.sqrt(np.diag(matrix))
    inverse = np.linalg.inv(matrix / np.outer(d, d)) / np.outer(d, d)
    return (inverse + inverse.T) / 2


def without_spread(robust: Floats, model: Floats) -> Floats:
    """Blank (NaN) the rows and columns of a robust covariance that rounding alone keeps from zero.

    A coefficient that the clusters themselves determine (say, the effect of a level that is one whole
    cluster) has scores that sum to zero in each of them: its clustered variance says nothing.
    """
    flat = np.diag(robust) < 1e-12 * np.diag(model)
    out = robust.copy()
    out[flat, :] = out[:, flat] = np.nan
    return out


def scaled_rank(covariance: Floats) -> int:
    """Rank of a covariance, whatever the units of its variables; those without a variance do not count."""
    spread = np.sqrt(np.diag(covariance))
    known = np.flatnonzero(np.isfinite(spread) & (spread > 0))
    part = covariance[np.ix_(known, known)] / np.outer(spread[known], spread[known])
    return int(np.linalg.matrix_rank(part, tol=1e-10)) if len(known) else 0


def inverse_but_one(matrix: Floats, held: int) -> Floats:
    """Inverse of a positive definite matrix without one row and column, which are zero in the answer.

    >>> inverse_but_one(np.array([[2.0, 9.0], [9.0, 5.0]]), 1)
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    keep = np.delete(np.arange(len(matrix)), held)
    out = np.zeros_like(matrix)
    if len(keep):
        part = matrix[np.ix_(keep, keep)]
        scale = 1 / np.sqrt(np.maximum(np.diag(part), 1e-300))
        factor = cho_factor(part * np.outer(scale, scale))
        out[np.ix_(keep, keep)] = cho_solve(factor, np.diag(scale)) * scale[:, None]
    return out
