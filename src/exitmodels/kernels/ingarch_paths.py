"""Paths of a count autoregression: what may come after a series, or another series like it.

Ground floor. Each step draws for all paths at once; a path may have parameters of its own, so that what is not known
about them is carried into the future.

Called by: models.counts.count_ar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.ascent import symmetric_root
from exitmodels.kernels.ingarch import Recursion, follow

__all__ = ["expected_path", "feasible_draws", "simulate_paths"]

_LARGEST = 1e15


@dataclass(frozen=True, eq=False)
class _Past:
    """Internal states and responses of the last K times, for each path (m, K)."""

    state: Floats
    response: Floats


def _past(data: Recursion, begin: int, thetas: Floats) -> _Past:
    longest = max((*data.lags, 1))
    state, response = np.empty((len(thetas), longest)), np.empty((len(thetas), longest))
    before = (
        replace(data, y=data.y[:begin], exposure=data.exposure[:begin], design=data.design[:begin]) if begin else data
    )
    for i, theta in enumerate(thetas):
        made = follow(before, theta)
        if made is None:
            raise ValueError("a path began outside the domain of the model")
        state[i], response[i] = made.before.state, made.before.response
        if begin:
            use = min(longest, begin)
            state[i, longest - use :] = made.internal[begin - use :]
            known = np.where(before.seen, made.filled, made.predictor)
            response[i, longest - use :] = known[begin - use :]
    return _Past(state, response)


def simulate_paths(
    data: Recursion, begin: int, thetas: Floats, alphas: Floats, rng: np.random.Generator, each: int = 1
) -> Floats:
    """Draw counts from time `begin` to the end of the design.

    Parameters
    ----------
    data : Recursion
        With design and exposure up to the last time wanted; counts before `begin` are taken as they are.
    thetas : (m, q)
        Parameters of the mean; each must be allowed.
    alphas : (m,)
        Dispersions; zero draws Poisson counts.
    each : int
        Paths for each set of parameters.

    Returns
    -------
    (m * each, n - begin) float; rows in which a mean fell to zero or below, or beyond 1e15, end in NaN.

    Notes
    -----
    Cost: one vector of m * each draws for each step.
    """
    past = _past(data, begin, thetas)
    theta, alpha = np.repeat(thetas, each, axis=0), np.repeat(alphas, each)
    state, response = np.repeat(past.state, each, axis=0), np.repeat(past.response, each, axis=0)
    longest, steps = state.shape[1], len(data.design) - begin
    m, p, k = len(theta), data.width, len(data.past_observations)
    internal = theta[:, :p] @ np.where(data.external, 0.0, data.design[begin:]).T
    external = theta[:, :p] @ np.where(data.external, data.design[begin:], 0.0).T
    state = np.concatenate([state, np.empty((m, steps))], axis=1)
    response = np.concatenate([response, np.empty((m, steps))], axis=1)
    counts = np.empty((m, steps))
    for t in range(steps):
        now = longest + t
        w = internal[:, t].copy()
        for r, lag in enumerate(data.lags):
            w += theta[:, p + r] * (response if r < k else state)[:, now - lag]
        predictor, size = w + external[:, t], data.exposure[begin + t]
        with np.errstate(over="ignore", invalid="ignore"):
            mean = size * (np.exp(predictor) if data.log_link else predictor)
        fine = np.isfinite(mean) & (mean > 0) & (mean < _LARGEST)
        safe = np.where(fine, mean, 1.0)
        wide = alpha > 0
        if wide.any():
            shape = 1 / np.where(wide, alpha, 1.0)
            safe = np.where(wide, rng.gamma(shape) / shape, 1.0) * safe
        drawn = np.where(fine, rng.poisson(safe), np.nan)
        counts[:, t] = drawn
        state[:, now] = w
        response[:, now] = np.log((drawn + 1) / size) if data.log_link else drawn / size
    return counts


def expected_path(data: Recursion, begin: int, theta: Floats) -> Floats:
    """Means from time `begin` on when each count to come is put equal to its own mean (n - begin,).

    With the identity link this is the exact conditional expectation; with the log link it is the usual plug-in value.
    """
    past = _past(data, begin, theta[None])
    state, response = list(past.state[0]), list(past.response[0])
    p, k = data.width, len(data.past_observations)
    out = np.empty(len(data.design) - begin)
    for t, row in enumerate(data.design[begin:]):
        w = float(np.where(data.external, 0.0, row) @ theta[:p])
        w += sum(float(theta[p + r]) * (response if r < k else state)[-lag] for r, lag in enumerate(data.lags))
        predictor, size = w + float(np.where(data.external, row, 0.0) @ theta[:p]), float(data.exposure[begin + t])
        out[t] = size * (np.exp(predictor) if data.log_link else predictor)
        state.append(w)
        response.append(float(np.log((out[t] + 1) / size)) if data.log_link else predictor)
    return out


def feasible_draws(
    data: Recursion, theta: Floats, covariance: Floats, many: int, rng: np.random.Generator
) -> tuple[Floats, float]:
    """Draws of the parameters from their normal law, inside the domain of the model.

    Returns
    -------
    draws : (many, q)
    share : float
        Share of the draws that were inside; when few are, the normal law is a poor guide.

    Notes
    -----
    Parameters without a variance (NaN: on their bound) stay where they are.
    """
    free = np.isfinite(np.diag(covariance))
    root = symmetric_root(covariance[np.ix_(free, free)])
    kept: list[Floats] = []
    tried = 0
    while len(kept) < many and tried < 50 * many + 100:
        draw = theta.copy()
        draw[free] += root @ rng.standard_normal(len(root))
        tried += 1
        if follow(data, draw) is not None:
            kept.append(draw)
    if not kept:
        return np.tile(theta, (many, 1)), 0.0
    share = len(kept) / tried
    while len(kept) < many:
        kept.append(kept[int(rng.integers(len(kept)))])
    return np.array(kept), share
