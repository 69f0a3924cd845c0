"""The example of the sign that flips runs from a clean folder and shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "policy_window.py"


def test_the_sign_flips(tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for text in ("SIMULATED DATA", "Beside the naive fit", "Share gone for each reason", "Keiding"):
        assert text in done.stdout
    table = pd.read_csv(folder / "policy_ratio.csv", index_col=0)
    naive, ours, planted = (row for _, row in table.iterrows())
    assert naive["low"] > 1 > ours["high"]
    assert ours["low"] < planted["ratio"] < ours["high"]
    written = {path.name for path in folder.iterdir()}
    assert written == {"summary.txt", "policy_ratio.csv", "incidence.csv", "sign_that_flips.png"}
