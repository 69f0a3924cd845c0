"""Covariances of a fitted count regression, by name.

Third floor. The arithmetic is in kernels/sandwich.py; here the names, the clusters and the cautions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.clustered import leverage_corrected_meat
from exitmodels.kernels.countglm import CountFit
from exitmodels.kernels.countlaws import variance
from exitmodels.kernels.linalg import without_spread
from exitmodels.kernels.sandwich import cluster_meat, hac_lags, hac_meat, leverage, robust_meat
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design
from exitmodels.shapes.grouping import group_codes

__all__ = ["KINDS", "SOURCES", "Covariance", "FitData", "covariance", "inverse", "plain_kind"]

KINDS = ("model", "robust", "hc0", "hc1", "hc2", "hc3", "hac", "cluster", "kc", "md")
SOURCES = {
    "model": (),
    "robust": ("white1980",),
    "hc1": ("white1980", "mackinnon_white1985"),
    "hc2": ("white1980", "mackinnon_white1985"),
    "hc3": ("white1980", "mackinnon_white1985"),
    "hac": ("newey_west1987", "newey_west1994", "driscoll_kraay1998"),
    "cluster": ("liang_zeger1986",),
    "kc": ("liang_zeger1986", "kauermann_carroll2001"),
    "md": ("liang_zeger1986", "mancl_derouen2001"),
}
CLUSTERED = ("cluster", "kc", "md")
SHORT_SERIES = 40


@dataclass(frozen=True, eq=False)
class FitData:
    """What the fit was made from; never stored with the result."""

    counts: Counts
    design: Design
    recode: Floats
    offset: Floats
    fit: CountFit
    family: str
    exposure: bool
    dispersion: str = "ml"
    unit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def centred(self) -> Floats:
        """The design in the columns that were fitted."""
        return np.asarray(self.design.matrix @ self.recode, dtype=np.float64)

    @property
    def y(self) -> Floats:
        """Counts."""
        return self.counts.n.astype(np.float64)

    @property
    def pearson_chi2(self) -> float:
        """Sum of squared Pearson residuals."""
        mean = self.fit.mean
        return float(np.sum((self.y - mean) ** 2 / variance(mean, self.family, self.fit.alpha)))

    @property
    def df_resid(self) -> int:
        """Rows less coefficients."""
        return len(self.counts) - len(self.design.names)

    @property
    def working_weight(self) -> Floats:
        """Expected information of each row's linear predictor (n,)."""
        mean = self.fit.mean
        return np.asarray(mean**2 / variance(mean, self.family, self.fit.alpha))

    @property
    def n_levels(self) -> int:
        """Levels that are estimated without a column; none here."""
        return 0

    @property
    def leverage_design(self) -> Floats:
        """Columns whose projection gives the leverages of the clusters."""
        return self.centred

    def hat(self, bread: Floats) -> Floats:
        """Leverage of each row (n,), from the inverse information of the parameters."""
        p = len(self.design.names)
        return leverage(self.centred, self.working_weight, bread[:p, :p])

    def refuse_unnested(self, cluster: Ints, kind: str) -> None:
        """Refuse clusters for which this fit cannot correct leverages; here there are none."""


@dataclass(frozen=True, eq=False)
class Covariance:
    """Covariance of the coefficients, the standard error of log alpha, and what to say about them."""

    beta: Floats
    log_alpha_se: float
    label: str
    kind: str
    warnings: tuple[str, ...] = ()
    df: float | None = None


def plain_kind(kind: str) -> str:
    """Return the one name of a covariance; "hc0" is "robust"."""
    name = kind.lower()
    if name not in KINDS:
        raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"Use one of {', '.join(KINDS)}.")
    return "robust" if name == "hc0" else name


