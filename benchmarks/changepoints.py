"""Changepoints against PELT of ruptures, per point: ``python -m benchmarks.changepoints [--quick]``.

The peer is given the same Gaussian cost with ``jump=1``, at 2,000 points (its
time per point grows with the series, so this flatters it); ours runs on the whole series, with a change every 1,000
points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.pair import Pair, Ready, close, main

PEER_N = 2000


def series(n: int, rng: Any) -> Any:
    """Counts with a change every 1,000 points."""
    levels = rng.gamma(3.0, 2.0, -(-n // 1000))
    return rng.poisson(np.repeat(levels, 1000)[:n])


def peer(y: Any, penalty: float) -> list[int]:
    """Cuts of ruptures for one mean with variance one."""
    import ruptures

    found = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(y.astype(float)).predict(pen=penalty)
    return [int(cut) for cut in found[:-1]]


def _against_ruptures(n: int) -> Ready:
    y = series(n, np.random.default_rng(1)).astype(float)
    penalty = 8 * np.log(n)

    def ours() -> Any:
        return xm.changepoints(y, cost="gaussian", sd=1.0, penalty=penalty).cuts

    return Ready(ours, lambda: peer(y, penalty), close)


def _whole(cost: str, spread: dict[str, float]) -> Callable[[int], Ready]:
    """Ours on the whole series; the peer on its first points, its time taken as linear (which flatters it)."""

    def prepare(n: int) -> Ready:
        y = series(n, np.random.default_rng(1))
        part = min(n, PEER_N)
        small = _against_ruptures(part)
        return Ready(lambda: xm.changepoints(y, cost=cost, **spread), small.theirs, close, n / part, small.ours)

    return prepare


PAIRS = (
    Pair("changes", "Changepoints, Gaussian cost", "ruptures", PEER_N, 0.0, 0.0, _against_ruptures),
    Pair(
        "changes-gaussian", "Changepoints, Gaussian", "ruptures", 1_000_000, 0.0, 0.0, _whole("gaussian", {"sd": 2.0})
    ),
    Pair("changes-poisson", "Changepoints, Poisson", "ruptures", 1_000_000, 0.0, 0.0, _whole("poisson", {})),
)


if __name__ == "__main__":
    main(PAIRS)
