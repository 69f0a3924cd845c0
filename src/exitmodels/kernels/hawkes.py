"""Self-exciting events seen at their exact times: likelihood, derivatives and compensator in one pass.

Ground floor: NumPy and SciPy. Each event adds eta beta exp(-beta age) to the intensity, so that the sum over past
events is a recursion from one event to the next, solved by recursions.py without a Python loop.

Read next: hawkes_binned.py (counts of days instead of times), hawkes_paths.py (simulation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.kernels.ascent import Surface
from exitmodels.kernels.recursions import solve

__all__ = ["Events", "compensator", "exact_surface", "excitation", "intensity_at", "loglik"]


@dataclass(frozen=True, eq=False)
class Events:
    """Event times, and a background that is constant within pieces.

    Attributes
    ----------
    times : (n,)
        Rising strictly, in (0, end].
    end : float
        End of observation; it began at 0, and events before that are not known.
    edges : (k + 1,)
        Of the pieces, from 0 to `end`.
    design : (k, p)
        Log background of a piece is its row times the coefficients.
    piece : (n,) int
        The piece of each event.
    """

    times: Floats
    end: float
    edges: Floats
    design: Floats
    piece: Ints

    @classmethod
    def of(cls, times: Floats, end: float, edges: Floats, design: Floats) -> Events:
        """Place events in pieces; an event on an edge belongs to the piece that begins there."""
        place = np.searchsorted(edges, times, side="right") - 1
        return cls(times, end, edges, design, np.clip(place, 0, len(edges) - 2))


def excitation(times: Floats, decay: float, order: int = 0) -> tuple[Floats, ...]:
    """Sums over earlier events of age^j exp(-decay age), j = 0 .. order, at each event.

    Parameters
    ----------
    times : (n,)
        Rising.
    decay : float
        Per unit of time.

    Returns
    -------
    tuple of (n,)

    Notes
    -----
    Cost: O(n) for each order. Source: Ozaki (1979); Ogata (1988).

    Examples
    --------
    >>> excitation(np.array([0.0, 1.0, 2.0]), np.log(2))[0].round(12).tolist()
    [0.0, 0.5, 0.75]
    """
    n = len(times)
    gap = np.empty(n)
    gap[:1] = 0.0
    np.subtract(times[1:], times[:-1], out=gap[1:])
    keep = np.exp(-decay * gap)
    packed = np.empty((2, n), order="F")
    packed[0] = 1.0
    np.negative(keep[1:], out=packed[1, :-1])
    packed[1, -1:] = 0.0
    zeroth = keep.copy()
    zeroth[:1] = 0.0
    sums = [solve(packed, zeroth)]
    lag = [np.concatenate([[0.0], s[:-1]]) for s in sums]
    if order >= 1:
        sums.append(solve(packed, np.where(gap > 0, keep * gap * (1 + lag[0]), 0.0)))
        lag.append(np.concatenate([[0.0], sums[1][:-1]]))
    if order >= 2:
        sums.append(solve(packed, keep * (gap**2 * (1 + lag[0]) + 2 * gap * lag[1])))
    return tuple(sums)


def loglik(events: Events, coef: Floats, branching: float, decay: float) -> float:
    """Log-likelihood alone; see `exact_surface` for its derivatives."""
    rate = np.exp(events.design @ coef)
    (past,) = excitation(events.times, decay)
    total = float(rate @ np.diff(events.edges)) + branching * float(
        -np.expm1(-decay * (events.end - events.times)).sum()
    )
    past *= branching * decay
    past += rate[0] if len(rate) == 1 else rate[events.piece]
    return float(np.log(past, out=past).sum()) - total


def exact_surface(events: Events, theta: Floats) -> Surface | None:
    """Log-likelihood, gradient and observed information.

    Parameters
    ----------
    theta : (p + 2,)
        Coefficients of the log background, log of the branching ratio eta, log of the decay beta.

    Returns
    -------
    Surface, or None where something overflows. The stand-in is the sum of outer products of the events' log-intensity
    gradients, which estimates the same information.

    Notes
    -----
    Cost: O(n + k p^2). Source: Ogata (1978, 1988); Ozaki (1979).
    """
    p = events.design.shape[1]
    if np.any((theta > 100) | (theta < -300)):
        return None
    with np.errstate(over="ignore", under="ignore"):
        rate, eta, beta = np.exp(events.design @ theta[:p]), float(np.exp(theta[p])), float(np.exp(theta[p + 1]))
    if not (np.isfinite(rate).all() and np.isfinite(eta * beta)):
        return None
    a, b, c = excitation(events.times, beta, 2)
    first = eta * beta * a
    slope = first - eta * beta**2 * b
    curve = first - 3 * eta * beta**2 * b + eta * beta**3 * c
    mu = rate[events.piece]
    whole = mu + first
    if not np.all(whole > 0):
        return None
    left = events.end - events.times
    fade = np.exp(-beta * left)
    tail = np.array([np.sum(1 - fade), beta * (left @ fade), beta * (left @ fade) - beta**2 * (left**2 @ fade)]) * eta
    mass = rate * np.diff(events.edges)
    value = float(np.log(whole).sum() - mass.sum() - tail[0])
    pull = np.stack([mu, first, slope]) / whole
    sums = _by_piece(events, pull)
    outer = _outer(events.design, events.piece, pull)
    second = np.zeros((p + 2, p + 2))
    second[:p, :p] = events.design.T @ ((sums[0] - mass)[:, None] * events.design)
    second[p, p] = pull[1].sum() - tail[0]
    second[p, p + 1] = second[p + 1, p] = pull[2].sum() - tail[1]
    second[p + 1, p + 1] = (curve / whole).sum() - tail[2]
    gradient = np.concatenate([events.design.T @ (sums[0] - mass), [second[p, p], second[p, p + 1]]])
    return Surface(value, gradient, outer - second, lambda: outer)


def _by_piece(events: Events, rows: Floats) -> Floats:
    return np.stack([np.bincount(events.piece, row, len(events.design)) for row in rows])


def _outer(design: Floats, piece: Ints, pull: Floats) -> Floats:
    """Sum over events of the outer product of (mu x, first, slope) / intensity; nothing of size n x p is formed."""
    p, k = design.shape[1], len(design)
    out = np.empty((p + 2, p + 2))
    out[:p, :p] = design.T @ (np.bincount(piece, pull[0] ** 2, k)[:, None] * design)
    for j in (1, 2):
        out[:p, p + j - 1] = out[p + j - 1, :p] = design.T @ np.bincount(piece, pull[0] * pull[j], k)
    out[p:, p:] = pull[1:] @ pull[1:].T
    return out


def compensator(events: Events, theta: Floats) -> Floats:
    """Expected number of events, given the past, up to each event: unit-rate Poisson times if the model holds.

    Returns
    -------
    (n + 1,): at each event and, last, at the end of observation.
    """
    p = events.design.shape[1]
    rate, eta, beta = np.exp(events.design @ theta[:p]), float(np.exp(theta[p])), float(np.exp(theta[p + 1]))
    before = np.concatenate([[0.0], np.cumsum(rate * np.diff(events.edges))])
    at = np.append(events.times, events.end)
    piece = np.append(events.piece, len(rate) - 1)
    calm = before[piece] + rate[piece] * (at - events.edges[piece])
    (past,) = excitation(events.times, beta)
    last = np.exp(-beta * (events.end - events.times[-1:])) * (1 + past[-1:])
    return calm + eta * (np.arange(len(at)) - np.concatenate([past, last]))


def intensity_at(events: Events, theta: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Intensity just after each time in `at`, and the gradient of its logarithm.

    Returns
    -------
    intensity : (m,)
    gradient : (m, p + 2)
    """
    p = events.design.shape[1]
    rate, eta, beta = np.exp(events.design @ theta[:p]), float(np.exp(theta[p])), float(np.exp(theta[p + 1]))
    a, b = excitation(events.times, beta, 1)
    last = np.searchsorted(events.times, at, side="right") - 1
    some, place = last >= 0, np.maximum(last, 0)
    age = np.where(some, at - events.times[place], 0.0)
    fade = np.where(some, np.exp(-beta * age), 0.0)
    now, slow = fade * (1 + a[place]), fade * (age * (1 + a[place]) + b[place])
    piece = np.clip(np.searchsorted(events.edges, at, side="right") - 1, 0, len(rate) - 1)
    first = eta * beta * now
    whole = rate[piece] + first
    moved = np.column_stack([rate[piece, None] * events.design[piece], first, first - eta * beta**2 * slow])
    return whole, moved / whole[:, None]
