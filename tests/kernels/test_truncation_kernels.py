"""Windows, reach, reverse time and pairs: by slow definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components

from exitmodels.kernels.quasi import at_risk_ranks, exchanged, pair_sums
from exitmodels.kernels.reversetime import reverse_product_limit
from exitmodels.kernels.windowmass import fit_windows, holding, inside, make_windows
from exitmodels.kernels.windowreach import components
from exitmodels.kernels.windowvariance import inverse_information, meat


def some_windows(seed: int, n: int = 30, size: int = 12, wide: int = 4) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    slot = np.concatenate([np.arange(size), rng.integers(0, size, n)])
    first = np.maximum(slot - rng.integers(0, wide, len(slot)), 0)
    stop = np.minimum(slot + 1 + rng.integers(0, wide, len(slot)), size)
    return slot, first, stop, rng.integers(1, 4, len(slot)).astype(float)


def dense(first: np.ndarray, stop: np.ndarray, size: int) -> np.ndarray:
    return ((first[:, None] <= np.arange(size)) & (np.arange(size) < stop[:, None])).astype(float)


@pytest.mark.parametrize("seed", range(40))
def test_components_are_those_of_the_graph_of_rows(seed: int) -> None:
    slot, first, stop, _ = some_windows(seed, n=seed % 7, wide=1 + seed % 4)
    graph = dense(first, stop, 12)[:, slot]
    count, label = connected_components(graph, directed=True, connection="strong")
    found = components(slot, first, stop, 12)
    assert found.max() + 1 == count
    assert len(set(zip(found[slot].tolist(), label.tolist(), strict=True))) == count


@pytest.mark.parametrize("seed", range(5))
def test_masses_maximise_the_likelihood(seed: int) -> None:
    slot, first, stop, weight = some_windows(seed, n=60, wide=6)
    assert components(slot, first, stop, 12).max() == 0
    hold = dense(first, stop, 12)

    def loss(theta: np.ndarray) -> float:
        mass = np.exp(theta - theta.max())
        mass /= mass.sum()
        return -float(weight @ (np.log(mass[slot]) - np.log(hold @ mass)))

    best = minimize(loss, np.zeros(12), method="BFGS", options={"gtol": 1e-9})
    found = fit_windows(make_windows(slot, first, stop, weight, 12))
    assert found.converged
    assert found.gap < 1e-11
    assert found.value >= -best.fun - 1e-9
    mass = np.exp(best.x - best.x.max())
    np.testing.assert_allclose(found.mass, mass / mass.sum(), rtol=1e-5)
    np.testing.assert_allclose(inside(first, stop, found.mass), hold @ found.mass, rtol=1e-12)
    push = weight / (hold @ found.mass)
    np.testing.assert_allclose(holding(first, stop, push, 12), push @ hold, rtol=1e-12)
    np.testing.assert_allclose(found.chance, push @ hold / push.sum(), rtol=1e-10)


def test_information_and_meat_by_their_definitions() -> None:
    slot, first, stop, weight = some_windows(3, n=60, wide=6)
    data = make_windows(slot, first, stop, weight, 12)
    mass = fit_windows(data).mass
    part = dense(first, stop, 12) * mass
    part /= part.sum(axis=1, keepdims=True)
    info = sum(w * (np.diag(p) - np.outer(p, p)) for w, p in zip(weight, part, strict=True))
    score = np.eye(12)[slot] - part
    np.testing.assert_allclose(meat(data, mass, weight), (score * weight[:, None]).T @ score, atol=1e-10)
    cluster = np.arange(len(slot)) % 9
    sums = np.stack([(score * weight[:, None])[cluster == c].sum(axis=0) for c in range(9)])
    np.testing.assert_allclose(meat(data, mass, weight, cluster), sums.T @ sums, atol=1e-9)
    slopes = np.tril(np.ones((12, 12))) * mass - np.outer(np.cumsum(mass), mass)
    theirs = slopes @ np.linalg.pinv(info) @ slopes.T
    np.testing.assert_allclose(slopes @ inverse_information(data, mass) @ slopes.T, theirs, atol=1e-12)


def test_reverse_product_limit_is_the_maximum_and_greenwood_the_information() -> None:
    rng = np.random.default_rng(2)
    slot = np.concatenate([np.arange(8), rng.integers(0, 8, 40)])
    stop = np.minimum(slot + 1 + rng.integers(1, 6, len(slot)), 8)
    weight = rng.integers(1, 3, len(slot)).astype(float)
    cdf, variance, mass, *_ = reverse_product_limit(slot, stop, weight, 8)
    data = make_windows(slot, np.zeros_like(slot), stop, weight, 8)
    np.testing.assert_allclose(fit_windows(data).mass, mass, rtol=1e-9)
    slopes = np.tril(np.ones((8, 8))) * mass - np.outer(cdf, mass)
    model = np.diag(slopes @ inverse_information(data, mass) @ slopes.T)
    np.testing.assert_allclose(model, variance, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("seed", range(6))
def test_ranks_at_risk_by_looping(seed: int) -> None:
    rng = np.random.default_rng(seed)
    entry, weight = rng.integers(0, 6, 40).astype(float), rng.integers(1, 3, 40).astype(float)
    exit = entry + rng.integers(0, 5, 40)
    event = rng.random(40) < 0.7
    score, size = at_risk_ranks(entry, exit, event, weight)
    for i in range(40):
        there = (entry <= exit[i]) & (exit >= exit[i])
        expected = float(weight[there] @ np.sign(entry[there] - entry[i])) if event[i] else 0.0
        assert (score[i], size[i]) == (expected, weight[there].sum() if event[i] else 0.0)


@pytest.mark.parametrize("closed", [False, True])
def test_pairs_by_looping(closed: bool) -> None:
    rng = np.random.default_rng(1)
    n = 25
    left, time = rng.integers(0, 5, n).astype(float), np.zeros(n)
    time = left + rng.integers(1, 5, n)
    right = time + rng.integers(0, 4, n)
    times = rng.integers(1, 4, n)
    found = pair_sums(time, left, right, left[:, None], times.astype(float), closed)
    rows = np.repeat(np.arange(n), times)
    pairs = total = 0.0
    for i in range(len(rows)):
        for j in range(i):
            a, b = rows[i], rows[j]
            opens = (
                max(left[a], left[b]) <= min(time[a], time[b])
                if closed
                else max(left[a], left[b]) < min(time[a], time[b])
            )
            if opens and max(time[a], time[b]) <= min(right[a], right[b]):
                pairs += 1
                total += np.sign(time[a] - time[b]) * np.sign(left[a] - left[b])
    assert (found.pairs, found.concordance[0]) == (pairs, total)
    again = pair_sums(time[rows], left[rows], right[rows], left[rows, None], np.ones(len(rows)), closed)
    np.testing.assert_allclose(found.variance, again.variance)


def test_exchanges_reach_every_possible_assignment_equally_often() -> None:
    """Three times and windows with three possible assignments out of six."""
    time, left, right = np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.5]), np.array([2.5, 3.5, 3.5])
    drawn, _ = exchanged(time, left, right, False, 4000, 3, np.random.default_rng(5))
    kinds, counts = np.unique(drawn, axis=0, return_counts=True)
    assert sorted(kinds.tolist()) == [[0, 1, 2], [0, 2, 1], [1, 0, 2]]
    assert np.all(np.abs(counts / 4000 - 1 / 3) < 0.04)
