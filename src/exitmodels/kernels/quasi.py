"""Is the time unrelated to the window it was seen through? Kendall's tau among comparable pairs, and permutations.

Ground floor: NumPy only. Two rows are comparable when each time lies in the other's window: then either could have had
the other's time, and if time and window are unrelated both orders are equally likely.

Called by: models.truncation.independence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.pairs import inverted_sums

__all__ = ["PairSums", "at_risk_ranks", "exchanged", "pair_sums"]

_CELLS = 1 << 22


def at_risk_ranks(entry: Floats, exit: Floats, event: Bools, weight: Floats) -> tuple[Floats, Floats]:
    """For each event, how its entry ranks among the entries of those at risk when it happens.

    Parameters
    ----------
    entry, exit : (n,)
        At risk at t when entry <= t <= exit.
    event : (n,) bool
    weight : (n,)

    Returns
    -------
    score : (n,)
        Sum over those at risk of sign(their entry - its own); 0 for rows without an event.
    size : (n,)
        Weight of those at risk; 0 for rows without an event.

    Notes
    -----
    Cost: O(n log n). Source: Tsai (1990).
    """
    n = len(exit)
    entries, exits = np.sort(entry), np.argsort(exit, kind="stable")
    by_entry = np.argsort(entry, kind="stable")
    upto = np.concatenate([[0.0], np.cumsum(weight[by_entry])])
    gone = np.concatenate([[0.0], np.cumsum(weight[exits])])
    sorted_exit = exit[exits]
    left = gone[np.searchsorted(sorted_exit, exit, side="left")]
    size = upto[np.searchsorted(entries, exit, side="right")] - left
    below = upto[np.searchsorted(entries, entry, side="left")] - _gone_before(entry, exit, weight, strict=True)
    not_above = upto[np.searchsorted(entries, entry, side="right")] - _gone_before(entry, exit, weight, strict=False)
    score = (size - not_above) - below
    return np.where(event, score, 0.0), np.where(event, size, 0.0) if n else size


def _gone_before(entry: Floats, exit: Floats, weight: Floats, strict: bool) -> Floats:
    """For each row, the weight of rows with a smaller exit and a smaller (or, not strict, no larger) entry."""
    levels, code = np.unique(exit, return_inverse=True)
    code = code.ravel()
    # rows in order of entry; ties in entry ordered so that only those meant are counted as earlier
    tie = -exit if strict else exit
    order = np.lexsort((tie, entry))
    # pairs (earlier entry, smaller exit) are inverted pairs of the reversed codes
    reverse = len(levels) - 1 - code[order]
    before, _ = inverted_sums(reverse, weight[order], weight[order])
    out = np.empty(len(exit))
    out[order] = before
    return out


@dataclass(frozen=True, eq=False)
class PairSums:
    """Sums over comparable pairs.

    Attributes
    ----------
    pairs : float
        Weight of the comparable pairs.
    concordance : (q,)
        Sum over them of sign(difference of times) * sign(difference in each column).
    own : (n, q)
        What each row takes part in.
    own_pairs : (n,)
    variance : (q, q)
        Of `concordance` when time and columns are unrelated among comparable pairs.
    """

    pairs: float
    concordance: Floats
    own: Floats
    own_pairs: Floats
    variance: Floats


def pair_sums(time: Floats, left: Floats, right: Floats, columns: Floats, weight: Floats, closed: bool) -> PairSums:
    """Sum over comparable pairs, by blocks: O(n^2) time, bounded memory.

    Parameters
    ----------
    time, left, right : (n,)
    columns : (n, q)
        What is compared with time, usually the limits that vary.
    weight : (n,)
        Copies.
    closed : bool
        Whether a time at the left limit of a window is inside it.

    Notes
    -----
    Variance of a U-statistic from its projection, the squares of single pairs taken out, expectation zero. Source:
    Martin & Betensky (2005).
    """
    n, q = columns.shape
    own, own_pairs, squares = np.zeros((n, q)), np.zeros(n), np.zeros((q, q))
    block = max(1, _CELLS // max(n, 1))
    for start in range(0, n, block):
        rows = slice(start, start + block)
        t, low, high = time[rows, None], left[rows, None], right[rows, None]
        opens = (low <= time) & (left <= t) if closed else (low < time) & (left < t)
        both: Floats = np.where(opens & (time <= high) & (t <= right), weight, 0.0)
        here = np.arange(start, min(start + block, n))
        both[np.arange(len(here)), here] -= 1.0
        own_pairs[rows] = both.sum(axis=1)
        way = np.sign(t - time)
        signs = [way * np.sign(columns[rows, j, None] - columns[:, j]) for j in range(q)]
        for j in range(q):
            own[rows, j] = np.sum(both * signs[j], axis=1)
            for i in range(j + 1):
                squares[i, j] += float(weight[rows] @ np.sum(both * signs[i] * signs[j], axis=1))
    squares = np.triu(squares) + np.triu(squares, 1).T
    total = float(weight.sum())
    correct = (total - 1) / (total - 2) if total > 2 else np.nan
    variance = ((own * weight[:, None]).T @ own - squares) * correct
    return PairSums(float(weight @ own_pairs) / 2, weight @ own / 2, own, own_pairs, variance)


def exchanged(
    time: Floats, left: Floats, right: Floats, closed: bool, n_draws: int, sweeps: int, rng: np.random.Generator
) -> tuple[Ints, float]:
    """Draw assignments of windows to times among those in which every time lies in its window.

    Returns
    -------
    drawn : (n_draws, n) int
        Row whose window each time has.
    accepted : float
        Share of the proposed exchanges that were possible.

    Notes
    -----
    A chain that proposes to exchange the windows of random pairs, and does when both times stay inside: every possible
    assignment is equally likely in the long run. Draws are `sweeps` rounds of n/2 proposals apart, after ten times as
    many at first. Source: Efron & Petrosian (1999), section 4.
    """
    n = len(time)
    which, drawn = np.arange(n), np.empty((n_draws, n), dtype=np.int64)
    taken = proposed = 0
    for draw in range(n_draws):
        for _ in range(sweeps * (10 if draw == 0 else 1)):
            order = rng.permutation(n)
            one, two = order[: n // 2], order[n // 2 : 2 * (n // 2)]
            a, b = which[one], which[two]
            low_ok = (
                (left[b] <= time[one]) & (left[a] <= time[two])
                if closed
                else (left[b] < time[one]) & (left[a] < time[two])
            )
            fits = low_ok & (time[one] <= right[b]) & (time[two] <= right[a])
            which[one[fits]], which[two[fits]] = b[fits], a[fits]
            taken, proposed = taken + int(fits.sum()), proposed + len(fits)
        drawn[draw] = which
    return drawn, taken / max(proposed, 1)
