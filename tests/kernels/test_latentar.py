"""Kernels of the interrupted series against slow definitions: matrices written out, one fit at a time, quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from exitmodels.kernels.arerrors import fit_ar1
from exitmodels.kernels.batchglm import fit_many
from exitmodels.kernels.countglm import fit_nb2, fit_poisson, unit_deviance
from exitmodels.kernels.latentar import (
    PRIOR_SCALE,
    latent_spread,
    latent_weights,
    mixture_half_width,
    mixture_tail,
    restricted_loglik,
)


def case(seed=0, n=15):
    """Two series of uneven steps, one after the other."""
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    gap = rng.integers(1, 4, n).astype(float)
    gap[[0, 9]] = np.inf
    return rng, design, rng.normal(size=n) * 0.5, rng.uniform(0.02, 0.2, n), gap


def correlation(gap, rho):
    """rho^distance within a series, zero between series."""
    place, block = np.zeros(len(gap)), np.cumsum(np.isinf(gap))
    for t in range(1, len(gap)):
        place[t] = place[t - 1] + (gap[t] if np.isfinite(gap[t]) else 0)
    same = block[:, None] == block[None, :]
    return np.where(same, rho ** np.abs(np.subtract.outer(place, place)), 0.0)


def dense(residual, design, noise, gap, rho, tau2):
    v = np.diag(noise) + tau2 * correlation(gap, rho)
    inverse = np.linalg.inv(v)
    inner = design.T @ inverse @ design
    p = inverse - inverse @ design @ np.linalg.inv(inner) @ design.T @ inverse
    return -0.5 * (np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1] + residual @ p @ residual)


def test_filter_is_the_restricted_likelihood_of_the_written_out_matrix():
    _, design, residual, noise, gap = case()
    rho, tau2 = np.array([0.0, 0.3, 0.9, 0.99]), np.array([0.1, 2.0, 0.5, 1e-6])
    found = restricted_loglik(residual, design, noise, gap, rho, tau2)
    wanted = [dense(residual, design, noise, gap, *pair) for pair in zip(rho, tau2, strict=True)]
    assert_allclose(found, wanted, rtol=1e-10)


def test_the_likelihood_does_not_see_what_the_design_explains():
    _, design, residual, noise, gap = case(1)
    rho, tau2 = np.array([0.5]), np.array([0.3])
    shifted = residual + design @ np.array([3.0, -1.0, 2.0])
    found = restricted_loglik(shifted, design, noise, gap, rho, tau2)
    assert_allclose(found, restricted_loglik(residual, design, noise, gap, rho, tau2), rtol=1e-8)


def test_spread_is_the_written_out_quadratic_form():
    rng, design, _, _, gap = case(2)
    rho = np.array([0.0, 0.4, 0.95])
    influence = rng.normal(size=design.shape)
    wanted = [influence.T @ correlation(gap, r) @ influence for r in rho]
    assert_allclose(latent_spread(influence, gap, rho), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [15, 60])
def test_weights_agree_with_adaptive_quadrature(n):
    """The mean of tau2 and rho under likelihood times prior, by scipy's adaptive rule on the unit square."""
    rng = np.random.default_rng(n)
    design = np.column_stack([np.ones(n), np.arange(n) > 0.8 * n])
    noise, gap = np.full(n, 1 / 12), np.r_[np.inf, np.ones(n - 1)]
    residual = rng.normal(0, 0.5, n)
    scale = PRIOR_SCALE / 12

    def height(share, rho):
        tau2 = scale * share / (1 - share)
        return dense(residual, design, noise, gap, rho, tau2)

    top = max(height(s, r) for s in np.linspace(0.05, 0.95, 19) for r in np.linspace(0.05, 0.95, 19))
    means = []
    for what in (lambda s, r: 1.0, lambda s, r: r, lambda s, r: np.sqrt(scale * s / (1 - s))):
        value, _ = integrate.dblquad(
            lambda s, r, w=what: w(s, r) * np.exp(height(s, r) - top), 0, 1, 0, 0.9999, epsabs=1e-6, epsrel=1e-6
        )
        means.append(value)
    found = latent_weights(residual, design, noise, gap)
    assert_allclose(found.weight.sum(), 1.0, rtol=1e-12)
    rho = found.rho @ found.weight.sum(axis=1)
    tau = np.sqrt(found.tau2) @ found.weight.sum(axis=0)
    # a grid against an adaptive rule: the accuracy the grid is built for
    assert_allclose([rho, tau], [means[1] / means[0], means[2] / means[0]], rtol=2e-4)


