"""One block of rows of the truncated likelihood: their times read once, then evaluated at any parameters.

Ground floor: NumPy only. Every term but the log hazard at an exit is a hazard accumulated over some interval (a, b]
that belongs to a row: the stay itself, the time up to the right limit, the time between the limits of an exit. So the
intervals of all kinds stand in one list with their owners (windowintervals.py). A first pass gives L of
every interval; from it follows how much each interval counts in the first and second derivative, and a second pass
sums, cause by cause, what the law says with these weights.

Called by: windowhazards.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.windowintervals import Intervals, accelerated

if TYPE_CHECKING:
    from exitmodels.kernels.windowhazards import WindowData

__all__ = ["Rows", "log1mexp"]


def log1mexp(x: Floats) -> tuple[Floats, Floats]:
    """log(1 - exp(-x)) for x >= 0, and its slope 1 / (exp(x) - 1).

    >>> log1mexp(np.array([1e-20, 50.0]))[0].round(6).tolist()
    [-46.051702, -0.0]
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        value = np.where(x < np.log(2), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))
        slope = np.where(np.isinf(x), 0.0, 1 / np.expm1(x))
    return value, slope


@dataclass(frozen=True, eq=False)
class _Exits:
    """Rows whose exit adds the log hazard of one cause; the last of them may be those of unknown cause."""

    rows: Ints
    known: int
    law: Floats
    matrix: Floats
    offset: Floats
    under: Floats


