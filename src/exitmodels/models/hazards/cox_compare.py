"""Likelihood-ratio comparison of nested Cox fits.

Third floor, in the room of hazards. That one model holds another is checked on
the numbers (each column of the smaller must follow from the larger), not on names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.optimise import newton
from exitmodels.kernels.partial import cox_terms
from exitmodels.models.hazards.cox_fitted import Fitted
from exitmodels.results.comparison import Comparison

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox_results import CoxResults

__all__ = ["added_terms", "compare"]


def added_terms(fit: CoxResults) -> Comparison:
    """Add the terms of the formula one after another."""
    fitted = _likelihood(fit)
    if fitted.varying is not None:
        raise DataError(
            "Terms are added one after another only when effects do not change with time.",
            code="anova",
            hint="Fit the smaller model too, and compare the two.",
        )
    terms: list[str] = []
    for name in fit.names:
        term = re.sub(r"\[[^\[\]]*\]", "", name)
        if term not in terms:
            terms.append(term)
    belongs = np.array([terms.index(re.sub(r"\[[^\[\]]*\]", "", name)) for name in fit.names])
    values, counts = [fit.llnull], [0]
    for t in range(len(terms)):
        columns = np.flatnonzero(belongs <= t)
        data = fitted.data
        part = type(data)(
            np.ascontiguousarray(data.matrix[:, columns]),
            data.index,
            data.weight,
            data.offset,
            data.count,
            data.share,
            data.event_weight,
            data.efron,
        )
        best = newton(lambda b, part=part: cox_terms(b, part), np.zeros(len(columns)), 1e-9, 40)  # type: ignore[misc]
        values.append(best.terms.value)
        counts.append(len(columns))
    return _comparison(fit, ("nothing", *(f"+ {term}" for term in terms)), values, counts)


def compare(*fits: CoxResults) -> Comparison:
    """Compare fits to the same rows, smallest first."""
    ordered = sorted(fits, key=lambda fit: len(fit.names))
    shapes = [_likelihood(fit) for fit in ordered]
    for small, large, a, b in zip(ordered, ordered[1:], shapes, shapes[1:], strict=False):
        _same_rows(a, b, small.ties, large.ties)
        _holds(small, large, a, b)
    names = tuple(fit.design.formula.text for fit in ordered)
    return _comparison(ordered[-1], names, [fit.llf for fit in ordered], [len(fit.names) for fit in ordered])


def _comparison(fit: CoxResults, names: tuple[str, ...], values: list[float], counts: list[int]) -> Comparison:
    return Comparison(
        names=names,
        llf=np.asarray(values),
        parameters=np.asarray(counts, dtype=float),
        method=f"Likelihood-ratio tests of nested models: {fit.method}",
        sources=fit.sources,
        ledger=fit.ledger,
    )


def _likelihood(fit: CoxResults) -> Fitted:
    if fit.fitted is None:
        return fit._data("A comparison")
    rows = fit.fitted.rows
    penalised = "penalty" in fit.method
    if fit.vcov != "model" or penalised or (rows.weight is not None and rows.weights == "sampling"):
        why = "a penalised" if penalised else f"a {fit.vcov}-variance" if fit.vcov != "model" else "a sampling-weighted"
        raise DataError(
            f"The likelihood of {why} fit is not that of independent rows, so its ratio has no chi-squared law.",
            code="anova",
            hint="Use fit.wald_test([...]), which uses the variance of the fit.",
        )
    return fit.fitted


def _same_rows(a: Fitted, b: Fitted, first: str, second: str) -> None:
    same = first == second and len(a.rows) == len(b.rows)
    same = same and np.array_equal(a.rows.labels, b.rows.labels) and np.array_equal(a.rows.event, b.rows.event)
    same = same and np.array_equal(a.rows.exit, b.rows.exit) and np.array_equal(_strata(a), _strata(b))
    if not same:
        raise DataError(
            f"The fits are not to the same rows ({len(a.rows)} and {len(b.rows)}), strata, events and ties.",
            code="anova",
            hint="Missing values may have set different rows aside; fit both to the same spells.",
        )


def _strata(fitted: Fitted) -> Floats:
    return np.zeros(len(fitted.rows)) if fitted.stratum is None else fitted.stratum.astype(float)


def _wide(fitted: Fitted) -> Floats:
    """Columns of the model at each exit, deviations from their means within strata of event times."""
    from exitmodels.kernels.varying import varying_events

    rows = fitted.data.index.event_rows
    return fitted.data.matrix[rows] if fitted.varying is None else varying_events(fitted.data, fitted.varying)


def _holds(small: CoxResults, large: CoxResults, a: Fitted, b: Fitted) -> None:
    """Refuse unless each column of the smaller follows from those of the larger (and a constant)."""
    plain = a.varying is None and b.varying is None
    inner, outer = (a.data.matrix, b.data.matrix) if plain else (_wide(a), _wide(b))
    outer = np.column_stack([np.ones(len(outer)), outer])
    left = inner - outer @ np.linalg.lstsq(outer, inner, rcond=None)[0] if inner.shape[1] else np.zeros((1, 0))
    away = np.sqrt(np.mean(left**2, axis=0)) > 1e-7
    if away.any() or len(small.names) == len(large.names):
        name = small.names[int(np.flatnonzero(away)[0])] if away.any() else small.names[0]
        raise DataError(
            f"The models are not nested: {name!r} does not follow from the columns of the other "
            f"({', '.join(large.names)})."
            if away.any()
            else "The two models have the same number of coefficients.",
            code="anova",
            hint="Compare such models by aic.",
        )
