"""Hijri texts to days against a loop over hijridate: ``python -m benchmarks.hijri [rows]``.

The loop splits each text and converts it, which is the least that a user of the calendar library writes; it takes
numbers only. A second loop keeps what it has seen in a dictionary. Loops are run on at most 100,000 rows and scaled;
answers agree before anything is timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from hijridate import Hijri

import exitmodels as xm
from benchmarks.measure import timed

__all__ = ["loop", "main", "remembering_loop", "texts"]

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


def main(n: int = 1_000_000) -> None:
    """Print one line for each kind of column and peer."""
    for distinct in (False, True):
        values = texts(n, distinct)
        part = values[:MOST]
        kind = "no text twice" if distinct else f"{len(set(values.tolist())):,} distinct texts"
        print(f"{n:,} rows, {kind}")
        peers: tuple[tuple[str, Callable[[Any], Any], Any], ...] = (
            ("loop over hijridate", loop, part),
            ("loop with a dictionary", remembering_loop, part if distinct else values),
        )
        for name, peer, held in peers:
            answer = xm.parse_dates(held, calendar="hijri", order="dmy").lower
            if not np.array_equal(answer, peer(held)):
                print(f"    {name}: no agreement, not timed")
                continue
            ours, theirs = [], []
            for _ in range(3):
                ours.append(timed(lambda v=values: xm.parse_dates(v, calendar="hijri", order="dmy"))[0])
                theirs.append(timed(lambda p=peer, h=held: p(h))[0] * len(values) / len(held))
            here, there = float(np.median(ours)), float(np.median(theirs))
            print(f"    {name}: agrees; {name} / exitmodels = {there / here:.1f} ({here:.2f} s)")


if __name__ == "__main__":
    main(*(int(argument.replace("_", "")) for argument in sys.argv[1:2]))
