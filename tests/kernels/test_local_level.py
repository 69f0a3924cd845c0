"""Local levels against dense algebra, and the likelihood against numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from exitmodels.kernels.levelfilter import innovations
from exitmodels.kernels.levelvariance import fit_gaussian, fit_poisson_level, gaussian_at, poisson_at
from exitmodels.kernels.locallevel import poisson_mode


def example(n: int = 14) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    y, design = rng.normal(size=n), rng.normal(size=(n, 2))
    y[[3, n - 1]] = np.nan
    return y, design


def dense(y: np.ndarray, design: np.ndarray, noise: float, step: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Diffuse log-likelihood, level and its variance by generalised least squares on full matrices."""
    n, seen = len(y), np.isfinite(y)
    walk = step * np.minimum.outer(np.arange(n), np.arange(n))
    v = walk[np.ix_(seen, seen)] + noise * np.eye(seen.sum())
    z = np.column_stack([np.ones(n), design])[seen]
    inverse = np.linalg.inv(v)
    gram = z.T @ inverse @ z
    b = np.linalg.solve(gram, z.T @ inverse @ y[seen])
    rest = y[seen] - z @ b
    logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(gram)[1]
    value = -0.5 * ((seen.sum() - z.shape[1]) * np.log(2 * np.pi) + logs + rest @ inverse @ rest)
    side = walk[:, seen]
    lift = np.column_stack([np.ones(n), np.zeros_like(design)]) - side @ inverse @ z
    variance = walk - side @ inverse @ side.T + lift @ np.linalg.inv(gram) @ lift.T
    return value, b[0] + side @ inverse @ rest, np.diag(variance)


@pytest.mark.parametrize("step", [0.0, 1e-5, 0.3, 20.0])
def test_smoothed_level_and_likelihood(step):
    y, design = example()
    value, made = gaussian_at(y, design, 0.7, step)
    wanted, level, variance = dense(y, design, 0.7, step)
    assert_allclose(value, wanted, rtol=1e-9)
    assert_allclose(made.level, level, atol=1e-9)
    assert_allclose(made.level_variance, variance, rtol=1e-7)
    signal = level + design @ made.coef
    assert_allclose(made.signal, signal, atol=1e-9)


@pytest.mark.parametrize("step", [0.0, 0.3])
def test_innovations_are_predictions_from_the_past_alone(step):
    """Each against least squares on the observations before it."""
    y, design = example()
    seen = np.isfinite(y)
    error, variance = innovations(np.where(seen, y, 0.0), seen / 0.7, design, step)
    assert np.isfinite(error).sum() == seen.sum() - 3
    for t in np.flatnonzero(np.isfinite(error)):
        past = y.copy()
        past[t:] = np.nan
        cut = slice(0, t + 1)
        _, made = gaussian_at(past[cut], design[cut], 0.7, step)
        assert_allclose(error[t], y[t] - made.signal[t], atol=1e-9)
        assert_allclose(variance[t], made.signal_variance[t] + 0.7, rtol=1e-8)


def test_a_column_that_begins_late_does_not_hold_up_the_innovations():
    rng = np.random.default_rng(2)
    y, law = rng.normal(size=50), (np.arange(50) >= 40) * 1.0
    error, _ = innovations(y, np.ones(50), law[:, None], 0.1)
    assert np.flatnonzero(np.isnan(error)).tolist() == [0, 40]


def test_variances_are_at_the_top_of_the_likelihood():
    rng = np.random.default_rng(3)
    y = np.cumsum(0.4 * rng.normal(size=80)) + rng.normal(size=80)
    design = rng.normal(size=(80, 1))
    fit = fit_gaussian(y, design)

    def value(logs: np.ndarray) -> float:
        return gaussian_at(y, design, *np.exp(logs))[0]

    top, h = np.log([fit.noise, fit.step]), 2e-4
    steps = h * np.eye(2)
    slope = [(value(top + s) - value(top - s)) / (2 * h) for s in steps]
    assert_allclose(slope, 0, atol=1e-6)
    bend = [
        [
            (value(top + a + b) - value(top + a - b) - value(top - a + b) + value(top - a - b)) / (4 * h**2)
            for b in steps
        ]
        for a in steps
    ]
    assert_allclose(np.linalg.inv(-np.array(bend)), fit.log_covariance, rtol=1e-6)


def test_poisson_slope_and_curvature():
    rng = np.random.default_rng(4)
    y = rng.poisson(np.exp(1 + np.cumsum(0.2 * rng.normal(size=60)))).astype(float)
    y[5] = np.nan
    design, offset, h = rng.normal(size=(60, 1)), rng.normal(size=60) / 5, 1e-4
    _, slope, _, _, found = poisson_at(y, offset, design, 0.03)
    ahead, back = (poisson_at(y, offset, design, 0.03 * np.exp(sign * h)) for sign in (1, -1))
    assert found
    assert_allclose(slope, (ahead[0] - back[0]) / (2 * h), rtol=1e-6)
    fit = fit_poisson_level(y, offset, design)
    near = [poisson_at(y, offset, design, fit.step * np.exp(d))[0] for d in (-0.02, 0.0, 0.02)]
    assert near[1] > max(near[0], near[2])
    assert_allclose(fit.log_covariance[0, 0], -(0.02**2) / (near[0] - 2 * near[1] + near[2]), rtol=1e-5)


def test_laplace_is_near_the_integral():
    """Three counts: the likelihood by quadrature over level and steps; the approximation is close, and is not exact."""
    y, step = np.array([4.0, 7.0, 5.0]), 0.1
    grid = np.linspace(-1.5, 4.5, 241)
    fine = grid[1] - grid[0]
    chance = np.exp(stats.poisson.logpmf(y[:, None], np.exp(grid)))
    move = stats.norm.pdf(grid[:, None] - grid, scale=np.sqrt(step))
    held = chance[0]
    for row in chance[1:]:
        held = row * (move @ held) * fine
    exact = float(np.log(held.sum() * fine))
    _, value, mean, found = poisson_mode(y, np.zeros(3), np.zeros((3, 0)), step)
    assert found
    # Laplace's approximation against the integral
    assert abs(value - exact) < 0.02
    assert_allclose(mean.sum(), y.sum(), rtol=1e-8)  # a flat start: the mode keeps the total


def test_variance_at_its_limit():
    """Counts that vary less than Poisson's leave nothing for the level."""
    y = np.tile([5.0, 6.0, 5.0, 4.0], 10)
    fit = fit_poisson_level(y, np.zeros(40), np.zeros((40, 0)))
    assert (fit.at_limit, fit.step) == ("step", 0.0)
    assert_allclose(fit.mean, 5.0, rtol=1e-10)
    gaussian = fit_gaussian(y, np.zeros((40, 0)))
    assert gaussian.at_limit == "step"
    assert_allclose(gaussian.noise, y.var(ddof=1), rtol=1e-10)
    assert_allclose(gaussian.smoothed.level, 5.0, rtol=1e-10)
