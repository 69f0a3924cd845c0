"""Scales on which two numbers can be compared: as they are, as a ratio, by their odds, and so on.

Second floor; used by contrasts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["SCALES", "Scale"]


@dataclass(frozen=True)
class Scale:
    """A function of the estimate whose differences are compared.

    Attributes
    ----------
    value, slope : function of (estimate, top)
        `top` is the horizon of a restricted mean.
    back : function
        From a difference on the scale to what is printed.
    null : float
        What is printed when nothing differs.
    words : str
    """

    value: Callable[[Floats, float], Floats]
    slope: Callable[[Floats, float], Floats]
    back: Callable[[Floats], Floats]
    null: float
    words: str


def _same(x: Floats) -> Floats:
    return x


SCALES: dict[str, Scale] = {
    "difference": Scale(lambda p, _: p, lambda p, _: np.ones_like(p), _same, 0.0, "difference"),
    "ratio": Scale(lambda p, _: np.log(p), lambda p, _: 1 / p, np.exp, 1.0, "ratio"),
    "lost-ratio": Scale(
        lambda p, top: np.log(top - p), lambda p, top: -1 / (top - p), np.exp, 1.0, "ratio of the time lost"
    ),
    "odds-ratio": Scale(
        lambda p, _: np.log(p / (1 - p)), lambda p, _: 1 / (p * (1 - p)), np.exp, 1.0, "ratio of the odds"
    ),
    "log-log": Scale(
        lambda p, _: np.log(-np.log(p)),
        lambda p, _: 1 / (p * np.log(p)),
        np.exp,
        1.0,
        "ratio of the cumulative hazards -log S",
    ),
    "cloglog": Scale(
        lambda p, _: np.log(-np.log1p(-p)),
        lambda p, _: -1 / ((1 - p) * np.log1p(-p)),
        np.exp,
        1.0,
        "ratio of -log(1 - F)",
    ),
    "arcsine": Scale(
        lambda p, _: np.arcsin(np.sqrt(p)),
        lambda p, _: 1 / (2 * np.sqrt(p * (1 - p))),
        _same,
        0.0,
        "difference of arcsin sqrt",
    ),
}
