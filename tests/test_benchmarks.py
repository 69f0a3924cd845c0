"""The benchmarks stay honest: seeded data, and no timing of a wrong answer. Needs no peer and no R."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

ROOT = Path(__file__).resolve().parents[1]
DESIGN_OF = {
    "km": {"delayed": True},
    "logrank": {"groups": 2},
    "aj": {"causes": 2},
    "cox": {"delayed": True, "columns": 2},
    "concordance": {"whole": False, "columns": 1},
    "fine-gray": {"causes": 2, "columns": 2},
    "fine-gray-small": {"causes": 2, "columns": 2},
    "turnbull": {"visits": True},
    "bootstrap": {},
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of the benchmarks, which live beside the package."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("name", ["data", "tasks", "agree", "peers", "rscript", "measure", "report"])
def test_each_module_loads_without_peers(load: Any, name: str) -> None:
    before = set(sys.modules)
    load(name)
    fresh = {module.split(".")[0] for module in set(sys.modules) - before}
    assert not fresh & {"lifelines", "sksurv", "surpyval", "survival"}


@pytest.mark.parametrize("whole", [True, False])
def test_samples_are_seeded_and_keep_the_rules_of_spells(load: Any, whole: bool) -> None:
    data, tasks = load("data"), load("tasks")
    design = data.Design(whole=whole, delayed=True, groups=2, causes=2, columns=3)
    one, again, other = data.draw(500, design), data.draw(500, design), data.draw(500, design, seed=1)
    for name in ("exit", "event", "entry", "group", "matrix"):
        assert_array_equal(getattr(one, name), getattr(again, name))
    assert not np.array_equal(one.exit, other.exit)
    assert (one.exit.dtype.kind == "i") == whole
    assert not np.isin(one.grid(), one.exit).any()
    assert set(one.event) == {0, 1, 2}
    assert len(tasks.spells(one)) == 500  # refused if a spell did not end after it began


@pytest.mark.parametrize("task", DESIGN_OF)
def test_the_check_of_agreement_passes_ours_and_catches_a_wrong_answer(load: Any, task: str) -> None:
    data, tasks, agree = load("data"), load("tasks"), load("agree")
    sample, job = data.draw(300, data.Design(**DESIGN_OF[task])), tasks.TASKS[task]
    right = job.read(job.prepare(sample)(), sample)
    assert agree.compare(right, right).holds
    for name, values in right.items():
        wrong = {**right, name: np.asarray(values) * (1.5 if name == "draws" else 1.001)}
        found = agree.compare(right, wrong)
        assert not found.holds
        assert found.quantity == name
        assert name in str(found)


def test_a_missing_number_or_nothing_in_common_is_no_agreement(load: Any) -> None:
    agree = load("agree")
    curve = np.linspace(1, 0, 5)
    assert not agree.compare({"survival": curve}, {"survival": np.full(5, np.nan)}).holds
    assert not agree.compare({"survival": curve}, {"survival": curve[:4]}).holds
    with pytest.raises(ValueError, match="Nothing to compare"):
        agree.compare({"survival": curve}, {"statistic": curve})


def test_draws_of_two_bootstraps_agree_and_those_of_another_quantile_do_not(load: Any) -> None:
    agree = load("agree")
    rng = np.random.default_rng(3)
    one, two = rng.normal(200, 12, 1000), rng.normal(200, 12, 1000)
    assert agree.compare({"draws": one}, {"draws": two}).holds
    assert not agree.compare({"draws": one}, {"draws": two + 4}).holds


def test_a_verdict_follows_from_ratio_and_aim(load: Any) -> None:
    report = load("report")
    line = dataclasses.replace(report.LINES[0], n=1000)
    row = report.Row(line, 1000, ours=1.0, whole=1.25)
    row.outcomes = [
        report.Outcome("R survival", 12.0),
        report.Outcome("surpyval", 2.0),
        report.Outcome("lifelines", note="> 60 s"),
    ]
    text = report.table([row])
    assert "10x R survival: met (12)" in text
    assert "4x fastest Python: missed by 2 times (2)" in text
    assert "lifelines > 60 s" in text
    assert "surpyval 2.0x | 1.6x" in text
