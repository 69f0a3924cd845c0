"""Crossing probabilities of Brownian paths, against other series, quadrature and known laws."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, optimize, special, stats

from exitmodels.kernels.suprema import (
    bridge_critical,
    bridge_inside,
    motion_exceeds,
    scaled_critical,
    scaled_inside,
)


def test_both_series_of_the_supremum_agree_and_the_tail_keeps_its_digits() -> None:
    k = np.arange(200)
    for bound in (0.3, 0.7, 1.0, 1.5, 2.2414, 3.0):
        theta = 4 / np.pi * np.sum((-1.0) ** k / (2 * k + 1) * np.exp(-((np.pi * (2 * k + 1) / bound) ** 2) / 8))
        assert_allclose(motion_exceeds(bound), 1 - theta, rtol=1e-9)
    assert_allclose(motion_exceeds(9.0), 4 * stats.norm.sf(9.0), rtol=1e-12)
    assert motion_exceeds(0.0) == 1.0
    assert np.isnan(motion_exceeds(np.nan))


@pytest.mark.parametrize("bound", [0.6, 0.9, 1.3581, 2.0])
def test_the_whole_bridge_has_kolmogorovs_law(bound: float) -> None:
    assert_allclose(bridge_inside(bound, 0.0, 1 - 1e-15), stats.kstwobign.cdf(bound), rtol=1e-10)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.6), (0.0, 0.4), (0.3, 0.31), (0.05, 0.95)])
def test_the_bridge_by_reflections_and_quadrature(low: float, high: float) -> None:
    """Between x and y a path stays inside with a probability that reflections give; then integrate over x and y."""
    c, width = 1.1, high - low
    nodes, weights = np.polynomial.legendre.leggauss(160)
    x = c * nodes
    turns = np.arange(-12, 13)[:, None, None]
    start = x[:, None] if low > 0 else np.zeros((1, 1))
    killed = stats.norm.pdf(x[None, :] - start + 4 * c * turns, scale=np.sqrt(width))
    killed = killed - stats.norm.pdf(2 * c - x[None, :] - start + 4 * c * turns, scale=np.sqrt(width))
    onward = killed.sum(axis=0) @ (c * weights * stats.norm.pdf(x, scale=np.sqrt(1 - high)))
    reach = onward[0] if low == 0 else (c * weights * stats.norm.pdf(x, scale=np.sqrt(low))) @ onward
    assert_allclose(bridge_inside(c, low, high), reach * np.sqrt(2 * np.pi), rtol=1e-8)


@pytest.mark.parametrize("ratio", [1.5, 5.0, 13.5, 361.0])
def test_the_scaled_path_by_hypergeometric_functions(ratio: float) -> None:
    """The eigenfunctions of f'' - x f' are Kummer's functions; sum the first of them, found by root search."""
    c = 2.5

    def edge(rate: float) -> float:
        return float(special.hyp1f1(-rate / 2, 0.5, c**2 / 2))

    grid = np.linspace(1e-6, 140, 6000)
    signs = np.sign([edge(v) for v in grid])
    rates = [optimize.brentq(edge, grid[i], grid[i + 1], xtol=1e-14) for i in np.flatnonzero(np.diff(signs))]
    total = 0.0
    for rate in rates:

        def f(x: float, rate: float = rate) -> float:
            return float(special.hyp1f1(-rate / 2, 0.5, x**2 / 2))

        mean = integrate.quad(lambda x: f(x) * stats.norm.pdf(x), -c, c)[0]
        square = integrate.quad(lambda x: f(x) ** 2 * stats.norm.pdf(x), -c, c)[0]
        total += np.exp(-rate * np.log(ratio) / 2) * mean**2 / square
    assert_allclose(scaled_inside(c, ratio), total, rtol=1e-7)


def test_bands_over_one_time_are_intervals() -> None:
    assert_allclose(scaled_critical(0.05, 1.0), stats.norm.ppf(0.975), rtol=1e-12)
    assert_allclose(bridge_critical(0.05, 0.3, 0.3), stats.norm.ppf(0.975) * np.sqrt(0.21), rtol=1e-12)
    # a limit: the range of times is not quite a point
    assert_allclose(scaled_critical(0.05, 1 + 1e-9), stats.norm.ppf(0.975), rtol=1e-3)
    assert bridge_critical(0.05, 0.0, 0.0) == 0.0


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.3])
def test_critical_values_invert_the_probabilities(alpha: float) -> None:
    assert_allclose(scaled_inside(scaled_critical(alpha, 20.0), 20.0), 1 - alpha, rtol=1e-9)
    assert_allclose(bridge_inside(bridge_critical(alpha, 0.02, 0.8), 0.02, 0.8), 1 - alpha, rtol=1e-9)
    assert scaled_critical(alpha, 30.0) > scaled_critical(alpha, 20.0) > stats.norm.ppf(1 - alpha / 2)
    first_order = optimize.brentq(
        lambda c: stats.norm.pdf(c) * (4 / c + (c - 1 / c) * np.log(20.0)) - alpha, 1.0, 8.0
    )  # Miller & Siegmund (1982): good far out
    # a first-order formula, good far out
    assert_allclose(scaled_critical(alpha, 20.0), first_order, rtol=0.002 if alpha < 0.1 else 0.1)
