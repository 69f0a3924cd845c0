"""Direct binomial regression: no censoring, another program's numbers, variance by moving rows, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import exitmodels as xm
from madeup import as_spells as read
from madeup import two_causes as world


def sequence() -> xm.Spells:
    """Sixty people made by formula: no ties, every fifth censored, every third of the others leaves for reason 2."""
    i = np.arange(1, 61)
    z, g = np.cos(2 * i) + 1, i % 2
    time = -np.log((i * 0.6180339887498949) % 1) / (1 + 0.3 * z + 0.2 * g)
    event = np.where(i % 5 == 0, 0, 1 + (i % 3 == 0))
    return xm.Spells(exit=time, event=event, causes=[1, 2], covariates={"z": z, "g": g})


def test_without_censoring_it_is_logistic_regression() -> None:
    data = world()
    data["event"] = np.where(data.event == 0, 2, data.event)
    left = ((data.event == 1) & (data.exit <= 8)).astype(float)
    peer = sm.GLM(left, sm.add_constant(data[["x", "g"]].to_numpy()), family=sm.families.Binomial()).fit(tol=1e-14)
    fit = xm.DirectBinomial("x + g", event="a", times=8).fit(read(data))
    assert_allclose(fit.estimate, peer.params, rtol=1e-8)
    assert_allclose(fit.covariance, fit.with_vcov("naive").covariance)


def test_timereg_on_a_sequence() -> None:
    """timereg 2.0.5, comp.risk(model="logistic"): least squares, weights known; it stops at about 1e-6."""
    fit = xm.DirectBinomial("z + g", event=1, times=[0.3, 0.6, 1.0], working="constant").fit(sequence())
    first = fit.estimate[0]
    assert_allclose(
        [first, first + fit.estimate[1], first + fit.estimate[2]], [-1.798751, -0.845794, -0.502416], rtol=2e-6
    )
    assert_allclose(fit.estimate[3:], [0.0984603712892, 0.0273609550063], rtol=5e-6)
    one = xm.DirectBinomial("z + g", event=1, times=0.6, working="constant", vcov="naive").fit(sequence())
    assert_allclose(np.diag(one.covariance), [0.322100730984, 0.172881556627, 0.343040653452], rtol=1e-6)


def test_an_intercept_alone_is_aalen_and_johansen() -> None:
    """The weighted share of those who left is the Aalen-Johansen estimate when exits precede censorings."""
    spells = read(world())
    curve = xm.AalenJohansen(causes=["a"]).fit(spells).at(9)
    for working in ("binomial", "constant"):
        fit = xm.DirectBinomial("1", event="a", times=9, link="identity", working=working).fit(spells)
        assert_allclose(fit.estimate, curve.estimate, rtol=1e-9)
        assert_allclose(fit.standard_errors, curve.se, rtol=1e-5)
        assert fit.with_vcov("naive").standard_errors[0] > fit.standard_errors[0]


def test_the_variance_is_that_of_the_estimate_as_a_function_of_the_rows() -> None:
    """Move the weight of a row, weigh and fit again. The martingale form divides by those at risk, the derivative by
    those who remain, so the two agree to the order of one row.
    """
    data = world(400, seed=3)
    model = xm.DirectBinomial("x", event="a", times=9)
    fit = model.fit(read(data))
    moved, step = [], 1e-4
    for i in range(400):
        weight = np.ones(400)
        weight[i] += step
        moved.append((model.fit(read(data, weight=weight, weights="sampling")).estimate - fit.estimate) / step)
    # the two agree to the order of one row, as the docstring says
    assert_allclose(fit.covariance, np.array(moved).T @ np.array(moved), rtol=1e-3)
    naive = fit.with_vcov("naive").covariance
    assert np.abs(naive / fit.covariance - 1).max() > 0.02


def test_censoring_within_groups_and_groups_without_censoring() -> None:
    data = world()
    data.loc[data.g == 1, "event"] = data.event.where(data.event > 0, 2)
    grouped = xm.DirectBinomial("g", event="a", times=8, link="identity", working="constant", censoring="g").fit(
        read(data)
    )
    for g in (0, 1):
        curve = xm.AalenJohansen(causes=["a"]).fit(read(data[data.g == g])).at(8)
        assert_allclose(grouped.predict({"g": [g]}).to_numpy(), curve.estimate.to_numpy()[None], rtol=1e-9)


def test_weights_are_copies() -> None:
    data = world()
    copies = data.loc[data.index.repeat(data.w)]
    model = xm.DirectBinomial("x + g", event="b", times=[5, 10], link="cloglog")
    one, two = model.fit(read(data, weight=data.w)), model.fit(read(copies))
    assert_allclose(one.estimate, two.estimate, rtol=1e-9)
    for kind in ("robust", "naive"):
        assert_allclose(one.with_vcov(kind).covariance, two.with_vcov(kind).covariance, rtol=1e-9)
    alone = model.fit(read(data, cluster=data.index))
    assert_allclose(alone.with_vcov("cluster").covariance, alone.covariance)


def test_order_of_rows_does_not_matter() -> None:
    data = world()
    model = xm.DirectBinomial("x + g", event="a", times=8)
    one, two = model.fit(read(data)), model.fit(read(data.sample(frac=1, random_state=1)))
    assert_allclose(one.estimate, two.estimate)
    assert_allclose(one.covariance, two.covariance)
    assert "OR" in str(one)
    assert "Scheike" in one.cite()


def test_bad_input() -> None:
    spells = read(world())
    with pytest.raises(xm.DataError, match="working='x'"):
        xm.DirectBinomial("x", event="a", times=5, working="x").fit(spells)
    with pytest.raises(xm.DataError, match="tied='x'"):
        xm.DirectBinomial("x", event="a", times=5, tied="x").fit(spells)
    with pytest.raises(xm.DataError, match="observed from 0 to"):
        xm.DirectBinomial("x", event="a", times=500).fit(spells)
    with pytest.raises(xm.DataError, match="2 causes"):
        xm.DirectBinomial("x", times=5).fit(spells)
    with pytest.raises(xm.DataError, match="vcov='corrected'"):
        xm.DirectBinomial("x", event="a", times=5, vcov="corrected").fit(spells)
    late = xm.Spells(exit=[3, 4, 5], entry=[0, 1, 2], event=[1, 1, 1], covariates={"x": [0, 1, 2]})
    with pytest.raises(xm.SchemeError, match="people enter after") as caught:
        xm.DirectBinomial("x", times=4).fit(late)
    assert caught.value.rows == (1, 2)
