"""Simulated self-exciting events, generation by generation.

Ground floor: NumPy only. Founders come from the background; each event has a Poisson number of children after
exponential delays; children have children, until a generation is empty. No loop over events. Source: Hawkes and Oakes
(1974), the cluster representation.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["draw_events"]


def draw_events(
    edges: Floats, rate: Floats, branching: float, decay: float, rng: np.random.Generator, most: float = 1e7
) -> Floats:
    """Draw the events of one history that begins without a past.

    Parameters
    ----------
    edges : (k + 1,)
        Of pieces of constant background.
    rate : (k,)
        Background, events per unit of time.
    branching : float
        Mean number of children.
    decay : float
        One over the mean delay of a child.
    most : float
        Stop with an error beyond this many events.

    Returns
    -------
    (n,), rising.
    """
    length = np.diff(edges)
    founders = rng.poisson(rate * length)
    now = np.repeat(edges[:-1], founders) + rng.random(int(founders.sum())) * np.repeat(length, founders)
    found, total = [now], len(now)
    while len(now):
        children = rng.poisson(branching, len(now))
        now = np.repeat(now, children) + rng.exponential(1 / decay, int(children.sum()))
        now = now[now <= edges[-1]]
        total += len(now)
        if total > most:
            raise OverflowError(f"more than {most:g} events")
        found.append(now)
    return np.sort(np.concatenate(found))
