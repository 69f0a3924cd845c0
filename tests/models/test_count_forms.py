"""NB1, moment rules, fe(), few clusters, profiles, tests of fit, zero-inflated and hurdle forms: laws and refusals."""

from __future__ import annotations

import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import exitmodels as xm
from exitmodels.errors import ConvergenceWarning, DataError, FormulaError, IdentificationError

matplotlib.use("Agg")


def panel(seed=0, units=6, months=24, spread=0.4, zeros=0.0):
    rng = np.random.default_rng(seed)
    unit = np.repeat([f"u{i}" for i in range(units)], months)
    x, days = rng.normal(size=len(unit)), rng.uniform(5, 20, len(unit))
    level = np.repeat(rng.normal(size=units) / 2, months)
    mean = days * np.exp(-1 + 0.4 * x + level)
    n = rng.poisson(mean * rng.gamma(1 / spread, spread, len(unit))) * (rng.random(len(unit)) >= zeros)
    region = np.where(unit < "u3", "a", "b")
    return pd.DataFrame(
        {"unit": unit, "region": region, "x": x, "days": days, "n": n, "t": np.tile(range(months), units)}
    )


def counted(frame):
    covariates = [name for name in frame if name not in ("n", "days")]
    return xm.Counts.from_table(frame, n="n", exposure="days", covariates=covariates)


# ---- NB1 and moment rules --------------------------------------------------------------------------------------------
def test_nb1_scales_with_exposure_and_forgets_row_order():
    frame = panel(1)
    model = xm.CountRegression("x + unit", family="nb1")
    one = model.fit(counted(frame))
    other = model.fit(counted(frame.assign(days=2 * frame["days"]).sample(frac=1, random_state=1)))
    assert_allclose(other.estimate[1:], one.estimate[1:], rtol=1e-7, atol=1e-9)
    assert_allclose(other.estimate[0], one.estimate[0] - np.log(2), rtol=1e-7)
    assert_allclose([other.llf, other.alpha], [one.llf, one.alpha], rtol=1e-8)
    assert one.alpha_interval()[0] < one.alpha < one.alpha_interval()[1]
    with pytest.raises(DataError, match="not defined for NB1"):
        _ = one.deviance
    with pytest.raises(DataError, match="not defined for NB1"):
        one.residuals("anscombe")
    assert "NB1" in str(one)


def test_moment_rules_meet_their_rule():
    counts = counted(panel(2))
    fit = xm.CountRegression("x + unit", family="nb2", dispersion="pearson").fit(counts)
    assert_allclose(fit.dispersion, 1, rtol=1e-8)
    fit = xm.CountRegression("x + unit", family="nb2", dispersion="deviance").fit(counts)
    assert_allclose(fit.deviance, len(counts) - 7, rtol=1e-8)
    assert np.isnan(fit.log_alpha_se)
    assert "alpha" in str(fit)
    top = xm.CountRegression("x + unit", family="nb2").fit(counts)
    assert fit.llf < top.llf
    assert_allclose(top.dispersion_estimates()["maximum likelihood"], top.alpha, rtol=1e-7)
    for act in (lambda: fit.profile_conf_int(), lambda: fit.zero_test(), lambda: fit.lr_test(top)):
        with pytest.raises(DataError, match=r'dispersion="ml"|parameters'):
            act()


# ---- fe() ------------------------------------------------------------------------------------------------------------
def test_effects_of_two_columns_and_a_unit_without_events():
    frame = panel(3)
    frame.loc[frame["unit"] == "u4", "n"] = 0
    fit = xm.CountRegression("x + fe(unit, t)").fit(counted(frame))
    kept = frame[frame["unit"] != "u4"]
    other = xm.CountRegression("x + C(t) + C(unit)").fit(counted(kept))
    # t has most levels, so its levels are the absorbed ones.
    assert_allclose(fit.params["x"], other.params["x"], rtol=1e-9)
    one = xm.CountRegression("x + fe(unit)").fit(counted(frame))
    assert one.nobs == len(kept)
    assert list(one.effects.index) == ["u0", "u1", "u2", "u3", "u5"]
    assert "24 cells of 1 levels of unit have no event" in str(one)
    assert "without any event" in str(one.ledger)
    assert "Hausman" in one.cite()
    with pytest.raises(DataError, match=r"'u4' was not in the fit.*u0, u1"):
        one.predict({"x": [0.0], "unit": ["u4"]})
    new = {"x": [0.5], "unit": ["u2"]}
    plain = xm.CountRegression("x + C(unit)").fit(counted(kept))
    columns = [fit.get_prediction(new).summary_frame() for fit in (one, plain)]
    pd.testing.assert_frame_equal(*columns, rtol=1e-8)


