"""Differences, conditional tests, scans, standardised rates, estimated exposures: slow definitions and laws."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize, stats

from exitmodels.kernels.conditional import (
    drawn_pvalue,
    homogeneity_exact,
    homogeneity_statistics,
    score_lattice,
    score_tails,
    trend_score,
)
from exitmodels.kernels.distinct import distinct, distinct_pairs
from exitmodels.kernels.estimated_exposure import ESTIMATED_METHODS, estimated_exposure_interval
from exitmodels.kernels.exact import poisson_interval
from exitmodels.kernels.rate_difference import (
    DIFFERENCE_METHODS,
    difference_interval,
    difference_pvalue,
    difference_score,
)
from exitmodels.kernels.scan import naus_pvalue, scan_drawn, scan_exact, scan_maximum, wallenstein_neff_pvalue
from exitmodels.kernels.standardised import STANDARD_METHODS, standard_interval


# ---- distinct values -------------------------------------------------------------------------------------------------
@given(st.lists(st.integers(-5, 10**9), min_size=1, max_size=30), st.booleans())
def test_distinct_is_numpys_unique(values, real):
    given_values = np.array(values, dtype=float if real else int)
    levels, where = distinct(given_values)
    theirs, places = np.unique(given_values, return_inverse=True)
    assert_array_equal(levels, theirs)
    assert_array_equal(where, places.ravel())
    one, two, which = distinct_pairs(given_values, given_values[::-1])
    assert_array_equal(np.stack([one, two])[:, which], np.stack([given_values, given_values[::-1]]))


# ---- difference ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("x", "s", "y", "t"), [(11, 6, 2, 5), (0, 10, 5, 12), (7, 2, 0, 9), (1, 1, 1, 30)])
@pytest.mark.parametrize("null", [-1.5, -0.1, 0.0, 0.3, 4.0])
def test_the_score_uses_the_most_likely_rates_that_differ_by_the_null(x, s, y, t, null):
    def loss(rate):
        first = rate + null
        return s * first + t * rate - x * np.log(first) - y * np.log(rate)

    floor = max(0.0, -null)
    best = optimize.minimize_scalar(
        loss, bounds=(floor + 1e-13, floor + 50), method="bounded", options={"xatol": 1e-13}
    )
    wanted = (x / s - y / t - null) / np.sqrt((best.x + null) / s + best.x / t)
    found = difference_score(*(np.array([float(v)]) for v in (x, s, y, t, null)))[0]
    # a bounded search finds the place of a flat minimum to half the digits
    assert_allclose(found, wanted, rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("method", DIFFERENCE_METHODS)
@given(n1=st.integers(0, 200), n2=st.integers(0, 200), t1=st.floats(0.1, 50), t2=st.floats(0.1, 50))
def test_differences_swap_hold_the_estimate_and_scale(method, n1, n2, t1, t2):
    low, high = (float(v) for v in difference_interval(n1, t1, n2, t2, 0.05, method))
    back = difference_interval(n2, t2, n1, t1, 0.05, method)
    size = 1 / min(t1, t2)
    assert_allclose([low, high], [-float(back[1]), -float(back[0])], rtol=1e-7, atol=1e-9 * size)
    assert low <= n1 / t1 - n2 / t2 <= high
    if method != "wald":
        assert low < high
    scaled = difference_interval(n1, 7 * t1, n2, 7 * t2, 0.05, method)
    assert_allclose([7 * float(v) for v in scaled], [low, high], rtol=1e-7, atol=1e-9 * size)


@pytest.mark.parametrize("method", DIFFERENCE_METHODS)
def test_the_pvalue_is_alpha_at_each_limit(method):
    low, high = difference_interval(11, 6, 20, 12, 0.05, method)
    for limit in (float(low), float(high)):
        assert_allclose(difference_pvalue(11, 6, 20, 12, limit, method), 0.05, rtol=1e-5)


def test_two_zero_counts_still_have_a_score_interval():
    """With no events the score limits are z^2 over each exposure."""
    low, high = difference_interval(0, 2, 0, 5)
    z2 = stats.norm.isf(0.025) ** 2
    assert_allclose([float(low), float(high)], [-z2 / 5, z2 / 2], rtol=1e-10)


@pytest.mark.parametrize("method", ["score", "mover", "wald"])
def test_differences_match_statsmodels(method):
    from statsmodels.stats.rates import confint_poisson_2indep

    for n1, t1, n2, t2 in ((11, 6, 20, 12), (3, 50, 12, 400), (40, 1.5, 20, 2.5)):
        theirs = confint_poisson_2indep(n1, t1, n2, t2, method=method, compare="diff")
        assert_allclose([float(v) for v in difference_interval(n1, t1, n2, t2, 0.05, method)], theirs, rtol=1e-6)


# ---- given the total -------------------------------------------------------------------------------------------------
def every_outcome(total, cells):
    return np.array([x for x in product(range(total + 1), repeat=cells) if sum(x) == total])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("n", [(0, 4, 1), (2, 2, 2), (5, 0, 0), (0, 1, 3, 2)])
def test_homogeneity_by_listing(n, which):
    n = np.array(n, dtype=float)
    share = np.arange(1.0, len(n) + 1) / np.arange(1.0, len(n) + 1).sum()
    outcomes = every_outcome(int(n.sum()), len(n))
    chance = stats.multinomial.pmf(outcomes, int(n.sum()), share)
    statistic = homogeneity_statistics(outcomes.astype(float), share)[which]
    seen = homogeneity_statistics(n, share)[which]
    assert_allclose(homogeneity_exact(n, share, which), chance[statistic >= seen - 1e-9].sum(), rtol=1e-11)


@pytest.mark.parametrize("steps", [(0, 1, 2), (0, 3, 4), (5, 0, 1)])
def test_sums_of_scores_by_listing(steps):
    share, total, steps = np.array([0.2, 0.5, 0.3]), 6, np.array(steps)
    outcomes = every_outcome(total, 3)
    chance, sums = stats.multinomial.pmf(outcomes, total, share), outcomes @ steps
    for seen in np.unique(sums):
        wanted = [chance[sums <= seen].sum(), chance[sums >= seen].sum(), chance[sums == seen].sum()]
        assert_allclose(score_tails(total, share, steps, int(seen)), wanted, rtol=1e-10)


def test_a_tail_far_out_keeps_its_digits():
    """Sums of 0/1 scores are binomial: P(X >= 195 of 200) at 0.1 is of order 1e-187, by exact fractions."""
    seen, total, p = 195, 200, Fraction(1, 10)
    ways = {k: Fraction(factorial(total), factorial(k) * factorial(total - k)) for k in range(seen, total + 1)}
    wanted = float(sum(w * p**k * (1 - p) ** (total - k) for k, w in ways.items()))
    _, above, _ = score_tails(total, np.array([0.9, 0.1]), np.array([0, 1]), seen)
    assert_allclose(above, wanted, rtol=1e-9)
    below, _, _ = score_tails(total, np.array([0.1, 0.9]), np.array([0, 1]), total - seen)
    assert_allclose(below, wanted, rtol=1e-9)


def test_scores_with_and_without_a_common_step():
    steps, step = score_lattice(np.array([0.5, 1.25, 2.0, 7.25]))
    assert step == 0.75
    assert steps.tolist() == [0, 1, 2, 9]
    assert score_lattice(np.array([0.0, 1.0, np.sqrt(2)])) is None


def test_the_trend_score_is_that_of_a_poisson_regression():
    """Square of the score = Rao's test of a log-linear slope, from statsmodels."""
    import statsmodels.api as sm

    n, days, x = np.array([1.0, 4, 2, 7, 9]), np.array([31.0, 28, 31, 30, 31]), np.arange(5.0)
    fit = sm.GLM(n, sm.add_constant(x), family=sm.families.Poisson(), offset=np.log(days))
    null = sm.GLM(n, np.ones(5), family=sm.families.Poisson(), offset=np.log(days)).fit()
    beta = np.array([null.params[0], 0.0])
    score = fit.score(beta)
    wanted = score @ np.linalg.solve(-fit.hessian(beta), score)
    assert_allclose(trend_score(n, days / days.sum(), x) ** 2, wanted, rtol=1e-8)


