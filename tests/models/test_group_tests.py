"""Max-combo, Renyi, permutation, one-sample and pairwise tests."""

from __future__ import annotations

from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import exitmodels as xm


@pytest.fixture
def world() -> pd.DataFrame:
    rng = np.random.default_rng(17)
    n = 80
    entry = np.where(rng.random(n) < 0.5, rng.integers(0, 6, n), 0)
    data = {"entry": entry, "exit": entry + rng.integers(1, 25, n), "event": rng.integers(0, 2, n)}
    more = {
        "g": rng.integers(0, 2, n),
        "h": rng.integers(0, 3, n),
        "s": rng.integers(0, 2, n),
        "w": rng.integers(1, 3, n),
    }
    return pd.DataFrame({**data, **more})


def read(data: pd.DataFrame, entry: str | None = "entry", **more: object) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="exit", entry=entry, event="event", **more)


TESTS = {
    "maxcombo": xm.maxcombo_test,
    "renyi": xm.renyi_test,
    "permutation": lambda s, by, **more: xm.permutation_test(s, by, law="normal", **more),
}


@pytest.mark.parametrize("name", TESTS)
def test_weights_order_and_units(world: pd.DataFrame, name: str) -> None:
    run = TESTS[name]
    copies = world.loc[world.index.repeat(world.w)]
    one = run(read(world, weight="w"), "g", strata="s")
    for other in (
        copies,
        copies.sample(frac=1, random_state=1),
        copies.assign(entry=copies.entry * 7, exit=copies.exit * 7),
    ):
        two = run(read(other), "g", strata="s")
        assert_allclose([one.statistic, one.pvalue], [two.statistic, two.pvalue], rtol=1e-8)


@pytest.mark.parametrize("name", ["maxcombo", "renyi"])
def test_cutting_spells_changes_nothing(world: pd.DataFrame, name: str) -> None:
    spells = read(world)
    one, two = (TESTS[name](s, "g") for s in (spells, spells.split([3, 8, 15])))
    assert_allclose([one.statistic, one.pvalue], [two.statistic, two.pvalue], rtol=1e-9)


@pytest.mark.parametrize("name", TESTS)
def test_a_copy_of_the_data_as_a_second_stratum_doubles_the_score(world: pd.DataFrame, name: str) -> None:
    twice = pd.concat([world.assign(s=0), world.assign(s=1)])
    one, two = TESTS[name](read(world), "g"), TESTS[name](read(twice), "g", strata="s")
    power = 0.5 if name == "renyi" else 1.0
    assert_allclose(two.statistic, one.statistic * 2**power, rtol=1e-9)


def test_maxcombo_holds_the_logrank_statistics(world: pd.DataFrame) -> None:
    spells = read(world)
    weights = [(0, 0), (0, 1), "gehan", (1, 0.5)]
    for by in ("g", "h"):
        test = xm.maxcombo_test(spells, by, weights=weights)
        alone = [
            xm.logrank_test(spells, by),
            xm.logrank_test(spells, by, weights="fh", gamma=1),
            xm.logrank_test(spells, by, weights="gehan"),
            xm.logrank_test(spells, by, weights="fh", rho=1, gamma=0.5),
        ]
        assert_allclose(test.detail["statistic"], [t.statistic for t in alone], rtol=1e-8)
        assert_allclose(test.detail["p alone"], [t.pvalue for t in alone], rtol=1e-8)
        smallest = min(t.pvalue for t in alone)
        assert smallest < test.pvalue < min(1, 4 * smallest)
        single = xm.maxcombo_test(spells, by, weights=["logrank"])
        assert_allclose(single.pvalue, alone[0].pvalue, rtol=1e-9)


def test_the_joint_covariance_of_two_weights_is_that_of_permutations() -> None:
    """Without censoring and ties, labels are exchangeable: the mean of the covariances is that of the scores."""
    exits = np.arange(1, 8)
    scores, covariances = [], []
    for chosen in combinations(range(7), 3):
        g = np.isin(np.arange(7), chosen).astype(int)
        spells = xm.Spells(exit=exits, covariates={"g": g})
        detail = xm.maxcombo_test(spells, "g", weights=[(0, 0), (0, 1)]).detail
        scores.append(detail["score"][:, 0])
        covariances.append(detail["covariance"][:, 0, :, 0])
    assert_allclose(np.mean(covariances, axis=0), np.cov(np.array(scores).T, bias=True), rtol=1e-9)