def covariance(
    data: FitData, kind: str, lags: int | None = None, cluster: str | None = None, small_sample: bool = True
) -> Covariance:
    """Compute a covariance of the named kind.

    Raises
    ------
    DataError
        For an unknown kind, "hac" on cells without dates, or "cluster" without a cluster column or with one cluster.
    """
    kind = plain_kind(kind)
    if cluster is not None and kind not in CLUSTERED:
        raise DataError(f"cluster= goes with vcov='cluster', not {kind!r}.", code="vcov", hint="Choose one of the two.")
    bread = inverse(data.fit.information)
    label, warnings = kind, tuple[str, ...]()
    if kind == "model":
        full = bread * (data.pearson_chi2 / data.df_resid if data.family == "quasipoisson" else 1.0)
    else:
        meat, label, warnings = _meat(data, bread, kind, lags, cluster, small_sample)
        full = bread @ meat @ bread
    p = len(data.design.names)
    beta = data.recode @ full[:p, :p] @ data.recode.T
    error = float(np.sqrt(full[p, p])) if len(full) > p else float("nan")
    beta = without_spread((beta + beta.T) / 2, data.recode @ bread[:p, :p] @ data.recode.T)
    blank = [name for name, value in zip(data.design.names, np.diag(beta), strict=True) if np.isnan(value)]
    if blank:
        warnings = (*warnings, f"no {label} variance for {', '.join(blank)}: the clusters themselves determine it")
    df = float(_clusters(data, cluster)[0].max()) if kind in ("kc", "md") else None
    return Covariance(beta, error, label, kind, warnings, df)


def inverse(information: Floats) -> Floats:
    """The inverse; along a direction in which the likelihood is flat (a coefficient at infinity) a very large one."""
    size = np.diag(information)
    scale = 1 / np.sqrt(np.maximum(size, max(1e-30 * float(size.max()), 1e-200)))
    size, axes = np.linalg.eigh(information * np.outer(scale, scale))
    inner = (axes / np.maximum(size, 1e-14)) @ axes.T
    return np.asarray(inner * np.outer(scale, scale), dtype=np.float64)


def _meat(
    data: FitData, bread: Floats, kind: str, lags: int | None, cluster: str | None, small_sample: bool
) -> tuple[Floats, str, tuple[str, ...]]:
    scores = data.fit.scores
    if kind == "cluster":
        codes, name = _clusters(data, cluster)
        few = (f"only {codes.max() + 1} clusters: clustered errors are too small below about 30",)
        return cluster_meat(scores, codes, small_sample), f"cluster({name})", few if codes.max() < 29 else ()
    if kind in ("kc", "md"):
        codes, name = _clusters(data, cluster)
        data.refuse_unnested(codes, kind)
        power = 0.5 if kind == "kc" else 1.0
        meat = leverage_corrected_meat(scores, data.leverage_design, data.working_weight, codes, power)
        return meat, f"{kind}({name})", ()
    if kind == "hac":
        return _hac(data, lags)
    hat = data.hat(bread) if kind in ("hc2", "hc3") else None
    return robust_meat(scores, kind, hat, scores.shape[1] + data.n_levels), kind, ()


def _hac(data: FitData, lags: int | None) -> tuple[Floats, str, tuple[str, ...]]:
    if not data.counts.dated:
        raise DataError(
            "These cells have no dates, so there are no neighbouring periods.",
            column="start",
            code="no-dates",
            hint='Give start= to Counts.from_table, or use vcov="robust".',
        )
    period = data.counts.period_code
    length = int(period.max()) + 1
    if lags is not None and (lags < 0 or lags != int(lags) or lags >= length):
        raise DataError(
            f"hac_lags={lags} does not fit a series of {length} periods.",
            code="hac-lags",
            hint="Use a few, or leave it out.",
        )
    chosen = hac_lags(length) if lags is None else int(lags)
    warning = (
        f"the series has {length} periods: below {SHORT_SERIES}, limits from autocorrelation-consistent errors "
        "are too narrow"
    )
    return hac_meat(data.fit.scores, period, chosen), f"hac({chosen})", (warning,) if length < SHORT_SERIES else ()


def _clusters(data: FitData, name: str | None) -> tuple[Ints, str]:
    codes: AnyArray | None = data.design.cluster
    if name is not None:
        columns: dict[str, Any] = data.counts.columns
        if name not in columns:
            raise DataError(
                f"The counts have no column {name!r} to cluster on.",
                column=name,
                code="no-column",
                hint=f"Columns: {', '.join(columns)}.",
            )
        if columns[name].missing is not None:
            rows = np.flatnonzero(columns[name].missing)
            raise DataError("Clusters are missing.", column=name, rows=rows, code="missing", hint="Complete them.")
        codes = group_codes(columns[name])[0]
    if codes is None:
        raise DataError(
            "The clusters are not named.",
            code="cluster",
            hint='Give cluster="column", or cluster(column) in the formula.',
        )
    if codes.max() == codes.min():
        raise DataError("There is one cluster only.", column=name, code="cluster", hint='Use vcov="robust" or "hac".')
    label = name if name is not None else ", ".join(data.design.formula.cluster)
    return np.unique(codes, return_inverse=True)[1].astype(np.int64), label
