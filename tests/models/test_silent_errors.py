"""Errors that other programs make in silence and that must not happen here; each right value is worked out apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm


def test_tied_reasons_are_exact_and_never_jittered() -> None:
    """Four people; on day 2 one leaves for each of two reasons: F_a = 1/4, F_b = 1/4, whatever the seed."""
    spells = xm.Spells(exit=[2, 2, 3, 4], event=[1, 2, 1, 0], causes=["a", "b"])
    at = [xm.AalenJohansen().fit(spells).at(2).estimate.tolist() for _ in range(3)]
    assert at == [[0.25, 0.25]] * 3
    assert xm.AalenJohansen().fit(spells).at(3).estimate.tolist() == [0.5, 0.25]


def test_cox_baseline_uses_the_entry_times() -> None:
    """Without covariate effect the baseline is Nelson-Aalen on (entry, exit]."""
    entry, exit, event = [0, 0, 4, 4, 6], [5, 9, 7, 8, 9], [1, 1, 1, 0, 1]
    spells = xm.Spells(exit=exit, entry=entry, event=event, covariates={"x": [0, 1, 0, 1, 0.5]})
    fit = xm.Cox("1", ties="breslow").fit(spells)
    assert_allclose(fit.baseline_hazard["cumhaz"], np.cumsum([1 / 4, 1 / 4, 2 / 2]))
    assert_allclose(fit.baseline_hazard["cumhaz"], xm.NelsonAalen().fit(spells).at([5, 7, 9]).estimate)
    x = xm.Cox("x", ties="breslow").fit(spells)
    b, z = float(x.params["x"]), np.array([0, 1, 0, 1, 0.5])
    r = np.exp(b * z)
    by_hand = [1 / r[[0, 1, 2, 3]].sum(), 1 / r[[1, 2, 3, 4]].sum(), 2 / r[[1, 4]].sum()]
    assert_allclose(x.baseline_hazard["cumhaz"], np.cumsum(by_hand), rtol=1e-9)
    assert_allclose(x.predict_cumhaz({"x": [0.0]}).estimate, np.cumsum(by_hand), rtol=1e-9)


def test_cluster_variance_under_delayed_entry_is_the_grouped_derivative() -> None:
    """Cluster sandwich against the sum of squared effects of moving each cluster's weight."""
    rng = np.random.default_rng(5)
    n = 40
    entry = rng.integers(0, 5, n)
    data = {"entry": entry, "exit": entry + rng.integers(1, 9, n), "event": rng.random(n) < 0.7}
    data |= {"x": rng.normal(size=n), "id": rng.integers(0, 12, n), "w": np.ones(n)}

    def fit(weight: np.ndarray) -> Any:
        spells = xm.Spells.from_frame(
            {**data, "w": weight},
            entry="entry",
            exit="exit",
            event="event",
            weight="w",
            weights="sampling",
            cluster="id",
        )
        return xm.Cox("x", vcov="cluster", tol=1e-12).fit(spells)

    def effect(group: int) -> float:
        own = (data["id"] == group) * 1e-5
        return float((fit(data["w"] + own).estimate - fit(data["w"] - own).estimate)[0] / 2e-5)

    squares = sum(effect(g) ** 2 for g in range(12))
    assert_allclose(fit(data["w"]).covariance[0, 0], squares, rtol=1e-5)


def test_restricted_mean_has_the_variance_of_the_estimator() -> None:
    """Uncensored: the restricted mean is a plain mean of min(T, tau), so its variance is that of a mean."""
    rng = np.random.default_rng(1)
    stay = rng.exponential(30, 200)
    area = xm.KaplanMeier().fit(xm.Spells(exit=stay)).rmst(40.0)
    cut = np.minimum(stay, 40)
    assert_allclose(area.estimate[0], cut.mean(), rtol=1e-12)
    assert_allclose(area.se[0], cut.std(ddof=0) / np.sqrt(200), rtol=1e-12)


def test_a_person_entering_on_day_t_is_not_at_risk_on_day_t() -> None:
    spells = xm.Spells(exit=[5, 9, 9], entry=[0, 5, 0], event=[1, 1, 0])
    assert xm.KaplanMeier().fit(spells).to_frame().at_risk.tolist() == [2, 2]
    counted = xm.logrank_test(
        xm.Spells(exit=[5, 9, 9], entry=[0, 5, 0], event=[1, 1, 0], covariates={"g": [0, 1, 0]}), by="g"
    )
    assert_allclose(counted.detail["expected"], [1 + 0.5, 0.5])


