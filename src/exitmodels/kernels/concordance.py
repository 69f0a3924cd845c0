"""Concordance: how often the person with the higher score leaves first.

Ground floor. Every moment (exit, censoring, entry) gets a whole number, its place in time; two rows are
compared at an exit of one of them while the other is at risk. Sorting by score turns concordant pairs into
inverted pairs of places, which pairs.py adds up for every row at once. Strata are laid one after another, so
that no pair across strata is ever inverted: one pass, whatever their number.

Read next: pairs.py. Called by: models.hazards.concordance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.pairs import inverted_sums
from exitmodels.kernels.places import Moments

__all__ = ["PairCounts", "pair_counts"]

_SAME_SCORE = 1e-12


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Weighted counts of pairs, and what each row adds.

    Attributes
    ----------
    counts : (s, 5)
        Concordant, discordant, tied in the score only, tied in time only, tied in both; by stratum.
    influence : (n, 3)
        Derivative of the first three by the weight of each row.
    spread : (s,)
        Sum over exits of the variance of the score's rank among those at risk, times the number at risk
        squared: the variance of concordant minus discordant if the score had no effect.
    ranks : tuple of (d,) arrays, or None
        For each exit with an event: the row; its time; (lower - higher scores) / those compared; the time
        weight times the number of those compared.
    """

    counts: Floats
    influence: Floats
    spread: Floats
    ranks: tuple[Ints, Floats, Floats, Floats] | None


def pair_counts(
    places: Moments,
    score: Floats,
    weight: Floats,
    per_time: Floats,
    stratum: Ints | None = None,
    copies: bool = True,
    ranks: bool = False,
) -> PairCounts:
    """Count pairs: concordant when the row that leaves first has the higher score.

    Parameters
    ----------
    score, weight : (n,)
    per_time : (c,)
        From `time_weights`.
    copies : bool
        Whether a weight counts identical people (then pairs of copies are tied in time and in score).
    ranks : bool
        Whether to give the rank of each exit too.

    Notes
    -----
    Scores closer than 1e-12 of the largest are one score, so that rounding in a linear predictor breaks no tie.
    Cost: O(n log n), without a loop over rows. Source: Harrell et al. (1982); the influence of each row as in
    Therneau & Atkinson (2024); spread: with W at risk and W_g of one score, (W^3 - sum W_g^3) / 3 is the sum of
    squared differences between lower and higher scores.
    """
    n, leaves, late = len(score), places.exit, places.late
    place = np.concatenate([leaves, places.entry]) if late.size else leaves
    order, group = _by_score(score, stratum, place, np.concatenate([np.arange(n), late]) if late.size else None)
    block = _Blocks.of(group, place[order])
    per_row = per_time[leaves]
    own = weight * per_row
    signed, asked = (np.concatenate([v, w]) if late.size else v for v, w in ((weight, -weight[late]), (own, 0 * late)))
    signed, asked = signed[order], asked[order]
    lower, higher = _in_row_order(order, *inverted_sums(place[order], signed, asked))
    tied, tied_before = _in_row_order(order, block.later(signed), block.earlier(asked))
    compared = (places.at_risk - places.events - places.censored)[leaves]
    before = places.up_to(np.bincount(leaves, own, len(per_time)))[place]
    parts = ((lower, higher), (compared - lower[:n] - tied[:n], before - higher - tied_before), (tied, tied_before))
    influence, counts = np.empty((n, 3), order="F"), np.zeros((len(places.size), 5))
    home = places.stratum[leaves] if len(places.size) > 1 else None
    for j, (first, second) in enumerate(parts):
        np.multiply(per_row, first[:n], out=influence[:, j])
        influence[:, j] += second[:n]
        influence[late, j] -= second[n:]
        counts[:, j] = own @ first[:n] if home is None else np.bincount(home, own * first[:n], len(counts))
    counts[:, 3:] = _tied_in_time(places, per_time, weight, block, order, copies)
    cubes = places.from_here(np.bincount(place[order], block.cube_steps(signed), len(per_time)))
    ranked = _ranks(places, per_time, lower[:n], tied[:n], compared) if ranks else None
    return PairCounts(counts, influence, _spread(places, per_time, cubes), ranked)


def _in_row_order(order: Ints, *sums: Floats) -> list[Floats]:
    """Bring sums over points in order of the score back to the order of the rows."""
    out = []
    for values in sums:
        placed = np.zeros(len(order))
        if values.any():
            placed[order] = values
        out.append(placed)
    return out


def _spread(places: Moments, per_time: Floats, cubes: Floats) -> Floats:
    """Variance of concordant minus discordant pairs under no effect, by stratum."""
    use = per_time > 0
    y = np.where(use, places.at_risk, 1.0)
    spread = np.where(use, places.events * per_time * (y**3 - cubes) / (3.0 * y), 0.0)
    return np.diff(np.concatenate([[0.0], np.cumsum(spread)])[places.begins])


