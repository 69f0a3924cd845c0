"""From spells with windows to curves: the steps that right and double truncation share.

Third floor, in the room of truncation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.windowmass import inside
from exitmodels.kernels.windowreach import components
from exitmodels.models.truncation.estimate import Solved, Solver, Spread, jackknife, resample, split, spread
from exitmodels.models.truncation.mean_limits import MeanLimits
from exitmodels.models.truncation.seen import Group, refuse_open, sorted_groups
from exitmodels.models.truncation.window_curve import WindowCheck, WindowCurve, WindowLaw
from exitmodels.render.text import number
from exitmodels.results.piece import Piece
from exitmodels.shapes.spells import Spells

__all__ = ["Choices", "fit_groups", "linked", "seen_range"]

_KINDS = ("survival", "incidence")


@dataclass(frozen=True)
class Choices:
    """What the two estimators let one choose."""

    model: str
    by: str | Sequence[str] | None
    kind: str
    variance: str | None
    variances: tuple[str, ...]
    default: str
    transform: str
    closed: str
    n_samples: int
    rng: np.random.Generator | int | None


@dataclass(frozen=True, eq=False)
class Made:
    """The pieces of one group, with their check and law, and what is to be said."""

    pieces: list[Piece]
    check: WindowCheck
    law: WindowLaw
    notes: list[str]
    group: Group


def chosen_variance(choices: Choices, rows: Spells) -> str:
    if choices.kind not in _KINDS:
        raise DataError(f"kind={choices.kind!r} is not known.", code="kind", hint='"survival" or "incidence".')
    sampled = rows.weight is not None and rows.weights == "sampling"
    kind = choices.variance or ("robust" if sampled else choices.default)
    if kind not in choices.variances:
        raise DataError(
            f"variance={kind!r} is not known.", code="variance", hint=f"One of {', '.join(choices.variances)}."
        )
    if kind == "cluster" and rows.cluster is None:
        raise DataError("There are no clusters.", code="no-cluster", hint="Read the spells with cluster=.")
    if sampled and kind in ("model", "greenwood"):
        raise DataError(
            f'variance="{kind}" counts people, and sampling weights do not.',
            code="variance",
            hint='Use variance="robust".',
        )
    return kind


def fit_groups(
    spells: Spells, choices: Choices, solver: Solver, existence: str, method: str, sources: tuple[str, ...]
) -> WindowCurve:
    """Fit each group and collect the curves."""
    refuse_open(spells, choices.model)
    rows = spells.complete(choices.by)
    kind = chosen_variance(choices, rows)
    rng = np.random.default_rng(choices.rng)
    made, lost = [], []
    for group in sorted_groups(rows, choices.by, choices.closed):
        part, gone = group, np.zeros(0, dtype=np.int64)
        n_parts = 1
        if choices.model == "DoublyTruncated":
            part, gone, n_parts = linked(group, existence, rows)
        lost.append(group.members[gone])
        made.append(_group(part, rows, choices, kind, solver, rng, n_parts, group, len(gone)))
    away = np.concatenate(lost)
    ledger = rows.ledger
    if away.size:
        why = "not linked to the largest set of times: its share cannot be told from the windows"
        ledger = ledger.set_aside(why, rows=rows.labels[away][:10].tolist(), n=int(away.size))
    return WindowCurve(
        kind=choices.kind,
        pieces=tuple(piece for m in made for piece in m.pieces),
        transform=choices.transform,
        variance=kind if kind not in ("bootstrap",) else f"bootstrap ({choices.n_samples} samples)",
        unit=rows.unit,
        ledger=ledger,
        method=method,
        sources=(*sources, *(("efron1979",) if kind == "bootstrap" else ())),
        outcome="exit" if choices.kind == "survival" else "cause of exit",
        warnings=tuple(note for m in made for note in m.notes),
        converged=all(m.check.gap < 1e-9 for m in made),
        checks=tuple(m.check for m in made),
        laws={m.check.label: m.law for m in made},
        profiles={m.check.label: MeanLimits(m.group) for m in made},
    )


def linked(group: Group, existence: str, rows: Spells) -> tuple[Group, Ints, int]:
    """The group if its times are connected; else refuse, or keep the largest component.

    Returns
    -------
    group : Group
    gone : (q,) int
        Rows of the group left out.
    n_parts : int
    """
    part = components(group.slot, group.first, group.stop, len(group.time))
    n_parts = int(part.max()) + 1
    if n_parts == 1:
        return group, np.zeros(0, dtype=np.int64), 1
    size = np.bincount(part[group.slot], group.weight)
    largest = int(np.argmax(size))
    outside = np.flatnonzero(part[group.slot] != largest)
    if existence == "raise":
        raise IdentificationError(
            f"{group.label}: the windows do not link all times, so the distribution that fits best does not exist or "
            f"is not unique: {n_parts} sets of times that do not reach one another, the largest with "
            f"{number(float(size[largest]))} of {number(group.n)} rows.",
            rows=rows.labels[group.members[outside]],
            code="not-connected",
            hint='existence="largest" sets the rows outside the largest set aside, and estimates the '
            "distribution given that the stay is one of its times; or fit a parametric law.",
        )
    if existence != "largest":
        raise DataError(f"existence={existence!r} is not known.", code="existence", hint='"raise" or "largest".')
    kept = np.flatnonzero(part[group.slot] == largest)
    return group.only(kept), outside, n_parts


def seen_range(group: Group) -> tuple[float, float]:
    """Times that some window would have let be seen."""
    return float(group.left.min()), float(group.right.max())


def _group(
    group: Group,
    rows: Spells,
    choices: Choices,
    kind: str,
    solver: Solver,
    rng: np.random.Generator,
    n_parts: int,
    whole: Group,
    n_gone: int,
) -> Made:
    solved = solver(group, group.weight)
    assert solved is not None
    n_causes = len(rows.causes)
    by_cause = np.cumsum(split(group, solved.mass, group.weight, n_causes), axis=1)
    notes = _notes(group, solved, n_parts, n_gone)
    asked = "model" if kind == "greenwood" else kind
    wide = spread(group, solved, asked, choices.kind == "incidence") if kind in _DIRECT else None
    if kind in _DIRECT and wide is None:
        notes.append(f'{group.label}: too few rows link the times for standard errors; try variance="bootstrap"')
    if wide is not None and len(wide.last) < np.count_nonzero(solved.mass > 0):
        notes.append(f"{group.label}: standard errors from times merged into {len(wide.last)} cells")
    se, mean_se, again = _errors(group, solved, kind, solver, choices, by_cause, wide, rng)
    notes += again
    pieces = _pieces(group, rows, choices, by_cause, se, wide)
    low, high = seen_range(group)
    inverse = 1 / np.where(solved.chance > 0, solved.chance, np.nan)[group.slot]
    weight = group.weight * np.where(np.isfinite(inverse), inverse, 0.0)
    check = WindowCheck(
        keys=group.keys,
        n=group.n,
        low=low,
        high=high,
        naive_mean=float(np.average(group.time[group.slot], weights=group.weight)),
        mean=float(solved.mass @ group.time),
        mean_se=mean_se,
        effective=float(weight.sum() ** 2 / (weight**2 / group.weight if group.copies else weight**2).sum()),
        largest_mass=float(solved.mass.max()),
        components=n_parts,
        outside=n_gone,
        gap=solved.gap,
        llf=solved.value,
        n_steps=solved.n_steps,
    )
    return Made(pieces, check, _law(group, solved), notes, group)


_DIRECT = ("robust", "model", "cluster", "greenwood")


def _law(group: Group, solved: Solved) -> WindowLaw:
    pairs, place = np.unique(np.stack([group.left, group.right]), axis=1, return_inverse=True)
    covered = inside(group.first, group.stop, solved.mass)
    with np.errstate(divide="ignore"):
        share = np.bincount(place.ravel(), np.where(covered > 0, group.weight / covered, 0.0), pairs.shape[1])
    return WindowLaw(
        left=pairs[0],
        right=pairs[1],
        share=share / share.sum(),
        time=group.time,
        mass=solved.mass,
        chance=solved.chance,
    )


def _errors(
    group: Group,
    solved: Solved,
    kind: str,
    solver: Solver,
    choices: Choices,
    by_cause: Floats,
    wide: Spread | None,
    rng: np.random.Generator,
) -> tuple[Floats, float, list[str]]:
    """Standard errors of the distribution (last row) and of each cause, and of the mean: (causes + 1, size)."""
    n_causes = len(by_cause)
    empty = np.full((n_causes + 1, len(group.time)), np.nan)
    if kind == "none" or (kind in _DIRECT and wide is None):
        return empty, np.nan, []
    if wide is not None:
        empty[-1] = wide.curve_se(None)
        for cause in range(n_causes if choices.kind == "incidence" else 0):
            empty[cause] = wide.curve_se(cause)
        return empty, wide.mean_se(), []
    if kind == "bootstrap":
        draws = resample(group, solver, solved.mass, choices.n_samples, n_causes, rng)
        factor = np.ones(len(draws))
    else:
        draws, factor = jackknife(group, solver, solved.mass, n_causes, rng)
    known = np.isfinite(draws[:, 0, -1])
    notes, n_lost = [], int(np.count_nonzero(~known))
    if n_lost:
        notes.append(f"{group.label}: {n_lost} of {len(draws)} samples of the {kind} have no unique estimate; left out")
    if n_lost > len(draws) / 2 or len(draws) - n_lost < 2:
        return empty, np.nan, notes
    draws, factor = draws[known], factor[known]
    if kind == "bootstrap":
        factor = factor / (len(draws) - 1)
    everything = np.concatenate([draws, draws.sum(axis=1, keepdims=True)], axis=1)
    away = everything - np.average(everything, axis=0, weights=factor)
    se = np.sqrt(np.tensordot(factor, away**2, axes=1))
    # the mean is a sum over the distribution: last time minus the area under it
    means = -everything[:, -1, :-1] @ np.diff(group.time)
    mean_se = float(np.sqrt(factor @ (means - np.average(means, weights=factor)) ** 2))
    return se, mean_se, notes


def _pieces(
    group: Group, rows: Spells, choices: Choices, by_cause: Floats, se: Floats, wide: Spread | None
) -> list[Piece]:
    size, n_causes = len(group.time), len(by_cause)
    events = np.bincount(group.cause * size + group.slot, group.weight, n_causes * size).reshape(n_causes, size)

    def piece(cause: int | None) -> Piece:
        keys = dict(group.keys) if cause is None else {**group.keys, "cause": rows.causes[cause]}
        estimate = np.clip(1.0 - by_cause.sum(axis=0), 0.0, 1.0) if cause is None else by_cause[cause]
        if cause is None:
            estimate[-1] = 0.0
        return Piece(
            keys=keys,
            time=group.time,
            estimate=estimate,
            se=se[n_causes if cause is None else cause],
            at_risk=np.zeros(0),
            events=events.sum(axis=0) if cause is None else events[cause],
            censored=np.zeros(0),
            n=group.n,
            integral_se=None if wide is None else (lambda tau: wide.area_se(cause, tau)),
            until=seen_range(group)[1] if np.isfinite(seen_range(group)[1]) else None,
        )

    return [piece(None)] if choices.kind == "survival" else [piece(c) for c in range(n_causes)]


def _notes(group: Group, solved: Solved, n_parts: int, n_gone: int) -> list[str]:
    low, high = seen_range(group)
    name = group.label
    range_ = (
        f"beyond {number(high)}" if low <= 0 or not np.isfinite(low) else f"outside ({number(low)}, {number(high)}]"
    )
    notes = [
        f"{name}: the curve is for stays that end within the range that could be seen; nothing is known {range_}, nor "
        "about people who never leave."
    ]
    if not np.isfinite(high):
        notes = [f"{name}: no right limit is finite, so late exits are not missing; left limits are corrected for"]
    if n_parts > 1:
        notes.append(f"{name}: {n_gone} rows outside the largest of {n_parts} linked sets of times were set aside")
    if solved.mass.max() > 0.2 and len(group.time) > 10:
        at = group.time[int(np.argmax(solved.mass))]
        notes.append(
            f"{name}: {number(100 * float(solved.mass.max()), 3)} % of the mass lies at {number(float(at))} alone"
        )
    if not solved.converged or not solved.gap < 1e-9:
        notes.append(f"{name}: the estimate is self-consistent only to within {solved.gap:.1e}")
    return notes
