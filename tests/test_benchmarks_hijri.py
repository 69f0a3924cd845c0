"""The comparison of Hijri dates: the loops agree with us before they are timed."""

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
    return importlib.import_module("benchmarks.hijri")


@pytest.mark.parametrize("distinct", [False, True])
def test_loops_agree(module: Any, distinct: bool) -> None:
    values = module.texts(2_000, distinct)
    assert not distinct or len(set(values)) == len(values)
    ours = xm.parse_dates(values, calendar="hijri", order="dmy").lower
    assert np.array_equal(ours, module.loop(values))
    assert np.array_equal(ours, module.remembering_loop(values))


def test_it_prints_ratios(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    module.main(500)
    assert capsys.readouterr().out.count("exitmodels = ") == 4
