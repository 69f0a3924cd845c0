"""Plain text: numbers, tables and headed blocks, as they are printed.

Ground floor: takes text and numbers, gives text; no statistics here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Block", "Summary", "number", "pvalue", "table"]


def number(value: Any, digits: int = 4) -> str:
    """Print a number with `digits` significant places at most, and never in a misleading way.

    >>> [number(v) for v in (0.37942, 431, 12345.678, float("nan"), float("inf"), 3.1e-7)]
    ['0.3794', '431', '12345.7', 'nan', 'inf', '3.1e-07']
    """
    if isinstance(value, str) or value is None:
        return value or ""
    if isinstance(value, (bool, int)) or (float(value).is_integer() and abs(value) < 1e9):
        return str(int(value))
    x = float(value)
    if not math.isfinite(x):
        return str(x)
    if 0 < abs(x) < 1e-4:
        return f"{x:.{digits - 2}g}"
    whole = len(str(int(abs(x))))
    return f"{x:.{max(digits - whole + (1 if abs(x) < 1 else 0), 1)}f}"


def pvalue(value: float) -> str:
    """Print a p-value: four places, and "<0.0001" below that.

    >>> pvalue(0.013), pvalue(2e-9)
    ('0.0130', '<0.0001')
    """
    if math.isnan(value):
        return "nan"
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], indent: int = 0) -> str:
    """Align columns: the first to the left, the others to the right.

    >>> print(table(["term", "coef"], [["fin", -0.37942], ["age", -0.0574]]))
    term     coef
    fin   -0.3794
    age   -0.0574
    """
    cells = [[str(c) for c in columns]] + [[c if isinstance(c, str) else number(c) for c in row] for row in rows]
    widths = [max(len(line[j]) for line in cells) for j in range(len(columns))]
    out = []
    for line in cells:
        first = line[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        out.append((" " * indent + "  ".join([first, *rest])).rstrip())
    return "\n".join(out)


@dataclass(frozen=True)
class Block:
    """One table of a summary, with an optional heading."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    heading: str = ""

    def __str__(self) -> str:
        body = table(self.columns, self.rows)
        return f"{self.heading}\n{body}" if self.heading else body


@dataclass(frozen=True)
class Summary:
    """What a result prints: a title, facts, tables and notes.

    `str()` gives text; `tables` can be walked by a program.
    """

    title: str
    facts: tuple[tuple[str, Any], ...]
    tables: tuple[Block, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = max((len(name) for name, _ in self.facts), default=0)
        facts = [f"{name.ljust(width)}  {number(value, 7)}" for name, value in self.facts]
        parts = [self.title, "\n".join(facts), *(str(block) for block in self.tables)]
        if self.notes:
            parts.append("\n".join(f"* {note}" for note in self.notes))
        return "\n\n".join(part for part in parts if part)

    __repr__ = __str__

    def as_text(self) -> str:
        """Return the printed form (the name that statsmodels users expect)."""
        return str(self)
