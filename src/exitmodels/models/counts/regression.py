"""Regression of counts on a formula: Poisson, quasi-Poisson and negative binomial, with exposure.

Third floor. The model says what is asked; `fit` reads like the method section of a paper.

Read next: fitted.py (what a fit answers), covariance.py, kernels/countglm.py.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError
from exitmodels.kernels.countglm import CountFit, fit_nb2, fit_poisson, nb2_loglik
from exitmodels.models.counts.checks import recoding, refuse_collinear, refuse_few, runaway
from exitmodels.models.counts.covariance import SOURCES, FitData, covariance, plain_kind
from exitmodels.models.counts.fitted import CountResults, cautions
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design

__all__ = ["CountRegression"]

_FAMILIES = {
    "poisson": ("Poisson regression", ("mccullagh_nelder1989",)),
    "quasipoisson": ("Quasi-Poisson regression", ("mccullagh_nelder1989",)),
    "nb2": ("Negative binomial (NB2) regression", ("lawless1987", "cameron_trivedi2013")),
}


@dataclass(frozen=True)
class CountRegression:
    """Log-linear model for counts: log E(n) = log(exposure) + offset + intercept + terms.

    Parameters
    ----------
    formula : str
        Right-hand side, such as ``"time + C(month) + reason"``; ``offset(...)`` and ``cluster(...)`` may stand in it.
        An intercept is always included. Columns: keys, covariates, and time, month, year, exposure.
    family : {"poisson", "quasipoisson", "nb2"}
        Variance equal to the mean; proportional to it (Pearson's estimate, Student's t); or mean + alpha mean^2, with
        alpha by maximum likelihood.
    vcov : {"model", "robust", "hc1", "hc2", "hc3", "hac", "cluster"}
        "robust" is HC0. "hac" sums the cells of a period and allows for related neighbours; "cluster" for related
        cells of a cluster.
    hac_lags : int, optional
        By default the whole part of 4 (T / 100)^(2/9), T being the number of periods.
    cluster : str, optional
        Column of clusters.
    small_sample : bool
        Whether the clustered variance is multiplied by G / (G - 1), G being the number of clusters.
    exposure : bool
        Whether log(exposure) is an offset. False models counts as they are.

    Notes
    -----
    Assumes that the log-linear mean is right and, for "model" errors, the variance too. Events of one cell may be
    related only in the ways that the family or the covariance allows.
    Source: McCullagh and Nelder (1989), chapter 6; Lawless (1987); Cameron and Trivedi (2013), chapters 3 and 5.

    Examples
    --------
    >>> cells = Counts.from_table({"n": [4, 6, 9, 14], "days": [31, 28, 31, 30], "x": [0, 1, 2, 3]},
    ...                           n="n", exposure="days", covariates=["x"])
    >>> fit = CountRegression("x").fit(cells)
    >>> fit.rate_ratios().round(3).loc["x"].tolist()
    [1.516, 1.093, 2.102]
    """

    formula: str
    family: str = "poisson"
    vcov: str = "model"
    hac_lags: int | None = None
    cluster: str | None = None
    small_sample: bool = True
    exposure: bool = True

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            known = ", ".join(_FAMILIES)
            raise DataError(f"family={self.family!r} is not known.", code="family", hint=f"Use one of {known}.")
        plain_kind(self.vcov)

    def fit(self, counts: Counts) -> CountResults:
        """Fit to counts; the counts and the model stay as they were.

        Raises
        ------
        DataError
            With fewer events or cells than coefficients, missing values, constant or collinear columns.
        FormulaError
            If the formula cannot be read or names a column that is not there.
        """
        design = Design.of(self.formula, counts.columns, intercept=True)
        if design.strata is not None:
            raise FormulaError(
                "strata() belongs to hazard models.", code="strata", hint="Write the column as a term: C(column)."
            )
        refuse_few(counts.total, len(counts), design.names)
        offset = design.offset if design.offset is not None else np.zeros(len(counts))
        offset = offset + np.log(counts.exposure) if self.exposure else offset
        data = self._climb(counts, design, offset)
        return self._answer(data)

    def _climb(self, counts: Counts, design: Design, offset: Floats) -> FitData:
        recode = recoding(design.matrix, design.names)
        centred = design.matrix @ recode
        refuse_collinear(design.matrix, centred, design.names)
        fit = self._estimate(counts.n.astype(np.float64), centred, offset)
        return FitData(counts, design, recode, offset, fit, self.family, self.exposure)

    def _estimate(self, y: Floats, matrix: Floats, offset: Floats) -> CountFit:
        # A common offset is taken out and put back through the first column, the intercept.
        middle = float(offset.mean())
        fit = (fit_nb2 if self.family == "nb2" else fit_poisson)(y, matrix, offset - middle)
        fit.beta[0] -= middle
        return fit

    def _answer(self, data: FitData) -> CountResults:
        fit, counts, names = data.fit, data.counts, data.design.names
        title, sources = _FAMILIES[self.family]
        cov = covariance(data, self.vcov, self.hac_lags, self.cluster, self.small_sample)
        notes = [*cautions(data, cov.kind), *cov.warnings]
        trouble = self._trouble(data)
        if trouble:
            warnings.warn(trouble, ConvergenceWarning, stacklevel=3)
            notes.insert(0, trouble)
        quasi = self.family == "quasipoisson"
        return CountResults(
            names=names,
            estimate=data.recode @ fit.beta,
            covariance=cov.beta,
            vcov=cov.label,
            llf=float("nan") if quasi else fit.llf,
            llnull=float("nan") if quasi else self._null(data),
            nobs=float(len(counts)),
            n_events=float(counts.total),
            df_resid=float(data.df_resid) if quasi else None,
            converged=fit.converged and not trouble,
            ledger=counts.ledger,
            method=f"{title}: n ~ {self.formula}" + (", offset log(exposure)" if self.exposure else ""),
            sources=sources + SOURCES[cov.kind],
            outcome="n",
            warnings=tuple(notes),
            family=self.family,
            alpha=fit.alpha,
            log_alpha_se=cov.log_alpha_se,
            data=data,
        )

    def _null(self, data: FitData) -> float:
        one = np.ones((len(data.counts), 1))
        null = self._estimate(data.y, one, data.offset)
        return nb2_loglik(data.y, null.mean, null.alpha)

    def _trouble(self, data: FitData) -> str:
        text = runaway(data.fit, data.y, data.design.matrix, data.design.names)
        if text or data.fit.converged:
            return text
        return "The search for the highest likelihood stopped before its rule was met; do not report these estimates."
