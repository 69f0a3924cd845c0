"""Permutation laws of linear rank statistics: exact by a recursion that meets in the middle, or drawn.

Ground floor: NumPy and SciPy. A statistic is the sum of the scores of one group's rows; under the hypothesis the
group is a random part of the rows of each stratum. Read also: logrank.py (the weights behind the scores).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.logrank import time_weights
from exitmodels.kernels.risksets import RiskIndex, accumulate, at_risk_sum

__all__ = ["Layer", "drawn_sums", "exact_tail", "layers", "logrank_scores", "permutation_moments"]

_TIE = 1e-11
_BLOCK = 1 << 20
_PAIRS = 1 << 18


def logrank_scores(
    index: RiskIndex,
    event: Bools,
    weight: Floats,
    family: str,
    rho: float = 0.0,
    gamma: float = 0.0,
    average: bool = False,
) -> Floats:
    """Score of each row: the weight of its own exit less the weighted hazard it lived through.

    Parameters
    ----------
    index : RiskIndex
        Over any number of strata; risk sets are those of the stratum.
    event : (n,) bool
    weight : (n,)
        Copies of each row.
    family, rho, gamma
        As in `logrank.time_weights`.
    average : bool
        Tied exits: average the scores over all orders in which they could have happened (whole-number weights).
        Otherwise they share one risk set, and the sum over a group is the log-rank score.

    Returns
    -------
    (n,)

    Notes
    -----
    Source: Peto & Peto (1972); Prentice (1978); averages: Hothorn & Lausen (2003).
    """
    rows = index.event_rows
    at_risk = at_risk_sum(index, weight)
    exits = np.bincount(index.moment[rows], weight[rows], index.n_times)
    step, own = np.zeros(index.n_times), np.zeros(index.n_times)
    for low, high in zip(index.bounds[:-1], index.bounds[1:], strict=True):
        part = slice(int(low), int(high))
        step[part], own[part] = _steps(at_risk[part], exits[part], (family, rho, gamma), average)
    scores = -accumulate(index, step)
    scores[event] += own[index.moment[event]]
    return scores


def _steps(at_risk: Floats, exits: Floats, kind: tuple[str, float, float], average: bool) -> tuple[Floats, Floats]:
    """The weighted hazard of each time, and what an exit at that time adds to a score that has lost it."""
    if not average:
        weight = time_weights(at_risk, exits, *kind)
        w = np.ones(len(at_risk)) if weight is None else weight
        return w * exits / at_risk, w
    count = exits.astype(np.int64)
    owner = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    left = at_risk[owner] - place
    weight = time_weights(left, np.ones(len(left)), *kind)
    w = np.ones(len(left)) if weight is None else weight
    small = w / left
    step = np.bincount(owner, small, len(count))
    running = np.cumsum(small)
    so_far = running - (running - small)[np.cumsum(count) - count][owner]
    return step, np.bincount(owner, w - so_far, len(count)) / count + step


@dataclass(frozen=True, eq=False)
class Layer:
    """One stratum: its distinct scores (centred), how many rows have each, and the sizes of the groups."""

    value: Floats
    count: Ints
    sizes: Ints

    @property
    def square(self) -> float:
        """Sum of squares of the centred scores over rows - 1."""
        n = int(self.count.sum())
        return float(np.sum(self.count * self.value**2)) / (n - 1) if n > 1 else 0.0


def layers(
    scores: Floats, group: Ints, n_groups: int, weight: Floats, stratum: Ints | None, n_strata: int
) -> list[Layer]:
    """Count the distinct scores of each stratum; near-equal scores (1e-11 of the largest) are one."""
    code = np.zeros(len(scores), dtype=np.int64) if stratum is None else stratum
    made = []
    for s in range(n_strata):
        own = np.flatnonzero(code == s)
        if len(own) == 0:
            continue
        w, a = weight[own].astype(np.int64), scores[own]
        centred = a - (w @ a) / w.sum()
        value, count = _merged(centred, w.astype(float), _TIE * max(float(np.abs(centred).max()), 1e-300))
        sizes = np.bincount(group[own], w, n_groups).astype(np.int64)
        made.append(Layer(value, np.rint(count).astype(np.int64), sizes))
    return made


def permutation_moments(parts: list[Layer], n_groups: int) -> Floats:
    """Covariance of the sums of centred scores of the groups, (g, g)."""
    out = np.zeros((n_groups, n_groups))
    for part in parts:
        sizes = part.sizes.astype(float)
        out += part.square * (np.diag(sizes) - np.outer(sizes, sizes) / sizes.sum())
    return out


def _merged(values: Floats, mass: Floats, tie: float) -> tuple[Floats, Floats]:
    """Distinct values, ascending, with their mass."""
    _, first, code = np.unique(np.rint(values / tie), return_index=True, return_inverse=True)
    return values[first], np.bincount(code, mass, len(first))


States = dict[int, tuple[Floats, Floats]]
Gathered = dict[int, list[tuple[Floats, Floats]]]


def exact_tail(parts: list[Layer], deviation: float, most: int = 1 << 22) -> float | None:
    """P(|sum of centred scores of the first group| >= deviation), or None when it would take too many states.

    Parameters
    ----------
    parts : list of Layer
        Two groups.
    deviation : float
    most : int
        Largest number of distinct partial sums to hold.

    Notes
    -----
    The distinct scores are cut in two halves. Going forward from the start and backward from the end, a state is how
    many rows of the stratum at hand are in the group and their sum; equal sums are one state; the halves are joined
    by a search. Continuous scores of 40 rows give about a million states on either side, tied ones of hundreds of
    rows no more. Sums within 1e-9 of the largest score of the observed one are as extreme.
    Source: the shift algorithm of Streitberg & Roehmel (1986), with real scores and sums met in the middle.
    """
    tie = _TIE * max((float(np.abs(part.value).max()) for part in parts), default=1.0) or 1.0
    items = [(s, i) for s, part in enumerate(parts) for i in range(len(part.value))]
    cut = len(items) // 2
    forward: States | None = {0: (np.zeros(1), np.ones(1))}
    for s, i in items[:cut]:
        forward = None if forward is None else _ahead(parts[s], i, forward, tie, most)
    backward: States | None = None
    for s, i in reversed(items[cut:]):
        backward = _back(parts[s], i, backward, tie, most)
        if backward is None:
            return None
    if forward is None or backward is None:
        return None
    return min(_joined(forward, backward, deviation - 100 * tie), 1.0)


def _chances(part: Layer, i: int, chosen: int) -> tuple[Ints, Floats]:
    """How many of the i-th score's rows are in the group, given how many of the earlier rows are."""
    before, own, n = int(part.count[:i].sum()), int(part.count[i]), int(part.count.sum())
    left, wanted = n - before, int(part.sizes[0]) - chosen
    number = np.arange(max(0, own + wanted - left), min(own, wanted) + 1)
    logs = _choose(own, number) + _choose(left - own, wanted - number) - _choose(left, np.asarray(wanted))
    return number, np.exp(logs)


