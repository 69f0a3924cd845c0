"""What is true when several fallible coders have read each record: Dawid and Skene's model.

Ground floor: NumPy only. A record has one true class; each coder reads class k as class l with a chance of
his own, independently of the other coders given the truth. EM finds the chances and the prevalence of each class; a
record that a coder has not read simply lacks that coder's factor.

Called by: records.dawidskene.
Source: Dawid and Skene (1979), eq. 2.3 to 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints

__all__ = ["Coded", "climb", "expected", "gibbs", "majority", "maximise"]


@dataclass(frozen=True, eq=False)
class Coded:
    """Where the climb ended.

    Attributes
    ----------
    posterior : (u, K)
        Chance of each class for each distinct record.
    prevalence : (K,)
    confusion : (R, K, K)
        ``confusion[r, k, l]``: chance that coder r reads class k as l. NaN rows where no record tells.
    value : float
        Log-likelihood, without the penalty.
    path : (steps,)
        Objective (log-likelihood and penalty) after each step.
    converged : bool
    """

    posterior: Floats
    prevalence: Floats
    confusion: Floats
    value: float
    path: Floats
    converged: bool


def majority(votes: Ints, n_classes: int) -> Floats:
    """Share of the coders' votes for each class (u, K): where the climb begins.

    Parameters
    ----------
    votes : (u, R) int
        Class read by each coder, from 0; -1 where the coder has not read the record.
    """
    u = len(votes)
    rows, coders = np.nonzero(votes >= 0)
    counted = np.bincount(rows * n_classes + votes[rows, coders], minlength=u * n_classes).reshape(u, n_classes)
    return np.asarray(counted / counted.sum(axis=1, keepdims=True), dtype=np.float64)


def tallies(votes: Ints, posterior: Floats, weight: Floats) -> Floats:
    """Expected readings of class k as l by coder r (R, K, K)."""
    k = posterior.shape[1]
    out = np.zeros((votes.shape[1], k, k))
    for r in range(votes.shape[1]):
        read = votes[:, r] >= 0
        own = posterior[read] * weight[read, None]
        for j in range(k):
            out[r, j] = np.bincount(votes[read, r], own[:, j], k)
    return out


def maximise(votes: Ints, posterior: Floats, weight: Floats, smooth: float) -> tuple[Floats, Floats]:
    """Prevalence (K,) and confusion (R, K, K) given the posterior; `smooth` readings are added to every cell."""
    prevalence = weight @ posterior + smooth
    counted = tallies(votes, posterior, weight) + smooth
    total = counted.sum(axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):
        confusion = np.where(total > 0, counted / np.where(total > 0, total, 1.0), np.nan)
    return prevalence / prevalence.sum(), confusion


def expected(votes: Ints, prevalence: Floats, confusion: Floats) -> tuple[Floats, Floats]:
    """Posterior of each record (u, K), and its log-likelihood (u,)."""
    with np.errstate(divide="ignore"):
        logs = np.tile(np.log(prevalence), (len(votes), 1))
        table = np.log(np.nan_to_num(confusion))
    for r in range(votes.shape[1]):
        read = np.flatnonzero(votes[:, r] >= 0)
        logs[read] += table[r][:, votes[read, r]].T
    top = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, np.asarray((top + np.log(total))[:, 0], dtype=np.float64)


def climb(
    votes: Ints,
    weight: Floats,
    n_classes: int,
    start: Floats,
    smooth: float = 0.0,
    tol: float = 1e-10,
    most: int = 5000,
) -> Coded:
    """Climb by EM from a posterior.

    Parameters
    ----------
    votes : (u, R) int
        Distinct records.
    weight : (u,)
        How many records each stands for.
    start : (u, K)
    smooth : float
        Readings added to each cell of each coder's table and to each class: a Dirichlet prior with parameter
        1 + smooth, so that no chance is exactly zero. 0 gives maximum likelihood.

    Notes
    -----
    Ends when a step raises the objective by less than `tol` times its size.
    """
    posterior, path, converged = start, [-np.inf], False
    for _ in range(most):
        prevalence, confusion = maximise(votes, posterior, weight, smooth)
        posterior, rows = expected(votes, prevalence, confusion)
        value = float(weight @ rows)
        path.append(value + _penalty(prevalence, confusion, smooth))
        if path[-1] - path[-2] < tol * (1 + abs(path[-1])):
            converged = True
            break
    return Coded(posterior, prevalence, confusion, value, np.array(path[1:]), converged)


def _penalty(prevalence: Floats, confusion: Floats, smooth: float) -> float:
    if smooth == 0:
        return 0.0
    return smooth * float(np.log(prevalence).sum() + np.nansum(np.log(confusion)))


def gibbs(
    votes: Ints, weight: Ints, start: Floats, m: int, rng: np.random.Generator, prior: float = 0.5, between: int = 20
) -> Floats:
    """Posterior of the classes under m draws of prevalence and confusion (m, u, K).

    Parameters
    ----------
    weight : (u,) int
    start : (u, K)
        Posterior at the estimate: the first labels are drawn from it.
    prior : float
        Parameter of the Dirichlet priors of prevalence and of each row of each coder's table.
    between : int
        Sweeps before each draw is kept.

    Notes
    -----
    Data augmentation: labels given the parameters, parameters given the labels (Tanner & Wong 1987). Chains begin anew
    at the estimate for each draw, so that they stay with its naming of the classes.
    """
    out = np.empty((m, *start.shape))
    for i in range(m):
        posterior = start
        for _ in range(between):
            drawn = rng.multinomial(weight, posterior / posterior.sum(axis=1, keepdims=True)).astype(np.float64)
            prevalence = rng.dirichlet(drawn.sum(axis=0) + prior)
            counts = tallies(votes, drawn, np.ones(len(votes))) + prior
            gamma = rng.standard_gamma(counts)
            confusion = gamma / np.maximum(gamma.sum(axis=2, keepdims=True), 1e-300)
            posterior, _ = expected(votes, prevalence, confusion)
        out[i] = posterior
    return out
