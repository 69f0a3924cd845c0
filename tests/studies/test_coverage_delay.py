"""What nominal 95 % limits cover: nowcasts at three truncation dates, and branching ratios.

Nowcasts: 5.6 events a day for 60, 90 or 120 days; delays up to 10 days, weights 0.8^d; records singly (Poisson), or
in pairs that come and are recorded together (overdispersed). The truth is the number of events, not its mean.
Branching: 400 days with background 0.6, ratio 0.4 and mean delay 1 or 4 days; exact times, and counts of days.

In an ordinary run 200 worlds are drawn (Monte Carlo error about 1.6 points); with EXITMODELS_FULL_STUDY=1, 2000.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import exitmodels as xm
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.triangle import DelayTriangle

FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
WORLDS = 2000 if FULL else 200
LOW = 0.93 if FULL else 0.90
LONGEST = 10
LAW = 0.8 ** np.arange(LONGEST + 1)
LAW /= LAW.sum()


def world(rng: np.random.Generator, days: int, batches: bool) -> tuple[DelayTriangle, np.ndarray]:
    mean = np.outer(np.full(days, 5.6), LAW)
    n = 2 * rng.poisson(mean / 2) if batches else rng.poisson(mean)
    last = np.minimum(days - 1 - np.arange(days), LONGEST)
    seen = np.where(np.arange(LONGEST + 1) <= last[:, None], n, 0)
    names = tuple(str(i) for i in range(days))
    return DelayTriangle(seen, last, names, Ledger(int(seen.sum()))), n.sum(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("batches", [False, True])
@pytest.mark.parametrize("days", [60, 90, 120])
def test_nowcast_limits_hold_the_true_number(days: int, batches: bool) -> None:
    rng, model = np.random.default_rng(days + 1000 * batches), xm.Nowcast()
    total, newest, middle = [], [], []
    for _ in range(WORLDS):
        triangle, truth = world(rng, days, batches)
        fit = model.fit(triangle)
        frame, row = fit.to_frame(), fit.total().loc["all events"]
        hit = (frame["low"] <= truth) & (truth <= frame["high"])
        total.append(row["low"] <= truth.sum() <= row["high"])
        newest.append(hit.iloc[-1])
        middle.append(hit.iloc[-LONGEST:-1].mean())
    found = {"total": np.mean(total), "newest day": np.mean(newest), "days before": np.mean(middle)}
    print(
        f"\n{days} days, {'batches' if batches else 'single'}: " + ", ".join(f"{k} {v:.3f}" for k, v in found.items())
    )
    assert all(value >= LOW for value in found.values()), found


@pytest.mark.slow
@pytest.mark.parametrize("delay", [1.0, 4.0])
def test_limits_of_the_branching_ratio(delay: float) -> None:
    rng, worlds = np.random.default_rng(int(delay)), WORLDS if FULL else 60
    day = np.datetime64("2013-03-01") + np.arange(400)
    exact, counted = [], []
    for _ in range(worlds):
        times = xm.simulate_hawkes(0.6, 0.4, 1 / delay, (0, 400), rng=rng)
        n = np.bincount(np.floor(times).astype(int), minlength=400)
        daily = xm.Counts.from_table({"n": n, "day": day}, n="n", start="day", freq="D")
        for fit, hits in ((xm.Hawkes().fit(times, window=(0, 400)), exact), (xm.Hawkes().fit(daily), counted)):
            limits = fit.branching_ratio()
            hits.append(limits["low"] <= 0.4 <= limits["high"])
    print(f"\nmean delay {delay:g} days: exact times {np.mean(exact):.3f}, counts of days {np.mean(counted):.3f}")
    assert min(np.mean(exact), np.mean(counted)) >= LOW - 0.02 * (not FULL)