def test_robust_variance_uses_the_residuals_of_the_tie_method() -> None:
    """Six people, ties; score residuals of Therneau & Grambsch (2000), appendix E, under Efron's approximation."""
    spells = xm.Spells(exit=[1, 1, 6, 6, 8, 9], event=[1, 0, 1, 1, 0, 1], covariates={"x": [1, 1, 1, 0, 0, 0]})
    fit = xm.Cox("x", vcov="robust", tol=1e-13).fit(spells)
    r = float(np.exp(fit.estimate[0]))
    # time 6: step 0 has S0 = r + 3, step 1 has S0 = (r + 5) / 2 of which r / 2 moves
    m = [r / (r + 1), (r / (r + 3) + r / (r + 5)) / 2]
    h = 1 / (r + 3) + 2 / (r + 5)
    d = r / (3 * (r + 1) ** 2) + r / (r + 3) ** 2 + 2 * r / (r + 5) ** 2
    assert_allclose(fit.residuals("score").to_numpy().ravel()[4], d, rtol=1e-10)
    assert_allclose(fit.residuals("schoenfeld").to_numpy().ravel(), [1 - m[0], 1 - m[1], -m[1], 0], atol=1e-10)
    assert_allclose(fit.residuals("martingale").iloc[4], -(1 / (3 * r + 3) + h), rtol=1e-10)
    assert fit.covariance[0, 0] != xm.Cox("x", ties="breslow", vcov="robust").fit(spells).covariance[0, 0]


def test_one_date_order_in_every_column() -> None:
    """03/04/2013 is read as stated, in both columns, although 25/04/2013 could only be read one way."""
    data = {"joined": ["03/04/2013", "25/04/2013"], "left": ["04/05/2013", "26/05/2013"]}
    day_first = xm.Spells.from_frame(data, origin="joined", exit="left", date_format="%d/%m/%Y")
    assert day_first.exit.tolist() == [31, 31]
    with pytest.raises(xm.DataError, match="do not fit date_format"):
        xm.Spells.from_frame(data, origin="joined", exit="left", date_format="%m/%d/%Y")


def test_reason_codes_are_not_one_event() -> None:
    data = {"t": [1, 2, 3, 4], "reason": [0, 1, 2, 1]}
    with pytest.raises(xm.DataError, match="0, 1, 2"):
        xm.Spells.from_frame(data, exit="t", event="reason")
    assert xm.Spells.from_frame(data, exit="t", event="reason", censor=0).causes == (1, 2)


def test_timedeltas_are_days_not_nanoseconds() -> None:
    data = pd.DataFrame({"t": pd.to_timedelta([1, 2, 36], unit="h"), "e": [1, 1, 1]})
    assert_allclose(xm.Spells.from_frame(data, exit="t", event="e").exit, [1 / 24, 2 / 24, 1.5])
    assert_allclose(xm.Spells.from_frame(data, exit="t", event="e", unit="h").exit, [1, 2, 36])


def test_frequency_weights_are_not_probability_weights() -> None:
    data = {"t": [1, 2, 3, 4, 5], "e": [1, 1, 0, 1, 1], "x": [0, 1, 1, 0, 1], "w": [3, 1, 2, 2, 4]}
    copies = {k: np.repeat(v, data["w"]) for k, v in data.items()}
    weighted = xm.Cox("x").fit(xm.Spells.from_frame(data, exit="t", event="e", weight="w"))
    repeated = xm.Cox("x").fit(xm.Spells.from_frame(copies, exit="t", event="e"))
    sampled = xm.Cox("x").fit(xm.Spells.from_frame(data, exit="t", event="e", weight="w", weights="sampling"))
    assert_allclose(weighted.estimate, repeated.estimate)
    assert_allclose(weighted.covariance, repeated.covariance)
    assert weighted.nobs == 12
    assert sampled.nobs == 5
    assert sampled.vcov == "robust"
    assert not np.allclose(sampled.covariance, weighted.covariance)


def test_an_early_risk_set_that_empties_is_said() -> None:
    spells = xm.Spells(exit=[2, 9, 8, 7], entry=[0, 3, 3, 3], event=[1, 1, 1, 0])
    curve = xm.KaplanMeier().fit(spells)
    assert "falls to 0 at 2" in curve.warnings[0]
    assert "falls to 0 at 2" in str(curve)
    assert_allclose(xm.KaplanMeier(start=3).fit(spells).estimate, [1, 0.5, 0])


def test_robust_limits_of_a_predicted_curve_are_derivatives() -> None:
    """Infinitesimal jackknife of a predicted hazard against moving each row's sampling weight."""
    rng = np.random.default_rng(3)
    n = 25
    entry = rng.integers(0, 4, n)
    data = {"entry": entry, "exit": entry + rng.integers(1, 7, n), "event": (rng.random(n) < 0.8).astype(int)}
    data |= {"x": rng.normal(size=n), "g": rng.integers(0, 2, n), "w": 1 + rng.random(n)}

    def hazard(weight: np.ndarray) -> Any:
        spells = xm.Spells.from_frame(
            {**data, "w": weight}, entry="entry", exit="exit", event="event", weight="w", weights="sampling"
        )
        return xm.Cox("x + strata(g)", tol=1e-12).fit(spells).predict_cumhaz({"x": [0.7], "g": [1]})

    effects = []
    for row in range(n):
        step = np.eye(n)[row] * 1e-5
        effects.append(data["w"][row] * (hazard(data["w"] + step).estimate - hazard(data["w"] - step).estimate) / 2e-5)
    assert_allclose(hazard(data["w"]).se, np.sqrt(np.sum(np.square(effects), axis=0)), rtol=1e-6)
