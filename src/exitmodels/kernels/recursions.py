"""Linear recursions in time: x_t = r_t + sum over lags of a coefficient (which may change with t) times x_{t-lag}.

Ground floor: NumPy and SciPy. With constant coefficients a recursion is a linear filter; with others it is a banded
lower-triangular system with ones on its diagonal, solved by BLAS. Both take one pass for each right-hand side, and no
Python loop over time. The adjoint (the same system transposed) carries derivatives of a sum backwards.

Read next: ingarch.py and glarma.py, whose states and derivatives are such recursions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import signal
from scipy.linalg import blas

from exitmodels.arrays import Floats

__all__ = ["bands", "lagged", "solve", "solve_adjoint", "spectral_radius"]

_ONE = np.ones(1)


def bands(coefficient: Mapping[int, Floats | float], n: int) -> Floats:
    """Pack the coefficients of a recursion.

    Parameters
    ----------
    coefficient : mapping of lag (1, 2, ...) to (n,) or float
        What multiplies ``x[t - lag]`` in the equation of time t; entries at t < lag are not used.
    n : int
        Length of the series.

    Returns
    -------
    (K + 1,) when all coefficients are numbers: one, then minus the coefficients by lag. Else (K + 1, n), Fortran order:
    LAPACK's lower band storage of the matrix with ones on the diagonal and minus the coefficients below it. K is the
    longest lag, cut at n - 1.

    Examples
    --------
    >>> solve(bands({1: 0.5}, 4), np.array([1.0, 0.0, 0.0, 2.0])).tolist()
    [1.0, 0.5, 0.25, 2.125]
    """
    longest = min(max(coefficient, default=0), n - 1)
    if all(np.ndim(value) == 0 for value in coefficient.values()):
        filter_by = np.append(1.0, np.zeros(longest))
        for lag, value in coefficient.items():
            if lag <= longest:
                filter_by[lag] -= value
        return filter_by
    packed = np.zeros((longest + 1, n), order="F")
    packed[0] = 1.0
    for lag, value in coefficient.items():
        if lag <= longest:
            packed[lag, : n - lag] -= value if np.ndim(value) == 0 else np.asarray(value)[lag:]
    return packed


def solve(packed: Floats, right: Floats) -> Floats:
    """Run the recursion for each right-hand side.

    Parameters
    ----------
    packed : made by `bands`
    right : (n,) or (m, n)
        One right-hand side, or one in each row.

    Notes
    -----
    Cost: O(n K) for each right-hand side. A recursion that is not stable may overflow to infinity.
    """
    return _run(packed, right, 0)


def solve_adjoint(packed: Floats, right: Floats) -> Floats:
    """Solve the transposed system: ``solve_adjoint(p, u) @ r`` equals ``u @ solve(p, r)``."""
    return _run(packed, right, 1)


def _run(packed: Floats, right: Floats, trans: int) -> Floats:
    if packed.ndim == 1:
        if len(packed) == 1:
            return np.array(right, dtype=np.float64)
        turned = right[..., ::-1] if trans else right
        made = signal.lfilter(_ONE, packed, turned)
        return np.asarray(made[..., ::-1] if trans else made, dtype=np.float64)
    rows = np.atleast_2d(right)
    depth = len(packed) - 1
    out = np.empty(rows.shape)
    for row, made in zip(rows, out, strict=True):
        made[:] = blas.dtbsv(depth, packed, row, lower=1, trans=trans, diag=1)
    return out.reshape(np.shape(right))


def lagged(values: Floats, lag: int, before: Floats | float = 0.0) -> Floats:
    """Shift a series (along its last axis) by `lag`, with `before` where there is no earlier value.

    >>> lagged(np.array([1.0, 2.0, 3.0]), 1, before=9.0).tolist()
    [9.0, 1.0, 2.0]
    """
    values = np.asarray(values, dtype=np.float64)
    n = values.shape[-1]
    out = np.empty(values.shape)
    cut = min(lag, n)
    out[..., :cut] = np.asarray(before)[..., None] if np.ndim(before) else before
    out[..., cut:] = values[..., : n - cut]
    return out


def spectral_radius(coefficient: Mapping[int, float]) -> float:
    """Largest root of the recursion with constant coefficients; below one it forgets where it began.

    >>> round(spectral_radius({1: 0.5}), 12), round(spectral_radius({2: 0.25}), 12), spectral_radius({})
    (0.5, 0.5, 0.0)
    """
    longest = max(coefficient, default=0)
    if longest == 0:
        return 0.0
    polynomial = np.zeros(longest + 1)
    polynomial[0] = 1.0
    for lag, value in coefficient.items():
        polynomial[lag] -= value
    return float(np.abs(np.roots(polynomial)).max(initial=0.0))
