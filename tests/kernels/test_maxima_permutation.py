"""The tail of the largest of correlated statistics; permutation laws against enumeration."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from exitmodels.kernels.jackknife import Rows, incidence_form, survival_form
from exitmodels.kernels.maxima import largest_form_tail, quadratic_forms
from exitmodels.kernels.multipliers import suprema
from exitmodels.kernels.permutation import Layer, drawn_sums, exact_tail, layers, permutation_moments
from exitmodels.kernels.products import aalen_johansen
from exitmodels.kernels.risksets import risk_index


@pytest.mark.parametrize("bound", [1.0, 4.0, 30.0])
@pytest.mark.parametrize("r", [0.0, 0.5, 0.97])
def test_the_largest_of_two_normals(r: float, bound: float) -> None:
    covariance = np.array([[1, r], [r, 1]]).reshape(2, 1, 2, 1) * np.outer([2, 3], [2, 3]).reshape(2, 1, 2, 1)
    _, df, forms = quadratic_forms(np.zeros((2, 1)), covariance)
    assert df.tolist() == [1, 1]
    z, left = np.sqrt(bound), np.sqrt(1 - r**2)

    def other_outside(x: float) -> float:
        return float(stats.norm.pdf(x) * (stats.norm.sf((z - r * x) / left) + stats.norm.cdf((-z - r * x) / left)))

    exact = 2 * stats.norm.sf(z) + integrate.quad(other_outside, -z, z, epsabs=0, epsrel=1e-10)[0]
    assert_allclose(largest_form_tail(bound, forms), exact, rtol=1e-7)


def test_independent_statistics_of_several_degrees_of_freedom() -> None:
    forms = np.zeros((2, 5, 5))
    forms[0, :2, :2], forms[1, 2:, 2:] = np.eye(2), np.eye(3)
    exact = 1 - stats.chi2.cdf(7.0, 2) * stats.chi2.cdf(7.0, 3)
    # quadrature on 65,536 directions, at its accuracy in five dimensions
    assert_allclose(largest_form_tail(7.0, forms), exact, rtol=1e-3)


def test_a_singular_correlation_of_four_statistics() -> None:
    """Fleming-Harrington weights 1, S and 1 - S are dependent; scipy's integral of the four normals agrees."""
    rng = np.random.default_rng(6)
    factor = rng.normal(size=(4, 3))
    factor[2] = factor[0] - factor[1]
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)
    _, _, forms = quadratic_forms(np.zeros((4, 1)), (factor @ factor.T).reshape(4, 1, 4, 1))
    assert forms.shape[1] == 3
    z = np.full(4, 2.1)
    law = stats.multivariate_normal(
        np.zeros(4), factor @ factor.T, allow_singular=True, maxpts=2_000_000, abseps=1e-7, seed=1
    )
    # scipy's integral is by quasi-Monte Carlo
    assert_allclose(largest_form_tail(2.1**2, forms), 1 - law.cdf(z, lower_limit=-z), rtol=3e-4)


def test_forms_recover_the_statistics_of_a_singular_joint_covariance() -> None:
    rng = np.random.default_rng(1)
    factor = rng.normal(size=(6, 3))
    covariance = (factor @ factor.T).reshape(2, 3, 2, 3)
    score = (factor @ rng.normal(size=3)).reshape(2, 3)
    statistic, df, forms = quadratic_forms(score, covariance)
    assert df.tolist() == [3, 3]
    for j in range(2):
        own = covariance[j, :, j]
        assert_allclose(statistic[j], score[j] @ np.linalg.solve(own, score[j]), rtol=1e-6)
        assert_allclose(np.linalg.eigvalsh(forms[j]), [1, 1, 1], rtol=1e-6)


def enumerated(parts: list[Layer], deviation: float) -> float:
    """All ways to choose the first group, written out."""
    sums = np.zeros(1)
    for part in parts:
        rows = np.repeat(part.value, part.count)
        own = [sum(rows[list(c)]) for c in combinations(range(len(rows)), int(part.sizes[0]))]
        sums = (sums[:, None] + np.asarray(own)[None, :]).ravel()
    return float(np.mean(np.abs(sums) >= deviation - 1e-9))


@pytest.mark.parametrize("seed", range(8))
def test_the_exact_law_is_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 14
    scores = rng.normal(size=n) if seed % 2 else rng.integers(-2, 3, n).astype(float)
    stratum = rng.integers(0, 1 + seed % 3, n)
    group = rng.integers(0, 2, n)
    parts = layers(scores, group, 2, np.ones(n), stratum, int(stratum.max()) + 1)
    centred = scores - np.array([scores[stratum == s].mean() for s in stratum])
    seen = float(centred[group == 0].sum())
    for deviation in (abs(seen), 0.5, 2.0):
        assert_allclose(exact_tail(parts, deviation), enumerated(parts, deviation), rtol=1e-9, atol=1e-12)
    covariance = permutation_moments(parts, 2)
    drawn = drawn_sums(parts, 2, 40_000, rng)
    # 40,000 draws
    assert_allclose(np.cov(drawn.T), covariance, rtol=0.04, atol=0.05)
    # 40,000 draws
    assert_allclose(np.mean(np.abs(drawn[:, 0]) >= 2.0), exact_tail(parts, 2.0), atol=0.012)


