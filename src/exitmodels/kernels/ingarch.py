"""Count autoregressions (INGARCH and log-linear): the mean follows past counts, past means and covariates.

Ground floor. With rates per exposure, the state w and the linear predictor v are

    w_t = z_t' g + sum_k b_k u_{t-i_k} + sum_l a_l w_{t-j_l},     v_t = w_t + x_t' h,

where z are internal covariates (their effect is passed on by past means), x external ones (theirs is not), u is y / E
and the mean E v with the identity link, u is log((y + 1) / E) and the mean E exp(v) with the log link. A count that was
not observed is replaced by its prediction, u = v, which keeps the recursion linear. State, scores and the
exact second derivatives (by one adjoint pass) are linear recursions: see recursions.py.

Source: Fokianos, Rahbek and Tjostheim (2009); Fokianos and Tjostheim (2011); Liboschik, Fokianos and Fried (2017),
section 2. Called by: models.counts.count_ar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special

from exitmodels.arrays import Bools, Floats
from exitmodels.kernels.recursions import bands, lagged, solve, solve_adjoint, spectral_radius

__all__ = ["Before", "Recursion", "State", "follow", "slopes"]


@dataclass(frozen=True, eq=False)
class Recursion:
    """What is known before any parameter is: the series, its covariates and the lags.

    Attributes
    ----------
    y : (n,) float
        Counts; NaN where none was observed.
    exposure : (n,)
        Above zero.
    design : (n, p)
        Covariates; the first column is the intercept.
    external : (p,) bool
        Whose effect is not passed on; never the intercept.
    past_observations, past_means : tuple of int
        Lags, each from 1 upwards.
    log_link : bool
    before : {"steady", "marginal", "first"}
        State before the series: the level at which the model would rest with covariates as at the first time
        ("steady") or all zero ("marginal"), or the first observed count ("first").
    """

    y: Floats
    exposure: Floats
    design: Floats
    external: Bools
    past_observations: tuple[int, ...]
    past_means: tuple[int, ...]
    log_link: bool
    before: str = "steady"

    @property
    def lags(self) -> tuple[int, ...]:
        """Lags of the counts, then those of the means: the order of their coefficients."""
        return self.past_observations + self.past_means

    @property
    def width(self) -> int:
        """Number of covariates; the coefficients of the lags come after theirs."""
        return self.design.shape[1]

    @cached_property
    def seen(self) -> Bools:
        """Where a count was observed (n,)."""
        return np.isfinite(self.y)

    @cached_property
    def known(self) -> Floats:
        """Counts, with zeros where none was observed (n,)."""
        return self.y if self.whole else np.where(self.seen, self.y, 0.0)

    @cached_property
    def log_exposure(self) -> Floats:
        """Log of the exposure (n,)."""
        return np.log(self.exposure)

    @cached_property
    def log_factorials(self) -> float:
        """Sum of the logs of the factorials of the observed counts."""
        return float(special.gammaln(self.y[self.seen] + 1).sum())

    @cached_property
    def response(self) -> Floats:
        """What past counts enter as; zero where none was observed (n,)."""
        made = np.log((self.known + 1) / self.exposure) if self.log_link else self.known / self.exposure
        return made if self.whole else np.where(self.seen, made, 0.0)

    @cached_property
    def columns(self) -> Floats:
        """Covariates by row (p, n)."""
        return np.ascontiguousarray(self.design.T)

    @cached_property
    def inside(self) -> Floats:
        """Internal covariates, the others set to zero (p, n)."""
        return np.where(self.external[:, None], 0.0, self.columns) if self.external.any() else self.columns

    @cached_property
    def outside(self) -> Floats:
        """External covariates, the others set to zero (p, n)."""
        return np.where(self.external[:, None], self.columns, 0.0)

    @cached_property
    def whole(self) -> bool:
        """Whether every count was observed."""
        return bool(self.seen.all())

    @cached_property
    def first_response(self) -> float:
        """The first observed count, as past counts enter."""
        return float(self.response[np.argmax(self.seen)])

    def with_column(self, column: Floats, external: bool) -> Recursion:
        """Add a covariate, last of all."""
        design = np.column_stack([self.design, column])
        return replace(self, design=design, external=np.append(self.external, external))

    def allows(self, theta: Floats) -> bool:
        """Whether the coefficients of the lags give a stationary series (and, identity link, no negative means)."""
        both = theta[self.width :]
        if not self.log_link:
            return bool(np.all(both >= 0) and both.sum() < 1)
        return bool(np.abs(both).sum() < 1) or self.nearest_root(theta) < 1

    def nearest_root(self, theta: Floats) -> float:
        """The larger of the spectral radii of past means alone and of all lags; at 1 the series is not stationary."""
        p, k = self.width, len(self.past_observations)
        means = {lag: float(v) for lag, v in zip(self.past_means, theta[p + k :], strict=True)}
        joint = dict(means)
        for lag, value in zip(self.past_observations, theta[p : p + k], strict=True):
            joint[lag] = joint.get(lag, 0.0) + float(value)
        return max(spectral_radius(means), spectral_radius(joint))


@dataclass(frozen=True, eq=False)
class Before:
    """The state before the series and how it moves with the parameters.

    Attributes
    ----------
    state : float
        Internal state; `response` adds the external covariates.
    response : float
    slope, response_slope : (q,)
        Derivatives of both.
    curve : (q, q)
        Second derivative (of both: they differ by a linear term).
    """

    state: float
    response: float
    slope: Floats
    response_slope: Floats
    curve: Floats


@dataclass(frozen=True, eq=False)
class State:
    """The linear predictor at one value of the parameters.

    Attributes
    ----------
    predictor : (n,)
        v; the mean is `mean`.
    mean : (n,)
    packed : (K + 1, n)
        The recursion, for `recursions.solve`.
    """

    predictor: Floats
    mean: Floats
    internal: Floats
    packed: Floats
    before: Before
    filled: Floats


def follow(data: Recursion, theta: Floats) -> State | None:
    """Run the recursion; None where the parameters give no stationary series or a mean that is not positive.

    Parameters
    ----------
    theta : (q,)
        Coefficients of the covariates, of the past counts, of the past means.
    """
    if not (np.isfinite(theta).all() and data.allows(theta)):
        return None
    p, n, k = data.width, len(data.y), len(data.past_observations)
    external = theta[:p] @ data.outside if data.external.any() else np.zeros(1)
    before = _before(data, theta)
    filled = data.response if data.whole else np.where(data.seen, data.response, external)
    right = theta[:p] @ data.inside
    for lag, value in zip(data.past_observations, theta[p : p + k], strict=True):
        right[lag:] += value * filled[: max(n - lag, 0)]
        right[:lag] += value * before.response
    for lag, value in zip(data.past_means, theta[p + k :], strict=True):
        right[:lag] += value * before.state
    packed = bands(_coefficients(data, theta), n)
    internal = solve(packed, right)
    predictor = internal + external if data.external.any() else internal
    with np.errstate(over="ignore", invalid="ignore"):
        mean = data.exposure * (np.exp(predictor) if data.log_link else predictor)
    if not (mean.min() > 0 and mean.max() < np.inf):
        return None
    return State(predictor, mean, internal, packed, before, filled)


def _coefficients(data: Recursion, theta: Floats) -> dict[int, Floats | float]:
    """What multiplies earlier states: past means, and past counts that were not observed."""
    p, k = data.width, len(data.past_observations)
    found: dict[int, Floats | float] = {}
    for lag, value in zip(data.past_means, theta[p + k :], strict=True):
        found[lag] = found.get(lag, 0.0) + value
    if not data.whole:
        for lag, value in zip(data.past_observations, theta[p : p + k], strict=True):
            found[lag] = found.get(lag, 0.0) + value * lagged(~data.seen, lag)
    return found


def _before(data: Recursion, theta: Floats) -> Before:
    p, q = data.width, len(theta)
    slope, curve = np.zeros(q), np.zeros((q, q))
    if data.before == "first":
        value = data.first_response
        return Before(value, value, slope, slope, curve)
    steady = data.before == "steady"
    row = np.where(data.external, 0.0, data.design[0]) if steady else np.eye(p)[0]
    beyond = np.where(data.external, data.design[0], 0.0) if steady else np.zeros(p)
    # w = z'g + B (w + x'h) + A w, with B and A the sums of the coefficients.
    of_counts = float(theta[p : p + len(data.past_observations)].sum())
    room = 1 - float(theta[p:].sum())
    outside = float(theta[:p] @ beyond)
    state = (float(theta[:p] @ row) + of_counts * outside) / room
    counts = np.zeros(q)
    counts[p : p + len(data.past_observations)] = 1.0
    lags = np.append(np.zeros(p), np.ones(q - p))
    own, other = np.append(row, np.zeros(q - p)), np.append(beyond, np.zeros(q - p))
    slope = (own + of_counts * other + counts * outside + lags * state) / room
    cross = np.outer(counts, other) + np.outer(lags, slope)
    return Before(state, state + outside, slope, slope + other, (cross + cross.T) / room)


def slopes(data: Recursion, theta: Floats, state: State, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """Derivatives of the linear predictor in the parameters.

    Parameters
    ----------
    weight : (n,), optional
        Derivative of something by the linear predictor.

    Returns
    -------
    first : (q, n)
        Derivative of v.
    second : (q, q)
        Sum over t of weight_t times the second derivative of v_t; zeros without a weight.
    """
    inner = solve(state.packed, _sides(data, theta, state))
    first = inner
    if data.external.any():
        first = inner.copy()
        first[: data.width] += data.outside
    if weight is None:
        return first, np.zeros((len(theta), len(theta)))
    back = solve_adjoint(state.packed, weight)
    return first, _bend(data, theta, state.before, inner, first, back)


def _sides(data: Recursion, theta: Floats, state: State) -> Floats:
    """Right-hand sides of the derivatives: covariates and lagged series, and what the start passes on (q, n)."""
    p, n, before, k = data.width, len(data.y), state.before, len(data.past_observations)
    right = np.empty((len(theta), n))
    right[:p] = data.inside
    series = state.filled if data.whole else np.where(data.seen, state.filled, state.predictor)
    for r, lag in enumerate(data.lags):
        earlier, begin = (series, before.response) if r < k else (state.internal, before.state)
        right[p + r, :lag], right[p + r, lag:] = begin, earlier[: max(n - lag, 0)]
        if r < k and not data.whole:
            right[:p] += theta[p + r] * lagged(np.where(data.seen, 0.0, data.outside), lag)
    for r, lag in enumerate(data.lags):
        right[:, :lag] += theta[p + r] * (before.response_slope if r < k else before.slope)[:, None]
    return right


def _bend(data: Recursion, theta: Floats, before: Before, inner: Floats, first: Floats, back: Floats) -> Floats:
    """Weighted sum of the second derivatives: only pairs with a lag have any, and each is a sum against the adjoint."""
    p, n, k = data.width, len(data.y), len(data.past_observations)
    cross, start = np.zeros((len(theta), len(theta))), 0.0
    unseen = None if data.whole else np.where(data.seen, 0.0, first)
    for r, lag in enumerate(data.lags):
        slope, moved = (before.response_slope, unseen) if r < k else (before.slope, inner)
        cut = min(lag, n)
        early = float(back[:cut].sum())
        cross[p + r] = slope * early
        if moved is not None:
            cross[p + r] += moved[:, : n - cut] @ back[cut:]
        start += float(theta[p + r]) * early
    return np.asarray(cross + cross.T + start * before.curve, dtype=np.float64)
