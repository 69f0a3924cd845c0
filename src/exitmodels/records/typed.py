"""Typed values written plainly, so that a frame, a worksheet and a text file can be read by the same eyes.

Third floor, in the room of records. Called by: workbook.py, opening.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Ints
from exitmodels.records.sheet import ABSENT, BOOL, DATE, NUMBER, TEXT

__all__ = ["plain_cells"]


_MISSING = ("NAType", "NaTType")


def plain_cells(values: Sequence[Any]) -> tuple[AnyArray, Ints]:
    """Text and kind of each value; None, NaN and NaT are absent.

    >>> cells, kinds = plain_cells(["treatment", 12.0, 0.5, None, dt.date(2014, 8, 21), True])
    >>> cells.tolist(), kinds.tolist()
    (['treatment', '12', '0.5', None, '2014-08-21', 'true'], [1, 2, 2, 0, 3, 4])
    """
    cells = np.empty(len(values), dtype=object)
    kinds = np.empty(len(values), dtype=np.int8)
    for place, value in enumerate(values):
        cells[place], kinds[place] = _plain(value)
    return cells, kinds


def _plain(value: Any) -> tuple[str | None, int]:
    if isinstance(value, str):
        return value, TEXT
    if value is None or type(value).__name__ in _MISSING or value != value:
        return None, ABSENT
    if isinstance(value, (bool, np.bool_)):
        return ("true" if value else "false"), BOOL
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.isoformat(sep=" "), TEXT  # the zone decides which day it is, so it stays in view
    if isinstance(value, dt.datetime):
        clock = (value.hour, value.minute, value.second) != (0, 0, 0)
        return value.strftime("%Y-%m-%d %H:%M:%S" if clock else "%Y-%m-%d"), DATE
    if isinstance(value, dt.date):
        return value.isoformat(), DATE
    if isinstance(value, dt.time):
        return value.isoformat(), TEXT
    if hasattr(value, "__float__"):
        return _number(float(value)) if not isinstance(value, (int, np.integer)) else str(int(value)), NUMBER
    return str(value), TEXT


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
