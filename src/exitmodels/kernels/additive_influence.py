"""Additive hazards: the influence of each row, its covariance over time, and resampled processes.

Ground floor. A row's martingale residual in the additive model is quadratic in
its columns, with coefficients that are functions of time. So sums over the time
at risk are look-ups of running sums, one for each product of two columns.

Called by: models.hazards.additive (robust variance, tests of constant effects).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.additive import AdditiveData, AdditiveTerms
from exitmodels.kernels.risksets import at_risk_sum

__all__ = ["constant_influence", "life_influence", "resampled_processes", "robust_covariance"]

_TABLE = 1 << 23


@lru_cache(maxsize=32)
def _pairs(p: int) -> tuple[Ints, Ints]:
    return np.tril_indices(p)


def _products(columns: Floats) -> Floats:
    """Products of two columns, (n, p (p + 1) / 2)."""
    a, b = _pairs(columns.shape[1])
    return columns[:, a] * columns[:, b]


def _rates(left: Floats, right: Floats) -> Floats:
    """What each product of columns adds to (left'c)(c'right): (..., pairs)."""
    a, b = _pairs(right.shape[-1])
    one = left[..., a] * right[..., b]
    return one + np.where(a == b, 0.0, left[..., b] * right[..., a])


def _hazard_parts(data: AdditiveData, terms: AdditiveTerms) -> Floats:
    """The vector whose product with a row's columns is its hazard over each grid step, (k, q + r)."""
    width = np.diff(terms.elapsed, prepend=0.0)
    return np.hstack([terms.steps, width[:, None] * terms.constant])


def life_influence(data: AdditiveData, terms: AdditiveTerms, left: Floats) -> Floats:
    """Integral over each row's life of left(t)'c dM(t), c = (x, z) and M its martingale residual.

    Parameters
    ----------
    left : (k, m, q + r)
        m linear functions of the columns at each grid time; zero where a time is not used.

    Returns
    -------
    (n, m), not yet weighted.

    Notes
    -----
    Source: Martinussen & Scheike (2006), chapter 5.
    """
    right, products = _hazard_parts(data, terms), _products(data.columns)
    out = np.zeros((len(data.columns), left.shape[1]))
    rows = data.index.event_rows
    at = data.index.moment[rows]
    for j in range(left.shape[1]):
        total = np.zeros((len(right) + 1, products.shape[1]))
        np.cumsum(_rates(left[:, j], right), axis=0, out=total[1:])
        lived = total[data.index.leaves] - total[data.index.enters]
        out[:, j] = -np.einsum("ip,ip->i", lived, products)
        out[rows, j] += np.einsum("ip,ip->i", left[at, j], data.columns[rows])
    return out


def constant_influence(data: AdditiveData, terms: AdditiveTerms) -> Floats:
    """Influence of each row on the constant effects, (n, r), not yet weighted."""
    q, r = data.n_free, len(terms.constant)
    left = np.zeros((data.index.n_times, r, data.columns.shape[1]))
    left[:, :, :q] = -np.swapaxes(terms.slope, 1, 2)
    left[:, np.arange(r), q + np.arange(r)] = terms.usable[:, None]
    return life_influence(data, terms, left) @ terms.bread


def robust_covariance(data: AdditiveData, terms: AdditiveTerms, factor: Floats, cluster: Ints | None) -> Floats:
    """Sum over rows (or clusters) of the squared influence on (B(t), g), at every grid time.

    Parameters
    ----------
    factor : (n,)
        Sampling weights; square roots of replication weights when rows stand alone.
    cluster : (n,) int or None

    Returns
    -------
    (k, q + r, q + r)

    Notes
    -----
    The state of a row is kept as: what its exit and its finished time at risk have added (q numbers), the
    products of its columns while at risk, and its influence on g. Sums of products of states change only
    when a row enters, leaves or has its event.
    Cost: O(n log n + (n + k) d^2), d = q + r + (q + r)(q + r + 1) / 2.
    """
    k, (n, p), q = data.index.n_times, data.columns.shape, data.n_free
    products = _products(data.columns)
    totals = _running_rates(data, terms)
    index, m = data.index, products.shape[1]
    rows = index.event_rows
    steps = np.zeros((2 * n + len(rows), q + m))
    for j in range(q):
        steps[:n, j] = np.einsum("ip,ip->i", totals[j][index.enters], products)
        steps[n : 2 * n, j] = -np.einsum("ip,ip->i", totals[j][index.leaves], products)
    steps[:n, q:], steps[n : 2 * n, q:] = products, -products
    steps[2 * n :, :q] = np.einsum("iqp,ip->iq", terms.inverse[index.moment[rows]], data.columns[rows, :q])
    own = np.arange(n) if cluster is None else cluster
    points = np.concatenate([index.enters, index.leaves, index.moment[rows]])
    unit = np.concatenate([own, own, own[rows]])
    steps *= np.concatenate([factor, factor, factor[rows]])[:, None]
    reader = np.zeros((k, p, q + m + p - q))
    for j in range(q):
        reader[:, j, j] = 1.0
        reader[:, j, q : q + m] = -totals[j][1:]
    if p > q:
        points = np.concatenate([np.zeros(n, np.int64), points])
        unit = np.concatenate([own, unit])
        wide = np.zeros((n + len(steps), q + m + p - q))
        wide[:n, q + m :] = constant_influence(data, terms) * factor[:, None]
        wide[n:, : q + m] = steps
        steps = wide
        reader[:, :q, q + m :] = -terms.drift
        reader[:, q:, q + m :] = np.eye(p - q)
    return _read_moments(points, unit, steps, reader)


