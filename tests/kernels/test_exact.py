"""Exact limits: against slow definitions, printed tables, and the laws that exact limits keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from exitmodels.kernels.exact import POISSON_METHODS, poisson_interval, poisson_pvalue
from exitmodels.kernels.exact_binomial import BINOMIAL_METHODS, binomial_interval, binomial_pvalue
from exitmodels.kernels.exact_ratio import ratio_interval, ratio_pvalue

EXACT = ("garwood", "mid-p", "blaker", "minlike")


def two_sided(x, mean, method):
    """The p-values by their definitions, summed outcome by outcome."""
    outcomes = np.arange(int(3 * mean + 3 * x + 80))
    chance = stats.poisson.pmf(outcomes, mean)
    below, above, point = chance[outcomes <= x].sum(), chance[outcomes >= x].sum(), chance[x]
    if method == "garwood":
        return 2 * min(below, above)
    if method == "mid-p":
        return 2 * min(below - point / 2, above - point / 2)
    if method == "minlike":
        return chance[chance <= point * (1 + 1e-12)].sum()
    smaller = np.minimum(np.cumsum(chance), np.cumsum(chance[::-1])[::-1])
    return chance[smaller <= min(below, above) * (1 + 1e-12)].sum()


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("x", [0, 1, 2, 3, 4, 7, 8, 11, 12, 25, 60])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_limits_are_the_outermost_means_that_the_test_accepts(method, x, alpha):
    """Just inside each limit the p-value is above alpha; everywhere outside it is not."""
    low, high = (float(v) for v in poisson_interval(x, alpha, method))
    assert two_sided(x, low + 1e-7, method) > alpha or x == 0
    assert two_sided(x, high - 1e-7, method) > alpha
    for mean in [*np.linspace(1e-9, low - 1e-6, 60)] * (low > 0) + [*np.linspace(high + 1e-6, 3 * high + 5, 60)]:
        assert two_sided(x, mean, method) <= alpha * (1 + 1e-9)


@pytest.mark.parametrize("method", ["garwood", "blaker", "minlike"])
@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_coverage_is_never_below_the_level(method, alpha):
    """Summed over all outcomes, not simulated, for means on a fine grid."""
    counts = np.arange(120)
    low, high = poisson_interval(counts, alpha, method)
    for mean in np.linspace(0.01, 40, 400):
        covered = (low <= mean) & (mean <= high)
        assert stats.poisson.pmf(counts[covered], mean).sum() >= 1 - alpha - 1e-9


def test_mid_p_coverage_is_near_the_level():
    counts = np.arange(120)
    low, high = poisson_interval(counts, 0.05, "mid-p")
    means = np.linspace(2, 40, 400)
    cover = [stats.poisson.pmf(counts[(low <= m) & (m <= high)], m).sum() for m in means]
    # mid-p limits are near the level on average, which is all they promise
    assert abs(np.mean(cover) - 0.95) < 0.01
    assert min(cover) > 0.90


@pytest.mark.parametrize("method", POISSON_METHODS)
def test_limits_rise_with_the_count_and_hold_the_estimate(method):
    counts = np.arange(1, 500)
    for alpha in (0.01, 0.05, 0.2):
        low, high = poisson_interval(counts, alpha, method)
        assert np.all(np.isfinite(low) & np.isfinite(high))
        first = 0 if method in EXACT or method in ("score", "byar") else 15  # some formulas fail at a few events
        assert np.all(np.diff(low[first:]) > 0)
        assert np.all(np.diff(high[first:]) > 0)
        assert np.all((low < counts) & (counts < high))


@pytest.mark.parametrize(
    "method", [m for m in POISSON_METHODS if m not in ("wald", "log-wald", "anscombe", "jeffreys")]
)
def test_zero_events_have_a_lower_limit_of_zero_and_an_upper_limit(method):
    low, high = poisson_interval(0, 0.05, method)
    assert low == 0
    assert 2 < high < 4


def test_blaker_lies_inside_garwood():
    counts = np.arange(300)
    for alpha in (0.01, 0.05, 0.3):
        outer, inner = poisson_interval(counts, alpha), poisson_interval(counts, alpha, "blaker")
        assert np.all(inner[0] >= outer[0] - 1e-12)
        assert np.all(inner[1] <= outer[1] + 1e-9)


@given(st.integers(0, 5000), st.sampled_from(EXACT), st.floats(0.005, 0.5), st.floats(1.01, 1.9))
def test_a_higher_level_gives_limits_that_contain_the_others(x, method, alpha, factor):
    narrow, wide = poisson_interval(x, min(alpha * factor, 0.9), method), poisson_interval(x, alpha, method)
    assert wide[0] <= narrow[0] + 1e-9
    assert narrow[1] <= wide[1] + 1e-9


def test_a_million_counts_are_searched_by_distinct_value():
    counts = np.random.default_rng(5).poisson(30, 1_000_000).reshape(1000, 1000)
    low, _ = poisson_interval(counts, 0.05, "mid-p")
    assert low.shape == counts.shape
    assert low[3, 4] == poisson_interval(counts[3, 4], 0.05, "mid-p")[0]


@given(st.integers(0, 60), st.floats(0.01, 60))
def test_pvalues_match_their_definitions(x, mean):
    for kind, method in (("central", "garwood"), ("mid-p", "mid-p"), ("minlike", "minlike")):
        assert_allclose(poisson_pvalue(x, mean, kind), min(1, two_sided(x, mean, method)), rtol=1e-6, atol=1e-13)


@given(st.integers(1, 200), st.data())
def test_binomial_limits_are_mirrored_and_hold_the_share(n, data):
    """Successes and failures swap; limits hold the share and stay in [0, 1]."""
    x = data.draw(st.integers(0, n))
    for method in BINOMIAL_METHODS:
        low, high = binomial_interval(x, n, 0.05, method)
        other_low, other_high = binomial_interval(n - x, n, 0.05, method)
        assert_allclose([low, high], [1 - other_high, 1 - other_low], atol=1e-12)
        assert -1e-12 <= low <= x / n <= high <= 1 + 1e-12


@pytest.mark.parametrize(("method", "least"), [("clopper-pearson", 0.95), ("mid-p", 0.925), ("wilson", 0.83)])
def test_binomial_coverage(method, least):
    n = 40
    low, high = binomial_interval(np.arange(n + 1), n, 0.05, method)
    cover = [
        stats.binom.pmf(np.flatnonzero((low <= p) & (p <= high)), n, p).sum() for p in np.linspace(0.002, 0.998, 499)
    ]
    assert min(cover) >= least - 1e-9
    assert np.mean(cover) >= 0.945


@pytest.mark.parametrize(("x", "n", "p"), [(3, 4, 0.3), (0, 7, 0.2), (11, 13, 0.5), (5, 5, 0.9), (40, 100, 0.5)])
def test_binomial_pvalues_match_scipy(x, n, p):
    assert_allclose(binomial_pvalue(x, n, p, "minlike"), stats.binomtest(x, n, p).pvalue, rtol=1e-10)
    both = [stats.binomtest(x, n, p, side).pvalue for side in ("less", "greater")]
    assert_allclose(binomial_pvalue(x, n, p), min(1, 2 * min(both)), rtol=1e-10)


def test_clopper_pearson_and_wilson_match_scipy():
    for x, n in ((0, 9), (3, 4), (11, 111), (431, 4600), (9, 9)):
        for method, name in (("clopper-pearson", "exact"), ("wilson", "wilson")):
            theirs = stats.binomtest(x, n).proportion_ci(method=name)
            assert_allclose(binomial_interval(x, n, 0.05, method), [theirs.low, theirs.high], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("method", ["exact", "mid-p"])
@pytest.mark.parametrize(("n1", "t1", "n2", "t2"), [(11, 6, 20, 12), (3, 50, 12, 400), (0, 10, 5, 12), (7, 2, 0, 9)])
def test_the_pvalue_is_alpha_at_each_limit(method, n1, t1, n2, t2):
    """Limits and test agree: a ratio at the limit is just not rejected."""
    low, high = ratio_interval(n1, t1, n2, t2, 0.05, method)
    for limit in (float(low), float(high)):
        if 0 < limit < np.inf:
            assert_allclose(ratio_pvalue(n1, t1, n2, t2, limit, method), 0.05, rtol=1e-7)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.1, 100), st.floats(0.1, 100))
def test_ratio_limits_swap_and_are_never_crossed(n1, n2, t1, t2):
    for method in ("exact", "mid-p", "score", "wald"):
        low, high = (float(v) for v in ratio_interval(n1, t1, n2, t2, 0.05, method))
        back_low, back_high = (float(v) for v in ratio_interval(n2, t2, n1, t1, 0.05, method))
        assert low < high
        assert_allclose(
            [low, high], [0 if np.isinf(back_high) else 1 / back_high, 1 / back_low if back_low else np.inf]
        )
        assert 0 <= ratio_pvalue(n1, t1, n2, t2, method=method) <= 1
