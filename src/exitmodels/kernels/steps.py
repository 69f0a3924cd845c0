"""Reading step curves: their value at a time, and the time at which they reach a value.

Ground floor. Curves are right-continuous: the value at a jump is the value after it.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import AnyArray, Floats

__all__ = ["crossing", "value_at"]

_FLAT = 1e-8


def value_at(time: Floats, values: AnyArray, at: Floats, start: float, side: str = "right") -> Floats:
    """Value of a step curve at each of `at`; `start` before the first time."""
    places = np.searchsorted(time, at, side="right" if side == "right" else "left")
    return np.concatenate([[start], values])[places]


def crossing(time: Floats, values: Floats, level: float, falling: bool = True) -> float:
    """First time at which a curve falls to (or rises to) `level`; the middle of a flat piece at that level.

    Parameters
    ----------
    time, values : (k,)
        Values may be NaN where a limit is not defined; such times are passed over.
    level : float

    Returns
    -------
    float; NaN when the level is not reached.

    Notes
    -----
    Source: the rule of R's survfit: on a flat piece, the midpoint to the next change.
    """
    known = np.isfinite(values)
    time, values = time[known], values[known]
    gap = (values - level) if falling else (level - values)
    reached = np.flatnonzero(gap <= _FLAT)
    if reached.size == 0:
        return np.nan
    first = int(reached[0])
    if abs(gap[first]) > _FLAT:
        return float(time[first])
    beyond = np.flatnonzero(np.abs(values[first:] - values[first]) > _FLAT)
    return float(time[first] if beyond.size == 0 else (time[first] + time[first + int(beyond[0])]) / 2)
