"""Endemic-epidemic regression of a count series: exits that come of themselves, and exits that follow exits.

Third floor. The model says what is asked; the arithmetic is in kernels/endemic.py.

Read next: series_results.py (what a fit answers).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.ascent import Ascent, symmetric_root
from exitmodels.kernels.countglm import fit_nb2, fit_poisson
from exitmodels.kernels.endemic import TwoParts, fit_parts
from exitmodels.kernels.predictive import CountLaw
from exitmodels.models.counts.series import TimeSeries, series_of
from exitmodels.models.counts.series_ahead import FutureRows, future_rows
from exitmodels.models.counts.series_results import KINDS, Pieces, SeriesFit, SeriesResults, series_covariance
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design

__all__ = ["EndemicEpidemic", "EndemicEpidemicResults"]

_FAMILIES = {"poisson": "Poisson", "negbin": "negative binomial"}
_VANISHED = -12.0


@dataclass(frozen=True)
class EndemicEpidemic:
    """The mean is a share of the last count (epidemic part) plus a rate of its own (endemic part).

    Each part is log-linear: ``exp(epidemic terms) * last count + exposure * exp(endemic terms)``.

    Parameters
    ----------
    endemic, epidemic : str
        Right-hand sides; an intercept is always included; ``offset(...)`` may stand in `endemic`.
    family : {"negbin", "poisson"}
        "negbin" has variance mean + alpha mean^2, alpha by maximum likelihood.
    vcov : {"observed", "model", "robust"}
        "observed" information, as is usual for these models; see `with_vcov`.
    exposure : bool
        Whether the endemic part is a rate per exposure, and the last count is carried over per exposure.
    unobserved : str, optional
        Column that is 1 (or true) in periods whose count is not known. Such a period and the next stand aside.

    Notes
    -----
    The first period has no count before it and is conditioned on. Both parts add, so covariates can say which of them
    moved. Source: Held, Hoehle and Hofmann (2005); Paul, Held and Toschke (2008).

    Examples
    --------
    >>> n = [2, 3, 5, 4, 6, 8, 7, 5, 4, 3, 2, 4, 5, 3, 2, 2, 3, 1, 2, 4]
    >>> fit = EndemicEpidemic(family="poisson").fit(Counts.from_table({"n": n}, n="n"))
    >>> fit.rate_ratios()["ratio"].round(3).to_dict()
    {'epidemic: Intercept': 0.619, 'endemic: Intercept': 1.529}
    """

    endemic: str = "1"
    epidemic: str = "1"
    family: str = "negbin"
    vcov: str = "observed"
    exposure: bool = True
    unobserved: str | None = None

    def __post_init__(self) -> None:
        for name, known in (("family", _FAMILIES), ("vcov", KINDS)):
            if getattr(self, name) not in known:
                raise DataError(
                    f"{name}={getattr(self, name)!r} is not known.", code=name, hint=f"Use one of {', '.join(known)}."
                )

    def fit(self, counts: Counts) -> EndemicEpidemicResults:
        """Fit to one series of counts; the counts and the model stay as they were.

        Raises
        ------
        DataError
            For several series, irregular periods, constant or collinear columns, or no count that follows another.
        IdentificationError
            When too few periods remain.
        """
        series = series_of(counts, self.endemic, exposure=self.exposure, unobserved=self.unobserved, lags=1, extra=1)
        second = Design.of(self.epidemic, series.counts.columns, intercept=True)
        if second.offset is not None:
            raise DataError("offset() belongs to the endemic part.", code="offset", hint="Move it to endemic=.")
        used = np.append(False, series.seen[1:] & series.seen[:-1])
        rows = _rows(series, second, np.flatnonzero(used))
        if not np.any(rows.carried > 0):
            raise DataError("No count follows a count above zero.", code="epidemic", hint="Use CountRegression.")
        best, joint = fit_parts(rows, self.family == "negbin")
        return self._answer(series, second, rows, used, best, joint)

    def _answer(
        self, series: TimeSeries, second: Design, rows: TwoParts, used: Any, best: Ascent, joint: bool
    ) -> EndemicEpidemicResults:
        names = (*(f"epidemic: {n}" for n in second.names), *(f"endemic: {n}" for n in series.design.names))
        q = len(names)
        alpha = float(np.exp(best.at[-1])) if joint else 0.0
        theta, surface = best.at[:q], best.surface
        scores = np.zeros((len(best.at), len(series.y)))
        scores[:, used] = rows.scores(theta, alpha)
        pieces = Pieces(surface.information, surface.expected, surface.expected, scores, best.bound)
        full = series_covariance(pieces, self.vcov)
        mean = np.full(len(series.y), np.nan)
        mean[used] = np.add(*rows.parts(theta))
        mean = np.where(used, mean, series.exposure * np.exp(series.design.matrix @ theta[len(second.names) :]))
        made = SeriesFit(series, CountLaw(mean, alpha), pieces, second, theta, used)
        null = (fit_nb2 if self.family == "negbin" else fit_poisson)(
            rows.y, np.ones((len(rows.y), 1)), np.log(rows.exposure)
        )
        trouble = self._trouble(rows, best)
        if trouble:
            warnings.warn(trouble, ConvergenceWarning, stacklevel=3)
        calm = self.family == "negbin" and alpha == 0
        notes = ["the counts show no overdispersion: alpha is at its limit 0, and this is the Poisson fit"] * calm
        return EndemicEpidemicResults(
            names=names,
            estimate=theta,
            covariance=full[:q, :q],
            vcov=self.vcov,
            llf=surface.value,
            llnull=null.llf,
            nobs=float(used.sum()),
            n_events=float(rows.y.sum()),
            converged=best.converged and not trouble,
            ledger=series.counts.ledger,
            method=f"Endemic-epidemic regression ({_FAMILIES[self.family]}): n ~ exp({self.epidemic}) last n + "
            f"exp({self.endemic})",
            sources=("held2005", "paul2008"),
            outcome="n",
            warnings=tuple([trouble] * bool(trouble) + notes),
            family=self.family,
            link="log",
            alpha=alpha,
            log_alpha_se=float(np.sqrt(full[q, q])) if joint else float("nan"),
            n_covariates=q,
            n_epidemic=len(second.names),
            data=made,
        )

    def _trouble(self, rows: TwoParts, best: Ascent) -> str:
        first, second = rows.parts(best.at)
        share = float(first.sum() / (first.sum() + second.sum()))
        if not best.converged and (share < np.exp(_VANISHED) or share > 1 - np.exp(_VANISHED)):
            part = "epidemic" if share < 0.5 else "endemic"
            return f"The {part} part vanishes: its coefficients run to minus infinity and mean nothing; leave it out."
        if not best.converged:
            return (
                "The search for the highest likelihood stopped before its rule was met; do not report these estimates."
            )
        return ""


def _rows(series: TimeSeries, second: Design, use: Any) -> TwoParts:
    before = series.y[use - 1] / series.exposure[use - 1]
    return TwoParts(
        y=series.y[use],
        carried=before * series.exposure[use],
        exposure=series.exposure[use],
        epidemic=second.matrix[use],
        endemic=series.design.matrix[use],
    )


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EndemicEpidemicResults(SeriesResults):
    """A fitted endemic-epidemic regression.

    Attributes
    ----------
    n_epidemic : int
        The first so many coefficients belong to the epidemic part.

    Other attributes are those of `SeriesResults`.
    """

    n_epidemic: int

    @property
    def epidemic_share(self) -> Any:
        """Part of each period's mean that follows from the count before, as a Series; NaN in periods left out."""
        import pandas as pd

        data = self._data("The share")
        own = data.series.exposure * np.exp(data.series.design.matrix @ self.estimate[self.n_epidemic :])
        share = np.where(self._used(data), 1 - own / data.law.mean, np.nan)
        return pd.Series(share, index=data.series.index, name="epidemic share")

    @staticmethod
    def _used(data: SeriesFit) -> Bools:
        return data.series.seen if data.used is None else data.used

    def _to_come(self, series: TimeSeries, horizon: int | None, new: Any) -> FutureRows:
        second: Design = self._data("A forecast").kernel
        if second.variables:
            raise DataError(
                "Forecasts with covariates in the epidemic part are not made yet.",
                code="epidemic",
                hint='Fit with epidemic="1".',
            )
        return future_rows(series, horizon, new)

    def _paths(
        self, data: SeriesFit, rows: FutureRows, paths: int, parameters: bool, rng: np.random.Generator
    ) -> tuple[Floats, Floats, tuple[str, ...]]:
        p, m = self.n_epidemic, paths if parameters else 1
        covariance = series_covariance(data.pieces, self.vcov)
        centre = np.append(data.theta, np.log(self.alpha)) if len(covariance) > len(data.theta) else data.theta
        theta = np.tile(centre, (m, 1))
        if parameters:
            theta = centre + rng.standard_normal((m, len(centre))) @ symmetric_root(covariance)
        alpha = np.exp(np.clip(theta[:, -1], -30.0, 10.0)) if len(centre) > len(data.theta) else np.zeros(m)
        last = np.flatnonzero(data.series.seen)[-1]
        rate = np.full(paths, data.series.y[last] / data.series.exposure[last])
        expected, at, drawn = np.empty(len(rows.exposure)), float(rate[0]), np.empty((paths, len(rows.exposure)))
        for t, size in enumerate(rows.exposure):
            own = np.exp(np.minimum(theta[:, p : p + rows.matrix.shape[1]] @ rows.matrix[t], 30.0))
            mean = size * (np.exp(np.minimum(theta[:, 0], 5.0)) * rate + own)
            shape = 1 / np.where(alpha > 0, alpha, 1.0)
            drawn[:, t] = rng.poisson(
                np.minimum(mean * np.where(alpha > 0, rng.gamma(shape, size=paths) / shape, 1.0), 1e15)
            )
            rate = drawn[:, t] / size
            at = float(np.exp(data.theta[0]) * at + np.exp(data.theta[p:] @ rows.matrix[t]))
            expected[t] = size * at
        notes = () if parameters else ("limits take the estimates as if they were known",)
        return drawn, expected, notes
