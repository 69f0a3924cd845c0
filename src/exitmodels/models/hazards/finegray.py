"""Fine-Gray regression: covariates that act on the incidence of one cause among several.

Third floor. Use it when the question is how many will have left for a reason by a time, the other reasons being what
they are. For the rate of leaving among those still there, use Cox with the same event.

Read next: finegray_results.py (what comes back).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels import coxcurves
from exitmodels.kernels.linalg import clearly_independent, standardise, symmetric_inverse
from exitmodels.kernels.optimise import Maximum, newton
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_data, cox_terms
from exitmodels.kernels.stays import CONVENTIONS
from exitmodels.kernels.subdistribution import SubData, subdistribution
from exitmodels.kernels.varying import Varying
from exitmodels.models.hazards.cox_checks import enough, runaway, varies
from exitmodels.models.hazards.cox_fitted import last_times
from exitmodels.models.hazards.cox_prepare import centred, strata_of
from exitmodels.models.hazards.cox_time import changing
from exitmodels.models.hazards.finegray_fitted import FineGrayFitted, likelihood
from exitmodels.models.hazards.finegray_results import VARIANCES, FineGrayResults
from exitmodels.models.hazards.finegray_rows import Arranged, arrange, by_time, refuse_empty
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import independent, usable
from exitmodels.shapes.spells import Spells

__all__ = ["FineGray"]

_WARM_ROWS = 40_000


@dataclass(frozen=True)
class FineGray:
    """Proportional hazards of the subdistribution of one cause of exit.

    Parameters
    ----------
    formula : str
        Covariates, as in ``"age + C(unit) + strata(sex) + offset(z)"``; no left-hand side. Within ``strata()`` the
        baselines differ.
    event : label or list of labels
        The cause in question (several are taken as one); needed when the spells have several causes.
    ties : {"breslow", "efron"}
        How exits on the same day are treated. "breslow" is cmprsk's; "efron" what R's coxph does by default with
        the rows of finegray.
    weighting : {"fine-gray", "geskus"}, optional
        How those who left for other causes count on. "fine-gray": by the chance of not being censored; at one time
        those who leave are at risk of being censored (cmprsk). "geskus": at one time exits come before censorings
        and these before entries, and late entry is weighed for (R's finegray). By default "fine-gray", and
        "geskus" when people enter late.
    censoring : str or list of str, optional
        Columns whose values (crossed) have censoring distributions of their own; by default one for all.
    time_varying : mapping, optional
        Effects that change with time, as in `Cox`: ``{"age": "log"}`` or ``{"age": np.log}`` adds the column age
        times that function of time. They cost O(rows x event times) a step.
    id : str, optional
        Column that names the person, when stays are cut into rows that join end to start. Rows of one cluster that
        join and never overlap are taken for such pieces without it.
    vcov : {"robust", "cluster", "model", "cmprsk"}, optional
        Over rows (people, when stays are cut); over clusters (of the spells, or of a ``cluster()`` term); inverse
        information, which is too small or too large here and only for comparison; "cmprsk": "robust", but with
        several censoring groups the weights of a group move its own exits only, as cmprsk computes it. By default
        "cluster" when the formula has ``cluster()``, else "robust".
    known_weights : bool
        Take the weights as known in the variance (as coxph does with the rows of finegray), instead of estimated.
    collinear : {"raise", "drop"}
    tol : float
        As in `Cox`.
    max_steps : int

    Notes
    -----
    Assumes that censoring and late entry tell nothing about the exit that follows, within the groups of
    `censoring`. The likelihood is not that of the data, so `llf`, AIC and the likelihood ratio are descriptive;
    tests and limits use the robust variance. A row with frequency weight 3 gives exactly what three rows give.

    Source: Fine & Gray (1999); late entry: Geskus (2011); strata: Zhou, Latouche, Rocha & Fine (2011); clusters:
    Zhou, Fine, Latouche & Labopin (2012).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 3, 4, 5, 6, 7, 8], event=["a", "b", "a", "in", "b", "a", "in", "a"],
    ...                    censor="in", covariates={"x": [1, 0, 1, 1, 0, 0, 1, 0]})
    >>> fit = xm.FineGray("x", event="a").fit(spells)
    >>> round(float(fit.params["x"]), 4), round(float(fit.bse["x"]), 4)
    (1.2828, 0.9939)
    """

    formula: str
    event: Any = None
    ties: str = "breslow"
    weighting: str | None = None
    censoring: str | Sequence[str] | None = None
    time_varying: Mapping[str, Any] | None = None
    id: str | None = None
    vcov: str | None = None
    known_weights: bool = False
    collinear: str = "raise"
    tol: float = 1e-9
    max_steps: int = 40

    def fit(self, spells: Spells) -> FineGrayResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        FormulaError, DataError
            As `Cox.fit`; late entry with weighting="fine-gray"; rows of one person that do not join; a time at which
            nobody was left under observation though others entered later.

        Warns
        -----
        ConvergenceWarning
            When a coefficient runs to infinity (monotone likelihood), naming the column.
        """
        self._check_choices()
        spells.require_scheme("FineGray")
        kept = usable(spells, self.formula).complete(self.censoring).complete(self.id)
        rows, back = by_time(kept)
        target = rows.for_cause(self.event)
        design = Design.of(self.formula, rows.columns, labels=rows.labels)
        stratum, labels = strata_of(rows, design)
        arranged = arrange(rows, target, stratum, len(labels), self.weighting, self.censoring, self.id)
        matrix = design.matrix
        centre, scale, spread = standardise(matrix, rows.weight)
        data = self._data(arranged, matrix, rows, design)
        enough(target, design, data.cox.index)
        first = cox_terms(np.zeros(len(scale)), data.cox) if scale.all() else None
        keep = list(range(len(scale)))
        if first is None or not clearly_independent(first.information):
            keep = independent(design.names, matrix, scale, rows.weight, self.collinear)
        if len(keep) < len(scale):
            data = self._data(arranged, np.ascontiguousarray(matrix[:, keep]), rows, design)
            centre, scale, spread, first = centre[keep], scale[keep], spread[keep], None
        names, varying = tuple(design.names[j] for j in keep), None
        dropped = [f"dropped, because other columns give it: {n}" for n in design.names if n not in names]
        if self.time_varying:
            varying, products = changing(self.time_varying, names, data.cox.index)
            names, first = (*names, *products), None
            centre, scale, spread = (np.concatenate([v, v[varying.columns]]) for v in (centre, scale, spread))
            spread[len(keep) :] *= np.sqrt(np.mean(varying.steps**2, axis=0))
        if first is None:
            first = likelihood(np.zeros(len(names)), data, varying)
        best, notes = self._maximise(data, varying, first, spread, names)
        fitted = FineGrayFitted(
            data, target, back, design.cluster, arranged.person, stratum, self.ties, varying, best.at, best.terms, first
        )
        made = replace(
            design, names=names, matrix=np.empty((0, len(design.names))), cluster=None, strata=None, offset=None
        )
        frame = (centre, scale, float(np.mean(design.offset)) if design.offset is not None else 0.0)
        return self._finish(fitted, made, keep, frame, best, labels, (*notes, *dropped, *arranged.notes))

    def _check_choices(self) -> None:
        choices = (
            ("ties", self.ties, ("breslow", "efron")),
            ("weighting", self.weighting or "fine-gray", CONVENTIONS),
            ("vcov", self.vcov or "robust", VARIANCES),
            ("collinear", self.collinear, ("raise", "drop")),
        )
        for name, value, known in choices:
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")

    def _data(self, arranged: Arranged, matrix: Floats, rows: Spells, design: Design) -> SubData:
        copies = rows.weights == "frequency"
        offset = centred(design.offset)
        data = subdistribution(arranged.stays, matrix, rows.weight, offset, self.ties, copies)
        what = "of one censoring group" if arranged.stays.group is not None else "at all"
        refuse_empty(data.weights.clock, arranged.stays, what)
        return data

    def _maximise(
        self, data: SubData, varying: Varying | None, first: CoxTerms, spread: Floats, names: tuple[str, ...]
    ) -> tuple[Maximum[CoxTerms], tuple[str, ...]]:
        varies(first, data.cox, spread, names)
        begin = _warm_start(data.cox) if varying is None else np.zeros(len(names))
        tol = self.tol * max(1.0, float(np.sqrt(data.cox.event_weight.sum())) / 10)
        known = None if begin.any() else first
        best = newton(lambda b: likelihood(b, data, varying), begin, tol, self.max_steps, known)
        best = replace(best, start=first)
        endless = runaway(best, names).replace(' Merge levels, or use penalty="firth".', " Merge levels.")
        if not endless and best.converged:
            return best, ()
        note = endless or f"no convergence after {best.n_steps} Newton steps"
        warnings.warn(note, ConvergenceWarning, stacklevel=3)
        return replace(best, converged=False), (note,)

    def _finish(
        self,
        fitted: FineGrayFitted,
        design: Design,
        keep: list[int],
        frame: tuple[Floats, Floats, float],
        best: Maximum[CoxTerms],
        strata_labels: tuple[str, ...],
        notes: tuple[str, ...],
    ) -> FineGrayResults:
        """Bring a fit on centred and scaled columns back to the columns as given."""
        centre, scale, offset_centre = frame
        rows, convention = fitted.rows, fitted.data.stays.convention
        inverse = symmetric_inverse(best.terms.information) / np.outer(scale, scale)
        if not np.any(fitted.data.stays.status == 2):
            notes = (*notes, "nobody left for another cause, so this is Cox's model")
        result = FineGrayResults(
            names=design.names,
            estimate=best.at / scale,
            covariance=inverse,
            vcov="model",
            llf=best.terms.value,
            llnull=best.start.value,
            nobs=rows.n,
            n_events=rows.n_events,
            converged=best.converged,
            ledger=rows.ledger,
            method=f"Fine-Gray regression for {rows.causes[0]}, {self.ties.capitalize()} ties, {convention} weights",
            sources=_sources(convention, strata_labels, fitted),
            outcome=str(rows.causes[0]),
            warnings=notes,
            model_covariance=inverse,
            baseline=coxcurves.baseline(fitted.data.cox, best.terms),
            varying=fitted.varying,
            centre=centre,
            scale=scale,
            offset_centre=offset_centre,
            kept=tuple(keep),
            strata_labels=strata_labels,
            until=last_times(rows, fitted.stratum, len(strata_labels)),
            weighting=convention,
            design=design,
            unit=rows.unit,
            fitted=fitted,
            tests=_pseudo_test(best, rows),
        )
        kind = self.vcov or ("cluster" if fitted.cluster is not None else "robust")
        return result.with_vcov(kind, known_weights=self.known_weights)


