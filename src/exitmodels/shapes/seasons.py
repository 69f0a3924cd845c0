"""Seasons for formulas: waves of a known period, and months of the Hijri year.

First floor. These are the functions that a formula may call beside formulaic's own.

Called by: coding.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import FormulaError
from exitmodels.shapes.periods import hijri_month as month_number

__all__ = ["FUNCTIONS", "harmonic", "hijri_harmonic", "hijri_month"]


def harmonic(time: Any, period: float, pairs: int = 1) -> dict[str, Floats]:
    """Sine and cosine of time, going round once in `period`, and of its first `pairs` multiples.

    Parameters
    ----------
    time : (n,)
        In any unit; such as the column `time` (days) with period 365.25, or `month` with period 12.
    period : float
    pairs : int
        With a period of whole steps, at most half of it.

    >>> {name: column.round(3).tolist() for name, column in harmonic(np.array([0, 3, 6]), 12).items()}
    {'sin1': [0.0, 1.0, 0.0], 'cos1': [1.0, 0.0, -1.0]}
    """
    if not period > 0 or pairs != int(pairs) or pairs < 1:
        raise FormulaError(
            f"harmonic(..., {period!r}, {pairs!r}) has no such waves.",
            code="formula",
            hint="Give a period above zero and a whole number of pairs, as in harmonic(month, 12, 2).",
        )
    turn = 2 * np.pi * np.asarray(time, dtype=np.float64) / period
    return _waves(turn, int(pairs))


def _waves(turn: Floats, pairs: int) -> dict[str, Floats]:
    made = {}
    for k in range(1, pairs + 1):
        made[f"sin{k}"], made[f"cos{k}"] = np.sin(k * turn), np.cos(k * turn)
    return made


def _hijri(start: Any) -> Ints:
    """Umm al-Qura month numbers (twelve times the year plus month less one) of dates."""
    days = np.asarray(start, dtype="datetime64[D]").astype(np.int64)
    unique, where = np.unique(days, return_inverse=True)
    return np.array([month_number(float(day)) for day in unique], dtype=np.int64)[where]


def hijri_month(start: Any) -> Ints:
    """Month of the Hijri year, 1 (Muharram) to 12, in which each date falls; Ramadan is 9.

    >>> hijri_month(np.array(["2014-07-05"], dtype="datetime64[D]")).tolist()
    [9]
    """
    return np.asarray(_hijri(start) % 12 + 1)


def hijri_harmonic(start: Any, pairs: int = 1) -> dict[str, Floats]:
    """Waves of the Hijri year: `harmonic` of the Hijri month, which goes round in about 354 days."""
    return harmonic(hijri_month(start), 12, pairs)


FUNCTIONS = {"harmonic": harmonic, "hijri_harmonic": hijri_harmonic, "hijri_month": hijri_month}
