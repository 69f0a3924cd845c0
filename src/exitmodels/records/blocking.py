"""Which pairs of records are compared: those that agree on at least one block.

Third floor, in the room of records. Read next: linking.py. Called by: linking.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.blocks import agreeing_pairs, combined_codes, count_agreeing, largest_blocks
from exitmodels.records.comparing import Folder, both_columns, text_codes
from exitmodels.records.names import FoldedName
from exitmodels.shapes.frames import Table

__all__ = ["Part", "Passes", "read_passes"]

_NAMES: dict[str, Callable[[FoldedName], str]] = {
    "folded": lambda f: " ".join(sorted(f.text.split())),
    "key": lambda f: " ".join(sorted(f.key.split())),
    "first": lambda f: f.key.split()[0] if f.key else "",
    "last": lambda f: f.key.split()[-1] if f.key else "",
    "initial": lambda f: f.key[:1],
    "kunya": lambda f: f.kunya_key,
}
_DATES = {"year": "datetime64[Y]", "month": "datetime64[M]", "day": "datetime64[D]"}
_CALL = re.compile(r"(\w+)\((.+)\)")


@dataclass(frozen=True, eq=False)
class Part:
    """Something on which records agree or not.

    Attributes
    ----------
    name : str
        As the user wrote it: "unit", "key(name)", "year(born)".
    column : str
    a, b : (n,) int
        Codes in each list, -1 missing.
    shown : tuple of str
        What each code stands for.
    """

    name: str
    column: str
    a: Ints
    b: Ints
    shown: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Passes:
    """Blocks: each is a set of parts on all of which a pair must agree.

    Attributes
    ----------
    parts : tuple of Part
    members : tuple of tuple of int
        Parts of each block.
    one_list : bool
    """

    parts: tuple[Part, ...]
    members: tuple[tuple[int, ...], ...]
    one_list: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The blocks in words."""
        return tuple(" and ".join(self.parts[i].name for i in block) for block in self.members)

    def codes(self, block: Sequence[int]) -> tuple[Ints, Ints | None]:
        """One code for each record of each list (None for the second of one list)."""
        n = len(self.parts[block[0]].a)
        joint = combined_codes([np.concatenate([self.parts[i].a, self.parts[i].b]) for i in block])
        return joint[:n], None if self.one_list else joint[n:]

    def counted(self) -> list[tuple[str, int, str]]:
        """For each block: its name, its pairs, and the value that makes most of them."""
        out = []
        for name, block in zip(self.names, self.members, strict=True):
            a, b = self.codes(block)
            most = largest_blocks(a, b, 1)
            row = int(np.flatnonzero(a == most[0][0])[0]) if most else -1
            words = [self.parts[i].shown[self.parts[i].a[row]] for i in block] if most else []
            out.append((name, count_agreeing(a, b), f"{', '.join(words)}: {most[0][1]:,}" if most else ""))
        return out

    def pairs(self) -> tuple[Ints, Ints]:
        """Pairs that agree on at least one block, each once, in the order of the records."""
        found, width = [], 1
        for block in self.members:
            a, b = self.codes(block)
            width = len(a) if b is None else len(b)
            left, right = agreeing_pairs(a, b)
            found.append(left * width + right)
        joint = np.unique(np.concatenate(found)) if len(found) > 1 else np.sort(found[0])
        return joint // width, joint % width

    def agreement(self, part: int, left: Ints, right: Ints) -> Bools:
        """Whether each pair agrees on a part (m,)."""
        held = self.parts[part]
        return (held.a[left] == held.b[right]) & (held.a[left] >= 0)


def read_passes(block: Any, tables: tuple[Table, ...], folder: Folder) -> Passes:
    """Read what a user gives as ``block=``: one block or several, each a part or a tuple of parts."""
    listed = [block] if isinstance(block, (str, tuple)) else list(block)
    parts: list[Part] = []
    members: list[tuple[int, ...]] = []
    place: dict[str, int] = {}
    for item in listed:
        chosen = []
        for name in (item,) if isinstance(item, str) else tuple(item):
            if name not in place:
                place[name] = len(parts)
                parts.append(_part(name, tables, folder))
            chosen.append(place[name])
        if not chosen:
            raise DataError("A block without a column holds every pair.", code="block", hint="Name a column.")
        members.append(tuple(sorted(set(chosen))))
    # A block inside another adds no pair.
    kept = [m for i, m in enumerate(members) if not any(set(o) < set(m) for o in members) and m not in members[:i]]
    used = sorted({i for m in kept for i in m})
    number = {old: new for new, old in enumerate(used)}
    return Passes(
        tuple(parts[i] for i in used), tuple(tuple(number[i] for i in m) for m in kept), one_list=len(tables) == 1
    )


def _part(name: str, tables: tuple[Table, ...], folder: Folder) -> Part:
    call = None if name in tables[0].names else _CALL.fullmatch(name)
    how, column = (call[1], call[2].strip()) if call else ("value", name)
    columns = both_columns(column, tables)
    kind = columns[0].kind
    if how in _NAMES and kind == "text":
        distinct, codes = text_codes(columns)
        made = np.array([_NAMES[how](fold) for fold in folder(column, distinct)] + [""], dtype=object)
        shown = tuple(sorted(set(made.tolist()) - {""}))
        number = {text: i for i, text in enumerate(shown)}
        table = np.array([number.get(text, -1) for text in made], dtype=np.int64)
        return Part(name, column, table[codes[0]], table[codes[-1]], shown)
    if how == "value" and kind == "text":
        shown, codes = text_codes(columns)
        return Part(name, column, codes[0], codes[-1], shown)
    if how == "value" or (how in _DATES and kind == "date"):
        values = [c.values.astype(_DATES[how]) if how in _DATES else c.values for c in columns]
        gone = [c.is_missing for c in columns]
        levels = np.unique(np.concatenate([v[~g] for v, g in zip(values, gone, strict=True)]))
        coded = [np.where(g, -1, np.searchsorted(levels, v)) for v, g in zip(values, gone, strict=True)]
        return Part(name, column, coded[0], coded[-1], tuple(str(v) for v in levels))
    raise DataError(
        f"{name!r} is no block for a column of kind {kind}.",
        column=column,
        code="block",
        hint=f"Around the column's name, for names: {', '.join(_NAMES)}; for dates: {', '.join(_DATES)}.",
    )
