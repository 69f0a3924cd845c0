"""Proportional hazards when exits are only known to lie between two times.

Third floor. Read also: nonparametric/turnbull.py, the same without covariates.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.innermost import innermost, rank_ends
from exitmodels.kernels.intervalcox import IntervalRows, Profiled, climb, interval_rows, profile_curvature, profiled
from exitmodels.kernels.linalg import dependencies, standardise, symmetric_inverse
from exitmodels.models.hazards.cox_fitted import all_zero
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.between import between
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import independent, usable
from exitmodels.shapes.spells import Spells

__all__ = ["IntervalCox", "IntervalCoxResults"]

_VARIANCES = ("model", "profile", "robust", "cluster")


@dataclass(frozen=True, eq=False, kw_only=True)
class IntervalCoxResults(Regression):
    """A fitted proportional hazards model for intervals.

    Attributes
    ----------
    fitted : object
        Functions of the data behind other variances; not saved.
    """

    fitted: Fitted | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "hazard ratio"

    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Exponentiated coefficients with limits."""
        return self.ratios(alpha)

    def with_vcov(self, kind: str) -> IntervalCoxResults:
        """Return the same fit with another variance.

        Parameters
        ----------
        kind : {"model", "profile", "robust", "cluster"}
        """
        return self.with_covariance(unstored(self.fitted, "Another variance").covariance(kind), kind)


@dataclass(frozen=True, eq=False)
class Fitted:
    """The maximum, and the rows behind it."""

    best: Profiled
    strata: list[IntervalRows]
    members: list[Ints]
    scale: Floats
    copies: bool
    cluster: Ints | None

    def covariance(self, kind: str) -> Floats:
        if kind not in _VARIANCES:
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {', '.join(_VARIANCES)}.")
        if kind == "cluster" and self.cluster is None:
            raise DataError("There are no clusters.", code="no-cluster", hint="Read the spells with cluster=.")
        if kind == "profile":
            inverse = symmetric_inverse(profile_curvature(self.best, self.strata))
        else:
            inverse = symmetric_inverse(self.best.information)
        if kind in ("robust", "cluster"):
            inverse = inverse @ self._meat(kind == "cluster") @ inverse
        return inverse / np.outer(self.scale, self.scale)

    def _meat(self, by_cluster: bool) -> Floats:
        pushes = []
        for rows, score in zip(self.strata, self.best.scores, strict=True):
            root = np.sqrt(rows.weight) if self.copies and not by_cluster else rows.weight
            pushes.append(root[:, None] * score)
        push = np.concatenate(pushes)
        if by_cluster and self.cluster is not None:
            code = np.unique(self.cluster[np.concatenate(self.members)], return_inverse=True)[1]
            push = np.stack([np.bincount(code, column) for column in push.T], axis=1)
        return np.asarray(push.T @ push)


