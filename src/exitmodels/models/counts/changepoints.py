"""Where did the rate change, and how many times? The exact best segmentation of a series.

Third floor. Read next: change_date.py (is there a change at all, and which dates does it leave open),
change_posterior.py (all segmentations weighed), periods_in.py (how series are read).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.exact import poisson_interval
from exitmodels.kernels.exact_binomial import binomial_interval
from exitmodels.kernels.partition import METHODS, optimal_partition
from exitmodels.kernels.segmentcost import (
    COSTS,
    Cost,
    meanvar_cost,
    multinomial_cost,
    negbin_cost,
    normal_cost,
    poisson_cost,
)
from exitmodels.models.counts.periods_in import PeriodSeries, check_alpha, one_series, read_series, several_kinds
from exitmodels.render.text import Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates
from exitmodels.shapes.ledger import Ledger

__all__ = ["Changepoints", "changepoints"]

PENALTIES = ("bic", "mbic", "aic")
_SOURCES = ("jackson2005", "killick2012", "maidstone2017", "runge_truong2024")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Changepoints(Estimates):
    """Segments of a series.

    Attributes
    ----------
    cuts : (m,) int
        Periods before each change.
    cost : str
    total : float
        Minus twice the log-likelihood (less what no cut can change) and the penalties: what was made least.
    penalty : float
        Price of one change.
    series : PeriodSeries
    levels : (m + 1,) or (m + 1, k)
        Rate of each segment (mean for Gaussian costs), or shares of the kinds.
    size : float
        Negative binomial size for one period of average exposure; infinite for other costs.
    alpha : float
    notes : tuple of str
    """

    cuts: Ints
    cost: str
    total: float
    penalty: float
    penalty_name: str
    series: PeriodSeries
    levels: Floats
    spread: Floats
    size: float = float("inf")
    alpha: float = 0.05
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = _SOURCES

    @property
    def n_changes(self) -> int:
        """Number of changes."""
        return len(self.cuts)

    @property
    def dates(self) -> tuple[str, ...]:
        """First day of each new regime; the name of its first period in a series without dates."""
        return tuple(self.series.begins(int(cut)) for cut in self.cuts)

    @property
    def ledger(self) -> Ledger | None:
        """Records read and set aside."""
        return self.series.ledger

    @property
    def edges(self) -> Ints:
        """0, the cuts, and the number of periods."""
        return np.concatenate([[0], self.cuts, [len(self.series)]]).astype(np.int64)

    def _sums(self, x: Floats) -> Floats:
        return np.add.reduceat(x, self.edges[:-1], axis=0)

    def _spans(self) -> list[str]:
        return [self.series.span(int(a), int(b)) for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]

    def _named(self) -> tuple[list[str], Floats]:
        if self.levels.ndim == 1:
            return self._spans(), self.levels
        return [f"{span}: {kind}" for span in self._spans() for kind in self.series.kinds], self.levels.ravel()

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        if self.levels.ndim == 2:
            counts = self._sums(self.series.y)
            return binomial_interval(counts.ravel(), np.repeat(counts.sum(axis=1), counts.shape[1]), alpha)
        if self.cost == "poisson":
            low, high = poisson_interval(self._sums(self.series.y), alpha)
            weight = self._sums(self.series.exposure)
            return low / weight, high / weight
        from scipy import special, stats

        half = stats.t.ppf(1 - alpha / 2, np.maximum(self._free(), 1)) * self.spread
        if self.cost == "negbin":
            z = special.ndtri(1 - alpha / 2) * self.spread / np.maximum(self.levels, 1e-300)
            return self.levels * np.exp(-z), self.levels * np.exp(z)
        return self.levels - half, self.levels + half

    def _free(self) -> Floats:
        lengths = np.diff(self.edges)
        return lengths - 1 if self.cost == "meanvar" else np.full(len(lengths), len(self.series) - len(lengths))

    def _heading(self) -> str:
        word = "change" if self.n_changes == 1 else "changes"
        return f"{self.n_changes} {word}, {self.cost} cost, penalty {number(self.penalty)} each ({self.penalty_name})"

    def _measure(self) -> str:
        unit = f" per {self.series.unit}" if self.series.unit else ""
        return "share" if self.levels.ndim == 2 else f"rate{unit}" if self.cost in ("poisson", "negbin") else "mean"

    def _more(self) -> dict[str, Any]:
        lengths = np.diff(self.edges)
        if self.levels.ndim == 2:
            k = self.levels.shape[1]
            return {"periods": np.repeat(lengths, k), "events": self._sums(self.series.y).ravel().astype(int)}
        if self.cost in ("poisson", "negbin"):
            return {"periods": lengths, "events": self._sums(self.series.y).astype(int)}
        return {"periods": lengths}

    def summary(self, alpha: float | None = None) -> Summary:
        """Return the printed form: segments with their levels and limits, and the dates of the changes."""
        made = super().summary(alpha)
        facts = (("changes at", ", ".join(self.dates) or "none"), ("penalised cost", self.total))
        size = (("size of the negative binomial", self.size),) if np.isfinite(self.size) else ()
        return Summary(made.title, (*facts, *size, *made.facts), made.tables, made.notes)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, f"Optimal segmentation, {self.cost} cost, penalty {self.penalty_name}")

    def plot(self, ax: Any = None, alpha: float | None = None) -> Any:
        """Draw the series with its segments, or the shares of each segment; return the Axes."""
        from exitmodels.render import changes as picture

        starts, ends = self.series.days
        rows = np.repeat(np.arange(len(self.levels)), np.diff(self.edges))
        if self.levels.ndim == 2:
            return picture.share_segments(
                ax, shares=self.levels[rows], names=self.series.kinds, cuts=self.cuts, starts=starts, ends=ends
            )
        limits = self.conf_int(alpha).to_numpy()[rows]
        counted = self.cost in ("poisson", "negbin")
        scale = self.series.exposure if counted else np.ones(len(rows))
        return picture.segmented_series(
            ax,
            y=self.series.y,
            mean=self.levels[rows] * scale,
            low=limits[:, 0] * scale,
            high=limits[:, 1] * scale,
            cuts=self.cuts,
            starts=starts,
            ends=ends,
            partial=self.series.partial,
            label="records per period" if counted else "value",
            level=number(100 * (1 - (self.alpha if alpha is None else alpha)), 3),
            bars=counted,
        )


def changepoints(
    data: Any,
    exposure: Any = None,
    *,
    cost: str = "poisson",
    penalty: str | float = "bic",
    min_size: int | None = None,
    by: str | None = None,
    size: float | None = None,
    sd: float | None = None,
    method: str = "functional",
    alpha: float = 0.05,
) -> Changepoints:
    """Cut a series into segments of constant rate, mean or composition, so that penalised likelihood is largest.

    Parameters
    ----------
    data : Counts or array
        One count for each period, in order; (periods, kinds) for "multinomial" and "binomial".
    exposure : (n,) array, optional
        With arrays: rates are counts over it. `Counts` have their own.
    cost : {"poisson", "negbin", "multinomial", "binomial", "gaussian", "meanvar"}
        What is constant within a segment: a rate, the shares of several kinds of records, a mean with known spread, or
        mean and variance.
    penalty : {"bic", "mbic", "aic"} or float
        Price of one change in units of twice the log-likelihood: ``(p + 1) log n`` with p parameters for a segment,
        ``(p + 2) log n`` and the log of each segment's length (Zhang and Siegmund 2007), or ``2 (p + 1)``.
    min_size : int, optional
        Fewest periods of a segment; 1 by default, 2 for "meanvar".
    by : str, optional
        Key of `Counts` whose values are the kinds.
    size : float, optional
        Size of the negative binomial (variance ``m + m^2 / size``) in a period of average exposure; longer
        periods have more in proportion. By default estimated from differences of neighbours, which changes barely
        touch.
    sd : float, optional
        Standard deviation for "gaussian"; by default from differences of neighbours.
    method : {"functional", "pelt", "none"}
        How candidates are pruned. All are exact and agree; they differ in speed.
    alpha : float
        One minus the level of the limits.

    Returns
    -------
    Changepoints

    Raises
    ------
    DataError
        For unknown choices, series that are not counts, a minimal size that does not fit.

    Notes
    -----
    Limits of a segment's rate are exact for Poisson counts *given where the cuts are*; they say nothing of the dates,
    and are too narrow for segments that were chosen for being extreme. For the uncertainty of the dates see
    `change_test` and `change_posterior`. Serial dependence within segments yields changes that are not there.

    Source: Killick, Fearnhead and Eckley (2012); Maidstone et al. (2017); Runge and Truong (2024).

    Examples
    --------
    >>> found = changepoints([4, 5, 4, 3, 6, 0, 1, 0, 0, 1, 0, 1])
    >>> found.cuts.tolist(), found.levels.round(2).tolist()
    ([5], [4.4, 0.43])
    """
    _check(cost, penalty)
    check_alpha(alpha)
    if method not in METHODS:
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {', '.join(METHODS)}.")
    counted = cost not in ("gaussian", "meanvar")
    series = read_series(data, exposure, by=by, whole=counted)
    several = cost in ("multinomial", "binomial")
    series = several_kinds(series, f"cost={cost!r}") if several else one_series(series, f"cost={cost!r}")
    notes: list[str] = []
    sums, family, known = _family(cost, series, size, sd, notes)
    shortest = family.shortest if min_size is None else int(min_size)
    if not family.shortest <= shortest <= len(series):
        raise DataError(
            f"min_size={min_size} does not lie between {family.shortest} and the {len(series)} periods.",
            code="min-size",
            hint="Ask for shorter segments.",
        )
    price, name, lengthwise = _price(penalty, family.parameters, len(series))
    cuts, total = optimal_partition(sums, family, price, shortest, lengthwise=lengthwise, method=method)
    edges = np.concatenate([[0], cuts, [len(series)]])
    parts = np.diff(sums[:, edges], axis=1)
    levels, spread = _levels(cost, parts, series, known)
    if series.partial.any() and counted:
        notes.append("periods cut by the window count with the exposure they have")
    constant = known[1]
    sources = _SOURCES + (("zhang_siegmund2007",) if lengthwise else ())
    return Changepoints(
        cuts=cuts,
        cost=cost,
        total=total + constant,
        penalty=price,
        penalty_name=name,
        series=series,
        levels=levels,
        spread=spread,
        size=known[0] if cost == "negbin" else float("inf"),
        alpha=alpha,
        notes=tuple(notes),
        sources=sources,
    )


def _check(cost: str, penalty: str | float) -> None:
    if cost not in COSTS:
        raise DataError(f"cost={cost!r} is not known.", code="cost", hint=f"Use one of {', '.join(COSTS)}.")
    known = penalty in PENALTIES if isinstance(penalty, str) else bool(np.isfinite(penalty) and penalty >= 0)
    if not known:
        raise DataError(
            f"penalty={penalty!r} is neither a known name nor a number of zero or more.",
            code="penalty",
            hint=f"Use one of {', '.join(PENALTIES)}, or the price of one change.",
        )


def _price(penalty: str | float, parameters: int, n: int) -> tuple[float, str, bool]:
    if not isinstance(penalty, str):
        return float(penalty), "as given", False
    per = {"bic": (parameters + 1) * np.log(n), "mbic": (parameters + 2) * np.log(n), "aic": 2.0 * (parameters + 1)}
    return float(per[penalty]), penalty.upper() if penalty != "mbic" else "modified BIC", penalty == "mbic"


def _cumulated(*rows: Floats) -> Floats:
    table = np.vstack(rows)
    return np.concatenate([np.zeros((len(table), 1)), np.cumsum(table, axis=1)], axis=1)


def _family(
    cost: str, series: PeriodSeries, size: float | None, sd: float | None, notes: list[str]
) -> tuple[Floats, Cost, tuple[float, float]]:
    """Cumulated sums, the cost, and (what is known beforehand, the part of the cost that was left out)."""
    y, e = series.y, series.exposure
    if cost in ("multinomial", "binomial"):
        k = y.shape[1]
        return _cumulated(y.T), Cost(multinomial_cost, tuple(range(k)), k - 1), (0.0, 0.0)
    if cost == "poisson":
        return _cumulated(y, e), Cost(poisson_cost, (0, 1), 1), (0.0, 0.0)
    if cost == "negbin":
        usual = e / e.mean()
        known = _size(y, usual, notes) if size is None else float(size)
        if not known > 0:
            raise DataError(f"size={size} is not positive.", code="size", hint="Poisson is cost='poisson'.")
        if np.isinf(known):
            notes.append("the counts do not vary more than Poisson counts between neighbours: size is infinite")
            return _cumulated(y, usual), Cost(poisson_cost, (0, 1), 1), (known, 0.0)
        return _cumulated(y, usual), Cost(negbin_cost(known), (0, 1), 1), (known, 0.0)
    centred = y - y.mean()
    if cost == "meanvar":
        scaled = centred / max(float(centred.std()), 1e-300)
        extra = 2 * len(y) * float(np.log(max(float(centred.std()), 1e-300)))
        return _cumulated(scaled, scaled**2, np.ones(len(y))), Cost(meanvar_cost, (2,), 2, 2), (0.0, extra)
    spread = _neighbours_sd(centred) if sd is None else float(sd)
    if not spread > 0:
        raise DataError(
            "The standard deviation is zero.",
            code="sd",
            hint="Give sd=; differences of neighbours vanish in this series.",
        )
    return (
        _cumulated(centred / spread, np.ones(len(y))),
        Cost(normal_cost, (1,), 1),
        (spread, float(np.sum((centred / spread) ** 2))),
    )


def _neighbours_sd(y: Floats) -> float:
    """From the median of squared differences of neighbours, as the normal law has it; changes touch few of them."""
    step = np.abs(np.diff(y))
    return float(np.median(step) / (0.6744897501960817 * np.sqrt(2)))


def _size(y: Floats, e: Floats, notes: list[str]) -> float:
    """Moments of rates of neighbours: ``var = m / e + m^2 / (size e)`` within a segment."""
    m = float(y.sum() / e.sum())
    before, after = slice(None, -1), slice(1, None)
    square = (y[after] / e[after] - y[before] / e[before]) ** 2
    weight = 1 / (1 / e[after] + 1 / e[before])
    local = (y[after] + y[before]) / (e[after] + e[before])
    excess = float(np.sum(square * weight - local))
    if m == 0 or excess <= 0:
        return float("inf")
    notes.append("size of the negative binomial estimated from differences of neighbours")
    # E local^2 exceeds the squared mean by the local variance, a share 1 / (2 size) of it.
    return float(np.sum(local**2 - local * weight / (e[after] * e[before])) / excess)


def _levels(cost: str, parts: Floats, series: PeriodSeries, known: tuple[float, float]) -> tuple[Floats, Floats]:
    none = np.empty(0)
    if cost in ("multinomial", "binomial"):
        total = parts.sum(axis=0)
        return (parts / np.where(total > 0, total, np.nan)).T, none
    if cost in ("poisson", "negbin"):
        weight = parts[1] * (series.exposure.mean() if cost == "negbin" else 1.0)
        rate = parts[0] / weight
        usual = parts[0] / parts[1]
        return rate, rate * np.sqrt((1 + usual / known[0]) / np.maximum(parts[0], 1)) if cost == "negbin" else none
    m = parts[-1]
    if cost == "gaussian":
        return series.y.mean() + parts[0] / m * known[0], known[0] / np.sqrt(m)
    scale = float(series.y.std())
    variance = np.maximum(parts[1] - parts[0] ** 2 / m, 0.0) / np.maximum(m - 1, 1)
    return series.y.mean() + parts[0] / m * scale, scale * np.sqrt(variance / m)
