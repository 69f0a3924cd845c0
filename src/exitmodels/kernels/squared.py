"""Squared extrapolation: a slow monotone step, taken further along its own path.

Ground floor: NumPy only. For estimates that repeat one step (self-consistency) until nothing changes.

Called by: lengthbias.py, boundmass.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["Settled", "settle"]

_FAR = 50.0


@dataclass(frozen=True, eq=False)
class Settled:
    """Where a step came to rest.

    Attributes
    ----------
    mass : (m,)
        Sums to one.
    value : float
        Log-likelihood there.
    gap : float
        Largest change of a mass in one more step.
    n_steps : int
    converged : bool
    """

    mass: Floats
    value: float
    gap: float
    n_steps: int
    converged: bool


def settle(
    step: Callable[[Floats], tuple[float, Floats]], start: Floats, tol: float = 1e-12, most: int = 20000
) -> Settled:
    """Repeat `step` on masses, extrapolating in their logs, until they no longer change.

    Parameters
    ----------
    step : function
        Log-likelihood at masses (m,) that sum to one, and the masses after one step, which must not lower it.
    start : (m,)
        Positive.
    tol : float
        Largest change of a mass, relative to the largest mass, at which to stop.

    Notes
    -----
    An extrapolated point is kept only if the likelihood there is not below that after the plain steps, so the sequence
    rises. Masses may go to zero. Source: Varadhan & Roland (2008), scheme S3.

    Examples
    --------
    >>> found = settle(lambda p: (0.0, 0.5 * p + 0.5 * np.array([0.25, 0.75])), np.array([0.5, 0.5]))
    >>> found.mass.round(6).tolist()
    [0.25, 0.75]
    """
    mass = start / start.sum()
    value, one = step(mass)
    steps, reach = 1, _FAR
    while steps < most:
        if np.abs(one - mass).max() <= tol * mass.max():
            return Settled(one, value, float(np.abs(one - mass).max()), steps, True)
        value_one, two = step(one)
        steps += 1
        tried, full = _further(mass, one, two, reach)
        value_tried, after = step(tried)
        steps += 1
        if np.isfinite(value_tried) and value_tried >= value_one - 1e-13 * abs(value_one):
            reach *= 2.0 if full else 1.0
            mass, one, value = tried, after, value_tried
        else:
            reach = max(reach / 2, 2.0)
            mass, one, value = one, two, value_one
    return Settled(one, value, float(np.abs(one - mass).max()), steps, False)


def _further(mass: Floats, one: Floats, two: Floats, reach: float) -> tuple[Floats, bool]:
    """Extrapolate along mass -> one -> two in logs; also whether the length was cut at `reach`."""
    tiny = 1e-300
    x, y, z = (np.log(np.maximum(v, tiny)) for v in (mass, one, two))
    # where a mass has all but vanished its log runs off and would rule the length
    held = (two > 1e-14) & (mass > 1e-14)
    change, bend = y - x, (z - y) - (y - x)
    curved = float(bend[held] @ bend[held])
    length = float(np.sqrt(change[held] @ change[held] / curved)) if curved > 0 else 1.0
    full = length >= reach
    length = min(max(length, 1.0), reach)
    moved = np.where(held, x + 2 * length * change + length**2 * bend, z)
    moved = np.exp(moved - moved.max())
    return moved / moved.sum(), full
