"""Incidences that the data only bound, with limits for what lies between.

Second floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.intervals import probability_band
from exitmodels.kernels.manski import critical_value
from exitmodels.kernels.steps import value_at
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.piece import Piece
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["IncidenceBounds"]


@dataclass(frozen=True, eq=False, kw_only=True)
class IncidenceBounds(Stored):
    """Lower and upper bounds of incidences, group by group and cause by cause.

    Attributes
    ----------
    lower, upper : tuple of Piece
        In the same order.
    masked, n_exits : int
        Rows that left with a masked cause, and all that left.
    """

    lower: tuple[Piece, ...]
    upper: tuple[Piece, ...]
    transform: str
    variance: str
    unit: str
    ledger: Ledger
    masked: int
    n_exits: int
    warnings: tuple[str, ...] = ()
    converged: bool = True
    method: str = "Bounds of cumulative incidence, nothing assumed of masked causes"
    sources: tuple[str, ...] = ("aalen_johansen1978", "imbens_manski2004", "manski2003", "peterson1976")

    def at(self, times: Any, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Read the bounds at given times.

        Returns
        -------
        DataFrame
            One row per piece and time: keys, time, lowest and highest (the bounds), lower and upper (limits that cover
            the incidence, wherever it lies between the bounds). NaN beyond the last observed time.
        """
        import pandas as pd

        asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
        frames = [self._rows(a, b, asked, alpha, transform) for a, b in zip(self.lower, self.upper, strict=True)]
        return pd.concat(frames, ignore_index=True)

    def to_frame(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """One row per piece and time; columns as `at`."""
        import pandas as pd

        frames = [self._rows(a, b, a.time, alpha, transform) for a, b in zip(self.lower, self.upper, strict=True)]
        return pd.concat(frames, ignore_index=True)

    def _rows(self, low: Piece, high: Piece, times: Floats, alpha: float, transform: str | None) -> Any:
        import pandas as pd

        known = times <= low.known_until
        first, first_se, second, second_se = (
            np.where(known, value_at(p.time, v, times, 0.0), np.nan) for p in (low, high) for v in (p.estimate, p.se)
        )
        bottom, top = self._limits(first, first_se, second, second_se, alpha, transform)
        keys = {"group": [low.label] * len(times), **{k: [v] * len(times) for k, v in low.keys.items() if k != "group"}}
        found = {"time": times, "lowest": first, "highest": second, "lower": bottom, "upper": top}
        return pd.DataFrame({**keys, **found})

    def _limits(
        self, low: Floats, low_se: Floats, high: Floats, high_se: Floats, alpha: float, transform: str | None
    ) -> tuple[Floats, Floats]:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        spread = np.maximum(low_se, high_se)
        width = np.where(spread > 0, (high - low) / np.where(spread > 0, spread, 1.0), np.inf)
        beyond = critical_value(np.nan_to_num(width, posinf=np.inf), alpha)
        scale = transform or self.transform
        try:
            bottom, _ = probability_band(low, beyond * low_se, scale)
            _, top = probability_band(high, beyond * high_se, scale)
        except ValueError as problem:
            raise DataError(str(problem) + ".", code="transform", hint="See Curve.conf_int for the scales.") from None
        return bottom, top

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: bounds and limits at the last time of each piece."""
        level = number(100 * (1 - alpha), 3)
        rows = []
        for low, high in zip(self.lower, self.upper, strict=True):
            last = self._rows(low, high, low.time[-1:], alpha, None).iloc[0]
            rows.append((low.label, last["time"], last["lowest"], last["highest"], last["lower"], last["upper"]))
        columns = ("group", "time", "lowest", "highest", f"low {level}%", f"high {level}%")
        facts = (("exits", self.n_exits), ("masked", self.masked), ("limits", f"Imbens-Manski, {self.transform}"))
        return Summary(self.method, facts, (Block(columns, tuple(rows)),), self.warnings)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def _cells(self, times: Any, alpha: float) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame(alpha) if times is None else self.at(times, alpha)
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def to_latex(self, times: Any = None, alpha: float = 0.05, caption: str = "", label: str = "") -> str:
        """Return the bounds (at `times`, or at every time) as a LaTeX table."""
        note = f"{self.method}; {self.masked} of {self.n_exits} exits masked. Time in {self.unit}."
        return tables.to_latex(*self._cells(times, alpha), caption=caption, label=label, notes=(note,))

    def to_markdown(self, times: Any = None, alpha: float = 0.05) -> str:
        """Return the bounds as a Markdown table."""
        return tables.to_markdown(*self._cells(times, alpha))

    def to_html(self, times: Any = None, alpha: float = 0.05) -> str:
        """Return the bounds as an HTML table."""
        return tables.to_html(*self._cells(times, alpha), caption=self.method)

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the range between the bounds (shaded) and the limits (lines); return the Axes."""
        from exitmodels.render.bounded import draw_bounds

        frames = [self._rows(a, b, a.time, alpha, None) for a, b in zip(self.lower, self.upper, strict=True)]
        names = ("time", "lowest", "highest", "lower", "upper")
        drawn = [(p.label, *(f[n].to_numpy() for n in names)) for p, f in zip(self.lower, frames, strict=True)]
        return draw_bounds(ax, drawn, self.unit, number(100 * (1 - alpha), 3))

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
