"""A distribution known only through intervals, each seen through a window: where mass can lie, and how much.

Ground floor: NumPy only. Row i says that its time lies in (lower, upper], and could be seen only because it lies in
(left, right]. With exact times this is windowmass.py; with no right ends it is turnbull.py, whose search in hazards has
a proof of the maximum that a window with two ends has not.

Called by: models.truncation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.grouped import ranks
from exitmodels.kernels.squared import Settled, settle
from exitmodels.kernels.windowmass import holding, inside
from exitmodels.kernels.windowvariance import bends

__all__ = [
    "Bounds",
    "Places",
    "bound_reach",
    "fit_bounds",
    "flat_directions",
    "loose_ends",
    "place_bounds",
    "rank_bounds",
]


@dataclass(frozen=True, eq=False)
class Bounds:
    """Rows on the scale of the distinct times.

    Attributes
    ----------
    levels : (k,)
        Distinct finite times, ascending.
    begins, closes : (n,) int
        Keys of the interval: at the v-th time a point begins at 3 v, an interval closes at 3 v + 1 and the next opens
        at 3 v + 2. -1 and 3 k + 1 where there is no end.
    enters, leaves : (n,) int
        The same for the window; the interval lies inside it.
    """

    levels: Floats
    begins: Ints
    closes: Ints
    enters: Ints
    leaves: Ints

    def take(self, rows: Ints) -> Bounds:
        """Keep some rows (they may repeat)."""
        return Bounds(self.levels, self.begins[rows], self.closes[rows], self.enters[rows], self.leaves[rows])


def rank_bounds(lower: Floats, upper: Floats, left: Floats, right: Floats, closed: bool = False) -> Bounds:
    """Put rows on the scale of the distinct times; intervals are cut to their windows.

    Parameters
    ----------
    lower, upper : (n,)
        The time lies in (lower, upper]; it is known exactly where they are equal.
    left, right : (n,)
        The window is (left, right], or [left, right] when `closed`. Infinite where it has no end.

    Notes
    -----
    Times closer than the tie tolerance are one time.
    """
    n = len(lower)
    everything = np.concatenate([lower, upper, left, right])
    finite = np.isfinite(everything)
    levels, (codes,) = ranks(everything[finite])
    place = np.full(4 * n, -1, dtype=np.int64)
    place[finite] = codes
    place[np.isposinf(everything)] = len(levels)
    low, high, window_low, window_high = place.reshape(4, n)
    exact = (low == high) & (low >= 0)
    begins = np.where(exact, 3 * low, np.where(low >= 0, 3 * low + 2, -1))
    enters = np.where(window_low >= 0, 3 * window_low + (0 if closed else 2), -1)
    closes, leaves = 3 * high + 1, 3 * window_high + 1
    return Bounds(levels, np.maximum(begins, enters), np.minimum(closes, leaves), enters, leaves)


@dataclass(frozen=True, eq=False)
class Places:
    """Intervals that can hold mass, and where each row stands among them.

    Attributes
    ----------
    left, right : (m,)
        The j-th is (left, right]; a single time where both are equal and `point` says so.
    point : (m,) bool
    first, stop : (n,) int
        Row i holds the intervals first .. stop - 1.
    enter, leave : (n,) int
        Its window holds enter .. leave - 1.
    """

    left: Floats
    right: Floats
    point: Bools
    first: Ints
    stop: Ints
    enter: Ints
    leave: Ints

    def __len__(self) -> int:
        return len(self.left)

    def telling(self) -> tuple[Places, Bools]:
        """Leave out rows whose interval fills their window: they say nothing. Also which rows are kept, (n,)."""
        kept = (self.first != self.enter) | (self.stop != self.leave)
        own = (v[kept] for v in (self.first, self.stop, self.enter, self.leave))
        return Places(self.left, self.right, self.point, *own), kept

    def only(self, kept: Bools) -> Places:
        """Drop some intervals."""
        upto = np.concatenate([[0], np.cumsum(kept)])
        own = (upto[v] for v in (self.first, self.stop, self.enter, self.leave))
        return Places(self.left[kept], self.right[kept], self.point[kept], *own)


def place_bounds(bounds: Bounds) -> Places:
    """Find the intervals that can hold mass.

    Notes
    -----
    Mass moves for the better to where more rows hold it and fewer windows charge for it. Rows begin to hold it at lower
    ends and windows stop charging at right ends of windows; the reverse at upper ends and left ends of windows. So an
    interval counts when one of the former is followed by one of the latter with no other between.
    Source: Turnbull (1976); Frydman (1994), left ends of windows; Alioum & Commenges (1996), right ends too.
    """
    size = int(max(bounds.closes.max(), bounds.leaves.max())) + 4
    opens, shuts = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    opens[bounds.begins + 1] = True
    shuts[bounds.closes + 1] = True
    ends = 3 * len(bounds.levels) + 1
    inner = bounds.leaves[bounds.leaves < ends]
    opens[inner + 2] = True
    # a window that begins at key e charges from e on: mass at e - 1 and before is free of it
    shuts[bounds.enters[bounds.enters >= 0]] = True
    keys = np.flatnonzero(opens | shuts)
    starts, stops = opens[keys], shuts[keys]
    begin, close = _pairs(keys, starts, stops)
    used = np.cumsum(
        np.bincount(np.searchsorted(close - 1, bounds.begins), minlength=len(begin) + 1)
        - np.bincount(np.searchsorted(close - 1, bounds.closes, side="right"), minlength=len(begin) + 1)
    )[: len(begin)]
    begin, close = begin[used > 0] - 1, close[used > 0] - 1
    outer = np.concatenate([bounds.levels, [np.inf, -np.inf]])
    return Places(
        left=outer[np.where(begin < 0, len(bounds.levels) + 1, begin // 3)],
        right=outer[np.minimum(close // 3, len(bounds.levels))],
        point=(begin % 3 == 0) & (begin >= 0),
        first=np.searchsorted(begin, bounds.begins),
        stop=np.searchsorted(close, bounds.closes, side="right"),
        enter=np.searchsorted(begin, bounds.enters),
        leave=np.searchsorted(close, bounds.leaves, side="right"),
    )


def _pairs(keys: Ints, starts: Bools, stops: Bools) -> tuple[Ints, Ints]:
    """Each opening key with the closing key that follows, when no other opening lies between."""
    both = np.repeat(keys, starts.astype(np.int64) + stops)
    kind = np.ones(len(both), dtype=bool)
    # where a key both opens and closes, it opens first: the single key is an interval
    at = np.cumsum(starts.astype(np.int64) + stops) - 1
    kind[at[stops]] = False
    inner = np.flatnonzero(kind[:-1] & ~kind[1:])
    return both[inner], both[inner + 1]


def fit_bounds(
    places: Places, weight: Floats, start: Floats | None = None, tol: float = 1e-12, most: int = 20000
) -> Settled:
    """Maximise the likelihood of masses on the intervals.

    Parameters
    ----------
    start : (m,), optional
    tol : float
        Largest breach of the conditions of a maximum, in masses.

    Notes
    -----
    The step m (sum of w / P(interval) over rows that hold it) / (sum of w / P(window) over windows that hold it) never
    lowers the likelihood: the first sum comes from Jensen's inequality, the second from the tangent of the logarithm.
    It is slow where masses go to zero, so Newton steps on the positive masses follow, and intervals that would gain
    by mass are let back in. Cost: O(rows) for each plain step, O(m^3) for each Newton step.
    Source: Turnbull (1976), in the form of Efron & Petrosian (1999).
    """
    m = len(places)
    held = _alike(places.first, places.stop, weight, m)
    seen = _alike(places.enter, places.leave, weight, m)

    def step(mass: Floats) -> tuple[float, Floats]:
        value, asked, paid = _slopes(mass, held, seen)
        after = np.where(paid > 0, mass * asked / np.where(paid > 0, paid, 1.0), 0.0)
        total = after.sum()
        return (value, after / total) if np.isfinite(total) and total > 0 else (-np.inf, mass)

    begin = holding(*held[0], held[1] / (held[0][1] - held[0][0]), m) if start is None else np.maximum(start, 1e-8 / m)
    found = settle(step, begin, max(tol, 1e-4) if m <= _DENSE else tol, most)
    steps, total = found.n_steps, float(weight.sum())
    for _ in range(_ROUNDS if m <= _DENSE else 0):
        mass = _newton(_cut(found.mass, held), held, seen, tol * total)
        value, asked, paid = _slopes(mass, held, seen)
        better = (mass == 0) & (asked > paid * (1 + 1e-9))
        gap = float(np.abs(np.where(mass > 0, mass * (asked - paid), 0.0)).max()) / total
        if not better.any() and gap <= tol:
            return Settled(mass / mass.sum(), value, gap, steps, True)
        found = settle(step, np.where(better, 1e-3 / m, np.maximum(mass, 1e-12)), max(tol, 1e-5), 50)
        steps += found.n_steps
    return settle(step, np.maximum(found.mass, 1e-15), tol, most)


_DENSE, _ROUNDS = 1500, 30
Runs = tuple[tuple[Ints, Ints], Floats]


def _slopes(mass: Floats, held: Runs, seen: Runs) -> tuple[float, Floats, Floats]:
    """Log-likelihood, and the two sums that balance at the maximum."""
    with np.errstate(divide="ignore", invalid="ignore"):
        chance, window = inside(*held[0], mass), inside(*seen[0], mass)
        value = float(held[1] @ np.log(chance) - seen[1] @ np.log(window))
        asked = holding(*held[0], held[1] / chance, len(mass))
        paid = holding(*seen[0], seen[1] / window, len(mass))
    return value if np.isfinite(value) else -np.inf, asked, paid


def _newton(mass: Floats, held: Runs, seen: Runs, enough: float) -> Floats:
    """Newton steps on the logs of the masses above zero; those that sink far below the largest stay at zero."""
    value, asked, paid = _slopes(mass, held, seen)
    for _ in range(100):
        used = np.flatnonzero(mass > 0)
        own, gradient = mass[used], mass[used] * (asked - paid)[used]
        if not np.isfinite(value) or np.abs(gradient).max() <= enough:
            break
        window, chance = inside(*seen[0], mass), inside(*held[0], mass)
        curve = bends(*held[0], held[1] / chance**2, len(mass)) - bends(*seen[0], seen[1] / window**2, len(mass))
        matrix = np.outer(own, own) * (curve[np.ix_(used, used)] + float(held[1].sum())) - np.diag(gradient)
        change = _downhill(matrix, gradient)
        length, moved = min(1.0, 3.0 / float(np.abs(change).max())), False
        for _ in range(20):
            tried = np.zeros_like(mass)
            tried[used] = own * np.exp(length * change)
            tried = _cut(tried, held)
            tried_value, tried_asked, tried_paid = _slopes(tried, held, seen)
            if tried_value >= value - 1e-13 * abs(value):
                mass, value, asked, paid, moved = tried / tried.sum(), tried_value, tried_asked, tried_paid, True
                asked, paid = asked * tried.sum(), paid * tried.sum()
                break
            length /= 2
        if not moved:
            break
    return mass / mass.sum()


def _cut(mass: Floats, held: Runs) -> Floats:
    """Set masses far below the largest to zero, unless a row would then hold none."""
    left = np.where(mass > 1e-9 * mass.max(), mass, 0.0)
    count = np.concatenate([[0], np.cumsum(left > 0)])
    (low, high), _ = held
    empty = count[high] == count[low]
    if not empty.any():
        return left
    kept = holding(low[empty], high[empty], np.ones(int(empty.sum())), len(mass)) > 0
    return np.where(kept, np.maximum(mass, 1e-13 * mass.max()), left)


def _downhill(matrix: Floats, gradient: Floats) -> Floats:
    """Solve for a step; a ridge is raised until the matrix is positive definite (Levenberg)."""
    diagonal = np.abs(np.diag(matrix))
    diagonal = np.maximum(diagonal, 1e-12 * diagonal.max())
    scale = 1 / np.sqrt(diagonal)
    scaled = matrix * np.outer(scale, scale)
    ridge = 1e-12
    while True:
        try:
            return np.asarray(cho_solve(cho_factor(scaled + ridge * np.eye(len(scale))), gradient * scale) * scale)
        except np.linalg.LinAlgError:
            ridge = max(ridge * 10, 1e-4)


def _alike(low: Ints, high: Ints, weight: Floats, m: int) -> tuple[tuple[Ints, Ints], Floats]:
    """Distinct runs, and the weight of each."""
    distinct, place = np.unique(low.astype(np.int64) * (m + 1) + high, return_inverse=True)
    return (distinct // (m + 1), distinct % (m + 1)), np.bincount(place.ravel(), weight, len(distinct))


def bound_reach(places: Places) -> tuple[Ints, Ints]:
    """Least and largest window ends among the rows that may lie in each interval: (m,) each.

    Notes
    -----
    Runs are laid down as two overlapping runs of a power of two, and handed down by halves.
    """
    m = len(places)
    low, high = np.arange(m), np.arange(1, m + 1)
    length = np.maximum(places.stop - places.first, 1)
    level = np.floor(np.log2(length)).astype(np.int64)
    carry_low, carry_high = np.full(m, m), np.zeros(m, dtype=np.int64)
    for j in range(int(level.max(initial=0)), -1, -1):
        rows = np.flatnonzero(level == j)
        for at in (places.first[rows], places.stop[rows] - (1 << j)):
            np.minimum.at(carry_low, at, places.enter[rows])
            np.maximum.at(carry_high, at, places.leave[rows])
        if j:
            half = 1 << (j - 1)
            down_low, down_high = carry_low.copy(), carry_high.copy()
            down_low[half:] = np.minimum(down_low[half:], carry_low[:-half])
            down_high[half:] = np.maximum(down_high[half:], carry_high[:-half])
            carry_low, carry_high = down_low, down_high
    return np.minimum(low, carry_low), np.maximum(high, carry_high)


def loose_ends(places: Places, weight: Floats, mass: Floats) -> Floats:
    """Breach of the conditions of a maximum, relative: above zero where more mass would help, (m,)."""
    asked = holding(places.first, places.stop, weight / inside(places.first, places.stop, mass), len(places))
    paid = holding(places.enter, places.leave, weight / inside(places.enter, places.leave, mass), len(places))
    return np.where(mass > 1e-10 * mass.max(), np.abs(asked / paid - 1), np.maximum(asked / paid - 1, 0.0))


def flat_directions(places: Places, weight: Floats, mass: Floats) -> int:
    """Directions among the intervals with mass in which the likelihood does not change; 0 when masses are unique there.

    Notes
    -----
    A direction d is flat when every row keeps the ratio d(interval) / P(interval) - d(window) / P(window) at zero; the
    common scale is not counted. Cost: O(rows m + m^3) in blocks; meant for up to some thousand intervals.
    """
    held = mass > 1e-10 * mass.max()
    part, own = places.only(held), mass[held] / mass[held].sum()
    m = len(own)
    gram = np.zeros((m, m))
    runs = np.stack([part.first, part.stop, part.enter, part.leave])
    runs, place = np.unique(runs, axis=1, return_inverse=True)
    count = np.bincount(place.ravel(), weight, runs.shape[1])
    for start in range(0, runs.shape[1], 512):
        first, stop, enter, leave = runs[:, start : start + 512]
        rows = _run_rows(first, stop, m) * (own / inside(first, stop, own)[:, None])
        rows -= _run_rows(enter, leave, m) * (own / inside(enter, leave, own)[:, None])
        gram += rows.T @ (rows * count[start : start + 512, None])
    scale = 1 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    values = np.linalg.eigvalsh(gram * np.outer(scale, scale))
    return max(int(np.count_nonzero(values < 1e-10 * m)) - 1, 0)


def _run_rows(low: Ints, high: Ints, m: int) -> Floats:
    order = np.arange(m)
    return ((order >= low[:, None]) & (order < high[:, None])).astype(np.float64)