def _sources(convention: str, strata_labels: tuple[str, ...], fitted: FineGrayFitted) -> tuple[str, ...]:
    more = (
        ("geskus2011", convention == "geskus"),
        ("zhou2011", len(strata_labels) > 1),
        ("zhou2012", fitted.cluster is not None),
    )
    return ("fine_gray1999", *(key for key, used in more if used))


def _pseudo_test(best: Maximum[CoxTerms], rows: Spells) -> dict[str, HypothesisTest]:
    """The ratio of pseudo-likelihoods, as cmprsk prints it; its law is only roughly chi-squared."""
    value, df = 2 * (best.terms.value - best.start.value), len(best.at)
    if not df:
        return {}
    test = HypothesisTest(
        statistic=value,
        df=df,
        pvalue=float(chdtrc(df, value)),
        method="pseudo likelihood ratio test that all coefficients are zero",
        ledger=rows.ledger,
        sources=("fine_gray1999",),
    )
    return {"pseudo likelihood ratio": test}


def _warm_start(data: CoxData) -> Floats:
    """Solve on evenly spaced rows first, when there are many; the full data then need few steps."""
    n, p = data.matrix.shape
    step = min(16, n // _WARM_ROWS)
    if step < 4 or p == 0 or len(data.index.bounds) > 2 or len(data.index.event_rows) // step < 200 * p:
        return np.zeros(p)
    some = slice(None, None, step)
    moment = data.index.moment[some]
    kept = np.zeros(data.index.n_times, dtype=bool)
    kept[moment[moment >= 0]] = True
    weight = None if data.weight is None else data.weight[some]
    offset = None if data.offset is None else data.offset[some]
    small = cox_data(np.ascontiguousarray(data.matrix[some]), data.index.take(some), weight, offset, "breslow", True)
    small = replace(small, beyond=None if data.beyond is None else data.beyond.take(some, kept))
    best = newton(lambda b: cox_terms(b, small), np.zeros(p), 1e-3, 12)
    return best.at if best.converged else np.zeros(p)
