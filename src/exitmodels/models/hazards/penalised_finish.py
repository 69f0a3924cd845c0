"""From a solution on standardised columns to results in the units of the data.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.kernels import coxcurves
from exitmodels.kernels.coxpath import cox_path, elastic_net_df
from exitmodels.kernels.partial import CoxTerms, cox_terms
from exitmodels.kernels.penalised import covariances, penalised_terms
from exitmodels.models.hazards.cox_fitted import Fitted, last_times
from exitmodels.models.hazards.penalised_results import PenalisedCoxResults
from exitmodels.models.hazards.penalised_rows import Prepared
from exitmodels.models.hazards.penalty import Penalty
from exitmodels.results.hypothesis import HypothesisTest

__all__ = ["Solution", "finish", "solve_lasso"]


@dataclass(frozen=True, eq=False)
class Solution:
    """Estimates on the standardised columns, the likelihood there, and whether the conditions for a maximum hold."""

    at: Floats
    terms: CoxTerms
    converged: bool
    violation: float


def solve_lasso(ready: Prepared, absolute: Floats, squared: Floats, strength: float, max_steps: int) -> Solution:
    """Solve at one strength, and evaluate the likelihood over all columns there."""
    path = cox_path(ready.data, absolute, squared, [strength], max_steps=max_steps)
    at = path.beta[0]
    return Solution(at, cox_terms(at, ready.data), bool(path.converged[0]), float(path.violation[0]) / ready.people)


def finish(
    ready: Prepared, solution: Solution, about: Penalty, ties: str, kind: str, penalty: Floats
) -> PenalisedCoxResults:
    """Bring a fit on standardised columns back to the columns as given.

    Parameters
    ----------
    penalty : (p, p), or (p,) for its diagonal
        The quadratic part of the penalty on the standardised columns.
    """
    terms, lasso = solution.terms, bool(about.mix)
    own = np.flatnonzero(solution.at != 0) if lasso else np.arange(len(solution.at))
    part, unit = np.ix_(own, own), np.outer(ready.scale[own], ready.scale[own])
    square = np.diag(penalty)[part] if penalty.ndim == 1 else penalty
    information = terms.information[part]
    inverse = covariances(information, square)[0] if len(own) else np.empty((0, 0))
    df = elastic_net_df(information, np.diag(square)) if lasso else float(np.sum(inverse * information))
    start = cox_terms(np.zeros(len(solution.at)), ready.data)
    rows = ready.rows
    fitted = Fitted(ready.data, rows, ready.design.cluster, ready.stratum, terms, start, at=solution.at)
    if not lasso:
        fitted = replace(fitted, penalised=lambda b, data: penalised_terms(b, data, square))
    statistic = 2 * (terms.value - start.value)
    test = HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=float(chdtrc(df, max(statistic, 0.0))) if df > 0 else 1.0,
        method="likelihood ratio test that all coefficients are zero, on effective degrees of freedom",
        ledger=rows.ledger,
        sources=("gray1992",),
    )
    result = PenalisedCoxResults(
        names=ready.names,
        estimate=solution.at / ready.scale,
        covariance=inverse / unit,
        vcov="none" if lasso else "model",
        llf=terms.value,
        llnull=start.value,
        nobs=rows.n,
        n_events=rows.n_events,
        converged=solution.converged,
        ledger=rows.ledger,
        method=f"Cox regression for {rows.causes[0]}, {ties.capitalize()} ties, {about}",
        sources=_sources(about, ties),
        outcome=str(rows.causes[0]),
        warnings=ready.notes,
        tests={} if lasso else {"likelihood ratio": test},
        model_covariance=inverse / unit,
        baseline=coxcurves.baseline(ready.data, terms),
        ties=ties,
        centre=ready.centre,
        scale=ready.scale,
        offset_centre=ready.offset_centre,
        kept=ready.kept,
        strata_labels=ready.strata_labels,
        until=last_times(rows, ready.stratum, len(ready.strata_labels)),
        design=ready.stored_design(),
        unit=rows.unit,
        fitted=fitted,
        penalty=about,
        information=information * unit,
        penalty_matrix=square * unit,
        df_effective=df,
        violation=solution.violation,
    )
    return result if kind in ("model", "none") else result.with_vcov(kind)


def _sources(about: Penalty, ties: str) -> tuple[str, ...]:
    papers: Sequence[str] = {
        "": (),
        "ridge": ("verweij_vanhouwelingen1994",),
        "lasso": ("tibshirani1997", "simon2011"),
        "elasticnet": ("zou_hastie2005", "simon2011"),
    }[about.kind]
    smooth = ("eilers_marx1996", "gray1992") if about.smooths else ()
    return ("cox1972", "efron1977" if ties == "efron" else "breslow1974", *papers, *smooth)
