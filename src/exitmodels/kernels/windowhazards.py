"""Cause-specific hazards of stays that were seen only through a window: log-likelihood, scores and information.

Ground floor: NumPy only. With L(a, b] the hazard of all causes accumulated on (a, b], a row that was at risk from a and
could be seen only if it left by V adds

    log h_k(T) - L(a, T] - log(1 - exp(-L(a, V]))        an exit for cause k at T,
    log(1 - exp(-L(l, u])) - L(a, l] - log(1 - exp(-L(a, V]))        an exit between l and u,
    -L(a, T]        still there at T.

S(T) / (S(U) - S(V)) is never formed: the difference is taken in logs, so that it keeps its digits when both are small
or alike. All causes share L, so they cannot be fitted one by one. The last term is absent (V infinite) where stays that
had not ended would have been seen. Rows stream by in blocks; nothing of size rows x rows or rows x times is kept.

Read next: hazardlaws.py (the baselines). Called by: models.truncation.
Source: Keiding (1990) for the calendar; Kalbfleisch and Lawless (1989); Moreira and de Una-Alvarez (2010).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.ascent import Surface
from exitmodels.kernels.hazardlaws import Law

__all__ = ["WindowData", "evaluate", "log1mexp", "row_terms", "total_hazard"]

_ROWS = 1 << 14


@dataclass(frozen=True, eq=False)
class WindowData:
    """Rows as the likelihood needs them.

    Attributes
    ----------
    begin : (n,)
        a: since when a row was at risk of being seen to leave.
    end : (n,)
        T; or l where only limits of the exit are known.
    upper : (n,) or None
        u where only limits are known (inf for no limit), else `end`.
    close : (n,)
        V, inf where there is none.
    cause : (n,) int
        0 still there, 1, 2, ... the cause; -1 an exit whose cause is unknown.
    weight, offset : (n,)
    matrices : tuple of (n, p_k)
        Covariates of each cause.
    laws : tuple of Law
        The baseline of each cause.
    changes : (m, n)
        When, on each row's own clock, each policy begins; rising over m. It acts on times after that.
    touches : (K, m) bool
        Whether a policy acts on a cause.
    combine : (P, q)
        From the q free parameters to all P: for each cause its law, its covariates, its policies.
    """

    begin: Floats
    end: Floats
    upper: Floats | None
    close: Floats
    cause: Ints
    weight: Floats
    offset: Floats
    matrices: tuple[Floats, ...]
    laws: tuple[Law, ...]
    changes: Floats
    touches: Bools
    combine: Floats

    def take(self, rows: slice | Ints) -> WindowData:
        """Some of the rows."""
        return replace(
            self,
            begin=self.begin[rows],
            end=self.end[rows],
            upper=None if self.upper is None else self.upper[rows],
            close=self.close[rows],
            cause=self.cause[rows],
            weight=self.weight[rows],
            offset=self.offset[rows],
            matrices=tuple(matrix[rows] for matrix in self.matrices),
            changes=self.changes[:, rows],
        )

    def blocks(self) -> Iterator[tuple[slice, WindowData]]:
        """Rows in runs that fit the cache."""
        for start in range(0, len(self.end), _ROWS):
            rows = slice(start, start + _ROWS)
            yield rows, self.take(rows)

    def spans(self) -> list[tuple[slice, slice, slice]]:
        """Places of law, covariates and policies of each cause among all P parameters."""
        out, at = [], 0
        for law, matrix, touch in zip(self.laws, self.matrices, self.touches, strict=True):
            f, p, m = len(law.levels), matrix.shape[1], int(touch.sum())
            out.append((slice(at, at + f), slice(at + f, at + f + p), slice(at + f + p, at + f + p + m)))
            at += f + p + m
        return out


def log1mexp(x: Floats) -> tuple[Floats, Floats]:
    """log(1 - exp(-x)) for x >= 0, and its slope 1 / (exp(x) - 1).

    >>> log1mexp(np.array([1e-20, 50.0]))[0].round(6).tolist()
    [-46.051702, -0.0]
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        value = np.where(x < np.log(2), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))
        slope = np.where(np.isinf(x), 0.0, 1 / np.expm1(x))
    return value, slope


