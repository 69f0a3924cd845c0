"""Rubin's rules: several imputations, one estimate, its variance and what is not known.

Ground floor: NumPy only. Called by: results.pooling, results.pooled_curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["Combined", "combine", "degrees", "error_of_error"]


@dataclass(frozen=True, eq=False)
class Combined:
    """Numbers pooled over m imputations, each (q,).

    Attributes
    ----------
    estimate, within, between, total
        Mean estimate; mean variance, variance between imputations, and their sum with between (1 + 1/m).
    missing : share of `total` that imputation brings.
    df : degrees of freedom.
    """

    estimate: Floats
    within: Floats
    between: Floats
    total: Floats
    missing: Floats
    df: Floats


def combine(values: Floats, squares: Floats, complete: float | None = None) -> Combined:
    """Pool numbers and their variances, (m, q) each.

    Parameters
    ----------
    complete : float, optional
        Degrees of freedom that complete data would have; many by default.

    Notes
    -----
    Source: Rubin (1987), eq. 3.1.1 to 3.1.5; Barnard & Rubin (1999), eq. 3.

    Examples
    --------
    >>> made = combine(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [1.0], [1.0]]))
    >>> made.estimate.tolist(), made.total.round(4).tolist(), made.df.round(3).tolist()
    ([2.0], [2.3333], [6.125])
    """
    m = len(values)
    within, between = squares.mean(axis=0), values.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    missing = np.where(total > 0, (1 + 1 / m) * between / np.where(total > 0, total, 1.0), 0.0)
    return Combined(values.mean(axis=0), within, between, total, missing, degrees(m, missing, complete))


def degrees(m: int, missing: Floats, complete: float | None = None) -> Floats:
    """Degrees of freedom from the share of variance that imputation brings (q,)."""
    many = np.where(missing > 1e-14, (m - 1) / np.where(missing > 1e-14, missing, 1.0) ** 2, np.inf)
    if complete is None:
        return many
    observed = (complete + 1) / (complete + 3) * complete * (1 - missing)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (1 / many + 1 / observed), dtype=np.float64)


def error_of_error(values: Floats, squares: Floats) -> Floats:
    """Monte Carlo error of the pooled standard error (q,), by leaving out each imputation in turn.

    Notes
    -----
    Source: White, Royston & Wood (2011), section 7.
    """
    m = len(values)
    left = [combine(np.delete(values, i, axis=0), np.delete(squares, i, axis=0)).total for i in range(m)]
    errors = np.sqrt(np.stack(left))
    return np.asarray(np.sqrt((m - 1) / m * ((errors - errors.mean(axis=0)) ** 2).sum(axis=0)), dtype=np.float64)
