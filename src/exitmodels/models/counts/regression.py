"""Regression of counts on a formula: Poisson, quasi-Poisson and negative binomials, with exposure and group levels.

Third floor. The model says what is asked; `fit` reads like the method section of a paper.

Read next: fitted.py (what a fit answers), absorbed.py (fe()), covariance.py, kernels/countglm.py.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError
from exitmodels.kernels.countglm import CountFit, fit_nb2, fit_poisson
from exitmodels.kernels.nb1 import fit_nb1
from exitmodels.kernels.spread import fit_nb2_by
from exitmodels.models.counts.absorbed import EffectResults, absorb, split_effects
from exitmodels.models.counts.checks import recoding, refuse_collinear, refuse_few, runaway
from exitmodels.models.counts.covariance import SOURCES, FitData, covariance, plain_kind
from exitmodels.models.counts.fitted import CountResults, cautions, degrees
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design

__all__ = ["CountRegression"]

_FAMILIES = {
    "poisson": ("Poisson regression", ("mccullagh_nelder1989",)),
    "quasipoisson": ("Quasi-Poisson regression", ("mccullagh_nelder1989",)),
    "nb1": ("Negative binomial (NB1) regression", ("cameron_trivedi2013",)),
    "nb2": ("Negative binomial (NB2) regression", ("lawless1987", "cameron_trivedi2013")),
}
_RULES = ("ml", "pearson", "deviance", "moments")


@dataclass(frozen=True)
class CountRegression:
    """Log-linear model for counts: log E(n) = log(exposure) + offset + intercept + terms.

    Parameters
    ----------
    formula : str
        Right-hand side, such as ``"time + C(month) + reason"``; ``offset(...)`` and ``cluster(...)`` may stand in it.
        An intercept is always included. Columns: keys, covariates, and time, month, year, exposure.
        ``fe(unit)`` gives each unit a level of its own without a column for any: the fit is that of ``C(unit)``, the
        levels are in ``.effects``. ``harmonic(month, 12, 2)`` is two pairs of waves of period 12, ``bs(time, df=4)``
        and ``cr(time, df=4, constraints='center')`` are splines, ``hijri_harmonic(start, 1)`` and
        ``C(hijri_month(start))`` the Hijri year.
    family : {"poisson", "quasipoisson", "nb1", "nb2"}
        Variance equal to the mean; proportional to it (Pearson's estimate, Student's t); mean (1 + alpha); or
        mean + alpha mean^2.
    vcov : {"model", "robust", "hc1", "hc2", "hc3", "hac", "cluster", "kc", "md"}
        "robust" is HC0. "hac" sums the cells of a period and allows for related neighbours; "cluster" for related
        cells of a cluster; "kc" and "md" do so for few clusters (Kauermann and Carroll; Mancl and DeRouen, the wider),
        with limits from Student's t on one less than the number of clusters.
    hac_lags : int, optional
        By default the whole part of 4 (T / 100)^(2/9), T being the number of periods.
    cluster : str, optional
        Column of clusters.
    small_sample : bool
        Whether the clustered variance is multiplied by G / (G - 1), G being the number of clusters.
    dispersion : {"ml", "pearson", "deviance", "moments"}
        How the alpha of "nb2" is found: by maximum likelihood, or so that Pearson's chi-squared, the deviance or the
        raw moments agree with what is expected of them; limits then take alpha as known.
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
    dispersion: str = "ml"
    exposure: bool = True

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            known = ", ".join(_FAMILIES)
            raise DataError(f"family={self.family!r} is not known.", code="family", hint=f"Use one of {known}.")
        if self.dispersion not in _RULES or (self.dispersion != "ml" and self.family != "nb2"):
            raise DataError(
                f"dispersion={self.dispersion!r} does not go with family={self.family!r}.",
                code="dispersion",
                hint=f'Use one of {", ".join(_RULES)} with family="nb2"; other families have one rule.',
            )
        plain_kind(self.vcov)

    def fit(self, counts: Counts) -> CountResults:
        """Fit to counts; the counts and the model stay as they were.

        Raises
        ------
        DataError
            With fewer events or cells than coefficients, missing values, constant or collinear columns, counts that
            are not whole, columns that do not vary within the units of fe().
        FormulaError
            If the formula cannot be read or names a column that is not there.

        Notes
        -----
        With fe(), cells of units without any event stand aside in the ledger: no level fits them but minus infinity.
        """
        counts.require_whole("CountRegression")
        formula, units = split_effects(self.formula, counts.columns)
        if units:
            return self._answer(absorb(counts, formula, units, self.family, self.dispersion, self.exposure))
        if self.family == "nb2" or (self.family == "poisson" and self.vcov == "model"):
            counts.require_whole(f'The {self.family} likelihood (try family="quasipoisson", or vcov="robust")')
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
        return FitData(counts, design, recode, offset, fit, self.family, self.exposure, self.dispersion)

    def _estimate(self, y: Floats, matrix: Floats, offset: Floats) -> CountFit:
        # A common offset is taken out and put back through the first column, the intercept.
        middle = float(offset.mean())
        if self.dispersion != "ml":
            fit = fit_nb2_by(y, matrix, offset - middle, self.dispersion)
        else:
            fit = {"nb1": fit_nb1, "nb2": fit_nb2}.get(self.family, fit_poisson)(y, matrix, offset - middle)
        fit.beta[0] -= middle
        return fit

    def _answer(self, data: FitData) -> CountResults:
        fit, counts, names = data.fit, data.counts, data.design.names
        title, sources = _FAMILIES[self.family]
        cov = covariance(data, self.vcov, self.hac_lags, self.cluster, self.small_sample)
        notes = [*data.notes, *cautions(data, cov.kind), *cov.warnings]
        trouble = self._trouble(data)
        if trouble:
            warnings.warn(trouble, ConvergenceWarning, stacklevel=3)
            notes.insert(0, trouble)
        quasi = self.family == "quasipoisson"
        made = EffectResults if data.unit else CountResults
        return made(
            names=names,
            estimate=data.recode @ fit.beta,
            covariance=cov.beta,
            vcov=cov.label,
            llf=float("nan") if quasi else fit.llf,
            llnull=float("nan") if quasi or data.unit else self._null(data),
            nobs=float(len(counts)),
            n_events=float(counts.total),
            df_resid=degrees(data, cov.df),
            converged=fit.converged and not trouble,
            ledger=counts.ledger,
            method=f"{title}: n ~ {self.formula}" + (", offset log(exposure)" if self.exposure else ""),
            sources=sources + (("hausman_hall_griliches1984",) if data.unit else ()) + SOURCES[cov.kind],
            outcome="n",
            warnings=tuple(notes),
            family=self.family,
            alpha=fit.alpha,
            n_levels=data.n_levels,
            log_alpha_se=cov.log_alpha_se,
            data=data,
        )

    def _null(self, data: FitData) -> float:
        one = np.ones((len(data.counts), 1))
        null = self._estimate(data.y, one, data.offset)
        return null.llf

    def _trouble(self, data: FitData) -> str:
        text = runaway(data.fit, data.y, data.design.matrix, data.design.names)
        if text or data.fit.converged:
            return text
        return "The search for the highest likelihood stopped before its rule was met; do not report these estimates."
