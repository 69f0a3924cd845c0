"""The declared changes of a sensitivity analysis: what is called what, and how the changed spells are made.

Second floor.

Called by: sensitivity.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.shapes.redated import AnyDay, DayLaw, move_dates
from exitmodels.shapes.relabelled import belonging, draw_labels, draw_unknown, noise_table
from exitmodels.shapes.shifted import move_window
from exitmodels.shapes.spells import Spells

__all__ = ["Change", "of_dates", "of_duplicates", "of_labels", "of_unknown", "of_variations", "of_window"]


@dataclass(frozen=True)
class Change:
    """One level of one variation.

    Attributes
    ----------
    variation, level : str
    value : float
        Place of the level on an axis; NaN when it has none.
    make : function of a generator
        The changed spells.
    drawn : bool
        Whether chance has a part in it.
    """

    variation: str
    level: str
    value: float
    make: Callable[[np.random.Generator], Spells]
    drawn: bool


def of_labels(spells: Spells, noise: Any, given: str) -> list[Change]:
    """Wrong labels: rates, or tables."""
    if given not in ("written", "true"):
        raise DataError(f"noise_given={given!r} is not known.", code="label-noise", hint='"written" or "true".')
    shares = _shares(spells) if given == "true" else None
    levels = _levels(noise, np.ndim(noise) == 0 or (np.ndim(noise) == 1 and not hasattr(noise, "loc")))
    made = []
    for level, value, table in levels:
        chances = noise_table(spells.causes, table, shares)
        made.append(Change("label noise", level, value, _drawing(draw_labels, spells, chances), True))
    return made


def _shares(spells: Spells) -> Floats:
    count = np.bincount(spells.event, spells.row_weight, len(spells.causes) + 1)[1:]
    if count.sum() == 0:
        raise DataError("Nobody left, so there are no labels.", code="label-noise", hint="Check the spells.")
    return np.asarray(count / count.sum(), dtype=np.float64)


def _drawing(draw: Callable[..., Spells], spells: Spells, chances: Floats) -> Callable[[np.random.Generator], Spells]:
    return lambda rng: draw(spells, chances, rng)


def _levels(given: Any, numeric: bool) -> list[tuple[str, float, Any]]:
    """Level, place and value: from a mapping of names, numbers, or one thing."""
    if isinstance(given, Mapping):
        return [(str(name), np.nan, value) for name, value in given.items()]
    if numeric:
        values = [float(v) for v in np.atleast_1d(np.asarray(given, dtype=np.float64))]
        return [(f"{v:g}", v, v) for v in values]
    return [("as given", np.nan, given)]


def of_window(spells: Spells, days: Any) -> list[Change]:
    """Each edge of the window, so many days earlier and later."""
    found = []
    for side in ("first", "last"):
        for by in _both_ways(days, "window"):
            made = _moving(spells, side, by)
            found.append(Change(f"{side} day of the window", f"{by:+d} d", float(by), made, False))
    for change in found:
        _refuse_impossible(change)
    return found


def _refuse_impossible(change: Change) -> None:
    """Raise at once what no data would mend; that a window holds nobody any more is left to the refit, and listed."""
    try:
        change.make(np.random.default_rng(0))
    except DataError as problem:
        if problem.code in ("window", "interval-censored", "unit"):
            raise


def _moving(spells: Spells, side: str, by: int) -> Callable[[np.random.Generator], Spells]:
    return lambda rng: move_window(spells, **{side: by})


def _both_ways(days: Any, name: str) -> list[int]:
    sizes = sorted({abs(int(d)) for d in _whole_days(days, name)})
    return [-d for d in sizes[::-1]] + sizes


def _whole_days(days: Any, name: str) -> Iterable[float]:
    given = np.atleast_1d(np.asarray(days, dtype=np.float64))
    if not len(given) or not np.all((given == given.round()) & (given != 0)):
        raise DataError(
            f"{name}={days!r} names no whole days.", code=name, hint="Give a whole number of days, or several."
        )
    return given.tolist()


def of_dates(spells: Spells, laws: Any, which: tuple[str, ...]) -> list[Change]:
    """Dates that are off by chance."""
    if hasattr(laws, "offsets"):
        levels: list[tuple[str, float, DayLaw]] = [("as given", np.nan, laws)]
    elif isinstance(laws, Mapping):
        levels = [(str(name), np.nan, law) for name, law in laws.items()]
    else:
        sizes = sorted({abs(int(d)) for d in _whole_days(laws, "dates")})
        levels = [(f"up to {k} d", float(k), AnyDay(k)) for k in sizes]
    found = [Change("dates", name, value, _dating(spells, law, which), True) for name, value, law in levels]
    for change in found:
        change.make(np.random.default_rng(0))
    return found


def _dating(spells: Spells, law: DayLaw, which: tuple[str, ...]) -> Callable[[np.random.Generator], Spells]:
    return lambda rng: move_dates(spells, law, rng, which)


def of_duplicates(made: Any, thresholds: Sequence[float] | None) -> list[Change]:
    """Spells under other rules for what counts as one person twice."""
    if isinstance(made, Mapping):
        pairs: list[tuple[Any, Any]] = list(made.items())
    elif callable(made) and thresholds is not None:
        pairs = [(t, made) for t in thresholds]
    else:
        raise DataError(
            "duplicates= holds no thresholds.",
            code="duplicates",
            hint="Give {threshold: spells}, or a function threshold -> spells with thresholds=[...].",
        )
    found = []
    for threshold, how in pairs:
        value = float(threshold) if isinstance(threshold, (int, float)) else np.nan
        level = f"{value:g}" if np.isfinite(value) else str(threshold)
        found.append(Change("duplicates threshold", level, value, _made(how, threshold), False))
    return found


def _made(how: Any, argument: Any) -> Callable[[np.random.Generator], Spells]:
    return lambda rng: how if isinstance(how, Spells) else how(argument)


def of_unknown(
    spells: Spells, unknown: Any, belongs: Any, offsets: Sequence[float], by: str | Iterable[str] | None
) -> list[Change]:
    """Unknown reasons that belong to one reason more or less often than known ones do."""
    belonging(spells, unknown, belongs, 0.0, by)
    name = f"{unknown} is {belongs}"
    return [
        Change(name, f"{float(d):+g}" if d else "0", float(d), _filling(spells, unknown, belongs, d, by), True)
        for d in offsets
    ]


def _filling(
    spells: Spells, unknown: Any, belongs: Any, offset: float, by: str | Iterable[str] | None
) -> Callable[[np.random.Generator], Spells]:
    return lambda rng: draw_unknown(spells, unknown, belongs, float(offset), rng, by)


def of_variations(spells: Spells, named: Mapping[str, Any]) -> list[Change]:
    """Spells made by hand: spells, a function of the spells, or a mapping of levels to either."""
    found = []
    for name, how in named.items():
        levels = how if isinstance(how, Mapping) else {"": how}
        for level, made in levels.items():
            if not (isinstance(made, Spells) or callable(made)):
                raise DataError(
                    f"The variation {name!r} is a {type(made).__name__}.",
                    code="variations",
                    hint="Give spells, a function of the spells, or a mapping of levels to either.",
                )
            value = float(level) if isinstance(level, (int, float)) else np.nan
            found.append(Change(str(name), str(level), value, _made(made, spells), False))
    return found
