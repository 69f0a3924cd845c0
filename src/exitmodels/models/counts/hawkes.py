"""Self-excitation: whether one exit brings others after it, or the background only moved.

Third floor. The model says what is asked; the arithmetic is in kernels/hawkes.py (exact times) and
kernels/hawkes_binned.py (counts of days or weeks).

Read next: hawkes_rows.py (what data are accepted), hawkes_results.py (what a fit answers).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.kernels.ascent import Ascent
from exitmodels.kernels.hawkes import Events
from exitmodels.kernels.hawkes_binned import Binned
from exitmodels.kernels.hawkes_fit import climb, likelihood_of, null_fit
from exitmodels.kernels.hawkes_paths import draw_events
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.models.counts.hawkes_results import HawkesResults
from exitmodels.models.counts.hawkes_rows import HawkesData, of_counts, of_times
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.counts import Counts

__all__ = ["Hawkes", "simulate_hawkes"]

_LONGEST = 0.1


@dataclass(frozen=True)
class Hawkes:
    """Hawkes process: a background rate, and for each event an echo that fades exponentially.

    The intensity is background(t) + branching * decay * sum over earlier events of exp(-decay * age). The branching
    ratio is the mean number of events that one event brings about directly; below one the process is stable.

    Parameters
    ----------
    background : str
        Right-hand side of a log-linear formula; an intercept is always included. With counts it may use any of their
        columns (``time``, ``month``, covariates); with exact times, those of `periods`.
    at : sequence of numbers or dates
        Moments from which on the background is another, such as the day of a policy.
    kernel : {"exponential"}
        Shape of the echo.
    longest : float, optional
        Largest mean delay of the echo that is considered; by default a tenth of the observed time. A slower echo cannot
        be told from a background that drifts.
    ties : {"refuse", "keep"}
        What to do with exact times that are equal. "keep" lets the second follow the first at once, which is harmless
        for a few ties among fine times; with times rounded to days the echo would be made of rounding: give Counts.

    Notes
    -----
    Exact times have the exact likelihood. `Counts` have a likelihood for periods in which several events may fall
    (those of one family too): exact when the echo is much longer or much shorter than a period, an approximation
    between, in which simulated branching ratios came out without visible bias. Times are never jittered. Nothing
    before the window is known; its echo is taken to be zero. Records made in batches look like self-excitation, and
    so does a background that moves and is not in the formula. Source: Hawkes (1971); Ogata (1978, 1988); Ozaki (1979).

    Examples
    --------
    >>> times = simulate_hawkes(0.25, branching=0.5, decay=1.0, window=(0, 400), rng=1)
    >>> fit = Hawkes().fit(times, window=(0, 400))
    >>> fit.converged, 0.2 < fit.branching < 0.8
    (True, True)
    """

    background: str = "1"
    at: Sequence[Any] = ()
    kernel: str = "exponential"
    longest: float | None = None
    ties: str = "refuse"

    def __post_init__(self) -> None:
        if self.kernel != "exponential":
            raise DataError(f"kernel={self.kernel!r} is not known.", code="kernel", hint='Use "exponential".')
        moments = (self.at,) if isinstance(self.at, (str, int, float)) else tuple(self.at)
        object.__setattr__(self, "at", moments)
        if self.ties not in ("refuse", "keep"):
            raise DataError(f"ties={self.ties!r} is not known.", code="ties", hint='Use "refuse" or "keep".')
        if self.longest is not None and not self.longest > 0:
            raise DataError(f"longest={self.longest} is not positive.", code="longest", hint="Give a length of time.")

    def fit(self, events: Any, window: Any = None, periods: Any = None) -> HawkesResults:
        """Fit to exact times or to counts.

        Parameters
        ----------
        events : array of numbers, Series of dates with time of day, or Counts
        window : (start, end)
            When observation began and ended; for dates the first and last day. Counts bring their own.
        periods : table, optional
            With exact times and a formula: column ``start`` and the formula's columns, constant until the next start.

        Raises
        ------
        DataError
            For tied or missing times, times outside the window, several series, gaps between periods, collinear terms.
        IdentificationError
            For a step outside the window, or with no event on one side.
        """
        if isinstance(events, Counts):
            data = of_counts(events, self.background, self.at)
        else:
            data = of_times(events, window, self.background, self.at, periods, self.ties)
        null = null_fit(data.n, data.mass, data.kernel.design)
        best = self._climb(data, null)
        fit = self._answer(data, null, best)
        if len(data.names) == 1:
            return fit
        flat = np.ones((len(data.mass), 1))
        plain = replace(data, kernel=replace(data.kernel, design=flat), names=("Intercept",))
        alone = null_fit(plain.n, plain.mass, flat)
        lower = self._climb(plain, alone)
        value = max(alone.surface.value + _constant(plain), -np.inf if lower is None else lower.surface.value)
        return replace(fit, tests={"constant background": _ratio_test(fit.llf - value, len(data.names) - 1, fit)})

    def _climb(self, data: HawkesData, null: Ascent) -> Ascent | None:
        rate = data.n.sum() / data.length
        least = 1 / self._longest(data)
        decays = np.maximum(rate * np.array([0.1, 1.0, 10.0]), 2 * least)
        return climb(likelihood_of(data.kernel), null.at, np.unique(decays), least)

    def _longest(self, data: HawkesData) -> float:
        return _LONGEST * data.length if self.longest is None else self.longest

    def _answer(self, data: HawkesData, null: Ascent, best: Ascent | None) -> HawkesResults:
        llnull = null.surface.value + _constant(data)
        found = best is not None and best.surface.value > llnull + 1e-7
        names, at, information = data.names, null.at, null.surface.information
        value, converged = llnull, null.converged
        if found:
            assert best is not None
            names, at, information = (*names, "log branching", "log decay"), best.at, best.surface.information
            value, converged = best.surface.value, best.converged
        covariance, notes = _inverse(information, bool(found and best is not None and best.bound.any())), []
        if not found:
            notes.append("the likelihood is highest at branching ratio 0: no self-excitation, and no decay to estimate")
        notes += list(data.notes)
        if found and not np.isfinite(covariance).all():
            notes.append(_flat_note(best, self._longest(data)))
        if found and np.exp(at[-2]) >= 1:
            notes.append("branching ratio of 1 or more: the process would explode; does the background miss a trend?")
        if not converged:
            notes.insert(0, "The search stopped before its rule was met; do not report these estimates.")
            warnings.warn(notes[0], ConvergenceWarning, stacklevel=4)
        binned = isinstance(data.kernel, Binned)
        return HawkesResults(
            names=names,
            estimate=at,
            covariance=covariance,
            vcov="observed",
            llf=value,
            llnull=llnull,
            nobs=float(len(data.n)) if binned else float(data.n.sum()),
            n_events=float(data.n.sum()),
            converged=converged,
            ledger=data.ledger,
            method=f"Hawkes process, exponential echo, {'counts of periods' if binned else 'exact times'}",
            sources=("hawkes1971", "ogata1988", "consul_jain1973")
            if binned
            else ("hawkes1971", "ogata1978", "ozaki1979"),
            outcome="events",
            warnings=tuple(notes),
            n_background=len(data.names),
            longest=self._longest(data),
            model_choices=self,
            data=data,
        )


def _constant(data: HawkesData) -> float:
    """What the Poisson kernel leaves out, so that likelihoods with and without echo can be compared."""
    if isinstance(data.kernel, Events):
        return 0.0
    return float(data.n @ np.log(np.where(data.n > 0, data.mass, 1.0)) - gammaln(data.n + 1).sum())


def _inverse(information: Floats, bound: bool) -> Floats:
    """Inverse of the information; where a parameter rests on its bound, the others' given that one."""
    keep = np.arange(len(information))[: -1 if bound else None]
    part = information[np.ix_(keep, keep)]
    out = np.full(information.shape, np.nan)
    if np.isfinite(part).all() and np.linalg.eigvalsh(part).min() > 1e-10 * max(float(np.abs(part).max()), 1e-300):
        out[np.ix_(keep, keep)] = symmetric_inverse(part)
    return out


