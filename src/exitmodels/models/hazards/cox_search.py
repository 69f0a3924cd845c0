"""Searching for the maximum of a Cox likelihood: plain, exact, with changing effects, or penalised (Firth).

Third floor, in the room of hazards.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning
from exitmodels.kernels.exact_ties import exact_terms
from exitmodels.kernels.firth import firth_terms
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_data, cox_terms
from exitmodels.kernels.varying import Varying, varying_terms
from exitmodels.models.hazards.cox_checks import runaway, varies
from exitmodels.models.hazards.cox_prepare import Prepared

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox import Cox

__all__ = ["search"]

_WARM_ROWS = 40_000


def search(model: Cox, made: Prepared) -> tuple[Maximum[Any], list[str]]:
    """Maximum, and what there is to say about it."""
    return _firth(model, made.data) if model.penalty else _maximise(model, made)


def _likelihood(model: Cox, data: CoxData, varying: Varying | None) -> Callable[[Floats], Any]:
    """Value, gradient and information as a function of the coefficients."""
    if model.ties == "exact":
        return lambda b: exact_terms(b, data)
    if varying is not None:
        return lambda b: varying_terms(b, data, varying)
    return lambda b: cox_terms(b, data)


def _maximise(model: Cox, made: Prepared) -> tuple[Maximum[Any], list[str]]:
    plain = made.varying is None and model.ties != "exact"
    evaluate = _likelihood(model, made.data, made.varying)
    first = made.first if made.first is not None and plain else evaluate(np.zeros(len(made.names)))
    varies(first, made.data, made.spread, made.names)
    begin = _warm_start(made.data, first) if plain else np.zeros(len(made.names))
    tol = model.tol * max(1.0, float(np.sqrt(made.data.event_weight.sum())) / 10)
    best = newton(evaluate, begin, tol, model.max_steps, None if begin.any() else first)
    if begin.any():
        best = replace(best, start=first)
    notes = []
    endless = runaway(best, made.names)
    if endless or not best.converged:
        best = replace(best, converged=False)
        note = endless or f"no convergence after {best.n_steps} Newton steps"
        warnings.warn(note, ConvergenceWarning, stacklevel=4)
        notes.append(note)
    return best, notes


def _firth(model: Cox, data: CoxData) -> tuple[Maximum[CoxTerms], list[str]]:
    """Maximise the penalised likelihood; the terms kept are those of the plain one at that point."""
    zero = np.zeros(data.matrix.shape[1])
    # the information is not minus the Hessian here: steps shrink slowly, so the tolerance is far smaller
    found = newton(lambda b: firth_terms(b, data), zero, 1e-4 * model.tol, 10 * model.max_steps)
    start, end = found.start, firth_terms(found.at, data)
    notes = [] if found.converged else [f"no convergence after {found.n_steps} steps"]
    terms, begin = (replace(t.plain, value=t.value, gradient=t.gradient) for t in (end, start))
    return Maximum(found.at, terms, begin, found.step, found.converged, found.n_steps), notes


def _warm_start(data: CoxData, first: CoxTerms) -> Floats:
    """Solve on evenly spaced rows first, when there are many; the full data then need few steps."""
    n, p = data.matrix.shape
    step = min(16, n // _WARM_ROWS)
    if step < 4 or p == 0 or len(data.index.bounds) > 2 or len(data.index.event_rows) // step < 200 * p:
        return np.zeros(p)
    some = slice(None, None, step)
    weight = None if data.weight is None else data.weight[some]
    offset = None if data.offset is None else data.offset[some]
    small = cox_data(np.ascontiguousarray(data.matrix[some]), data.index.take(some), weight, offset, "breslow", True)
    best = newton(lambda b: cox_terms(b, small), np.zeros(p), 1e-3, 12)
    return best.at if best.converged else np.zeros(p)
