"""The largest of several correlated chi-squared statistics: its tail, without simulation.

Ground floor: NumPy and SciPy. Called by: models.nonparametric.maxcombo.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from exitmodels.arrays import Floats

__all__ = ["largest_form_tail", "quadratic_forms", "sphere"]

_POINTS = 1 << 16


def quadratic_forms(score: Floats, covariance: Floats) -> tuple[Floats, Floats, Floats]:
    """Chi-squared statistic of each score, and the forms that they are of one standard normal vector.

    Parameters
    ----------
    score : (j, g)
    covariance : (j, g, j, g)

    Returns
    -------
    statistic, df : (j,)
        Rank of a score's own covariance is its degrees of freedom.
    forms : (j, r, r)
        With u a standard normal vector of length r (the joint rank), u' forms[i] u has the joint law of the
        statistics when the scores have mean zero.
    """
    j, g = score.shape
    spread = np.sqrt(np.maximum(np.einsum("agag->ag", covariance), 0.0)).ravel()
    unit = np.where(spread > 0, spread, 1.0)
    joint = covariance.reshape(j * g, j * g) / np.outer(unit, unit)
    values, vectors = np.linalg.eigh(joint)
    keep = values > 1e-10 * max(float(values[-1]), 1e-300)
    factor = (vectors[:, keep] * np.sqrt(values[keep])).reshape(j, g, -1)
    statistic, df, forms = np.empty(j), np.empty(j), np.empty((j, factor.shape[2], factor.shape[2]))
    for a in range(j):
        own = joint.reshape(j, g, j, g)[a, :, a]
        inverse = np.linalg.pinv(own, rcond=1e-9, hermitian=True)
        scaled = score[a] / unit.reshape(j, g)[a]
        statistic[a] = scaled @ inverse @ scaled
        df[a] = np.linalg.matrix_rank(own, tol=1e-9 * max(float(np.trace(own)), 1e-300), hermitian=True)
        forms[a] = factor[a].T @ inverse @ factor[a]
    return statistic, df, forms


def largest_form_tail(bound: float, forms: Floats) -> float:
    """P(some u' A u >= bound) for a standard normal vector u and the matrices A in `forms`.

    Parameters
    ----------
    bound : float
        Positive.
    forms : (j, r, r)
        Symmetric, not negative; they may be of any rank together.

    Notes
    -----
    u is a length times a direction, which are independent; given the direction the tail is that of a chi-squared on
    r degrees of freedom beyond bound / max(direction' A direction). The mean over directions is taken over 65536
    fixed points: equal angles for r = 2 (relative error near 1e-9), heights by angles for r = 3 (1e-5), a Sobol
    sequence beyond (near 1e-4); no digits are lost far in the tail.
    Source: the radial form of normal probabilities, Deak (1980).

    Examples
    --------
    One form of rank one is a chi-squared on one degree of freedom:

    >>> round(largest_form_tail(3.841459, np.ones((1, 1, 1))), 6)
    0.05
    """
    r = forms.shape[1]
    if r == 0 or bound <= 0:
        return 1.0
    if r == 1:
        return float(stats.chi2.sf(bound / forms.max(), 1))
    direction = sphere(r)
    reach = np.max([np.einsum("ni,ni->n", direction @ form, direction) for form in forms], axis=0)
    with np.errstate(divide="ignore"):
        return float(np.mean(stats.chi2.sf(bound / np.maximum(reach, 0.0), r)))


def sphere(r: int) -> Floats:
    """Evenly spread directions in r dimensions, 2 or more: (points, r), of length one; opposite ones count once."""
    if r == 2:
        angle = np.pi * (np.arange(_POINTS) + 0.5) / _POINTS
        return np.column_stack([np.cos(angle), np.sin(angle)])
    if r == 3:
        height, angle = (np.arange(256) + 0.5) / 256, np.pi * (np.arange(256) + 0.5) / 128
        across = np.sqrt(1 - height**2)
        parts = (np.outer(across, np.cos(angle)), np.outer(across, np.sin(angle)), np.outer(height, np.ones(256)))
        return np.column_stack([part.ravel() for part in parts])
    uniform = stats.qmc.Sobol(r, scramble=False).random(_POINTS) + 0.5 / _POINTS
    normal = special.ndtri(uniform)
    return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True))
