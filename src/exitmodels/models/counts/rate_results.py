"""What a rate, and a ratio or difference of two rates, look like.

Third floor. Made by rates.py, differences.py and change.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.estimated_exposure import estimated_exposure_interval
from exitmodels.kernels.exact import poisson_interval, poisson_pvalue
from exitmodels.kernels.exact_ratio import ratio_interval
from exitmodels.kernels.rate_difference import difference_interval
from exitmodels.render.text import number, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates
from exitmodels.shapes.ledger import Ledger

__all__ = ["Rate", "RateDifference", "RateRatio", "within_reach"]

_RATE_SOURCES = {
    "garwood": ("garwood1936",),
    "mid-p": ("lancaster1961",),
    "blaker": ("blaker2000",),
    "minlike": ("fay2010",),
    "byar": ("rothman_boice1979",),
    "fieller": ("fieller1954",),
    "delta-log": ("seber1982",),
    "mover": ("garwood1936", "donner_zou2012"),
}
_RATIO_SOURCES = {"exact": ("przyborowski1940", "clopper1934"), "mid-p": ("przyborowski1940", "lancaster1961")}
_DIFFERENCE_SOURCES = {
    "score": ("miettinen_nurminen1985",),
    "mover": ("zou_donner2008",),
    "exact": ("garwood1936",),
}
_UNIT_WORDS = {"D": "day", "W": "week", "Y": "year", "h": "hour"}


def within_reach(
    count: AnyArray, low: Floats, high: Floats, alpha: float, method: str
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """No limit below zero, and none without width or end at zero events."""
    if method not in ("wald", "log-wald", "anscombe"):
        return low, high, ()
    notes = ("limits below zero were moved to zero",) if np.any(low[count > 0] < 0) else ()
    low, zero = np.maximum(low, 0.0), count == 0
    if method != "anscombe" and zero.any():
        high = np.where(zero, poisson_interval(0, alpha)[1], high)
        notes = (*notes, f"the {method} method has no limits at zero events; the exact ones are given there")
    return low, high, notes


def _level(result: Any) -> str:
    return f"{number(100 * (1 - result.alpha))} % limits, {result.method}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Rate(Estimates):
    """Events per unit of exposure, with limits; one, or an array of them.

    Attributes
    ----------
    estimate, low, high : () or (k,)
        In events per `unit`. With a range of exposures the estimate is NaN, for any value of the band will do:
        `band` holds the rates at the largest and the smallest exposure.
    n, exposure : () or (k,)
        Exposure is (low, high) pairs, (2,) or (k, 2), when it is known as a range.
    exposure_se, covariance : () or (k,), or None
        Standard error of an estimated exposure, and its covariance with the count.
    denominator_share : () or (k,), or None
        Part of the variance of the log rate that the estimated exposure brings.
    method : str
    alpha : float
    notes : tuple of str
    ledger : Ledger or None
        Of the counts, when the rate was made from `Counts`.
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
    exposure_se: Any = None
    covariance: Any = None
    denominator_share: Any = None
    ledger: Ledger | None = None

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
        if self.denominator_share is not None:
            made["denominator_share"] = np.atleast_1d(self.denominator_share)
        return pd.DataFrame(made, index=list(self.labels) or None)

    def pvalue(self, null: float) -> Any:
        """Two-sided p-value of each rate against `null`, of the kind that agrees with the limits.

        "mid-p" and "minlike" have their own; all other methods are given twice the smaller exact tail.

        >>> from exitmodels.models.counts.rates import rate
        >>> round(rate(11, 30, method="minlike").pvalue(0.2), 6)
        0.059972
        """
        if self.band is not None or self.exposure_se is not None:
            kind = "a range" if self.band is not None else "an estimate with a standard error"
            raise DataError(f"The exposure is {kind}.", code="exposure", hint="See whether the limits hold the null.")
        kind = self.method if self.method in ("mid-p", "minlike") else "central"
        pairs = zip(np.ravel(self.n), np.ravel(self.exposure), strict=True)
        found = [poisson_pvalue(float(x), float(null * t), kind) for x, t in pairs]
        return found[0] if np.ndim(self.n) == 0 else np.array(found)

    def cite(self) -> str:
        """Print the version and the papers behind this number."""
        return citation(_RATE_SOURCES.get(self.method, ()), f"rate with {self.method} limits")

    # ---- tables ------------------------------------------------------------------------------------------------
    def _named(self) -> tuple[Sequence[str], Floats]:
        values = np.atleast_1d(np.asarray(self.estimate, dtype=np.float64))
        return list(self.labels) or (["rate"] if len(values) == 1 else [str(i) for i in range(len(values))]), values

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        if alpha == self.alpha:
            return np.atleast_1d(self.low), np.atleast_1d(self.high)
        n = np.atleast_1d(np.asarray(self.n, dtype=np.float64))
        if self.exposure_se is not None:
            time, error, shared = (np.atleast_1d(v) for v in (self.exposure, self.exposure_se, self.covariance))
            return estimated_exposure_interval(n, time, error, alpha, self.method, shared)
        low, high, _ = within_reach(n, *poisson_interval(n, alpha, self.method), alpha, self.method)
        pairs = np.atleast_2d(self.exposure).T if self.band is not None else [np.atleast_1d(self.exposure)] * 2
        return low / pairs[1], high / pairs[0]

    def _heading(self) -> str:
        return f"Rates{self._per()}; {_level(self)}"

    def _measure(self) -> str:
        return f"rate{self._per()}"

    def _more(self) -> dict[str, Sequence[Any]]:
        if self.band is None:
            return {"n": np.atleast_1d(self.n).tolist(), "exposure": np.atleast_1d(self.exposure).tolist()}
        pairs = [f"{number(a)} to {number(b)}" for a, b in np.atleast_2d(self.exposure)]
        return {"n": np.atleast_1d(self.n).tolist(), "exposure": pairs}

    def _per(self) -> str:
        word = _UNIT_WORDS.get(self.unit, self.unit)
        return f" per {word}" if word else ""

    # ---- print -------------------------------------------------------------------------------------------------
    def __str__(self) -> str:
        lines = [self._line(row) for row in self.to_frame().itertuples()]
        return "\n".join([*lines, *(f"* {note}" for note in self.notes)])

    __repr__ = __str__

    def _line(self, row: Any) -> str:
        name = f"{row.Index}: " if self.labels else ""
        word = _UNIT_WORDS.get(self.unit, self.unit)
        if self.band is None:
            middle, over = f"{row.rate:.4f}", number(row.exposure)
        else:
            middle = f"{row.rate_low:.4f} to {row.rate_high:.4f}"
            over = f"{number(row.exposure_low)} to {number(row.exposure_high)}"
        plural = f" {word}s" if word else ""
        limits = f"({row.low:.4f}-{row.high:.4f})"
        line = f"{name}{middle} {limits}{self._per()}; {number(row.n)} events over {over}{plural}; {_level(self)}"
        if self.denominator_share is None or not np.isfinite(row.denominator_share):
            return line
        return f"{line}; {100 * row.denominator_share:.0f} % of the variance comes from the estimated exposure"


