"""Data and covariances of a zero-inflated or hurdle regression.

Third floor. Called by: twopart.py, twopart_results.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.sandwich import cluster_meat, robust_meat
from exitmodels.kernels.twopart import TwoPartFit
from exitmodels.models.counts.covariance import inverse
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design
from exitmodels.shapes.grouping import group_codes

__all__ = ["KINDS", "PAPERS", "TwoPartCovariance", "TwoPartData", "covariance_of"]

KINDS = ("model", "robust", "cluster")
PAPERS: dict[str, tuple[str, ...]] = {"model": (), "robust": ("white1980",), "cluster": ("liang_zeger1986",)}


@dataclass(frozen=True, eq=False)
class TwoPartData:
    """What the fit was made from; never stored with the result."""

    counts: Counts
    count: Design
    zero: Design
    count_recode: Floats
    zero_recode: Floats
    offset: Floats
    middle: float
    fit: TwoPartFit
    form: str
    exposure: bool

    @property
    def y(self) -> Floats:
        """Counts."""
        return self.counts.n.astype(np.float64)

    @property
    def recode(self) -> Floats:
        """From the columns that were fitted to those of the formulas, both parts."""
        p, q = len(self.count_recode), len(self.zero_recode)
        made = np.zeros((p + q, p + q))
        made[:p, :p], made[p:, p:] = self.count_recode, self.zero_recode
        return made

    @property
    def estimate(self) -> Floats:
        """Coefficients of both parts; the common offset is put back into the intercept."""
        beta = self.fit.beta.copy()
        beta[0] -= self.middle
        return np.asarray(self.recode @ np.concatenate([beta, self.fit.gamma]))


@dataclass(frozen=True, eq=False)
class TwoPartCovariance:
    """Covariance of the coefficients, of all parameters, and what to say about them."""

    beta: Floats
    full: Floats
    log_alpha_se: float
    label: str
    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def covariance_of(data: TwoPartData, kind: str, cluster: str | None = None) -> TwoPartCovariance:
    """Compute a covariance of the named kind.

    Raises
    ------
    DataError
        For an unknown kind, or "cluster" without a column of at least two clusters.
    """
    if kind not in KINDS:
        raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"Use one of {', '.join(KINDS)}.")
    p, fit = len(data.recode), data.fit
    if not np.isfinite(fit.information).all():
        blank = np.full((p, p), np.nan)
        return TwoPartCovariance(blank, blank, float("nan"), kind, PAPERS[kind])
    bread, label, notes = inverse(fit.information), kind, tuple[str, ...]()
    full = bread
    if kind == "robust":
        full = bread @ robust_meat(fit.scores) @ bread
    elif kind == "cluster":
        codes, label = _clusters(data, cluster)
        if codes.max() < 29:
            notes = (f"only {codes.max() + 1} clusters: clustered errors are too small below about 30",)
        full = bread @ cluster_meat(fit.scores, codes, True) @ bread
    wide = np.eye(len(full))
    wide[:p, :p] = data.recode
    full = wide @ full @ wide.T
    error = float(np.sqrt(full[p, p])) if len(full) > p else float("nan")
    return TwoPartCovariance(full[:p, :p], full, error, label, PAPERS[kind], notes)


def _clusters(data: TwoPartData, name: str | None) -> tuple[Any, str]:
    columns = data.counts.columns
    codes = data.count.cluster
    if name is not None:
        if name not in columns or columns[name].missing is not None:
            raise DataError(
                f"There is no complete column {name!r} to cluster on.",
                column=name,
                code="no-column",
                hint=f"Columns: {', '.join(columns)}.",
            )
        codes = group_codes(columns[name])[0]
    if codes is None or codes.max() == codes.min():
        raise DataError(
            "The clusters are not named, or there is one only.",
            code="cluster",
            hint='Give cluster="column", or cluster(column) in the formula; or use vcov="robust".',
        )
    made = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return made, f"cluster({name if name is not None else ', '.join(data.count.formula.cluster)})"
