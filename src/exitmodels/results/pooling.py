"""One answer from several imputations: Rubin's rules.

Second floor. Each imputed data set gives estimates and a covariance; the pooled covariance is the mean covariance
within imputations and the covariance of the estimates between them.

Called by users, after `Counts.imputations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression

__all__ = ["Pooled", "pool"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Pooled(Regression):
    """Estimates pooled over imputations.

    Attributes
    ----------
    m : int
        Imputations.
    within, between : (p, p)
        Mean covariance of one imputation's estimates, and covariance of the estimates between imputations.
    df : (p,)
        Degrees of freedom of each coefficient's Student's t.

    Log-likelihoods are means over imputations, and no base for likelihood-ratio tests.
    """

    m: int
    within: Floats
    between: Floats
    df: Floats

    @property
    def missing_information(self) -> object:
        """Share of each coefficient's variance that the uncertain records bring, as a Series."""
        extra = (1 + 1 / self.m) * np.diag(self.between)
        return labelled(extra / np.diag(self.covariance), self.names, name="share")

    @property
    def pvalues(self) -> object:
        """Two-sided p-values, Student's t."""
        t = np.abs(self.estimate / self.standard_errors)
        return labelled(2 * stats.t.sf(t, self.df), self.names, name="p")

    def conf_int(self, alpha: float = 0.05) -> object:
        """Limits with each coefficient's own degrees of freedom: columns low, high."""
        self._critical(alpha)
        half = stats.t.ppf(1 - alpha / 2, self.df) * self.standard_errors
        return labelled(np.column_stack([self.estimate - half, self.estimate + half]), self.names, ("low", "high"))


def pool(fits: Sequence[Regression]) -> Pooled:
    """Pool regressions that were fitted to imputations of the same records.

    Parameters
    ----------
    fits : sequence of regression results
        Two or more, with the same coefficients.

    Returns
    -------
    Pooled

    Raises
    ------
    DataError
        With fewer than two fits, or fits whose coefficients differ.

    Notes
    -----
    Degrees of freedom are Rubin's, shortened where the fits' own are few. Source: Rubin (1987), section 3.1; Barnard
    and Rubin (1999).

    Examples
    --------
    >>> from exitmodels.models.counts.regression import CountRegression
    >>> from exitmodels.shapes.counts import Counts
    >>> left = {"left": ["2014-01-20", "2014-01-25", "2014-02-11", "2014-02-20"],
    ...         "to": ["2014-01-20", "2014-02-05", "2014-02-11", "2014-02-20"]}
    >>> monthly = Counts.from_frame(left, date="left", until="to", freq="MS", date_format="%Y-%m-%d",
    ...                             window=("2014-01-01", "2014-02-28"))
    >>> fits = [CountRegression("1").fit(drawn) for drawn in monthly.imputations(5, rng=1)]
    >>> pooled = pool(fits)
    >>> round(float(pooled.estimate[0]), 4), round(float(pooled.missing_information.iloc[0]), 3)
    (-2.6912, 0.0)
    """
    if len(fits) < 2:
        raise DataError(
            f"There are {len(fits)} fits.", code="few-fits", hint="Pool two imputations or more; 20 is usual."
        )
    names = fits[0].names
    other = [fit for fit in fits if fit.names != names]
    if other:
        raise DataError(
            f"The fits have different coefficients: {', '.join(names)} and {', '.join(other[0].names)}.",
            code="names",
            hint="Fit the same model to every imputation; a level that is absent from one of them changes its columns.",
        )
    m, estimates = len(fits), np.stack([fit.estimate for fit in fits])
    within = np.mean([fit.covariance for fit in fits], axis=0)
    between = np.atleast_2d(np.cov(estimates, rowvar=False))
    total = within + (1 + 1 / m) * between
    first = fits[0]
    lost = [f"imputation {i}: {note}" for i, fit in enumerate(fits) for note in fit.warnings if not fit.converged]
    return Pooled(
        names=names,
        estimate=estimates.mean(axis=0),
        covariance=total,
        vcov=f"{first.vcov}, pooled",
        llf=float(np.mean([fit.llf for fit in fits])),
        llnull=float(np.mean([fit.llnull for fit in fits])),
        nobs=first.nobs,
        n_events=float(np.mean([fit.n_events for fit in fits])),
        converged=all(fit.converged for fit in fits),
        ledger=first.ledger,
        method=f"{first.method}; {m} imputations",
        sources=(*first.sources, "rubin1987", "barnard_rubin1999"),
        outcome=first.outcome,
        warnings=tuple(lost),
        m=m,
        within=within,
        between=between,
        df=_degrees(m, within, between, total, [fit.df_resid for fit in fits]),
    )


def _degrees(m: int, within: Floats, between: Floats, total: Floats, own: Sequence[float | None]) -> Floats:
    """Rubin's degrees of freedom, combined with those that a complete record would have."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (1 + 1 / m) * np.diag(between) / np.diag(total)
        many = np.where(share > 0, (m - 1) / share**2, np.inf)
        known = [df for df in own if df is not None]
        if not known:
            return many
        complete = float(np.mean(known))
        observed = (complete + 1) / (complete + 3) * complete * (1 - share)
        return np.asarray(1 / (1 / many + 1 / observed), dtype=np.float64)