@dataclass(frozen=True, eq=False, kw_only=True)
class RateRatio(Estimates):
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
        return _two_rates(self.rates, self.labels, ("ratio", self.ratio, self.low, self.high))

    def cite(self) -> str:
        """Print the version and the papers behind this number."""
        return citation(_RATIO_SOURCES.get(self.method, ()), f"ratio of two rates, {self.method} limits")

    def _named(self) -> tuple[Sequence[str], Floats]:
        return [f"{self.labels[0]} / {self.labels[1]}"], np.array([self.ratio])

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        (a, s), (b, t) = ((r.n, r.exposure) for r in self.rates)
        low, high = ratio_interval(a, s, b, t, alpha, self.method)
        return np.atleast_1d(low), np.atleast_1d(high)

    def _heading(self) -> str:
        return f"Ratio of two rates, p = {pvalue(self.pvalue)}; {_level(self)}"

    def _measure(self) -> str:
        return "rate ratio"

    def _null(self) -> float:
        return 1.0

    def __str__(self) -> str:
        lines = [f"{name}: {rate}" for name, rate in zip(self.labels, self.rates, strict=True)]
        head = f"ratio {self.ratio:.4f} ({self.low:.4f}-{self.high:.4f}), p = {pvalue(self.pvalue)}; {_level(self)}"
        return "\n".join([head, *lines])

    __repr__ = __str__


@dataclass(frozen=True, eq=False, kw_only=True)
class RateDifference(Estimates):
    """The difference of two rates, the first minus the second, with limits and p-value.

    Attributes
    ----------
    difference, low, high : float
    pvalue : float
        Two-sided, of equal rates; agrees with the limits.
    rates : tuple of Rate
    """

    difference: float
    low: float
    high: float
    pvalue: float
    rates: tuple[Rate, Rate]
    method: str
    alpha: float
    labels: tuple[str, str] = ("first", "second")

    def to_frame(self) -> Any:
        """Return the two rates and their difference as a DataFrame."""
        return _two_rates(self.rates, self.labels, ("difference", self.difference, self.low, self.high))

    def cite(self) -> str:
        """Print the version and the papers behind this number."""
        return citation(_DIFFERENCE_SOURCES.get(self.method, ()), f"difference of two rates, {self.method} limits")

    def _named(self) -> tuple[Sequence[str], Floats]:
        return [f"{self.labels[0]} - {self.labels[1]}"], np.array([self.difference])

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        (a, s), (b, t) = ((r.n, r.exposure) for r in self.rates)
        low, high = difference_interval([a], s, b, t, alpha, self.method)
        return low, high

    def _heading(self) -> str:
        return f"Difference of two rates, p = {pvalue(self.pvalue)}; {_level(self)}"

    def _measure(self) -> str:
        return f"rate difference{self.rates[0]._per()}"

    def _null(self) -> float:
        return 0.0

    def __str__(self) -> str:
        lines = [f"{name}: {rate}" for name, rate in zip(self.labels, self.rates, strict=True)]
        limits = f"({self.low:.4f} to {self.high:.4f})"
        head = f"difference {self.difference:.4f} {limits}, p = {pvalue(self.pvalue)}; {_level(self)}"
        return "\n".join([head, *lines])

    __repr__ = __str__


def _two_rates(rates: tuple[Rate, Rate], labels: tuple[str, str], last: tuple[str, float, float, float]) -> Any:
    import pandas as pd

    columns = ("estimate", "low", "high")
    rows = [[getattr(r, name) for name in columns] for r in rates] + [list(last[1:])]
    frame = pd.DataFrame(rows, index=[*labels, last[0]], columns=list(columns))
    frame.insert(0, "n", [rates[0].n, rates[1].n, rates[0].n + rates[1].n])
    return frame
