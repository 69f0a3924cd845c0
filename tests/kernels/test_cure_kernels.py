"""The likelihood of lags with a share that never leaves: derivatives, a slow definition, the follow-up."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from exitmodels.kernels import curelag
from exitmodels.kernels.curelag import CureRows, Penalty, cure_surface, lag_logs, row_values
from exitmodels.kernels.cureprofile import follow_up


def made(link: str, seed: int = 0, n: int = 40) -> tuple[CureRows, np.ndarray]:
    """Rows with late entry, offsets, weights, a period with hazard 0 and coefficients of every kind."""
    rng = np.random.default_rng(seed)
    t = 7
    enters = rng.integers(0, 3, n)
    leaves = enters + rng.integers(1, 5, n)
    fixed = np.zeros(t)
    fixed[2] = -np.inf
    rows = CureRows(
        never=np.column_stack([np.ones(n), rng.normal(size=n)]),
        lag=rng.normal(size=(n, 2)),
        never_offset=0.1 * rng.normal(size=n),
        lag_offset=0.1 * rng.normal(size=n),
        basis=np.column_stack([np.ones(t), np.log(np.arange(1, t + 1))]),
        fixed=fixed,
        enters=enters,
        leaves=leaves,
        event=(rng.random(n) < 0.5) & (leaves != 3),
        weight=rng.random(n) + 0.5,
        link=link,
    )
    return rows, 0.4 * rng.normal(size=6)


def slow(theta: np.ndarray, data: CureRows) -> np.ndarray:
    """Row by row and period by period, on the plain scale."""
    out = []
    period = data.basis @ theta[2:4]
    for i in range(len(data.weight)):
        never = 1 / (1 + np.exp(-(data.never[i] @ theta[:2] + data.never_offset[i])))
        eta = period + data.lag[i] @ theta[4:] + data.lag_offset[i]
        hazard = 1 / (1 + np.exp(-eta)) if data.link == "logit" else 1 - np.exp(-np.exp(eta))
        hazard = np.where(np.isinf(data.fixed), 0.0, hazard)
        stay = np.concatenate([[1.0], np.cumprod(1 - hazard)])
        last = data.leaves[i]
        here = (1 - never) * stay[last - 1] * hazard[last - 1] if data.event[i] else never + (1 - never) * stay[last]
        out.append(np.log(here) - np.log(never + (1 - never) * stay[data.enters[i]]))
    return np.array(out)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_rows_agree_with_the_definition(link):
    data, theta = made(link)
    assert_allclose(row_values(theta, data)[0], slow(theta, data), rtol=1e-12)
    assert_allclose(cure_surface(theta, data).value, data.weight @ slow(theta, data), rtol=1e-12)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
@pytest.mark.parametrize("penalised", [False, True])
def test_derivatives_agree_with_numerical_ones(link, penalised):
    data, theta = made(link, seed=1)
    penalty = Penalty(np.eye(6)[:2], np.eye(6)[2:3]) if penalised else None
    here, step = cure_surface(theta, data, penalty), 1e-5

    def around(u):
        return cure_surface(theta + step * u, data, penalty), cure_surface(theta - step * u, data, penalty)

    pairs = [around(u) for u in np.eye(6)]
    gradient = [(a.value - b.value) / (2 * step) for a, b in pairs]
    information = [-(a.gradient - b.gradient) / (2 * step) for a, b in pairs]
    # Central differences of step 1e-5 are good to about 1e-9 here.
    assert_allclose(here.gradient, gradient, atol=1e-7)
    assert_allclose(here.information, information, atol=1e-7)
    if not penalised:
        assert_allclose(data.weight @ row_values(theta, data)[1], here.gradient, atol=1e-10)


def test_blocks_of_rows_add_up(monkeypatch):
    data, theta = made("logit", seed=2)
    whole = cure_surface(theta, data)
    monkeypatch.setattr(curelag, "_CELLS", 30)
    parts = cure_surface(theta, data)
    assert_allclose(parts.information, whole.information, rtol=1e-12)
    assert_allclose(parts.value, whole.value, rtol=1e-13)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_hazards_keep_their_precision_in_both_tails(link):
    eta = np.array([-40.0, -5.0, 0.0, 3.0])
    stay, _, _, gone, *_ = lag_logs(link, eta)
    assert_allclose(gone[0], -40.0, rtol=1e-12)
    assert_allclose(np.exp(stay) + np.exp(gone), 1.0, rtol=1e-12)
    stay, d1, d2, gone, e1, e2 = lag_logs(link, np.array([-np.inf, np.inf]))
    assert stay.tolist() == [0.0, -np.inf]
    assert gone.tolist() == [-np.inf, 0.0]
    assert not np.any([d1, d2, e1, e2])


def test_follow_up_by_hand():
    """Ten rows: 3, 2 and 1 leave in periods 1, 2, 3; one is censored in period 2, three in period 5."""
    leaves = np.array([1, 1, 1, 2, 2, 3, 2, 5, 5, 5])
    event = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    found = follow_up(np.zeros(10, dtype=int), leaves, event, np.ones(10))
    assert (found.longest_lag, found.longest, found.beyond) == (3, 5, 3.0)
    assert_allclose(found.plateau, 7 / 10 * 5 / 7 * 3 / 4)
    variance = 3 / (10 * 7) + 2 / (7 * 5) + 1 / (4 * 3)
    assert_allclose(found.se, found.plateau * np.sqrt(variance))
    # Exits in periods above 2 * 3 - 5 = 1 up to 3: three of ten rows.
    assert_allclose(found.alpha, (1 - 3 / 10) ** 10)
