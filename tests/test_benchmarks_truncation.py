"""The comparison under double truncation: the n x n table agrees with us before it is timed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exitmodels as xm


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1]))
    return importlib.import_module("benchmarks.truncation")


@pytest.mark.parametrize("whole", [False, True])
def test_the_table_agrees(module: Any, whole: bool) -> None:
    data = module.rows(300, whole)
    curve = xm.DoublyTruncated(variance="none").fit(xm.Spells(**data))
    own = 1 - curve.estimate[np.searchsorted(curve.time, data["exit"])]
    # plain steps stop when nothing moves by 1e-12
    np.testing.assert_allclose(own, module.dense(data, 1e-12), atol=1e-8)
