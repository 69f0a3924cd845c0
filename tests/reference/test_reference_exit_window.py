"""Parametric likelihoods under truncation against independent programs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.ascent import ascend
from exitmodels.kernels.hazardlaws import Pieces
from exitmodels.kernels.windowhazards import WindowData, evaluate
from support import agree

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
    found = ascend(lambda at: evaluate(rows, at), np.full(8, -9.0))
    assert found.converged
    assert_allclose(np.exp(found.at[:4]), case["lambda1"], rtol=1e-8)
    assert_allclose(np.exp(found.at[4:]), case["lambda2"], rtol=1e-8)
    assert evaluate(replace(rows, weight=2 * rows.weight), found.at).value == pytest.approx(2 * found.surface.value)
