"""Hijri texts to days against a loop over hijridate: ``python -m benchmarks.hijri [--quick]``.

The loop splits each text and converts it, which is the least that a user of the calendar library writes; it takes
numbers only. A second loop keeps what it has seen in a dictionary. Loops are run on at most 100,000 rows and scaled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hijridate import Hijri

import exitmodels as xm
from benchmarks.pair import Pair, Ready, main

__all__ = ["PAIRS", "loop", "remembering_loop", "texts"]

MOST = 100_000


def texts(n: int, distinct: bool, seed: int = 1) -> Any:
    """Numeric Hijri dates, day first; with `distinct`, no text twice (spaces, zeros and separators vary)."""
    rng = np.random.default_rng(seed)
    day, month, year = rng.integers(1, 30, n), rng.integers(1, 13, n), rng.integers(1365, 1501, n)
    if not distinct:
        made = [f"{d}/{m}/{y}" for d, m, y in zip(day.tolist(), month.tolist(), year.tolist(), strict=True)]
    else:
        made = [
            f"{d:0{1 + i % 2}}/{m:0{1 + i // 2 % 2}}/{y} {i}:00"
            for i, (d, m, y) in enumerate(zip(day.tolist(), month.tolist(), year.tolist(), strict=True))
        ]
    return np.array(made, dtype=object)


def loop(values: Any) -> Any:
    """Convert one by one."""
    made = []
    for value in values:
        day, month, year = value.split(" ")[0].split("/")
        made.append(Hijri(int(year), int(month), int(day)).to_gregorian())
    return np.array(made, dtype="datetime64[D]")


def remembering_loop(values: Any) -> Any:
    """Convert one by one, but no text twice."""
    seen: dict[str, Any] = {}
    made = []
    for value in values:
        if value not in seen:
            day, month, year = value.split(" ")[0].split("/")
            seen[value] = Hijri(int(year), int(month), int(day)).to_gregorian()
        made.append(seen[value])
    return np.array(made, dtype="datetime64[D]")


def _read(values: Any) -> Any:
    return xm.parse_dates(values, calendar="hijri", order="dmy").lower


def _prepare(distinct: bool, peer: Callable[[Any], Any], most: int) -> Callable[[int], Ready]:
    def prepare(n: int) -> Ready:
        values = texts(n, distinct)
        part = values[:most]
        return Ready(
            lambda: _read(values),
            lambda: peer(part),
            lambda here, there: float(np.count_nonzero(here != there)),
            len(values) / len(part),
            lambda: _read(part),
        )

    return prepare


_ALL = 10**9
PAIRS = tuple(
    Pair(key, f"Hijri texts to days, {said}", peer, n, aim, 0.0, _prepare(distinct, run, most), package="hijridate")
    for key, said, peer, n, aim, distinct, run, most in (
        ("hijri", "repeats", "loop", 10_000_000, 10.0, False, loop, MOST),
        ("hijri-seen", "repeats", "loop with a dictionary", 10_000_000, 0.0, False, remembering_loop, _ALL),
        ("hijri-distinct", "none twice", "loop", 1_000_000, 10.0, True, loop, MOST),
        ("hijri-distinct-seen", "none twice", "loop with a dictionary", 1_000_000, 0.0, True, remembering_loop, MOST),
    )
)


if __name__ == "__main__":
    main(PAIRS)
