"""Score statistics for an intervention in a count autoregression, at one time or at every time.

Ground floor. An intervention at time s adds w r^(t - s) from s on: r = 1 a level shift, 0 < r < 1 one that fades, r = 0
a single period. Without unknown counts its derivative at one time is that at another, moved; so the statistics of all
times are a few correlations, O(n log n).

Source: Fokianos and Fried (2010, 2012). Called by: models.counts.interventions.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.ingarch import Recursion, State, slopes
from exitmodels.kernels.ingarch_fit import link_terms
from exitmodels.kernels.recursions import lagged, solve

__all__ = ["intervention_column", "intervention_scores"]

_CHUNK = 256


def intervention_column(n: int, at: int, rate: float) -> Floats:
    """Covariate of an intervention at row `at` (n,).

    >>> intervention_column(5, 2, 0.5).tolist(), intervention_column(4, 1, 0.0).tolist()
    ([0.0, 0.0, 1.0, 0.5, 0.25], [0.0, 1.0, 0.0, 0.0])
    """
    out = np.zeros(n)
    out[at:] = np.power(rate, np.arange(n - at)) if rate > 0 else np.eye(1, n - at)[0]
    return out


def intervention_scores(
    data: Recursion,
    theta: Floats,
    state: State,
    times: Ints,
    rate: float,
    external: bool,
    bound: Bools,
    alpha: float,
    quasi: bool,
) -> tuple[Floats, Floats]:
    """Score and its variance, corrected for the estimated parameters, at each time.

    Parameters
    ----------
    times : (m,) int
        Rows at which the intervention may begin.
    bound : (q,) bool
        Parameters that rest on their bound and are not corrected for.
    alpha : float
        Dispersion.
    quasi : bool
        Whether the mean was fitted by the Poisson likelihood, alpha being its variance only; else by the negative
        binomial likelihood.

    Returns
    -------
    score, variance : (m,)
    """
    terms = link_terms(data, state, 0.0 if quasi else alpha)
    weight = terms.expected
    # Variance of the score: the expected information for a likelihood, wider for a quasi-likelihood.
    spread = link_terms(data, state, alpha).spread if quasi and alpha else weight
    first = slopes(data, theta, state)[0][~bound]
    rows = np.vstack([terms.score, first * weight, first * spread])
    if data.seen.all():
        column = intervention_column(len(data.y), 0, rate)
        response = column if external else solve(state.packed, column)
        sums, wide = _correlated(rows, response, times), _correlated(spread[None], response**2, times)[0]
    else:
        sums, wide = _one_by_one(data, theta, state, rows, spread, times, rate, external)
    k = len(first)
    inner = np.linalg.solve((first * weight) @ first.T, sums[1 : 1 + k])
    middle = (first * spread) @ first.T
    variance = wide - 2 * np.einsum("im,im->m", inner, sums[1 + k :]) + np.einsum("im,ij,jm->m", inner, middle, inner)
    return sums[0], variance


def _correlated(rows: Floats, response: Floats, times: Ints) -> Floats:
    """Sum over t of ``rows[j, t] * response[t - s]`` for each time s (j, m)."""
    n = len(response)
    return np.stack([signal.correlate(row, response, mode="full")[n - 1 + times] for row in rows])


def _one_by_one(
    data: Recursion,
    theta: Floats,
    state: State,
    rows: Floats,
    spread: Floats,
    times: Ints,
    rate: float,
    external: bool,
) -> tuple[Floats, Floats]:
    """The same where counts are unknown: derivatives by interventions at each time, in chunks."""
    n, p = len(data.y), data.width
    sums, wide = np.empty((len(rows), len(times))), np.empty(len(times))
    for begin in range(0, len(times), _CHUNK):
        some = slice(begin, begin + _CHUNK)
        columns = np.stack([intervention_column(n, int(t), rate) for t in times[some]])
        if external:
            right = np.zeros_like(columns)
            for r, lag in enumerate(data.past_observations):
                right += theta[p + r] * lagged(np.where(data.seen, 0.0, columns), lag)
            moved = columns + solve(state.packed, right)
        else:
            moved = solve(state.packed, columns)
        sums[:, some], wide[some] = rows @ moved.T, moved**2 @ spread
    return sums, wide
