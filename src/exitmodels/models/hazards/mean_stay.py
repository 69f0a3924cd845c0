"""Regression of the mean stay up to a horizon: how many days longer, for each unit of a covariate?

Third floor. Use it when hazards are not proportional, or when an answer in the unit of time is wanted. Without
covariates to adjust for, `rmst_difference` compares the areas under the curves of groups.

Read next: mean_stay_results.py (what comes back).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Ints
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError, SchemeError
from exitmodels.kernels.censoring import censoring
from exitmodels.kernels.restricted import RestrictedData, restricted_fit
from exitmodels.models.hazards.mean_stay_results import (
    VARIANCES,
    MeanStayDifferences,
    MeanStayFitted,
    MeanStayRatios,
)
from exitmodels.models.hazards.moment_results import MomentResults
from exitmodels.models.hazards.scaling import scaled_columns
from exitmodels.render.text import number
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["RMSTRegression"]

_CHOICES = {
    "outcome": ("stay", "lost"),
    "link": ("identity", "log"),
    "tied": ("exits-first", "censored-first"),
    "vcov": VARIANCES,
}


@dataclass(frozen=True)
class RMSTRegression:
    """Regression of the restricted mean stay, weighted for censoring.

    Parameters
    ----------
    formula : str
        Covariates, ``offset()`` and ``cluster()``.
    tau : float
        Horizon, in the unit of the spells.
    event : label, list of labels or "any", optional
        Which exits end a stay; needed when the spells have several causes.
    link : {"identity", "log"}
        Differences, or ratios, of means.
    outcome : {"stay", "lost"}
        The time spent up to tau, or the time lost before it.
    censoring : str or list of str, optional
        Columns within which the censoring law is estimated; by default one law for all.
    tied : {"exits-first", "censored-first"}
        Order of exits and censorings on the same day. "exits-first" is the order kept everywhere here; R's survRM2
        weighs by G(T) with those who leave on the day still at risk: "censored-first".
    vcov : {"robust", "cluster", "naive"}, optional
        "robust" and "cluster" account for the estimated censoring weights; "naive" takes them as known.

    Notes
    -----
    Assumes that censoring does not depend on the covariates within the groups of `censoring`. Exits for other causes
    count as censored. Source: Tian, Zhao & Wei (2014).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    >>> fit = xm.RMSTRegression("fin + age", tau=52).fit(spells)
    >>> fit.params.round(3).to_dict()
    {'Intercept': 40.075, 'fin': 1.894, 'age': 0.196}
    """

    formula: str
    tau: float
    event: Any = None
    link: str = "identity"
    outcome: str = "stay"
    censoring: str | Sequence[str] | None = None
    tied: str = "exits-first"
    vcov: str | None = None

    def fit(self, spells: Spells) -> MomentResults:
        """Weigh those followed to their exit or to tau, and regress.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded, or if people enter late.
        FormulaError, DataError
            For a tau beyond what a group of the censoring law has reached; a formula that cannot be read; constant
            or collinear columns; fewer exits than columns; several causes and none chosen.
        """
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        rows = self._rows(spells)
        design = Design.of(self.formula, rows.columns, labels=rows.labels)
        if design.strata is not None:
            raise FormulaError(
                "strata() has no meaning here: there is no baseline over time.",
                code="formula",
                hint="Put the column in as a covariate, and in censoring= where censoring differs.",
            )
        n_events = self._enough(rows, design)
        code, keys = rows.groups(self.censoring)
        self._followed(rows, code, [", ".join(f"{k}={v}" for k, v in key.items()) or "all" for key in keys])
        return self._solve(rows, design, n_events, code, len(keys))

    def _solve(self, rows: Spells, design: Design, n_events: float, code: Ints | None, n_groups: int) -> MomentResults:
        y = np.minimum(rows.exit, self.tau).astype(np.float64)
        cut = ~((rows.event > 0) | (y == self.tau))
        first, copies = self.tied == "exits-first", rows.weights == "frequency"
        law = censoring(y, cut, rows.row_weight, code, n_groups, first, copies)
        inverse = np.where(cut, 0.0, 1.0 / np.where(law.before > 0, law.before, 1.0))
        matrix, centre, scale = scaled_columns(design.names, design.matrix, rows.row_weight)
        wide = np.column_stack([np.ones(len(rows)), matrix])
        offset = np.zeros(len(rows)) if design.offset is None else design.offset
        goal = y if self.outcome == "stay" else self.tau - y
        data = RestrictedData(goal, wide, rows.row_weight, inverse, offset, self.link == "log")
        best = restricted_fit(data)
        recode = np.diag(np.concatenate([[1.0], 1 / scale]))
        recode[0, 1:] = -centre / scale
        fitted = MeanStayFitted(rows, data, best.terms.mean, law, design.cluster, recode)
        kind = self.vcov or ("cluster" if design.cluster is not None else "robust")
        names = ("Intercept", *design.names)
        words = f"mean {'stay' if self.outcome == 'stay' else 'time lost'} up to {number(self.tau)} {rows.unit}"
        made = (MeanStayRatios if self.link == "log" else MeanStayDifferences)(
            names=names,
            estimate=recode @ best.at,
            covariance=np.empty((len(names),) * 2),
            vcov=kind,
            llf=np.nan,
            llnull=np.nan,
            nobs=rows.n,
            n_events=n_events,
            converged=best.converged,
            ledger=rows.ledger,
            method=f"Regression of the {words}, weighted for censoring",
            sources=("tian2014",),
            outcome=str(rows.causes[0]),
            warnings=_notes(best.converged),
            times=np.array([float(self.tau)]),
            link=self.link,
            falling=False,
            what=words,
            unit=rows.unit,
            design=replace(design, matrix=np.empty((0, len(design.names))), cluster=None, offset=None),
            weighed=fitted,
        )
        return made.with_vcov(kind)

    def _rows(self, spells: Spells) -> Spells:
        spells.require_scheme("RMSTRegression")
        rows = usable(spells.for_cause(self.event).complete(self.censoring), self.formula)
        if not self.tau > 0:
            raise DataError(f"tau={self.tau:g} is not positive.", code="horizon", hint="Give a time after the origin.")
        late = np.flatnonzero(rows.entry > 0)
        if late.size:
            raise SchemeError(
                f"{late.size} people enter after time 0. Who is seen then depends on how long people stay, and weights "
                "for censoring do not mend that.",
                rows=rows.labels[late],
                code="delayed-entry",
                hint="Use rmst_difference, which takes delayed entry as it stands, or start from a landmark that all "
                "have reached: spells.landmark(at, reset=True).",
            )
        return rows

    def _enough(self, rows: Spells, design: Design) -> float:
        """Exits up to tau; refuse one row, no exits, and fewer exits than columns."""
        if len(rows) < 2:
            raise DataError("There is one row only.", code="one-row", hint="A regression compares people.")
        early = (rows.event > 0) & (rows.exit <= self.tau)
        count = int(np.count_nonzero(early))
        if count == 0:
            raise DataError(f"Nobody left up to {number(self.tau)}.", code="no-events", hint="Check event= and tau.")
        if count < len(design.names):
            raise DataError(
                f"There are {count} exits for {len(design.names)} columns.",
                code="few-events",
                hint="Use fewer columns, or a later tau.",
            )
        return float(rows.row_weight[early].sum()) if rows.weights == "frequency" else float(count)

    def _followed(self, rows: Spells, code: Ints | None, names: list[str]) -> None:
        """Refuse a tau that a group has not reached, while somebody of it was still there."""
        for g, name in enumerate(names):
            own = np.arange(len(rows)) if code is None else np.flatnonzero(code == g)
            last = float(rows.exit[own].max())
            if last < self.tau and not rows.event[own][rows.exit[own] == last].all():
                raise DataError(
                    f"tau={number(self.tau)} lies beyond {number(last)}, the last observed time of {name}.",
                    code="horizon",
                    hint=f"Give tau up to {number(last)}.",
                )


def _notes(converged: bool) -> tuple[str, ...]:
    if converged:
        return ()
    note = "no convergence: the log link may not fit means near zero; use the identity link or fewer columns"
    warnings.warn(note, ConvergenceWarning, stacklevel=5)
    return (note,)
