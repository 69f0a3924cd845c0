"""Cox regression: proportional hazards, the baseline left free.

Third floor. Use it when covariates multiply the hazard of leaving. With several
reasons it models the cause-specific hazard of the chosen one.

Read next: cox_results.py (what comes back).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels import coxcurves
from exitmodels.kernels.firth import firth_terms
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.optimise import Maximum
from exitmodels.kernels.partial import cox_terms
from exitmodels.models.hazards.cox_fitted import Fitted, last_times, zero_tests
from exitmodels.models.hazards.cox_prepare import Prepared, prepare
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.models.hazards.cox_search import search
from exitmodels.models.hazards.penalised import PENALTIES, fit_penalised, is_penalised
from exitmodels.shapes.design import Design
from exitmodels.shapes.spells import Spells

__all__ = ["Cox"]

_TIES = ("efron", "breslow", "exact")
_VARIANCES = ("model", "robust", "cluster")
_WARM_ROWS = 40_000


@dataclass(frozen=True)
class Cox:
    """Proportional hazards regression.

    Parameters
    ----------
    formula : str
        Covariates, as in ``"age + C(unit) + strata(sex) + offset(logtime)"``; no left-hand side.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. Other exits are censored.
    ties : {"efron", "breslow", "exact"}
        How exits on the same day are treated. "exact" is the discrete likelihood (conditional logistic
        regression with one set per time): for times that are truly few, with model-based variance, and
        without residuals or curves.
    vcov : {"model", "robust", "cluster"}, optional
        Inverse information; infinitesimal jackknife over rows; over clusters (of the spells, or of a
        ``cluster()`` term). By default "model"; "robust" with sampling weights; "cluster" when the formula
        has ``cluster()``.
    collinear : {"raise", "drop"}
        What to do with columns that follow from others.
    penalty : {"firth", "ridge", "lasso", "elasticnet"}, optional
        "firth": half the log determinant of the information is added to the log-likelihood (Jeffreys' prior):
        finite estimates when the likelihood is monotone, less bias in small samples; `llf` is then penalised.
        The others shrink coefficients, and need `strength`; `CoxPath` chooses it by cross-validation.
        ``pspline(age, df=4)`` in the formula is a penalised spline, with or without a ridge penalty on the rest.
    time_varying : mapping, optional
        Effects that change with time: ``{"age": "log"}`` or ``{"age": lambda t: np.log(t + 20)}`` adds the column
        age times that function of time to the formula's age. Keys are columns of the design, or variables
        (all their columns); functions map times (k,) to (k,) or (k, m); "log", "identity" and "sqrt" are known.
    strength : float, optional
        Size of a ridge, lasso or elastic-net penalty.
    mix : float, optional
        Elastic net: share of the absolute values, 1 (lasso) to 0 (ridge).
    penalty_factors : mapping of str to float, optional
        Factor of a column's or term's penalty; 0 leaves it unpenalised, infinity takes it out. 1 by default.
    standardise : bool
        Penalise coefficients per standard deviation (default), or in the units given.
    convention : {"glmnet", "coxph"}
        What strength s means. "glmnet": log-likelihood / n - s (mix sum |b| + (1 - mix) sum b^2 / 2), factors
        rescaled to sum to the number of columns, standard deviations with divisor n. "coxph": log-likelihood
        - s sum b^2 / 2 (or s sum |b|), factors as given, divisor n - 1: the theta of R's coxph(ridge()).
    tol : float
        Stop when a Newton step is shorter than this many standard errors (times a tenth of the square root of
        the number of exits, when there are more than a hundred); that step is still taken.
    max_steps : int

    Notes
    -----
    Risk on (entry, exit]: start-stop rows and delayed entry are right as they stand. A row with frequency
    weight 3 gives exactly what three rows give; sampling weights give the pseudo-likelihood of Binder (1992)
    with robust variance. Effects that change with time are evaluated in each risk set at its own time;
    for a step function cut the spells instead (`Spells.split`) and let the effect differ by piece.

    Source: Cox (1972); Efron (1977); robust variance: Lin & Wei (1989).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 1, 6, 6, 8, 9], event=[1, 0, 1, 1, 0, 1],
    ...                    covariates={"x": [1, 1, 1, 0, 0, 0]})
    >>> fit = xm.Cox("x").fit(spells)
    >>> round(float(fit.params["x"]), 6)
    1.676857
    """

    formula: str
    event: Any = None
    ties: str = "efron"
    vcov: str | None = None
    collinear: str = "raise"
    penalty: str | None = None
    time_varying: Mapping[str, Any] | None = None
    strength: float | None = None
    mix: float | None = None
    penalty_factors: Mapping[str, float] | None = None
    standardise: bool = True
    convention: str = "glmnet"
    tol: float = 1e-9
    max_steps: int = 40

    def fit(self, spells: Spells) -> CoxResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        FormulaError, DataError
            For a formula that cannot be read; missing values; fewer exits than columns; constant or
            collinear columns; several causes and none chosen.

        Warns
        -----
        ConvergenceWarning
            When a coefficient runs to infinity (monotone likelihood), naming the column.
        """
        if is_penalised(self):
            return fit_penalised(self, spells)
        self._check_choices()
        spells.require_scheme("Cox")
        made = prepare(self, spells)
        best, notes = search(self, made)
        notes += [f"dropped, because other columns give it: {name}" for name in made.dropped]
        return _finish(self, made, best, tuple(notes))

    def _check_choices(self) -> None:
        choices = (
            ("ties", self.ties, _TIES),
            ("vcov", self.vcov or "model", _VARIANCES),
            ("collinear", self.collinear, ("raise", "drop")),
            ("penalty", self.penalty or "firth", ("firth", *PENALTIES)),
        )
        for name, value, known in choices:
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        if self.ties == "exact" and (self.penalty or self.time_varying or self.vcov in ("robust", "cluster")):
            raise DataError(
                'ties="exact" comes with constant effects, no penalty and model-based variance.',
                code="ties",
                hint='Use ties="efron", which is close to it unless most of those at risk leave together.',
            )
        if self.penalty and self.time_varying:
            raise DataError("A penalty and time_varying= do not go together.", code="penalty", hint="Leave one out.")

    def _kind(self, rows: Spells, design: Design) -> str:
        if self.vcov is not None:
            return self.vcov
        if design.cluster is not None:
            return "cluster"
        return "robust" if rows.weight is not None and rows.weights == "sampling" else "model"


