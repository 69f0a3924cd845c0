"""Covariances of a fitted composition, by name; shares and total together.

Third floor. Read next: kernels/sandwich.py, kernels/multinomial_scores.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.dirichlet_multinomial import dirichlet_multinomial_scores
from exitmodels.kernels.linalg import without_spread
from exitmodels.kernels.multinomial_scores import pearson, score_squares, score_sums
from exitmodels.kernels.sandwich import hac_lags, hac_meat
from exitmodels.models.counts.composition_fit import Fitted

__all__ = ["KINDS", "SOURCES", "Covariance", "covariance", "pearson_of"]

KINDS = ("model", "quasi", "robust", "hc1", "cluster", "hac")
SOURCES: dict[str, tuple[str, ...]] = {
    "model": (),
    "quasi": ("mccullagh_nelder1989",),
    "robust": ("white1980",),
    "hc1": ("white1980", "mackinnon_white1985"),
    "cluster": ("liang_zeger1986",),
    "hac": ("newey_west1987", "newey_west1994"),
}


@dataclass(frozen=True, eq=False)
class Covariance:
    """Covariance of the coefficients of the columns as given, its name, and what to say about it."""

    matrix: Floats
    label: str
    kind: str
    df_resid: float | None = None
    warnings: tuple[str, ...] = ()


def pearson_of(fitted: Fitted) -> tuple[float, float, float]:
    """Pearson's chi-squared, the deviance, and the residual degrees of freedom (cells with records only)."""
    rows, used = fitted.rows, fitted.used
    offset = fitted.offset
    chi2, deviance = pearson(
        fitted.beta, fitted.scaled[used], None if offset is None else offset[used], rows.table()[used]
    )
    spent = fitted.edf if np.isfinite(fitted.strength) else fitted.k * len(fitted.design.names)
    return chi2, deviance, fitted.k * int(used.sum()) - spent


def covariance(fitted: Fitted, kind: str, lags: int | None = None, small_sample: bool = True) -> Covariance:
    """Make the covariance of the named kind.

    Raises
    ------
    DataError
        For an unknown kind, "cluster" without clusters, "hac" without dates, or "quasi" on records.
    """
    kind = "robust" if kind.lower() == "hc0" else kind.lower()
    if kind not in KINDS:
        raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"Use one of {', '.join(KINDS)}.")
    bread, scale = _bread(fitted), fitted.back
    label, df, warnings = kind, None, tuple[str, ...]()
    if kind == "model":
        full = bread
    elif kind == "quasi":
        full, label, df = _quasi(fitted, bread)
    else:
        meat, label, warnings = _meat(fitted, kind, lags, small_sample)
        full = bread @ meat @ bread
    made = scale @ full @ scale.T
    if kind not in ("model", "quasi"):
        made = without_spread(made, scale @ bread @ scale.T)
        if np.isnan(np.diag(made)).any():
            warnings = (*warnings, f"some coefficients have no {label} variance: the groups themselves determine them")
    return Covariance((made + made.T) / 2, label, kind, df, warnings)


def _bread(fitted: Fitted) -> Floats:
    parts = [_inverse(fitted.curved)]
    if fitted.total is not None:
        p = len(fitted.total.design.names)
        parts.append(_inverse(fitted.total.fit.information)[:p, :p])
    return np.asarray(linalg.block_diag(*parts), dtype=np.float64)


def _inverse(information: Floats) -> Floats:
    """The inverse; along a flat direction (a coefficient at infinity) a very large one."""
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    values, axes = np.linalg.eigh(information / np.outer(size, size))
    return np.asarray((axes / np.maximum(values, 1e-14)) @ axes.T / np.outer(size, size), dtype=np.float64)


