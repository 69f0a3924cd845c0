"""Rows with the window each was seen through: checked, grouped, and placed on slots of time.

Third floor, in the room of truncation. A row is there only because left < exit <= right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, SchemeError
from exitmodels.kernels.grouped import ranks
from exitmodels.shapes.spells import Spells

__all__ = ["Group", "limits", "refuse_open", "sorted_groups"]

CLOSED = ("right", "both")


@dataclass(frozen=True, eq=False)
class Group:
    """The rows of one group on slots of time.

    Attributes
    ----------
    keys : mapping
    members : (n,) int
        Places of the rows among the spells.
    time : (size,)
        The distinct times.
    slot, first, stop : (n,) int
        Own slot and window first .. stop - 1 of each row.
    cause : (n,) int
        0 for the first cause.
    weight : (n,)
    copies : bool
        Whether weights count identical people.
    cluster : (n,) int or None
    left, right : (n,)
    """

    keys: Mapping[str, Any]
    members: Ints
    time: Floats
    slot: Ints
    first: Ints
    stop: Ints
    cause: Ints
    weight: Floats
    copies: bool
    cluster: Ints | None
    left: Floats
    right: Floats

    @property
    def n(self) -> float:
        """Rows, copies counted."""
        return float(self.weight.sum()) if self.copies else float(len(self.weight))

    @property
    def label(self) -> str:
        """The keys in words."""
        return ", ".join(f"{k}={v}" for k, v in self.keys.items()) or "all"

    def only(self, rows: Ints) -> Group:
        """The group with some of its rows, on the slots that they need."""
        has = np.bincount(self.slot[rows], minlength=len(self.time)) > 0
        upto = np.concatenate([[0], np.cumsum(has)])
        own = (self.members, self.cause, self.weight, self.left, self.right)
        members, cause, weight, left, right = (v[rows] for v in own)
        cluster = None if self.cluster is None else np.unique(self.cluster[rows], return_inverse=True)[1].ravel()
        slots = (upto[self.slot[rows]], upto[self.first[rows]], upto[self.stop[rows]])
        return Group(self.keys, members, self.time[has], *slots, cause, weight, self.copies, cluster, left, right)


def refuse_open(spells: Spells, model: str) -> None:
    """Refuse spells without windows, with people who had not left, or with times known only as intervals."""
    if spells.lower is not None or spells.upper is not None:
        raise SchemeError(
            f"{model} needs exact times; here the exit is only known to lie between lower and upper.",
            code="interval-censored",
            hint="Round to one unit in which the exit is known, or use xm.Turnbull when there is no window.",
        )
    if spells.left_limit is None and spells.right_limit is None:
        raise SchemeError(
            f"{model} is for records that exist only because the exit fell inside a window; these have no window.",
            code="no-window",
            hint='Read them with window= and scheme="exits-only", or give left_limit= and right_limit=. When people '
            "still inside at the close are in the table, use KaplanMeier, AalenJohansen or Cox.",
        )
    open_rows = np.flatnonzero(spells.event == 0)
    if open_rows.size:
        raise DataError(
            f"{open_rows.size} rows are people who had not left, yet each row is said to be seen because of its exit.",
            rows=spells.labels[open_rows],
            code="scheme",
            hint='If people still inside are in the table, read it with scheme="censored".',
        )


def limits(spells: Spells, closed: str) -> tuple[Floats, Floats]:
    """Window of each row; delayed entry counts as a left limit. Refuse times outside their window."""
    if closed not in CLOSED:
        raise DataError(f"closed={closed!r} is not known.", code="closed", hint='"right" or "both".')
    n = len(spells)
    left = np.full(n, -np.inf) if spells.left_limit is None else np.asarray(spells.left_limit, dtype=np.float64)
    right = np.full(n, np.inf) if spells.right_limit is None else np.asarray(spells.right_limit, dtype=np.float64)
    if spells.delayed:
        left = np.maximum(left, spells.entry)
    for name, values in (("left_limit", left), ("right_limit", right)):
        if np.isnan(values).any():
            gaps = np.flatnonzero(np.isnan(values))
            raise DataError("A limit is missing.", column=name, rows=spells.labels[gaps], code="missing")
    early = spells.exit < left if closed == "both" else spells.exit <= left
    outside = np.flatnonzero(early | (spells.exit > right))
    if outside.size:
        sign = "<=" if closed == "both" else "<"
        raise DataError(
            f"{outside.size} exits lie outside the window that let them be seen (left {sign} exit <= right).",
            rows=spells.labels[outside],
            code="outside-window",
            hint='Correct the limits; if an exit at the left limit itself would be seen, give closed="both".',
        )
    return left, right


def sorted_groups(spells: Spells, by: str | Sequence[str] | None, closed: str) -> Iterator[Group]:
    """Give the rows of each group on slots; times within the tie tolerance share one, limits too."""
    left, right = limits(spells, closed)
    code, keys = spells.groups(by)
    for g, key in enumerate(keys):
        members = np.arange(len(spells)) if code is None else np.flatnonzero(code == g)
        if spells.weight is not None:
            members = members[spells.weight[members] > 0]
        if len(members) == 0:
            continue
        yield _placed(spells, key, members, left[members], right[members], closed)


def _placed(spells: Spells, key: Mapping[str, Any], members: Ints, left: Floats, right: Floats, closed: str) -> Group:
    exit = np.asarray(spells.exit[members], dtype=np.float64)
    span = float(exit.min()) - 1.0, float(exit.max()) + 1.0
    levels, (at, low, high) = ranks(exit, np.clip(left, *span), np.clip(right, *span))
    used = np.zeros(len(levels) + 1, dtype=bool)
    used[at] = True
    upto = np.concatenate([[0], np.cumsum(used)])
    first = upto[low] if closed == "both" else upto[low + 1]
    cluster = None if spells.cluster is None else np.unique(spells.cluster[members], return_inverse=True)[1].ravel()
    return Group(
        keys=key,
        members=members,
        time=levels[used[:-1]],
        slot=upto[at],
        first=np.minimum(first, upto[at]),
        stop=np.maximum(upto[high + 1], upto[at] + 1),
        cause=spells.event[members] - 1,
        weight=np.asarray(spells.row_weight[members], dtype=np.float64),
        copies=spells.weights == "frequency",
        cluster=cluster,
        left=left,
        right=right,
    )
