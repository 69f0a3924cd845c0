"""Refitting a Cox model on resampled rows: bootstrap and jackknife variances.

Third floor, in the room of hazards. The design is coded once; a sample is a
number of copies of each row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.optimise import newton
from exitmodels.kernels.partial import CoxData, cox_data, cox_terms
from exitmodels.models.hazards.cox_fitted import Fitted

__all__ = ["bootstrap_draws", "jackknife_covariance", "refit"]


def refit(
    data: CoxData,
    copies: Floats,
    start: Floats,
    replicas: bool,
    penalised: Callable[[Floats, CoxData], Any] | None = None,
) -> Floats | None:
    """Estimate on the scaled columns when each row counts `copies` times; None without a maximum.

    Parameters
    ----------
    copies : (n,)
        Factors of the rows' weights.
    start : (p,)
        Where to begin.
    replicas : bool
        Whether weights count people (else they are sampling weights).
    penalised : function of coefficients and data, optional
        What is maximised, when it is not the plain log partial likelihood.
    """
    rows = np.flatnonzero(copies > 0)
    weight = copies[rows] if data.weight is None else copies[rows] * data.weight[rows]
    index = data.index.take(rows)
    if index.n_times == 0:
        return None
    offset = None if data.offset is None else data.offset[rows]
    ties = "efron" if data.efron else "breslow"
    part = cox_data(np.ascontiguousarray(data.matrix[rows]), index, weight, offset, ties, replicas)
    try:
        if penalised is None:
            best = newton(lambda b: cox_terms(b, part), start, 1e-6, 15)
        else:
            best = newton(lambda b: penalised(b, part), start, 1e-6, 60)
    except np.linalg.LinAlgError:
        return None
    endless = bool(np.any(np.abs(best.step) > 1e-2))  # steps that stay long: a monotone likelihood
    return best.at if best.converged and not endless else None


def bootstrap_draws(
    fitted: Fitted,
    at: Floats,
    cluster: Ints | None,
    n: int,
    rng: np.random.Generator,
    tick: Callable[[int], None] | None = None,
) -> Floats:
    """Estimates (scaled columns) on n resamples of rows, of people counted by weights, or of clusters: (n, p)."""
    data, replicas = fitted.data, fitted.rows.weights == "frequency"
    draws = np.full((n, len(at)), np.nan)
    counted = cluster is None and data.weight is not None and replicas
    unit = np.arange(len(fitted.rows)) if cluster is None else cluster
    size = int(unit.max()) + 1
    for i in range(n):
        if counted and data.weight is not None:
            total = round(float(data.weight.sum()))
            copies = rng.multinomial(total, data.weight / data.weight.sum()) / data.weight
        else:
            copies = np.bincount(rng.integers(0, size, size), minlength=size)[unit].astype(np.float64)
        best = refit(data, copies, at, replicas, fitted.penalised)
        if best is not None:
            draws[i] = best
        if tick is not None:
            tick(i + 1)
    return draws


def jackknife_covariance(fitted: Fitted, at: Floats, cluster: Ints | None) -> Floats:
    """Covariance (scaled columns) from leaving out one row, one of its copies, or one cluster at a time.

    Source: Efron (1982), section 3; with weights that count people each of them is left out in turn.
    """
    data, replicas = fitted.data, fitted.rows.weights == "frequency"
    n = len(fitted.rows)
    unit = np.arange(n) if cluster is None else cluster
    counted = cluster is None and data.weight is not None and replicas
    times = data.weight if counted and data.weight is not None else np.ones(int(unit.max()) + 1)
    draws = np.empty((len(times), len(at)))
    for i, many in enumerate(times):
        copies = np.where(unit == i, 1 - 1 / many, 1.0)
        best = refit(data, copies, at, replicas, fitted.penalised)
        if best is None:
            raise DataError(
                f"Without {'row' if cluster is None else 'cluster'} {i} the likelihood has no maximum.",
                code="jackknife",
                hint='Use vcov="robust", the jackknife in the limit of small changes.',
            )
        draws[i] = best
    total = float(times.sum())
    away = draws - times @ draws / total
    return (total - 1) / total * (away * times[:, None]).T @ away
