"""Kernels of penalised fits: derivatives, the lasso's inner step, splines, folds, profiles."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from exitmodels.kernels import psplines
from exitmodels.kernels.coxpath import cox_path, elastic_net_df, largest_strength
from exitmodels.kernels.firth import firth_terms
from exitmodels.kernels.folds import deal_folds
from exitmodels.kernels.lasso import quadratic_lasso
from exitmodels.kernels.partial import CoxData, cox_data, cox_terms, cox_value
from exitmodels.kernels.penalised import block_df, covariances, penalised_maximum, penalised_terms, saturated
from exitmodels.kernels.profile import Profile, profile_limit
from exitmodels.kernels.risksets import risk_index
from exitmodels.kernels.smoothing import PenaltyTerm, smooth_maximum


def world(seed: int, n: int = 60, p: int = 3, ties: str = "efron", weights: bool = True) -> CoxData:
    """Delayed entry, ties, strata, weights and an offset together."""
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 6, n)
    exit = entry + rng.integers(1, 9, n)
    event = rng.random(n) < 0.7
    stratum = rng.integers(0, 2, n)
    matrix = rng.normal(size=(n, p))
    weight = rng.integers(1, 4, n).astype(float) if weights else None
    return cox_data(matrix, risk_index(entry, exit, event, stratum, 2), weight, rng.normal(size=n) / 3, ties, True)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_value_alone_is_the_value_of_the_terms(ties: str) -> None:
    data = world(1, ties=ties)
    for beta in np.random.default_rng(0).normal(size=(5, 3)):
        assert_allclose(cox_value(beta, data), cox_terms(beta, data).value, rtol=1e-13)


def test_the_value_alone_survives_late_entries_that_outweigh_those_at_risk() -> None:
    matrix = np.array([[0.0], [0.1], [40.0], [40.1]])
    data = cox_data(matrix, risk_index(np.array([0, 0, 5, 5]), np.array([2, 3, 7, 8]), np.ones(4, bool)))
    assert_allclose(cox_value(np.ones(1), data), cox_terms(np.ones(1), data).value, rtol=1e-13)
    assert_allclose(cox_value(np.ones(1), data), -2 * np.log1p(np.exp(0.1)) + 0.1 - 0.1 + 0.0, rtol=1e-12)


@pytest.mark.parametrize("which", ["quadratic", "firth"])
def test_penalised_gradients_are_numerical_derivatives(which: str) -> None:
    data = world(2)
    root = np.random.default_rng(3).normal(size=(3, 3))
    square = root @ root.T
    of = (lambda b: penalised_terms(b, data, square)) if which == "quadratic" else (lambda b: firth_terms(b, data))
    beta, step = np.array([0.3, -0.2, 0.1]), 1e-6
    slopes = [(of(beta + step * e).value - of(beta - step * e).value) / (2 * step) for e in np.eye(3)]
    assert_allclose(of(beta).gradient, slopes, rtol=1e-6)
    if which == "quadratic":
        curve = [(of(beta + step * e).gradient - of(beta - step * e).gradient) / (2 * step) for e in np.eye(3)]
        assert_allclose(of(beta).information, -np.array(curve), rtol=1e-6, atol=1e-6)


def test_the_saturated_likelihood_is_the_supremum() -> None:
    """Those who leave at a time have risk e^t there and everyone else none: as t grows, the value comes near it."""
    exit, event = np.array([2, 2, 2, 5, 5, 7]), np.array([1, 1, 1, 1, 1, 0], bool)
    ranks = np.array([2.0, 2.0, 2.0, 1.0, 1.0, 0.0])[:, None]
    for ties in ("efron", "breslow"):
        data = cox_data(ranks, risk_index(None, exit, event), None, None, ties, True)
        assert_allclose(cox_value(np.array([60.0]), data), saturated(data), rtol=1e-12)
    weighted = cox_data(ranks, risk_index(None, exit, event), np.array([2.0, 1, 1, 3, 1, 1]), None, "breslow", False)
    assert_allclose(saturated(weighted), -2 * 4 * np.log(4))


@given(st.integers(0, 10_000))
def test_the_inner_step_of_the_lasso_is_the_best_over_all_signs(seed: int) -> None:
    """Three coefficients: each of 27 patterns of signs gives a linear system; the best feasible one wins."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 4))
    square, linear = root @ root.T, rng.normal(size=3) * 3
    weight = np.where(rng.random(3) < 0.2, 0.0, rng.exponential(1.5, 3))

    def height(b: np.ndarray) -> float:
        return float(b @ square @ b / 2 - linear @ b + weight @ np.abs(b))

    best = np.inf
    for signs in product((-1, 0, 1), repeat=3):
        s = np.array(signs)
        used = (s != 0) | (weight == 0)
        b = np.zeros(3)
        if used.any():
            b[used] = np.linalg.solve(square[np.ix_(used, used)], (linear - weight * s)[used])
        if np.all((b * s >= 0) | (weight == 0)):
            best = min(best, height(b))
    for start in (np.zeros(3), rng.normal(size=3) * 5):
        found = quadratic_lasso(square, linear, weight, start)
        assert_allclose(height(found), best, rtol=1e-9, atol=1e-10)