def _choose(n: int, k: Ints) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _possible(part: Layer, i: int) -> range:
    """Numbers of rows before the i-th score that can be in the group."""
    before, n, m = int(part.count[:i].sum()), int(part.count.sum()), int(part.sizes[0])
    return range(max(0, m - (n - before)), min(before, m) + 1)


def _ahead(part: Layer, i: int, states: States, tie: float, most: int) -> States | None:
    """Take in one distinct score; at the end of a stratum the count starts anew."""
    found: Gathered = {}
    size = 0
    for chosen, (sums, mass) in states.items():
        number, chance = _chances(part, i, chosen)
        size += len(sums) * len(number)
        if size > 2 * most or len(states) * len(number) > _PAIRS:
            return None
        for more, share in zip(number, chance, strict=True):
            found.setdefault(chosen + int(more), []).append((sums + more * part.value[i], mass * share))
    if i == len(part.value) - 1:
        found = {0: [pair for pairs in found.values() for pair in pairs]}
    return _gather(found, tie, most)


def _back(part: Layer, i: int, states: States | None, tie: float, most: int) -> States | None:
    """Laws of the rest of the sum, given how many rows before the i-th score are in the group."""
    last, possible = i == len(part.value) - 1, _possible(part, i)
    nothing = (np.zeros(1), np.ones(1))
    found: Gathered = {}
    size = 0
    for chosen in possible:
        number, chance = _chances(part, i, chosen)
        if len(possible) * len(number) > _PAIRS:
            return None
        for more, share in zip(number, chance, strict=True):
            sums, mass = nothing if states is None else states[0 if last else chosen + int(more)]
            size += len(sums)
            if size > 2 * most:
                return None
            found.setdefault(chosen, []).append((sums + more * part.value[i], mass * share))
    return _gather(found, tie, most)


def _gather(found: Gathered, tie: float, most: int) -> States | None:
    made = {}
    for chosen, pairs in found.items():
        made[chosen] = _merged(np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs]), tie)
    return made if sum(len(sums) for sums, _ in made.values()) <= most else None


def _joined(forward: States, backward: States, deviation: float) -> float:
    """Mass of pairs whose sums add up to at least `deviation` in size."""
    if deviation <= 0:
        return 1.0
    total = 0.0
    for chosen, (sums, mass) in forward.items():
        rest, law = backward[chosen]
        below = np.concatenate([[0.0], np.cumsum(law)])
        above = np.concatenate([np.cumsum(law[::-1])[::-1], [0.0]])
        upper = above[np.searchsorted(rest, deviation - sums, side="left")]
        lower = below[np.searchsorted(rest, -deviation - sums, side="right")]
        total += float(mass @ (upper + lower))
    return total


def drawn_sums(parts: list[Layer], n_groups: int, n_draws: int, rng: np.random.Generator) -> Floats:
    """Sums of the centred scores of each group under random permutations within strata.

    Returns
    -------
    (n_draws, n_groups)

    Notes
    -----
    Two groups and few distinct scores: numbers of each are drawn together (multivariate hypergeometric), which costs
    n_draws times the number of distinct scores. Otherwise rows are shuffled, in blocks.
    """
    out = np.zeros((n_draws, n_groups))
    for part in parts:
        if n_groups == 2 and 20 * len(part.value) < int(part.count.sum()):
            numbers = rng.multivariate_hypergeometric(part.count, int(part.sizes[0]), size=n_draws)
            own = numbers @ part.value
            out += np.column_stack([own, -own])
            continue
        scores = np.repeat(part.value, part.count)
        ends = np.cumsum(part.sizes)
        size = max(1, _BLOCK // len(scores))
        for start in range(0, n_draws, size):
            block = np.tile(scores, (min(size, n_draws - start), 1))
            running = np.zeros((len(block), len(scores) + 1))
            np.cumsum(rng.permuted(block, axis=1), axis=1, out=running[:, 1:])
            out[start : start + size] += np.diff(running[:, np.concatenate([[0], ends])], axis=1)
    return out
