"""Profile likelihood of a Cox fit: limits, tests of single coefficients, and the profile itself.

Third floor, in the room of hazards. Wald limits take the log-likelihood for a
parabola; in small samples, and near a monotone likelihood, it is not one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc, chdtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.exact_ties import exact_terms
from exitmodels.kernels.partial import cox_terms
from exitmodels.kernels.profile import Profile, profile_limit
from exitmodels.kernels.varying import varying_terms
from exitmodels.results.labels import labelled

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox_results import CoxResults

__all__ = ["likelihood_tests", "profile_limits"]

_REACH = 300.0


def profile_limits(result: CoxResults, names: str | Sequence[str] | None, alpha: float) -> Any:
    """Limits where the profile log-likelihood has fallen by half a chi-squared quantile: columns low, high."""
    evaluate, chosen = _ready(result, names)
    drop = float(chdtri(1, alpha)) / 2 if 0 < alpha < 1 else float("nan")
    if np.isnan(drop):
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
    at = result.estimate * result.scale
    errors = np.sqrt(np.diag(result.model_covariance)) * result.scale
    reach, top = _reach(result), float(evaluate(at).value)
    out = np.empty((len(chosen), 2))
    for i, j in enumerate(chosen):
        profile = _profile(result, evaluate, at, top, j)
        step = float(np.sqrt(2 * drop)) * float(errors[j])
        for k, side in enumerate((-1, 1)):
            out[i, k] = profile_limit(profile, drop, side, step, reach[j]) / result.scale[j]
    return labelled(out, [result.names[j] for j in chosen], ("low", "high"))


def likelihood_tests(result: CoxResults, names: str | Sequence[str] | None) -> Any:
    """Likelihood-ratio test of each coefficient, the others refitted: columns chi2, df, p."""
    evaluate, chosen = _ready(result, names)
    at = result.estimate * result.scale
    top = float(evaluate(at).value)
    rows = []
    for j in chosen:
        value = max(2 * (top - _profile(result, evaluate, at, top, j).point(0.0).value), 0.0)
        rows.append((value, 1.0, float(chdtrc(1, value))))
    return labelled(np.array(rows).reshape(-1, 3), [result.names[j] for j in chosen], ("chi2", "df", "p"))


def _profile(result: CoxResults, evaluate: Callable[[Floats], Any], at: Floats, top: float, j: int) -> Profile:
    """With Firth's penalty the information is not minus the Hessian: more and smaller steps."""
    assert result.fitted is not None
    slow = result.fitted.penalised is not None
    return Profile(evaluate, at, top, j, tol=1e-12 if slow else 1e-7, max_steps=400 if slow else 60)


def _ready(result: CoxResults, names: str | Sequence[str] | None) -> tuple[Callable[[Floats], Any], list[int]]:
    """The log-likelihood that was maximised, as a function on the scaled columns, and the columns asked for."""
    if result.fitted is None:
        result._data("A profile likelihood")
    fitted = result.fitted
    assert fitted is not None
    sampled = fitted.rows.weight is not None and fitted.rows.weights == "sampling"
    shrunken = hasattr(result, "penalty_matrix")
    if result.vcov != "model" or sampled or shrunken:
        found = "this fit has a penalty" if shrunken else f"this fit has {result.vcov} variance"
        raise DataError(
            "Profile limits rest on the likelihood of independent rows; "
            f"{'these rows have sampling weights' if sampled else found}.",
            code="profile",
            hint='Use conf_int(), or fit with vcov="model" if rows are independent.',
        )
    asked = list(result.names) if names is None else [names] if isinstance(names, str) else list(names)
    unknown = [name for name in asked if name not in result.names]
    if unknown:
        raise DataError(
            f"No coefficient is called {unknown[0]!r}.", code="names", hint=f"Known: {', '.join(result.names)}."
        )
    data, varying, penalised = fitted.data, fitted.varying, fitted.penalised
    if penalised is not None:
        return (lambda b: penalised(b, data)), [result.names.index(name) for name in asked]
    if result.ties == "exact":
        return (lambda b: exact_terms(b, data)), [result.names.index(name) for name in asked]
    if varying is not None:
        return (lambda b: varying_terms(b, data, varying)), [result.names.index(name) for name in asked]
    return (lambda b: cox_terms(b, data)), [result.names.index(name) for name in asked]


def _reach(result: CoxResults) -> Floats:
    """How far each coefficient (scaled columns) may go before ratios of risks leave the numbers of a computer."""
    assert result.fitted is not None
    matrix = result.fitted.data.matrix
    wide = np.ptp(matrix, axis=0)
    if result.fitted.varying is not None:
        steps = np.max(np.abs(result.fitted.varying.steps), axis=0)
        wide = np.concatenate([wide, wide[result.fitted.varying.columns] * np.maximum(steps, 1e-300)])
    return np.asarray(_REACH / np.maximum(wide, 1e-300))
