"""Times since entry of those inside on one day: what they say about whole stays.

Ground floor: NumPy and SciPy only. When people came at a constant rate, the time since entry of a person found inside
has density S(t) / mean, with S the survival of stays and `mean` their mean. S falls, so the density does.

Called by: models.truncation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize
from scipy.special import digamma, gammaincc, gammaln

from exitmodels.arrays import Floats

__all__ = ["LAWS", "DurationFit", "falling_density", "fit_duration", "log_survival", "mean_stay"]

LAWS = {"exponential": ("log mean",), "weibull": ("log scale", "log shape"), "gamma": ("log scale", "log shape")}
_STEP = 1e-5


@dataclass(frozen=True, eq=False)
class DurationFit:
    """Maximum likelihood fit of a law of stays.

    Attributes
    ----------
    at : (p,)
    value : float
    scores : (n, p)
        Derivatives of each row's log density.
    information : (p, p)
    converged : bool
    """

    at: Floats
    value: float
    scores: Floats
    information: Floats
    converged: bool


def log_survival(law: str, at: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Log survival of stays at each time, and its derivatives by the parameters: (n,), (n, p)."""
    if law == "exponential":
        value = -time * np.exp(-at[0])
        return value, -value[:, None]
    shape, x = float(np.exp(at[1])), time * np.exp(-at[0])
    if law == "weibull":
        z = x**shape
        log_z = np.log(np.where(z > 0, z, 1.0))
        return -z, np.column_stack([shape * z, -z * log_z])
    value = _log_upper(shape, x)
    with np.errstate(divide="ignore", over="ignore"):
        falls = np.exp(shape * np.log(x) - x - gammaln(shape) - value)
    shaped = (_log_upper(shape * np.exp(_STEP), x) - _log_upper(shape * np.exp(-_STEP), x)) / (2 * _STEP)
    return value, np.column_stack([np.where(x > 0, falls, 0.0), shaped])


def _log_upper(shape: float, x: Floats) -> Floats:
    """Log of the upper incomplete gamma ratio; by its continued expansion where the ratio underflows."""
    value = gammaincc(shape, x)
    far = value < 1e-290
    with np.errstate(divide="ignore"):
        known = np.log(np.where(far, 1.0, value))
        series = (shape - 1) * np.log(np.where(far, x, 1.0)) - x - gammaln(shape)
        series = series + np.log1p((shape - 1) / np.where(far, x, 1.0))
    return np.where(far, series, known)


def mean_stay(law: str, at: Floats) -> tuple[float, Floats]:
    """Log of the mean stay, and its derivatives."""
    if law == "exponential":
        return float(at[0]), np.array([1.0])
    shape = float(np.exp(at[1]))
    if law == "weibull":
        return float(at[0] + gammaln(1 + 1 / shape)), np.array([1.0, -digamma(1 + 1 / shape) / shape])
    return float(at[0] + at[1]), np.array([1.0, 1.0])


def fit_duration(law: str, time: Floats, weight: Floats) -> DurationFit:
    """Maximise the sum of log S(t) - log mean.

    Notes
    -----
    Source: Cox (1962, chapter 5) for the density; Keiding, Kvist, Hartvig, Tvede & Juul (2002).

    Examples
    --------
    >>> fit = fit_duration("exponential", np.array([2.0, 4.0]), np.ones(2))
    >>> round(float(np.exp(fit.at[0])), 6)
    3.0
    """
    average = float(np.average(time, weights=weight))
    begin = np.array([np.log(average)] + [0.0] * (len(LAWS[law]) - 1))

    def terms(at: Floats) -> tuple[float, Floats]:
        value, slope = log_survival(law, at, time)
        mean, mean_slope = mean_stay(law, at)
        return float(weight @ (value - mean)), slope - mean_slope

    def falling(at: Floats) -> tuple[float, Floats]:
        value, scores = terms(at)
        return -value / weight.sum(), -(weight @ scores) / weight.sum()

    rough = optimize.minimize(falling, begin, jac=True, method="BFGS", options={"gtol": 1e-7})
    at = rough.x
    for _ in range(8):
        gradient = weight @ terms(at)[1]
        step = np.linalg.solve(_curvature(lambda v: weight @ terms(v)[1], at), gradient)
        if not np.isfinite(step).all() or np.abs(step).max() > 1:
            break
        at = at + step
        if np.abs(step).max() < 1e-11:
            break
    value, scores = terms(at)
    settled = bool(np.abs(weight @ scores).max() < 1e-6 * weight.sum() and np.abs(at - np.log(average)).max() < 20)
    return DurationFit(at, value, scores, _curvature(lambda v: weight @ terms(v)[1], at), settled)


def _curvature(gradient: Callable[[Floats], Floats], at: Floats) -> Floats:
    """Minus the derivative of the gradient, by central differences; symmetric."""
    rows = []
    for j in range(len(at)):
        step = np.zeros(len(at))
        step[j] = 1e-4
        # Richardson's two lengths leave an error of the fourth power of the step
        one = (gradient(at + step) - gradient(at - step)) / 2e-4
        two = (gradient(at + 2 * step) - gradient(at - 2 * step)) / 4e-4
        rows.append((4 * one - two) / 3)
    matrix = -np.array(rows)
    return np.asarray((matrix + matrix.T) / 2, dtype=np.float64)


def falling_density(time: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Maximum likelihood among falling densities: distinct times and the density up to and at each (Grenander 1956).

    Notes
    -----
    The slope of the least concave curve above the distribution function. It is too high near zero, however many rows
    there are. Source: Denby & Vardi (1986) for this use.

    Examples
    --------
    >>> falling_density(np.array([1.0, 2.0, 4.0]), np.ones(3))[1].round(4).tolist()
    [0.3333, 0.3333, 0.1667]
    """
    at, place = np.unique(time, return_inverse=True)
    width = np.diff(np.concatenate([[0.0], at]))
    share = np.bincount(place.ravel(), weight, len(at)) / weight.sum()
    found = optimize.isotonic_regression(share / width, weights=width, increasing=False)
    return at, np.asarray(found.x, dtype=np.float64)
