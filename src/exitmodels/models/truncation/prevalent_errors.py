"""What follows from the masses of a prevalent cohort, and its errors: information, influence or bootstrap.

Third floor, in the room of truncation. Called by: prevalent.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.lengthbias import Found, fit_found, found_meat, found_spread, merge_found, place_found
from exitmodels.kernels.squared import Settled
from exitmodels.kernels.windowvariance import share_slopes
from exitmodels.models.truncation.prevalent_rows import CohortGroup

__all__ = ["Draws", "Spread", "Stays", "cohort_errors"]

_MOST = 1000
_NONE = 1e-12


@dataclass(frozen=True, eq=False)
class Stays:
    """What follows from masses of stays."""

    time: Floats
    stays: Floats

    @classmethod
    def of(cls, data: Found, mass: Floats, time: Floats) -> Stays:
        stays = mass / data.chance
        return cls(time, stays / stays.sum())

    @property
    def mean(self) -> float:
        return float(self.stays @ self.time)

    def survival(self, at: float) -> float:
        return float(self.stays[self.time > at].sum())

    def at(self, times: Floats) -> Floats:
        """Survival at each time; sums from the end, so that small values keep their digits."""
        tail = np.append(np.cumsum(self.stays[::-1])[::-1], 0.0)
        return tail[np.searchsorted(self.time, times, side="right")]


@dataclass(frozen=True, eq=False)
class Spread:
    """Covariance of log masses of cells, and the errors that follow."""

    covariance: Floats
    stays: Floats
    time: Floats
    within: Floats | None = None

    def _se(self, slopes: Floats) -> Floats:
        return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, self.covariance, slopes, optimize=True), 0.0))

    def curve(self, times: Floats) -> Floats:
        everyone = np.ones(len(self.stays))
        slopes = share_slopes(self.stays, np.arange(len(self.stays)), everyone, len(self.stays))
        known = np.append(0.0, self._se(slopes))
        return known[np.searchsorted(self.time, times, side="right")]

    def area(self, tau: float) -> float:
        reach = np.minimum(self.time, tau)
        return float(self._se((self.stays * (reach - self.stays @ reach))[None, :])[0])

    @property
    def mean(self) -> float:
        return self.area(np.inf)


@dataclass(frozen=True, eq=False)
class Draws:
    """Bootstrap samples: times and masses of stays of each."""

    reads: list[Stays]

    def curve(self, times: Floats) -> Floats:
        return np.std([read.at(times) for read in self.reads], axis=0, ddof=1)

    def area(self, tau: float) -> float:
        return float(np.std([read.stays @ np.minimum(read.time, tau) for read in self.reads], ddof=1))

    @property
    def mean(self) -> float:
        return self.area(np.inf)


def cohort_errors(
    group: CohortGroup,
    data: Found,
    found: Settled,
    which: Ints,
    kind: str,
    since: float,
    rng: np.random.Generator,
    growth: Any,
    n_samples: int,
) -> Spread | Draws:
    """Errors of the curve, of areas under it and of the mean, by the kind of variance asked for."""
    if kind == "bootstrap":
        return Draws(list(_drawn(group, since, rng, growth, n_samples)))
    # atoms that the estimate leaves empty stay empty: their masses are at the edge
    held = np.flatnonzero(found.mass > _NONE)
    upto = np.concatenate([[0], np.cumsum(found.mass > _NONE)])
    part = Found(
        np.minimum(upto[data.place], len(held) - 1),
        data.left,
        data.weight,
        data.chance[held],
        data.events[held],
        np.bincount(np.minimum(upto[data.place[~data.left]], len(held) - 1), data.weight[~data.left], len(held)),
    )
    mass, time = found.mass[held], group.times[which][held]
    if len(held) > _MOST:
        part, last = merge_found(part, mass, _MOST)
        mass, time = fit_found(part).mass, time[last]
    covariance = found_spread(part, mass)
    if kind != "model":
        cluster = group.cluster if kind == "cluster" else None
        square = group.weight if group.copies or cluster is not None else group.weight**2
        covariance = covariance @ found_meat(part, mass, square, cluster) @ covariance
    stays = mass / part.chance
    return Spread(covariance, stays / stays.sum(), time)


def _drawn(group: CohortGroup, since: float, rng: np.random.Generator, growth: Any, n_samples: int) -> Iterator[Stays]:
    n = len(group.weight)
    unit = np.arange(n) if group.cluster is None else group.cluster
    size = int(unit.max()) + 1
    for _ in range(n_samples):
        if group.copies and group.cluster is None:
            total = round(float(group.weight.sum()))
            weight = rng.multinomial(total, group.weight / group.weight.sum()).astype(np.float64)
        else:
            weight = group.weight * rng.multinomial(size, np.full(size, 1 / size))[unit]
        data, which, _ = place_found(group.level, group.left, weight, group.times, since, growth)
        if data.left.any():
            yield Stays.of(data, fit_found(data, tol=1e-8).mass, group.times[which])
