"""How much a level moves: variances of a local-level model by (diffuse) maximum likelihood.

Ground floor. One number is searched: the ratio of level's to noise's variance for a Gaussian series, the level's own
variance itself for Poisson counts. The likelihood is read on a grid first, since it can have two peaks and since its
top may lie at no movement at all; then the root of its exact derivative is found.

Source: Durbin and Koopman (2012), sections 2.10, 7.3 and 14.2. Called by: models.counts.local_level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from exitmodels.arrays import Floats
from exitmodels.kernels.locallevel import Smoothed, poisson_mode, signal_response, smooth

__all__ = ["LevelFit", "fit_gaussian", "fit_poisson_level", "gaussian_at", "poisson_at"]

_LOG2PI = float(np.log(2 * np.pi))
_RATIOS = np.linspace(-16.0, 9.0, 26)
_STEPS = np.linspace(-16.0, 3.0, 20)
_H = 1e-2


@dataclass(frozen=True, eq=False)
class LevelFit:
    """A fitted local level.

    Attributes
    ----------
    noise : float
        Variance of the irregular; NaN for Poisson counts.
    step : float
        Variance of a step of the level; zero when the level does not move.
    llf : float
        Diffuse (Laplace, for Poisson counts) log-likelihood.
    log_covariance : (2, 2) or (1, 1)
        Covariance of the logs of (noise, step), or of step; NaN where a variance is at its limit.
    smoothed : Smoothed
    mean : (n,)
        Fitted mean.
    at_limit : {"", "step", "noise"}
        A variance that is at zero.
    converged : bool
    """

    noise: float
    step: float
    llf: float
    log_covariance: Floats
    smoothed: Smoothed
    mean: Floats
    at_limit: str
    converged: bool


# ---- Gaussian -----------------------------------------------------------------------------------------------------
def gaussian_at(y: Floats, design: Floats, noise: float, step: float) -> tuple[float, Smoothed]:
    """Diffuse log-likelihood and smoothed level at given variances; NaN in `y` is not observed."""
    seen = np.isfinite(y)
    work, weight = np.where(seen, y, 0.0), seen / noise
    made = smooth(work, weight, design, step)
    errors = float(weight @ (work - made.signal) ** 2)
    count = int(seen.sum())
    value = -0.5 * (count * (_LOG2PI + float(np.log(noise))) + errors + made.roughness) + made.log_volume
    return value, made


def fit_gaussian(y: Floats, design: Floats) -> LevelFit:
    """Maximise the diffuse likelihood over both variances.

    Parameters
    ----------
    y : (n,)
        NaN where not observed.
    design : (n, k)
        Covariates without a constant.

    Notes
    -----
    The noise variance has a closed form given the ratio step / noise.
    """
    seen = np.isfinite(y)
    room = int(seen.sum()) - 1 - design.shape[1]
    centre = float(y[seen].mean())

    def profile(ratio: float) -> tuple[float, float, float]:
        """Log-likelihood, noise variance and derivative by log ratio."""
        made = smooth(np.where(seen, y - centre, 0.0), seen * 1.0, design, ratio)
        residual = np.where(seen, y - centre, 0.0) - seen * made.signal
        noise = (float(residual @ residual) + made.roughness) / room
        value = (
            -0.5 * room * (_LOG2PI + float(np.log(noise)) + 1) + made.log_volume - 0.5 * (1 + design.shape[1]) * _LOG2PI
        )
        return value, noise, 0.5 * (made.roughness / noise + made.step_variance - (len(y) - 1))

    log_ratio, at_limit, converged = _search(lambda x: profile(np.exp(x))[::2], _RATIOS, profile(0.0)[0])
    ratio = 0.0 if at_limit == "step" else float(np.exp(log_ratio))
    _, noise, _ = profile(ratio)
    value, made = gaussian_at(y, design, noise, ratio * noise)
    covariance = np.full((2, 2), np.nan)
    if not at_limit:
        covariance = _log_covariance(y, design, noise, log_ratio, room)
    elif at_limit == "step":
        covariance[0, 0] = 2 / room
    return LevelFit(noise, ratio * noise, value, covariance, made, made.signal, at_limit, converged)


def _log_covariance(y: Floats, design: Floats, noise: float, log_ratio: float, room: int) -> Floats:
    """Inverse information of (log noise, log step); derivatives by the ratio from the exact first derivative."""

    def at(x: float) -> tuple[float, float]:
        made = gaussian_at(y, design, noise, noise * np.exp(x))[1]
        return made.roughness, 0.5 * (made.roughness + made.step_variance - (len(y) - 1))

    bend = -_slope(lambda x: at(x)[1], log_ratio)
    cross = 0.5 * at(log_ratio)[0]
    # In (a, r) = (log noise, log ratio), then in (a, b) with b = a + r.
    inner = np.array([[0.5 * room, cross], [cross, bend]])
    turn = np.array([[1.0, 0.0], [-1.0, 1.0]])
    return np.asarray(np.linalg.inv(turn.T @ inner @ turn), dtype=np.float64)


# ---- Poisson ------------------------------------------------------------------------------------------------------
def poisson_at(
    y: Floats, offset: Floats, design: Floats, step: float, begin: Floats | None = None
) -> tuple[float, float, Smoothed, Floats, bool]:
    """Laplace log-likelihood, its derivative by log step, smoothed level, mean, and whether the mode was found."""
    made, value, mean, found = poisson_mode(y, offset, design, step, begin)
    if step == 0:
        return value, 0.0, made, mean, found
    # The mode moves with the variance, and the curvature at the mode with it.
    weight = np.where(np.isfinite(y), mean, 0.0)
    push = np.zeros(len(y))
    steps = np.diff(made.level) / step
    push[:-1] -= steps
    push[1:] += steps
    moved = signal_response(push, weight, design, step)
    slope = 0.5 * (made.roughness + made.step_variance - (len(y) - 1))
    slope -= 0.5 * float(np.sum(made.signal_variance * weight * moved))
    return value, slope, made, mean, found


def fit_poisson_level(y: Floats, offset: Floats, design: Floats) -> LevelFit:
    """Maximise the Laplace likelihood over the variance of the level's steps."""
    begin: list[Floats | None] = [None]

    def profile(x: float) -> tuple[float, float]:
        value, slope, made, _, _ = poisson_at(y, offset, design, float(np.exp(x)), begin[0])
        begin[0] = made.signal
        return value, slope

    still = poisson_mode(y, offset, design, 0.0)
    log_step, at_limit, converged = _search(profile, _STEPS, still[1])
    step = 0.0 if at_limit else float(np.exp(log_step))
    value, _, made, mean, found = poisson_at(y, offset, design, step, begin[0] if step else None)
    covariance = np.full((1, 1), np.nan)
    if not at_limit:
        covariance[0, 0] = -1 / _slope(lambda x: profile(x)[1], log_step)
    return LevelFit(np.nan, step, value, covariance, made, mean, at_limit, converged and found)


