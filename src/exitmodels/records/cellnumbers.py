"""Numbers in cells: digits of any script, plain signs, one decimal point; anything else is refused.

Third floor, in the room of records. Called by: shaping.py.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError

__all__ = ["plain_number", "read_numbers"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


def plain_number(text: str) -> float:
    """Read one number; NaN for text that is not plainly one.

    >>> [plain_number(text) for text in ("12", " ٣٤ ", "-0.5", "1,200", "4.31E+11")]
    [12.0, 34.0, -0.5, nan, nan]
    """
    folded = "".join(_digit(letter) for letter in unicodedata.normalize("NFKC", text).strip())
    return float(folded) if _NUMBER.fullmatch(folded) else math.nan


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return {"\u2212": "-", "\u066b": "."}.get(letter, letter) if value is None else str(value)


def read_numbers(cells: AnyArray, column: str, labels: AnyArray) -> Floats:
    """Read a column; empty cells are NaN.

    Raises
    ------
    DataError
        For text that is not plainly a number: with marks of thousands, decimal commas or powers of ten, too.
    """
    import pandas as pd

    codes, texts = pd.factorize(pd.Series(cells, dtype=object))
    held: list[Any] = [str(text) for text in texts]
    values = np.array([*(plain_number(text) for text in held), math.nan])
    bad = np.array([*(bool(text.strip()) and math.isnan(v) for text, v in zip(held, values, strict=False)), False])
    wrong = np.flatnonzero(bad[codes])
    if wrong.size:
        raise DataError(
            f"{wrong.size} cells are not plainly numbers, such as {cells[wrong[0]]!r}.",
            column=column,
            rows=labels[wrong],
            code="not-numeric",
            hint="Repair these cells, or set the rows aside.",
        )
    return values[codes]
