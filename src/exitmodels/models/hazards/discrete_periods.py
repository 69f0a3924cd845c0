"""From times to periods, and from rows to patterns, for discrete-time hazards.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.design import Design
from exitmodels.shapes.frames import Column
from exitmodels.shapes.spells import Spells

__all__ = ["Periods", "baseline_columns", "collapse", "fixed_hazards", "to_periods"]


@dataclass(frozen=True, eq=False)
class Periods:
    """Rows on the grid of periods.

    Attributes
    ----------
    ends : (t,)
        End of each period, in the unit of the spells.
    enters, leaves : (n,) int
        A row is at risk in periods enters .. leaves - 1.
    counted : (n,) bool
        Whether the row's exit falls within the periods.
    notes : tuple of str
    """

    ends: Floats
    enters: Ints
    leaves: Ints
    counted: Bools
    notes: tuple[str, ...] = ()


def to_periods(rows: Spells, breaks: Sequence[float] | None) -> Periods:
    """Place rows on periods; see `DiscreteHazard`."""
    return _whole(rows) if breaks is None else _broken(rows, np.asarray(breaks, dtype=np.float64))


def _whole(rows: Spells) -> Periods:
    for name, values in (("exit", rows.exit), ("entry", rows.entry)):
        bad = np.flatnonzero(np.asarray(values) != np.floor(values))
        if bad.size:
            raise DataError(
                f"{bad.size} times are not whole numbers (first: {values[bad[0]]:g}), so they name no period.",
                column=name,
                rows=rows.labels[bad],
                code="periods",
                hint="Give breaks=, the edges of the periods, such as range(0, 540, 7).",
            )
    low, high = int(rows.entry.min()), int(rows.exit.max())
    ends = np.arange(low + 1, high + 1, dtype=np.float64)
    enters, leaves = (np.asarray(v - low).astype(np.int64) for v in (rows.entry, rows.exit))
    return Periods(ends, enters, leaves, np.ones(len(rows), dtype=bool))


def _broken(rows: Spells, edges: Floats) -> Periods:
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
        raise DataError("The breaks do not rise.", code="breaks", hint="Give two or more rising edges.")
    enters = np.searchsorted(edges, rows.entry)
    inside = edges[np.minimum(enters, len(edges) - 1)] != rows.entry
    bad = np.flatnonzero(inside)
    if bad.size:
        raise DataError(
            f"{bad.size} people enter between the edges of periods (first: at {rows.entry[bad[0]]:g}); whether they "
            "would have left earlier in that period was not observed.",
            rows=rows.labels[bad],
            code="periods",
            hint="Put an edge at each time of entry, or use Cox or AalenAdditive.",
        )
    beyond = rows.exit > edges[-1]
    place = np.searchsorted(edges, rows.exit)
    whole = edges[np.minimum(place, len(edges) - 1)] == rows.exit
    leaves = np.where(beyond, len(edges) - 1, np.where((rows.event > 0) | whole, place, place - 1))
    notes = []
    partial = np.count_nonzero(~beyond & (rows.event == 0) & ~whole)
    if partial:
        notes.append(f"{partial} rows are censored within a period and count up to the whole period before it")
    late = np.count_nonzero(beyond & (rows.event > 0))
    if late:
        notes.append(f"{late} exits after the last edge, {edges[-1]:g}, count as not yet left")
    return Periods(edges[1:], enters.astype(np.int64), leaves.astype(np.int64), ~beyond, tuple(notes))


def baseline_columns(
    baseline: str, periods: Periods, n_causes: int
) -> tuple[tuple[tuple[str, ...], ...], tuple[Floats, ...], tuple[Floats, ...], tuple[Floats, ...]]:
    """Names and columns of the period part, for each cause: as given, as fitted, and what turns one into the other."""
    t = len(periods.ends)
    if baseline == "periods":
        names = tuple(f"period[{end:g}]" for end in periods.ends)
        eye = np.eye(t)
        return (names,) * n_causes, (eye,) * n_causes, (eye,) * n_causes, (eye,) * n_causes
    made = Design.of(baseline, {"period": Column("period", "number", periods.ends)}, intercept=True)
    inner, turn = np.linalg.qr(made.matrix)
    if np.abs(np.diag(turn)).min() < 1e-10 * np.abs(np.diag(turn)).max() or made.matrix.shape[1] > t:
        raise DataError(
            f"The columns of baseline={baseline!r} cannot be told apart over {t} periods.",
            code="collinear",
            hint="Use fewer terms.",
        )
    size = np.sqrt(t)
    return (made.names,) * n_causes, (made.matrix,) * n_causes, (inner * size,) * n_causes, (turn / size,) * n_causes


def fixed_hazards(periods: Periods, cause: Ints, weight: Floats, n_causes: int, free: bool) -> Floats:
    """Periods whose hazard needs no estimate when each has its own coefficient: see `DiscreteData.fixed`."""
    t = len(periods.ends)
    fixed = np.zeros((n_causes, t))
    if not free:
        return fixed
    steps = np.bincount(periods.enters, weight, t + 1) - np.bincount(periods.leaves, weight, t + 1)
    at_risk = np.cumsum(steps)[:t]
    left = np.flatnonzero(cause)
    key = (cause[left] - 1) * t + periods.leaves[left] - 1
    events = np.bincount(key, weight[left], n_causes * t).reshape(n_causes, t)
    fixed[events <= 0] = -np.inf
    everyone = (events.sum(axis=0) >= at_risk * (1 - 1e-12)) & (at_risk > 0)
    alone = (events > 0).sum(axis=0) == 1
    fixed[:, everyone & alone] = np.where(events[:, everyone & alone] > 0, np.inf, -np.inf)
    return fixed


def collapse(matrix: Floats, offset: Floats) -> tuple[Ints, Ints]:
    """Code of each row's pattern, and a row that has it."""
    code: Ints = np.zeros(len(offset), dtype=np.int64)
    parts: list[AnyArray] = [offset, *matrix.T]
    for part in parts:
        if part[0] == part[-1] and np.all(part == part[0]):
            continue
        levels, own = np.unique(part, return_inverse=True)
        _, code = np.unique(code * len(levels) + own, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return code.astype(np.int64), first
