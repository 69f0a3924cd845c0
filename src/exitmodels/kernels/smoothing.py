"""How strong a quadratic penalty should be: by degrees of freedom, by AIC, or by restricted likelihood.

Ground floor. The penalty is sum s_j P_j over terms j; each s_j is either fixed
or found here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.optimise import Maximum
from exitmodels.kernels.partial import CoxData
from exitmodels.kernels.penalised import PenalisedTerms, block_df, covariances, penalised_maximum

__all__ = ["PenaltyTerm", "Smoothed", "smooth_maximum"]

_WIDEST = 18.0
_SWEEPS = 40


@dataclass(frozen=True, eq=False)
class PenaltyTerm:
    """One quadratic penalty s b'P b / 2 on some of the columns.

    Attributes
    ----------
    columns : (q,) int
    square : (q, q)
        P.
    strength : float or None
        s, when it is fixed.
    df : float or None
        Degrees of freedom wanted for these columns, when that decides s.
    criterion : {"aic", "reml"} or None
        What decides s otherwise.
    """

    columns: Ints
    square: Floats
    strength: float | None = None
    df: float | None = None
    criterion: str | None = None


@dataclass(frozen=True, eq=False)
class Smoothed:
    """The maximum, the strength of each term, and the whole penalty matrix."""

    best: Maximum[PenalisedTerms]
    strengths: Floats
    penalty: Floats


def smooth_maximum(
    data: CoxData, terms: Sequence[PenaltyTerm], fixed: Floats, tol: float = 1e-9, max_steps: int = 40
) -> Smoothed:
    """Maximise the penalised likelihood, and find the strengths that are not given.

    Parameters
    ----------
    fixed : (p, p)
        A penalty that is there in any case (zeros for none).

    Notes
    -----
    Wanted degrees of freedom: the root in log s at the present information, the fit at that root, and so on
    until both stand still. AIC is -2 l + 2 tr(H^-1 I); the restricted likelihood is Laplace's,
    l - b'P b / 2 + sum rank(P_j) log s_j / 2 - log|H| / 2; both are searched over log s, one term after another.
    Source: Gray (1992); Eilers & Marx (1996); Wood (2011).
    """
    search = _Search(data, terms, fixed, tol, max_steps)
    logs = np.array([search.begin(term) for term in terms])
    for _ in range(_SWEEPS):
        moved = 0.0
        for j, term in enumerate(terms):
            before, enough = logs[j], 1e-9
            if term.df is not None:
                logs[j] = search.by_df(logs, j, float(term.df))
            elif term.criterion is not None:
                logs[j], enough = search.by_criterion(logs, j, term.criterion), 1e-3
            moved = max(moved, abs(logs[j] - before) / enough)
        search.fit(logs)
        if moved < 1 or (len(terms) == 1 and terms[0].criterion is not None):
            break
    best = search.fit(logs)
    return Smoothed(best, np.exp(logs), search.matrix(logs))


@dataclass(eq=False)
class _Search:
    data: CoxData
    terms: Sequence[PenaltyTerm]
    fixed: Floats
    tol: float
    max_steps: int
    at: Floats | None = None
    best: Maximum[PenalisedTerms] | None = None

    def matrix(self, logs: Floats) -> Floats:
        out = self.fixed.copy()
        for log, term in zip(logs, self.terms, strict=True):
            out[np.ix_(term.columns, term.columns)] += np.exp(log) * term.square
        return out

    def fit(self, logs: Floats) -> Maximum[PenalisedTerms]:
        start = np.zeros(len(self.fixed)) if self.at is None else self.at
        self.best = penalised_maximum(self.data, self.matrix(logs), start, self.tol, self.max_steps)
        self.at = self.best.at
        return self.best

    def begin(self, term: PenaltyTerm) -> float:
        if term.strength is not None:
            return float(np.log(term.strength))
        size = np.trace(term.square) / len(term.columns)
        return float(np.log(max(float(self.data.event_weight.sum()), 1.0) / len(term.columns) / size))

    def by_df(self, logs: Floats, j: int, wanted: float) -> float:
        """Root of df_j(s) = wanted at the information of the present fit."""
        best = self.best if self.best is not None else self.fit(logs)
        information = best.terms.plain.information

        def short(log: float) -> float:
            trial = logs.copy()
            trial[j] = log
            pair = covariances(information, self.matrix(trial))
            return float(block_df(*pair, [self.terms[j].columns])[0]) - wanted

        centre = float(self.begin(self.terms[j]))
        low, high = centre - _WIDEST, centre + _WIDEST
        if short(low) < 0:
            return low
        if short(high) > 0:
            return high
        return float(brentq(short, low, high, xtol=1e-12, rtol=1e-14))

    def by_criterion(self, logs: Floats, j: int, criterion: str) -> float:
        centre = float(self.begin(self.terms[j]))

        def loss(log: float) -> float:
            trial = logs.copy()
            trial[j] = log
            return self.score(trial, criterion)

        return _lowest(loss, centre - 10.0, centre + 14.0)

    def score(self, logs: Floats, criterion: str) -> float:
        best, penalty = self.fit(logs), self.matrix(logs)
        information = best.terms.plain.information
        if criterion == "aic":
            inverse, _ = covariances(information, penalty)
            return -2 * best.terms.plain.value + 2 * float(np.sum(inverse * information))
        spread = np.sqrt(np.diag(information + penalty))
        scaled = (information + penalty) / np.outer(spread, spread)
        log_det = float(np.linalg.slogdet(scaled)[1] + 2 * np.log(spread).sum())
        ranks = np.array([np.linalg.matrix_rank(term.square) for term in self.terms])
        return -2 * best.terms.value - float(ranks @ logs) + log_det


def _lowest(loss: Callable[[float], float], low: float, high: float) -> float:
    """Lowest point over a grid, then refined between its neighbours: the criteria can have several dips."""
    grid = np.linspace(low, high, 13)
    heights = [loss(float(v)) for v in grid]
    i = int(np.argmin(heights))
    bounds = (float(grid[max(i - 1, 0)]), float(grid[min(i + 1, len(grid) - 1)]))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(found.x)