def evaluate(data: WindowData, at: Floats) -> Surface | None:
    """Log-likelihood, gradient and observed information at the free parameters; None where it is not finite.

    The stand-in for the information is the sum of squared scores. Cost: O(n (K m + q^2)).
    """
    theta = data.combine @ at
    value, gradient, bend = 0.0, np.zeros(len(theta)), np.zeros((len(theta),) * 2)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _, block in data.blocks():
            terms = _Terms(block, theta)
            value += float(block.weight @ terms.value)
            gradient += block.weight @ terms.scores
            bend += terms.information()
    if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(bend).all()):
        return None

    def squared() -> Floats:
        out = np.zeros((len(at),) * 2)
        for block, scores in row_terms(data, at):
            out += scores.T @ (scores * data.weight[block, None])
        return out

    inner = data.combine.T @ bend @ data.combine
    return Surface(value, data.combine.T @ gradient, (inner + inner.T) / 2, squared)


def row_terms(data: WindowData, at: Floats) -> Iterator[tuple[slice, Floats]]:
    """Unweighted scores (rows, q), block by block."""
    theta = data.combine @ at
    for rows, block in data.blocks():
        yield rows, _Terms(block, theta).scores @ data.combine


def total_hazard(data: WindowData, at: Floats, begin: Floats, end: Floats) -> Floats:
    """Hazard of all causes accumulated on (begin, end] (n,)."""
    theta = data.combine @ at
    out = np.empty(len(begin))
    for rows, block in data.blocks():
        out[rows] = _Span(block, theta, begin[rows], end[rows]).value
    return out


class _Span:
    """The hazard of all causes accumulated on (start, stop], with its slopes (n, P)."""

    def __init__(self, data: WindowData, theta: Floats, start: Floats, stop: Floats) -> None:
        self.data, self.theta = data, theta
        inner = [np.clip(change, start, stop) for change in data.changes]
        self.points = [start, *inner, stop]
        self.value = np.zeros(len(start))
        self.slopes = np.zeros((len(start), len(theta)))
        self.rates: list[list[Floats]] = []
        self.later: list[list[Floats]] = []
        self.law_later: list[list[Floats]] = []
        for k, spans in enumerate(data.spans()):
            self._cause(k, *spans)

    def _cause(self, k: int, law: slice, covariates: slice, policies: slice) -> None:
        data, matrix = self.data, self.data.matrices[k]
        phi = self.theta[law]
        base = np.exp(matrix @ self.theta[covariates] + data.offset)
        reached = [data.laws[k].cumulative(t, phi) for t in self.points]
        rates, pieces, law_pieces = [], [], []
        factor, place = 1.0, policies.start
        for j in range(len(self.points) - 1):
            if j > 0 and data.touches[k, j - 1]:
                factor = factor * float(np.exp(self.theta[place]))
                place += 1
            rate = base * factor
            rates.append(rate)
            pieces.append(rate * (reached[j + 1][0] - reached[j][0]))
            law_pieces.append(rate[:, None] * (reached[j + 1][1] - reached[j][1]))
        whole, law_whole = np.sum(pieces, axis=0), np.sum(law_pieces, axis=0)
        acting = np.flatnonzero(data.touches[k]) + 1
        later = [np.sum(pieces[j:], axis=0) for j in acting]
        self.rates.append(rates)
        self.later.append([whole, *later])
        self.law_later.append([law_whole, *(np.sum(law_pieces[j:], axis=0) for j in acting)])
        self.value += whole
        self.slopes[:, law] = law_whole
        self.slopes[:, covariates] = whole[:, None] * matrix
        for i, own in enumerate(later):
            self.slopes[:, policies.start + i] = own

    def bend(self, by: Floats) -> Floats:
        """Sum over rows of `by` times the second derivative (P, P)."""
        out = np.zeros((len(self.theta),) * 2)
        for k, (law, covariates, policies) in enumerate(self.data.spans()):
            matrix, phi = self.data.matrices[k], self.theta[law]
            for j, rate in enumerate(self.rates[k]):
                own = by * rate
                family = self.data.laws[k]
                out[law, law] += family.cumulative_bend(self.points[j + 1], phi, own)
                out[law, law] -= family.cumulative_bend(self.points[j], phi, own)
            later, law_later = self.later[k], self.law_later[k]
            weighted = matrix * by[:, None]
            out[covariates, covariates] = weighted.T @ (matrix * later[0][:, None])
            out[law, covariates] = law_later[0].T @ weighted
            for i in range(len(later) - 1):
                place = policies.start + i
                out[law, place] = by @ law_later[i + 1]
                out[covariates, place] = later[i + 1] @ weighted
                for j in range(i + 1):
                    out[policies.start + j, place] = by @ later[i + 1]
            top = np.arange(law.start, policies.stop)
            block = out[np.ix_(top, top)]
            upper = np.triu(block, 1)
            out[np.ix_(top, top)] = upper + upper.T + np.diag(np.diag(block))
        return out


