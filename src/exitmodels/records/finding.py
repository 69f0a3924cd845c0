"""A finding: one kind of defect, the rows that show it, and, where it is plain, what to write instead.

Third floor, in the room of records. Made by the audit; nothing is changed until a researcher says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One kind of defect.

    Attributes
    ----------
    code : str
        Short stable word, for programs: "duplicate", "year-slip", ...
    what : str
        What was found, in words that end without a full stop.
    rows : tuple
        Labels of the rows that show it; empty when the finding is about the file as a whole.
    column : str or None
    weight : {"fault", "doubt", "note"}
        A fault stands in the way of spells; a doubt deserves a decision; a note is said.
    proposal : tuple of (str or None), or None
        New text for each of `rows`, when there is a plain repair; `Records.repair` takes it.
    hint : str
        What to do.
    """

    code: str
    what: str
    rows: tuple[Any, ...] = ()
    column: str | None = None
    weight: str = "fault"
    proposal: tuple[str | None, ...] | None = None
    hint: str = ""

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.rows)
