"""Additive hazards by least squares: effects that change with time, and effects that do not.

Ground floor. The hazard of a row is x'b(t) + z'g. At each grid time the moments
of (x, z) over those at risk are a few running sums; a batch of small systems is
then solved. With no z this is Aalen's model; with x nothing but a baseline it
is that of Lin and Ying; nothing of size n x k is formed.

Read next: additive_influence.py (robust variance, resampled processes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.kernels.grouped import group_sum, whole_days
from exitmodels.kernels.risksets import RiskIndex, at_risk_sum, risk_index

__all__ = ["AdditiveData", "AdditiveTerms", "additive_fit", "additive_grid", "model_covariance"]

_SINGULAR = 1e-10
_EMPTY = 1e-12


@dataclass(frozen=True, eq=False)
class AdditiveData:
    """What a fit is made from.

    Attributes
    ----------
    columns : (n, q + r)
        First the q columns x whose effects change with time, then the r columns z.
    n_free : int
        q.
    n_baselines : int
        The first so many columns of x say in which stratum a row stands (all ones without strata).
    index : RiskIndex
        One stratum; `moment` is -1 for rows without an event.
    width : (k,)
        Length of time that ends at each grid point.
    weight : (n,)
    least : float
        Grid points with fewer at risk (weights added) are not used.
    origin : (p,) or None
        Where zero of each covariate (of x after the baselines, then z) lies below the columns: the column of a
        row whose covariate is zero is ``-origin``. While nobody of a stratum is at risk, its baseline at that
        point stands still.
    """

    columns: Floats
    n_free: int
    n_baselines: int
    index: RiskIndex
    width: Floats
    weight: Floats
    least: float = 1.0
    origin: Floats | None = None


@dataclass(frozen=True, eq=False)
class AdditiveTerms:
    """The least-squares solution.

    Attributes
    ----------
    usable : (k,) bool
        Whether the effects can be told apart among those at risk.
    present : (k, s) bool
        Whether anyone of each stratum is at risk.
    at_risk : (k,)
    inverse : (k, q, q)
        Inverse of the sum of w x x' over those at risk; zero where not usable.
    slope : (k, q, r)
        `inverse` times the sum of w x z'.
    constant : (r,)
        g.
    bread : (r, r)
        Inverse of the integral of the z moments left after x.
    steps : (k, q)
        Increments of the cumulative effects B.
    elapsed : (k,)
        Usable time up to each grid point.
    """

    usable: Bools
    present: Bools
    at_risk: Floats
    inverse: Floats
    slope: Floats
    constant: Floats
    bread: Floats
    steps: Floats
    elapsed: Floats

    @property
    def drift(self) -> Floats:
        """Integral of `slope` over usable time, (k, q, r): what an error of g does to B."""
        width = np.diff(self.elapsed, prepend=0.0)
        return np.cumsum(self.slope * width[:, None, None], axis=0)


def additive_grid(entry: AnyArray | None, exit: AnyArray, event: Bools, every_moment: bool) -> tuple[RiskIndex, Floats]:
    """Place rows on the event times; or on every time at which someone enters or leaves (and every whole day).

    Parameters
    ----------
    entry : (n,) or None
    exit : (n,)
    event : (n,) bool
    every_moment : bool
        Needed where time itself is integrated over: between two such times nobody comes or goes.

    Returns
    -------
    index : RiskIndex
    width : (k,)
        Length of time since the grid point before (for the first, since the first entry).
    """
    if not every_moment:
        index = risk_index(entry, exit, event)
        first = 0.0 if entry is None else float(entry.min())
        return index, np.diff(index.times, prepend=first)
    n = len(exit)
    start = np.zeros(n, exit.dtype) if entry is None else entry
    begins = _whole_range(start, exit)
    both = risk_index(np.concatenate([start, begins]), np.concatenate([exit, begins]), np.ones(n + len(begins), bool))
    moment = np.where(event, both.moment[:n], -1)
    index = replace(both, enters=both.enters[:n], leaves=both.leaves[:n], moment=moment)
    return index, np.diff(index.times, prepend=index.times[:1])


def _whole_range(start: AnyArray, exit: AnyArray) -> AnyArray:
    """Every day when times are whole days, so that curves are known on each; else the times of entry."""
    days, starts = whole_days(exit), whole_days(start)
    if days is None or starts is None or days.high - starts.low > max(1000, 4 * len(exit)):
        return np.unique(start)
    return np.arange(starts.low, days.high + 1).astype(exit.dtype)


def additive_fit(data: AdditiveData) -> AdditiveTerms:
    """Solve for B and g.

    Notes
    -----
    Unit weights (ordinary least squares). Increments are zero at times where x cannot be told apart;
    a stratum with nobody at risk has an increment of zero and does not stop the others.
    Cost: O((n + k) (q + r)^2 + k q^3).
    Source: Aalen (1989); McKeague & Sasieni (1994); with x a baseline only, Lin & Ying (1994).
    """
    q = data.n_free
    moments = _moments(data)
    leaving = _event_sums(data, data.columns)
    usable, present, at_risk, inverse = _inverses(moments[:, :q, :q], data)
    slope = inverse @ moments[:, :q, q:]
    _stand_still(data, usable[:, None] & ~present, inverse, slope)
    width = np.where(usable, data.width, 0.0)
    left = moments[:, q:, q:] - moments[:, q:, :q] @ slope
    bread = _symmetric_inverse(np.einsum("k,krs->rs", width, left))
    score = leaving[usable][:, q:].sum(axis=0) - np.einsum("kqr,kq->r", slope, leaving[:, :q])
    constant = bread @ score
    steps = np.einsum("kqp,kp->kq", inverse, leaving[:, :q]) - slope @ constant * width[:, None]
    return AdditiveTerms(usable, present, at_risk, inverse, slope, constant, bread, steps, np.cumsum(width))


def _moments(data: AdditiveData) -> Floats:
    """Sum of w c c' over those at risk, c = (x, z): (k, q + r, q + r)."""
    p = data.columns.shape[1]
    out = np.empty((data.index.n_times, p, p))
    for a in range(p):
        weighted = data.columns[:, a] * data.weight
        for b in range(a + 1):
            out[:, a, b] = out[:, b, a] = at_risk_sum(data.index, weighted * data.columns[:, b])
    return out


