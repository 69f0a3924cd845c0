"""Cox regression of several causes on one baseline, when the cause of some exits is masked.

Ground floor: NumPy only. With r_k = exp(z_k . theta) the hazard of cause k over the common baseline and c[p, k] the
chance of what is written, an exit of pattern p at t adds

    log(sum over k of c[p, k] r_k) - log(sum over those at risk of w (r_1 + ... + r_K)),

the partial likelihood of Cox for every exit (tied ones by Breslow's form), with a sum where the cause is masked. The
risk sets are those of risksets.py; nothing of size rows x times is formed.

Read next: risksets.py, patternshares.py. Called by: models.hazards.
Source: Goetghebeur and Ryan (1995); Dewanji (1992); the information is that of Louis (1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.ascent import Surface
from exitmodels.kernels.linalg import cross_product
from exitmodels.kernels.risksets import RiskIndex, accumulate, at_risk_sum

__all__ = ["MaskedData", "MaskedTerms", "incidence_parts", "surface"]


@dataclass(frozen=True, eq=False)
class MaskedData:
    """Rows as the likelihood needs them.

    Attributes
    ----------
    index : RiskIndex
        Events are exits for any cause.
    pattern : (n,) int
        0 for no exit, p + 1 for pattern p.
    chance : (P, K)
    weight : (n,)
    offset : (n,) or None
    matrices : tuple of (n, q_k)
        Columns of each cause, the level over the first cause among them.
    """

    index: RiskIndex
    pattern: Ints
    chance: Floats
    weight: Floats
    offset: Floats | None
    matrices: tuple[Floats, ...]

    @cached_property
    def spans(self) -> list[slice]:
        """Places of each cause among all parameters."""
        ends = np.cumsum([0, *(m.shape[1] for m in self.matrices)])
        return [slice(a, b) for a, b in pairwise(ends.tolist())]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(m.shape[1] for m in self.matrices)


class MaskedTerms:
    """Everything about the likelihood at one point.

    Attributes
    ----------
    risk : (K, n)
        Hazard of each cause of each row over the baseline.
    share : (K, m)
        Chance of each cause for the m exits, in the order of ``index.event_rows``.
    step, at_risk : (T,)
        Breslow's increments of the baseline, and the sums that they divide by.
    mean : (T, q)
        Mean of the columns over those at risk, weighted by risk.
    value, gradient, information
        Of the log partial likelihood.
    """

    def __init__(self, data: MaskedData, theta: Floats) -> None:
        self.data = data
        index, weight = data.index, data.weight
        rows = index.event_rows
        linear = np.stack([m @ theta[s] for m, s in zip(data.matrices, data.spans, strict=True)])
        if data.offset is not None:
            linear = linear + data.offset
        top = float(linear.max())
        self.risk = np.exp(linear - top)
        own = self.risk[:, rows] * data.chance[data.pattern[rows] - 1].T
        seen = own.sum(axis=0)
        self.share = own / np.where(seen > 0, seen, 1.0)
        self.at_risk = at_risk_sum(index, weight * self.risk.sum(axis=0))
        left = np.bincount(index.moment[rows], weight[rows], index.n_times)
        self.step = left / self.at_risk
        self.top = top
        with np.errstate(divide="ignore"):
            self.value = float(weight[rows] @ np.log(seen) - left @ np.log(self.at_risk))
        sums = [at_risk_sum(index, m, weight * r) for m, r in zip(data.matrices, self.risk, strict=True)]
        self.mean = np.hstack(sums) / self.at_risk[:, None]
        self.lived = accumulate(index, self.step)

    @cached_property
    def expected_columns(self) -> Floats:
        """Columns of each exit, shared out over its causes (m, q)."""
        rows = self.data.index.event_rows
        parts = [m[rows] * share[:, None] for m, share in zip(self.data.matrices, self.share, strict=True)]
        return np.hstack(parts)

    @property
    def gradient(self) -> Floats:
        """First derivative (q,)."""
        weight = self.data.weight[self.data.index.event_rows]
        return np.asarray(weight @ self.expected_columns - (self.step * self.at_risk) @ self.mean, dtype=np.float64)

    @cached_property
    def complete(self) -> Floats:
        """Information if every cause were known (q, q): never negative."""
        data = self.data
        out = np.zeros((data.size,) * 2)
        for matrix, risk, span in zip(data.matrices, self.risk, data.spans, strict=True):
            out[span, span] = cross_product(matrix, data.weight * risk * self.lived)
        left = self.step * self.at_risk
        return np.asarray(out - self.mean.T @ (self.mean * left[:, None]), dtype=np.float64)

    @cached_property
    def lost(self) -> Floats:
        """Information that masking loses (q, q): the variance of the columns over the causes left open."""
        data = self.data
        rows = data.index.event_rows
        weight = data.weight[rows]
        out = -self.expected_columns.T @ (self.expected_columns * weight[:, None])
        for matrix, share, span in zip(data.matrices, self.share, data.spans, strict=True):
            out[span, span] += cross_product(matrix[rows], weight * share)
        return np.asarray(out, dtype=np.float64)

    @property
    def information(self) -> Floats:
        """Minus the second derivative (q, q)."""
        return self.complete - self.lost

    def scores(self) -> Floats:
        """Score of each row, weights not in it (n, q); with weights they add to the gradient."""
        data = self.data
        index, rows = data.index, data.index.event_rows
        out = np.hstack([m * (r * -self.lived)[:, None] for m, r in zip(data.matrices, self.risk, strict=True)])
        out += self.risk.sum(axis=0)[:, None] * accumulate(index, self.mean * self.step[:, None])
        out[rows] += self.expected_columns - self.mean[index.moment[rows]]
        return np.asarray(out, dtype=np.float64)


def surface(data: MaskedData, theta: Floats) -> Surface | None:
    """The log partial likelihood for `ascent.ascend`; None where it is not finite."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        terms = MaskedTerms(data, theta)
        if not (np.isfinite(terms.value) and np.isfinite(terms.gradient).all()):
            return None
        return Surface(terms.value, terms.gradient, terms.information, lambda: terms.complete)


