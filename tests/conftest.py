"""What the tests share: where reference results live, and quiet figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

mpl.use("Agg")

settings.register_profile(
    "exitmodels", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, print_blob=True
)
settings.load_profile("exitmodels")

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"


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


@pytest.fixture(autouse=True)
def _close_figures() -> Any:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
