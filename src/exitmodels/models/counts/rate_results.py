"""What a rate, and a ratio of two rates, look like.

Third floor. Made by rates.py and change.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.exact import poisson_pvalue
from exitmodels.render.text import number, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored

__all__ = ["Rate", "RateRatio"]

_RATE_SOURCES = {
    "garwood": ("garwood1936",),
    "mid-p": ("lancaster1961",),
    "blaker": ("blaker2000",),
    "minlike": ("fay2010",),
    "byar": ("rothman_boice1979",),
}
_RATIO_SOURCES = {"exact": ("przyborowski1940", "clopper1934"), "mid-p": ("przyborowski1940", "lancaster1961")}
_UNIT_WORDS = {"D": "day", "W": "week", "Y": "year", "h": "hour"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Rate(Stored):
    """Events per unit of exposure, with limits; one, or an array of them.

    Attributes
    ----------
    estimate, low, high : () or (k,)
        In events per `unit`. With a range of exposures the estimate is NaN, for any value of the band will do:
        `band` holds the rates at the largest and the smallest exposure.
    n, exposure : () or (k,)
        Exposure is (low, high) pairs, (2,) or (k, 2), when it is known as a range.
    method : str
    alpha : float
    notes : tuple of str
    """

    estimate: Any
    low: Any
    high: Any
    n: Any
    exposure: Any
    unit: str
    method: str
    alpha: float
    band: tuple[Any, Any] | None = None
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return one row per rate: n, exposure, rate, low, high."""
        import pandas as pd

        made: dict[str, Any] = {"n": np.atleast_1d(self.n)}
        if self.band is None:
            made |= {"exposure": np.atleast_1d(self.exposure), "rate": np.atleast_1d(self.estimate)}
        else:
            pairs = np.atleast_2d(self.exposure)
            made |= {"exposure_low": pairs[:, 0], "exposure_high": pairs[:, 1]}
            made |= {"rate_low": np.atleast_1d(self.band[0]), "rate_high": np.atleast_1d(self.band[1])}
        made |= {"low": np.atleast_1d(self.low), "high": np.atleast_1d(self.high)}
        return pd.DataFrame(made, index=list(self.labels) or None)

    def pvalue(self, null: float) -> Any:
        """Two-sided p-value of each rate against `null`, of the kind that agrees with the limits.

        "mid-p" and "minlike" have their own; all other methods are given twice the smaller exact tail.

        >>> from exitmodels.models.counts.rates import rate
        >>> round(rate(11, 30, method="minlike").pvalue(0.2), 6)
        0.059972
        """
        if self.band is not None:
            raise DataError("The exposure is a range.", code="exposure", hint="Give one exposure to test a rate.")
        kind = self.method if self.method in ("mid-p", "minlike") else "central"
        pairs = zip(np.ravel(self.n), np.ravel(self.exposure), strict=True)
        found = [poisson_pvalue(float(x), float(null * t), kind) for x, t in pairs]
        return found[0] if np.ndim(self.n) == 0 else np.array(found)

    def cite(self) -> str:
        """Print the version and the papers behind this number."""
        return citation(_RATE_SOURCES.get(self.method, ()), f"rate with {self.method} limits")

    def __str__(self) -> str:
        lines = [self._line(row) for row in self.to_frame().itertuples()]
        return "\n".join([*lines, *(f"* {note}" for note in self.notes)])

    __repr__ = __str__

    def _line(self, row: Any) -> str:
        name = f"{row.Index}: " if self.labels else ""
        word = _UNIT_WORDS.get(self.unit, self.unit)
        per = f" per {word}" if word else ""
        if self.band is None:
            middle, over = f"{row.rate:.4f}", number(row.exposure)
        else:
            middle = f"{row.rate_low:.4f} to {row.rate_high:.4f}"
            over = f"{number(row.exposure_low)} to {number(row.exposure_high)}"
        level = f"{number(100 * (1 - self.alpha))} % limits, {self.method}"
        plural = f" {word}s" if word else ""
        limits = f"({row.low:.4f}-{row.high:.4f})"
        return f"{name}{middle} {limits}{per}; {number(row.n)} events over {over}{plural}; {level}"


@dataclass(frozen=True, eq=False, kw_only=True)
class RateRatio(Stored):
    """The ratio of two rates, the first over the second, with limits and p-values.

    Attributes
    ----------
    ratio, low, high : float
        The ratio is infinite when the second count is zero, NaN when both are.
    pvalue : float
        Two-sided, of equal rates; agrees with the limits.
    pvalue_minlike : float
        Exact; sums all splits of the events no more probable than the one seen (as R's poisson.test does).
    rates : tuple of Rate
    """

    ratio: float
    low: float
    high: float
    pvalue: float
    pvalue_minlike: float
    rates: tuple[Rate, Rate]
    method: str
    alpha: float
    labels: tuple[str, str] = ("first", "second")

    def to_frame(self) -> Any:
        """Return the two rates and their ratio as a DataFrame."""
        import pandas as pd

        columns = ("estimate", "low", "high")
        rows = [[getattr(r, name) for name in columns] for r in self.rates] + [[self.ratio, self.low, self.high]]
        frame = pd.DataFrame(rows, index=[*self.labels, "ratio"], columns=list(columns))
        frame.insert(0, "n", [self.rates[0].n, self.rates[1].n, self.rates[0].n + self.rates[1].n])
        return frame

    def cite(self) -> str:
        """Print the version and the papers behind this number."""
        return citation(_RATIO_SOURCES.get(self.method, ()), f"ratio of two rates, {self.method} limits")

    def __str__(self) -> str:
        lines = [f"{name}: {rate}" for name, rate in zip(self.labels, self.rates, strict=True)]
        level = f"{number(100 * (1 - self.alpha))} % limits, {self.method}"
        head = f"ratio {self.ratio:.4f} ({self.low:.4f}-{self.high:.4f}), p = {pvalue(self.pvalue)}; {level}"
        return "\n".join([head, *lines])

    __repr__ = __str__
