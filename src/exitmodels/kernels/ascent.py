"""Newton's method where the surface need not be a hill, parameters may be bounded, and steps may leave the domain.

Ground floor: NumPy only. Steps use the observed information when it is positive definite, else the expected one;
parameters that press against their bound stand still. The search ends one step after the expected gain is below
rounding, so that scores are zero to rounding.

Called by: ingarch_fit.py, glarma_slopes.py, endemic.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from exitmodels.arrays import Bools, Floats

__all__ = ["Ascent", "Surface", "ascend", "positive_part", "solve_scaled", "symmetric_root"]

_GAIN = 1e-16


@dataclass(frozen=True, eq=False)
class Surface:
    """A function at one point.

    Attributes
    ----------
    value : float
    gradient : (q,)
    information : (q, q)
        Minus the second derivative.
    stand_in : function giving (q, q)
        The expectation of `information`, or any positive definite stand-in; called only when it is needed.
    """

    value: float
    gradient: Floats
    information: Floats
    stand_in: Callable[[], Floats]

    @cached_property
    def expected(self) -> Floats:
        """What `stand_in` gives (q, q)."""
        return self.stand_in()


@dataclass(frozen=True, eq=False)
class Ascent:
    """Where the search ended.

    Attributes
    ----------
    at : (q,)
    surface : Surface
    bound : (q,) bool
        Parameters that rest on their lower bound.
    converged : bool
    n_steps : int
    """

    at: Floats
    surface: Surface
    bound: Bools
    converged: bool
    n_steps: int


def ascend(
    evaluate: Callable[[Floats], Surface | None], start: Floats, lower: Floats | None = None, most: int = 200
) -> Ascent:
    """Climb from `start`, where `evaluate` must give a surface; it gives None outside its domain.

    Parameters
    ----------
    lower : (q,), optional
        Lower bounds, -inf where there is none.
    most : int
        Largest number of steps.
    """
    bounds = np.full(len(start), -np.inf) if lower is None else lower
    at = np.maximum(np.asarray(start, dtype=np.float64), bounds)
    here = evaluate(at)
    if here is None:
        raise ValueError("the search must begin inside the domain")
    for count in range(most):
        bound = (at <= bounds) & (here.gradient <= 0)
        step = _step(here, ~bound)
        gain = float(here.gradient @ step)
        there, share, whole = _search(evaluate, at, here, step, bounds)
        if there is None:
            return Ascent(at, here, bound, gain < 1e-12 * (1 + abs(here.value)), count)
        moved = np.maximum(at + share * step, bounds)
        at, here = moved, there
        if gain < _GAIN * (1 + abs(here.value)) and whole:
            bound = (at <= bounds) & (here.gradient <= 0)
            return Ascent(at, here, bound, True, count + 1)
    return Ascent(at, here, (at <= bounds) & (here.gradient <= 0), False, most)


def _search(
    evaluate: Callable[[Floats], Surface | None], at: Floats, here: Surface, step: Floats, bounds: Floats
) -> tuple[Surface | None, float, bool]:
    """Halve the step until it stays in the domain and does not lower the function."""
    share = 1.0
    for _ in range(50):
        there = evaluate(np.maximum(at + share * step, bounds))
        if there is not None and there.value >= here.value - 1e-13 * (1 + abs(here.value)):
            return there, share, share == 1.0
        share /= 2
    return None, 0.0, False


def _step(here: Surface, free: Bools) -> Floats:
    step = np.zeros(len(free))
    keep = np.ix_(free, free)
    for which in ("information", "expected"):
        made = solve_scaled(getattr(here, which)[keep], here.gradient[free])
        if made is not None:
            step[free] = made
            return step
    scale = np.maximum(np.abs(np.diag(here.expected)), 1e-300)
    step[free] = (here.gradient / scale)[free]
    return step


def solve_scaled(matrix: Floats, right: Floats) -> Floats | None:
    """Solve a positive definite system after scaling its diagonal to one; None when it is not one."""
    if len(matrix) == 0:
        return np.zeros_like(right)
    size = np.diag(matrix)
    if not (np.isfinite(matrix).all() and np.all(size > 0)):
        return None
    scale = 1 / np.sqrt(size)
    try:
        root = np.linalg.cholesky(matrix * np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return None
    if np.diag(root).min() < 1e-10:
        return None
    wide = scale if right.ndim == 1 else scale[:, None]
    half = np.linalg.solve(root, right * wide)
    return np.asarray(np.linalg.solve(root.T, half) * wide, dtype=np.float64)


def positive_part(information: float, scores: Floats) -> float:
    """Information of one parameter or, where the surface is not a hill, the sum of its squared scores."""
    return information if information > 0 else max(float(scores @ scores), 1e-8)


def symmetric_root(covariance: Floats) -> Floats:
    """The symmetric matrix whose square is `covariance` (q, q): draws made with it are the same on every machine."""
    size, axes = np.linalg.eigh(covariance)
    return np.asarray((axes * np.sqrt(np.maximum(size, 0.0))) @ axes.T, dtype=np.float64)
