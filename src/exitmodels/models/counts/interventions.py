"""Did something change in a count autoregression: at a known time, or at any time?

Third floor. The arithmetic of all times at once is in kernels/ingarch_tests.py.

Called by: count_ar_results.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.countglm import nb2_loglik
from exitmodels.kernels.ingarch import Recursion, follow
from exitmodels.kernels.ingarch_fit import fit_joint, fit_mean, pearson_alpha
from exitmodels.kernels.ingarch_paths import simulate_paths
from exitmodels.kernels.ingarch_tests import intervention_column, intervention_scores
from exitmodels.models.counts.series_results import SeriesFit
from exitmodels.results.hypothesis import HypothesisTest

if TYPE_CHECKING:
    from exitmodels.models.counts.count_ar_results import CountARResults

__all__ = ["InterventionSearch", "find_intervention", "intervention_test"]

_RATES = {"level": 1.0, "transient": 0.8, "spike": 0.0}
_PAPERS = {"identity": "fokianos_fried2010", "log": "fokianos_fried2012"}
_TINY = 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class InterventionSearch(HypothesisTest):
    """A test for an intervention at an unknown time.

    Attributes
    ----------
    times : (m,) str
        Candidates.
    statistics : (m,)
        Score statistic of each; NaN where the model's own terms stand for the intervention.
    at : str
        The candidate with the largest: where a change would be, if there was one.

    Other attributes are those of `exitmodels.results.hypothesis.HypothesisTest`.
    """

    times: AnyArray
    statistics: Floats
    at: str

    def to_frame(self) -> Any:
        """Return one row per candidate, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame({"statistic": self.statistics}, index=pd.Index(self.times, name="time"))

    def plot(self, ax: Any = None) -> Any:
        """Draw the statistic of every candidate; return the Axes."""
        from exitmodels.render.series import profile_line

        return profile_line(ax, self.times, self.statistics, "score statistic", f"p = {self.pvalue:.3f} (bootstrap)")


def _rate(kind: str | float) -> tuple[float, str]:
    if isinstance(kind, str) and kind in _RATES:
        rate = _RATES[kind]
        return rate, "level shift" if kind == "level" else kind if kind == "spike" else f"transient, fading by {rate:g}"
    if not isinstance(kind, str) and 0 <= float(kind) <= 1:
        return float(kind), f"intervention that fades by {float(kind):g} a period"
    raise DataError(
        f"kind={kind!r} is not known.",
        code="kind",
        hint='Use "level", "transient" (what is left a period later: 0.8), "spike", or that share as a number.',
    )


def intervention_test(
    fit: CountARResults, at: Any, kind: str | float = "level", *, method: str = "score", external: bool = False
) -> HypothesisTest:
    """Test for an intervention at a time that was chosen before the counts were seen.

    Parameters
    ----------
    fit : CountARResults
        Without the intervention.
    at : date, period or int
        First period that is affected: its name, the date on which it begins, or 1, 2, ... in a series without dates.
    kind : {"level", "transient", "spike"} or float
        Lasting; fading, 0.8 of it being left a period later; one period only; or the share that is left.
    method : {"score", "lr"}
        "score" needs the fit without the intervention only, and is right for quasi-likelihood too. "lr" refits; for a
        negative binomial it needs ``dispersion="ml"``.
    external : bool
        Whether past means do not pass the effect on.

    Returns
    -------
    HypothesisTest
        Chi-squared on one degree of freedom. "lr" gives the effect and its standard error in ``to_frame()``.

    Raises
    ------
    IdentificationError
        If nothing was observed on one side of `at`.

    Notes
    -----
    Source: Fokianos and Fried (2010, 2012). With the log link the score's variance weighs each period by its mean.
    """
    rate, words = _rate(kind)
    data = fit._data("A test")
    place = data.series.position(at)
    name = f"{words} at {data.series.index[place]}"
    if method == "score":
        return _by_score(fit, data, place, rate, external, name)
    if method != "lr":
        raise DataError(f"method={method!r} is not known.", code="method", hint='Use "score" or "lr".')
    return _by_ratio(fit, data, place, rate, external, name)


