"""Penalised Cox regression: ridge, lasso and elastic net at one strength, and penalised splines.

Third floor, in the room of hazards. `Cox.fit` comes here when its penalty is one
of these or its formula calls ``pspline()``.

Read next: penalised_results.py (what comes back), cox_path.py (many strengths).
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.linalg import clearly_independent
from exitmodels.kernels.partial import cox_terms
from exitmodels.kernels.smoothing import PenaltyTerm, smooth_maximum
from exitmodels.models.hazards.penalised_finish import Solution, finish, solve_lasso
from exitmodels.models.hazards.penalised_rows import (
    CONVENTIONS,
    Prepared,
    factors_of_columns,
    penalty_weights,
    prepare,
    refuse_dependent,
)
from exitmodels.models.hazards.penalty import Penalty
from exitmodels.shapes.smooth import has_smooth
from exitmodels.shapes.spells import Spells

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox import Cox
    from exitmodels.models.hazards.penalised_results import PenalisedCoxResults

__all__ = ["PENALTIES", "fit_penalised", "is_penalised", "mixture"]

PENALTIES = ("ridge", "lasso", "elasticnet")


def is_penalised(model: Cox) -> bool:
    """Whether a model belongs here."""
    return model.penalty in PENALTIES or has_smooth(model.formula)


def fit_penalised(model: Cox, spells: Spells) -> PenalisedCoxResults:
    """Fit a Cox model with a penalty of this file.

    Raises
    ------
    DataError
        For choices that do not go together, and as `Cox.fit`.
    """
    mix = mixture(model.penalty, model.mix)
    _check(model, mix)
    ready = prepare(spells, model.formula, model.event, model.ties, model.collinear)
    plain = ready.names[: ready.n_plain]
    factors = factors_of_columns(model.penalty_factors, plain, mix) if mix is not None else np.zeros(len(plain))
    strength = 0.0 if model.strength is None else float(model.strength)
    absolute, squared = penalty_weights(ready, factors, mix or 0.0, model.standardise, model.convention)
    bare = (absolute == 0) & (squared == 0) if strength > 0 else np.isfinite(absolute)
    refuse_dependent(ready, np.flatnonzero(bare))
    about = Penalty(
        kind=model.penalty or "",
        strength=model.strength,
        mix=mix,
        convention=model.convention,
        standardised=model.standardise,
        factors=tuple(float(f) for f in factors),
        smooths=ready.smooths,
    )
    kind = _variance(model, ready, bool(mix))
    if mix:
        solution = solve_lasso(ready, absolute, squared, strength, model.max_steps)
        return finish(ready, solution, about, model.ties, kind, strength * squared)
    return _quadratic(model, ready, strength * squared, about, kind)


def mixture(penalty: str | None, mix: float | None) -> float | None:
    """Share of the absolute values in the penalty: 1 lasso, 0 ridge, None without either."""
    if penalty not in PENALTIES:
        return None
    if penalty == "elasticnet":
        if mix is None or not 0 <= mix <= 1:
            raise DataError(
                f"mix={mix!r} is not between 0 and 1.", code="mix", hint="1 is the lasso, 0 is ridge; try 0.5."
            )
        return float(mix)
    if mix is not None:
        raise DataError(f'mix= belongs to penalty="elasticnet", not {penalty}.', code="mix", hint="Leave it out.")
    return 1.0 if penalty == "lasso" else 0.0


def _check(model: Cox, mix: float | None) -> None:
    """Refuse choices that do not go together."""
    smooth = has_smooth(model.formula)
    known = (
        ("ties", model.ties, ("efron", "breslow")),
        ("vcov", model.vcov or "model", ("model", "robust", "cluster")),
        ("collinear", model.collinear, ("raise", "drop")),
        ("convention", model.convention, CONVENTIONS),
    )
    for name, value, values in known:
        if value not in values:
            raise DataError(
                f"{name}={value!r} does not go with a penalty.", code=name, hint=f"One of {', '.join(values)}."
            )
    if mix is not None and (model.strength is None or not 0 <= float(model.strength) < np.inf):
        raise DataError(
            f"strength={model.strength!r}: a penalty needs a strength, 0 or more.",
            code="strength",
            hint="Give strength=, or let cross-validation choose it with CoxPath.",
        )
    if smooth and (mix or model.penalty == "firth"):
        raise DataError(
            f"pspline() and penalty={model.penalty!r} do not go together.",
            code="penalty",
            hint='Leave one out; ridge goes with pspline(), and bs() goes with penalty="lasso".',
        )
    if model.time_varying:
        raise DataError("A penalty and time_varying= do not go together.", code="penalty", hint="Leave one out.")


def _variance(model: Cox, ready: Prepared, lasso: bool) -> str:
    if lasso:
        if model.vcov is not None:
            raise DataError(
                "After a lasso there is no covariance to choose: columns were selected on these data.",
                code="vcov",
                hint="Leave vcov= out; fit.debiased() has limits.",
            )
        return "none"
    return model._kind(ready.rows, ready.design)


def _quadratic(model: Cox, ready: Prepared, squared: Floats, about: Penalty, kind: str) -> PenalisedCoxResults:
    """Ridge and smooth terms: a quadratic penalty, whose strength may have to be found."""
    width = len(ready.kept)
    fixed = np.zeros((width, width))
    fixed[range(len(squared)), range(len(squared))] = squared
    terms, place = [], ready.n_plain
    for smooth in ready.smooths:
        own = np.arange(place, place + smooth.width)
        place += smooth.width
        square = smooth.penalty / np.outer(ready.scale[own], ready.scale[own])
        wanted = smooth.df if isinstance(smooth.df, float) else None
        terms.append(
            PenaltyTerm(own, square, smooth.strength, wanted, smooth.df if isinstance(smooth.df, str) else None)
        )
    _identified(ready, terms, fixed)
    found = smooth_maximum(ready.data, terms, fixed, model.tol, model.max_steps)
    solution = Solution(found.best.at, found.best.terms.plain, found.best.converged, 0.0)
    about = about.with_strengths(tuple(float(s) for s in found.strengths))
    result = finish(ready, solution, about, model.ties, kind, found.penalty)
    return _warned(result, ready)


def _identified(ready: Prepared, terms: list[PenaltyTerm], fixed: Floats) -> None:
    """Refuse a smooth term beside its own column, or two that say the same."""
    if not terms:
        return
    first = cox_terms(np.zeros(len(fixed)), ready.data).information
    total = fixed.copy()
    for term in terms:
        size = np.trace(first[np.ix_(term.columns, term.columns)]) / np.trace(term.square)
        total[np.ix_(term.columns, term.columns)] += 1e-3 * size * term.square
    if not clearly_independent(first + total):
        raise DataError(
            "The smooth terms and the other columns say the same: a smooth term holds the straight line already.",
            column=ready.smooths[0].column,
            code="collinear",
            hint="Take the plain column out of the formula.",
        )


def _warned(result: PenalisedCoxResults, ready: Prepared) -> PenalisedCoxResults:
    """Say when a wanted number of degrees of freedom could not be had, or the search did not end."""
    notes = [] if result.converged else ["the search for the maximum did not converge"]
    had = result.term_df if ready.smooths else {}
    for smooth in ready.smooths:
        df = float(had[smooth.label])
        if isinstance(smooth.df, float) and abs(df - smooth.df) > 1e-3:
            notes.append(f"{smooth.label}: {smooth.df:g} degrees of freedom were asked for, {df:.3g} can be had")
    for note in notes:
        warnings.warn(note, ConvergenceWarning, stacklevel=4)
    return replace(result, warnings=(*result.warnings, *notes))
