"""Which baseline a name stands for, and where its pieces or knots lie when nobody says.

Third floor, in the room of truncation. Called by: exit_window.py, parametric_spells.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.hazardlaws import Constant, Gompertz, Law, Pieces, Weibull
from exitmodels.kernels.splinelaw import Spline
from exitmodels.kernels.timelaws import Gamma, GeneralisedGamma, LogLogistic, LogNormal
from exitmodels.shapes.spells import Spells

__all__ = ["LAWS", "MOST_DF", "STRETCHING", "laws_of", "wants_aic"]

_SIMPLE: dict[str, Law] = {
    "exponential": Constant(),
    "weibull": Weibull(),
    "gompertz": Gompertz(),
    "lognormal": LogNormal(),
    "loglogistic": LogLogistic(),
    "gamma": Gamma(),
    "generalised gamma": GeneralisedGamma(),
}
STRETCHING = tuple(name for name, law in _SIMPLE.items() if law.accelerated)
LAWS = (*_SIMPLE, "piecewise", "spline")
MOST_DF = 5
_DF = 3


def wants_aic(hazards: Sequence[str], cuts: Sequence[Any], df: Sequence[Any]) -> bool:
    """Whether the number of knots of some spline is left to Akaike's criterion; checks `df`."""
    asked = False
    for hazard, cut, own in zip(hazards, cuts, df, strict=True):
        if own is None:
            continue
        whole = isinstance(own, (int, np.integer)) and not isinstance(own, bool) and own >= 1
        if hazard != "spline" or cut is not None or not (own == "aic" or whole):
            raise DataError(
                f"df={own!r} does not go with hazard={hazard!r}" + (" and cuts=." if cut is not None else "."),
                code="df",
                hint='A whole number (1 is a Weibull law, each more adds a knot) or "aic", for a spline without cuts=.',
            )
        asked = asked or own == "aic"
    return asked


def laws_of(hazards: Sequence[str], cuts: Sequence[Any], df: Sequence[Any], spells: Spells) -> list[Law]:
    """The baseline of each cause by its name; causes with one name and the same cuts share one law.

    Parameters
    ----------
    cuts : one per cause
        None: a piecewise hazard has five pieces with equal numbers of exits of all causes; the inner knots of a spline
        divide the exits of all causes equally.
    df : one per cause
        Coefficients of a spline beside its level: inner knots and one.
    """
    made: dict[str, Law] = {}
    out = []
    for hazard, cut, own in zip(hazards, cuts, df, strict=True):
        key = repr((hazard, None if cut is None else np.asarray(cut).tolist(), own))
        if key not in made:
            made[key] = _law(hazard, cut, own, spells)
        out.append(made[key])
    return out


def _law(hazard: str, cuts: Any, df: Any, spells: Spells) -> Law:
    if hazard not in LAWS:
        raise DataError(f"hazard={hazard!r} is not known.", code="hazard", hint=f"One of {', '.join(LAWS)}.")
    if hazard in _SIMPLE:
        if cuts is not None:
            raise DataError(
                f"cuts= say where a piecewise hazard changes, or a spline bends; hazard is {hazard!r}.",
                code="cuts",
                hint="Leave it out.",
            )
        return _SIMPLE[hazard]
    given = None if cuts is None else _checked(cuts)
    return _spline(given, df, spells) if hazard == "spline" else _pieces(given, spells)


def _checked(cuts: Any) -> Floats:
    given = np.asarray(list(cuts), dtype=np.float64)
    if given.ndim != 1 or not np.isfinite(given).all() or np.any(given <= 0) or np.any(np.diff(given) <= 0):
        raise DataError(
            f"cuts={list(cuts)} are not rising times above zero.", code="cuts", hint="Such as cuts=[30, 90, 180]."
        )
    return given


def _pieces(given: Floats | None, spells: Spells) -> Pieces:
    if given is not None:
        return Pieces(given)
    times, copies = _exits(spells)
    upto = np.cumsum(copies)
    made = np.unique(times[np.searchsorted(upto, np.array([0.2, 0.4, 0.6, 0.8]) * upto[-1] * (1 - 1e-12))])
    return Pieces(made[made < times[-1]])


def _spline(inner: Floats | None, df: Any, spells: Spells) -> Spline:
    """Outer knots at the first and last exit; inner ones as given, or at equal shares of the exits."""
    times, copies = _exits(spells)
    logs = np.log(times)
    if inner is None:
        width = _DF if df is None else int(df)
        knots = _quantiles(logs, copies, np.linspace(0, 1, width + 1))
    else:
        knots = np.concatenate([logs[:1], np.log(inner), logs[-1:]])
    if np.any(np.diff(knots) <= 1e-9):
        where = "coincide: too many exits fall on one time" if inner is None else "do not lie between the exits"
        raise DataError(
            f"The knots of the spline {where}.", code="knots", hint="Use a smaller df, or give other cuts=."
        )
    return Spline(knots)


def _exits(spells: Spells) -> tuple[Floats, Floats]:
    """Times of exit in order, and how many exits each stands for; the middle where only limits are known."""
    gone = spells.event > 0
    times = np.asarray(spells.exit[gone], dtype=np.float64)
    if spells.lower is not None and spells.upper is not None:
        low, high = spells.lower[gone], spells.upper[gone]
        times = np.where(np.isfinite(high), (low + np.where(np.isfinite(high), high, low)) / 2, low)
    copies = spells.row_weight[gone] if spells.weights == "frequency" else np.ones(len(times))
    kept = times > 0
    order = np.argsort(times[kept], kind="stable")
    return times[kept][order], copies[kept][order]


def _quantiles(values: Floats, copies: Floats, shares: Floats) -> Floats:
    """Quantiles of sorted values that each stand for several, linear between neighbours."""
    upto = np.cumsum(copies)
    place = (upto[-1] - 1) * shares
    below = np.floor(place + 1e-9)
    low = values[np.searchsorted(upto, below, side="right")]
    high = values[np.minimum(np.searchsorted(upto, below + 1, side="right"), len(values) - 1)]
    return np.asarray(low + np.maximum(place - below, 0.0) * (high - low), dtype=np.float64)
