"""Kernels behind compositions: derivatives, collapsing, and slow definitions written another way."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from exitmodels.kernels import dirichlet, dirichlet_multinomial, misclassified, multinomial, ordinal, simplex
from exitmodels.kernels.multinomial_firth import firth_terms
from exitmodels.kernels.multinomial_scores import score_squares, score_sums
from exitmodels.kernels.simultaneous import largest_critical, sison_glaz

RNG = np.random.default_rng(431)
X = np.column_stack([np.ones(12), RNG.standard_normal(12)])
Y = RNG.integers(0, 9, (12, 3)).astype(float) + 1
OFFSET = RNG.standard_normal((12, 2)) / 3
RATES = np.broadcast_to(np.array([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0], [0.0, 0.1, 0.9]]), (12, 3, 3))
SHARE = simplex.closed(Y)
DATA = multinomial.MultinomialData(X, Y.sum(1), Y[:, 1:].T @ X, OFFSET, float((Y[:, 1:] * OFFSET).sum()))
SPREAD = X[:, :1] + 0 * X[:, 1:]

SURFACES: dict[str, tuple[Callable[[np.ndarray], Any], np.ndarray]] = {
    "multinomial": (lambda at: multinomial.multinomial_terms(at, DATA), RNG.normal(0, 0.5, 4)),
    "dirichlet-multinomial": (
        lambda at: dirichlet_multinomial.dirichlet_multinomial_surface(at, X, Y, X, OFFSET),
        np.append(RNG.normal(0, 0.5, 4), [2.0, 0.3]),
    ),
    "dirichlet": (lambda at: dirichlet.dirichlet_surface(at, X, np.log(SHARE)), RNG.normal(0.5, 0.5, 6)),
    "firth": (lambda at: firth_terms(at, DATA), RNG.normal(0, 0.5, 4)),
    "misclassified": (lambda at: misclassified.misclassified_surface(at, X, Y, RATES, OFFSET), RNG.normal(0, 0.5, 4)),
    "ordinal": (lambda at: ordinal.ordinal_surface(at, X[:, 1:], Y), np.array([0.7, -0.6, 0.3])),
}


def slope(f: Callable[[np.ndarray], Any], at: np.ndarray, h: float = 1e-5) -> np.ndarray:
    return np.array([(f(at + h * e) - f(at - h * e)) / (2 * h) for e in np.eye(len(at))])


@pytest.mark.parametrize("name", SURFACES)
def test_gradients_are_the_slopes_of_the_values(name: str) -> None:
    surface, at = SURFACES[name]
    assert_allclose(surface(at).gradient, slope(lambda b: surface(b).value, at), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["multinomial", "dirichlet-multinomial", "dirichlet"])
def test_observed_information_is_minus_the_slope_of_the_gradient(name: str) -> None:
    surface, at = SURFACES[name]
    assert_allclose(surface(at).information, -slope(lambda b: surface(b).gradient, at), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["misclassified", "ordinal"])
def test_expected_information_is_the_covariance_of_scores_over_all_tables(name: str) -> None:
    """One row of two records: sum over the six tables they can make."""
    at = SURFACES[name][1]
    total, x = np.zeros((len(at), len(at))), X[:1]
    for table in (np.array([a, b, 2 - a - b]) for a, b in product(range(3), repeat=2) if a + b <= 2):
        y = table[None].astype(float)
        if name == "ordinal":
            share = ordinal.ordinal_shares(at, x[:, 1:], 3)[0][0]
            surface = ordinal.ordinal_surface(at, x[:, 1:], y)
        else:
            rest, log_sum = multinomial.shares_of(at.reshape(2, 2), x)
            share = np.append(np.exp(-log_sum), rest) @ RATES[0]
            surface = misclassified.misclassified_surface(at, x, y, RATES[:1])
        assert surface is not None
        total += stats.multinomial.pmf(table, 2, share) * np.outer(surface.gradient, surface.gradient)
    assert_allclose(surface.expected, total, rtol=1e-10, atol=1e-12)


def test_row_scores_add_up_and_their_squares_are_the_slow_ones() -> None:
    beta = SURFACES["multinomial"][1].reshape(2, 2)
    weight = np.arange(12.0) + 1
    slow = []
    for i in range(12):
        rest, _ = multinomial.shares_of(beta, X[i : i + 1], OFFSET[i : i + 1])
        slow.append(np.kron(weight[i] * (Y[i, 1:] - Y[i].sum() * rest[:, 0]), X[i]))
    sums = score_sums(beta, X, OFFSET, Y, weight, np.arange(12) // 3)
    assert_allclose(sums, np.array(slow).reshape(4, 3, 4).sum(axis=1), rtol=1e-12)
    assert_allclose(score_squares(beta, X, OFFSET, Y, weight, False), np.array(slow).T @ np.array(slow), rtol=1e-12)
    one = dirichlet_multinomial.dirichlet_multinomial_scores(SURFACES["dirichlet-multinomial"][1], X, Y, X, OFFSET)
    whole = SURFACES["dirichlet-multinomial"][0](SURFACES["dirichlet-multinomial"][1])
    assert_allclose(one.sum(axis=0), whole.gradient, rtol=1e-10)


def test_dirichlet_multinomial_chances_of_all_tables_add_to_one_and_vary_as_said() -> None:
    """Five records in three reasons: variance n s (1 - s) (1 + (n - 1) / (c + 1)), Mosimann (1962)."""
    at = np.array([0.2, -0.4, np.log(3.0)])
    one = np.ones((1, 1))
    tables = [np.array([a, b, 5 - a - b]) for a, b in product(range(6), repeat=2) if a + b <= 5]
    chance = []
    for table in tables:
        surface = dirichlet_multinomial.dirichlet_multinomial_surface(at, one, table[None].astype(float), one)
        assert surface is not None
        chance.append(np.exp(surface.value))
    assert_allclose(np.sum(chance), 1, rtol=1e-12)
    share = np.exp(np.array([0, 0.2, -0.4]))
    share /= share.sum()
    mean = np.array(chance) @ np.array(tables)
    spread = np.array(chance) @ (np.array(tables) - mean) ** 2
    assert_allclose(mean, 5 * share, rtol=1e-12)
    assert_allclose(spread, 5 * share * (1 - share) * (1 + 4 / 4), rtol=1e-12)


def test_equal_rows_are_made_one_and_nothing_is_lost() -> None:
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(5000), rng.integers(0, 5, (5000, 2))]).astype(float)
    weight = rng.integers(1, 4, 5000).astype(float)
    kept, total = multinomial.collapse_rows(design, weight)
    assert len(kept) == 25
    assert_allclose(total.sum(), weight.sum())
    assert_allclose(total @ kept, weight @ design)
    fine = rng.standard_normal((5000, 2))
    assert multinomial.collapse_rows(fine, weight)[0] is fine


def test_many_rows_start_from_a_part_and_end_at_the_same_place() -> None:
    rng = np.random.default_rng(2)
    n = 140_000
    design = np.column_stack([np.ones(n), rng.standard_normal(n)])
    code = rng.integers(0, 3, n)
    sums = multinomial.sums_of_codes(code, None, design, 3)[1:]
    data = multinomial.MultinomialData(design, np.ones(n), sums)
    one, two = multinomial.fit_multinomial(data), multinomial.fit_multinomial(data, start=np.zeros(4))
    assert one.converged
    assert two.converged
    assert_allclose(one.at, two.at, atol=1e-11)


@pytest.mark.parametrize("kind", ["alr", "clr", "ilr"])
def test_log_ratios_go_there_and_back(kind: str) -> None:
    assert_allclose(simplex.from_log_ratios(simplex.log_ratios(SHARE, kind, 1), kind, 1), SHARE, rtol=1e-12)
    weights = simplex.ratio_matrix(kind, 3, 1)
    assert_allclose(weights.sum(axis=1), 0, atol=1e-15)
    if kind == "ilr":
        assert_allclose(weights @ weights.T, np.eye(2), atol=1e-15)


def test_sison_glaz_probability_is_near_the_exact_one() -> None:
    """All tables of 11 in three categories, at the shares observed: within 2 points of the Edgeworth series."""
    counts = np.array([6.0, 3.0, 2.0])
    c, delta, _, _ = sison_glaz(counts)
    exact = []
    for half in (c, c + 1):
        tables = [np.array([a, b, 11 - a - b]) for a, b in product(range(12), repeat=2) if a + b <= 11]
        near = [t for t in tables if np.all(np.abs(t - counts) <= half)]
        exact.append(sum(stats.multinomial.pmf(t, 11, counts / 11) for t in near))
    assert 0 < delta < 1
    assert exact[0] < 0.95 + 0.02
    assert exact[1] > 0.95 - 0.02


def test_critical_value_of_the_largest_error() -> None:
    """Equal errors: the usual value. Independent ones: the level 1 - sqrt(1 - alpha). Otherwise drawn."""
    assert_allclose(largest_critical(np.ones((3, 3))), stats.norm.isf(0.025), rtol=1e-8)
    assert_allclose(largest_critical(np.eye(2)), stats.norm.isf((1 - 0.95**0.5) / 2), rtol=1e-6)
    covariance = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.5
    draws = np.random.default_rng(3).multivariate_normal(np.zeros(4), covariance, 200_000)
    drawn = np.quantile(np.max(np.abs(draws) / np.sqrt(np.diag(covariance)), axis=1), 0.95)
    # 200,000 draws
    assert abs(largest_critical(covariance) - drawn) < 0.02
    assert largest_critical(np.eye(2), df=5) > largest_critical(np.eye(2))
