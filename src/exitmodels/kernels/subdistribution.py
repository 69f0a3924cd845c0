"""Fine and Gray's partial likelihood, and what estimating its weights adds to a variance.

Ground floor. The subdistribution hazard is a Cox model whose risk set also holds those who left for another
cause, with falling weights (beyond.py); value, gradient and information are those of partial.py with that wider
set. Here is the rest: the influence of each row on the score, through its own residual and through the weights
of everyone else.

Read next: subcurves.py (predicted incidence), subvarying.py (effects that change with time).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.beyond import layer_steps, running_sum
from exitmodels.kernels.coxresiduals import drift, relative_risk, score_residuals
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_data
from exitmodels.kernels.stays import Stays
from exitmodels.kernels.subweights import Weighting, weighting

__all__ = [
    "SubData",
    "influences",
    "own_events",
    "pull_from",
    "pull_of",
    "subdistribution",
    "weight_part",
    "weight_totals",
]


@dataclass(frozen=True, eq=False)
class SubData:
    """What does not depend on the coefficients.

    Attributes
    ----------
    stays : Stays
    cox : CoxData
        With `beyond` set, unless nobody left for another cause.
    weights : Weighting
    codes : (k,) int
        Code of each event time.
    """

    stays: Stays
    cox: CoxData
    weights: Weighting
    codes: Ints

    @property
    def keys(self) -> Ints:
        """A number for each stratum and event time, ascending, that stays the same when rows are left out."""
        return np.asarray(self.cox.index.stratum * np.int64(len(self.stays.levels)) + self.codes)


def subdistribution(
    stays: Stays,
    matrix: Floats,
    weight: Floats | None = None,
    offset: Floats | None = None,
    ties: str = "breslow",
    replicas: bool = True,
) -> SubData:
    """Prepare a fit.

    Parameters
    ----------
    stays : Stays
    matrix : (n, p)
        Centred and scaled columns.
    weight, offset : (n,), optional
    ties, replicas
        As in `partial.cox_data`.

    Notes
    -----
    Cost: that of placing rows on the grid of event times; each evaluation of `partial.cox_terms` is then linear
    in the rows. Source: Fine & Gray (1999); strata: Zhou, Latouche, Rocha & Fine (2011).
    """
    grid = stays.grid()
    weights = weighting(stays, grid, weight)
    codes = grid.times.astype(np.int64)
    named = replace(grid, times=stays.levels[codes])
    cox = replace(cox_data(matrix, named, weight, offset, ties, replicas), beyond=weights.beyond)
    return SubData(stays, cox, weights, codes)


def influences(
    data: SubData, terms: CoxTerms, known: bool = False, factor: Floats | None = None, within: bool = False
) -> Iterator[tuple[slice, Floats]]:
    """Give the influence of each row on the score by blocks of rows: (rows, (b, p)), unweighted.

    Parameters
    ----------
    known : bool
        Take the weights as known: score residuals alone (eta); else with the part through the weights (psi).
    factor : (k,), optional
        A function of time that covariates are multiplied by, as in `coxresiduals.score_residuals`.
    within : bool
        With several groups: count, as cmprsk does, only what the weights of a group do at its own exits.

    Notes
    -----
    Source: Fine & Gray (1999), section 4, eta_i + psi_i; with convention "geskus" the part through the weights is
    the exact derivative with respect to the weight of a row.
    """
    blocks = score_residuals(data.cox, terms, factor)
    if known or data.cox.beyond is None:
        return blocks
    return _with_weights(data, blocks, pull_of(data, terms, factor, within))


def _with_weights(
    data: SubData, blocks: Iterator[tuple[slice, Floats]], pull: Floats
) -> Iterator[tuple[slice, Floats]]:
    totals = weight_totals(data, pull)
    for rows, block in blocks:
        block += weight_part(data, pull, totals, rows)
        yield rows, block


def weight_totals(data: SubData, pull: Floats) -> Floats:
    """Running sums of what being at risk of the clock takes away, (m + 1, p)."""
    total = np.zeros((len(pull) + 1, pull.shape[1]))
    np.cumsum(pull * data.weights.clock.rate[:, None], axis=0, out=total[1:])
    return total


def weight_part(data: SubData, pull: Floats, totals: Floats, rows: slice) -> Floats:
    """What a block of rows adds through the weights: its own point of the clock less those it stood at risk of."""
    clock = data.weights.clock
    index = clock.index
    part: Floats = -totals[index.leaves[rows]]
    if index.subtracts:
        part += totals[index.enters[rows]]
    for own in (index.moment[rows], clock.came[rows]):
        there = np.flatnonzero(own >= 0)
        part[there] += pull[own[there]] * clock.jump[own[there]][:, None]
    return part


def pull_of(data: SubData, terms: CoxTerms, factor: Floats | None = None, within: bool = False) -> Floats:
    """What a change of log W at each point of the clock would take from the score, (m, p).

    Notes
    -----
    At point u: the sum over competing exits j before u and event times t after u of
    (x_j - mean(t)) exp(eta_j) w_j(t) dH(t), as a difference of two running sums, one over event times and one over
    exits. Cost: O((n + k + m) p). Source: Fine & Gray (1999), section 4, q(u).
    """
    cox, beyond = data.cox, data.cox.beyond
    if beyond is None:
        return pull_from(data, [], [])
    risk, scale = relative_risk(cox, terms), 1.0 if factor is None else factor
    if cox.weight is not None:
        risk = risk * cox.weight
    whole, steps = terms.hazard * scale, drift(terms) * np.reshape(scale, (-1, 1))
    by_time, by_exit = [], []
    for i, (layer, curve) in enumerate(zip(beyond.layers, data.weights.curves, strict=True)):
        share = layer.keep * (own_events(cox, data.stays.group, curve) if within else 1.0)
        hazard, slope = whole * share, steps * share[:, None]
        first = running_sum(layer_steps(beyond, i, cox.matrix, risk), beyond.bounds) * hazard[:, None]
        alone = running_sum(layer_steps(beyond, i, np.ones(len(risk)), risk), beyond.bounds)
        by_time.append(first - slope * alone[:, None])
        by_exit.append(_at_exits(data, i, risk[layer.rows] * layer.factor, hazard, slope))
    return pull_from(data, by_time, by_exit)


def _at_exits(data: SubData, i: int, risk: Floats, hazard: Floats, slope: Floats) -> Floats:
    """Sum of risk * (x dH - mean dH) over later event times, of the rows of a layer that end at each point."""
    beyond, end, size = data.cox.beyond, data.weights.ends[i], data.weights.clock.n_points + 1
    assert beyond is not None
    layer = beyond.layers[i]
    weight = risk * _between(hazard, layer.start, layer.stop)
    pointers, _ = beyond.pointers[i]
    out = np.asarray(
        sparse.csc_array((weight, end.astype(np.int32), pointers), (size, beyond.n_rows)) @ data.cox.matrix
    )
    for j in range(out.shape[1]):
        out[:, j] -= np.bincount(end, risk * _between(slope[:, j], layer.start, layer.stop), size)
    return out


def pull_from(data: SubData, by_time: list[Floats], by_exit: list[Floats]) -> Floats:
    """Turn one sum, split by event time (k, p) and by point of the exit (m + 1, p) in each layer, into sums by point.

    A pair of an exit and a later event time is moved by the points between them: those up to the event time less
    those up to the exit.
    """
    clock, p = data.weights.clock, data.cox.matrix.shape[1] if not by_time else by_time[0].shape[1]
    out = np.zeros((clock.n_points + 1, p))
    for mark, first, ended in zip(data.weights.marks, by_time, by_exit, strict=True):
        out += group_sum(first, mark, len(out)) - ended
    return _still_to_come(out, clock.index.bounds)


def own_events(cox: CoxData, group: Ints | None, curve: Ints) -> Floats:
    """Share of the exits at each event time that belong to the group of a layer, (k,)."""
    rows = cox.index.event_rows
    at, weight = cox.index.moment[rows], cox.event_weight[rows]
    own = curve[at] == (0 if group is None else group[rows])
    return np.asarray(np.bincount(at, weight * own, len(curve)) / np.bincount(at, weight, len(curve)))


def _between(steps: Floats, start: Ints, stop: Ints) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(total[stop] - total[start])


def _still_to_come(marked: Floats, bounds: Ints) -> Floats:
    """Sums of what is marked after each point, within its group: (m + 1, p) to (m, p)."""
    ahead = np.cumsum(marked[::-1], axis=0)[::-1]
    out = ahead[1:].copy()
    for low, high in pairwise(bounds.tolist()):
        if high > low:
            out[low:high] -= ahead[high + 1] if high + 1 < len(ahead) else 0.0
    return out
