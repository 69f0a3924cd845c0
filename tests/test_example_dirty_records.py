"""The example runs from a clean folder, finds what was planted, and the limits of its estimates hold the truth."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "dirty_records.py"


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, encoding="utf-8",
                          env=_environment())  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONIOENCODING": "utf-8"}


def test_the_register_is_audited_and_the_estimate_recovers_the_truth(tmp_path):
    folder = tmp_path / "out"
    printed = run(tmp_path, str(folder))
    planted, found = re.search(r"Defects planted: (\d+) of \d+ kinds; found: (\d+)\.", printed).groups()
    assert planted == found
    assert "without defects: 0." in printed
    assert "SIMULATED DATA" in printed
    assert re.search(r"repaired +\d+ +left: ", printed)
    assert re.search(r"set aside +\d+ +left: exit-before-entry", printed)
    table = pd.read_csv(folder / "mean_stay.csv", index_col=0)
    naive, audited, curve, near, law, truth = (row for _, row in table.iterrows())
    assert naive["mean"] < audited["high"] < near["mean"]
    assert curve["low"] < near["mean"] < curve["high"]
    assert law["low"] < truth["mean"] < law["high"]
    written = {path.name for path in folder.iterdir()}
    assert written == {"register.csv", "clean.csv", "planted.csv", "audit.txt", "mean_stay.csv"}


def test_nothing_is_left_behind_unless_asked(tmp_path):
    assert "Mean stay in days" in run(tmp_path)
    assert list(tmp_path.iterdir()) == []
