"""Penalised Cox fits and profile limits against R: survival 3.8-11 and glmnet 4.1-6."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm
from support import agree, numbers

COLUMNS = ["age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"]


def complete_lung(reference: Any, **changes: Any) -> xm.Spells:
    data = reference.csv("survival/lung_cc.csv").assign(**changes)
    entry = "start" if "start" in data else None
    return xm.Spells.from_frame(data, exit="time", event="status", censor=1, entry=entry)


def path(spells: xm.Spells, formula: str, strengths: Any, **choices: Any) -> Any:
    return xm.CoxPath(formula, strengths=strengths, folds=None, **choices).fit(spells)


@pytest.mark.parametrize("case", ["alpha1", "alpha0.5", "alpha0", "penalty_factor"])
def test_glmnet_path(reference: Any, case: str) -> None:
    """The stored numbers hold once one tie is broken as glmnet broke it.

    One exit and one censoring fall on day 303 (row 128). glmnet means to put the censoring later by adding 2e-14
    days, which is less than half the spacing of numbers there, so its sort left the censored row out of the risk
    set. With times divided by 1000 glmnet gives what `test_glmnet_with_ties_kept` asks for.
    """
    whole = reference("survival/glmnet_cox_lung")
    stored = whole["results"][case]
    time = reference.csv("survival/lung_cc.csv").time.astype(float)
    assert time[128] == 303
    time[128] -= 0.001
    spells = complete_lung(reference, time=time)
    mix = 1.0 if case == "penalty_factor" else float(case.removeprefix("alpha"))
    factors = {"age": 0, "wt.loss": 2} if case == "penalty_factor" else None
    fit = path(spells, " + ".join(COLUMNS), stored["lambda"], mix=mix, penalty_factors=factors)
    agree(fit.coefficients.T, stored["beta"], 0, atol=whole["tolerance"]["beta_atol"])
    agree(fit.deviance_ratio, stored["dev_ratio"], 1e-8)
    agree(2 * (fit.saturated_log_likelihood - fit.null_log_likelihood), stored["nulldev"], 1e-12)
    agree(fit.n_active, stored["df"])
    assert fit.converged
    assert fit.violation.max() < 1e-10


def test_glmnet_with_ties_kept(reference: Any) -> None:
    """glmnet(X, Surv(time / 1000, status == 2), family = "cox", thresh = 1e-14), run for this test."""
    theirs = [
        [0, 0, 0.000600067508, 0.006160942171, 0.008366764063],
        [0, -0.191928586794, -0.349338092692, -0.470061300985, -0.512617661125],
        [0.035699930586, 0.234969021395, 0.328077653671, 0.550405531927, 0.644084826824],
        [0, 0, 0, 0.011605936643, 0.016972337565],
        [0, -0.002117586930, -0.005549472997, -0.009145380902, -0.010506091431],
        [0, 0, 0, 0, 0],
        [0, 0, -0.003548003236, -0.009717177622, -0.011908012656],
    ]
    fit = path(complete_lung(reference), " + ".join(COLUMNS), [0.2, 0.1, 0.05, 0.02, 0.01])
    agree(fit.coefficients.T, theirs, 0, atol=2e-6)
    agree(fit.deviance_ratio[:3], [0.0018308653289529, 0.0148648382763091, 0.0207605549013325], 1e-7)


@pytest.mark.parametrize("case", ["strata_sex", "startstop"])
def test_glmnet_with_strata_and_late_entry(reference: Any, case: str) -> None:
    """glmnet stopped these after 25 steps ("cox.fit: algorithm did not converge"): null deviance yes, maximum no.

    With glmnet.control(mxitnr = 2000) and thresh = 1e-16 the first three strengths converge, to what follows.
    """
    stored = reference("survival/glmnet_cox_lung")["results"][case]
    if case == "strata_sex":
        spells, formula = complete_lung(reference), " + ".join(c for c in COLUMNS if c != "sex") + " + strata(sex)"
        theirs = {"ph.ecog": [0.0449056153544, 0.24641292178976, 0.33831746540403]}
        theirs |= {"pat.karno": [0, -0.00159099114665, -0.00611858221772], "wt.loss": [0, 0, -0.00492794072387]}
    else:
        time = reference.csv("survival/lung_cc.csv").time
        spells, formula = complete_lung(reference, start=np.maximum(time - 200, 0) * 0.5), " + ".join(COLUMNS)
        theirs = {"age": [0, 0, 0.00267312825204], "sex": [0, -0.146566484185419, -0.29934276940242]}
        theirs |= {"ph.ecog": [0, 0.187473073144494, 0.26559042849061], "wt.loss": [0, 0, -0.00132426441446]}
        theirs |= {"pat.karno": [0, -0.000853137314549, -0.00356063006875]}
    fit = path(spells, formula, stored["lambda"])
    agree(2 * (fit.saturated_log_likelihood - fit.null_log_likelihood), stored["nulldev"], 1e-12)
    for j, name in enumerate(fit.names):
        agree(fit.coefficients[:3, j], theirs.get(name, [0, 0, 0]), 0, atol=1e-8)
    assert fit.violation.max() < 1e-10
    size, n = fit.scale, fit.nobs
    ours = fit.log_likelihood / n - fit.strengths * (np.abs(fit.coefficients) @ size)
    gained = numbers(stored["dev_ratio"]) * (fit.saturated_log_likelihood - fit.null_log_likelihood)
    glmnets = (fit.null_log_likelihood + gained) / n - fit.strengths * (np.abs(numbers(stored["beta"])).T @ size)
    assert np.all(ours >= glmnets - 1e-12)
    assert np.all(ours[-3:] > glmnets[-3:] + 1e-8)
    assert np.max(ours - glmnets) > 1e-4


@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("theta", [1, 10])
def test_ridge_by_the_convention_of_coxph(reference: Any, theta: int, standardise: bool) -> None:
    stored = reference("survival/ridge_coxph")["results"][f"theta{theta}_scale{str(standardise).upper()}"]
    choices = {"penalty": "ridge", "convention": "coxph", "standardise": standardise, "penalty_factors": {"sex": 0}}
    fit = xm.Cox("age + ph.ecog + wt.loss + sex", strength=theta, **choices).fit(complete_lung(reference))
    agree(fit.estimate, stored["coef"], 1e-8)
    agree(fit.covariance, stored["var"], 1e-8)
    agree(fit.with_vcov("frequentist").covariance, stored["var2"], 1e-8)
    agree([fit.llnull, fit.llf], stored["loglik"], 1e-10)
    agree(fit.estimate @ fit.penalty_matrix @ fit.estimate / 2, stored["penalty"][0], 1e-8)
    agree(fit.term_df["sex"], stored["df"][1], 1e-8)


def test_ridge_of_the_ovarian_data(reference: Any) -> None:
    stored = reference("survival/ridge_coxph")["results"]["ovarian"]
    spells = xm.Spells.from_frame(reference.csv("survival/ovarian.csv"), exit="futime", event="fustat")
    model = xm.Cox("rx + age + ecog.ps", penalty="ridge", strength=1, convention="coxph", penalty_factors={"rx": 0})
    fit = model.fit(spells)
    agree(fit.estimate, stored["coef"], 1e-8)
    agree(fit.covariance, stored["var"], 1e-8)
    agree(fit.llf, stored["loglik"][1], 1e-10)


def lung(reference: Any) -> xm.Spells:
    return xm.Spells.from_frame(reference.csv("survival/lung.csv"), exit="time", event="status", censor=1)


def test_penalised_spline(reference: Any) -> None:
    """R stops its search for 4 degrees of freedom at 4.092 (its default slack is 0.1); ask for those."""
    stored = reference("survival/cox_lung_pspline")["results"]
    fit = xm.Cox(f"pspline(age, df={stored['df'][0]!r}) + sex").fit(lung(reference))
    linear, rest, sex = stored["pspline_table"]["values"]
    tests = fit.smooth_tests()
    agree(tests.loc[0, ["coef", "se", "chi2", "df", "p"]], [linear[i] for i in (0, 1, 3, 4, 5)], 1e-7)
    agree(tests.loc[1, ["chi2", "df", "p"]], rest[3:], 1e-7)
    agree([fit.params["sex"], fit.bse["sex"], fit.zvalues["sex"] ** 2], [sex[0], sex[1], sex[3]], 1e-7)
    agree(fit.with_vcov("frequentist").bse["sex"], sex[2], 1e-7)
    agree(fit.term_df[["pspline(age)", "sex"]], stored["df"], 1e-7)
    agree([fit.llnull, fit.llf], stored["loglik"], 1e-10)
    drawn = fit.smooth_effect("age", at=stored["termplot"]["x"])
    agree(drawn.effect, stored["termplot"]["y"], 1e-6, atol=1e-8)
    agree(drawn.se, stored["termplot"]["se"], 1e-7)


def test_unpenalised_splines_of_the_formula(reference: Any) -> None:
    """cr() with R's knots spans what ns(age, 3) spans, so the likelihood and the effect of sex agree."""
    stored = reference("survival/cox_lung_pspline")["results"]["ns"]
    knots = np.quantile(reference.csv("survival/lung.csv").age, [1 / 3, 2 / 3]).tolist()
    fit = xm.Cox(f'cr(age, knots={knots}, constraints="center") + sex').fit(lung(reference))
    agree([fit.llnull, fit.llf], stored["loglik"], 1e-10)
    agree([fit.params["sex"], fit.bse["sex"]], [stored["coef"]["sex"], stored["se"]["sex"]], 1e-8)
    data = reference.csv("survival/lung.csv")
    agree(fit.predict(data.head(7)), fit.predict(data).to_numpy()[:7], 1e-12)


def test_profile_limits(reference: Any) -> None:
    stored = reference("survival/profile_ci_ovarian")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/ovarian.csv"), exit="futime", event="fustat")
    fit = xm.Cox("age + rx + ecog.ps").fit(spells)
    limits = fit.conf_int(method="profile")
    for name, coefficient in stored["coef"].items():
        agree(fit.params[name], coefficient, 1e-8)
        agree(limits.loc[name], stored[f"ci_{name}"], 1e-8)
