"""Changepoints against PELT of ruptures, per point: ``python -m benchmarks.changepoints [n]``.

The cuts agree before anything is timed. The peer is given the same Gaussian cost with ``jump=1``, at 2,000 points (its
time per point grows with the series, so this flatters it); ours runs on the whole series, with a change every 1,000
points.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.measure import timed

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


def main() -> None:
    """Print seconds and microseconds a point, and the ratio where the peer is installed."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    y = series(n, np.random.default_rng(1))
    for cost in ("poisson", "gaussian"):
        spread = {"sd": 2.0} if cost == "gaussian" else {}
        took, found = timed(lambda c=cost, s=spread: xm.changepoints(y, cost=c, **s))
        print(f"{cost:<9} n={n:>9,}: {found.n_changes} changes, {took:6.2f} s, {1e6 * took / n:6.2f} us a point")
    if find_spec("ruptures") is None:
        print("ruptures is not installed: no comparison")
        return
    part = y[:PEER_N].astype(float)
    penalty = 4.0 * 2 * np.log(PEER_N)
    theirs, cuts = timed(lambda: peer(part, penalty))
    ours, found = timed(lambda: xm.changepoints(part, cost="gaussian", sd=1.0, penalty=penalty))
    if found.cuts.tolist() != cuts:
        raise SystemExit(f"the cuts differ: {found.cuts.tolist()} and {cuts}")
    print(f"ruptures  n={PEER_N:>9,}: the same {len(cuts)} cuts, {theirs / ours:.0f} times our time")


if __name__ == "__main__":
    main()
