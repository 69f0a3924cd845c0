"""Kernels of assessment against slow definitions and numerical derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, ndtri

import exitmodels as xm
from exitmodels.kernels.calibrate import cloglog, fit_line, inverse_cloglog, observed_risk, quantile_groups
from exitmodels.kernels.concordance import pair_counts
from exitmodels.kernels.explained import gonen_heller, normal_scores
from exitmodels.kernels.ipcw import by_cox, by_groups, clock, known_at
from exitmodels.kernels.pairs import inverted_sums
from exitmodels.kernels.places import TIME_WEIGHTS, moments, time_weights
from exitmodels.kernels.products import aalen_johansen
from exitmodels.kernels.scores import Scored, brier_score, covariance, dynamic_auc, roc_points
from exitmodels.kernels.tables import event_table


@pytest.mark.parametrize(("n", "top"), [(1, 3), (2, 1), (7, 4), (300, 100), (700, 90_000), (2500, 5_000_000), (900, 3)])
@pytest.mark.parametrize("kind", ["ones", "signs", "real"])
def test_inverted_sums_by_their_definition(n: int, top: int, kind: str) -> None:
    rng = np.random.default_rng([n, top])
    codes = rng.integers(0, top, n)
    draw = {
        "ones": lambda: np.ones(n),
        "signs": lambda: rng.integers(-1, 2, n).astype(float),
        "real": lambda: rng.normal(size=n),
    }[kind]
    left, right = draw(), draw()
    pairs = np.triu(codes[:, None] > codes, 1)
    before, after = inverted_sums(codes, left, right)
    assert_allclose(before, left @ pairs, rtol=1e-12, atol=1e-9)
    assert_allclose(after, pairs @ right, rtol=1e-12, atol=1e-9)


def people(seed: int, n: int = 60, delayed: bool = True, real: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    exit = rng.exponential(8, n) + 1 if real else rng.integers(2, 15, n).astype(float)
    entry = np.where(rng.random(n) < 0.5, 0.0, np.floor(exit * rng.random(n) * 0.9)) if delayed else None
    return {
        "entry": entry,
        "exit": exit,
        "event": rng.random(n) < 0.6,
        "score": rng.normal(size=n) if real else rng.integers(0, 6, n).astype(float),
        "weight": rng.integers(1, 4, n).astype(float),
        "stratum": rng.integers(0, 3, n),
    }


def slow_pairs(p: dict[str, Any], weight: np.ndarray, per_row: np.ndarray) -> np.ndarray:
    """Concordant, discordant and tied pairs, weighted, one comparison at a time."""
    out = np.zeros(3)
    for i in np.flatnonzero(p["event"]):
        for j in range(len(weight)):
            if j == i or p["stratum"][j] != p["stratum"][i]:
                continue
            t = p["exit"][i]
            later = p["exit"][j] > t or (p["exit"][j] == t and not p["event"][j])
            if not later or (p["entry"] is not None and p["entry"][j] >= t):
                continue
            kind = 2 if p["score"][i] == p["score"][j] else int(p["score"][i] < p["score"][j])
            out[kind] += weight[i] * weight[j] * per_row[i]
    return out


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("real", [False, True])
def test_pairs_and_their_influence_by_definition(delayed: bool, real: bool) -> None:
    p = people(3, delayed=delayed, real=real)
    places = moments(p["entry"], p["exit"], p["event"], p["weight"], p["stratum"], 3)
    per_time = time_weights(places, "n", tau=11.0)
    found = pair_counts(places, p["score"], p["weight"], per_time, p["stratum"])
    per_row = (p["exit"] <= 11.0).astype(float)
    assert_allclose(found.counts[:, :3].sum(axis=0), slow_pairs(p, p["weight"], per_row))
    for i in (0, 5, 17, 40):
        step = 1e-3 * (np.arange(60) == i)
        slope = (slow_pairs(p, p["weight"] + step, per_row) - slow_pairs(p, p["weight"] - step, per_row)) / 2e-3
        assert_allclose(found.influence[i], slope, atol=1e-7)


@pytest.mark.parametrize("kind", TIME_WEIGHTS)
def test_time_weights_in_strata_are_those_of_each_stratum_alone(kind: str) -> None:
    p = people(8, delayed=False)
    places = moments(None, p["exit"], p["event"], p["weight"], p["stratum"], 3)
    whole = pair_counts(places, p["score"], p["weight"], time_weights(places, kind), p["stratum"])
    for s in range(3):
        own = p["stratum"] == s
        part = moments(None, p["exit"][own], p["event"][own], p["weight"][own])
        alone = pair_counts(part, p["score"][own], p["weight"][own], time_weights(part, kind))
        assert_allclose(whole.counts[s], alone.counts[0])
        assert_allclose(whole.spread[s], alone.spread[0])
        assert_allclose(whole.influence[own], alone.influence, atol=1e-12)


def test_time_weights_by_hand() -> None:
    """Exits at 1, 3, 4 and a censoring at 2: S(t-) = 1, 3/4, 3/8; G(t-) = 1, 2/3, 2/3; at risk 4, 2, 1."""
    places = moments(None, np.array([1, 2, 3, 4]), np.array([True, False, True, True]), np.ones(4))
    expected = {
        "n": [1, 1, 1],
        "S": [1, 4 * 0.75 / 2, 4 * 0.375],
        "S/G": [1, 4 * 0.75 / 2 * 1.5, 4 * 0.375 * 1.5],
        "n/G2": [1, 2.25, 2.25],
        "I": [0.25, 0.5, 1],
    }
    for kind, values in expected.items():
        assert_allclose(time_weights(places, kind)[places.kind == 0], values)


def test_spread_of_ranks_by_definition() -> None:
    """Sum over exits of the squared differences between lower and higher scores of all at risk, over their number."""
    p = people(5, delayed=True)
    one = np.ones(60)
    places = moments(p["entry"], p["exit"], p["event"], one)
    found = pair_counts(places, p["score"], one, time_weights(places))
    total = 0.0
    for i in np.flatnonzero(p["event"]):
        there = (p["exit"] >= p["exit"][i]) & (p["entry"] < p["exit"][i])
        x = p["score"][there]
        total += np.sum((np.sum(x < x[:, None], axis=1) - np.sum(x > x[:, None], axis=1)) ** 2) / there.sum()
    assert_allclose(found.spread.sum(), total)


# ---- scores ------------------------------------------------------------------------------------------------------
N = 60


def cohort() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=N).round(1)
    stay, end = np.ceil(rng.exponential(size=N) * np.exp(-x) * 10), np.ceil(rng.exponential(size=N) * 12)
    event = np.where(stay <= end, 1 + (rng.random(N) < 0.3), 0)
    weight, group = rng.integers(1, 4, N).astype(float), rng.integers(0, 2, N)
    return {"x": x, "exit": np.minimum(stay, end), "event": event, "weight": weight, "group": group}


def scored(weight: np.ndarray, kind: str, law: str, same_day: str) -> Scored:
    c = cohort()
    when = clock(c["exit"], c["event"])
    if law == "cox":
        columns = {"x": c["x"], "g": c["group"]}
        hidden = xm.Spells(when.place + 1, c["event"] == 0, weight=weight, weights="sampling", covariates=columns)
        fitted = xm.Cox("x + strata(g)", ties="breslow", tol=1e-13).fit(hidden).fitted
        assert fitted is not None
        assert fitted.terms is not None
        censored = by_cox(fitted.data, fitted.terms, np.linalg.inv(fitted.terms.information), fitted.stratum)
    else:
        censored = by_groups(when, c["event"], weight, *((c["group"], 2) if law == "groups" else (None, 1)))
    known = known_at(when, c["event"], censored, 8.0, same_day)
    if kind == "brier":
        return brier_score(known, censored, weight, expit(c["x"] + 0.3)[:, None], 1)
    if kind in ("event-free", "all"):
        return dynamic_auc(known, censored, weight, np.column_stack([c["x"], -(c["x"] ** 2)]), 1, kind)
    points = roc_points(known, censored, weight, c["x"], 1, np.array([-0.5, 0.4]))
    names = ("sensitivity", "specificity", "ppv", "npv")
    return Scored(np.concatenate([points[name] for name in names]), points["influence"])


@pytest.mark.parametrize("kind", ["brier", "event-free", "all", "roc"])
@pytest.mark.parametrize(("law", "same_day"), [("one", "known"), ("groups", "lost"), ("cox", "known")])
def test_influences_are_derivatives(kind: str, law: str, same_day: str) -> None:
    weight = cohort()["weight"]
    found = scored(weight, kind, law, same_day)
    assert_allclose(weight @ found.influence, 0.0, atol=1e-12)
    for i in range(0, N, 7):
        step = 1e-5 * (np.arange(N) == i)
        there, back = scored(weight + step, kind, law, same_day), scored(weight - step, kind, law, same_day)
        assert_allclose(found.influence[i], (there.value - back.value) / 2e-5, atol=1e-8)


def test_covariance_counts_people_rows_or_clusters() -> None:
    influence = np.array([[1.0], [-0.5], [0.5]])
    weight = np.array([1.0, 3.0, 1.0])
    repeated = np.repeat(influence, [1, 3, 1], axis=0)
    assert_allclose(covariance(influence, weight, True), covariance(repeated, np.ones(5), True))
    assert_allclose(covariance(influence, weight, False), 1.5 * (1 + 2.25 + 0.25))
    assert_allclose(covariance(influence, weight, True, np.array([4, 4, 9])), 2 * (0.25 + 0.25))


# ---- calibration and explained variation -------------------------------------------------------------------------
def test_weighted_share_is_the_aalen_johansen_estimate() -> None:
    c = cohort()
    when = clock(c["exit"], c["event"])
    own = by_groups(when, c["event"], c["weight"], c["group"], 2)
    risk, size = observed_risk(known_at(when, c["event"], own, 8.0), c["weight"], 1, c["group"], 2)
    for g in range(2):
        here = c["group"] == g
        table = event_table(c["exit"][here], c["event"][here], 2, None, c["weight"][here])
        _, incidence = aalen_johansen(table.at_risk, table.events)
        assert_allclose(risk[g], incidence[0][table.time <= 8][-1])
        assert_allclose(size[g], c["weight"][here].sum())


def test_quantile_groups_keep_equal_values_together() -> None:
    assert quantile_groups(np.arange(10.0), np.ones(10), 5).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert quantile_groups(np.array([1.0, 1, 1, 1, 2]), np.ones(5), 4).tolist() == [0, 0, 0, 0, 1]
    assert quantile_groups(np.array([1.0, 2, 3]), np.array([8.0, 1, 1]), 2).tolist() == [0, 1, 1]


def test_the_line_solves_its_equation_and_finds_the_truth() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    truth = inverse_cloglog(-0.4 + 0.7 * x)
    columns, weight = np.column_stack([np.ones(400), x]), rng.integers(1, 3, 400).astype(float)
    exact = fit_line(truth, columns, weight)
    assert exact.converged
    assert_allclose(exact.estimate, [-0.4, 0.7], rtol=1e-8)
    assert_allclose(cloglog(truth), -0.4 + 0.7 * x, rtol=1e-10)
    noisy = truth + rng.normal(size=400) * 0.002
    line = fit_line(noisy, columns, weight)
    for i in (0, 9):
        step = 1e-4 * (np.arange(400) == i)
        slope = (
            fit_line(noisy, columns, weight + step).estimate - fit_line(noisy, columns, weight - step).estimate
        ) / 2e-4
        assert_allclose(line.influence[i], slope, rtol=0.02)  # the expected slope stands for the observed one


@pytest.mark.parametrize("copies", [True, False])
def test_gonen_and_heller_by_pairs(copies: bool) -> None:
    rng = np.random.default_rng(0)
    line = np.concatenate([3 * rng.normal(size=150), [0, 0, 1, 1, 200.0]])
    weight = rng.integers(1, 4, len(line)).astype(float)
    if copies:
        line_of, w = np.repeat(line, weight.astype(int)), None
    else:
        line_of, w = line, weight
    pairs = np.triu(np.ones((len(line_of),) * 2, bool), 1)
    values = expit(np.abs(line_of[:, None] - line_of))[pairs]
    expected = values.mean() if w is None else np.average(values, weights=np.outer(w, w)[pairs])
    assert_allclose(gonen_heller(line, weight, copies), expected, rtol=1e-13)


def test_normal_scores_by_hand() -> None:
    """Ranks 1, 2-3 (tied), 4: Blom's scores of 1 to 4 out of 4, the tied ones averaged."""
    blom = ndtri((np.arange(1, 5) - 0.375) / 4.25)
    values = np.array([5.0, 1.0, 5.0 * (1 + 1e-15), 9.0])
    one = np.ones(4)
    assert_allclose(
        normal_scores(values, one, True), [blom[1:3].mean(), blom[0], blom[1:3].mean(), blom[3]], atol=1e-15
    )
    assert_allclose(normal_scores(values, one, True, average=False)[0], 0.0, atol=1e-15)
    weighted = normal_scores(np.array([1.0, 2.0]), np.array([3.0, 1.0]), True)
    assert_allclose(weighted, [blom[:3].mean(), blom[3]])
    shares = normal_scores(np.arange(2000.0), np.ones(2000), False)
    # two conventions of the scores, which meet as n grows
    assert_allclose(shares, normal_scores(np.arange(2000.0), np.ones(2000), True), atol=0.04)
