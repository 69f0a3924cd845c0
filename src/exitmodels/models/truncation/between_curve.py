"""A survival curve from intervals seen through windows: known outside some intervals, bounded inside them.

Third floor, in the room of truncation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.steps import crossing, value_at
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece

__all__ = ["BetweenCurve", "BetweenPiece"]


@dataclass(frozen=True, eq=False, kw_only=True)
class BetweenPiece(Piece):
    """The curve of one group.

    Attributes
    ----------
    left, right, mass : (m,)
        Intervals (left, right] that hold mass; a single time where both are equal.
    low, high : float
        Stays outside (low, high] could not have been seen.
    llf : float
        Log-likelihood given the windows.
    gap : float
        Largest relative breach of the conditions of a maximum.
    flat : int
        Directions in which the likelihood does not change (0: the masses are unique); -1 when not counted.
    draws : (2, n_samples, k), optional
        Least and most survival at the times of the piece in bootstrap samples.
    """

    left: Floats
    right: Floats
    mass: Floats
    low: float
    high: float
    llf: float
    gap: float
    flat: int
    draws: Floats | None = field(default=None)

    def bounds(self, times: Floats) -> tuple[Floats, Floats]:
        """Least and most survival at each time: mass at the left, or at the right, end of its interval."""
        point = self.left == self.right
        steps = np.concatenate([[1.0], np.maximum(1.0 - np.cumsum(self.mass), 0.0)])
        begun = np.searchsorted(np.where(point, np.nextafter(self.left, -np.inf), self.left), times, side="left")
        return steps[begun], steps[np.searchsorted(self.right, times, side="right")]

    def limits(self, alpha: float) -> tuple[Floats, Floats]:
        """Percentiles at the times of the piece: low ones of what is least, high ones of what is most."""
        if self.draws is None:
            return np.full(len(self.time), np.nan), np.full(len(self.time), np.nan)
        low, high = (np.nanquantile(self.draws[k], level, axis=0) for k, level in ((0, alpha / 2), (1, 1 - alpha / 2)))
        return low, high


@dataclass(frozen=True, eq=False, kw_only=True)
class BetweenCurve(Curve):
    """Survival from intervals seen through windows.

    Mass lies at the right end of its interval; what else would fit as well is given beside it, in the columns `least`
    and `most`. Limits are percentiles of the bootstrap: the low ones with each exit as early as its interval allows,
    the high ones with each as late. They assume that intervals are few and shared (months, years, roll-calls); with
    intervals that vary freely no simple limits are known.
    """

    pieces: tuple[BetweenPiece, ...]

    def _check(self, alpha: float, transform: str | None) -> None:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        if transform is not None:
            raise DataError(
                f"transform={transform!r} was asked for, but these limits are percentiles.",
                code="transform",
                hint="Leave transform out.",
            )

    def conf_int(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Pointwise limits, aligned with `time`: columns low, high."""
        import pandas as pd

        self._check(alpha, transform)
        pairs = [piece.limits(alpha) for piece in self.pieces]
        low, high = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
        return pd.DataFrame({"low": low, "high": high})

    def to_frame(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """One row per piece and interval with mass: group, keys, left, time (its right end), mass, estimate, limits."""
        import pandas as pd

        self._check(alpha, transform)
        frames = []
        for piece in self.pieces:
            finite = np.isfinite(piece.right)
            frame = self._rows(piece, piece.time, piece.estimate, piece.se, *piece.limits(alpha), counts={})
            frame.insert(frame.columns.get_loc("time"), "left", piece.left[finite])
            frame.insert(frame.columns.get_loc("time") + 1, "mass", piece.mass[finite])
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def at(self, times: Any, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Read the curves at given times: as `Curve.at`, with the columns least and most; NaN beyond what was seen."""
        import pandas as pd

        self._check(alpha, transform)
        asked = np.atleast_1d(np.asarray(times, dtype=float))
        frames = []
        for piece in self.pieces:
            least, most = piece.bounds(asked)
            beyond = (asked > piece.high) | ((asked > piece.known_until) & (most > 0))
            own = (
                value_at(piece.time, v, asked, s)
                for v, s in ((piece.se, 0.0), *((v, 1.0) for v in piece.limits(alpha)))
            )
            columns = [np.where(beyond, np.nan, v) for v in (most, *own)]
            frame = self._rows(piece, asked, *columns, counts={})
            frames.append(frame.assign(least=least, most=most))
        return pd.concat(frames, ignore_index=True)

    def quantile(self, p: Any = 0.5, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Time by which a share p has left: time (the latest that fits), limits, and the earliest that fits."""
        import pandas as pd

        self._check(alpha, transform)
        rows = []
        for piece in self.pieces:
            low, high = piece.limits(alpha)
            below = np.maximum(1.0 - np.cumsum(piece.mass), 0.0)
            for share in np.atleast_1d(p):
                level = float(1 - share)
                row = {"group": piece.label, **piece.keys, "p": share}
                row["time"] = crossing(piece.right, below, level)
                early = piece.left[np.isfinite(piece.right)]
                row.update({"lower": crossing(early, low, level), "upper": crossing(piece.time, high, level)})
                rows.append({**row, "earliest": crossing(piece.left, below, level), "latest": row["time"]})
        return pd.DataFrame(rows)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: size, intervals with mass and median of each piece, and what was checked."""
        level = number(100 * (1 - alpha), 3)
        columns = ("group", "n", "intervals", "median after", "up to", f"low {level}%", f"high {level}%", "seen range")
        rows: list[tuple[Any, ...]] = []
        checks: list[tuple[Any, ...]] = []
        for piece, r in zip(self.pieces, self.quantile(0.5, alpha).itertuples(), strict=True):
            times = ["not reached" if np.isnan(v) else v for v in (r.earliest, r.latest, r.lower, r.upper)]
            rows.append((piece.label, piece.n, len(piece.mass), *times, f"({number(piece.low)}, {number(piece.high)}]"))
            unique = "not checked" if piece.flat < 0 else "yes" if piece.flat == 0 else f"no ({piece.flat} directions)"
            checks.append((piece.label, "yes", unique, "<1e-9" if piece.gap < 1e-9 else f"{piece.gap:.0e}"))
        facts = (("unit of time", self.unit), ("limits", self.variance))
        blocks = (Block(columns, tuple(rows)), Block(("group", "times linked", "masses unique", "gap"), tuple(checks)))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, facts, blocks, tuple(notes))

    def plot(  # type: ignore[override]
        self, ax: Any = None, *, limits: bool = True, alpha: float = 0.05
    ) -> Any:
        """Draw the curves: lines where survival is known, boxes where any falling curve fits as well.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        limits : bool
            Shade pointwise limits, if samples were drawn.
        """
        from exitmodels.render.boxes import Boxed, boxed_curves

        drawn = []
        for piece in self.pieces:
            none = np.zeros(0)
            at, low, high = none, none, none
            if limits and piece.draws is not None:
                at, (low, high) = piece.time, piece.limits(alpha)
                at, low, high = np.append(0.0, at), np.append(1.0, low), np.append(1.0, high)
            above = np.concatenate([[1.0], 1.0 - np.cumsum(piece.mass)[:-1]])
            below = np.maximum(1.0 - np.cumsum(piece.mass), 0.0)
            left = np.maximum(np.where(np.isfinite(piece.left), piece.left, 0.0), 0.0)
            drawn.append(Boxed(piece.label, left, piece.right, above, below, at, low, high))
        end = max(float(np.max(p.right[np.isfinite(p.right)], initial=p.known_until)) for p in self.pieces)
        return boxed_curves(ax, drawn, self.unit, end)