def test_levels_are_those_of_an_intercept_moved():
    frame = panel(4)
    fit = xm.CountRegression("x + fe(unit)", family="nb2").fit(counted(frame))
    for i, unit in enumerate(["u0", "u1", "u2"]):
        levels = [unit, *[f"u{j}" for j in range(6) if f"u{j}" != unit]]
        other = xm.CountRegression(f"x + C(unit, levels={levels})", family="nb2").fit(counted(frame))
        assert_allclose(fit.effects.iloc[i], [other.params["Intercept"], other.bse["Intercept"]], rtol=1e-7)
    limits = fit.conf_int_levels()
    assert (limits["low"] < fit.effects["level"]).all()


def test_a_fit_with_levels_can_be_saved(tmp_path):
    fit = xm.CountRegression("x + fe(unit)", family="nb2").fit(counted(panel(4)))
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    assert again.aic == fit.aic
    assert again.n_parameters == 8
    with pytest.raises(DataError, match="needs the data"):
        _ = again.effects


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("x + x:fe(unit)", {}, FormulaError, "fe.. stands alone"),
        ("x + fe()", {}, FormulaError, "fe.. stands alone"),
        ("x + fe(nothing)", {}, FormulaError, "not there"),
        ("fe(unit)", {}, FormulaError, "no terms"),
        ("x + region + fe(unit)", {}, DataError, "same in all cells of each unit"),
        ("x + I(2*x) + fe(unit)", {}, DataError, "follows from other columns"),
        ("x + fe(unit)", {"family": "nb1"}, DataError, "Use C.. in place of fe"),
    ],
)
def test_impossible_effects_are_refused(formula, options, error, message):
    with pytest.raises(error, match=message):
        xm.CountRegression(formula, **options).fit(counted(panel(5)))


def test_corrections_need_clusters_that_hold_whole_units():
    fit = xm.CountRegression("x + fe(unit)").fit(counted(panel(5)))
    assert fit.with_vcov("md", cluster="region").df_resid == 1
    with pytest.raises(DataError, match="needs clusters that hold whole units"):
        fit.with_vcov("kc", cluster="t")
    with pytest.raises(DataError, match="limits from the model only"):
        fit.with_vcov("robust").predict()
    with pytest.raises(DataError, match="not worked out for fits with fe"):
        fit.profile_conf_int()


def test_few_rows_for_each_unit_are_said():
    frame = panel(6, units=12, months=4)
    fit = xm.CountRegression("x + fe(unit)", family="nb2").fit(counted(frame))
    assert "4.0 cells for each unit" in str(fit)


# ---- few clusters ----------------------------------------------------------------------------------------------------
def test_corrected_errors_grow_and_use_student():
    fit = xm.CountRegression("x + region", vcov="cluster", cluster="unit").fit(counted(panel(7)))
    kc, md = (fit.with_vcov(kind, cluster="unit") for kind in ("kc", "md"))
    plain = fit.with_vcov("cluster", cluster="unit", small_sample=False)
    assert (plain.standard_errors < kc.standard_errors).all()
    assert (kc.standard_errors < md.standard_errors).all()
    assert (kc.df_resid, md.df_resid, fit.df_resid) == (5.0, 5.0, None)
    assert md.with_vcov("model").df_resid is None
    half = (md.conf_int()["high"] - md.params) / md.bse
    assert_allclose(half, stats.t.ppf(0.975, 5))
    assert "Mancl" in md.cite()
    assert "Mancl" not in md.with_vcov("kc", cluster="unit").cite()


# ---- profiles --------------------------------------------------------------------------------------------------------
def test_a_profile_limit_is_where_the_restricted_fit_has_fallen():
    """The coefficient is held by an offset and the model fitted anew."""
    frame = panel(8, units=3, months=12)
    for family in ("poisson", "nb1", "nb2"):
        fit = xm.CountRegression("x + unit", family=family).fit(counted(frame))
        for end in fit.profile_conf_int("x").loc["x"]:
            held = xm.CountRegression(f"unit + offset({end!r} * x)".replace("np.float64", ""), family=family)
            drop = 2 * (fit.llf - held.fit(counted(frame)).llf)
            assert_allclose(drop, stats.chi2.isf(0.05, 1), rtol=1e-6)


