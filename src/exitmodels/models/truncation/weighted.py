"""Weighted partial likelihood whose weights are estimated from the windows, and how rows move both.

Third floor, in the room of truncation. Read next: cox.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.kernels.coxresiduals import event_means, score_residuals
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_terms
from exitmodels.kernels.reversetime import limit_law
from exitmodels.kernels.risksets import RiskIndex, risk_index
from exitmodels.kernels.windowmass import inside, make_windows
from exitmodels.kernels.windowvariance import inverse_information, merged
from exitmodels.models.truncation.covariates import Coded
from exitmodels.models.truncation.estimate import MOST_SLOTS, Double
from exitmodels.models.truncation.seen import Group
from exitmodels.shapes.spells import Spells

__all__ = ["Weighted", "draws", "prepare", "solve"]


@dataclass(frozen=True, eq=False)
class Setting:
    """Rows and choices, before any number is estimated."""

    coded: Coded
    index: RiskIndex
    group: Group
    copies: bool
    stabilised: bool
    efron: bool
    trim: float | None
    max_steps: int
    chances: str

    def chance(self, base: Floats, start: Floats | None = None) -> tuple[Floats, Floats, bool] | None:
        """Chance that a stay of each row's length is recorded, up to a factor; masses of slots; whether it settled.

        None when the masses do not exist or are not unique.
        """
        if self.chances == "limits":
            group = self.group
            law = limit_law(group.time[group.slot], group.right, base)
            return np.exp(law.log_chance), np.ones(len(group.time)), True
        found = Double()(self.group, base, start)
        return None if found is None else (found.chance[self.group.slot], found.mass, found.converged)


@dataclass(frozen=True, eq=False)
class Weighted(Setting):
    """A fit, and what its variances need.

    Attributes
    ----------
    base : (n,)
        Weights of the spells.
    selection : (n,)
        One over the chance of being recorded, mean one; capped where `capped`.
    mass : (size,)
        Of the slots of the group.
    """

    base: Floats
    selection: Floats
    capped: Bools
    mass: Floats
    best: Maximum[CoxTerms]

    def sandwich(self, moving: bool, by_cluster: bool) -> Floats:
        """Covariance from the influence of rows or clusters; `moving` lets them move the weights too."""
        bread = symmetric_inverse(self.best.terms.information)
        whole, through = _scores(self, self.best.terms)
        if moving:
            whole = whole + _through_weights(self, through)
        if by_cluster and self.coded.cluster is not None:
            whole = np.stack([np.bincount(self.coded.cluster, column) for column in whole.T], axis=1)
        elif self.copies:
            whole = whole / np.sqrt(self.base)[:, None]
        return np.asarray(bread @ (whole.T @ whole) @ bread, dtype=np.float64)


def prepare(
    made: Coded,
    rows: Spells,
    event: Bools,
    group: Group,
    estimator: str,
    ties: str,
    trim: float | None,
    max_steps: int,
    chances: str = "npmle",
) -> Weighted:
    """Estimate the weights and the coefficients."""
    index = risk_index(None, rows.exit, event, made.stratum, made.n_strata)
    base = np.asarray(rows.row_weight, dtype=np.float64)
    copies = rows.weights == "frequency"
    setting = Setting(made, index, group, copies, estimator == "stabilised", ties == "efron", trim, max_steps, chances)
    found = setting.chance(base)
    assert found is not None
    selection, capped = _selection(found[0], base, trim)
    best = solve(setting, base, selection)
    return Weighted(**vars(setting), base=base, selection=selection, capped=capped, mass=found[1], best=best)


def _selection(chance: Floats, base: Floats, trim: float | None) -> tuple[Floats, Bools]:
    weight = 1 / chance
    weight = weight / np.average(weight, weights=base)
    capped = np.zeros(len(weight), dtype=bool) if trim is None else weight > trim
    return np.where(capped, trim if trim is not None else np.inf, weight), capped


def _data(fit: Setting, base: Floats, selection: Floats) -> CoxData:
    index, rows = fit.index, fit.index.event_rows
    k, at = index.n_times, index.moment[index.event_rows]
    exits = np.zeros(len(base))
    exits[rows] = (base if fit.stabilised else base * selection)[rows]
    total = np.bincount(at, exits[rows], k)
    count = np.bincount(at, base[rows] if fit.copies else (base[rows] > 0).astype(np.float64), k)
    share = np.where(count > 0, total / np.where(count > 0, count, 1.0), 0.0)
    count = np.where(count > 0, count, 1.0)
    efron = fit.efron and bool(np.any(count > 1))
    return CoxData(fit.coded.matrix, index, base * selection, fit.coded.offset, count, share, exits, efron)


def solve(fit: Setting, base: Floats, selection: Floats) -> Maximum[CoxTerms]:
    """Maximise the weighted partial likelihood; rows of weight zero are left out of it."""
    rows = np.flatnonzero(base > 0)
    if len(rows) < len(base):
        part = replace(
            fit,
            index=fit.index.take(rows),
            coded=replace(
                fit.coded,
                matrix=fit.coded.matrix[rows],
                offset=None if fit.coded.offset is None else fit.coded.offset[rows],
            ),
        )
        data = _data(part, base[rows], selection[rows])
    else:
        data = _data(fit, base, selection)
    return newton(lambda beta: cox_terms(beta, data), np.zeros(data.matrix.shape[1]), 1e-10, fit.max_steps)


def _scores(fit: Weighted, terms: CoxTerms) -> tuple[Floats, Floats]:
    """Weighted score of each row, and the part of it that its selection weight multiplies: (n, p) each."""
    data = _data(fit, fit.base, fit.selection)
    score = np.empty_like(data.matrix)
    for part, block in score_residuals(data, terms):
        score[part] = block
    weight = (fit.base * fit.selection)[:, None]
    if not fit.stabilised:
        return score * weight, score * weight
    rows = data.index.event_rows
    exits = np.zeros_like(score)
    exits[rows] = data.matrix[rows] - event_means(data, terms)[data.index.moment[rows]]
    through = (score - exits) * weight
    return exits * data.event_weight[:, None] + through, through


def _through_weights(fit: Weighted, through: Floats) -> Floats:
    """What each row does to the score by moving the weights of all: (n, p).

    The log weight of a slot is its log mass less the log of its exits, up to a constant that the score does not feel.
    """
    group = fit.group
    free = np.where(fit.capped[:, None], 0.0, through)
    if fit.chances == "limits":
        return fit.base[:, None] * limit_law(group.time[group.slot], group.right, fit.base).moved(free)
    slot, first, stop, last = merged(group.slot, group.first, group.stop, len(group.time), 2 * MOST_SLOTS)
    size = len(last)
    data = make_windows(slot, first, stop, fit.base, size)
    mass = np.bincount(np.arange(len(group.time)) * size // len(group.time), fit.mass, size)
    push = np.stack([np.bincount(slot, column, size) for column in free.T], axis=1)
    moved = inverse_information(data, mass) @ push
    covered = inside(first, stop, mass)
    within = np.stack([inside(first, stop, mass * column) for column in moved.T], axis=1)
    return fit.base[:, None] * (moved[slot] - within / covered[:, None] - (push / data.events[:, None])[slot])


def draws(fit: Weighted, n: int, rng: np.random.Generator) -> Floats:
    """Coefficients of `n` bootstrap samples of rows or clusters, weights estimated anew; NaN where there are none."""
    out = np.full((n, len(fit.best.at)), np.nan)
    cluster, rows = fit.coded.cluster, len(fit.base)
    for b in range(n):
        if cluster is not None:
            size = int(cluster.max()) + 1
            base = fit.base * rng.multinomial(size, np.full(size, 1 / size))[cluster]
        elif fit.copies:
            base = rng.multinomial(round(float(fit.base.sum())), fit.base / fit.base.sum()).astype(np.float64)
        else:
            base = fit.base * rng.multinomial(rows, np.full(rows, 1 / rows))
        found = fit.chance(base, fit.mass)
        if found is None or not found[2]:
            continue
        drawn = base > 0
        selection = np.ones(rows)
        selection[drawn], _ = _selection(found[0][drawn], base[drawn], fit.trim)
        try:
            best = solve(fit, base, selection)
        except (ValueError, np.linalg.LinAlgError):
            continue
        if best.converged:
            out[b] = best.at
    return out
