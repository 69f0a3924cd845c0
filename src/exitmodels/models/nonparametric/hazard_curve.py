"""A smooth hazard on a grid, with its limits.

Third floor, in the room of curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece

__all__ = ["HazardCurve", "HazardPiece"]


@dataclass(frozen=True, eq=False, kw_only=True)
class HazardPiece(Piece):
    """The hazard of one group on a grid, with the bandwidth at each point."""

    bandwidth: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class HazardCurve(Curve):
    """Smooth hazards. Between the points of the grid values are joined by straight lines; limits are pointwise.

    The limits are those of the smoothed hazard, and do not cover the bias of smoothing.
    """

    pieces: tuple[HazardPiece, ...]

    def _limits(self, estimate: Floats, se: Floats, alpha: float, transform: str | None) -> tuple[Floats, Floats]:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        scale = transform or self.transform
        half = float(ndtri(1 - alpha / 2)) * se
        if scale == "plain":
            return np.maximum(estimate - half, 0.0), estimate + half
        if scale != "log":
            raise DataError(f"transform={scale!r} is not known.", code="transform", hint='"log" or "plain".')
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return estimate * np.exp(-half / estimate), estimate * np.exp(half / estimate)

    def at(self, times: Any, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Read the hazards at given times; NaN outside the range of the grid."""
        import pandas as pd

        asked = np.atleast_1d(np.asarray(times, dtype=float))
        frames = []
        for piece in self.pieces:
            columns = (piece.estimate, piece.se, piece.bandwidth)
            value, se, width = (np.interp(asked, piece.time, c, left=np.nan, right=np.nan) for c in columns)
            frame = self._rows(piece, asked, value, se, *self._limits(value, se, alpha, transform), counts={})
            frames.append(frame.assign(bandwidth=width))
        return pd.concat(frames, ignore_index=True)

    def to_frame(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """One row per piece and point: keys, time, estimate, se, lower, upper, at_risk, bandwidth."""
        import pandas as pd

        frames = []
        for piece in self.pieces:
            limits = self._limits(piece.estimate, piece.se, alpha, transform)
            counts = {"at_risk": piece.at_risk, "bandwidth": piece.bandwidth}
            frames.append(self._rows(piece, piece.time, piece.estimate, piece.se, *limits, counts=counts))
        return pd.concat(frames, ignore_index=True)

    def quantile(self, p: float | Sequence[float] = 0.5, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Refused: a hazard has no quantiles."""
        raise DataError("A hazard has no quantiles.", code="kind", hint="Ask xm.KaplanMeier.")

    def rmst(self, tau: float | None = None, alpha: float = 0.05) -> Any:
        """Refused: the area under a hazard is a cumulative hazard."""
        raise DataError("A hazard has no mean stay.", code="kind", hint="Ask xm.KaplanMeier or xm.NelsonAalen.")

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: size, exits, bandwidth, and where the hazard is highest and lowest."""
        columns = ("group", "n", "exits", "from", "to", "bandwidth", "highest", "at", "lowest", "at ")
        rows = []
        for piece in self.pieces:
            top, low = int(np.argmax(piece.estimate)), int(np.argmin(piece.estimate))
            narrow, wide = float(piece.bandwidth.min()), float(piece.bandwidth.max())
            width = number(narrow) if wide - narrow < 1e-9 * wide else f"{number(narrow)} to {number(wide)}"
            ends = (float(piece.time[0]), float(piece.time[-1]))
            peaks = [float(v) for i in (top, low) for v in (piece.estimate[i], piece.time[i])]
            rows.append((piece.label, piece.n, float(piece.events.sum()), *ends, width, *peaks))
        facts = (("unit of time", self.unit), ("variance", self.variance), ("limits", self.transform))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, facts, (Block(columns, tuple(rows)),), tuple(notes))

    def plot(self, ax: Any = None, *, limits: bool = True, alpha: float = 0.05) -> Any:  # type: ignore[override]
        """Draw the hazards with pointwise limits; return the Axes."""
        from exitmodels.render.hazards import Rate, rates

        lines = []
        for piece in self.pieces:
            low, high = self._limits(piece.estimate, piece.se, alpha, None)
            hidden = np.full(len(low), np.nan)
            lines.append(Rate(piece.label, piece.time, piece.estimate, *((low, high) if limits else (hidden, hidden))))
        return rates(ax, lines, self.unit)
