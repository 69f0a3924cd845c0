"""Making bands: critical values, ranges and limits of simultaneous bands of curves.

Second floor; the work behind ``Curve.bands``. The critical values are computed: from crossing probabilities of Brownian
paths where the error of the curve has independent increments, from multiplier draws otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError
from exitmodels.kernels import intervals
from exitmodels.kernels.steps import value_at
from exitmodels.kernels.suprema import bridge_critical, scaled_critical
from exitmodels.render.text import number
from exitmodels.results.bands import Band, BandPiece
from exitmodels.results.piece import Piece

if TYPE_CHECKING:
    from exitmodels.results.curve import Curve

__all__ = ["make_band"]

_KINDS = {"equal-precision": ("nair1984",), "hall-wellner": ("hall_wellner1980",)}


@dataclass(frozen=True)
class _Wanted:
    """What was asked of a band."""

    kind: str
    alpha: float
    start: float | None
    end: float | None
    transform: str
    n_draws: int
    rng: np.random.Generator


def make_band(
    curve: Curve,
    kind: str,
    alpha: float,
    start: float | None,
    end: float | None,
    transform: str | None,
    n_draws: int | None,
    rng: np.random.Generator | int | None,
) -> Band:
    """Make the band of each piece; see `Curve.bands`."""
    if kind not in _KINDS:
        raise DataError(f"kind={kind!r} is not a known band.", code="band", hint=f"One of {', '.join(_KINDS)}.")
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives a 95 % band.")
    draws = _draws(curve, kind, n_draws)
    scale = transform or ("plain" if kind == "hall-wellner" else curve.transform)
    wanted = _Wanted(kind, alpha, start, end, scale, draws, np.random.default_rng(rng))
    pieces = tuple(_band_piece(curve, piece, wanted) for piece in curve.pieces)
    return Band(
        kind=kind,
        curve=curve.kind,
        pieces=pieces,
        alpha=alpha,
        transform=scale,
        n_draws=draws,
        unit=curve.unit,
        ledger=curve.ledger,
        method=f"{kind.capitalize()} band of the {curve.method}",
        sources=(*curve.sources, *(("lin1997",) if draws else _KINDS[kind])),
        warnings=curve.warnings,
    )


def _draws(curve: Curve, kind: str, n_draws: int | None) -> int:
    """0 when the critical values are exact; refuse what neither way can give."""
    exact = all(piece.independent for piece in curve.pieces)
    if exact and not n_draws:
        return 0
    if kind == "hall-wellner":
        raise DataError(
            f"A Hall-Wellner band needs an error with independent increments, with its exact critical value; the "
            f"{curve.method} with {curve.variance} variance has none, or draws were asked for.",
            code="band",
            hint='Use kind="equal-precision", whose critical value can be drawn.',
        )
    if any(piece.resample is None for piece in curve.pieces):
        raise DataError(
            "The critical value of this band must be drawn from the data, which a saved or predicted curve does not "
            "hold.",
            code="no-data",
            hint="Ask the fitted curve of observed exits, before saving it.",
        )
    if n_draws is not None and n_draws < 100:
        raise DataError(f"{n_draws} draws are too few.", code="draws", hint="Give n_draws of 1000 or more.")
    return 2000 if n_draws is None else int(n_draws)


def _band_piece(curve: Curve, piece: Piece, wanted: _Wanted) -> BandPiece:
    low, high, time, estimate, se = _inside(curve, piece, wanted)
    spread = _spread(curve.kind, estimate, se)
    if wanted.kind == "hall-wellner":
        scaled = piece.n * spread
        critical = bridge_critical(wanted.alpha, *(_share(v) for v in (scaled.min(), scaled.max())))
        half = critical * (1 + scaled) / np.sqrt(piece.n) * (estimate if curve.kind == "survival" else 1.0)
    else:
        critical = _precision_critical(piece, spread, low, high, wanted)
        half = critical * se
    band = intervals.hazard_band if curve.kind == "cumulative hazard" else intervals.probability_band
    try:
        lower, upper = band(estimate, half, wanted.transform)
    except ValueError as problem:
        raise DataError(str(problem) + ".", code="transform", hint="See Curve.conf_int for the scales.") from None
    return BandPiece(
        keys=piece.keys, time=time, estimate=estimate, lower=lower, upper=upper, start=low, end=high, critical=critical
    )


def _spread(kind: str, estimate: Floats, se: Floats) -> Floats:
    """Variance of log S (for an incidence F, of log(1 - F)), or of the cumulative hazard."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = {"survival": estimate, "incidence": 1 - estimate}.get(kind, 1.0)
        return np.asarray((se / scale) ** 2)


def _share(scaled: float) -> float:
    return float(scaled / (1 + scaled))


def _precision_critical(piece: Piece, spread: Floats, low: float, high: float, wanted: _Wanted) -> float:
    if not wanted.n_draws:
        return scaled_critical(wanted.alpha, float(spread.max() / spread.min()))
    assert piece.resample is not None
    largest = piece.resample(low, high, wanted.n_draws, wanted.rng)
    return float(np.quantile(largest, 1 - wanted.alpha, method="inverted_cdf"))


def _well_known(curve: Curve, piece: Piece, usable: Bools) -> tuple[float, float]:
    """Range on which a normal law can be trusted: about ten exits behind it, and ten people still there at its end.

    With V the variance of log S and n the rows, n V / (1 + n V) is the share gone when nobody is censored or late;
    censoring and late entry make it what the precision is worth. With few exits a fifth of them takes the place of ten.
    """
    share = piece.n * _spread(curve.kind, piece.estimate[usable], piece.se[usable])
    share /= 1 + share
    edge = min(10.0, piece.n * float(share.max()) / 5) / piece.n
    inside = (share >= edge) & ((share <= 1 - edge) | (curve.kind == "incidence"))
    time = piece.time[usable][inside] if inside.any() else piece.time[usable]
    return float(time[0]), float(time[-1])


def _inside(curve: Curve, piece: Piece, wanted: _Wanted) -> tuple[float, float, Floats, Floats, Floats]:
    """Range of the band, and the times (the beginning first), estimates and standard errors in it."""
    usable = (piece.se > 0) & np.isfinite(piece.se)
    if curve.kind == "survival":
        usable &= piece.estimate > 0
    if not usable.any():
        raise DataError(
            f"{piece.label}: the curve has no time at which its error is known and not zero.",
            code="band",
            hint="A band needs exits, and somebody left behind them.",
        )
    first, last = float(piece.time[usable][0]), float(piece.time[usable][-1])
    beyond = piece.time[np.flatnonzero(usable)[-1] + 1 :]
    known = float(beyond[0]) if len(beyond) else max(piece.known_until, last)
    early, late = first, last
    if wanted.kind == "equal-precision":
        early, late = _well_known(curve, piece, usable)
    low = early if wanted.start is None else max(float(wanted.start), first)
    high = late if wanted.end is None else float(wanted.end)
    if high > known or (len(beyond) and high >= known):
        raise DataError(
            f"end={number(high)} lies beyond {number(last)}, the last time at which {piece.label} has limits.",
            code="horizon",
            hint=f"Give end up to {number(last)}.",
        )
    if low > high:
        raise DataError(
            f"{piece.label}: no exit between start and end={number(high)}; the first is at {number(first)}.",
            code="band",
            hint=f"Give end at {number(first)} or later, or a smaller start.",
        )
    time = np.concatenate([[low], piece.time[(piece.time > low) & (piece.time <= high)]])
    estimate, se = (value_at(piece.time, v, time, np.nan) for v in (piece.estimate, piece.se))
    return low, high, time, estimate, se
