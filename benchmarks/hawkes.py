"""Hawkes likelihood against a plain Python loop over the events: ``python -m benchmarks.hawkes [--quick]``."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.pair import Pair, Ready, close, main
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


def _prepare(n: int) -> Ready:
    events = history(n)
    times, coef = events.times.tolist(), np.array([math.log(BACKGROUND)])
    return Ready(lambda: loglik(events, coef, BRANCHING, DECAY), lambda: loop(times, events.end), close)


PAIRS = (Pair("hawkes", "Hawkes likelihood", "plain loop", 1_000_000, 10.0, 1e-9, _prepare, package=""),)


if __name__ == "__main__":
    main(PAIRS)
