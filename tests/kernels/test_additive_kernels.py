"""Additive hazards: least squares and influences against their definitions, written as loops over time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from exitmodels.kernels.additive import AdditiveData, additive_fit, additive_grid, model_covariance
from exitmodels.kernels.additive_influence import constant_influence, resampled_processes, robust_covariance


def made(seed: int = 1, constant: int = 1, n: int = 60) -> tuple[AdditiveData, np.ndarray, np.ndarray, np.ndarray]:
    """Whole days with ties, delayed entry, weights, and one changing covariate."""
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(n) < 0.4, rng.integers(0, 8, n), 0).astype(float)
    exit = entry + rng.integers(1, 25, n)
    event = rng.random(n) < 0.7
    columns = np.column_stack([np.ones(n), rng.normal(size=n), *rng.normal(size=(constant, n))])
    index, width = additive_grid(entry, exit, event, constant > 0)
    weight = rng.integers(1, 4, n).astype(float)
    return AdditiveData(columns, 2, 1, index, width, weight, 6.0), entry, exit, event


def slowly(data: AdditiveData, entry: np.ndarray, exit: np.ndarray, event: np.ndarray):
    """Every day from 1 to the last: risk sets by comparison, normal equations by inverse."""
    q, x, z, w = data.n_free, data.columns[:, : data.n_free], data.columns[:, data.n_free :], data.weight
    days, systems = np.arange(1, exit.max() + 1), []
    left, right = np.zeros((z.shape[1],) * 2), np.zeros(z.shape[1])
    for day in days:
        here = (entry < day) & (exit >= day)
        gone = here & event & (exit == day)
        if w[here].sum() < data.least or np.linalg.matrix_rank(x[here]) < q:
            systems.append(None)
            continue
        inverse = np.linalg.inv(x[here].T @ (x[here] * w[here, None]))
        slope = inverse @ (x[here].T @ (z[here] * w[here, None]))
        rest = z - x @ slope
        left += rest[here].T @ (z[here] * w[here, None])
        right += (w[gone, None] * rest[gone]).sum(axis=0)
        systems.append((here, gone, inverse, slope))
    constant = np.linalg.solve(left, right) if len(right) else right
    total, cumulative = np.zeros(q), []
    for system in systems:
        if system is not None:
            _, gone, inverse, slope = system
            total = total + inverse @ (w[gone] @ x[gone]) - slope @ constant
        cumulative.append(total)
    return days, systems, constant, np.array(cumulative), left


@pytest.mark.parametrize("constant", [0, 1, 2])
def test_estimate_and_influence_are_those_of_the_definition(constant: int) -> None:
    data, entry, exit, event = made(constant=constant)
    days, systems, slow, cumulative, left = slowly(data, entry, exit, event)
    terms = additive_fit(data)
    assert_allclose(terms.constant, slow, rtol=1e-9)
    on_grid = np.searchsorted(days, data.index.times)
    keep = data.index.times > 0
    assert_allclose(np.cumsum(terms.steps, axis=0)[keep], cumulative[on_grid[keep]], rtol=1e-9, atol=1e-12)

    q, r, n = 2, constant, len(data.columns)
    x, z = data.columns[:, :q], data.columns[:, q:]
    on_constant = np.zeros((n, r))
    residuals = []
    steps = np.diff(np.vstack([np.zeros(q), cumulative]), axis=0)
    for system, step in zip(systems, steps, strict=True):
        if system is None:
            residuals.append(None)
            continue
        here, gone, _, slope = system
        residual = gone - here * (x @ step + z @ slow)
        residuals.append(residual)
        on_constant += residual[:, None] * (z - x @ slope)
    on_constant = on_constant @ np.linalg.inv(left) if r else on_constant
    assert_allclose(constant_influence(data, terms), on_constant, rtol=1e-8, atol=1e-10)
    own, drift, squares = np.zeros((n, q)), np.zeros((q, r)), []
    for system, residual in zip(systems, residuals, strict=True):
        if system is not None:
            own = own + (x * residual[:, None]) @ system[2]
            drift = drift + system[3]
        both = np.hstack([own - on_constant @ drift.T, on_constant])
        squares.append((both * data.weight[:, None]).T @ both)
    ours = robust_covariance(data, terms, np.sqrt(data.weight), None)
    assert_allclose(ours[keep], np.array(squares)[on_grid[keep]], rtol=1e-7, atol=1e-9)


def test_rows_of_one_cluster_are_added_before_squaring() -> None:
    """A spell cut in two is one cluster of two rows: the same influence, so the same covariance."""
    data, entry, exit, event = made()
    cut = np.floor((entry + exit) / 2)
    cut = np.where(cut > entry, cut, exit)
    second = np.flatnonzero(cut < exit)
    begins, ends = np.concatenate([entry, cut[second]]), np.concatenate([cut, exit[second]])
    left = np.concatenate([event & (cut == exit), event[second]])
    index, width = additive_grid(begins, ends, left, True)
    rows = np.concatenate([np.arange(len(exit)), second])
    halves = AdditiveData(data.columns[rows], 2, 1, index, width, data.weight[rows], data.least)
    one, two = additive_fit(data), additive_fit(halves)
    assert_allclose(two.constant, one.constant, rtol=1e-9)
    whole = robust_covariance(data, one, data.weight, np.arange(len(exit)))
    pieces = robust_covariance(halves, two, data.weight[rows], rows)
    at = np.searchsorted(index.times, data.index.times)
    assert_allclose(pieces[at], whole, rtol=1e-7, atol=1e-9)
    at_exits = model_covariance(halves, two, np.sqrt(data.weight[rows]))
    assert_allclose(at_exits[at], model_covariance(data, one, np.sqrt(data.weight)), rtol=1e-8, atol=1e-12)


def test_resampled_processes_have_the_robust_covariance() -> None:
    data, *_ = made(seed=3, n=120)
    terms = additive_fit(data)
    factor = np.sqrt(data.weight)
    rng = np.random.default_rng(5)
    draws = [np.concatenate([b[-1], g]) for b, g in resampled_processes(data, terms, factor, None, 4000, rng)]
    target = robust_covariance(data, terms, factor, None)[-1]
    spread = np.sqrt(np.diag(target))
    # 4,000 draws
    assert_allclose(np.cov(np.array(draws).T) / np.outer(spread, spread), target / np.outer(spread, spread), atol=0.08)


def test_two_ways_of_adding_squares_over_time_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    data, *_ = made(constant=2)
    terms = additive_fit(data)
    cluster = np.arange(len(data.weight)) // 2
    by_time = robust_covariance(data, terms, data.weight, cluster)
    monkeypatch.setattr("exitmodels.kernels.additive_influence._TABLE", 0)
    assert_allclose(robust_covariance(data, terms, data.weight, cluster), by_time, rtol=1e-9, atol=1e-10)
