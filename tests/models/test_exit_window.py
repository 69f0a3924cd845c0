"""ExitWindow and ParametricSpells: laws, options, curves, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm

CAUSES = ["treatment", "family", "other"]


def records(n=300, seed=1, **more):
    """Simulated exits seen from day 0 to 538: three reasons, a policy on day 300 that multiplies two of them by 0.4."""
    rng = np.random.default_rng(seed)
    size = 8 * n
    join, x = rng.integers(-400, 538, size), rng.integers(0, 2, size)
    rates = np.stack([0.002 * np.exp(0.5 * x), np.full(size, 0.0015), np.full(size, 0.001)])
    later = rates * np.array([[0.4], [0.4], [1.0]])
    area, change = rng.exponential(size=size), np.maximum(300 - join, 0)
    first = rates.sum(axis=0)
    stay = np.where(area < first * change, area / first, change + (area - first * change) / later.sum(axis=0))
    share = np.where(stay > change, later, rates)
    share = np.cumsum(share / share.sum(axis=0), axis=0)
    cause = 1 + (rng.random(size) > share[:2]).sum(axis=0)
    left, right = np.maximum(0.0, -join), 538.0 - join
    kept = np.flatnonzero((stay > left) & (stay <= right))[:n]
    columns = {"x": x, "z": rng.normal(size=size), "since": 300.0 - join, "group": rng.integers(0, 40, size)}
    return xm.Spells(
        exit=stay[kept],
        event=cause[kept],
        causes=CAUSES,
        left_limit=left[kept],
        right_limit=right[kept],
        covariates={name: values[kept] for name, values in columns.items()},
        **more,
    )


def same(one, other, rtol=1e-7, vcov=True):
    assert_allclose(one.llf, other.llf, rtol=1e-10)
    assert_allclose(one.estimate, other.estimate, rtol=rtol, atol=1e-8)
    if vcov:
        assert_allclose(one.covariance, other.covariance, rtol=1e-5, atol=1e-10)


MODEL = xm.ExitWindow("x", policy="since", touches={"policy": CAUSES[:2]}, common=["policy"], hazard="weibull")


# ---- laws --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("hazard", ["exponential", "weibull", "gompertz", "piecewise", "spline", "loglogistic"])
def test_rows_in_any_order_and_units_change_nothing_else(hazard):
    spells, model = records(), replace(MODEL, hazard=hazard)
    fit = model.fit(spells)
    same(model.fit(spells.select(np.random.default_rng(0).permutation(300))), fit)
    weekly = xm.Spells(
        exit=spells.exit / 7,
        event=spells.event,
        causes=CAUSES,
        left_limit=spells.left_limit / 7,
        right_limit=spells.right_limit / 7,
        covariates={"x": spells.columns["x"].values, "since": spells.columns["since"].values / 7},
    )
    weeks = model.fit(weekly)
    effects = np.asarray(fit.effects, dtype=bool)
    # splines are flat along their knots: the two climbs stop within 1e-6 of a standard error
    assert_allclose(weeks.estimate[effects], fit.estimate[effects], rtol=2e-6)
    assert_allclose(weeks.llf - fit.llf, 300 * np.log(7), rtol=1e-9)


def test_weight_two_is_two_rows_and_sampling_weights_are_robust():
    spells, rng = records(), np.random.default_rng(2)
    weight = rng.integers(1, 4, 300)
    weighted = spells._with(weight=weight.astype(float))
    copied = spells.select(np.repeat(np.arange(300), weight))
    same(MODEL.fit(weighted), MODEL.fit(copied))
    same(MODEL.fit(weighted).with_vcov("robust"), MODEL.fit(copied).with_vcov("robust"))
    sampled = MODEL.fit(weighted._with(weights="sampling"))
    assert sampled.vcov == "robust"
    by_copy = MODEL.fit(copied).with_vcov("cluster", np.repeat(np.arange(300), weight))
    same(sampled, by_copy)


def test_clusters_of_one_row_are_the_robust_variance():
    fit = MODEL.fit(records())
    same(fit.with_vcov("cluster", np.arange(300)), fit.with_vcov("robust"))
    clustered = replace(MODEL, formula="x + cluster(group)").fit(records())
    assert clustered.vcov == "cluster"
    same(clustered, fit.with_vcov("cluster", "group"))


def test_delayed_entry_is_a_left_limit():
    spells = records()
    entered = xm.Spells(
        exit=spells.exit,
        event=spells.event,
        entry=spells.left_limit,
        causes=CAUSES,
        left_limit=np.zeros(300),
        right_limit=spells.right_limit,
        covariates={name: spells.columns[name].values for name in ("x", "since")},
    )
    same(MODEL.fit(entered), MODEL.fit(spells))


@pytest.mark.parametrize("hazard", ["spline", "lognormal", "piecewise"])
def test_weight_two_is_two_rows_for_knots_and_cuts_too(hazard):
    spells = records(n=200)
    weight = np.random.default_rng(4).integers(1, 4, 200)
    model = xm.ExitWindow("x", hazard=hazard)
    copied = spells.select(np.repeat(np.arange(200), weight))
    same(model.fit(spells._with(weight=weight.astype(float))), model.fit(copied), rtol=1e-6)


def test_shifting_a_covariate_moves_the_baseline_only():
    spells = records()
    moved = spells._with(columns=spells.columns.with_column(_column("x", spells.columns["x"].values + 1000.0)))
    one, other = MODEL.fit(spells), MODEL.fit(moved)
    assert_allclose(one.llf, other.llf, rtol=1e-11)
    effects = np.asarray(one.effects, dtype=bool)
    assert_allclose(one.estimate[effects], other.estimate[effects], rtol=1e-6)
    name = "treatment: log rate"
    assert_allclose(other.params[name], one.params[name] - 1000 * one.params["treatment: x"], rtol=1e-6)


def _column(name, values):
    from exitmodels.shapes.frames import Column

    return Column(name, "number", np.asarray(values))


def test_families_meet_at_the_constant_hazard():
    spells = records()
    plain = xm.ExitWindow("x", hazard="exponential").fit(spells)
    same(xm.ExitWindow("x", hazard="piecewise", cuts=[]).fit(spells), plain)
    for hazard in ("weibull", "gompertz", "piecewise"):
        assert xm.ExitWindow("x", hazard=hazard).fit(spells).llf > plain.llf - 1e-9


def test_an_exponential_stay_without_limits_by_hand():
    """Rate of cause k: its exits over the time at risk; the limits far away."""
    spells = xm.Spells(
        exit=[2.0, 3, 5, 10], event=[1, 2, 1, 1], causes=["a", "b"], left_limit=[0.0, 1, 0, 0], right_limit=[1e6] * 4
    )
    fit = xm.ExitWindow(hazard="exponential").fit(spells)
    assert_allclose(np.exp(fit.estimate), [3 / 19, 1 / 19], rtol=1e-8)
    assert_allclose(fit.bse, [1 / np.sqrt(3), 1], rtol=1e-6)


def test_known_reasons_under_another_name_change_nothing_and_masked_ones_add_no_bias():
    spells, rng = records(n=1500, seed=4), np.random.default_rng(5)
    hidden = rng.random(1500) < 0.25
    masked = spells._with(event=np.where(hidden, 4, spells.event), causes=(*CAUSES, "blank"))
    fit, whole = replace(MODEL, unknown="blank").fit(masked), MODEL.fit(spells)
    assert fit.causes == tuple(CAUSES)
    assert np.all(np.abs(fit.estimate - whole.estimate) < 2 * whole.standard_errors)
    assert fit.bse["other: x"] > whole.bse["other: x"]
    assert dict(fit.exits)["blank"] == hidden.sum()


def test_the_policy_by_date_is_the_policy_by_clock():
    made = xm.simulate.exits(n=300, rng=3)
    dated = made.spells().for_cause("any")
    date = np.datetime64("2014-06-29").astype(int)
    clock = date - 1 - dated.origin
    by_clock = dated._with(columns=dated.columns.with_column(_column("since", clock.astype(float))))
    model = xm.ExitWindow(policy="2014-06-29", hazard="exponential")
    same(model.fit(dated), replace(model, policy="since").fit(by_clock))
    two = replace(model, policy={"late": "2014-06-29", "early": "2013-10-01"}).fit(dated)
    assert two.policies == ("early", "late")
    assert two.names == ("log rate", "early", "late")
    first = replace(model, policy=["2014-06-29"]).fit(dated)
    assert first.policies == ("from 2014-06-29",)


# ---- what comes back ---------------------------------------------------------------------------------------------
def test_truth_naive_and_summary():
    fit = MODEL.fit(records(n=2000, seed=7))
    low, high = fit.conf_int().loc["policy"]
    assert low < np.log(0.4) < high
    assert fit.compare_naive()["naive"]["policy"] > fit.estimate[fit.names.index("policy")] + 0.3
    text = str(fit.summary())
    for words in (
        "Beside the naive fit", "effective sample size", "chance to be recorded", "quasi-independence",
        "finite maximum", "never leave", "largest limit",
    ):  # fmt: skip
        assert words in text
    assert 0 < fit.chance < 1
    assert 1 < fit.effective <= 2000
    assert list(fit.hazard_ratios().index) == ["treatment: x", "policy", "family: x", "other: x"]
    assert "Keiding" in fit.cite()


def test_quasi_independence_is_rejected_when_the_policy_is_left_out():
    spells = records(n=2000, seed=7)
    name = "quasi-independence, given the model (score)"
    without = xm.ExitWindow("x", hazard="exponential").fit(spells).tests[name].pvalue
    assert without < 0.001 < MODEL.fit(spells).tests[name].pvalue


def test_the_score_test_is_near_the_likelihood_ratio_of_the_same_trend_and_step():
    spells = records(n=2000, seed=9)
    step = _column("step", spells.right_limit - np.median(spells.right_limit - spells.exit))
    wide = spells._with(columns=spells.columns.with_column(_column("z", spells.right_limit)).with_column(step))
    base = xm.ExitWindow("x", policy="since", hazard="exponential")
    plain = base.fit(wide)
    test = plain.tests["quasi-independence, given the model (score)"]
    larger = replace(base, formula="x + z", policy={"half": "step", "ban": "since"}).fit(wide)
    ratio = 2 * (larger.llf - plain.llf)
    assert test.df == 6
    # score against likelihood ratio: near, not the same
    assert abs(test.statistic - ratio) < 0.2 * ratio


def test_chance_and_effective_size_by_hand():
    """Everyone has the same limits: the chance is S(U) - S(V), and all rows count alike."""
    spells = xm.Spells(exit=[2.0, 3, 4, 6], left_limit=[1.0] * 4, right_limit=[8.0] * 4)
    fit = xm.ExitWindow(hazard="exponential").fit(spells)
    rate = np.exp(fit.estimate[0])
    assert_allclose(fit.chance, np.exp(-rate) - np.exp(-8 * rate), rtol=1e-10)
    assert_allclose(fit.effective, 4)
    assert "was not tested" in str(fit.summary())


def test_incidences_and_survival_add_to_one_and_end_at_the_largest_limit():
    fit = MODEL.fit(records())
    new = {"x": [0, 1]}
    curve, stay = fit.predict_incidence(new, times=[100.5]), fit.predict_survival(new, times=[100.5])
    found, left = curve.at(100.5), stay.at(100.5)
    total = found.groupby(["row", "policy"], sort=False)["estimate"].sum().to_numpy()
    assert_allclose(total + left["estimate"], 1, rtol=1e-12)
    assert ((found["lower"] < found["estimate"]) & (found["estimate"] < found["upper"])).all()
    assert set(found["policy"]) == {"before", "policy"}
    assert np.isnan(curve.at(fit.horizon + 1)["estimate"]).all()
    one = fit.predict_incidence(new, policy="before")
    assert {piece.keys["policy"] for piece in one} == {"before"}
    with pytest.raises(xm.DataError, match="could show"):
        fit.predict_incidence(new, times=[5000])
    with pytest.raises(xm.DataError, match="No policy"):
        fit.predict_incidence(new, policy="after")


def test_mean_stay_of_constant_hazards():
    fit = xm.ExitWindow(hazard="exponential").fit(records())
    rates = np.exp(fit.estimate)
    found = fit.mean_stay(tau=np.inf).iloc[0]
    slopes = -rates / rates.sum() ** 2
    assert_allclose(found.estimate, 1 / rates.sum(), rtol=1e-9)
    assert_allclose(found.se, np.sqrt(slopes @ fit.covariance @ slopes), rtol=1e-8)
    assert found.lower < found.estimate < found.upper
    assert fit.mean_stay().iloc[0].estimate < found.estimate


def test_results_survive_a_file(tmp_path):
    fit = MODEL.fit(records())
    fit.save(tmp_path / "fit.json")
    back = xm.load(tmp_path / "fit.json")
    assert str(back.summary()) == str(fit.summary())
    new = {"x": [1]}
    pd.testing.assert_frame_equal(back.predict_incidence(new).at([50.0]), fit.predict_incidence(new).at([50.0]))
    with pytest.raises(xm.DataError, match="does not hold"):
        back.with_vcov("robust")


# ---- smooth hazards, other clocks, shared baselines --------------------------------------------------------------
def test_a_spline_of_df_one_is_a_weibull_law():
    spells = records()
    weibull, spline = MODEL.fit(spells), replace(MODEL, hazard="spline", df=1).fit(spells)
    assert_allclose(spline.llf, weibull.llf, rtol=1e-11)
    assert_allclose(spline.params["policy"], weibull.params["policy"], rtol=1e-6)
    assert_allclose(np.log(spline.params["other: log time"]), weibull.params["other: log shape"], rtol=1e-6)
    found = [fit.predict_incidence({"x": [1]}, times=[77]).at(77) for fit in (spline, weibull)]
    assert_allclose(found[0]["lower"], found[1]["lower"], rtol=1e-5)


def test_df_by_aic_says_what_it_found():
    """Constant hazards need no knots; a hazard that rises and falls does."""
    spells, model = records(n=600, seed=3), xm.ExitWindow(policy="since", hazard="spline", df="aic")
    fit = model.fit(spells)
    assert fit.aic <= min(replace(model, df=df).fit(spells).aic for df in (1, 2)) + 1e-9
    # with more knots the level runs off (two ends of a window tell shapes better than levels): said, and not chosen
    with pytest.warns(xm.ConvergenceWarning, match="log rate"):
        assert replace(model, df=3).fit(spells).llf > fit.llf
    assert "3:" not in fit.chosen
    assert "has the least AIC (1: " in fit.chosen
    assert fit.chosen in str(fit.summary())
    rng = np.random.default_rng(1)
    stay, limit = np.exp(rng.normal(0, 0.5, 4000)), rng.uniform(0.5, 6, 4000)
    seen = stay <= limit
    humped = xm.ParametricSpells(hazard="spline", df="aic").fit(xm.Spells(exit=stay[seen], right_limit=limit[seen]))
    assert humped.chosen.startswith(("df=2", "df=3", "df=4"))
    median = humped.predict_survival(times=[1.0]).at(1.0).iloc[0]
    assert median["lower"] < 0.5 < median["upper"]


def test_each_reason_may_have_its_own_clock():
    """Weibull, spline and lognormal stays together; a policy multiplies the hazard of each."""
    hazard = {"treatment": "weibull", "family": "spline", "other": "lognormal"}
    fit = xm.ExitWindow("x", policy="since", hazard=hazard, df={"family": 2}).fit(records(n=900, seed=8))
    assert fit.converged
    assert list(fit.time_ratios().index) == ["other: x"]
    assert "other: x" not in fit.hazard_ratios().index
    assert "other: policy" in fit.hazard_ratios().index
    total = fit.predict_incidence({"x": [1]}, times=[90]).at(90).groupby("policy")["estimate"].sum()
    left = fit.predict_survival({"x": [1]}, times=[90]).at(90).set_index("policy")["estimate"]
    assert_allclose(total + left, 1, rtol=1e-12)
    eps = 1e-5
    slope = []
    for sign in (1, -1):
        moved = replace(fit, estimate=fit.estimate + sign * eps * (np.array(fit.names) == "other: x"))
        slope.append(moved.mean_stay({"x": [1]}, policy="policy").iloc[0].estimate)
    alone = replace(fit, covariance=np.diag((np.array(fit.names) == "other: x").astype(float)))
    se = alone.mean_stay({"x": [1]}, policy="policy").iloc[0].se
    assert_allclose(se, abs(slope[0] - slope[1]) / (2 * eps), rtol=1e-5)


def test_log_time_effects_are_shifts_of_the_location():
    """All stays of x = 1 doubled: the time ratio doubles, and nothing else moves."""
    rng = np.random.default_rng(6)
    x, stay, limit = rng.integers(0, 2, 500), np.exp(rng.normal(0, 0.7, 500)), rng.uniform(1, 8, 500)
    seen = stay <= limit
    for hazard in ("lognormal", "loglogistic", "gamma"):
        fits = []
        for factor in (1.0, 2.0):
            by = np.where(x == 1, factor, 1.0)[seen]
            spells = xm.Spells(exit=stay[seen] * by, right_limit=limit[seen] * by, covariates={"x": x[seen]})
            fits.append(xm.ParametricSpells("x", hazard=hazard).fit(spells))
        one, other = fits
        assert_allclose(other.params["x"] - one.params["x"], np.log(2), rtol=1e-6)
        assert_allclose(other.estimate[:2], one.estimate[:2], rtol=1e-6)
        assert_allclose(other.time_ratios().loc["x", "TR"], 2 * one.time_ratios().loc["x", "TR"], rtol=1e-6)
        assert "TR" in str(one.summary())


def test_proportional_baselines():
    """With constant hazards they change nothing; with others they save parameters and keep the ratios."""
    spells = records(n=600)
    base = xm.ExitWindow("x", policy="since", hazard="exponential")
    own, shared = base.fit(spells), replace(base, proportional=True).fit(spells)
    assert_allclose(shared.llf, own.llf, rtol=1e-12)
    ratio = own.params["family: log rate"] - own.params["treatment: log rate"]
    assert_allclose(shared.params["family: log ratio to treatment"], ratio, rtol=1e-6)
    assert_allclose(shared.params["treatment: log rate"], own.params["treatment: log rate"], rtol=1e-7)
    smooth = replace(base, hazard="spline", proportional=True).fit(spells)
    assert len(smooth.names) == 4 + 2 + 6
    assert smooth.llf < replace(base, hazard="spline").fit(spells).llf
    assert smooth.llnull < smooth.llf


def test_a_spline_that_falls_is_said():
    """Two clumps of exits, far apart, and many knots."""
    rng = np.random.default_rng(2)
    stay = np.concatenate([rng.uniform(1, 1.3, 60), rng.uniform(50, 52, 60)])
    spells = xm.Spells(exit=stay, left_limit=np.full(120, 0.1), right_limit=np.full(120, 400.0))
    with pytest.warns(xm.DataWarning, match="falls somewhere"):
        fit = xm.ParametricSpells(hazard="spline", df=4).fit(spells)
    assert "falls somewhere" in str(fit.summary())


# ---- beside the fit without a law --------------------------------------------------------------------------------
def test_the_estimate_without_a_law_is_that_of_its_own_model():
    spells = records(n=400)
    fit = MODEL.fit(spells)
    beside = fit.beside()
    curve = xm.DoublyTruncated(kind="incidence").fit(spells)
    shown = next(block for block in fit.summary().tables if block.heading.startswith("Share gone"))
    assert shown.columns == ("reason", "by", "recorded", "no law", "low 95%", "high 95%", "this law")
    for row in shown.rows:
        place = CAUSES.index(row[0])
        found = curve.at([row[1]]).iloc[place]
        assert_allclose(row[3:6], found[["estimate", "lower", "upper"]].to_numpy(float), rtol=1e-10)
        assert_allclose(row[2], ((spells.event == place + 1) & (spells.exit <= row[1])).mean(), rtol=1e-12)
    assert_allclose(beside.test.pvalue, xm.quasi_independence_test(spells).pvalue, rtol=1e-12)
    text = str(fit.summary())
    for words in (
        "Existence: one linked set",
        "Martin-Betensky",
        "effective sample size, no law",
        "mean stay in range",
    ):
        assert words in text


def test_the_fitted_share_is_that_of_a_constant_hazard():
    """Everybody has the same limits: (exp(-r U) - exp(-r t)) / (exp(-r U) - exp(-r V))."""
    spells = xm.Spells(exit=[2.0, 3, 4, 6], left_limit=[1.0] * 4, right_limit=[8.0] * 4)
    fit = xm.ParametricSpells(hazard="exponential").fit(spells)
    rate, beside = np.exp(fit.estimate[0]), fit.beside()
    expected = (np.exp(-rate) - np.exp(-rate * beside.time)) / (np.exp(-rate) - np.exp(-8 * rate))
    assert_allclose(beside.fitted[0], expected, rtol=1e-10)
    assert_allclose(beside.recorded[0], [0.25, 0.5, 0.75])


def test_when_no_unique_estimate_without_a_law_exists_that_is_said():
    spells = xm.Spells(exit=[1.0, 1.5, 2, 9, 9.5, 10, 11], left_limit=[0.0, 0, 0, 8, 8, 8, 8],
                       right_limit=[3.0, 3, 3, 12, 12, 12, 12])  # fmt: skip
    text = str(xm.ParametricSpells(hazard="exponential").fit(spells).summary())
    assert "2 sets of times that the windows do not link" in text
    assert "3 rows set aside" in text


def test_exits_on_their_left_limit_and_blank_reasons_stand_beside_too():
    spells = records(n=300)
    edge = spells._with(left_limit=np.where(np.arange(300) < 3, spells.exit, spells.left_limit))
    hidden = edge._with(event=np.where(np.arange(300) % 5 == 0, 4, edge.event), causes=(*CAUSES, "blank"))
    beside = replace(MODEL, unknown="blank").fit(hidden).beside()
    assert beside.causes == (*CAUSES, "blank")
    assert np.isnan(beside.fitted[3]).all()
    assert np.isfinite(beside.fitted[:3]).all()
    assert beside.curve is not None


def test_fitted_and_free_shares_agree_when_the_law_is_right():
    """Without a policy both estimate the same shares; four standard errors apart would be a mistake."""
    world = xm.simulate.exits(n=1500, effects={}, policy_ratio=1.0, rng=11).spells().for_cause("any")
    beside = xm.ExitWindow(hazard="weibull").fit(world).beside()
    found = beside.curve.at(beside.time)
    assert np.all(np.abs(beside.fitted[0] - found["estimate"]) < 4 * found["se"])
    assert np.all(beside.recorded[0] > beside.fitted[0])


# ---- bootstrap ---------------------------------------------------------------------------------------------------
def test_the_bootstrap_is_that_of_fitting_each_sample_anew():
    """The same draws of rows, fitted from scratch; constant hazards, whose knots cannot move."""
    spells, model = records(), replace(MODEL, hazard="exponential")
    short = xm.bootstrap(model, spells, n=6, rng=3)
    slow = xm.bootstrap(model, spells, n=6, rng=3, statistic=lambda fit: fit.params)
    # two climbs from different ends of a quadratic top agree to the root of rounding
    assert_allclose(short.draws, slow.draws, rtol=1e-5, atol=1e-6)
    weighted = spells._with(weight=np.random.default_rng(5).integers(1, 3, 300).astype(float))
    short = xm.bootstrap(model, weighted, n=3, rng=3)
    slow = xm.bootstrap(model, weighted, n=3, rng=3, statistic=lambda fit: fit.params)
    assert_allclose(short.draws, slow.draws, rtol=1e-5, atol=1e-6)


def test_bootstrap_errors_are_near_the_model_based_ones_and_follow_clusters():
    spells, model = records(n=431), replace(MODEL, hazard="exponential")
    fit = model.fit(spells)
    boot = fit.with_vcov("bootstrap", n=150, rng=1)
    assert boot.vcov == "bootstrap"
    # 150 draws know a standard error to about six percent
    assert_allclose(boot.bse, fit.bse, rtol=0.25)
    twins = spells.select(np.repeat(np.arange(431), 2))
    pairs = np.repeat(np.arange(431), 2)
    clustered = model.fit(twins).with_vcov("bootstrap", cluster=pairs, n=150, rng=1)
    assert_allclose(clustered.bse, boot.bse, rtol=1e-6)
    assert_allclose(model.fit(twins).with_vcov("cluster", pairs).bse, fit.with_vcov("robust").bse, rtol=1e-5)


def test_the_bootstrap_refits():
    boot = xm.bootstrap(replace(MODEL, hazard="exponential"), records(), n=10, rng=1)
    assert boot.draws.shape == (10, 7)
    assert np.isfinite(boot.draws).all()


def test_incomplete_rows_stand_in_the_ledger():
    frame = xm.simulate.exits(n=200, rng=4).frame
    frame.loc[:4, "age"] = np.nan
    read = {"origin": "joined", "exit": "left", "window": ("2013-03-01", "2014-08-21"), "scheme": "exits-only"}
    model = xm.ExitWindow("age", hazard="exponential")
    fit = model.fit(xm.Spells.from_frame(frame, missing="drop", **read))
    assert fit.nobs == 195
    assert fit.ledger.n_set_aside == 5
    with pytest.raises(xm.DataError, match="missing"):
        model.fit(xm.Spells.from_frame(frame, **read))


# ---- every scheme ------------------------------------------------------------------------------------------------
def test_parametric_spells_of_each_scheme_by_hand():
    plain = xm.ParametricSpells(hazard="exponential")
    censored = plain.fit(xm.Spells(exit=[3.0, 8, 12, 20], event=[1, 1, 0, 1], entry=[0.0, 2, 4, 0]))
    assert_allclose(np.exp(censored.estimate[0]), 3 / 37, rtol=1e-9)
    between = plain.fit(xm.Spells(lower=[0.0, 0, 0, 0, 2], upper=[2.0, 2, 2, 2, np.inf]))
    assert_allclose(np.exp(-2 * between.estimate * 0 - 2 * np.exp(between.estimate)), 1 / 5, rtol=1e-8)
    mixed = plain.fit(xm.Spells(lower=[1.0, 2, 0], upper=[1.0, 2, np.inf], exit=[1.0, 2, 4], event=[1, 1, 0]))
    assert_allclose(np.exp(mixed.estimate[0]), 2 / 7, rtol=1e-9)


def test_right_truncated_exponential_solves_its_equation():
    """Mean of T is 1 / r - V / (exp(r V) - 1) when all have one limit V."""
    spells = xm.Spells(exit=[1.0, 2, 2.5, 4], right_limit=[8.0] * 4)
    rate = np.exp(xm.ParametricSpells(hazard="exponential").fit(spells).estimate[0])
    assert_allclose(1 / rate - 8 / np.expm1(8 * rate), 9.5 / 4, rtol=1e-9)


def test_a_runaway_is_named():
    """A mean above half the limit: no exponential law with positive rate fits."""
    spells = xm.Spells(exit=[5.0, 6, 7, 7.5], right_limit=[8.0] * 4)
    with pytest.warns(xm.ConvergenceWarning, match="log rate"):
        fit = xm.ParametricSpells(hazard="exponential").fit(spells)
    assert not fit.converged
    assert "no maximum" in str(fit.summary())


# ---- what is refused ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("model", "code"),
    [
        (replace(MODEL, hazard="log-normal"), "hazard"),
        (replace(MODEL, cuts=[30]), "cuts"),
        (replace(MODEL, hazard="piecewise", cuts=[30, 10]), "cuts"),
        (replace(MODEL, df=3), "df"),
        (replace(MODEL, hazard="spline", df=0), "df"),
        (replace(MODEL, hazard="spline", df="best"), "df"),
        (replace(MODEL, hazard="spline", df=2, cuts=[100]), "df"),
        (replace(MODEL, hazard="spline", cuts=[1e5]), "knots"),
        (
            replace(
                MODEL, hazard={"treatment": "gompertz", "family": "weibull", "other": "weibull"}, proportional=True
            ),
            "proportional",
        ),
        (
            xm.ExitWindow(
                "x", hazard={"treatment": "lognormal", "family": "weibull", "other": "weibull"}, common=["x"]
            ),
            "common",
        ),
        (replace(MODEL, vcov="bootstrap"), "vcov"),
        (replace(MODEL, common=["y"]), "common"),
        (replace(MODEL, touches={"ban": CAUSES}), "touches"),
        (replace(MODEL, touches={"policy": ["none"]}), "touches"),
        (replace(MODEL, formula={"treatment": "x"}), "causes"),
        (replace(MODEL, unknown="blank"), "unknown-cause"),
        (replace(MODEL, policy="2014-06-29"), "no-origin"),
        (replace(MODEL, formula="strata(group)"), "formula"),
        (replace(MODEL, formula="x + I(2 * x)"), "collinear"),
        (replace(MODEL, policy={"x": "since"}, touches=None, common=()), "names"),
    ],
)
def test_choices_are_checked(model, code):
    with pytest.raises(xm.DataError) as caught:
        model.fit(records())
    assert caught.value.code == code


def test_infinite_limits_let_people_still_there_in():
    """Then nothing is truncated, and the fit is that of censored stays: exits over the time at risk."""
    spells = xm.Spells(exit=[2.0, 3, 5, 10], event=[1, 2, 0, 1], causes=["a", "b"], right_limit=[np.inf] * 4)
    fit = xm.ExitWindow(hazard="exponential").fit(spells)
    assert_allclose(np.exp(fit.estimate), [2 / 20, 1 / 20], rtol=1e-8)
    assert fit.naive is None
    assert fit.beside() is None
    assert "AIC" in str(fit.summary())


def test_data_are_checked():
    spells = records()
    with pytest.raises(xm.SchemeError, match="right limits"):
        xm.ExitWindow().fit(xm.Spells(exit=[1, 2, 3]))
    with pytest.raises(xm.DataError, match="not ended"):
        MODEL.fit(spells._with(event=np.where(np.arange(300) < 3, 0, spells.event)))
    with pytest.raises(xm.DataError, match="outside the limits") as caught:
        MODEL.fit(spells._with(right_limit=np.where(np.arange(300) == 7, 0.001, spells.right_limit), left_limit=None))
    assert caught.value.rows == (7,)
    with pytest.raises(xm.DataError, match="Nobody left"):
        MODEL.fit(spells._with(event=np.where(spells.event == 3, 1, spells.event)))
    with pytest.raises(xm.DataError, match="exits for"):
        MODEL.fit(spells.select(np.concatenate([np.flatnonzero(spells.event == k)[:2] for k in (1, 2, 3)])))
    late = spells._with(columns=spells.columns.with_column(_column("since", np.full(300, 1e6))))
    with pytest.raises(xm.IdentificationError, match="after the policy"):
        MODEL.fit(late)
    with pytest.raises(xm.IdentificationError, match="outside the observed window"):
        xm.ExitWindow(policy="2016-10-04").fit(xm.simulate.exits(n=50, rng=1).spells())
    with pytest.raises(xm.DataError, match="only exits"):
        xm.ParametricSpells(event="other").fit(spells)
