"""A curve pooled over imputations.

Second floor. Called by: pooling.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.rubin import combine
from exitmodels.kernels.steps import value_at
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece

__all__ = ["PooledCurve", "pool_curves"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PooledCurve(Curve):
    """Curves of the same kind from several imputations, pooled at each time by Rubin's rules.

    Attributes
    ----------
    m : int
        Imputations.
    df : tuple of (k,)
        Degrees of freedom at each time of each piece: limits use Student's t.
    missing : tuple of (k,)
        Share of the variance that the imputed labels and dates bring.
    between : tuple of (k,)
        Variance of the curve between imputations.
    """

    m: int
    df: tuple[Floats, ...]
    missing: tuple[Floats, ...]
    between: tuple[Floats, ...]
    fits: tuple[Any, ...] = field(default=(), metadata={"stored": False})

    def missing_information(self) -> Any:
        """One row per piece and time: share of variance from imputation, degrees of freedom, Monte Carlo error."""
        import pandas as pd

        frames = []
        for piece, df, share, between in zip(self.pieces, self.df, self.missing, self.between, strict=True):
            held = {"time": piece.time, "missing": share, "df": df, "mc_error": np.sqrt(between / self.m)}
            frames.append(pd.DataFrame({"group": [piece.label] * len(piece.time), **held}))
        return pd.concat(frames, ignore_index=True)

    def __getitem__(self, which: Any) -> Curve:
        """Pick pieces; see `Curve`."""
        chosen = super().__getitem__(which)
        held = [next(i for i, own in enumerate(self.pieces) if own is piece) for piece in chosen.pieces]
        df, missing, between = (tuple(values[i] for i in held) for values in (self.df, self.missing, self.between))
        return replace(self, pieces=chosen.pieces, df=df, missing=missing, between=between)

    def _limits(self, estimate: Floats, se: Floats, alpha: float, transform: str | None) -> tuple[Floats, Floats]:
        if not 0 < alpha < 1:
            return super()._limits(estimate, se, alpha, transform)
        wide = stats.t.ppf(1 - alpha / 2, self._degrees(estimate, se)) / ndtri(1 - alpha / 2)
        return super()._limits(estimate, se * wide, alpha, transform)

    def _degrees(self, estimate: Floats, se: Floats) -> Floats:
        """Degrees of freedom of values read from the curve.

        Readings copy values of the pieces, so a value and its standard error find their time again; the start of a
        curve is known.
        """
        keys = np.concatenate([p.estimate + 1j * p.se for p in self.pieces])
        held = np.append(np.concatenate(self.df), np.inf)
        order = np.argsort(keys)
        asked = np.nan_to_num(np.asarray(estimate)) + 1j * np.nan_to_num(np.asarray(se))
        place = np.minimum(np.searchsorted(keys[order], asked), len(keys) - 1)
        return held[np.where(keys[order][place] == asked, order[place], len(keys))]


def pool_curves(curves: Sequence[Curve], df_complete: float | None) -> PooledCurve:
    """Pool curves piece by piece, on the times of all of them."""
    first = curves[0]
    if any(c.kind != first.kind or c.groups != first.groups for c in curves):
        raise DataError(
            "The curves differ in kind, or in their groups and causes.",
            code="names",
            hint="Fit the same model to every imputation; a cause that is never drawn changes the pieces.",
        )
    made: list[Piece] = []
    df, missing, between = [], [], []
    for i in range(len(first.pieces)):
        own = [curve.pieces[i] for curve in curves]
        end = _known_until(own, first.kind)
        grid = np.unique(np.concatenate([piece.time for piece in own]))
        grid = grid[grid <= end]
        values = np.stack([value_at(p.time, p.estimate, grid, first.start) for p in own])
        squares = np.stack([value_at(p.time, p.se, grid, 0.0) for p in own]) ** 2
        pooled = combine(values, squares, df_complete)
        made.append(_piece(own, grid, pooled.estimate, np.sqrt(pooled.total), end))
        df.append(pooled.df)
        missing.append(pooled.missing)
        between.append(pooled.between)
    return PooledCurve(
        kind=first.kind,
        pieces=tuple(made),
        transform=first.transform,
        variance=f"{first.variance}, pooled",
        unit=first.unit,
        ledger=first.ledger,
        method=f"{first.method}; {len(curves)} imputations",
        sources=(*first.sources, "rubin1987", "barnard_rubin1999"),
        outcome=first.outcome,
        warnings=tuple(dict.fromkeys(note for curve in curves for note in curve.warnings)),
        converged=all(curve.converged for curve in curves),
        m=len(curves),
        df=tuple(df),
        missing=tuple(missing),
        between=tuple(between),
    )


def _known_until(own: Sequence[Piece], kind: str) -> float:
    """The last time at which every curve is known; one that has fallen to zero stays there."""
    gone = [kind == "survival" and len(p.estimate) > 0 and p.estimate[-1] == 0 for p in own]
    known = [p.known_until for p in own]
    return max(known) if all(gone) else min(k for k, ended in zip(known, gone, strict=True) if not ended)


def _piece(own: Sequence[Piece], grid: Floats, estimate: Floats, se: Floats, end: float) -> Piece:
    """The pooled piece, with mean counts where the curves have counts."""
    plain = Piece.predicted(own[0].keys, grid, estimate, se, end)
    if not all(len(p.at_risk) for p in own):
        return plain
    none = np.zeros(len(grid))
    counts = {"events": none.copy(), "censored": none.copy()}
    at_risk = none.copy()
    for piece in own:
        known = piece.time <= end
        place = np.searchsorted(grid, piece.time[known])
        for name, total in counts.items():
            total[place] += getattr(piece, name)[known] / len(own)
        following = np.append(piece.at_risk, 0.0)[np.searchsorted(piece.time, grid, side="left")]
        at_risk += following / len(own)
    n = float(np.mean([piece.n for piece in own]))
    return replace(plain, n=n, at_risk=at_risk, events=counts["events"], censored=counts["censored"])
