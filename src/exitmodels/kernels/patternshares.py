"""Shares of causes when some exits are seen only through patterns: a cause, a set of causes, a fallible label.

Ground floor: NumPy only. A pattern p has a chance c[p, k] to be what is seen of an exit for cause k: 1 for the causes a
set allows, an entry of a misclassification table for a fallible label. The log-likelihood of the shares s,

    sum over p of n[p] log(c[p] . s),

is concave; EM climbs it from the inside, Newton ends the climb on the causes that keep a share.

Called by: maskedpieces.py, maskedincidence.py, shapes/labels.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.kernels.ascent import solve_scaled

__all__ = ["Shares", "curvature", "em_step", "pattern_value", "posterior", "split_shares"]

_GONE = 1e-9
_FLAT = 1e-9


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of K causes in each of J pieces.

    Attributes
    ----------
    share : (J, K)
        Rows add to one; zeros where a piece has no exits.
    unique : (J,) bool
        Whether no other shares explain the patterns of the piece as well.
    converged : bool
    n_steps : int
        EM steps taken.
    """

    share: Floats
    unique: Bools
    converged: bool
    n_steps: int


def posterior(share: Floats, chance: Floats) -> Floats:
    """Chance of each cause given the pattern: (..., P, K) from shares (..., K) and chances (P, K); zeros for none."""
    joint = share[..., None, :] * chance
    total = joint.sum(axis=-1, keepdims=True)
    return np.asarray(joint / np.where(total > 0, total, 1.0), dtype=np.float64)


def em_step(count: Floats, share: Floats, chance: Floats) -> Floats:
    """One EM step of the shares (J, K): expected exits of each cause over all exits.

    Source: Dinse (1982); Dempster, Laird & Rubin (1977).
    """
    total = count.sum(axis=1, keepdims=True)
    expected = np.einsum("jp,jpk->jk", count, posterior(share, chance))
    return np.asarray(expected / np.where(total > 0, total, 1.0), dtype=np.float64)


def pattern_value(count: Floats, share: Floats, chance: Floats) -> Floats:
    """Log-likelihood of the shares of each piece (J,)."""
    mixed = share @ chance.T
    with np.errstate(divide="ignore"):
        return np.where(count > 0, count * np.log(np.where(count > 0, mixed, 1.0)), 0.0).sum(axis=1)


def curvature(count: Floats, level: Floats, chance: Floats) -> Floats:
    """Minus the second derivative of sum n log(c . level) in the levels of one piece: (K, K).

    Parameters
    ----------
    count : (P,)
    level : (K,)
        Shares or hazards.

    Notes
    -----
    This is the information of the exits less what the masking loses: Louis (1982).
    """
    mixed = chance @ level
    weight = np.where(count > 0, count / np.where(mixed > 0, mixed, 1.0) ** 2, 0.0)
    return np.asarray(chance.T @ (chance * weight[:, None]), dtype=np.float64)


def split_shares(count: Floats, chance: Floats, most: int = 20_000, tol: float = 1e-13) -> Shares:
    """Shares of the causes that make the patterns most likely, in each piece apart.

    Parameters
    ----------
    count : (J, P)
        Exits of each pattern in each piece; any weights.
    chance : (P, K)
        Chance of each pattern given each cause; a row may be multiplied by a constant.

    Examples
    --------
    Three exits for the first cause, one for the second, four unknown:

    >>> chance = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> split_shares(np.array([[3.0, 1.0, 4.0]]), chance).share.round(6).tolist()
    [[0.75, 0.25]]
    """
    total = count.sum(axis=1)
    share = em_step(count, np.full((len(count), chance.shape[1]), 1 / chance.shape[1]), chance)
    moving, n_steps = total > 0, 0
    while moving.any() and n_steps < most:
        before = share[moving]
        for _ in range(25):
            before, after = share[moving], em_step(count[moving], share[moving], chance)
            share[moving] = after
        n_steps += 25
        change = np.abs(after - before).max(axis=1)
        still = np.flatnonzero(moving)
        for j, small in zip(still.tolist(), change, strict=True):
            ended = _end(count[j], share[j], chance)
            if ended is not None:
                share[j] = ended
            moving[j] = ended is None and small > tol
    share[total == 0] = 0.0
    unique = np.array([_unique(n, s, chance) for n, s in zip(count, share, strict=True)], dtype=bool)
    return Shares(share, unique, not moving.any(), n_steps)


def _end(count: Floats, share: Floats, chance: Floats) -> Floats | None:
    """Newton steps on the causes with a share; None unless they end in the maximum over all causes."""
    n = float(count.sum())
    held = share > _GONE
    level = np.where(held, share, 0.0)
    for _ in range(25):
        bend = curvature(count, level, chance)[np.ix_(held, held)]
        step = solve_scaled(bend, _slope(count, level, chance)[held] - n)
        if step is None:
            return None
        level[held] += step
        if not np.all(level[held] > 0):
            return None
        if np.abs(step).max() < 1e-15:
            break
    slope = _slope(count, level, chance)
    if np.abs(slope[held] - n).max() > 1e-9 * n or np.any(slope > n * (1 + 1e-9)):
        return None
    return np.asarray(level / level.sum(), dtype=np.float64)


def _slope(count: Floats, level: Floats, chance: Floats) -> Floats:
    mixed = chance @ level
    return np.asarray(np.where(count > 0, count / np.where(mixed > 0, mixed, 1.0), 0.0) @ chance, dtype=np.float64)


def _unique(count: Floats, share: Floats, chance: Floats) -> bool:
    """EM from the inside ends inside the set of maxima, so another maximum shows as a flat direction there."""
    held = share > _GONE
    if not held.any():
        return True
    root = np.sqrt(share[held])
    bend = curvature(count, share, chance)[np.ix_(held, held)] * np.outer(root, root)
    return bool(np.linalg.eigvalsh(bend / count.sum())[0] > _FLAT)
