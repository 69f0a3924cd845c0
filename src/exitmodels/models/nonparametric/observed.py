"""What all observed curves share: groups, tables, and which variance is meant.

Third floor, in the room of curves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.jackknife import Form, Rows
from exitmodels.kernels.multipliers import suprema
from exitmodels.kernels.risksets import risk_index
from exitmodels.kernels.steps import value_at
from exitmodels.kernels.tables import EventTable, grouped_tables
from exitmodels.shapes.spells import Spells

__all__ = ["Group", "choose_variance", "exhausted", "groups", "late_start"]


@dataclass(frozen=True, eq=False)
class Group:
    """One group: its keys, its table, and its rows when a variance needs them."""

    keys: dict[str, Any]
    table: EventTable
    spells: Spells
    members: Ints | None
    by_cluster: bool

    @property
    def n(self) -> float:
        """Rows of the group, replications counted."""
        spells, members = self.spells, self.members
        if spells.weight is None or spells.weights == "sampling":
            return float(len(spells) if members is None else len(members))
        return float(spells.weight.sum() if members is None else spells.weight[members].sum())

    def rows(self) -> Rows:
        """The rows on their own grid of event times."""
        s = self.spells
        m: Any = slice(None) if self.members is None else self.members
        entry = s.entry[m] if s.delayed else None
        event, weight = s.event[m], s.row_weight[m]
        index = risk_index(entry, s.exit[m], event > 0)
        cluster = None
        if self.by_cluster and s.cluster is not None:
            cluster = np.unique(s.cluster[m], return_inverse=True)[1]
        separate = s.weights == "frequency" and cluster is None
        return Rows(index, event, weight, np.sqrt(weight) if separate else weight, cluster)

    def resampler(self, form: Callable[[Rows], Form], se: Floats) -> Callable[..., Floats]:
        """The function behind `Piece.resample`, for a curve with this influence and these standard errors."""

        def resample(start: float, end: float, n_draws: int, rng: np.random.Generator) -> Floats:
            rows = self.rows()
            times = rows.index.times
            scale = np.nan_to_num(value_at(self.table.time, se, times, 0.0))
            standing = times[times <= start]
            first = standing[-1] if len(standing) else start
            return suprema(rows, form(rows), scale, (times >= first) & (times <= end), n_draws, rng)

        return resample


def groups(spells: Spells, by: Any, by_cluster: bool) -> Iterator[Group]:
    """Make the table of each group in order."""
    code, keys = spells.groups(by)
    tables = grouped_tables(
        spells.exit, spells.event, len(spells.causes), spells.entry_or_none, spells.weight, code, len(keys)
    )
    for g, (name, table) in enumerate(zip(keys, tables, strict=True)):
        members = None if code is None else np.flatnonzero(code == g)
        yield Group(name, table, spells, members, by_cluster)


def choose_variance(variance: str | None, spells: Spells, default: str, known: tuple[str, ...]) -> str:
    """Name the variance: the default, or "robust" when weights are sampling weights."""
    if variance is None:
        return "robust" if spells.weight is not None and spells.weights == "sampling" else default
    if variance not in known:
        raise DataError(f"variance={variance!r} is not known.", code="variance", hint=f"One of {', '.join(known)}.")
    if variance == "cluster" and spells.cluster is None:
        raise DataError(
            "The spells have no clusters.", code="no-cluster", hint="Read them with cluster=, or use variance='robust'."
        )
    return variance


def late_start(spells: Spells, start: float | None) -> Spells:
    """Condition on being there just before `start`: earlier exits are left out, exits at `start` count."""
    if start is None:
        return spells
    return spells.select(spells.exit >= start, why=f"left before the start of the curve, {start:g}")


def exhausted(table: EventTable, survival: Floats, label: str) -> str | None:
    """Say when a curve falls to zero because an early risk set was emptied, with people entering later."""
    gone = np.flatnonzero(survival <= 0)
    if gone.size == 0 or gone[0] == len(survival) - 1:
        return None
    when = table.time[gone[0]]
    return (
        f"{label}: the curve falls to 0 at {when:g}, where the few then at risk all left, though others entered "
        "later. Give start= at a time when enough people are at risk."
    )
