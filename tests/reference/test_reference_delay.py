"""Nowcast, chain ladder, back-projection, truncated delays and Hawkes processes against independent results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.hawkes import compensator, exact_surface

NOW = "2011-06-02"


def outbreak(reference: Any) -> xm.DelayTriangle:
    frame = reference.csv("counts/hus_o104.csv")
    return xm.DelayTriangle.from_frame(
        frame, event="hosp", recorded="report", now=NOW, max_delay=15, date_format="%Y-%m-%d"
    )


def test_nowcast_of_an_outbreak(reference):
    stored = reference("counts/trn01_hus_nowcast")
    wanted, tolerance = stored["results"], stored["tol"]["default"]
    triangle = outbreak(reference)
    law = xm.delay_distribution(triangle, variance="poisson")
    fit = xm.Nowcast(variance="poisson").fit(triangle)
    size = len(wanted["nowcast"])
    assert triangle.total == triangle.ledger.used == wanted["reported_used"]
    pairs = {
        "hazard": "reverse_hazard",
        "cdf": "cdf_0_to_D",
        "pmf": "pmf",
        "se_log_cdf": "se_log_cdf",
        "mean": "mean_delay",
        "naive_mean": "naive_mean_delay",
    }
    for ours, theirs in pairs.items():
        assert_allclose(getattr(law, ours), wanted[theirs], rtol=tolerance, err_msg=ours)
    assert fit.origins[-size] == wanted["onset_from"]
    assert_allclose(fit.observed[-size:], wanted["observed"])
    assert_allclose(fit.nowcast[-size:], wanted["nowcast"], rtol=tolerance)
    assert_allclose(fit.nowcast_se[-size:], wanted["nowcast_se"], rtol=tolerance, atol=1e-12)
    assert_allclose(fit.nowcast[-size:].sum(), wanted["nowcast_total"], rtol=tolerance)


def test_the_law_of_the_delay_changed_during_the_outbreak(reference):
    """Reporting became faster: the regression below finds the same (time ratio 0.55)."""
    assert xm.Nowcast().fit(outbreak(reference)).stability_test().pvalue < 0.01


def test_chain_ladder(reference):
    """Taylor and Ashe's triangle; Mack prints 18680856 and 2447095."""
    stored = reference("counts/trn02_chain_ladder")
    wanted, tolerance = stored["results"], stored["tol"]["default"]
    triangle = xm.DelayTriangle.from_table(
        reference.csv("counts/taylor_ashe.csv"), origin="origin", delay="delay", n="value"
    )
    mack, quasi = (xm.Nowcast(variance=kind).fit(triangle) for kind in ("mack", "quasi"))
    assert_allclose(1 / (1 - mack.delay.hazard[1:]), wanted["factors"], rtol=tolerance)
    assert_allclose(mack.nowcast, wanted["ultimate"], rtol=tolerance)
    assert_allclose(mack.unreported, wanted["reserve_by_origin"], rtol=tolerance, atol=1e-6)
    assert_allclose(mack.nowcast_se[1:], wanted["mack_se_by_origin"], rtol=tolerance)
    assert_allclose(mack.total_variance**0.5, wanted["mack_total_se"], rtol=tolerance)
    assert_allclose(quasi.dispersion, wanted["glm_dispersion"], rtol=tolerance)
    assert_allclose(quasi.total_variance**0.5, wanted["glm_total_prediction_se"], rtol=tolerance)
    published = stored["published"]
    still = mack.total().loc["still to be recorded"]
    assert round(still["estimate"]) == published["total_reserve"]
    assert round(still["se"]) == published["mack_total_se"]


def test_back_projection(reference):
    stored = reference("counts/trn03_backprojection")
    wanted, tolerance = stored["results"], stored["tol"]["default"]
    counts = xm.Counts.from_table(reference.csv("counts/backproj_y.csv"), n="y")
    fit = xm.BackProjection([0, 0.1, 0.25, 0.3, 0.2, 0.1, 0.05], draws=20).fit(counts)
    assert fit.converged
    assert_allclose(fit.estimate, wanted["lambda"], rtol=tolerance, atol=1e-9)
    assert_allclose(fit.estimate.sum(), wanted["sum"], rtol=tolerance)


