"""Counts with a law of their own for zero: zero-inflated and hurdle regression, Poisson and negative binomial.

Third floor. Read next: twopart_results.py (what a fit answers), kernels/twopart.py (the likelihoods).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError, IdentificationError
from exitmodels.kernels.countglm import fit_nb2, fit_poisson
from exitmodels.kernels.twopart import TwoPart, TwoPartFit, fit_hurdle, fit_zero_inflated
from exitmodels.models.counts.checks import recoding, refuse_collinear
from exitmodels.models.counts.twopart_covariance import KINDS, TwoPartData, covariance_of
from exitmodels.models.counts.twopart_results import TwoPartResults
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design

__all__ = ["Hurdle", "ZeroInflated"]

_FAMILIES = ("poisson", "nb2")
_FLAT = 1e-4


@dataclass(frozen=True)
class _TwoPartModel:
    """What the two models share: choices, checks and the order of things."""

    formula: str
    zero: str = "1"
    family: str = "poisson"
    vcov: str = "model"
    cluster: str | None = None
    exposure: bool = True

    form: ClassVar[str] = ""
    part: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            raise DataError(
                f"family={self.family!r} is not known.", code="family", hint=f"Use one of {', '.join(_FAMILIES)}."
            )
        if self.vcov not in KINDS:
            raise DataError(f"vcov={self.vcov!r} is not known.", code="vcov", hint=f"Use one of {', '.join(KINDS)}.")

    def fit(self, counts: Counts) -> TwoPartResults:
        """Fit to counts; the counts and the model stay as they were.

        Raises
        ------
        DataError
            With fewer cells or events than coefficients, missing values, constant or collinear columns, or counts
            that are not whole.
        IdentificationError
            Without zeros, or without counts above zero; for a hurdle also without counts above one.
        FormulaError
            If a formula cannot be read or names a column that is not there.
        """
        counts.require_whole(type(self).__name__)
        parts = [self._part(formula, counts) for formula in (self.formula, self.zero)]
        self._refuse(counts, parts)
        offset = np.zeros(len(counts)) if parts[0][0].offset is None else parts[0][0].offset
        offset = offset + np.log(counts.exposure) if self.exposure else offset
        middle = float(offset.mean())
        problem = TwoPart(counts.n.astype(np.float64), parts[0][2], parts[1][2], offset - middle, self.family == "nb2")
        fit = (fit_hurdle if self.form == "hurdle" else fit_zero_inflated)(problem)
        data = TwoPartData(
            counts, parts[0][0], parts[1][0], parts[0][1], parts[1][1], offset, middle, fit, self.form, self.exposure
        )
        return self._answer(data, problem)

    def _part(self, formula: str, counts: Counts) -> tuple[Design, Floats, Floats]:
        design = Design.of(formula, counts.columns, intercept=True)
        if design.strata is not None or (formula == self.zero and design.offset is not None and formula != "1"):
            raise FormulaError(
                f"{formula!r} holds strata(), or an offset in the part for zeros.",
                code="formula",
                hint="Write columns as terms; the offset belongs to the count part.",
            )
        recode = recoding(design.matrix, design.names)
        centred = np.asarray(design.matrix @ recode, dtype=np.float64)
        refuse_collinear(design.matrix, centred, design.names)
        return design, recode, centred

    def _refuse(self, counts: Counts, parts: list[tuple[Design, Floats, Floats]]) -> None:
        n, zeros = len(counts), int(np.sum(counts.n == 0))
        p, q = (len(part[0].names) for part in parts)
        some = n - zeros
        found = f"{zeros} of {n} cells have no event"
        if zeros == 0 or some == 0:
            raise IdentificationError(
                f"{found}: nothing can be said of {'zeros' if zeros == 0 else 'counts above zero'}.",
                column="n",
                code="no-zeros" if zeros == 0 else "few-events",
                hint="Use CountRegression; count in finer periods if zeros are of interest.",
            )
        if min(zeros, some) < q or some < p + (self.family == "nb2"):
            raise DataError(
                f"{found} and {some} have some, for {p} and {q} coefficients.",
                code="few-rows",
                hint="Ask for fewer terms in either part.",
            )
        if self.form == "hurdle" and int(counts.n.max()) < 2:
            raise IdentificationError(
                "No cell has more than one event, so nothing is known of how many there are once there is one.",
                column="n",
                code="no-counts",
                hint="Model whether there is any event; count in longer periods if numbers are of interest.",
            )

    def _answer(self, data: TwoPartData, problem: TwoPart) -> TwoPartResults:
        fit = data.fit
        trouble, notes = self._trouble(problem, fit)
        if trouble:
            warnings.warn(trouble, ConvergenceWarning, stacklevel=3)
            notes = (trouble, *notes)
        cov = covariance_of(data, self.vcov, self.cluster)
        names = tuple(f"count_{name}" for name in data.count.names)
        names += tuple(f"{self.part}_{name}" for name in data.zero.names)
        kind = "negative binomial" if self.family == "nb2" else "Poisson"
        return TwoPartResults(
            names=names,
            estimate=data.estimate,
            covariance=cov.beta,
            vcov=cov.label,
            llf=fit.llf,
            llnull=self._null(problem),
            nobs=float(len(data.counts)),
            n_events=float(data.counts.total),
            converged=fit.converged and not trouble,
            ledger=data.counts.ledger,
            method=f"{self.form.capitalize()} {kind} regression: n ~ {self.formula} | {self.zero}"
            + (", offset log(exposure)" if self.exposure else ""),
            sources=self.sources + cov.sources,
            outcome="n",
            warnings=notes + cov.warnings,
            family=self.family,
            form=self.form,
            alpha=fit.alpha,
            log_alpha_se=cov.log_alpha_se,
            data=data,
        )

    def _null(self, problem: TwoPart) -> float:
        one = np.ones((len(problem.y), 1))
        fitter: Callable[[TwoPart], TwoPartFit] = fit_hurdle if self.form == "hurdle" else fit_zero_inflated
        return fitter(TwoPart(problem.y, one, one, problem.offset, problem.negbin)).llf

    def _trouble(self, problem: TwoPart, fit: TwoPartFit) -> tuple[str, tuple[str, ...]]:
        """What makes the estimates meaningless, and what merely deserves saying."""
        notes: tuple[str, ...] = ()
        if self.family == "nb2" and fit.alpha == 0:
            notes = (f"beside the part for zeros no overdispersion is seen: this is the {self.form} Poisson fit",)
        if self.form == "zero-inflated" and np.isfinite(fit.llf):
            plain = (fit_nb2 if self.family == "nb2" else fit_poisson)(problem.y, problem.count, problem.offset)
            share = special.expit(problem.zero @ fit.gamma)
            if float(share.max()) < _FLAT or fit.llf < plain.llf + 1e-8 * (1 + abs(plain.llf)):
                return (
                    "These counts have no more zeros than the family gives: the share of extra zeros runs to zero and "
                    "its logit to minus infinity. Report CountRegression instead; its zero_test() says the same.",
                    notes,
                )
        if fit.converged:
            return "", notes
        return (
            "The search for the highest likelihood found no top: a coefficient runs to infinity (a column may set "
            "apart cells with, or without, events), or the data cannot tell the two parts apart. Do not report these "
            "estimates; ask for fewer terms in the part for zeros.",
            notes,
        )


@dataclass(frozen=True)
class ZeroInflated(_TwoPartModel):
    """Two kinds of cells: those in which no event can happen, with probability pi, and ordinary ones.

    log E(n | ordinary) = log(exposure) + count part; logit pi = zero part.

    Parameters
    ----------
    formula : str
        Terms of the count part, as in `CountRegression`; an intercept is always included.
    zero : str
        Terms of the logit of pi; "1" (the default) is one share for all cells.
    family : {"poisson", "nb2"}
    vcov : {"model", "robust", "cluster"}
    cluster : str, optional
        Column of clusters.
    exposure : bool
        Whether log(exposure) is an offset of the count part. It is none of the zero part: add log(exposure) there as
        a term if long periods are less often empty for another reason than their length.

    Notes
    -----
    Assumes two kinds of zeros that the data do not tell apart; the split between them rests on the family alone. When
    only empty cells need explaining, `Hurdle` asks less. With small counts an NB2 without inflation often fits as
    well: look at its rootogram and zero_test() first.
    Source: Lambert (1992); Greene (1994).

    Examples
    --------
    >>> cells = Counts.from_table({"n": [0, 0, 0, 0, 4, 6, 0, 3, 5, 0, 7, 2]}, n="n")
    >>> fit = ZeroInflated("1").fit(cells)
    >>> fit.estimate.round(3).tolist()
    [1.492, -0.024]
    """

    form: ClassVar[str] = "zero-inflated"
    part: ClassVar[str] = "zero"
    sources: ClassVar[tuple[str, ...]] = ("lambert1992", "greene1994")


@dataclass(frozen=True)
class Hurdle(_TwoPartModel):
    """Whether there is any event, and how many once there is one: two models for two questions.

    logit P(n > 0) = zero part; above zero, n follows the family cut at zero with log mean (before cutting)
    log(exposure) + count part.

    Parameters
    ----------
    formula : str
        Terms of the count part; an intercept is always included.
    zero : str
        Terms of the logit of any event. A positive coefficient means *fewer* empty cells (unlike `ZeroInflated`);
        names begin with ``any_``.
    family, vcov, cluster, exposure
        As in `ZeroInflated`.

    Notes
    -----
    The parts share no parameter, so each is estimated as if alone. Allows for fewer zeros than the family has as well
    as for more. Source: Mullahy (1986).

    Examples
    --------
    >>> cells = Counts.from_table({"n": [0, 0, 0, 0, 4, 6, 0, 3, 5, 0, 7, 2]}, n="n")
    >>> fit = Hurdle("1").fit(cells)
    >>> fit.estimate.round(3).tolist()
    [1.492, 0.0]
    """

    form: ClassVar[str] = "hurdle"
    part: ClassVar[str] = "any"
    sources: ClassVar[tuple[str, ...]] = ("mullahy1986",)
