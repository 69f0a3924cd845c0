"""Cox regression: the example solved by hand, choices, prediction, and saying when something is off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.iolib.summary2 import summary_col

import exitmodels as xm


@pytest.fixture(scope="module")
def rossi() -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")


def test_cox_matches_the_example_solved_by_hand() -> None:
    """Six people, one covariate: Therneau & Grambsch (2000), app. E, data set 1, Efron ties.

    With r = exp(beta) the score is 2 - r/(r+1) - r/(r+3) - r/(r+5), zero where r^3 = 23 r + 30.
    """
    spells = xm.Spells(exit=[1, 1, 6, 6, 8, 9], event=[1, 0, 1, 1, 0, 1], covariates={"x": [1, 1, 1, 0, 0, 0]})
    fit = xm.Cox("x", tol=1e-14).fit(spells)
    r = np.roots([1, 0, -23, -30]).real.max()
    assert_allclose(fit.estimate, np.log(r), rtol=1e-10)
    assert_allclose(1 / fit.covariance, r / (r + 1) ** 2 + 3 * r / (r + 3) ** 2 + 5 * r / (r + 5) ** 2)


def test_rossi_has_its_printed_coefficients(rossi: xm.Spells) -> None:
    """Allison's recidivism model, as printed in many places, to four digits."""
    fit = xm.Cox("fin + age + race + wexp + mar + paro + prio").fit(rossi)
    assert [round(float(fit.params[name]), 4) for name in ("fin", "age", "prio")] == [-0.3794, -0.0574, 0.0915]


def test_results_speak_the_language_of_statsmodels(rossi: xm.Spells) -> None:
    fit = xm.Cox("fin + age").fit(rossi)
    assert list(fit.params.index) == ["fin", "age"]
    assert_allclose(fit.tvalues, fit.params / fit.bse)
    assert_allclose(fit.conf_int(0.1)["high"], fit.params + 1.6448536269514722 * fit.bse)
    assert_allclose(fit.hazard_ratios()["HR"], np.exp(fit.params))
    assert_allclose(fit.aic, -2 * fit.llf + 4)
    assert_allclose(fit.bic, -2 * fit.llf + 2 * np.log(114))
    assert_allclose(fit.wald_test().statistic, fit.tests["Wald"].statistic)
    assert_allclose(fit.wald_test("fin").statistic, fit.zvalues["fin"] ** 2)
    assert_allclose(fit.wald_test(np.array([[1.0, -1.0]])).df, 1)
    assert "fin" in str(summary_col([fit, xm.Cox("fin").fit(rossi)]))
    assert fit.glance()["events"][0] == 114
    assert "0.0" in fit.to_markdown()
    assert r"\toprule" in fit.to_latex(caption="Arrest")
    assert fit.to_html().startswith("<table>")
    assert "Cox, D. R. (1972)" in fit.cite()
    assert xm.__version__ in fit.cite()


