"""One record, several labels: "family visit; treatment" counted whole, in parts, or by the label mentioned first.

First floor. Labels are split once for each distinct text, never for each record. Which way to count is a choice that
changes shares, so it is declared by the user and written in the ledger.

Called by: counting.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.frames import Column

__all__ = ["RULES", "Mentions", "label_rules", "split_labels"]

RULES = ("all", "fractional", "first")


@dataclass(frozen=True, eq=False)
class Mentions:
    """The labels of each record, one after another.

    Attributes
    ----------
    row : (r,) int
        The record; rising.
    column : Column
        The label, (r,).
    share : (r,) float
        What the label counts: 1, or one over the number of labels of its record.
    several : int
        Records that name two labels or more.
    """

    row: Ints
    column: Column
    share: Floats
    several: int

    @property
    def loose(self) -> Bools:
        """Labels that count less than one (r,)."""
        return np.asarray(self.share < 1)


def label_rules(labels: str | Mapping[str, str] | None, separator: str | None, by: Sequence[str]) -> dict[str, str]:
    """Which key holds several labels, and how they count; refuse what is not declared.

    >>> label_rules("first", ";", ["reason"])
    {'reason': 'first'}
    """
    if labels is None and separator is None:
        return {}
    if labels is None or not separator:
        raise DataError(
            "A separator and a rule for labels belong together: how one record with several labels counts "
            "changes every share.",
            code="labels",
            hint='Give both, such as separator=";" and labels="all" (each label counts one), "fractional" (1/k each) '
            'or "first" (the first mentioned).',
        )
    rules = dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(by[:1], labels)
    if len(rules) != 1 or (isinstance(labels, str) and len(by) != 1):
        raise DataError(
            f"Which of the keys {', '.join(by) or '(none)'} holds several labels is not clear.",
            code="labels",
            hint='Name the one key: labels={"reason": "fractional"}.',
        )
    for name, rule in rules.items():
        if name not in by:
            raise DataError(f"{name!r} is not one of by=.", column=name, code="labels", hint="Count by it as well.")
        if rule not in RULES:
            raise DataError(f"labels={rule!r} is not known.", code="labels", hint=f"Use one of {', '.join(RULES)}.")
    return rules


def split_labels(column: Column, separator: str, rule: str) -> tuple[Bools | None, Any]:
    """Split each distinct text into its labels.

    Returns
    -------
    gone : (n,) bool or None
        Records without any label.
    make : function of positions (m,) giving `Mentions` of those records
        `Mentions.row` counts within the positions given.

    Notes
    -----
    Blanks around a label are cut off, empty labels are left out, and a label named twice by one record counts once.
    """
    if column.kind != "text":
        raise DataError(
            f"Labels are split from text; this column holds {column.kind} values such as {column.examples(3)}.",
            column=column.name,
            code="labels",
            hint="Leave separator= and labels= out.",
        )
    parts = [_parts(str(level), separator) for level in column.levels]
    kept = [part[:1] for part in parts] if rule == "first" else parts
    names = sorted({label for part in kept for label in part})
    place = {label: i for i, label in enumerate(names)}
    many = np.array([len(part) for part in kept] + [0], dtype=np.int64)
    named = np.array([len(part) for part in parts] + [0], dtype=np.int64)
    flat = np.array([place[label] for part in kept for label in part], dtype=np.int64)
    begin = np.concatenate([[0], np.cumsum(many)[:-1]])
    gone = many[column.values] == 0

    def make(chosen: Any) -> Mentions:
        level = column.values[chosen]
        size = many[level]
        row = np.repeat(np.arange(len(level)), size)
        within = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
        code = flat[begin[level][row] + within]
        share = 1 / size[row] if rule == "fractional" else np.ones(len(row))
        made = Column(column.name, "text", code, None, tuple(names))
        return Mentions(row, made, share, int((named[level] > 1).sum()))

    return (gone if gone.any() else None), make


def _parts(text: str, separator: str) -> list[str]:
    stripped = (part.strip() for part in text.split(separator))
    return list(dict.fromkeys(part for part in stripped if part))
