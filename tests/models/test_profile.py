"""Profile-likelihood limits and likelihood-ratio tests of Cox fits, plain and with Firth's penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

import exitmodels as xm

QUANTILE = chi2.isf(0.05, 1)


@pytest.fixture(scope="module")
def rossi() -> xm.Spells:
    return xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")


def test_limits_of_one_column_are_where_its_likelihood_has_fallen() -> None:
    """Two people leave, one from each group of two: l(b) = b - log(2 e^b + 2) - log(e^b + 2), worked out by hand."""
    spells = xm.Spells(exit=[1, 2, 3, 3], event=[1, 1, 0, 0], covariates={"x": [1, 0, 1, 0]})

    def value(b: float) -> float:
        return float(b - np.log(2 * np.exp(b) + 2) - np.log(np.exp(b) + 2))

    best = minimize_scalar(lambda b: -value(b), bounds=(-5, 5), method="bounded", options={"xatol": 1e-12}).x

    def fallen(b: float) -> float:
        return 2 * (value(best) - value(b)) - QUANTILE

    fit = xm.Cox("x").fit(spells)
    assert_allclose(fit.estimate, best, atol=1e-6)
    limits = fit.profile_limits()
    assert_allclose(limits.to_numpy().ravel(), [brentq(fallen, -20, best), brentq(fallen, best, 20)], rtol=1e-8)
    assert_allclose(fit.likelihood_tests().chi2["x"], 2 * (value(best) - value(0)), rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_limits_by_refitting_with_an_offset(rossi: xm.Spells, ties: str) -> None:
    """At each limit the fit of the other columns, the held one an offset, is worse by half the quantile."""
    fit = xm.Cox("fin + age + prio + strata(mar)", ties=ties).fit(rossi)
    limits = fit.profile_limits(["age"], alpha=0.1)
    for b in limits.loc["age"]:
        rest = xm.Cox(f"fin + prio + strata(mar) + offset({b!r} * age)", ties=ties).fit(rossi)
        assert_allclose(2 * (fit.llf - rest.llf), chi2.isf(0.1, 1), rtol=1e-7)
    rest = xm.Cox("fin + prio + strata(mar)", ties=ties).fit(rossi)
    tests = fit.likelihood_tests("age")
    assert_allclose(tests.chi2["age"], 2 * (fit.llf - rest.llf), rtol=1e-7)
    assert_allclose(tests.p["age"], chi2.sf(tests.chi2["age"], 1))


def test_limits_of_effects_that_change_with_time(rossi: xm.Spells) -> None:
    fit = xm.Cox("fin + age", time_varying={"age": "log"}).fit(rossi)
    limits = fit.profile_limits()
    # profile and Wald limits: near in a large sample, not the same
    assert_allclose(limits, fit.conf_int(), atol=0.1 * fit.bse.max())
    test = fit.likelihood_tests("age:log(t)").chi2.iloc[0]
    assert_allclose(test, 2 * (fit.llf - xm.Cox("fin + age").fit(rossi).llf), rtol=1e-6)


def test_copies_order_late_entry_and_units_change_no_limit() -> None:
    rng = np.random.default_rng(5)
    n = 40
    entry, stay, x = rng.integers(0, 5, n), rng.integers(1, 9, n), rng.normal(size=(n, 2))
    w, left = rng.integers(1, 4, n), rng.random(n) < 0.7
    columns = {"x": x[:, 0], "z": x[:, 1]}

    def limits(rows: Any, weight: Any = None, factor: float = 1.0) -> np.ndarray:
        held = {"x": columns["x"][rows] * factor, "z": columns["z"][rows]}
        spells = xm.Spells(
            exit=(entry + stay)[rows], entry=entry[rows], event=left[rows], weight=weight, covariates=held
        )
        return xm.Cox("x + z").fit(spells).profile_limits().to_numpy()

    whole = limits(np.arange(n), w)
    turned = rng.permutation(n)
    assert_allclose(limits(turned, w[turned]), whole, rtol=1e-8)
    assert_allclose(limits(np.repeat(np.arange(n), w)), whole, rtol=1e-8)
    assert_allclose(limits(np.arange(n), w, 1e5)[0] * 1e5, whole[0], rtol=1e-7)


def test_large_samples_bring_profile_and_wald_limits_together(rossi: xm.Spells) -> None:
    fit = xm.Cox("fin + age + prio").fit(rossi)
    # profile and Wald limits: near in a large sample, not the same
    assert_allclose(fit.profile_limits(), fit.conf_int(), atol=0.012)
    ratios = fit.hazard_ratios(method="profile")
    assert_allclose(ratios[["low", "high"]], np.exp(fit.conf_int(method="profile")))
    assert fit.profile_limits("fin").index.tolist() == ["fin"]


def test_a_monotone_likelihood_has_one_infinite_limit() -> None:
    spells = xm.Spells(
        exit=[1, 2, 3, 4, 5, 6],
        event=[1, 1, 1, 0, 0, 1],
        covariates={"x": [1, 1, 1, 0, 0, 0], "z": [0, 1, 0, 1, 0, 1], "y": [-1e4, -1e4, -1e4, 0, 0, 0]},
    )
    with pytest.warns(xm.ConvergenceWarning, match="coefficient of x grows"):
        fit = xm.Cox("x + z").fit(spells)
    limits = fit.profile_limits()
    assert limits.high["x"] == np.inf
    assert 0 < limits.low["x"] < 2
    rest = xm.Cox(f"z + offset({limits.low['x']!r} * x)", ties="efron").fit(spells)
    assert_allclose(2 * (fit.llf - rest.llf), QUANTILE, rtol=1e-5)
    assert np.isfinite(limits.loc["z"]).all()
    with pytest.warns(xm.ConvergenceWarning):
        turned = xm.Cox("y").fit(spells).profile_limits()
    assert turned.low["y"] == -np.inf
    assert -1e-3 < turned.high["y"] < 0


def test_limits_with_firths_penalty() -> None:
    """One column: log likelihood plus half the log of its information, by hand; finite though it is monotone."""
    spells = xm.Spells(exit=[1, 2, 3, 4], event=[1, 1, 0, 0], covariates={"x": [1, 1, 0, 0]})

    def value(b: float) -> float:
        r = np.exp(b)
        plain = 2 * b - np.log(2 * r + 2) - np.log(r + 2)
        information = r / (r + 1) ** 2 + 2 * r / (r + 2) ** 2
        return float(plain + 0.5 * np.log(information))

    best = minimize_scalar(lambda b: -value(b), bounds=(-5, 9), method="bounded", options={"xatol": 1e-12}).x
    fit = xm.Cox("x", penalty="firth").fit(spells)
    assert_allclose(fit.estimate, best, atol=1e-6)
    ends = [brentq(lambda b: 2 * (value(best) - value(b)) - QUANTILE, *side) for side in ((-20, best), (best, 30))]
    assert_allclose(fit.conf_int(method="profile").to_numpy().ravel(), ends, rtol=1e-7)
    assert_allclose(fit.likelihood_tests().chi2["x"], 2 * (value(best) - value(0)), rtol=1e-7)


def test_the_test_of_a_firth_fit_keeps_the_penalty_of_all_columns(rossi: xm.Spells) -> None:
    """Heinze & Schemper (2001): at b = 0 the determinant is still that of both columns."""
    from scipy.optimize import minimize

    from exitmodels.kernels.firth import firth_terms

    few = rossi.select(np.arange(60))
    fit = xm.Cox("fin + age", penalty="firth").fit(few)
    assert fit.fitted is not None
    data = fit.fitted.data
    top = firth_terms(fit.estimate * fit.scale, data).value
    held = minimize(lambda b: -firth_terms(np.array([0.0, b[0]]), data).value, [0.0], options={"gtol": 1e-9})
    assert_allclose(fit.likelihood_tests("fin").chi2["fin"], 2 * (top + held.fun), rtol=1e-6)


def test_profiles_are_refused_without_a_likelihood_of_independent_rows(rossi: xm.Spells) -> None:
    data = xm.datasets.rossi().assign(w=1.5, town=lambda d: d.age % 7)
    sampled = xm.Spells.from_frame(data, exit="week", event="arrest", weight="w", weights="sampling")
    clustered = xm.Spells.from_frame(data, exit="week", event="arrest", cluster="town")
    fits = [
        xm.Cox("fin").fit(sampled),
        xm.Cox("fin", vcov="model").fit(sampled),
        xm.Cox("fin", vcov="cluster").fit(clustered),
        xm.Cox("fin", penalty="ridge", strength=0.1).fit(rossi),
    ]
    for fit in fits:
        with pytest.raises(xm.DataError, match="independent rows") as caught:
            fit.profile_limits()
        assert caught.value.code == "profile"


def test_profiles_that_make_no_sense(rossi: xm.Spells) -> None:
    fit = xm.Cox("fin + age").fit(rossi)
    with pytest.raises(xm.DataError, match="No coefficient is called 'height'"):
        fit.profile_limits("height")
    with pytest.raises(xm.DataError, match="not between 0 and 1"):
        fit.profile_limits(alpha=5)
    with pytest.raises(xm.DataError, match="wald or profile"):
        fit.conf_int(method="exact")


def test_saved_fits_have_no_profile(rossi: xm.Spells, tmp_path: Any) -> None:
    xm.Cox("fin").fit(rossi).save(tmp_path / "fit.json")
    with pytest.raises(xm.DataError, match="a saved result does not hold"):
        xm.load(tmp_path / "fit.json").profile_limits()
