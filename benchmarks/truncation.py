"""The doubly truncated estimate against plain self-consistency: ``python -m benchmarks.truncation [--quick]``.

The peer is what programs in use do: the n x n table of who could have been seen through whose window, and steps of
self-consistency until no mass moves by more than 1e-9. It is run on 2,000 rows at most, for its table grows with the
square; its time is then counted as if it grew with the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import exitmodels as xm
from benchmarks.pair import Pair, Ready, close, main

__all__ = ["PAIRS", "dense", "rows"]


def rows(n: int, whole_days: bool = True, seed: int = 1) -> dict[str, Any]:
    """SIMULATED exits seen through a window of 539 days by people who came from 200 days before it."""
    rng = np.random.default_rng(seed)
    stay, came = rng.weibull(1.5, 3 * n) * 177, rng.uniform(-200, 539, 3 * n)
    if whole_days:
        stay, came = np.ceil(stay), np.floor(came)
    seen = np.flatnonzero((came + stay > 0) & (came + stay <= 539))[:n]
    return {"exit": stay[seen], "left_limit": np.maximum(-came[seen], 0.0), "right_limit": 539.0 - came[seen]}


def dense(data: dict[str, Any], tol: float = 1e-9, most: int = 20000) -> Any:
    """Distribution at each row's own time, by plain steps over an n x n table."""
    time, left, right = data["exit"], data["left_limit"], data["right_limit"]
    table = ((time[None, :] > left[:, None]) & (time[None, :] <= right[:, None])).astype(np.float64)
    mass = np.full(len(time), 1 / len(time))
    for _ in range(most):
        after = 1 / (table.T @ (1 / (table @ mass)))
        after /= after.sum()
        moved = np.abs(after - mass).max()
        mass = after
        if moved < tol:
            break
    order = np.argsort(time, kind="stable")
    total = np.cumsum(mass[order])
    last = np.searchsorted(time[order], time[order], side="right") - 1
    out = np.empty(len(time))
    out[order] = total[last]
    return out


def _ours(data: dict[str, Any]) -> Callable[[], Any]:
    spells = xm.Spells(**data)
    return lambda: xm.DoublyTruncated(variance="none").fit(spells)


def _own(curve: Any, data: dict[str, Any]) -> Any:
    """Distribution at each row's own time."""
    return 1 - curve.estimate[np.searchsorted(curve.time, data["exit"])]


def _prepare(whole_days: bool) -> Callable[[int], Ready]:
    def prepare(n: int) -> Ready:
        data, part = rows(n, whole_days), rows(min(n, MOST), whole_days)
        return Ready(
            _ours(data),
            lambda: dense(part),
            lambda here, there: close(_own(here, part), there),
            len(data["exit"]) / len(part["exit"]),
            _ours(part),
        )

    return prepare


MOST = 2_000
# The plain steps stop when nothing moves by 1e-9; they may still be some way off, hence the tolerance.
PAIRS = tuple(
    Pair(
        f"truncated-{key}",
        f"Doubly truncated, {said}",
        "n x n table",
        n,
        0.0,
        1e-6,
        _prepare(whole),
        "",
        least=min(n, 2_000),
    )
    for key, said, n, whole in (
        ("small", "whole days", 431, True),
        ("small-real", "distinct times", 431, False),
        ("days", "whole days; peer as if linear from 2,000 rows", 1_000_000, True),
        ("real", "distinct times; peer as if linear from 2,000 rows", 1_000_000, False),
    )
)


if __name__ == "__main__":
    main(PAIRS)
