"""GLARMA: the state by the plain pass, and exact scores and information against differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from exitmodels.kernels import glarma
from exitmodels.kernels.glarma import Shape, trace
from exitmodels.kernels.glarma_slopes import score_rows, surface_at

FAMILIES = ("poisson", "negbin", "binomial")


def example(family: str, power: float, unknown: tuple[int, ...] = (4, 9)) -> tuple[Shape, np.ndarray]:
    rng = np.random.default_rng(1)
    n = 60
    y = rng.poisson(3, n).astype(float)
    trials = None
    if family == "binomial":
        y, trials = np.minimum(y, 9), np.full(n, 9.0)
    y[list(unknown)] = np.nan
    design = np.column_stack([np.ones(n), rng.uniform(0, 1, n)])
    shape = Shape(y, rng.uniform(0.5, 2, n), design, (1, 3), (1, 2), power, trials, family == "negbin")
    lags = np.array([0.1, 0.05, 0.05, -0.04]) / (4 if power == 0 else 1)
    return shape, np.concatenate([[0.8, 0.3], lags, [-0.7] if family == "negbin" else []])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_state_score_and_information(family, power):
    shape, theta = example(family, power)
    path, here = trace(shape, theta), surface_at(shape, theta)
    assert path is not None
    assert here is not None
    assert_allclose(path.state, glarma._pass(shape, theta, theta[:2] @ shape.columns), atol=1e-13)
    h = 1e-5
    steps = h * np.eye(len(theta))
    ahead, back = ([surface_at(shape, theta + sign * step) for step in steps] for sign in (1, -1))
    slope = [(a.value - b.value) / (2 * h) for a, b in zip(ahead, back, strict=True)]
    bend = [-(a.gradient - b.gradient) / (2 * h) for a, b in zip(ahead, back, strict=True)]
    assert_allclose(here.gradient, slope, rtol=1e-6, atol=1e-5)
    assert_allclose(here.information, bend, rtol=1e-6, atol=2e-5)
    assert_allclose(score_rows(shape, theta, path).sum(axis=1), here.gradient, rtol=1e-10, atol=1e-10)


def test_the_plain_pass_stands_behind_newtons_method(monkeypatch):
    """A state that Newton's method does not settle is the one the definition gives."""
    shape, theta = example("poisson", 0.5)
    wanted = trace(shape, theta)
    monkeypatch.setattr(glarma, "_newton", lambda *_: None)
    found = trace(shape, theta)
    assert_allclose(found.state, wanted.state, atol=1e-13)


def test_a_state_that_runs_away_is_outside_the_domain():
    shape, theta = example("poisson", 0.5)
    assert trace(shape, np.array([0.8, 0.3, 1.2, 0.0, 0.0, 0.0])) is None
    assert trace(shape, np.array([900.0, 0.3, 0.1, 0.0, 0.0, 0.0])) is None
    assert trace(shape, np.append(theta[:-1], np.nan)) is None
