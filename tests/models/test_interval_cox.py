"""Proportional hazards for intervals: derivatives, laws, variances, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.innermost import innermost, rank_ends
from exitmodels.kernels.intervalcox import interval_rows, profiled

INF = np.inf


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(31)
    n = 160
    x, z = rng.integers(0, 2, n), rng.normal(size=n)
    entry = np.where(rng.random(n) < 0.3, 6.0, 0.0)
    stay = entry + (rng.exponential(size=n) * np.exp(-0.8 * x + 0.4 * z)) * 40
    seen = entry[:, None] + np.cumsum(np.ceil(rng.exponential(8, (n, 9))), axis=1)
    place = (seen < stay[:, None]).sum(axis=1)
    edges = np.concatenate([entry[:, None], seen, np.full((n, 1), INF)], axis=1)
    lower, upper = edges[np.arange(n), place], edges[np.arange(n), place + 1]
    exact = rng.random(n) < 0.15
    lower, upper = np.where(exact, np.ceil(stay), lower), np.where(exact, np.ceil(stay), upper)
    columns = {"lower": lower, "upper": upper, "entry": entry, "x": x, "z": z, "s": rng.integers(0, 2, n)}
    return pd.DataFrame({**columns, "w": rng.integers(1, 4, n), "c": rng.integers(0, 25, n)})


def read(data, **more):
    return xm.Spells.from_frame(data, lower="lower", upper="upper", entry="entry", **more)


def test_gradient_and_efficient_information_are_those_of_the_profile(frame):
    """The baseline is maximised out at every point, so differences of the value know nothing of how."""
    matrix = frame[["x", "z"]].to_numpy(float)
    lower, upper, entry = (frame[name].to_numpy() for name in ("lower", "upper", "entry"))
    rows = [interval_rows(innermost(rank_ends(lower, upper, entry)), frame.w.to_numpy(float), matrix)]
    beta = np.array([-0.5, 0.2])
    here = profiled(beta, rows)
    assert_allclose(here.scores[0].T @ frame.w, here.gradient, atol=1e-7)

    def value(b):
        return profiled(b, rows).value

    eye = np.eye(2)
    slope = [(value(beta + 1e-4 * e) - value(beta - 1e-4 * e)) / 2e-4 for e in eye]
    assert_allclose(here.gradient, slope, rtol=1e-6)
    size = 1e-3
    bend = [
        [sum(s * t * value(beta + size * (s * e + t * f)) for s in (1, -1) for t in (1, -1)) for e in eye] for f in eye
    ]
    assert_allclose(here.information, -np.array(bend) / (4 * size**2), rtol=1e-5)


def test_with_exact_times_the_fit_is_near_efron():
    people = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    ours, efron = xm.IntervalCox("fin + age + prio").fit(people), xm.Cox("fin + age + prio").fit(people)
    # two conventions for tied weeks that are near, not the same
    assert_allclose(ours.estimate, efron.estimate, atol=0.01 * efron.standard_errors.max())
    # two conventions for tied weeks that are near, not the same
    assert_allclose(ours.standard_errors, efron.standard_errors, rtol=1e-3)


def test_without_covariates_that_matter_the_likelihood_is_turnbulls(frame):
    fit = xm.IntervalCox("x").fit(read(frame))
    assert_allclose(fit.llnull, xm.Turnbull().fit(read(frame)).pieces[0].llf, rtol=1e-12)
    assert fit.llf > fit.llnull


def test_score_test_is_the_finkelstein_test(frame):
    fit = xm.IntervalCox("x").fit(read(frame, weight="w"))
    test = xm.interval_logrank_test(read(frame, weight="w"), "x", scores="finkelstein")
    assert_allclose(fit.tests["score"].statistic, test.statistic, rtol=1e-7)


def test_weight_three_is_three_rows_whatever_the_order(frame):
    copies = frame.loc[frame.index.repeat(frame.w)].sample(frac=1, random_state=1)
    one, two = xm.IntervalCox("x + z").fit(read(frame, weight="w")), xm.IntervalCox("x + z").fit(read(copies))
    assert_allclose(one.estimate, two.estimate, rtol=1e-7)
    assert (one.nobs, one.n_events) == (two.nobs, two.n_events)
    for kind in ("model", "robust", "profile"):
        assert_allclose(one.with_vcov(kind).covariance, two.with_vcov(kind).covariance, rtol=1e-5)


def test_strata_have_baselines_of_their_own(frame):
    """Doubling every time in one stratum changes nothing; the parts' likelihoods add up."""
    fit = xm.IntervalCox("x + strata(s)").fit(read(frame))
    stretched = frame.copy()
    stretched.loc[stretched.s == 1, ["lower", "upper", "entry"]] *= 2
    assert_allclose(xm.IntervalCox("x + strata(s)").fit(read(stretched)).estimate, fit.estimate, rtol=1e-7)
    assert_allclose(xm.IntervalCox("x").fit(read(frame, stratum="s")).estimate, fit.estimate, rtol=1e-9)
    parts = [xm.Turnbull().fit(read(frame[frame.s == s])).pieces[0].llf for s in (0, 1)]
    assert_allclose(fit.llnull, sum(parts), rtol=1e-12)