def test_a_profile_has_one_end_where_a_level_has_no_event():
    frame = pd.DataFrame({"n": [4, 6, 5, 3, 0, 0], "u": ["a"] * 4 + ["b"] * 2})
    counts = xm.Counts.from_table(frame, n="n", covariates=["u"])
    with pytest.warns(ConvergenceWarning, match="runs to infinity"):
        fit = xm.CountRegression("u").fit(counts)
    low, high = fit.profile_conf_int("u[T.b]").iloc[0]
    assert low == -np.inf
    # At ratio r the mean of the others is best at 18 / (4 + 2 r), so the drop is 2 * 18 log((4 + 2 r) / 4).
    assert_allclose(36 * np.log1p(np.exp(high) / 2), stats.chi2.isf(0.05, 1), rtol=1e-6)


def test_the_profile_of_the_intercept_alone_is_by_hand():
    """2 (y log(y / (n m)) - (y - n m)) = 3.84 for y events in n cells."""
    fit = xm.CountRegression("1").fit(xm.Counts.from_table({"n": [3, 5, 4]}, n="n"))
    for end in np.exp(fit.profile_conf_int().loc["Intercept"]):
        assert_allclose(2 * (12 * np.log(12 / (3 * end)) - (12 - 3 * end)), stats.chi2.isf(0.05, 1), rtol=1e-8)


