"""A survival curve seen through intervals: known outside some intervals, and only bounded inside them.

Third floor, in the room of curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.products import restricted_area
from exitmodels.kernels.steps import crossing
from exitmodels.kernels.turnbull_limits import Steps
from exitmodels.models.nonparametric.interval_piece import IntervalPiece
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.curve import Curve

__all__ = ["IntervalCurve"]


@dataclass(frozen=True, eq=False, kw_only=True)
class IntervalCurve(Curve):
    """Survival curves for times known only to lie between two others.

    The curve is drawn, and read, as late as the data allow: mass lies at the right end of its interval. What
    else would fit as well is given beside it: the columns `least` and `most` of survival at a time, `earliest`
    and `latest` for the time of a quantile. There are no standard errors (NaN, unless bootstrapped): in general
    the estimate does not settle at the rate of the square root of n.
    """

    pieces: tuple[IntervalPiece, ...]

    # ---- limits ----------------------------------------------------------------------------------------------
    def _check(self, alpha: float, transform: str | None) -> None:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        if transform is not None:
            raise DataError(
                f"transform={transform!r} was asked for, but these limits do not come from a standard error.",
                code="transform",
                hint="Leave transform out.",
            )

    def conf_int(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Pointwise limits, aligned with `time`: columns low, high."""
        import pandas as pd

        self._check(alpha, transform)
        pairs = [piece.limits(piece.time, alpha) for piece in self.pieces]
        low, high = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
        return pd.DataFrame({"low": low, "high": high})

    # ---- readings --------------------------------------------------------------------------------------------
    def to_frame(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """One row per piece and interval with mass.

        Returns
        -------
        DataFrame
            group, keys, left, time (the right end), mass, estimate (survival from `time` on), se, lower, upper.
        """
        import pandas as pd

        self._check(alpha, transform)
        frames = []
        for piece in self.pieces:
            finite = np.isfinite(piece.right)
            frame = self._rows(piece, piece.time, piece.estimate, piece.se, *piece.limits(piece.time, alpha), counts={})
            frame.insert(frame.columns.get_loc("time"), "left", piece.left[finite])
            frame.insert(frame.columns.get_loc("time") + 1, "mass", piece.mass[finite])
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def at(self, times: Any, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Read the curves at given times.

        Returns
        -------
        DataFrame
            group, keys, time, estimate, se, lower, upper, least, most. Inside an interval with mass survival is
            only known to lie between `least` and `most`; the estimate is then `most`. Beyond the last time at which
            anyone was known to be present the estimate is NaN, and the bounds remain.
        """
        import pandas as pd

        self._check(alpha, transform)
        asked = np.atleast_1d(np.asarray(times, dtype=float))
        frames = []
        for piece in self.pieces:
            least, most = piece.bounds(asked)
            estimate = np.where((asked > piece.known_until) & (most > 0), np.nan, most)
            se = np.full(len(asked), np.nan)
            if piece.samples is not None:
                se = np.array([float(np.std(piece.samples.at(float(t)), ddof=1)) for t in asked])
            frame = self._rows(piece, asked, estimate, se, *piece.limits(asked, alpha), counts={})
            frames.append(frame.assign(least=least, most=most))
        return pd.concat(frames, ignore_index=True)

    def quantile(self, p: float | Sequence[float] = 0.5, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Time by which a share p has left.

        Returns
        -------
        DataFrame
            group, keys, p, time, lower, upper, earliest, latest. The time lies in (earliest, latest] for every curve
            that maximises the likelihood; `time` is the latest. The limits are those times at which survival
            of 1 - p is not ruled out.
        """
        import pandas as pd

        self._check(alpha, transform)
        rows = []
        for piece in self.pieces:
            for share in np.atleast_1d(p):
                level = float(1 - share)
                latest = crossing(piece.right, piece.below, level)
                earliest = crossing(piece.left, piece.below, level)
                low, high = piece.quantile_limits(level, alpha)
                latest = latest if np.isfinite(latest) else np.nan
                row = {"group": piece.label, **piece.keys, "p": share, "time": latest, "lower": low, "upper": high}
                rows.append({**row, "earliest": earliest, "latest": latest})
        return pd.DataFrame(rows)

    def rmst(
        self,
        tau: float | None = None,
        alpha: float = 0.05,
        n_samples: int = 200,
        rng: np.random.Generator | int | None = None,
    ) -> Any:
        """Area under the curve from 0 to tau, with the least and most that fit, and bootstrap limits.

        Parameters
        ----------
        tau : float, optional
            Horizon; by default the last time that every piece has reached.
        n_samples, rng
            Bootstrap samples drawn when the curve was fitted without them.

        Notes
        -----
        An area, unlike the curve at one time, does settle at the rate of the square root of n, and its
        bootstrap is sound (Geskus & Groeneboom 1999). `least` takes each exit at the left end of its interval.
        """
        import pandas as pd

        generator = np.random.default_rng(rng)
        horizon = min(piece.known_until for piece in self.pieces) if tau is None else float(tau)
        rows = []
        for piece in self.pieces:
            self._refuse_horizon(piece, horizon)
            most, _ = restricted_area(piece.right, piece.below, 1.0, horizon)
            least, _ = restricted_area(piece.left, piece.below, 1.0, horizon)
            draws = _areas(_samples(piece, n_samples, generator), horizon)
            low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2])
            row = {"group": piece.label, **piece.keys, "tau": horizon, "estimate": most, "se": float(draws.std(ddof=1))}
            rows.append({**row, "lower": low, "upper": high, "least": least, "most": most})
        return pd.DataFrame(rows)

    # ---- print -----------------------------------------------------------------------------------------------
    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: size, intervals with mass and median of each piece, and how well it converged."""
        level = number(100 * (1 - alpha), 3)
        columns = ("group", "n", "left", "intervals", "median after", "up to", f"low {level}%", f"high {level}%", "gap")
        found = self.quantile(0.5, alpha)
        rows: list[tuple[Any, ...]] = []
        for piece, r in zip(self.pieces, found.itertuples(), strict=True):
            unknown = "not saved" if piece.samples is None and piece.profile is None else "not reached"
            times = ["not reached" if np.isnan(v) else v for v in (r.earliest, r.latest)]
            times += [unknown if np.isnan(v) else v for v in (r.lower, r.upper)]
            rows.append((piece.label, piece.n, float(piece.events.sum()), len(piece.mass), *times, _small(piece.gap)))
        facts = (("unit of time", self.unit), ("limits", self.transform))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, facts, (Block(columns, tuple(rows)),), tuple(notes))

    def save(self, path: str | Path) -> None:
        """Write the result as JSON, with the 95 % limits at its own times."""
        pieces = tuple(
            piece if piece.profile is None else replace(piece, kept=piece.limits(piece.time, 0.05))
            for piece in self.pieces
        )
        super(IntervalCurve, replace(self, pieces=pieces)).save(path)

    def plot(  # type: ignore[override]
        self, ax: Any = None, *, limits: bool = True, alpha: float = 0.05, points: int = 60
    ) -> Any:
        """Draw the curves: lines where survival is known, boxes where any falling curve fits as well.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        limits : bool
            Shade pointwise limits.
        points : int
            Draw limits at most at this many times.
        """
        from exitmodels.render.boxes import Boxed, boxed_curves

        drawn = []
        for piece in self.pieces:
            at, low, high = _limit_steps(piece, alpha, points) if limits else (np.zeros(0), np.zeros(0), np.zeros(0))
            left = np.maximum(piece.left, 0.0)
            drawn.append(Boxed(piece.label, left, piece.right, piece.above, piece.below, at, low, high))
        end = max(float(np.max(p.right[np.isfinite(p.right)], initial=p.known_until)) for p in self.pieces)
        return boxed_curves(ax, drawn, self.unit, end)


def _small(gap: float) -> str:
    return "<1e-9" if gap < 1e-9 else f"{gap:.0e}"


def _limit_steps(piece: IntervalPiece, alpha: float, points: int) -> tuple[Floats, Floats, Floats]:
    """Limits to draw as steps: on each flat piece, and inside each interval, as they are in its middle."""
    if piece.profile is None and piece.samples is None:
        at, read = piece.time, piece.time
    else:
        left = np.maximum(piece.left, 0.0)
        inside = np.where(np.isfinite(piece.right), (left + piece.right) / 2, left)
        at, read = np.concatenate([left, piece.time]), np.concatenate([inside, piece.time])
        at, first = np.unique(at[::-1], return_index=True)
        read = read[::-1][first]
        chosen = np.unique(np.linspace(0, len(at) - 1, points).astype(int))
        at, read = at[chosen], read[chosen]
    low, high = piece.limits(read, alpha)
    return np.append(at, at[-1:] * 1.05), np.append(low, low[-1:]), np.append(high, high[-1:])


def _samples(piece: IntervalPiece, n_samples: int, rng: np.random.Generator) -> Steps:
    if piece.samples is not None:
        return piece.samples
    if piece.sampler is None:
        raise DataError(
            "Limits of an area need the data, which a saved curve does not hold.",
            code="no-data",
            hint="Ask the fitted curve before saving it.",
        )
    return piece.sampler.draw(n_samples, rng)


def _areas(samples: Steps, horizon: float) -> Floats:
    """Area under each sample's curve: the horizon, less what each fall takes away."""
    first = np.repeat(samples.bounds[:-1], np.diff(samples.bounds))
    before = np.where(np.arange(len(samples.time)) == first, 1.0, np.concatenate([[1.0], samples.value[:-1]]))
    lost = (before - samples.value) * np.maximum(horizon - samples.time, 0.0)
    total = np.concatenate([[0.0], np.cumsum(lost)])
    return horizon - (total[samples.bounds[1:]] - total[samples.bounds[:-1]])
