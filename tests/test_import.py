"""Importing the package is light, and every public name can be had."""

from __future__ import annotations

import subprocess
import sys

import pytest

import exitmodels as xm

HEAVY = ("pandas", "matplotlib", "statsmodels", "formulaic", "narwhals", "duckdb", "pyarrow", "polars", "hijridate")


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_no_heavy_package() -> None:
    assert loaded_after("import exitmodels") == set()


def test_naming_a_model_loads_no_heavy_package() -> None:
    assert loaded_after("import exitmodels as xm; xm.Cox, xm.KaplanMeier, xm.Spells, xm.rate") == set()


def test_the_test_sees_a_heavy_package() -> None:
    assert "pandas" in loaded_after("import pandas")


@pytest.mark.parametrize("name", xm.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(xm, name) is not None
    assert name in dir(xm)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Coxx'"):
        _ = xm.Coxx