def _flat_note(best: Ascent | None, longest: float) -> str:
    if best is not None and best.bound.any():
        return (
            f"the mean delay rests on its bound of {longest:.4g}, and the other standard errors are for that delay: "
            "the slow echo may be a background that drifts; add time or steps to it"
        )
    return "the likelihood is flat in some direction: the decay is not determined by these data"


def _ratio_test(gain: float, df: int, fit: HawkesResults) -> HypothesisTest:
    statistic = max(2 * gain, 0.0)
    p = float(stats.chi2.sf(statistic, df))
    method = "Likelihood-ratio test of a constant background, self-excitation in both"
    return HypothesisTest(statistic=statistic, df=df, pvalue=p, method=method, ledger=fit.ledger)


def simulate_hawkes(
    background: Any, branching: float, decay: float, window: tuple[float, float], rng: Any = None
) -> Any:
    """Draw the times of one self-exciting history that begins without a past.

    Parameters
    ----------
    background : float, or list of (from, rate) pairs
        Events per unit of time; pairs make it step, the first from the start of the window.
    branching : float
        Mean number of events that one event brings about, below 1 unless the window is short.
    decay : float
        One over the mean delay.
    window : (start, end)
    rng : numpy Generator or seed

    Returns
    -------
    (n,) float64, rising.

    Examples
    --------
    >>> len(simulate_hawkes([(0, 0.2), (50, 1.0)], 0.3, 1.0, (0, 100), rng=2)) > 20
    True
    """
    start, end = float(window[0]), float(window[1])
    pairs = [(start, float(background))] if np.ndim(background) == 0 else [(float(a), float(b)) for a, b in background]
    edges, rate = np.array([*(a for a, _ in pairs), end]), np.array([b for _, b in pairs])
    if edges[0] != start or np.any(np.diff(edges) <= 0) or not np.all(np.isfinite(rate) & (rate >= 0)):
        raise DataError(
            f"The background {background!r} does not run from {start:g} to {end:g} with rates of 0 or more.",
            code="background",
            hint="Write [(start, rate), (time of the step, rate)].",
        )
    if not (branching >= 0 and decay > 0):
        raise DataError(
            f"branching={branching}, decay={decay}: the first must be 0 or more, the second positive.",
            code="parameters",
        )
    try:
        drawn = draw_events(edges, rate, float(branching), float(decay), np.random.default_rng(rng))
    except OverflowError as problem:
        raise DataError(
            f"With branching={branching} the history has {problem}.", code="explosion", hint="Keep branching below 1."
        ) from problem
    return drawn
