"""Additive hazards: closed forms, another program's numbers, predicted curves, tests, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm


@pytest.fixture(scope="module")
def rossi() -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")


def sequence() -> xm.Spells:
    """Sixty people made by formula (no ties), four to a cluster, followed to time 1.5."""
    i = np.arange(1, 61)
    z, g = np.cos(2 * i) + 1, i % 2
    time = -np.log((i * 0.6180339887498949) % 1) / (1 + 0.3 * z + 0.2 * g)
    columns = {"x": np.sin(i), "z": z, "g": g}
    return xm.Spells(exit=np.minimum(time, 1.5), event=time <= 1.5, cluster=i // 4, covariates=columns)


def last(fit: object) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative effects and their variances at the last exit, where timereg stops."""
    effects = fit.cumulative_effects()
    at = effects[np.isclose(effects.time, 1.37588696695)]
    return at.estimate.to_numpy(), at.se.to_numpy() ** 2


def test_two_groups_by_hand() -> None:
    """With one 0/1 column the intercept is Nelson-Aalen of the zeros, the effect the difference of the two.

    Zeros leave at 1, 3, 4 and ones at 2, 5: at time 4 the zeros stand at 1/3 + 1/2 + 1, the ones at 1/2. After
    that no zero is left, and the two cannot be told apart.
    """
    spells = xm.Spells(exit=[1, 3, 4, 2, 5], covariates={"x": [0, 0, 0, 1, 1]})
    fit = xm.AalenAdditive("x", least=1).fit(spells)
    at = fit.cumulative_effects().query("time == 4").set_index("term")
    assert_allclose(at.estimate, [1 / 3 + 1 / 2 + 1, 1 / 2 - (1 / 3 + 1 / 2 + 1)])
    assert_allclose(at.se**2, [1 / 9 + 1 / 4 + 1, 1 / 9 + 1 / 4 + 1 + 1 / 4])
    assert "1 exits (first at 5" in fit.warnings[0]


def test_lin_and_ying_by_hand() -> None:
    """x = 1 leaves at 1, x = 0 at 3: numerator 1 - 1/2 = 1/2, denominator 1 x 1/2; then nobody to compare with."""
    spells = xm.Spells(exit=[1, 3], covariates={"x": [1, 0]})
    fit = xm.LinYing("x").fit(spells)
    assert_allclose(fit.estimate, 1.0)
    assert_allclose(fit.covariance, 0.25 / 0.5**2)


def test_timereg_on_a_sequence() -> None:
    """timereg 2.0.5: aalen() with robust variances, clusters and const() terms; no ties, so the steps agree."""
    spells = sequence()
    fit = xm.AalenAdditive("x + const(z) + const(g)", least=1).fit(spells)
    robust = fit.with_vcov("robust")
    assert_allclose(fit.estimate, [0.0602345922684, 0.2776566166848], rtol=1e-9)
    assert_allclose(np.diag(fit.covariance), [0.0679423002445, 0.1370525149952], rtol=1e-9)
    assert_allclose(np.diag(robust.covariance), [0.0748405589132, 0.1413389574891], rtol=1e-9)
    assert_allclose(last(fit)[0], [1.58632114398, -0.27595454173], rtol=1e-9)
    assert_allclose(last(fit)[1], [0.24021482159, 0.170768091336], rtol=1e-9)
    assert_allclose(last(robust)[1], [0.206769891333, 0.135191549776], rtol=1e-9)

    constant = xm.LinYing("z + g").fit(spells)
    assert_allclose(constant.estimate, [0.0609647470696, 0.2448023922796], rtol=1e-9)
    assert_allclose(constant.covariance[0], [0.06995242735682, -0.00266514374711], rtol=1e-9)
    assert_allclose(constant.with_vcov("robust").covariance[0], [0.07658682560342, -0.00209196283898], rtol=1e-9)
    assert_allclose(constant.with_vcov("cluster").covariance[0], [0.10333906719948, 0.00279045827117], rtol=1e-9)
    assert_allclose([last(constant)[0][0], last(constant)[1][0]], [1.62206948996, 0.247326048029], rtol=1e-9)
    assert_allclose(last(constant.with_vcov("robust"))[1], [0.225920409064], rtol=1e-9)

    free = xm.AalenAdditive("x + z", least=1, vcov="robust").fit(spells)
    assert_allclose(last(free)[1], [0.183430099754, 0.131063871856, 0.136893367787], rtol=1e-9)
    clustered = last(free.with_vcov("cluster"))[1]
    assert_allclose(clustered, [0.184538903456, 0.107751142583, 0.161147984911], rtol=1e-9)
    tests = free.resampled_tests(20, rng=1)
    assert_allclose(tests.statistic[:, 0], [4.04339919, 1.19240110733, 1.9337594696], rtol=1e-9)
    assert_allclose(tests.statistic[:, 1], [0.174499479101, 0.328205038363, 0.240520725216], rtol=1e-9)
    assert_allclose(tests.statistic[:, 2], [0.00875965266507, 0.02466619209991, 0.01435905504507], rtol=1e-9)