def incidence_parts(
    terms: MaskedTerms, grid: slice, columns: list[Floats], risk: Floats, product: bool
) -> tuple[Floats, list[tuple[Floats, Floats, Floats, Floats]]]:
    """Survival and incidences of one new row in one stratum, with what their errors need.

    Parameters
    ----------
    grid : slice
        Grid points of the stratum.
    columns : list of (T, q_k)
        Columns of the new row for each cause at each time of the grid.
    risk : (K, T)
        Its hazards over the baseline, on the scale of ``terms.risk``.
    product : bool
        Survival as a product of one minus increments, or as exp of minus their sum.

    Returns
    -------
    survival : (T,)
    for each cause: incidence (T,), its slopes by the parameters (T, q), and two parts (T,) of its slope by an
    increment h(s) of the baseline: A(s) - (F(t) - F(s)) B(s) for s up to t.
    """
    step, mean = terms.step[grid], terms.mean[grid]
    gains = risk * step
    total = gains.sum(axis=0)
    survival = np.cumprod(1 - total) if product else np.exp(-np.cumsum(total))
    before = np.concatenate([[1.0], survival[:-1]])
    with np.errstate(divide="ignore"):
        worth = np.where(total < 1, 1 / np.where(total < 1, 1 - total, 1.0), 0.0) if product else np.ones_like(total)
    wide = [np.zeros_like(mean) for _ in columns]
    for z, own, span in zip(wide, columns, terms.data.spans, strict=True):
        z[:, span] = own
    # An increment h = d / S0 falls with the parameters as the mean over those at risk rises.
    gain_slopes = [g[:, None] * (z - mean) for g, z in zip(gains, wide, strict=True)]
    drop = np.cumsum(np.sum(gain_slopes, axis=0) * worth[:, None], axis=0)
    drop_before = np.vstack([np.zeros(mean.shape[1]), drop[:-1]])
    found = []
    for k in range(len(columns)):
        incidence = np.cumsum(before * gains[k])
        slopes = np.cumsum(before[:, None] * (gain_slopes[k] - gains[k][:, None] * drop_before), axis=0)
        found.append((incidence, slopes, before * risk[k], risk.sum(axis=0) * worth))
    return survival, found
