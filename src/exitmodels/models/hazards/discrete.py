"""Discrete-time hazards: the chance of leaving in each period, given presence at its start.

Third floor. Use it when time is recorded in whole periods (weeks, months, terms)
and ties are the rule, when the shape of the hazard itself is of interest, or to
model several reasons at once.

Read next: discrete_results.py (what comes back), discrete_periods.py (time to periods).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError
from exitmodels.kernels.discrete import LINKS, DiscreteData, DiscreteTerms, discrete_terms
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.models.hazards.discrete_frame import Frame, bounded_inverse, null_value, start
from exitmodels.models.hazards.discrete_periods import Periods, baseline_columns, collapse, fixed_hazards, to_periods
from exitmodels.models.hazards.discrete_results import (
    DiscreteFitted,
    DiscreteHazardRatios,
    DiscreteOddsRatios,
    DiscreteProbits,
    DiscreteResults,
)
from exitmodels.models.hazards.scaling import scaled_columns
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["DiscreteHazard"]

_VARIANCES = ("model", "robust", "cluster")
_CLASSES = {"logit": DiscreteOddsRatios, "cloglog": DiscreteHazardRatios, "probit": DiscreteProbits}


@dataclass(frozen=True)
class DiscreteHazard:
    """Regression of the hazard of each period.

    Parameters
    ----------
    formula : str
        Covariates, ``offset()`` and ``cluster()``. For an effect that changes with time, cut the spells first:
        ``spells.split(...)`` with a column name, and put the column in the formula.
    event : label, list of labels or "any", optional
        Which exits count; others are censored at the end of their period. Without it, spells with several causes
        are modelled together, by one multinomial regression.
    link : {"logit", "cloglog", "probit"}
        "logit": odds ratios of leaving in a period (several causes: against staying). "cloglog": hazard ratios
        of the proportional hazards model behind grouped times. Several causes need "logit".
    baseline : str
        "periods": one free coefficient for each period (and cause). Otherwise a formula of ``period``, the end
        of each period, such as ``"period + I(period**2)"`` or ``"bs(period, df=4)"``.
    breaks : sequence of float, optional
        Edges of the periods (b0, b1], (b1, b2], ... By default times are whole numbers and periods are units.
        Someone censored within a period is at risk up to the last whole one.
    vcov : {"model", "robust", "cluster"}, optional
        Inverse expected information; sandwich over rows, or over clusters. By default "model"; "robust" with
        sampling weights; "cluster" when the formula has ``cluster()``.
    tol : float
        Stop when a step is shorter than this many standard errors.
    max_steps : int

    Notes
    -----
    Same likelihood as a binary (multinomial) regression on person-periods, which are counted, never listed.
    Periods in which nobody leaves have hazard 0 and no coefficient. Delayed entry must be at the edge of a period.
    Source: Allison (1982); Prentice & Gloeckler (1978); Tutz & Schmid (2016).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    >>> fit = xm.DiscreteHazard("fin + age + prio", baseline="period + I(period**2)").fit(spells)
    >>> fit.params[["fin", "age", "prio"]].round(4).to_dict()
    {'fin': -0.3504, 'age': -0.0671, 'prio': 0.0978}
    """

    formula: str
    event: Any = None
    link: str = "logit"
    baseline: str = "periods"
    breaks: Sequence[float] | None = None
    vcov: str | None = None
    tol: float = 1e-11
    max_steps: int = 50

    def fit(self, spells: Spells) -> DiscreteResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        FormulaError, DataError
            For times that are no whole periods; entries within a period; a formula that cannot be read; missing
            values; fewer exits than columns; constant or collinear columns; several causes with another link.

        Warns
        -----
        ConvergenceWarning
            When the likelihood has no maximum (say, a level in which nobody leaves).
        """
        for name, value, known in (("link", self.link, LINKS), ("vcov", self.vcov or "model", _VARIANCES)):
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        spells.require_scheme("DiscreteHazard")
        rows = usable(self._chosen(spells), self.formula)
        design = Design.of(self.formula, rows.columns, labels=rows.labels)
        if design.strata is not None or rows.stratum is not None:
            raise FormulaError(
                "Strata have no place here: every period has a coefficient of its own.",
                code="formula",
                hint="Put the column in the formula as a covariate, or fit each stratum apart.",
            )
        periods = to_periods(rows, self.breaks)
        _enough(rows, design, periods)
        matrix, centre, scale = scaled_columns(design.names, design.matrix, rows.row_weight)
        frame = Frame(centre, scale, *baseline_columns(self.baseline, periods, len(rows.causes)))
        data, order = self._data(rows, matrix, design, periods, frame)
        best = newton(lambda b: discrete_terms(b, data), start(data), self.tol, self.max_steps)
        best = replace(best, terms=discrete_terms(best.at, data))
        null = null_value(data, self.tol, self.max_steps)
        return self._result(rows, design, periods, frame, data, order, best, null)

    def _chosen(self, spells: Spells) -> Spells:
        if self.event is not None or len(spells.causes) == 1:
            return spells.for_cause(self.event)
        if self.link != "logit":
            raise DataError(
                f"There are {len(spells.causes)} causes of exit; together they need the multinomial logit.",
                code="several-causes",
                hint='Use link="logit", or choose event= (others are then censored).',
            )
        return spells

    def _data(
        self, rows: Spells, matrix: Floats, design: Design, periods: Periods, frame: Frame
    ) -> tuple[DiscreteData, Ints]:
        offset = np.zeros(len(rows)) if design.offset is None else design.offset
        code, first = collapse(matrix, offset)
        order = np.argsort(code, kind="stable")
        cause = np.where(periods.counted, rows.event, 0)
        fixed = fixed_hazards(periods, cause, rows.row_weight, len(rows.causes), self.baseline == "periods")
        basis = tuple(f[:, on] for f, on in zip(frame.inner, self._active(fixed, frame), strict=True))
        data = DiscreteData(
            matrix[first],
            offset[first],
            code[order],
            periods.enters[order],
            periods.leaves[order],
            cause[order],
            rows.row_weight[order],
            basis,
            fixed,
            self.link,
        )
        return data, order

    def _active(self, fixed: Floats, frame: Frame) -> list[Bools]:
        """Columns of the period part that have a coefficient, for each cause."""
        if self.baseline == "periods":
            return [np.isfinite(own) for own in fixed]
        return [np.ones(len(names), dtype=bool) for names in frame.names]

    def _result(
        self,
        rows: Spells,
        design: Design,
        periods: Periods,
        frame: Frame,
        data: DiscreteData,
        order: Ints,
        best: Maximum[DiscreteTerms],
        null: float,
    ) -> DiscreteResults:
        active = self._active(data.fixed, frame)
        recode = frame.recode(active, data.sizes, self.baseline == "periods")
        causes = tuple(str(c) for c in rows.causes)
        head = [f"{c}: " if len(causes) > 1 else "" for c in causes]
        names = tuple(
            f"{head[a]}{name}"
            for a in range(len(causes))
            for name in (*np.asarray(frame.names[a], dtype=object)[active[a]], *design.names)
        )
        cluster = design.cluster if design.cluster is not None else rows.cluster
        fitted = DiscreteFitted(data, best.at, order, rows, cluster, recode, best.terms.information)
        sampled = rows.weight is not None and rows.weights == "sampling"
        kind = self.vcov or ("cluster" if design.cluster is not None else "robust" if sampled else "model")
        notes = _convergence(best, names, recode)
        what = causes[0] if len(causes) == 1 else f"{len(causes)} causes (multinomial)"
        result = _CLASSES[self.link](
            names=names,
            estimate=recode @ best.at,
            covariance=np.empty((len(names),) * 2),
            vcov="model",
            llf=best.terms.value,
            llnull=null,
            nobs=rows.n,
            n_events=float(rows.row_weight[(rows.event > 0) & periods.counted].sum())
            if not sampled
            else float(np.count_nonzero((rows.event > 0) & periods.counted)),
            converged=best.converged and not notes,
            ledger=rows.ledger,
            method=f"Discrete-time hazard ({self.link}) for {what}",
            sources=("prentice_gloeckler1978",)
            if self.link == "cloglog"
            else ("allison1982",)
            if len(causes) == 1
            else ("allison1982", "tutz_schmid2016"),
            outcome=", ".join(causes),
            warnings=(*periods.notes, *notes),
            link=self.link,
            causes=causes,
            time=periods.ends,
            basis=tuple(f[:, on] for f, on in zip(frame.given, active, strict=True)),
            fixed=data.fixed,
            covariates=design.names,
            free_baseline=self.baseline == "periods",
            person_periods=float(rows.row_weight @ (periods.leaves - periods.enters)),
            design=replace(design, matrix=np.empty((0, len(design.names))), cluster=None, offset=None),
            unit=rows.unit,
            fitted=fitted,
        )
        return result.with_vcov(kind)


