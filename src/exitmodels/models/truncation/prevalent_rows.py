"""The rows of a prevalent cohort, group by group.

Third floor, in the room of truncation. Called by: prevalent.py, prevalent_errors.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.grouped import ranks
from exitmodels.shapes.spells import Spells

__all__ = ["CohortGroup", "cohort_groups"]


@dataclass(frozen=True, eq=False)
class CohortGroup:
    """The rows of one group."""

    keys: Mapping[str, Any]
    members: Ints
    entry: Floats
    times: Floats
    level: Ints
    left: Bools
    weight: Floats
    copies: bool
    cluster: Ints | None

    @property
    def n(self) -> float:
        return float(self.weight.sum()) if self.copies else float(len(self.weight))

    @property
    def label(self) -> str:
        return ", ".join(f"{k}={v}" for k, v in self.keys.items()) or "all"


def cohort_groups(rows: Spells, by: str | Sequence[str] | None) -> Iterator[CohortGroup]:
    """The rows of each group that count."""
    code, keys = rows.groups(by)
    for g, key in enumerate(keys):
        members = np.arange(len(rows)) if code is None else np.flatnonzero(code == g)
        members = members[np.asarray(rows.row_weight)[members] > 0]
        if len(members) == 0:
            continue
        times, (level,) = ranks(np.asarray(rows.exit[members], dtype=np.float64))
        cluster = None if rows.cluster is None else np.unique(rows.cluster[members], return_inverse=True)[1].ravel()
        yield CohortGroup(
            keys=key,
            members=members,
            entry=np.asarray(rows.entry[members], dtype=np.float64),
            times=times,
            level=level,
            left=rows.event[members] > 0,
            weight=np.asarray(rows.row_weight[members], dtype=np.float64),
            copies=rows.weights == "frequency",
            cluster=cluster,
        )
