"""What nominal 95 % limits cover for 431 records of exits seen through a window. All data are simulated.

In an ordinary run 150 worlds are drawn and the bar is wide; with EXITMODELS_FULL_STUDY=1, 500 worlds and 93 to 97 %.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import exitmodels as xm

FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
WORLDS = 500 if FULL else 150
LOW, HIGH = (0.93, 0.97) if FULL else (0.90, 0.985)
N, CLOSE, BEFORE = 431, 539.0, 200.0


def world(rng: np.random.Generator, effect: float = 0.0) -> xm.Spells:
    """People come faster and faster from 200 days before the window; mean stay 160 days where x is 0."""
    need = 4 * N
    growth = 0.003
    share = rng.uniform(np.exp(-growth * BEFORE), np.exp(growth * CLOSE), need)
    came, x = np.log(share) / growth, rng.integers(0, 2, need)
    stay = rng.weibull(1.5, need) * 160 / 0.9027452929509336 * np.exp(-effect * x / 1.5)
    seen = np.flatnonzero((came + stay > 0) & (came + stay <= CLOSE))[:N]
    return xm.Spells(
        exit=stay[seen],
        left_limit=np.maximum(-came, 0)[seen],
        right_limit=CLOSE - came[seen],
        covariates={"x": x[seen]},
    )


@pytest.mark.slow
def test_coverage_of_the_doubly_truncated_estimate() -> None:
    rng = np.random.default_rng(20130301)
    hits = {"mean": 0, "survival": 0, "model survival": 0}
    truth, naive, rejected = np.exp(-((150 / (160 / 0.9027452929509336)) ** 1.5)), [], 0
    for i in range(WORLDS):
        spells = world(rng)
        curve = xm.DoublyTruncated(existence="largest").fit(spells)
        mean = curve.means().iloc[0]
        naive.append(mean.naive)
        hits["mean"] += bool(mean.lower <= 160 <= mean.upper)
        for name, fit in (
            ("survival", curve),
            ("model survival", xm.DoublyTruncated(variance="model", existence="largest").fit(spells)),
        ):
            at = fit.at(150).iloc[0]
            hits[name] += bool(at.lower <= truth <= at.upper)
        rejected += xm.quasi_independence_test(spells).pvalue < 0.05 if i < 100 else 0
    covered = {name: count / WORLDS for name, count in hits.items()}
    print(covered, "naive mean / truth", np.mean(naive) / 160, "independence rejected in", rejected, "of 100")
    assert np.mean(naive) < 0.9 * 160
    # the mean rests on a few long stays: its limits miss by about two points (see WindowCurve.means)
    assert all(LOW - (name == "mean") * 0.02 <= share <= HIGH for name, share in covered.items()), covered
    assert rejected <= 12


@pytest.mark.slow
def test_coverage_of_truncated_cox() -> None:
    rng = np.random.default_rng(7)
    hits = {"weighted": 0, "stabilised": 0}
    for _ in range(WORLDS):
        spells = world(rng, 0.5)
        for estimator in hits:
            limits = xm.TruncatedCox("x", estimator=estimator, existence="largest").fit(spells).conf_int().iloc[0]
            hits[estimator] += bool(limits.low <= 0.5 <= limits.high)
    covered = {name: count / WORLDS for name, count in hits.items()}
    print(covered)
    assert all(LOW - 0.02 <= share <= HIGH for share in covered.values()), covered


@pytest.mark.slow
def test_coverage_of_likelihood_ratio_limits_of_the_mean() -> None:
    """Over 1,494 worlds of this design (the seed of the first study): 92.8 % without correction, 94 % with.

    The bars leave out what 500 (30) worlds cannot tell: a standard error of one (four) points.
    """
    worlds, low = (500, 0.92) if FULL else (30, 0.82)
    rng, draws = np.random.default_rng(20130301), np.random.default_rng(1)
    hits = {"likelihood-ratio": 0, "bartlett": 0}
    for _ in range(worlds):
        curve = xm.DoublyTruncated(existence="largest", variance="none").fit(world(rng))
        limits = curve.profiles["all"]
        ratio = limits._ratio(limits.group.weight)
        assert ratio is not None
        statistic = ratio.statistic(160.0)
        hits["likelihood-ratio"] += statistic <= 3.841458820694124
        hits["bartlett"] += statistic <= 3.841458820694124 * limits._correction(ratio, 100 if FULL else 40, draws)
    covered = {name: count / worlds for name, count in hits.items()}
    print(covered)
    assert all(low - (name == "likelihood-ratio") * 0.02 <= share for name, share in covered.items()), covered
    assert covered["likelihood-ratio"] <= covered["bartlett"]


@pytest.mark.slow
def test_coverage_of_a_prevalent_cohort() -> None:
    """300 people found inside, two in five seen to leave; and the size of the test of a constant rate."""
    rng = np.random.default_rng(5)
    truth, mean = np.exp(-(np.array([0.5, 1.0]) ** 1.5)), 100 * 0.9027452929509336
    hits, rejected = np.zeros(3), 0
    for _ in range(WORLDS):
        stay = rng.weibull(1.5, 6000) * 100
        stay = rng.choice(stay, 300, p=stay / stay.sum())
        since = rng.uniform(0, 1, 300) * stay
        last = since + rng.uniform(0, 80, 300)
        spells = xm.Spells(entry=since, exit=np.minimum(stay, last), event=stay <= last)
        curve = xm.PrevalentCohort().fit(spells)
        row, at = curve.means().iloc[0], curve.at([50, 100])
        hits += [row.lower <= mean <= row.upper, *((at.lower <= truth) & (truth <= at.upper))]
        rejected += curve.checks[0].stationarity < 0.05
    covered = hits / WORLDS
    print("mean, survival at 50 and 100", covered, "constant rate rejected in", rejected / WORLDS)
    # the mean is harmonic: a few short stays carry much of it, and its limits miss by a point or two
    assert np.all(covered >= LOW - np.array([0.015, 0, 0]))
    assert np.all(covered <= HIGH + 0.005)
    assert rejected / WORLDS < (0.08 if FULL else 0.11)
