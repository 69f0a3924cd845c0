"""Likelihood of count autoregressions, exact in value, score and information, and where it is highest.

Ground floor. The mean parameters are found from the Poisson likelihood (which needs only the mean to be right) or, with
the negative binomial, jointly with the dispersion.

Source: Fokianos, Rahbek and Tjostheim (2009) for the likelihood; Christou and Fokianos (2014) for the quasi-likelihood
with negative binomial variance. Called by: models.counts.count_ar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import Ascent, Surface, ascend, positive_part
from exitmodels.kernels.countglm import dispersion_terms, nb2_loglik
from exitmodels.kernels.ingarch import Recursion, State, follow, slopes

__all__ = ["LinkTerms", "fit_joint", "fit_mean", "link_terms", "log_likelihood", "pearson_alpha", "starts"]

_SHARES = ((0.0, 0.3), (0.0, 0.7), (0.3, 0.3), (0.6, 0.2), (0.15, 0.75))


@dataclass(frozen=True, eq=False)
class LinkTerms:
    """Derivatives of each time's log-likelihood by its linear predictor; zero where no count was observed.

    Each is computed when it is first asked for.
    """

    data: Recursion
    mean: Floats
    alpha: float

    @cached_property
    def wide(self) -> Floats | float:
        """Variance over mean."""
        return 1 + self.alpha * self.mean if self.alpha else 1.0

    @cached_property
    def score(self) -> Floats:
        """First derivative (n,)."""
        y, mean = self.data.known, self.mean
        made = (y - mean) / self.wide if self.data.log_link else self.data.exposure * (y / mean - 1) / self.wide
        return self._seen(made)

    @cached_property
    def bend(self) -> Floats:
        """Minus the second derivative (n,)."""
        y, mean, a, wide = self.data.known, self.mean, self.alpha, self.wide
        if self.data.log_link:
            return self._seen(mean * (1 + a * y) / wide**2 if a else mean)
        made = y / mean**2 - a * (1 + a * y) / wide**2 if a else y / mean**2
        return self._seen(self.data.exposure**2 * made)

    @cached_property
    def expected(self) -> Floats:
        """Expectation of `bend` (n,)."""
        mean, size = self.mean, self.data.exposure
        return self._seen(mean / self.wide if self.data.log_link else size**2 / (mean * self.wide))

    @cached_property
    def spread(self) -> Floats:
        """Variance of the Poisson score when counts have variance mean + alpha mean^2 (n,)."""
        mean, size = self.mean, self.data.exposure
        return self._seen(mean * self.wide if self.data.log_link else size**2 * self.wide / mean)

    @cached_property
    def cross(self) -> Floats:
        """Derivative of `score` by log alpha (n,)."""
        gap = (self.data.known - self.mean) * self.alpha / self.wide**2
        return self._seen(-gap * (self.mean if self.data.log_link else self.data.exposure))

    def _seen(self, values: Floats) -> Floats:
        return values if self.data.whole else np.where(self.data.seen, values, 0.0)


def link_terms(data: Recursion, state: State, alpha: float = 0.0) -> LinkTerms:
    """Derivatives by the linear predictor, for the Poisson (alpha = 0) or negative binomial likelihood."""
    return LinkTerms(data, state.mean, alpha)


def log_likelihood(data: Recursion, state: State, alpha: float = 0.0) -> float:
    """Log-likelihood in full."""
    if alpha or not data.whole:
        return nb2_loglik(data.y[data.seen], state.mean[data.seen], alpha)
    log_mean = state.predictor + data.log_exposure if data.log_link else np.log(state.mean)
    return float(data.y @ log_mean - state.mean.sum() - data.log_factorials)


def fit_mean(data: Recursion, begin: Floats, alpha: float = 0.0) -> Ascent:
    """Maximise the likelihood in the parameters of the mean, with alpha held (zero for Poisson)."""

    def evaluate(theta: Floats) -> Surface | None:
        state = follow(data, theta)
        if state is None:
            return None
        terms = link_terms(data, state, alpha)
        first, second = slopes(data, theta, state, terms.score)
        information = (first * terms.bend) @ first.T - second
        value = log_likelihood(data, state, alpha)
        return Surface(value, first @ terms.score, information, lambda: (first * terms.expected) @ first.T)

    return ascend(evaluate, begin, _lower(data))


def fit_joint(data: Recursion, begin: Floats, alpha: float) -> Ascent:
    """Maximise the negative binomial likelihood in the parameters of the mean and, last, log alpha."""
    seen = data.seen

    def evaluate(theta: Floats) -> Surface | None:
        alpha = float(np.exp(min(theta[-1], 40.0)))
        state = follow(data, theta[:-1]) if theta[-1] > -40 else None
        if state is None:
            return None
        terms = link_terms(data, state, alpha)
        first, second = slopes(data, theta[:-1], state, terms.score)
        y, mean = data.y[seen], state.mean[seen]
        own, bend = dispersion_terms(y, mean, alpha)
        cross = -(first @ terms.cross)
        top = np.column_stack([(first * terms.bend) @ first.T - second, cross])
        information = np.vstack([top, np.append(cross, -bend.sum())])
        gradient = np.append(first @ terms.score, own.sum())

        def expected() -> Floats:
            made = np.zeros_like(information)
            made[:-1, :-1] = (first * terms.expected) @ first.T
            made[-1, -1] = positive_part(-float(bend.sum()), own)
            return made

        return Surface(nb2_loglik(y, mean, alpha), gradient, information, expected)

    return ascend(evaluate, np.append(begin, np.log(alpha)), np.append(_lower(data), -np.inf))


def _lower(data: Recursion) -> Floats:
    free = np.full(data.width, -np.inf)
    return np.append(free, np.full(len(data.lags), -np.inf if data.log_link else 0.0))


def pearson_alpha(y: Floats, mean: Floats, df: float) -> float:
    """Dispersion at which the squared Pearson residuals sum to `df`; zero when they do so without any.

    Source: Christou and Fokianos (2014); Liboschik, Fokianos and Fried (2017), section 3.
    """
    gap = (y - mean) ** 2 / mean

    def excess(alpha: float) -> float:
        return float(np.sum(gap / (1 + alpha * mean)) - df)

    if df <= 0 or excess(0.0) <= 0:
        return 0.0
    high = 1.0
    while excess(high) > 0 and high < 1e8:
        high *= 4
    return float(optimize.brentq(excess, 0.0, high, xtol=1e-300, rtol=8.9e-16, maxiter=500))


def starts(data: Recursion, most: int = 2) -> list[Floats]:
    """Points from which to climb: several shares of past counts and means, best likelihood first.

    The covariates begin where a regression without any past would put them, scaled so that the level stays.
    """
    flat = _without_past(data)
    found: list[tuple[float, int, Floats]] = []
    for share in _SHARES if data.past_means else ((0.0, 0.1), (0.0, 0.4), (0.0, 0.7)):
        theta = _spread(data, flat, *share)
        state = follow(data, theta)
        if state is not None:
            found.append((-log_likelihood(data, state), len(found), theta))
    return [theta for *_, theta in sorted(found)[:most]]


def _spread(data: Recursion, flat: Floats, of_means: float, of_counts: float) -> Floats:
    k, m = len(data.past_observations), len(data.past_means)
    of_means, of_counts = (of_means if m else 0.0), (of_counts if k else 0.0)
    room = 1 - of_means - of_counts
    theta = np.concatenate([flat, np.full(k, of_counts / max(k, 1)), np.full(m, of_means / max(m, 1))])
    theta[: data.width] *= np.where(data.external, 1.0, room)
    return theta


def _without_past(data: Recursion) -> Floats:
    """Coefficients of the covariates when nothing of the past matters."""
    seen = data.seen
    y, size, design = data.y[seen], data.exposure[seen], data.design[seen]
    level = max(float(y.sum() / size.sum()), 0.1 / float(size.sum()))
    flat = np.zeros(data.width)
    flat[0] = np.log(level) if data.log_link else level
    if data.width == 1:
        return flat
    if data.log_link:
        work, weight = np.log((y + 0.5) / size), np.sqrt(y + 0.5)
    else:
        work, weight = y / size, size / np.sqrt(level * size)
    fitted = np.asarray(np.linalg.lstsq(design * weight[:, None], work * weight, rcond=None)[0], dtype=np.float64)
    # A share of the regression at which every mean is positive; none if there is no such share.
    for part in (1.0, 0.5, 0.1):
        theta = flat + part * (fitted - flat)
        if data.log_link or np.min(data.design @ theta) > 0.05 * level:
            return theta
    return flat