def test_renyi_follows_the_path_by_definition(world: pd.DataFrame) -> None:
    total, variance, highest = 0.0, 0.0, 0.0
    for t in np.sort(world.exit[world.event == 1].unique()):
        there = world[(world.entry < t) & (world.exit >= t)]
        gone = there[(there.exit == t) & (there.event == 1)]
        n, n0, d, d0 = len(there), (there.g == 0).sum(), len(gone), (gone.g == 0).sum()
        total += n * (d0 - d * n0 / n)
        variance += n**2 * (d * n0 / n * (1 - n0 / n) * (n - d) / (n - 1) if n > 1 else 0)
        highest = max(highest, abs(total))
    test = xm.renyi_test(read(world), "g", weights="gehan")
    assert_allclose(test.statistic, highest / np.sqrt(variance), rtol=1e-10)
    assert_allclose(test.detail["path"][-1, 1:], [total, variance], rtol=1e-9)


def test_permutations_written_out() -> None:
    """Every order of the labels within strata, with the log-rank score taken from logrank_test."""
    exits, events, strata = [2, 2, 3, 5, 1, 4, 4], [1, 1, 0, 1, 1, 1, 0], [0, 0, 0, 0, 1, 1, 1]
    group = np.array([0, 1, 1, 0, 0, 1, 1])

    def score(g: np.ndarray) -> float:
        spells = xm.Spells(exit=exits, event=events, covariates={"g": g, "s": strata})
        return float(xm.logrank_test(spells, "g", strata="s").detail["score"][0])

    seen = [
        score(np.array([*first, *second])) for first in permutations(group[:4]) for second in permutations(group[4:])
    ]
    mean = np.mean(seen)
    exact = np.mean(np.abs(np.array(seen) - mean) >= abs(score(group) - mean) - 1e-9)
    spells = xm.Spells(exit=exits, event=events, covariates={"g": group, "s": strata})
    test = xm.permutation_test(spells, "g", strata="s", law="exact")
    assert_allclose(test.pvalue, exact, rtol=1e-9)
    assert_allclose(test.detail["covariance"][0, 0], np.var(seen), rtol=1e-9)
    drawn = xm.permutation_test(spells, "g", strata="s", law="drawn", n_draws=20_000, rng=1)
    # 20,000 draws
    assert abs(drawn.pvalue - exact) < 0.02


@pytest.mark.parametrize("family", ["logrank", "gehan", "prentice"])
def test_average_scores_are_averages_over_broken_ties(family: str) -> None:
    """Break the ties of three exits and two others in every order, in time, and average the scores."""
    exits, events = np.array([1.0, 2, 2, 2, 3, 3, 4]), np.array([1, 1, 1, 1, 1, 1, 0])
    group = np.array([0, 1, 0, 0, 1, 0, 1])
    sums = []
    for a in permutations(range(3)):
        for b in permutations(range(2)):
            moved = exits.copy()
            moved[1:4] += 0.1 * np.array(a)
            moved[4:6] += 0.1 * np.array(b)
            spells = xm.Spells(exit=moved, event=events, covariates={"g": group})
            sums.append(xm.permutation_test(spells, "g", weights=family, law="normal").detail["score"][0])
    spells = xm.Spells(exit=exits, event=events, covariates={"g": group})
    test = xm.permutation_test(spells, "g", weights=family, ties="average", law="normal")
    assert_allclose(test.detail["score"][0], np.mean(sums), rtol=1e-9)


def test_permutation_under_late_entry_and_three_groups(world: pd.DataFrame) -> None:
    test = xm.permutation_test(read(world), "h", rng=1, n_draws=4999)
    normal = xm.permutation_test(read(world), "h", law="normal")
    assert "alike in when people enter" in test.warnings[0]
    # 4,999 draws against the normal law
    assert abs(test.pvalue - normal.pvalue) < 0.04
    assert test.statistic == normal.statistic
    with pytest.raises(xm.DataError, match="more than two groups"):
        xm.permutation_test(read(world), "h", law="exact")
    split = read(world).split(5)
    with pytest.raises(xm.DataError, match="belong together"):
        xm.permutation_test(split, "g")