def _ranks(
    places: Moments, per_time: Floats, lower: Floats, tied: Floats, compared: Floats
) -> tuple[Ints, Floats, Floats, Floats]:
    rows = np.flatnonzero((per_time > 0)[places.exit])
    here, at = compared[rows], places.exit[rows]
    rank = (2 * lower[rows] + tied[rows] - here) / np.where(here > 0, here, 1.0)
    return rows, places.time[at], rank, per_time[at] * here


def _tied_in_time(
    places: Moments, per_time: Floats, weight: Floats, block: _Blocks, order: Ints, copies: bool
) -> Floats:
    """Pairs of exits at one time: those with different scores, and those with one score too; by stratum, (s, 2)."""
    leaves, n_strata = places.exit, len(places.size)
    events = np.flatnonzero(places.kind[leaves] == 0)
    alone = (weight if copies else weight**2)[events]
    same = per_time * (places.events**2 - np.bincount(leaves[events], alone, len(per_time))) / 2
    out = np.zeros((n_strata, 2))
    out[:, 0] = np.bincount(places.stratum, same, n_strata)
    if block.plain and not (copies and np.any(weight > 1)):
        return out
    mine = np.zeros((2, len(order)))
    mine[0, events], mine[1, events] = weight[events], alone
    both = per_time[block.code] * (block.total(mine[0, order]) ** 2 - block.total(mine[1, order])) / 2
    out[:, 1] = np.bincount(places.stratum[block.code], both, n_strata)
    out[:, 0] -= out[:, 1]
    return out


def _by_score(score: Floats, stratum: Ints | None, place: Ints, row: Ints | None) -> tuple[Ints, Ints]:
    """Order of the points by stratum, score and place, and the number of the score of each in that order."""
    by = np.argsort(score)
    apart = np.diff(score[by]) > _SAME_SCORE * float(np.max(np.abs(score), initial=0.0))
    code = np.empty(len(score), dtype=np.int64)
    code[by] = np.concatenate([[0], np.cumsum(apart)])
    if stratum is not None:
        code += stratum.astype(np.int64) * (len(score) + 1)
    if row is not None:
        code = code[row]
    bits = [max(int(v).bit_length(), 1) for v in (code.max(), place.max(), len(place))]
    if sum(bits) < 63:
        key = np.sort((((code << bits[1]) | place) << bits[2]) | np.arange(len(place)))
        return key & ((1 << bits[2]) - 1), key >> (bits[1] + bits[2])
    order = np.lexsort((place, code))
    return order, code[order]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Points in order of score and place, cut into groups of one score and blocks of one score and place."""

    group: Ints
    block: Ints
    group_begins: Ints
    block_begins: Ints
    code: Ints

    @classmethod
    def of(cls, group: Ints, code: Ints) -> _Blocks:
        new_group = np.concatenate([[True], group[1:] != group[:-1]])
        new_block = new_group | np.concatenate([[True], code[1:] != code[:-1]])
        begins = np.flatnonzero(new_block)
        return cls(np.cumsum(new_group) - 1, np.cumsum(new_block) - 1, np.flatnonzero(new_group), begins, code[begins])

    def _ends(self, begins: Ints, which: Ints) -> Ints:
        return np.append(begins[1:], len(self.group))[which]

    @property
    def plain(self) -> bool:
        """Whether no two points have one score."""
        return len(self.group_begins) == len(self.group)

    def total(self, values: Floats) -> Floats:
        """Sum of each block."""
        return np.add.reduceat(values, self.block_begins)

    def later(self, values: Floats) -> Floats:
        """For each point, the sum over later places of its group."""
        if self.plain:
            return np.zeros(len(values))
        upto = np.concatenate([[0.0], np.cumsum(values)])
        return upto[self._ends(self.group_begins, self.group)] - upto[self._ends(self.block_begins, self.block)]

    def earlier(self, values: Floats) -> Floats:
        """For each point, the sum over earlier places of its group."""
        if self.plain:
            return np.zeros(len(values))
        upto = np.concatenate([[0.0], np.cumsum(values)])
        return upto[self.block_begins[self.block]] - upto[self.group_begins[self.group]]

    def cube_steps(self, signed: Floats) -> Floats:
        """What each point adds to the sum over groups of (weight at risk)^3, going back in time."""
        if self.plain:
            return np.asarray(signed**3)
        upto = np.concatenate([[0.0], np.cumsum(signed)])
        end = upto[self._ends(self.group_begins, self.group)]
        return (end - upto[:-1]) ** 3 - (end - upto[1:]) ** 3
