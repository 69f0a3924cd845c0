"""Few clusters: sandwich covariances that allow for the pull of each cluster on its own fit.

Ground floor: NumPy only. A residual is smaller than the error it stands for, the more so the more its cluster decides
the fit. With H* = W^1/2 X M X' W^1/2 of one cluster, M = (X' W X)^-1, Kauermann and Carroll multiply its standardised
residuals by (I - H*)^-1/2, Mancl and DeRouen by (I - H*)^-1. Both are functions of H*, whose rank is at most p, so
that everything is done on p x p matrices, all clusters at once: nothing of the size of a cluster squared is formed.

Called by: models.counts.covariance.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats, Ints

__all__ = ["grouped_products", "leverage_corrected_meat"]

_ROOM = 1e-8


def grouped_products(design: Floats, weight: Floats, group: Ints) -> Floats:
    """X_g' W_g X_g of each group (G, p, p)."""
    n_groups, p = int(group.max()) + 1, design.shape[1]
    out = np.empty((n_groups, p, p))
    for j in range(p):
        left = design[:, j] * weight
        for k in range(j, p):
            out[:, j, k] = out[:, k, j] = np.bincount(group, left * design[:, k], n_groups)
    return out


def leverage_corrected_meat(scores: Floats, design: Floats, weight: Floats, group: Ints, power: float) -> Floats:
    """Sum over clusters of outer products of corrected scores.

    Parameters
    ----------
    scores : (n, q)
        Derivatives of the rows' log-likelihoods; the first p columns are those of the coefficients of `design`, and
        only these are corrected.
    design : (n, p)
    weight : (n,)
        Working weights: the expected information of each row's linear predictor, so that H* is a projection.
    group : (n,) int
        Codes 0, 1, ...
    power : {0.5, 1.0}
        0.5 is Kauermann and Carroll's, 1.0 that of Mancl and DeRouen (close to leaving out one cluster at a time).

    Returns
    -------
    (q, q)

    Notes
    -----
    A direction that a cluster alone decides (eigenvalue 1) is left as it is: its residuals are zero.
    Cost: O(n p^2 + G p^3). Source: Mancl and DeRouen (2001), Biometrics 57, 126-134, equation 5; Kauermann and Carroll
    (2001), JASA 96, 1387-1396, section 3.
    """
    p, n_groups = design.shape[1], int(group.max()) + 1
    sums = np.stack([np.bincount(group, column, n_groups) for column in scores.T], axis=1)
    products = grouped_products(design, weight, group)
    root = np.linalg.inv(np.linalg.cholesky(products.sum(axis=0))).T
    inner = products @ root
    hat = root.T @ inner
    size, axes = np.linalg.eigh((hat + hat.transpose(0, 2, 1)) / 2)
    room = 1 - size
    decided = room < _ROOM
    raised = np.where(decided, 1.0, room) ** -power
    factor = np.where(size > 1e-12, (raised - 1) / np.maximum(size, 1e-12), power)
    turned = np.einsum("gij,gi->gj", axes, sums[:, :p] @ root)
    corrected = sums.copy()
    corrected[:, :p] += np.einsum("gij,gjk,gk->gi", inner, axes, factor * turned)
    return np.asarray(corrected.T @ corrected, dtype=np.float64)
