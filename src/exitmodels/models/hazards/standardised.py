"""Survival and incidence averaged over people when a covariate is set for everyone, with joint limits.

Third floor, in the room of hazards. The average moves with the choice of people,
with the coefficients and with the baselines; the influence of each row on all
three is added up before squaring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxresiduals
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.risksets import accumulate
from exitmodels.results.contrasts import Contrasts
from exitmodels.shapes.columns import Columns, rows_of
from exitmodels.shapes.frames import Table

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox_fit import CoxFit

__all__ = ["standardised"]

_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class _People:
    """Over whom to average."""

    columns: Columns
    labels: AnyArray
    share: Floats
    same: bool


@dataclass(frozen=True, eq=False)
class _Effect:
    """Average at one time, each person's own value, and its derivatives by cause: baselines (k,), coefficients (p,)."""

    value: float
    own: Floats
    steps: list[Floats]
    slopes: list[Floats]


def standardised(
    fits: tuple[CoxFit, ...],
    cause: int | None,
    scenarios: Mapping[str, Any],
    times: Any,
    over: Any,
    target: str,
    product: bool,
) -> Contrasts:
    """Averages under each scenario with their covariance; survival when `cause` is None."""
    if target not in ("population", "sample"):
        raise DataError(f"target={target!r} is not known.", code="target", hint="population or sample.")
    first = fits[0]
    asked = np.atleast_1d(np.asarray(times, dtype=float))
    people = _people(first, over)
    names, tables = _scenarios(scenarios, people)
    until = min(min(fit.until) for fit in fits)
    if asked.size == 0 or asked.min() < 0 or asked.max() > until:
        raise DataError(
            f"Times must lie between 0 and {until:g}, the last time observed.", code="times", hint="Give other times."
        )
    coded = [[fit._coded(columns, len(people.labels), people.labels)[:3] for fit in fits] for columns in tables]
    rows = [_Rows.of(fit) for fit in fits]
    estimate = np.empty((len(asked), len(names)))
    covariance = np.empty((len(asked), len(names), len(names)))
    for m, t in enumerate(asked):
        effects = [
            _survival(first, made[0], people.share, t)
            if cause is None
            else _incidence(fits, cause, made, people.share, t, product)
            for made in coded
        ]
        estimate[m] = [effect.value for effect in effects]
        covariance[m] = _covariance(fits, rows, effects, people, target)
    what = "Survival" if cause is None else f"Incidence of {first.outcome if len(fits) == 1 else fits[cause].outcome}"
    return Contrasts(
        quantity=what,
        places=tuple({"time": float(t)} for t in asked),
        groups=names,
        estimate=estimate,
        covariance=covariance,
        scales=("difference", "ratio", "odds-ratio"),
        reference=0,
        top=1.0,
        limits="log-log",
        variance=first.vcov,
        unit=first.unit,
        method=f"{what} standardised over {len(people.labels)} people ({target}), from {first.method}",
        sources=("robins1986", "ozenne2020", *first.sources),
        ledger=first.ledger,
    )


def _people(fit: CoxFit, over: Any) -> _People:
    if over is not None:
        columns, n, labels = rows_of(over)
        return _People(columns, labels, np.full(n, 1 / n), False)
    rows = fit._data("An average over the rows of the fit").rows
    weight = rows.row_weight
    return _People(rows.columns, rows.labels, weight / weight.sum(), True)


def _scenarios(scenarios: Mapping[str, Any], people: _People) -> tuple[tuple[str, ...], list[Columns]]:
    values = {name: list(v) if np.ndim(v) else [v] for name, v in scenarios.items()}
    sizes = {len(v) for v in values.values()}
    if len(sizes) != 1 or sizes == {0}:
        raise DataError(
            "The lists of set= must have one length, at least 1.", code="set", hint='Say {"fin": [0, 1]}, for instance.'
        )
    names, tables = [], []
    for i in range(sizes.pop()):
        columns = people.columns
        for name, v in values.items():
            people.columns.want(name)
            columns = columns.with_column(Table({name: [v[i]] * len(people.labels)}).column(name))
        names.append(", ".join(f"{name}={v[i]}" for name, v in values.items()))
        tables.append(columns)
    return tuple(names), tables


def _grid(fit: CoxFit, stratum: int) -> tuple[slice, Floats]:
    own = slice(int(fit.baseline.bounds[stratum]), int(fit.baseline.bounds[stratum + 1]))
    return own, fit.baseline.times[own]


