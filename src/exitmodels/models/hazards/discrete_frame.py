"""Scale and starting point of a discrete-time fit, and the fit of its baseline alone.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.kernels.discrete import DiscreteData, discrete_terms
from exitmodels.kernels.optimise import newton
from exitmodels.models.hazards.discrete_periods import collapse

__all__ = ["Frame", "bounded_inverse", "null_value", "start"]


@dataclass(frozen=True, eq=False)
class Frame:
    """Scale of the covariates and of the baseline: `given` = `inner` @ `turn` for each cause."""

    centre: Floats
    scale: Floats
    names: tuple[tuple[str, ...], ...]
    given: tuple[Floats, ...]
    inner: tuple[Floats, ...]
    turn: tuple[Floats, ...]

    def recode(self, active: list[Bools], sizes: list[int], free: bool) -> Floats:
        """From the coefficients of the fit to those of the columns as given."""
        ends = np.concatenate([[0], np.cumsum(sizes)])
        out = np.zeros((ends[-1], ends[-1]))
        for a, turn in enumerate(self.turn):
            f = int(active[a].sum())
            own = slice(ends[a], ends[a + 1])
            block = np.zeros((sizes[a], sizes[a]))
            block[:f, :f] = np.eye(f) if free else np.linalg.inv(turn)
            block[: f if free else 1, f:] = -self.centre / self.scale
            block[f:, f:] = np.diag(1 / self.scale)
            out[own, own] = block
        return out


def start(data: DiscreteData) -> Floats:
    """Small hazards: the mean of the period parts is set to the overall hazard, the rest to zero."""
    life = float(data.weight @ (data.leaves - data.enters))
    parts = []
    for a, basis in enumerate(data.basis):
        share = float(data.weight[data.cause == a + 1].sum()) / max(life, 1.0)
        level = np.log(max(share, 1e-8)) if data.link != "probit" else -2.0
        flat = np.linalg.lstsq(basis, np.full(len(basis), level), rcond=None)[0]
        parts.append(np.concatenate([flat, np.zeros(data.matrix.shape[1])]))
    return np.concatenate(parts)


def null_value(data: DiscreteData, tol: float, max_steps: int) -> float:
    """Log-likelihood of the baseline alone (with the offset)."""
    code, first = collapse(np.empty((len(data.offset), 0)), data.offset)
    order = np.argsort(code[data.pattern], kind="stable")
    alone = replace(
        data,
        matrix=np.empty((len(first), 0)),
        offset=data.offset[first],
        pattern=code[data.pattern][order],
        enters=data.enters[order],
        leaves=data.leaves[order],
        cause=data.cause[order],
        weight=data.weight[order],
    )
    return newton(lambda b: discrete_terms(b, alone), start(alone), tol, max_steps).terms.value


def bounded_inverse(information: Floats) -> Floats:
    """Inverse of an information; along a direction in which the likelihood is flat, a very large number."""
    scale = 1 / np.sqrt(np.maximum(np.diag(information), 1e-100))
    size, axes = np.linalg.eigh(information * np.outer(scale, scale))
    return np.asarray((axes / np.maximum(size, 1e-14)) @ axes.T * np.outer(scale, scale))
