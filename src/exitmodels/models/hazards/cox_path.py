"""Many columns, few exits: lasso, elastic-net and ridge paths, and a strength chosen by cross-validation.

Third floor, in the room of hazards. Use it to predict, or to find the few
columns that matter for prediction; not to test which of them have an effect.

Read next: cox_path_results.py (what comes back), kernels/coxpath.py (how).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.coxpath import PathFit, cox_path, largest_strength
from exitmodels.kernels.folds import deal_folds
from exitmodels.kernels.linalg import standardise
from exitmodels.kernels.partial import CoxData, cox_data, cox_terms, cox_value
from exitmodels.kernels.penalised import saturated
from exitmodels.models.hazards.cox_fitted import cluster_codes
from exitmodels.models.hazards.cox_path_results import CoxPathResults, Validation
from exitmodels.models.hazards.penalised_rows import (
    Prepared,
    factors_of_columns,
    penalty_weights,
    prepare,
    refuse_dependent,
)
from exitmodels.shapes.smooth import has_smooth
from exitmodels.shapes.spells import Spells

__all__ = ["CoxPath"]

_SATURATED = 0.99
_FLAT = 1e-4
_ROUGH = 1e-4


@dataclass(frozen=True)
class CoxPath:
    """Cox regression along a path of penalties, with cross-validation.

    Minimises, for each strength s, minus the log partial likelihood divided by n, plus
    s (mix sum f |b| + (1 - mix) sum f b^2 / 2) over coefficients b per standard deviation: the conventions of
    the R package glmnet (standard deviations with divisor n; factors f rescaled to sum to the number of columns).

    Parameters
    ----------
    formula : str
        As in `Cox`; strata(), offset() and cluster() are understood. There may be more columns than exits.
    event : label, list of labels or "any", optional
    mix : float
        1 (lasso, default) to 0 (ridge).
    ties : {"breslow", "efron"}
        "breslow" as glmnet has it. (`Cox` has "efron" by default.)
    strengths : sequence of float, optional
        By default `n_strengths` from the smallest that sets every penalised coefficient to zero down to
        `ratio` times it, evenly spaced in logs.
    n_strengths : int
    ratio : float, optional
        By default 0.0001; 0.01 when there are fewer rows than columns. The path ends early when 99 % of the
        deviance is explained, or when four strengths gain less than 0.0001 of what all before them gained.
    penalty_factors : mapping of str to float, optional
        By column or term: 0 leaves it unpenalised, infinity takes it out.
    standardise : bool
        Penalise coefficients per standard deviation; else in the units given.
    folds : int, str, sequence, or None
        Number of folds; a column, or one label per row, that names the fold of each row; None for no
        cross-validation. Rows of a cluster stay together when folds are made here, exits are shared evenly.
    choose : {"min", "1se"}
        The strength with the smallest cross-validated deviance, or the largest within one standard error of it.
    rng : numpy Generator or seed
        Deals the folds; needed when `folds` is a number.
    collinear : {"raise", "drop"}
        What to do with constant columns. Columns that follow from others are allowed: the penalty chooses.
    max_steps : int

    Notes
    -----
    Cross-validation is that of Verweij & van Houwelingen (1993), glmnet's ``grouped=TRUE``: the log-likelihood
    of all rows less that of the rows kept, both at the coefficients from the rows kept. Columns are
    standardised anew in each fold. A row with frequency weight 3 is three people, who stay in one fold.

    glmnet breaks ties between an exit and a censoring by adding 2e-14 to the censored time, which is lost in
    rounding beyond about 250 units: results differ then by what those rows add to the risk sets. Here
    censorings follow exits at every time.

    Source: Simon, Friedman, Hastie & Tibshirani (2011).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    >>> path = xm.CoxPath("fin + age + race + wexp + mar + paro + prio", rng=1).fit(spells)
    >>> path.chosen.active
    ('fin', 'age', 'race', 'wexp', 'mar', 'prio')
    """

    formula: str
    event: Any = None
    mix: float = 1.0
    ties: str = "breslow"
    strengths: Sequence[float] | None = None
    n_strengths: int = 100
    ratio: float | None = None
    penalty_factors: Mapping[str, float] | None = None
    standardise: bool = True
    folds: Any = 10
    choose: str = "min"
    rng: np.random.Generator | int | None = None
    collinear: str = "raise"
    max_steps: int = 60

    def fit(self, spells: Spells) -> CoxPathResults:
        """Fit the path.

        Raises
        ------
        DataError
            For choices out of range, folds without exits elsewhere, constant columns, and as `Cox.fit`.
        """
        self._check()
        ready = prepare(spells, self.formula, self.event, self.ties, self.collinear)
        factors = factors_of_columns(self.penalty_factors, ready.names, self.mix)
        absolute, squared = penalty_weights(ready, factors, self.mix, self.standardise, "glmnet")
        refuse_dependent(ready, np.flatnonzero(factors == 0))
        strengths = self._strengths(ready, absolute, squared)
        null, top = cox_value(np.zeros(len(ready.kept)), ready.data), saturated(ready.data)
        enough = null + _SATURATED * (top - null) if self.strengths is None else np.inf
        flat = _FLAT if self.strengths is None else 0.0
        found = cox_path(ready.data, absolute, squared, strengths, max_steps=self.max_steps, enough=enough, flat=flat)
        strengths = strengths[: len(found.value)]
        result = self._results(ready, factors, strengths, found, (null, top))
        if self.folds is None:
            return result
        fold = self._folds(ready)
        validation = self._validate(ready, factors, strengths, fold)
        return result.validated(validation, self.choose)

    def _check(self) -> None:
        rules = {
            f"mix={self.mix!r} is not between 0 and 1": 0 <= self.mix <= 1,
            f"ties={self.ties!r} is not breslow or efron": self.ties in ("breslow", "efron"),
            f"choose={self.choose!r} is not min or 1se": self.choose in ("min", "1se"),
            f"collinear={self.collinear!r} is not raise or drop": self.collinear in ("raise", "drop"),
            f"n_strengths={self.n_strengths!r} is not a whole number above 1": isinstance(self.n_strengths, int)
            and self.n_strengths > 1,
            f"ratio={self.ratio!r} is not between 0 and 1": self.ratio is None or 0 < self.ratio < 1,
            "a strength is negative or not finite": self.strengths is None
            or (len(self.strengths) > 0 and bool(np.all(np.isfinite(self.strengths)) and min(self.strengths) >= 0)),
        }
        broken = [rule for rule, kept in rules.items() if not kept]
        if broken:
            raise DataError(f"{broken[0]}.", code="choice", hint="See the documentation of CoxPath.")
        if has_smooth(self.formula):
            raise DataError(
                "pspline() has its own penalty, and a path has another.",
                code="penalty",
                hint="Use bs() in a path, or pspline() in Cox.",
            )

    def _strengths(self, ready: Prepared, absolute: Floats, squared: Floats) -> Floats:
        """The path: given, or from the first strength at which everything is zero."""
        if self.strengths is not None:
            return np.unique(np.asarray(self.strengths, dtype=float))[::-1].copy()
        per_column, _ = penalty_weights(
            ready, factors_of_columns(self.penalty_factors, ready.names, self.mix), 1.0, self.standardise, "glmnet"
        )
        alone = np.where(per_column > 0, np.inf, 0.0)
        free = cox_path(ready.data, alone, squared * 0.0, [1.0], max_steps=self.max_steps)
        gradient = cox_terms(free.beta[0], ready.data).gradient
        top = largest_strength(gradient, per_column) / max(self.mix, 1e-3)
        n, p = ready.data.matrix.shape
        ratio = self.ratio if self.ratio is not None else (0.01 if n < p else 1e-4)
        return top * np.geomspace(1.0, ratio, self.n_strengths)

    def _results(
        self, ready: Prepared, factors: Floats, strengths: Floats, found: PathFit, levels: tuple[float, float]
    ) -> CoxPathResults:
        rows = ready.rows
        lost = int(np.count_nonzero(~found.converged))
        notes = [f"{lost} of {len(strengths)} strengths did not converge"] if lost else []
        for note in notes:
            warnings.warn(note, ConvergenceWarning, stacklevel=3)
        name = {1.0: "lasso", 0.0: "ridge"}.get(float(self.mix), f"elastic net (mix {self.mix:g})")
        return CoxPathResults(
            names=ready.names,
            strengths=strengths,
            coefficients=found.beta / ready.scale,
            scale=ready.scale,
            log_likelihood=found.value,
            null_log_likelihood=levels[0],
            saturated_log_likelihood=levels[1],
            df=found.df,
            violation=found.violation / ready.people,
            converged=bool(found.converged.all()),
            mix=float(self.mix),
            ties=self.ties,
            standardised=self.standardise,
            factors=tuple(float(f) for f in factors),
            nobs=rows.n,
            n_events=rows.n_events,
            ledger=rows.ledger,
            method=f"Cox path for {rows.causes[0]}, {self.ties.capitalize()} ties, {name}",
            sources=("cox1972", "breslow1974" if self.ties == "breslow" else "efron1977", *_papers(self.mix)),
            warnings=(*ready.notes, *notes),
            ready=ready,
        )

    def _folds(self, ready: Prepared) -> Ints:
        """Fold of each row, as given or dealt."""
        rows, asked = ready.rows, self.folds
        event = rows.event > 0
        if isinstance(asked, (int, np.integer)) and not isinstance(asked, bool):
            cluster = ready.design.cluster if ready.design.cluster is not None else rows.cluster
            units = len(rows) if cluster is None else len(np.unique(cluster))
            if self.rng is None:
                raise DataError(
                    "Folds are dealt at random, and rng= was not given.",
                    code="rng",
                    hint="Give rng=1 (any seed), so that the choice can be repeated; or folds= with a column.",
                )
            if not 2 <= int(asked) <= units:
                raise DataError(
                    f"folds={asked} for {units} {'rows' if cluster is None else 'clusters'}.",
                    code="folds",
                    hint="Give a number from 2 up; 10 is usual.",
                )
            fold = deal_folds(int(asked), event, cluster, np.random.default_rng(self.rng))
        else:
            fold = cluster_codes(rows, asked)
        left = [np.count_nonzero(event & (fold != k)) for k in range(int(fold.max()) + 1)]
        if min(left) == 0 or len(left) < 2:
            raise DataError(
                "There are fewer than two folds, or a fold holds every exit.", code="folds", hint="Use other folds."
            )
        return fold

    def _validate(self, ready: Prepared, factors: Floats, strengths: Floats, fold: Ints) -> Validation:
        """Deviance of each fold at coefficients from the others, per exit of the fold."""
        weight = ready.rows.row_weight * (ready.rows.event > 0)
        exits = np.bincount(fold, weight)
        raw = np.full((len(exits), len(strengths)), np.nan)
        full_top = saturated(ready.data)
        for k in np.flatnonzero(exits > 0):
            part, scale = _without(ready, np.flatnonzero(fold != k))
            pair = penalty_weights(
                replace(ready, rows=ready.rows.select(fold != k), scale=ready.scale * scale),
                factors,
                self.mix,
                self.standardise,
                "glmnet",
            )
            found = cox_path(part, *pair, strengths, tol=_ROUGH, max_steps=self.max_steps)
            inside = found.value - saturated(part)
            whole = np.array([cox_value(b / scale, ready.data) for b in found.beta]) - full_top
            raw[k] = -2 * (whole - inside) / exits[k]
        used = exits > 0
        share = exits[used] / exits[used].sum()
        mean = share @ raw[used]
        spread = share @ (raw[used] - mean) ** 2
        return Validation(fold=fold, raw=raw, mean=mean, se=np.sqrt(spread / (np.count_nonzero(used) - 1)))


def _without(ready: Prepared, rows: Ints) -> tuple[CoxData, Floats]:
    """Data of some rows, its columns standardised anew; and their standard deviations."""
    data = ready.data
    matrix = np.ascontiguousarray(data.matrix[rows])
    weight = None if data.weight is None else data.weight[rows]
    _, scale, spread = standardise(matrix, weight)
    total = np.where(scale > 0, scale * spread, 1.0)
    matrix /= np.where(scale > 0, spread, 1.0)
    offset = None if data.offset is None else data.offset[rows]
    ties = "efron" if data.efron else "breslow"
    replicas = ready.rows.weights == "frequency"
    return cox_data(matrix, data.index.take(rows), weight, offset, ties, replicas), total


def _papers(mix: float) -> tuple[str, ...]:
    own = {1.0: ("tibshirani1997",), 0.0: ("verweij_vanhouwelingen1994",)}.get(float(mix), ("zou_hastie2005",))
    return (*own, "simon2011", "tibshirani2012", "verweij_vanhouwelingen1993")