def _event_sums(data: AdditiveData, values: Floats) -> Floats:
    """Weighted sum of `values` over those who leave at each grid time."""
    rows = data.index.event_rows
    return group_sum(values[rows] * data.weight[rows, None], data.index.moment[rows], data.index.n_times)


def _inverses(moments: Floats, data: AdditiveData) -> tuple[Bools, Bools, Floats, Floats]:
    """Which systems can be solved, which strata are there, how many are at risk, and the inverses.

    Sums over those at risk are differences of larger ones, so what rounding leaves of a zero is told by the
    size of the whole column.
    """
    s = data.n_baselines
    diagonal = np.einsum("kqq->kq", moments)
    whole = data.weight @ data.columns[:, : data.n_free] ** 2
    empty = diagonal <= _EMPTY * whole
    present = ~empty[:, :s]
    at_risk = np.where(present, diagonal[:, :s], 0.0).sum(axis=1)
    unit = np.where(empty, 1.0, np.sqrt(np.maximum(diagonal, 0.0)))
    scaled = moments / unit[:, :, None] / unit[:, None, :]
    k, j = np.nonzero(empty)
    scaled[k, j, :] = scaled[k, :, j] = 0.0
    scaled[k, j, j] = 1.0
    known = (at_risk >= max(data.least * (1 - 1e-12), _EMPTY)) & ~empty[:, s:].any(axis=1)
    smallest = np.zeros(len(moments))
    smallest[known] = np.linalg.eigvalsh(scaled[known])[:, 0]
    usable = known & (smallest > np.maximum(_SINGULAR, 1e-13 * (whole / unit**2).max(axis=1)))
    inverse = np.zeros_like(moments)
    inverse[usable] = np.linalg.inv(scaled[usable]) / unit[usable][:, :, None] / unit[usable][:, None, :]
    return usable, present, at_risk, inverse


def _stand_still(data: AdditiveData, gone: Bools, inverse: Floats, slope: Floats) -> None:
    """Hold the baseline of a stratum, at the origin of the covariates, while nobody of it is at risk."""
    q, s, p = data.n_free, data.n_baselines, data.columns.shape[1]
    origin = np.zeros(p - s) if data.origin is None else data.origin
    for j in range(s):
        absent = np.flatnonzero(gone[:, j])
        inverse[absent, j] = np.einsum("x,kxq->kq", origin[: q - s], inverse[absent, s:])
        slope[absent, j] = np.einsum("x,kxr->kr", origin[: q - s], slope[absent, s:]) - origin[q - s :]


def _symmetric_inverse(matrix: Floats) -> Floats:
    if not len(matrix):
        return matrix
    d = np.sqrt(np.diag(matrix))
    inverse = np.linalg.inv(matrix / np.outer(d, d)) / np.outer(d, d)
    return np.asarray((inverse + inverse.T) / 2)


def model_covariance(data: AdditiveData, terms: AdditiveTerms, factor: Floats) -> Floats:
    """Covariance of (B(t), g) at every grid time, from the exits themselves (optional variation).

    Parameters
    ----------
    factor : (n,)
        Square root of a replication weight, or a sampling weight.

    Returns
    -------
    (k, q + r, q + r)

    Notes
    -----
    With u = C^-1 x and v = z - G'x at each exit, B - b collects u - H A^-1 v and g collects A^-1 v.
    Source: Aalen (1989); McKeague & Sasieni (1994); Martinussen & Scheike (2006), chapter 5.
    """
    q, k = data.n_free, data.index.n_times
    rows = data.index.event_rows
    rows = rows[terms.usable[data.index.moment[rows]]]
    at = data.index.moment[rows]
    x, z = data.columns[rows, :q], data.columns[rows, q:]
    u = np.einsum("iqp,ip->iq", terms.inverse[at], x)
    v = z - np.einsum("iqr,iq->ir", terms.slope[at], x)
    parts = np.hstack([u, v]) * factor[rows, None]
    sums = np.empty((k, parts.shape[1], parts.shape[1]))
    for a in range(parts.shape[1]):
        for b in range(a + 1):
            sums[:, a, b] = sums[:, b, a] = np.cumsum(np.bincount(at, parts[:, a] * parts[:, b], k))
    if not len(terms.constant):
        return sums
    through = terms.drift @ terms.bread
    total = sums[-1, q:, q:]
    shared = sums[:, :q, q:] @ np.swapaxes(through, 1, 2)
    out = np.empty_like(sums)
    out[:, :q, :q] = sums[:, :q, :q] - shared - np.swapaxes(shared, 1, 2)
    out[:, :q, :q] += through @ total @ np.swapaxes(through, 1, 2)
    out[:, :q, q:] = (sums[:, :q, q:] - through @ total) @ terms.bread
    out[:, q:, :q] = np.swapaxes(out[:, :q, q:], 1, 2)
    out[:, q:, q:] = terms.bread @ total @ terms.bread
    return out
