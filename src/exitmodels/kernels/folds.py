"""Folds for cross-validation: whole clusters, or rows dealt out so that exits are shared evenly.

Ground floor.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Bools, Ints

__all__ = ["deal_folds"]


def deal_folds(n_folds: int, event: Bools, cluster: Ints | None, rng: np.random.Generator) -> Ints:
    """Fold of each row, 0 .. n_folds - 1.

    Parameters
    ----------
    event : (n,) bool
        Rows that end with an exit; they are dealt first, so that folds hold equal numbers of them.
    cluster : (n,) int or None
        Rows of one cluster go to one fold; clusters with an exit are dealt first.
    """
    unit = np.arange(len(event)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    size = int(unit.max()) + 1
    has = np.bincount(unit, event, size) > 0
    order = np.concatenate([rng.permutation(np.flatnonzero(part)) for part in (has, ~has)])
    fold = np.empty(size, dtype=np.int64)
    fold[order] = np.arange(size) % n_folds
    return fold[unit]
