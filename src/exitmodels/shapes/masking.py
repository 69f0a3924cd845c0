"""Exits whose cause is masked: which causes each label of the records leaves open.

First floor. A label may stand for one cause, for a set of causes ("family visit or emergency"), for all of them
("unknown"), or be a fallible reading with a chance under each cause. Models see patterns: one row of chances for each
label.

Read next: kernels/patternshares.py. Called by: models.hazards, models.nonparametric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.spells import Spells

__all__ = ["Masking", "check_cuts", "piece_names"]


@dataclass(frozen=True, eq=False)
class Masking:
    """Causes, and what each label says about them.

    Attributes
    ----------
    causes : tuple
        What a person can leave for, K of them.
    labels : tuple
        What the records say: the causes of the spells, P of them, in their order.
    chance : (P, K)
        Chance of the label given the cause, up to a factor for each row: 1 where the label leaves the cause open.

    Examples
    --------
    >>> spells = Spells(exit=[2, 3, 5, 7], event=["a", "b", "?", "a"], censor=[])
    >>> Masking.of(spells, unknown="?").chance.tolist()
    [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """

    causes: tuple[Any, ...]
    labels: tuple[Any, ...]
    chance: Floats

    @classmethod
    def of(cls, spells: Spells, unknown: Any = None, masked: Mapping[Any, Any] | None = None) -> Masking:
        """Read what is declared about the labels of these spells.

        Parameters
        ----------
        unknown : label or list of labels, optional
            Labels that leave every cause open.
        masked : mapping, optional
            For other labels the causes left open, ``{"family": ["visit", "emergency"]}``, or the chance of the label
            under each cause, ``{"visit": {"visit": 0.9, "treatment": 0.2}}`` (causes left out: no chance).

        Raises
        ------
        DataError
            If a label is not in the spells, or nothing is left open, or chances are not between 0 and 1.
        """
        blank = [] if unknown is None else list(unknown) if isinstance(unknown, (list, tuple, set)) else [unknown]
        given = dict(masked or {})
        for label in [*blank, *given]:
            if label not in spells.causes:
                raise DataError(
                    f"{label!r} is not a label of exit in these spells.",
                    code="unknown-cause",
                    hint=f"Labels: {', '.join(map(str, spells.causes))}.",
                )
        named = {cause for value in given.values() for cause in value}
        causes = tuple(c for c in spells.causes if c not in blank and (c not in given or c in named))
        strange = [c for c in named if c not in causes]
        if strange or len(causes) < 2:
            raise DataError(
                f"masked= names {strange[0]!r}, which is no cause here."
                if strange
                else f"{len(causes)} cause is left beside the masked labels, so there is nothing to share out.",
                code="masked",
                hint=f"Causes: {', '.join(map(str, causes)) or 'none'}. For one cause use a model without masking.",
            )
        chance = np.array([_row(label, causes, blank, given) for label in spells.causes])
        return cls(causes, tuple(spells.causes), chance)

    @property
    def certain(self) -> Bools:
        """Labels that leave one cause open (P,)."""
        return np.asarray((self.chance > 0).sum(axis=1) == 1)

    @property
    def possible(self) -> Bools:
        """Causes each label leaves open (P, K)."""
        return np.asarray(self.chance > 0)

    def cause(self, label: Any) -> int:
        """Place of a cause; an error that lists them."""
        if label not in self.causes:
            raise DataError(
                f"{label!r} is not a cause of exit here.",
                code="unknown-cause",
                hint=f"Causes: {', '.join(map(str, self.causes))}.",
            )
        return self.causes.index(label)

    def refuse_unseen(self, pattern: Ints) -> None:
        """Refuse causes that no exit can have been for."""
        seen = np.bincount(pattern[pattern > 0] - 1, minlength=len(self.labels)) > 0
        held = self.chance[seen].sum(axis=0) > 0
        absent = [cause for k, cause in enumerate(self.causes) if not held[k]]
        if absent:
            raise DataError(
                f"Nobody can have left for {absent[0]}, so its hazard cannot be estimated.",
                code="no-events",
                hint="Leave the cause out, or join it with another.",
            )


def _row(label: Any, causes: Sequence[Any], blank: Sequence[Any], given: Mapping[Any, Any]) -> list[float]:
    if label in blank:
        return [1.0] * len(causes)
    value = given.get(label, [label])
    if isinstance(value, str):
        raise DataError(
            f"masked= gives {label!r} the text {value!r}.", code="masked", hint="Give a list of causes, or a mapping."
        )
    chances = {c: float(v) for c, v in value.items()} if isinstance(value, Mapping) else dict.fromkeys(value, 1.0)
    row = [chances.get(c, 0.0) for c in causes]
    if not all(0 <= v <= 1 for v in row) or not any(row):
        raise DataError(
            f"The chances of {label!r} are {row}.",
            code="masked",
            hint="Give each cause a chance between 0 and 1 that it is written so, one of them above 0.",
        )
    return row


def check_cuts(given: Sequence[float]) -> Floats:
    """Cuts as an array (m,); refuse what does not rise from above zero."""
    cuts = np.asarray(list(given), dtype=np.float64)
    if cuts.ndim != 1 or not np.isfinite(cuts).all() or np.any(cuts <= 0) or np.any(np.diff(cuts) <= 0):
        raise DataError(f"cuts={list(given)} are not rising times above zero.", code="cuts", hint="Such as [30, 90].")
    return cuts


def piece_names(cuts: Floats) -> tuple[str, ...]:
    """Names of the pieces between cuts.

    >>> piece_names(np.array([30.0]))
    ('(0, 30]', '(30, inf)')
    """
    edges = ["0", *(f"{c:g}" for c in cuts)]
    return (*(f"({a}, {b}]" for a, b in pairwise(edges)), f"({edges[-1]}, inf)")