def _finish(model: Cox, made: Prepared, best: Maximum[Any], notes: tuple[str, ...]) -> CoxResults:
    """Bring a fit on centred and scaled columns back to the columns as given."""
    rows, design, data, scale = made.rows, made.design, made.data, made.scale
    exact = model.ties == "exact"
    terms = cox_terms(best.at, replace(data, efron=False)) if exact else best.terms
    fitted = Fitted(
        data,
        rows,
        design.cluster,
        made.stratum,
        terms=None if exact else terms,
        start=None if exact else best.start,
        varying=made.varying,
        penalised=firth_terms if model.penalty else None,
        at=best.at,
    )
    estimate = best.at / scale
    inverse = symmetric_inverse(best.terms.information) / np.outer(scale, scale)
    penalty = float(np.sum(np.log(scale))) if model.penalty else 0.0
    result = CoxResults(
        names=made.names,
        estimate=estimate,
        covariance=inverse,
        vcov="model",
        llf=best.terms.value + penalty,
        llnull=best.start.value + penalty,
        nobs=rows.n,
        n_events=rows.n_events,
        converged=best.converged,
        ledger=rows.ledger,
        method=f"Cox regression for {rows.causes[0]}, {model.ties.capitalize()} ties"
        + (", Firth's penalty" if model.penalty else ""),
        sources=(
            "cox1972",
            {"efron": "efron1977", "breslow": "breslow1974", "exact": "gail1981"}[model.ties],
            *(("firth1993",) if model.penalty else ()),
        ),
        outcome=str(rows.causes[0]),
        warnings=notes,
        model_covariance=inverse,
        baseline=coxcurves.baseline(data, terms),
        ties=model.ties,
        varying=made.varying,
        centre=made.centre,
        scale=scale,
        offset_centre=0.0 if design.offset is None else float(np.mean(design.offset)),
        kept=tuple(made.keep),
        strata_labels=made.strata_labels,
        until=last_times(rows, made.stratum, len(made.strata_labels)),
        design=_emptied(made),
        unit=rows.unit,
        fitted=fitted,
        tests=zero_tests(best, inverse, estimate, rows),
    )
    kind = model._kind(rows, design)
    if kind != "model":
        sources = (
            *result.sources,
            "binder1992" if rows.weights == "sampling" and rows.weight is not None else "lin_wei1989",
        )
        result = replace(result.with_vcov(kind), sources=sources)
    return result


def _emptied(made: Prepared) -> Design:
    """The design without its rows, for coding new ones."""
    empty = np.empty((0, len(made.design.names)))
    return replace(made.design, names=made.names, matrix=empty, cluster=None, strata=None, offset=None)
