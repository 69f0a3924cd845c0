"""Hazards accumulated over intervals of stays, cut where policies begin, with their derivatives.

Ground floor: NumPy only. Called by: windowrows.py, windowhazards.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.hazardlaws import Known, Law
from exitmodels.kernels.timelaws import Accelerated

if TYPE_CHECKING:
    from exitmodels.kernels.windowhazards import WindowData

__all__ = ["Intervals", "accelerated"]


@dataclass(frozen=True, eq=False)
class _Part:
    """The hazard of one cause over every interval, piece by piece between changes of policy.

    Attributes
    ----------
    read : the law's basis at all ends of pieces
    rate : (J, M)
        What multiplies the law in each piece.
    pieces : (J, M)
        Hazard accumulated in each piece.
    law_pieces : (f, J, M)
        Their slopes by the law's parameters.
    known : cumulative hazard of the law at all ends, and its slopes
    acting : list of int
        First piece of each policy that touches the cause.
    """

    read: Floats
    rate: Floats
    pieces: Floats
    law_pieces: Floats
    known: Known
    acting: list[int]


class Intervals:
    """Intervals (start, stop] of rows, cut at each change of policy.

    Parameters
    ----------
    data : WindowData
    owner : (M,) int
        Row of each interval.
    start, stop : (M,)
    """

    def __init__(self, data: WindowData, owner: Ints, start: Floats, stop: Floats) -> None:
        self.data, self.owner, self.spans = data, owner, data.spans()
        inner = np.clip(data.changes[:, owner], start, stop)
        self.times = np.concatenate([start[None], inner, stop[None]])
        self.read: dict[Law, Floats] = {}
        for law in data.laws:
            if law not in self.read:
                self.read[law] = law.basis(self.times.ravel())
        columns = {id(matrix): matrix[owner] for matrix in data.matrices}
        self.matrices = [columns[id(matrix)] for matrix in data.matrices]
        self.offset = data.offset[owner]

    def part(self, k: int, theta: Floats) -> _Part:
        """One cause's hazard over all intervals."""
        law_at, covariates, policies = self.spans[k]
        law, phi = self.data.laws[k], theta[law_at]
        eta = self.matrices[k] @ theta[covariates] + self.offset
        acting = [int(j) + 1 for j in np.flatnonzero(self.data.touches[k])]
        steps = np.zeros(len(self.times) - 1)
        for place, j in enumerate(acting):
            steps[j:] += theta[policies.start + place]
        read, level = self.read[law], steps[:, None]
        if law.accelerated:
            read = read - np.tile(eta, len(self.times))
            rate = np.exp(np.broadcast_to(level, (len(steps), len(eta))))
        else:
            rate = np.exp(eta + level)
        value, slopes = law.cumulative(read, phi)
        shape = self.times.shape
        pieces = rate * np.diff(value.reshape(shape), axis=0)
        law_pieces = rate * np.diff(slopes.reshape(-1, *shape), axis=1)
        return _Part(read, rate, pieces, law_pieces, (value, slopes), acting)

    def by_cause(self, theta: Floats) -> Floats:
        """Hazard of each cause over each interval (K, M)."""
        return np.stack([self.part(k, theta).pieces.sum(axis=0) for k in range(len(self.spans))])

    def slopes(self, k: int, part: _Part, chosen: slice) -> tuple[slice, Floats]:
        """Where the parameters of a cause stand, and the slopes of its hazard over the chosen intervals."""
        law_at, _, policies = self.spans[k]
        by_law = part.law_pieces[:, :, chosen].sum(axis=1)
        pieces, matrix = part.pieces[:, chosen], self.matrices[k][chosen]
        moved = by_law[0] if self.data.laws[k].accelerated else pieces.sum(axis=0)
        later = [pieces[j:].sum(axis=0) for j in part.acting]
        return slice(law_at.start, policies.stop), np.column_stack([*by_law, moved[:, None] * matrix, *later])

    def sums(self, k: int, part: _Part, by: Floats, theta: Floats) -> tuple[Floats, Floats]:
        """Sum over intervals of `by` times the first and the second derivatives of the hazard of a cause."""
        law_at = self.spans[k][0]
        law, phi, matrix = self.data.laws[k], theta[law_at], self.matrices[k]
        f, p = len(phi), matrix.shape[1]
        at_law, at_x = slice(0, f), slice(f, f + p)
        bend = np.zeros((f + p + len(part.acting),) * 2)
        pieces = by * part.pieces
        whole, by_law = pieces.sum(axis=0), by * part.law_pieces.sum(axis=1)
        # each end of a piece counts with the rate before it less the rate after it
        weighed = by * part.rate
        ends = np.concatenate([-weighed[:1], weighed[:-1] - weighed[1:], weighed[-1:]])
        if law.accelerated:
            twice = accelerated(law).cumulative_bends(part.read, phi).reshape(f, f, *ends.shape)
            twice = np.einsum("fgrm,rm->fgm", twice, ends)
            bend[at_law, at_law] = twice.sum(axis=2)
            bend[at_law, at_x] = twice[:, 0] @ matrix
            bend[at_x, at_x] = matrix.T @ (matrix * twice[0, 0][:, None])
            moved, later_moved = by_law[0], [by * part.law_pieces[0, j:].sum(axis=0) for j in part.acting]
        else:
            bend[at_law, at_law] = law.cumulative_bend(part.read, phi, ends.ravel(), part.known)
            bend[at_law, at_x] = by_law @ matrix
            bend[at_x, at_x] = matrix.T @ (matrix * whole[:, None])
            moved, later_moved = whole, [pieces[j:].sum(axis=0) for j in part.acting]
        first = np.concatenate([by_law.sum(axis=1), moved @ matrix, [pieces[j:].sum() for j in part.acting]])
        for i, j in enumerate(part.acting):
            place = f + p + i
            bend[at_law, place] = part.law_pieces[:, j:].sum(axis=1) @ by
            bend[at_x, place] = later_moved[i] @ matrix
            bend[f + p : place + 1, place] = pieces[j:].sum()
        upper = np.triu(bend, 1)
        return first, upper + upper.T + np.diag(np.diag(bend))


def accelerated(law: Law) -> Accelerated:
    """The law, known to stretch clocks."""
    assert isinstance(law, Accelerated)
    return law
