"""Least squares with first-order autoregressive errors: Prais and Winsten, Cochrane and Orcutt.

Ground floor: NumPy only. Called by: models.counts.interrupted_fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["ARFit", "fit_ar1"]


@dataclass(frozen=True, eq=False)
class ARFit:
    """Least squares after the errors' correlation is taken out.

    Attributes
    ----------
    beta : (p,)
    covariance : (p, p)
        Residual variance (on `df` degrees of freedom) times the inverse cross product of the transformed columns.
    rho, sigma2 : float
        Correlation of neighbouring errors; variance of the innovations.
    df : int
    converged : bool
    """

    beta: Floats
    covariance: Floats
    rho: float
    sigma2: float
    df: int
    converged: bool


def fit_ar1(y: Floats, design: Floats, keep_first: bool = True, tol: float = 1e-12, steps: int = 500) -> ARFit:
    """Fit y = design @ beta + e with e_t = rho e_(t-1) + innovation, iterating rho and beta in turn.

    Parameters
    ----------
    y : (n,)
        In order of time, evenly spaced.
    design : (n, p)
    keep_first : bool
        Keep the first row, weighted by sqrt(1 - rho^2) (Prais and Winsten), or lose it (Cochrane and Orcutt).

    Notes
    -----
    rho is the regression of each residual on the one before, without intercept. Source: Cochrane and Orcutt (1949);
    Prais and Winsten (1954).

    Examples
    --------
    >>> fit = fit_ar1(np.array([1.0, 2, 4, 5, 4, 3]), np.ones((6, 1)))
    >>> round(fit.rho, 3), fit.converged
    (0.489, True)
    """
    rho, converged = 0.0, False
    beta = np.linalg.lstsq(design, y, rcond=None)[0]
    for _ in range(steps):
        error = y - design @ beta
        old, rho = rho, float(error[1:] @ error[:-1] / (error[:-1] @ error[:-1]))
        x, z = _without(design, rho, keep_first), _without(y, rho, keep_first)
        beta = np.linalg.lstsq(x, z, rcond=None)[0]
        converged = abs(rho - old) < tol
        if converged:
            break
    left, df = z - x @ beta, len(z) - x.shape[1]
    sigma2 = float(left @ left) / df
    return ARFit(beta, sigma2 * np.linalg.inv(x.T @ x), rho, sigma2, df, converged)


def _without(values: Floats, rho: float, keep_first: bool) -> Floats:
    moved = values[1:] - rho * values[:-1]
    first = np.sqrt(max(1 - rho**2, 0.0)) * values[:1]
    return np.concatenate([first, moved]) if keep_first else moved
