"""Tests of equal rates given the total: under them, n events fall on the cells like n draws with known probabilities.

Ground floor: NumPy and SciPy. Conditioning on the total removes the unknown rate, so that p-values are exact at any
size: by listing all outcomes, by the distribution of a sum of scores, or by drawing outcomes.

Called by: models.counts.conditional.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.exact_binomial import binomial_pvalue

__all__ = [
    "cell_pvalues",
    "drawn_pvalue",
    "homogeneity_exact",
    "homogeneity_statistics",
    "outcomes",
    "score_lattice",
    "score_tails",
    "trend_score",
]

_SAME = 1e-9


def homogeneity_statistics(n: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Pearson's and the likelihood-ratio index of dispersion; cells are on the last axis.

    Source: Hoel (1943); Cochran (1954).

    >>> x2, g2 = homogeneity_statistics(np.array([4.0, 6.0]), np.array([0.5, 0.5]))
    >>> round(float(x2), 4), round(float(g2), 4)
    (0.4, 0.4027)
    """
    mean = n.sum(axis=-1, keepdims=True) * share
    ratio = np.where(n > 0, n, 1.0) / mean
    return np.sum((n - mean) ** 2 / mean, axis=-1), 2 * np.sum(special.xlogy(n, ratio), axis=-1)


def outcomes(total: int, cells: int) -> float:
    """How many ways `total` events can fall on the cells."""
    return float(special.binom(total + cells - 1, cells - 1))


def homogeneity_exact(n: Floats, share: Floats, which: int) -> float:
    """P(statistic at least as large as seen), summed over all outcomes; `which` is 0 for Pearson's, 1 for the other."""
    total, cells = int(n.sum()), len(n)
    rest, log, value = np.array([float(total)]), np.array([special.gammaln(total + 1)]), np.zeros(1)
    for j in range(cells):
        size = (rest + 1).astype(np.int64) if j < cells - 1 else np.ones(len(rest), dtype=np.int64)
        parent = np.repeat(np.arange(len(rest)), size)
        first = np.repeat(np.cumsum(size) - size, size)
        x = np.arange(len(parent)) - first if j < cells - 1 else rest
        x = np.asarray(x, dtype=np.float64)
        mean = total * share[j]
        term = (x - mean) ** 2 / mean if which == 0 else 2 * special.xlogy(x, np.where(x > 0, x, 1.0) / mean)
        log = log[parent] + special.xlogy(x, share[j]) - special.gammaln(x + 1)
        value, rest = value[parent] + term, rest[parent] - x
    seen = float(homogeneity_statistics(n, share)[which])
    return float(min(1.0, np.exp(log[value >= seen - _SAME * max(abs(seen), 1.0)]).sum()))


def cell_pvalues(n: Ints, share: Floats) -> Floats:
    """Exact two-sided p-value of each cell against all the others: n_j of n is binomial ("minlike")."""
    total = int(n.sum())
    return np.array(
        [binomial_pvalue(float(x), float(total), float(p), "minlike") for x, p in zip(n, share, strict=True)]
    )


def trend_score(n: Floats, share: Floats, score: Floats) -> Floats:
    """Standardised sum of scores: normal when the total is not small; cells are on the last axis.

    Source: Cox and Lewis (1966), section 3.3; Armitage (1955).
    """
    total = n.sum(axis=-1)
    mean = float(share @ score)
    spread = np.sqrt(total * float(share @ (score - mean) ** 2))
    return np.asarray((n @ score - total * mean) / spread, dtype=np.float64)


def score_lattice(score: Floats, most: int = 1 << 22) -> tuple[Ints, float] | None:
    """Write scores as whole steps from the smallest; None when there is no common step."""
    above = np.unique(score - score.min())[1:]
    step = float(above[0])
    for value in above:
        rest = float(value)
        while rest > 1e-9 * float(above[-1]):
            step, rest = rest, step % rest
            if min(rest, abs(step - rest)) <= 1e-9 * float(above[-1]):
                rest = 0.0
        if float(above[-1]) / step > most:
            return None
    whole = (score - score.min()) / step
    return (whole.round().astype(np.int64), step) if np.allclose(whole, whole.round(), rtol=0, atol=1e-6) else None


def score_tails(total: int, share: Floats, steps: Ints, seen: int) -> tuple[float, float, float]:
    """P(S <= seen), P(S >= seen) and P(S = seen) for the sum S of the scores of `total` events.

    Notes
    -----
    The distribution of one score is tilted so that the sum has its mean at what was seen, raised to the power `total`
    by a Fourier transform, and tilted back: the tail beyond `seen` keeps its relative digits, however small.
    Cost: O(m log m), m being `total` times the range of the scores.
    """
    one = np.bincount(steps, share)
    grid = np.arange(len(one), dtype=np.float64)
    size = total * (len(one) - 1) + 1
    if seen in (0, size - 1):
        edge = float(one[0 if seen == 0 else -1] ** total)
        return (edge, 1.0, edge) if seen == 0 else (1.0, edge, edge)
    tilt = _tilt(one, grid, seen / total)
    log_one = np.where(one > 0, np.log(np.where(one > 0, one, 1.0)), -np.inf) + tilt * grid
    norm = float(special.logsumexp(log_one))
    width = 1 << int(np.ceil(np.log2(size)))
    law = np.fft.irfft(np.fft.rfft(np.exp(log_one - norm), width) ** total, width)[:size]
    tail = law[seen:] if tilt >= 0 else law[seen::-1]
    back = np.maximum(tail, 0.0) * np.exp(-abs(tilt) * np.arange(len(tail)) + total * norm - tilt * seen)
    point, near = float(back[0]), min(float(back.sum()), 1.0)
    far = float(np.clip(1 - near + point, 0.0, 1.0))
    return (far, near, point) if tilt >= 0 else (near, far, point)


def _tilt(one: Floats, grid: Floats, mean: float) -> float:
    """The exponent at which the tilted law has this mean."""
    log = np.where(one > 0, np.log(np.where(one > 0, one, 1.0)), -np.inf)

    def gap(tilt: float) -> float:
        weight = special.softmax(log + tilt * grid)
        return float(weight @ grid) - mean

    low, high = -1.0, 1.0
    while gap(low) > 0:
        low *= 2
    while gap(high) < 0:
        high *= 2
    return float(optimize.brentq(gap, low, high, xtol=1e-12))


def drawn_pvalue(at_least: int, draws: int) -> tuple[float, float]:
    """P-value from draws, the seen outcome counted as one of them, and its Monte Carlo standard error.

    Source: Davison and Hinkley (1997), section 4.2.

    >>> drawn_pvalue(0, 999)[0]
    0.001
    """
    p = (at_least + 1) / (draws + 1)
    return p, float(np.sqrt(p * (1 - p) / draws))