def test_the_inner_step_ends_with_two_equal_columns_and_leaves_out_infinite_weights() -> None:
    square = np.array([[2.0, 2.0, 0.5], [2.0, 2.0, 0.5], [0.5, 0.5, 1.0]])
    found = quadratic_lasso(square, np.array([3.0, 3.0, 5.0]), np.array([1.0, 1.0, np.inf]), np.array([0.2, 0.3, 9.0]))
    assert_allclose(found[0] + found[1], 1.0)
    assert found[2] == 0


@pytest.mark.parametrize(("mix", "ties"), [(1.0, "breslow"), (0.6, "efron"), (0.0, "efron")])
def test_each_point_of_a_path_meets_the_conditions_for_a_maximum(mix: float, ties: str) -> None:
    data = world(4, n=90, p=6, ties=ties)
    factor = np.array([0.0, 1.0, 1.0, 2.0, np.inf if mix else 3.0, 1.0])
    absolute, squared = mix * np.where(mix, factor, 0.0), (1 - mix) * np.where(np.isinf(factor), 0.0, factor)
    strengths = np.geomspace(20, 0.2, 12)
    path = cox_path(data, absolute, squared, strengths)
    assert path.converged.all()
    for beta, strength, value in zip(path.beta, strengths, path.value, strict=True):
        terms = cox_terms(beta, data)
        slope = terms.gradient - strength * squared * beta
        on = (beta != 0) | (absolute == 0)
        assert_allclose(
            slope[on], (strength * np.where(np.isinf(absolute), 0, absolute) * np.sign(beta))[on], atol=1e-7
        )
        assert np.all(np.abs(slope[~on]) <= (strength * absolute)[~on] + 1e-7)
        assert_allclose(value, terms.value, rtol=1e-12)


def test_the_path_starts_where_the_first_column_enters() -> None:
    data = world(5, p=4)
    top = largest_strength(cox_terms(np.zeros(4), data).gradient, np.ones(4))
    path = cox_path(data, np.ones(4), np.zeros(4), [1.001 * top, 0.999 * top])
    assert np.count_nonzero(path.beta, axis=1).tolist() == [0, 1]


def test_a_working_set_and_all_columns_give_the_same_path() -> None:
    """More columns than rows: starting every strength from nothing, one at a time, changes nothing."""
    data = world(6, n=40, p=70, weights=False)
    strengths = np.geomspace(6, 2, 8)
    path = cox_path(data, np.ones(70), 0.1 * np.ones(70), strengths)
    for beta, strength in zip(path.beta, strengths, strict=True):
        alone = cox_path(data, np.ones(70), 0.1 * np.ones(70), [strength])
        assert_allclose(alone.beta[0], beta, atol=1e-8)


def test_ridge_with_more_columns_than_rows_is_the_same_in_the_space_of_the_rows() -> None:
    data, squared = world(7, n=25, p=40), np.linspace(0.5, 2, 40)
    path = cox_path(data, np.zeros(40), squared, [3.0, 1.0])
    for beta, strength, df in zip(path.beta, (3.0, 1.0), path.df, strict=True):
        best = penalised_maximum(data, np.diag(strength * squared), np.zeros(40))
        assert_allclose(beta, best.at, atol=1e-8)
        assert_allclose(df, elastic_net_df(best.terms.plain.information, strength * squared), rtol=1e-7)


def test_degrees_of_freedom_by_their_definition() -> None:
    """The trace of the derivative of fitted values: perturb the gradient, refit, and see how the estimate follows."""
    data = world(8)
    square = np.diag([1.0, 4.0, 0.0])
    best = penalised_maximum(data, square, np.zeros(3), 1e-12)
    information = best.terms.plain.information
    bayes, sampling = covariances(information, square)
    follows = np.linalg.solve(information + square, information)
    assert_allclose(block_df(bayes, sampling, [[0, 1, 2]]), np.trace(follows))
    assert_allclose(block_df(bayes, sampling, [[2]])[0], sampling[2, 2] / bayes[2, 2])
    assert_allclose(elastic_net_df(information, np.diag(square)), np.trace(follows))


