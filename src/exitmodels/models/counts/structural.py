"""Breaks of a series of measurements, not counts: least squares, Gaussian errors.

Third floor. Read next: bent.py (a bend instead of a jump), changepoints.py (counts).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import special

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.structural import best_breaks, break_interval, cumulated_residuals, f_statistics, sup_f_pvalue
from exitmodels.models.counts.monitoring import Watched
from exitmodels.models.counts.periods_in import PeriodSeries, check_alpha, one_series, read_series
from exitmodels.render.text import Block, Summary, number, pvalue

__all__ = ["StructuralBreaks", "structural_breaks"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class StructuralBreaks(Watched):
    """Best least-squares breaks for each number of them, and tests of none.

    Attributes
    ----------
    rss, bic : (m + 1,)
        For 0, 1, ..., m breaks.
    breaks : tuple of (j,) int arrays
        Points before each break, for each number of breaks.
    chosen : int
        Number of breaks in use: the one asked for, or the one with the smallest BIC.
    low, high : (chosen,) int
        Limits of each break (Bai 1997), rounded outward.
    coefficients, standard_errors : (chosen + 1, k)
        Of each stretch.
    sup_f, sup_f_pvalue, f_values : largest F, its asymptotic p-value, and F of each date tried from `first`
    cusum, cusum_pvalue : largest cumulated residual, and its p-value
    """

    rss: Floats
    bic: Floats
    breaks: tuple[Ints, ...]
    chosen: int
    low: Ints
    high: Ints
    coefficients: Floats
    standard_errors: Floats
    fitted: Floats
    names: tuple[str, ...]
    first: int
    f_values: Floats
    sup_f: float
    sup_f_pvalue: float
    cusum: float
    cusum_pvalue: float
    alpha: float
    series: PeriodSeries
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("bai1997", "bai_perron2003", "andrews1993", "ploberger_kramer1992")

    @property
    def cuts(self) -> Ints:
        """Points before each break, for the number in use."""
        return self.breaks[self.chosen]

    @property
    def params(self) -> Any:
        """Coefficients of each stretch, as a DataFrame."""
        import pandas as pd

        edges = [0, *(int(c) for c in self.cuts), len(self.series)]
        spans = [self.series.span(a, b) for a, b in pairwise(edges)]
        return pd.DataFrame(self.coefficients, index=spans, columns=list(self.names))

    def conf_int(self) -> Any:
        """Limits of each break, as points before it, at the level of the fit."""
        import pandas as pd

        return pd.DataFrame({"low": self.low, "break": self.cuts, "high": self.high})

    def tidy(self) -> Any:
        """One row for each break: points before it, label of the last of them, limits."""
        import pandas as pd

        names = [self.series.labels[int(c) - 1] for c in self.cuts]
        return pd.DataFrame({"term": names, "break": self.cuts, "low": self.low, "high": self.high})

    def summary(self) -> Summary:
        """Return the printed form."""
        level = number(100 * (1 - self.alpha), 3)
        facts = (
            ("largest F", f"{number(self.sup_f)} (p {pvalue(self.sup_f_pvalue)})"),
            ("largest cumulated residual", f"{number(self.cusum)} (p {pvalue(self.cusum_pvalue)})"),
        )
        steps = tuple(
            (str(m), float(self.rss[m]), float(self.bic[m]), ", ".join(self.series.labels[int(c) - 1] for c in b))
            for m, b in enumerate(self.breaks)
        )
        where = tuple(
            (self.series.labels[int(c) - 1], int(lo), int(c), int(hi))
            for c, lo, hi in zip(self.cuts, self.low, self.high, strict=True)
        )
        parts = [Block(("breaks", "RSS", "BIC", "after"), steps)]
        if where:
            parts.insert(0, Block(("break after", f"low {level}%", "point", f"high {level}%"), where))
        return Summary(f"Structural breaks, least squares: {self.chosen} in use", facts, tuple(parts), self.warnings)

    def plot(self, ax: Any = None) -> Any:
        """Draw the series with its stretches; return the Axes."""
        from exitmodels.render import changes as picture

        starts, ends = self.series.days
        rows = np.repeat(np.arange(self.chosen + 1), np.diff([0, *self.cuts, len(self.series)]))
        sigma = self.standard_errors[rows, 0] if len(self.names) == 1 else np.zeros(len(rows))
        half = special.ndtri(1 - self.alpha / 2) * sigma
        return picture.segmented_series(
            ax,
            y=self.series.y,
            mean=self.fitted,
            low=self.fitted - half,
            high=self.fitted + half,
            cuts=np.asarray(self.cuts, dtype=np.int64),
            starts=starts,
            ends=ends,
            partial=np.zeros(len(rows), dtype=bool),
            label="value",
            level=number(100 * (1 - self.alpha), 3),
            bars=False,
        )


def structural_breaks(
    y: Any,
    x: Any = None,
    *,
    n_breaks: int | None = None,
    most: int = 5,
    trim: float = 0.15,
    equal_spread: bool = False,
    labels: Any = None,
    alpha: float = 0.05,
) -> StructuralBreaks:
    """Best breaks of a mean, or of a regression, over time; how many, where, and whether there are any.

    Parameters
    ----------
    y : (n,) array
        Measurements in order of time.
    x : (n,) or (n, k) array, optional
        Columns whose coefficients may change, beside the intercept.
    n_breaks : int, optional
        Breaks to use; by default as many as have the smallest BIC.
    most : int
        Most breaks tried.
    trim : float
        Fewest points of a stretch, as a share of all; also the share left out at each end by the largest F.
    equal_spread : bool
        Whether errors and columns have the same spread in all stretches, for the limits of the dates.
    labels : sequence, optional
        Names of the points, such as years.
    alpha : float

    Raises
    ------
    DataError
    IdentificationError
        If the series is too short for one break.

    Notes
    -----
    Assumes uncorrelated errors: dependence makes breaks appear. BIC counts each break as a parameter. Source: Bai and
    Perron (2003); Bai (1997); Andrews (1993).

    Examples
    --------
    >>> found = structural_breaks([5, 6, 5, 6, 5, 6, 9, 8, 9, 8, 9, 8], trim=0.25)
    >>> found.cuts.tolist(), found.low.tolist(), found.high.tolist()
    ([6], [5], [7])
    """
    check_alpha(alpha)
    if not 0 < trim < 0.5:
        raise DataError(f"trim={trim} is not between 0 and 0.5.", code="trim", hint="0.15 is usual.")
    series = one_series(read_series(y, whole=False), "structural_breaks")
    n = len(series)
    if labels is not None:
        names = tuple(str(v) for v in labels)
        if len(names) != n:
            raise DataError(f"There are {len(names)} labels for {n} points.", code="length", hint="Give one each.")
        series = replace(series, labels=names)
    design = _design(x, n)
    k = design.shape[1]
    shortest = int(np.floor(trim * n + 1e-9))
    if shortest <= k or n < 2 * shortest:
        raise IdentificationError(
            f"{n} points with trim={trim:g} leave stretches of {shortest}, for {k} coefficients.",
            code="few-periods",
            hint="Raise trim, or give a longer series.",
        )
    rss, breaks = best_breaks(series.y, design, shortest, most)
    count = np.arange(len(rss))
    bic = n * (np.log(np.maximum(rss, 1e-300)) + 1 - np.log(n) + np.log(2 * np.pi)) + np.log(n) * (k + 1) * (count + 1)
    chosen = int(bic.argmin()) if n_breaks is None else int(n_breaks)
    if not 0 <= chosen < len(rss):
        raise DataError(f"n_breaks={n_breaks} is not among 0 to {len(rss) - 1}.", code="n-breaks", hint="Raise most=.")
    cuts = breaks[chosen]
    low, high = break_interval(series.y, design, cuts, alpha, equal_spread) if chosen else (cuts, cuts)
    coefficients, errors, fitted = _stretches(series.y, design, cuts)
    values = f_statistics(series.y, design, shortest)
    top = float(values.max())
    cusum = float(np.abs(cumulated_residuals(series.y, design)).max())
    names = ("Intercept", *(f"x{j}" for j in range(1, k)))
    return StructuralBreaks(
        rss=rss, bic=bic, breaks=tuple(breaks), chosen=chosen, low=low, high=high, coefficients=coefficients,
        standard_errors=errors, fitted=fitted, names=names, first=shortest, f_values=values, sup_f=top,
        sup_f_pvalue=sup_f_pvalue(top, k, ((n - shortest) / shortest) ** 2), cusum=cusum,
        cusum_pvalue=float(special.kolmogorov(cusum)), alpha=alpha, series=series,
    )  # fmt: skip


def _design(x: Any, n: int) -> Floats:
    if x is None:
        return np.ones((n, 1))
    columns = np.asarray(x, dtype=np.float64).reshape(n, -1) if np.shape(x)[:1] == (n,) else None
    if columns is None or not np.isfinite(columns).all():
        raise DataError(
            f"x has shape {np.shape(x)} or missing values; {n} rows of numbers are needed.",
            column="x",
            code="shape",
            hint="Give one row for each point.",
        )
    design = np.column_stack([np.ones(n), columns])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError(
            "The columns of x depend on one another or are constant.",
            column="x",
            code="collinear",
            hint="Leave one out.",
        )
    return design


def _stretches(y: Floats, design: Floats, cuts: Ints) -> tuple[Floats, Floats, Floats]:
    edges = [0, *(int(c) for c in cuts), len(y)]
    betas, errors, fitted = [], [], np.empty(len(y))
    for a, b in pairwise(edges):
        part, values = design[a:b], y[a:b]
        beta = np.linalg.lstsq(part, values, rcond=None)[0]
        fitted[a:b] = part @ beta
        spread = float(np.sum((values - fitted[a:b]) ** 2)) / max(b - a - design.shape[1], 1)
        betas.append(beta)
        errors.append(np.sqrt(np.diag(np.linalg.pinv(part.T @ part)) * spread))
    return np.array(betas), np.array(errors), fitted
