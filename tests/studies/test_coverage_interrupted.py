"""What nominal 95 % limits cover for a step in a series of 18 months, the size of the founding case.

Exposure is that of March 2013 to 21 August 2014 (the last month has 21 days), the rate falls to 0.6 of itself from the
15th month, and the mean total is 269 or 431. Three truths: Poisson; negative binomial of size 8; and a Poisson count
around a log rate that wanders as an autoregression with correlation 0.5 and standard deviation 0.3.

In an ordinary run 200 series are drawn for each truth (Monte Carlo error about 1.6 points); with
EXITMODELS_FULL_STUDY=1, 2000 (0.5 points) and the bar for the default limits is 93 %.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import exitmodels as xm

EFFECT, STEP = float(np.log(0.6)), 14
TRUTHS = ("Poisson", "negative binomial", "latent AR(1)")
KINDS = ("latent", "model", "quasi", "robust", "hac", "hac-leverage")
FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
WORLDS, BAR = (2000, 0.93) if FULL else (200, 0.90)


def months() -> xm.Counts:
    starts = np.arange("2013-03", "2014-09", dtype="datetime64[M]").astype("datetime64[D]")
    table = {"month": starts, "n": np.ones(18, dtype=int)}
    return xm.Counts.from_table(table, n="n", start="month", freq="MS", window=("2013-03-01", "2014-08-21"))


def series(rng: np.random.Generator, truth: str, mean: np.ndarray) -> np.ndarray:
    if truth == "negative binomial":
        mean = mean * rng.gamma(8.0, 1 / 8.0, len(mean))
    if truth == "latent AR(1)":
        wander = np.empty(len(mean))
        for t in range(len(mean)):
            before = 0.5 * wander[t - 1] + rng.normal(0, 0.3 * np.sqrt(0.75)) if t else rng.normal(0, 0.3)
            wander[t] = before
        mean = mean * np.exp(wander - 0.3**2 / 2)
    return rng.poisson(mean)


def study(total: int, truth: str, seed: int, worlds: int) -> dict[str, tuple[float, float]]:
    """Coverage of the effect, and mean width over that of quasi-Poisson with Student's t, for each variance."""
    rng, base = np.random.default_rng(seed), months()
    mean = base.exposure * np.exp(EFFECT * (np.arange(18) >= STEP))
    mean = mean * total / mean.sum()
    averted = float((mean[STEP:] * np.expm1(-EFFECT)).sum())
    model = xm.InterruptedSeries(at=str(base.start[STEP]), min_events=1)
    hits: dict[str, list[bool]] = {kind: [] for kind in (*KINDS, "bootstrap-t", "averted")}
    width: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "bootstrap-t")}
    for i in range(worlds):
        fit = model.fit(replace(base, n=series(rng, truth, mean)))
        for kind in KINDS:
            low, high = fit.with_vcov(kind).conf_int().loc["level"]
            hits[kind].append(low <= EFFECT <= high)
            width[kind].append(high - low)
        if i % 8 == 0:
            row = fit.variances(n=199, rng=i).loc["bootstrap-t"]
            hits["bootstrap-t"].append(row["low"] <= EFFECT <= row["high"])
            width["bootstrap-t"].append(row["high"] - row["low"])
        row = fit.averted().iloc[0]
        hits["averted"].append(row["low"] <= averted <= row["high"])
    plain = float(np.mean(width["quasi"]))
    return {k: (float(np.mean(hits[k])), float(np.mean(width.get(k, [np.nan]))) / plain) for k in hits}


@pytest.mark.slow
@pytest.mark.parametrize("total", [269, 431])
def test_coverage_of_the_step_at_eighteen_months(total: int) -> None:
    """The default holds its level under all three truths; Newey-West errors do not, under any."""
    found = {truth: study(total, truth, 20140629 + total + i, WORLDS) for i, truth in enumerate(TRUTHS)}
    table = pd.DataFrame(
        {truth: {k: f"{c:.3f} ({w:.2f})" for k, (c, w) in row.items()} for truth, row in found.items()}
    )
    print(f"\n{total} records, {WORLDS} series each: coverage (mean width over quasi-Poisson t)\n{table.to_string()}")
    for truth, row in found.items():
        assert row["latent"][0] >= BAR, (truth, row)
        assert row["averted"][0] >= BAR, (truth, row)
        assert row["latent"][1] < 1.35, (truth, row)
        assert row["hac"][0] < 0.85, (truth, row)