def _convergence(best: Maximum[DiscreteTerms], names: tuple[str, ...], recode: Floats) -> tuple[str, ...]:
    """Name the coefficients that run away, if the likelihood has no maximum."""
    begin, end = (np.diag(recode @ bounded_inverse(terms.information) @ recode.T) for terms in (best.start, best.terms))
    moving = (end > 1e5 * begin) | (np.abs(recode @ best.step) > 1e-3)
    if best.converged and not moving.any():
        return ()
    which = [name for name, moves in zip(names, moving, strict=True) if moves]
    note = (
        f"The likelihood keeps rising as the coefficient of {', '.join(which[:6]) or 'some columns'} grows: everyone "
        "(or no one) with the higher value leaves. Its printed value and standard error mean nothing. Merge levels, "
        "or use a smoother baseline."
    )
    warnings.warn(note, ConvergenceWarning, stacklevel=4)
    return (note,)


def _enough(rows: Spells, design: Design, periods: Periods) -> None:
    events = np.count_nonzero((rows.event > 0) & periods.counted)
    if len(rows) < 2:
        raise DataError("There is one row only.", code="one-row", hint="A regression compares people.")
    if events == 0:
        raise DataError("Nobody left, so no hazard can be estimated.", code="no-events", hint="Check event=.")
    if events < len(design.names) * len(rows.causes):
        raise DataError(
            f"There are {events} exits for {len(design.names)} columns and {len(rows.causes)} cause(s).",
            code="few-events",
            hint="Use fewer columns.",
        )
