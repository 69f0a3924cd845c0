"""Numbers read off a curve with one person left out, for every person at once.

Ground floor. Up to the day a person leaves the risk sets are one smaller; after
that day they are as they were. So each answer is a running sum with smaller
risk sets up to that day, one corrected step, and the rest of the full sum,
rescaled: O(n m), not n refits.

Called by: models.hazards.pseudo.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.functionals import Readings

__all__ = ["leave_one_out"]


def leave_one_out(r: Readings) -> Floats:
    """Each number with one person less, (n, m).

    Parameters
    ----------
    r : Readings
        Nobody enters late; weights are whole numbers of identical people, of whom one is left out.

    Notes
    -----
    Agrees with refitting to rounding error. Where the person left out was the last one at risk, the curve
    stays where it was.
    """
    index, k = r.index, r.index.n_times
    less = np.maximum(r.at_risk - 1.0, 0.0)
    alone = less <= 0
    safe = np.where(alone, 1.0, less)
    total = r.events.sum(axis=0)
    survival = _product(np.where(alone, 1.0, np.maximum(1.0 - total / safe, 0.0)))
    level = np.ones(k + 1) if r.hazard else survival
    short = _running(r.omega * np.where(alone, 0.0, r.own / safe) * level[:-1])
    full_level = np.ones(k + 1) if r.hazard else _product(1.0 - total / r.at_risk)
    full = _running(r.omega * (r.own / r.at_risk) * full_level[:-1])

    left = index.moment >= 0
    upto = index.leaves - left
    out = short[upto]
    begin = level[upto]
    rows = np.flatnonzero(left)
    at = index.moment[rows]
    counts = np.zeros(len(left))
    counts[r.counts()] = 1.0
    step = np.where(alone[at], 0.0, np.maximum(r.own[at] - counts[rows], 0.0) / safe[at])
    out[rows] += r.omega.T[at] * (step * begin[rows])[:, None]
    if not r.hazard:
        stay = np.where(alone[at], 1.0, 1.0 - np.maximum(total[at] - 1.0, 0.0) / safe[at])
        begin = begin.copy()
        begin[rows] *= np.maximum(stay, 0.0)
    reached = full_level[index.leaves]
    ratio = np.where(reached > 0, begin / np.where(reached > 0, reached, 1.0), 0.0)
    out += (full[-1] - full[index.leaves]) * ratio[:, None]
    return r.start + r.sign * out


def _product(factors: Floats) -> Floats:
    """Running product with a leading one, (k + 1,)."""
    return np.concatenate([[1.0], np.cumprod(factors)])


def _running(steps: Floats) -> Floats:
    """Running sums with a leading zero, times first: (k + 1, m)."""
    total = np.zeros((steps.shape[1] + 1, len(steps)))
    np.cumsum(steps.T, axis=0, out=total[1:])
    return total
