"""What standardised rates and ratios look like.

Third floor. Made by standardise.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.exact import poisson_interval
from exitmodels.kernels.standardised import standard_interval
from exitmodels.models.counts.rate_results import within_reach
from exitmodels.render.text import number
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates, check_level
from exitmodels.shapes.ledger import Ledger

__all__ = ["StandardisedRate", "StandardisedRatio", "count_limits", "standard_limits"]

_SOURCES = {
    "fay-feuer": ("fay_feuer1997",),
    "tiwari": ("tiwari2006",),
    "dobson": ("dobson1991",),
    "garwood": ("garwood1936",),
    "byar": ("rothman_boice1979",),
    "lognormal": ("breslow_day1987",),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class StandardisedRate(Estimates):
    """Directly standardised rates of one or more groups, with limits.

    Attributes
    ----------
    names : tuple of str
    estimate, low, high, crude, se : (g,)
        Rates per unit of exposure; `crude` is events over exposure without weights.
    n, exposure : (g, strata)
    share : (strata,)
        Weights of the strata, which add to one.
    strata : tuple of str
    """

    names: tuple[str, ...]
    estimate: Floats
    low: Floats
    high: Floats
    crude: Floats
    se: Floats
    n: Floats
    exposure: Floats
    share: Floats
    strata: tuple[str, ...]
    method: str
    alpha: float
    unit: str = ""
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None

    def ratio(self, first: str | int = 0, second: str | int = 1, alpha: float | None = None) -> StandardisedRatio:
        """Ratio of two standardised rates, the first over the second, with log-normal limits.

        Source: Breslow and Day (1987), section 2.4; Smith (1987).
        """
        level = self.alpha if alpha is None else alpha
        check_level(level)
        i, j = (self.names.index(str(k)) if str(k) in self.names else int(k) for k in (first, second))
        a, b = float(self.estimate[i]), float(self.estimate[j])
        if not (a > 0 and b > 0):
            raise DataError(
                "A standardised rate without events has no ratio with log-normal limits.",
                code="zero",
                hint="Compare the limits of the two rates, or use rate_ratio for the crude rates.",
            )
        spread = float(np.hypot(self.se[i] / a, self.se[j] / b))
        factor = float(np.exp(-special.ndtri(level / 2) * spread))
        p = float(2 * special.ndtr(-abs(np.log(a / b)) / spread))
        return StandardisedRatio(
            names=(f"{self.names[i]} / {self.names[j]}",),
            estimate=np.array([a / b]),
            low=np.array([a / b / factor]),
            high=np.array([a / b * factor]),
            observed=None,
            expected=None,
            log_se=spread,
            pvalue=p,
            method="lognormal",
            alpha=level,
            measure="standardised rate ratio",
            ledger=self.ledger,
        )

    def to_frame(self) -> Any:
        """Return one row per group: n, exposure, crude, rate, se, low, high."""
        import pandas as pd

        columns = {"n": self.n.sum(axis=-1), "exposure": self.exposure.sum(axis=-1), "crude": self.crude}
        columns |= {"rate": self.estimate, "se": self.se, "low": self.low, "high": self.high}
        return pd.DataFrame(columns, index=list(self.names))

    @property
    def bse(self) -> Any:
        """Standard errors, as a Series."""
        import pandas as pd

        return pd.Series(self.se, index=list(self.names), name="se")

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(_SOURCES.get(self.method, ()), f"standardised rates with {self.method} limits")

    def _named(self) -> tuple[Sequence[str], Floats]:
        return self.names, self.estimate

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        return standard_limits(self.n, self.exposure, self.share, alpha, self.method)[:2]

    def _heading(self) -> str:
        level = number(100 * (1 - self.alpha))
        return f"Rates standardised over {len(self.strata)} strata; {level} % limits, {self.method}"

    def _measure(self) -> str:
        return "standardised rate"

    def _more(self) -> dict[str, Sequence[Any]]:
        return {"n": self.n.sum(axis=-1).tolist(), "crude": self.crude.tolist()}

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__


@dataclass(frozen=True, eq=False, kw_only=True)
class StandardisedRatio(Estimates):
    """Events seen over events expected, or a ratio of two standardised rates.

    Attributes
    ----------
    names : tuple of str
    estimate, low, high : (g,)
    observed, expected : (g,) or None
        None for a ratio of two standardised rates, which has `log_se` and `pvalue` instead.
    """

    names: tuple[str, ...]
    estimate: Floats
    low: Floats
    high: Floats
    observed: Any
    expected: Any
    method: str
    alpha: float
    measure: str
    log_se: float = float("nan")
    pvalue: float = float("nan")
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None

    def to_frame(self) -> Any:
        """Return one row per group."""
        return self.tidy().set_index("term")

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(_SOURCES.get(self.method, ()), f"{self.measure} with {self.method} limits")

    def _named(self) -> tuple[Sequence[str], Floats]:
        return self.names, self.estimate

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        if self.observed is None:
            factor = np.exp(-special.ndtri(alpha / 2) * self.log_se)
            return self.estimate / factor, self.estimate * factor
        low, high, _ = count_limits(self.observed, alpha, self.method)
        return low / self.expected, high / self.expected

    def _heading(self) -> str:
        return f"{self.measure[0].upper()}{self.measure[1:]}; {number(100 * (1 - self.alpha))} % limits, {self.method}"

    def _measure(self) -> str:
        return self.measure

    def _more(self) -> dict[str, Sequence[Any]]:
        if self.observed is None:
            return {}
        return {"observed": np.asarray(self.observed).tolist(), "expected": np.asarray(self.expected).tolist()}

    def _null(self) -> float:
        return 1.0

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__


def standard_limits(
    n: Floats, exposure: Floats, share: Floats, alpha: float, method: str
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Limits within reach: never below zero, and with width where there are no events."""
    low, high = standard_interval(n, exposure, share, alpha, method)
    notes: tuple[str, ...] = ()
    if method in ("normal", "lognormal") and np.any(empty := n.sum(axis=-1) == 0):
        high = np.where(empty, standard_interval(n, exposure, share, alpha)[1], high)
        notes = (f"the {method} method has no limits without events; those of fay-feuer are given there",)
    if np.any(low < 0):
        notes = (*notes, "limits below zero were moved to zero")
    return np.maximum(low, 0.0), high, notes


def count_limits(seen: Floats, alpha: float, method: str) -> tuple[Floats, Floats, tuple[str, ...]]:
    return within_reach(seen, *poisson_interval(seen.astype(np.int64), alpha, method), alpha, method)
