"""Count autoregression: the mean of a period follows past counts, past means and covariates.

Third floor. The model says what is asked; the arithmetic is in kernels/ingarch.py and ingarch_fit.py.

Read next: count_ar_results.py (what a fit answers), interventions.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.ascent import Ascent
from exitmodels.kernels.countglm import dispersion_terms, fit_nb2, fit_poisson, nb2_loglik
from exitmodels.kernels.ingarch import Recursion, State, follow, slopes
from exitmodels.kernels.ingarch_fit import fit_joint, fit_mean, link_terms, pearson_alpha, starts
from exitmodels.kernels.predictive import CountLaw
from exitmodels.models.counts.count_ar_results import CountARResults
from exitmodels.models.counts.series import TimeSeries, series_of
from exitmodels.models.counts.series_results import KINDS, Pieces, SeriesFit, series_covariance
from exitmodels.shapes.counts import Counts

__all__ = ["CountAR", "check_lags"]

_LINKS, _FAMILIES = ("identity", "log"), ("poisson", "negbin")
_DISPERSIONS, _BEFORE = ("pearson", "ml"), ("steady", "marginal", "first")
_PAPERS = {"identity": "fokianos2009", "log": "fokianos_tjostheim2011"}
_EDGE, _AT_EDGE = 0.99, 1e-6
_LONG = 5000


@dataclass(frozen=True)
class CountAR:
    """Autoregression for a series of counts (INGARCH with the identity link, log-linear with the log link).

    The rate of period t, or its log, is the intercept and covariates, plus a coefficient times each past count and each
    past rate (or log rate) that is named.

    Parameters
    ----------
    formula : str
        Right-hand side for covariates; an intercept is always included. ``offset(...)`` needs the log link.
    past_observations, past_means : sequence of int
        Lags in periods: ``(1, 13)`` looks back one and thirteen periods.
    link : {"log", "identity"}
        With "log", past counts enter as log(n + 1), and effects multiply; with "identity" all add up, and the
        coefficients of the lags cannot be negative.
    family : {"poisson", "negbin"}
        "negbin" has variance mean + alpha mean^2.
    dispersion : {"pearson", "ml"}
        For "negbin". "pearson": the mean by quasi-likelihood (right whatever the variance), alpha by Pearson's
        statistic. "ml": mean and alpha together by maximum likelihood (sharper if the family is right).
    external : bool or sequence of str
        Covariates whose effect is not passed on by past means: all, or those named as in ``params``.
    before : {"steady", "marginal", "first"}
        The state before the series: the level at which the model would rest with covariates as in the first period;
        the same with covariates at zero (the convention of tscount); or the first known count.
    vcov : {"model", "observed", "robust"}
        See `with_vcov`.
    exposure : bool
        Whether counts are divided by their exposure; the mean is exposure times rate.
    unobserved : str, optional
        Column that is 1 (or true) in periods whose count is not known. Absent periods are unknown too.

    Notes
    -----
    Assumes that the mean is right; periods of about equal length. Needs a stationary series: coefficients of the lags
    that sum to less than one. A level that wanders off is not stationary; see `LocalLevel`.
    Source: Fokianos, Rahbek and Tjostheim (2009); Fokianos and Tjostheim (2011); Liboschik, Fokianos and Fried (2017).

    Examples
    --------
    >>> n = [2, 3, 5, 4, 6, 8, 7, 5, 4, 3, 2, 4, 5, 3, 2, 2, 3, 1, 2, 4]
    >>> fit = CountAR(past_observations=(1,), link="identity").fit(Counts.from_table({"n": n}, n="n"))
    >>> fit.params.round(3).to_dict()
    {'Intercept': 1.401, 'n[t-1]': 0.6}
    """

    formula: str = "1"
    past_observations: Sequence[int] = (1,)
    past_means: Sequence[int] = ()
    link: str = "log"
    family: str = "poisson"
    dispersion: str = "pearson"
    external: bool | Sequence[str] = False
    before: str = "steady"
    vcov: str = "model"
    exposure: bool = True
    unobserved: str | None = None

    def __post_init__(self) -> None:
        choices = {
            "link": _LINKS,
            "family": _FAMILIES,
            "dispersion": _DISPERSIONS,
            "before": _BEFORE,
            "vcov": KINDS,
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise DataError(
                    f"{name}={getattr(self, name)!r} is not known.", code=name, hint=f"Use one of {', '.join(known)}."
                )
        for name in ("past_observations", "past_means"):
            object.__setattr__(self, name, check_lags(name, getattr(self, name)))
        if not self.past_observations and not self.past_means:
            raise DataError("No lag is named.", code="lags", hint="Name lags, or use CountRegression.")

    def fit(self, counts: Counts) -> CountARResults:
        """Fit to one series of counts; the counts and the model stay as they were.

        Raises
        ------
        DataError
            For several series, irregular periods, constant or collinear columns, unknown covariates.
        IdentificationError
            When too few periods remain after the longest lag.
        """
        data, series = self._recursion(counts)
        # A long series has one peak that matters; a short one may have several.
        points = starts(data, 2 if len(data.y) < _LONG else 1)
        best = max((fit_mean(data, start) for start in points), key=lambda found: found.surface.value)
        theta, alpha, joint = best.at, 0.0, None
        state = follow(data, theta)
        assert state is not None
        if self.family == "negbin":
            df = float(data.seen.sum() - len(theta))
            alpha = pearson_alpha(data.y[data.seen], state.mean[data.seen], df)
            if self.dispersion == "ml":
                joint = _joint(data, theta, alpha, state)
        if joint is not None:
            best, theta, alpha = joint, joint.at[:-1], float(np.exp(joint.at[-1]))
            state = follow(data, theta)
            assert state is not None
        elif self.dispersion == "ml":
            alpha = 0.0
        pieces = _pieces(data, theta, alpha, state, best, joint is not None)
        law = CountLaw(state.mean, alpha)
        return self._answer(data, SeriesFit(series, law, pieces, data, theta), best, alpha)

    def _recursion(self, counts: Counts) -> tuple[Recursion, TimeSeries]:
        lags = (*self.past_observations, *self.past_means)
        series = series_of(
            counts,
            self.formula,
            exposure=self.exposure,
            unobserved=self.unobserved,
            lags=max(lags),
            extra=len(lags) + (self.family == "negbin"),
        )
        if self.link == "identity" and series.design.offset is not None:
            raise DataError(
                "offset() is added to a log rate; with the identity link there is none.",
                code="offset",
                hint="Give the exposure to Counts, which multiplies the rate.",
            )
        recursion = Recursion(
            y=series.y,
            exposure=series.exposure,
            design=series.design.matrix,
            external=_external(self.external, series.design.names),
            past_observations=tuple(self.past_observations),
            past_means=tuple(self.past_means),
            log_link=self.link == "log",
            before=self.before,
        )
        return recursion, series

    def _answer(self, data: Recursion, made: SeriesFit, best: Ascent, alpha: float) -> CountARResults:
        names = (
            *made.series.design.names,
            *(f"n[t-{lag}]" for lag in self.past_observations),
            *(f"mean[t-{lag}]" for lag in self.past_means),
        )
        full = series_covariance(made.pieces, self.vcov)
        q, y, seen = len(names), data.y[data.seen], data.seen
        edge = data.nearest_root(made.theta) > 1 - _AT_EDGE
        trouble = _trouble(data, made.theta) if edge or not best.converged else ""
        if trouble:
            warnings.warn(trouble, ConvergenceWarning, stacklevel=3)
        return CountARResults(
            names=names,
            estimate=made.theta,
            covariance=full[:q, :q],
            vcov=self.vcov,
            llf=nb2_loglik(y, made.law.mean[seen], alpha),
            llnull=_null(y, data.exposure[seen], self.family),
            nobs=float(seen.sum()),
            n_events=float(y.sum()),
            converged=not trouble,
            ledger=made.series.counts.ledger,
            method=self._method(),
            sources=self._sources(),
            outcome="n",
            warnings=tuple(note for note in (trouble, *self._notes(data, made, names, alpha)) if note),
            family=self.family,
            link=self.link,
            alpha=alpha,
            log_alpha_se=_log_alpha_se(full, q, y, made.law.mean[seen], alpha),
            n_covariates=data.width,
            dispersion_by=self.dispersion if self.family == "negbin" else "",
            past_observations=tuple(self.past_observations),
            past_means=tuple(self.past_means),
            data=made,
        )

    def _method(self) -> str:
        family = "Poisson" if self.family == "poisson" else f"negative binomial, dispersion {self.dispersion}"
        text = f"Count autoregression ({self.link} link, {family}): n ~ {self.formula}"
        if self.past_observations:
            text += f"; past counts {', '.join(map(str, self.past_observations))}"
        return text + (f"; past means {', '.join(map(str, self.past_means))}" if self.past_means else "")

    def _sources(self) -> tuple[str, ...]:
        quasi = ("christou_fokianos2014",) if self.family == "negbin" and self.dispersion == "pearson" else ()
        return (_PAPERS[self.link], "liboschik2017", *quasi)

    def _notes(self, data: Recursion, made: SeriesFit, names: Sequence[str], alpha: float) -> list[str]:
        notes = []
        fixed = [name for name, bound in zip(names, made.pieces.bound[: len(names)], strict=True) if bound]
        if fixed:
            notes.append(
                f"{', '.join(fixed)}: the estimate is at its limit 0, without a standard error; "
                "the others hold given it"
            )
        persistence = float(made.theta[data.width :].sum())
        if persistence > _EDGE:
            notes.append(
                f"the coefficients of the lags sum to {persistence:.4f}: the level hardly returns anywhere; "
                "see LocalLevel"
            )
        if self.family == "negbin" and alpha == 0:
            notes.append("the counts show no overdispersion: alpha is at its limit 0, and this is the Poisson fit")
        if self.family == "poisson" and self.vcov != "robust":
            notes += _overdispersed(data, made)
        return notes


def check_lags(name: str, lags: Sequence[int]) -> tuple[int, ...]:
    """Lags as whole numbers from 1 upwards, each once, in order."""
    given = (lags,) if isinstance(lags, int) else tuple(lags)
    whole = [lag for lag in given if isinstance(lag, (int, np.integer)) and lag >= 1]
    if len(whole) < len(given) or len(set(given)) < len(given):
        raise DataError(
            f"{name}={lags!r} does not name lags.",
            column=name,
            code="lags",
            hint="Lags are whole numbers of periods, 1 or more, each once: (1, 13).",
        )
    return tuple(sorted(int(lag) for lag in given))


def _external(external: bool | Sequence[str], names: Sequence[str]) -> Bools:
    if isinstance(external, bool):
        return np.array([external and name != "Intercept" for name in names], dtype=bool)
    chosen = [external] if isinstance(external, str) else list(external)
    unknown = [name for name in chosen if name not in names or name == "Intercept"]
    if unknown:
        raise DataError(
            f"external= names {unknown[0]!r}, which is not a covariate of the model.",
            column=str(unknown[0]),
            code="external",
            hint=f"Covariates: {', '.join(names[1:]) or 'none'}.",
        )
    return np.array([name in chosen for name in names], dtype=bool)


def _joint(data: Recursion, theta: Floats, alpha: float, state: State) -> Ascent | None:
    """The joint fit, or None when the likelihood is highest without overdispersion."""
    y, mean = data.y[data.seen], state.mean[data.seen]
    if float(np.sum((y - mean) ** 2 - y)) <= 0:
        return None
    found = fit_joint(data, theta, min(max(alpha, 1e-3), 10.0))
    return found if found.at[-1] > np.log(1e-8) else None


def _pieces(data: Recursion, theta: Floats, alpha: float, state: State, best: Ascent, joint: bool) -> Pieces:
    held = alpha if joint else 0.0
    terms = link_terms(data, state, held)
    first, _ = slopes(data, theta, state)
    scores, expected = first * terms.score, (first * terms.expected) @ first.T
    if not joint:
        # Variance of the Poisson score when counts have the negative binomial's variance.
        wide = link_terms(data, state, alpha).spread if alpha else terms.expected
        spread = (first * wide) @ first.T
        return Pieces(best.surface.information, expected, spread, scores, best.bound)
    y, mean = data.y[data.seen], state.mean[data.seen]
    own, bend = dispersion_terms(y, mean, alpha)
    full = np.zeros((len(theta) + 1, len(theta) + 1))
    full[:-1, :-1], full[-1, -1] = expected, max(-float(bend.sum()), 1e-300)
    last = np.zeros(len(data.y))
    last[data.seen] = own
    return Pieces(best.surface.information, full, full, np.vstack([scores, last]), best.bound)


def _log_alpha_se(full: Floats, q: int, y: Floats, mean: Floats, alpha: float) -> float:
    if alpha == 0:
        return float("nan")
    if len(full) > q:
        return float(np.sqrt(full[q, q]))
    bend = -float(dispersion_terms(y, mean, alpha)[1].sum())
    return float(1 / np.sqrt(bend)) if bend > 0 else float("nan")


def _null(y: Floats, exposure: Floats, family: str) -> float:
    """Log-likelihood of a constant rate."""
    fit = (fit_nb2 if family == "negbin" else fit_poisson)(y, np.ones((len(y), 1)), np.log(exposure))
    return fit.llf


def _overdispersed(data: Recursion, made: SeriesFit) -> list[str]:
    y, mean = data.y[data.seen], made.law.mean[data.seen]
    df = len(y) - len(made.theta)
    chi2 = float(np.sum((y - mean) ** 2 / mean))
    if df <= 0 or chi2 / df <= 1.25 or stats.chi2.sf(chi2, df) >= 0.01:
        return []
    return [
        f"counts vary {chi2 / df:.2f} times as much around the mean as Poisson counts would: these errors are too "
        'small (see vcov="robust" or family="negbin")'
    ]


def _trouble(data: Recursion, theta: Floats) -> str:
    if data.nearest_root(theta) < _EDGE:
        return "The search for the highest likelihood stopped before its rule was met; do not report these estimates."
    persistence = float(theta[data.width :].sum())
    if persistence > _EDGE:
        return (
            f"The likelihood still rises where the coefficients of the lags sum to {persistence:.4f}: the series has "
            "no level to which it returns. Do not report these estimates; see LocalLevel, or add a trend."
        )
    return (
        "The likelihood still rises at the edge of the stationary models: these counts are too few for these lags. "
        "Do not report these estimates; name fewer lags, past means first."
    )
