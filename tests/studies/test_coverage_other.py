"""What nominal 95 % limits cover for additive and discrete-time hazards, pseudo-observations and direct regression.

As test_coverage.py: n = 431, ties at whole days, three causes, delayed entry where the model takes it; 200 worlds in an
ordinary run (Monte Carlo error 1.5 points, wide bar), 2000 with EXITMODELS_FULL_STUDY=1.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import exitmodels as xm

FULL = os.environ.get("EXITMODELS_FULL_STUDY") == "1"
WORLDS = 2000 if FULL else 200
LOW, HIGH = (0.93, 0.97) if FULL else (0.90, 0.99)
RATES = np.array([0.004, 0.003, 0.002])
ADDED = np.array([0.003, -0.001, 0.0])
DAY = 150


def inside(low: float, value: float, high: float) -> bool:
    return bool(low <= value <= high)


def world(rng: np.random.Generator, late: bool, n: int = 431) -> xm.Spells:
    """Three constant hazards to which x adds; half enter late if asked; censored within two years of entry."""
    parts: list[np.ndarray] = []
    while sum(part.shape[1] for part in parts) < n:
        x = rng.integers(0, 2, 4 * n).astype(float)
        hazards = RATES + np.outer(x, ADDED)
        stay = np.ceil(rng.exponential(1 / hazards.sum(axis=1)))
        share = np.cumsum(hazards, axis=1) / hazards.sum(axis=1)[:, None]
        cause = 1 + (rng.random(len(x))[:, None] > share).sum(axis=1)
        entry = (
            np.where(rng.random(len(x)) < 0.5, np.floor(rng.uniform(0, 120, len(x))), 0) if late else np.zeros(4 * n)
        )
        end = entry + np.ceil(rng.uniform(60, 730, len(x)))
        columns = [entry, np.minimum(stay, end), np.where(stay <= end, cause, 0), x]
        parts.append(np.stack(columns)[:, stay > entry])
    entry, exit, event, x = np.concatenate(parts, axis=1)[:, :n]
    columns = {"x": x.astype(int)}
    return xm.Spells(exit=exit, entry=entry, event=event.astype(int), causes=["a", "b", "c"], covariates=columns)


def truth(x: float) -> tuple[float, np.ndarray]:
    """Survival and incidences at DAY; exits are rounded up to whole days, so values at whole days are exact."""
    hazards = RATES + x * ADDED
    survival = float(np.exp(-hazards.sum() * DAY))
    return survival, hazards / hazards.sum() * (1 - survival)


def check(hits: dict[str, int], worlds: int = WORLDS) -> None:
    covered = {name: count / worlds for name, count in hits.items()}
    print(covered)
    assert all(LOW <= share <= HIGH for share in covered.values()), covered


@pytest.mark.slow
def test_coverage_of_additive_hazards() -> None:
    """Grouping to whole days biases hazards by half a day's worth: the truth per day is 1 - exp(-hazard) nearly."""
    rng = np.random.default_rng(20130301)
    names = ("constant", "robust constant", "cumulative", "robust cumulative", "predicted", "predicted constant")
    hits = dict.fromkeys(names, 0)
    for _ in range(WORLDS):
        spells = world(rng, late=True)
        constant = xm.LinYing("x", event="a").fit(spells)
        for name, fit in (("constant", constant), ("robust constant", constant.with_vcov("robust"))):
            limits = fit.conf_int()
            hits[name] += inside(limits.low["x"], ADDED[0], limits.high["x"])
        free = xm.AalenAdditive("x", event="a").fit(spells)
        for name, fit in (("cumulative", free), ("robust cumulative", free.with_vcov("robust"))):
            at = fit.cumulative_effects().query(f"term == 'x' and time <= {DAY}").iloc[-1]
            hits[name] += inside(at.lower, ADDED[0] * DAY, at.upper)
        alone = float(np.exp(-(RATES[0] + ADDED[0]) * DAY))
        for name, fit in (("predicted", free), ("predicted constant", constant)):
            at = fit.predict_survival({"x": [1]}).at(DAY)
            hits[name] += inside(at.lower[0], alone, at.upper[0])
    check(hits)