def test_a_long_series_finds_its_own_correlation():
    rng, n = np.random.default_rng(5), 1500
    latent = np.zeros(n)
    for t in range(1, n):
        latent[t] = 0.8 * latent[t - 1] + rng.normal(0, 0.4 * 0.6)
    noise = np.full(n, 0.05)
    residual = latent + rng.normal(0, np.sqrt(0.05), n)
    found = latent_weights(residual, np.ones((n, 1)), noise, np.r_[np.inf, np.ones(n - 1)])
    # one drawn series of 1,500 periods
    assert abs(found.rho @ found.weight.sum(axis=1) - 0.8) < 0.08
    assert abs(np.sqrt(found.tau2) @ found.weight.sum(axis=0) - 0.4) < 0.06


def test_mixture_quantiles():
    deviation, weight = np.array([[0.5, 2.0, 1.0]]), np.array([0.2, 0.3, 0.5])
    half = mixture_half_width(deviation, weight, 0.1)
    assert_allclose(mixture_tail(half, deviation, weight), 0.1, rtol=1e-9)
    assert_allclose(weight @ (2 * stats.norm.sf(half[0] / deviation[0])), 0.1, rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_many_fits_are_single_fits(alpha):
    rng = np.random.default_rng(3)
    n, b = 20, 7
    design = np.column_stack([np.ones(n), np.linspace(-1, 1, n)])
    designs = design + np.concatenate([np.zeros((b, n, 1)), rng.normal(size=(b, n, 1))], axis=2)
    offset, y = rng.uniform(0, 1, n), rng.poisson(6, (b, n)).astype(float)
    many = fit_many(y, designs, offset, alpha)
    assert many.converged.all()
    for i in range(b):
        mean = np.exp(offset + designs[i] @ many.beta[i])
        score = designs[i].T @ ((y[i] - mean) / (1 + alpha * mean))
        assert_allclose(score, 0, atol=1e-8)
        assert_allclose(many.deviance[i], unit_deviance(y[i], mean, alpha).sum(), rtol=1e-9)
        if alpha == 0:
            assert_allclose(many.beta[i], fit_poisson(y[i], designs[i], offset).beta, rtol=1e-9)
    own = fit_nb2(y[0], design, offset)
    assert_allclose(fit_many(y[0], design, offset, own.alpha).beta[0], own.beta, rtol=1e-7)


def test_a_fit_that_runs_away_says_so():
    y = np.array([[3.0, 4, 5, 0, 0], [3, 4, 5, 1, 2]])
    design = np.column_stack([np.ones(5), [0, 0, 0, 1, 1]])
    many = fit_many(y, design, np.zeros(5))
    assert many.converged.tolist() == [False, True]


def test_autoregressive_errors_solve_their_own_equations():
    """Given rho, beta is least squares on differences; given beta, rho is the regression of errors on the last."""
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(50), np.arange(50.0)])
    y = x @ [1.0, 0.1] + np.convolve(rng.normal(size=60), 0.7 ** np.arange(10), "same")[:50]
    for keep in (True, False):
        fit = fit_ar1(y, x, keep_first=keep)
        error = y - x @ fit.beta
        assert_allclose(error[1:] @ error[:-1] / (error[:-1] @ error[:-1]), fit.rho, rtol=1e-9)
        w = np.eye(50) - fit.rho * np.eye(50, k=-1)
        w[0, 0] = np.sqrt(1 - fit.rho**2) if keep else 0.0
        assert_allclose(x.T @ w.T @ w @ error, 0, atol=1e-7)
