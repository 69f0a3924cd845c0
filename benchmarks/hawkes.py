"""Hawkes likelihood against a plain Python loop over the events: ``python -m benchmarks.hawkes``.

The answers agree before anything is timed.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from benchmarks.measure import alternate
from exitmodels.kernels.hawkes import Events, loglik

BACKGROUND, BRANCHING, DECAY = 0.5, 0.5, 1.3


def history(n: int) -> Events:
    """Times of a Poisson process: the likelihood costs the same whatever the times."""
    times = np.cumsum(np.random.default_rng(1).exponential(1.0, n))
    end = float(times[-1]) + 1.0
    return Events.of(times, end, np.array([0.0, end]), np.ones((1, 1)))


def loop(times: list[float], end: float) -> float:
    """Sum event by event, as it is written in most tutorials."""
    past, value, last = 0.0, -BACKGROUND * end, None
    for time in times:
        if last is not None:
            past = math.exp(-DECAY * (time - last)) * (1 + past)
        value += math.log(BACKGROUND + BRANCHING * DECAY * past) - BRANCHING * (1 - math.exp(-DECAY * (end - time)))
        last = time
    return value


def main(n: int = 1_000_000) -> None:
    """Print one line: agreement, and the ratio of seconds."""
    events = history(n)
    times, coef = events.times.tolist(), np.array([math.log(BACKGROUND)])
    ours, theirs = loglik(events, coef, BRANCHING, DECAY), loop(times, events.end)
    if abs(ours - theirs) > 1e-9 * abs(theirs):
        raise SystemExit(f"disagrees: {ours!r} and {theirs!r}")
    here, there = alternate(lambda: loglik(events, coef, BRANCHING, DECAY), lambda: loop(times, events.end))
    ratio = float(np.median(here) / np.median(there))
    print(f"{n:,} events: agreed ({ours:.6f}); {ratio:.3f} of the time of the loop (aim: below 0.1)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
