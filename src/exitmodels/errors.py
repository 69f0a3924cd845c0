"""Errors and warnings that carry their evidence.

Ground floor: nothing but the standard library. Each message says what was
found, the rule, and what to do; the same facts ride on the exception so that
a program can act on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "ConvergenceWarning",
    "DataError",
    "DataWarning",
    "FormulaError",
    "IdentificationError",
    "SchemeError",
    "first_rows",
]


class DataError(ValueError):
    """The data break a rule that the model needs.

    Parameters
    ----------
    message : str
        What was found and the rule it breaks.
    column : str, optional
        Name of the column at fault.
    rows : iterable, optional
        Labels of the rows at fault; the first ten are kept in `rows` and all are counted in `n_rows`.
    code : str
        A short stable word for the kind of fault, for programs.
    hint : str
        What to do about it; printed after the message.

    Examples
    --------
    >>> error = DataError("2 weights are negative.", column="w", rows=[3, 9], code="negative-weight",
    ...                   hint="Set the rows aside, or correct them.")
    >>> print(error)
    Column 'w': 2 weights are negative. Rows: 3, 9. What to do: Set the rows aside, or correct them.
    >>> error.rows
    (3, 9)
    """

    def __init__(
        self,
        message: str,
        *,
        column: str | None = None,
        rows: Iterable[Any] = (),
        code: str = "data",
        hint: str = "",
    ) -> None:
        labels = list(rows)
        self.column = column
        self.rows = tuple(_plain(label) for label in labels[:10])
        self.n_rows = len(labels)
        self.code = code
        self.hint = hint
        where = f"Column {column!r}: " if column else ""
        which = f" Rows: {first_rows(labels)}." if labels else ""
        what = f" What to do: {hint}" if hint else ""
        super().__init__(f"{where}{message}{which}{what}")


class SchemeError(DataError):
    """The way the records came to be seen makes this model biased."""


class FormulaError(DataError):
    """A formula cannot be read, or asks for something the data do not hold."""


class IdentificationError(DataError):
    """The records cannot answer this question, however they are analysed."""


class ConvergenceWarning(UserWarning):
    """An optimisation stopped before its rule was met, or ran towards infinity."""


class DataWarning(UserWarning):
    """Something in the data deserves a second look; the answer is still given."""


def first_rows(labels: Iterable[Any], most: int = 10) -> str:
    """Print the first row labels, and say how many more there are.

    >>> first_rows(range(13))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more'
    """
    everything = list(labels)
    shown = ", ".join(str(_plain(label)) for label in everything[:most])
    more = len(everything) - most
    return f"{shown} and {more} more" if more > 0 else shown


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") and getattr(label, "ndim", 0) == 0 else label
