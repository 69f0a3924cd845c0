"""Time and peak memory of one job.

Time is the median of several runs after one to warm up, ours and the peer's taking turns, so that a
busy machine slows both. Memory is what the resident set grew by at its peak during one run, in a fresh
process that has done the same task on few rows before; it counts what C and Rust allocate too.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["alternate", "peak_megabytes", "seconds", "timed"]

_STATUS = Path("/proc/self/status")
_ROOT = Path(__file__).resolve().parents[1]


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of one call, with the collector switched off, and its answer."""
    gc.collect()
    gc.disable()
    try:
        begin = time.perf_counter()
        answer = run()
        return time.perf_counter() - begin, answer
    finally:
        gc.enable()


def alternate(ours: Callable[[], Any], theirs: Callable[[], Any], budget: float = 20.0, most: int = 7) -> list[Any]:
    """Run in turn until `most` runs or `budget` seconds; return both lists of seconds."""
    here: list[float] = []
    there: list[float] = []
    while len(there) < most and (not there or sum(there) + there[-1] < budget):
        here += [timed(ours)[0] for _ in range(3 if not here or here[-1] < 0.1 else 1)]
        there.append(timed(theirs)[0])
    return [here, there]


def seconds(run: Callable[[], Any], budget: float = 5.0, most: int = 15) -> float:
    """Median seconds of one job on its own, after one run to warm up."""
    first, _ = timed(run)
    runs = max(3, min(most, int(budget / max(first, 1e-6))))
    return float(np.median([timed(run)[0] for _ in range(runs)]))


def peak_megabytes(line: str, peer: str, n: int) -> float:
    """Peak extra resident memory of one run in a fresh process; NaN where it cannot be read."""
    if not _STATUS.exists():
        return float("nan")
    call = [sys.executable, "-m", "benchmarks.measure", line, peer, str(n)]
    done = subprocess.run(call, cwd=_ROOT, capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else float("nan")


def _field(name: str) -> float:
    line = next(row for row in _STATUS.read_text(encoding="ascii").splitlines() if row.startswith(name))
    return float(line.split()[1]) / 1000


def _grown(run: Callable[[], Any]) -> float:
    """Reset the high-water mark, run once, and read how far it rose."""
    gc.collect()
    with contextlib.suppress(OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _field("VmRSS")
    answer = run()
    peak = _field("VmHWM")
    del answer
    return peak - before


def _main(arguments: Sequence[str]) -> None:
    from benchmarks.data import draw
    from benchmarks.report import LINES, job_of

    key, peer, n = arguments
    line = next(line for line in LINES if line.key == key)
    job = job_of(line, peer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        job.prepare(draw(431, line.design))()
        print(_grown(job.prepare(draw(int(n), line.design))))


if __name__ == "__main__":
    _main(sys.argv[1:])