def _running_rates(data: AdditiveData, terms: AdditiveTerms) -> list[Floats]:
    """For each cumulative effect, the running sum of what the products of columns take from it, (k + 1, pairs)."""
    q, p = data.n_free, data.columns.shape[1]
    right = _hazard_parts(data, terms)
    out = []
    for j in range(q):
        left = np.zeros((len(right), p))
        left[:, :q] = terms.inverse[:, j]
        total = np.zeros((len(right) + 1, p * (p + 1) // 2))
        np.cumsum(_rates(left, right), axis=0, out=total[1:])
        out.append(total)
    return out


def _read_moments(points: Ints, unit: Ints, steps: Floats, reader: Floats) -> Floats:
    """Sum over units of (reader s)(reader s)', s the running sum of a unit's steps: (k, p, p).

    As `influence.step_moments`, but read at once, so that nothing of size k d^2 is kept.
    """
    k, p, d = reader.shape
    use = points < k
    points, unit, steps = points[use], unit[use], steps[use]
    order = np.lexsort((points, unit))
    points, unit, steps = points[order], unit[order], steps[order]
    after = np.cumsum(steps, axis=0)
    first = np.flatnonzero(np.concatenate([[True], unit[1:] != unit[:-1]]))
    after -= np.repeat(after[first] - steps[first], np.diff(np.append(first, len(unit))), axis=0)
    before = after - steps
    before[first] = 0.0
    if k * d * d <= _TABLE and k <= len(points):
        moments = _moments_by_time(points, after, before, k)
        return np.asarray(reader @ moments @ np.swapaxes(reader, 1, 2))
    out = np.zeros((k, p, p))
    for i in range(d):
        part = np.zeros((k, p))
        for j in range(i + 1):
            change = after[:, i] * after[:, j] - before[:, i] * before[:, j]
            moment = np.cumsum(np.bincount(points, change, k))
            part += reader[:, :, j] * (moment if j < i else moment / 2)[:, None]
        out += reader[:, :, i, None] * part[:, None, :]
    return out + np.swapaxes(out, 1, 2)


def _moments_by_time(points: Ints, after: Floats, before: Floats, n_times: int) -> Floats:
    """Running sum of the changes of s s', one matrix product for each time: quick when many change at once."""
    order = np.argsort(points, kind="stable")
    cuts = np.searchsorted(points[order], np.arange(n_times + 1))
    after, before = after[order], before[order]
    change = np.zeros((n_times, after.shape[1], after.shape[1]))
    for t in np.flatnonzero(np.diff(cuts)):
        here = slice(int(cuts[t]), int(cuts[t + 1]))
        change[t] = after[here].T @ after[here] - before[here].T @ before[here]
    return np.cumsum(change, axis=0)


def resampled_processes(
    data: AdditiveData,
    terms: AdditiveTerms,
    factor: Floats,
    cluster: Ints | None,
    n_draws: int,
    rng: np.random.Generator,
) -> Iterator[tuple[Floats, Floats]]:
    """Draw processes with the limiting law of (B(t) - b(t), g - g0): (k, q) and (r,), one after another.

    Each row's (or cluster's) influence is multiplied by a standard normal number.

    Notes
    -----
    Cost of a draw: O((n + k) (q + r)^2). Source: Scheike & Martinussen (2004).
    """
    q, p = data.n_free, data.columns.shape[1]
    a, b = _pairs(p)
    right, products = _hazard_parts(data, terms), _products(data.columns)
    influence = constant_influence(data, terms) if p > q else np.zeros((len(products), 0))
    drift = terms.drift
    rows, at = data.index.event_rows, data.index.moment[data.index.event_rows]
    size = len(products) if cluster is None else int(cluster.max()) + 1
    for _ in range(n_draws):
        normal = rng.standard_normal(size)
        own = factor * (normal if cluster is None else normal[cluster])
        sums = at_risk_sum(data.index, products, own)
        expected = np.zeros((len(right), q))
        for pair in range(len(a)):
            i, j = int(a[pair]), int(b[pair])
            if i < q:
                expected[:, i] += sums[:, pair] * right[:, j]
            if i != j and j < q:
                expected[:, j] += sums[:, pair] * right[:, i]
        seen = np.zeros((len(right), q))
        for j in range(q):
            seen[:, j] = np.bincount(at, own[rows] * data.columns[rows, j], len(right))
        process = np.cumsum(np.einsum("kqp,kp->kq", terms.inverse, seen - expected), axis=0)
        moved = own @ influence
        yield process - drift @ moved, moved