def test_large_tied_samples_are_exact_and_continuous_ones_say_no() -> None:
    part = Layer(np.array([-1.0, 1.0]), np.array([500, 500]), np.array([400, 600]))
    k = np.arange(401)
    law = stats.hypergeom(1000, 500, 400).pmf(k)
    assert_allclose(exact_tail([part], 40.0), law[np.abs(2 * k - 400) >= 40].sum(), rtol=1e-9)
    many = np.random.default_rng(0).normal(size=200)
    part = layers(many, np.arange(200) % 2, 2, np.ones(200), None, 1)
    assert exact_tail(part, 1.0, most=1 << 16) is None


def test_numbers_of_tied_scores_are_drawn_together() -> None:
    part = Layer(np.array([-1.0, 0.5, 2.0]), np.array([60, 40, 20]), np.array([50, 70]))
    drawn = drawn_sums([part], 2, 40_000, np.random.default_rng(2))
    assert_allclose(drawn[:, 0], -drawn[:, 1])
    # 40,000 draws
    assert_allclose(np.var(drawn[:, 0]), permutation_moments([part], 2)[0, 0], rtol=0.03)
    # 40,000 draws
    assert_allclose(np.mean(np.abs(drawn[:, 0]) >= 8.0), exact_tail([part], 8.0), atol=0.012)


def test_more_groups_are_shuffled_within_strata() -> None:
    rng = np.random.default_rng(4)
    n, stratum, group = 30, np.arange(30) % 2, rng.integers(0, 3, 30)
    parts = layers(rng.normal(size=n), group, 3, np.ones(n), stratum, 2)
    drawn = drawn_sums(parts, 3, 30_000, rng)
    assert_allclose(drawn.sum(axis=1), 0, atol=1e-9)
    # 30,000 draws
    assert_allclose(np.cov(drawn.T), permutation_moments(parts, 3), rtol=0.06, atol=0.12)


def test_copies_are_counted_not_spelled_out() -> None:
    scores, weight = np.array([0.3, -1.0, 2.0]), np.array([3.0, 1.0, 2.0])
    long = np.repeat(scores, weight.astype(int))
    one = layers(scores, np.array([0, 1, 0]), 2, weight, None, 1)[0]
    two = layers(long, np.repeat([0, 1, 0], [3, 1, 2]), 2, np.ones(6), None, 1)[0]
    assert_allclose(one.value, two.value)
    assert one.count.tolist() == two.count.tolist() == [1, 3, 2]
    assert comb(6, 5) == 6
    assert one.sizes.tolist() == [5, 1]


@pytest.mark.parametrize("which", ["survival", "incidence"])
def test_random_paths_are_influences_times_normals(which: str) -> None:
    """The influence of each cluster by numerical derivative, as a full matrix, times the same normal draws."""
    rng = np.random.default_rng(3)
    n = 40
    entry = rng.integers(0, 5, n)
    exit = entry + rng.integers(1, 9, n)
    event, weight, cluster = rng.integers(0, 3, n), 1 + rng.random(n), rng.integers(0, 12, n)
    index = risk_index(entry, exit, event > 0)

    def curve(w: np.ndarray) -> np.ndarray:
        rows = Rows(index, event, w, w, cluster)
        before, incidence = aalen_johansen(rows.at_risk(), rows.events(2))
        return incidence[0] if which == "incidence" else np.append(before[1:], np.nan)

    rows = Rows(index, event, weight, weight, cluster)
    form = incidence_form(rows, 2, 1) if which == "incidence" else survival_form(rows, 2)
    use = np.arange(index.n_times) < index.n_times - 1
    h = 1e-6
    influence = np.zeros((12, index.n_times))
    for c in range(12):
        move = h * weight * (cluster == c)
        influence[c] = (curve(weight + move) - curve(weight - move)) / (2 * h)
    scale = np.where(use, 0.5 + rng.random(index.n_times), 0.0)
    draws = suprema(rows, form, scale, use, 50, np.random.default_rng(9))
    normal = np.random.default_rng(9).standard_normal((12, 50))
    paths = influence[:, use].T @ normal
    assert_allclose(draws, np.abs(paths / scale[use, None]).max(axis=0), rtol=1e-5)


def test_rows_of_one_kind_are_merged_without_changing_the_law() -> None:
    rng = np.random.default_rng(5)
    n = 300
    exit, event = rng.integers(1, 6, n), rng.integers(0, 2, n)
    index = risk_index(None, exit, event > 0)
    alone = Rows(index, event, np.ones(n), np.ones(n), None)
    apart = Rows(index, event, np.ones(n), np.ones(n), np.arange(n))
    scale, use = np.full(index.n_times, 0.05), np.ones(index.n_times, bool)
    one = suprema(alone, survival_form(alone), scale, use, 20_000, rng)
    two = suprema(apart, survival_form(apart), scale, use, 20_000, rng)
    assert stats.ks_2samp(one, two).pvalue > 0.001
