"""Local level: a series whose level wanders, beside fixed effects of season and covariates.

Third floor. The model says what is asked; the arithmetic is in kernels/locallevel.py and levelvariance.py.

Read next: level_results.py (what a fit answers).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, IdentificationError
from exitmodels.kernels.levelvariance import LevelFit, fit_gaussian, fit_poisson_level
from exitmodels.models.counts.level_results import LevelData, LocalLevelResults
from exitmodels.models.counts.series import TimeSeries, series_of
from exitmodels.shapes.counts import Counts

__all__ = ["LocalLevel"]

_FAMILIES = ("poisson", "gaussian")


@dataclass(frozen=True)
class LocalLevel:
    """A level that walks at random, seen through Poisson counts or through normal noise.

    ``level[t] = level[t-1] + step``, and the log mean (or the mean, for the Gaussian family) is level plus covariates.
    The level takes the place of the intercept; its start and the effects of covariates have flat priors.

    Parameters
    ----------
    formula : str
        Right-hand side for covariates; ``offset(...)`` needs the Poisson family.
    family : {"poisson", "gaussian"}
        "poisson" by the normal approximation at the mode (Laplace); "gaussian" is exact.
    season : int, optional
        Length of a fixed season in periods (12 for months of a year): as many effects, which sum to zero.
    log : bool
        For the Gaussian family: model the log of the rate, not the rate.
    exposure : bool
        Whether counts are read per exposure.
    unobserved : str, optional
        Column that is 1 (or true) in periods whose count is not known. Absent periods are unknown too.

    Notes
    -----
    Assumes normal steps of constant variance: slow drift, not sudden breaks (give those as covariates). The likelihood
    is the diffuse one: compare log-likelihoods only between models with the same covariates.
    Source: Durbin and Koopman (2012), chapters 2, 10 and 14; De Jong (1991).

    Examples
    --------
    >>> n = [12, 10, 13, 9, 11, 14, 16, 15, 19, 17, 20, 18, 22, 19, 24, 21]
    >>> fit = LocalLevel().fit(Counts.from_table({"n": n}, n="n"))
    >>> fit.level().iloc[[0, -1]].round(2)["level"].tolist()
    [2.48, 3.04]
    """

    formula: str = "1"
    family: str = "poisson"
    season: int | None = None
    log: bool = False
    exposure: bool = True
    unobserved: str | None = None

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            raise DataError(
                f"family={self.family!r} is not known.", code="family", hint=f"Use one of {', '.join(_FAMILIES)}."
            )
        if self.log and self.family == "poisson":
            raise DataError(
                "The Poisson family has a log mean already.",
                code="log",
                hint='Leave log out, or use family="gaussian".',
            )
        if self.season is not None and (self.season != int(self.season) or self.season < 2):
            raise DataError(
                f"season={self.season} is not a number of periods.", code="season", hint="Give 12 for months of a year."
            )

    def fit(self, counts: Counts) -> LocalLevelResults:
        """Fit to one series of counts; the counts and the model stay as they were.

        Raises
        ------
        DataError
            For several series, irregular periods, covariates that follow from one another or from the level, and
            zeros where a log is asked for.
        IdentificationError
            When there are too few periods.
        """
        extra = (self.season or 1) - 1 + (2 if self.family == "gaussian" else 1)
        series = series_of(counts, self.formula, exposure=self.exposure, unobserved=self.unobserved, extra=extra)
        if self.family == "gaussian" and series.design.offset is not None:
            raise DataError("offset() is added to a log mean.", code="offset", hint='Use family="poisson".')
        cycle = _cycle(series, self.season)
        columns = _season_columns(cycle, self.season)
        _refuse_lost_seasons(series, cycle, self.season)
        design = np.column_stack([columns, series.design.matrix[:, 1:]])
        try:
            response, found = self._climb(series, design)
        except np.linalg.LinAlgError as problem:
            raise DataError(
                f"The effects cannot be told apart: {problem}.",
                code="collinear",
                hint="Leave a term out; the level takes the place of the intercept.",
            ) from problem
        return self._answer(series, response, design, found)

    def _climb(self, series: TimeSeries, design: Floats) -> tuple[Floats, LevelFit]:
        if self.family == "poisson":
            return series.y, fit_poisson_level(series.y, np.log(series.exposure), design)
        rate = series.y / series.exposure
        zero = np.flatnonzero(rate == 0)
        if self.log and zero.size:
            raise DataError(
                f"{zero.size} counts are zero and have no log.",
                column="n",
                rows=series.index[zero],
                code="zero",
                hint='Use family="poisson", which needs no log of counts.',
            )
        response = np.log(rate) if self.log else rate
        seen = np.isfinite(response)
        if np.ptp(response[seen]) == 0:
            raise IdentificationError(
                "All values are the same: neither variance can be estimated.", code="constant", hint="Check the series."
            )
        return response, fit_gaussian(response, design)

    def _answer(self, series: TimeSeries, response: Floats, design: Floats, found: LevelFit) -> LocalLevelResults:
        gaussian = self.family == "gaussian"
        variances = ("irregular variance", "level variance") if gaussian else ("level variance",)
        values = np.array([found.noise, found.step] if gaussian else [found.step])
        seasons = tuple(f"season[{i}]" for i in range(1, self.season or 1))
        names = (*variances, *seasons, *series.design.names[1:])
        v, p = len(variances), len(names)
        covariance = np.zeros((p, p))
        covariance[:v, :v] = found.log_covariance * np.outer(values, values)
        covariance[v:, v:] = found.smoothed.coef_covariance
        notes = _notes(found)
        if not found.converged:
            trouble = "The search for the variances stopped before its rule was met; do not report them."
            warnings.warn(trouble, ConvergenceWarning, stacklevel=3)
            notes.insert(0, trouble)
        return LocalLevelResults(
            names=names,
            estimate=np.append(values, found.smoothed.coef),
            covariance=covariance,
            vcov="model",
            llf=found.llf,
            llnull=float("nan"),
            nobs=float(series.seen.sum()),
            n_events=float(np.nansum(series.y)),
            converged=found.converged,
            ledger=series.counts.ledger,
            method=self._method(),
            sources=("durbin_koopman2012", "de_jong1991"),
            outcome="n",
            warnings=tuple(notes),
            family=self.family,
            log=self.log,
            season_length=self.season or 0,
            n_variances=v,
            log_covariance=found.log_covariance,
            at_limit=found.at_limit,
            data=LevelData(series, response, design, found),
        )

    def _method(self) -> str:
        what = "log(n)" if self.log else "n"
        family = "Gaussian" if self.family == "gaussian" else "Poisson, normal approximation at the mode"
        text = f"Local level ({family}): {what} ~ level"
        text += f" + season of {self.season}" if self.season else ""
        return text + (f" + {self.formula}" if self.formula.strip() not in ("1", "") else "")


def _cycle(series: TimeSeries, season: int | None) -> Ints:
    """Place of each period in the season: the calendar month of monthly counts, else counted from the first period."""
    n = len(series.y)
    if season == 12 and series.counts.dated and series.counts.freq == "MS":
        return series.counts.start.astype("datetime64[M]").astype(np.int64) % 12
    return np.arange(n) % (season or 1)


def _season_columns(cycle: Ints, season: int | None) -> Floats:
    """Columns of effects that sum to zero (n, season - 1)."""
    if season is None:
        return np.zeros((len(cycle), 0))
    effects = np.vstack([np.eye(season - 1), -np.ones(season - 1)])
    return np.asarray(effects[cycle], dtype=np.float64)


def _refuse_lost_seasons(series: TimeSeries, cycle: Ints, season: int | None) -> None:
    if season is None:
        return
    lost = [i + 1 for i in range(season) if not np.any(series.seen & (cycle == i))]
    if lost:
        raise IdentificationError(
            f"No count is known in place {lost[0]} of a season of {season}.",
            code="season",
            hint="Use a shorter season, or none.",
        )


def _notes(found: LevelFit) -> list[str]:
    if found.at_limit == "step":
        return ["the level does not move: its variance is at its limit 0, and this is a regression with an intercept"]
    if found.at_limit == "noise":
        return ["all movement is put down to the level: the largest variance looked at; the smoothed level is the data"]
    return []
