"""Parametric likelihoods under truncation against independent programs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.hazardlaws import Pieces
from exitmodels.kernels.windowclimb import climb
from exitmodels.kernels.windowhazards import WindowData, evaluate
from support import agree, numbers

CAUSES = ["one", "two", "three"]


def window_431(reference):
    data = reference.csv("survival/exit_window_a.csv")
    return xm.Spells(
        exit=data["T"],
        event=data["reason"],
        causes=CAUSES,
        left_limit=data["U"],
        right_limit=data["V"],
        covariates={"x": data["x"], "since": 300.0 - data["join"]},
    )


MODEL = xm.ExitWindow(
    {"one": "x", "two": "1", "three": "1"},
    policy="since",
    touches={"policy": ["one", "two"]},
    common=["policy"],
    hazard="exponential",
)
ORDER = ["one: log rate", "two: log rate", "three: log rate", "policy", "one: x"]


def test_exit_window_431(reference):
    """The sign that flips: naive +0.38, doubly truncated -0.91."""
    case = reference("survival/exit_window_431")["results"]
    ours, naive = case["ml_double_truncated"], case["ml_naive_left_truncated_only"]
    fit = MODEL.fit(window_431(reference))
    agree(fit.llf, ours["loglik"], 1e-12)
    agree(fit.params[ORDER], ours["par"], 1e-8)
    agree(fit.bse[ORDER], ours["se"], 1e-7)
    agree(fit.cov_params().loc[ORDER, ORDER], ours["var"], 1e-6, atol=1e-9)
    table = fit.compare_naive().loc[ORDER]
    agree(table["naive"], naive["par"], 1e-6)
    agree(table["naive se"], naive["se"], 1e-6)
    assert table["naive"]["policy"] > 0.3
    assert table["estimate"]["policy"] < -0.9


def as_scale(fit):
    """Log shape and log scale of the usual form, with their covariance."""
    rate, shape = fit.params["log rate"], fit.params["log shape"]
    turn = np.array([[0, 1], [-1 / np.exp(shape), rate / np.exp(shape)]])
    place = [fit.names.index("log rate"), fit.names.index("log shape")]
    covariance = fit.covariance[np.ix_(place, place)]
    return np.array([shape, -rate / np.exp(shape)]), turn @ covariance @ turn.T


@pytest.mark.parametrize(
    ("name", "key", "table", "columns"),
    [
        ("exit_window_independent", "weibull", "exit_window_indep", ("T", "U", "V")),
        ("dt_parametric", "weibull_child", "child_cancer_o", None),
    ],
)
def test_doubly_truncated_weibull(reference, name, key, table, columns):
    case, data = reference(f"survival/{name}")["results"][key], reference.csv(f"survival/{table}.csv")
    time, left, right = columns or ("X", "U", "V")
    spells = xm.Spells(exit=data[time], left_limit=data[left], right_limit=data[right])
    fit = xm.ParametricSpells(hazard="weibull").fit(spells)
    made, covariance = as_scale(fit)
    agree(fit.llf, case["loglik"], 1e-11)
    agree(made, case["par"], 1e-7)
    agree(covariance, case["var"], 1e-5)
    assert fit.converged


def test_grouped_days(reference):
    """Whole days as intervals: the exit lies between the day before and the day itself."""
    case = reference("survival/exit_window_independent")["results"]["weibull_grouped_days"]
    data = reference.csv("survival/exit_window_indep.csv")
    spells = xm.Spells(lower=data["T"] - 1, upper=data["T"], left_limit=data["U"], right_limit=data["V"])
    fit = xm.ParametricSpells().fit(spells)
    made, covariance = as_scale(fit)
    agree(fit.llf, case["loglik"], 1e-10)
    agree(made, case["par"], 1e-5)
    agree(covariance, case["var"], 1e-5)


def test_right_truncated_aids(reference):
    """Children have a maximum; adults have none, and are refused a number in so many words."""
    case, data = reference("survival/right_truncated_parametric_aids")["results"], reference.csv("survival/aids_km.csv")
    child = data[data["adult"] == 0]
    fit = xm.ParametricSpells().fit(xm.Spells(exit=child["induct"], right_limit=8 - child["infect"]))
    made, covariance = as_scale(fit)
    agree(fit.llf, case["children_weibull"]["loglik"], 1e-11)
    agree(made, case["children_weibull"]["par"], 1e-7)
    agree(covariance, case["children_weibull"]["var"], 1e-6)
    adult = data[data["adult"] == 1]
    with pytest.warns(xm.ConvergenceWarning, match=r"along log rate\..*not their level"):
        fit = xm.ParametricSpells().fit(xm.Spells(exit=adult["induct"], right_limit=8 - adult["infect"]))
    assert not fit.converged
    agree(fit.llf, case["adults_power_law"]["loglik"], 1e-9)
    agree(fit.params["log shape"], case["adults_power_law"]["log_k"], 1e-6)


def test_left_truncated_and_interval_censored(reference):
    case = reference("survival/parametric_lt_ic")["results"]["weibull"]
    data = reference.csv("survival/lt_ic_sim.csv")
    spells = xm.Spells(lower=data["left"], upper=data["right"], entry=data["entry"], covariates={"x": data["x"]})
    fit = xm.ParametricSpells("x").fit(spells)
    shape, scale = as_scale(fit)[0]
    agree(fit.llf, case["loglik"], 1e-11)
    agree([shape, scale, -fit.params["x"] / np.exp(shape)], case["par"], 1e-6)


def test_unknown_causes_have_the_fixed_point_of_em(reference):
    """Piecewise hazards, censored stays, every fourth cause masked: the EM of Dinse (1982) in closed form."""
    case, data = reference("survival/masked_cause_piecewise")["results"], reference.csv("survival/melanoma_masked.csv")
    n, pieces = len(data), Pieces(np.array(case["cuts"], dtype=float))
    code = data["status_obs"].map({0: 0, 1: 1, 2: 2, 9: -1}).to_numpy()
    rows = WindowData(
        begin=np.zeros(n),
        end=data["time"].to_numpy(float),
        upper=None,
        close=np.full(n, np.inf),
        cause=code,
        weight=np.ones(n),
        offset=np.zeros(n),
        matrices=(np.empty((n, 0)),) * 2,
        laws=(pieces, pieces),
        changes=np.empty((0, n)),
        touches=np.ones((2, 0), dtype=bool),
        combine=np.eye(8),
    )
    found = climb(lambda at: evaluate(rows, at), [np.full(8, -9.0)], np.eye(8), 100)
    assert found.converged
    assert_allclose(np.exp(found.at[:4]), case["lambda1"], rtol=1e-8)
    assert_allclose(np.exp(found.at[4:]), case["lambda2"], rtol=1e-8)
    assert evaluate(replace(rows, weight=2 * rows.weight), found.at).value == pytest.approx(2 * found.surface.value)


# ---- families ----------------------------------------------------------------------------------------------------
# Standard errors of the flexsurv cases come from a numerical Hessian that is good to two or three digits (ours agree
# with a Richardson extrapolation of the same likelihood to seven): they are compared where the case computed them well.
def test_doubly_truncated_lognormal_and_normal(reference):
    case = reference("survival/dt_parametric")["results"]
    child, quasars = reference.csv("survival/child_cancer_o.csv"), reference.csv("survival/quasars.csv")
    spells = xm.Spells(exit=child["X"], left_limit=child["U"], right_limit=child["V"])
    fit = xm.ParametricSpells(hazard="lognormal").fit(spells)
    agree(fit.llf, case["lognormal_child"]["loglik"], 1e-11)
    agree(fit.estimate, case["lognormal_child"]["par"], 1e-7)
    agree(fit.covariance, case["lognormal_child"]["var"], 1e-5)
    limits = {"left_limit": np.exp(quasars["u"]), "right_limit": np.exp(quasars["v"])}
    fit = xm.ParametricSpells(hazard="lognormal").fit(xm.Spells(exit=np.exp(quasars["y"]), **limits))
    agree(fit.llf + quasars["y"].sum(), case["normal_quasars"]["loglik"], 1e-11)
    agree(fit.estimate, case["normal_quasars"]["par"], 1e-7)
    agree(fit.covariance, case["normal_quasars"]["var"], 1e-5)


def test_independent_lognormal(reference):
    case, data = (
        reference("survival/exit_window_independent")["results"],
        reference.csv("survival/exit_window_indep.csv"),
    )
    fit = xm.ParametricSpells(hazard="lognormal").fit(
        xm.Spells(exit=data["T"], left_limit=data["U"], right_limit=data["V"])
    )
    agree(fit.llf, case["lognormal"]["loglik"], 1e-11)
    agree(fit.estimate, case["lognormal"]["par"], 1e-7)


def test_right_truncated_gamma(reference):
    case, data = reference("survival/flexsurvrtrunc_sim")["results"], reference.csv("survival/rtrunc_sim.csv")
    fit = xm.ParametricSpells(hazard="gamma").fit(xm.Spells(exit=data["t"], right_limit=data["rtrunc"]))
    case = case["conditional"]
    agree(fit.llf, case["loglik"], 1e-11)
    agree([fit.params["log shape"], -fit.params["log scale"]], case["par"], 1e-7)
    agree(fit.bse[["log shape", "log scale"]], case["se"], 1e-6)


def test_right_truncated_lognormal_of_children(reference):
    case, data = reference("survival/right_truncated_parametric_aids")["results"], reference.csv("survival/aids_km.csv")
    child = data[data["adult"] == 0]
    spells = xm.Spells(exit=child["induct"], right_limit=8 - child["infect"])
    fit = xm.ParametricSpells(hazard="lognormal").fit(spells)
    agree(fit.llf, case["children_lognormal"]["loglik"], 1e-11)
    agree(fit.estimate, case["children_lognormal"]["par"], 1e-6)
    agree(fit.covariance, case["children_lognormal"]["var"], 1e-6)


@pytest.mark.parametrize("hazard", ["gamma", "loglogistic", "lognormal", "exponential", "piecewise", "spline"])
def test_adults_have_no_maximum_under_any_of_these_laws(reference, hazard):
    """Every family that has power laws as a limit, and the constant hazard whose best rate is zero."""
    case, data = reference("survival/right_truncated_parametric_aids")["results"], reference.csv("survival/aids_km.csv")
    adult = data[data["adult"] == 1]
    spells = xm.Spells(exit=adult["induct"], right_limit=8 - adult["infect"])
    with pytest.warns(xm.ConvergenceWarning, match="has no maximum"):
        fit = xm.ParametricSpells(hazard=hazard).fit(spells)
    assert not fit.converged
    if hazard in ("gamma", "loglogistic"):
        agree(fit.llf, case["adults_power_law"]["loglik"], 1e-8)
        # the other parameter runs off, and this one is at its limit only in the end
        agree(fit.params["log shape"], case["adults_power_law"]["log_k"], 1e-4)


def test_left_truncated_and_interval_censored_lognormal(reference):
    case = reference("survival/parametric_lt_ic")["results"]["lognormal"]
    data = reference.csv("survival/lt_ic_sim.csv")
    spells = xm.Spells(lower=data["left"], upper=data["right"], entry=data["entry"], covariates={"x": data["x"]})
    fit = xm.ParametricSpells("x", hazard="lognormal").fit(spells)
    agree(fit.llf, case["loglik"], 1e-11)
    agree(fit.estimate, case["par"], 1e-6)
    agree(fit.covariance, case["var"], 1e-5)


def channing(reference):
    data = reference.csv("survival/channing.csv")
    women = (data["gender"] == 2).astype(int)
    ages = {"exit": data["age"] / 12, "entry": data["ageentry"] / 12}
    return xm.Spells(**ages, event=data["death"], covariates={"female": women})


@pytest.mark.parametrize(
    ("key", "hazard", "order"),
    [
        ("gompertz", "gompertz", {"slope": 1, "log rate": 1, "female": 1}),
        ("lnorm", "lognormal", {"location": 1, "log sd": 1, "female": 1}),
        ("llogis", "loglogistic", {"log shape": 1, "log scale": 1, "female": 1}),
        ("gamma", "gamma", {"log shape": 1, "log scale": -1, "female": -1}),
    ],
)
def test_left_truncated_families(reference, key, hazard, order):
    """Weibull and log-logistic are where the default starts of the other program end at a wrong point."""
    case = reference("survival/flexsurv_channing_left_truncated")["results"][key]
    fit = xm.ParametricSpells("female", hazard=hazard).fit(channing(reference))
    agree(fit.llf, case["loglik"], 1e-10)
    agree(fit.params[list(order)] * list(order.values()), case["par"], 1e-5)
    assert fit.converged


def test_left_truncated_weibull(reference):
    case = reference("survival/flexsurv_channing_left_truncated")["results"]["weibull"]
    fit = xm.ParametricSpells("female").fit(channing(reference))
    shape, scale = as_scale(fit)[0]
    agree(fit.llf, case["loglik"], 1e-10)
    agree([shape, scale, -fit.params["female"] / np.exp(shape)], case["par"], 1e-5)


def good_medium_poor(reference):
    data = reference.csv("survival/bc.csv")
    group = pd.Categorical(data["group"], ["Good", "Medium", "Poor"])
    return xm.Spells(exit=data["recyrs"], event=data["censrec"], covariates={"group": group})


@pytest.mark.parametrize(
    ("key", "hazard", "order"),
    [
        ("lnorm", "lognormal", {"location": 1, "log sd": 1}),
        ("llogis", "loglogistic", {"log shape": 1, "log scale": 1}),
        ("gamma", "gamma", {"log shape": 1, "log scale": -1}),
        ("gengamma", "generalised gamma", {"location": 1, "log sd": 1, "shape": 1}),
    ],
)
def test_families_without_truncation(reference, key, hazard, order):
    case = reference("survival/flexsurv_bc_family")["results"][key]
    fit = xm.ParametricSpells("group", hazard=hazard).fit(good_medium_poor(reference))
    agree(fit.llf, case["loglik"], 1e-10)
    sign = -1 if key == "gamma" else 1
    groups = ["group[T.Medium]", "group[T.Poor]"]
    agree(fit.params[[*order, *groups]] * [*order.values(), sign, sign], case["par"], 1e-5)


@pytest.mark.parametrize("inner", [0, 1, 2])
def test_splines_without_truncation(reference, inner):
    case = reference("survival/flexsurvspline_bc")["results"][f"hazard_k{inner}"]
    fit = xm.ParametricSpells("group", hazard="spline", df=inner + 1).fit(good_medium_poor(reference))
    agree(fit.laws[0].knots, case["knots_log_time"], 1e-12)
    agree(fit.llf, case["loglik"], 1e-10)
    agree(fit.estimate, case["par"], 1e-4)  # the stored search stops by its likelihood: half the digits


def test_spline_with_delayed_entry(reference):
    case = reference("survival/rp_left_truncated_channing")["results"]["hazard"]
    fit = xm.ParametricSpells("female", hazard="spline", df=2).fit(channing(reference))
    agree(fit.laws[0].knots, case["knots_log_time"], 1e-12)
    agree(fit.llf, case["loglik"], 1e-11)
    # the case allows 1e-3; its standard errors come from a Hessian by differences
    agree(fit.estimate, case["par"], 1e-4)
    agree(fit.bse, case["se"], 1e-3)


def test_spline_in_another_basis(reference):
    """The same curves in a basis of B-splines: likelihood, effect and survival."""
    case, data = reference("survival/stpm2_brcancer")["results"], reference.csv("survival/brcancer.csv")
    spells = xm.Spells(exit=data["rectime"], event=data["censrec"], covariates={"hormon": data["hormon"]})
    fit = xm.ParametricSpells("hormon", hazard="spline", df=3).fit(spells)
    agree(fit.llf, case["ph"]["loglik"], 1e-10)
    agree(fit.params["hormon"], case["ph"]["hormon"], 1e-5)
    agree(fit.bse["hormon"], case["ph"]["se"], 1e-4)  # a Hessian by differences


# ---- unknown causes ----------------------------------------------------------------------------------------------
def masked(reference):
    data = reference.csv("survival/melanoma_masked.csv")
    return data, data["status_obs"].map({0: 0, 1: 1, 2: 2, 9: 3}).to_numpy()


def test_unknown_causes_where_the_window_has_no_end(reference):
    """The model itself: infinite right limits, censored stays in the table, every fourth cause unknown."""
    case = reference("survival/masked_cause_piecewise")["results"]
    data, code = masked(reference)
    spells = xm.Spells(
        exit=data["time"], event=code, causes=["melanoma", "other", "unknown"], right_limit=np.full(len(data), np.inf)
    )
    fit = xm.ExitWindow(hazard="piecewise", cuts=case["cuts"], unknown="unknown").fit(spells)
    agree(np.exp(fit.estimate[:4]), case["lambda1"], 1e-8)
    agree(np.exp(fit.estimate[4:]), case["lambda2"], 1e-8)
    found = fit.predict_incidence(times=case["times"]).at(case["times"])
    agree(found.loc[found["cause"] == "melanoma", "estimate"], case["cif1"], 1e-8)


def test_unknown_causes_with_proportional_baselines(reference):
    """A piece between each two deaths and stays cut back to the death before them: Cox's partial likelihood."""
    case = reference("survival/masked_cause_proportional")["results"]
    data, code = masked(reference)
    time = data["time"].to_numpy(float)
    deaths = np.unique(time[code > 0])
    end = np.where(code > 0, time, np.concatenate([[0.0], deaths])[np.searchsorted(deaths, time, side="right")])
    n, pieces, size = len(data), Pieces(deaths), len(deaths)
    columns = data[["age", "logthick"]].to_numpy(float)
    matrix = columns - columns.mean(axis=0)
    # each cause: one rate for each piece (the last piece holds nobody), age, thickness; the second is exp(xi) the first
    combine = np.zeros((2 * (size + 3), size + 5))
    for k in range(2):
        start = k * (size + 3)
        combine[start : start + size, :size] = np.eye(size)
        combine[start + size + 1 : start + size + 3, size + 2 * k : size + 2 * k + 2] = np.eye(2)
    combine[size + 3 : 2 * size + 3, -1] = 1
    rows = WindowData(
        begin=np.zeros(n),
        end=end,
        upper=None,
        close=np.full(n, np.inf),
        cause=np.array([0, 1, 2, -1])[code],
        weight=np.ones(n),
        offset=np.zeros(n),
        matrices=(matrix, matrix),
        laws=(pieces, pieces),
        changes=np.empty((0, n)),
        touches=np.ones((2, 0), dtype=bool),
        combine=combine,
    )
    start = np.concatenate([np.full(size, -9.0), np.zeros(4), [-1.0]])
    found = climb(lambda at: evaluate(rows, at), [start], np.eye(size + 5), 100)
    assert found.converged
    par = found.at[size:].copy()
    # the centre of each cause's columns belongs to its level
    par[4] -= columns.mean(axis=0) @ (par[2:4] - par[:2])
    agree(par, case["par"], 1e-6)
    spread = np.linalg.inv(found.surface.information)[size:, size:]
    agree(np.sqrt(np.diag(spread))[:4], numbers(case["se"])[:4], 1e-6)
    exits, lengths = np.sum(code > 0), np.diff(np.concatenate([[0.0], deaths]))
    copies = np.array([np.sum((time == t) & (code > 0)) for t in deaths])
    constant = copies @ (np.log(copies) - np.log(lengths)) - exits
    agree(found.surface.value - constant, case["loglik"], 1e-9)
