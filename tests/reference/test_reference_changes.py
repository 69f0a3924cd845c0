"""Changepoints, breaks and outbreak limits against results of independent programs, at their stated tolerances."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm


@pytest.fixture
def coal(reference):
    return reference.csv("counts/coal_annual.csv")["disasters"].to_numpy()


def test_breaks_of_the_nile(reference):
    """The stored p of the largest F is 1 less a rounded number, 2e-16; ours is its tail, 4e-16: both mean none."""
    case = reference("counts/cpt01_nile_strucchange")
    wanted, rtol = case["results"], case["tol"]["default"]
    data = reference.csv("counts/nile.csv")
    found = xm.structural_breaks(data["flow"], labels=data["year"])
    assert_allclose(found.rss, wanted["RSS_0_to_5"], rtol=rtol)
    assert_allclose(found.bic, wanted["BIC_0_to_5"], rtol=rtol)
    assert found.chosen == wanted["best_m"]
    assert [int(found.low[0]), int(found.cuts[0]), int(found.high[0])] == wanted["ci95_index"]
    assert found.breaks[2].tolist() == wanted["breakpoints_m2"]
    assert_allclose(found.coefficients[:, 0], wanted["segment_means"], rtol=rtol)
    assert_allclose(found.sup_f, wanted["supF"], rtol=rtol)
    assert_allclose(found.f_values[:3], wanted["Fstats_head3"], rtol=rtol)
    assert_allclose(found.f_values[found.cuts[0] - found.first], wanted["F_at_break"], rtol=rtol)
    assert found.sup_f_pvalue < 1e-14
    assert_allclose(found.cusum, wanted["ols_cusum"], rtol=rtol)
    assert_allclose(found.cusum_pvalue, wanted["ols_cusum_p"], rtol=rtol)
    assert found.tidy()["term"].tolist() == [str(case["published"]["break_year"])]


def test_one_change_of_coal_disasters(reference, coal):
    case = reference("counts/cpt02_coal_single")
    wanted, rtol = case["results"]["ml"], case["tol"]["default"]
    test = xm.change_test(coal, date_set="likelihood")
    assert test.cut == wanted["k"]
    assert_allclose(test.statistic, wanted["LR"], rtol=rtol)
    assert_allclose([*test.rates, test.rate_ratio], [wanted["rate1"], wanted["rate2"], wanted["rate_ratio"]], rtol=rtol)
    fall = test.statistic - test.ratios
    assert_allclose(-fall[29:50] / 2, wanted["loglik_profile_30_to_50"], rtol=1e-9, atol=1e-12)
    assert (np.flatnonzero(test.inside) + 1).tolist() == wanted["profile_set_3_84"]
    narrow = xm.change_test(coal, date_set="likelihood", alpha=0.0837794)  # chi-squared above 2.99
    assert (np.flatnonzero(narrow.inside) + 1).tolist() == wanted["profile_set_2_99"]


def test_posterior_of_one_change(reference, coal):
    case = reference("counts/cpt02_coal_single")
    wanted, rtol = case["results"]["bayes_annual"], case["tol"]["default"]
    found = xm.change_posterior(coal, changes="one", prior=(0.5, 1.0))
    assert_allclose(found.log_bayes_factor, wanted["log_BF"], rtol=rtol)
    assert_allclose(found.log_bayes_factor / np.log(10), wanted["log10_BF_change_vs_none"], rtol=rtol)
    assert found.cut == wanted["mode"]
    assert_allclose(found.change.max(), wanted["p_mode"], rtol=rtol)
    assert_allclose(found.change @ np.arange(1, len(coal)), wanted["mean"], rtol=rtol)
    assert found.quantile([0.025, 0.5, 0.975]).tolist() == [wanted["q025"], wanted["q50"], wanted["q975"]]
    assert_allclose(found.change[35:45], wanted["prob_36_to_45"], rtol=rtol)
    # Rates before and after, averaged over the date.
    total, years = np.cumsum(coal)[:-1], np.arange(1, len(coal))
    before, after = (0.5 + total) / (1 + years), (0.5 + 191 - total) / (1 + len(coal) - years)
    assert_allclose(found.change @ before, wanted["post_mean_rate1"], rtol=rtol)
    assert_allclose(found.change @ after, wanted["post_mean_rate2"], rtol=rtol)
    assert_allclose(found.means[[0, -1]], [found.change @ before, found.change @ after], rtol=1e-9)


def test_posterior_in_continuous_time(reference):
    """Days as periods: the limit of the dates within the year, to the accuracy of a day or two."""
    wanted = reference("counts/cpt02_coal_single")["results"]["bayes_continuous_time"]
    dates = reference.csv("counts/coal_dates.csv")["date"].to_numpy()
    assert len(dates) == wanted["n"]
    edges = np.linspace(1851, 1963, 112 * 40 + 1)
    counts = np.histogram(dates, edges)[0]
    found = xm.change_posterior(counts, np.diff(edges), changes="one", prior=(0.5, 1.0))
    # forty periods a year stand for continuous time
    assert_allclose(found.change @ edges[1:-1], wanted["mean_change"], atol=0.03, rtol=0)
    # forty periods a year stand for continuous time
    assert_allclose(found.log_bayes_factor, wanted["log_BF"], atol=0.03, rtol=0)
    # forty periods a year stand for continuous time
    assert_allclose(found.change[edges[1:-1] < 1890.5].sum(), wanted["prob_before_1890_5"], atol=0.02)


@pytest.mark.parametrize("method", ["functional", "pelt", "none"])
def test_penalised_segmentation(reference, coal, method):
    wanted = reference("counts/cpt03_coal_pelt")["results"]
    for penalty, key in (("bic", "exact_2logn"), (4.0, "exact_pen4")):
        found = xm.changepoints(coal, penalty=penalty, method=method)
        assert found.cuts.tolist() == wanted[key]["changepoints"]
        assert_allclose(found.total, wanted[key]["cost"], rtol=1e-9)
        assert_allclose(found.penalty, wanted[key]["penalty"], rtol=1e-9)
    packaged = {"changepoint_BIC": "bic", "changepoint_MBIC": "mbic", "changepoint_manual4": 4.0}
    for key, penalty in packaged.items():
        found = xm.changepoints(coal, penalty=penalty, min_size=2, method=method)
        assert found.cuts.tolist() == np.atleast_1d(wanted[key]).tolist()


def test_posterior_of_any_number_of_changes(reference, coal):
    case = reference("counts/cpt04_coal_exact_bayes")
    wanted, rtol = case["results"], case["tol"]["default"]
    found = xm.change_posterior(coal, hazard=1 / 40, prior=(0.5, 1.0))
    assert_allclose(found.log_evidence, wanted["log_evidence_without_factorials"], rtol=rtol)
    assert_allclose(found.expected_changes, wanted["expected_changes"], rtol=rtol)
    assert_allclose(found.number[:9], wanted["p_number_of_changes_0_to_8"], rtol=rtol)
    assert_allclose(found.change[35:45], wanted["p_change_after_36_to_45"], rtol=rtol)
    assert_allclose(found.change[93:99], wanted["p_change_after_94_to_99"], rtol=rtol)
    assert_allclose(found.means[[0, 40, 41, 96, 111]], wanted["posterior_mean_rate_1_41_42_97_112"], rtol=rtol)


def test_online_run_lengths(reference, coal):
    case = reference("counts/cpt05_coal_bocpd")
    wanted, rtol = case["results"], case["tol"]["default"]
    found = xm.online_changes(coal, hazard=1 / 50)
    assert_allclose(found.log_evidence, wanted["log_evidence"], rtol=rtol)
    assert found.most_likely[-1] == wanted["map_run_length_last"]
    assert found.most_likely[[39, 44, 49, 59]].tolist() == wanted["map_run_length_40_45_50_60"]
    assert_allclose(found.expected[[39, 44, 49, 111]], wanted["expected_run_length_40_45_50_112"], rtol=rtol)
    assert_allclose(found.final[:6], wanted["final_run_length_prob_0_to_5"], rtol=rtol)


def test_bend_of_downs_syndrome(reference):
    case = reference("counts/cpt06_down_segmented")
    wanted, rtol = case["results"], case["tol"]["default"]
    data = reference.csv("counts/down.csv")
    fit = xm.bent_line(data["cases"], data["age"], data["births"], family="binomial")
    assert_allclose(fit.bend, wanted["psi_profile_optimum"], rtol=rtol)
    assert_allclose(fit.estimate[:3], list(wanted["coef"].values()), rtol=rtol)
    assert_allclose([fit.deviance, fit.llf], [wanted["deviance"], wanted["loglik"]], rtol=rtol)
    assert_allclose(fit.bend_limits, wanted["profile_ci95"], rtol=rtol)
    errors = wanted["se_joint_observed_information"]
    assert_allclose(fit.standard_errors, [errors[k] for k in ("intercept", "slope1", "slope_change", "psi")], rtol=rtol)


CASES = {
    "flexible_old_options": {"blocks": 1, "skip": 3, "reweight": 1.0, "trend_alpha": 0.05},
    "flexible_new_options": {},
    "nb_plugin": {"threshold": "negbin-plugin"},
    "muan": {"threshold": "negbin-quantile"},
}


@pytest.mark.parametrize("name", CASES)
def test_improved_outbreak_limits(reference, name):
    """Weeks 282 to 312. For the negative binomial limits the package's score has the log of the mean where the mean
    belongs.

    The stored alarms of the improved method follow from a score above one, which is a count above the limit.
    """
    case = reference("counts/sur01_farrington")
    wanted, rtol = case["results"][name], case["tol"]["default"]
    cases = reference.csv("counts/salmonella_agona.csv")["cases"]
    found = xm.farrington(cases, years=4, last=31, alpha=0.1, as_surveillance=True, **CASES[name])
    assert_allclose(found.upper, wanted["upperbound"], rtol=rtol)
    assert_allclose(found.expected, wanted["expected"], rtol=rtol)
    assert_allclose(found.pvalue, wanted["pvalue"], rtol=rtol)
    assert_array_equal(found.alarm, np.array(wanted["alarm"], dtype=bool))
    centre = np.log(found.expected) if "threshold" in CASES[name] else found.expected
    y = cases.to_numpy()[found.rows]
    assert_allclose((y - centre) / (found.upper - centre), wanted["score"], rtol=rtol, atol=1e-12)


def test_original_outbreak_limits(reference):
    case = reference("counts/sur01_farrington")
    cases = reference.csv("counts/salmonella_agona.csv")["cases"]
    wanted = case["results"]["original_1996_upperbound"]
    options = {"method": "original", "years": 4, "last": 31, "alpha": 0.05}
    found = xm.farrington(cases, **options, as_surveillance=True)
    assert_allclose(found.upper, wanted, rtol=case["tol"]["default"])
    assert_allclose(xm.farrington(cases, **options).upper, wanted, rtol=2e-5)