# ---- tests of fit ----------------------------------------------------------------------------------------------------
def test_tests_of_dispersion_and_zeros_have_their_size():
    """Poisson data: p-values of the score tests lie near uniform (rough bounds for 200 draws)."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        counts = xm.Counts.from_table({"n": rng.poisson(3, 60)}, n="n")
        fit = xm.CountRegression("1").fit(counts)
        found.append([fit.overdispersion_test().pvalue, fit.zero_test().pvalue])
    share = (np.array(found) < 0.1).mean(axis=0)
    assert np.all((share > 0.04) & (share < 0.17))


def test_quantile_residuals_are_normal_under_the_model_and_not_under_another():
    rng = np.random.default_rng(4)
    n = rng.poisson(4 * rng.gamma(1, 1, 1500))
    counts = xm.Counts.from_table({"n": n}, n="n")
    right = xm.CountRegression("1", family="nb2").fit(counts).residuals("quantile", rng=1)
    wrong = xm.CountRegression("1").fit(counts).residuals("quantile", rng=1)
    assert stats.kstest(right, "norm").pvalue > 0.01
    assert stats.kstest(wrong, "norm").pvalue < 1e-6
    again = xm.CountRegression("1", family="nb2").fit(counts).residuals("quantile", rng=1)
    assert_allclose(again, right, rtol=0)


def test_likelihood_ratios_count_dispersion_and_know_the_edge():
    counts = counted(panel(9))
    small, large = (xm.CountRegression(f, family="nb2").fit(counts) for f in ("x", "x + unit"))
    test = large.lr_test(small)
    assert (test.df, test.distribution) == (5, "chi2")
    assert_allclose(test.pvalue, stats.chi2.sf(2 * (large.llf - small.llf), 5))
    edge = large.lr_test(xm.CountRegression("x").fit(counts))
    value = edge.statistic
    assert edge.df == 6
    assert_allclose(edge.pvalue, (stats.chi2.sf(value, 5) + stats.chi2.sf(value, 6)) / 2)
    nb1 = xm.CountRegression("x", family="nb1").fit(counts)
    other = xm.CountRegression("x").fit(counted(panel(10)))
    without = xm.CountRegression("x", exposure=False).fit(counts)
    quasi = xm.CountRegression("x", family="quasipoisson").fit(counts)
    for smaller, message in (
        (nb1, "nb1 is not inside nb2"),
        (other, "different cells"),
        (without, "different cells, or differ in their offset"),
        (quasi, "no maximised likelihood"),
        (large, "Ask the larger fit"),
    ):
        with pytest.raises(DataError, match=message):
            large.lr_test(smaller)


# ---- two parts -------------------------------------------------------------------------------------------------------
def test_a_zero_inflated_fit_with_no_covariates_is_by_hand():
    """Mean m of the ordinary cells solves m / (1 - exp(-m)) = mean of counts above zero; pi fits the zeros."""
    n = np.array([0, 0, 0, 0, 0, 4, 6, 3, 5, 7, 2, 1])
    fit = xm.ZeroInflated("1").fit(xm.Counts.from_table({"n": n}, n="n"))
    mean = np.exp(fit.estimate[0])
    assert_allclose(mean / -np.expm1(-mean), n[n > 0].mean(), rtol=1e-9)
    pi = 1 / (1 + np.exp(-fit.estimate[1]))
    assert_allclose(pi + (1 - pi) * np.exp(-mean), 5 / 12, rtol=1e-9)
    assert_allclose(fit.predict().sum(), n.sum(), rtol=1e-9)
    hurdle = xm.Hurdle("1").fit(xm.Counts.from_table({"n": n}, n="n"))
    assert_allclose([hurdle.llf, hurdle.estimate[0]], [fit.llf, fit.estimate[0]], rtol=1e-9)


@pytest.mark.parametrize("model", [xm.ZeroInflated, xm.Hurdle])
@pytest.mark.parametrize("family", ["poisson", "nb2"])
def test_two_part_laws(model, family, tmp_path):
    frame = panel(11, zeros=0.35)
    counts, made = counted(frame), model("x", "x", family=family)
    fit = made.fit(counts)
    assert fit.converged
    shuffled = made.fit(counted(frame.sample(frac=1, random_state=2)))
    assert_allclose(shuffled.estimate, fit.estimate, rtol=1e-6, atol=1e-8)
    moved = made.fit(counted(frame.assign(days=3 * frame["days"])))
    assert_allclose(moved.estimate, fit.estimate - np.array([np.log(3), 0, 0, 0]), rtol=1e-6, atol=1e-8)
    twice = made.fit(counted(pd.concat([frame, frame])))
    assert_allclose(twice.estimate, fit.estimate, rtol=1e-6, atol=1e-8)
    assert_allclose(twice.standard_errors, fit.standard_errors / np.sqrt(2), rtol=1e-5)
    assert_allclose(fit.frequencies(2000)["expected"].sum(), len(frame), rtol=1e-6)
    k = np.arange(2001)
    assert_allclose(k @ fit.frequencies(2000)["expected"], fit.predict().sum(), rtol=1e-5)
    assert_allclose(fit.frequencies(0)["expected"].iloc[0], fit.zero_probability().sum(), rtol=1e-10)
    assert abs(fit.residuals("quantile", rng=3).std() - 1) < 0.35
    assert fit.get_prediction({"x": [0.0], "exposure": [10.0]}).summary_frame().notna().all(axis=None)
    assert len(fit.with_vcov("cluster", cluster="unit").sources) == len(fit.sources) + 1
    fit.save(tmp_path / "fit.json")
    assert xm.load(tmp_path / "fit.json").aic == fit.aic
    assert "tabular" in fit.to_latex()


def test_pearson_residuals_of_two_parts_use_the_variance_of_the_mixture():
    """Variance by summing (k - mean)^2 over the probabilities of one cell."""
    frame = panel(11, zeros=0.35)
    for model in (xm.ZeroInflated("1", family="nb2", exposure=False), xm.Hurdle("1", family="nb2", exposure=False)):
        fit = model.fit(counted(frame))
        k, p = np.arange(3001), fit.frequencies(3000)["expected"].to_numpy() / len(frame)
        mean = k @ p
        spread = np.sqrt((k - mean) ** 2 @ p)
        assert_allclose(fit.residuals("pearson"), (frame["n"] - mean) / spread, rtol=1e-6)


def test_extra_zeros_are_tested_on_the_edge_and_only_when_nested():
    counts = counted(panel(12, zeros=0.3))
    plain, one = xm.CountRegression("x").fit(counts), xm.ZeroInflated("x").fit(counts)
    test = one.lr_test(plain)
    assert (test.df, test.distribution) == (1, "half chi2")
    assert_allclose(test.pvalue, stats.chi2.sf(test.statistic, 1) / 2)
    assert plain.zero_test().pvalue < 0.01
    for larger, message in (
        (xm.ZeroInflated("x", "x").fit(counts), "effects vanish with it"),
        (xm.Hurdle("x").fit(counts), "no parameter whose limit"),
        (xm.ZeroInflated("x", family="nb2").fit(counts), "both be on the edge"),
    ):
        with pytest.raises(DataError, match=message):
            larger.lr_test(plain)


def test_no_extra_zeros_is_said_and_not_converged():
    """Fewer zeros than Poisson: the share of extra ones runs to zero."""
    counts = xm.Counts.from_table({"n": [2, 3, 2, 3, 0, 2, 3, 2, 3, 2, 3, 2]}, n="n")
    with pytest.warns(ConvergenceWarning, match="no more zeros than the family gives"):
        fit = xm.ZeroInflated("1").fit(counts)
    assert not fit.converged
    assert np.isfinite(fit.llf)


@pytest.mark.parametrize(
    ("model", "n", "error", "message"),
    [
        (xm.ZeroInflated, [1, 2, 3, 4], IdentificationError, "nothing can be said of zeros"),
        (xm.Hurdle, [0, 0, 0, 0], IdentificationError, "counts above zero"),
        (xm.Hurdle, [0, 1, 0, 1], IdentificationError, "more than one event"),
    ],
)
def test_what_the_counts_cannot_say_is_refused(model, n, error, message):
    with pytest.raises(error, match=message):
        model("1").fit(xm.Counts.from_table({"n": n}, n="n"))


def test_bad_choices_are_refused():
    counts = counted(panel(13, zeros=0.3))
    for act, message in (
        (lambda: xm.ZeroInflated("x", family="nb1"), "family='nb1' is not known"),
        (lambda: xm.Hurdle("x", vcov="hac"), "vcov='hac' is not known"),
        (lambda: xm.CountRegression("x", dispersion="pearson"), "does not go with family='poisson'"),
        (lambda: xm.CountRegression("x").fit(counts).overdispersion_test("wald"), "kind='wald'"),
        (lambda: xm.ZeroInflated("x").fit(counts).predict(what="median"), "what='median'"),
        (lambda: xm.ZeroInflated("x").fit(counts).residuals("deviance"), "kind='deviance'"),
        (lambda: xm.ZeroInflated("x").fit(counts).with_vcov("cluster"), "clusters are not named"),
        (lambda: xm.ZeroInflated("x", "k").fit(counts), "names 'k'"),
        (lambda: xm.CountRegression("x + harmonic(t, 0)").fit(counts), "has no such waves"),
    ):
        with pytest.raises(DataError, match=message):
            act()


# ---- seasons and pictures --------------------------------------------------------------------------------------------
def test_seasons_in_formulas():
    starts = np.arange("2013-01", "2016-01", dtype="datetime64[M]").astype("datetime64[D]")
    rng = np.random.default_rng(3)
    table = {"month_start": starts, "n": rng.poisson(20 + 10 * np.sin(np.arange(36) * np.pi / 6))}
    counts = xm.Counts.from_table(table, n="n", start="month_start", freq="MS")
    fit = xm.CountRegression("harmonic(month, 12, 2)").fit(counts)
    turn = 2 * np.pi * counts.columns["month"].values / 12
    by_hand = np.column_stack([np.ones(36), np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)])
    assert_allclose(fit.predict(), np.exp(by_hand @ fit.estimate) * counts.exposure, rtol=1e-10)
    assert_allclose(fit.predict({"month": [1.0, 13.0]}).diff().iloc[1], 0, atol=1e-12)
    hijri = xm.CountRegression("C(hijri_month(start))").fit(counts)
    assert len(hijri.names) == 12
    assert xm.CountRegression("cr(time, df=4, constraints='center')").fit(counts).converged


def test_pictures(tmp_path):
    frame = panel(14, zeros=0.3)
    for fit in (xm.CountRegression("x", family="nb2").fit(counted(frame)), xm.Hurdle("x").fit(counted(frame))):
        ax = fit.rootogram(most=12)
        bars = ax.patches
        table = fit.frequencies(12)
        assert_allclose([b.get_height() for b in bars], np.sqrt(table["observed"]))
        assert_allclose([b.get_y() + b.get_height() for b in bars], np.sqrt(table["expected"]))
        ax.figure.savefig(tmp_path / "root.png")
        fit.plot().figure.savefig(tmp_path / "coef.png")
    matplotlib.pyplot.close("all")


def test_no_warning_is_raised_on_good_data():
    counts = counted(panel(15, zeros=0.3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in (
            xm.CountRegression("x + fe(unit)", family="nb2"),
            xm.CountRegression("x", family="nb1"),
            xm.ZeroInflated("x", "x", family="nb2"),
            xm.Hurdle("x", "x", family="nb2"),
        ):
            fit = model.fit(counts)
            assert fit.converged
            assert str(fit)
