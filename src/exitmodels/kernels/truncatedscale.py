"""Times that were seen only because they were short enough: location-scale laws of log time, truncated on the right.

Ground floor: NumPy and SciPy. A row contributes f(t) / F(limit). With z = k (log t - eta), eta = x b and k the shape,
each law is given by the first two derivatives of log f and log F in z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, log_ndtr

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Surface

__all__ = ["LAWS", "Truncated", "log_share", "power_law", "quantile", "row_terms", "surface"]

LAWS = ("weibull", "lognormal", "loglogistic")
_LOG_ROOT = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class Truncated:
    """Rows to fit.

    Attributes
    ----------
    log_time, log_limit : (n,)
        Infinite limits mean that the row could be seen whatever its time.
    design : (n, p)
    weight : (n,)
    law : str
    """

    log_time: Floats
    log_limit: Floats
    design: Floats
    weight: Floats
    law: str


def _density(law: str, z: Floats) -> tuple[Floats, Floats, Floats]:
    if law == "weibull":
        u = np.exp(z)
        return z - u, 1 - u, -u
    if law == "lognormal":
        return -z * z / 2 - _LOG_ROOT, -z, np.full_like(z, -1.0)
    p = expit(z)
    return z + 2 * log_expit(-z), 1 - 2 * p, -2 * p * (1 - p)


def log_share(law: str, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Logarithm of the distribution function, and its two derivatives.

    >>> [round(float(v), 6) for v in log_share("loglogistic", np.array(0.0))]
    [-0.693147, 0.5, -0.25]
    """
    if law == "weibull":
        u = np.exp(np.minimum(z, 700.0))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            value = np.where(u > 1e-12, np.log(-np.expm1(-u)), z - u / 2)
            slope = np.where(u > 1e-12, u / np.expm1(u), 1 - u / 2)
        curve = np.where(slope > 0, slope * np.where(u > 1e-6, 1 - u - slope, -u / 2), 0.0)
        return value, slope, curve
    if law == "lognormal":
        value = log_ndtr(z)
        slope = np.exp(-z * z / 2 - _LOG_ROOT - value)
        return value, slope, -slope * (z + slope)
    p = expit(-z)
    return log_expit(z), p, -p * (1 - p)


def quantile(law: str, share: Floats) -> Floats:
    """z at which the distribution function has this value."""
    from scipy.special import logit, ndtri

    share = np.asarray(share, dtype=np.float64)
    if law == "weibull":
        return np.log(-np.log1p(-share))
    return np.asarray(ndtri(share) if law == "lognormal" else logit(share), dtype=np.float64)


def row_terms(data: Truncated, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood of each row (n,), its derivatives by eta and log shape (n, 2), and the second ones (n, 3)."""
    eta, log_k = data.design @ theta[:-1], float(theta[-1])
    k = np.exp(log_k)
    z, cut = k * (data.log_time - eta), np.isfinite(data.log_limit)
    r = np.where(cut, k * (np.where(cut, data.log_limit, 0.0) - eta), 0.0)
    f, f1, f2 = _density(data.law, z)
    g, g1, g2 = (np.where(cut, part, 0.0) for part in log_share(data.law, r))
    value = f + log_k - data.log_time - g
    first = np.column_stack([-k * (f1 - g1), f1 * z + 1 - g1 * r])
    second = np.column_stack(
        [k * k * (f2 - g2), -k * (f2 * z + f1 - g2 * r - g1), f2 * z * z + f1 * z - g2 * r * r - g1 * r]
    )
    return value, first, second


def surface(data: Truncated, theta: Floats) -> Surface | None:
    """Log-likelihood, gradient and observed information of (b, log shape); None where it overflows."""
    if abs(theta[-1]) > 30 or not np.isfinite(theta).all():
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        value, first, second = row_terms(data, theta)
    total = float(data.weight @ value)
    if not (np.isfinite(total) and np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    x, w, p = data.design, data.weight, data.design.shape[1]
    information = np.empty((p + 1, p + 1))
    information[:p, :p] = -(x.T @ ((w * second[:, 0])[:, None] * x))
    information[:p, p] = information[p, :p] = -(x.T @ (w * second[:, 1]))
    information[p, p] = -float(w @ second[:, 2])
    gradient = np.append(x.T @ (w * first[:, 0]), w @ first[:, 1])
    scores = np.column_stack([first[:, :1] * x, first[:, 1]])
    return Surface(total, gradient, information, lambda: (scores * w[:, None]).T @ scores)


def power_law(data: Truncated) -> tuple[float, float]:
    """Where the likelihood goes when the scale runs to infinity: F(t) / F(limit) = (t / limit)^k.

    Returns
    -------
    k, log-likelihood: of the best such law, n / sum log(limit / t). Weibull and log-logistic laws tend to it.
    """
    gap = float(data.weight @ (data.log_limit - data.log_time))
    n = float(data.weight.sum())
    k = n / gap
    return k, n * np.log(k) - float(data.weight @ data.log_time) - k * gap
