"""Generalised linear autoregressive moving average models (GLARMA): a state that is driven by past residuals.

Ground floor. The linear predictor is v_t = x_t' b + z_t with

    z_t = sum_i phi_i (z_{t-i} + e_{t-i}) + sum_j theta_j e_{t-j},     e_t = residual of y_t given v_t,

and z = e = 0 before the series; e is zero where no count was observed. The residual depends on the state, so the
recursion is not linear; it is solved for all times at once by Newton's method, each step being a linear recursion
(recursions.py), and a plain pass over time stands behind it.

Source: Davis, Dunsmuir and Streett (2003, 2005); Dunsmuir and Scott (2015), section 2.
Read next: glarma_slopes.py (scores and information). Called by: models.counts.glarma.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.kernels.glarma_terms import ResidualTerms, law_of, residual_terms
from exitmodels.kernels.predictive import CountLaw
from exitmodels.kernels.recursions import bands, lagged, solve, spectral_radius

__all__ = ["Path", "Shape", "next_state", "system", "trace"]

_STEPS, _FAR = 40, 500.0


@dataclass(frozen=True, eq=False)
class Shape:
    """What is known before any parameter is.

    Attributes
    ----------
    y : (n,) float
        Counts; NaN where none was observed.
    exposure : (n,)
        Multiplies the mean; not used with trials.
    design : (n, p)
    ar, ma : tuple of int
        Lags.
    power : float
        See `glarma_terms.POWERS`.
    trials : (n,) or None
    free_alpha : bool
        Whether log alpha is the last parameter (negative binomial).
    """

    y: Floats
    exposure: Floats
    design: Floats
    ar: tuple[int, ...]
    ma: tuple[int, ...]
    power: float
    trials: Floats | None = None
    free_alpha: bool = False

    @cached_property
    def seen(self) -> Bools:
        """Where a count was observed (n,)."""
        return np.isfinite(self.y)

    @cached_property
    def known(self) -> Floats:
        """Counts, with zeros where none was observed (n,)."""
        return np.where(self.seen, self.y, 0.0)

    @cached_property
    def columns(self) -> Floats:
        """Covariates by row (p, n)."""
        return np.ascontiguousarray(self.design.T)

    @property
    def width(self) -> int:
        """Number of covariates."""
        return self.design.shape[1]

    def alpha(self, theta: Floats) -> float:
        """Dispersion at these parameters."""
        return float(np.exp(np.clip(theta[-1], -40.0, 40.0))) if self.free_alpha else 0.0

    def lag_parts(self, theta: Floats) -> list[tuple[int, float, bool]]:
        """(lag, coefficient, whether autoregressive), in the order of the parameters."""
        values = theta[self.width : self.width + len(self.ar) + len(self.ma)]
        lags = [(lag, True) for lag in self.ar] + [(lag, False) for lag in self.ma]
        return [(lag, float(v), kind) for (lag, kind), v in zip(lags, values, strict=True)]


@dataclass(frozen=True, eq=False)
class Path:
    """The state at one value of the parameters.

    Attributes
    ----------
    state, predictor : (n,)
        z and v.
    law : CountLaw
    residual : ResidualTerms
        Zeros where no count was observed.
    """

    state: Floats
    predictor: Floats
    law: CountLaw
    residual: ResidualTerms


def trace(shape: Shape, theta: Floats) -> Path | None:
    """Follow the state through time; None where it runs away or its autoregression is not stable."""
    parts = shape.lag_parts(theta)
    if not np.isfinite(theta).all() or spectral_radius({lag: v for lag, v, ar in parts if ar}) >= 1:
        return None
    base = theta[: shape.width] @ shape.columns
    if np.abs(base).max() > _FAR:
        return None
    state: Floats | None = np.zeros(len(base))
    if any(v for _, v, _ in parts):
        state = _newton(shape, theta, base)
        state = _pass(shape, theta, base) if state is None else state
    if state is None:
        return None
    return _path(shape, theta, base, state)


def _path(shape: Shape, theta: Floats, base: Floats, state: Floats) -> Path:
    predictor = base + state
    law = law_of(predictor, shape.exposure, shape.trials, shape.alpha(theta))
    return Path(state, predictor, law, _residuals(shape, law))


def _residuals(shape: Shape, law: CountLaw) -> ResidualTerms:
    made = residual_terms(shape.known, law, shape.power)
    if shape.seen.all():
        return made
    return replace(made, **{name: np.where(shape.seen, part, 0.0) for name, part in vars(made).items()})


def _newton(shape: Shape, theta: Floats, base: Floats) -> Floats | None:
    """Solve for the whole path: linearise the residuals about the last path, run the linear recursion, repeat."""
    state = np.zeros(len(base))
    for _ in range(_STEPS):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            path = _path(shape, theta, base, state)
            e = path.residual
            rest = e.value - e.slope * state
            packed, right = system(shape.lag_parts(theta), e.slope, rest)
            after = solve(packed, right) if np.isfinite(packed).all() and np.isfinite(right).all() else None
        if after is None or not np.isfinite(after).all() or np.abs(after).max() > _FAR:
            return None
        moved = float(np.abs(after - state).max())
        state = after
        if moved < 1e-9 * (1 + float(np.abs(state).max())):
            return _polish(shape, theta, base, state)
    return None


def _polish(shape: Shape, theta: Floats, base: Floats, state: Floats) -> Floats:
    """One step more: from an error below 1e-9 to rounding."""
    e = _path(shape, theta, base, state).residual
    packed, right = system(shape.lag_parts(theta), e.slope, e.value - e.slope * state)
    return solve(packed, right)


def system(parts: list[tuple[int, float, bool]], slope: Floats, rest: Floats) -> tuple[Floats, Floats]:
    """The linear recursion of the state when a residual is ``rest + slope * state``: its bands and right-hand side."""
    coefficient: dict[int, Floats | float] = {}
    right = np.zeros_like(rest)
    for lag, value, ar in parts:
        coefficient[lag] = coefficient.get(lag, 0.0) + value * lagged(ar + slope, lag)
        right += value * lagged(rest, lag)
    return bands(coefficient, len(rest)), right


def _pass(shape: Shape, theta: Floats, base: Floats) -> Floats | None:
    """Go through time step by step: slow, and used only where Newton's method did not settle."""
    n = len(base)
    parts, alpha = shape.lag_parts(theta), shape.alpha(theta)
    state, residual = np.zeros(n), np.zeros(n)
    for t in range(n):
        state[t] = next_state(parts, state, residual, t)
        if abs(base[t] + state[t]) > _FAR:
            return None
        if shape.seen[t]:
            trials = None if shape.trials is None else shape.trials[t : t + 1]
            law = law_of(base[t : t + 1] + state[t], shape.exposure[t : t + 1], trials, alpha)
            residual[t] = residual_terms(shape.y[t : t + 1], law, shape.power).value[0]
    return state


def next_state(parts: list[tuple[int, float, bool]], state: Floats, residual: Floats, t: int) -> Floats:
    """State of time t from the states and residuals before it (along the last axis)."""
    total = np.zeros(state.shape[:-1])
    for lag, value, ar in parts:
        if lag <= t:
            total = total + value * (residual[..., t - lag] + (state[..., t - lag] if ar else 0.0))
    return total
