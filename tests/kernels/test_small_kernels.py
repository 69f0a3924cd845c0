"""Readings of step curves, limits, and the bootstrap on counts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from exitmodels.kernels.intervals import TRANSFORMS, hazard_limits, probability_limits
from exitmodels.kernels.products import restricted_area
from exitmodels.kernels.resampling import bootstrap_quantile, compress
from exitmodels.kernels.steps import crossing, value_at


def test_quantiles_take_the_middle_of_a_flat_piece() -> None:
    time, survival = np.array([1.0, 3.0, 7.0, 8.0]), np.array([0.75, 0.5, 0.25, 0.0])
    assert crossing(time, survival, 0.5) == 5.0
    assert crossing(time, survival, 0.6) == 3.0
    assert np.isnan(crossing(time, survival + 0.3, 0.1))
    assert crossing(time, 1 - survival, 0.25, falling=False) == 2.0


def test_values_hold_after_their_time() -> None:
    time, values = np.array([1.0, 3.0]), np.array([0.7, 0.2])
    assert value_at(time, values, np.array([0.5, 1.0, 2.9, 3.0, 99.0]), 1.0).tolist() == [1, 0.7, 0.7, 0.2, 0.2]


def test_area_of_a_staircase() -> None:
    area, rest = restricted_area(np.array([2.0, 5.0, 9.0]), np.array([0.5, 0.25, 0.0]), 1.0, 6.0)
    assert area == 2 + 3 * 0.5 + 1 * 0.25
    assert rest.tolist() == [1.75, 0.25, 0.0]


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_limits_are_normal_on_their_own_scale(transform: str) -> None:
    p, se, z = 0.3, 0.04, stats.norm.ppf(0.975)
    scales = {
        "plain": (lambda v: v, 1.0),
        "log": (np.log, 1 / p),
        "log-log": (lambda v: np.log(-np.log(v)), -1 / (p * np.log(p))),
        "cloglog": (lambda v: np.log(-np.log1p(-v)), -1 / ((1 - p) * np.log1p(-p))),
        "arcsine": (lambda v: np.arcsin(np.sqrt(v)), 1 / (2 * np.sqrt(p * (1 - p)))),
        "logit": (lambda v: np.log(v / (1 - v)), 1 / (p * (1 - p))),
    }
    g, slope = scales[transform]
    low, high = probability_limits(np.array([p]), np.array([se]), 0.05, transform)
    wanted = sorted([g(p) - z * slope * se, g(p) + z * slope * se])
    assert_allclose(sorted([g(low[0]), g(high[0])]), wanted, rtol=1e-12)
    assert 0 <= low[0] < p < high[0] <= 1


def test_limits_at_the_edges() -> None:
    low, high = probability_limits(np.array([1.0, 0.0]), np.array([0.0, np.nan]), 0.05, "log-log")
    assert (low[0], high[0]) == (1.0, 1.0)
    assert np.isnan(low[1])
    low, _ = hazard_limits(np.array([0.1]), np.array([0.2]), 0.05, "plain")
    assert low[0] == 0.0


def test_bootstrap_median_has_the_law_of_the_sample_median() -> None:
    """Without censoring and an odd sample, P(median <= k-th value) is a binomial tail."""
    values = np.arange(1.0, 12.0)
    cells = compress(values, np.ones(11, bool), None, None, False, None)
    draws = bootstrap_quantile(cells, 0.5, 200_000, np.random.default_rng(1))
    for k in (3, 5, 6, 8):
        exact = stats.binom.sf(5, 11, k / 11)
        assert abs(np.mean(draws <= k) - exact) < 4 * np.sqrt(exact * (1 - exact) / 200_000)


def test_bootstrap_of_weights_clusters_and_late_entries_agrees_with_rows() -> None:
    rng = np.random.default_rng(2)
    exit, event = rng.exponential(50, 60), rng.random(60) < 0.7
    plain = bootstrap_quantile(compress(exit, event, None, None, False, None), 0.5, 4000, np.random.default_rng(5))
    ways = [
        (np.zeros(60) - 1, None, False, None),
        (None, np.ones(60), True, None),
        (None, np.ones(60), False, None),
        (None, None, False, np.arange(60)),
    ]
    for entry, weight, replicas, cluster in ways:
        draws = bootstrap_quantile(
            compress(exit, event, entry, weight, replicas, cluster), 0.5, 4000, np.random.default_rng(6)
        )
        assert abs(draws.mean() - plain.mean()) < 5 * plain.std() / np.sqrt(2000)
        assert 0.9 < draws.std() / plain.std() < 1.1
