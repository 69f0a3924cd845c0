"""One number with its limits, read off any result.

Second floor. A coefficient by its name, a property or a question of the result by its name, or whatever a function
of the result gives.

Called by: sensitivity.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError

__all__ = ["Quantity", "quantity_of"]

Quantity = Callable[[Any], Floats]

_MIDDLE = ("estimate", "coef", "share", "mean", "value", "time")
_LOW, _HIGH = ("low", "lower"), ("high", "upper")


def quantity_of(fit: Any, asked: Any, alpha: float) -> tuple[str, Quantity]:
    """Name a quantity and the function that reads it: result -> (estimate, low, high).

    Parameters
    ----------
    fit : a result
        Used to check that the quantity is there.
    asked : str, function, or None
        A coefficient's name; the name of an attribute, or of a method that needs no arguments, such as "median" or
        "rmst"; a function of the result. None: the only coefficient.
    alpha : float
        Level of a coefficient's limits. Functions choose their own.

    Raises
    ------
    DataError
        If the result has no such number, or several.
    """
    if callable(asked):
        return getattr(asked, "__name__", "quantity").replace("<lambda>", "quantity"), lambda f: _numbers(asked(f))
    names = _coefficients(fit)
    if asked is None:
        if len(names) != 1:
            raise DataError(
                f"{type(fit).__name__} has {len(names) or 'no'} coefficients, so quantity= must say what is meant.",
                code="quantity",
                hint=_hint(names),
            )
        asked = names[0]
    if asked in names:
        return str(asked), lambda f: _coefficient(f, str(asked), alpha)
    if not hasattr(fit, str(asked)) or str(asked).startswith("_"):
        raise DataError(
            f"{type(fit).__name__} has no coefficient and no attribute called {asked!r}.",
            code="quantity",
            hint=_hint(names),
        )
    return str(asked), lambda f: _numbers(_called(getattr(f, str(asked))))


def _hint(names: list[str]) -> str:
    known = f"A coefficient ({', '.join(names[:8])}), or a" if names else "A"
    return f"{known} function of the result, such as quantity=lambda fit: fit.at(52)."


def _coefficients(fit: Any) -> list[str]:
    try:
        return [str(name) for name in fit.params.index]
    except (AttributeError, DataError):
        return []


def _coefficient(fit: Any, name: str, alpha: float) -> Floats:
    index = _coefficients(fit)
    if name not in index:
        raise DataError(f"The refit has no coefficient {name!r}.", code="quantity", hint="A level may have gone.")
    place = index.index(name)
    limits = fit.conf_int(alpha).to_numpy()[place]
    return np.array([fit.params.to_numpy()[place], *limits], dtype=np.float64)


def _called(value: Any) -> Any:
    return value() if callable(value) else value


def _numbers(value: Any) -> Floats:
    """(estimate, low, high); limits are NaN when only a number was given."""
    if hasattr(value, "columns"):
        if len(value) != 1:
            raise DataError(
                f"The quantity is a table of {len(value)} rows.", code="quantity", hint="Choose one row of it."
            )
        value = value.iloc[0]
    if hasattr(value, "index") and hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return _from_mapping({str(k): v for k, v in value.items()})
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64)).ravel()
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if len(numbers) not in (1, 3):
        raise DataError(
            f"The quantity is no number: {type(value).__name__} with {numbers.size} numbers.",
            code="quantity",
            hint="Give a number, (estimate, low, high), or a table of one row with such columns.",
        )
    return numbers if len(numbers) == 3 else np.array([numbers[0], np.nan, np.nan])


def _from_mapping(found: dict[str, Any]) -> Floats:
    if len(found) == 1:
        return np.array([float(next(iter(found.values()))), np.nan, np.nan])
    middle = next((name for name in _MIDDLE if name in found), None)
    if middle is None:
        raise DataError(
            f"The quantity has the columns {', '.join(found)}, and none is called estimate.",
            code="quantity",
            hint="Give a number, (estimate, low, high), or a table of one row with such columns.",
        )
    sides = [next((float(found[name]) for name in names if name in found), np.nan) for names in (_LOW, _HIGH)]
    return np.array([float(found[middle]), *sides])