def test_factor_levels_interactions_and_splines(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi().assign(band=lambda d: pd.cut(d.age, [0, 20, 25, 99], labels=["a", "b", "c"]).astype(str))
    spells = xm.Spells.from_frame(data, exit="week", event="arrest")
    assert xm.Cox("C(band) + fin:prio").fit(spells).names == ("C(band)[T.b]", "C(band)[T.c]", "fin:prio")
    spline = xm.Cox("bs(age, df=4) + fin").fit(spells)
    again = spline.predict(data.head(5))
    assert_allclose(again, spline.predict(data).head(5))


def test_a_fast_sum_of_columns_equals_the_long_way(rossi: xm.Spells) -> None:
    plain, long = xm.Cox("fin + age + prio").fit(rossi), xm.Cox("fin + I(age * 1.0) + prio").fit(rossi)
    assert_allclose(plain.estimate, long.estimate)


def test_offset_and_strata_of_the_spells(rossi: xm.Spells) -> None:
    fit = xm.Cox("age + prio").fit(rossi)
    b = float(fit.params["prio"])
    fixed = xm.Cox(f"age + offset({b!r} * prio)").fit(rossi)
    assert_allclose(fixed.params["age"], fit.params["age"], rtol=1e-7)
    new = xm.datasets.rossi().head(2)
    assert_allclose(fixed.predict(new), fit.predict(new), rtol=1e-6)
    assert_allclose(fixed.predict_cumhaz(new).estimate, fit.predict_cumhaz(new).estimate, rtol=1e-6)
    by_spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", stratum="mar")
    assert_allclose(xm.Cox("age").fit(by_spells).estimate, xm.Cox("age + strata(mar)").fit(rossi).estimate)


def test_badly_scaled_columns_change_nothing_but_their_unit() -> None:
    data = xm.datasets.rossi()
    data = data.assign(seconds=2e9 + data.age * 86_400.0, tiny=data.prio * 1e-9)
    spells = xm.Spells.from_frame(data, exit="week", event="arrest")
    far, near = xm.Cox("seconds + tiny").fit(spells), xm.Cox("age + prio").fit(spells)
    assert_allclose(far.estimate * [86_400, 1e-9], near.estimate, rtol=1e-6)
    assert_allclose(far.bse.to_numpy() * [86_400, 1e-9], near.bse, rtol=1e-6)


def test_the_warm_start_of_many_rows_reaches_the_same_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    made = xm.simulate.spells(200_000, causes=1, rng=3)
    spells, formula = made.spells(), " + ".join(c for c in made.frame.columns if c.startswith("x"))
    warm = xm.Cox(formula, event="any").fit(spells)
    monkeypatch.setattr("exitmodels.models.hazards.cox._WARM_ROWS", 10**9)
    cold = xm.Cox(formula, event="any").fit(spells)
    assert_allclose(warm.estimate, cold.estimate, rtol=1e-8)
    assert_allclose(warm.covariance, cold.covariance, rtol=1e-7, atol=1e-16)
    assert_allclose(warm.tests["score"].statistic, cold.tests["score"].statistic)


def test_a_level_without_events_is_named_and_firth_stays_finite() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"t": rng.integers(1, 30, 80), "e": 1, "g": rng.choice(list("abc"), 80)})
    data.loc[data.g == "c", "e"] = 0
    spells = xm.Spells.from_frame(data, exit="t", event="e")
    with pytest.warns(xm.ConvergenceWarning, match=r"g\[T.c\] grows") as caught:
        fit = xm.Cox("g").fit(spells)
    assert 'penalty="firth"' in str(caught[0].message)
    assert not fit.converged
    assert fit.warnings[0] in str(fit)
    firth = xm.Cox("g", penalty="firth").fit(spells)
    assert firth.converged
    assert -6 < firth.params["g[T.c]"] < -1


def test_saved_fits_come_back_and_predict(rossi: xm.Spells, tmp_path: Path) -> None:
    data = xm.datasets.rossi()
    fit = xm.Cox("C(fin) + age + strata(mar)").fit(rossi)
    fit.save(tmp_path / "fit.json")
    back = xm.load(tmp_path / "fit.json")
    assert str(back) == str(fit)
    pd.testing.assert_frame_equal(
        back.predict_survival(data.head(3)).to_frame(), fit.predict_survival(data.head(3)).to_frame()
    )
    with pytest.raises(xm.DataError, match="a saved result does not hold"):
        back.with_vcov("robust")
    with pytest.raises(xm.DataError, match="was not in the data of the fit"):
        back.predict(data.head(1).assign(fin=7))


def test_predicted_curves_end_where_the_data_end(rossi: xm.Spells) -> None:
    curve = xm.Cox("fin").fit(rossi).predict_survival({"fin": [0, 1]})
    frame = curve.at([0, 52, 53])
    assert frame.estimate[0] == 1
    assert np.isfinite(frame.estimate[1])
    assert np.isnan(frame.estimate[2])
    assert (frame.lower[:2] <= frame.estimate[:2]).all()


