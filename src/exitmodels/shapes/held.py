"""The arrays behind spells: set once, read-only, handed on to new spells.

First floor. `Spells` adds the rules and the questions; this file only holds.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.shapes.columns import Columns
from exitmodels.shapes.ledger import Ledger

__all__ = ["Held"]


class Held:
    """Arrays of equal length with what belongs to them; nothing is checked here."""

    entry: AnyArray
    exit: AnyArray
    event: Ints
    causes: tuple[Any, ...]
    weight: Floats | None
    weights: str
    cluster: Ints | None
    stratum: Ints | None
    stratum_labels: tuple[Any, ...]
    lower: AnyArray | None
    upper: AnyArray | None
    left_limit: AnyArray | None
    right_limit: AnyArray | None
    columns: Columns
    labels: AnyArray
    ledger: Ledger
    unit: str
    scheme: str
    window: tuple[int, int] | None
    origin: AnyArray | None
    missing: str
    delayed: bool

    _PER_ROW = (
        "entry",
        "exit",
        "event",
        "weight",
        "cluster",
        "stratum",
        "lower",
        "upper",
        "left_limit",
        "right_limit",
        "origin",
    )

    def _fill(self, **values: Any) -> None:
        """Set every attribute once; arrays become read-only views."""
        n = len(values["exit"])
        entry = values.get("entry")
        defaults: dict[str, Any] = {
            "origin": None,
            "window": None,
            "missing": "raise",
            "weights": "frequency",
            "stratum_labels": (),
            "scheme": "censored",
            "delayed": entry is not None and bool(np.any(entry)),
        }
        everything = {**dict.fromkeys(self._PER_ROW), **defaults, **values}
        if entry is None:
            everything["entry"] = np.broadcast_to(np.zeros(1, dtype=values["exit"].dtype), n)
        for name, value in everything.items():
            if isinstance(value, np.ndarray):
                value = value.view()
                value.flags.writeable = False
            object.__setattr__(self, name, value)

    @classmethod
    def _make(cls, **values: Any) -> Self:
        """Make spells from arrays that are known to keep the rules."""
        made = object.__new__(cls)
        made._fill(**values)
        return made

    def _with(self, **changes: Any) -> Self:
        """Return the same spells with some attributes replaced (no check)."""
        values = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        if not self.delayed and "entry" not in changes:
            values["entry"] = None
        if "entry" in changes or not self.delayed:
            values.pop("delayed")
        return type(self)._make(**{**values, **changes})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("Spells are not changed once made; use select(), split() or make new ones.")

    def _take(self, places: Ints) -> Self:
        values = {name: getattr(self, name) for name in self._PER_ROW}
        if not self.delayed:
            values["entry"] = None
        taken = {name: None if v is None else v[places] for name, v in values.items()}
        return self._with(**taken, columns=self.columns.take(places), labels=self.labels[places])