class Rows:
    """A block of rows, ready to be evaluated.

    Parameters
    ----------
    data : WindowData
        The rows of the block.
    """

    def __init__(self, data: WindowData) -> None:
        n = len(data.end)
        self.data, self.n, self.spans = data, n, data.spans()
        kinds = [(np.arange(n), data.begin, data.end, -1.0)]
        capped = np.flatnonzero(np.isfinite(data.close))
        kinds.append((capped, data.begin[capped], data.close[capped], -1.0))
        exact = data.cause != 0
        if data.upper is not None:
            apart = (data.upper > data.end) & exact
            exact &= ~apart
            between = np.flatnonzero(apart & np.isfinite(data.upper))
            kinds.append((between, data.end[between], data.upper[between], 1.0))
        owner, start, stop = (np.concatenate([kind[i] for kind in kinds]) for i in range(3))
        self.sign = np.concatenate([np.full(len(kind[0]), kind[3]) for kind in kinds[1:]])
        edges = np.cumsum([0, *(len(kind[0]) for kind in kinds)])
        self.kinds = [slice(a, b) for a, b in pairwise(edges[1:]) if b > a]
        self.intervals = Intervals(data, owner, start, stop)
        self.masked = np.flatnonzero(exact & (data.cause < 0))
        self.exits = [self._exits(k, np.flatnonzero(exact & (data.cause == k + 1))) for k in range(len(data.laws))]

    def _exits(self, k: int, own: Ints) -> _Exits:
        data = self.data
        rows = np.concatenate([own, self.masked])
        under = data.end[rows] > data.changes[data.touches[k]][:, rows]
        read = data.laws[k].exit_basis(data.end[rows])
        return _Exits(rows, len(own), read, data.matrices[k][rows], data.offset[rows], under.astype(np.float64))

    # ---- sums --------------------------------------------------------------------------------------------------
    def surface(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Weighted log-likelihood, its gradient (P,) and minus its second derivative (P, P)."""
        data, intervals, n = self.data, self.intervals, self.n
        gradient, bend = np.zeros(len(theta)), np.zeros((len(theta),) * 2)
        parts = [intervals.part(k, theta) for k in range(len(self.spans))]
        total = np.sum([part.pieces.sum(axis=0) for part in parts], axis=0)
        part_value, slope = log1mexp(total[n:])
        weight = data.weight[intervals.owner[n:]] * self.sign
        value = -float(data.weight @ total[:n]) + float(weight @ part_value)
        if not np.isfinite(value):
            return value, gradient, bend
        by = np.concatenate([-data.weight, weight * slope])
        apart = np.empty((len(total) - n, len(theta)))
        for k, part in enumerate(parts):
            places, apart[:, self._places(k)] = intervals.slopes(k, part, slice(n, None))
            first, twice = intervals.sums(k, part, by, theta)
            gradient[places] += first
            bend[places, places] -= twice
        bend += apart.T @ (apart * (weight * slope * (1 + slope))[:, None])
        return self._add_exits(theta, value, gradient, bend)

    def _places(self, k: int) -> slice:
        return slice(self.spans[k][0].start, self.spans[k][2].stop)

    def _add_exits(self, theta: Floats, value: float, gradient: Floats, bend: Floats) -> tuple[float, Floats, Floats]:
        """Add the log hazards at exits: of the cause, or of all causes together where it is unknown."""
        logs = [self._log_hazard(k, theta) for k in range(len(self.spans))]
        shares, masked_value = self._shares(logs)
        masked_weight = self.data.weight[self.masked]
        value += float(masked_weight @ masked_value)
        mean = np.zeros((len(self.masked), len(theta)))
        for k, (log, slopes, _) in enumerate(logs):
            exits, places = self.exits[k], self._places(k)
            weight = self.data.weight[exits.rows].copy()
            value += float(weight[: exits.known] @ log[: exits.known])
            weight[exits.known :] *= shares[k]
            gradient[places] += slopes @ weight
            bend[places, places] -= self._log_bend(k, theta, weight)
            if len(self.masked):
                own = slopes[:, exits.known :]
                mean[:, places] += (own * shares[k]).T
                bend[places, places] -= (own * (masked_weight * shares[k])) @ own.T
        if len(self.masked):
            bend += mean.T @ (mean * masked_weight[:, None])
        return value, gradient, bend

    def _log_hazard(self, k: int, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Log hazard of cause k at its exits (e,), its slopes (own parameters, e), and the law's basis there."""
        law_at, covariates, policies = self.spans[k]
        law, exits = self.data.laws[k], self.exits[k]
        eta = exits.matrix @ theta[covariates] + exits.offset
        read = exits.law - eta if law.accelerated else exits.law
        value, by_law = law.log_hazard(read, theta[law_at])
        moved = by_law[0] * exits.matrix.T if law.accelerated else exits.matrix.T
        value = value + theta[policies] @ exits.under + (-eta if law.accelerated else eta)
        return value, np.concatenate([by_law, moved, exits.under]), read

    def _log_bend(self, k: int, theta: Floats, by: Floats) -> Floats:
        """Sum over exits of `by` times the second derivative of the log hazard, own parameters."""
        law_at, covariates, _ = self.spans[k]
        law, exits, phi = self.data.laws[k], self.exits[k], theta[law_at]
        f, p = len(phi), exits.matrix.shape[1]
        out = np.zeros((f + p + len(exits.under),) * 2)
        if not law.accelerated:
            out[:f, :f] = law.log_hazard_bend(exits.law, phi, by)
            return out
        read = exits.law - (exits.matrix @ theta[covariates] + exits.offset)
        twice = accelerated(law).log_hazard_bends(read, phi) * by
        out[:f, :f] = twice.sum(axis=2)
        out[:f, f : f + p] = twice[:, 0] @ exits.matrix
        out[f : f + p, :f] = out[:f, f : f + p].T
        out[f : f + p, f : f + p] = exits.matrix.T @ (exits.matrix * twice[0, 0][:, None])
        return out

    def _shares(self, logs: list[tuple[Floats, Floats, Floats]]) -> tuple[Floats, Floats]:
        """For exits of unknown cause: the chance of each cause (K, masked), and the log of the total hazard."""
        own = np.array([log[exits.known :] for (log, _, _), exits in zip(logs, self.exits, strict=True)])
        highest = own.max(axis=0, initial=-np.inf)
        shares = np.exp(own - highest)
        total = shares.sum(axis=0)
        return shares / total, highest + np.log(total)

    # ---- rows --------------------------------------------------------------------------------------------------
    def scores(self, theta: Floats) -> Floats:
        """Unweighted slopes of the log-likelihood of each row (n, P)."""
        intervals, n = self.intervals, self.n
        slopes = np.empty((len(intervals.owner), len(theta)))
        total = np.zeros(len(slopes))
        for k in range(len(self.spans)):
            part = intervals.part(k, theta)
            _, slopes[:, self._places(k)] = intervals.slopes(k, part, slice(None))
            total += part.pieces.sum(axis=0)
        by = self.sign * log1mexp(total[n:])[1]
        out = -slopes[:n]
        for kind in self.kinds:
            out[intervals.owner[kind]] += by[kind.start - n : kind.stop - n, None] * slopes[kind]
        logs = [self._log_hazard(k, theta) for k in range(len(self.spans))]
        shares, _ = self._shares(logs)
        for k, (_, own, _) in enumerate(logs):
            exits = self.exits[k]
            share = np.concatenate([np.ones(exits.known), shares[k]])
            out[exits.rows, self._places(k)] += (own * share).T
        return out
