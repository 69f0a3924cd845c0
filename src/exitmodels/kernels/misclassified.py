"""Multinomial logit for true categories when what is written down differs from them at known rates.

Ground floor: NumPy only. The shares of what is written are the true shares times a table of rates; the likelihood is
that of what is written, the coefficients are those of the truth.

Called by: models.counts.relabelling.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend
from exitmodels.kernels.multinomial import shares_of

__all__ = ["fit_misclassified", "misclassified_surface"]


def misclassified_surface(
    at: Floats, design: Floats, counts: Floats, rates: Floats, offset: Floats | None = None
) -> Surface | None:
    """Log-likelihood, gradient, and expected information.

    Parameters
    ----------
    at : (K p,)
    design : (n, p)
    counts : (n, J)
        What is written; the baseline first, J = K + 1.
    rates : (n, J, J)
        ``rates[i, k, j]`` is the chance that true category k of row i is written as j; rows add to one.
    offset : (n, K), optional

    Notes
    -----
    Source: Magder and Hughes (1997); Whittemore and Gong (1991).
    """
    p = design.shape[1]
    beta = at.reshape(-1, p)
    rest, log_sum = shares_of(beta, design, offset)
    true = np.vstack([np.exp(-log_sum), rest]).T
    written = np.einsum("ik,ikj->ij", true, rates)
    if not np.all(written[counts > 0] > 0):
        return None
    size = counts.sum(axis=1)
    safe = np.maximum(written, 1e-300)
    value = float(np.where(counts > 0, counts * np.log(safe), 0.0).sum())
    # Derivative of what is written along the linear predictor of true category k: true_k (rate_kj - written_j).
    slope = true[:, 1:, None] * (rates[:, 1:] - written[:, None, :])
    gradient = np.einsum("ij,ikj->ki", counts / safe, slope) @ design
    middle = np.einsum("ikj,ilj,ij->kli", slope, slope, size[:, None] / safe)
    expected = np.einsum("kli,ia,ib->kalb", middle, design, design, optimize=True).reshape(len(at), len(at))
    return Surface(value, gradient.ravel(), expected, lambda: expected)


def fit_misclassified(
    design: Floats, counts: Floats, rates: Floats, start: Floats, offset: Floats | None = None
) -> Ascent:
    """Maximise the likelihood by scoring from `start`."""
    return ascend(lambda at: misclassified_surface(at, design, counts, rates, offset), start)