def test_all_constant_is_lin_and_ying(rossi: xm.Spells) -> None:
    one = xm.AalenAdditive("const(fin) + const(age)", vcov="robust").fit(rossi)
    two = xm.LinYing("fin + age", vcov="robust").fit(rossi)
    three = xm.AalenAdditive("", constant=["fin", "age"], vcov="robust").fit(rossi)
    for other in (two, three):
        assert_allclose(one.estimate, other.estimate)
        assert_allclose(one.spread, other.spread)


def test_strata_are_baselines_of_their_own(rossi: xm.Spells) -> None:
    """A stratum is what a 0/1 column with a changing effect is; the other effects are the same."""
    by_strata = xm.AalenAdditive("age + const(prio) + strata(mar)", least=60).fit(rossi)
    by_column = xm.AalenAdditive("age + const(prio) + mar", least=60).fit(rossi)
    assert_allclose(by_strata.estimate, by_column.estimate)
    assert_allclose(by_strata.covariance, by_column.covariance)
    new = {"age": [20, 30], "prio": [1, 2], "mar": [0, 1]}
    one, two = by_strata.predict_survival(new), by_column.predict_survival(new)
    assert_allclose(one.at([20, 40]).estimate, two.at([20, 40]).estimate)
    assert_allclose(one.at([20, 40]).se, two.at([20, 40]).se, rtol=1e-7)
    of_spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", stratum="mar")
    assert_allclose(xm.AalenAdditive("age + const(prio)", least=60).fit(of_spells).estimate, by_strata.estimate)
    with pytest.raises(xm.DataError, match="strata that the formula does not name"):
        xm.LinYing("age").fit(of_spells).predict_survival({"age": [20]})


def test_a_stratum_that_has_all_left_does_not_stop_the_others() -> None:
    rng = np.random.default_rng(2)
    exit = np.concatenate([rng.integers(1, 5, 20), rng.integers(1, 30, 60)])
    spells = xm.Spells(exit=exit, covariates={"x": rng.normal(size=80), "g": ["a"] * 20 + ["b"] * 60})
    fit = xm.AalenAdditive("x + strata(g)", least=1).fit(spells)
    alone = xm.AalenAdditive("x", least=1).fit(spells.select(np.arange(80) >= 20))
    ours = fit.cumulative_effects().query("term == 'x' and time > 4")
    theirs = alone.cumulative_effects().query("term == 'x' and time > 4")
    assert_allclose(np.diff(ours.estimate), np.diff(theirs.estimate), atol=1e-12)
    curve = fit.predict_survival({"x": [0.0, 0.0], "g": ["a", "b"]})
    assert curve[0].time[-1] <= 4 < curve[1].time[-1]


def test_predicted_curves_are_monotone_and_have_limits(rossi: xm.Spells) -> None:
    fit = xm.AalenAdditive("fin + const(age)", least=1).fit(rossi)
    new = {"fin": [0, 1], "age": [20, 60]}
    curve, hazard = fit.predict_survival(new), fit.predict_cumhaz(new)
    for piece in curve:
        assert np.all(np.diff(piece.estimate) <= 0)
        assert piece.estimate.max() <= 1
    raw = fit.predict_survival(new, monotone=False)
    assert_allclose(raw.estimate, np.exp(-hazard.estimate))
    frame = curve.at([30, 52])
    assert (frame.lower <= frame.estimate).all()
    assert (frame.estimate <= frame.upper).all()
    assert_allclose(fit.predict(new, times=[30, 52]).to_numpy().ravel(), frame.estimate)
    assert_allclose(fit.get_prediction(new, [30, 52]).summary_frame().upper, frame.upper)
    effects = fit.cumulative_effects().query("time == 52").set_index("term").estimate
    by_hand = effects["Intercept"] + effects["fin"] + 60 * 52 * fit.params["age"]
    assert_allclose(hazard["row=1"].at(52).estimate, by_hand)


def test_martingale_residuals_are_orthogonal_to_the_columns(rossi: xm.Spells) -> None:
    fit = xm.AalenAdditive("fin + age", least=1).fit(rossi)
    residual = fit.residuals().to_numpy()
    for name in ("fin", "age"):
        assert abs(residual @ rossi.columns[name].values) < 1e-8
    constant = xm.LinYing("fin + age").fit(rossi)
    moved = constant.residuals("dfbeta")
    assert_allclose(moved.T @ moved, constant.with_vcov("robust").covariance, rtol=1e-8)
    with pytest.raises(xm.DataError, match="constant effects"):
        fit.residuals("dfbeta")


