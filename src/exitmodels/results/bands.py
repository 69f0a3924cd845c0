"""Bands: limits that hold for the whole curve at once, not for one time chosen beforehand.

Second floor; what ``Curve.bands`` returns. How it is made is in banding.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.steps import value_at
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["Band", "BandPiece"]


@dataclass(frozen=True, eq=False, kw_only=True)
class BandPiece(Stored):
    """The band of one group (and cause).

    Attributes
    ----------
    keys : mapping
    time, estimate, lower, upper : (k,)
        The first row stands at the beginning of the band, the others at later recorded times.
    start, end : float
        The band holds for all times from start to end.
    critical : float
        Standard errors on either side (equal precision), or the bound on the Brownian bridge (Hall-Wellner).
    """

    keys: Mapping[str, Any]
    time: Floats
    estimate: Floats
    lower: Floats
    upper: Floats
    start: float
    end: float
    critical: float

    @property
    def label(self) -> str:
        """The keys in words."""
        return ", ".join(f"{name}={value}" for name, value in self.keys.items()) or "all"


@dataclass(frozen=True, eq=False, kw_only=True)
class Band(Stored):
    """Simultaneous limits of curves; each piece has its own level of confidence.

    Attributes
    ----------
    kind : {"equal-precision", "hall-wellner"}
    curve : str
        What the band is for: survival, cumulative hazard, incidence.
    pieces : tuple of BandPiece
    alpha : float
    transform : str
    n_draws : int
        Multiplier draws behind the critical values; 0 when they are exact.
    """

    kind: str
    curve: str
    pieces: tuple[BandPiece, ...]
    alpha: float
    transform: str
    n_draws: int
    unit: str
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pieces)

    def to_frame(self) -> Any:
        """One row per piece and time: group, keys, time, estimate, lower, upper."""
        return self._frame(None)

    def at(self, times: Any) -> Any:
        """Read the band at given times; NaN outside its range."""
        return self._frame(np.atleast_1d(np.asarray(times, dtype=float)))

    def _frame(self, times: Floats | None) -> Any:
        import pandas as pd

        frames = []
        for p in self.pieces:
            asked = p.time if times is None else times
            known = (asked >= p.start) & (asked <= p.end)
            columns: dict[str, Any] = {"group": [p.label] * len(asked)}
            columns.update({name: [value] * len(asked) for name, value in p.keys.items() if name != "group"})
            columns["time"] = asked
            for name in ("estimate", "lower", "upper"):
                columns[name] = np.where(known, value_at(p.time, getattr(p, name), asked, np.nan), np.nan)
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def summary(self) -> Summary:
        """Return the printed form: the range and the critical value of each piece."""
        facts: tuple[tuple[str, Any], ...] = (
            ("confidence", f"{number(100 * (1 - self.alpha), 3)}% for the whole range of each curve"),
            ("limits", self.transform),
            ("unit of time", self.unit),
            ("critical values", f"{self.n_draws} multiplier draws" if self.n_draws else "exact"),
        )
        rows = tuple((p.label, p.start, p.end, p.critical) for p in self.pieces)
        return Summary(self.method, facts, (Block(("group", "from", "to", "critical value"), rows),), self.warnings)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def _cells(self, times: Any) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame() if times is None else self.at(times)
        frame = frame.drop(columns=[name for name in self.pieces[0].keys if name != "group"], errors="ignore")
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def to_latex(self, times: Any = None, caption: str = "", label: str = "") -> str:
        """Return the band (at `times`, or at every time) as a LaTeX table."""
        note = f"{self.method}; {self.transform} limits; time in {self.unit}."
        return tables.to_latex(*self._cells(times), caption=caption, label=label, notes=(note,))

    def to_markdown(self, times: Any = None) -> str:
        """Return the band as a Markdown table."""
        return tables.to_markdown(*self._cells(times))

    def to_html(self, times: Any = None) -> str:
        """Return the band as an HTML table."""
        return tables.to_html(*self._cells(times), caption=self.method)

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
