"""Names of the parameters of several causes, which of them are one, and how centring moves them.

Third floor, in the room of truncation. Called by: window_rows.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.hazardlaws import Law
from exitmodels.shapes.design import Design
from exitmodels.shapes.spells import Spells

__all__ = ["Full", "combined", "full_names", "proportional_to_first"]


@dataclass(frozen=True, eq=False)
class Full:
    """All P parameters, before some are set equal: cause and name, kind, the shift of centring, and scales."""

    names: list[tuple[int, str]]
    effect: Floats
    stretch: Floats
    shift: Floats
    scales: Floats


def full_names(
    rows: Spells,
    designs: Sequence[Design],
    centred: Sequence[tuple[Floats, Floats, Floats]],
    laws: Sequence[Law],
    policies: Sequence[str],
    acting: Bools,
    causes: Sequence[Any],
) -> Full:
    names: list[tuple[int, str]] = []
    effect: list[float] = []
    stretch: list[float] = []
    scales: list[Floats] = []
    length = float(np.mean(rows.exit))
    places = []
    for k, (design, law) in enumerate(zip(designs, laws, strict=True)):
        places.append(len(names))
        own = [name for name, acts in zip(policies, acting[k], strict=True) if acts]
        added = [*law.names, *design.names, *own]
        if len(set(added)) < len(added):
            raise DataError(
                f"Two effects of {causes[k]} have one name.", code="names", hint="Name policies unlike columns."
            )
        f, p = len(law.names), len(design.names)
        names += [(k, name) for name in added]
        effect += [0.0] * f + [1.0] * (len(added) - f)
        stretch += [0.0] * f + [float(law.accelerated)] * p + [0.0] * len(own)
        scales.append(block_diag(law.scales(length), np.diag(np.append(centred[k][2], np.ones(len(own))))))
    shift = np.eye(len(names))
    for k, (design, law) in enumerate(zip(designs, laws, strict=True)):
        f = len(law.names)
        columns = slice(places[k] + f, places[k] + f + len(design.names))
        shift[places[k] : places[k] + f, columns] -= np.outer(law.levels, centred[k][1])
    return Full(names, np.array(effect), np.array(stretch), shift, block_diag(*scales))


def combined(full: Full, common: Sequence[str], causes: Sequence[Any]) -> tuple[tuple[str, ...], Floats]:
    """Names of the free parameters, and the (P, q) matrix of zeros and ones that copies them to all P."""
    known = {name for (_, name), is_effect in zip(full.names, full.effect, strict=True) if is_effect}
    absent = [name for name in common if name not in known]
    if absent:
        raise DataError(
            f"common= names {absent[0]!r}, which is no effect here.",
            code="common",
            hint=f"Effects: {', '.join(sorted(known)) or 'none'}.",
        )
    for name in common:
        kinds = {s for (_, own), s in zip(full.names, full.stretch, strict=True) if own == name}
        if len(kinds) > 1:
            raise DataError(
                f"{name!r} multiplies the hazard of one cause and stretches the clock of another: not one effect.",
                code="common",
                hint="Give the causes hazards of one kind, or leave the name out of common=.",
            )
    alone = len(causes) == 1
    labels = [name if alone or name in common else f"{causes[k]}: {name}" for k, name in full.names]
    names = tuple(dict.fromkeys(labels))
    combine = np.zeros((len(labels), len(names)))
    combine[np.arange(len(labels)), [names.index(label) for label in labels]] = 1.0
    return names, combine


def proportional_to_first(
    names: tuple[str, ...], combine: Floats, laws: Sequence[Law], full: Full, causes: Sequence[Any]
) -> tuple[tuple[str, ...], Floats]:
    """Give every cause the first one's baseline, moved by one number of its own."""
    if any(law is not laws[0] for law in laws):
        raise DataError(
            "Proportional baselines need one law for all causes.",
            code="proportional",
            hint="Give one hazard= and cuts=.",
        )
    f = len(laws[0].names)
    starts = [[k for k, _ in full.names].index(k) for k in range(len(causes))]
    first = combine[starts[0] : starts[0] + f].copy()
    made, labels, dropped = combine.copy(), list(names), []
    for k, start in enumerate(starts[1:], start=1):
        own = np.flatnonzero(combine[start : start + f].any(axis=0))
        dropped += own[1:].tolist()
        made[start : start + f] = first
        made[start : start + f, own[0]] = laws[0].levels
        labels[own[0]] = f"{causes[k]}: log ratio to {causes[0]}"
    kept = np.setdiff1d(np.arange(len(names)), dropped)
    return tuple(labels[i] for i in kept), made[:, kept]
