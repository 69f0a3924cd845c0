"""Behind `Labels`: shares of causes among records, and weights renewed under drawn shares.

First floor. Read next: kernels/patternshares.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.patternshares import posterior, split_shares

if TYPE_CHECKING:
    from exitmodels.shapes.labels import Labels

__all__ = ["Prevalence", "Source", "distinct", "spread"]

_SWEEPS, _PRIOR = 20, 0.5


class Source(Protocol):
    """What weights were computed from, so that they can be drawn anew."""

    def renewed(self, labels: Labels, m: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Weights (n, K) under m draws of the parameters."""
        ...

    def take(self, rows: Any) -> Source | None:
        """The same for some records."""
        ...


@dataclass(frozen=True, eq=False)
class Prevalence:
    """Weights that follow from shares of causes in groups.

    Attributes
    ----------
    chance : (U, K)
        Distinct patterns of the records that follow; see kernels/patternshares.py.
    code : (n,) int
        Pattern of each record; -1 where the weights follow no shares.
    group : (n,) int
    share : (G, K)
    own, held : (V, K), (G, V)
        Distinct weights of the records that follow no shares, and how many of each there are.
    seen : (G, U)
        How many records have each pattern.
    """

    chance: Floats
    code: Ints
    group: Ints
    share: Floats
    own: Floats
    held: Floats
    seen: Floats

    def renewed(self, labels: Labels, m: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Data augmentation from the estimate: causes given shares, shares given causes (Tanner & Wong 1987)."""
        follow = np.flatnonzero(self.code >= 0)
        held, seen = (np.round(counts).astype(np.int64) for counts in (self.held, self.seen))
        k = self.chance.shape[1]
        for _ in range(m):
            share = self.share
            fixed = rng.multinomial(held, self.own).sum(axis=1) if len(self.own) else np.zeros((len(share), k))
            for _ in range(_SWEEPS):
                drawn = rng.multinomial(seen, _proper(posterior(share, self.chance))).sum(axis=1)
                gamma = np.maximum(rng.standard_gamma(fixed + drawn + _PRIOR), 1e-300)
                share = gamma / gamma.sum(axis=1, keepdims=True)
            weights = labels.weights.copy()
            weights[follow] = posterior(share, self.chance)[self.group[follow], self.code[follow]]
            yield weights

    def take(self, rows: Any) -> Prevalence:
        """The same shares for some records."""
        return replace(self, code=self.code[rows], group=self.group[rows])


def _proper(chances: Floats) -> Floats:
    """Chances that add to one also where nothing was seen, as draws of zero exits need them."""
    flat = chances.sum(axis=-1, keepdims=True) == 0
    return np.where(flat, 1 / chances.shape[-1], chances)


def spread(labels: Labels, rule: str, group: Any) -> Labels:
    """See `Labels.spread`."""
    if rule not in ("observed", "equal"):
        raise DataError(f"rule={rule!r} is not known.", code="labels", hint='"observed" or "equal".')
    weights, rows = labels.weights.copy(), np.flatnonzero(labels.masked)
    if rule == "equal":
        held = weights[rows] > 0
        weights[rows] = held / np.maximum(held.sum(axis=1, keepdims=True), 1)
        return type(labels)(
            weights, labels.causes, None, f"{labels.method}; masked ones equal", None, labels.notes, labels.copies
        )
    code, group_of, names = _grouped(group, labels)
    source = _prevalence(labels, code, group_of, names)
    weights[rows] = posterior(source.share, source.chance)[group_of[rows], source.code[rows]]
    where = "" if group is None else " of their group"
    method = f"{labels.method}; masked ones by the shares{where}"
    return type(labels)(weights, labels.causes, None, method, source, labels.notes, labels.copies)


def _grouped(group: Any, labels: Labels) -> tuple[Ints, Ints, list[Any]]:
    n = len(labels)
    patterns = np.full(n, -1, dtype=np.int64)
    if group is None:
        return patterns, np.zeros(n, dtype=np.int64), ["all"]
    given = np.asarray(group)
    if given.shape != (n,):
        raise DataError(
            f"group has the shape {given.shape} for {n} records.", code="length", hint="Give one per record."
        )
    names, codes = np.unique(given.astype(str), return_inverse=True)
    return patterns, codes.astype(np.int64), names.tolist()


def _prevalence(labels: Labels, code: Ints, group: Ints, names: Sequence[Any]) -> Prevalence:
    n_groups, k = len(names), len(labels.causes)
    count = np.ones(len(labels)) if labels.copies is None else labels.copies
    chance, code[labels.masked] = distinct(labels.weights[labels.masked])
    fixed = labels.left & ~labels.masked
    own, place = distinct(labels.weights[fixed])
    held = np.bincount(group[fixed] * max(len(own), 1) + place, count[fixed], n_groups * max(len(own), 1))
    held = held.reshape(n_groups, -1)[:, : len(own)]
    masked = labels.masked
    seen = np.bincount(
        group[masked] * max(len(chance), 1) + code[masked], count[masked], n_groups * max(len(chance), 1)
    )
    seen = seen.reshape(n_groups, -1)[:, : len(chance)]
    # Weights that follow no shares count as what they say: as so many exits of each cause.
    found = split_shares(np.hstack([held @ own, seen]), np.vstack([np.eye(k), chance]))
    bad = [
        str(name)
        for name, fine, any_open in zip(names, found.unique, seen.sum(axis=1), strict=True)
        if any_open and not fine
    ]
    if bad:
        raise IdentificationError(
            f"The shares of the causes are not known where too few labels are certain: {', '.join(bad[:5])}.",
            code="masked",
            hint='Use larger groups, or rule="equal".',
        )
    return Prevalence(chance, code, group, found.share, own, held, seen)


def distinct(rows: Floats) -> tuple[Floats, Ints]:
    """Distinct rows, and the place of each row among them."""
    if not len(rows):
        return rows, np.empty(0, dtype=np.int64)
    code = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        levels, own = np.unique(column, return_inverse=True)
        if len(levels) > 1:
            _, code = np.unique(code * len(levels) + own, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return rows[first], code.astype(np.int64)