def test_effect_tests_of_covariates_that_do_nothing_and_something(rossi: xm.Spells) -> None:
    fit = xm.AalenAdditive("age + prio").fit(rossi)
    for weights in ("aalen", "nrisk", "variance"):
        assert fit.effect_test(weights).pvalue < 0.01
        assert fit.with_vcov("robust").effect_test(weights).pvalue < 0.01
    tests = fit.resampled_tests(200, rng=3)
    assert tests.to_frame().loc["age", "p_effect"] < 0.05
    again = fit.resampled_tests(200, rng=3)
    assert_allclose(tests.pvalue, again.pvalue)
    low, high = tests.band("age")
    effects = fit.cumulative_effects().query("term == 'age'")
    assert (low < effects.lower).mean() > 0.9
    assert (high > effects.upper).mean() > 0.9
    assert "Scheike" in tests.cite()
    assert "no effect: sup" in str(tests)


def test_badly_scaled_columns_change_nothing_but_their_unit(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi()
    data = data.assign(far=2e9 + data.age * 86_400.0, tiny=data.prio * 1e-9)
    spells = xm.Spells.from_frame(data, exit="week", event="arrest")
    far, near = xm.LinYing("far + tiny").fit(spells), xm.LinYing("age + prio").fit(rossi)
    assert_allclose(far.estimate * [86_400, 1e-9], near.estimate, rtol=1e-7)
    assert_allclose(far.standard_errors * [86_400, 1e-9], near.standard_errors, rtol=1e-7)


def test_saved_fits_come_back(rossi: xm.Spells, tmp_path: Path) -> None:
    fit = xm.AalenAdditive("C(race) + const(age)").fit(rossi)
    fit.save(tmp_path / "fit.json")
    back = xm.load(tmp_path / "fit.json")
    new = {"race": [0, 1], "age": [20, 30]}
    assert_allclose(back.predict_survival(new).estimate, fit.predict_survival(new).estimate)
    assert str(back) == str(fit)
    with pytest.raises(xm.DataError, match="saved result"):
        back.with_vcov("robust")
    tests = fit.resampled_tests(20, rng=1)
    tests.save(tmp_path / "tests.json")
    assert_allclose(xm.load(tmp_path / "tests.json").pvalue, tests.pvalue)


def test_figures_and_tables(rossi: xm.Spells) -> None:
    fit = xm.AalenAdditive("fin + age").fit(rossi)
    tests = fit.resampled_tests(60, rng=1)
    axes = fit.plot(bands=tests)
    assert [ax.get_title(loc="left") for ax in axes] == ["Intercept", "fin", "age"]
    assert len(fit.plot(terms=["age"])) == 1
    assert "observed" in [t.get_text() for t in tests.plot("age").get_legend().get_texts()]
    constant = xm.LinYing("fin + age").fit(rossi)
    assert "Exits per person" in constant.plot().get_xlabel()
    assert "HR" not in constant.to_latex()
    assert "coef" in constant.to_markdown()
    assert "Lin, D. Y." in constant.cite()
    assert "Cumulative effects at the last time" in str(fit)
    with pytest.raises(xm.DataError, match="No cumulative effect"):
        fit.plot(terms=["prio"])


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("fin + I(fin * 2)", "follows from other columns"),
        ("fin + const(fin)", "follows from other columns"),
        ("fin * const(age)", "stands alone"),
        ("fin + offset(age)", "takes no offset"),
        ("nosuch", "not a column"),
        ("~ fin", "left-hand side"),
    ],
)
def test_bad_formulas(rossi: xm.Spells, formula: str, message: str) -> None:
    with pytest.raises(xm.DataError, match=message):
        xm.AalenAdditive(formula).fit(rossi)


def test_bad_choices_and_data(rossi: xm.Spells) -> None:
    with pytest.raises(xm.DataError, match="vcov"):
        xm.LinYing("fin", vcov="hc3").fit(rossi)
    with pytest.raises(xm.DataError, match="needs clusters"):
        xm.LinYing("fin", vcov="cluster").fit(rossi)
    with pytest.raises(xm.DataError, match="weights='x'"):
        xm.AalenAdditive("fin").fit(rossi).effect_test("x")
    with pytest.raises(xm.DataError, match="all effects change"):
        xm.LinYing("fin").fit(rossi).effect_test()
    with pytest.raises(xm.DataError, match="can the effects be told apart"):
        xm.AalenAdditive("fin", least=1000).fit(rossi)
    with pytest.raises(xm.DataError, match="Nobody left"):
        xm.LinYing("x").fit(xm.Spells(exit=[1, 2, 3], event=[0, 0, 0], covariates={"x": [1, 2, 3]}))
    window = xm.Spells(exit=[1, 2, 3], right_limit=[4, 4, 4], covariates={"x": [1, 2, 3]})
    with pytest.raises(xm.SchemeError, match="AalenAdditive would be biased"):
        xm.AalenAdditive("x").fit(window)
    with pytest.raises(xm.DataError, match="2 causes"):
        xm.LinYing("x").fit(xm.Spells(exit=[1, 2], event=["a", "b"], censor=[], covariates={"x": [0, 1]}))
