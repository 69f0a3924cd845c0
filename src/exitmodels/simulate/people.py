"""Who joins, and how long each stays: competing reasons, and a hazard that changes on a date.

Third floor, in the room of simulation. Every draw is a transformed uniform number, one row of uniforms for one
person, so that a world is the same wherever the generator's bits are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.simulate.reasons import REASONS, UNTOUCHED

__all__ = ["ORIGINS", "REFERENCE_AGE", "UNITS", "World", "draw"]

ORIGINS = {"Levant": 0.35, "Gulf": 0.20, "Maghreb": 0.20, "Europe": 0.10, "Central Asia": 0.10, "other": 0.05}
UNITS = ("north", "east", "west", "river")
REFERENCE_AGE = 28


@dataclass(frozen=True)
class World:
    """What was planted; days are numbers from 1970-01-01, `first` and `last` both inside the window."""

    first: int
    last: int
    policy: int
    ratio: float
    mean_stay: float
    effects: Mapping[str, Mapping[str, float]]
    lead: int
    blank: float
    second: float


def draw(world: World, size: int, rng: np.random.Generator) -> dict[str, AnyArray]:
    """Draw people: covariates, day of joining, day of leaving and why (the last two seen or not)."""
    u = rng.random((size, 15))
    begins = world.first - world.lead
    joined = begins + (u[:, 0] * (world.last - begins)).astype(np.int64)
    age = np.minimum(18 - 5 * (np.log1p(-u[:, 1]) + np.log1p(-u[:, 2])), 60).astype(np.int64)
    married = (u[:, 3] < 1 / (1 + np.exp(-(age - 27) / 4))).astype(np.int64)
    origin = _pick(np.array(list(ORIGINS.values())), u[:, 4])
    stay, cause = _stays(world, joined, _hazards(world, age, married, origin == 0), u[:, 5], u[:, 6])
    further = _pick(np.array(list(REASONS.values())), u[:, 7])
    named = (u[:, 8] < world.second) & (further != cause)
    return {
        "joined": joined,
        "left": joined + stay,
        "cause": cause,
        "age": age,
        "married": married,
        "origin": origin,
        "unit": (u[:, 9] * len(UNITS)).astype(np.int64),
        "second": np.where(named, further, -1),
        "blank": u[:, 10] < world.blank,
        "wording": u[:, 11:],
    }


def _pick(shares: Floats, uniform: Floats) -> Ints:
    return np.searchsorted(np.cumsum(shares / shares.sum())[:-1], uniform, side="right").astype(np.int64)


def _hazards(world: World, age: Ints, married: Ints, near: AnyArray) -> Floats:
    """Daily hazard of each reason under the old policy (n, g)."""
    x = np.column_stack([age - REFERENCE_AGE, married, near.astype(np.int64)]).astype(np.float64)
    names = ("age", "married", "near")
    effects = np.array([[world.effects.get(reason, {}).get(name, 0.0) for reason in REASONS] for name in names])
    share = np.array(list(REASONS.values()))
    return np.asarray(share / world.mean_stay * np.exp(x @ effects), dtype=np.float64)


def _stays(world: World, joined: Ints, hazards: Floats, length: Floats, why: Floats) -> tuple[Ints, Ints]:
    """Whole days stayed, and the reason: total hazard inverted on either side of the policy's first day.

    The day before the policy is the last of the old regime, so an exit on its first day has the new hazard.
    """
    factor = np.array([1.0 if reason in UNTOUCHED else world.ratio for reason in REASONS])
    before, after = hazards.sum(axis=1), hazards @ factor
    calm = np.maximum(world.policy - 1 - joined, 0)
    energy = -np.log1p(-length)
    late = energy > before * calm
    stay = np.where(late, calm + (energy - before * calm) / after, energy / before)
    running = np.cumsum(np.where(late[:, None], hazards * factor, hazards), axis=1)
    cause = (running < (why * running[:, -1])[:, None]).sum(axis=1)
    return np.maximum(np.ceil(stay), 1).astype(np.int64), np.minimum(cause, len(factor) - 1)
