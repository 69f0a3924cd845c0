"""Interrupted series: effects and their calendar, laws, refusals, second opinions, storing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import exitmodels as xm

N = [22, 17, 25, 21, 19, 24, 20, 23, 18, 26, 21, 20, 24, 19, 12, 11, 14, 10]
OTHER = [9, 12, 8, 11, 10, 9, 13, 8, 11, 12, 9, 10, 11, 12, 10, 9, 11, 7]
WINDOW = ("2013-03-01", "2014-08-21")
AT = "2014-05-01"


def months(n=N, window=WINDOW, **more):
    starts = np.arange("2013-03", "2014-09", dtype="datetime64[M]").astype("datetime64[D]")
    table = {"month": starts, "n": n, **more}
    return xm.Counts.from_table(table, n="n", start="month", freq="MS", window=window, covariates=list(more))


def column(fit, name):
    return fit.cells.matrix[:, fit.names.index(name)]


# ---- the calendar of effects ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("effect", "options", "after"),
    [
        ("level", {}, [1, 1, 1, 1]),
        ("slope", {}, [1, 2, 3, 4]),
        ("ramp", {"length": 3}, [1 / 3, 2 / 3, 1, 1]),
        ("gradual", {"rate": 0.5}, [0.5, 0.75, 0.875, 0.9375]),
        ("gradual", {"rate": 0}, [1, 1, 1, 1]),
        ("gradual", {"rate": 1}, [1, 2, 3, 4]),
        ("decay", {"rate": 0.5}, [1, 0.5, 0.25, 0.125]),
        ("pulse", {}, [1, 0, 0, 0]),
        ("level", {"delay": 1}, [0, 1, 1, 1]),
    ],
)
def test_shapes_of_effects(effect, options, after):
    """Box and Tiao (1975): the response to a step is 1, 1 + d, ... times (1 - d); to a pulse 1, d, d^2, ..."""
    fit = xm.InterruptedSeries(at=AT, effect=effect, min_periods=(4, 1), **options).fit(months())
    assert_allclose(column(fit, effect), [0] * 14 + after, atol=1e-15)


def test_a_period_that_the_date_cuts_counts_by_its_days():
    """2014-06-29 leaves two of the thirty days of June after it."""
    fit = xm.InterruptedSeries(at="2014-06-29", effect="level").fit(months())
    assert_allclose(column(fit, "level")[-3:], [2 / 30, 1, 1])
    assert any("0.07 of it counts as after" in note for note in fit.warnings)
    slope = xm.InterruptedSeries(at="2014-06-29", effect="slope", min_periods=(4, 1)).fit(months())
    assert_allclose(column(slope, "slope")[-3:], [2 / 30, 1 + 2 / 30, 2 + 2 / 30])
    pulse = xm.InterruptedSeries(at="2014-06-29", effect="pulse").fit(months())
    assert_allclose(column(pulse, "pulse")[-3:], [2 / 30, 28 / 30, 0], atol=1e-12)
    dropped = xm.InterruptedSeries(at="2014-06-29", straddle="drop").fit(months())
    assert dropped.nobs == 17
    assert dropped.ledger.n_set_aside == N[15]
    with pytest.raises(xm.DataError, match="inside the period 2014-06-01 to 2014-06-30"):
        xm.InterruptedSeries(at="2014-06-29", straddle="raise").fit(months())


def test_several_dates_have_their_own_effects():
    fit = xm.InterruptedSeries(at=[AT, "2013-10-01"], effect="level+slope").fit(months())
    assert fit.names[2:] == ("level 2013-10-01", "slope 2013-10-01", f"level {AT}", f"slope {AT}")
    assert fit.dates == ("2013-10-01", AT)
    both, last = fit.averted(), fit.averted(AT)
    assert both["periods"].iloc[0] == 11
    assert last["periods"].iloc[0] == 4
    without_last = fit.counterfactual(AT)["counterfactual"].to_numpy()
    assert_allclose(without_last[:14], fit.counterfactual()["fitted"][:14])


def test_periods_of_uneven_length_are_measured_in_days():
    starts = np.datetime64("2013-01-01") + np.cumsum([0, 10, 40, 10, 40, 10, 40, 10, 40, 10, 40, 10])
    table = {
        "start": starts,
        "end": np.append(starts[1:], starts[-1] + 40),
        "n": [5, 20, 6, 19, 5, 21, 6, 12, 3, 11, 2, 13],
    }
    counts = xm.Counts.from_table(table, n="n", start="start", end="end")
    at = starts[7]
    fit = xm.InterruptedSeries(at=str(at), effect="level+slope").fit(counts)
    ends = (counts.end - at).astype(float) / 25
    assert_allclose(column(fit, "level"), np.arange(12) >= 7)
    assert_allclose(column(fit, "slope")[8:], np.maximum(ends[8:], 1))
    middle = (counts.start.astype(int) + counts.end.astype(int)) / 2
    assert_allclose(column(fit, "trend"), 1 + (middle - middle[0]) / 25)


def test_a_gap_in_the_series_is_a_longer_step():
    whole = months()
    keep = np.ones(18, dtype=bool)
    keep[[4, 5]] = False
    fit = xm.InterruptedSeries(at=AT).fit(whole.select(keep))
    assert_allclose(column(fit, "trend"), np.arange(1, 19)[keep])
    assert_allclose(fit.data.columns.gap[1:], [1, 1, 1, 3, *[1] * 11])


# ---- closed forms and laws -----------------------------------------------------------------------------------------
def test_a_level_alone_is_the_ratio_of_two_rates():
    """Without a trend the effect is the log of the two rates, and the variance 1/n1 + 1/n2."""
    counts = months()
    fit = xm.InterruptedSeries(at=AT, trend="none", vcov="model").fit(counts)
    after = np.arange(18) >= 14
    n, days = [counts.n[s].sum() for s in (after, ~after)], [counts.exposure[s].sum() for s in (after, ~after)]
    assert_allclose(fit.params["level"], np.log(n[0] / days[0] / (n[1] / days[1])), rtol=1e-10)
    assert_allclose(fit.bse["level"], np.sqrt(1 / n[0] + 1 / n[1]), rtol=1e-10)
    exact = xm.rate_change(
        xm.Counts.from_table({"m": counts.start, "n": N}, n="n", start="m", freq="MS", window=WINDOW), AT
    )
    assert_allclose(np.exp(fit.params["level"]), exact.ratio, rtol=1e-10)


def test_default_limits_by_a_slow_definition():
    """Covariance of the estimate for each pair, written out; their weights from the kernel; the quantile by brentq."""
    from scipy import optimize, stats

    fit = xm.InterruptedSeries(at=AT).fit(months())
    data, limits = fit.data, fit.latent
    x, mean = data.columns.matrix, data.fit.mean
    a = np.linalg.inv(x.T @ (mean[:, None] * x)) @ (x.T * mean)
    distance = np.abs(np.subtract.outer(np.arange(18), np.arange(18)))
    sizes = np.array([
        [(a @ (np.diag(1 / mean) + t * r**distance) @ a.T)[2, 2] ** 0.5 for t in limits.tau2] for r in limits.rho
    ])  # fmt: skip
    half = optimize.brentq(lambda h: (limits.weight * 2 * stats.norm.sf(h / sizes)).sum() - 0.05, 1e-3, 10, xtol=1e-13)
    low, high = fit.conf_int().loc["level"]
    assert_allclose([low, high], fit.params["level"] + half * np.array([-1, 1]), rtol=1e-8)
    assert_allclose(fit.bse["level"] ** 2, (limits.weight * sizes**2).sum(), rtol=1e-9)
    p = (limits.weight * 2 * stats.norm.sf(abs(fit.params["level"]) / sizes)).sum()
    assert_allclose([fit.pvalues["level"], fit.wald_test().pvalue], p, rtol=1e-8)


def test_records_in_any_order_and_summed_over_keys_give_the_same_answer():
    fit = xm.InterruptedSeries(at=AT).fit(months())
    order = np.random.default_rng(1).permutation(18)
    starts = np.arange("2013-03", "2014-09", dtype="datetime64[M]").astype("datetime64[D]")
    half = [n // 2 for n in N]
    table = {
        "month": np.tile(starts[order], 2),
        "n": np.concatenate([np.array(half)[order], (np.array(N) - half)[order]]),
        "reason": ["a"] * 18 + ["b"] * 18,
    }
    reading = {"n": "n", "start": "month", "freq": "MS", "window": WINDOW}
    keyed = xm.Counts.from_table(table, by="reason", shared=True, **reading)
    again = xm.InterruptedSeries(at=AT).fit(keyed)
    assert_allclose(again.estimate, fit.estimate, rtol=1e-9)
    assert_allclose(again.conf_int(), fit.conf_int(), rtol=1e-7)
    alone = xm.Counts.from_table({k: table[k][:18] for k in ("month", "n")} | {"n": np.array(N)[order]}, **reading)
    assert_allclose(xm.InterruptedSeries(at=AT).fit(alone).conf_int(), fit.conf_int(), rtol=1e-7)


def test_a_new_unit_of_exposure_moves_the_intercept_only():
    fit = xm.InterruptedSeries(at=AT).fit(months())
    weeks = xm.InterruptedSeries(at=AT).fit(replace(months(), exposure=months().exposure / 7))
    assert_allclose(weeks.estimate - fit.estimate, [np.log(7), 0, 0], atol=1e-9)
    assert_allclose(weeks.covariance, fit.covariance, rtol=1e-6)


def test_days_and_weeks_agree_when_nothing_changes_within_a_week():
    """Twelve weeks of equal days: the step is the same counted by day or by week; only the limits see the scatter."""
    left = np.datetime64("2014-01-06") + np.repeat(np.arange(84), np.repeat([3, 2, 4, 1, 2, 2], 14))
    window, at = ("2014-01-06", "2014-03-30"), "2014-03-03"
    fits = [
        xm.InterruptedSeries(at=at, trend="none").fit(
            xm.Counts.from_frame({"d": left}, date="d", freq=f, window=window)
        )
        for f in ("D", "W")
    ]
    assert_allclose(fits[0].params["level"], fits[1].params["level"], rtol=1e-9)
    assert fits[0].latent.correlation > fits[1].latent.correlation


def test_negative_binomial_matches_the_count_regression_on_the_same_columns():
    n = [22, 7, 45, 11, 29, 14, 40, 13, 8, 46, 21, 5, 34, 19, 12, 1, 24, 10]
    level = (np.arange(18) >= 14).astype(int)
    counts = months(n, t=np.arange(1, 19), level=level)
    ours = xm.InterruptedSeries(at=AT, family="negbin", vcov="model").fit(counts)
    theirs = xm.CountRegression("t + level", family="nb2").fit(counts)
    assert_allclose(ours.estimate, theirs.estimate, rtol=1e-8)
    assert_allclose(ours.covariance, theirs.covariance, rtol=1e-6)
    assert_allclose([ours.alpha, ours.llf, ours.aic], [theirs.alpha, theirs.llf, theirs.aic], rtol=1e-8)
    for kind in ("robust", "hac"):
        assert_allclose(ours.with_vcov(kind).covariance, theirs.with_vcov(kind).covariance, rtol=1e-6)


def test_controls_are_terms_of_the_formula():
    x = np.random.default_rng(0).normal(size=18)
    counts = months(x=x, t=np.arange(1, 19), level=(np.arange(18) >= 14).astype(int))
    ours = xm.InterruptedSeries(at=AT, controls="x", vcov="model").fit(counts)
    theirs = xm.CountRegression("t + x + level").fit(counts)
    assert_allclose(ours.estimate, theirs.estimate, rtol=1e-8)


def test_a_control_series_takes_out_what_both_share():
    """A change that halves both series is "common"; the effect of a series beside itself is nothing."""
    counts = months()
    same = xm.InterruptedSeries(at=AT, vcov="model").fit(counts, control=counts)
    alone = xm.InterruptedSeries(at=AT, vcov="model").fit(counts)
    assert_allclose(same.params["level"], 0, atol=1e-9)
    assert_allclose(same.params["common level"], alone.params["level"], rtol=1e-8)
    fit = xm.InterruptedSeries(at=AT, vcov="model").fit(counts, control=months(OTHER))
    control = xm.InterruptedSeries(at=AT, vcov="model").fit(months(OTHER))
    assert_allclose(fit.params["level"], alone.params["level"] - control.params["level"], rtol=1e-7)
    assert_allclose(fit.bse["level"] ** 2, alone.bse["level"] ** 2 + control.bse["level"] ** 2, rtol=1e-7)
    latent = fit.with_vcov("latent")
    assert latent.bse["level"] > fit.bse["level"]
    assert fit.averted()["observed"].iloc[0] == sum(N[14:])
    assert xm.InterruptedSeries(at=AT).fit(counts, control=months(OTHER)).placebo().statistic >= 0


# ---- counterfactual ------------------------------------------------------------------------------------------------
def test_counterfactual_and_averted_are_sums_of_their_periods():
    fit = xm.InterruptedSeries(at=AT).fit(months())
    frame, row = fit.counterfactual(), fit.averted().iloc[0]
    after = frame[14:]
    assert_allclose(row["counterfactual"], after["counterfactual"].sum())
    assert_allclose(row["fitted"], sum(N[14:]), rtol=1e-8)  # the score equation of a level
    assert_allclose(row["averted"], (after["counterfactual"] - after["fitted"]).sum())
    _, low, high = fit.rate_ratios().loc["level"]
    assert_allclose([row["low"], row["high"]], [row["fitted"] * (1 / limit - 1) for limit in (high, low)], rtol=1e-8)
    assert_allclose([row["percent_low"], row["percent_high"]], [100 * (1 - high), 100 * (1 - low)], rtol=1e-8)
    assert ((frame["fitted_low"] < frame["fitted"]) & (frame["fitted"] < frame["fitted_high"])).all()
    assert fit.averted(limits="delta").iloc[0]["averted"] == row["averted"]


def test_the_gradient_of_the_number_averted_is_the_numerical_one():
    fit = xm.InterruptedSeries(at=AT, effect="level+slope", vcov="model", min_periods=(4, 1)).fit(months())
    cells = fit.cells

    def averted(beta):
        without = cells.matrix.copy()
        without[:, 2:] = 0
        return np.exp(cells.offset + without @ beta)[14:].sum() - np.exp(cells.offset + cells.matrix @ beta)[14:].sum()

    step = 1e-6
    slope = [(averted(fit.estimate + step * e) - averted(fit.estimate - step * e)) / (2 * step) for e in np.eye(4)]
    assert_allclose(fit.averted()["se"].iloc[0], np.sqrt(slope @ fit.covariance @ slope), rtol=1e-6)


# ---- second opinions -----------------------------------------------------------------------------------------------
def test_variances_side_by_side_keep_the_estimate_and_warn():
    fit = xm.InterruptedSeries(at=AT).fit(months())
    table = fit.variances(n=199, rng=3)
    again = fit.variances(n=199, rng=3)
    pd.testing.assert_frame_equal(table, again)
    assert table["ratio"].nunique() == 1
    assert "too narrow" in table.loc["hac(2)", "caution"]
    for name, kind in (("latent AR(1)", "latent"), ("quasi", "quasi"), ("hac(2)", "hac")):
        assert_allclose(table.loc[name, ["low", "high"]].astype(float), fit.with_vcov(kind).conf_int().loc["level"])
    assert table.loc["latent AR(1)", "width"] > 1 > table.loc["hac(2)", "width"]
    assert fit.with_vcov("hac").with_vcov("latent").warnings == fit.warnings


def test_placebo_counts_dates_with_an_effect_as_large():
    """Each F is that of a refit with the date moved."""
    counts = months()
    fit = xm.InterruptedSeries(at=AT).fit(counts)
    test = fit.placebo()
    frame = test.to_frame()
    base = xm.CountRegression("time_").fit(months(time_=np.arange(18)))
    for day in ("2013-07-01", AT):
        moved = xm.InterruptedSeries(at=day).fit(counts)
        f = 2 * (moved.llf - base.llf) / max(moved.dispersion, 1)
        assert_allclose(frame.loc[day, "F"], f, rtol=1e-6)
        assert_allclose(frame.loc[day, "estimate"], moved.params["level"], rtol=1e-7)
    assert test.pvalue == (frame["F"] >= frame["F"].iloc[0] * (1 - 1e-9)).sum() / len(frame)
    before = fit.placebo("before").to_frame()
    assert all(day < AT for day in before.index[1:])
    short = xm.Counts.from_table({"n": N[:14], "m": counts.start[:14]}, n="n", start="m", freq="MS")
    moved = xm.InterruptedSeries(at="2013-12-01").fit(short)
    assert_allclose(before.loc["2013-12-01", "estimate"], moved.params["level"], rtol=1e-7)


def test_placebo_of_one_date_keeps_the_others():
    fit = xm.InterruptedSeries(at=["2013-10-01", AT]).fit(months())
    dates = fit.placebo(date=AT).to_frame().index[1:]
    assert all(day > "2013-10-01" for day in dates)


def test_under_no_effect_placebo_ranks_are_uniform():
    """Series without a trend term, dates at random: the share of p-values at most 1/2 is one half, or less."""
    rng, p = np.random.default_rng(7), []
    for _ in range(150):
        at = str(months().start[rng.integers(4, 16)])
        fit = xm.InterruptedSeries(at=at, trend="none", vcov="model").fit(months(rng.poisson(15, 18)))
        p.append(fit.placebo().pvalue)
    assert np.mean(np.array(p) <= 0.5) < 0.5 + 3 * np.sqrt(0.25 / 150)
    assert np.mean(np.array(p) <= 0.1) < 0.1 + 3 * np.sqrt(0.09 / 150)


def test_sensitivity_refits_with_fewer_periods():
    counts = months()
    fit = xm.InterruptedSeries(at=AT).fit(counts)
    frame = fit.sensitivity(donut=(0, 1, 3), window=(None, 8))
    keep = np.ones(18, dtype=bool)
    keep[[13, 14]] = False
    by_hand = xm.InterruptedSeries(at="2014-05-01").fit_rows(counts, keep=keep)
    row = frame.query("donut == 1 and window == 'all'").iloc[0]
    assert (row["periods"], row["estimate"]) == (16, by_hand.params["level"])
    assert_allclose(column(by_hand, "trend"), np.arange(1, 19)[keep])
    assert frame.query("donut == 0 and window == '8'")["periods"].iloc[0] == 12
    assert frame.query("donut == 3")["note"].str.contains("it needs 2 periods").all()
    assert by_hand.ledger.n_set_aside == N[13] + N[14]


def test_a_profile_is_a_set_of_fits():
    fit = xm.InterruptedSeries(at="2014-02-01", vcov="quasi").fit(months())
    found = fit.profile(delay=range(4))
    for delay, deviance, b in zip(found.value, found.deviance, found.coefficient, strict=True):
        one = xm.InterruptedSeries(at="2014-02-01", delay=float(delay), vcov="model").fit(months())
        assert_allclose(b, one.params["level"], rtol=1e-7)
        saturated = xm.CountRegression("1").fit(months())
        assert_allclose(saturated.deviance - deviance, 2 * (one.llf - saturated.llf), rtol=1e-6)
    assert found.best == 3
    assert 3.0 in found.confidence_set
    assert found.to_frame().loc[3.0, "inside"]
    found.plot()
    assert "in 95 % set" in str(found)


# ---- refusals ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"at": "2016-10-04"}, "ends on 2014-08-21"),
        ({"at": "2012-10-04"}, "begins on 2013-03-01"),
        ({"at": "2014-08-01"}, "has 1 periods with 10 events"),
        ({"at": "2013-05-01"}, "before 2013-05-01 has 2 periods"),
        ({"at": "2014-07-01", "effect": "slope"}, "it needs 3 periods"),
        ({"at": "2014-07-01", "delay": 2}, "begins after the last period"),
        ({"at": [AT, "2014-06-01"]}, f"from {AT} to 2014-06-01 has 1 periods"),
        ({"at": "2014-05-01", "season": "month"}, "leave 4"),
        ({"at": "2014-05-01", "min_events": 50}, "needs 2 periods and 50 events"),
    ],
)
def test_what_the_records_cannot_show_is_refused(options, says):
    if options.get("season"):
        options = {**options, "trend": 3}
        says = "leave 2"
    with pytest.raises(xm.IdentificationError, match=says):
        xm.InterruptedSeries(**options).fit(months())


def test_a_season_needs_a_year():
    with pytest.raises(xm.IdentificationError, match="shorter than one year"):
        xm.InterruptedSeries(at="2013-07-01", season=1).fit(months().select(np.arange(18) < 9))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"effect": "steps"}, "effect"),
        ({"effect": "level+level"}, "effect"),
        ({"effect": "ramp"}, "length"),
        ({"effect": "decay", "rate": 1.5}, "rate"),
        ({"family": "gaussian"}, "family"),
        ({"vcov": "bootstrap"}, "vcov"),
        ({"trend": "cubic"}, "trend"),
        ({"straddle": "keep"}, "straddle"),
        ({"delay": -1}, "delay"),
        ({"at": [AT, AT]}, "at"),
        ({"at": "May 2014"}, "date"),
    ],
)
def test_choices_that_are_not_known_are_refused(options, code):
    with pytest.raises(xm.DataError) as refused:
        xm.InterruptedSeries(**{"at": AT, **options})
    assert refused.value.code == code


def test_bad_counts_are_refused():
    model = xm.InterruptedSeries(at=AT)
    with pytest.raises(xm.DataError, match="no dates"):
        model.fit(xm.Counts.from_table({"n": N}, n="n"))
    with pytest.raises(xm.DataError, match="their periods differ"):
        model.fit(months(), control=months().select(np.arange(18) > 0))
    with pytest.raises(xm.DataError, match="zero has no logarithm"):
        xm.InterruptedSeries(at=AT, family="lognormal").fit(months([*N[:3], 0, *N[4:]]))
    with pytest.raises(xm.DataError, match="follows from other columns"):
        xm.InterruptedSeries(at=AT, controls="x").fit(months(x=np.arange(18)))
    with pytest.raises(xm.DataError, match="already modelled"):
        xm.InterruptedSeries(at=AT, family="lognormal-ar1", vcov="hac").fit(months())
    fit = model.fit(months())
    for wrong in (
        lambda: fit.placebo("after"),
        lambda: fit.averted(limits="exact"),
        lambda: fit.averted("2014-06-01"),
        lambda: fit.profile(),
        lambda: fit.with_vcov("hac", hac_lags=18),
        lambda: fit.variances(coef="step"),
        lambda: fit.plot(what="residuals"),
        lambda: fit.conf_int(alpha=1.5),
    ):
        with pytest.raises(xm.DataError):
            wrong()


# ---- protocol ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("family", ["poisson", "quasi", "negbin", "lognormal", "lognormal-ar1"])
def test_results_print_draw_store_and_come_back(family, tmp_path):
    fit = xm.InterruptedSeries(at=AT, family=family).fit(months())
    text = str(fit)
    assert "averted" in text
    assert "level" in fit.to_latex()
    assert "Box and Tiao" in fit.cite() or "Box, G. E. P." in fit.cite()
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    assert_allclose(again.conf_int(), fit.conf_int())
    assert str(again) == text
    pd.testing.assert_frame_equal(again.averted(), fit.averted())
    with pytest.raises(xm.DataError, match="does not hold"):
        again.variances()
    assert again.plot().get_ylabel() == "records per month"
    assert fit.plot(what="effects").get_xlabel().startswith("rate ratio")


def test_cut_periods_are_hatched_in_the_picture():
    ax = xm.InterruptedSeries(at=AT).fit(months()).plot()
    hatched = [bar.get_hatch() for bar in ax.patches if bar.get_height() > 0]
    assert hatched == ["" if i < 17 else "////" for i in range(18)]


def test_hac_is_the_sketch_of_the_design():
    weekly = xm.Counts.from_frame(
        {"left": np.datetime64("2013-03-04") + np.repeat(np.arange(539), np.random.default_rng(2).poisson(0.8, 539))},
        date="left", freq="W", window=("2013-03-01", "2014-08-24"),
    )  # fmt: skip
    fit = xm.InterruptedSeries(at="2014-06-29", family="negbin", vcov="hac").fit(weekly)
    assert fit.vcov == "hac(3)"
    assert_array_equal(list(fit.effects), ["level"])
    assert fit.cells.partial[0]
