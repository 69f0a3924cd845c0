"""Kalbfleisch and Prentice's baseline of a Cox fit: a product limit instead of an exponential.

Ground floor. The chance alpha of a person with r = 1 to stay past an event time
solves sum over those who leave of w r / (1 - alpha^r) = sum over those at risk
of w r; a person with risk r stays with chance alpha^r.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.coxcurves import Baseline
from exitmodels.kernels.partial import CoxData, CoxTerms

__all__ = ["product_limit"]


def product_limit(data: CoxData, terms: CoxTerms, centring: float | None = None) -> Baseline:
    """Baseline whose survival is the product limit.

    Parameters
    ----------
    data, terms
        A fit with Breslow's ties at the estimate.
    centring : float, optional
        By default the variance of an increment is d / (S0 (S0 - E0)), E0 the risk of those who leave: Greenwood's
        formula when all risks are equal, and the same whatever row is called the baseline. When given, it is
        d / (S0 (S0 - d)), which depends on the baseline row: exp(centring) turns our risks into those
        relative to that row.

    Notes
    -----
    Source: Kalbfleisch & Prentice (1973), eq. 12; (2002), section 4.3.
    """
    scale = np.exp(-terms.shift)
    rows = data.index.event_rows
    at = data.index.moment[rows]
    k = data.index.n_times
    own = terms.risk[rows]
    weight = data.event_weight[rows]
    s0, total, leaving = terms.s0, np.bincount(at, weight, k), np.bincount(at, own, k)
    risk = own / np.where(weight > 0, weight, 1.0)
    with np.errstate(divide="ignore"):
        if centring is None:
            square = total / (s0 * np.maximum(s0 - leaving, 0.0)) * scale**2
        else:
            there = s0 / scale * np.exp(centring)
            square = total / (there * np.where(total >= there, there, there - total)) * np.exp(2 * centring)
    hazard = total / s0
    estimate = _increments(own, risk, at, s0, hazard, leaving)
    drift = terms.s1 * (hazard / s0)[:, None]
    return Baseline(data.index.times, data.index.bounds, hazard * scale, square, drift * scale, estimate * scale)


def _increments(own: Floats, risk: Floats, at: Floats, s0: Floats, hazard: Floats, leaving: Floats) -> Floats:
    """Minus log alpha at each time, by Newton's method from below (the equation is convex and decreasing)."""
    step = hazard.copy()
    everyone = s0 - leaving <= 1e-14 * s0
    for _ in range(100):
        inside = -np.expm1(-risk * step[at])
        excess = np.bincount(at, own / inside, len(s0)) - s0
        slope = np.bincount(at, own * risk * np.exp(-risk * step[at]) / inside**2, len(s0))
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.where(everyone, 0.0, excess / slope)
        step += move
        if np.all(np.abs(move) <= 1e-15 * step):
            break
    return np.where(everyone, np.inf, step)
