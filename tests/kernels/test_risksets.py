"""Risk sets against the matrix that is never formed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from exitmodels.kernels import risksets
from exitmodels.kernels.risksets import accumulate, at_risk_sum, risk_index


def spells(seed: int, n: int, scale: float, n_strata: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 10, n) * scale
    exit = entry + rng.integers(1, 12, n) * scale
    event = rng.random(n) < 0.6
    stratum = np.unique(rng.integers(0, n_strata, n), return_inverse=True)[1]
    return entry, exit, event, stratum


def dense(entry: np.ndarray, exit: np.ndarray, event: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    entry, exit = entry.round(6), exit.round(6)
    rows = [
        (entry < t) & (t <= exit) & (stratum == s)
        for s in np.unique(stratum)
        for t in np.unique(exit[event & (stratum == s)])
    ]
    return np.array(rows, dtype=float)


@pytest.mark.parametrize("table", [1 << 24, 0])
@pytest.mark.parametrize("scale", [1, 0.37])
@pytest.mark.parametrize("n_strata", [1, 3, 40])
@pytest.mark.parametrize("delayed", [True, False])
def test_operators_equal_the_dense_matrix(
    monkeypatch: pytest.MonkeyPatch, table: int, scale: float, n_strata: int, delayed: bool
) -> None:
    monkeypatch.setattr(risksets, "_TABLE", table)
    entry, exit, event, stratum = spells(n_strata, 90, scale, n_strata)
    if not delayed:
        entry = np.zeros_like(entry)
    g = int(stratum.max()) + 1
    index = risk_index(entry if delayed else None, exit, event, stratum if g > 1 else None, g)
    matrix = dense(entry, exit, event, stratum)
    rng = np.random.default_rng(1)
    w, x, u = rng.random(90), rng.normal(size=(90, 3)), rng.random(len(matrix))
    assert_allclose(at_risk_sum(index, w), matrix @ w, atol=1e-12)
    assert_allclose(at_risk_sum(index, x, w), matrix @ (x * w[:, None]), atol=1e-12)
    monkeypatch.setattr(risksets, "_SMALL", 0)
    assert_allclose(at_risk_sum(index, x, w), matrix @ (x * w[:, None]), atol=1e-12)
    assert_allclose(accumulate(index, u), matrix.T @ u, atol=1e-12)
    assert_array_equal(index.moment >= 0, event)
    assert_allclose(index.times[index.moment[event]], exit[event])
    assert_array_equal(index.stratum[index.moment[event]], stratum[event])


def test_near_ties_are_one_time() -> None:
    exit = np.array([0.1 + 0.2, 0.3, 0.5])
    index = risk_index(None, exit, np.array([True, True, True]))
    assert index.n_times == 2
    assert_array_equal(at_risk_sum(index, np.ones(3)), [3, 1])


def test_entry_on_the_day_of_an_exit_is_not_at_risk() -> None:
    index = risk_index(np.array([0, 5]), np.array([5, 9]), np.array([True, True]))
    assert_array_equal(at_risk_sum(index, np.ones(2)), [1, 1])
