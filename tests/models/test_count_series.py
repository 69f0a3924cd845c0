"""Models of one count series: laws, limits of what can be known, bad input, storing and pictures."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm

CASES = {
    "log": xm.CountAR("x", past_observations=(1, 3), past_means=(1,)),
    "identity": xm.CountAR("x", past_observations=(1,), past_means=(2,), link="identity"),
    "quasi": xm.CountAR("x", family="negbin"),
    "negbin": xm.CountAR("x", past_means=(1,), family="negbin", dispersion="ml"),
    "external": xm.CountAR("x", past_means=(1,), external=True),
    "glarma": xm.GLARMA("x", ar=(1,), ma=(3,)),
    "glarma negbin": xm.GLARMA("x", ma=(1,), family="negbin"),
    "level": xm.LocalLevel("x"),
    "gaussian": xm.LocalLevel("x", family="gaussian"),
    "two parts": xm.EndemicEpidemic("x"),
}


def frame(n: int = 110, seed: int = 3) -> pd.DataFrame:
    """Overdispersed daily counts with dependence over time, and a covariate."""
    rng = np.random.default_rng(seed)
    x, y, v = rng.uniform(0, 2, n), np.zeros(n, dtype=int), 1.0
    for t in range(n):
        mean = np.exp(0.5 + 0.35 * v + 0.3 * x[t])
        y[t] = rng.poisson(mean * rng.gamma(4) / 4)
        v = np.log(y[t] + 1)
    day = np.datetime64("2013-03-01") + np.arange(n)
    return pd.DataFrame({"n": y, "day": day, "x": x, "hours": np.full(n, 2.0), "lost": 0})


def daily(table: pd.DataFrame, **options: object) -> xm.Counts:
    kept = {"n": "n", "start": "day", "freq": "D", "covariates": ["x", "lost"], **options}
    return xm.Counts.from_table(table, **kept)


def same(one, two, rtol=1e-6):
    assert one.converged
    assert two.converged
    assert_allclose(one.estimate, two.estimate, rtol=rtol, atol=1e-8)
    # errors rest on second derivatives: a hundred times the tolerance of the estimates, at most 1e-4
    assert_allclose(one.covariance, two.covariance, rtol=100 * rtol, atol=1e-8)
    assert_allclose(one.llf, two.llf, rtol=1e-8)


# ---- laws ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CASES)
def test_rows_in_any_order_give_the_same_answer(name):
    table = frame()
    same(CASES[name].fit(daily(table)), CASES[name].fit(daily(table.sample(frac=1, random_state=1))), 1e-9)


@pytest.mark.parametrize("name", CASES)
def test_an_unknown_count_is_not_used_whatever_it_holds(name):
    """Marked by a column: the number written there plays no part; and it is not a zero."""
    from dataclasses import replace

    model = replace(CASES[name], unobserved="lost")
    table = frame()
    table.loc[[20, 21, 60], "lost"] = 1
    other = table.copy()
    other.loc[[20, 21, 60], "n"] = [99, 0, 50]
    one, two = model.fit(daily(table)), model.fit(daily(other))
    same(one, two, 1e-9)
    if name != "two parts":
        assert one.nobs == 107
    assert abs(one.llf - CASES[name].fit(daily(other)).llf) > 1


@pytest.mark.parametrize("model", [xm.CountAR(), xm.CountAR("time"), xm.GLARMA(ma=1), xm.LocalLevel(), xm.CountAR("1")])
def test_an_absent_period_is_an_unknown_count(model):
    from dataclasses import replace

    table = frame()
    table.loc[[20, 21, 60], "lost"] = 1
    marked = replace(model, unobserved="lost").fit(daily(table))
    absent = model.fit(daily(table[table["lost"] == 0]))
    same(marked, absent, 1e-9)
    assert "3 absent periods" in str(absent.ledger)


@pytest.mark.parametrize("name", ["log", "identity", "negbin", "external", "glarma", "glarma negbin", "two parts"])
def test_a_new_unit_of_exposure_moves_the_intercept_only(name):
    table = frame().assign(minutes=120.0)
    hours = CASES[name].fit(daily(table, exposure="hours"))
    minutes = CASES[name].fit(daily(table, exposure="minutes"))
    lags = slice(hours.n_covariates, None)
    assert_allclose(hours.llf, minutes.llf, rtol=1e-10)
    assert_allclose(hours.fitted_values, minutes.fitted_values, rtol=1e-6)
    assert_allclose(hours.estimate[lags], minutes.estimate[lags], rtol=1e-5)
    if name == "identity":
        assert_allclose(hours.estimate[:2], 60 * minutes.estimate[:2], rtol=1e-5)
    else:
        x = "endemic: x" if name == "two parts" else "x"
        assert_allclose(hours.params[x], minutes.params[x], rtol=1e-5)


@pytest.mark.parametrize("name", ["log", "identity", "external", "glarma", "level", "two parts"])
def test_a_shifted_covariate_leaves_the_fit(name):
    """The state before the series stands on the covariates of the first period, so no origin is special."""
    table = frame()
    one, two = CASES[name].fit(daily(table)), CASES[name].fit(daily(table.assign(x=table["x"] + 10)))
    assert_allclose(one.llf, two.llf, rtol=1e-9)
    assert_allclose(one.fitted_values, two.fitted_values, rtol=1e-5)


def test_without_past_means_external_effects_are_internal():
    counts = daily(frame())
    one, two = (xm.CountAR("x", past_observations=(1, 2), external=e).fit(counts) for e in (False, True))
    assert_allclose(one.fitted_values[2:], two.fitted_values[2:], rtol=1e-9)
    wide = [xm.CountAR("x", past_observations=(1, 2), external=e, before="first").fit(counts) for e in (False, True)]
    same(*wide, 1e-8)


def test_external_by_name():
    counts = daily(frame())
    same(xm.CountAR("x", past_means=(1,), external=["x"]).fit(counts), CASES["external"].fit(counts), 1e-9)


def test_pure_past_counts_are_a_poisson_regression():
    """With lags of counts only, the log-linear model is a regression on log(n + 1) of the periods before."""
    table = frame()
    wide = table.assign(before=np.log1p(table["n"].shift(1, fill_value=0)), two=np.log1p(table["n"].shift(2)))
    first = float(np.log1p(table["n"].iloc[0]))
    wide["before"] = wide["before"].where(wide.index > 0, first)
    wide["two"] = wide["two"].where(wide.index > 1, first)
    counts = xm.Counts.from_table(wide, n="n", start="day", freq="D", covariates=["x", "before", "two"])
    regression = xm.CountRegression("x + before + two").fit(counts)
    fit = xm.CountAR("x", past_observations=(1, 2), before="first").fit(counts)
    assert_allclose(fit.estimate, regression.estimate, rtol=1e-8)
    assert_allclose(fit.standard_errors, regression.standard_errors, rtol=1e-7)
    robust = regression.with_vcov("robust").standard_errors
    assert_allclose(fit.with_vcov("robust").standard_errors, robust, rtol=1e-7)
    assert_allclose([fit.llf, fit.aic, fit.bic], [regression.llf, regression.aic, regression.bic], rtol=1e-10)
    joint = xm.CountRegression("x + before + two", family="nb2").fit(counts)
    ml = xm.CountAR("x", past_observations=(1, 2), before="first", family="negbin", dispersion="ml", vcov="observed")
    found = ml.fit(counts)
    assert_allclose([*found.estimate, found.alpha], [*joint.estimate, joint.alpha], rtol=1e-7)
    assert_allclose([*found.standard_errors, found.log_alpha_se], [*joint.standard_errors, joint.log_alpha_se], 1e-6)
    assert_allclose(found.residuals("deviance"), joint.residuals("deviance"), atol=1e-6)


def test_score_and_ratio_tests_are_close_and_the_score_is_squared_wald_like():
    """On one series the two tests of the same effect agree to first order; a planted step is found by both."""
    table = frame(160, seed=11)
    table.loc[100:, "n"] = table.loc[100:, "n"] * 2 + 1
    fit = xm.CountAR("x", family="negbin", dispersion="ml").fit(daily(table))
    at = table["day"].iloc[100]
    score, ratio = fit.intervention_test(at), fit.intervention_test(at, method="lr")
    assert max(score.pvalue, ratio.pvalue) < 1e-4
    assert 0.4 < score.statistic / ratio.statistic < 2.5
    effect = ratio.to_frame().iloc[0]
    refit = xm.CountAR("x + late", family="negbin", dispersion="ml", before="marginal").fit(
        xm.Counts.from_table(
            table.assign(late=(table.index >= 100) * 1.0), n="n", start="day", freq="D", covariates=["x", "late"]
        )
    )
    # a score step is the first step towards the refit
    assert_allclose(effect["estimate"], refit.params["late"], atol=1e-3)


def test_a_change_at_an_unknown_time_is_found_where_it_is():
    table = frame(120, seed=5)
    table.loc[70:, "n"] = table.loc[70:, "n"] * 3 + 2
    fit = xm.CountAR("x", family="negbin").fit(daily(table))
    found = fit.find_intervention(draws=59, rng=1)
    assert found.pvalue <= 2 / 60
    assert abs(int(np.flatnonzero(found.times == found.at)[0]) + 3 - 70) < 12
    again = fit.find_intervention(draws=59, rng=1)
    assert again.pvalue == found.pvalue
    assert_allclose(found.statistic, np.nanmax(found.statistics))
    quiet = xm.CountAR("x", family="negbin").fit(daily(frame(120, seed=5)))
    assert quiet.find_intervention(draws=59, rng=1).pvalue > 0.05


def test_nested_models():
    """More lags never lower the likelihood; NB at its best is not below Poisson."""
    counts = daily(frame())
    small, large = (xm.CountAR("x", past_observations=lags).fit(counts) for lags in ((1,), (1, 2, 3)))
    assert large.llf >= small.llf
    ml = xm.CountAR("x", family="negbin", dispersion="ml").fit(counts)
    quasi = xm.CountAR("x", family="negbin").fit(counts)
    assert ml.llf >= quasi.llf >= small.llf
    assert_allclose(quasi.estimate, small.estimate, rtol=1e-10)
    assert_allclose(quasi.dispersion, 1.0, rtol=1e-10)
    assert np.all(quasi.standard_errors > small.standard_errors)


# ---- limits of what can be known -------------------------------------------------------------------------------------
def test_no_overdispersion_gives_the_poisson_fit():
    y = np.tile([4, 5, 6, 5, 4, 6], 12)
    counts = xm.Counts.from_table({"n": y}, n="n")
    for model in (
        xm.CountAR(family="negbin"),
        xm.CountAR(family="negbin", dispersion="ml"),
        xm.GLARMA(ma=1, family="negbin"),
    ):
        fit = model.fit(counts)
        assert fit.alpha == 0
        assert any("no overdispersion" in note for note in fit.warnings)
        assert np.isnan(fit.log_alpha_se)


def test_a_lag_at_its_limit_has_no_standard_error():
    """Alternating counts ask for a negative coefficient, which the identity link does not allow."""
    rng = np.random.default_rng(1)
    y = rng.poisson(np.tile([3.0, 9.0], 60))
    fit = xm.CountAR(link="identity", past_observations=(1, 2)).fit(xm.Counts.from_table({"n": y}, n="n"))
    assert fit.params["n[t-1]"] == 0
    assert np.isnan(fit.bse["n[t-1]"])
    assert np.isfinite(fit.bse["n[t-2]"])
    assert "n[t-1]: the estimate is at its limit 0" in str(fit)
    assert fit.converged
    assert fit.forecast(3, rng=1).paths.shape == (2000, 3)
    free = xm.CountAR(past_observations=(1, 2)).fit(xm.Counts.from_table({"n": y}, n="n"))
    assert free.params["n[t-1]"] < 0


def test_a_series_without_a_level_is_named_as_such():
    """Counts that grow steadily: the coefficients of the lags run to a sum of one, or next to it."""
    y = np.random.default_rng(2).poisson(5 + np.arange(150.0))
    counts = xm.Counts.from_table({"n": y}, n="n")
    with pytest.warns(xm.ConvergenceWarning, match="see LocalLevel"):
        fit = xm.CountAR(past_means=(1,), link="identity").fit(counts)
    assert not fit.converged
    fit = xm.CountAR(past_means=(1,), link="identity", before="first").fit(counts)
    assert fit.persistence > 0.99
    assert any("hardly returns anywhere" in note for note in fit.warnings)


@pytest.mark.parametrize("model", [xm.CountAR(past_observations=(13,)), xm.GLARMA(ma=(13,))])
def test_eighteen_months_cannot_show_a_lag_of_thirteen_with_covariates(model):
    from dataclasses import replace

    months = pd.date_range("2013-03-01", periods=18, freq="MS")
    table = pd.DataFrame({"n": np.arange(18) % 5 + 3, "day": months, "a": np.arange(18.0) ** 2})
    counts = xm.Counts.from_table(table, n="n", start="day", freq="MS", covariates=["a"])
    with pytest.raises(xm.IdentificationError, match="18 known counts; after the longest lag of 13 periods 5 remain"):
        replace(model, formula="time + a + C(month > 6)").fit(counts)


# ---- bad input -------------------------------------------------------------------------------------------------------
BAD_CHOICES = [
    (lambda: xm.CountAR(link="logit"), "link"),
    (lambda: xm.CountAR(family="nb2"), "family"),
    (lambda: xm.CountAR(past_observations=(0,)), "lags"),
    (lambda: xm.CountAR(past_observations=(1, 1)), "lags"),
    (lambda: xm.CountAR(past_observations=(1.5,)), "lags"),
    (lambda: xm.CountAR(past_observations=()), "lags"),
    (lambda: xm.CountAR(dispersion="moment"), "dispersion"),
    (lambda: xm.CountAR(before="zero"), "before"),
    (lambda: xm.CountAR(vcov="hac"), "vcov"),
    (lambda: xm.GLARMA(), "lags"),
    (lambda: xm.GLARMA(ma=1, residuals="raw"), "residuals"),
    (lambda: xm.GLARMA(ma=1, family="binomial"), "trials"),
    (lambda: xm.GLARMA(ma=1, trials="n"), "trials"),
    (lambda: xm.LocalLevel(family="negbin"), "family"),
    (lambda: xm.LocalLevel(log=True), "log"),
    (lambda: xm.LocalLevel(season=1), "season"),
    (lambda: xm.EndemicEpidemic(family="quasi"), "family"),
]


@pytest.mark.parametrize(("make", "code"), BAD_CHOICES)
def test_unknown_choices_are_refused(make, code):
    with pytest.raises(xm.DataError) as caught:
        make()
    assert caught.value.code == code
    assert caught.value.hint


BAD_DATA = [
    (xm.CountAR("z"), {}, "no-column"),
    (xm.CountAR("x", external=["z"]), {}, "external"),
    (xm.CountAR("x", external=["Intercept"]), {}, "external"),
    (xm.CountAR("offset(log(hours))", link="identity"), {"covariates": ["hours"]}, "offset"),
    (xm.CountAR("hours"), {"covariates": ["hours"]}, "constant"),
    (xm.CountAR("x + I(2 * x)"), {}, "collinear"),
    (xm.CountAR("x + strata(lost)"), {}, "strata"),
    (xm.CountAR(unobserved="gone"), {}, "no-column"),
    (xm.CountAR(unobserved="x"), {}, "unobserved"),
    (xm.GLARMA(ma=1, family="binomial", trials="gone"), {}, "no-column"),
    (xm.GLARMA(ma=1, family="binomial", trials="lost"), {}, "trials"),
    (xm.LocalLevel(family="gaussian", log=True), {}, "zero"),
    (xm.LocalLevel("time + I(time * 2)"), {}, "collinear"),
    (xm.EndemicEpidemic(epidemic="offset(x)"), {}, "offset"),
]


@pytest.mark.parametrize(("model", "options", "code"), BAD_DATA)
def test_bad_data_are_refused(model, options, code):
    table = frame()
    table.loc[3, "n"] = 0
    with pytest.raises(xm.DataError) as caught:
        model.fit(daily(table, **options))
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("model", [xm.CountAR(), xm.GLARMA(ma=1), xm.LocalLevel(), xm.EndemicEpidemic()])
def test_several_series_are_refused(model):
    table = pd.concat([frame().assign(place=p) for p in "ab"])
    with pytest.raises(xm.DataError, match=r"aggregate\(\)") as caught:
        model.fit(daily(table, by="place", shared=False))
    assert caught.value.code == "several-series"


def test_gaps_whose_covariates_are_unknown_are_refused():
    table = frame().drop(index=[20, 21])
    with pytest.raises(xm.DataError, match="needs 'x' in them") as caught:
        xm.CountAR("x").fit(daily(table))
    assert caught.value.code == "gap"
    ends = table.assign(end=table["day"] + np.timedelta64(1, "D"))
    with pytest.raises(xm.DataError, match="frequency is not known"):
        xm.CountAR().fit(daily(ends, end="end", freq=None))


def test_dates_of_interventions_are_read_with_care():
    months = pd.date_range("2013-03-01", periods=60, freq="MS")
    table = pd.DataFrame({"n": np.arange(60) % 7 + 2, "month": months})
    fit = xm.CountAR().fit(xm.Counts.from_table(table, n="n", start="month", freq="MS"))
    by_name, by_date = fit.intervention_test("2015-02"), fit.intervention_test("2015-02-01")
    assert by_name.statistic == by_date.statistic
    assert "2015-02" in by_name.method
    with pytest.raises(xm.DataError, match="falls inside the period 2015-02"):
        fit.intervention_test("2015-02-10")
    for outside in ("2013-03-01", "2030-01-01"):
        with pytest.raises(xm.IdentificationError, match="cannot show"):
            fit.intervention_test(outside)
    with pytest.raises(xm.DataError, match="kind="):
        fit.intervention_test("2015-02", "ramp")
    with pytest.raises(xm.DataError, match="rng"):
        fit.find_intervention()
    quasi = xm.CountAR(family="negbin").fit(daily(frame()))
    with pytest.raises(xm.DataError, match="quasi-likelihood"):
        quasi.intervention_test("2013-04-20", method="lr")


def test_an_intervention_that_is_in_the_model_cannot_be_tested_again():
    table = frame().assign(late=(np.arange(110) >= 50) * 1.0)
    fit = xm.CountAR("late").fit(daily(table, covariates=["late"]))
    with pytest.raises(xm.IdentificationError, match="cannot be told"):
        fit.intervention_test(table["day"].iloc[50])


# ---- forecasts -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CASES)
def test_forecasts_hold_the_level_and_can_be_drawn_again(name):
    fit = CASES[name].fit(daily(frame()))
    new = {"x": [1.0] * 6}
    one, two = (fit.forecast(new=new, rng=7, paths=3000) for _ in range(2))
    assert_array_equal(one.paths, two.paths)
    table = one.to_frame()
    assert list(table.index) == ["2013-06-19", "2013-06-20", "2013-06-21", "2013-06-22", "2013-06-23", "2013-06-24"]
    assert np.all((table["low"] <= table["median"]) & (table["median"] <= table["high"]))
    # 3,000 paths, and a level that is near the mean of the series only
    assert_allclose(table["median"], fit.fitted_values.mean(), rtol=0.5)
    fixed = fit.forecast(new=new, rng=7, paths=3000, parameters=False)
    assert "as if they were known" in " ".join(fixed.warnings)
    # The mean of a level that walks on the log scale lies above the plug-in value.
    # 3,000 paths
    assert_allclose(fixed.to_frame()["mean"].iloc[0], fixed.expected[0], rtol=0.3 if name == "level" else 0.08)
    assert one.total()["low"] < one.total()["mean"] < one.total()["high"]
    assert "Forecast of 6 periods" in str(one)


def test_uncertain_parameters_widen_a_forecast():
    fit = CASES["negbin"].fit(daily(frame()))
    new = {"x": [4.0] * 4}  # far from the data
    wide, narrow = (fit.forecast(new=new, rng=1, paths=8000, parameters=p).to_frame() for p in (True, False))
    assert np.all(wide["high"] > narrow["high"])


def test_forecasts_need_what_they_need():
    fit = CASES["log"].fit(daily(frame()))
    with pytest.raises(xm.DataError, match="no source of randomness"):
        fit.forecast(3)
    with pytest.raises(xm.DataError, match="needs 'x'"):
        fit.forecast(3, rng=1)
    calendar = xm.CountAR("time").fit(daily(frame()))
    assert calendar.forecast(3, rng=1).paths.shape == (2000, 3)
    with pytest.raises(xm.DataError, match="not a number of periods"):
        calendar.forecast(rng=1)
    uneven = frame().assign(hours=np.linspace(1, 3, 110))
    with pytest.raises(xm.DataError, match="not said"):
        CASES["log"].fit(daily(uneven, exposure="hours")).forecast(new={"x": [1.0]}, rng=1)


def test_calendar_of_the_months_to_come():
    """Exposure is the length of the month, and time goes on."""
    months = pd.date_range("2013-03-01", periods=40, freq="MS")
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"n": rng.poisson(20, 40), "month": months})
    fit = xm.CountAR("time").fit(xm.Counts.from_table(table, n="n", start="month", freq="MS"))
    ahead = fit.forecast(3, rng=1)
    assert list(ahead.index) == ["2016-07", "2016-08", "2016-09"]
    assert ahead.exposure.tolist() == [31, 31, 30]
    times = ahead.future.matrix[:, 1]
    assert_allclose(np.diff(times), [31, 30.5])
    assert_allclose(times[0] - fit.data.series.design.matrix[-1, 1], 30.5)


def test_binomial_forecasts_need_the_trials():
    table = frame().assign(m=30)
    fit = xm.GLARMA("x", ar=1, family="binomial", trials="m").fit(daily(table, covariates=["x", "m"]))
    with pytest.raises(xm.DataError, match="trials"):
        fit.forecast(new={"x": [1.0, 1.0]}, rng=1)
    ahead = fit.forecast(new={"x": [1.0, 1.0], "m": [5, 30]}, rng=1)
    assert ahead.paths.max(axis=0)[0] <= 5
    assert ahead.expected[1] > 3 * ahead.expected[0]
    with pytest.raises(xm.DataError, match="whole numbers"):
        fit.forecast(new={"x": [1.0], "m": [0]}, rng=1)


def test_forecast_of_a_gaussian_level_has_its_variance():
    y = np.array([12, 10, 13, 9, 11, 14, 16, 15, 19, 17, 20, 18, 22, 19, 24, 21, 23, 20, 25, 22])
    fit = xm.LocalLevel(family="gaussian").fit(xm.Counts.from_table({"n": y}, n="n"))
    drawn = fit.forecast(4, rng=1, paths=40_000, parameters=False)
    wanted = fit.predict_level(4)["se"] ** 2 + fit.irregular_variance
    # 40,000 paths
    assert_allclose(drawn.paths.var(axis=0), wanted, rtol=0.03)
    assert np.all(np.diff(fit.predict_level(4)["se"]) > 0)


# ---- answers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CASES)
def test_results_answer_as_all_results_do(name, tmp_path):
    fit = CASES[name].fit(daily(frame()))
    assert_allclose(fit.conf_int().shape, (len(fit.names), 2))
    assert list(fit.tidy()["term"]) == list(fit.names)
    text = str(fit.summary())
    assert all(word in text for word in (*fit.names, "log-likelihood", "converged"))
    assert r"\toprule" in fit.to_latex()
    assert "(20" in fit.cite()
    assert fit.ledger.read == 110
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    assert_array_equal(again.estimate, fit.estimate)
    assert str(again.params) == str(fit.params)
    with pytest.raises(xm.DataError, match="does not hold"):
        again.forecast(2, rng=1)
    ax = fit.plot()
    assert ax.get_ylabel()
    if hasattr(fit, "pit"):
        assert_allclose(fit.pit(8).sum(), 8)
        assert fit.plot_pit().get_xlabel() == "probability integral transform"
        assert fit.plot_calibration().get_xlabel() == "count"
        assert set(fit.with_vcov("robust").bse.index) == set(fit.names)
    ahead = fit.forecast(new={"x": [1.0]}, rng=1, paths=50)
    ahead.save(tmp_path / "ahead.json")
    assert_array_equal(xm.load(tmp_path / "ahead.json").paths, ahead.paths)
    if name != "gaussian":
        assert ahead.plot().get_ylabel() == "records per period"
    plt.close("all")


def test_ratios_are_given_where_they_mean_something():
    counts = daily(frame())
    log = CASES["log"].fit(counts)
    assert_allclose(log.rate_ratios().loc["x"].iloc[0], np.exp(log.params["x"]))
    assert np.isnan(log.ratios().loc["n[t-1]"].iloc[0])
    with pytest.raises(xm.DataError, match="identity link"):
        CASES["identity"].fit(counts).rate_ratios()
    level = CASES["level"].fit(counts)
    assert np.isnan(level.ratios().loc["level variance"].iloc[0])
    assert np.isnan(level.pvalues["level variance"])


def test_season_effects_sum_to_zero_and_follow_the_calendar():
    months = pd.date_range("2010-04-01", periods=72, freq="MS")
    rng = np.random.default_rng(1)
    n = rng.poisson(30 * np.exp(0.8 * (months.month == 7)))
    table = pd.DataFrame({"n": n, "month": months})
    fit = xm.LocalLevel(season=12).fit(xm.Counts.from_table(table, n="n", start="month", freq="MS"))
    season = fit.season()
    assert_allclose(season["estimate"].sum(), 0, atol=1e-10)
    assert season["estimate"].idxmax() == 7
    assert_allclose(fit.estimate[1:12], season["estimate"].iloc[:11])
    with pytest.raises(xm.DataError, match="no season"):
        xm.LocalLevel().fit(xm.Counts.from_table(table, n="n")).season()


def test_poisson_fits_of_overdispersed_counts_say_so():
    fit = xm.CountAR("x").fit(daily(frame()))
    assert any("times as much around the mean" in note for note in fit.warnings)
    assert not xm.CountAR("x", vcov="robust").fit(daily(frame())).warnings


def test_epidemic_share():
    fit = CASES["two parts"].fit(daily(frame()))
    share = fit.epidemic_share
    assert np.isnan(share.iloc[0])
    assert share.iloc[1:].between(0, 1).all()
    carried = np.exp(fit.estimate[0]) * frame()["n"].to_numpy()[:-1]
    assert_allclose(share.iloc[1:] * fit.fitted_values.iloc[1:], carried, rtol=1e-8)