def _by_score(
    fit: CountARResults, data: SeriesFit, place: int, rate: float, external: bool, name: str
) -> HypothesisTest:
    statistic = _statistics(fit, data.kernel, data.theta, fit.alpha, np.array([place]), rate, external, data)[0]
    if np.isnan(statistic):
        raise IdentificationError(
            f"A {name} cannot be told from the terms that are in the model.",
            column="at",
            code="collinear",
            hint="Ask about another time, or fit without the term that stands for it.",
        )
    return HypothesisTest(
        statistic=float(statistic),
        df=1,
        pvalue=float(stats.chi2.sf(statistic, 1)),
        method=f"Score test of a {name}",
        sources=(_PAPERS[fit.link], "liboschik2017"),
        ledger=fit.ledger,
    )


def _statistics(
    fit: CountARResults,
    kernel: Recursion,
    theta: Floats,
    alpha: float,
    times: Ints,
    rate: float,
    external: bool,
    data: SeriesFit | None = None,
) -> Floats:
    """Squared standardised scores; NaN where the intervention follows from the covariates."""
    state = follow(kernel, theta)
    assert state is not None
    bound = np.zeros(len(theta), dtype=bool) if data is None else data.pieces.bound[: len(theta)]
    if fit.link == "identity" and data is None:
        bound = np.append(np.zeros(kernel.width, dtype=bool), theta[kernel.width :] <= 0)
    quasi = not (fit.family == "negbin" and fit.dispersion_by == "ml")
    score, variance = intervention_scores(kernel, theta, state, times, rate, external, bound, alpha, quasi)
    first = np.maximum(np.abs(variance).max(), 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > _TINY * first, score**2 / variance, np.nan)


def _by_ratio(
    fit: CountARResults, data: SeriesFit, place: int, rate: float, external: bool, name: str
) -> HypothesisTest:
    kernel: Recursion = data.kernel
    joint = fit.family == "negbin" and fit.alpha > 0
    if joint and fit.dispersion_by != "ml":
        raise DataError(
            "A likelihood ratio of quasi-likelihood fits has no chi-squared law.",
            code="method",
            hint='Use method="score", or fit with dispersion="ml".',
        )
    wide = kernel.with_column(intervention_column(len(kernel.y), place, rate), external)
    begin = np.insert(data.theta, kernel.width, 0.0)
    found = fit_joint(wide, begin, fit.alpha) if joint else fit_mean(wide, begin)
    theta = found.at[:-1] if joint else found.at
    state = follow(wide, theta)
    assert state is not None
    alpha = float(np.exp(found.at[-1])) if joint else 0.0
    y = kernel.y[kernel.seen]
    llf = nb2_loglik(y, state.mean[kernel.seen], alpha)
    statistic = max(2 * (llf - fit.llf), 0.0)
    free = ~found.bound
    covariance = np.full((len(free), len(free)), np.nan)
    keep = np.ix_(free, free)
    covariance[keep] = np.linalg.inv(found.surface.expected[keep])
    effect, error = float(theta[kernel.width]), float(np.sqrt(covariance[kernel.width, kernel.width]))
    return HypothesisTest(
        statistic=statistic,
        df=1,
        pvalue=float(stats.chi2.sf(statistic, 1)),
        method=f"Likelihood-ratio test of a {name}",
        labels=("effect",),
        detail={"estimate": np.array([effect]), "se": np.array([error])},
        sources=(_PAPERS[fit.link], "liboschik2017"),
        ledger=fit.ledger,
        warnings=() if found.converged else ("the fit with the intervention did not converge",),
    )


