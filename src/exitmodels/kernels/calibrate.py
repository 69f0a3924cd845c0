"""Calibration of predicted risks: observed risk by group, and the line that would correct the predictions.

Ground floor. Observed risks are Aalen-Johansen estimates written as weighted means, so that the influence of
every row is at hand (ipcw.py); the line is fitted to pseudo-values on the scale log(-log(1 - risk)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.ipcw import Censoring, Known

__all__ = ["Line", "cloglog", "fit_line", "inverse_cloglog", "observed_risk", "quantile_groups", "risk_influence"]

_EDGE = 1e-10


def quantile_groups(values: Floats, weight: Floats, n_groups: int) -> Ints:
    """Cut values into groups of about equal weight; equal values stay together, and empty groups vanish."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    at = np.searchsorted(share, np.arange(1, n_groups) / n_groups - 1e-12)
    cuts = np.unique(values[order][np.minimum(at, len(values) - 1)])
    return np.unique(np.searchsorted(cuts, values, side="left"), return_inverse=True)[1]


def observed_risk(known: Known, weight: Floats, cause: int, group: Ints, n_groups: int) -> tuple[Floats, Floats]:
    """Weighted share that has left for `cause` in each group, and its size; the censoring must be by group."""
    size = np.bincount(group, weight, n_groups)
    return np.bincount(group, weight * known.weight * (known.event == cause), n_groups) / size, size


def risk_influence(
    known: Known, censoring: Censoring, weight: Floats, cause: int, group: Ints, risk: Floats, size: Floats
) -> Floats:
    """Influence of each row on the observed risk of its own group, (n,)."""
    terms = known.weight * (known.event == cause)
    whole = terms + censoring.adjoint(known.limit, weight * terms)
    return np.asarray((whole - risk[group]) / size[group])


def cloglog(risk: Floats) -> Floats:
    """log(-log(1 - risk)): a linear predictor of a hazard model; risks are kept 1e-10 away from 0 and 1."""
    inside = np.clip(risk, _EDGE, 1.0 - _EDGE)
    return np.log(-np.log1p(-inside))


def inverse_cloglog(line: Floats) -> Floats:
    """1 - exp(-exp(line))."""
    return -np.expm1(-np.exp(np.minimum(line, 30.0)))


@dataclass(frozen=True, eq=False)
class Line:
    """A fitted line with its influence.

    Attributes
    ----------
    estimate : (p,)
    influence : (n, p)
    converged : bool
    """

    estimate: Floats
    influence: Floats
    converged: bool


def fit_line(pseudo: Floats, columns: Floats, weight: Floats, offset: Floats | None = None, steps: int = 50) -> Line:
    """Solve sum w D (pseudo - mu) = 0 for mu = 1 - exp(-exp(offset + columns b)).

    Parameters
    ----------
    pseudo : (n,)
        Pseudo-values of a risk; they may lie outside [0, 1].
    columns : (n, p)

    Notes
    -----
    D is the derivative of mu over mu (1 - mu), the working variance. The influence is that of given
    pseudo-values. Source: Andersen, Klein & Rosthoj (2003); Klein & Andersen (2005).
    """
    base = np.zeros(len(pseudo)) if offset is None else offset
    at = np.zeros(columns.shape[1])
    start = cloglog(np.clip(np.average(pseudo, weights=weight), 1e-3, 1 - 1e-3)) - np.average(base, weights=weight)
    if offset is not None:
        at[0] = start
    else:
        at[-1] = 1.0
    slope, score, converged = np.eye(len(at)), np.zeros_like(columns), False
    for _ in range(steps):
        slope, score = _terms(at, pseudo, columns, weight, base)
        move = np.linalg.solve(slope, weight @ score)
        at = at + move / max(1.0, float(np.abs(move).max()))
        if np.abs(move).max() < 1e-10:
            converged = True
            break
    slope, score = _terms(at, pseudo, columns, weight, base)
    return Line(at, score @ np.linalg.inv(slope).T, converged)


def _terms(at: Floats, pseudo: Floats, columns: Floats, weight: Floats, base: Floats) -> tuple[Floats, Floats]:
    line = np.minimum(base + columns @ at, 3.5)
    rate = np.exp(line)
    mean = -np.expm1(-rate)
    ratio = rate / np.maximum(mean, 1e-300)
    score = columns * (ratio * (pseudo - mean))[:, None]
    curved = weight * ratio * rate * np.exp(-rate)
    return (columns * curved[:, None]).T @ columns, score
