"""Cause-specific hazards of stays that were seen only through a window: log-likelihood, scores and information.

Ground floor: NumPy only. With L(a, b] the hazard of all causes accumulated on (a, b], a row that was at risk from a and
could be seen only if it left by V adds

    log h_k(T) - L(a, T] - log(1 - exp(-L(a, V]))        an exit for cause k at T,
    log(1 - exp(-L(l, u])) - L(a, l] - log(1 - exp(-L(a, V]))        an exit between l and u,
    -L(a, T]        still there at T.

S(T) / (S(U) - S(V)) is never formed: the difference is taken in logs, so that it keeps its digits when both are small
or alike. All causes share L, so they cannot be fitted one by one. The last term is absent (V infinite) where stays that
had not ended would have been seen. Rows stream by in blocks; nothing of size rows x rows or rows x times is kept.

Read next: windowrows.py (one block), hazardlaws.py (the baselines). Called by: models.truncation.
Source: Keiding (1990) for the calendar; Kalbfleisch and Lawless (1989); Moreira and de Una-Alvarez (2010).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.kernels.ascent import Surface
from exitmodels.kernels.hazardlaws import Law
from exitmodels.kernels.windowintervals import Intervals
from exitmodels.kernels.windowrows import Rows, log1mexp

__all__ = ["WindowData", "cause_hazards", "evaluate", "log1mexp", "row_terms", "total_hazard"]

_ROWS = 1 << 14
_KEPT = 1 << 24


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
        made = {id(matrix): matrix[rows] for matrix in self.matrices}
        return replace(
            self,
            begin=self.begin[rows],
            end=self.end[rows],
            upper=None if self.upper is None else self.upper[rows],
            close=self.close[rows],
            cause=self.cause[rows],
            weight=self.weight[rows],
            offset=self.offset[rows],
            matrices=tuple(made[id(matrix)] for matrix in self.matrices),
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

    @cached_property
    def _kept(self) -> list[tuple[slice, Rows]] | None:
        """What does not change from one evaluation to the next; None where it would be large."""
        wide = sum(2 * len(law.levels) + 2 for law in set(self.laws)) + sum(m.shape[1] for m in self.matrices)
        if 2 * len(self.end) * (len(self.changes) + 2) * wide > _KEPT:
            return None
        return [(rows, Rows(block)) for rows, block in self.blocks()]

    def ready(self) -> Iterator[tuple[slice, Rows]]:
        """Blocks of rows, their times read."""
        if self._kept is not None:
            yield from self._kept
        else:
            for rows, block in self.blocks():
                yield rows, Rows(block)


def evaluate(data: WindowData, at: Floats) -> Surface | None:
    """Log-likelihood, gradient and observed information at the free parameters; None where it is not finite.

    The stand-in for the information is the sum of squared scores. Cost: O(n (K m + q^2)).
    """
    theta = data.combine @ at
    value, gradient, bend = 0.0, np.zeros(len(theta)), np.zeros((len(theta),) * 2)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        for _, block in data.ready():
            more = block.surface(theta)
            value, gradient, bend = value + more[0], gradient + more[1], bend + more[2]
            if not np.isfinite(value):
                return None
    if not (np.isfinite(gradient).all() and np.isfinite(bend).all()):
        return None

    def squared() -> Floats:
        out = np.zeros((len(at),) * 2)
        for rows, scores in row_terms(data, at):
            out += scores.T @ (scores * data.weight[rows, None])
        return out

    inner = data.combine.T @ bend @ data.combine
    return Surface(value, data.combine.T @ gradient, (inner + inner.T) / 2, squared)


def row_terms(data: WindowData, at: Floats) -> Iterator[tuple[slice, Floats]]:
    """Unweighted scores (rows, q), block by block."""
    theta = data.combine @ at
    for rows, block in data.ready():
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            scores = block.scores(theta)
        yield rows, scores @ data.combine


def cause_hazards(data: WindowData, at: Floats, begin: Floats, end: Floats) -> Floats:
    """Hazard of each cause accumulated on (begin, end] (K, n)."""
    theta = data.combine @ at
    out = np.empty((len(data.laws), len(begin)))
    with np.errstate(over="ignore", divide="ignore", under="ignore"):
        for rows, block in data.blocks():
            own = Intervals(block, np.arange(len(block.end)), begin[rows], end[rows])
            out[:, rows] = own.by_cause(theta)
    return out


def total_hazard(data: WindowData, at: Floats, begin: Floats, end: Floats) -> Floats:
    """Hazard of all causes accumulated on (begin, end] (n,)."""
    return np.asarray(cause_hazards(data, at, begin, end).sum(axis=0), dtype=np.float64)