def find_intervention(
    fit: CountARResults,
    kind: str | float = "level",
    *,
    candidates: Sequence[Any] | None = None,
    external: bool = False,
    draws: int = 499,
    rng: np.random.Generator | int | None = None,
) -> InterventionSearch:
    """Test for an intervention at an unknown time: the largest score statistic over all times, by bootstrap.

    Parameters
    ----------
    fit : CountARResults
        Without the intervention.
    kind, external
        As in `intervention_test`.
    candidates : sequence of times, optional
        By default every period that leaves at least as many known counts on either side as there are parameters (all
        but the first such, for a spike).
    draws : int
        Series simulated from the fit, each fitted again.
    rng : numpy Generator or int

    Returns
    -------
    InterventionSearch
        `pvalue` is ``(1 + draws that reach the statistic) / (1 + draws)``; ``to_frame()`` and ``plot()`` show the
        statistic of every candidate.

    Notes
    -----
    The chi-squared law does not hold for the largest of many statistics. Source: Fokianos and Fried (2010), section 4.
    """
    if rng is None:
        raise DataError(
            "The test is simulated, and no source of randomness was given.", code="rng", hint="Give rng=1, or the like."
        )
    rate, words = _rate(kind)
    data, generator = fit._data("A test"), np.random.default_rng(rng)
    times = _candidates(fit, data, candidates, rate)
    observed = _statistics(fit, data.kernel, data.theta, fit.alpha, times, rate, external, data)
    if np.isnan(observed).all():
        raise IdentificationError(
            "At no candidate can the intervention be told from the terms in the model.",
            code="collinear",
            hint="Fit without the term that stands for it.",
        )
    most = float(np.nanmax(observed))
    simulated, failed = _simulated(fit, data, times, rate, external, draws, generator)
    where = times[int(np.nanargmax(observed))]
    notes = (f"{failed} of {draws} simulated series could not be fitted and were left out",) if failed else ()
    return InterventionSearch(
        times=np.asarray([str(data.series.index[t]) for t in times]),
        statistics=observed,
        at=str(data.series.index[where]),
        statistic=most,
        df=float("nan"),
        pvalue=(1 + int(np.sum(simulated >= most))) / (1 + len(simulated)),
        method=f"Largest score statistic of a {words} over {len(times)} times: {data.series.index[where]}",
        distribution=f"bootstrap of the largest, {len(simulated)} series",
        sources=(_PAPERS[fit.link], "liboschik2017"),
        ledger=fit.ledger,
        warnings=notes,
    )


def _candidates(fit: CountARResults, data: SeriesFit, given: Sequence[Any] | None, rate: float) -> Ints:
    if given is not None:
        return np.unique([data.series.position(at) for at in given]).astype(np.int64)
    before = np.cumsum(data.series.seen)
    least = len(fit.names) if rate > 0 else 1
    inside = (before > least) & (before[-1] - before + data.series.seen >= (least if rate > 0 else 1))
    times = np.flatnonzero(inside & (data.series.seen if rate == 0 else True))
    if times.size == 0:
        raise IdentificationError(
            f"The series has {before[-1]} known counts, too few to look for an intervention with {least} parameters.",
            code="few-periods",
            hint="Name candidates=, or fit fewer parameters.",
        )
    return times.astype(np.int64)


def _simulated(
    fit: CountARResults,
    data: SeriesFit,
    times: Ints,
    rate: float,
    external: bool,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, int]:
    """Largest statistics of series drawn from the fit, each fitted again as the first was."""
    kernel: Recursion = data.kernel
    drawn = simulate_paths(kernel, 0, data.theta[None], np.array([fit.alpha]), rng, int(draws))
    largest: list[float] = []
    for row in drawn:
        again = replace(kernel, y=np.where(kernel.seen, row, np.nan))
        found = _refit(fit, again, data.theta) if np.isfinite(row).all() and np.nansum(again.y) > 0 else None
        if found is not None:
            some = _statistics(fit, again, *found, times, rate, external)
            if np.isfinite(some).any():
                largest.append(float(np.nanmax(some)))
    return np.array(largest), int(draws) - len(largest)


def _refit(fit: CountARResults, data: Recursion, begin: Floats) -> tuple[Floats, float] | None:
    if follow(data, begin) is None:
        return None
    found = fit_mean(data, begin)
    state = follow(data, found.at)
    if not found.converged or state is None:
        return None
    if fit.family == "poisson":
        return found.at, 0.0
    y, mean = data.y[data.seen], state.mean[data.seen]
    alpha = pearson_alpha(y, mean, len(y) - len(found.at))
    if fit.dispersion_by == "ml" and float(np.sum((y - mean) ** 2 - y)) > 0:
        joint = fit_joint(data, found.at, min(max(alpha, 1e-3), 10.0))
        return (joint.at[:-1], float(np.exp(joint.at[-1]))) if joint.converged else None
    return found.at, alpha if fit.dispersion_by == "pearson" else 0.0