@dataclass(frozen=True)
class IntervalCox:
    """Proportional hazards regression for exits in (lower, upper], the baseline left free.

    Parameters
    ----------
    formula : str
        Covariates, as in ``"fin + age + strata(unit) + offset(x)"``; no left-hand side.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. Others are censored at `lower`.
    vcov : {"model", "profile", "robust", "cluster"}, optional
        "model": inverse of the information that the baseline does not take away. "profile": the same by second
        differences of the profile log-likelihood (Murphy & van der Vaart 2000). "robust", "cluster": sandwich of
        efficient scores over rows or clusters. By default "model"; "robust" with sampling weights; "cluster" with a
        ``cluster()`` term.
    tol : float
        Stop when a step is shorter than this many standard errors.
    max_steps : int

    Notes
    -----
    Right-censored rows, exact times, delayed entry and weights are as for `Turnbull`. Coefficients settle at the rate
    of the square root of n though the baseline does not (Huang 1996). With exact times only, this is the fit by the
    full likelihood, whose ties are exact in continuous time; it is near, not equal to, Efron's.
    No curves are predicted: their limits would need more than the coefficients.

    Source: Finkelstein (1986); Huang (1996); Pan (1999) for the pooling step.

    Examples
    --------
    >>> import numpy as np, exitmodels as xm
    >>> people = xm.datasets.rossi()
    >>> seen = 4 * ((people["week"] - 1) // 4)
    >>> people["lower"] = np.where(people["arrest"] == 1, seen, people["week"])
    >>> people["upper"] = np.where(people["arrest"] == 1, seen + 4, np.inf)
    >>> spells = xm.Spells.from_frame(people, lower="lower", upper="upper")
    >>> fit = xm.IntervalCox("fin + age + prio").fit(spells)
    >>> fit.params.round(3).tolist()
    [-0.345, -0.067, 0.096]
    """

    formula: str
    event: Any = None
    vcov: str | None = None
    tol: float = 1e-9
    max_steps: int = 50

    def fit(self, spells: Spells) -> IntervalCoxResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        FormulaError, DataError
            For a formula that cannot be read; missing values or limits; constant or collinear columns; fewer exits
            than columns.

        Warns
        -----
        ConvergenceWarning
            When a coefficient runs to infinity, naming the column.
        """
        spells.require_scheme("IntervalCox", intervals=True)
        if self.vcov is not None and self.vcov not in _VARIANCES:
            raise DataError(f"vcov={self.vcov!r} is not known.", code="vcov", hint=f"One of {', '.join(_VARIANCES)}.")
        rows = usable(spells, self.formula)
        chosen = rows.for_cause(self.event)
        design = Design.of(self.formula, rows.columns, labels=rows.labels)
        seen = between(rows, chosen.event)
        known = np.isfinite(seen.upper)
        _enough(rows, design.names, known, chosen)
        matrix = design.matrix.copy()
        _, scale, _ = standardise(matrix, rows.weight)
        independent(design.names, matrix, scale, rows.row_weight)
        offset = None if design.offset is None else design.offset - float(np.mean(design.offset))
        strata, members = [], list(_members(rows, design))
        for own in members:
            ends = rank_ends(seen.lower[own], seen.upper[own], None if seen.entry is None else seen.entry[own])
            part = None if offset is None else offset[own]
            strata.append(interval_rows(innermost(ends), rows.row_weight[own], matrix[own], part))
        start = profiled(np.zeros(len(design.names)), strata)
        _informed(start, design.names, rows.n)
        best, steps = climb(start, strata, self.tol, self.max_steps)
        notes = self._notes(best, start, steps, design.names)
        cluster = design.cluster if design.cluster is not None else rows.cluster
        fitted = Fitted(best, strata, members, scale, rows.weights == "frequency", cluster)
        kind = self._kind(rows, design)
        return IntervalCoxResults(
            names=design.names,
            estimate=best.beta / scale,
            covariance=fitted.covariance(kind),
            vcov=kind,
            llf=best.value,
            llnull=start.value,
            nobs=rows.n,
            n_events=float(rows.row_weight[known].sum() if rows.weights == "frequency" else known.sum()),
            converged=not notes,
            ledger=rows.ledger,
            method=f"Proportional hazards for intervals, {chosen.causes[0]}",
            sources=("finkelstein1986", "huang1996", "pan1999", *(("murphy_vaart2000",) if kind == "profile" else ())),
            outcome=str(chosen.causes[0]),
            warnings=tuple(notes),
            fitted=fitted,
            tests=_tests(best, start, rows),
        )

    def _kind(self, rows: Spells, design: Design) -> str:
        if self.vcov is not None:
            return self.vcov
        if design.cluster is not None:
            return "cluster"
        return "robust" if rows.weight is not None and rows.weights == "sampling" else "model"

    def _notes(self, best: Profiled, start: Profiled, steps: int, names: Sequence[str]) -> list[str]:
        notes = []
        shrunk = np.diag(best.information) < 1e-5 * np.diag(start.information)
        if shrunk.any():
            columns = ", ".join(name for name, flat in zip(names, shrunk, strict=True) if flat)
            notes.append(
                f"The likelihood keeps rising as the coefficient of {columns} grows (monotone likelihood); its printed "
                "value and standard error mean nothing. Merge levels, or leave the column out."
            )
        elif steps > self.max_steps or not best.converged:
            notes.append(f"no convergence after {min(steps, self.max_steps)} steps")
        for note in notes:
            warnings.warn(note, ConvergenceWarning, stacklevel=3)
        return notes


def _members(rows: Spells, design: Design) -> list[Ints]:
    """Rows of each stratum: those of the formula crossed with those of the spells."""
    parts = [code for code in (rows.stratum, design.strata) if code is not None]
    if not parts:
        return [np.arange(len(rows))]
    code = np.unique(np.stack(parts), axis=1, return_inverse=True)[1].ravel()
    return [np.flatnonzero(code == value) for value in range(int(code.max()) + 1)]


def _enough(rows: Spells, names: Sequence[str], known: Any, chosen: Spells) -> None:
    count = int(np.count_nonzero(known))
    if count == 0:
        raise DataError(
            f"Nobody is known to have left for {chosen.causes[0]}.", code="no-events", hint="Check event= and upper."
        )
    if not names:
        raise DataError("The formula has no covariates.", code="no-columns", hint="Use xm.Turnbull for a curve.")
    if len(rows) < 2 or count < len(names):
        raise DataError(
            f"There are {count} exits for {len(names)} columns ({', '.join(names[:8])}).",
            code="few-events",
            hint="Use fewer columns; ten exits for each is a common rule of thumb.",
        )


def _informed(start: Profiled, names: Sequence[str], size: float) -> None:
    """Refuse columns about which the intervals say nothing."""
    flat = np.diag(start.information) <= 1e-10 * size
    found = [name for name, none in zip(names, flat, strict=True) if none]
    found = found or [names[d.column] for d in dependencies(start.information, 1e-10)]
    if found:
        raise DataError(
            "The intervals of people who differ in it overlap so far (or it differs only between strata, or follows "
            "there from other columns) that its effect cannot be seen.",
            column=found[0],
            code="no-variation",
            hint="Take it out of the formula.",
        )


def _tests(best: Profiled, start: Profiled, rows: Spells) -> dict[str, HypothesisTest]:
    values = {
        "likelihood ratio": 2 * (best.value - start.value),
        "Wald": float(best.beta @ best.information @ best.beta),
        "score": float(start.gradient @ np.linalg.solve(start.information, start.gradient)),
    }
    return all_zero(values, len(best.beta), rows, "finkelstein1986")
