"""From outcomes of known mean to a fitted regression: shared by pseudo-observations and direct binomial regression.

Third floor, in the room of hazards.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError
from exitmodels.kernels.meanregression import MeanData, MeanTerms, mean_fit, sandwich, spread_over
from exitmodels.models.hazards.moment_results import (
    HazardRatioResults,
    MeanDifferenceResults,
    MomentResults,
    OddsRatioResults,
    RatioResults,
)
from exitmodels.models.hazards.scaling import scaled_columns
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import clusters_of
from exitmodels.shapes.spells import Spells

__all__ = ["MomentFitted", "MomentSetup", "asked_times", "fit_moments"]

_CLASSES: dict[str, type[MomentResults]] = {
    "identity": MeanDifferenceResults,
    "log": RatioResults,
    "logit": OddsRatioResults,
    "cloglog": HazardRatioResults,
}


@dataclass(frozen=True, eq=False, kw_only=True)
class MomentSetup:
    """What is regressed on what, and in which words.

    Attributes
    ----------
    y : (n, m)
        Outcomes whose mean is regressed.
    extra : function of (columns, terms, setup)
        What the making of the outcomes adds to the influence of each row, (n, q); `columns` holds for each time
        what a residual is multiplied by, (n, q).
    kinds : tuple of str
        Variances that may be asked for; those that use `extra` are "corrected", or all but "naive" when
        "naive" is among them.
    """

    formula: str
    rows: Spells
    y: Floats
    times: Floats
    link: str
    falling: bool
    variance: str
    what: str
    method: str
    sources: tuple[str, ...]
    outcome: str
    cause: int
    kinds: tuple[str, ...]
    vcov: str | None
    extra: Callable[[Sequence[Floats], MeanTerms, Any], Floats]
    extra_sources: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MomentFitted:
    """The data of a fit, for other variances; never saved."""

    setup: MomentSetup
    data: MeanData
    terms: MeanTerms
    cluster: Ints | None
    recode: Floats

    def covariance(self, kind: str) -> Floats:
        """Covariance of the coefficients in the units given."""
        if kind not in self.setup.kinds:
            known = ", ".join(self.setup.kinds)
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {known}.")
        rows, cluster = self.setup.rows, None
        if kind.endswith("cluster"):
            cluster = np.unique(clusters_of(rows, self.cluster, kind), return_inverse=True)[1].astype(np.int64)
        parts = spread_over(self.terms.pull * (self.data.y - self.terms.mean), self.data.matrix)
        if kind.startswith("corrected") or ("naive" in self.setup.kinds and kind != "naive"):
            parts = parts + self.setup.extra(self._columns(), self.terms, self.setup)
        copies = rows.weights == "frequency" and cluster is None
        factor = np.sqrt(rows.row_weight) if copies else rows.row_weight
        inner = sandwich(self.terms.information, parts, factor, cluster)
        return np.asarray(self.recode @ inner @ self.recode.T)

    def _columns(self) -> list[Floats]:
        """For each time, what a residual is multiplied by."""
        out = []
        for m in range(self.data.y.shape[1]):
            alone = np.zeros_like(self.data.y)
            alone[:, m] = self.terms.pull[:, m]
            out.append(spread_over(alone, self.data.matrix))
        return out


def asked_times(times: Any) -> Floats:
    """Times as an ascending array, or an error that says they are needed."""
    if times is None:
        raise DataError("No time was given.", code="times", hint="Give times=, one or several.")
    asked = np.unique(np.atleast_1d(np.asarray(times, dtype=np.float64)))
    if not len(asked) or not np.isfinite(asked).all():
        raise DataError("The times are not finite numbers.", code="times", hint="Give times=, one or several.")
    return asked


def fit_moments(setup: MomentSetup) -> MomentResults:
    """Fit, and bring the coefficients back to the units given."""
    rows = setup.rows
    design = Design.of(setup.formula, rows.columns, labels=rows.labels)
    if design.strata is not None:
        raise FormulaError(
            "strata() has no meaning here: there is no baseline over time.",
            code="formula",
            hint="Put the column in as a covariate; use by= (or censoring=) where censoring differs between groups.",
        )
    n_events = _enough(setup, design)
    matrix, centre, scale = scaled_columns(design.names, design.matrix, rows.row_weight)
    offset = np.zeros(len(rows)) if design.offset is None else design.offset
    data = MeanData(setup.y, matrix, rows.row_weight, offset, setup.link, setup.falling, setup.variance)
    best = mean_fit(data)
    notes = _convergence(best.converged, best.n_steps)
    recode = _recode(len(setup.times), centre, scale)
    fitted = MomentFitted(setup, data, best.terms, design.cluster, recode)
    names = ("Intercept", *(f"time[{t:g}]" for t in setup.times[1:]), *design.names)
    kind = setup.vcov or ("cluster" if design.cluster is not None else "robust")
    result = _CLASSES[setup.link](
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
        method=setup.method,
        sources=setup.sources,
        outcome=setup.outcome,
        warnings=notes,
        times=setup.times,
        link=setup.link,
        falling=setup.falling,
        what=setup.what,
        unit=rows.unit,
        design=replace(design, matrix=np.empty((0, len(design.names))), cluster=None, offset=None),
        fitted=fitted,
    )
    return result.with_vcov(kind)


def _recode(m: int, centre: Floats, scale: Floats) -> Floats:
    """From coefficients of centred and scaled columns to those of the columns as given."""
    out = np.eye(m + len(centre))
    out[m:, m:] = np.diag(1 / scale)
    out[0, m:] = -centre / scale
    return out


def _convergence(converged: bool, n_steps: int) -> tuple[str, ...]:
    if converged:
        return ()
    note = (
        f"no convergence after {n_steps} steps: the link may not fit outcomes that are often near 0 or 1, or a group "
        "may have no exits; use another link or fewer columns"
    )
    warnings.warn(note, ConvergenceWarning, stacklevel=4)
    return (note,)


def _enough(setup: MomentSetup, design: Design) -> float:
    """Exits that count up to the last time; refuse none, and fewer than columns."""
    rows = setup.rows
    if len(rows) < 2:
        raise DataError("There is one row only.", code="one-row", hint="A regression compares people.")
    counts = (rows.event > 0) if setup.cause == 0 else (rows.event == setup.cause)
    early = np.asarray(counts & (rows.exit <= setup.times[-1]))
    if not early.any():
        raise DataError(
            f"Nobody left ({setup.outcome}) up to time {setup.times[-1]:g}.", code="no-events", hint="Check event=."
        )
    if np.count_nonzero(early) < len(design.names):
        raise DataError(
            f"There are {np.count_nonzero(early)} exits for {len(design.names)} columns.",
            code="few-events",
            hint="Use fewer columns, or a later time.",
        )
    copies = rows.weight is not None and rows.weights == "frequency"
    return float(rows.row_weight[early].sum()) if copies else float(np.count_nonzero(early))
