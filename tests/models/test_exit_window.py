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
@pytest.mark.parametrize("hazard", ["exponential", "weibull", "gompertz", "piecewise"])
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
    assert_allclose(weeks.estimate[effects], fit.estimate[effects], rtol=1e-6)
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
        (replace(MODEL, hazard="lognormal"), "hazard"),
        (replace(MODEL, cuts=[30]), "cuts"),
        (replace(MODEL, hazard="piecewise", cuts=[30, 10]), "cuts"),
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