def reported(reference: Any, truncated: bool = True) -> xm.Spells:
    frame = reference.csv("counts/hus_o104.csv").apply(pd.to_datetime)
    frame = frame[frame["report"] <= NOW]
    limit = (pd.Timestamp(NOW) - frame["hosp"]).dt.days.to_numpy() + 1.0
    return xm.Spells(
        exit=(frame["report"] - frame["hosp"]).dt.days.to_numpy() + 0.5,
        right_limit=limit if truncated else np.full(len(frame), np.inf),
        covariates={"late": (frame["hosp"] >= "2011-05-23").to_numpy().astype(int)},
    )


def test_truncated_weibull_regression(reference):
    stored = reference("counts/trn04_truncated_weibull")
    wanted, tolerance = stored["results"], stored["tol"]["default"]
    fit = xm.TruncatedDelay("late").fit(reported(reference))
    places = [2, 0, 1]
    assert fit.nobs == wanted["n"]
    assert_allclose(fit.estimate[places], list(wanted["par"].values()), rtol=tolerance)
    assert_allclose(fit.standard_errors[places], wanted["se"], rtol=tolerance)
    assert_allclose(fit.llf, wanted["loglik"], rtol=1e-10)
    plain, naive = xm.TruncatedDelay("late").fit(reported(reference, False)), wanted["ignoring_truncation"]
    assert_allclose(plain.estimate[places], naive["par"], rtol=tolerance)
    assert_allclose(plain.llf, naive["loglik"], rtol=1e-10)


HAWKES: dict[str, tuple[str, float, float, tuple[float, ...]]] = {
    "haw01_exponential": ("hawkes_times", 0.0, 1000.0, ()),
    "haw02_policy_step": ("hawkes_step_times", 0.0, 800.0, (500.0,)),
    "haw03_coal": ("coal_dates", 1851.0, 1963.0, ()),
}


@pytest.mark.parametrize("case", HAWKES)
def test_hawkes(reference, case):
    name, start, end, at = HAWKES[case]
    stored = reference(f"counts/{case}")
    wanted, tolerance = stored["results"], stored["tol"]["default"]
    times = reference.csv(f"counts/{name}.csv").iloc[:, 0]
    # Two disasters share a day: the stored result lets one follow the other at once.
    fit = xm.Hawkes(at=at, ties="keep").fit(times, window=(start, end))
    assert fit.converged
    assert_allclose(fit.estimate, list(wanted["par"].values()), rtol=tolerance)
    assert_allclose(fit.standard_errors, list(wanted["se"].values()), rtol=tolerance)
    assert_allclose([fit.branching, fit.decay], [wanted["branching"], wanted["beta"]], rtol=tolerance)
    assert_allclose([fit.llf, fit.llnull], [wanted["loglik"], wanted["loglik_poisson"]], rtol=1e-10)
    passed = compensator(fit.data.kernel, fit.estimate)
    assert_allclose(passed[:3], wanted["compensator_head3"], rtol=tolerance)
    assert_allclose(passed[-2], wanted["compensator_last"], rtol=tolerance)
    assert_allclose(fit.time_rescaling_test().statistic, wanted["time_rescaling_KS"], rtol=tolerance)
    for point in wanted.get("loglik_at", []):
        theta = np.log([point["mu"], point["eta"], point["beta"]])
        made = exact_surface(fit.data.kernel, theta)
        assert made is not None
        assert_allclose(made.value, point["value"], rtol=1e-10)
    if at:
        assert_allclose(fit.tests["constant background"].statistic, wanted["LR_step"], rtol=tolerance)
        assert_allclose(2 * (fit.llf - fit.llnull), wanted["LR_selfexcitation"], rtol=tolerance)
