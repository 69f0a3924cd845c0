"""Discrete-time hazards: the binomial or multinomial likelihood of each period, summed without expansion.

Ground floor. Rows with the same covariates form a pattern. In period j, a
pattern has so many at risk and so many who leave for each cause; the linear
predictor is a part of the period plus a part of the pattern. So a block of
patterns is a small table (patterns x periods), and the sums over person-periods
are matrix products. Blocks are visited one after another: the person-period
table itself is never held.

Called by: models.hazards.discrete.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr

from exitmodels.arrays import Floats, Ints

__all__ = ["LINKS", "DiscreteData", "DiscreteTerms", "discrete_terms", "hazard_curves", "hazards", "row_scores"]

LINKS = ("logit", "cloglog", "probit")
_CELLS = 1 << 18


@dataclass(frozen=True, eq=False)
class DiscreteData:
    """Rows as counts.

    Attributes
    ----------
    matrix : (g, p)
        One row for each pattern.
    offset : (g,)
    pattern : (n,) int
        Rows are in the order of their pattern.
    enters, leaves : (n,) int
        A row is at risk in periods enters .. leaves - 1.
    cause : (n,) int
        0, or 1 .. c for a row that leaves in its last period.
    weight : (n,)
    basis : tuple of (t, f_c)
        For each cause, the columns of the period part.
    fixed : (c, t)
        Where the hazard needs no estimate: -inf where nobody leaves for that cause in the period (hazard 0),
        +inf where everyone does (hazard 1); else 0.
    link : str
    """

    matrix: Floats
    offset: Floats
    pattern: Ints
    enters: Ints
    leaves: Ints
    cause: Ints
    weight: Floats
    basis: tuple[Floats, ...]
    fixed: Floats
    link: str

    @property
    def n_causes(self) -> int:
        """c."""
        return len(self.basis)

    @property
    def sizes(self) -> list[int]:
        """Number of coefficients of each cause."""
        return [b.shape[1] + self.matrix.shape[1] for b in self.basis]

    def parts(self, beta: Floats) -> Iterator[tuple[Floats, Floats]]:
        """For each cause: its period part (t,) and its coefficients of the covariates (p,)."""
        start = 0
        for basis, size in zip(self.basis, self.sizes, strict=True):
            own = beta[start : start + size]
            yield basis @ own[: basis.shape[1]], own[basis.shape[1] :]
            start += size


@dataclass(frozen=True, eq=False)
class DiscreteTerms:
    """Log-likelihood, gradient and expected information at one value of the coefficients."""

    value: float
    gradient: Floats
    information: Floats


def blocks(data: DiscreteData) -> Iterator[tuple[slice, slice]]:
    """Give runs of patterns, and of the rows that have them, so that each table stays in cache."""
    g, t = len(data.matrix), data.fixed.shape[1]
    size = max(1, _CELLS // max(t, 1))
    starts = np.searchsorted(data.pattern, np.arange(0, g + size, size))
    for number, low in enumerate(range(0, g, size)):
        yield slice(low, min(low + size, g)), slice(int(starts[number]), int(starts[number + 1]))


def counts(data: DiscreteData, patterns: slice, rows: slice) -> tuple[Floats, Floats]:
    """At risk (b, t) and exits for each cause (c, b, t), of one block."""
    b, t = patterns.stop - patterns.start, data.fixed.shape[1]
    own, weight = data.pattern[rows] - patterns.start, data.weight[rows]
    enters = np.bincount(own * (t + 1) + data.enters[rows], weight, b * (t + 1))
    leaves = np.bincount(own * (t + 1) + data.leaves[rows], weight, b * (t + 1))
    at_risk = np.cumsum((enters - leaves).reshape(b, t + 1), axis=1)[:, :t]
    left = np.flatnonzero(data.cause[rows])
    key = ((data.cause[rows][left] - 1) * b + own[left]) * t + data.leaves[rows][left] - 1
    events = np.bincount(key, weight[left], data.n_causes * b * t).reshape(data.n_causes, b, t)
    return np.maximum(at_risk, 0.0), events


def hazards(link: str, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Hazard of each cause, its derivative by its own predictor, and the log of the chance of staying.

    Parameters
    ----------
    link : {"logit", "cloglog", "probit"}
        Several causes need "logit" (multinomial; the derivative is then h (1 - h)).
    eta : (c, ...)
        May be infinite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if link == "logit":
            top = np.maximum(eta.max(axis=0), 0.0)
            known = np.isfinite(top)
            shift = np.where(known, top, 0.0)
            grown = np.exp(eta - shift)
            total = np.exp(-shift) + grown.sum(axis=0)
            hazard = np.where(known, grown / total, eta == np.inf)
            return hazard, hazard * (1.0 - hazard), np.where(known, -shift - np.log(total), -np.inf)
        if link == "cloglog":
            rate = np.exp(eta)
            slope = np.where(np.isfinite(eta), rate * np.exp(-rate), 0.0)
            return -np.expm1(-rate), slope, -rate.sum(axis=0)
        slope = np.where(np.isfinite(eta), np.exp(-0.5 * np.where(np.isfinite(eta), eta, 0.0) ** 2), 0.0)
        return ndtr(eta), slope / np.sqrt(2 * np.pi), log_ndtr(-eta).sum(axis=0)


def predictors(data: DiscreteData, beta: Floats, patterns: slice) -> Floats:
    """Linear predictors of a block, (c, b, t)."""
    x, offset = data.matrix[patterns], data.offset[patterns]
    eta = [(x @ slope + offset)[:, None] + period for period, slope in data.parts(beta)]
    return np.stack(eta) + data.fixed[:, None, :]


def log_hazard(link: str, eta: Floats, hazard: Floats, log_stay: Floats) -> Floats:
    """Logarithm of the hazards, kept exact where they are small."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if link == "logit":
            return np.where(np.isfinite(eta), eta + log_stay, np.log(hazard))
        return np.log(hazard) if link == "cloglog" else log_ndtr(eta)