def test_one_sample_by_hand() -> None:
    spells = xm.Spells(
        exit=[4, 10, 6], entry=[1, 0, 2], event=[1, 1, 0], covariates={"g": list("aab"), "e": [0.3, 1.0, 0.4]}
    )
    test = xm.one_sample_logrank_test(spells, 0.1)
    assert_allclose(test.detail["expected"], 0.1 * (3 + 10 + 4))
    assert_allclose(test.statistic, (2 - 1.7) ** 2 / 1.7)
    assert_allclose(test.detail["low"], stats.chi2.ppf(0.025, 4) / 2 / 1.7)
    for other in (
        xm.one_sample_logrank_test(spells, lambda t: 0.1 * t),
        xm.one_sample_logrank_test(spells, lambda t: np.exp(-0.1 * t), of="survival"),
        xm.one_sample_logrank_test(spells, "e"),
        xm.one_sample_logrank_test(spells.split([3, 5]), 0.1),
    ):
        assert_allclose(other.statistic, test.statistic, rtol=1e-12)
    groups = xm.one_sample_logrank_test(spells, 0.1, by="g", variance="average")
    assert groups.df == 2
    assert_allclose(groups.statistic, (2 - 1.3) ** 2 / 1.65 + 0.4**2 / 0.2)
    robust = xm.one_sample_logrank_test(spells, 0.1, variance="robust")
    assert_allclose(robust.detail["covariance"], 0.7**2 + 0.0 + 0.4**2)


def test_one_sample_with_weights_clusters_and_curves() -> None:
    rng = np.random.default_rng(3)
    columns = {
        "t": rng.integers(1, 20, 60),
        "e": rng.integers(0, 2, 60),
        "w": rng.integers(1, 4, 60),
        "c": rng.integers(0, 9, 60),
    }
    data = pd.DataFrame(columns)
    copies = data.loc[data.index.repeat(data.w)]

    def ask(frame: pd.DataFrame, **more: str) -> xm.results.hypothesis.HypothesisTest:
        variance = more.pop("variance", None)
        spells = xm.Spells.from_frame(frame, exit="t", event="e", **more)
        return xm.one_sample_logrank_test(spells, 0.05, variance=variance)

    for kind in ("expected", "robust"):
        assert_allclose(ask(data, weight="w", variance=kind).statistic, ask(copies, variance=kind).statistic)
    same = copies.assign(c=copies.index)
    sampled = ask(data, weight="w", weights="sampling")
    clustered = ask(same, cluster="c", variance="cluster")
    assert_allclose(sampled.statistic, clustered.statistic, rtol=1e-10)
    assert_allclose(sampled.detail["low"], clustered.detail["low"], rtol=1e-10)
    spells = xm.Spells.from_frame(data, exit="t", event="e")
    for curve in (xm.NelsonAalen().fit(spells), xm.NelsonAalen().fit(spells).survival()):
        own = xm.one_sample_logrank_test(spells, curve)
        assert_allclose(own.detail["expected"], own.detail["observed"], rtol=1e-10)  # martingale residuals sum to zero
    with pytest.raises(xm.DataError, match="known until"):
        xm.one_sample_logrank_test(xm.Spells(exit=[90], event=[1]), curve)


def test_what_cannot_be_expected() -> None:
    spells = xm.Spells(exit=[4, 6], event=[1, 0], covariates={"e": [0.5, -1.0]})
    with pytest.raises(xm.DataError, match="negative, infinite or missing") as caught:
        xm.one_sample_logrank_test(spells, "e")
    assert caught.value.rows == (1,)
    with pytest.raises(xm.DataError, match="exceeds 1"):
        xm.one_sample_logrank_test(spells, lambda t: 1 + t, of="survival")
    with pytest.raises(xm.DataError, match="No exit is expected"):
        xm.one_sample_logrank_test(spells, 0.0)
    with pytest.raises(xm.DataError, match="values for 2 times"):
        xm.one_sample_logrank_test(spells, lambda t: np.ones(5))
    with pytest.raises(xm.DataError, match="of='odds'"):
        xm.one_sample_logrank_test(spells, 0.1, of="odds")
    with pytest.raises(xm.DataError, match="variance='best'"):
        xm.one_sample_logrank_test(spells, 0.1, variance="best")
    with pytest.raises(xm.DataError, match="no clusters"):
        xm.one_sample_logrank_test(spells, 0.1, variance="cluster")
    with pytest.raises(xm.DataError, match="no expected hazard"):
        xm.one_sample_logrank_test(spells, xm.AalenJohansen().fit(spells))


