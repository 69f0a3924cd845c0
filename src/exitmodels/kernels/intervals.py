"""Limits for curves: a normal law on a transformed scale, brought back and kept inside the range.

Ground floor. Exact limits for counts are in exact.py.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats

__all__ = ["TRANSFORMS", "hazard_band", "hazard_limits", "probability_band", "probability_limits"]

TRANSFORMS = ("plain", "log", "log-log", "cloglog", "arcsine", "logit")


def probability_limits(estimate: Floats, se: Floats, alpha: float, transform: str) -> tuple[Floats, Floats]:
    """Pointwise limits of a probability.

    Parameters
    ----------
    estimate, se : (k,)
        Probabilities and their standard errors.
    transform : {"plain", "log", "log-log", "cloglog", "arcsine", "logit"}
        Scale on which the limits are symmetric: p; log p; log(-log p); log(-log(1 - p)); arcsin sqrt p;
        log(p / (1 - p)).

    Returns
    -------
    low, high : (k,)
        Inside [0, 1]; NaN where the transform is not defined (p = 0, or p = 1 with some error).
        Where p is known without error (se = 0) both limits are p.

    Notes
    -----
    Source: Klein & Moeschberger (2003), section 4.3; Kalbfleisch & Prentice (2002), eq. 1.13.
    """
    return probability_band(estimate, float(ndtri(1 - alpha / 2)) * np.asarray(se, dtype=float), transform)


def probability_band(estimate: Floats, half: Floats, transform: str) -> tuple[Floats, Floats]:
    """Limits of a probability that lie `half` away on the plain scale, to first order, and symmetric on another.

    Parameters
    ----------
    estimate, half : (k,)
        Probabilities, and half the width of a plain interval or band: z times the standard error, or the like.
    transform : str
        As in `probability_limits`, whose other rules hold too.
    """
    if transform not in TRANSFORMS:
        raise ValueError(f"transform={transform!r}; use one of {', '.join(TRANSFORMS)}")
    p, wide = np.asarray(estimate, dtype=float), np.asarray(half, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = _by_transform(p, wide, transform)
    low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
    known = (wide == 0) & np.isfinite(p)
    return np.where(known, p, low), np.where(known, p, high)


def _by_transform(p: Floats, half: Floats, transform: str) -> tuple[Floats, Floats]:
    if transform == "plain":
        return p - half, p + half
    if transform == "log":
        return p * np.exp(-half / p), p * np.exp(half / p)
    if transform == "log-log":
        wide = half / (p * -np.log(p))
        return p ** np.exp(wide), p ** np.exp(-wide)
    if transform == "cloglog":
        q = 1 - p
        wide = half / (q * -np.log1p(-p))
        return -np.expm1(np.exp(-wide) * np.log1p(-p)), -np.expm1(np.exp(wide) * np.log1p(-p))
    if transform == "arcsine":
        middle, wide = np.arcsin(np.sqrt(p)), half / (2 * np.sqrt(p * (1 - p)))
        return np.sin(np.maximum(middle - wide, 0)) ** 2, np.sin(np.minimum(middle + wide, np.pi / 2)) ** 2
    odds, wide = p / (1 - p), half / (p * (1 - p))
    return _from_odds(odds * np.exp(-wide)), _from_odds(odds * np.exp(wide))


def _from_odds(odds: Floats) -> Floats:
    return np.where(np.isinf(odds), 1.0, odds / (1 + odds))


def hazard_limits(estimate: Floats, se: Floats, alpha: float, transform: str) -> tuple[Floats, Floats]:
    """Pointwise limits of a cumulative hazard H; never below zero.

    Parameters
    ----------
    transform : {"plain", "log", "log-log", "arcsine", "logit", "cloglog"}
        Scale on which the limits are symmetric: H; log H (which is log(-log S), so "log-log" means the
        same); or that transform of S = exp(-H).

    Notes
    -----
    Source: Klein & Moeschberger (2003), section 4.3, with S = exp(-H).
    """
    return hazard_band(estimate, float(ndtri(1 - alpha / 2)) * np.asarray(se, dtype=float), transform)


def hazard_band(estimate: Floats, half: Floats, transform: str) -> tuple[Floats, Floats]:
    """Limits of a cumulative hazard that lie `half` away on the plain scale, to first order.

    Parameters
    ----------
    estimate, half : (k,)
        Cumulative hazards, and half the width of a plain interval or band.
    transform : str
        As in `hazard_limits`.
    """
    if transform not in TRANSFORMS:
        raise ValueError(f"transform={transform!r}; use one of {', '.join(TRANSFORMS)}")
    h, wide = np.asarray(estimate, dtype=float), np.asarray(half, dtype=float)
    if transform in ("arcsine", "logit", "cloglog"):
        survival = np.exp(-h)
        low, high = probability_band(survival, survival * wide, transform)
        with np.errstate(divide="ignore"):
            return -np.log(high) + 0.0, -np.log(low)
    if transform == "plain":
        return np.maximum(h - wide, 0.0), h + wide
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = np.exp(wide / h)
        low, high = h / factor, h * factor
    known = wide == 0
    return np.where(known, h, low), np.where(known, h, high)
