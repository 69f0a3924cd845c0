"""What a simulated world gives back: the table, the truth behind it, and a warning on every print.

Third floor, in the room of simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exitmodels.shapes.spells import Spells

__all__ = ["SimulatedExits", "SimulatedSpells"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SimulatedExits:
    """Simulated exit records.

    Attributes
    ----------
    frame : pandas DataFrame
        One row per record: record, joined, left, reason_text, origin, age, married, unit; and `planted_reason`, the
        true reason, which no real record holds.
    truth : mapping
        What was planted: see `exitmodels.simulate.exits`.
    window : (str, str)
        First and last day of the records, both inside.
    scheme : {"exits-only", "censored"}
        How rows came to be seen, as `Spells.from_frame` takes it.
    """

    frame: Any
    truth: Mapping[str, Any]
    window: tuple[str, str]
    scheme: str

    def spells(self, event: str = "planted_reason", scheme: str | None = None) -> Spells:
        """Read the records as spells, by their own scheme unless another is named."""
        still = self.scheme == "censored"
        return Spells.from_frame(
            self.frame,
            origin="joined",
            exit="left",
            event=event,
            censor=[None] if still else [],
            window=self.window,
            scheme=scheme or self.scheme,
            open_end="window" if still else None,
        )

    def __str__(self) -> str:
        return (
            f"SIMULATED DATA, not real records: {len(self.frame):,} rows, {self.window[0]} to {self.window[1]}, "
            f'scheme "{self.scheme}".\nNo row describes a real person; the shares and effects were planted (.truth).'
        )

    __repr__ = __str__


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SimulatedSpells:
    """Simulated censored stays.

    Attributes
    ----------
    frame : pandas DataFrame
        person, entry (with delayed entry), exit, event, the covariates x1, x2, ..., and stratum and cluster if asked.
    truth : mapping
        What was planted: see `exitmodels.simulate.spells`.
    """

    frame: Any
    truth: Mapping[str, Any]

    def spells(self, **more: Any) -> Spells:
        """Read the table as spells; `more` goes to `Spells.from_frame`."""
        held = {name: name for name in ("entry", "stratum", "cluster") if name in self.frame.columns}
        given: dict[str, Any] = {"exit": "exit", "event": "event", "censor": self.truth["censor"], **held, **more}
        return Spells.from_frame(self.frame, **given)

    def __str__(self) -> str:
        left = int((self.frame["event"] != self.truth["censor"]).sum())
        return (
            f"SIMULATED DATA: {len(self.frame):,} stays, {left:,} of them ended for one of "
            f"{len(self.truth['causes'])} causes.\nNo row describes a real person; what was planted is in .truth."
        )

    __repr__ = __str__
