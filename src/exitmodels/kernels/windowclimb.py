"""Newton's method for likelihoods under truncation, which may rise for ever along a direction in which they are flat.

Ground floor: NumPy only. Called by: models.truncation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, solve_scaled

__all__ = ["climb"]

_GAIN = 1e-16
_FLAT = 1e-10
_SLOW = 1e-6
_FAR = 10.0
_PATIENCE = 6


def climb(evaluate: Callable[[Floats], Surface | None], starts: Sequence[Floats], metric: Floats, most: int) -> Ascent:
    """Climb from the first of `starts` at which `evaluate` gives a surface; it gives None outside its domain.

    Parameters
    ----------
    starts : sequence of (q,)
    metric : (q, q)
        The squared length of a step s is s' metric s; lengths of 1 matter, and no step is longer than a few.
    most : int
        Largest number of steps.

    Notes
    -----
    Steps use the observed information, or its absolute value where the surface is no hill; they are halved until the
    function does not fall. The search ends one step after the expected gain is below rounding, so that scores are zero
    to rounding. It gives up when several steps in a row gain next to nothing though they are as long as allowed, or had
    to be cut short: the function then rises, ever more slowly, towards a limit that no parameters inside reach.
    """
    at, here, flat = np.asarray(starts[0], dtype=np.float64), evaluate(starts[0]), 0
    for start in starts[1:]:
        if here is None:
            at, here = np.asarray(start, dtype=np.float64), evaluate(start)
    if here is None:
        raise ValueError("the search must begin inside the domain")
    none = np.zeros(len(at), dtype=bool)
    for count in range(most):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            step = _step(here)
        if not np.isfinite(step).all():
            return Ascent(at, here, none, False, count)
        share = min(1.0, _FAR / max(float(np.sqrt(step @ metric @ step)), 1e-300))
        gain = float(here.gradient @ step) * share
        there, taken = _search(evaluate, at, here, share * step)
        won = 0.0 if there is None else there.value - here.value
        long = share < 1 and gain < _FLAT * (1 + abs(here.value))
        short = taken < 0.1 and won < _SLOW * (1 + abs(here.value))
        flat = flat + 1 if long or short else 0
        if there is None or flat >= _PATIENCE:
            return Ascent(at, here, none, gain < 1e-12 * (1 + abs(here.value)) and share == 1, count)
        at, here = at + taken * share * step, there
        if gain < _GAIN * (1 + abs(here.value)) and taken * share == 1:
            return Ascent(at, here, none, True, count + 1)
    return Ascent(at, here, none, False, most)


def _search(
    evaluate: Callable[[Floats], Surface | None], at: Floats, here: Surface, step: Floats
) -> tuple[Surface | None, float]:
    share = 1.0
    for _ in range(40):
        there = evaluate(at + share * step)
        if there is not None and there.value >= here.value - 1e-13 * (1 + abs(here.value)):
            return there, share
        share /= 2
    return None, 0.0


def _step(here: Surface) -> Floats:
    plain = solve_scaled(here.information, here.gradient)
    if plain is not None:
        return plain
    scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(here.information)), 1e-300))
    size, axes = np.linalg.eigh(here.information * np.outer(scale, scale))
    size = np.maximum(np.abs(size), max(1e-4 * float(np.abs(size).max()), 1e-300))
    return np.asarray(scale * (axes @ ((axes.T @ (here.gradient * scale)) / size)), dtype=np.float64)
