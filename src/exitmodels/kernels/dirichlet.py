"""Dirichlet regression: shares that were measured, not counted.

Ground floor: NumPy and SciPy. The logarithm of each of the Dirichlet law's parameters is linear in the columns (the
"common" parametrisation). The log-likelihood is concave in neither direction for certain, so steps are guarded.

Called by: models.counts.dirichlet_regression.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend

__all__ = ["dirichlet_scores", "dirichlet_surface", "fit_dirichlet"]


_LARGEST = 20.0


def _alphas(at: Floats, design: Floats) -> Floats:
    return np.exp(design @ at.reshape(-1, design.shape[1]).T)


def dirichlet_scores(at: Floats, design: Floats, log_share: Floats) -> Floats:
    """Derivative of each row's log-likelihood, (n, J p)."""
    a = _alphas(at, design)
    slope = a * (special.digamma(a.sum(axis=1))[:, None] - special.digamma(a) + log_share)
    return (slope[:, :, None] * design[:, None, :]).reshape(len(design), -1)


def dirichlet_surface(at: Floats, design: Floats, log_share: Floats) -> Surface | None:
    """Log-likelihood, gradient, observed and expected information.

    Parameters
    ----------
    at : (J p,)
        Coefficients of log alpha, part after part.
    design : (n, p)
    log_share : (n, J)
        Logarithms of the shares, which add to one.

    Notes
    -----
    Source: Campbell and Mosimann (1987); Hijazi and Jernigan (2009); Maier (2014).
    """
    # Beyond this rounding of the log gamma function is larger than the likelihood's differences.
    if np.abs(design @ at.reshape(-1, design.shape[1]).T).max() > _LARGEST:
        return None
    a = _alphas(at, design)
    total = a.sum(axis=1)
    value = special.gammaln(total).sum() - special.gammaln(a).sum() + ((a - 1) * log_share).sum()
    slope = a * (special.digamma(total)[:, None] - special.digamma(a) + log_share)
    k, p = a.shape[1], design.shape[1]
    expected, observed = np.zeros((k * p, k * p)), np.zeros((k * p, k * p))
    common, own = special.polygamma(1, total), special.polygamma(1, a)
    for i in range(k):
        one = slice(i * p, (i + 1) * p)
        for j in range(i + 1):
            w = -a[:, i] * a[:, j] * common + (own[:, i] * a[:, i] ** 2 if i == j else 0.0)
            two = slice(j * p, (j + 1) * p)
            expected[one, two] = design.T @ (w[:, None] * design)
            expected[two, one] = expected[one, two].T
        observed[one, one] = -design.T @ (slope[:, i, None] * design)
    return Surface(float(value), (slope.T @ design).ravel(), observed + expected, lambda: expected)


def fit_dirichlet(design: Floats, log_share: Floats) -> Ascent:
    """Maximise the likelihood; the first column of the design is the intercept."""
    start = np.zeros((log_share.shape[1], design.shape[1]))
    share = np.exp(log_share)
    mean, spread = share.mean(axis=0), share.var(axis=0)
    size = float(np.exp(np.log(np.maximum(mean * (1 - mean) / np.maximum(spread, 1e-12) - 1, 0.1)).mean()))
    start[:, 0] = np.log(mean * size)
    return ascend(lambda at: dirichlet_surface(at, design, log_share), start.ravel())
