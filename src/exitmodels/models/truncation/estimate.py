"""Solving for the masses of one group, and the spread of what is read off them.

Third floor, in the room of truncation. `Double` and `Right` say how masses follow from weights; everything after that
(incidence per cause, variances, resampling) is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.reversetime import reverse_product_limit
from exitmodels.kernels.windowmass import fit_windows, inside, make_windows, support
from exitmodels.kernels.windowreach import components
from exitmodels.kernels.windowvariance import atoms, inverse_information, meat, merged, share_slopes
from exitmodels.models.truncation.seen import Group

__all__ = ["Double", "Right", "Solved", "Solver", "Spread", "jackknife", "resample", "split", "spread"]

MOST_SLOTS = 1000
_BLOCKS = 200


@dataclass(frozen=True, eq=False)
class Solved:
    """Masses of the slots of one group."""

    mass: Floats
    chance: Floats
    gap: float
    value: float
    n_steps: int
    converged: bool


class Solver(Protocol):
    """How masses follow from weights; None when the maximum does not exist or is not unique."""

    def __call__(self, group: Group, weight: Floats, start: Floats | None = None) -> Solved | None: ...


class Double:
    """Windows with two ends: self-consistency."""

    def __call__(self, group: Group, weight: Floats, start: Floats | None = None) -> Solved | None:
        size = len(group.time)
        data, kept = support(group.slot, group.first, group.stop, weight, size)
        if start is not None and components(data.slot, data.first, data.stop, data.size).max() > 0:
            return None
        found = fit_windows(data, None if start is None else start[kept])
        mass, chance = np.zeros(size), np.full(size, np.nan)
        mass[kept], chance[kept] = found.mass, found.chance
        return Solved(mass, chance, found.gap, found.value, found.n_steps, found.converged)


class Right:
    """Windows with a right end only: the product limit in reverse time."""

    def __call__(self, group: Group, weight: Floats, start: Floats | None = None) -> Solved | None:
        size = len(group.time)
        cdf, _, mass, events, _ = reverse_product_limit(group.slot, group.stop, weight, size)
        rows = np.flatnonzero((weight > 0) & (mass[group.slot] > 0))
        covered = cdf[group.stop[rows] - 1]
        value = float(weight[rows] @ (np.log(mass[group.slot[rows]]) - np.log(covered)))
        pushed = np.bincount(group.stop[rows] - 1, weight[rows] / covered, size)
        total = np.cumsum(pushed[::-1])[::-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            again = np.where(mass > 0, events / total, 0.0)
        gap = float(np.abs(again / again.sum() - mass).max())
        return Solved(mass, total / total[0], gap, value, 0, True)


def split(group: Group, mass: Floats, weight: Floats, n_causes: int) -> Floats:
    """Mass of each cause in each slot, in proportion to its exits there: (causes, size)."""
    size = len(group.time)
    events = np.bincount(group.cause * size + group.slot, weight, n_causes * size).reshape(n_causes, size)
    total = events.sum(axis=0)
    return events * np.where(total > 0, mass / np.where(total > 0, total, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class Spread:
    """Covariance of the log masses of atoms (slot and cause), and how curves follow from them.

    Attributes
    ----------
    covariance : (atoms, atoms)
    mass, slot, cause : (atoms,)
    last : (cells,) int
        Last slot of the group in each cell: curves are followed there.
    time : (size,)
        Of the slots of the group.
    """

    covariance: Floats
    mass: Floats
    slot: Ints
    cause: Ints
    last: Ints
    time: Floats

    def slopes(self, cause: int | None) -> Floats:
        """Derivatives of the distribution (of one cause) at the end of each cell: (cells, atoms)."""
        chosen = np.ones(len(self.mass)) if cause is None else (self.cause == cause).astype(np.float64)
        return share_slopes(self.mass, self.slot, chosen, len(self.last))

    def curve_se(self, cause: int | None) -> Floats:
        """Standard error at each slot; between the ends of cells, linear."""
        slopes = self.slopes(cause)
        squared = np.einsum("ij,ij->i", slopes @ self.covariance, slopes)
        se = np.sqrt(np.maximum(squared, 0.0))
        if cause is None:
            se[-1] = 0.0
        places = np.append(-1, self.last)
        return np.interp(np.arange(len(self.time)), places, np.append(0.0, se))

    def area_se(self, cause: int | None, tau: float) -> float:
        """Standard error of the area under the curve from 0 to tau."""
        ends = self.time[self.last]
        widths = np.maximum(np.minimum(np.append(ends[1:], np.inf), tau) - np.minimum(ends, tau), 0.0)
        slope = widths @ self.slopes(cause)
        return float(np.sqrt(max(float(slope @ self.covariance @ slope), 0.0)))

    def mean_se(self) -> float:
        """Standard error of the mean."""
        at = self.time[self.last][self.slot]
        slope = self.mass * (at - self.mass @ at)
        return float(np.sqrt(max(float(slope @ self.covariance @ slope), 0.0)))


def spread(group: Group, solved: Solved, kind: str, by_cause: bool) -> Spread | None:
    """Covariance from the information ("model"), or from the influence of rows ("robust") or clusters."""
    rows = np.flatnonzero(solved.mass[group.slot] > 0)
    part = group if len(rows) == len(group.slot) else group.only(rows)
    whole = np.flatnonzero(solved.mass > 0)
    slot, first, stop, last = merged(part.slot, part.first, part.stop, len(part.time), MOST_SLOTS)
    cause = part.cause if by_cause else np.zeros_like(part.cause)
    own, low, high, of_slot, of_cause = atoms(slot, first, stop, cause, len(last))
    if len(of_slot) > 2 * MOST_SLOTS:
        most = max(2 * MOST_SLOTS // (int(cause.max()) + 1), 50)
        slot, first, stop, last = merged(part.slot, part.first, part.stop, len(part.time), most)
        own, low, high, of_slot, of_cause = atoms(slot, first, stop, cause, len(last))
    data = make_windows(own, low, high, part.weight, len(of_slot))
    if components(own, low, high, data.size).max() > 0:
        return None
    mass = fit_windows(data).mass
    covariance = inverse_information(data, mass)
    if kind != "model":
        cluster = part.cluster if kind == "cluster" else None
        square = part.weight if part.copies or cluster is not None else part.weight**2
        covariance = covariance @ meat(data, mass, square, cluster) @ covariance
    return Spread(covariance, mass, of_slot, of_cause, whole[last], group.time)


@dataclass(frozen=True, eq=False)
class _Units:
    """What is drawn or left out as one: rows counted together when they are alike, or clusters."""

    code: Ints
    copies: Floats
    per_row: Floats

    @classmethod
    def of(cls, group: Group) -> _Units:
        if group.cluster is not None:
            return cls(group.cluster, np.ones(int(group.cluster.max()) + 1), group.weight)
        if not group.copies:
            return cls(np.arange(len(group.slot)), np.ones(len(group.slot)), group.weight)
        alike = np.stack([group.slot, group.first, group.stop, group.cause])
        _, first, code = np.unique(alike, axis=1, return_index=True, return_inverse=True)
        total = np.bincount(code.ravel(), group.weight)
        lead = np.zeros(len(group.slot))
        lead[first] = 1.0
        return cls(code.ravel(), total, lead)


def resample(group: Group, solver: Solver, start: Floats, n: int, n_causes: int, rng: np.random.Generator) -> Floats:
    """Draw units with replacement and solve again: distributions of each cause, (n, causes, size); NaN where none."""
    units = _Units.of(group)
    total, share = round(float(units.copies.sum())), units.copies / units.copies.sum()
    out = np.full((n, n_causes, len(group.time)), np.nan)
    for b in range(n):
        weight = rng.multinomial(total, share)[units.code] * units.per_row
        out[b] = _again(group, solver, weight, start, n_causes)
    return out


def jackknife(
    group: Group, solver: Solver, start: Floats, n_causes: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Leave out each unit, or each of 200 random blocks of units, and solve again.

    Returns
    -------
    values : (b, causes, size)
        Distributions; NaN where none.
    factor : (b,)
        What the squared distance of each from their mean counts in the variance.
    """
    units = _Units.of(group)
    total = float(units.copies.sum())
    left_out: list[Floats] = []
    if len(units.copies) <= 5 * _BLOCKS:
        left_out = [np.eye(1, len(units.copies), j).ravel() for j in range(len(units.copies))]
        factor = units.copies * (total - 1) / total
    else:
        dealt = rng.permutation(round(total)) % _BLOCKS
        code = np.repeat(np.arange(len(units.copies)), np.round(units.copies).astype(int))
        left_out = [np.bincount(code[dealt == j], minlength=len(units.copies)) for j in range(_BLOCKS)]
        factor = np.full(_BLOCKS, (_BLOCKS - 1) / _BLOCKS)
    values = [
        _again(group, solver, (units.copies - gone)[units.code] * units.per_row, start, n_causes) for gone in left_out
    ]
    return np.asarray(values), factor


def _again(group: Group, solver: Solver, weight: Floats, start: Floats, n_causes: int) -> Floats:
    found = solver(group, weight, start)
    if found is None or not found.converged:
        return np.full((n_causes, len(group.time)), np.nan)
    return np.cumsum(split(group, found.mass, weight, n_causes), axis=1)


def row_chances(group: Group, solved: Solved) -> Floats:
    """Mass inside the window of each row."""
    return inside(group.first, group.stop, solved.mass)
