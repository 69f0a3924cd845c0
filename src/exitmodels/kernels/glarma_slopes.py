"""Scores and observed information of a GLARMA model, exact, from linear recursions and one adjoint pass.

Ground floor. Differentiating the recursion of the state gives linear recursions with the same bands for every one;
second derivatives are needed only summed with weights, and one pass backwards gives those sums.

Called by: models.counts.glarma.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend, positive_part
from exitmodels.kernels.glarma import Path, Shape, system, trace
from exitmodels.kernels.glarma_terms import LikelihoodTerms, likelihood_terms
from exitmodels.kernels.recursions import lagged, solve, solve_adjoint

__all__ = ["fit_shape", "score_rows", "surface_at"]


def _slopes(shape: Shape, theta: Floats, path: Path, weight: Floats) -> tuple[Floats, Floats]:
    """Derivative of the predictor (q, n), and the weighted sum of its second derivatives (q, q)."""
    p, n, q = shape.width, len(shape.y), len(theta)
    parts, e = shape.lag_parts(theta), path.residual
    packed, _ = system(parts, e.slope, np.zeros(n))
    right = np.zeros((q, n))
    for lag, value, _ in parts:
        right[:p] += value * lagged(e.slope * shape.columns, lag)
        if shape.free_alpha:
            right[-1] += value * lagged(e.dispersion, lag)
    for r, (lag, _, ar) in enumerate(parts):
        right[p + r] = lagged(e.value + (path.state if ar else 0.0), lag)
    inner = solve(packed, right)
    first = inner.copy()
    first[:p] += shape.columns
    moved = e.slope * first
    if shape.free_alpha:
        moved[-1] += e.dispersion
    back = solve_adjoint(packed, weight)
    # What a unit of curvature in a residual does to the weighted sum, through all lags.
    reach = np.zeros(n)
    second = np.zeros((q, q))
    for r, (lag, value, ar) in enumerate(parts):
        cut = min(lag, n)
        reach[: n - cut] += value * back[cut:]
        part = (moved + inner if ar else moved)[:, : n - cut] @ back[cut:]
        second[p + r] += part
        second[:, p + r] += part
    second += (first * (reach * e.curve)) @ first.T
    if shape.free_alpha:
        across = first @ (reach * e.cross)
        second[-1] += across
        second[:, -1] += across
        second[-1, -1] += float(reach @ e.dispersion_curve)
    return first, second


def surface_at(shape: Shape, theta: Floats) -> Surface | None:
    """Log-likelihood, score and information; None where the state runs away."""
    path = trace(shape, theta)
    if path is None:
        return None
    terms = _terms(shape, path)
    value = float(terms.value.sum())
    if not np.isfinite(value):
        return None
    first, second = _slopes(shape, theta, path, terms.slope)
    gradient = first @ terms.slope
    information = -(first * terms.curve) @ first.T - second
    expected = (first * terms.expected) @ first.T
    if shape.free_alpha:
        gradient[-1] += terms.dispersion.sum()
        across = first @ terms.cross
        information[-1] -= across
        information[:, -1] -= across
        information[-1, -1] -= terms.dispersion_curve.sum()
        expected[-1, -1] += positive_part(-float(terms.dispersion_curve.sum()), terms.dispersion)
    if not (np.isfinite(information).all() and np.isfinite(expected).all()):
        return None
    return Surface(value, gradient, information, lambda: expected)


def _terms(shape: Shape, path: Path) -> LikelihoodTerms:
    with np.errstate(all="ignore"):
        terms = likelihood_terms(shape.known, path.law)
    if shape.seen.all():
        return terms
    return replace(terms, **{name: np.where(shape.seen, part, 0.0) for name, part in vars(terms).items()})


def score_rows(shape: Shape, theta: Floats, path: Path) -> Floats:
    """Derivative of each time's log-likelihood by each parameter (q, n)."""
    terms = _terms(shape, path)
    out = _slopes(shape, theta, path, np.zeros(len(shape.y)))[0] * terms.slope
    if shape.free_alpha:
        out[-1] += terms.dispersion
    return out


def fit_shape(shape: Shape, start: Floats) -> Ascent:
    """Maximise the likelihood from `start` (coefficients, lags, and log alpha when it is free)."""
    return ascend(lambda theta: surface_at(shape, theta), start)
