"""Profile likelihood: one coefficient held fixed, the others at their best.

Ground floor. Works for any log-likelihood that gives its value, gradient and
information; so for the partial likelihood and for Firth's.

A limit is where twice the drop of the profile reaches a quantile. The slope of
the profile at b is the gradient of the held coefficient, so the root is found by
Newton's method on the signed root of the drop, which is nearly a straight line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.optimise import Terms, newton

__all__ = ["Profile", "ProfilePoint", "profile_limit"]

_STEPS = 80
_FIRST = 0.05
_PATIENCE = 30
_NEAR = 1e-10


@dataclass(frozen=True, eq=False)
class _Rest:
    """Terms of the free coefficients."""

    value: float
    gradient: Floats
    information: Floats
    whole: Terms


@dataclass(frozen=True, eq=False)
class ProfilePoint:
    """The profile at one value of the held coefficient.

    Attributes
    ----------
    at : (p,)
        All coefficients.
    value, slope : float
        Log-likelihood, and its derivative along the profile.
    drift : (p,)
        How the best values of the others move with the held one; 1 for itself.
    converged : bool
        Whether the others are at their best.
    """

    at: Floats
    value: float
    slope: float
    drift: Floats
    converged: bool


@dataclass(eq=False)
class Profile:
    """The profile of coefficient j.

    Parameters
    ----------
    evaluate : function of (p,) giving value, gradient and information
    best : (p,)
        The maximum; `top` is the value there.
    j : int
    tol, max_steps
        As in `optimise.newton`.
    """

    evaluate: Callable[[Floats], Terms]
    best: Floats
    top: float
    j: int
    tol: float = 1e-7
    max_steps: int = 60
    evaluations: int = 0

    def point(self, b: float, near: ProfilePoint | None = None) -> ProfilePoint:
        """Maximise over the other coefficients with this one at `b`, starting from a point nearby."""
        others = np.arange(len(self.best)) != self.j
        start = self.best.copy() if near is None else near.at + (b - near.at[self.j]) * near.drift
        start[self.j] = b

        def rest(free: Floats) -> _Rest:
            self.evaluations += 1
            whole = start.copy()
            whole[others] = free
            with np.errstate(all="ignore"):
                terms = self.evaluate(whole)
            part = terms.information[np.ix_(others, others)]
            if not (np.isfinite(terms.value) and np.isfinite(terms.information).all()):
                return _Rest(-np.inf, np.zeros(len(free)), np.eye(len(free)), terms)
            return _Rest(terms.value, terms.gradient[others], part, terms)

        first = rest(start[others])
        if near is not None and not first.value > near.value - 50.0:
            start[others] = near.at[others]
            first = rest(start[others])
        found = newton(rest, start[others], self.tol, self.max_steps, first)
        terms = rest(found.at)
        at = start.copy()
        at[others] = found.at
        drift = np.ones(len(at))
        drift[others] = -_solve(terms.information, terms.whole.information[others, self.j])
        reached = found.converged and bool(np.isfinite(terms.value))
        return ProfilePoint(at, terms.value, float(terms.whole.gradient[self.j]), drift, reached)


def profile_limit(profile: Profile, drop: float, side: int, step: float, reach: float) -> float:
    """Where the profile has fallen by `drop`; infinite (with the sign of `side`) when it never does.

    Parameters
    ----------
    drop : float
        Half the quantile of chi-squared with one degree of freedom.
    side : {-1, 1}
    step : float
        Where to look first: the distance of Wald's limit.
    reach : float
        Distance at which to give up: there ratios of risks near the end of what a computer can hold.

    Notes
    -----
    The profile of a concave function is concave: once it falls it goes on falling, at least as steeply, so a
    limit is infinite only where the likelihood rises for ever (a monotone likelihood).
    Source: Venzon & Moolgavkar (1988); Heinze & Schemper (2001).
    """
    centre = float(profile.best[profile.j])
    wanted = float(np.sqrt(2 * drop))
    inner, outer = 0.0, np.inf
    near: ProfilePoint | None = None
    away, patience = min(step, _FIRST * reach), _PATIENCE
    for _ in range(_STEPS):
        point = profile.point(centre + side * away, near)
        if not point.converged and patience > 0:
            reach = reach if np.isfinite(point.value) else min(reach, 0.5 * (inner + away))
            away, patience = 0.5 * (inner + away), patience - 1
            continue
        fallen = max(profile.top - point.value, 0.0)
        short = wanted - float(np.sqrt(2 * fallen))
        if short > 0:
            inner, near = max(inner, away), point
        else:
            outer = min(outer, away)
        if inner >= reach:
            return side * np.inf
        slope = -side * point.slope / float(np.sqrt(2 * fallen)) if fallen > 0 else 0.0
        move = short / slope if slope > 0 else np.inf
        if abs(move) <= _NEAR * max(abs(centre + side * away), min(away, step)):
            return centre + side * (away + move)
        away = _next(away, move, inner, outer, reach)
    return centre + side * away


def _next(away: float, move: float, inner: float, outer: float, reach: float) -> float:
    """Newton's proposal, kept inside the bracket; at most three times as far while there is no outer end."""
    proposal = away + move
    if np.isinf(outer):
        return float(min(proposal, 3 * away, reach))
    if np.isinf(move):
        return 0.5 * (inner + outer)
    return proposal if inner < proposal < outer else 0.5 * (inner + outer)


def _solve(information: Floats, column: Floats) -> Floats:
    """I^-1 c, leaving alone coefficients about which nothing is known here (they run to infinity)."""
    out = np.zeros_like(column)
    size = np.diag(information)
    known = np.flatnonzero(size > 1e-10 * np.max(size, initial=0.0))
    d = np.sqrt(size[known])
    part = information[np.ix_(known, known)] / np.outer(d, d)
    if len(known) and np.isfinite(part).all():
        out[known] = np.linalg.lstsq(part, column[known] / d, rcond=1e-10)[0] / d
    return out
