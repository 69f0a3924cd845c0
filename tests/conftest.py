"""What the tests share: where reference results live, and quiet figures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

mpl.use("Agg")

settings.register_profile(
    "exitmodels", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, print_blob=True
)
settings.load_profile("exitmodels")

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
FULL_STUDY = os.environ.get("EXITMODELS_FULL_STUDY") == "1"


class Reference:
    """Reference results computed by independent programs, kept beside the project."""

    root = REFERENCE

    def __call__(self, name: str) -> dict[str, Any]:
        case: dict[str, Any] = json.loads((self.root / f"{name}.json").read_text(encoding="utf-8"))
        return case

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.root / name)


@pytest.fixture(scope="session")
def reference() -> Reference:
    if not REFERENCE.is_dir():
        pytest.skip("the folder of reference results (../shared/reference) is not beside this checkout")
    return Reference()


def numbers(value: Any) -> np.ndarray:
    """Stored numbers: null is NaN, "Infinity" is inf, matrices are {rows, cols, values}."""
    if isinstance(value, dict) and "values" in value:
        value = value["values"]
    if isinstance(value, dict):
        value = list(value.values())

    def plain(x: Any) -> Any:
        if isinstance(x, list):
            return [plain(y) for y in x]
        return np.nan if x is None else float(x)

    return np.asarray(plain(value), dtype=float)


@pytest.fixture(autouse=True)
def _close_figures() -> Any:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
