"""Times since entry of people found inside on one day, and nothing later.

Third floor, in the room of truncation. Use it for a roll taken once: nobody was followed, so no stay is known whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.currentduration import LAWS, falling_density, fit_duration, log_survival, mean_stay
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.results.storing import Stored
from exitmodels.shapes.spells import Spells

__all__ = ["CurrentDuration", "DurationCurve"]

_VARIANCES = ("model", "robust", "cluster")


@dataclass(frozen=True, eq=False, kw_only=True)
class DurationLaw(Stored):
    """The law of stays of one group: parameters with their covariance, and what follows; NaN for a falling density."""

    keys: Mapping[str, Any]
    n: float
    so_far: float
    names: tuple[str, ...]
    estimate: Floats
    covariance: Floats
    mean: float
    mean_se: float
    llf: float

    @property
    def label(self) -> str:
        """The keys in words."""
        return ", ".join(f"{k}={v}" for k, v in self.keys.items()) or "all"


@dataclass(frozen=True, eq=False, kw_only=True)
class DurationCurve(Curve):
    """Survival of stays from times since entry.

    Attributes
    ----------
    fits : tuple of DurationLaw
        One for each group.
    """

    fits: tuple[DurationLaw, ...] = ()

    @property
    def params(self) -> Any:
        """Parameters of each group, one row each, as a DataFrame: group, parameter, estimate, se."""
        import pandas as pd

        rows = []
        for f in self.fits:
            se = np.sqrt(np.diag(f.covariance)) if len(f.names) else []
            rows += [
                {"group": f.label, "parameter": k, "estimate": v, "se": s}
                for k, v, s in zip(f.names, f.estimate, se, strict=True)
            ]
        return pd.DataFrame(rows, columns=["group", "parameter", "estimate", "se"])

    def means(self, alpha: float = 0.05) -> Any:
        """Mean stay of each group: group, n, so_far (mean time since entry), mean, se, lower, upper (log scale)."""
        import pandas as pd

        z = float(ndtri(1 - alpha / 2))
        rows = []
        for f in self.fits:
            factor = np.exp(z * f.mean_se / f.mean)
            row = {"group": f.label, **f.keys, "n": f.n, "so_far": f.so_far, "mean": f.mean, "se": f.mean_se}
            rows.append({**row, "lower": f.mean / factor, "upper": f.mean * factor})
        return pd.DataFrame(rows)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the curves, then the mean stay and the parameters."""
        plain = super().summary(alpha)
        rows = tuple((f.label, f.so_far, f.mean, f.mean_se) for f in self.fits if len(f.names))
        blocks = list(plain.tables)
        if rows:
            blocks.append(Block(("group", "mean so far", "mean stay", "se"), rows))
            blocks.append(Block(("group", "parameter", "estimate", "se"), tuple(self.params.itertuples(index=False))))
        return Summary(plain.title, plain.facts, tuple(blocks), plain.notes)