def test_an_offset_is_a_coefficient_of_one(frame):
    free = xm.IntervalCox("x + z").fit(read(frame))
    given = frame.assign(o=free.params["z"] * frame.z)
    assert_allclose(xm.IntervalCox("x + offset(o)").fit(read(given)).params["x"], free.params["x"], rtol=1e-6)


def test_columns_of_any_size_give_the_same_answer(frame):
    big = frame.assign(z=1e6 + 1e4 * frame.z)
    one, two = xm.IntervalCox("x + z").fit(read(frame)), xm.IntervalCox("x + z").fit(read(big))
    assert_allclose(two.params["z"] * 1e4, one.params["z"], rtol=1e-6)
    assert_allclose(two.bse["z"] * 1e4, one.bse["z"], rtol=1e-6)


def test_variances_agree_where_they_should(frame):
    fit = xm.IntervalCox("x + z").fit(read(frame, cluster="c"))
    model = fit.standard_errors
    # a profile by differences with a step of the order of n ** -0.5
    assert_allclose(fit.with_vcov("profile").standard_errors, model, rtol=1e-3)
    # two estimates of one variance from one sample
    assert_allclose(fit.with_vcov("robust").standard_errors, model, rtol=0.3)
    alone = xm.IntervalCox("x + z").fit(read(frame.assign(c=np.arange(len(frame))), cluster="c"))
    assert_allclose(alone.with_vcov("cluster").covariance, fit.with_vcov("robust").covariance, rtol=1e-9)
    doubled = xm.IntervalCox("x + z", vcov="cluster").fit(
        read(pd.concat([frame.assign(c=np.arange(len(frame)))] * 2), cluster="c")
    )
    assert_allclose(doubled.covariance, fit.with_vcov("robust").covariance, rtol=1e-5)
    sampled = xm.IntervalCox("x + z").fit(read(frame, weight="w", weights="sampling"))
    assert sampled.vcov == "robust"


def test_prints_saves_and_refuses_what_it_no_longer_holds(frame, tmp_path):
    fit = xm.IntervalCox("x + z").fit(read(frame))
    assert "hazard ratio" in str(fit)
    assert "Finkelstein" in fit.cite()
    fit.save(tmp_path / "fit.json")
    again = xm.load(tmp_path / "fit.json")
    assert_allclose(again.covariance, fit.covariance)
    with pytest.raises(xm.DataError, match="needs the data"):
        again.with_vcov("robust")


@pytest.mark.parametrize(
    ("formula", "change", "code"),
    [
        ("x + y", {"y": lambda f: 2 * f.x}, "collinear"),
        ("y", {"y": lambda f: 0 * f.x}, "collinear"),
        ("x", {"upper": lambda f: INF + 0 * f.x, "lower": lambda f: f.lower + 1}, "no-events"),
        ("1", {}, "no-columns"),
    ],
)
def test_what_cannot_be_fitted_is_refused(frame, formula, change, code):
    with pytest.raises(xm.DataError) as caught:
        xm.IntervalCox(formula).fit(read(frame.assign(**change)))
    assert caught.value.code == code


def test_a_monotone_likelihood_is_named():
    spells = xm.Spells(lower=[0, 1, 2, 8, 9, 10], upper=[3, 4, 5, INF, INF, INF], covariates={"x": [1, 1, 1, 0, 0, 0]})
    with pytest.warns(xm.ConvergenceWarning, match="coefficient of x"):
        fit = xm.IntervalCox("x").fit(spells)
    assert not fit.converged
    with pytest.raises(xm.SchemeError):
        xm.IntervalCox("age", event="any").fit(xm.datasets.exits431().spells())
    with pytest.raises(xm.DataError, match="cannot be seen"):
        xm.IntervalCox("x").fit(xm.Spells(lower=[0, 1, 2], upper=[3, 4, INF], covariates={"x": [1, 0, 0]}))
    with pytest.raises(xm.DataError, match="vcov"):
        xm.IntervalCox("x", vcov="hc3").fit(xm.Spells(lower=[0, 1, 2], upper=[3, 4, INF], covariates={"x": [1, 0, 0]}))
