"""A rate whose exposure is itself an estimate: the uncertainty of both parts.

Ground floor: NumPy and SciPy. The count x is Poisson; the exposure N has a standard error, and perhaps a covariance
with the count (when the same list gave both).

Called by: models.counts.rates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.kernels.exact import poisson_interval

__all__ = ["ESTIMATED_METHODS", "estimated_exposure_interval", "log_variance"]

ESTIMATED_METHODS = ("delta-log", "fieller", "mover")
Limits = tuple[Floats, Floats]


def log_variance(x: Floats, exposure: Floats, se: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Variance of the log rate, and the share of it that the exposure brings (NaN at zero events).

    1/x + (se/N)^2 - 2 cov/(x N). Source: Seber (1982), section 1.3.3.

    >>> variance, share = log_variance(np.array(11.0), np.array(626.0), np.array(147.32), np.array(0.0))
    >>> round(float(np.sqrt(variance)), 4), round(float(share), 4)
    (0.3825, 0.3786)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        count, rest = 1 / x, (se / exposure) ** 2 - 2 * covariance / (x * exposure)
        return count + rest, np.where(x > 0, rest / (count + rest), np.nan)


def estimated_exposure_interval(
    x: ArrayLike,
    exposure: ArrayLike,
    se: ArrayLike,
    alpha: float = 0.05,
    method: str = "delta-log",
    covariance: ArrayLike = 0.0,
) -> Limits:
    """Limits for x / N when N has a standard error.

    Parameters
    ----------
    method : {"delta-log", "fieller", "mover"}
        "delta-log": symmetric in the log rate. "fieller": the rates r for which x - r N could be zero; unbounded when N
        itself could be zero. "mover": exact limits of the count and log-normal limits of N, combined.
    covariance : array
        Of the count and the exposure; "mover" takes them as independent.

    Returns
    -------
    low, high : arrays
        At zero events, where the first two have no variance for the count, those of "mover".

    Notes
    -----
    Source: Fieller (1954); Donner and Zou (2012), Statistical Methods in Medical Research 21, for "mover".
    """
    n, big, error, shared = (np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(x, exposure, se, covariance))
    z = float(-special.ndtri(alpha / 2))
    low, high = _mover(n, big, error, z, alpha)
    if method == "mover":
        return low, high
    other = _delta(n, big, error, shared, z) if method == "delta-log" else _fieller(n, big, error, shared, z)
    return np.where(n > 0, other[0], low), np.where(n > 0, other[1], high)


def _delta(x: Floats, exposure: Floats, se: Floats, covariance: Floats, z: float) -> Limits:
    spread = np.sqrt(np.where(x > 0, log_variance(x, exposure, se, covariance)[0], 0.0))
    return x / exposure * np.exp(-z * spread), x / exposure * np.exp(z * spread)


def _fieller(x: Floats, exposure: Floats, se: Floats, covariance: Floats, z: float) -> Limits:
    """Roots of (x - r N)^2 = z^2 (x - 2 r cov + r^2 se^2), in the form that keeps the digits of each."""
    a = exposure**2 - z**2 * se**2
    b = x * exposure - z**2 * covariance
    c = x**2 - z**2 * x
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = c / (b + root), (b + root) / a
    return np.maximum(low, 0.0), np.where(a > 0, high, np.inf)


def _mover(x: Floats, exposure: Floats, se: Floats, z: float, alpha: float) -> Limits:
    low, high = poisson_interval(x, alpha)
    factor = np.exp(z * se / exposure)
    small, large = exposure / factor, exposure * factor
    down = np.sqrt(np.maximum((x * exposure) ** 2 - low * large * (2 * x - low) * (2 * exposure - large), 0.0))
    up = np.sqrt(np.maximum((x * exposure) ** 2 - high * small * (2 * x - high) * (2 * exposure - small), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(x > 0, low * (2 * x - low) / (x * exposure + down), 0.0)
    return first, (x * exposure + up) / (small * (2 * exposure - small))
