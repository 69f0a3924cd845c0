"""One protocol for every curve: survival, cumulative hazard, incidence, observed or predicted.

Second floor. A `Curve` is a set of pieces, one for each group (and cause); all
that a reader asks of it is derived here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels import intervals
from exitmodels.kernels.products import restricted_area
from exitmodels.kernels.steps import crossing, value_at
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.banding import make_band
from exitmodels.results.bands import Band
from exitmodels.results.bibliography import citation
from exitmodels.results.piece import Piece, counts_at, group_counts, matches
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["Curve"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve(Stored):
    """Step curves over time, with pointwise limits.

    Attributes
    ----------
    kind : {"survival", "cumulative hazard", "incidence"}
    pieces : tuple of Piece
    transform : str
        Scale of the limits unless another is asked for.
    variance : str
        How the standard errors were made.
    unit : str
        Unit of time.
    """

    kind: str
    pieces: tuple[Piece, ...]
    transform: str
    variance: str
    unit: str
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    outcome: str = "exit"
    warnings: tuple[str, ...] = ()
    converged: bool = True

    # ---- arrays over all pieces ------------------------------------------------------------------------------
    def _joined(self, name: str) -> Floats:
        return np.concatenate([getattr(piece, name) for piece in self.pieces])

    @property
    def time(self) -> Floats:
        """Times of all pieces, one piece after another (as the rows of `to_frame`)."""
        return self._joined("time")

    @property
    def estimate(self) -> Floats:
        """Estimates, aligned with `time`."""
        return self._joined("estimate")

    @property
    def se(self) -> Floats:
        """Standard errors of `estimate`, aligned with `time`; NaN where not defined."""
        return self._joined("se")

    @property
    def groups(self) -> tuple[str, ...]:
        """Label of each piece."""
        return tuple(piece.label for piece in self.pieces)

    @property
    def start(self) -> float:
        """Value before the first event: 1 for survival, else 0."""
        return 1.0 if self.kind == "survival" else 0.0

    def __len__(self) -> int:
        return len(self.pieces)

    def __iter__(self) -> Iterator[Piece]:
        return iter(self.pieces)

    def __getitem__(self, which: Any) -> Curve:
        """Pick pieces by label, by number, or by keys: ``curve["fin=1"]``, ``curve[0]``, ``curve[{"fin": 1}]``."""
        chosen = [piece for i, piece in enumerate(self.pieces) if matches(piece, i, which)]
        if not chosen:
            raise DataError(f"No curve for {which!r}.", code="group", hint=f"There are: {'; '.join(self.groups)}.")
        return replace(self, pieces=tuple(chosen))

    # ---- limits ----------------------------------------------------------------------------------------------
    def _limits(self, estimate: Floats, se: Floats, alpha: float, transform: str | None) -> tuple[Floats, Floats]:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        limits = intervals.hazard_limits if self.kind == "cumulative hazard" else intervals.probability_limits
        try:
            return limits(estimate, se, alpha, transform or self.transform)
        except ValueError as problem:
            raise DataError(str(problem) + ".", code="transform", hint="See conf_int for the scales.") from None

    def conf_int(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Pointwise limits, aligned with `time`: columns low, high.

        Parameters
        ----------
        alpha : float
        transform : {"plain", "log", "log-log", "cloglog", "arcsine", "logit"}, optional
            Scale on which the limits are symmetric; "plain" or "log" for a cumulative hazard.
        """
        import pandas as pd

        low, high = self._limits(self.estimate, self.se, alpha, transform)
        return pd.DataFrame({"low": low, "high": high})

    def bands(
        self,
        kind: str = "equal-precision",
        alpha: float = 0.05,
        start: float | None = None,
        end: float | None = None,
        transform: str | None = None,
        n_draws: int | None = None,
        rng: np.random.Generator | int | None = None,
    ) -> Band:
        """Limits that hold for the whole curve at once, from `start` to `end`.

        Parameters
        ----------
        kind : {"equal-precision", "hall-wellner"}
            "equal-precision" is as many standard errors wide everywhere, so it needs a `start` at which some
            have left; "hall-wellner" is wider where little is known of its scale, and narrower late.
        alpha : float
            One minus the confidence of the band of each piece; pieces are not adjusted for one another.
        start, end : float, optional
            The range. By default "hall-wellner" goes from the first exit to the last time at which there are limits;
            "equal-precision" from about the tenth exit to where about ten people are left (a fifth of the exits, if
            they are fewer than fifty), for the normal law fails beyond.
        transform : str, optional
            As in `conf_int`; by default that of the curve, but "plain" for "hall-wellner", whose width does not
            shrink where the curve begins.
        n_draws : int, optional
            Multiplier draws for the critical value (equal precision only). By default 2000 where it has no exact
            form (incidences, clusters), none elsewhere.
        rng : numpy Generator or seed
            For the draws.

        Raises
        ------
        DataError
            If the curve is not known on the whole range, or its critical value would need data it does not hold.

        Notes
        -----
        With V(t) the variance of log S(t) (or of the cumulative hazard), the error divided by the curve is
        Brownian motion run at V, which late entry, ties and weights leave true. Equal precision takes the bound
        that the path over sqrt(V) keeps between V(start) and V(end); Hall-Wellner the one that the Brownian bridge
        keeps between n V / (1 + n V) at both ends, with n the number of rows. Any n would be right; this one gives
        the Kolmogorov band when nobody is censored or late. Source: Nair (1984); Hall & Wellner (1980); Lin (1997).

        Examples
        --------
        >>> import exitmodels as xm
        >>> spells = xm.Spells(exit=[3, 5, 8, 9, 12, 15, 21, 24], event=[1, 1, 1, 0, 1, 1, 1, 0])
        >>> band = xm.KaplanMeier().fit(spells).bands("hall-wellner", transform="log-log")
        >>> band.at(9).round(3).values.tolist()
        [['all', 9.0, 0.625, 0.09, 0.912]]
        """
        return make_band(self, kind, alpha, start, end, transform, n_draws, rng)

    # ---- readings --------------------------------------------------------------------------------------------
    def to_frame(self, alpha: float = 0.05, transform: str | None = None) -> Any:
        """One row per piece and time: keys, time, estimate, se, lower, upper, at_risk, events, censored."""
        import pandas as pd

        frames = []
        for piece in self.pieces:
            low, high = self._limits(piece.estimate, piece.se, alpha, transform)
            frames.append(self._rows(piece, piece.time, piece.estimate, piece.se, low, high))
        return pd.concat(frames, ignore_index=True)

    def _rows(self, piece: Piece, time: Floats, *values: AnyArray, counts: Mapping[str, AnyArray] | None = None) -> Any:
        import pandas as pd

        columns: dict[str, Any] = {"group": [piece.label] * len(time)}
        columns.update({name: [value] * len(time) for name, value in piece.keys.items() if name != "group"})
        columns["time"] = time
        columns.update(zip(("estimate", "se", "lower", "upper"), values, strict=True))
        if counts is None:
            counts = {n: getattr(piece, n) for n in ("at_risk", "events", "censored") if len(getattr(piece, n))}
        columns.update(counts)
        return pd.DataFrame(columns)

    def at(self, times: Any, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Read the curves at given times.

        Parameters
        ----------
        times : float or sequence of float
            In the unit of the curve. Beyond the last observed time the estimate is NaN, unless
            nobody is left to leave (survival 0) there.

        Returns
        -------
        DataFrame
            One row per piece and time, as `to_frame`; `at_risk` just before the first recorded time at or
            after the one asked for; `events` and `censored` are sums up to and including it.
        """
        import pandas as pd

        asked = np.atleast_1d(np.asarray(times, dtype=float))
        frames = []
        for piece in self.pieces:
            beyond = asked > piece.known_until
            ends = len(piece.estimate) > 0 and self.kind == "survival" and piece.estimate[-1] == 0
            estimate = value_at(piece.time, piece.estimate, asked, self.start)
            se = value_at(piece.time, piece.se, asked, 0.0)
            if not ends:
                estimate, se = np.where(beyond, np.nan, estimate), np.where(beyond, np.nan, se)
            low, high = self._limits(estimate, se, alpha, transform)
            frames.append(self._rows(piece, asked, estimate, se, low, high, counts=counts_at(piece, asked)))
        return pd.concat(frames, ignore_index=True)

    def quantile(self, p: float | Sequence[float] = 0.5, alpha: float = 0.05, transform: str | None = None) -> Any:
        """Time by which a share p has left, with limits read off the limits of the curve.

        Parameters
        ----------
        p : float or sequence of float
            0.5 gives the median. NaN where the curve does not reach p.

        Notes
        -----
        The limits invert the pointwise limits (Brookmeyer & Crowley 1982, with the chosen transform).
        """
        import pandas as pd

        if self.kind == "cumulative hazard":
            raise DataError("A cumulative hazard has no quantiles.", code="kind", hint="Ask its .survival().")
        rows = []
        for piece in self.pieces:
            low, high = self._limits(piece.estimate, piece.se, alpha, transform)
            falling = self.kind == "survival"
            for share in np.atleast_1d(p):
                level = 1 - share if falling else share
                values = [crossing(piece.time, v, level, falling) for v in (piece.estimate, low, high)]
                early, late = (values[1], values[2]) if falling else (values[2], values[1])
                rows.append({"group": piece.label, **piece.keys, "p": share, "time": values[0]})
                rows[-1].update({"lower": early, "upper": late})
        return pd.DataFrame(rows)

    def survival(self, transform: str = "log-log") -> Curve:
        """Turn a cumulative hazard H into exp(-H) (Fleming & Harrington 1984), with the standard error of H."""
        if self.kind != "cumulative hazard":
            raise DataError(f"This is a curve of {self.kind}.", code="kind", hint="Only a cumulative hazard turns.")
        pieces = []
        for piece in self.pieces:
            survival = np.exp(-piece.estimate)
            pieces.append(replace(piece, estimate=survival, se=survival * piece.se))
        return replace(
            self, kind="survival", pieces=tuple(pieces), transform=transform, method=f"exp(-H): {self.method}"
        )

    def median(self) -> Any:
        """Median of each piece, with limits; see `quantile`."""
        return self.quantile(0.5)

    def rmst(self, tau: float | None = None, alpha: float = 0.05) -> Any:
        """Area under the curve from 0 to tau, with the estimator's own standard error.

        For survival this is the restricted mean stay; for incidence, the mean time lost to the cause.

        Parameters
        ----------
        tau : float, optional
            Horizon; by default the largest time that every piece has reached.

        Raises
        ------
        DataError
            If tau lies beyond the last time of a piece that still has people left: the curve is not known there.

        Notes
        -----
        Source: Andersen et al. (1993), example IV.3.8; robust and cluster forms by the infinitesimal jackknife.
        """
        import pandas as pd

        horizon = min(piece.known_until for piece in self.pieces) if tau is None else float(tau)
        rows = []
        for piece in self.pieces:
            self._refuse_horizon(piece, horizon)
            area, _ = restricted_area(piece.time, piece.estimate, self.start, horizon)
            if piece.integral_se is None:
                raise DataError(
                    "The standard error of an area needs the data, which a saved or predicted curve does not hold.",
                    code="no-data",
                    hint="Ask the fitted curve before saving it.",
                )
            se = piece.integral_se(horizon)
            half = float(ndtri(1 - alpha / 2)) * se
            rows.append({"group": piece.label, **piece.keys, "tau": horizon, "estimate": area, "se": se})
            rows[-1].update({"lower": max(area - half, 0.0), "upper": min(area + half, horizon)})
        return pd.DataFrame(rows)

    def _refuse_horizon(self, piece: Piece, horizon: float) -> None:
        if self.kind == "cumulative hazard":
            raise DataError(
                "The area under a cumulative hazard has no meaning.", code="kind", hint="Ask its .survival()."
            )
        known = piece.known_until
        if horizon > known and not (self.kind == "survival" and piece.estimate[-1] == 0):
            raise DataError(
                f"tau={number(horizon)} lies beyond {number(known)}, the last observed time of {piece.label}.",
                code="horizon",
                hint=f"Give tau up to {number(known)}.",
            )

    # ---- print -----------------------------------------------------------------------------------------------
    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: size, events and median (or final value) of each piece."""
        rows: list[tuple[Any, ...]] = []
        level = number(100 * (1 - alpha), 3)
        if self.kind == "survival":
            columns: tuple[str, ...] = ("group", "n", "events", "median", f"low {level}%", f"high {level}%")
            found = self.quantile(0.5, alpha)
            for piece, r in zip(self.pieces, found.itertuples(), strict=True):
                times = ("not reached" if np.isnan(v) else v for v in (r.time, r.lower, r.upper))
                rows.append((piece.label, piece.n, float(piece.events.sum()), *times))
        else:
            columns = ("group", "n", "events", "last time", self.kind, f"low {level}%", f"high {level}%")
            for piece in self.pieces:
                low, high = self._limits(piece.estimate[-1:], piece.se[-1:], alpha, None)
                last = (piece.time[-1], piece.estimate[-1], low[0], high[0])
                rows.append((piece.label, piece.n, float(piece.events.sum()), *(float(v) for v in last)))
        facts = (("unit of time", self.unit), ("variance", self.variance), ("limits", self.transform))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, facts, (Block(columns, tuple(rows)),), tuple(notes))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def _cells(self, times: Any, alpha: float) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame(alpha) if times is None else self.at(times, alpha)
        frame = frame.drop(columns=[name for name in self.pieces[0].keys if name != "group"], errors="ignore")
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def to_latex(self, times: Any = None, alpha: float = 0.05, caption: str = "", label: str = "") -> str:
        """Return the curve (at `times`, or at every time) as a LaTeX table."""
        note = f"{self.method}. {self.variance} variance; {self.transform} limits; time in {self.unit}."
        return tables.to_latex(*self._cells(times, alpha), caption=caption, label=label, notes=(note,))

    def to_markdown(self, times: Any = None, alpha: float = 0.05) -> str:
        """Return the curve as a Markdown table."""
        return tables.to_markdown(*self._cells(times, alpha))

    def to_html(self, times: Any = None, alpha: float = 0.05) -> str:
        """Return the curve as an HTML table."""
        return tables.to_html(*self._cells(times, alpha), caption=self.method)

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)

    def plot(
        self,
        ax: Any = None,
        *,
        limits: bool = True,
        risk_table: bool = False,
        stacked: bool = False,
        alpha: float = 0.05,
        times: Sequence[float] | None = None,
        bands: str | Band | None = None,
    ) -> Any:
        """Draw the curves; return the Axes (a list of them when stacked groups need a panel each).

        Parameters
        ----------
        ax : matplotlib Axes, optional
        limits : bool
            Shade the pointwise limits.
        risk_table : bool
            Print the numbers at risk (and events so far) under the axis.
        stacked : bool
            Incidence of several causes on top of one another; one panel for each group.
        times : sequence of float, optional
            Times of the risk table.
        bands : Band or {"equal-precision", "hall-wellner"}, optional
            Draw simultaneous limits as well: those given (see `bands`), or those of this kind at the level `alpha`.
        """
        from exitmodels.render import axes

        if stacked:
            from exitmodels.results.stacking import draw_stacked

            return draw_stacked(self, ax)
        lines = []
        wide = self._drawn_bands(bands, alpha)
        for piece in self.pieces:
            low, high = self._limits(piece.estimate, piece.se, alpha, None)
            name, total = _in_words(piece), self._total(piece)
            band = wide.get(piece.label)
            lines.append(axes.Line(name, piece.time, piece.estimate, low, high, piece.censored, total, band))
        drawn = axes.curves(ax, lines, self.start, self.kind, self.unit, limits)
        if bands is not None:
            axes.note_above(drawn, self._in_bands(bands, alpha, limits))
        if risk_table and len(self.pieces[0].at_risk):
            axes.risk_table(drawn, self._risk_lines(), times)
        return drawn

    def _in_bands(self, bands: str | Band, alpha: float, limits: bool) -> str:
        kind, level = (bands.kind, bands.alpha) if isinstance(bands, Band) else (bands, alpha)
        outer = f"{number(100 * (1 - level), 3)}% {kind} band of each curve"
        return f"inner: {number(100 * (1 - alpha), 3)}% limits at each time; outer: {outer}" if limits else outer

    def _drawn_bands(self, bands: str | Band | None, alpha: float) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Time, low and high of the band of each piece, the last value held to the end of its range."""
        if bands is None:
            return {}
        band = bands if isinstance(bands, Band) else self.bands(bands, alpha)
        out = {}
        for p in band.pieces:
            time = np.append(p.time, p.end)
            out[p.label] = (time, np.append(p.lower, p.lower[-1]), np.append(p.upper, p.upper[-1]))
        return out

    def _total(self, piece: Piece) -> str:
        return f"{number(float(piece.events.sum()))} of {number(float(piece.n))}" if len(piece.events) else ""

    def _risk_lines(self) -> Any:
        seen: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            name = ", ".join(f"{k}={v}" for k, v in piece.keys.items() if k != "cause") or "all"
            seen.setdefault(name, []).append(piece)
        return {name: lambda t, own=own: group_counts(own, np.asarray(t, float)) for name, own in seen.items()}


def _in_words(piece: Piece) -> str:
    """Name a piece in a figure; a new row that has a name of its own is called by it."""
    row = piece.keys.get("row")
    return row if isinstance(row, str) and len(piece.keys) == 1 else piece.label
