"""Likelihood ratio limits for the mean of a distribution seen through windows.

Ground floor: NumPy and SciPy only. Among all masses with a given mean, those of largest likelihood; how far the
likelihood falls says whether that mean is ruled out. No standard error enters, so that limits follow the long upper
tail: a few long stays that had little chance to be seen carry much of the mean.

Called by: models.truncation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.windowmass import Windows, fit_windows, holding, inside, make_windows, support
from exitmodels.kernels.windowreach import components
from exitmodels.kernels.windowvariance import bends, inverse_information, meat, merged

__all__ = ["MeanRatio", "mean_ratio"]


@dataclass(frozen=True, eq=False)
class MeanRatio:
    """The likelihood of the mean, all else maximised.

    Attributes
    ----------
    data : Windows
    time, mass : (size,)
        Of each slot; masses at the maximum.
    top : float
        Log-likelihood there.
    factor : float
        What statistics are multiplied by so that weights and clusters count right; 1 for plain rows.
    """

    data: Windows
    time: Floats
    mass: Floats
    top: float
    factor: float = 1.0

    @property
    def mean(self) -> float:
        """Estimate."""
        return float(self.mass @ self.time)

    def statistic(self, mean: float) -> float:
        """Twice the fall of the log-likelihood when the mean is kept at `mean`; infinite when that cannot be."""
        if not self.time.min() < mean < self.time.max():
            return np.inf
        value = _constrained(self.data, self.time - mean, self.mass)
        return np.inf if value is None else max(2.0 * (self.top - value) * self.factor, 0.0)

    def limits(self, quantile: float) -> tuple[float, float]:
        """Means whose statistic does not exceed `quantile`."""
        slope = self.mass * (self.time - self.mean)
        se = float(np.sqrt(slope @ inverse_information(self.data, self.mass) @ slope / self.factor))
        aim = float(np.sqrt(quantile))
        return tuple(_walk(self._root, self.mean, side * se, aim, end) for side, end in self._sides())  # type: ignore[return-value]

    def _sides(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return (-1.0, float(self.time.min())), (1.0, float(self.time.max()))

    def _root(self, mean: float) -> float:
        return float(np.sqrt(self.statistic(mean)))


def mean_ratio(
    slot: Ints,
    first: Ints,
    stop: Ints,
    weight: Floats,
    time: Floats,
    start: Floats | None = None,
    square: Floats | None = None,
    cluster: Ints | None = None,
    most: int = 1000,
) -> MeanRatio | None:
    """Prepare the likelihood of the mean; None when no unique estimate exists.

    Parameters
    ----------
    slot, first, stop, weight : (n,)
        As in windowmass.py. Rows of weight zero are left out.
    time : (size,)
    start : (size,), optional
        Masses to begin from.
    square : (n,), optional
        As in `windowvariance.meat`, when weights are not copies or there are clusters: the statistic is then scaled by
        the ratio of the variances that do not and do know of them (Rotnitzky & Jewell 1990).
    most : int
        With more slots, neighbours are merged into so many cells, each at its mean time.

    Notes
    -----
    Source: Owen (1988), in the presence of windows by profile likelihood: Murphy & van der Vaart (2000).
    """
    data, kept = support(slot, first, stop, weight, len(time))
    if components(data.slot, data.first, data.stop, data.size).max() > 0:
        return None
    found = fit_windows(data, None if start is None else np.maximum(start[kept], 1e-12))
    if not found.converged:
        return None
    mass, times = found.mass, time[kept]
    if data.size > most:
        own, low, high, last = merged(data.slot, data.first, data.stop, data.size, most)
        cell = np.arange(data.size) * len(last) // data.size
        times = np.bincount(cell, mass * times) / np.bincount(cell, mass)
        data = make_windows(own, low, high, data.weight, len(last))
        found = fit_windows(data)
        mass = found.mass
    factor = 1.0
    if square is not None:
        used = weight > 0
        codes = None if cluster is None else np.unique(cluster[used], return_inverse=True)[1].ravel()
        inverse = inverse_information(data, mass)
        slope = inverse @ (mass * (times - mass @ times))
        plain = float((mass * (times - mass @ times)) @ slope)
        factor = plain / float(slope @ meat(data, mass, square[used], codes) @ slope)
    return MeanRatio(data, times, mass, found.value, factor)


def _constrained(data: Windows, away: Floats, start: Floats) -> float | None:
    """Largest log-likelihood among masses with sum(mass * away) = 0, by Newton steps on log masses and multiplier."""
    size, total = data.size, float(data.events.sum())
    theta, multiplier = np.log(start), 0.0
    scale = float(np.abs(away).max())
    away = away / scale
    matrix = np.zeros((size + 1, size + 1))
    for _ in range(80):
        mass = np.exp(theta - theta.max())
        mass /= mass.sum()
        covered = inside(data.low, data.high, mass)
        paid = holding(data.low, data.high, data.count / covered, data.size)
        gradient = data.events - mass * paid - multiplier * mass * away
        pull = mass * away
        # the scale of the masses is free: hold it by a rank-one term
        both = bends(data.low, data.high, data.count / covered**2, size) - total
        matrix[:size, :size] = np.diag(data.events) - np.outer(mass, mass) * both
        matrix[:size, size] = matrix[size, :size] = pull
        try:
            step = np.linalg.solve(matrix, np.append(gradient, -pull.sum()))
        except np.linalg.LinAlgError:
            return None
        largest = float(np.abs(step[:size]).max())
        if not np.isfinite(largest):
            return None
        share = min(1.0, 1.0 / largest) if largest > 0 else 1.0
        theta = np.log(mass) + share * step[:size]
        multiplier += share * float(step[size])
        if largest < 1e-7:
            mass = np.exp(theta - theta.max())
            covered = inside(data.low, data.high, mass)
            return float(data.events @ np.log(mass) - data.count @ np.log(covered))
    return None


def _walk(root: Callable[[float], float], middle: float, step: float, aim: float, end: float) -> float:
    """Walk from the estimate until the signed root of the statistic is `aim`; `end` when it never is."""
    near, near_root = middle, 0.0
    far, far_root = middle, 0.0
    stride = step * aim
    while far_root < aim:
        near, near_root = far, far_root
        far = far + stride
        if (far - end) * step >= 0:
            far = near + 0.9 * (end - near)
            if abs(far - near) < 1e-9 * abs(end):
                return end
        far_root = root(far)
        stride = step * max((aim - far_root) * 1.1, 0.2) if np.isfinite(far_root) else stride
    for _ in range(60):
        if abs(far - near) < 1e-9 * abs(middle):
            break
        guess = (near + far) / 2
        if np.isfinite(far_root):
            share = (aim - near_root) / max(far_root - near_root, 1e-300)
            guess = near + min(max(share, 0.02), 0.98) * (far - near)
        here = root(guess)
        if abs(here - aim) < 1e-7:
            return guess
        near, near_root, far, far_root = (guess, here, far, far_root) if here < aim else (near, near_root, guess, here)
    return (near + far) / 2
