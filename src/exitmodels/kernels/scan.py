"""The scan statistic: the largest number of events in any window of w days, and how surprising it is.

Ground floor: NumPy and SciPy. Given the total, events fall on days independently with known probabilities. The
exact law follows the counts of the last w - 1 days from day to day; it is feasible for small windows and clusters.

Called by: models.counts.scan.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from scipy import sparse, special

from exitmodels.arrays import Floats, Ints

__all__ = ["exact_cost", "naus_pvalue", "scan_drawn", "scan_exact", "scan_maximum", "wallenstein_neff_pvalue"]


def scan_maximum(n: Ints, width: int) -> tuple[Ints, Ints]:
    """Largest sum over `width` neighbouring days, and where the first such window begins; days are on the last axis.

    >>> most, start = scan_maximum(np.array([0, 2, 0, 1, 1, 0]), 3)
    >>> int(most), int(start)
    (3, 1)
    """
    total = np.cumsum(n, axis=-1)
    sums = total[..., width - 1 :].copy()
    sums[..., 1:] -= total[..., : n.shape[-1] - width]
    return sums.max(axis=-1), sums.argmax(axis=-1)


def exact_cost(total: int, days: int, width: int, most: int) -> float:
    """Number of additions that the exact law of ``P(maximum < most)`` takes."""
    states = float(special.binom(width - 1 + most - 1, most - 1))
    return states * (total + 1) * days * most


def scan_exact(total: int, share: Floats, width: int, most: int) -> float:
    """P(some window of `width` days holds `most` events or more), given the total.

    Parameters
    ----------
    total : int
    share : (days,)
        Probability that an event falls on each day; adds to one.
    width, most : int

    Notes
    -----
    States are the ways to put fewer than `most` events on the last ``width - 1`` days; for each, the chance of having
    placed 0 .. total events so far without such a window. Days have Poisson numbers with the right shares, and
    the last step conditions on the total. Error: about 1e-13, absolute.

    >>> round(scan_exact(2, np.full(2, 0.5), 1, 2), 12)
    0.5
    """
    if most <= 1:
        return float(total >= most)
    if most > total:
        return 0.0
    ages, place = _states(width - 1, most)
    load = ages.sum(axis=1)
    chance = np.zeros((len(ages), total + 1))
    chance[place[(0,) * (width - 1)], 0] = 1.0
    moves = [_move(ages, place, load, j, most) for j in range(most)]
    for mean in total * share:
        law = np.exp(special.xlogy(np.arange(most), mean) - mean - special.gammaln(np.arange(most) + 1.0))
        after = moves[0] @ chance * law[0]
        for j in range(1, min(most, total + 1)):
            after[:, j:] += moves[j] @ chance[:, : total + 1 - j] * law[j]
        chance = after
    point = np.exp(special.xlogy(total, total) - total - special.gammaln(total + 1.0))
    return float(np.clip(1 - chance[:, total].sum() / point, 0.0, 1.0))


def _states(ages: int, most: int) -> tuple[Ints, dict[tuple[int, ...], int]]:
    """All ways to have fewer than `most` events on `ages` days."""
    made: list[tuple[int, ...]] = []
    for size in range(most):
        for days in combinations_with_replacement(range(ages), size):
            state = [0] * ages
            for day in days:
                state[day] += 1
            made.append(tuple(state))
    place = {state: i for i, state in enumerate(made)}
    return np.array(made, dtype=np.int64).reshape(len(made), ages), place


def _move(ages: Ints, place: dict[tuple[int, ...], int], load: Ints, j: int, most: int) -> sparse.csr_matrix:
    """From each state to the next after a day with j events; states that would then hold `most` lead nowhere."""
    kept = np.flatnonzero(load + j < most)
    if ages.shape[1] == 0:
        to = np.zeros(len(kept), dtype=np.int64)
    else:
        after = np.column_stack([np.full(len(kept), j), ages[kept, :-1]])
        to = np.array([place[tuple(state)] for state in after.tolist()], dtype=np.int64)
    size = len(ages)
    return sparse.csr_matrix((np.ones(len(kept)), (to, kept)), shape=(size, size))


def scan_drawn(
    total: int, share: Floats, width: int, draws: int, rng: np.random.Generator, block: int = 1 << 22
) -> Ints:
    """Largest window of each of `draws` outcomes with the same total (draws,)."""
    step = max(1, block // len(share))
    parts = [
        scan_maximum(rng.multinomial(total, share, min(step, draws - start)), width)[0]
        for start in range(0, draws, step)
    ]
    return np.concatenate(parts)


def naus_pvalue(most: int, mean: float, windows: float) -> float:
    """P(some window holds `most` or more) for a Poisson process in continuous time: Naus's approximation.

    Parameters
    ----------
    mean : float
        Expected events in one window.
    windows : float
        Length observed over length of the window, two or more.

    Notes
    -----
    Source: Naus (1982), JASA 77, equation 4.

    >>> round(naus_pvalue(5, 2.0, 6.0), 3)
    0.518
    """
    if most <= 1:
        return float(-np.expm1(-mean * windows)) if most == 1 else 1.0
    k = most

    def point(x: float) -> float:
        return float(np.exp(special.xlogy(x, mean) - mean - special.gammaln(x + 1))) if x >= 0 else 0.0

    def below(x: float) -> float:
        return float(special.pdtr(x, mean)) if x >= 0 else 0.0

    two = below(k - 1) ** 2 - (k - 1) * point(k) * point(k - 2) - (k - 1 - mean) * point(k) * below(k - 3)
    a1 = 2 * point(k) * below(k - 1) * ((k - 1) * below(k - 2) - mean * below(k - 3))
    a2 = (
        0.5
        * point(k) ** 2
        * ((k - 1) * (k - 2) * below(k - 3) - 2 * (k - 2) * mean * below(k - 4) + mean**2 * below(k - 5))
    )
    a3 = sum(point(2 * k - r) * below(r - 1) ** 2 for r in range(1, k))
    a4 = sum(point(2 * k - r) * point(r) * ((r - 1) * below(r - 2) - mean * below(r - 3)) for r in range(2, k))
    three = below(k - 1) ** 3 - a1 + a2 + a3 - a4
    log = np.log(two) + (windows - 2) * (np.log(three) - np.log(two))
    return float(np.clip(-np.expm1(log), 0.0, 1.0))


def wallenstein_neff_pvalue(most: int, total: int, share: float) -> float:
    """P(some window holds `most` or more of `total` events), spread evenly in continuous time, given the total.

    `share` is the window's length over the whole. Exact when ``most > total / 2`` and the window is at most half of the
    whole; otherwise an approximation that is good while the p-value is small.

    Notes
    -----
    Source: Naus (1965), theorem 1; Wallenstein and Neff (1987), Statistics in Medicine 6.

    >>> round(wallenstein_neff_pvalue(3, 3, 0.1), 4)
    0.028
    """
    above = float(special.betainc(most + 1, total - most, share)) if most < total else 0.0
    log = special.gammaln(total + 1) - special.gammaln(most + 1) - special.gammaln(total - most + 1)
    point = float(np.exp(log + most * np.log(share) + (total - most) * np.log1p(-share)))
    return float(np.clip((most / share - total - 1) * point + 2 * (point + above), 0.0, 1.0))
