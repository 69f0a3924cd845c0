"""Pseudo-observations and their regression: means, refits, several times, corrected variance, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from madeup import as_spells as read
from madeup import two_causes as world


@pytest.fixture(scope="module")
def rossi() -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")


@pytest.mark.parametrize("kind", ["survival", "incidence", "rmst", "time-lost", "cumhaz"])
def test_jackknife_values_are_those_of_refitting(kind: str) -> None:
    """n theta - (n - 1) theta without the row, each refitted by the curves themselves."""
    data, times = world(40), [4, 9]
    event = "a" if kind in ("incidence", "time-lost") else "any"

    def estimate(part: pd.DataFrame) -> list[float]:
        spells = read(part)
        if kind in ("survival", "rmst"):
            curve = xm.KaplanMeier(event="any").fit(spells)
        elif kind == "cumhaz":
            curve = xm.NelsonAalen(event="any").fit(spells)
        else:
            curve = xm.AalenJohansen(causes=["a"]).fit(spells)
        if kind in ("rmst", "time-lost"):
            return [float(curve.rmst(t).estimate[0]) for t in times]
        return curve.at(times).estimate.to_list()

    whole = np.array(estimate(data))
    slow = [40 * whole - 39 * np.array(estimate(data.drop(index=i))) for i in data.index]
    ours = xm.pseudo_values(read(data), kind, times, event=event)
    assert_allclose(ours, slow, rtol=1e-9, atol=1e-9)
    infinitesimal = xm.pseudo_values(read(data), kind, times, event=event, method="infinitesimal")
    assert_allclose(infinitesimal.mean(), whole, rtol=1e-9)


def test_without_censoring_a_pseudo_value_is_what_happened() -> None:
    spells = xm.Spells(exit=[3, 1, 4, 2], event=["a", "b", "a", "a"], censor=[])
    assert_allclose(xm.pseudo_values(spells, "survival", 2.5, event="any").iloc[:, 0], [1, 0, 1, 0], atol=1e-12)
    assert_allclose(xm.pseudo_values(spells, "incidence", 3, event="a").iloc[:, 0], [1, 0, 0, 1], atol=1e-12)
    assert_allclose(xm.pseudo_values(spells, "rmst", 3, event="any").iloc[:, 0], [3, 1, 3, 2], atol=1e-12)
    assert_allclose(xm.pseudo_values(spells, "time-lost", 3, event="a").iloc[:, 0], [0, 0, 0, 1], atol=1e-12)


def test_values_keep_the_labels_of_the_rows_and_are_made_within_groups() -> None:
    data = world().set_axis([f"p{i}" for i in range(150)])
    spells = xm.Spells.from_frame(data, exit="exit", event="event", censor=[0])
    made = xm.pseudo_values(spells, times=[5, 8], event="any", by="g")
    assert list(made.index) == list(data.index)
    assert list(made.columns) == [5.0, 8.0]
    for g in (0, 1):
        alone = xm.pseudo_values(spells.select(data.g.to_numpy() == g), times=[5, 8], event="any")
        assert_allclose(made[data.g == g], alone)


def test_one_group_column_gives_the_difference_of_two_curves() -> None:
    """Within groups the mean of the values is the estimate, so least squares gives the two estimates."""
    spells = read(world())
    fit = xm.PseudoRegression("g", kind="incidence", event="b", times=8, by="g", method="infinitesimal").fit(spells)
    curve = xm.AalenJohansen(by="g", causes=["b"]).fit(spells).at(8)
    assert_allclose([fit.estimate[0], fit.estimate.sum()], curve.estimate, rtol=1e-9)
    corrected = fit.with_vcov("corrected").covariance
    se = [np.sqrt(corrected[0, 0]), np.sqrt(corrected.sum())]
    assert_allclose(se, curve.se, rtol=1e-9)


def test_the_corrected_variance_is_that_of_the_estimate_as_a_function_of_the_rows() -> None:
    """Move the weight of a row, make values and fit again: the sum of squared changes.

    With the identity link; for others the expected information in the sandwich is not the exact derivative.
    """
    data = world(60)
    choices = {"kind": "incidence", "event": "b", "times": [4, 9], "method": "infinitesimal"}
    fit = xm.PseudoRegression("x", **choices, vcov="corrected").fit(read(data))
    moved, step = [], 1e-4
    for i in range(len(data)):
        ends = []
        for sign in (1, -1):
            weight = np.ones(len(data))
            weight[i] += sign * step
            again = read(data, weight=weight, weights="sampling")
            ends.append(xm.PseudoRegression("x", **choices).fit(again).estimate)
        moved.append((ends[0] - ends[1]) / (2 * step))
    assert_allclose(fit.covariance, np.array(moved).T @ np.array(moved), rtol=1e-5)
    assert np.abs(fit.with_vcov("robust").covariance / fit.covariance - 1).max() > 0.01
    assert "Jacobsen" in fit.cite()
    assert "Jacobsen" not in fit.with_vcov("robust").cite()


def test_links_and_predictions_agree_with_their_own_table(rossi: xm.Spells) -> None:
    new = {"fin": [0, 1], "age": [20, 30]}
    for link in ("identity", "log", "logit", "cloglog"):
        fit = xm.PseudoRegression("fin + age", times=[26, 52], link=link).fit(rossi)
        assert fit.converged
        frame = fit.get_prediction(new).summary_frame()
        assert_allclose(frame.estimate, fit.predict(new).to_numpy().ravel())
        assert (frame.lower < frame.estimate).all()
        assert (frame.upper > frame.estimate).all()
        # four links tell of the same share in a sample of 432
        assert_allclose(frame.estimate.iloc[0], 0.86, atol=0.06)
    assert fit.names == ("Intercept", "time[52]", "fin", "age")


def test_cloglog_of_survival_is_near_cox(rossi: xm.Spells) -> None:
    fit = xm.PseudoRegression("fin + age + prio", times=[13, 26, 39, 52], link="cloglog").fit(rossi)
    # two estimators of the same effects: near, not the same
    assert_allclose(fit.params[["fin", "age", "prio"]], xm.Cox("fin + age + prio").fit(rossi).params, atol=0.1)
    assert list(fit.ratios().columns) == ["HR", "low", "high"]


def test_start_conditions_on_being_there() -> None:
    """Those who entered by time 3 and are still there, each shifted to a clock of their own."""
    rng = np.random.default_rng(1)
    entry = rng.integers(0, 6, 80)
    exit = entry + rng.integers(1, 20, 80)
    spells = xm.Spells(exit=exit, entry=entry, event=rng.random(80) < 0.7)
    here = (entry <= 3) & (exit > 3)
    with pytest.raises(xm.SchemeError, match="people enter after time 0") as caught:
        xm.pseudo_values(spells, times=10)
    assert caught.value.code == "delayed-entry"
    alone = xm.Spells(exit=exit[here] - 3, event=(spells.event > 0)[here])
    for kind in ("survival", "rmst"):
        made = xm.pseudo_values(spells, kind, 10, start=3)
        assert_allclose(made.to_numpy(), xm.pseudo_values(alone, kind, 7).to_numpy(), atol=1e-10)


def test_weights_are_copies_and_sampling_weights_have_no_jackknife() -> None:
    data = world()
    copies = data.loc[data.index.repeat(data.w)]
    for method in ("jackknife", "infinitesimal"):
        model = xm.PseudoRegression("x + g", kind="time-lost", event="a", times=[6, 12], method=method)
        one, two = model.fit(read(data, weight=data.w)), model.fit(read(copies))
        assert_allclose(one.estimate, two.estimate, rtol=1e-9)
        for kind in ("robust", "corrected"):
            assert_allclose(one.with_vcov(kind).covariance, two.with_vcov(kind).covariance, rtol=1e-8)
    sampled = read(data, weight=data.w / 2.5, weights="sampling")
    assert "infinitesimal" in xm.PseudoRegression("x", times=5, event="any").fit(sampled).method
    with pytest.raises(xm.DataError, match="weights must count people"):
        xm.PseudoRegression("x", times=5, event="any", method="jackknife").fit(sampled)


def test_clusters_are_added_before_squaring() -> None:
    data = world()
    fit = xm.PseudoRegression("x", times=8, event="any").fit(read(data, cluster=data.index))
    assert_allclose(fit.with_vcov("cluster").covariance, fit.covariance)
    both = fit.with_vcov("corrected-cluster")
    assert_allclose(both.covariance, fit.with_vcov("corrected").covariance)
    doubled = xm.PseudoRegression("x + cluster(g)", times=8, event="any").fit(read(data))
    assert doubled.vcov == "cluster"


def test_results_save_and_print(rossi: xm.Spells, tmp_path: Path) -> None:
    fit = xm.PseudoRegression("fin", kind="rmst", times=52).fit(rossi)
    fit.save(tmp_path / "fit.json")
    back = xm.load(tmp_path / "fit.json")
    assert str(back) == str(fit)
    assert_allclose(back.predict({"fin": [1]}), fit.predict({"fin": [1]}))
    with pytest.raises(xm.DataError, match="saved result"):
        back.with_vcov("corrected")
    assert "Difference of mean time before leaving" in fit.plot().get_xlabel()
    assert "mean time before leaving" in str(fit)
    assert fit.wald_test("fin").df == 1


def test_bad_input(rossi: xm.Spells) -> None:
    spells = read(world())
    with pytest.raises(xm.DataError, match="No time was given"):
        xm.pseudo_values(rossi)
    with pytest.raises(xm.DataError, match="beyond 52"):
        xm.pseudo_values(rossi, times=60)
    with pytest.raises(xm.DataError, match="not after 0"):
        xm.pseudo_values(rossi, times=0)
    with pytest.raises(xm.DataError, match="kind='median'"):
        xm.pseudo_values(rossi, "median", 5)
    with pytest.raises(xm.DataError, match="method='ij'"):
        xm.pseudo_values(rossi, times=5, method="ij")
    with pytest.raises(xm.DataError, match="2 causes"):
        xm.pseudo_values(spells, "incidence", 5)
    with pytest.raises(xm.DataError, match="is for probabilities"):
        xm.PseudoRegression("x", kind="rmst", times=5, event="any", link="logit").fit(spells)
    with pytest.raises(xm.FormulaError, match="strata"):
        xm.PseudoRegression("x + strata(g)", times=5, event="any").fit(spells)
    with pytest.raises(xm.DataError, match="vcov='model'"):
        xm.PseudoRegression("x", times=5, event="any", vcov="model").fit(spells)
    with pytest.raises(xm.DataError, match="follows from other columns"):
        xm.PseudoRegression("x + I(2 * x)", times=5, event="any").fit(spells)
    window = xm.Spells(exit=[1, 2, 3], right_limit=[4, 4, 4])
    with pytest.raises(xm.SchemeError, match="pseudo_values would be biased"):
        xm.pseudo_values(window, times=2)
