"""A level that walks at random, seen through noise or through Poisson counts, beside fixed covariates.

Ground floor. The predictor is ``level_t + x_t' b``; the level's steps are normal with variance `step`; its start and b
have flat (diffuse) priors. Given weights and a working response the posterior of level and b is normal with a precision
that is tridiagonal but for the columns of b; it is solved by banded Cholesky factors in O(n), and inverse
diagonals come from the pivots of the factors read from both ends. No pass over time is written in Python.

Source: Durbin and Koopman (2012), chapters 2, 5 and 14; De Jong (1991) for diffuse covariates. The likelihood is the
diffuse one: first observations and covariates contribute no constant (as in KFAS).

Read next: levelfilter.py (innovations), levelvariance.py (variances).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from exitmodels.arrays import Floats

__all__ = ["Smoothed", "poisson_mode", "signal_response", "smooth", "tridiagonal"]

_LOG2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Smoothed:
    """The normal posterior of level and covariates' coefficients.

    Attributes
    ----------
    level, level_variance : (n,)
    coef : (k,)
    coef_covariance : (k, k)
    cross : (n, k)
        Covariance of level and coefficients.
    signal, signal_variance : (n,)
        Of ``level + x' coef``.
    roughness : float
        Sum of squared steps of the mean level over `step`; zero when the level does not move.
    step_variance : float
        Sum of the posterior variances of the steps, over `step`.
    log_volume : float
        What integrating over level and coefficients adds to the log-likelihood at the mode.
    """

    level: Floats
    level_variance: Floats
    coef: Floats
    coef_covariance: Floats
    cross: Floats
    signal: Floats
    signal_variance: Floats
    roughness: float
    step_variance: float
    log_volume: float


def smooth(work: Floats, weight: Floats, design: Floats, step: float) -> Smoothed:
    """Posterior given a working response with independent normal errors.

    Parameters
    ----------
    work : (n,)
        Any number where the weight is zero.
    weight : (n,)
        Precisions; zero where nothing was observed, above zero at least once.
    design : (n, k)
        Covariates without a constant.
    step : float
        Variance of a step of the level; at zero the level is constant.

    Raises
    ------
    numpy.linalg.LinAlgError
        If level and covariates cannot be told apart.
    """
    if step == 0:
        return _still(work, weight, design)
    n, k = design.shape
    tight = 1 / step
    ab, factor = tridiagonal(weight, tight)
    right = weight[:, None] * np.column_stack([work, design])
    solved = linalg.cho_solve_banded((factor, True), right)
    moved = solved[:, 1:]
    gram = right[:, 1:].T @ design - right[:, 1:].T @ moved
    coef, covariance, log_gram = _coefficients(gram, right[:, 1:].T @ (work - solved[:, 0]))
    level = solved[:, 0] - moved @ coef
    forward = factor[0] ** 2
    backward = linalg.cholesky_banded(_reversed(ab), lower=True)[0][::-1] ** 2
    variance = 1 / (forward + backward - ab[0])
    # Precision of each level from the data on its left, and from those on its right.
    left, rest = forward[:-1] - tight, backward[1:] - tight
    apart = 1 / (tight + left * rest / np.maximum(left + rest, 1e-300))
    cross = -moved @ covariance
    level_variance = variance + np.einsum("ij,ij->i", moved, -cross)
    steps = np.diff(moved, axis=0)
    step_variance = float(apart.sum() + np.einsum("ij,jk,ik->", steps, covariance, steps)) * tight
    log_p = 2 * float(np.log(factor[0]).sum()) + log_gram
    volume = 0.5 * (n + k) * _LOG2PI - 0.5 * (n - 1) * (_LOG2PI + float(np.log(step))) - 0.5 * log_p
    return _gather(level, level_variance, coef, covariance, cross, design, tight, step_variance, volume)


def tridiagonal(weight: Floats, tight: float) -> tuple[Floats, Floats]:
    """Precision of the level given the coefficients, in lower band storage, and its Cholesky factor."""
    ab = np.zeros((2, len(weight)))
    ab[0] = weight + 2 * tight
    ab[0, 0] -= tight
    ab[0, -1] -= tight
    ab[1, :-1] = -tight
    return ab, linalg.cholesky_banded(ab, lower=True)


def signal_response(push: Floats, weight: Floats, design: Floats, step: float) -> Floats:
    """How the signal moves when the log-posterior's slope in the level is changed by `push` (n,); step above zero."""
    factor = tridiagonal(weight, 1 / step)[1]
    weighted = weight[:, None] * design
    solved = linalg.cho_solve_banded((factor, True), np.column_stack([push, weighted]))
    moved = solved[:, 1:]
    coef = _coefficients(weighted.T @ design - weighted.T @ moved, -weighted.T @ solved[:, 0])[0]
    return np.asarray(solved[:, 0] - moved @ coef + design @ coef, dtype=np.float64)


