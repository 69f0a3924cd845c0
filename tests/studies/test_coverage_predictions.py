"""What limits of absolute risks, standardised curves and paths cover: n = 431, late entry, day ties, three causes."""

from __future__ import annotations

import numpy as np
import pytest

import exitmodels as xm
from worlds import DAY, EFFECT, FULL, HIGH, LOW, RATES, WORLDS, inside, truth, world


@pytest.mark.slow
def test_coverage_of_risks_averages_and_paths() -> None:
    rng = np.random.default_rng(20140821)
    names = (
        "risk",
        "robust risk",
        "survival difference",
        "incidence difference",
        "robust difference",
        "path",
        "jackknife",
    )
    hits = dict.fromkeys(names if FULL else [name for name in names if name != "jackknife"], 0)
    f0, f1 = truth(0.0)[1], truth(1.0)[1]
    rates = RATES[0] * np.exp(EFFECT[0] * np.array([0, 1]))
    path_truth = np.exp(-rates[0] * 60 - rates[1] * (DAY - 60))
    path = {"x": [0, 1], "start": [0, 60], "stop": [60, 400]}
    for _ in range(WORLDS):
        spells = world(rng)
        fit = xm.CauseSpecificCox("x").fit(spells)
        for name, made in (("risk", fit), ("robust risk", fit.with_vcov("robust"))):
            at = made.predict_incidence({"x": [1]}, causes="a").at(DAY)
            hits[name] += inside(at.lower[0], f1[0], at.upper[0])
        robust = fit.with_vcov("robust")
        for name, made in (("incidence difference", fit), ("robust difference", robust)):
            row = made.standardised_incidence({"x": [0, 1]}, [DAY], "a").contrasts().iloc[0]
            hits[name] += inside(row.lower, f1[0] - f0[0], row.upper)
        row = fit["a"].standardised_survival({"x": [0, 1]}, [DAY]).contrasts().iloc[0]
        hits["survival difference"] += inside(row.lower, np.exp(-rates[1] * DAY) - np.exp(-rates[0] * DAY), row.upper)
        at = fit["a"].predict_path(path).at(DAY)
        hits["path"] += inside(at.lower[0], path_truth, at.upper[0])
        if FULL:  # 431 fits in each world
            limits = fit["a"].with_vcov("jackknife").conf_int()
            hits["jackknife"] += inside(limits.low["x"], EFFECT[0], limits.high["x"])
    covered = {name: count / WORLDS for name, count in hits.items()}
    print(covered)
    assert all(LOW <= share <= HIGH for share in covered.values()), covered