def test_splines_sum_to_one_reproduce_lines_and_go_on_straight() -> None:
    x = np.linspace(-3, 9, 50)
    made = psplines.basis(x, 0.0, 6.0, 7)
    assert made.shape == (50, 10)
    assert_allclose(made.sum(axis=1), 1.0)
    assert_allclose(made @ psplines.centres(0.0, 6.0, 7), x, atol=1e-12)
    inside = made[(x >= 0) & (x <= 6)]
    assert inside.min() >= 0
    quadratic = psplines.basis(x, 0.0, 6.0, 4, degree=2)
    assert_allclose(quadratic @ psplines.centres(0.0, 6.0, 4, 2), x, atol=1e-12)
    outside = psplines.basis(np.array([6.0, 7.0, 8.0]), 0.0, 6.0, 7)
    assert_allclose(outside[2] - outside[1], outside[1] - outside[0])


def test_the_difference_penalty_is_a_sum_of_squared_differences() -> None:
    b = np.random.default_rng(0).normal(size=8)
    for order in (1, 2, 3):
        assert_allclose(b @ psplines.difference_penalty(8, order) @ b, np.sum(np.diff(b, order) ** 2))


def test_wanted_degrees_of_freedom_are_had_for_two_terms_at_once() -> None:
    data = world(9, n=200, p=8)
    square = psplines.difference_penalty(4, 1) + 0.01 * np.eye(4)
    terms = [PenaltyTerm(np.arange(4), square, df=2.5), PenaltyTerm(np.arange(4, 8), square, df=1.5)]
    found = smooth_maximum(data, terms, np.zeros((8, 8)))
    pair = covariances(found.best.terms.plain.information, found.penalty)
    assert_allclose(block_df(*pair, [range(4), range(4, 8)]), [2.5, 1.5], rtol=1e-7)


@pytest.mark.parametrize("criterion", ["aic", "reml"])
def test_criteria_are_at_their_lowest(criterion: str) -> None:
    data = world(10, n=150, p=4)
    square = np.eye(4)

    def score(log: float) -> float:
        best = penalised_maximum(data, np.exp(log) * square, np.zeros(4), 1e-11)
        information = best.terms.plain.information
        whole = information + np.exp(log) * square
        if criterion == "aic":
            return -2 * best.terms.plain.value + 2 * float(np.trace(np.linalg.solve(whole, information)))
        return -2 * best.terms.value - 4 * log + float(np.linalg.slogdet(whole)[1])

    found = smooth_maximum(data, [PenaltyTerm(np.arange(4), square, criterion=criterion)], np.zeros((4, 4)))
    log = float(np.log(found.strengths[0]))
    assert score(log) <= min(score(log - 0.01), score(log + 0.01))
    assert score(log) <= min(score(v) for v in np.linspace(-6, 10, 33)) + 1e-6


def test_folds_keep_clusters_whole_and_share_the_exits() -> None:
    rng = np.random.default_rng(1)
    event = rng.random(200) < 0.3
    fold = deal_folds(5, event, None, rng)
    counts = np.bincount(fold, event)
    assert counts.max() - counts.min() <= 1
    cluster = rng.integers(0, 40, 200)
    fold = deal_folds(5, event, cluster, rng)
    assert all(len(np.unique(fold[cluster == c])) == 1 for c in np.unique(cluster))
    assert set(fold) == set(range(5))


def test_the_slope_of_a_profile_and_the_drop_at_its_limits() -> None:
    data = world(11)
    best = penalised_maximum(data, np.zeros((3, 3)), np.zeros(3), 1e-12)
    profile = Profile(lambda b: cox_terms(b, data), best.at, cox_value(best.at, data), 1)
    low, middle, high = (profile.point(b) for b in (0.4 - 1e-5, 0.4, 0.4 + 1e-5))
    assert_allclose(middle.slope, (high.value - low.value) / 2e-5, rtol=1e-6)
    assert_allclose(middle.drift, (high.at - low.at) / 2e-5, rtol=1e-5)
    for side in (-1, 1):
        for step in (0.01, 0.5, 30.0):
            limit = profile_limit(profile, 1.9207, side, step, 100.0)
            assert_allclose(profile.top - profile.point(limit).value, 1.9207, rtol=1e-9)


def test_a_profile_that_never_falls_has_an_infinite_limit() -> None:
    data = cox_data(np.array([1.0, 1, 1, 0, 0, 0])[:, None], risk_index(None, np.arange(1, 7), np.ones(6, bool)))
    best = np.array([25.0])
    profile = Profile(lambda b: cox_terms(b, data), best, cox_value(best, data), 0)
    assert profile_limit(profile, 1.9207, 1, 1e4, 500.0) == np.inf
    low = profile_limit(profile, 1.9207, -1, 1e4, 500.0)
    assert_allclose(profile.top - cox_value(np.array([low]), data), 1.9207, rtol=1e-6)
    assert_array_equal(np.sign(low), 1.0)
