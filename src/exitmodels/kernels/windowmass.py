"""The distribution of times seen only because each fell inside its own window.

Ground floor. A row with time X is recorded because left < X <= right. Times become slots (sorted distinct times), a
window a run of slots [first, stop), and every sum over "windows that hold this time" is a difference of cumulative
sums: nothing of the size rows x times is formed.

In log masses the log-likelihood is concave, and constant along one direction (all masses times a number). A maximum
exists and is unique exactly when the slots are connected: see windowreach.py.

Read next: windowvariance.py. Called by: models.truncation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints

__all__ = ["Masses", "Windows", "fit_windows", "holding", "inside", "make_windows", "support"]

_FAR = 50.0


@dataclass(frozen=True, eq=False)
class Windows:
    """Rows as slots and runs of slots.

    Attributes
    ----------
    slot : (n,) int
        Slot of each row's own time.
    first, stop : (n,) int
        The window of the row: slots first .. stop - 1, its own among them.
    weight : (n,)
    size : int
        Number of slots.
    events : (size,)
        Weight of the rows in each slot.
    low, high : (q,) int
        The distinct windows.
    count : (q,)
        Weight of each.
    """

    slot: Ints
    first: Ints
    stop: Ints
    weight: Floats
    size: int
    events: Floats
    low: Ints
    high: Ints
    count: Floats


@dataclass(frozen=True, eq=False)
class Masses:
    """The maximum likelihood distribution over slots.

    Attributes
    ----------
    mass : (size,)
        Sums to one.
    chance : (size,)
        Chance that a time in this slot is recorded, under the estimated law of windows.
    covered : (q,)
        Mass inside each distinct window.
    value : float
        Log-likelihood given the windows, sum of log(mass / mass inside the window).
    gap : float
        Largest change of a mass in one more step of self-consistency.
    converged : bool
    n_steps : int
        Evaluations of that step.
    """

    mass: Floats
    chance: Floats
    covered: Floats
    value: float
    gap: float
    converged: bool
    n_steps: int


def make_windows(slot: Ints, first: Ints, stop: Ints, weight: Floats, size: int) -> Windows:
    """Count the rows of each slot, and collect the distinct windows."""
    key = first.astype(np.int64) * (size + 1) + stop
    distinct, place = np.unique(key, return_inverse=True)
    low, high = distinct // (size + 1), distinct % (size + 1)
    events = np.bincount(slot, weight, size)
    return Windows(slot, first, stop, weight, size, events, low, high, np.bincount(place, weight, len(distinct)))


def support(slot: Ints, first: Ints, stop: Ints, weight: Floats, size: int) -> tuple[Windows, Ints]:
    """The same without slots that hold no weight; also the slots that are left."""
    rows = np.flatnonzero(weight > 0)
    has = np.bincount(slot[rows], minlength=size) > 0
    upto = np.concatenate([[0], np.cumsum(has)])
    made = make_windows(upto[slot[rows]], upto[first[rows]], upto[stop[rows]], weight[rows], int(upto[-1]))
    return made, np.flatnonzero(has)


def inside(low: Ints, high: Ints, values: AnyArray) -> Floats:
    """Sum `values` (size,) over each run low .. high - 1.

    The sum from the nearer end is used, so that runs in a thin tail are not the difference of two numbers near one.
    """
    up = np.concatenate([[0.0], np.cumsum(values)])
    down = np.concatenate([np.cumsum(values[::-1])[::-1], [0.0]])
    return np.where(up[high] <= down[low], up[high] - up[low], down[low] - down[high])


def holding(low: Ints, high: Ints, values: Floats, size: int) -> Floats:
    """For each slot, the sum of `values` (q,) over the runs that hold it; never below zero by rounding."""
    steps = np.bincount(low, values, size + 1) - np.bincount(high, values, size + 1)
    return np.cumsum(steps)[:size]


def fit_windows(data: Windows, start: Floats | None = None, tol: float = 1e-11, most: int = 20000) -> Masses:
    """Maximise the likelihood over masses on the slots.

    Parameters
    ----------
    data : Windows
        Every slot must hold some weight, and the slots must be connected (`windowreach.components`).
    start : (size,), optional
        Masses to begin from.
    tol : float
        Largest change of a log mass, or of a mass (a hundredth of this), in one step of self-consistency.
    most : int
        Evaluations of the step allowed.

    Notes
    -----
    Self-consistency, mass proportional to events / sum over windows holding the slot of 1 / (mass inside), is
    extrapolated by squared steps in log masses, each kept only if the likelihood does not fall.
    Cost: O(rows) for each evaluation. Source: Efron & Petrosian (1999); Shen (2010); Varadhan & Roland (2008).
    """
    theta = np.log((data.events if start is None else start) / (data.events if start is None else start).sum())
    _, one = _step(theta, data)
    steps, stalled = 1, 0
    while steps < most:
        if np.abs(one - theta).max() < tol:
            break
        value_one, two = _step(one, data)
        steps += 1
        if np.abs(two - one).max() < tol:
            theta, one = one, two
            break
        change, bend = one - theta, (two - one) - (one - theta)
        curved = float(bend @ bend)
        stretch = min(float(np.sqrt(change @ change / curved)) if curved > 0 else 1.0, _FAR * 2.0**stalled)
        tried = theta + 2 * stretch * change + stretch**2 * bend
        tried -= tried.max()
        value_tried, after = _step(tried, data)
        steps += 1
        if np.isfinite(value_tried) and value_tried >= value_one - 1e-12 * abs(value_one):
            stalled += stretch >= _FAR * 2.0**stalled
            theta, one = tried, after
        else:
            theta, one = one, two
    return _finish(theta, one, data, steps, tol)


def _step(theta: Floats, data: Windows) -> tuple[float, Floats]:
    """Log-likelihood at log masses `theta`, and the log masses of one step of self-consistency."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mass = np.exp(theta - theta.max())
        mass /= mass.sum()
        covered = inside(data.low, data.high, mass)
        value = float(data.events @ np.log(mass) - data.count @ np.log(covered))
        seen = holding(data.low, data.high, data.count / covered, data.size)
        after = np.log(data.events) - np.log(seen)
        after -= after.max()
        after -= np.log(np.exp(after).sum())
    return value, after + _level(theta)


def _level(theta: Floats) -> float:
    """Log of the total mass of `theta`: both sides of a step are compared at the same total."""
    top = theta.max()
    return float(top + np.log(np.exp(theta - top).sum()))


def _finish(theta: Floats, one: Floats, data: Windows, steps: int, tol: float) -> Masses:
    mass, after = np.exp(theta - _level(theta)), np.exp(one - _level(one))
    gap = float(np.abs(after - mass).max())
    done = bool(np.abs(one - theta).max() < max(tol, 1e-9)) or gap < 1e-13
    covered = inside(data.low, data.high, after)
    value = float(data.events @ np.log(after) - data.count @ np.log(covered))
    inverse = data.count / covered
    chance = holding(data.low, data.high, inverse, data.size) / float(inverse.sum())
    return Masses(after, chance, covered, value, gap, done, steps)
