"""Case-cohort studies: covariates known for all who left and for a random subcohort.

Third floor, in the room of hazards. Use it when coding the covariates of
everyone costs too much (reading files, say): read those of all who left, and of
a sample of the cohort drawn without looking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.models.hazards.cox import Cox
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.results.regression import Regression
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.frames import Table
from exitmodels.shapes.spells import Spells

__all__ = ["CaseCohort", "CaseCohortResults"]

_METHODS = {
    "prentice": ("prentice1986", "self_prentice1988"),
    "self-prentice": ("self_prentice1988",),
    "lin-ying": ("lin_ying1993",),
    "borgan-i": ("borgan2000",),
    "borgan-ii": ("borgan2000",),
}
_ABSENT = -100.0  # log risk of rows that count as exits but not in risk sets
_OFFSET = "case cohort offset"


@dataclass(frozen=True, eq=False, kw_only=True)
class CaseCohortResults(Regression):
    """A fitted case-cohort model; the likelihood is a pseudo-likelihood."""

    ratio_name: ClassVar[str] = "HR"

    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Hazard ratios with limits: columns HR, low, high."""
        return self.ratios(alpha)


@dataclass(frozen=True)
class CaseCohort:
    """Cox regression from a case-cohort sample.

    Parameters
    ----------
    formula : str
        Covariates, as in `Cox`.
    subcohort : str
        Column that says who was drawn into the subcohort (1 or true); everyone else in the table has left.
    cohort_size : int or mapping
        People in the whole cohort; for the stratified methods a number for each value of `strata`.
    method : {"prentice", "self-prentice", "lin-ying", "borgan-i", "borgan-ii"}
        Who is at risk. "prentice": the subcohort, and a case from outside at its own exit.
        "self-prentice": the subcohort. "lin-ying": everyone in the table, those who stayed weighted up.
        "borgan-i", "borgan-ii": the same two ideas with sampling shares that differ by stratum.
    strata : str, optional
        Column of the strata within which the subcohort was drawn.
    event
        As in `Cox`.

    Notes
    -----
    The variance is that of the cohort plus a part for the sampling of the subcohort.
    Source: Prentice (1986); Self & Prentice (1988); Lin & Ying (1993); Borgan et al. (2000).

    Examples
    --------
    >>> import numpy as np, exitmodels as xm
    >>> rng = np.random.default_rng(1)
    >>> x, stay = rng.normal(size=400), rng.exponential(size=400)
    >>> left, drawn = stay < 0.4, rng.random(400) < 0.3
    >>> kept = left | drawn
    >>> spells = xm.Spells(exit=np.minimum(stay, 0.4)[kept], event=left[kept],
    ...                    covariates={"x": x[kept], "drawn": drawn[kept]})
    >>> fit = xm.CaseCohort("x", subcohort="drawn", cohort_size=400).fit(spells)
    >>> fit.names
    ('x',)
    """

    formula: str
    subcohort: str
    cohort_size: int | Mapping[Any, int]
    method: str = "prentice"
    strata: str | None = None
    event: Any = None

    def fit(self, spells: Spells) -> CaseCohortResults:
        """Fit the model.

        Raises
        ------
        DataError
            When someone stayed who was not drawn, the table holds more people than the cohort, or rows have
            weights; and as `Cox`.
        """
        if self.method not in _METHODS:
            raise DataError(f"method={self.method!r} is not known.", code="method", hint=", ".join(_METHODS) + ".")
        spells.require_scheme("CaseCohort")
        if spells.weight is not None:
            raise DataError("Weights follow from the sampling here.", code="weights", hint="Read the spells without.")
        rows = usable(spells.for_cause(self.event), self.formula)
        drawn, left = self._drawn(rows), rows.event > 0
        stratum, sizes = self._sizes(rows, drawn)
        fit, covariance = {
            "prentice": self._prentice,
            "self-prentice": self._self_prentice,
            "lin-ying": self._lin_ying,
            "borgan-i": self._borgan_i,
            "borgan-ii": self._borgan_ii,
        }[self.method](rows, drawn, left, stratum, sizes)
        return CaseCohortResults(
            names=fit.names,
            estimate=fit.estimate,
            covariance=covariance,
            vcov=f"{self.method}, cohort and sampling",
            llf=fit.llf,
            llnull=fit.llnull,
            nobs=rows.n,
            n_events=rows.n_events,
            converged=fit.converged,
            ledger=rows.ledger,
            method=f"Case-cohort Cox regression for {rows.causes[0]} ({self.method}), cohort of {int(sizes.sum())}",
            sources=("cox1972", *_METHODS[self.method]),
            outcome=str(rows.causes[0]),
            warnings=fit.warnings,
        )

    def _drawn(self, rows: Spells) -> Any:
        values = np.asarray(rows.columns.want(self.subcohort).values)
        if not set(np.unique(values).tolist()) <= {0, 1}:
            raise DataError(
                f"The column holds {np.unique(values)[:5].tolist()}.",
                column=self.subcohort,
                code="subcohort",
                hint="Code it 1 (drawn) and 0 (not drawn), or true and false.",
            )
        drawn = values.astype(bool)
        bad = np.flatnonzero(~drawn & (rows.event == 0))
        if bad.size:
            raise DataError(
                f"{bad.size} people neither left nor were drawn.",
                column=self.subcohort,
                rows=rows.labels[bad],
                code="subcohort",
                hint="A case-cohort table holds those who left and the subcohort.",
            )
        return drawn

    def _sizes(self, rows: Spells, drawn: Any) -> tuple[Ints, Floats]:
        """Sampling stratum of each row, and people of the cohort in each."""
        stratified = self.method.startswith("borgan")
        if stratified != (self.strata is not None) or stratified != isinstance(self.cohort_size, Mapping):
            raise DataError(
                f"method={self.method!r} {'needs' if stratified else 'takes no'} strata= and a cohort_size for each.",
                code="strata",
                hint='Use "borgan-i" or "borgan-ii" with strata, the others without.',
            )
        if not isinstance(self.cohort_size, Mapping):
            code, sizes = np.zeros(len(rows), np.int64), np.array([float(self.cohort_size)])
        else:
            found, keys = rows.groups(self.strata)
            assert found is not None
            known = {str(k): v for k, v in self.cohort_size.items()}
            labels = [str(key[str(self.strata)]) for key in keys]
            absent = [label for label in labels if label not in known]
            if absent:
                raise DataError(
                    f"cohort_size= has no number for stratum {absent[0]!r}.", code="strata", hint="Give one for each."
                )
            code, sizes = np.asarray(found), np.array([float(known[label]) for label in labels])
        held = np.bincount(code, minlength=len(sizes))
        if np.any(held > sizes) or np.any(np.bincount(code, drawn, len(sizes)) < 2):
            raise DataError(
                f"The table holds {held.tolist()} people, the cohort {sizes.astype(int).tolist()}.",
                code="cohort-size",
                hint="The cohort cannot be smaller, and each stratum needs two people drawn.",
            )
        return code, sizes

    def _cox(self, rows: Spells, offset: Floats | None = None, ties: str = "efron") -> CoxResults:
        if offset is None:
            return Cox(self.formula, ties=ties, vcov="model").fit(rows)
        column = Table({_OFFSET: offset}).column(_OFFSET)
        made = rows._with(columns=rows.columns.with_column(column))
        return Cox(f"{self.formula} + offset(`{_OFFSET}`)", ties=ties, vcov="model").fit(made)

    def _apart(self, rows: Spells, drawn: Any, left: Any, weight: Floats | None = None) -> tuple[CoxResults, Any]:
        """Exits that are in no risk set, and the subcohort that makes the risk sets; and which rows are the latter."""
        places = np.concatenate([np.flatnonzero(left), np.flatnonzero(drawn)])
        exits = np.arange(len(places)) < left.sum()
        both = rows._take(places)._with(event=exits.astype(np.int64))
        if weight is not None:
            both = both._with(weight=np.where(exits, 1.0, weight[places]), weights="sampling")
        return self._cox(both, np.where(exits, _ABSENT, 0.0)), ~exits

    def _self_prentice(
        self, rows: Spells, drawn: Any, left: Any, stratum: Ints, sizes: Floats
    ) -> tuple[CoxResults, Floats]:
        fit, members = self._apart(rows, drawn, left)
        moved = fit.residuals("dfbeta").to_numpy()[members]
        return fit, fit.model_covariance + (1 - drawn.sum() / sizes[0]) * moved.T @ moved

    def _prentice(self, rows: Spells, drawn: Any, left: Any, stratum: Ints, sizes: Floats) -> tuple[CoxResults, Floats]:
        times = np.unique(rows.exit[left])
        just = float(np.diff(times).min()) / 2 if len(times) > 1 else 1.0
        entry = np.where(left & ~drawn, rows.exit - just, rows.entry)
        fit = self._cox(rows._with(entry=entry))
        return fit, self._self_prentice(rows, drawn, left, stratum, sizes)[1]

    def _lin_ying(self, rows: Spells, drawn: Any, left: Any, stratum: Ints, sizes: Floats) -> tuple[CoxResults, Floats]:
        stayed = sizes[0] - left.sum()
        sampled = float(np.sum(drawn & ~left))
        fit = self._cox(rows, np.where(left, 0.0, np.log(stayed / sampled)))
        moved = fit.residuals("dfbeta").to_numpy()[~left]
        moved = moved - moved.mean(axis=0)
        return fit, fit.model_covariance + (1 - sampled / stayed) * moved.T @ moved

    def _borgan_i(self, rows: Spells, drawn: Any, left: Any, stratum: Ints, sizes: Floats) -> tuple[CoxResults, Floats]:
        share = sizes / np.bincount(stratum, drawn, len(sizes))
        fit, members = self._apart(rows, drawn, left, share[stratum])
        score = fit.residuals("score", weighted=False).to_numpy()[members]
        return fit, _two_phase(fit, score, stratum[drawn], share, sizes)

    def _borgan_ii(
        self, rows: Spells, drawn: Any, left: Any, stratum: Ints, sizes: Floats
    ) -> tuple[CoxResults, Floats]:
        stayed = sizes - np.bincount(stratum, left, len(sizes))
        share = stayed / np.bincount(stratum, drawn & ~left, len(sizes))
        fit = self._cox(rows._with(weight=np.where(left, 1.0, share[stratum]), weights="sampling"))
        score = fit.residuals("score", weighted=False).to_numpy()[~left]
        return fit, _two_phase(fit, score, stratum[~left], share, stayed)


def _two_phase(fit: CoxResults, score: Floats, stratum: Ints, share: Floats, sizes: Floats) -> Floats:
    """Variance of the cohort plus that of drawing within strata."""
    middle = np.zeros((score.shape[1], score.shape[1]))
    for j in range(len(share)):
        own = score[stratum == j]
        middle += (share[j] - 1) * sizes[j] * np.atleast_2d(np.cov(own, rowvar=False))
    return fit.model_covariance + fit.model_covariance @ middle @ fit.model_covariance