def _quasi(fitted: Fitted, bread: Floats) -> tuple[Floats, str, float]:
    """Pearson's estimate of the overdispersion, never below one, of the shares and of the total apart."""
    if not fitted.rows.grouped:
        raise DataError(
            "Overdispersion shows in counts of cells, not in single records.",
            code="quasi",
            hint="Count the records in periods, or use vcov='cluster'.",
        )
    chi2, _, df = pearson_of(fitted)
    if df < 1:
        raise DataError("No degrees of freedom are left to estimate the overdispersion.", code="quasi")
    full, own = bread.copy(), len(fitted.at)
    full[:own, :own] *= max(chi2 / df, 1.0)
    label, n_df = f"quasi({max(chi2 / df, 1.0):.3g})", float(df)
    if fitted.total is not None:
        mean = fitted.total.fit.mean
        room = len(fitted.rows) - len(fitted.total.design.names)
        if room < 1:
            raise DataError("No degrees of freedom are left to estimate the total's overdispersion.", code="quasi")
        phi = float(((fitted.rows.size - mean) ** 2 / (mean + fitted.total.fit.alpha * mean**2)).sum()) / room
        full[own:, own:] *= max(phi, 1.0)
        label, n_df = f"{label[:-1]}, total {max(phi, 1.0):.3g})", float(min(df, room))
    return full, label, n_df


def _meat(fitted: Fitted, kind: str, lags: int | None, small_sample: bool) -> tuple[Floats, str, tuple[str, ...]]:
    rows = fitted.rows
    if kind == "cluster":
        if rows.cluster is None:
            raise DataError(
                "The clusters are not named.", code="cluster", hint='Give cluster="column" to the model or the spells.'
            )
        codes = np.unique(rows.cluster, return_inverse=True)[1]
        n = int(codes.max()) + 1
        if n < 2:
            raise DataError("There is one cluster only.", code="cluster", hint='Use vcov="robust".')
        sums = _sums(fitted, codes)
        few = (f"only {n} clusters: clustered errors are too small below about 30",) if n < 30 else ()
        return sums.T @ sums * (n / (n - 1) if small_sample else 1.0), f"cluster({rows.cluster_name})", few
    if kind == "hac":
        return _hac(fitted, lags)
    copies = rows.weights == "frequency" and not rows.grouped
    size = float(rows.weight.sum()) if copies else float(fitted.used.sum())
    factor = size / (size - len(fitted.at)) if kind == "hc1" else 1.0
    if fitted.total is None and fitted.spread is None:
        meat = score_squares(fitted.beta, fitted.scaled, fitted.offset, rows.counts, rows.weight, copies)
        return meat * factor, kind, ()
    sums = _sums(fitted, np.arange(len(rows)))
    return sums.T @ sums * factor, kind, ()


def _hac(fitted: Fitted, lags: int | None) -> tuple[Floats, str, tuple[str, ...]]:
    start = fitted.rows.start
    if start is None:
        raise DataError(
            "These rows have no dates, so there are no neighbouring periods.",
            column="start",
            code="no-dates",
            hint='Give Counts with dates, or use vcov="robust".',
        )
    period = np.unique(start, return_inverse=True)[1]
    length = int(period.max()) + 1
    if lags is not None and not 0 <= lags < length:
        raise DataError(f"hac_lags={lags} does not fit {length} periods.", code="hac-lags", hint="Use a few.")
    chosen = hac_lags(length) if lags is None else int(lags)
    short = (f"the series has {length} periods: below 40, autocorrelation-consistent limits are too narrow",)
    sums = _sums(fitted, period)
    return hac_meat(sums, np.arange(length), chosen), f"hac({chosen})", short if length < 40 else ()


def _sums(fitted: Fitted, group: Ints) -> Floats:
    """Scores of shares and total, summed over groups of rows."""
    rows, total = fitted.rows, fitted.total
    if fitted.spread is None:
        first = score_sums(fitted.beta, fitted.scaled, fitted.offset, rows.counts, rows.weight, group)
    else:
        used, offset = fitted.used, fitted.offset
        scores = np.zeros((len(rows), len(fitted.at)))
        offset = None if offset is None else offset[used]
        scores[used] = dirichlet_multinomial_scores(
            fitted.at, fitted.scaled[used], rows.counts[used], fitted.spread[used], offset
        )
        first = _grouped(scores, group)
    if total is None:
        return first
    return np.hstack([first, _grouped(total.fit.scores[:, : len(total.design.names)], group)])


def _grouped(scores: Floats, group: Ints) -> Floats:
    size = int(group.max()) + 1
    return np.stack([np.bincount(group, column, size) for column in scores.T], axis=1)