def test_pairs(world: pd.DataFrame, tmp_path: Path) -> None:
    spells = read(world)
    found = xm.pairwise_tests(spells, "h", strata="s")
    p = []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        p.append(xm.logrank_test(read(world[world.h.isin([a, b])]), "h", strata="s").pvalue)
    assert_allclose(found.p, p)
    order = np.argsort(p)
    holm = np.empty(3)
    holm[order] = np.minimum(np.maximum.accumulate(np.array([3, 2, 1]) * np.array(p)[order]), 1)
    assert_allclose(found.adjusted, holm)
    assert_allclose(found.with_adjustment("bonferroni").adjusted, np.minimum(3 * np.array(p), 1))
    assert_allclose(found.matrix().loc["h=2", "h=0"], found.pvalues["h=2 vs h=0"])
    assert found.ledger.n_set_aside == 0
    versus = xm.pairwise_tests(spells, "h", "gehan", versus="h=1")
    assert versus.pairs.tolist() == [[1, 0], [1, 2]]
    for test in ("maxcombo", "renyi"):
        assert len(xm.pairwise_tests(spells, "h", test).p) == 3
    named = xm.pairwise_tests(spells, "h", lambda s, by, **_: xm.renyi_test(s, by), method="fdr_bh")
    assert_allclose(named.p, xm.pairwise_tests(spells, "h", "renyi").p)
    drawn = [xm.pairwise_tests(spells, "h", "permutation", law="drawn", rng=5).p for _ in range(2)]
    assert_allclose(drawn[0], drawn[1])
    found.save(tmp_path / "p.json")
    assert str(xm.load(tmp_path / "p.json")) == str(found)
    assert "Holm" in found.cite()
    assert found.to_latex().count(r"\\") == 4
    assert found.to_markdown().count("\n") == 4
    assert "<table>" in found.to_html()
    for wrong, words in (
        ({"versus": "x"}, "no group 'x'"),
        ({"test": "guess"}, "not known"),
        ({"method": "guess"}, "method="),
    ):
        with pytest.raises(xm.DataError, match=words):
            xm.pairwise_tests(spells, "h", **wrong)


@pytest.mark.parametrize("name", TESTS)
def test_comparisons_that_cannot_be_made(world: pd.DataFrame, name: str) -> None:
    run = TESTS[name]
    with pytest.raises(xm.DataError, match="one group only"):
        run(read(world[world.g == 0]), "g")
    with pytest.raises(xm.DataError, match="Nobody left"):
        run(read(world.assign(event=0)), "g")
    with pytest.raises(xm.DataError, match="sampling weights"):
        run(read(world, weight="w", weights="sampling"), "g")
    with pytest.raises(xm.DataError, match="compared"):
        run(
            xm.Spells(exit=[2, 3, 9, 10], entry=[0, 0, 5, 5], covariates={"g": [0, 0, 1, 1], "s": [0, 0, 1, 1]}),
            "g",
            strata="s",
        )
    with pytest.raises(xm.SchemeError, match="would be biased"):
        run(xm.Spells(exit=[1, 2], right_limit=[3, 3], covariates={"g": [0, 1]}), "g")
    with pytest.raises(xm.DataError, match="not known"):
        run(read(world), "g", **({"weights": ["x"]} if name == "maxcombo" else {"weights": "x"}))
    if name == "renyi":
        with pytest.raises(xm.DataError, match="two groups; there are 3"):
            run(read(world), "h")
    test = run(read(world), "g")
    assert "test" in str(test)
    assert len(test.to_frame()) >= 1
    assert test.cite().count("\n") >= 1
