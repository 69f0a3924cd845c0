"""Proportional odds: ordered categories, one slope for all cuts.

Ground floor: NumPy and SciPy. logit P(category >= j) = cut_j + x'b for j = 2..J, so a positive slope goes with higher
categories. Fitted by scoring on the expected information, whose inverse is the variance.

Called by: models.counts.ordered.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend

__all__ = ["fit_ordinal", "ordinal_shares", "ordinal_surface"]


def ordinal_shares(at: Floats, design: Floats, n_categories: int) -> tuple[Floats, Floats]:
    """Shares (n, J) and the derivatives of each along all parameters (n, J, q).

    Parameters
    ----------
    at : (J - 1 + p,)
        Cuts, falling; then slopes. The design has no intercept.
    """
    cuts = n_categories - 1
    eta = at[:cuts] + (design @ at[cuts:])[:, None]
    above = special.expit(eta)
    edge = np.ones((len(design), 1))
    share = -np.diff(np.hstack([edge, above, 0 * edge]), axis=1)
    dense = above * special.expit(-eta)
    slope = np.zeros((len(design), n_categories, len(at)))
    for j in range(cuts):
        whole = np.zeros((len(design), len(at)))
        whole[:, j] = dense[:, j]
        whole[:, cuts:] = dense[:, j, None] * design
        slope[:, j + 1] += whole
        slope[:, j] -= whole
    return share, slope


def ordinal_surface(at: Floats, design: Floats, counts: Floats) -> Surface | None:
    """Log-likelihood without the orders of records, gradient and expected information; None where shares are negative.

    Notes
    -----
    Source: McCullagh (1980).
    """
    cuts = counts.shape[1] - 1
    if np.any(np.diff(at[:cuts]) >= 0):
        return None
    share, slope = ordinal_shares(at, design, counts.shape[1])
    if not np.all(share[counts > 0] > 0):
        return None
    safe = np.maximum(share, 1e-300)
    value = float(np.where(counts > 0, counts * np.log(safe), 0.0).sum())
    gradient = np.einsum("ij,ijq->q", counts / safe, slope)
    scaled = slope * np.sqrt(counts.sum(axis=1)[:, None] / safe)[:, :, None]
    flat = scaled.reshape(-1, len(at))
    expected = flat.T @ flat
    return Surface(value, gradient, expected, lambda: expected)


def fit_ordinal(design: Floats, counts: Floats) -> Ascent:
    """Maximise from no slope."""
    total = counts.sum(axis=0)
    above = np.cumsum(total[::-1])[::-1][1:] / total.sum()
    start = np.append(special.logit(above), np.zeros(design.shape[1]))
    return ascend(lambda at: ordinal_surface(at, design, counts), start)