# ---- one parameter ------------------------------------------------------------------------------------------------
def _search(profile: Callable[[float], tuple[float, float]], grid: Floats, still: float) -> tuple[float, str, bool]:
    """The highest point: where the derivative changes sign next to the best grid point, or a limit."""
    found = np.array([profile(x) for x in grid])
    best = int(np.argmax(found[:, 0]))
    if best == 0 or still >= found[best, 0] - 1e-9 * abs(still):
        return float(grid[0]), "step", True
    if best == len(grid) - 1:
        return float(grid[-1]), "noise", True
    low, high = (best, best + 1) if found[best, 1] > 0 else (best - 1, best)
    if found[low, 1] * found[high, 1] > 0:
        return float(grid[best]), "", False
    root = optimize.brentq(lambda x: profile(x)[1], grid[low], grid[high], xtol=1e-13, rtol=1e-14)
    top = float(root)
    return (float(grid[0]), "step", True) if still >= profile(top)[0] else (top, "", True)


def _slope(function: Callable[[float], float], x: float) -> float:
    """Derivative by central differences with two steps extrapolated: error of order h^4."""
    wide = (function(x + 2 * _H) - function(x - 2 * _H)) / (4 * _H)
    near = (function(x + _H) - function(x - _H)) / (2 * _H)
    return (4 * near - wide) / 3
