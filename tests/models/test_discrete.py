"""Discrete-time hazards: closed forms, the person-period table, several causes, delta limits, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import exitmodels as xm
from madeup import as_spells as read


@pytest.fixture(scope="module")
def rossi() -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")


def world(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Two causes over at most 20 periods, entry after 0 to 5 periods, small whole weights, clusters of three."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=n).round(1), rng.integers(0, 2, n)
    odds = np.exp(np.column_stack([-2.5 + 0.5 * x, -3 + 0.4 * g]))
    entry = np.where(rng.random(n) < 0.4, rng.integers(0, 6, n), 0)
    hazard = odds.sum(axis=1) / (1 + odds.sum(axis=1))
    stay = rng.geometric(hazard)
    event = np.where(stay <= 15, 1 + (rng.random(n) < odds[:, 1] / odds.sum(axis=1)), 0)
    exit = entry + np.minimum(stay, 15)
    return pd.DataFrame(
        {
            "entry": entry,
            "exit": exit,
            "event": event,
            "x": x,
            "g": g,
            "w": rng.integers(1, 4, n),
            "id": np.arange(n) // 3,
        }
    )


def person_periods(data: pd.DataFrame) -> pd.DataFrame:
    long = data.loc[data.index.repeat(data.exit - data.entry)].copy()
    long["period"] = long.entry + 1 + long.groupby(level=0).cumcount()
    long["y"] = np.where(long.period == long.exit, long.event, 0)
    return long


def test_without_covariates_the_hazard_is_the_share_that_leaves() -> None:
    """Periods with exits: 2 of 5, then 1 of 2 (one was censored after the first); none leave in the third."""
    spells = xm.Spells(exit=[1, 1, 1, 2, 3], event=[1, 1, 0, 1, 0])
    fit = xm.DiscreteHazard("1").fit(spells)
    made = fit.predict_hazard({"none": [0]})
    assert_allclose(made.estimate, [2 / 5, 1 / 2, 0], atol=1e-12)
    assert_allclose(made.se, [np.sqrt(0.4 * 0.6 / 5), np.sqrt(0.25 / 2), 0], atol=1e-12)
    curve = fit.predict_survival({"none": [0]})
    kaplan = xm.KaplanMeier().fit(spells)
    assert_allclose(curve.estimate, kaplan.estimate, atol=1e-12)
    assert_allclose(curve.se, kaplan.se, atol=1e-12)


def test_incidence_without_covariates_is_aalen_and_johansen() -> None:
    """Exits of one day are multinomial: without delayed entry that is also the infinitesimal jackknife."""
    data = world()
    spells = read(data.assign(exit=data.exit - data.entry, entry=0))
    curve = xm.DiscreteHazard("1").fit(spells).predict_incidence({"none": [0]})
    known = xm.AalenJohansen().fit(spells)
    for cause in ("a", "b"):
        at = [5, 9, 14]
        ours, theirs = curve[{"cause": cause}].at(at), known[{"cause": cause}].at(at)
        assert_allclose(ours.estimate, theirs.estimate, rtol=1e-9)
        assert_allclose(ours.se, theirs.se, rtol=1e-6)


@pytest.mark.parametrize("baseline", ["periods", "period + I(period**2)"])
@pytest.mark.parametrize("link", ["logit", "cloglog", "probit"])
def test_one_cause_is_a_binary_regression_on_person_periods(link: str, baseline: str) -> None:
    data = world()
    long = person_periods(data)
    long = long[long.groupby("period").y.transform(lambda y: (y == 1).any()) | (baseline != "periods")]
    left = (long.y == 1).astype(float)
    if baseline == "periods":
        front = pd.get_dummies(long.period).to_numpy(float)
    else:
        front = np.column_stack([np.ones(len(long)), long.period, long.period**2])
    x = np.column_stack([front, long.x, long.g])
    family = sm.families.Binomial(
        {"logit": sm.families.links.Logit, "cloglog": sm.families.links.CLogLog, "probit": sm.families.links.Probit}[
            link
        ]()
    )
    peer = sm.GLM(left, x, family=family, freq_weights=long.w.to_numpy()).fit(tol=1e-14, maxiter=100)
    fit = xm.DiscreteHazard("x + g", event="a", link=link, baseline=baseline).fit(read(data, weight=data.w))
    assert_allclose(fit.estimate, peer.params, rtol=1e-7, atol=1e-9)
    assert_allclose(fit.llf, peer.llf, rtol=1e-10)
    assert_allclose(fit.standard_errors, np.sqrt(np.diag(peer.cov_params())), rtol=1e-5)


def test_several_causes_are_one_multinomial_regression_with_clusters() -> None:
    data = world()
    long = person_periods(data)
    x = np.column_stack([np.ones(len(long)), long.period, long.x, long.g])
    copies = np.repeat(np.arange(len(long)), long.w)
    peer = sm.MNLogit(long.y.to_numpy()[copies], x[copies]).fit(disp=0, tol=1e-12, method="newton")
    fit = xm.DiscreteHazard("x + g", baseline="period").fit(read(data, weight=data.w, cluster=data.id))
    assert_allclose(fit.estimate, np.asarray(peer.params).T.ravel(), rtol=1e-8)
    assert_allclose(fit.covariance, peer.cov_params(), rtol=1e-7, atol=1e-12)
    assert_allclose(fit.llf, peer.llf)
    share = peer.predict(x)
    scores = np.hstack([((long.y == c) - share[:, c]).to_numpy()[:, None] * x for c in (1, 2)])
    for kind, unit, factor in (("cluster", data.id, long.w), ("robust", data.index, np.sqrt(long.w))):
        weighted = scores * np.asarray(factor)[:, None]
        sums = np.zeros((int(unit.max()) + 1, 8))
        np.add.at(sums, np.asarray(unit)[long.index], weighted)
        expected = peer.cov_params() @ sums.T @ sums @ peer.cov_params()
        assert_allclose(fit.with_vcov(kind).covariance, expected, rtol=1e-6, atol=1e-10)


def curve_values(beta: np.ndarray, columns: int) -> np.ndarray:
    """Incidences and survival after ten periods of a two-cause fit with baseline period."""
    stay, out = 1.0, np.zeros(2)
    for period in range(1, 11):
        odds = np.exp(beta.reshape(2, columns) @ np.array([1, period, 0.3, 1]))
        hazard = odds / (1 + odds.sum())
        out, stay = out + stay * hazard, stay * (1 - hazard.sum())
    return np.append(out, stay)


def test_limits_of_predicted_curves_against_numerical_derivatives() -> None:
    fit = xm.DiscreteHazard("x + g", baseline="period").fit(read(world()))
    new, step = {"x": [0.3], "g": [1]}, 1e-6
    slopes = [
        (curve_values(fit.estimate + d, 4) - curve_values(fit.estimate - d, 4)) / (2 * step) for d in step * np.eye(8)
    ]
    se = np.sqrt(np.diag(np.array(slopes).T @ fit.covariance @ np.array(slopes)))
    incidence, survival = fit.predict_incidence(new).at(10), fit.predict_survival(new).at(10)
    assert_allclose([*incidence.estimate, *survival.estimate], curve_values(fit.estimate, 4), rtol=1e-9)
    assert_allclose([*incidence.se, *survival.se], se, rtol=1e-6)
    assert_allclose(fit.predict(new, "incidence")[10.0], incidence.estimate)


def test_cloglog_recovers_the_hazard_ratio_behind_grouped_times() -> None:
    """Rossi by weeks: Cox with exact ties and the grouped model are near; both are near -0.38."""
    spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    grouped = xm.DiscreteHazard("fin + age + prio", link="cloglog").fit(spells)
    cox = xm.Cox("fin + age + prio").fit(spells)
    # two models of tied weeks that are near, not the same
    assert_allclose(grouped.params[["fin", "age", "prio"]], cox.params, rtol=0.01)


def test_breaks_make_periods_of_any_length(rossi: xm.Spells) -> None:
    every = xm.DiscreteHazard("fin", breaks=range(53)).fit(rossi)
    assert_allclose(every.estimate, xm.DiscreteHazard("fin").fit(rossi).estimate)
    quarters = xm.DiscreteHazard("fin", breaks=[0, 13, 26, 39, 52]).fit(rossi)
    assert list(quarters.time) == [13, 26, 39, 52]
    weeks = np.ceil(rossi.exit / 13).astype(int)
    again = xm.Spells(exit=weeks, event=rossi.event > 0, covariates={"fin": rossi.columns["fin"].values})
    assert_allclose(quarters.estimate, xm.DiscreteHazard("fin").fit(again).estimate)
    early = xm.DiscreteHazard("fin", breaks=[0, 13, 26]).fit(rossi)
    assert "exits after the last edge, 26, count as not yet left" in early.warnings[0]
    some = xm.Spells(exit=[2.5, 3, 6, 6], event=[0, 1, 1, 0], covariates={"x": [0, 1, 0, 1]})
    fit = xm.DiscreteHazard("1", breaks=[0, 3, 6]).fit(some)
    assert_allclose(fit.predict_hazard({"x": [0]}).estimate, [1 / 3, 1 / 2])
    assert "censored within a period" in fit.warnings[0]


def test_many_patterns_are_visited_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    spells = read(world(), cluster=world().id)
    whole = xm.DiscreteHazard("x + g").fit(spells)
    monkeypatch.setattr("exitmodels.kernels.discrete._CELLS", 64)
    pieces = xm.DiscreteHazard("x + g").fit(spells)
    assert_allclose(pieces.estimate, whole.estimate, rtol=1e-9)
    for kind in ("robust", "cluster"):
        assert_allclose(pieces.with_vcov(kind).covariance, whole.with_vcov(kind).covariance, rtol=1e-7, atol=1e-12)


def test_a_last_period_in_which_everyone_leaves_has_hazard_one() -> None:
    spells = xm.Spells(exit=[1, 1, 2, 2, 3, 3], event=[1, 0, 1, 0, 1, 1], covariates={"x": [0, 1, 1, 0, 1, 0]})
    fit = xm.DiscreteHazard("x").fit(spells)
    assert fit.converged
    made = fit.predict_hazard({"x": [0, 1]})
    assert_allclose(made.query("time == 3").estimate, 1.0)
    assert_allclose(fit.predict_survival({"x": [0]}).estimate[-1], 0.0)
    assert "period[3]" not in fit.names


def test_a_level_without_exits_is_named() -> None:
    data = world()
    data.loc[data.g == 1, "event"] = 0
    with pytest.warns(xm.ConvergenceWarning, match="coefficient of .*g"):
        fit = xm.DiscreteHazard("x + g", event="any", baseline="period").fit(read(data))
    assert fit.warnings[-1] in str(fit)


def test_offset_moves_the_predictor(rossi: xm.Spells) -> None:
    fit = xm.DiscreteHazard("age + prio", baseline="period").fit(rossi)
    b = float(fit.params["prio"])
    fixed = xm.DiscreteHazard(f"age + offset({b!r} * prio)", baseline="period").fit(rossi)
    assert_allclose(fixed.params["age"], fit.params["age"], rtol=1e-7)
    new = {"age": [20, 30], "prio": [0, 5]}
    assert_allclose(fixed.predict_survival(new).estimate, fit.predict_survival(new).estimate, rtol=1e-7)


def test_results_print_save_and_draw(rossi: xm.Spells, tmp_path: Path) -> None:
    fit = xm.DiscreteHazard("fin + age", link="cloglog").fit(rossi)
    assert "coefficients of periods are not printed" in str(fit)
    assert "period[1]" not in str(fit)
    assert "OR" not in fit.to_latex()
    assert "Prentice" in fit.cite()
    assert [t.get_text() for t in fit.plot().get_yticklabels()] == ["fin", "age"]
    assert fit.tests["likelihood ratio"].df == 2
    fit.save(tmp_path / "fit.json")
    back = xm.load(tmp_path / "fit.json")
    new = {"fin": [1], "age": [25]}
    assert_allclose(back.predict_survival(new).se, fit.predict_survival(new).se)
    with pytest.raises(xm.DataError, match="saved result"):
        back.with_vcov("robust")
    probit = xm.DiscreteHazard("fin", link="probit", baseline="period").fit(rossi)
    assert "ratio" not in probit.tidy().columns
    assert "Probit" in probit.plot().get_xlabel()


def test_bad_input(rossi: xm.Spells) -> None:
    with pytest.raises(xm.DataError, match="not whole numbers"):
        xm.DiscreteHazard("1").fit(xm.Spells(exit=[1.5, 2.0], event=[1, 1]))
    with pytest.raises(xm.DataError, match="between the edges"):
        xm.DiscreteHazard("1", breaks=[0, 10, 20]).fit(xm.Spells(exit=[12, 15], entry=[0, 3], event=[1, 1]))
    with pytest.raises(xm.DataError, match="do not rise"):
        xm.DiscreteHazard("1", breaks=[0, 10, 10]).fit(rossi)
    with pytest.raises(xm.DataError, match="multinomial logit"):
        xm.DiscreteHazard("x", link="cloglog").fit(read(world()))
    with pytest.raises(xm.DataError, match="link='log'"):
        xm.DiscreteHazard("fin", link="log").fit(rossi)
    with pytest.raises(xm.FormulaError, match="Strata have no place"):
        xm.DiscreteHazard("fin + strata(mar)").fit(rossi)
    with pytest.raises(xm.DataError, match="cannot be told apart"):
        xm.DiscreteHazard("fin", baseline="period + I(period * 2)").fit(rossi)
    with pytest.raises(xm.DataError, match="follows from other columns"):
        xm.DiscreteHazard("fin + I(fin * 2)").fit(rossi)
    with pytest.raises(xm.DataError, match="Nobody left"):
        xm.DiscreteHazard("1").fit(xm.Spells(exit=[1, 2], event=[0, 0]))
