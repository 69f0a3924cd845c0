"""The best cuts of a series: exact optimal partitioning, a block of points at a time.

Ground floor: NumPy. The least total cost F(t) of the first t points obeys F(t) = min over s < t of F(s) + cost(s, t) +
penalty. Two ideas make this fast without making it approximate:

* *Blocks.* For a block of end points the starts before the block are settled in one array. Starts inside the block need
  each other; their recursion is repeated until nothing changes, once more than the block has changes.
* *Pruning by duality.* A start s can be forgotten when, whatever the parameter of the open stretch, another start does
  better. Against an earlier or later start r this holds if, for some lambda >= 0,
  ``F(s) + lambda (F(s) - F(r)) + cost(Z(s, t) - lambda Z(r, s)) > F(t)`` (Z: sums over a stretch); lambda = 0 is PELT.

Source: Jackson et al. (2005) for the recursion; Killick, Fearnhead and Eckley (2012) for PELT; Maidstone, Hocking,
Rigaill and Fearnhead (2017) for functional pruning; Runge and Truong (2024) for its dual form.

Read next: segmentcost.py. Called by: models.counts.changepoints.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.segmentcost import Cost

__all__ = ["METHODS", "least_cost", "optimal_partition"]

METHODS = ("functional", "pelt", "none")
_SHARES = np.array([0.0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9])
_SLACK = 1e-9


def optimal_partition(
    sums: Floats,
    cost: Cost,
    penalty: float,
    min_size: int = 1,
    *,
    lengthwise: bool = False,
    method: str = "functional",
    block: int = 96,
) -> tuple[Ints, float]:
    """Cuts with the least total of costs and penalties.

    Parameters
    ----------
    sums : (d, n + 1)
        Cumulated sums, zero first.
    cost : Cost
    penalty : float
        Added for every cut; zero or more.
    min_size : int
        Fewest points between cuts.
    lengthwise : bool
        Add the log of its length to the cost of a stretch, as the modified BIC does.
    method : {"functional", "pelt", "none"}
        How starts are forgotten; the answer is the same.
    block : int
        Points settled together.

    Returns
    -------
    cuts : (m,) int
        Number of points before each cut, increasing.
    total : float
        Cost of the stretches and penalties of the cuts.

    Notes
    -----
    Cost: with K starts remembered, O(n (K + block)); K is a few dozen under functional pruning and about the length of
    a stretch under PELT. Error: a start is only forgotten when it is worse by more than rounding, so that ties are
    resolved as without pruning.

    Examples
    --------
    >>> from exitmodels.kernels.segmentcost import Cost, poisson_cost
    >>> y = np.repeat([2.0, 9.0], 10)
    >>> sums = np.vstack([np.append(0.0, np.cumsum(y)), np.arange(21.0)])
    >>> optimal_partition(sums, Cost(poisson_cost, (0, 1), 1), penalty=6.0)[0].tolist()
    [10]
    """
    best, last = least_cost(
        sums, cost, penalty, min_size, lengthwise=lengthwise, method=method, block=max(block, 2 * min_size)
    )
    cuts, at = [], sums.shape[1] - 1
    while last[at] > 0:
        at = int(last[at])
        cuts.append(at)
    return np.array(cuts[::-1], dtype=np.int64), float(best[-1])


def least_cost(
    sums: Floats, cost: Cost, penalty: float, min_size: int, *, lengthwise: bool, method: str, block: int
) -> tuple[Floats, Ints]:
    """F(0..n), with F(0) = -penalty, and the last cut before each point; infinite where no cut is allowed."""
    n = sums.shape[1] - 1
    best, last = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=np.int64)
    best[0] = -penalty
    starts = np.zeros(1, dtype=np.int64)
    inner = _Inner(block, min_size, lengthwise)
    for low in range(0, n, block):
        ends = np.arange(low + 1, min(low + block, n) + 1)
        _from_before(sums, cost, penalty, min_size, lengthwise, starts, ends, best, last)
        inner.settle(sums, cost, penalty, ends, best, last)
        starts = np.concatenate([starts, ends[np.isfinite(best[ends])]])
        if method != "none" and ends[-1] < n:
            starts = _kept(sums, cost, starts, int(ends[-1]) + 1 - min_size, best, lengthwise, method)
    return best, last


def _from_before(
    sums: Floats,
    cost: Cost,
    penalty: float,
    min_size: int,
    lengthwise: bool,
    starts: Ints,
    ends: Ints,
    best: Floats,
    last: Ints,
) -> None:
    """Settle the ends of a block as far as starts before the block go."""
    rows = max(1, (1 << 17) // len(ends))
    top, where = np.full(len(ends), np.inf), np.zeros(len(ends), dtype=np.int64)
    for low in range(0, len(starts), rows):
        some = starts[low : low + rows]
        total = best[some, None] + cost.evaluate(sums[:, None, ends] - sums[:, some, None])
        length = ends - some[:, None]
        if lengthwise:
            total += np.log(length)
        if min_size > 1:
            total[length < min_size] = np.inf
        least = total.argmin(axis=0)
        value = total[least, np.arange(len(ends))]
        better = value < top
        top[better], where[better] = value[better], some[least[better]]
    best[ends], last[ends] = top + penalty, where


class _Inner:
    """Starts inside a block; what does not depend on the data is made once."""

    def __init__(self, block: int, min_size: int, lengthwise: bool) -> None:
        place = np.arange(block)
        length = place[None, :] - place[:, None]
        self.extra = np.where(length >= min_size, np.log(np.maximum(length, 1)) if lengthwise else 0.0, np.inf)
        self.ahead = np.triu_indices(block, min_size)

    def settle(self, sums: Floats, cost: Cost, penalty: float, ends: Ints, best: Floats, last: Ints) -> None:
        """Repeat the recursion inside the block until nothing changes."""
        b = len(ends)
        total = self.extra[:b, :b] + penalty
        from_, to = self.ahead if b == len(self.extra) else np.nonzero(np.isfinite(total))
        inside = sums[:, ends]
        total[from_, to] += cost.evaluate(inside[:, to] - inside[:, from_])
        values, cuts = best[ends], last[ends]
        while True:
            tried = values[:, None] + total
            least = tried.argmin(axis=0)
            value = tried[least, np.arange(b)]
            better = value < values
            if not better.any():
                break
            values[better], cuts[better] = value[better], ends[least[better]]
        best[ends], last[ends] = values, cuts


def _kept(sums: Floats, cost: Cost, starts: Ints, at: int, best: Floats, lengthwise: bool, method: str) -> Ints:
    """Starts that may still begin the last stretch of the best partition of more points.

    With stretches of at least m points the next end is reached by no start after ``at = end + 1 - m``; a start before
    `at` is compared with `at` itself, and the later ones stay.
    """
    if at < 1 or not np.isfinite(best[at]):
        return starts
    s = starts[starts < at]
    if not len(s):
        return starts
    limit = best[at] + _SLACK * (1 + abs(best[at]))
    worth = best[s]
    open_ = sums[:, [at]] - sums[:, s]
    gone = worth + cost.evaluate(open_) > limit
    if method == "functional" and len(s) > 2:
        s, worth, open_ = s[~gone], worth[~gone], open_[:, ~gone]
        gone = _beaten(sums, cost, s, at, worth, open_, limit, lengthwise)
    return np.concatenate([s[~gone], starts[starts >= at]])


def _beaten(
    sums: Floats, cost: Cost, s: Ints, at: int, worth: Floats, open_: Floats, limit: float, lengthwise: bool
) -> Bools:
    """Whether a start is worse than another or than `at` for every parameter (dual bound at some lambda)."""
    k = len(s)
    gone = np.zeros(k, dtype=bool)
    if k < 2:
        return gone
    # An earlier start: the dual variable is bounded by the sums that must stay positive.
    for back in (1, 2, 5):
        if k <= back:
            break
        mine, other = np.arange(back, k), np.arange(0, k - back)
        between = sums[:, s[mine]] - sums[:, s[other]]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(between > 0, open_[:, mine] / between, np.inf)[list(cost.positive)]
        most = np.minimum(ratios.min(axis=0), 1e6)
        lam = _SHARES[:, None] * most
        left = open_[:, None, mine] - lam * between[:, None, :]
        slack = np.log((at - s[other]) / (at - s[mine])) if lengthwise else 0.0
        bound = worth[mine] + lam * (worth[mine] - worth[other] - slack) + cost.evaluate(left)
        gone[mine] |= (bound > limit).any(axis=0)
    # A later start: any lambda.
    for ahead in (1, 3):
        if k <= ahead:
            break
        mine, other = np.arange(0, k - ahead), np.arange(ahead, k)
        between = sums[:, s[other]] - sums[:, s[mine]]
        size = np.maximum(at - s[mine], 1) / (s[other] - s[mine])
        lam = np.array([0.1, 0.5, 2.0, 8.0])[:, None] * size
        left = open_[:, None, mine] + lam * between[:, None, :]
        bound = worth[mine] + lam * (worth[mine] - worth[other]) + cost.evaluate(left)
        gone[mine] |= (bound > limit).any(axis=0)
    return gone
