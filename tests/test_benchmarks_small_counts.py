"""The comparison of counting and exact limits: peers agree with us before they are timed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.small_counts")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_peers_agree_and_a_wrong_answer_would_be_seen(module: Any, place: int) -> None:
    ours, theirs, read = module.LINES[place].prepare(20_000)
    here, there = read(ours()), read(theirs())
    assert_allclose(here, there, rtol=1e-10, atol=1e-12)
    assert not np.array_equal(here, here * 1.0001)


def test_an_absent_peer_is_named(module: Any) -> None:
    line = module.Line("nothing", "no-such-package-here", 1, 1.0, 0.0, lambda n: None)
    assert "is not installed" in module.measure(line, 1)
