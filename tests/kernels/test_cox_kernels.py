"""Cox kernels: tie sums added by hand, derivatives by differences, influence by moving weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from exitmodels.kernels.coxresiduals import martingale, score_residuals
from exitmodels.kernels.firth import firth_terms
from exitmodels.kernels.linalg import dependencies, standardise, symmetric_inverse
from exitmodels.kernels.optimise import newton
from exitmodels.kernels.partial import CoxData, cox_data, cox_terms
from exitmodels.kernels.risksets import risk_index
from exitmodels.kernels.ties import efron_sums


@pytest.mark.parametrize(("at_risk", "tied", "count"), [
    (10.0, 2.0, 1), (10.0, 2.0, 2), (7.5, 7.5, 5), (1e4, 30.0, 23), (1e4, 30.0, 24), (1e4, 900.0, 700),
    (1000.0, 1000.0, 400), (1000.0, 990.0, 60), (55.0, 54.9, 30), (1e9, 1e7, 5000),
])  # fmt: skip
def test_tie_sums_are_the_sums(at_risk: float, tied: float, count: int) -> None:
    f = np.arange(count) / count
    factor = at_risk - f * tied
    sums = efron_sums(np.array([at_risk]), np.array([tied]), np.array([float(count)]))
    for ours, terms in (
        (sums.q, 1 / factor),
        (sums.fq, f / factor),
        (sums.q2, 1 / factor**2),
        (sums.fq2, f / factor**2),
        (sums.f2q2, (f / factor) ** 2),
        (sums.log, np.log(factor)),
    ):
        assert_allclose(ours, terms.sum(), rtol=2e-9 if count > 1000 else 1e-10)


def example(ties: str = "efron", weights: str | None = None, seed: int = 3, n: int = 60) -> CoxData:
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 6, n)
    exit, event = entry + rng.integers(1, 8, n), rng.random(n) < 0.7
    x = rng.normal(size=(n, 3))
    weight = None if weights is None else rng.integers(1, 4, n).astype(float)
    if weights == "sampling":
        weight = weight + rng.random(n)  # type: ignore[operator]
    stratum = rng.integers(0, 2, n)
    index = risk_index(entry, exit, event, stratum, 2)
    return cox_data(x, index, weight, rng.normal(size=n) / 4, ties, weights != "sampling")


CASES = [(t, w) for t in ("efron", "breslow") for w in (None, "frequency", "sampling")]


@pytest.mark.parametrize(("ties", "weights"), CASES)
@pytest.mark.parametrize("evaluate", [cox_terms, firth_terms])
def test_gradient_and_information_are_derivatives(evaluate: Any, ties: str, weights: str | None) -> None:
    data, beta, h = example(ties, weights), np.array([0.3, -0.5, 0.1]), 1e-5
    terms = evaluate(beta, data)
    up, down = ([evaluate(beta + s * h * e, data) for e in np.eye(3)] for s in (1, -1))
    slope = [(a.value - b.value) / (2 * h) for a, b in zip(up, down, strict=True)]
    assert_allclose(terms.gradient, slope, rtol=1e-7, atol=1e-7)
    if evaluate is cox_terms:
        bend = [-(a.gradient - b.gradient) / (2 * h) for a, b in zip(up, down, strict=True)]
        assert_allclose(terms.information, bend, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("ties", "weights"), CASES)
def test_score_residuals_add_to_the_score(ties: str, weights: str | None) -> None:
    data = example(ties, weights)
    terms = cox_terms(np.array([0.2, 0.1, -0.3]), data)
    residuals = np.concatenate([block for _, block in score_residuals(data, terms)])
    weight = np.ones(60) if data.weight is None else data.weight
    assert_allclose(weight @ residuals, terms.gradient, atol=1e-10)
    assert_allclose(weight @ martingale(data, terms), 0, atol=1e-10)


def test_score_residual_is_the_effect_of_a_weight() -> None:
    """dfbeta of a row is the derivative of the estimate by the row's (sampling) weight."""
    data = example("efron", "sampling", n=25, seed=8)
    best = newton(lambda b: cox_terms(b, data), np.zeros(3), 1e-12)
    residuals = np.concatenate([block for _, block in score_residuals(data, best.terms)])
    dfbeta = residuals @ symmetric_inverse(best.terms.information)
    assert data.weight is not None
    for row in (0, 5, 11, 24):
        moved = []
        for sign in (1, -1):
            weight = data.weight.copy()
            weight[row] += sign * 1e-5
            other = cox_data(data.matrix, data.index, weight, data.offset, "efron", False)
            moved.append(newton(lambda b, d=other: cox_terms(b, d), best.at, 1e-13).at)
        assert_allclose(dfbeta[row], (moved[0] - moved[1]) / 2e-5, rtol=1e-5, atol=1e-7)


def test_late_entries_of_great_weight_do_not_spoil_those_at_risk() -> None:
    """Rows with risk e^60 enter after the first exits; the early risk sets must not be their difference."""
    x = np.array([[0.0], [1.0], [0.5], [60.0], [60.0], [59.0]])
    entry, exit = np.array([0, 0, 0, 5, 5, 5]), np.array([1, 2, 3, 7, 8, 9])
    index = risk_index(entry, exit, np.ones(6, bool))
    terms = cox_terms(np.ones(1), cox_data(x, index))
    assert_allclose(terms.s0[:3] * np.exp(terms.shift), [1 + np.e + np.exp(0.5), np.e + np.exp(0.5), np.exp(0.5)])


def test_newton_halves_steps_that_overshoot() -> None:
    class Terms:
        def __init__(self, b: np.ndarray) -> None:
            x = float(b[0])
            self.value = -np.sqrt(1 + x * x)
            self.gradient = np.array([-x / np.sqrt(1 + x * x)])
            self.information = np.array([[(1 + x * x) ** -1.5]])

    best = newton(Terms, np.array([3.0]), 1e-12)
    assert best.converged
    assert abs(best.at[0]) < 1e-9


def test_dependencies_are_found_and_written_out() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    x[:, 3] = 2 * x[:, 0] - x[:, 2] + 7
    _, scale, _ = standardise(x)
    found = dependencies(x.T @ x)
    assert [d.column for d in found] == [3]
    assert found[0].on == (0, 2)
    assert_allclose(np.array(found[0].coefficients) * scale[3] / scale[[0, 2]], [2, -1])
    x[:, 1] = 0
    assert {d.column for d in dependencies(x.T @ x)} == {1, 3}