@dataclass(frozen=True)
class CurrentDuration:
    """Stays from current durations: times since entry of those inside on one day.

    Parameters
    ----------
    law : {"weibull", "exponential", "gamma", "falling"}
        A law of whole stays; or "falling": any law (the density of times since entry falls, nothing else).
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    start : float, optional
        For "falling": survival is given for stays longer than this. By default the time that a tenth of the rows do not
        reach. Above zero, for the estimated density is wrong at zero however many rows there are.
    vcov : {"model", "robust", "cluster"}, optional
        For laws. By default "model"; "cluster" when there are clusters, "robust" with sampling weights.
    transform : {"log-log", "log", "plain", "arcsine", "logit", "cloglog"}
    n_samples : int
        For "falling": subsamples behind its standard errors.
    rng : numpy Generator or seed, optional

    Notes
    -----
    `exit` is the time since entry, and nobody has left (event 0): such spells look censored, but `KaplanMeier` would
    find no exit in them. Assumes that people came at a constant rate for as long as any stay, that stays do not depend
    on when people came, and that all those inside are equally likely to be found. The data cannot test any of the
    three: with follow-up they can (`PrevalentCohort`). A rate that grew looks like short stays.

    "falling" settles at the rate of the cube root of n, so its errors come from subsamples of n^(2/3) rows (the
    bootstrap is wrong there), and only its survival given `start` is known: no mean.

    Source: Cox (1962); Denby & Vardi (1986); Keiding et al. (2002).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 4, 9, 1, 4], event=[0, 0, 0, 0, 0])
    >>> curve = xm.CurrentDuration("exponential").fit(spells)
    >>> round(curve.fits[0].mean, 6)  # the mean so far
    4.0
    """

    law: str = "weibull"
    by: str | Sequence[str] | None = None
    start: float | None = None
    vcov: str | None = None
    transform: str = "log-log"
    n_samples: int = 200
    rng: np.random.Generator | int | None = None

    def fit(self, spells: Spells) -> DurationCurve:
        """Estimate the curve of each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        DataError
            If somebody has left, entered late, or a group has fewer than ten rows.
        """
        kind = self._check(spells)
        rows = spells.complete(self.by)
        code, keys = rows.groups(self.by)
        rng = np.random.default_rng(self.rng)
        pieces, fits, notes = (
            [],
            [],
            ["rests on a constant rate of coming, which times since entry alone cannot test: see PrevalentCohort"],
        )
        for g, key in enumerate(keys):
            members = np.arange(len(rows)) if code is None else np.flatnonzero(code == g)
            part = rows.select(members[np.asarray(rows.row_weight)[members] > 0])
            if self.law == "falling":
                piece, fit, start = self._falling(part, key, rng)
                notes.append(f"{piece.label}: survival given a stay longer than {number(start)}")
            else:
                piece, fit, settled = self._law(part, key, kind)
                if not settled:
                    notes.append(f"{piece.label}: no maximum was found; a parameter may run to infinity")
            pieces.append(piece)
            fits.append(fit)
        falling = self.law == "falling"
        return DurationCurve(
            kind="survival",
            pieces=tuple(pieces),
            transform=self.transform,
            variance=f"subsamples ({self.n_samples})" if falling else kind,
            unit=rows.unit,
            ledger=rows.ledger,
            method=f"Survival from times since entry, {'falling density' if falling else self.law + ' stays'}",
            sources=("denby_vardi1986",) if falling else ("keiding2002",),
            warnings=tuple(notes),
            converged=not any("no maximum" in note for note in notes),
            fits=tuple(fits),
        )

    def _check(self, spells: Spells) -> str:
        spells.require_scheme("CurrentDuration")
        if self.law not in (*LAWS, "falling"):
            raise DataError(
                f"law={self.law!r} is not known.", code="law", hint=f"One of {', '.join((*LAWS, 'falling'))}."
            )
        gone = np.flatnonzero(spells.event > 0)
        if gone.size:
            raise DataError(
                f"{gone.size} people have left; CurrentDuration is for times since entry of people still inside.",
                rows=spells.labels[gone],
                code="left",
                hint="People found inside and followed: PrevalentCohort. People met as they came: KaplanMeier.",
            )
        if spells.delayed:
            raise DataError(
                "The spells have entry times after their start; a time since entry has none.",
                column="entry",
                code="entry",
                hint="Give the time since each person came as exit=.",
            )
        sampled = spells.weight is not None and spells.weights == "sampling"
        kind = self.vcov or ("cluster" if spells.cluster is not None else "robust" if sampled else "model")
        if kind not in _VARIANCES or (kind == "cluster" and spells.cluster is None) or (kind == "model" and sampled):
            raise DataError(
                f"vcov={kind!r} does not fit these spells.",
                code="vcov",
                hint=f'One of {", ".join(_VARIANCES)}; "cluster" needs clusters, sampling weights need "robust".',
            )
        return kind

    def _law(self, part: Spells, key: Mapping[str, Any], kind: str) -> tuple[Piece, DurationLaw, bool]:
        time, weight = np.asarray(part.exit, dtype=np.float64), np.asarray(part.row_weight, dtype=np.float64)
        _refuse_few(part)
        fit = fit_duration(self.law, time, weight)
        inverse = np.linalg.inv(fit.information)
        covariance = inverse
        if kind != "model":
            own = fit.scores * weight[:, None]
            if kind == "cluster":
                codes = np.unique(np.asarray(part.cluster), return_inverse=True)[1].ravel()
                own = np.stack([np.bincount(codes, column) for column in own.T], axis=1)
            elif part.weights == "frequency":
                own = fit.scores * np.sqrt(weight)[:, None]
            covariance = inverse @ (own.T @ own) @ inverse
        grid = np.unique(time)
        value, slope = log_survival(self.law, fit.at, grid)
        survival = np.exp(value)
        se = survival * np.sqrt(np.einsum("ij,jk,ik->i", slope, covariance, slope))
        log_mean, mean_slope = mean_stay(self.law, fit.at)
        mean = float(np.exp(log_mean))
        law = DurationLaw(
            keys=key,
            n=part.n,
            so_far=float(np.average(time, weights=weight)),
            names=LAWS[self.law],
            estimate=fit.at,
            covariance=covariance,
            mean=mean,
            mean_se=mean * float(np.sqrt(mean_slope @ covariance @ mean_slope)),
            llf=fit.value,
        )
        return _piece(key, grid, survival, se, part.n), law, fit.converged

    def _falling(
        self, part: Spells, key: Mapping[str, Any], rng: np.random.Generator
    ) -> tuple[Piece, DurationLaw, float]:
        time, weight = np.asarray(part.exit, dtype=np.float64), np.asarray(part.row_weight, dtype=np.float64)
        _refuse_few(part)
        start = float(np.quantile(time, 0.1)) if self.start is None else float(self.start)
        if not 0 < start < time.max():
            raise DataError(
                f"start={number(start)} is not inside the times ({number(float(time.max()))} at most).",
                code="start",
                hint="Give a time above zero that many people have passed.",
            )
        grid = np.unique(time)
        grid = grid[grid > start]
        estimate = _given(time, weight, start, grid)
        unit = np.arange(len(time)) if part.cluster is None else np.unique(part.cluster, return_inverse=True)[1].ravel()
        size = int(unit.max()) + 1
        few = max(int(size ** (2 / 3)), 10)
        draws = np.full((self.n_samples, len(grid)), np.nan)
        for b in range(self.n_samples):
            chosen = np.isin(unit, rng.choice(size, min(few, size), replace=False))
            if time[chosen].max() > start:
                draws[b] = _given(time[chosen], weight[chosen], start, grid)
        se = np.nanstd(draws, axis=0, ddof=1) * (few / size) ** (1 / 3)
        nothing = np.empty(0)
        law = DurationLaw(
            keys=key,
            n=part.n,
            so_far=float(np.average(time, weights=weight)),
            names=(),
            estimate=nothing,
            covariance=np.empty((0, 0)),
            mean=np.nan,
            mean_se=np.nan,
            llf=np.nan,
        )
        return _piece(key, grid, estimate, se, part.n), law, start


def _refuse_few(part: Spells) -> None:
    if len(part) < 3:
        raise DataError(
            f"{len(part)} rows are too few for a law.", rows=part.labels, code="few-rows", hint="Join groups."
        )


def _given(time: Floats, weight: Floats, start: float, grid: Floats) -> Floats:
    """Density at each time relative to that at `start`; zero beyond the largest time."""
    at, density = falling_density(time, weight)
    padded = np.append(density, 0.0)
    base = padded[np.searchsorted(at, start, side="left")]
    return np.asarray(padded[np.searchsorted(at, grid, side="left")] / base, dtype=np.float64)


def _piece(key: Mapping[str, Any], grid: Floats, estimate: Floats, se: Floats, n: float) -> Piece:
    return Piece(
        keys=key,
        time=grid,
        estimate=estimate,
        se=se,
        at_risk=np.empty(0),
        events=np.zeros(len(grid)),
        censored=np.empty(0),
        n=n,
        until=float(grid[-1]),
    )