class _Terms:
    """Log-likelihood of each row (n,), its slopes (n, P), and the information (P, P) when asked."""

    def __init__(self, data: WindowData, theta: Floats) -> None:
        self.data, self.theta = data, theta
        self.stay = _Span(data, theta, data.begin, data.end)
        self.value = -self.stay.value
        self.scores = -self.stay.slopes
        self.differences: list[tuple[Ints, Floats, _Span, Floats]] = []
        self._difference(np.isfinite(data.close), data.begin, data.close, -1.0)
        if data.upper is not None:
            apart = (data.upper > data.end) & (data.cause != 0)
            self._difference(apart & np.isfinite(data.upper), data.end, data.upper, 1.0)
            exact = np.flatnonzero((data.cause != 0) & ~apart)
        else:
            exact = np.flatnonzero(data.cause != 0)
        self._exits(exact)

    def _difference(self, rows: Bools, start: Floats, stop: Floats, sign: float) -> None:
        """Add sign * log(1 - exp(-L(start, stop])) for these rows."""
        places = np.flatnonzero(rows)
        if not len(places):
            return
        span = _Span(self.data.take(places), self.theta, start[places], stop[places])
        value, slope = log1mexp(span.value)
        self.value[places] += sign * value
        self.scores[places] += sign * slope[:, None] * span.slopes
        self.differences.append((places, sign * slope, span, sign * slope * (1 + slope)))

    def _exits(self, exact: Ints) -> None:
        """Add the log hazard at exits; a sum over all causes where the cause is unknown."""
        data, spans = self.data, self.data.spans()
        self.parts: list[tuple[int, Ints, Floats, Floats]] = []
        masked = exact[data.cause[exact] < 0]
        logs, slopes = [], []
        for k in range(len(spans)):
            own = exact[data.cause[exact] == k + 1]
            for places in (own, masked):
                if not len(places):
                    continue
                log, slope = _log_hazard(data, self.theta, k, spans[k], places)
                if places is own:
                    self.value[own] += log
                    self.scores[own] += slope
                    self.parts.append((k, own, np.ones(len(own)), slope))
                else:
                    logs.append(log)
                    slopes.append(slope)
        self.mixed: tuple[Ints, Floats] | None = None
        if len(masked):
            highest = np.max(logs, axis=0)
            shares = np.exp(np.array(logs) - highest)
            self.value[masked] += highest + np.log(shares.sum(axis=0))
            shares /= shares.sum(axis=0)
            mean = np.einsum("kn,knp->np", shares, np.array(slopes))
            self.scores[masked] += mean
            self.mixed = (masked, mean)
            self.parts += [(k, masked, shares[k], slopes[k]) for k in range(len(spans))]

    def information(self) -> Floats:
        """Minus the weighted sum of the second derivatives."""
        data, weight, spans = self.data, self.data.weight, self.data.spans()
        out = self.stay.bend(weight)
        for places, slope, span, bend in self.differences:
            own = weight[places]
            out -= span.bend(own * slope)
            out += span.slopes.T @ (span.slopes * (own * bend)[:, None])
        for k, places, share, slopes in self.parts:
            law = spans[k][0]
            own = weight[places] * share
            out[law, law] -= data.laws[k].log_hazard_bend(data.end[places], self.theta[law], own)
            if self.mixed is not None and places is self.mixed[0]:
                out -= slopes.T @ (slopes * own[:, None])
        if self.mixed is not None:
            places, mean = self.mixed
            out += mean.T @ (mean * weight[places, None])
        return out


def _log_hazard(
    data: WindowData, theta: Floats, k: int, spans: tuple[slice, slice, slice], rows: Ints
) -> tuple[Floats, Floats]:
    """Log hazard of cause k at the end of these rows, and its slopes (n, P)."""
    law, covariates, policies = spans
    times, matrix = data.end[rows], data.matrices[k][rows]
    value, own = data.laws[k].log_hazard(times, theta[law])
    slopes = np.zeros((len(rows), len(theta)))
    slopes[:, law], slopes[:, covariates] = own, matrix
    for i, change in enumerate(data.changes[data.touches[k]]):
        slopes[:, policies.start + i] = times > change[rows]
    value = value + matrix @ theta[covariates] + data.offset[rows] + slopes[:, policies] @ theta[policies]
    return value, slopes
