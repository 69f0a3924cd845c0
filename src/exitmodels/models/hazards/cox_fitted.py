"""The data behind a Cox fit: clusters, robust sums, tests and residuals of its rows.

Third floor, in the room of hazards. Results hold one `Fitted`; it is never saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxresiduals
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.optimise import Maximum
from exitmodels.kernels.partial import CoxData, CoxTerms
from exitmodels.kernels.varying import Varying, varying_residuals
from exitmodels.results.hypothesis import HypothesisTest, quadratic_test
from exitmodels.shapes.fitting import clusters_of, factor_of
from exitmodels.shapes.spells import Spells

__all__ = [
    "Fitted",
    "all_zero",
    "cluster_codes",
    "last_times",
    "robust_score",
    "row_residual",
    "two_ways",
    "zero_tests",
]


@dataclass(frozen=True, eq=False)
class Fitted:
    """The data of a fit, for residuals and other variances; never saved."""

    data: CoxData
    rows: Spells
    cluster: Ints | None
    stratum: Ints | None
    terms: CoxTerms | None = None
    start: CoxTerms | None = None
    second: Ints | None = None
    resampled: bool = False
    varying: Varying | None = None
    at: Floats | None = None
    penalised: Callable[[Floats, CoxData], Any] | None = None

    def units(self, kind: str) -> list[tuple[int, Floats, Ints | None]]:
        """Groupings of the rows whose squares make a robust variance: sign, factor of each row, cluster.

        Two-way clusters are those of each way added, less their crossing (Cameron, Gelbach & Miller 2011).
        """
        if kind == "cluster" or self.resampled:
            weight, cluster = self.rows.row_weight, clusters_of(self.rows, self.cluster)
            if self.second is not None:
                both = np.unique(cluster * (int(self.second.max()) + 1) + self.second, return_inverse=True)[1]
                return [(1, weight, cluster), (1, weight, self.second), (-1, weight, both.astype(np.int64))]
            return [(1, weight, cluster)]
        return [(1, factor_of(self.rows), None)]

    def score(self, terms: CoxTerms) -> Floats:
        """Score residuals of all rows, unweighted, on the scaled columns: (n, p)."""
        if self.varying is not None and self.at is not None:
            return varying_residuals(self.at, self.data, self.varying, terms)[1]
        return np.concatenate([block for _, block in coxresiduals.score_residuals(self.data, terms)])

    def middle(self, kind: str, terms: CoxTerms, at: Floats) -> Floats:
        """Sum of outer products of the score over rows or clusters, on the scaled columns."""
        total = np.zeros((len(at), len(at)))
        score = None if self.varying is None else varying_residuals(at, self.data, self.varying, terms)[1]
        for sign, factor, cluster in self.units(kind):
            if score is None:
                total += sign * coxresiduals.sandwich(self.data, terms, factor, cluster)
            else:
                own = score * factor[:, None]
                own = own if cluster is None else group_sum(own, cluster, int(cluster.max()) + 1)
                total += sign * own.T @ own
        return total


def row_residual(fitted: Fitted, terms: CoxTerms, kind: str) -> Floats:
    """Martingale, Cox-Snell or deviance residual of each row."""
    if fitted.varying is not None and fitted.at is not None:
        residual = varying_residuals(fitted.at, fitted.data, fitted.varying, terms)[0]
    else:
        residual = coxresiduals.martingale(fitted.data, terms)
    left = fitted.rows.event > 0
    expected: Floats = left - residual
    if kind == "martingale":
        return residual
    if kind == "cox-snell":
        return expected
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = residual + np.where(left, np.log(expected), 0.0)
    return np.sign(residual) * np.sqrt(np.maximum(-2 * inside, 0.0))


def cluster_codes(rows: Spells, cluster: Any) -> Ints:
    """Codes from a column name, or from one label per row."""
    if isinstance(cluster, str):
        return np.asarray(rows.groups(cluster)[0], dtype=np.int64)
    labels = np.asarray(cluster)
    if len(labels) != len(rows):
        raise DataError(
            f"{len(labels)} cluster labels were given for {len(rows)} rows.", code="length", hint="Give one per row."
        )
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def two_ways(cluster: Any, n: int) -> tuple[Any, Any] | None:
    """The two groupings, when `cluster` names two: a pair of columns, or of arrays of labels."""
    if isinstance(cluster, (list, tuple)) and len(cluster) == 2:
        if all(isinstance(c, str) for c in cluster) and n != 2:
            return cluster[0], cluster[1]
        if all(not isinstance(c, str) and np.ndim(c) == 1 for c in cluster):
            return cluster[0], cluster[1]
    return None


def robust_score(fitted: Fitted, kind: str) -> HypothesisTest:
    """Score test at zero with the variance taken from rows or clusters (Lin & Wei 1989)."""
    assert fitted.start is not None
    spread = fitted.middle(kind, fitted.start, np.zeros(len(fitted.start.gradient)))
    method = f"robust score test that all coefficients are zero, {kind} variance"
    return quadratic_test(fitted.start.gradient, spread, method, fitted.rows.ledger, ("lin_wei1989",))


def zero_tests(best: Maximum[Any], covariance: Floats, estimate: Floats, rows: Spells) -> dict[str, HypothesisTest]:
    """Three tests that all coefficients are zero, with the model-based variance."""
    start = best.start
    values = {
        "likelihood ratio": 2 * (best.terms.value - start.value),
        "Wald": float(estimate @ np.linalg.solve(covariance, estimate)),
        "score": float(start.gradient @ np.linalg.solve(start.information, start.gradient)),
    }
    return all_zero(values, len(estimate), rows, "cox1972")


def all_zero(values: Mapping[str, float], df: int, rows: Spells, source: str) -> dict[str, HypothesisTest]:
    """Chi-squared tests that all coefficients are zero; none without coefficients."""
    return {
        name: HypothesisTest(
            statistic=value,
            df=df,
            pvalue=float(chdtrc(df, value)),
            method=f"{name} test that all coefficients are zero",
            ledger=rows.ledger,
            sources=(source,),
        )
        for name, value in values.items()
        if df
    }


def last_times(rows: Spells, stratum: Ints | None, n_strata: int) -> tuple[float, ...]:
    """Last exit or censoring in each stratum."""
    if stratum is None:
        return (float(rows.exit.max()),)
    last = np.full(n_strata, -np.inf)
    np.maximum.at(last, stratum, rows.exit)
    return tuple(float(v) for v in last)