def test_clusters_by_formula_column_or_spells(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi().assign(town=lambda d: d.age % 7)
    inside = xm.Spells.from_frame(data, exit="week", event="arrest", cluster="town")
    outside = xm.Spells.from_frame(data, exit="week", event="arrest")
    one = xm.Cox("fin + prio", vcov="cluster").fit(inside)
    two = xm.Cox("fin + prio + cluster(town)").fit(outside)
    three = xm.Cox("fin + prio").fit(outside).with_vcov("cluster", cluster="town")
    four = xm.Cox("fin + prio").fit(outside).with_vcov("cluster", cluster=data.town.to_numpy())
    for other in (two, three, four):
        assert_allclose(other.covariance, one.covariance)
        assert other.vcov == "cluster"


def test_fewer_clusters_than_coefficients_are_said(rossi: xm.Spells) -> None:
    few = xm.Cox("fin + age + prio").fit(rossi).with_vcov("cluster", cluster="wexp")
    assert "rank 1 for 3 coefficients" in few.warnings[0]


def test_wald_tests_do_not_depend_on_units() -> None:
    data = xm.datasets.rossi().assign(big=lambda d: d.age * 1e9, small=lambda d: d.prio * 1e-9)
    spells = xm.Spells.from_frame(data, exit="week", event="arrest")
    assert_allclose(
        xm.Cox("big + small").fit(spells).wald_test().statistic, xm.Cox("age + prio").fit(spells).wald_test().statistic
    )


def test_bootstrap_variance_is_seeded_and_near_the_robust_one(rossi: xm.Spells) -> None:
    fit = xm.Cox("fin + prio").fit(rossi)
    one, two = (fit.with_vcov("bootstrap", n=300, rng=3) for _ in range(2))
    assert_allclose(one.covariance, two.covariance)
    assert_allclose(one.bse, fit.with_vcov("robust").bse, rtol=0.15)  # 300 samples
    data = xm.datasets.rossi().assign(town=lambda d: d.age % 30)
    spells = xm.Spells.from_frame(data, exit="week", event="arrest")
    towns = xm.Cox("fin + prio + strata(mar)").fit(spells).with_vcov("bootstrap", cluster="town", n=300, rng=3)
    assert_allclose(towns.bse, towns.with_vcov("cluster", cluster="town").bse, rtol=0.3)  # 30 clusters, 300 samples


def test_bootstrap_samples_are_fits_on_copied_rows(rossi: xm.Spells) -> None:
    from exitmodels.models.hazards.cox_refit import refit

    fit = xm.Cox("fin + prio + strata(mar)").fit(rossi)
    copies = np.random.default_rng(1).integers(0, 3, 432)
    assert fit.fitted is not None
    sample = refit(fit.fitted.data, copies.astype(float), fit.estimate * fit.scale, True)
    again = xm.Cox("fin + prio + strata(mar)").fit(rossi.select(np.repeat(np.arange(432), copies)))
    assert_allclose(sample / fit.scale, again.estimate, rtol=1e-6)


def test_proportional_hazards_test_names_its_form_and_draws(rossi: xm.Spells) -> None:
    """The older form by its own formula (Grambsch & Therneau 1994, eq. 9), worked out from the residuals."""
    fit = xm.Cox("fin + age + prio").fit(rossi)
    test = fit.ph_test(transform="log", form="approximate")
    assert "approximate" in str(test)
    assert "log" in str(test)
    residuals = fit.residuals("schoenfeld")
    g = np.log(residuals.index.to_numpy())
    moved = (g - g.mean()) @ residuals.to_numpy() @ fit.covariance * len(g)
    assert_allclose(test.statistic[:3], moved**2 / (np.diag(fit.covariance) * len(g) * np.sum((g - g.mean()) ** 2)))
    score = fit.ph_test()
    assert (score.form, score.transform) == ("score", "km")
    assert_allclose(score.statistic[-1], fit.ph_test(form="approximate").statistic[-1], rtol=0.2)  # two forms
    ax = score.plot("age")
    assert "114 exits" in ax.get_title(loc="left")
    assert "weeks" in ax.get_xlabel()
    with pytest.raises(xm.DataError, match="No column is called"):
        score.plot("height")
    with pytest.raises(xm.DataError, match="One of km, rank"):
        fit.ph_test(transform="sqrt")


def test_levels_of_a_factor_are_one_term(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi().assign(band=lambda d: np.array(list("abcd"))[d.age % 4])
    test = xm.Cox("band + fin").fit(xm.Spells.from_frame(data, exit="week", event="arrest")).ph_test()
    assert test.names == ("band", "fin", "all terms")
    assert test.df.tolist() == [3, 1, 4]
