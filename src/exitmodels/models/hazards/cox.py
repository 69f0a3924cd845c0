"""Cox regression: proportional hazards, the baseline left free.

Third floor. Use it when covariates multiply the hazard of leaving. With several
reasons it models the cause-specific hazard of the chosen one.

Read next: cox_results.py (what comes back).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels import coxcurves
from exitmodels.kernels.exact_ties import exact_terms
from exitmodels.kernels.firth import firth_terms
from exitmodels.kernels.linalg import clearly_independent, cross_product, dependencies, standardise, symmetric_inverse
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_data, cox_terms
from exitmodels.kernels.risksets import RiskIndex, risk_index
from exitmodels.kernels.varying import Varying, varying_terms
from exitmodels.models.hazards.cox_checks import enough, explain, runaway, usable, varies
from exitmodels.models.hazards.cox_fitted import Fitted, last_times, zero_tests
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.models.hazards.cox_time import changing
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
        rows = usable(spells.for_cause(self.event), self.formula)
        design = Design.of(self.formula, rows.columns, labels=rows.labels)
        stratum, labels = _strata(rows, design)
        index = risk_index(rows.entry_or_none, rows.exit, rows.event > 0, stratum, len(labels))
        enough(rows, design, index)
        matrix = design.matrix
        centre, scale, spread = standardise(matrix, rows.weight)
        data = self._data(matrix, index, rows, design)
        first = cox_terms(np.zeros(matrix.shape[1]), data) if scale.all() else None
        keep = list(range(len(scale)))
        if first is None or not clearly_independent(first.information):
            keep = self._independent(design, matrix, scale, rows.weight)
        if len(keep) < len(scale):
            matrix = np.ascontiguousarray(matrix[:, keep])
            centre, scale, spread = centre[keep], scale[keep], spread[keep]
            data = self._data(matrix, index, rows, design)
            first = None
        names = tuple(design.names[j] for j in keep)
        dropped = [name for name in design.names if name not in names]
        varying = None
        if self.time_varying:
            varying, products = changing(self.time_varying, names, index)
            names = (*names, *products)
            centre, scale, spread = (np.concatenate([v, v[varying.columns]]) for v in (centre, scale, spread))
            spread[len(keep) :] *= np.sqrt(np.mean(varying.steps**2, axis=0))
        if first is None or varying is not None or self.ties == "exact":
            first = self._likelihood(data, varying)(np.zeros(len(names)))
        if self.penalty:
            best, notes = self._firth(data)
        else:
            best, notes = self._maximise(data, varying, first, spread, names)
        notes += [f"dropped, because other columns give it: {name}" for name in dropped]
        penalised = firth_terms if self.penalty else None
        fitted = Fitted(data, rows, design.cluster, stratum, varying=varying, penalised=penalised)
        kept_design = replace(
            design, names=names, matrix=np.empty((0, len(design.names))), cluster=None, strata=None, offset=None
        )
        offset_centre = float(np.mean(design.offset)) if design.offset is not None else 0.0
        frame = (centre, scale, offset_centre)
        kind = self._kind(rows, design)
        return _finish(self, rows, kept_design, keep, frame, best, fitted, labels, kind, tuple(notes))

    def _likelihood(self, data: CoxData, varying: Varying | None) -> Callable[[Floats], Any]:
        """Value, gradient and information as a function of the coefficients."""
        if self.ties == "exact":
            return lambda b: exact_terms(b, data)
        if varying is not None:
            return lambda b: varying_terms(b, data, varying)
        return lambda b: cox_terms(b, data)

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

    def _independent(self, design: Design, matrix: Floats, scale: Floats, weight: Floats | None) -> list[int]:
        """Columns that do not follow from others; refuse or drop the rest."""
        gram = cross_product(matrix, np.ones(len(matrix)) if weight is None else weight)
        gram[scale == 0, :] = gram[:, scale == 0] = 0.0
        found = dependencies(gram)
        if found and self.collinear == "raise":
            raise DataError(
                "; ".join(explain(design.names, d, scale) for d in found) + ".",
                column=design.names[found[0].column],
                code="collinear",
                hint='Take the column out of the formula, or give collinear="drop".',
            )
        gone = {d.column for d in found}
        return [j for j in range(len(scale)) if j not in gone]

    def _firth(self, data: CoxData) -> tuple[Maximum[CoxTerms], list[str]]:
        """Maximise the penalised likelihood; the terms kept are those of the plain one at that point."""
        zero = np.zeros(data.matrix.shape[1])
        # the information is not minus the Hessian here: steps shrink slowly, so the tolerance is far smaller
        found = newton(lambda b: firth_terms(b, data), zero, 1e-4 * self.tol, 10 * self.max_steps)
        start, end = found.start, firth_terms(found.at, data)
        notes = [] if found.converged else [f"no convergence after {found.n_steps} steps"]
        terms, begin = (replace(t.plain, value=t.value, gradient=t.gradient) for t in (end, start))
        return Maximum(found.at, terms, begin, found.step, found.converged, found.n_steps), notes

    def _data(self, matrix: Floats, index: RiskIndex, rows: Spells, design: Design) -> CoxData:
        copies = rows.weights == "frequency"
        if self.ties == "exact" and rows.weight is not None and not copies:
            raise DataError(
                "The exact likelihood counts people, and sampling weights do not.",
                code="ties",
                hint='Use ties="efron".',
            )
        return cox_data(matrix, index, rows.weight, _centred(design.offset), self.ties, copies)

    def _maximise(
        self, data: CoxData, varying: Varying | None, first: Any, spread: Floats, names: tuple[str, ...]
    ) -> tuple[Maximum[Any], list[str]]:
        varies(first, data, spread, names)
        plain = varying is None and self.ties != "exact"
        begin = _warm_start(data, first) if plain else np.zeros(len(names))
        terms = None if begin.any() else first
        tol = self.tol * max(1.0, float(np.sqrt(data.event_weight.sum())) / 10)
        best = newton(self._likelihood(data, varying), begin, tol, self.max_steps, terms)
        if begin.any():
            best = replace(best, start=first)
        notes = []
        endless = runaway(best, names)
        if endless or not best.converged:
            best = replace(best, converged=False)
            note = endless or f"no convergence after {best.n_steps} Newton steps"
            warnings.warn(note, ConvergenceWarning, stacklevel=3)
            notes.append(note)
        return best, notes


def _strata(rows: Spells, design: Design) -> tuple[Ints | None, tuple[str, ...]]:
    """Strata of the formula crossed with those of the spells."""
    if rows.stratum is None:
        return design.strata, design.strata_labels
    names = tuple(str(label) for label in rows.stratum_labels)
    if design.strata is None:
        return rows.stratum, names
    code = rows.stratum * len(design.strata_labels) + design.strata
    used, crossed = np.unique(code, return_inverse=True)
    labels = [f"{a}, {b}" for a in names for b in design.strata_labels]
    return crossed.astype(np.int64), tuple(labels[i] for i in used)


def _centred(offset: Floats | None) -> Floats | None:
    return None if offset is None else offset - float(np.mean(offset))


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


def _finish(
    model: Cox,
    rows: Spells,
    design: Design,
    keep: list[int],
    frame: tuple[Floats, Floats, float],
    best: Maximum[Any],
    fitted: Fitted,
    strata_labels: tuple[str, ...],
    kind: str,
    notes: tuple[str, ...],
) -> CoxResults:
    """Bring a fit on centred and scaled columns back to the columns as given."""
    centre, scale, offset_centre = frame
    estimate = best.at / scale
    inverse = symmetric_inverse(best.terms.information) / np.outer(scale, scale)
    penalty = float(np.sum(np.log(scale))) if model.penalty else 0.0
    exact = model.ties == "exact"
    terms = cox_terms(best.at, replace(fitted.data, efron=False)) if exact else best.terms
    result = CoxResults(
        names=design.names,
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
        baseline=coxcurves.baseline(fitted.data, terms),
        ties=model.ties,
        varying=fitted.varying,
        centre=centre,
        scale=scale,
        offset_centre=offset_centre,
        kept=tuple(keep),
        strata_labels=strata_labels,
        until=last_times(rows, fitted.stratum, len(strata_labels)),
        design=design,
        unit=rows.unit,
        fitted=replace(fitted, terms=None if exact else terms, start=None if exact else best.start, at=best.at),
        tests=zero_tests(best, inverse, estimate, rows),
    )
    if kind != "model":
        sources = (
            *result.sources,
            "binder1992" if rows.weights == "sampling" and rows.weight is not None else "lin_wei1989",
        )
        result = replace(result.with_vcov(kind), sources=sources)
    return result
