"""Limits for a distribution seen through intervals: likelihood ratios and the bootstrap.

Ground floor. Standard errors do not exist here in general: with inspection times that vary freely the estimate
settles at the rate of the cube root of n, not of the square root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.kernels.chains import Chain, maximise
from exitmodels.kernels.innermost import Ends, innermost
from exitmodels.kernels.turnbull import Masses, fit_masses, parts

__all__ = ["Profile", "Steps", "draw_steps"]

_TINY = 1e-10


@dataclass(frozen=True, eq=False)
class Profile:
    """The likelihood of survival at one time, all else maximised.

    Parameters
    ----------
    ends : Ends
    weight : (n,)
    top : float
        Log-likelihood at its maximum.
    known : dict
        Limits found so far.
    """

    ends: Ends
    weight: Floats
    top: float
    known: dict[tuple[float, float], tuple[float, float]] = field(default_factory=dict, repr=False)

    def limits(self, time: float, least: float, most: float, quantile: float) -> tuple[float, float]:
        """Survival at `time` whose likelihood ratio statistic does not exceed `quantile`.

        Parameters
        ----------
        least, most : float
            The estimate just after and just before the innermost interval that holds `time`; equal outside one.

        Notes
        -----
        Signed roots of the statistic are almost straight on the logit scale, so that secants need four or five
        fits. Source: Thomas & Grunkemeier (1975); Banerjee & Wellner (2001, 2005).
        """
        if (time, quantile) not in self.known:
            curve = _Fixed.of(self, time)
            low = high = 1.0
            if curve is not None:
                low = 0.0 if least <= _TINY else curve.search(least, -1.0, quantile)
                high = 1.0 if most >= 1 - _TINY else curve.search(most, 1.0, quantile)
            self.known[time, quantile] = low, high
        return self.known[time, quantile]

    def statistic(self, time: float, level: float) -> float:
        """Twice the fall of the log-likelihood when survival at `time` is kept at `level`."""
        curve = _Fixed.of(self, time)
        return 0.0 if curve is None else curve.fall(level)


@dataclass(eq=False)
class _Fixed:
    """The chain with a node at one time; the last solution is kept as the next start."""

    data: Chain
    node: int
    other: float
    top: float
    last: Floats | None = None

    @classmethod
    def of(cls, profile: Profile, time: float) -> _Fixed | None:
        ends, place = profile.ends.including(time)
        places = innermost(ends, place)
        if places.node == 0:
            return None
        first, *rest = parts(places, profile.weight, places.node)
        other = sum(maximise(part.data).value for part in rest)
        return cls(first.data, places.node, other, profile.top)

    def fall(self, level: float) -> float:
        height = -float(np.log(level))
        start = None
        if self.last is not None and self.last[self.node] > 0:
            before = self.last[: self.node] * (height / self.last[self.node])
            start = np.concatenate([before, self.last[self.node :] - self.last[self.node] + height])
        found = maximise(self.data, (self.node, height), start, 1e-7)
        self.last = found.hazard
        return max(2.0 * (self.top - found.value - self.other), 0.0)

    def search(self, middle: float, side: float, quantile: float) -> float:
        """Walk from the estimate to one side until the statistic is `quantile`."""
        aim = float(np.sqrt(quantile))
        inside = min(max(middle, _TINY), 1.0 - _TINY)
        begin = float(np.log(inside) - np.log1p(-inside))
        near, near_root = begin, 0.0
        far, far_root = begin, 0.0
        width = 0.5
        while far_root < aim:
            near, near_root = far, far_root
            far = far + side * width
            if abs(far) > 24:
                return 0.0 if side < 0 else 1.0
            far_root = self._root(far)
            width = min(max((aim - far_root) / max(far_root - near_root, 1e-9) * abs(far - near) * 1.05, 0.05), 4.0)
        for _ in range(40):
            if abs(far - near) < 1e-9:
                break
            share = (aim - near_root) / max(far_root - near_root, 1e-300)
            guess = near + min(max(share, 0.02), 0.98) * (far - near)
            root = self._root(guess)
            if abs(root - aim) < 1e-6:
                return _expit(guess)
            near, near_root, far, far_root = (
                (guess, root, far, far_root) if root < aim else (near, near_root, guess, root)
            )
        return _expit((near + far) / 2)

    def _root(self, logit: float) -> float:
        return float(np.sqrt(self.fall(_expit(logit))))


def _expit(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))


@dataclass(frozen=True, eq=False)
class Steps:
    """Step curves of many samples, one after another.

    Attributes
    ----------
    time, value : (k,)
        Times at which a sample's curve falls, and its value from then on.
    bounds : (b + 1,) int
        Steps of sample i are ``bounds[i] .. bounds[i + 1] - 1``.
    """

    time: Floats
    value: Floats
    bounds: Ints

    def at(self, time: float) -> Floats:
        """Value of every sample at one time."""
        passed = np.concatenate([[0], np.cumsum(self.time <= time)])
        count = passed[self.bounds[1:]] - passed[self.bounds[:-1]]
        last = self.bounds[:-1] + count - 1
        return np.where(count > 0, self.value[np.maximum(last, 0)], 1.0)

    def crossing(self, level: float) -> Floats:
        """Time at which every sample falls to `level` or below; infinite where it does not."""
        low = np.append(np.where(self.value <= level + 1e-12, self.time, np.inf), np.inf)
        return np.minimum.reduceat(low, self.bounds[:-1]) if len(self.bounds) > 1 else low[:0]


def draw_steps(
    ends: Ends,
    weight: Floats,
    n_samples: int,
    rng: np.random.Generator,
    copies: bool = True,
    cluster: Ints | None = None,
) -> Steps:
    """Bootstrap the curve.

    Parameters
    ----------
    weight : (n,)
    copies : bool
        Whether weights count separate people, who are then drawn one by one; otherwise rows are drawn, and
        their weights go with them.
    cluster : (n,) int, optional
        Codes 0, 1, ...; clusters are drawn whole.
    """
    times, values, sizes = [], [], [0]
    for drawn in _samples(weight, n_samples, rng, copies and cluster is None, cluster):
        rows = np.flatnonzero(drawn)
        places = innermost(ends.take(rows))
        found = fit_masses(places, drawn[rows], tol=1e-8)
        time, value = falls(places.right, found)
        times.append(time)
        values.append(value)
        sizes.append(len(time))
    return Steps(np.concatenate(times), np.concatenate(values), np.cumsum(sizes))


def falls(right: Floats, found: Masses) -> tuple[Floats, Floats]:
    """Times at which a curve falls, mass being placed at right ends, and its values from then on."""
    some = (found.mass > 1e-12) & np.isfinite(right)
    return right[some], found.before[1:][some]


def _samples(
    weight: Floats, n_samples: int, rng: np.random.Generator, copies: bool, cluster: Ints | None
) -> Iterator[AnyArray]:
    if copies:
        size = int(weight.sum())
        for _ in range(n_samples):
            yield rng.multinomial(size, weight / weight.sum()).astype(np.float64)
        return
    unit = np.arange(len(weight)) if cluster is None else cluster
    count = int(unit.max()) + 1
    for _ in range(n_samples):
        yield weight * np.bincount(rng.integers(0, count, count), minlength=count)[unit]
