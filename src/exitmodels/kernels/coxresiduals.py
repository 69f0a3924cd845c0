"""Residuals of a Cox fit, and the sums behind robust variances.

Ground floor. All are unweighted and on the scale of the centred and scaled
columns unless said otherwise; consistent with the tie method, right under
delayed entry, strata and weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import sparse

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.beyond import LaterSums
from exitmodels.kernels.partial import CoxData, CoxTerms

__all__ = ["drift", "drift_event", "event_means", "martingale", "relative_risk", "sandwich", "score_residuals"]

_ROWS = 1 << 15


def relative_risk(data: CoxData, terms: CoxTerms) -> Floats:
    """exp(eta - shift) of each row, without its weight."""
    if data.weight is None:
        return terms.risk
    return np.where(data.weight > 0, terms.risk / np.where(data.weight > 0, data.weight, 1.0), 0.0)


def martingale(data: CoxData, terms: CoxTerms, factor: Floats | None = None) -> Floats:
    """Exits minus expected exits of each row, (n,).

    Parameters
    ----------
    factor : (k,), optional
        A function of time that each exit and each expectation is multiplied by.

    Notes
    -----
    Tied exits under Efron's approximation are at risk for a part of their own tie only.
    Source: Therneau & Grambsch (2000), section 4.1 and appendix E.
    """
    rows = data.index.event_rows
    at = data.index.moment[rows]
    scale: Floats | float = 1.0 if factor is None else factor
    expected = data.lived(terms.hazard * scale)
    if data.efron:
        expected[rows] -= (terms.hazard_event * scale)[at]
    out = -relative_risk(data, terms) * expected
    out[rows] += 1.0 if factor is None else factor[at]
    return out


def drift(terms: CoxTerms) -> Floats:
    """Sum over steps of hazard times mean covariate, at each event time: (k, p)."""
    out = terms.s1 * terms.square[:, None]
    if terms.e1 is not None:
        out -= terms.e1 * terms.square_f[:, None]
    return out


def drift_event(terms: CoxTerms) -> Floats:
    """The same with each step weighted by f = l / m: what tied exits are not at risk for, (k, p)."""
    out = terms.s1 * terms.square_f[:, None]
    if terms.e1 is not None:
        out -= terms.e1 * terms.square_ff[:, None]
    return out


def event_means(data: CoxData, terms: CoxTerms) -> Floats:
    """Mean covariate of those at risk, averaged over the steps of each event time: (k, p)."""
    scale = data.share * data.count
    out = terms.s1 * (terms.hazard / scale)[:, None]
    if terms.e1 is not None:
        out -= terms.e1 * (terms.hazard_event / scale)[:, None]
    return out


def score_residuals(data: CoxData, terms: CoxTerms, factor: Floats | None = None) -> Iterator[tuple[slice, Floats]]:
    """Give score residuals by blocks of rows: (rows, (b, p)).

    Parameters
    ----------
    factor : (k,), optional
        A function of time g(t): the residuals are then those of covariates x g(t) with coefficient zero.

    Notes
    -----
    Row i: delta (x - mean) minus the sum over its time at risk of (x - mean) exp(eta) dH.
    Source: Lin & Wei (1989); with ties as in Therneau & Grambsch (2000), section 4.2.
    """
    index = data.index
    risk, residual = relative_risk(data, terms), martingale(data, terms, factor)
    scale: Floats | float = 1.0 if factor is None else factor[:, None]
    steps = drift(terms) * scale
    total = np.zeros((index.n_times + 1, data.matrix.shape[1]))
    np.cumsum(steps, axis=0, out=total[1:])
    means = event_means(data, terms) * scale
    own = drift_event(terms) * scale if data.efron else None
    after = None if data.beyond is None else LaterSums(data.beyond, steps)
    for start in range(0, len(risk), _ROWS):
        rows = slice(start, start + _ROWS)
        lived = total[index.leaves[rows]]
        if index.subtracts:
            lived -= total[index.enters[rows]]
        block = data.matrix[rows] * residual[rows, None] + lived * risk[rows, None]
        left = np.flatnonzero(index.moment[rows] >= 0)
        at = index.moment[rows][left]
        block[left] -= means[at]
        if own is not None:
            block[left] -= own[at] * risk[rows][left, None]
        if after is not None:
            after.add_to(block, start, risk)
        yield rows, block


def sandwich(
    data: CoxData,
    terms: CoxTerms,
    factor: Floats,
    cluster: Ints | None,
    blocks: Iterable[tuple[slice, Floats]] | None = None,
) -> Floats:
    """Sum over rows (or clusters) of the outer product of weighted score residuals, (p, p).

    Parameters
    ----------
    factor : (n,)
        Sampling weights; or square roots of replication weights when rows stand alone.
    cluster : (n,) int or None
    blocks : iterable of (rows, (b, p)), optional
        Other residuals to use in place of the score residuals; the arrays are used up.
    """
    p = len(terms.gradient)
    blocks = score_residuals(data, terms) if blocks is None else blocks
    if cluster is None:
        total = np.zeros((p, p))
        for rows, block in blocks:
            block *= factor[rows, None]
            total += block.T @ block
        return total
    sums = np.zeros((int(cluster.max()) + 1, p))
    for rows, block in blocks:
        own = cluster[rows]
        low = int(own.min())
        b = len(own)
        adder = sparse.csc_array(
            (factor[rows], (own - low).astype(np.int32), np.arange(b + 1, dtype=np.int32)),
            shape=(int(own.max()) - low + 1, b),
        )
        sums[low : low + adder.shape[0]] += adder @ block
    return sums.T @ sums
