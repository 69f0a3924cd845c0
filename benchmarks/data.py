"""Samples for the benchmarks: the same seed and size give the same rows everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SIZES", "Design", "Sample", "draw"]

SIZES = (431, 100_000, 1_000_000, 10_000_000)
Array = NDArray[Any]

_MEAN_STAY = 280.0
_SHAPE = 1.2
_LONGEST = 1000
_TICKS = 1 << 16  # per day, a power of two: programs that merge nearly equal times and those that do not then agree


@dataclass(frozen=True)
class Design:
    """What a sample should contain.

    Parameters
    ----------
    whole : bool
        Whole days, so that ties are the rule; otherwise real times, to the second or so, with few ties.
    delayed : bool
        Half of the rows enter late.
    groups, causes, columns : int
        Number of groups (0 for none), causes of exit, and covariates.
    visits : bool
        Exits only come to light at visits, whose gaps vary freely.
    """

    whole: bool = True
    delayed: bool = False
    groups: int = 0
    causes: int = 1
    columns: int = 0
    visits: bool = False


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows as plain arrays, which every package can read.

    Attributes
    ----------
    exit : (n,) int64 or float64
    event : (n,) int64
        0 for censored, otherwise the cause.
    entry, group, lower, upper : (n,) or None
    matrix : (n, p) or None
    """

    design: Design
    exit: Array
    event: Array
    entry: Array | None = None
    group: Array | None = None
    matrix: Array | None = None
    lower: Array | None = None
    upper: Array | None = None
    _kept: dict[str, Array] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.exit)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return tuple(f"x{j}" for j in range(self.design.columns))

    def columns(self) -> dict[str, Array]:
        """Covariates one by one, each contiguous, as a data frame holds them."""
        for j, name in enumerate(self.names):
            if name not in self._kept and self.matrix is not None:
                self._kept[name] = np.ascontiguousarray(self.matrix[:, j])
        return {name: self._kept[name] for name in self.names}

    def grid(self, size: int = 200) -> Array:
        """Times at which curves are compared: spread over the exits, and never equal to one."""
        if "grid" not in self._kept:
            some = np.quantile(self.exit[:100_000], np.linspace(0.005, 0.98, size))
            self._kept["grid"] = np.unique(np.floor(some)) + (0.5 if self.design.whole else 0.123456789)
        return self._kept["grid"]


def draw(n: int, design: Design, seed: int = 20) -> Sample:
    """Draw n rows.

    Exits are Weibull with proportional hazards in the group and the covariates, censoring is uniform,
    and an exit on the day of censoring counts as an exit.
    """
    rng = np.random.default_rng([seed, n])
    matrix = rng.standard_normal((n, design.columns)) if design.columns else None
    group = rng.integers(0, design.groups, n) if design.groups else None
    stay = _stays(rng, n, matrix, group)
    last = rng.uniform(1.0, _LONGEST, n)
    ticks = 1 if design.whole else _TICKS
    stay, last = np.ceil(stay * ticks) / ticks, np.ceil(last * ticks) / ticks
    left = stay <= last
    exit = np.minimum(stay, last, out=stay)
    entry = _entries(rng, exit, ticks) if design.delayed else None
    event = left.astype(np.int64)
    if design.causes > 1:
        event *= 1 + np.minimum(rng.geometric(0.6, n) - 1, design.causes - 1)
    lower, upper = _visits(rng, exit, left) if design.visits else (None, None)
    if design.whole:
        exit = exit.astype(np.int64)
    return Sample(design, exit, event, entry, group, matrix, lower, upper)


def _visits(rng: np.random.Generator, exit: Array, left: Array) -> tuple[Array, Array]:
    """Last visit before the exit and first one after it; those not yet left are there at the end."""
    gaps = rng.exponential(70.0, (len(exit), 40))
    seen = np.cumsum(gaps, axis=1)
    place = (seen < exit[:, None]).sum(axis=1)
    edges = np.concatenate([np.zeros((len(exit), 1)), seen, np.full((len(exit), 1), np.inf)], axis=1)
    rows = np.arange(len(exit))
    return np.where(left, edges[rows, place], exit), np.where(left, edges[rows, place + 1], np.inf)


def _stays(rng: np.random.Generator, n: int, matrix: Array | None, group: Array | None) -> Array:
    risk = rng.standard_exponential(n)
    if matrix is not None:
        slopes = np.resize([0.3, -0.2, 0.1, 0.4, -0.3, 0.0, 0.2], matrix.shape[1])
        risk /= np.exp(matrix @ slopes)
    if group is not None:
        risk /= np.exp(0.02 * group)
    stay: Array = _MEAN_STAY * np.maximum(risk, 1e-12) ** (1 / _SHAPE)
    return stay


def _entries(rng: np.random.Generator, exit: Array, ticks: int) -> Array:
    entry = exit * rng.uniform(0.0, 0.8, len(exit))
    entry[rng.random(len(exit)) < 0.5] = 0.0
    return entry.astype(np.int64) if ticks == 1 else np.floor(entry * ticks) / ticks
