"""Fitting self-exciting events: starts, the highest likelihood, and the profile of the branching ratio.

Ground floor: NumPy and SciPy. The likelihood may have several tops, so that the search begins from several decays;
the mean delay is kept below a stated length, for a slower echo cannot be told from a trend.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend
from exitmodels.kernels.hawkes import Events, exact_surface
from exitmodels.kernels.hawkes_binned import Binned, binned_surface

__all__ = ["Likelihood", "climb", "likelihood_of", "null_fit", "profile_limits"]

Likelihood = Callable[[Floats], Surface | None]
_NOTHING, _MOST = -14.0, 4.0


def likelihood_of(data: Events | Binned) -> Likelihood:
    """Return the likelihood that belongs to the data."""
    if isinstance(data, Events):
        return lambda theta: exact_surface(data, theta)
    return lambda theta: binned_surface(data, theta)


def null_fit(n: Floats, mass: Floats, design: Floats) -> Ascent:
    """Log-linear Poisson background without self-excitation.

    Parameters
    ----------
    n, mass : (k,)
        Events and exposure of each piece or period.
    design : (k, p)
        Its first column is the intercept.
    """

    def evaluate(b: Floats) -> Surface | None:
        with np.errstate(over="ignore"):
            mean = mass * np.exp(design @ b)
        if not np.isfinite(mean).all():
            return None
        information = design.T @ (mean[:, None] * design)
        return Surface(float(n @ (design @ b) - mean.sum()), design.T @ (n - mean), information, lambda: information)

    start = np.zeros(design.shape[1])
    start[0] = np.log(n.sum() / mass.sum())
    return ascend(evaluate, start)


def climb(value: Likelihood, background: Floats, decays: Floats, least: float) -> Ascent | None:
    """Return the highest top found from starts with branching ratio 0.1 and 0.5 at several decays.

    Parameters
    ----------
    background : (p,)
        Coefficients without self-excitation; the first is the intercept.
    decays : (m,)
    least : float
        Smallest decay allowed.
    """
    lower = np.full(len(background) + 2, -np.inf)
    lower[-2:] = _NOTHING, np.log(least)
    found: Ascent | None = None
    for decay in decays:
        for branching in (0.5, 0.1):
            start = np.append(background, [np.log(branching), np.log(decay)])
            start[0] += np.log1p(-branching)
            if value(np.maximum(start, lower)) is None:
                continue
            made = ascend(value, start, lower)
            if found is None or made.surface.value > found.surface.value:
                found = made
    return found


def profile_limits(value: Likelihood, best: Ascent, drop: float, least: float, nothing: float) -> tuple[float, float]:
    """Branching ratios at which the highest likelihood over all else has fallen by `drop`.

    Parameters
    ----------
    best : Ascent
        The top, or a point with next to no excitation when the top is there.
    drop : float
        Half the chi-squared quantile.
    least : float
        Smallest decay allowed.
    nothing : float
        Log-likelihood without self-excitation.

    Returns
    -------
    low, high : float
        Low is 0 when no self-excitation is within reach of the data.
    """
    where = len(best.at) - 2
    target = max(best.surface.value, nothing) - drop
    spread = best.surface.information[where, where]
    stride = float(np.clip(1 / np.sqrt(spread) if spread > 0 else 0.5, 0.02, 0.7))
    high = _crossing(value, best, target, least, stride)
    low = 0.0 if nothing >= target else _crossing(value, best, target, least, -stride)
    return low, high


def _crossing(value: Likelihood, best: Ascent, target: float, least: float, stride: float) -> float:
    where, free = len(best.at) - 2, np.delete(np.arange(len(best.at)), len(best.at) - 2)
    known = {"at": best.at[free]}

    def height(log_branching: float) -> float:
        def slice_of(rest: Floats) -> Surface | None:
            here = value(np.insert(rest, where, log_branching))
            if here is None:
                return None
            keep = np.ix_(free, free)
            return Surface(here.value, here.gradient[free], here.information[keep], lambda: here.expected[keep])

        lower = np.append(np.full(where, -np.inf), np.log(least))
        tops = [
            ascend(slice_of, start, lower)
            for start in (known["at"], best.at[free])
            if slice_of(np.maximum(start, lower)) is not None
        ]
        if not tops:
            return -np.inf
        top = max(tops, key=lambda made: made.surface.value)
        known["at"] = top.at
        return top.surface.value - target

    here = float(best.at[where])
    there = here + stride
    while (gap := height(there)) > 0:
        here, there = there, there + stride
        if there > _MOST or there < _NOTHING:
            return np.inf if there > _MOST else 0.0
    if not np.isfinite(gap):
        return float(np.exp(there))
    return float(np.exp(optimize.brentq(height, min(here, there), max(here, there), xtol=1e-9)))
