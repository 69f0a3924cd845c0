"""Cox regression against R survival 3.8-11, and against fits solved by hand (Therneau & Grambsch, appendix E)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import exitmodels as xm
from support import agree, agrees_with_coxph, lung, numbers, rossi

RESIDUALS = {
    "martingale": "martingale",
    "deviance": "deviance",
    "score": "score",
    "dfbeta": "dfbeta",
    "dfbetas": "dfbetas",
    "schoenfeld": "schoenfeld",
    "scaled-schoenfeld": "scaledsch",
}


def agrees_in_residuals(fit: Any, stored: dict[str, Any], rtol: float = 1e-8) -> None:
    for kind, name in RESIDUALS.items():
        if name in stored:
            theirs = numbers(stored[name])
            agree(fit.residuals(kind).to_numpy().reshape(theirs.shape), theirs, rtol, atol=1e-10, what=kind)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
@pytest.mark.parametrize(
    ("case", "columns"),
    [
        ("cox_hand_test1", {"exit": "time", "event": "status"}),
        ("cox_hand_test2", {"entry": "start", "exit": "stop", "event": "event"}),
    ],
)
def test_fits_solved_by_hand(reference: Any, case: str, columns: dict[str, str], ties: str) -> None:
    stored = reference(f"survival/{case}")["results"][ties]["mle"]
    spells = xm.Spells.from_frame(reference.csv(f"survival/{case.removeprefix('cox_hand_')}.csv"), **columns)
    fit = xm.Cox("x", ties=ties).fit(spells)
    agrees_with_coxph(fit, stored)
    agrees_in_residuals(fit, stored["residuals"])
    for x in (0, 2):
        hazard, curve = fit.predict_cumhaz({"x": [x]}), stored[f"surv_x{x}"]
        agree(hazard.time, curve["time"])
        agree(hazard.estimate, curve["cumhaz"])
        agree(hazard.se**2, curve["var_cumhaz"])
        agree(fit.predict_survival({"x": [x]}).estimate, curve["surv"])


def test_rossi(reference: Any) -> None:
    stored, spells = reference("survival/cox_rossi")["results"], rossi(reference)
    formula = "fin + age + race + wexp + mar + paro + prio"
    agrees_with_coxph(xm.Cox(formula).fit(spells), stored["full"])
    agrees_with_coxph(xm.Cox(formula, ties="breslow").fit(spells), stored["breslow"])
    fit = xm.Cox("fin + age + prio").fit(spells)
    agrees_with_coxph(fit, stored["reduced"])
    agrees_in_residuals(fit, stored["reduced_residuals"])
    new, curve = {"fin": ["no", "yes"], "age": [30, 30], "prio": [4, 4]}, stored["curves"]["stype2_ctype2"]
    at = fit.predict_survival(new, transform="log").at([10, 26, 52])
    for ours, theirs in (("estimate", "surv"), ("se", "std_err_surv"), ("lower", "lower"), ("upper", "upper")):
        agree(at[ours].to_numpy().reshape(2, 3).T, curve[theirs])
    breslow = xm.Cox("fin + age + prio", ties="breslow").fit(spells)
    assert breslow.predict_cumhaz(new).estimate[-1] != fit.predict_cumhaz(new).estimate[-1]


def test_time_varying_covariate_and_clusters(reference: Any) -> None:
    stored = reference("survival/cox_rossi_timevarying")["results"]
    data = reference.csv("survival/rossi_long.csv")
    spells = xm.Spells.from_frame(data, entry="start", exit="stop", event="ev", cluster="id", missing="drop")
    rest = 'fin + age + race + wexp + C(mar, contr.treatment("married")) + paro + prio'
    agrees_with_coxph(xm.Cox(f"{rest} + employed").fit(spells), stored["current"])
    agrees_with_coxph(xm.Cox(f"{rest} + lag").fit(spells), stored["lagged"])
    agrees_with_coxph(xm.Cox("fin + age + prio + employed", vcov="cluster").fit(spells), stored["robust_id"])


def test_strata_interaction_and_offset(reference: Any) -> None:
    stored, spells = reference("survival/cox_lung_strata")["results"], lung(reference)
    fit = xm.Cox("age + ph.ecog + strata(sex)").fit(spells)
    agrees_with_coxph(fit, stored["strata"])
    at = fit.predict_survival({"age": [60, 60], "ph.ecog": [1, 1], "sex": [1, 2]}).at([100, 300, 600])
    agree(at["estimate"], stored["strata_curves"]["surv"])
    agree(at["se"], stored["strata_curves"]["se"])
    baseline = fit.baseline_hazard.set_index(["stratum", "time"])["cumhaz"]
    for time, stratum, hazard in zip(*(stored["strata_basehaz"][k] for k in ("time", "strata", "hazard")), strict=True):
        if (stratum, time) in baseline.index:
            agree(baseline[(stratum, time)], hazard)
    agrees_with_coxph(xm.Cox("age + ph.ecog + I(age * (sex == 2)) + strata(sex)").fit(spells), stored["interaction"])
    agrees_with_coxph(xm.Cox("age + sex + offset(0.3 * `ph.ecog`)").fit(spells), stored["offset"])


def test_every_residual_and_prediction_of_one_fit(reference: Any) -> None:
    stored = reference("survival/cox_lung_full")["results"]
    fit = xm.Cox("age + sex + ph.karno + wt.loss").fit(lung(reference))
    agrees_with_coxph(fit, stored["fit"])
    agrees_in_residuals(fit, stored["residuals"], 1e-7)
    new = {"age": [50, 70], "sex": [1, 2], "ph.karno": [90, 60], "wt.loss": [0, 20]}
    agree(fit.predict(new), stored["predict"]["lp_zero"])
    at = fit.predict_survival(new, transform="log").at([50, 200, 500, 800, 1022])
    curve = stored["curves"]["stype2_ctype2"]
    for ours, theirs in (("estimate", "surv"), ("se", "std_err_surv"), ("lower", "lower"), ("upper", "upper")):
        agree(at[ours].to_numpy().reshape(2, 5).T, curve[theirs])


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_ties_on_lung(reference: Any, ties: str) -> None:
    fit = xm.Cox("age + sex + ph.ecog", ties=ties).fit(lung(reference))
    agrees_with_coxph(fit, reference("survival/cox_lung_ties")["results"][ties])


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_sampling_weights_robust_and_cluster_variance(reference: Any, ties: str) -> None:
    stored = reference("survival/cox_lung_weights_robust")["results"][ties]
    data = reference.csv("survival/lung_w.csv")
    columns = {"exit": "time", "event": "status", "cluster": "inst", "weights": "sampling"}
    if not set(data.status) <= {0, 1}:
        columns["censor"] = 1
    fit = xm.Cox("age + sex + ph.ecog", ties=ties).fit(xm.Spells.from_frame(data, weight="w", **columns))
    assert fit.vcov == "robust"
    agrees_with_coxph(fit, stored["robust"])
    agrees_with_coxph(fit.with_vcov("cluster"), stored["cluster"])
    agrees_with_coxph(fit.with_vcov("model"), stored["model_based"])
    for kind in ("martingale", "score", "schoenfeld"):
        agree(fit.residuals(kind).to_numpy(), stored["res_unweighted"][kind], atol=1e-10)
    agree(fit.residuals("dfbeta").to_numpy(), stored["res_unweighted"]["dfbeta"], atol=1e-12)
    agree(fit.residuals("martingale", weighted=True), stored["res_weighted"]["martingale"], atol=1e-12)
    new = {"age": [60], "sex": [2], "ph.ecog": [1]}
    at = fit.predict_survival(new, variance="coefficients").at([100, 400, 800])
    curve = stored["curve"]["stype2_ctype2" if ties == "efron" else "stype2_ctype1"]
    agree(at["estimate"], curve["surv"])
    agree(at["se"], curve["std_err_surv"])
    whole = xm.Spells.from_frame(data, weight="wi", **columns)
    agrees_with_coxph(xm.Cox("age + sex + ph.ecog", ties=ties, vcov="model").fit(whole), stored["integer"])


def test_start_stop_rows_of_the_heart_study(reference: Any) -> None:
    stored = reference("survival/cox_heart_timedep")["results"]
    heart = xm.Spells.from_frame(reference.csv("survival/heart.csv"), entry="start", exit="stop", event="event")
    fit = xm.Cox("(age + surgery) * transplant").fit(heart)
    agrees_with_coxph(fit, stored["heart_efron"])
    agrees_in_residuals(fit, stored["heart_residuals"])
    year = xm.Cox("year + age * transplant + surgery", ties="breslow").fit(heart)
    agree(sorted(year.estimate), sorted(numbers(stored["heart_year_breslow"]["coef"])))
    jasa = reference.csv("survival/jasa1.csv")
    jasa = xm.Spells.from_frame(jasa, entry="start", exit="stop", event="event")
    agrees_with_coxph(xm.Cox("(age + surgery) * transplant", ties="breslow").fit(jasa), stored["jasa1_breslow"])


def test_many_rows_with_strata(reference: Any) -> None:
    stored = reference("survival/cox_flchain")["results"]
    data = reference.csv("survival/flchain.csv")
    spells = xm.Spells.from_frame(data, exit="futime", event="death", day_fraction=0.5)
    fit = xm.Cox("age + sex + kappa + lambda").fit(spells)
    agrees_with_coxph(fit, stored["efron"])
    new = {"age": [60, 80], "sex": ["F", "M"], "kappa": [1.5, 1.5], "lambda": [1.7, 1.7]}
    at = fit.predict_survival(new).at([1000, 3000, 5000])
    agree(at["estimate"].to_numpy().reshape(2, 3).T, stored["surv"])
    agree(at["se"].to_numpy().reshape(2, 3).T, stored["se"])
    by_group = xm.Cox("age + sex + strata(flc.grp)", ties="breslow").fit(spells)
    agrees_with_coxph(by_group, stored["strata_breslow"])


def test_ovarian(reference: Any) -> None:
    stored = reference("survival/cox_ovarian")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/ovarian.csv"), exit="futime", event="fustat")
    fit = xm.Cox("age + ecog.ps + rx").fit(spells)
    agrees_with_coxph(fit, stored["efron"])
    agrees_in_residuals(fit, stored["residuals"])


def test_monotone_likelihood_is_named(reference: Any) -> None:
    stored = reference("survival/cox_monotone_likelihood")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/test1_infinite.csv"), exit="time", event="status")
    for formula, name in (("x", "x_only"), ("x + z", "x_z")):
        with pytest.warns(xm.ConvergenceWarning, match="coefficient of x grows"):
            fit = xm.Cox(formula).fit(spells)
        agree([fit.llnull, fit.llf], stored[name]["loglik"], 1e-5)
        agree(fit.tests["score"].statistic, stored[name]["score"])
        assert not fit.converged


def test_conditional_logistic_regression_as_many_strata(reference: Any) -> None:
    stored = reference("survival/clogit_infert")["results"]
    data = reference.csv("survival/infert.csv").assign(one=1)
    spells = xm.Spells.from_frame(data, exit="one", event="case")
    for ties in ("efron", "breslow"):
        agrees_with_coxph(xm.Cox("spontaneous + induced + strata(stratum)", ties=ties).fit(spells), stored[ties])


def test_recurrent_exits_as_start_stop_rows(reference: Any) -> None:
    stored = reference("survival/recurrent_cgd_models")["results"]
    data = reference.csv("survival/cgd_o.csv").assign(
        gap=lambda d: d.tstop - d.tstart, nth=lambda d: d.enum.clip(upper=3)
    )
    levels = sorted(data.treat.unique(), key=lambda level: "IFN" in level)
    data["treat"] = pd.Categorical(data.treat, categories=levels)
    calendar = xm.Spells.from_frame(data, entry="tstart", exit="tstop", event="status", cluster="id")
    gap = xm.Spells.from_frame(data, exit="gap", event="status", cluster="id")
    for name, formula, spells in (
        ("ag_robust", "treat", calendar),
        ("pwp", "treat + strata(nth)", calendar),
        ("gap", "treat + strata(nth)", gap),
        ("center_strata", "treat + strata(center)", calendar),
    ):
        agrees_with_coxph(xm.Cox(formula, vcov="cluster").fit(spells), stored[name])


def test_step_function_by_cutting_spells(reference: Any) -> None:
    stored = reference("survival/cox_veteran_tt")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/veteran_o.csv"), exit="time", event="status")
    cut = spells.split([90, 180], name="period")
    assert len(cut) == stored["split_rows"]
    agrees_with_coxph(xm.Cox("trt + prior + karno:C(period)").fit(cut), stored["step"])


def test_cutting_keeps_rows_events_and_time(reference: Any) -> None:
    stored = reference("survival/data_survsplit_lung")["results"]
    cut = lung(reference).split([100, 365, 730], name="episode")
    assert len(cut) == stored["rows"]
    assert cut.n_events == stored["events"]
    assert (cut.exit - cut.entry).sum() == stored["time"]
    agree(cut.columns["episode"].values.tolist().count(0), stored["per_episode"]["1"])


def test_firth_penalty(reference: Any) -> None:
    stored = reference("survival/firth_cox")["results"]
    cases = (
        ("monotone", "test1_infinite", "time", "status", "x"),
        ("ovarian", "ovarian", "futime", "fustat", "age + rx + resid.ds"),
    )
    for name, file, exit, event, formula in cases:
        spells = xm.Spells.from_frame(reference.csv(f"survival/{file}.csv"), exit=exit, event=event)
        fit = xm.Cox(formula, ties="breslow", penalty="firth").fit(spells)
        agree(fit.estimate, stored[name]["coef"], 1e-5)
        agree(fit.standard_errors, numbers([stored[name]["se_inverse_information"]]).ravel(), 1e-5)
        agree(fit.llf, stored[name]["penalised_loglik"], 1e-9)
        assert fit.converged


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_proportional_hazards_in_the_score_form(reference: Any, transform: str) -> None:
    ovarian = xm.Spells.from_frame(reference.csv("survival/ovarian.csv"), exit="futime", event="fustat")
    heart = xm.Spells.from_frame(reference.csv("survival/heart.csv"), entry="start", exit="stop", event="event")
    cases = [
        ("cox_lung_full", "zph", xm.Cox("age + sex + ph.karno + wt.loss").fit(lung(reference))),
        ("cox_ovarian", "zph", xm.Cox("age + ecog.ps + rx").fit(ovarian)),
        ("cox_lung_strata", "strata_zph", xm.Cox("age + ph.ecog + strata(sex)").fit(lung(reference))),
        ("cox_heart_timedep", "heart_zph", xm.Cox("(age + surgery) * transplant").fit(heart)),
        ("cox_rossi", "full_zph", xm.Cox("fin + age + race + wexp + mar + paro + prio").fit(rossi(reference))),
    ]
    for case, key, fit in cases:
        stored = reference(f"survival/{case}")["results"][key].get(transform)
        if stored is not None:
            agree(fit.ph_test(transform=transform).to_frame(), stored, 1e-7, what=case)
