"""Tasks with one peer: the answers agree before anything is timed, and a wrong one would be seen."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exitmodels as xm

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"hijri": 2_000, "small_counts": 20_000, "composition": 3_000, "count_effects": 6_000, "count_series": 300}
PACKAGES = {"scikit-learn": "sklearn", "ruptures": "ruptures"}
MODULES = (
    "small_counts",
    "count_effects",
    "count_series",
    "interrupted",
    "changepoints",
    "composition",
    "hawkes",
    "hijri",
    "truncation",
    "exit_window",
)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("name", MODULES)
def test_answers_agree_and_a_wrong_one_would_be_seen(load: Any, name: str) -> None:
    module = load(name)
    for pair in module.PAIRS:
        if importlib.util.find_spec(PACKAGES.get(pair.peer, "numpy")) is None:
            ready = pair.prepare(SMALL.get(name, 300))
            assert ready.ours() is not None
            continue
        ready = pair.prepare(SMALL.get(name, 300))
        theirs = ready.theirs()
        assert ready.difference((ready.check or ready.ours)(), theirs) <= pair.tolerance, pair.key


def test_a_disagreement_is_not_timed(load: Any) -> None:
    pair = load("pair")
    ready = pair.Ready(lambda: 1.0, lambda: 2.0, pair.close)
    line = pair.Pair("none", "Nothing", "loop", 10, 2.0, 1e-9, lambda n: ready, package="")
    found = pair.measure(line, 10)
    assert "disagrees by 0.5" in str(found)
    assert found.ratio != found.ratio
    assert "not measured" in found.verdict()


def test_an_absent_peer_is_named_and_ours_timed(load: Any) -> None:
    pair = load("pair")
    ready = pair.Ready(lambda: 1.0, lambda: 2.0, pair.close)
    found = pair.measure(pair.Pair("none", "Nothing", "no-such-package-here", 10, 1.0, 0.0, lambda n: ready), 10)
    assert "not installed" in str(found)
    assert found.ours >= 0


def test_every_pair_stands_in_the_one_table(load: Any) -> None:
    report, pair = load("report"), load("pair")
    assert [p.key for p in report.PAIRS] == [p.key for name in MODULES for p in load(name).PAIRS]
    keys = [line.key for line in (*report.LINES, *report.PAIRS)]
    assert len(set(keys)) == len(keys)
    first = dataclasses.replace(report.PAIRS[0], aim=5.0)
    rows = [pair.Measured(first, first.n, 0.5, 7.5), pair.Measured(first, first.n, 0.5, 2.5)]
    text = report.table(rows)
    assert "5x pandas: met (7.5)" in text
    assert "5x pandas: missed by 2 times (2.5)" in text
    assert "at 10,000,000 rows" in pair.Measured(first, 100, 0.5, 7.5).verdict()


@pytest.mark.parametrize("distinct", [False, True])
def test_both_loops_over_the_calendar_agree(load: Any, distinct: bool) -> None:
    module = load("hijri")
    values = module.texts(2_000, distinct)
    assert not distinct or len(set(values)) == len(values)
    ours = xm.parse_dates(values, calendar="hijri", order="dmy").lower
    assert np.array_equal(ours, module.loop(values))
    assert np.array_equal(ours, module.remembering_loop(values))