def discrete_terms(beta: Floats, data: DiscreteData) -> DiscreteTerms:
    """Evaluate the log-likelihood of all person-periods, its gradient and its expected information.

    Notes
    -----
    Cost: O(cells (c^2 + p)) with cells = patterns x periods; memory for one block of cells.
    Source: Allison (1982); cloglog: Prentice & Gloeckler (1978); several causes: Tutz & Schmid (2016), ch. 8.
    """
    c, t, p = data.n_causes, data.fixed.shape[1], data.matrix.shape[1]
    value = 0.0
    pull, pull_x = np.zeros((c, t)), np.zeros((c, p))
    square, mixed, outer = np.zeros((c, c, t)), np.zeros((c, c, t, p)), np.zeros((c, c, p, p))
    for patterns, rows in blocks(data):
        x = data.matrix[patterns]
        at_risk, events = counts(data, patterns, rows)
        eta = predictors(data, beta, patterns)
        hazard, slope, log_stay = hazards(data.link, eta)
        logs = log_hazard(data.link, eta, hazard, log_stay)
        stayed = at_risk - events.sum(axis=0)
        value += float(np.sum(events * np.where(events > 0, logs, 0.0)))
        value += float(np.sum(stayed * np.where(stayed > 1e-9, log_stay, 0.0)))
        ratio, weight = _pulls(data.link, hazard, slope)
        residual = (events - at_risk * hazard) * ratio
        pull += residual.sum(axis=1)
        pull_x += residual.sum(axis=2) @ x
        for a in range(c):
            for b in range(a + 1):
                cell = at_risk * (weight[a] if a == b else -hazard[a] * hazard[b])
                square[a, b] += cell.sum(axis=0)
                mixed[a, b] += cell.T @ x
                outer[a, b] += x.T @ (x * cell.sum(axis=1)[:, None])
    gradient = np.concatenate([np.concatenate([f.T @ pull[a], pull_x[a]]) for a, f in enumerate(data.basis)])
    return DiscreteTerms(value, gradient, _assembled(data, square, mixed, outer))


def _pulls(link: str, hazard: Floats, slope: Floats) -> tuple[Floats, Floats]:
    """What a residual is multiplied by, and the expected information of one person-period, by cause."""
    if link == "logit":
        return np.ones_like(hazard), slope
    inside = hazard * (1.0 - hazard)
    ratio = np.where(inside > 0, slope / np.where(inside > 0, inside, 1.0), 0.0)
    return ratio, ratio * slope


