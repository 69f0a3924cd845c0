"""Smoothed hazards: the steps of the cumulative hazard spread by a kernel, mended at the ends.

Ground floor. Near an end of the range a kernel would spill over it; there it is replaced by one that lives
inside, has the same moments, and turns into the plain kernel one bandwidth away from the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints

__all__ = [
    "BOUNDARIES",
    "KERNELS",
    "Range",
    "Risk",
    "best_bandwidths",
    "counts_between",
    "kernel_value",
    "neighbour_bandwidths",
    "smooth",
    "windows",
]

KERNELS = ("rectangle", "epanechnikov", "biquadratic", "triquadratic")
BOUNDARIES = ("both", "left", "none")


@dataclass(frozen=True)
class Range:
    """Where the hazard is wanted, and at which ends the kernel is mended."""

    start: float
    end: float
    boundary: str = "both"


def kernel_value(kernel: str, q: Floats | float, z: Floats) -> Floats:
    """Kernel on [-1, q], for q up to 1 bandwidth from the end on the right; q = 1 is the plain kernel.

    Notes
    -----
    Integrates to 1, with first moment 0, for every q in [0, 1].
    Source: Mueller & Wang (1994), table 1.
    """
    q = np.asarray(q, dtype=float)
    inside = (z >= -1) & (z <= q)
    r = 1 + q
    if kernel == "rectangle":
        value = 2 / r**3 * (3 * (1 - q) * z + 2 * (1 - q + q**2))
    elif kernel == "epanechnikov":
        value = 12 / r**4 * (z + 1) * (z * (1 - 2 * q) + (3 * q**2 - 2 * q + 1) / 2)
    elif kernel == "biquadratic":
        tilt = 2 * z * (5 * (1 - q) / r - 1) + (3 * q - 1) + 5 * (1 - q) ** 2 / r
        value = 15 / r**5 * (z + 1) ** 2 * (q - z) * tilt
    else:
        tilt = 2 * z * (7 * (1 - q) / r - 1) + (3 * q - 1) + 7 * (1 - q) ** 2 / r
        value = 70 / r**7 * (z + 1) ** 3 * (q - z) ** 2 * tilt
    return np.where(inside, value, 0.0)


def _side(t: float, b: float, span: Range) -> tuple[float, float]:
    """(q, sign): how far the nearer mended end is, in bandwidths, and on which side."""
    left = (t - span.start) / b if span.boundary in ("both", "left") else 1.0
    right = (span.end - t) / b if span.boundary == "both" else 1.0
    if left < 1 and left <= right:
        return max(left, 0.0), 1.0
    return (max(right, 0.0), -1.0) if right < 1 else (1.0, 1.0)


def windows(
    times: Floats, at: Floats, bandwidth: Floats, kernel: str, span: Range
) -> Iterator[tuple[int, slice, Floats]]:
    """For each point of `at`: its number, the times that matter, and the kernel there over the bandwidth."""
    for i, (t, b) in enumerate(zip(at, bandwidth, strict=True)):
        low, high = np.searchsorted(times, [t - b, t + b])
        part = slice(int(low), int(high) + int(high < len(times) and times[min(high, len(times) - 1)] == t + b))
        q, sign = _side(float(t), float(b), span)
        yield i, part, kernel_value(kernel, q, sign * (t - times[part]) / b) / b


def smooth(
    times: Floats, step: Floats, spread: Floats, at: Floats, bandwidth: Floats, kernel: str, span: Range
) -> tuple[Floats, Floats]:
    """Smoothed hazard and its variance.

    Parameters
    ----------
    times, step, spread : (k,)
        Exit times, ascending, with the increments of the cumulative hazard and of its variance.
    at, bandwidth : (m,)

    Returns
    -------
    hazard, variance : (m,)
        Mended kernels take negative values, so the estimate may; it is then zero.

    Notes
    -----
    Source: Ramlau-Hansen (1983); Mueller & Wang (1994).
    """
    hazard, variance = np.zeros(len(at)), np.zeros(len(at))
    for i, part, weight in windows(times, at, bandwidth, kernel, span):
        hazard[i] = weight @ step[part]
        variance[i] = weight**2 @ spread[part]
    return np.maximum(hazard, 0.0), variance


@dataclass(frozen=True, eq=False)
class Risk:
    """Estimates the mean squared error of a smoothed hazard, on a grid.

    Attributes
    ----------
    grid : (m,)
    step, spread : (m,)
        Increments of the cumulative hazard and of its variance, moved to the nearest point of the grid.
    first : float
        Bandwidth of the first estimate, under which bias is judged.
    """

    grid: Floats
    step: Floats
    spread: Floats
    first: float
    kernel: str
    span: Range

    @classmethod
    def of(
        cls, times: Floats, step: Floats, spread: Floats, grid: Floats, first: float, kernel: str, span: Range
    ) -> Risk:
        """Move the increments inside the range to the grid."""
        inside = (times >= span.start) & (times <= span.end)
        place = np.rint((times[inside] - grid[0]) / (grid[1] - grid[0])).astype(np.int64)
        m = len(grid)
        moved, noise = np.bincount(place, step[inside], m), np.bincount(place, spread[inside], m)
        return cls(grid, moved, noise, first, kernel, span)

    def at(self, bandwidth: Floats) -> Floats:
        """Estimated mean squared error at each point, for a bandwidth at each point.

        Notes
        -----
        Bias is what smoothing once more does to the first estimate; its square is inflated by the noise of that
        estimate, whose expectation is taken off again. Without that, noise passes for shape and the bandwidths come out
        too small. Source: Mueller & Wang (1994), section 3, with the correction.
        """
        first = self._weights(np.full(len(self.grid), self.first))
        weight = self._weights(bandwidth)
        again = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
        moved = again @ first - first
        return (moved @ self.step) ** 2 - moved**2 @ self.spread + weight**2 @ self.spread

    def _weights(self, bandwidth: Floats) -> Floats:
        sides = np.array([_side(float(t), float(b), self.span) for t, b in zip(self.grid, bandwidth, strict=True)])
        q, sign = sides[:, :1], sides[:, 1:]
        z = sign * (self.grid[:, None] - self.grid[None, :]) / bandwidth[:, None]
        return kernel_value(self.kernel, q, z) / bandwidth[:, None]


def best_bandwidths(risk: Risk, choices: Floats, local: bool) -> Floats:
    """Bandwidth with the least estimated mean squared error, for the range or for each point.

    Parameters
    ----------
    choices : (c,)
        Bandwidths to choose from, ascending; of equals the widest wins.

    Returns
    -------
    (m,)
    """
    m = len(risk.grid)
    error = np.stack([risk.at(np.full(m, b)) for b in choices[::-1]])
    if local:
        return choices[::-1][np.argmin(error, axis=0)]
    return np.full(m, choices[::-1][int(np.argmin(error.sum(axis=1)))])


def neighbour_bandwidths(times: Floats, events: Floats, at: Floats, k: int) -> Floats:
    """Distance from each point to its k-th nearest exit (tied exits counted one by one)."""
    each = np.repeat(times, np.maximum(np.round(events), 1).astype(np.int64))
    place = np.searchsorted(each, at)
    out = np.empty(len(at))
    for i, (t, p) in enumerate(zip(at, place, strict=True)):
        near = np.sort(np.abs(each[max(p - k, 0) : p + k] - t))
        out[i] = near[min(k, len(near)) - 1]
    return out


def counts_between(times: Floats, events: Floats, at: Floats) -> Floats:
    """Exits after the point before and up to each point of `at`."""
    total = np.concatenate([[0.0], np.cumsum(events)])
    upto: Ints = np.searchsorted(times, at, side="right")
    return np.diff(total[upto], prepend=0.0)
