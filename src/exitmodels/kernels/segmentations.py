"""All segmentations at once: exact posterior of the dates and the number of changes (product partition models).

Ground floor: NumPy and SciPy. Between changes the rate is constant with a conjugate prior, so that the evidence of a
stretch is known in closed form; sums over all 2^(n-1) segmentations follow from two recursions over the dates.

Source: Barry and Hartigan (1992); Fearnhead (2006). Adams and MacKay (2007) for the filter.
Called by: models.counts.change_posterior, models.counts.online.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from exitmodels.arrays import Floats, Ints

__all__ = [
    "Segmentations",
    "dirichlet_evidence",
    "gamma_evidence",
    "grid_evidence",
    "run_lengths",
    "segment_means",
    "segmentations",
]

Evidence = Callable[[int, Ints], Floats]
"""Log evidence of the stretches that end at one point and start at several: ``f(end, starts)``."""


def gamma_evidence(counts: Floats, exposure: Floats, shape: float, rate: float) -> Evidence:
    """Poisson counts with a gamma prior of the rate, the factor ``prod e^y / y!`` left out."""
    s, e = _cumulated(counts), _cumulated(exposure)
    fixed = shape * np.log(rate) - special.gammaln(shape)

    def evidence(end: int, starts: Ints) -> Floats:
        a = shape + s[end] - s[starts]
        return np.asarray(fixed + special.gammaln(a) - a * np.log(rate + e[end] - e[starts]))

    return evidence


def dirichlet_evidence(counts: Floats, prior: Floats) -> Evidence:
    """Counts (n, k) of several kinds, multinomial given their totals, with a Dirichlet prior of the shares."""
    sums = np.concatenate([np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0)])
    fixed = special.gammaln(prior.sum()) - special.gammaln(prior).sum()

    def evidence(end: int, starts: Ints) -> Floats:
        a = prior + sums[end] - sums[starts]
        return np.asarray(fixed + special.gammaln(a).sum(axis=1) - special.gammaln(a.sum(axis=1)))

    return evidence


def grid_evidence(logliks: Floats, log_prior: Floats) -> Evidence:
    """Any law with one parameter, on a grid: log-likelihoods (n, g) of each count, log prior weights (g,)."""
    sums = np.concatenate([np.zeros((1, logliks.shape[1])), np.cumsum(logliks, axis=0)])

    def evidence(end: int, starts: Ints) -> Floats:
        return np.asarray(special.logsumexp(sums[end] - sums[starts] + log_prior, axis=1))

    return evidence


def _cumulated(x: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(x, dtype=np.float64)])


@dataclass(frozen=True, eq=False)
class Segmentations:
    """Sums over all segmentations.

    Attributes
    ----------
    log_evidence : float
    change : (n - 1,)
        Probability of a change after each point but the last.
    number : (most + 1,)
        Probability of 0, 1, ... changes.
    forward, backward : (n + 1,)
        Log sums over segmentations of the first t points, and of the points after t.
    """

    log_evidence: float
    change: Floats
    number: Floats
    forward: Floats
    backward: Floats


def segmentations(evidence: Evidence, n: int, hazard: float, most: int) -> Segmentations:
    """Posterior when each boundary between points is a change with probability `hazard`, independently.

    Parameters
    ----------
    evidence : function
    n : int
    hazard : float
    most : int
        Largest number of changes whose probability is wanted.

    Notes
    -----
    Cost: O(n^2) evidences, twice, and O(n^2 most) sums; memory O(n most). Error: rounding of log sums.

    Examples
    --------
    >>> made = segmentations(gamma_evidence(np.array([0.0, 9.0]), np.ones(2), 1.0, 1.0), 2, 0.5, 1)
    >>> bool(np.isclose(made.change[0], made.number[1]))
    True
    """
    cut, stay = np.log(hazard), np.log1p(-hazard)
    forward, backward = np.full(n + 1, -np.inf), np.full(n + 1, -np.inf)
    forward[0] = backward[n] = 0.0
    by_number = np.full((n + 1, most + 1), -np.inf)
    by_number[0, 0] = 0.0
    for t in range(1, n + 1):
        starts = np.arange(t)
        weight = evidence(t, starts) + (t - 1 - starts) * stay + np.where(starts > 0, cut, 0.0)
        forward[t] = special.logsumexp(forward[:t] + weight)
        by_number[t, 0] = weight[0]
        if t > 1 and most:
            by_number[t, 1:] = special.logsumexp(by_number[1:t, :-1] + weight[1:, None], axis=0)
    # Backward: each end hands its sum to the starts before it.
    for t in range(n, 0, -1):
        starts = np.arange(t)
        weight = evidence(t, starts) + (t - 1 - starts) * stay + (cut if t < n else 0.0)
        backward[:t] = np.logaddexp(backward[:t], backward[t] + weight)
    log_evidence = float(forward[n])
    change = np.exp(forward[1:n] + cut + backward[1:n] - log_evidence)
    return Segmentations(log_evidence, change, np.exp(by_number[n] - log_evidence), forward, backward)


def segment_means(made: Segmentations, evidence: Evidence, mean: Evidence, n: int, hazard: float) -> Floats:
    """Posterior mean at each point of a quantity that is constant between changes.

    Parameters
    ----------
    mean : function
        Posterior mean in the stretches that end at one point and start at several.

    Returns
    -------
    (n,)
    """
    cut, stay = np.log(hazard), np.log1p(-hazard)
    steps = np.zeros(n + 1)
    for t in range(1, n + 1):
        starts = np.arange(t)
        prior = (t - 1 - starts) * stay + np.where(starts > 0, cut, 0.0) + (cut if t < n else 0.0)
        weight = np.exp(made.forward[:t] + evidence(t, starts) + prior + made.backward[t] - made.log_evidence)
        share = weight * mean(t, starts)
        steps[:t] += share
        steps[t] -= share.sum()
    return np.asarray(np.cumsum(steps)[:n])


def run_lengths(
    log_predictive: Callable[[int, Ints], Floats], n: int, hazard: float, keep: float = 0.0
) -> tuple[list[Floats], Floats]:
    """Filter: probability of each number of points since the last change, after each point.

    Parameters
    ----------
    log_predictive : function
        ``f(t, starts)``: log density of point t (from 0) given the points from each start to t - 1.
    hazard : float
        Probability of a change after a point. A run of length 0 after point t means a change at t; the point itself is
        scored under the run that ends.
    keep : float
        Runs with less probability are forgotten; 0 keeps all, which is exact.

    Returns
    -------
    runs : list of (t + 1,) arrays
        Probabilities of run lengths 0, 1, ... after each point.
    log_scale : (n,)
        Log predictive density of each point.

    Notes
    -----
    Source: Adams and MacKay (2007), algorithm 1. Cost: O(n^2) in all, less with `keep`.
    """
    log_run, starts = np.zeros(1), np.zeros(1, dtype=np.int64)
    runs, scale = [], np.empty(n)
    for t in range(n):
        joint = log_run + log_predictive(t, starts)
        scale[t] = special.logsumexp(joint)
        joint -= scale[t]
        log_run = np.append(joint + np.log1p(-hazard), special.logsumexp(joint) + np.log(hazard))
        starts = np.append(starts, t + 1)
        if keep > 0:
            stays = log_run > np.log(keep)
            log_run, starts = log_run[stays] - special.logsumexp(log_run[stays]), starts[stays]
        full = np.zeros(t + 2)
        full[t + 1 - starts] = np.exp(log_run)
        runs.append(full)
    return runs, scale
