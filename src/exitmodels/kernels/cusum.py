"""Cumulated sums of counts against a reference value: when to raise an alarm, and how long one waits for it.

Ground floor: NumPy and SciPy. Sums are in events. Reference values lie on a lattice, so that run lengths are those of a
finite Markov chain and exact.

Source: Page (1954); Lucas (1985) for counts; Brook and Evans (1972) for run lengths by a Markov chain.
Called by: models.counts.cusum.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats, Ints

__all__ = ["average_run_length", "cusum_path", "limit_for", "reference_value", "run_length_law"]


def reference_value(target: Floats, ratio: float, size: float, grid: int) -> Floats:
    """What to take from each count: the point where means ``target`` and ``ratio * target`` are equally likely.

    Parameters
    ----------
    target : (n,)
        Means in control.
    ratio : float
        The change to be found: above 1 a rise, below 1 a fall.
    size : float
        Negative binomial size; infinite for Poisson.
    grid : int
        Values are rounded to multiples of ``1 / grid``.

    Examples
    --------
    >>> reference_value(np.array([4.0]), 1.5, np.inf, 20).round(3).tolist()
    [4.95]
    """
    if np.isinf(size):
        exact = target * (ratio - 1) / np.log(ratio)
    else:
        apart = np.log1p(target * (ratio - 1) / (size + target))
        exact = size * apart / (np.log(ratio) - apart)
    return np.asarray(np.maximum(np.rint(exact * grid), 1) / grid)


def cusum_path(steps: Floats, limit: float, restart: bool) -> tuple[Floats, Ints]:
    """Cumulated sums that never fall below zero, and the points at which they reach the limit.

    Notes
    -----
    Without restarts the path is the sum less its running least, in one pass; with them one pass for each alarm.

    Examples
    --------
    >>> cusum_path(np.array([1.0, -3.0, 2.0, 2.0]), 4.0, True)[0].tolist()
    [1.0, 0.0, 2.0, 4.0]
    """
    n = len(steps)
    path, low = np.empty(n), 0
    alarms: list[int] = []
    while low < n:
        total = np.cumsum(steps[low:])
        part = total - np.minimum(np.minimum.accumulate(total), 0.0)
        hits = np.flatnonzero(part >= limit - 1e-9)
        path[low:] = part
        if not restart:
            return path, np.asarray(hits + low, dtype=np.int64)
        if not hits.size:
            break
        alarms.append(low + int(hits[0]))
        low = alarms[-1] + 1
    return path, np.array(alarms, dtype=np.int64)


def _moves(mean: float, reference: float, size: float, limit: float, grid: int, upward: bool) -> Floats:
    """Chances from each sum below the limit to each; what is missing in a row is an alarm."""
    law = stats.poisson(mean) if np.isinf(size) else stats.nbinom(size, size / (size + mean))
    y = np.arange(int(law.isf(1e-14)) + 2)
    chances = law.pmf(y)
    states = int(np.ceil(limit * grid - 1e-9))
    step = grid * y - round(reference * grid)
    to = np.maximum(np.arange(states)[:, None] + (step if upward else -step), 0)
    rows, weight = np.broadcast_to(np.arange(states)[:, None], to.shape), np.broadcast_to(chances, to.shape)
    alive = to < states
    return np.bincount((rows * states + to)[alive], weight[alive], states * states).reshape(states, states)


def average_run_length(
    mean: float, reference: float, size: float, limit: float, grid: int = 20, upward: bool = True
) -> float:
    """Expected number of periods until an alarm, from a sum of zero, when counts have this mean.

    Parameters
    ----------
    mean : float
        Of the counts that come: the target for false alarms, the shifted mean for the delay.
    reference : float
        A multiple of ``1 / grid``.
    size : float
        Negative binomial size; infinite for Poisson.
    limit : float
        In events.
    upward : bool
        Whether counts above the reference count.

    Notes
    -----
    Exact up to the solution of ``limit * grid`` linear equations and counts with probability below 1e-14.

    Examples
    --------
    >>> round(average_run_length(1.0, 0.5, np.inf, 0.5, 2), 6), round(1 / (1 - float(np.exp(-1))), 6)
    (1.581977, 1.581977)
    """
    moves = _moves(mean, reference, size, limit, grid, upward)
    return float(np.linalg.solve(np.eye(len(moves)) - moves, np.ones(len(moves)))[0])


def limit_for(run_length: float, target: float, reference: float, size: float, grid: int, upward: bool) -> float:
    """Smallest limit on the lattice whose expected time to a false alarm is at least `run_length`."""
    low, high = 0, grid
    while average_run_length(target, reference, size, high / grid, grid, upward) < run_length:
        low, high = high, 2 * high
        if high > 4000:
            return float("nan")
    while high - low > 1:
        middle = (low + high) // 2
        enough = average_run_length(target, reference, size, middle / grid, grid, upward) >= run_length
        low, high = (low, middle) if enough else (middle, high)
    return high / grid


def run_length_law(
    mean: float, reference: float, size: float, limit: float, periods: int, grid: int = 20, upward: bool = True
) -> Floats:
    """Probability of no alarm in the first 1, 2, ..., `periods` periods; parameters as in `average_run_length`."""
    moves = _moves(mean, reference, size, limit, grid, upward)
    alive = np.zeros(len(moves))
    alive[0] = 1.0
    left = np.empty(periods)
    for t in range(periods):
        alive = alive @ moves
        left[t] = alive.sum()
    return left
