"""The ledger: every record that was read is used, or stands here with the reason.

First floor: imports nothing but the standard library. A `Ledger` travels with
the shape into every result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Entry", "Ledger"]


@dataclass(frozen=True)
class Entry:
    """Records set aside (or changed) for one reason."""

    why: str
    n: int
    rows: tuple[Any, ...] = ()
    kind: str = "set aside"


@dataclass(frozen=True)
class Ledger:
    """How many records were read, what happened to them, and why.

    Parameters
    ----------
    read : int
        Records in the table as given.
    entries : tuple of Entry
        Set-asides ("set aside"), repairs ("repaired") and notes ("note"), in the order in which they happened.
    source : str
        Where the records came from; printed with the ledger.

    Examples
    --------
    >>> ledger = Ledger(read=431).set_aside("exit before entry", rows=[17, 40])
    >>> ledger.used
    429
    >>> print(ledger)
    records read        431
      set aside           2  exit before entry (rows 17, 40)
    records used        429
    """

    read: int
    entries: tuple[Entry, ...] = ()
    source: str = ""

    @property
    def n_set_aside(self) -> int:
        """Records that were read and not used."""
        return sum(entry.n for entry in self.entries if entry.kind == "set aside")

    @property
    def used(self) -> int:
        """Records read, less those set aside."""
        return self.read - self.n_set_aside

    def set_aside(self, why: str, rows: Any = (), n: int | None = None) -> Ledger:
        """Return a ledger in which these rows no longer count as used."""
        labels = tuple(rows)
        return self._with(Entry(why, len(labels) if n is None else n, labels[:10]))

    def repaired(self, why: str, rows: Any = (), n: int | None = None) -> Ledger:
        """Return a ledger that says which cells were rewritten, and why; the records stay in use."""
        labels = tuple(rows)
        return self._with(Entry(why, len(labels) if n is None else n, labels[:10], "repaired"))

    def without_words(self, column: str) -> Ledger:
        """Return a ledger in which repairs and set-asides of a column (`why` begins with it) quote nothing of it."""
        hushed = tuple(
            replace(e, why=f"{column}: (words left out)") if e.why.startswith(f"{column}: ") and e.kind != "note" else e
            for e in self.entries
        )
        return replace(self, entries=hushed)

    def note(self, what: str, n: int = 0) -> Ledger:
        """Return a ledger that also says this; no record is set aside by a note."""
        return self._with(Entry(what, n, (), "note"))

    def _with(self, entry: Entry) -> Ledger:
        return Ledger(self.read, (*self.entries, entry), self.source)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and text, as stored in a saved result."""
        entries = [{"kind": e.kind, "why": e.why, "n": e.n, "rows": [str(r) for r in e.rows]} for e in self.entries]
        return {"read": self.read, "used": self.used, "entries": entries, "source": self.source}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Ledger:
        """Rebuild a ledger from `to_dict`."""
        entries = tuple(Entry(e["why"], e["n"], tuple(e["rows"]), e["kind"]) for e in stored["entries"])
        return cls(stored["read"], entries, stored.get("source", ""))

    def __str__(self) -> str:
        lines = [f"source: {self.source}"] if self.source else []
        lines.append(f"records read   {self.read:>8,}")
        for e in self.entries:
            shown = ", ".join(str(r) for r in e.rows[:5]) + (", ..." if e.n > 5 else "")
            where = f" (rows {shown})" if e.rows else ""
            count = f"{e.n:>8,}" if e.n or e.kind == "set aside" else " " * 8
            lines.append(f"  {e.kind:<13}{count}  {e.why}{where}")
        lines.append(f"records used   {self.used:>8,}")
        return "\n".join(lines)
