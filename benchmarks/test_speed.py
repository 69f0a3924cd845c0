"""Our own times, for pytest-benchmark: ``python -m pytest benchmarks``.

A plain test run does not collect this file (see testpaths in pyproject.toml). Each case carries its
time in units of one sort of the same times, which survives a slow or busy machine.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.data import SIZES, Design, draw
from benchmarks.tasks import TASKS

pytest.importorskip("pytest_benchmark")

DESIGNS = {
    "km": Design(delayed=True),
    "logrank": Design(groups=2),
    "aj": Design(causes=2),
    "cox": Design(delayed=True, columns=5),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", SIZES[:3])
@pytest.mark.parametrize("task", DESIGNS)
def test_speed(benchmark: Callable[..., Any], task: str, n: int) -> None:
    sample = draw(n, DESIGNS[task])
    run = TASKS[task].prepare(sample)
    run()
    benchmark(run)
    sort = np.median(timeit.repeat(lambda: np.sort(sample.exit), number=1, repeat=5))
    benchmark.extra_info["sorts"] = round(benchmark.stats["median"] / float(sort), 2)  # type: ignore[attr-defined]