@pytest.mark.slow
def test_coverage_of_discrete_hazards() -> None:
    """Periods of ten days, logits constant over time; entry at the edges of periods."""
    rng = np.random.default_rng(431)
    beta = np.array([[-3.2, 0.5], [-3.5, -0.3], [-3.9, 0.0]])
    odds = {x: np.exp(beta @ [1, x]) for x in (0, 1)}
    share = {x: o / (1 + o.sum()) for x, o in odds.items()}
    stays = 1 - share[1].sum()
    incidence = share[1][0] * (1 - stays**15) / (1 - stays)
    hits = dict.fromkeys(("effect", "robust effect", "incidence", "survival"), 0)
    for _ in range(WORLDS):
        x = rng.integers(0, 2, 2000)
        stay = rng.geometric([share[v].sum() for v in x])
        cause = 1 + (rng.random(2000)[:, None] > np.cumsum([share[v] / share[v].sum() for v in x], axis=1)).sum(axis=1)
        entry = np.where(rng.random(2000) < 0.5, rng.integers(0, 12, 2000), 0)
        end = entry + rng.integers(6, 50, 2000)
        seen = np.flatnonzero(stay > entry)[:431]
        columns = {"x": x[seen]}
        event = np.where(stay <= end, cause, 0)[seen]
        spells = xm.Spells(
            exit=np.minimum(stay, end)[seen], entry=entry[seen], event=event, causes=["a", "b", "c"], covariates=columns
        )
        fit = xm.DiscreteHazard("x", baseline="period").fit(spells)
        for name, other in (("effect", fit), ("robust effect", fit.with_vcov("robust"))):
            limits = other.conf_int()
            hits[name] += inside(limits.low["a: x"], beta[0, 1], limits.high["a: x"])
        at = fit.predict_incidence({"x": [1]})[{"cause": "a"}].at(15)
        hits["incidence"] += inside(at.lower[0], incidence, at.upper[0])
        at = fit.predict_survival({"x": [1]}).at(15)
        hits["survival"] += inside(at.lower[0], stays**15, at.upper[0])
    check(hits)


@pytest.mark.slow
def test_coverage_of_pseudo_observations_and_direct_regression() -> None:
    """Nobody enters late. Differences and odds ratios of the incidence of reason a, and the mean stay up to DAY."""
    rng = np.random.default_rng(77)
    zero, one = truth(0)[1][0], truth(1)[1][0]
    odds = float(np.log(one / (1 - one)) - np.log(zero / (1 - zero)))

    def mean(rate: float) -> float:
        """Stays are rounded up: those who left by day 150 stayed half a day longer, nearly."""
        days = np.arange(DAY)
        return float(np.exp(-rate * days).sum())

    stay = mean((RATES + ADDED).sum()) - mean(RATES.sum())
    names = ("difference", "corrected difference", "odds", "direct", "direct squares", "mean stay")
    hits = dict.fromkeys(names, 0)
    for _ in range(WORLDS):
        spells = world(rng, late=False)
        made = xm.PseudoRegression("x", kind="incidence", event="a", times=DAY).fit(spells)
        for name, fit in (("difference", made), ("corrected difference", made.with_vcov("corrected"))):
            limits = fit.conf_int()
            hits[name] += inside(limits.low["x"], one - zero, limits.high["x"])
        fits = {
            "odds": xm.PseudoRegression("x", kind="incidence", event="a", times=DAY, link="logit"),
            "direct": xm.DirectBinomial("x", event="a", times=DAY),
            "direct squares": xm.DirectBinomial("x", event="a", times=DAY, working="constant"),
        }
        for name, model in fits.items():
            limits = model.fit(spells).conf_int()
            hits[name] += inside(limits.low["x"], odds, limits.high["x"])
        limits = xm.PseudoRegression("x", kind="rmst", event="any", times=DAY).fit(spells).conf_int()
        hits["mean stay"] += inside(limits.low["x"], stay, limits.high["x"])
    check(hits)