def _reversed(ab: Floats) -> Floats:
    out = np.zeros_like(ab)
    out[0], out[1, :-1] = ab[0, ::-1], ab[1, -2::-1] if ab.shape[1] > 1 else ab[1, :-1]
    return out


def _coefficients(gram: Floats, right: Floats) -> tuple[Floats, Floats, float]:
    """Solve for the coefficients after scaling the diagonal to one; refuse columns that follow from the others."""
    if len(gram) == 0:
        return np.zeros(0), np.zeros((0, 0)), 0.0
    size = np.diag(gram)
    if np.any(size <= 0):
        raise np.linalg.LinAlgError("a covariate cannot be told from the level")
    scale = 1 / np.sqrt(size)
    values, axes = np.linalg.eigh(gram * np.outer(scale, scale))
    if values[0] < 1e-10:
        raise np.linalg.LinAlgError("covariates cannot be told apart")
    covariance = (axes / values) @ axes.T * np.outer(scale, scale)
    return covariance @ right, covariance, float(np.log(values).sum() - 2 * np.log(scale).sum())


def _gather(
    level: Floats,
    level_variance: Floats,
    coef: Floats,
    covariance: Floats,
    cross: Floats,
    design: Floats,
    tight: float,
    step_variance: float,
    volume: float,
) -> Smoothed:
    of_signal = np.einsum("ij,jk,ik->i", design, covariance, design) + 2 * np.einsum("ij,ij->i", design, cross)
    return Smoothed(
        level=level,
        level_variance=level_variance,
        coef=coef,
        coef_covariance=covariance,
        cross=cross,
        signal=level + design @ coef,
        signal_variance=level_variance + of_signal,
        roughness=float(np.sum(np.diff(level) ** 2)) * tight,
        step_variance=step_variance,
        log_volume=volume,
    )


def _still(work: Floats, weight: Floats, design: Floats) -> Smoothed:
    """The limit of no steps: weighted least squares with an intercept."""
    n, k = design.shape
    middle = (weight @ design) / weight.sum()
    centred = design - middle
    gram = (centred * weight[:, None]).T @ centred
    coef, covariance, log_gram = _coefficients(gram, (centred * weight[:, None]).T @ work)
    level = np.full(n, float(weight @ (work - design @ coef) / weight.sum()))
    cross = np.tile(-(covariance @ middle), (n, 1))
    variance = np.full(n, float(1 / weight.sum() + middle @ covariance @ middle))
    volume = 0.5 * (1 + k) * _LOG2PI - 0.5 * (float(np.log(weight.sum())) + log_gram)
    return _gather(level, variance, coef, covariance, cross, design, 0.0, float(n - 1), volume)


def poisson_mode(
    y: Floats, offset: Floats, design: Floats, step: float, begin: Floats | None = None
) -> tuple[Smoothed, float, Floats, bool]:
    """Mode of the level under Poisson counts with log mean ``offset + level + x' b``, and the Laplace likelihood.

    Parameters
    ----------
    y : (n,)
        Counts; NaN where none was observed.
    offset : (n,)
    begin : (n,), optional
        A signal to start from.

    Returns
    -------
    smoothed, loglik, mean, converged
        The normal approximation at the mode; its log-likelihood, constants in full; the mean counts at the mode.

    Notes
    -----
    The log-posterior is concave, so Newton steps (halved where they overshoot) find its one mode.
    Source: Durbin and Koopman (2012), sections 10.6 and 14.2.
    """
    seen = np.isfinite(y)
    known = np.where(seen, y, 0.0)

    def tighten(signal: Floats) -> Smoothed:
        mean = np.exp(np.clip(offset + signal, -700.0, 700.0))
        work = signal + np.where(seen, (known - mean) / mean, 0.0)
        return smooth(work, np.where(seen, mean, 0.0), design, step)

    def height(level: Floats, coef: Floats) -> float:
        eta = np.clip((offset + level + design @ coef)[seen], -700.0, 700.0)
        fit = float(np.sum(known[seen] * eta - np.exp(eta) - special.gammaln(known[seen] + 1)))
        return fit - 0.5 * float(np.sum(np.diff(level) ** 2)) / step if step > 0 else fit

    first = np.where(seen, np.log(known + 0.5) - offset, 0.0) if begin is None else begin
    here = tighten(first)
    level, coef, value, settled = here.level, here.coef, height(here.level, here.coef), False
    for _ in range(200):
        here = tighten(level + design @ coef)
        share, top = 1.0, height(here.level, here.coef)
        while not top >= value - 1e-11 * (1 + abs(value)) and share > 1e-8:
            share /= 2
            top = height(level + share * (here.level - level), coef + share * (here.coef - coef))
        moved = float(np.abs(here.signal - level - design @ coef).max())
        level, coef, value = level + share * (here.level - level), coef + share * (here.coef - coef), top
        if share == 1.0 and moved < 1e-7:
            settled = True
            break
    final = tighten(level + design @ coef)
    mean = np.exp(np.clip(offset + final.signal, -700.0, 700.0))
    return final, height(final.level, final.coef) + final.log_volume, mean, settled