def _survival(fit: CoxFit, made: tuple[Floats, Floats, Ints], share: Floats, t: float) -> _Effect:
    """exp(-r H(t)): every increment before t moves it alike."""
    x, lp, stratum = made
    p = x.shape[1]
    own, steps, slope, value = np.empty(len(lp)), np.zeros(len(fit.baseline.times)), np.zeros(len(fit.estimate)), 0.0
    for s in np.unique(stratum).tolist():
        rows = np.flatnonzero(stratum == s)
        grid, at = _grid(fit, s)
        upto = int(np.searchsorted(at, t, side="right"))
        h, drift = fit.baseline.hazard[grid][:upto], fit.baseline.drift[grid][:upto]
        if fit.varying is None:
            risk = np.exp(lp[rows])
            survival = np.exp(-risk * h.sum())
            pull = share[rows] * survival * risk
            steps[grid.start : grid.start + upto] = -pull.sum()
            slope -= h.sum() * (pull @ x[rows]) - pull.sum() * drift.sum(axis=0)
        else:
            survival = _changing(fit, s, upto, x[rows], lp[rows], share[rows], steps, slope)
        own[rows] = survival
        value += float(share[rows] @ survival)
    assert p <= len(slope)
    return _Effect(value, own, [steps], [slope])


def _changing(
    fit: CoxFit, s: int, upto: int, x: Floats, lp: Floats, share: Floats, steps: Floats, slope: Floats
) -> Floats:
    """The same where effects change with time: the relative risk of a person differs by event time."""
    grid, _ = _grid(fit, s)
    h, drift = fit.baseline.hazard[grid][:upto], fit.baseline.drift[grid][:upto]
    survival = np.empty(len(x))
    assert fit.varying is not None
    columns, g = fit.varying.columns, fit.varying.steps[grid][:upto]
    p = x.shape[1]
    gamma = (fit.estimate * fit.scale)[p:]
    for low in range(0, len(x), max(1, _BLOCK // max(upto, 1))):
        b = slice(low, low + max(1, _BLOCK // max(upto, 1)))
        risk = np.exp(lp[b, None] + (x[b][:, columns] * gamma) @ g.T)
        survival[b] = np.exp(-risk @ h)
        pull = (share[b] * survival[b])[:, None] * risk
        total = pull.sum(axis=0)
        steps[grid.start : grid.start + upto] -= total
        weighted = x[b].T @ pull
        slope[:p] -= weighted @ h
        slope[p:] -= np.einsum("qk,kq,k->q", weighted[columns], g, h)
        slope += total @ drift
    return survival


def _incidence(
    fits: tuple[CoxFit, ...],
    cause: int,
    made: list[tuple[Floats, Floats, Ints]],
    share: Floats,
    t: float,
    product: bool,
) -> _Effect:
    """F(t) of one cause: an increment at u adds S(u-) to its own cause and takes from what follows."""
    strata = np.stack([m[2] for m in made])
    own = np.empty(len(share))
    steps = [np.zeros(len(fit.baseline.times)) for fit in fits]
    slopes = [np.zeros(len(fit.estimate)) for fit in fits]
    kinds, which = np.unique(strata, axis=1, return_inverse=True)
    which = np.ravel(which)
    for c in range(kinds.shape[1]):
        grids = [_grid(fit, int(s)) for fit, s in zip(fits, kinds[:, c], strict=True)]
        grid = np.unique(np.concatenate([at for _, at in grids]))
        grid = grid[grid <= t]
        places = [np.searchsorted(grid, at[at <= t]) for _, at in grids]
        hazards = np.zeros((len(fits), len(grid)))
        for j, (fit, (part, _), place) in enumerate(zip(fits, grids, places, strict=True)):
            hazards[j, place] = fit.baseline.hazard[part][: len(place)]
        members = np.flatnonzero(which == c)
        for low in range(0, len(members), max(1, _BLOCK // max(len(grid), 1))):
            rows = members[low : low + max(1, _BLOCK // max(len(grid), 1))]
            risks = [np.exp(m[1][rows]) for m in made]
            value, change = _changes(risks, hazards, cause, product)
            own[rows] = value
            for j, (fit, (part, _), place) in enumerate(zip(fits, grids, places, strict=True)):
                pull = (share[rows] * risks[j])[:, None] * change[j][:, place]
                span = slice(part.start, part.start + len(place))
                total = pull.sum(axis=0)
                steps[j][span] += total
                h, drift = fit.baseline.hazard[span], fit.baseline.drift[span]
                slopes[j] += (pull @ h) @ made[j][0][rows] - total @ drift
    return _Effect(float(share @ own), own, steps, slopes)


def _changes(risks: list[Floats], hazards: Floats, cause: int, product: bool) -> tuple[Floats, list[Floats]]:
    """F(t) of each person, and what a change of each cause's increment at each time does to it."""
    total = np.einsum("ji,jk->ik", np.stack(risks), hazards)
    stays = np.maximum(1 - total, 0.0) if product else np.exp(-total)
    before = np.concatenate([np.ones((len(total), 1)), np.cumprod(stays, axis=1)[:, :-1]], axis=1)
    incidence = np.cumsum(before * (risks[cause][:, None] * hazards[cause]), axis=1)
    last = incidence[:, -1] if incidence.shape[1] else np.zeros(len(total))
    taken = incidence - last[:, None]
    if product:
        with np.errstate(divide="ignore"):
            taken = taken * np.where(stays > 1e-14, 1 / stays, 0.0)
    return last, [taken + before if j == cause else taken for j in range(len(risks))]


@dataclass(frozen=True, eq=False)
class _Rows:
    """What each row of the fit adds to the increments, and takes from them while at risk; coefficients' influence."""

    jump: Floats
    relative: Floats
    square: Floats
    coefficients: Floats

    @classmethod
    def of(cls, fit: CoxFit) -> _Rows | None:
        if fit.vcov == "model":
            return None
        fitted = fit._data("A robust limit")
        terms, data = fitted.terms, fitted.data
        if terms is None or fit.varying is not None:
            raise DataError(
                "Robust limits of averages are not offered when effects change with time.",
                code="variance",
                hint="Use with_vcov('model'), or xm.bootstrap.",
            )
        scale = np.exp(-terms.shift)
        relative = coxresiduals.relative_risk(data, terms)
        jump = np.zeros(len(relative))
        left = data.index.event_rows
        at = data.index.moment[left]
        jump[left] = scale * (
            terms.hazard[at] / (data.share[at] * data.count[at]) + relative[left] * terms.square_f[at]
        )
        inverse = fit.model_covariance * np.outer(fit.scale, fit.scale)
        return cls(jump, relative, terms.square * scale, fitted.score(terms) @ inverse)


def _covariance(
    fits: tuple[CoxFit, ...], rows: list[_Rows | None], effects: list[_Effect], people: _People, target: str
) -> Floats:
    """Covariance of the averages of all scenarios at one time."""
    away = np.column_stack([effect.own - effect.value for effect in effects]) * people.share[:, None]
    chance = target == "population"
    if rows[0] is None:
        total = _squares(fits[0], away, people) if chance else np.zeros((len(effects), len(effects)))
        for j, fit in enumerate(fits):
            steps = np.stack([effect.steps[j] for effect in effects])
            slopes = np.stack([effect.slopes[j] for effect in effects])
            total = total + (steps * fit.baseline.square) @ steps.T
            total = total + slopes @ (fit.covariance * np.outer(fit.scale, fit.scale)) @ slopes.T
        return total
    influence = np.zeros((len(rows[0].jump), len(effects)))
    for j, (fit, own) in enumerate(zip(fits, rows, strict=True)):
        assert own is not None
        index = fit._data("A robust limit").data.index
        left = index.event_rows
        for a, effect in enumerate(effects):
            step = effect.steps[j]
            influence[left, a] += step[index.moment[left]] * own.jump[left]
            influence[:, a] -= own.relative * accumulate(index, step * own.square)
            influence[:, a] += own.coefficients @ effect.slopes[j]
    fitted = fits[0]._data("A robust limit")
    if chance and people.same:
        influence += away / fitted.rows.row_weight[:, None]
    total = np.zeros((len(effects), len(effects)))
    for sign, factor, cluster in fitted.units(fits[0].vcov):
        made = influence * factor[:, None]
        made = made if cluster is None else group_sum(made, cluster, int(cluster.max()) + 1)
        total += sign * made.T @ made
    return total + (away.T @ away if chance and not people.same else 0.0)


def _squares(fit: CoxFit, away: Floats, people: _People) -> Floats:
    """Variance from the choice of people; a frequency weight counts as many of them."""
    if not people.same:
        return away.T @ away
    rows = fit._data("An average").rows
    if rows.weight is None or rows.weights == "sampling":
        return away.T @ away
    return (away / rows.weight[:, None]).T @ away
