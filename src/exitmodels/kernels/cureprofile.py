"""Profile limits of the share that never leaves, and what the records say about it without a law of the lag.

Ground floor.

Called by: models.hazards.discrete_cure_results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.ascent import Surface, ascend
from exitmodels.kernels.curelag import CureRows, Penalty, cure_surface

__all__ = ["FollowUp", "follow_up", "profile_never"]

_EDGE, _FAR = 12.0, 20.0


def profile_never(
    data: CureRows, penalty: Penalty | None, best: Floats, top: float, point: Floats, alpha: float
) -> tuple[float, float]:
    """Limits of logit(never) at a row of the never-part, where twice the profile's drop reaches chi-squared on 1 df.

    Parameters
    ----------
    best, top
        The maximum and its value (penalised if there is a penalty).
    point : (a,)
        The row of the never-part, the intercept's 1 first.

    Returns
    -------
    low, high
        -inf or inf where the profile never falls so far: the share may be 0, or 1.
    """
    # With the point subtracted from the columns, the intercept is the predictor at the point.
    shift = data.never - point
    shift[:, 0] = 1.0
    held = replace(data, never=shift)
    turn = np.eye(len(best))
    turn[0, : data.sizes[0]] = point
    back = np.linalg.inv(turn)
    own = None if penalty is None else Penalty(penalty.by_logit @ back, penalty.by_link @ back)
    middle = turn @ best
    quantile = float(chdtri(1, alpha))
    last = {1: middle[1:], -1: middle[1:]}

    def drop(u: float, side: int) -> float:
        def surface(free: Floats) -> Surface | None:
            whole = cure_surface(np.concatenate([[u], free]), held, own)
            if whole is None:
                return None
            return Surface(whole.value, whole.gradient[1:], whole.information[1:, 1:], lambda: whole.stand_in()[1:, 1:])

        found = ascend(surface, last[side] if surface(last[side]) is not None else middle[1:])
        last[side] = found.at
        return 2 * (top - found.surface.value) - quantile

    return _limit(lambda u: drop(u, -1), middle[0], -1), _limit(lambda u: drop(u, 1), middle[0], 1)


def _limit(drop: Callable[[float], float], middle: float, side: int) -> float:
    """Walk outwards until the profile has fallen far enough, then close in."""
    if side * middle > _EDGE:
        return side * np.inf
    inner, step = float(np.clip(middle, -_EDGE, _EDGE)), 0.25
    while True:
        outer = inner + side * step
        if side * outer > _FAR:
            return side * np.inf
        if drop(outer) > 0:
            return float(brentq(drop, min(inner, outer), max(inner, outer), xtol=1e-9, rtol=1e-12))
        inner, step = outer, step * 1.6


@dataclass(frozen=True)
class FollowUp:
    """How long the records follow those that are still out.

    Attributes
    ----------
    longest_lag, longest : int
        The last period in which anything left, and the last in which anything was watched.
    beyond : float
        Rows watched after `longest_lag`.
    plateau, se : float
        Product-limit chance to be still out at the end, and Greenwood's standard error: an upper bound of the share
        that never leaves.
    alpha : float
        Maller and Zhou's (1996) approximate p-value of "the follow-up is too short": (1 - share of rows that left in
        the second half of the stretch around the last exit) ** n.
    """

    longest_lag: int
    longest: int
    beyond: float
    plateau: float
    se: float
    alpha: float


def follow_up(enters: Ints, leaves: Ints, event: Bools, weight: Floats) -> FollowUp:
    """Measure the follow-up; rows are at risk in periods enters + 1 .. leaves.

    Examples
    --------
    >>> out = np.array([False, False]), np.array([6, 6])
    >>> f = follow_up(np.zeros(4, int), np.r_[1, 2, out[1]], np.r_[True, True, out[0]], np.ones(4))
    >>> f.longest_lag, f.longest, f.beyond, f.plateau
    (2, 6, 2.0, 0.5)
    """
    t = int(leaves.max())
    counts = np.bincount(leaves[event], weight[event], t + 1)[1:]
    steps = np.bincount(enters, weight, t + 1) - np.bincount(leaves, weight, t + 1)
    at_risk = np.cumsum(steps)[:t]
    some = counts > 0
    share = counts[some] / at_risk[some]
    plateau = float(np.prod(1 - share))
    with np.errstate(divide="ignore"):
        spread = float((share / (at_risk[some] - counts[some])).sum())
    last = int(np.flatnonzero(some)[-1]) + 1 if some.any() else 0
    n = float(weight.sum())
    recent = float(counts[max(2 * last - t, 0) : last].sum())
    se = plateau * np.sqrt(spread) if plateau > 0 else 0.0
    return FollowUp(last, t, float(weight[leaves > last].sum()), plateau, float(se), float((1 - recent / n) ** n))
