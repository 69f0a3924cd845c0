"""Interrupted series against R: the Sicilian smoking ban, and drivers killed or seriously injured before seat belts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

import exitmodels as xm
from exitmodels.kernels.arerrors import fit_ar1

BAN = "2005-01-01"


def sicily(reference):
    frame = reference.csv("counts/sicily.csv")
    frame["start"] = pd.to_datetime({"year": frame["year"], "month": frame["month"], "day": 1})
    return xm.Counts.from_table(frame, n="aces", start="start", freq="MS", exposure="stdpop")


def seatbelts(reference):
    frame = reference.csv("counts/seatbelts.csv")
    frame["start"] = pd.to_datetime({"year": frame["year"], "month": frame["month"], "day": 1})
    frame["lpetrol"], frame["one"] = np.log(frame["PetrolPrice"]), 1.0
    return xm.Counts.from_table(
        frame, n="drivers", start="start", freq="MS", exposure="one", covariates=["lpetrol"], unit="series"
    )


def compare(fit, wanted, names, tolerance):
    """`names` maps ours to theirs."""
    for ours, theirs in names.items():
        assert_allclose(fit.params[ours], wanted["coef"][theirs], rtol=tolerance, err_msg=ours)


def errors(fit, wanted, names, tolerance):
    assert_allclose([fit.bse[name] for name in names], [wanted[name] for name in names.values()], rtol=tolerance)


def check_robust(fit, stored, names, tolerance):
    kinds = {"HC0": "robust", "HC1": "hc1", "HC3": "hc3"}
    for theirs, kind in kinds.items():
        errors(fit.with_vcov(kind), stored[theirs], names, tolerance)
    for lag in (3, 12):
        errors(fit.with_vcov("hac", hac_lags=lag), stored[f"NW_lag{lag}"], names, tolerance)


def test_level_change_with_trend(reference):
    case = reference("counts/its01_sicily_poisson")
    results, tolerance = case["results"], case["tol"]["default"]
    names = {"Intercept": "(Intercept)", "level": "smokban", "trend": "time"}
    fit = xm.InterruptedSeries(at=BAN, vcov="model").fit(sicily(reference))
    compare(fit, results, names, tolerance)
    errors(fit, results["se"], names, tolerance)
    assert_allclose(fit.llf, results["loglik"], rtol=tolerance)
    check_robust(fit, results["hac"], names, case["tol"]["hac"])
    limits = fit.rate_ratios()
    assert_allclose(limits.low["level"], results["RR_lo"]["smokban"], rtol=tolerance)
    quasi = xm.InterruptedSeries(at=BAN, family="quasi", vcov="model").fit(sicily(reference))
    errors(quasi, results["quasi"]["se"], names, tolerance)
    assert_allclose(quasi.dispersion, results["overdispersion"]["pearson_over_df"], rtol=tolerance)
    assert_allclose(quasi.standard_errors, fit.with_vcov("quasi").standard_errors, rtol=1e-12)
    assert round(float(limits.loc["level", "rate ratio"]), 3) == case["published"]["RR"]


def test_season_and_the_number_averted(reference):
    case = reference("counts/its02_sicily_season")
    results, tolerance = case["results"], case["tol"]["default"]
    names = {"Intercept": "(Intercept)", "level": "smokban", "trend": "time"}
    names |= {name: name for name in ("cos1", "sin1", "cos2", "sin2")}
    fit = xm.InterruptedSeries(at=BAN, family="quasi", season=2, vcov="model").fit(sicily(reference))
    compare(fit, results, names, tolerance)
    errors(fit, results["se"], names, tolerance)
    check_robust(fit, results["hac"], names, case["tol"]["hac"])
    stored = results["counterfactual"]
    row = fit.averted(limits="delta").iloc[0]
    found = [row["counterfactual"], row["fitted"], row["observed"], row["averted"], row["se"]]
    wanted = [stored[k] for k in ("expected_without", "fitted_with", "observed", "averted", "se")]
    assert_allclose(found, wanted, rtol=1e-8)
    newey = fit.with_vcov("hac", hac_lags=12).averted(limits="delta").iloc[0]
    assert_allclose([newey["se"], newey["low"], newey["high"]], [stored["se_nw12"], *stored["ci_nw12"]], rtol=1e-8)
    assert round(float(fit.rate_ratios().loc["level", "rate ratio"]), 3) == case["published"]["RR"]


def test_level_and_slope_counted_from_the_month_before(reference):
    case = reference("counts/its03_sicily_slope")
    results, tolerance = case["results"], case["tol"]["default"]
    names = {"Intercept": "(Intercept)", "level": "smokban", "trend": "time", "slope": "inter", "sin2": "sin2"}
    model = xm.InterruptedSeries(at=BAN, effect="level+slope", family="quasi", season=2, vcov="model")
    fit = model.fit(sicily(reference))
    compare(fit, results, names, tolerance)
    errors(fit, results["se"], names, tolerance)
    check_robust(fit, results["hac"], names, case["tol"]["hac"])


def test_profiles_over_delay_ramp_and_gradual_response(reference):
    case = reference("counts/its04_sicily_lag_profile")
    results, tolerance = case["results"], case["tol"]["default"]
    counts = sicily(reference)
    step = xm.InterruptedSeries(at=BAN, season=2, vcov="quasi").fit(counts)
    found = step.profile(delay=[row["L"] for row in results["delayed_step"]])
    assert_allclose(found.deviance, [row["deviance"] for row in results["delayed_step"]], rtol=tolerance)
    assert_allclose(found.coefficient, [row["b"] for row in results["delayed_step"]], rtol=1e-8)
    assert_allclose(found.se, [row["se"] for row in results["delayed_step"]], rtol=1e-8)
    assert found.best == results["best_delay"]
    assert found.confidence_set == (results["delay_set_95_quasi"]["L"],)
    ramp = xm.InterruptedSeries(at=BAN, effect="ramp", length=1, season=2).fit(counts)
    found = ramp.profile(length=[row["R"] + 1 for row in results["ramp"]])
    assert_allclose(found.deviance, [row["deviance"] for row in results["ramp"]], rtol=tolerance)
    assert_allclose(found.coefficient, [row["b"] for row in results["ramp"]], rtol=1e-8)
    gradual = xm.InterruptedSeries(at=BAN, effect="gradual", rate=0.5, season=2).fit(counts)
    found = gradual.profile(rate=[row["delta"] for row in results["geometric"]])
    assert_allclose(found.deviance, [row["deviance"] for row in results["geometric"]], rtol=tolerance)
    assert_allclose(found.coefficient, [row["b"] for row in results["geometric"]], rtol=1e-7)


def test_log_counts_of_drivers(reference):
    case = reference("counts/its05_seatbelts_hac")
    results, tolerance = case["results"], case["tol"]["default"]
    names = {"Intercept": "(Intercept)", "level": "law", "trend": "t", "lpetrol": "lpetrol"}
    names |= {f"month {m}": f"factor(month){m}" for m in range(2, 13)}
    base = {"at": "1983-02-01", "season": "month", "controls": "lpetrol"}
    fit = xm.InterruptedSeries(**base, family="lognormal", vcov="model").fit(seatbelts(reference))
    compare(fit, results, names, 1e-8)
    errors(fit, results["se"], names, tolerance)
    assert_allclose(np.sqrt(fit.dispersion), results["sigma"], rtol=tolerance)
    check_robust(fit, results["hac"], names, 1e-8)
    prais = xm.InterruptedSeries(**base, family="lognormal-ar1").fit(seatbelts(reference))
    stored = results["prais"]["prais_winsten"]
    compare(prais, stored, names, case["tol"]["prais"])
    errors(prais, stored["se"], names, case["tol"]["prais"])
    assert_allclose([prais.rho, prais.dispersion], [stored["rho"], stored["sigma2"]], rtol=case["tol"]["prais"])
    columns = fit.data.columns
    found = fit_ar1(np.log(columns.y), columns.matrix, keep_first=False)
    stored = results["prais"]["cochrane_orcutt"]
    wanted = [stored["coef"][names[name]] for name in fit.names]
    assert_allclose(found.beta, wanted, rtol=case["tol"]["prais"])
    assert_allclose(np.sqrt(np.diag(found.covariance)), [stored["se"][names[n]] for n in fit.names], rtol=1e-7)
    assert_allclose(found.rho, stored["rho"], rtol=case["tol"]["prais"])