def test_a_drawn_pvalue_counts_what_was_seen():
    assert drawn_pvalue(0, 99)[0] == 0.01
    assert drawn_pvalue(99, 99)[0] == 1.0


# ---- scan ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("days", "total", "width"), [(4, 4, 2), (5, 3, 3), (6, 4, 1), (5, 5, 4)])
def test_scan_by_listing(days, total, width):
    share = np.arange(1.0, days + 1) / np.arange(1.0, days + 1).sum()
    outcomes = every_outcome(total, days)
    chance = stats.multinomial.pmf(outcomes, total, share)
    slow = np.array([max(x[i : i + width].sum() for i in range(days - width + 1)) for x in outcomes])
    assert_array_equal(scan_maximum(outcomes, width)[0], slow)
    for most in range(1, total + 2):
        assert_allclose(scan_exact(total, share, width, most), chance[slow >= most].sum(), atol=1e-12)


def test_scan_exact_and_drawn_agree_and_the_conditional_approximation_is_near():
    share = np.full(180, 1 / 180)
    drawn = scan_drawn(30, share, 7, 20_000, np.random.default_rng(3))
    for most in (4, 5, 6):
        exact = scan_exact(30, share, 7, most)
        assert abs((drawn >= most).mean() - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4
    assert abs(wallenstein_neff_pvalue(6, 30, 7 / 180) / scan_exact(30, share, 7, 6) - 1) < 0.35


@pytest.mark.parametrize(("total", "width"), [(3, 0.1), (5, 0.3), (2, 0.5)])
def test_all_points_in_one_window(total, width):
    """The range of n uniform points is at most w with probability n w^(n-1) - (n-1) w^n."""
    wanted = total * width ** (total - 1) - (total - 1) * width**total
    assert_allclose(wallenstein_neff_pvalue(total, total, width), wanted, rtol=1e-12)


def test_naus_against_a_simulated_poisson_process():
    rng, hits, draws = np.random.default_rng(5), 0, 4000
    for _ in range(draws):
        at = np.sort(rng.uniform(0, 6, rng.poisson(12)))
        last = np.searchsorted(at, at + 1, side="right")
        hits += bool(len(at)) and int((last - np.arange(len(at))).max()) >= 5
    assert abs(hits / draws - naus_pvalue(5, 2.0, 6.0)) < 4 * np.sqrt(0.25 / draws)


# ---- standardised rates ----------------------------------------------------------------------------------------------
@given(st.integers(0, 400), st.floats(0.1, 1e4), st.sampled_from([0.01, 0.05, 0.2]))
def test_one_stratum_has_garwoods_limits(n, t, alpha):
    """With a single stratum the gamma limits, both upper ones and Dobson's are the exact ones."""
    wanted = np.array(poisson_interval(n, alpha)) / t
    for method in ("fay-feuer", "tiwari", "dobson"):
        found = standard_interval(np.array([float(n)]), np.array([t]), np.ones(1), alpha, method)
        assert_allclose(np.array(found).ravel(), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", STANDARD_METHODS)
def test_standardised_limits_hold_the_rate_and_follow_the_unit(method):
    n, t, share = np.array([[2.0, 0, 9], [0, 0, 1]]), np.array([[10.0, 5, 40], [3, 2, 8]]), np.array([0.5, 0.2, 0.3])
    low, high = standard_interval(n, t, share, 0.05, method)
    rate = np.sum(share * n / t, axis=-1)
    assert np.all((low < rate) & (rate < high))
    again = standard_interval(n, t * 100, share, 0.05, method)
    assert_allclose(np.array(again) * 100, [low, high], rtol=1e-9)


def test_no_events_leave_a_finite_upper_limit():
    low, high = standard_interval(np.zeros(3), np.array([10.0, 20, 40]), np.array([0.5, 0.2, 0.3]))
    assert low == 0
    assert_allclose(high, 0.05 * poisson_interval(0)[1], rtol=1e-10)


# ---- estimated exposure ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ESTIMATED_METHODS)
@given(x=st.integers(1, 300), exposure=st.floats(1, 1e4), share=st.floats(0.001, 0.4))
def test_limits_hold_the_rate_and_grow_with_the_error(method, x, exposure, share):
    low, high = estimated_exposure_interval(x, exposure, share * exposure, 0.05, method)
    wide = estimated_exposure_interval(x, exposure, 1.5 * share * exposure, 0.05, method)
    assert wide[0] <= low * (1 + 1e-9)
    assert low < x / exposure < high <= wide[1] * (1 + 1e-9)


def test_a_known_exposure_is_the_limit_of_an_estimated_one():
    exact = np.array(poisson_interval(11)) / 500
    assert_allclose(estimated_exposure_interval(11, 500, 1e-9, 0.05, "mover"), exact, rtol=1e-9)
    half = stats.norm.isf(0.025) / np.sqrt(11)
    for method, wanted in (("delta-log", np.exp([-half, half])), ("fieller", [0, 0])):
        found = np.array(estimated_exposure_interval(11, 500, 1e-9, 0.05, method)) * 500 / 11
        assert_allclose(found, wanted if method == "delta-log" else [1 - half, 1 + half], rtol=1e-9)


@pytest.mark.parametrize("covariance", [0.0, 60.0])
def test_fiellers_limits_solve_his_equation(covariance):
    x, big, se, z = 11.0, 500.0, 90.0, stats.norm.isf(0.025)
    for r in estimated_exposure_interval(x, big, se, 0.05, "fieller", covariance):
        assert_allclose((x - r * big) ** 2, z**2 * (x - 2 * r * covariance + r**2 * se**2), rtol=1e-9)


def test_fieller_is_unbounded_when_the_exposure_may_be_zero():
    low, high = estimated_exposure_interval(11, 500, 300, 0.05, "fieller")
    assert 0 <= low < 11 / 500
    assert high == np.inf


@pytest.mark.parametrize("method", ESTIMATED_METHODS)
def test_no_events_over_an_estimated_exposure(method):
    low, high = estimated_exposure_interval(0, 500, 100, 0.05, method)
    assert low == 0
    assert poisson_interval(0)[1] / 500 < high < 2 * poisson_interval(0)[1] / 500
