"""Rounded dates, standardised rates, tests of equal rates, simultaneous shares and estimated exposures: references."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.exact import poisson_interval

WINDOW = ("2013-03-01", "2014-08-21")
FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m"}


def test_dates_known_to_the_month(reference):
    case = reference("counts/rnd01_month_precision_flagged")
    wanted, tolerance = case["results"]["censored_aware"], case["tol"]["default"]
    frame = reference.csv("counts/exits_mixed_precision.csv")
    counts = xm.Counts.from_frame(frame, date="date", precision="precision", date_format=FORMATS, window=WINDOW)
    assert not counts.whole
    fit = xm.RoundedDates("time", day="middle").fit(counts)
    assert fit.converged
    assert_allclose(fit.estimate, [wanted["a"], wanted["b"]], rtol=tolerance)
    assert_allclose(fit.standard_errors, wanted["se"], rtol=tolerance)
    assert_allclose(fit.llf, wanted["loglik"], rtol=1e-9)


def test_reading_every_month_as_its_first_day_is_the_naive_answer(reference):
    """The same likelihood with all dates certain, which the reference gives for comparison."""
    wanted = reference("counts/rnd01_month_precision_flagged")["results"]["naive_first_of_month"]
    frame = reference.csv("counts/exits_mixed_precision.csv")
    frame["date"] = frame["date"].where(frame["precision"] == "day", frame["date"] + "-01")
    counts = xm.Counts.from_frame(frame, date="date", date_format="%Y-%m-%d", window=WINDOW)
    fit = xm.RoundedDates("time", day="middle").fit(counts)
    assert_allclose(fit.estimate, [wanted["a"], wanted["b"]], rtol=1e-7)
    assert_allclose(fit.standard_errors, wanted["se"], rtol=1e-7)
    assert_allclose(fit.llf, wanted["loglik"], rtol=1e-9)


def test_dates_heaped_on_the_first_of_the_month(reference):
    case = reference("counts/rnd02_heaping_unflagged")
    wanted, tolerance = case["results"], case["tol"]["default"]
    frame = reference.csv("counts/exits_heaped.csv")
    counts = xm.Counts.from_frame(frame, date="date", date_format="%Y-%m-%d", window=WINDOW)
    first = counts.start.astype("datetime64[M]").astype("datetime64[D]") == counts.start
    assert counts.n[first].sum() == wanted["n_on_day_one"]
    fit = xm.RoundedDates("time", heaps={"MS": 1}).fit(counts)
    assert_allclose(fit.estimate, [wanted["a"], wanted["b"], wanted["logit_pi"]], rtol=tolerance)
    assert_allclose(fit.standard_errors, wanted["se"], rtol=tolerance)
    assert_allclose(fit.llf, wanted["loglik"], rtol=1e-9)
    assert_allclose(fit.heaped_share().loc["MS", "share"], wanted["pi"], rtol=tolerance)


def strata(reference):
    table = reference.csv("counts/strata_rates.csv")
    n = np.stack([table["d1"], table["d2"]])
    return n, np.stack([table["n1"], table["n2"]]), table


METHODS = {"fay_feuer": "fay-feuer", "dobson": "dobson", "normal": "normal", "lognormal": "lognormal"}


@pytest.mark.parametrize("name", METHODS)
def test_standardised_rates(reference, name):
    case = reference("counts/rat03_standardised_rates")
    tolerance = case["tol"]["default"]
    n, people, table = strata(reference)
    found = xm.standardised_rate(n, people, table["std"], method=METHODS[name])
    for i, group in enumerate(("group1", "group2")):
        wanted = case["results"][group]
        assert_allclose([found.crude[i], found.estimate[i]], [wanted["crude"], wanted["dsr"]], rtol=tolerance)
        assert_allclose(found.se[i], wanted["se"], rtol=tolerance)
        assert_allclose([found.low[i], found.high[i]], wanted[name], rtol=tolerance)


def test_modified_gamma_limits_and_ratios_of_standardised_rates(reference):
    case = reference("counts/rat03_standardised_rates")
    wanted, tolerance = case["results"], case["tol"]["default"]
    n, people, table = strata(reference)
    found = xm.standardised_rate(n, people, table["std"], method="tiwari", labels=["one", "two"])
    for i, group in enumerate(("group1", "group2")):
        assert_allclose(found.high[i], wanted[group]["tiwari_modified_upper"], rtol=tolerance)
    ratio = found.ratio("two", "one")
    assert_allclose(ratio.estimate, wanted["SRR_2_vs_1"], rtol=tolerance)
    assert_allclose([*ratio.low, *ratio.high], wanted["SRR_ci_lognormal"], rtol=tolerance)


def test_indirect_standardisation(reference):
    case = reference("counts/rat03_standardised_rates")
    wanted, tolerance = case["results"], case["tol"]["default"]
    _, _, table = strata(reference)
    options = {"exposure": table["n2"], "reference": table["d1"] / table["n1"]}
    found = xm.smr(table["d2"], **options)
    assert_allclose([*found.estimate, *found.expected], [wanted["SMR"], wanted["expected"]], rtol=tolerance)
    assert_allclose([*found.low, *found.high], wanted["SMR_exact"], rtol=tolerance)
    byar = xm.smr(table["d2"], **options, method="byar")
    assert_allclose([*byar.low, *byar.high], wanted["SMR_byar"], rtol=tolerance)


def test_months_against_one_rate_and_a_trend(reference):
    case = reference("counts/rat04_homogeneity_trend")
    wanted, tolerance = case["results"], case["tol"]["default"]
    table = reference.csv("counts/months_synthetic_431.csv")
    flat = xm.homogeneity_test(table["n"], table["days"], method="chi2")
    assert_allclose(flat.statistic, wanted["X2"], rtol=tolerance)
    assert_allclose(flat.pvalue, wanted["X2_p"], rtol=1e-8)
    months = flat.to_frame()
    assert_allclose(months["p"], wanted["month_exact_p"], rtol=tolerance)
    assert_allclose(months["p (holm)"], wanted["holm"], rtol=tolerance)
    other = xm.homogeneity_test(table["n"], table["days"], method="chi2", adjust="fdr_bh", statistic="likelihood-ratio")
    assert_allclose(other.statistic, wanted["G2"], rtol=tolerance)
    assert_allclose(other.to_frame()["p (fdr_bh)"], wanted["bh"], rtol=tolerance)
    assert_allclose(xm.trend_test(table["n"], table["days"]).statistic, wanted["trend_score_z"], rtol=tolerance)


@pytest.mark.parametrize("name", ["goodman", "quesenberry_hurst", "bonferroni_clopper_pearson", "sison_glaz"])
@pytest.mark.parametrize("which", ["all431", "list11", "with_zero"])
def test_simultaneous_shares(reference, name, which):
    case = reference("counts/mnl04_simultaneous")
    counts = case["results"]["counts" + {"all431": "431", "list11": "11", "with_zero": "_with_zero"}[which]]
    wanted = case["results"][which]
    method = "bonferroni" if name.startswith("bonferroni") else name.replace("_", "-")
    found = xm.shares({str(i): n for i, n in enumerate(counts)}, method=method)
    low, high = (
        (wanted[name]["lower"], wanted[name]["upper"])
        if name == "sison_glaz"
        else (wanted[f"{name}_lo"], wanted[f"{name}_hi"])
    )
    assert found.together
    assert_allclose(found.low, low, rtol=case["tol"]["default"], atol=1e-14)
    assert_allclose(found.high, high, rtol=case["tol"]["default"])


def test_a_rate_whose_exposure_is_estimated(reference):
    """Chapman's estimate from two lists with 11 names in common, 45 on the first only and 120 on the second only."""
    case = reference("counts/mse06_rate_estimated_exposure")
    wanted, tolerance = case["results"], case["tol"]["default"]
    both, first, second = 11, 11 + 45, 11 + 120
    people = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * 45 * 120 / ((both + 1) ** 2 * (both + 2))
    found = xm.rate(11, people, exposure_se=np.sqrt(variance))
    assert_allclose(found.estimate, wanted["rate"], rtol=tolerance)
    assert_allclose([found.low, found.high], wanted["ci95"], rtol=tolerance)
    assert_allclose(found.denominator_share, wanted["share_of_variance_from_denominator"], rtol=tolerance)
    fixed = xm.rate(11, people)
    assert_allclose([fixed.low, fixed.high], wanted["ci95_ignoring_denominator_exact"], rtol=1e-10)
    low, high = poisson_interval(11)
    assert found.low < low / people < high / people < found.high


def test_months_in_two_calendars_summed_from_days(reference):
    """Days summed into Gregorian and Hijri months are the months counted from the records."""
    frame = reference.csv("counts/cal01_exit_dates_dates.csv")
    results = reference("counts/cal01_exit_dates")["results"]
    options = {"date": "date", "date_format": "%Y-%m-%d", "window": WINDOW, "outside": "set aside"}
    daily = xm.Counts.from_frame(frame, **options)
    for freq, name in (("MS", "gregorian_month"), ("HM", "hijri_month")):
        monthly = daily.aggregate(freq=freq)
        assert monthly.n.tolist() == [row["n"] for row in results[name]]
        assert monthly.exposure.tolist() == [row["exposure_days"] for row in results[name]]
        assert monthly.partial.tolist() == [row["partial"] for row in results[name]]
        assert list(monthly.period) == [row["period"] for row in results[name]]
