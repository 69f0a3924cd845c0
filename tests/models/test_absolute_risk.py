"""Absolute risks and standardised curves: closed forms, laws, and influence measured by moving each weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from support import agree

N = 50
TIMES = [5.0, 8.0]


def world(weight: Any = None, seed: int = 0, n: int = N, **more: Any) -> xm.Spells:
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 5, n)
    return xm.Spells(
        exit=entry + rng.integers(1, 10, n),
        event=rng.integers(0, 3, n),
        entry=entry,
        weight=weight,
        covariates={"x": rng.normal(size=n), "z": rng.integers(0, 2, n), "s": rng.integers(0, 2, n)},
        causes=["a", "b"],
        **more,
    )


def numbers(answer: Any) -> np.ndarray:
    return np.asarray(answer.estimate if hasattr(answer, "quantity") else answer.at(TIMES).estimate)


NEW = {"x": [0.5], "z": [1], "s": [0]}
ASKED: dict[str, Callable[[xm.Spells], Any]] = {
    "risk": lambda s: xm.CauseSpecificCox({"a": "x + z + strata(s)", "b": "x"}).fit(s).predict_incidence(NEW),
    "risk, exponential": lambda s: (
        xm.CauseSpecificCox("x + z", ties="breslow").fit(s).predict_incidence(NEW, survival="exponential")
    ),
    "risk from day 3": lambda s: xm.CauseSpecificCox("x").fit(s).predict_incidence(NEW, causes="b", start=3),
    "survival": lambda s: xm.Cox("x + z + strata(s)", event="any").fit(s).standardised_survival({"z": [0, 1]}, TIMES),
    "incidence": lambda s: (
        xm.CauseSpecificCox({"a": "x + z + strata(s)", "b": "x + z"})
        .fit(s)
        .standardised_incidence({"z": [0, 1]}, TIMES, "a")
    ),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("clusters", [False, True])
def test_robust_limits_are_the_derivative_by_weights(name: str, clusters: bool) -> None:
    """Moving the weight of each row, alone or with its cluster, moves the answer by its influence."""
    ask = ASKED[name]
    group = np.arange(N) // 2 if clusters else np.arange(N)
    more: dict[str, Any] = {"weights": "sampling", "cluster": group if clusters else None}
    answer = ask(world(np.ones(N), **more))
    if clusters:
        spells = world(np.ones(N), **more)
        answer = _by_cluster(name, spells)
    step = 1e-4
    moved = np.stack(
        [
            (
                numbers(ask(world(np.ones(N) + step * (group == i), **more)))
                - numbers(ask(world(np.ones(N) - step * (group == i), **more)))
            )
            / (2 * step)
            for i in range(group.max() + 1)
        ]
    )
    if hasattr(answer, "quantity"):
        assert_allclose(answer.covariance, np.einsum("ima,imb->mab", moved, moved), rtol=1e-5)
    else:
        assert_allclose(answer.at(TIMES).se, np.sqrt((moved**2).sum(axis=0)), rtol=1e-6)


def _by_cluster(name: str, spells: xm.Spells) -> Any:
    if name == "risk":
        fit: Any = xm.CauseSpecificCox({"a": "x + z + strata(s)", "b": "x"}, vcov="cluster").fit(spells)
        return fit.predict_incidence(NEW)
    if name == "risk, exponential":
        fit = xm.CauseSpecificCox("x + z", ties="breslow", vcov="cluster").fit(spells)
        return fit.predict_incidence(NEW, survival="exponential")
    if name == "risk from day 3":
        fit = xm.CauseSpecificCox("x", vcov="cluster").fit(spells)
        return fit.predict_incidence(NEW, causes="b", start=3)
    if name == "survival":
        fit = xm.Cox("x + z + strata(s)", event="any", vcov="cluster").fit(spells)
        return fit.standardised_survival({"z": [0, 1]}, TIMES)
    fit = xm.CauseSpecificCox({"a": "x + z + strata(s)", "b": "x + z"}, vcov="cluster").fit(spells)
    return fit.standardised_incidence({"z": [0, 1]}, TIMES, "a")


def test_without_covariates_it_is_aalen_johansen() -> None:
    spells = world()
    curve = xm.CauseSpecificCox("1", ties="breslow").fit(spells).predict_incidence({"x": [0]})
    observed = xm.AalenJohansen().fit(spells)
    for cause in ("a", "b"):
        ours = curve[{"cause": cause}] if hasattr(curve, "__getitem__") else curve
        theirs = observed[{"cause": cause}]
        assert_allclose(ours.at(TIMES).estimate, theirs.at(TIMES).estimate, rtol=1e-12)


def test_risks_and_survival_add_to_one() -> None:
    fit = xm.CauseSpecificCox("x + z").fit(world())
    curve = fit.predict_incidence(NEW)
    stays = fit.predict_survival(NEW)
    assert_allclose(curve.at(8).estimate.sum() + stays[stays.time <= 8].estimate.iloc[-1], 1, rtol=1e-12)


def test_one_cause_alone_is_one_minus_survival() -> None:
    spells = world().for_cause("any")
    risk = xm.CauseSpecificCox("x").fit(spells).predict_incidence(NEW, survival="exponential")
    # exp of minus the hazard before each increment, times the increment: the left Riemann sum of 1 - S
    hazard = xm.Cox("x").fit(spells).predict_cumhaz(NEW)
    steps = np.diff(np.append(0, hazard.estimate))
    assert_allclose(risk.estimate, np.cumsum(np.exp(-(hazard.estimate - steps)) * steps), rtol=1e-12)


def test_weights_count_copies() -> None:
    copies = np.random.default_rng(3).integers(1, 4, N)
    weighted, plain = world(copies), world().select(np.repeat(np.arange(N), copies))
    for vcov in ("model", "robust"):
        a, b = (xm.CauseSpecificCox("x + z", vcov=vcov).fit(s) for s in (weighted, plain))
        for one, two in ((a.predict_incidence(NEW), b.predict_incidence(NEW)),):
            assert_allclose(one.se, two.se, rtol=1e-9)
        one, two = (f.standardised_incidence({"z": [0, 1]}, TIMES, "b") for f in (a, b))
        assert_allclose(one.estimate, two.estimate, rtol=1e-10)
        assert_allclose(one.covariance, two.covariance, rtol=1e-8)


def test_model_variance_of_standardised_survival_of_one_person_is_that_of_the_curve() -> None:
    fit = xm.Cox("x + z", event="any").fit(world())
    one = fit.standardised_survival({"z": [1]}, TIMES, over={"x": [0.5], "z": [0]}, target="sample")
    assert_allclose(one.se[:, 0], fit.predict_survival(NEW).at(TIMES).se, rtol=1e-10)
    cause = xm.CauseSpecificCox("x + z").fit(world())
    over = {"x": [0.5], "z": [0]}
    one = cause.standardised_incidence({"z": [1]}, TIMES, "b", over=over, target="sample")
    assert_allclose(one.se[:, 0], cause.predict_incidence(NEW, causes="b").at(TIMES).se, rtol=1e-10)


def test_standardised_survival_with_an_effect_that_changes() -> None:
    """Average of the predicted curves; its variance from their numerical derivatives by coefficients and steps."""
    spells = world()
    fit = xm.Cox("x + z", event="any", time_varying={"z": "identity"}).fit(spells)
    answer = fit.standardised_survival({"z": [0, 1]}, TIMES, target="sample")
    for value, ours in ((0, answer.estimate[:, 0]), (1, answer.estimate[:, 1])):
        new = {"x": spells.columns["x"].values, "z": np.full(N, value)}
        slow = fit.predict_survival(new).at(TIMES).groupby("time").estimate.mean()
        assert_allclose(ours, slow, rtol=1e-12)
    one = fit.standardised_survival({"z": [1]}, TIMES, over={"x": [0.5], "z": [0]}, target="sample")
    assert_allclose(one.se[:, 0], fit.predict_survival(NEW).at(TIMES).se, rtol=1e-9)


def test_absolute_risk_of_mgus2(reference: Any) -> None:
    """Estimates as riskRegression's.

    Its standard errors differ by up to 1.6 %: its influence function of the coefficients counts a tie of several
    exits once, so that it is not the derivative by weights that the test above measures. Without ties, and with
    the exponential form, the two programs agree to ten digits.
    """
    stored = reference("survival/csc_absrisk_mgus2")["results"]
    spells = xm.Spells.from_frame(
        reference.csv("survival/mgus2_fg.csv"), exit="etime", event="event", censor=0, missing="drop"
    )
    fit = xm.CauseSpecificCox("age + male + mspike", vcov="robust").fit(spells)
    agree(fit[1].estimate, stored["coef1"])
    agree(fit[2].estimate, stored["coef2"])
    new, times = {"age": [60, 80], "male": [0, 1], "mspike": [1, 2]}, [24, 60, 120, 240]
    for survival, name in (("exponential", "exp"), ("product-limit", "prodlim")):
        at = fit.predict_incidence(new, causes=1, survival=survival).at(times)
        agree(at.estimate.to_numpy().reshape(2, 4), stored[f"risk_{name}"])
        # not ours to reach: the reason stands in the docstring
        agree(at.se.to_numpy().reshape(2, 4), stored[f"se_{name}"], rtol=0.017)
    at = fit.predict_incidence(new, causes=2).at(times)
    agree(at.estimate.to_numpy().reshape(2, 4), stored["risk_cause2_prodlim"])


def test_standardised_survival_of_lung(reference: Any) -> None:
    stored = reference("survival/adjusted_curves_lung")["results"]
    data = reference.csv("survival/lung_cc2.csv")
    fit = xm.Cox("age + sex + `ph.ecog`").fit(xm.Spells.from_frame(data, exit="time", event="status", censor=1))
    answer = fit.standardised_survival({"sex": [1, 2]}, stored["times"])
    agree(answer.estimate, stored["gformula"], 1e-7)
    for sex in (1, 2):
        own = fit.standardised_survival({"sex": [sex]}, stored["times"], over=data[data.sex == sex])
        agree(own.estimate[:, 0], np.asarray(stored["survexp_ederer"])[:, sex - 1], 1e-7)


@pytest.mark.parametrize(
    ("ask", "match"),
    [
        (lambda f: f.standardised_survival({"q": [1]}, [5]), "no column"),
        (lambda f: f.standardised_survival({"z": [0, 1], "x": [1]}, [5]), "one length"),
        (lambda f: f.standardised_survival({"z": [0, 1]}, [500]), "last time observed"),
        (lambda f: f.standardised_survival({"z": [0]}, [5], target="all"), "not known"),
    ],
)
def test_bad_questions(ask: Any, match: str) -> None:
    with pytest.raises(xm.DataError, match=match):
        ask(xm.Cox("x + z", event="any").fit(world()))


def test_causes_and_formulas_must_match() -> None:
    with pytest.raises(xm.DataError, match="formulas are for"):
        xm.CauseSpecificCox({"a": "x"}).fit(world())
    fit = xm.CauseSpecificCox("x").fit(world())
    with pytest.raises(xm.DataError, match="not a cause"):
        fit["c"]
    with pytest.raises(xm.DataError, match="not a cause"):
        fit.predict_incidence(NEW, causes="c")
    assert "a" in str(fit)
    assert fit.tidy().shape[0] == 2


def test_cause_specific_fits_are_saved_and_read(tmp_path: Any) -> None:
    fit = xm.CauseSpecificCox("x + z").fit(world())
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    a, b = (f.predict_incidence(NEW) for f in (fit, again))
    assert_allclose(a.se, b.se)
