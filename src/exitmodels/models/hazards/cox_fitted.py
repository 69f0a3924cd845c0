"""The data behind a Cox fit: clusters, robust sums, tests and residuals of its rows.

Third floor, in the room of hazards. Results hold one `Fitted`; it is never saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import coxresiduals
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_data, cox_terms
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["Fitted", "cluster_codes", "last_times", "refit", "robust_score", "row_residual", "zero_tests"]


@dataclass(frozen=True, eq=False)
class Fitted:
    """The data of a fit, for residuals and other variances; never saved."""

    data: CoxData
    rows: Spells
    cluster: Ints | None
    stratum: Ints | None
    terms: CoxTerms | None = None
    start: CoxTerms | None = None

    def units(self, kind: str) -> tuple[Floats, Ints | None]:
        """Factor of each row before squaring, and its cluster."""
        weight = self.rows.row_weight
        cluster = self.cluster if self.cluster is not None else self.rows.cluster
        if kind == "cluster":
            if cluster is None:
                raise DataError(
                    'vcov="cluster" needs clusters.',
                    code="no-cluster",
                    hint="Read the spells with cluster=, or put cluster(column) in the formula.",
                )
            return weight, cluster
        return (np.sqrt(weight) if self.rows.weights == "frequency" else weight), None


def row_residual(fitted: Fitted, terms: CoxTerms, kind: str) -> Floats:
    """Martingale, Cox-Snell or deviance residual of each row."""
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


def robust_score(fitted: Fitted, kind: str) -> HypothesisTest:
    """Score test at zero with the variance taken from rows or clusters (Lin & Wei 1989)."""
    assert fitted.start is not None
    factor, cluster = fitted.units(kind)
    spread = coxresiduals.sandwich(fitted.data, fitted.start, factor, cluster)
    score = fitted.start.gradient
    value, df = float(score @ np.linalg.pinv(spread, hermitian=True) @ score), int(np.linalg.matrix_rank(spread))
    return HypothesisTest(
        statistic=value,
        df=df,
        pvalue=float(chdtrc(df, value)),
        method=f"robust score test that all coefficients are zero, {kind} variance",
        ledger=fitted.rows.ledger,
        sources=("lin_wei1989",),
    )


def zero_tests(
    best: Maximum[CoxTerms], covariance: Floats, estimate: Floats, rows: Spells
) -> dict[str, HypothesisTest]:
    """Three tests that all coefficients are zero, with the model-based variance."""
    p = len(estimate)
    start = best.start
    values = {
        "likelihood ratio": 2 * (best.terms.value - start.value),
        "Wald": float(estimate @ np.linalg.solve(covariance, estimate)),
        "score": float(start.gradient @ np.linalg.solve(start.information, start.gradient)),
    }
    return {
        name: HypothesisTest(
            statistic=value,
            df=p,
            pvalue=float(chdtrc(p, value)),
            method=f"{name} test that all coefficients are zero",
            ledger=rows.ledger,
            sources=("cox1972",),
        )
        for name, value in values.items()
        if p
    }


def last_times(rows: Spells, stratum: Ints | None, n_strata: int) -> tuple[float, ...]:
    """Last exit or censoring in each stratum."""
    if stratum is None:
        return (float(rows.exit.max()),)
    last = np.full(n_strata, -np.inf)
    np.maximum.at(last, stratum, rows.exit)
    return tuple(float(v) for v in last)


def refit(data: CoxData, copies: Floats, start: Floats, replicas: bool) -> Floats | None:
    """Estimate on the scaled columns when each row counts `copies` times; None without a maximum."""
    rows = np.flatnonzero(copies > 0)
    weight = copies[rows] if data.weight is None else copies[rows] * data.weight[rows]
    index = data.index.take(rows)
    if index.n_times == 0:
        return None
    offset = None if data.offset is None else data.offset[rows]
    ties = "efron" if data.efron else "breslow"
    part = cox_data(np.ascontiguousarray(data.matrix[rows]), index, weight, offset, ties, replicas)
    try:
        best = newton(lambda b: cox_terms(b, part), start, 1e-6, 15)
    except np.linalg.LinAlgError:
        return None
    return best.at if best.converged else None
