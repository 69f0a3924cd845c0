"""The examples run from a clean folder, print the promised figures, and leave files that hold something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

FIGURES = {
    "quickstart": ("fin -0.3794, age -0.0574, prio 0.0915", "Log-rank test", "Efron, B. (1977)"),
    "exits431": (
        "SIMULATED DATA",
        "0.7996 (0.7259-0.8788) per day",
        "p = 0.0164",
        "AalenJohansen would be biased",
        "conditional on an exit inside the window",
        "cannot show a change on 2016-10-04",
        "2016-10-04 lies outside the observed window",
        "from 2014-06-29:",
    ),
    "policy_series": (
        "SIMULATED DATA",
        "weekly   quadratic",
        "the series has 18 periods: below 40",
        "common level",
        "No share changed: p =",
        "One change of a Poisson rate",
        "Not identified from these records",
        "cannot show a change on 2016-10-04",
    ),
}
FILES = {
    "quickstart": (
        "kaplan_meier.csv", "rossi.png", "logrank.txt", "cox.csv", "cox.tex", "cox.txt", "hazard_ratios.png",
        "predicted.csv", "predicted.png",
    ),
    "exits431": (
        "weekly.csv", "weekly.png", "rate.csv", "boundary.txt", "shares.csv", "refused_scheme.txt",
        "incidence_among_recorded.csv", "incidence_among_recorded.png", "rate_change.csv", "refused_policy_date.txt",
    ),
    "policy_series": (
        "monthly_linear.csv", "monthly_quadratic.csv", "weekly_linear.csv", "weekly_quadratic.csv", "averted.csv",
        "monthly.png", "weekly.png", "variances.csv", "delay.png", "control.csv", "refused.txt",
        "composition.csv", "change_date.png",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ["quickstart", "exits431", "policy_series"])
def test_an_example_runs_and_prints_what_it_promises(name, tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLES / f"{name}.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for text in FIGURES[name]:
        assert text in done.stdout
    assert str(folder) in done.stdout
    written = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(written) == set(FILES[name])
    assert min(written.values()) > 50


def test_the_figure_of_the_readme_is_small_enough():
    figure = EXAMPLES.parent / "docs" / "rossi.png"
    assert figure.stat().st_size < 120_000
    assert figure.read_bytes().startswith(b"\x89PNG")