def _assembled(data: DiscreteData, square: Floats, mixed: Floats, outer: Floats) -> Floats:
    """The information of all coefficients from its sums by period and by pattern."""
    ends = np.concatenate([[0], np.cumsum(data.sizes)])
    out = np.zeros((ends[-1], ends[-1]))
    for a, first in enumerate(data.basis):
        for b in range(a + 1):
            second = data.basis[b]
            block = np.zeros((data.sizes[a], data.sizes[b]))
            fa, fb = first.shape[1], second.shape[1]
            block[:fa, :fb] = first.T @ (square[a, b][:, None] * second)
            block[:fa, fb:] = first.T @ mixed[a, b]
            block[fa:, :fb] = mixed[a, b].T @ second
            block[fa:, fb:] = outer[a, b]
            out[ends[a] : ends[a + 1], ends[b] : ends[b + 1]] = block
            out[ends[b] : ends[b + 1], ends[a] : ends[a + 1]] = block.T
    return out


def row_scores(data: DiscreteData, beta: Floats, factor: Floats) -> Iterator[tuple[slice, Floats]]:
    """Derivative of each row's log-likelihood times its factor, by blocks: (rows, (b, q)).

    Notes
    -----
    A block holds rows x periods numbers and is made small; rows with the same pattern share their hazards.
    """
    t = data.fixed.shape[1]
    size = max(1, _CELLS // (4 * t))
    period = np.arange(t)
    for start in range(0, len(data.pattern), size):
        rows = slice(start, min(start + size, len(data.pattern)))
        own, place = np.unique(data.pattern[rows], return_inverse=True)
        span = slice(int(own[0]), int(own[-1]) + 1)
        hazard, slope, _ = hazards(data.link, predictors(data, beta, span))
        ratio, _ = _pulls(data.link, hazard, slope)
        at = own[place] - span.start
        here = (period >= data.enters[rows][:, None]) & (period < data.leaves[rows][:, None])
        x = data.matrix[span][at]
        parts = []
        for a, basis in enumerate(data.basis):
            left = (data.cause[rows] == a + 1)[:, None] & (period == data.leaves[rows][:, None] - 1)
            residual = np.where(here, (left - hazard[a][at]) * ratio[a][at], 0.0)
            parts.append(np.hstack([residual @ basis, residual.sum(axis=1)[:, None] * x]))
        yield rows, np.hstack(parts) * factor[rows][:, None]


@dataclass(frozen=True, eq=False)
class HazardCurves:
    """What one new row faces in each period, with derivatives by all coefficients (last axis).

    Attributes
    ----------
    hazard, survival, incidence : (c, t), (t,), (c, t)
    hazard_slope, survival_slope, incidence_slope : (c, t, q), (t, q), (c, t, q)
    """

    hazard: Floats
    survival: Floats
    incidence: Floats
    hazard_slope: Floats
    survival_slope: Floats
    incidence_slope: Floats


def hazard_curves(link: str, eta: Floats, readers: Floats) -> HazardCurves:
    """Hazards, survival and incidences of one row.

    Parameters
    ----------
    eta : (c, t)
        Linear predictors.
    readers : (c, t, q)
        Their derivatives by the coefficients.
    """
    hazard, slope, log_stay = hazards(link, eta)
    if len(eta) > 1:
        jacobian = -hazard[:, None] * hazard[None] + np.eye(len(eta))[:, :, None] * hazard[None]
        fall = -hazard
    else:
        jacobian = slope[None]
        stay = 1.0 - hazard
        fall = -np.where(stay > 0, slope / np.where(stay > 0, stay, 1.0), 0.0)
    hazard_slope = np.einsum("abt,btq->atq", jacobian, readers)
    survival = np.exp(np.cumsum(log_stay))
    log_slope = np.cumsum(np.einsum("bt,btq->tq", fall, readers), axis=0)
    before = np.concatenate([[1.0], survival[:-1]])
    log_before = np.vstack([np.zeros(readers.shape[2]), log_slope[:-1]])
    steps = before[:, None] * (hazard[:, :, None] * log_before + hazard_slope)
    return HazardCurves(
        hazard,
        survival,
        np.cumsum(before * hazard, axis=1),
        hazard_slope,
        survival[:, None] * log_slope,
        np.cumsum(steps, axis=1),
    )
