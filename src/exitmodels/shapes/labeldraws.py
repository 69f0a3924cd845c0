"""Behind `Labels`: draws of causes, and spells completed with them.

First floor. Called by: labels.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.labelsource import distinct
from exitmodels.shapes.spells import Spells

if TYPE_CHECKING:
    from exitmodels.shapes.labels import Labels

__all__ = ["as_masked", "completed", "fits", "pick"]


def pick(weights: Floats, rng: np.random.Generator) -> Ints:
    """One cause for each record (n,), from 1; 0 where the weights are NaN."""
    total = np.cumsum(weights, axis=1)
    total = total / total[:, -1:]
    return np.where(np.isnan(total[:, 0]), 0, 1 + (rng.random(len(weights))[:, None] >= total).sum(axis=1))


def fits(labels: Labels, spells: Spells) -> None:
    """Refuse labels that are not those of the spells."""
    if len(labels) != len(spells):
        raise DataError(
            f"There are {len(labels)} labels for {len(spells)} spells.", code="length", hint="Give one for each spell."
        )
    bare = np.flatnonzero((spells.event > 0) & ~labels.left)
    if bare.size:
        raise DataError(
            f"{bare.size} people have left, and have no label.",
            rows=spells.labels[bare],
            code="labels",
            hint="Give them weights; a blank is a masked set, not a missing row.",
        )


def completed(labels: Labels, spells: Spells, m: int, rng: np.random.Generator, proper: bool) -> list[Spells]:
    """See `Labels.complete`."""
    source = labels.source if proper else None
    every: Iterator[Floats] = iter([labels.weights] * m) if source is None else source.renewed(labels, m, rng)
    shared = spells.weight is not None and spells.weights == "frequency" and bool(np.any(spells.weight > 1))
    make = _shared_out if shared else _drawn
    return [make(spells, weights, labels.causes, rng) for weights in every]


def _drawn(spells: Spells, weights: Floats, causes: tuple[Any, ...], rng: np.random.Generator) -> Spells:
    return spells._with(event=np.where(spells.event > 0, pick(weights, rng), 0), causes=causes)


def _shared_out(spells: Spells, weights: Floats, causes: tuple[Any, ...], rng: np.random.Generator) -> Spells:
    """A row of weight w becomes up to K rows whose weights add to w."""
    gone = np.flatnonzero(spells.event > 0)
    chances = np.maximum(weights[gone], 0.0)
    many = rng.multinomial(spells.row_weight[gone].astype(np.int64), chances / chances.sum(axis=1, keepdims=True))
    counts = np.zeros((len(spells), len(causes) + 1))
    counts[:, 0] = np.where(spells.event > 0, 0.0, spells.row_weight)
    counts[gone, 1:] = many
    # Rows of weight zero are left for the model to set aside and count.
    counts[(counts.sum(axis=1) == 0), 0] = -1.0
    row, code = np.nonzero(counts)
    weight = np.maximum(counts[row, code], 0.0)
    return spells._take(row)._with(event=code.astype(np.int64), weight=weight, causes=causes)


def as_masked(labels: Labels, spells: Spells) -> tuple[Spells, dict[str, list[Any]]]:
    """See `Labels.as_masked`."""
    held = np.nan_to_num(labels.weights) > 0
    gone = spells.event > 0
    sets, place = distinct(held[gone].astype(np.float64))
    names: list[Any] = list(labels.causes)
    masked: dict[str, list[Any]] = {}
    code = np.zeros(len(sets), dtype=np.int64)
    for i, row in enumerate(sets > 0):
        causes = [c for c, inside in zip(labels.causes, row, strict=True) if inside]
        if len(causes) == 1:
            code[i] = names.index(causes[0]) + 1
            continue
        name = "unknown" if row.all() and "unknown" not in names and len(causes) > 2 else " or ".join(map(str, causes))
        masked[name] = causes
        names.append(name)
        code[i] = len(names)
    event = np.zeros(len(spells), dtype=np.int64)
    event[gone] = code[place]
    return spells._with(event=event, causes=tuple(names)), masked
