"""Counts, rates and count regression against results of independent programs, at their stated tolerances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm
from exitmodels.kernels.exact import poisson_interval
from exitmodels.kernels.exact_ratio import ratio_score

TREATED = 'C(fem, contr.treatment("Men")) + C(mar, contr.treatment("Single")) + kid5 + phd + ment'


def column(rows, name):
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)


def values(stored):
    return np.array(list(stored.values()), dtype=float)


# ---- exact limits ----------------------------------------------------------------------------------------------------
METHODS = {
    "garwood": "garwood",
    "midp": "mid-p",
    "minlike": "minlike",
    "blaker": "blaker",
    "byar": "byar",
    "score": "score",
    "wald": "wald",
    "logwald": "log-wald",
    "jeffreys": "jeffreys",
    "anscombe_raw": "anscombe",
}


@pytest.mark.parametrize("name", METHODS)
def test_poisson_intervals(reference, name):
    """Ten methods at 22 counts.

    Two entries differ for stated reasons. At zero events the reference has no log-Wald limits; ours are 0 and
    infinity. The "minlike" lower limit at 8 events is stored as 3.9808, but the test accepts smaller means: at 3.85,
    P(X >= 8) is 0.0427 and P(X = 0) = 0.0213 is no larger than P(X = 8) = 0.0255, so that p = 0.064; the limit is
    (8!)^(1/8) = 3.7644.
    """
    case = reference("counts/rat01_poisson_intervals")
    rows = case["results"]["table95"]
    keep = np.ones(len(rows), dtype=bool)
    counts = column(rows, "x")
    if name == "logwald":
        keep = counts > 0
    low, high = poisson_interval(counts, 0.05, METHODS[name])
    wanted_low, wanted_high = column(rows, f"{name}_lo"), column(rows, f"{name}_hi")
    if name == "minlike":
        wanted_low[counts == 8] = 40320 ** (1 / 8)
    tolerance = case["tol"]["table95"]
    assert_allclose(low[keep], wanted_low[keep], rtol=tolerance)
    assert_allclose(high[keep], wanted_high[keep], rtol=tolerance)


@pytest.mark.parametrize(("name", "alpha"), [("garwood90", 0.10), ("garwood99", 0.01)])
def test_garwood_at_other_levels(reference, name, alpha):
    case = reference("counts/rat01_poisson_intervals")
    rows = case["results"][name]
    low, high = poisson_interval(column(rows, "x"), alpha)
    assert_allclose(low, column(rows, "lower"), rtol=case["tol"]["default"])
    assert_allclose(high, column(rows, "upper"), rtol=case["tol"]["default"])


RATIOS = {
    "exact": ("central", "p_central"),
    "mid-p": ("midp", "p_midp"),
    "wald": ("wald", None),
    "score": ("score_wilson", None),
}


@pytest.mark.parametrize("method", RATIOS)
def test_rate_ratios(reference, method):
    """Where the reference has no limits (Wald with a zero, score with two), ours are 0 and infinity."""
    case = reference("counts/rat02_rate_ratios")
    prefix, p = RATIOS[method]
    tolerance = case["tol"]["pairs"]
    for row in case["results"]["pairs"]:
        found = xm.rate_ratio(row["x1"], row["t1"], row["x0"], row["t0"], method=method)
        low, high = row[f"{prefix}_lo"], row[f"{prefix}_hi"]
        low, high = (0.0, np.inf) if low is None else (low, np.inf if high == 1e308 else high)
        assert_allclose([found.low, found.high], [low, high], rtol=tolerance)
        assert_allclose(found.pvalue_minlike, row["p_minlike"], rtol=tolerance)
        if p:
            assert_allclose(found.pvalue, row[p], rtol=tolerance)
        if row["score_z"] is not None:
            score = ratio_score(row["x1"], row["t1"], row["x0"], row["t0"])
            assert_allclose(score, row["score_z"], rtol=tolerance, atol=1e-14)
        if row["ratio"] is not None:
            assert_allclose(found.ratio, row["ratio"], rtol=tolerance)


def test_small_arrest_counts(reference):
    case = reference("survival/small_count_rates")
    wanted, tolerance = case["results"], case["tolerance"]["default_rtol"]
    one = wanted["one_sample"]
    found = xm.rate(one["x"], one["T"])
    assert_allclose([found.low, found.high], one["ci"], rtol=tolerance)
    assert_allclose(xm.rate(one["x"], one["T"], method="minlike").pvalue(one["r0"]), one["p"], rtol=tolerance)
    two = wanted["ratio"]
    ratio = xm.rate_ratio(two["x"][0], two["T"][0], two["x"][1], two["T"][1])
    assert_allclose([ratio.ratio, ratio.low, ratio.high], [two["ratio"], *two["ci"]], rtol=tolerance)
    assert_allclose(ratio.pvalue_minlike, two["p"], rtol=tolerance)
    mid = xm.rate_ratio(two["x"][0], two["T"][0], two["x"][1], two["T"][1], method="mid-p")
    assert_allclose(mid.pvalue, two["mid_p"], rtol=tolerance)
    zero = wanted["zero"]
    found = xm.rate(zero["x"], zero["T"], method="garwood")
    assert_allclose([found.low, found.high], zero["ci"], rtol=tolerance)
    assert_allclose(xm.rate(0, zero["T"], method="minlike").pvalue(1.0), zero["p"], rtol=tolerance)
    corrected = xm.rate(one["x"], one["T"], method="anscombe-corrected")
    assert_allclose([corrected.low, corrected.high], wanted["byar_like_anscombe"], rtol=tolerance)


def test_rates_by_person_years(reference):
    case = reference("survival/pyears_rates")
    wanted, tolerance = case["results"], case["tolerance"]["default_rtol"]
    events, years = np.array(wanted["event"]).T.ravel(), np.array(wanted["pyears"]).T.ravel()
    found = xm.rate(events, years)
    assert_allclose(np.column_stack([found.low, found.high]), wanted["exact_ci"], rtol=tolerance)
    found = xm.rate([0, 1, 5, 30], 10, method="anscombe-corrected")
    limits = np.array([[0.0 if v is None else v for v in row] for row in wanted["anscombe"]])
    # At one event the root less z/2 is below zero; squaring it, as the reference does, raises the limit as alpha falls.
    limits[1, 0] = 0.0
    assert_allclose(np.column_stack([found.low, found.high]), limits, rtol=tolerance)


def test_rates_by_quarter_of_follow_up(reference):
    """Poisson rates with Wald limits on the log scale, from the regression and from the formula."""
    case = reference("survival/lexis_rates")
    wanted, tolerance = case["results"], case["tolerance"]["default_rtol"]
    events, weeks = values(wanted["events"]).astype(int), values(wanted["weeks"])
    found = xm.rate(events, weeks, method="log-wald")
    for name, ours in (("rate", found.estimate), ("lower", found.low), ("upper", found.high)):
        assert_allclose(ours, values(wanted[name]), rtol=tolerance)
    counts = xm.Counts.from_table(
        {"n": events, "weeks": weeks, "q": [1, 2, 3, 4]}, n="n", exposure="weeks", covariates=["q"]
    )
    frame = xm.CountRegression("C(q)").fit(counts).get_prediction({"q": [1, 2, 3, 4]}).summary_frame()
    assert_allclose(frame["mean"], values(wanted["rate"]), rtol=tolerance)
    assert_allclose(frame["mean_ci_lower"], values(wanted["lower"]), rtol=tolerance)
    assert_allclose(frame["mean_ci_upper"], values(wanted["upper"]), rtol=tolerance)


# ---- calendars -------------------------------------------------------------------------------------------------------
def exit_dates(reference, freq):
    frame = reference.csv("counts/cal01_exit_dates_dates.csv")
    window = ("2013-03-01", "2014-08-21")
    return xm.Counts.from_frame(
        frame, date="date", date_format="%Y-%m-%d", freq=freq, window=window, outside="set aside"
    )


@pytest.mark.parametrize(("freq", "name"), [("MS", "gregorian_month"), ("HM", "hijri_month")])
def test_months_in_two_calendars(reference, freq, name):
    results = reference("counts/cal01_exit_dates")["results"]
    counts, wanted = exit_dates(reference, freq), pd.DataFrame(results[name])
    assert counts.total == results["in_window"]
    assert counts.ledger.n_set_aside == results["outside_window"]
    assert list(counts.period) == list(wanted["period"])
    assert_array_equal(counts.n, wanted["n"])
    assert_array_equal(counts.exposure, wanted["exposure_days"])
    assert_array_equal(counts.partial, wanted["partial"])


def test_weeks_and_other_periods(reference):
    results = reference("counts/cal01_exit_dates")["results"]
    weeks = exit_dates(reference, "W")
    assert len(weeks) == results["iso_weeks"]
    assert int((weeks.n == 0).sum()) == results["iso_weeks_with_zero"]
    for part, rows in (("iso_week_head3", slice(None, 3)), ("iso_week_tail2", slice(-2, None))):
        wanted = pd.DataFrame(results[part])
        assert list(weeks.period[rows]) == list(wanted["period"])
        assert_array_equal(weeks.n[rows], wanted["n"])
        assert_array_equal(weeks.exposure[rows], wanted["exposure_days"])
        assert_array_equal(weeks.partial[rows], wanted["partial"])
    periods = exit_dates(reference, "28D")
    assert periods.n.tolist() == results["period_28_days"]
    assert periods.exposure[-1] == results["last_28_day_period_days"]
    days = exit_dates(reference, "D")
    assert len(days) == results["window_days"]
    assert int((days.n == 0).sum()) == results["days_without_event"]
    weekday = (days.start.astype(np.int64) + 3) % 7
    assert_array_equal(np.bincount(weekday, days.n), results["by_weekday_mon_to_sun"])


# ---- regression ------------------------------------------------------------------------------------------------------
def check_poisson(fit, wanted, tolerance):
    assert_allclose(fit.estimate, values(wanted["coef"]), rtol=tolerance)
    assert_allclose(fit.standard_errors, values(wanted["se"]), rtol=tolerance)
    assert_allclose(fit.llf, wanted["loglik"], rtol=tolerance)
    for kind, errors in wanted["robust"].items():
        assert_allclose(fit.with_vcov(kind).standard_errors, values(errors), rtol=1e-8)


def check_nb2(fit, wanted, tolerance):
    assert_allclose(fit.estimate, values(wanted["coef"]), rtol=tolerance)
    assert_allclose(fit.standard_errors, values(wanted["se_observed"]), rtol=tolerance)
    for name in ("theta", "alpha", "deviance", "pearson_chi2"):
        assert_allclose(getattr(fit, name), wanted[name], rtol=tolerance)
    assert_allclose(fit.llf, wanted["loglik"], rtol=tolerance)
    assert_allclose(fit.aic, wanted["AIC"], rtol=tolerance)
    assert_allclose(fit.log_alpha_se, wanted["se_log_theta"], rtol=tolerance)
    assert_allclose(fit.theta_se, wanted["se_theta"], rtol=tolerance)


def test_school_absence(reference):
    """quine: robust errors of four kinds, errors clustered by age, and the negative binomial."""
    case = reference("counts/cnt01_quine_nb")
    results, tolerance = case["results"], case["tol"]["default"]
    counts = xm.Counts.from_table(reference.csv("counts/quine.csv"), n="Days", covariates=["Sex", "Age", "Eth", "Lrn"])
    poisson = xm.CountRegression("Sex + Age + Eth + Lrn").fit(counts)
    check_poisson(poisson, results["poisson"], tolerance)
    assert_allclose(poisson.deviance, results["poisson"]["deviance"], rtol=tolerance)
    assert_allclose(poisson.dispersion, results["overdispersion"]["pearson_over_df"], rtol=tolerance)
    clustered = poisson.with_vcov("cluster", cluster="Age")
    assert_allclose(clustered.standard_errors, values(results["poisson"]["cluster_Age"]), rtol=case["tol"]["robust"])
    nb2 = xm.CountRegression("Sex + Age + Eth + Lrn", family="nb2").fit(counts)
    check_nb2(nb2, results | {"AIC": results["AIC"]}, tolerance)
    assert_allclose(2 * (nb2.llf - poisson.llf), results["LR_nb_vs_poisson"], rtol=tolerance)


def test_articles_of_biochemists(reference):
    case = reference("counts/cnt02_biochem_poisson_nb")
    results, tolerance = case["results"], case["tol"]["default"]
    frame = reference.csv("counts/biochemists.csv")
    counts = xm.Counts.from_table(frame, n="art", covariates=["fem", "mar", "kid5", "phd", "ment"])
    poisson = xm.CountRegression(TREATED).fit(counts)
    check_poisson(poisson, results["poisson"], tolerance)
    assert_allclose(poisson.dispersion, results["overdispersion"]["pearson_over_df"], rtol=tolerance)
    check_nb2(xm.CountRegression(TREATED, family="nb2").fit(counts), results["nb2"], tolerance)


def test_monthly_arrests_with_a_partial_month(reference):
    case = reference("counts/cnt05_arrests_offset")
    results, tolerance = case["results"], case["tol"]["default"]
    frame = reference.csv("counts/arrests_synthetic.csv")
    counts = xm.Counts.from_table(
        frame,
        n="arrests",
        start="month",
        date_format="%Y-%m",
        freq="MS",
        window=("2013-03-01", "2014-08-21"),
        covariates=["t", "prohibited"],
    )
    assert_array_equal(counts.exposure, frame["days_observed"])
    assert_array_equal(np.flatnonzero(counts.partial), [17])
    poisson = xm.CountRegression("t + prohibited").fit(counts)
    check_poisson(poisson, results["poisson"], tolerance)
    assert_allclose(poisson.deviance, results["poisson"]["deviance"], rtol=tolerance)
    check_nb2(xm.CountRegression("t + prohibited", family="nb2").fit(counts), results["nb2"], tolerance)
    assert_allclose(30 * xm.rate(counts).estimate, results["rate_per_30_days_raw"], rtol=tolerance)


def test_sicily_with_newey_west_errors(reference):
    """Quasi-Poisson limits in the reference use the normal law; ours use Student's t, so errors are compared."""
    case = reference("counts/its01_sicily_poisson")
    results = case["results"]
    frame = reference.csv("counts/sicily.csv")
    frame["month_start"] = pd.to_datetime({"year": frame["year"], "month": frame["month"], "day": 1})
    counts = xm.Counts.from_table(
        frame, n="aces", start="month_start", freq="MS", exposure="stdpop", covariates=["smokban", "time"]
    )
    fit = xm.CountRegression("smokban + time").fit(counts)
    assert_allclose(fit.estimate, values(results["coef"]), rtol=1e-8)
    for name, kind, options in (
        ("HC0", "robust", {}),
        ("HC1", "hc1", {}),
        ("HC3", "hc3", {}),
        ("NW_lag3", "hac", {"hac_lags": 3}),
        ("NW_lag12", "hac", {"hac_lags": 12}),
        ("NW_auto", "hac", {}),
    ):
        assert_allclose(fit.with_vcov(kind, **options).standard_errors, values(results["hac"][name]), rtol=1e-8)
    quasi = xm.CountRegression("smokban + time", family="quasipoisson").fit(counts)
    assert_allclose(quasi.standard_errors, values(results["quasi"]["se"]), rtol=1e-8)
    assert_allclose(quasi.dispersion, results["quasi"]["dispersion"], rtol=1e-8)


def test_months_against_constant_rate_and_trend(reference):
    """rat04: Pearson's and the likelihood-ratio index are those of an intercept alone; then a log-linear trend."""
    case = reference("counts/rat04_homogeneity_trend")
    results, tolerance = case["results"], case["tol"]["default"]
    frame = reference.csv("counts/months_synthetic_431.csv")
    counts = xm.Counts.from_table(frame, n="n", exposure="days", covariates=["month"])
    assert counts.total == results["total"]
    flat = xm.CountRegression("1").fit(counts)
    assert_allclose([flat.pearson_chi2, flat.deviance], [results["X2"], results["G2"]], rtol=tolerance)
    trend = xm.CountRegression("month").fit(counts)
    assert_allclose(trend.estimate[1], results["loglin_slope"], rtol=tolerance)
    assert_allclose(trend.standard_errors[1], results["loglin_slope_se"], rtol=tolerance)
    assert_allclose(trend.deviance, results["deviance_after_trend"], rtol=tolerance)
