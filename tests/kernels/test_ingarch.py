"""Count autoregressions written a second way, step by step, and their derivatives against differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from exitmodels.kernels.ingarch import Recursion, follow, slopes
from exitmodels.kernels.ingarch_fit import fit_joint, fit_mean, link_terms, pearson_alpha, starts
from exitmodels.kernels.ingarch_paths import expected_path, feasible_draws, simulate_paths
from exitmodels.kernels.ingarch_tests import intervention_column, intervention_scores
from exitmodels.kernels.predictive import CountLaw
from exitmodels.kernels.recursions import bands, solve, solve_adjoint, spectral_radius

THETA = np.array([1.0, 0.5, 0.4, 0.2, 0.1, 0.15, 0.1])


def example(log: bool, before: str, unknown: tuple[int, ...] = (), n: int = 60) -> Recursion:
    rng = np.random.default_rng(1)
    y = rng.poisson(5, n).astype(float)
    y[list(unknown)] = np.nan
    design = np.column_stack([np.ones(n), rng.uniform(0, 1, n), rng.uniform(0, 1, n)])
    return Recursion(y, rng.uniform(0.5, 2, n), design, np.array([False, False, True]), (1, 2), (1, 3), log, before)


def slow(data: Recursion, theta: np.ndarray) -> np.ndarray:
    """The mean by the definition, one time after another."""
    p, k = data.width, len(data.past_observations)
    of_counts, of_means = theta[p : p + k], theta[p + k :]
    inside, outside = np.where(data.external, 0.0, theta[:p]), np.where(data.external, theta[:p], 0.0)

    def response(t: int) -> float:
        size = data.exposure[t]
        return np.log((data.y[t] + 1) / size) if data.log_link else data.y[t] / size

    if data.before == "first":
        start = of_start = response(int(np.argmax(np.isfinite(data.y))))
    else:
        row = data.design[0] if data.before == "steady" else np.eye(p)[0]
        # The level at which state and response rest: iterate the recursion with a constant row.
        start = of_start = 0.0
        for _ in range(2000):
            start = inside @ row + of_counts.sum() * of_start + of_means.sum() * start
            of_start = start + outside @ row
    state: list[float] = []
    seen: list[float] = []
    means = []
    for t in range(len(data.y)):
        w = inside @ data.design[t]
        w += sum(
            b * (seen[t - lag] if t >= lag else of_start)
            for lag, b in zip(data.past_observations, of_counts, strict=True)
        )
        w += sum(a * (state[t - lag] if t >= lag else start) for lag, a in zip(data.past_means, of_means, strict=True))
        v = w + outside @ data.design[t]
        state.append(w)
        seen.append(response(t) if np.isfinite(data.y[t]) else v)
        means.append(data.exposure[t] * (np.exp(v) if data.log_link else v))
    return np.array(means)


CASES = [(log, before, unknown) for log in (False, True) for before in ("steady", "marginal", "first")
         for unknown in ((), (7, 8, 20))]  # fmt: skip


@pytest.mark.parametrize(("log", "before", "unknown"), CASES)
def test_the_mean_is_that_of_the_definition(log, before, unknown):
    data = example(log, before, unknown)
    state = follow(data, THETA)
    assert state is not None
    assert_allclose(state.mean, slow(data, THETA), rtol=1e-12)


@pytest.mark.parametrize(("log", "before", "unknown"), CASES)
def test_derivatives_are_those_of_differences(log, before, unknown):
    data, h = example(log, before, unknown), 1e-5
    state = follow(data, THETA)
    assert state is not None
    weight = np.random.default_rng(2).normal(size=len(data.y))
    first, second = slopes(data, THETA, state, weight)
    steps = h * np.eye(len(THETA))
    ahead, back = ([follow(data, THETA + sign * step) for step in steps] for sign in (1, -1))
    numeric = [(a.predictor - b.predictor) / (2 * h) for a, b in zip(ahead, back, strict=True)]
    assert_allclose(first, numeric, atol=2e-8)
    moved = [
        (slopes(data, THETA + s, a)[0] @ weight - slopes(data, THETA - s, b)[0] @ weight) / (2 * h)
        for s, a, b in zip(steps, ahead, back, strict=True)
    ]
    assert_allclose(second, moved, atol=3e-7)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.4])
def test_terms_of_the_likelihood(log, alpha):
    """Slope and curvature by the predictor against differences of the log-probability."""
    data, h = example(log, "first", (4,)), 1e-4
    state = follow(data, THETA)
    assert state is not None
    terms = link_terms(data, state, alpha)
    seen = data.seen
    y = data.y[seen]

    def value(shift: float) -> np.ndarray:
        v = state.predictor + shift
        mean = data.exposure * (np.exp(v) if log else v)
        return CountLaw(mean[seen], alpha).log_pmf(y)

    assert_allclose(terms.score[seen], (value(h) - value(-h)) / (2 * h), atol=1e-6)
    assert_allclose(terms.bend[seen], -(value(h) - 2 * value(0.0) + value(-h)) / h**2, atol=1e-5)
    assert terms.score[4] == 0
    # Expectations over the law of the count, by direct sums.
    k = np.arange(400.0)[:, None]
    law = CountLaw(state.mean, alpha)
    chance = np.exp(law.log_pmf(k))
    gap = (k - state.mean) * (1 if log else data.exposure / state.mean)
    assert_allclose(terms.spread[seen], (chance * gap**2).sum(axis=0)[seen], rtol=1e-9)
    assert_allclose(terms.expected[seen], ((chance * gap**2).sum(axis=0) / (1 + alpha * state.mean) ** 2)[seen], 1e-9)


def test_recursions_are_triangular_systems():
    rng = np.random.default_rng(3)
    n, first, third = 30, rng.normal(size=30) / 3, rng.normal(size=30) / 3
    packed = bands({1: first, 3: third, 40: 9.0}, n)
    matrix = np.eye(n)
    for t in range(n):
        for lag, value in ((1, first), (3, third)):
            if t >= lag:
                matrix[t, t - lag] = -value[t]
    right = rng.normal(size=(2, n))
    assert_allclose(solve(packed, right), np.linalg.solve(matrix, right.T).T, rtol=1e-10)
    assert_allclose(solve_adjoint(packed, right[0]), np.linalg.solve(matrix.T, right[0]), rtol=1e-10)
    assert_allclose(right[1] @ solve(packed, right[0]), solve_adjoint(packed, right[1]) @ right[0], rtol=1e-12)


def test_stationary_region():
    data = example(True, "first")
    assert spectral_radius({1: 0.5, 2: 0.6}) > 1 > spectral_radius({1: 0.5, 2: 0.4})
    for lags, inside in (([-0.7, 0.0, 0.1, 0.0], True), ([0.6, 0.0, 0.5, 0.0], False), ([0.5, 0.0, -1.1, 0.0], False)):
        assert data.allows(np.array([0, 0, 0, *lags])) == inside
    identity = example(False, "first")
    assert not identity.allows(np.array([1, 0, 0, -0.1, 0, 0, 0]))
    assert not identity.allows(np.array([1, 0, 0, 0.5, 0, 0.5, 0]))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("unknown", [(), (30, 31)])
@pytest.mark.parametrize("external", [False, True])
def test_score_statistics_of_all_times_are_those_of_one(log, unknown, external):
    """Correlations against the derivative by a column that is written out."""
    data = example(log, "steady", unknown)
    state = follow(data, THETA)
    assert state is not None
    times, bound = np.array([5, 17, 44]), np.zeros(7, dtype=bool)
    for rate in (1.0, 0.7, 0.0):
        score, variance = intervention_scores(data, THETA, state, times, rate, external, bound, 0.3, True)
        for i, at in enumerate(times):
            wide = data.with_column(intervention_column(60, at, rate), external)
            theta = np.insert(THETA, 3, 0.0)
            first, _ = slopes(wide, theta, follow(wide, theta))
            terms, spread = link_terms(wide, state), link_terms(wide, state, 0.3).spread
            old = np.delete(np.arange(8), 3)
            inner, middle = (first * terms.expected) @ first.T, (first * spread) @ first.T
            contrast = np.zeros(8)
            contrast[3] = 1
            contrast[old] = -np.linalg.solve(inner[np.ix_(old, old)], inner[old, 3])
            assert_allclose(score[i], first[3] @ terms.score, rtol=1e-9, atol=1e-9)
            assert_allclose(variance[i], contrast @ middle @ contrast, rtol=1e-8)


def test_expected_path_is_the_mean_of_the_paths_with_the_identity_link():
    data = example(False, "steady")
    ahead = replace(data, y=np.append(data.y[:50], np.full(10, np.nan)))
    paths = simulate_paths(ahead, 50, THETA[None], np.array([0.2]), np.random.default_rng(4), 40_000)
    mean, error = paths.mean(axis=0), paths.std(axis=0) / 200
    assert np.all(np.abs(mean - expected_path(ahead, 50, THETA)) < 4.5 * error)


def test_first_step_of_a_path_has_the_law_of_the_next_count():
    data = example(True, "steady", (48,))
    ahead = replace(data, y=np.append(data.y[:50], np.full(10, np.nan)))
    mean = slow(ahead, THETA)[50]
    drawn = simulate_paths(ahead, 50, THETA[None], np.array([0.5]), np.random.default_rng(5), 50_000)[:, 0]
    assert_allclose(expected_path(ahead, 50, THETA)[0], mean, rtol=1e-12)
    # 50,000 draws
    assert_allclose([drawn.mean(), drawn.var()], [mean, mean + 0.5 * mean**2], rtol=0.03)


def test_draws_stay_inside_and_fixed_parameters_stay_fixed():
    data = example(False, "steady")
    covariance = np.diag([0.1, 0.01, 0.01, 0.04, 0.04, 0.04, np.nan])
    draws, share = feasible_draws(data, THETA, covariance, 200, np.random.default_rng(6))
    assert 0.05 < share < 1
    assert np.all(draws[:, 6] == THETA[6])
    assert all(data.allows(row) for row in draws)


def test_fits_recover_what_was_planted():
    truth, n = np.array([0.6, 0.3, 0.5]), 20_000
    blank = Recursion(np.full(n, np.nan), np.ones(n), np.ones((n, 1)), np.array([False]), (1,), (1,), True)
    y = simulate_paths(replace(blank, y=np.ones(n)), 0, truth[None], np.array([0.25]), np.random.default_rng(7))[0]
    data = replace(blank, y=y)
    found = fit_mean(data, starts(data)[0])
    error = np.sqrt(np.diag(np.linalg.inv(found.surface.expected)))
    assert np.all(np.abs(found.at - truth) < 8 * error)  # quasi-likelihood: the counts vary more than Poisson's
    alpha = pearson_alpha(y, follow(data, found.at).mean, n - 3)
    joint = fit_joint(data, found.at, alpha)
    error = np.sqrt(np.diag(np.linalg.inv(joint.surface.information)))
    assert np.all(np.abs(joint.at - np.append(truth, np.log(0.25))) < 4 * error)
    assert abs(joint.surface.gradient).max() < 1e-6 * n
    assert joint.surface.value > CountLaw(follow(data, found.at).mean, alpha).log_pmf(y).sum()


def test_information_of_the_joint_fit_is_that_of_differences():
    data = example(True, "steady", (9,), n=200)
    drawn = simulate_paths(data, 0, THETA[None], np.array([0.3]), np.random.default_rng(8))[0]
    wide = replace(data, y=np.where(data.seen, drawn, np.nan))
    joint = fit_joint(wide, fit_mean(wide, THETA).at, 0.2)
    assert joint.converged
    h = 1e-4

    def value(at: np.ndarray) -> float:
        mean = follow(wide, at[:-1]).mean[wide.seen]
        return float(CountLaw(mean, float(np.exp(at[-1]))).log_pmf(wide.y[wide.seen]).sum())

    steps = h * np.eye(len(joint.at))
    numeric = [
        [
            (value(joint.at + a + b) - value(joint.at + a - b) - value(joint.at - a + b) + value(joint.at - a - b))
            / (4 * h**2)
            for b in steps
        ]
        for a in steps
    ]
    # second differences of a log-likelihood lose half the digits
    assert_allclose(joint.surface.information, -np.array(numeric), rtol=1e-5, atol=2e-4)
