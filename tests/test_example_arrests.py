"""The example of the arrest lists runs from a clean folder and prints the promised figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "arrest_lists.py"
PROMISED = (
    "SIMULATED DATA",
    "11 of 100: 0.110 (0.056-0.188)",
    "11 of 111: 0.099 (0.051-0.170)",
    "1 11.00 5.49 19.68",
    "12  0.92 0.46  1.64",
    "no model can tell the two apart",
)


def test_the_example_runs_and_prints_what_it_promises(tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for text in PROMISED:
        assert text in done.stdout
    written = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(written) == {"shares.csv", "rates.csv", "rates.png", "ratios.csv", "refused.txt"}
    assert min(written.values()) > 50
