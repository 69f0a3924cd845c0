"""One answer from several imputations: Rubin's rules.

Second floor. Each imputed data set gives estimates and a covariance; the pooled covariance is the mean covariance
within imputations and the covariance of the estimates between them.

Read next: imputing.py (draws the imputations and fits), pooled_curve.py. Called by users, after `Counts.imputations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.rubin import degrees, error_of_error
from exitmodels.render.text import Summary, number
from exitmodels.results.curve import Curve
from exitmodels.results.labels import labelled
from exitmodels.results.pooled_curve import PooledCurve, pool_curves
from exitmodels.results.regression import Regression

__all__ = ["Pooled", "pool"]

_LARGE = 0.1


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
    draws, squares : (m, p)
        Estimates of each imputation, and their variances.
    fits : tuple
        What was fitted to each imputation; not saved. ``xm.pool([read(fit) for fit in pooled.fits])`` pools more of it.

    Log-likelihoods are means over imputations, and no base for likelihood-ratio tests.
    """

    m: int
    within: Floats
    between: Floats
    df: Floats
    draws: Floats = field(default_factory=lambda: np.empty((0, 0)))
    squares: Floats = field(default_factory=lambda: np.empty((0, 0)))
    fits: tuple[Any, ...] = field(default=(), metadata={"stored": False})

    @property
    def missing_information(self) -> Any:
        """Share of each coefficient's variance that the uncertain records bring, as a Series."""
        extra = (1 + 1 / self.m) * np.diag(self.between)
        return labelled(extra / np.diag(self.covariance), self.names, name="share")

    @property
    def fmi(self) -> Any:
        """Fraction of missing information, as a Series: `missing_information` corrected for few imputations.

        Source: Rubin (1987), eq. 3.1.10.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            rise = (1 + 1 / self.m) * np.diag(self.between) / np.diag(self.within)
            made = (rise + 2 / (self.df + 3)) / (rise + 1)
        return labelled(np.where(rise > 0, made, 0.0), self.names, name="fmi")

    @property
    def mc_error(self) -> Any:
        """Monte Carlo error of each estimate: how far it would move with other draws, as a Series.

        The square root of the variance between imputations over their number. Take more imputations where it is not
        small beside the standard error; a tenth is a common bar. Source: White, Royston & Wood (2011).
        """
        return labelled(np.sqrt(np.diag(self.between) / self.m), self.names, name="mc error")

    def monte_carlo(self) -> Any:
        """One row per coefficient: estimate, its Monte Carlo error, se, its Monte Carlo error, fmi, df."""
        import pandas as pd

        unsure = error_of_error(self.draws, self.squares) if self.m > 2 else np.full(len(self.names), np.nan)
        columns = {"estimate": self.estimate, "mc_error": self.mc_error.to_numpy(), "se": self.standard_errors}
        more = {"se_mc_error": unsure, "fmi": self.fmi.to_numpy(), "df": self.df}
        return pd.DataFrame({**columns, **more}, index=list(self.names))

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

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form; a note says when more imputations are needed."""
        made = super().summary(alpha)
        share = self.mc_error.to_numpy() / self.standard_errors
        facts = (
            *made.facts,
            ("imputations", self.m),
            ("largest fraction of missing information", float(np.max(self.fmi))),
        )
        notes = made.notes
        if np.nanmax(share) > _LARGE:
            worst = int(np.nanargmax(share))
            notes = (
                *notes,
                f"The Monte Carlo error of {self.names[worst]} is {number(100 * float(share[worst]), 2)} % of its "
                f"standard error; m={int(np.ceil(self.m * (share[worst] / _LARGE) ** 2))} would bring it to 10 %.",
            )
        return replace(made, facts=facts, notes=notes)


@overload
def pool(fits: Sequence[Curve], df_complete: float | None = None) -> PooledCurve: ...
@overload
def pool(fits: Sequence[Regression], df_complete: float | None = None) -> Pooled: ...
@overload
def pool(fits: Sequence[Any], df_complete: float | None = None) -> Any: ...
def pool(fits: Sequence[Any], df_complete: float | None = None) -> Any:
    """Pool results that were fitted to imputations of the same records.

    Parameters
    ----------
    fits : sequence of results
        Two or more: regressions with the same coefficients; cause-specific ones; or curves of the same groups and
        causes, predicted ones too.
    df_complete : float, optional
        Degrees of freedom that complete records would have; by default those of the fits, if they have any, else many.

    Returns
    -------
    Pooled, or PooledCurve

    Raises
    ------
    DataError
        With fewer than two fits, or fits whose coefficients, groups or causes differ.

    Notes
    -----
    Degrees of freedom are Rubin's, shortened where the fits' own are few. Of cause-specific fits the covariance
    between the causes' coefficients within an imputation is taken as zero, as it is for the model variance. Source:
    Rubin (1987), section 3.1; Barnard and Rubin (1999).

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
    if all(isinstance(fit, Curve) for fit in fits):
        return pool_curves(fits, df_complete)
    made = [_as_regression(fit) for fit in fits]
    return replace(_pooled(made, df_complete), fits=tuple(fits))


def _as_regression(fit: Any) -> Regression:
    """One regression; cause-specific fits side by side."""
    if isinstance(fit, Regression):
        return fit
    parts = getattr(fit, "fits", None)
    causes = getattr(fit, "causes", None)
    if not parts or not causes or not all(isinstance(part, Regression) for part in parts):
        raise DataError(
            f"{type(fit).__name__} is neither a regression nor a curve.",
            code="pool",
            hint="Pool what it predicts, or give impute(read=...) a function that returns a regression or a curve.",
        )
    sizes = np.cumsum([0, *(len(part.names) for part in parts)])
    covariance = np.zeros((sizes[-1],) * 2)
    for a, b, part in zip(sizes[:-1], sizes[1:], parts, strict=True):
        covariance[a:b, a:b] = part.covariance
    first = parts[0]
    return Regression(
        names=tuple(f"{cause}: {name}" for cause, part in zip(causes, parts, strict=True) for name in part.names),
        estimate=np.concatenate([part.estimate for part in parts]),
        covariance=covariance,
        vcov=first.vcov,
        llf=sum(part.llf for part in parts),
        llnull=sum(part.llnull for part in parts),
        nobs=first.nobs,
        n_events=sum(part.n_events for part in parts),
        converged=all(part.converged for part in parts),
        ledger=first.ledger,
        method=str(getattr(fit, "method", first.method)),
        sources=tuple(getattr(fit, "sources", first.sources)),
        outcome=first.outcome,
        warnings=tuple(f"{c}: {w}" for c, part in zip(causes, parts, strict=True) for w in part.warnings),
    )


def _pooled(fits: Sequence[Regression], df_complete: float | None) -> Pooled:
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
        df=_degrees(m, between, total, df_complete, [fit.df_resid for fit in fits]),
        draws=estimates,
        squares=np.stack([np.diag(fit.covariance) for fit in fits]),
    )


def _degrees(m: int, between: Floats, total: Floats, complete: float | None, own: Sequence[float | None]) -> Floats:
    """Rubin's degrees of freedom, combined with those that a complete record would have."""
    with np.errstate(divide="ignore", invalid="ignore"):
        missing = np.nan_to_num((1 + 1 / m) * np.diag(between) / np.diag(total))
    known = [df for df in own if df is not None]
    if complete is None and known:
        complete = float(np.mean(known))
    return degrees(m, missing, complete)
