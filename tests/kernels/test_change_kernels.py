"""Segmentation kernels against slow definitions, enumerations and simulation-free identities."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from exitmodels.kernels.cusum import average_run_length, cusum_path, limit_for, run_length_law
from exitmodels.kernels.onechange import drawn_maxima, exceeds, ratio_profile, set_exact
from exitmodels.kernels.outbreak import baseline_rows, season_blocks
from exitmodels.kernels.partition import METHODS, optimal_partition
from exitmodels.kernels.segmentations import gamma_evidence, run_lengths, segmentations
from exitmodels.kernels.segmentcost import Cost, meanvar_cost, multinomial_cost, negbin_cost, normal_cost, poisson_cost
from exitmodels.kernels.structural import argmax_law, best_breaks, sup_f_pvalue


def slow_partition(sums, cost, penalty, shortest, lengthwise):
    """Optimal partitioning as it is defined, one end after another, nothing forgotten."""
    n = sums.shape[1] - 1
    best, last = [-penalty] + [np.inf] * n, [0] * (n + 1)
    for t in range(1, n + 1):
        for s in range(t - shortest + 1):
            extra = np.log(t - s) if lengthwise else 0.0
            value = best[s] + float(cost.evaluate(sums[:, t] - sums[:, s])) + penalty + extra
            if value < best[t] - 1e-12:
                best[t], last[t] = value, s
    cuts, t = [], n
    while last[t]:
        t = last[t]
        cuts.append(t)
    return cuts[::-1], best[n]


def cumulated(*rows):
    table = np.vstack(rows)
    return np.concatenate([np.zeros((len(table), 1)), np.cumsum(table, axis=1)], axis=1)


def some_series(kind, rng):
    n = int(rng.integers(8, 130))
    level = np.repeat(rng.gamma(2, 2, 4), -(-n // 4))[:n]
    exposure = rng.uniform(0.5, 2, n)
    counts = rng.poisson(level * exposure)
    if kind in ("poisson", "negbin"):
        cost = poisson_cost if kind == "poisson" else negbin_cost(3.0)
        return cumulated(counts, exposure), Cost(cost, (0, 1), 1)
    x = level + rng.normal(size=n)
    if kind == "gaussian":
        return cumulated(x, np.ones(n)), Cost(normal_cost, (1,), 1)
    if kind == "meanvar":
        return cumulated(x, x * x, np.ones(n)), Cost(meanvar_cost, (2,), 2, 2)
    table = rng.multinomial(4, [0.2, 0.3, 0.5], n).T
    table[:, n // 2 :] = table[::-1, n // 2 :]
    return cumulated(table), Cost(multinomial_cost, (0, 1, 2), 2)


@pytest.mark.parametrize("kind", ["poisson", "negbin", "gaussian", "meanvar", "multinomial"])
@pytest.mark.parametrize("lengthwise", [False, True])
def test_partition_is_the_best_of_all(kind, lengthwise):
    rng = np.random.default_rng(431)
    for _ in range(8):
        sums, cost = some_series(kind, rng)
        penalty, shortest = rng.uniform(0.3, 8), int(rng.integers(cost.shortest, 6))
        cuts, total = slow_partition(sums, cost, penalty, shortest, lengthwise)
        for method in METHODS:
            block = int(rng.integers(2, 60))
            found = optimal_partition(sums, cost, penalty, shortest, lengthwise=lengthwise, method=method, block=block)
            assert_allclose(found[1], total, rtol=1e-9, atol=1e-8)
            assert found[0].tolist() == cuts


def test_exact_pvalue_by_enumeration():
    """All 4^5 ways in which 5 events can fall into 4 uneven periods."""
    exposure = np.array([1.0, 2.0, 0.5, 1.5])
    among = np.ones(3, dtype=bool)
    ways = [np.bincount(w, minlength=4) for w in itertools.product(range(4), repeat=5)]
    chance = np.array([np.prod((exposure / 5) ** w) for w in ways])
    top = np.array([ratio_profile(np.array(w), exposure).max() for w in ways])
    for bound in np.unique(top.round(9)):
        assert_allclose(exceeds(exposure, 5, bound, among), chance[top >= bound - 1e-8].sum(), rtol=1e-12)


def test_set_of_dates_by_simulation():
    y, e = np.array([3, 5, 2, 4, 9, 8, 7]), np.array([1, 1, 2, 1, 1, 2, 1.0])
    among = np.ones(6, dtype=bool)
    p = set_exact(y, e, among)
    top = ratio_profile(y, e).max()
    for k in range(6):
        drawn = drawn_maxima(y, e, among, 20000, np.random.default_rng(k), k)
        share = (drawn >= top - 1e-9).mean()
        assert abs(share - p[k]) < 4 * np.sqrt(p[k] * (1 - p[k]) / 20000) + 1e-12


def test_posterior_by_enumeration():
    """All 2^6 segmentations of 7 periods, one by one."""
    y, e = np.array([2.0, 0, 1, 5, 6, 0, 1]), np.array([1, 2, 1, 1, 0.5, 1, 1])
    evidence = gamma_evidence(y, e, 0.7, 1.3)
    total, change, number = 0.0, np.zeros(6), np.zeros(7)
    for cuts in itertools.product([0, 1], repeat=6):
        edges = [0, *(np.flatnonzero(cuts) + 1), 7]
        weight = np.exp(sum(evidence(int(b), np.array([a]))[0] for a, b in itertools.pairwise(edges)))
        weight *= 0.2 ** sum(cuts) * 0.8 ** (6 - sum(cuts))
        total, change = total + weight, change + weight * np.array(cuts)
        number[sum(cuts)] += weight
    found = segmentations(evidence, 7, 0.2, 6)
    assert_allclose(found.log_evidence, np.log(total), rtol=1e-12)
    assert_allclose(found.change, change / total, rtol=1e-12)
    assert_allclose(found.number, number / total, rtol=1e-12)


def test_forgetting_short_chances_changes_little():
    rng = np.random.default_rng(2)
    y = rng.poisson(np.repeat([2.0, 6.0], 40))
    s = np.append(0, np.cumsum(y))

    def predictive(t, starts):
        b = 1.0 + t - starts
        return stats.nbinom.logpmf(y[t], 0.5 + s[t] - s[starts], b / (b + 1))

    exact, scale = run_lengths(predictive, 80, 0.02)
    quick, close = run_lengths(predictive, 80, 0.02, keep=1e-8)
    assert_allclose(close.sum(), scale.sum(), atol=1e-6)
    assert_allclose(quick[-1], exact[-1], atol=1e-6)
    assert_allclose([run.sum() for run in exact], 1.0, rtol=1e-12)


def test_run_lengths_of_the_chain_agree_with_each_other():
    """The mean is the sum of the chances of no alarm; a limit for a run length is the smallest that reaches it."""
    left = run_length_law(4.0, 4.95, np.inf, 6.0, 4000)
    assert_allclose(1 + left.sum(), average_run_length(4.0, 4.95, np.inf, 6.0), rtol=1e-9)
    h = limit_for(200, 4.0, 4.95, np.inf, 20, True)
    assert average_run_length(4.0, 4.95, np.inf, h) >= 200 > average_run_length(4.0, 4.95, np.inf, h - 0.05)


def test_run_length_by_simulation():
    rng = np.random.default_rng(5)
    lengths = []
    for _ in range(1500):
        path, alarms = cusum_path(rng.poisson(5.5, 400) - 4.95, 6.0, False)
        lengths.append(alarms[0] + 1)
        assert (path >= 0).all()
    exact = average_run_length(5.5, 4.95, np.inf, 6.0)
    assert abs(np.mean(lengths) - exact) < 4 * np.std(lengths) / np.sqrt(1500)


def test_blocks_of_the_season():
    """Windows of 7 weeks and 9 blocks of 5 weeks make 52; the window belongs to the last block."""
    block = season_blocks(300, 52, 4, 3, 10)
    year = block[300 - 52 + 4 : 300 - 3]
    assert np.bincount(year)[1:].tolist() == [5] * 9
    assert set(block[300 - 104 - 3 : 300 - 104 + 4]) == {10}
    rows = baseline_rows(block, 300, 26)
    assert rows.max() == 273
    assert rows.min() == 300 - 208 - 3


def test_law_of_the_break_date():
    """Symmetric when nothing but the mean changes; rises from 0 to 1; mirrored when time runs back."""
    assert_allclose(argmax_law(0.0, 1.0, 1.0), 0.5, atol=1e-12)
    grid = np.linspace(-40, 40, 81)
    law = np.array([argmax_law(x, 1.0, 1.0) for x in grid])
    assert (np.diff(law) >= 0).all()
    assert_allclose(law + law[::-1], 1.0, atol=1e-10)
    # the law reaches 0 and 1 only far away: this is its tail at 40
    assert_allclose([law[0], law[-1]], [0, 1], atol=2e-3)


def test_largest_f_in_the_limit():
    """Critical values that do not depend on the trimming in the limit of no range: chi-squared."""
    assert_allclose(sup_f_pvalue(3.841459, 1, 1.0), 0.05, rtol=1e-6)
    exact, tail = sup_f_pvalue(33.0, 1, 32.0), sup_f_pvalue(33.0, 1, 32.0000001)
    assert_allclose(exact, tail, rtol=1e-7)
    assert sup_f_pvalue(40.0, 1, 32.0) < sup_f_pvalue(33.0, 1, 32.0)


def test_breaks_of_a_regression_by_enumeration():
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(24), rng.normal(size=24)])
    y = np.where(np.arange(24) < 11, x @ [1, 2], x @ [2, -1]) + 0.3 * rng.normal(size=24)

    def rss(a, b):
        return np.linalg.lstsq(x[a:b], y[a:b], rcond=None)[1][0]

    slow = [min(rss(0, a) + rss(a, b) + rss(b, 24) for a in range(4, 17) for b in range(a + 4, 21))]
    found, breaks = best_breaks(y, x, 4, 2)
    assert_allclose(found[2], slow[0], rtol=1e-9)
    assert_allclose(found[1], min(rss(0, a) + rss(a, 24) for a in range(4, 21)), rtol=1e-9)
    assert breaks[1].tolist() == [11]
