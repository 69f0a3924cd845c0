"""Regression of the restricted mean stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm


@pytest.fixture
def world() -> pd.DataFrame:
    rng = np.random.default_rng(23)
    n = 120
    columns = {
        "t": rng.integers(1, 30, n),
        "e": rng.integers(0, 2, n),
        "x": rng.normal(size=n),
        "g": rng.integers(0, 2, n),
    }
    return pd.DataFrame({**columns, "w": rng.integers(1, 4, n), "c": rng.integers(0, 20, n)})


def read(data: pd.DataFrame, **more: object) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="t", event="e", **more)


@pytest.mark.parametrize("link", ["identity", "log"])
@pytest.mark.parametrize("outcome", ["stay", "lost"])
def test_groups_alone_give_the_areas_under_their_curves(world: pd.DataFrame, link: str, outcome: str) -> None:
    """With a censoring law for each group, the weighted mean of a group is its Kaplan-Meier area, ties or not."""
    spells = read(world)
    fit = xm.RMSTRegression("g", tau=20, link=link, outcome=outcome, censoring="g").fit(spells)
    areas = xm.KaplanMeier(by="g").fit(spells).rmst(20).estimate.to_numpy()
    areas = areas if outcome == "stay" else 20 - areas
    assert_allclose(fit.predict({"g": [0, 1]})[20.0], areas, rtol=1e-10)
    assert_allclose(fit.get_prediction({"g": [0, 1]}).summary_frame().estimate, areas, rtol=1e-10)
    plain = xm.rmst_difference(spells, "g", 20, variance="robust")
    # two variances that agree to the order of one over n
    assert_allclose(xm.RMSTRegression("g", tau=20, censoring="g").fit(spells).bse["g"], plain.bse.iloc[0], rtol=2e-3)


@pytest.mark.parametrize("link", ["identity", "log"])
def test_copies_order_units_and_scales(world: pd.DataFrame, link: str) -> None:
    model = xm.RMSTRegression("x + g", tau=20, link=link, censoring="g")
    copies = world.loc[world.index.repeat(world.w)]
    one = model.fit(read(world, weight="w"))
    for other in (copies, copies.sample(frac=1, random_state=2)):
        two = model.fit(read(other))
        assert_allclose(one.params, two.params, rtol=1e-8)
        assert_allclose(one.covariance, two.covariance, rtol=1e-7, atol=1e-12)
    sampled = model.fit(read(world, weight="w", weights="sampling"))
    clustered = model.fit(read(copies.assign(c=copies.index), cluster="c")).with_vcov("cluster")
    assert_allclose(sampled.covariance, clustered.covariance, rtol=1e-7, atol=1e-12)
    moved = model.fit(read(world.assign(x=1000 * world.x + 5), weight="w"))
    assert_allclose(moved.params["x"] * 1000, one.params["x"], rtol=1e-7)


def test_the_influence_of_a_row_by_its_definition(world: pd.DataFrame) -> None:
    """Residual part, plus the integral of what is left over those left by the row's censoring martingale."""
    data = world.assign(t=world.t + np.random.default_rng(0).random(len(world)))
    fit = xm.RMSTRegression("x", tau=20).fit(read(data))
    y, cut = np.minimum(data.t, 20).to_numpy(), ((data.e == 0) & (data.t < 20)).to_numpy()
    g = np.array([np.prod([1 - 1 / np.sum(y >= c) for c in y[cut] if c < t]) for t in y])
    matrix = np.column_stack([np.ones(len(y)), data.x])
    mean = matrix @ fit.params.to_numpy()
    part = matrix * (np.where(cut, 0, 1 / g) * (y - mean))[:, None]
    assert_allclose(part.sum(axis=0), 0, atol=1e-8)
    rows = []
    for i in range(len(y)):
        own = part[i].copy()
        if cut[i]:
            own += part[y >= y[i]].sum(axis=0) / np.sum(y >= y[i])
        for c in y[cut & (y <= y[i])]:
            own -= part[y >= c].sum(axis=0) / np.sum(y >= c) ** 2
        rows.append(own)
    bread = np.linalg.inv(matrix.T @ matrix)
    meat = np.array(rows).T @ np.array(rows)
    assert_allclose(fit.covariance, bread @ meat @ bread, rtol=1e-8)
    naive = fit.with_vcov("naive").covariance
    assert_allclose(naive, bread @ part.T @ part @ bread, rtol=1e-8)


def test_without_censoring_it_is_least_squares(world: pd.DataFrame) -> None:
    import statsmodels.api as sm

    fit = xm.RMSTRegression("x + g", tau=15).fit(read(world.assign(e=1)))
    matrix = sm.add_constant(world[["x", "g"]])
    ols = sm.OLS(np.minimum(world.t, 15), matrix).fit(cov_type="HC0")
    assert_allclose(fit.params, ols.params, rtol=1e-9)
    assert_allclose(fit.bse, ols.bse, rtol=1e-9)
    poisson = sm.GLM(np.minimum(world.t, 15), matrix, family=sm.families.Poisson()).fit(cov_type="HC0", tol=1e-12)
    log = xm.RMSTRegression("x + g", tau=15, link="log").fit(read(world.assign(e=1)))
    assert_allclose(log.params, poisson.params, rtol=1e-8)
    assert_allclose(log.bse, poisson.bse, rtol=1e-7)


def test_what_is_refused(world: pd.DataFrame, tmp_path: Path) -> None:
    spells = read(world, cluster="c")
    for wrong, words in (
        ({"tau": 99}, "beyond 29"),
        ({"tau": 0}, "not positive"),
        ({"link": "logit"}, "link='logit'"),
        ({"vcov": "hac"}, "vcov='hac'"),
        ({"tied": "x"}, "tied='x'"),
        ({"formula": "x + strata(g)"}, "no meaning here"),
        ({"formula": "x + I(2 * x)"}, "x"),
    ):
        with pytest.raises(xm.DataError, match=words):
            xm.RMSTRegression(**{"formula": "x", "tau": 20, **wrong}).fit(spells)
    with pytest.raises(xm.SchemeError, match="enter after time 0"):
        xm.RMSTRegression("x", tau=20).fit(spells.landmark(3))
    assert xm.RMSTRegression("x", tau=15).fit(spells.landmark(3, reset=True)).nobs < len(spells)
    with pytest.raises(xm.DataError, match="Nobody left"):
        xm.RMSTRegression("x", tau=20).fit(read(world.assign(e=0)))
    with pytest.raises(xm.DataError, match="needs clusters"):
        xm.RMSTRegression("x", tau=20, vcov="cluster").fit(read(world))
    fit = xm.RMSTRegression("x + cluster(c)", tau=20).fit(spells)
    assert fit.vcov == "cluster"
    assert_allclose(fit.covariance, xm.RMSTRegression("x", tau=20, vcov="cluster").fit(spells).covariance)
    fit.save(tmp_path / "fit.json")
    back = xm.load(tmp_path / "fit.json")
    assert str(back) == str(fit)
    with pytest.raises(xm.DataError, match="does not hold"):
        back.with_vcov("robust")
    assert "Tian" in fit.cite()
