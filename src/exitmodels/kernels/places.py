"""Places in time: exits, censorings and entries as whole numbers in order, stratum after stratum.

Ground floor. On one day those with an event come first, then those censored, then those who enter: so a row
is at risk at an exit when its own exit has a higher place and its entry a lower one.

Read next: concordance.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.kernels.grouped import Days, ranks, whole_days

__all__ = ["TIME_WEIGHTS", "Moments", "moments", "time_weights"]

TIME_WEIGHTS = ("n", "S", "S/G", "n/G2", "I")
_EVENT, _CENSORED, _ENTRY = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Moments:
    """Places in time: exits with an event, then censorings, then entries of each distinct time, by stratum.

    Attributes
    ----------
    exit : (n,) int
        Place at which each row leaves.
    late : (m,) int
        Rows that enter after somebody could have left.
    entry : (m,) int
        Places of these entries.
    kind : (c,) int
        0 for exits with an event, 1 for censorings, 2 for entries.
    time : (c,)
    begins : (s + 1,) int
        Places of stratum j are ``begins[j] .. begins[j + 1] - 1``.
    at_risk, events, censored : (c,)
        Weights just before each place; of those with an event there; of those censored there.
    size : (s,)
        Sum of the weights of each stratum.
    """

    exit: Ints
    late: Ints
    entry: Ints
    kind: Ints
    time: Floats
    begins: Ints
    at_risk: Floats
    events: Floats
    censored: Floats
    size: Floats

    @property
    def stratum(self) -> Ints:
        """Stratum of each place."""
        return np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))

    def up_to(self, steps: Floats) -> Floats:
        """Sum of `steps` over earlier places of the same stratum, (c,)."""
        total = np.concatenate([[0.0], np.cumsum(steps)])
        return total[:-1] - np.repeat(total[self.begins[:-1]], np.diff(self.begins))

    def from_here(self, steps: Floats) -> Floats:
        """Sum of `steps` over this and later places of the same stratum, (c,)."""
        total = np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])
        return total[:-1] - np.repeat(total[self.begins[1:]], np.diff(self.begins))


def moments(
    entry: AnyArray | None, exit: AnyArray, event: Bools, weight: Floats, stratum: Ints | None = None, n_strata: int = 1
) -> Moments:
    """Put every exit and every late entry in its place.

    Notes
    -----
    On one day events come first, then censorings, then entries: a row is at risk on (entry, exit].
    Cost: whole days are counted; real times cost one sort.
    """
    clock, begun, levels = _clock(entry, exit)
    width = 3 * len(levels)
    base = np.zeros(1, np.int64) if stratum is None else stratum.astype(np.int64) * width
    leaves = 3 * clock + np.where(event, _EVENT, _CENSORED) + base
    if begun is None:
        late = enters = np.zeros(0, np.int64)
    else:
        late = np.flatnonzero(begun >= (clock[event].min() if event.any() else len(levels)))
        enters = 3 * begun[late] + _ENTRY + (base if stratum is None else base[late])
    used, (leaves, enters) = _compressed(leaves, enters, width * n_strata)
    begins = np.searchsorted(used, np.arange(n_strata + 1) * width)
    kind, size = used % 3, len(used)
    net = np.bincount(leaves, weight, size)
    events, censored = np.where(kind == _EVENT, net, 0.0), np.where(kind == _CENSORED, net, 0.0)
    if len(late):
        net = net - np.bincount(enters, weight[late], size)
    everyone = np.array([weight.sum()]) if stratum is None else np.bincount(stratum, weight, n_strata)
    made = Moments(
        leaves, late, enters, kind, levels[used % width // 3], begins, net, events, censored, everyone.astype(float)
    )
    return _with_risk(made, net)


def _with_risk(made: Moments, net: Floats) -> Moments:
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
    return Moments(**{**fields, "at_risk": made.from_here(net)})


def _clock(entry: AnyArray | None, exit: AnyArray) -> tuple[Ints, Ints | None, Floats]:
    """Times as whole numbers from 0, and the time that each number stands for."""
    days: Days | None = whole_days(exit)
    begun = None if entry is None or days is None else whole_days(entry)
    if days is not None and (entry is None or begun is not None):
        low = days.low if begun is None else min(days.low, begun.low)
        high = days.high if begun is None else max(days.high, begun.high)
        return days.values - low, None if begun is None else begun.values - low, np.arange(low, high + 1, dtype=float)
    levels, codes = ranks(exit) if entry is None else ranks(exit, entry)
    return codes[0], codes[1] if entry is not None else None, levels


def _compressed(leaves: Ints, enters: Ints, size: int) -> tuple[Ints, tuple[Ints, Ints]]:
    """Number the places that occur; counted when the table of all places is small."""
    if size <= max(4 * len(leaves), 1 << 16):
        there = np.bincount(leaves, minlength=size) > 0
        there[enters] = True
        number = np.cumsum(there) - 1
        return np.flatnonzero(there), (number[leaves], number[enters])
    used, codes = np.unique(np.concatenate([leaves, enters]), return_inverse=True)
    return used, (codes[: len(leaves)], codes[len(leaves) :])


def time_weights(places: Moments, kind: str = "n", tau: float | None = None) -> Floats:
    """Weight of a comparison at each place, zero where there is no exit with an event.

    Parameters
    ----------
    kind : {"n", "S", "S/G", "n/G2", "I"}
        1 (Harrell); n S(t-) / Y(t) (Peto and Peto's Wilcoxon); n S(t-) / (G(t-) Y(t)) (Schemper et al.);
        1 / G(t-)^2 (Uno et al.); 1 / Y(t) (all times count alike). S is the Kaplan-Meier estimate, G that of
        censoring, Y the number at risk, n the size of the stratum.
    tau : float, optional
        Exits after it do not count.

    Notes
    -----
    Source: Harrell et al. (1982); Schemper, Wakounig & Heinze (2009); Uno et al. (2011); Therneau &
    Atkinson (2024).
    """
    here = places.kind == _EVENT
    at_risk = np.where(here, places.at_risk, 1.0)
    weight = np.ones(len(here))
    if kind in ("S", "S/G"):
        weight = np.repeat(places.size, np.diff(places.begins)) * _product(places, places.events) / at_risk
    if kind == "S/G":
        weight = weight / _product(places, places.censored)
    elif kind == "n/G2":
        weight = _product(places, places.censored) ** -2.0
    elif kind == "I":
        weight = 1.0 / at_risk
    if tau is not None:
        here = here & (places.time <= tau)
    return np.where(here, weight, 0.0)


def _product(places: Moments, leaving: Floats) -> Floats:
    """Kaplan-Meier product over earlier places of the stratum; where it is 0 nobody is compared, and 1 is given."""
    share = np.where(leaving > 0, leaving / np.where(leaving > 0, places.at_risk, 1.0), 0.0)
    gone = share >= 1.0 - 1e-14
    log = np.log1p(-np.where(gone, 0.0, share))
    return np.where(places.up_to(gone.astype(float)) > 0, 1.0, np.exp(places.up_to(log)))
