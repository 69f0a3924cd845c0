"""What a regression of the mean stay gives back, and the variances it can be asked for.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.censoring import Censoring
from exitmodels.kernels.restricted import RestrictedData, restricted_covariance
from exitmodels.models.hazards.cox_fitted import cluster_codes
from exitmodels.models.hazards.moment_results import MeanDifferenceResults, MomentResults, RatioResults
from exitmodels.results.storing import unstored
from exitmodels.shapes.fitting import clusters_of
from exitmodels.shapes.spells import Spells

__all__ = ["VARIANCES", "MeanStayDifferences", "MeanStayFitted", "MeanStayRatios"]

VARIANCES = ("robust", "cluster", "naive")


@dataclass(frozen=True, eq=False)
class MeanStayFitted:
    """The data of a fit, for other variances; never saved."""

    rows: Spells
    data: RestrictedData
    mean: Floats
    law: Censoring
    cluster: Ints | None
    recode: Floats

    def covariance(self, kind: str) -> Floats:
        """Covariance of the coefficients in the units given."""
        if kind not in VARIANCES:
            known = ", ".join(VARIANCES)
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {known}.")
        cluster = None
        if kind == "cluster":
            cluster = np.unique(clusters_of(self.rows, self.cluster), return_inverse=True)[1].astype(np.int64)
        copies = self.rows.weights == "frequency" and cluster is None
        factor = np.sqrt(self.data.weight) if copies else self.data.weight
        inner = restricted_covariance(self.data, self.mean, self.law, factor, cluster, kind == "naive")
        return np.asarray(self.recode @ inner @ self.recode.T)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Weighed(MomentResults):
    """Adds other variances to what regressions of means share."""

    weighed: MeanStayFitted | None = field(default=None, metadata={"stored": False})

    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance ("robust", "cluster", "naive"); the estimates stay."""
        fitted = unstored(self.weighed, "Another variance")
        if cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, cluster))
        made = self.with_covariance(fitted.covariance(kind), kind, weighed=fitted)
        columns = list(self.names[1:])
        return replace(made, tests={"Wald": made.wald_test(columns)} if columns else {})


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanStayDifferences(_Weighed, MeanDifferenceResults):
    """Identity link: coefficients are differences of means."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanStayRatios(_Weighed, RatioResults):
    """Log link: exponentiated coefficients are ratios of means."""
