"""Our times and those of the installed peers on the same data, for pytest-benchmark: ``python -m pytest benchmarks``.

A plain test run does not collect this file (see testpaths in pyproject.toml). For each peer the answers
are shown to agree before anything is timed; a peer that is absent, cannot do the task, disagrees, or would
take too long is skipped with the reason. Our cases carry their time in units of one sort of the same times,
which survives a slow or busy machine. R is timed by ``python -m benchmarks.report``.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks.agree import compare
from benchmarks.data import SIZES, Design, Sample, draw
from benchmarks.peers import CANNOT, PEERS, missing
from benchmarks.tasks import TASKS, Job

pytest.importorskip("pytest_benchmark")

LIMIT = 20.0
DESIGNS = {
    "km": Design(delayed=True),
    "logrank": Design(groups=2),
    "aj": Design(causes=2),
    "cox": Design(delayed=True, columns=5),
    "concordance": Design(whole=False, columns=1),
    "fine-gray": Design(causes=2, columns=5),
}
CASES = [(task, "exitmodels") for task in DESIGNS] + [(task, job.name) for task in DESIGNS for job in PEERS[task]]


@cache
def sample_of(task: str, n: int) -> Sample:
    return draw(n, DESIGNS[task])


def ready(task: str, peer: str, n: int) -> Callable[[], Any]:
    """What is to be timed, once its answer agrees with ours; skip with the reason otherwise."""
    sample = sample_of(task, n)
    ours = TASKS[task].prepare(sample)
    if peer == "exitmodels":
        ours()
        return ours
    reason = missing(peer) or CANNOT.get((task, peer)) or too_long(task, peer, n)
    if reason:
        pytest.skip(f"{peer}: {reason}")
    job = job_named(task, peer)
    theirs = job.prepare(sample)
    found = compare(TASKS[task].read(ours(), sample), job.read(theirs(), sample))
    if not found.holds:
        pytest.skip(f"{peer} does not agree: {found}")
    return theirs


def job_named(task: str, peer: str) -> Job:
    return next(job for job in PEERS[task] if job.name == peer)


@cache
def too_long(task: str, peer: str, n: int) -> str:
    """Judge from a tenth of the rows whether a peer would take too long."""
    if n < 10_000:
        return ""
    sample = draw(n // 10, DESIGNS[task])
    run = job_named(task, peer).prepare(sample)
    start = time.perf_counter()
    run()
    taken = time.perf_counter() - start
    return f"more than {LIMIT:.0f} s ({taken:.1f} s for {n // 10:,} rows)" if taken * 10 > LIMIT else ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", SIZES[:3])
@pytest.mark.parametrize(("task", "peer"), CASES)
def test_speed(benchmark: Any, task: str, peer: str, n: int) -> None:
    run = ready(task, peer, n)
    benchmark.group = f"{task}, {n:,} rows"
    benchmark.pedantic(run, rounds=5 if n < 1_000_000 else 3, warmup_rounds=1)
    if peer == "exitmodels":
        exit = sample_of(task, n).exit
        sort = np.median(timeit.repeat(lambda: np.sort(exit), number=1, repeat=5))
        benchmark.extra_info["sorts"] = round(benchmark.stats["median"] / float(sort), 2)
