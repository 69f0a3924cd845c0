"""At most one change of a Poisson rate: likelihood ratios over the date, with exact laws given the total.

Ground floor: NumPy and SciPy. Given the total, counts at a constant rate are multinomial with the exposures as
weights, so that the largest likelihood ratio has a law without unknowns. It is found by following the cumulated count
through the periods, as far as it stays where the likelihood ratio is small: all terms are positive, so that small
p-values are as exact as large ones.

Source: Worsley (1986), for exponential families; Siegmund (1988) for confidence sets of the date.
Read next: partition.py (several changes). Called by: models.counts.change_date.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from exitmodels.arrays import Bools, Floats, Ints

__all__ = ["drawn_maxima", "exact_work", "exceeds", "ratio_at", "ratio_profile", "set_exact"]

_TIE = 1e-9


def ratio_at(before: Floats, share: Floats, total: float) -> Floats:
    """Twice the log-likelihood ratio of a change that leaves `before` of `total` events in `share` of the exposure.

    >>> float(ratio_at(np.array(5.0), np.array(0.5), 10.0))
    0.0
    """
    after = total - before
    left = special.xlogy(before, before / np.maximum(share * total, 1e-300))
    right = special.xlogy(after, after / np.maximum((1 - share) * total, 1e-300))
    return np.asarray(np.maximum(2 * (left + right), 0.0))


def ratio_profile(counts: Floats, exposure: Floats) -> Floats:
    """Likelihood ratio of a change after each period but the last.

    Parameters
    ----------
    counts, exposure : (n,)

    Returns
    -------
    (n - 1,)
    """
    share = np.cumsum(exposure)[:-1] / exposure.sum()
    return ratio_at(np.cumsum(counts)[:-1].astype(np.float64), share, float(counts.sum()))


def exact_work(n: int, total: int, dates: int = 1) -> float:
    """Rough number of products that `exceeds` (with `dates` of them, `set_exact`) takes."""
    return float(n) * float(total + 1) ** 2 * dates


def _allowed(share: Floats, total: int, bound: float, among: Bools) -> Bools:
    """(n - 1, total + 1): whether the likelihood ratio of each cumulated count stays below the bound."""
    levels = np.arange(total + 1.0)
    inside = ratio_at(levels[None, :], share[:, None], float(total)) < bound
    return np.asarray(inside | ~among[:, None])


def _leaves(weights: Floats, allowed: Bools, start: int, end: int) -> float:
    """Probability that the cumulated count, from `start` to `end` in these periods, steps where it is not allowed."""
    events = end - start
    if events == 0 or len(weights) < 2:
        return float(not allowed[:, start].all()) if len(weights) > 1 else 0.0
    share, levels = weights / weights.sum(), np.arange(events + 1.0)
    rest = np.append(1 - np.cumsum(share)[:-1], 0.0)
    factorial = special.gammaln(levels + 1)
    state = np.zeros(events + 1)
    state[0] = 1.0
    lost = 0.0
    # Poisson increments whose total has mean `events`; divided by the chance of that total at the end.
    mean = events * share
    for j in range(len(weights) - 1):
        step = np.exp(special.xlogy(levels, mean[j]) - mean[j] - factorial)
        state = np.convolve(state, step)[: events + 1]
        ahead = np.exp(special.xlogy(levels[::-1], events * rest[j]) - events * rest[j] - factorial[::-1])
        out = ~allowed[j, start : end + 1]
        lost += float(np.sum((state * ahead)[out]))
        state[out] = 0.0
    return min(1.0, lost / float(np.exp(special.xlogy(events, events) - events - factorial[-1])))


def exceeds(exposure: Floats, total: int, bound: float, among: Bools) -> float:
    """Probability, at a constant rate and given the total, that the largest likelihood ratio reaches `bound`.

    Parameters
    ----------
    exposure : (n,)
    total : int
    bound : float
    among : (n - 1,) bool
        Dates over which the largest is taken.

    Notes
    -----
    Cost: O(n total^2). Error: rounding. Ratios within 1e-9 of the bound count as reaching it.

    Examples
    --------
    >>> two = np.ones(2)
    >>> round(exceeds(two, 3, float(ratio_at(np.array(0.0), np.array(0.5), 3.0)), np.array([True])), 12)
    0.25
    """
    share = np.cumsum(exposure)[:-1] / exposure.sum()
    return _leaves(exposure, _allowed(share, total, bound - _TIE, among), 0, total)


def set_exact(counts: Ints, exposure: Floats, among: Bools) -> Floats:
    """P-value of each date: how often a change there gives a largest ratio so far above its own.

    Given the events before and after the true date the two sides are independent multinomials, without unknowns.

    Returns
    -------
    (n - 1,), NaN for dates not among those considered.

    Notes
    -----
    Cost: O(n^2 total^2) at worst. Source: Worsley (1986), section 4.
    """
    total, cumulated = int(counts.sum()), np.cumsum(counts)
    share = np.cumsum(exposure)[:-1] / exposure.sum()
    ratios = ratio_at(cumulated[:-1].astype(np.float64), share, float(total))
    top = ratios[among].max()
    pvalues = np.full(len(ratios), np.nan)
    for k in np.flatnonzero(among):
        if ratios[k] >= top - _TIE:
            pvalues[k] = 1.0
            continue
        allowed = _allowed(share, total, top - _TIE, among)
        left = _leaves(exposure[: k + 1], allowed[:k], 0, int(cumulated[k]))
        right = _leaves(exposure[k + 1 :], allowed[k + 1 :], int(cumulated[k]), total)
        pvalues[k] = left + right - left * right
    return pvalues


def drawn_maxima(
    counts: Ints, exposure: Floats, among: Bools, draws: int, rng: np.random.Generator, at: int | None = None
) -> Floats:
    """Largest likelihood ratios of series drawn given the total, or given the totals before and after period `at`.

    Returns
    -------
    (draws,)
    """
    n, total = len(counts), int(counts.sum())
    share = np.cumsum(exposure)[:-1] / exposure.sum()
    made = []
    for low in range(0, draws, 2048):
        size = min(2048, draws - low)
        pieces = [slice(0, n)] if at is None else [slice(0, at + 1), slice(at + 1, n)]
        drawn = [rng.multinomial(int(counts[p].sum()), exposure[p] / exposure[p].sum(), size) for p in pieces]
        cumulated = np.cumsum(np.concatenate(drawn, axis=1), axis=1)[:, :-1].astype(np.float64)
        made.append(ratio_at(cumulated[:, among], share[among], float(total)).max(axis=1))
    return np.concatenate(made)
