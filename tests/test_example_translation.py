"""The example of the newsletter and the magazine runs from a clean folder and says what one omission is worth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "translation.py"


def test_one_omission_is_worth_little(tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for text in ("SIMULATED DATA", "some never leave", "bare mention", "stand or fall together", "Farewell"):
        assert text in done.stdout
    never = pd.read_csv(folder / "never.csv")
    assert len(never) == 8
    assert ((never["low"] < never["estimate"]) & (never["estimate"] < never["high"])).all()
    rates = pd.read_csv(folder / "base_rates.csv").set_index("base rate")["one omission"]
    assert round(rates[0.1], 3) == 1.111
    written = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(written) == {"fit.txt", "never.csv", "base_rates.csv", "five_omissions.tex", "translation.png"}
    assert min(written.values()) > 50
