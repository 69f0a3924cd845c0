"""Are the subdistribution hazards proportional? A robust score test of effects that follow a function of time.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.coxresiduals import event_means
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.partial import weighted_information
from exitmodels.kernels.subdistribution import influences
from exitmodels.models.hazards.finegray_fitted import FineGrayFitted
from exitmodels.models.hazards.ph_test import ProportionalityTest, _terms
from exitmodels.results.bibliography import citation

if TYPE_CHECKING:
    from exitmodels.models.hazards.finegray_results import FineGrayResults

TRANSFORMS = ("log", "identity", "rank")

__all__ = ["SubdistributionTest", "proportional_subdistribution_test"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SubdistributionTest(ProportionalityTest):
    """Tests of proportional subdistribution hazards, one for each term and one for all."""

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(("zhou_fine_laird2013", "fine_gray1999"), "test of proportional subdistribution hazards")


def proportional_subdistribution_test(
    result: FineGrayResults, fitted: FineGrayFitted, transform: str
) -> SubdistributionTest:
    """Score test of added terms x g(t), with influences of rows (people, clusters) as the variance.

    Notes
    -----
    The score of the added terms is the sum of g(t) times the Schoenfeld residuals; its influence is that of
    covariates x g(t) less what the estimation of the coefficients takes. Source: Zhou, Fine & Laird (2013).
    """
    if transform not in TRANSFORMS:
        raise DataError(f"transform={transform!r} is not known.", code="transform", hint=f"{', '.join(TRANSFORMS)}.")
    if result.varying is not None:
        raise DataError(
            "This fit has effects that change with time already.",
            code="time-varying",
            hint="Test them with wald_test, or fit without time_varying=.",
        )
    cox, terms = fitted.data.cox, fitted.terms
    assert terms is not None
    clock = _clock(fitted, transform)
    rows = cox.index.event_rows
    order = rows[np.argsort(cox.index.moment[rows], kind="stable")]
    at = cox.index.moment[order]
    weight = fitted.rows.row_weight[order]
    clock = clock - float(np.average(clock[at], weights=weight))
    residuals = (cox.matrix[order] - event_means(cox, terms)[at]) * weight[:, None]
    score, spread = clock[at] @ residuals, _spread(result, fitted, clock)
    groups = _terms(result.names)
    each = [*groups.values(), list(range(len(score)))]
    statistic = np.array([score[j] @ np.linalg.solve(spread[np.ix_(j, j)], score[j]) for j in each], dtype=float)
    df = np.array([len(j) for j in each], dtype=float)
    return SubdistributionTest(
        names=(*groups, "all terms"),
        statistic=statistic,
        df=df,
        pvalue=np.asarray(chdtrc(df, statistic)),
        transform=transform,
        form=f"robust score, {result.vcov if result.vcov in ('robust', 'cluster') else 'robust'} variance",
        columns=result.names,
        time=cox.index.times[at],
        residuals=(residuals * result.scale) @ result.model_covariance * len(order) + result.estimate,
        estimate=result.estimate,
        unit=result.unit,
        ledger=result.ledger,
    )


def _clock(fitted: FineGrayFitted, transform: str) -> Floats:
    """g at each event time of the grid, (k,)."""
    times = fitted.data.cox.index.times
    if transform == "identity":
        return times
    if transform == "log":
        if np.any(times <= 0):
            raise DataError("log(t) needs times above zero.", code="transform", hint='Use "rank" or "identity".')
        return np.log(times)
    last = np.sort(fitted.rows.exit)
    return np.asarray((np.searchsorted(last, times, "left") + np.searchsorted(last, times, "right") + 1) / 2)


def _spread(result: FineGrayResults, fitted: FineGrayFitted, clock: Floats) -> Floats:
    """Variance of the score of x g(t) at the estimate, (p, p)."""
    cox, terms = fitted.data.cox, fitted.terms
    assert terms is not None
    mixed = weighted_information(cox, terms, clock)
    took = mixed @ np.linalg.inv(terms.information)
    pairs = zip(influences(fitted.data, terms, factor=clock), influences(fitted.data, terms), strict=True)
    own = np.concatenate([changing - plain @ took.T for (_, changing), (_, plain) in pairs])
    factor, cluster = fitted.units("cluster" if result.vcov == "cluster" else "robust")
    own = own * factor[:, None]
    if cluster is not None:
        own = group_sum(own, cluster, int(cluster.max()) + 1)
    return np.asarray(own.T @ own)
