"""Exact ties, effects that change with time, other baselines and paths, against R survival 3.8-11."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import exitmodels as xm
from support import agree, agrees_with_coxph, lung, rossi


def test_exact_ties_on_lung_and_rossi(reference: Any) -> None:
    fit = xm.Cox("age + sex + ph.ecog", ties="exact").fit(lung(reference))
    agrees_with_coxph(fit, reference("survival/cox_lung_ties")["results"]["exact"])
    formula = "fin + age + race + wexp + mar + paro + prio"
    exact = xm.Cox(formula, ties="exact").fit(rossi(reference))
    agrees_with_coxph(exact, reference("survival/cox_rossi")["results"]["exact"])


def test_exact_ties_with_start_stop_rows(reference: Any) -> None:
    """R lists subsets here and does not finish; the stored fit is conditional logistic regression by week."""
    stored = reference("survival/cox_rossi_timevarying")["results"]["exact_via_weekly_strata"]
    data = reference.csv("survival/rossi_long.csv")
    spells = xm.Spells.from_frame(data, entry="start", exit="stop", event="ev", missing="drop")
    agrees_with_coxph(xm.Cox("fin + age + prio + employed", ties="exact").fit(spells), stored)


def test_exact_ties_are_conditional_logistic_regression(reference: Any) -> None:
    data = reference.csv("survival/infert.csv")
    data = data.assign(time=1)
    spells = xm.Spells.from_frame(data, exit="time", event="case", stratum="stratum")
    fit = xm.Cox("spontaneous + induced", ties="exact").fit(spells)
    agrees_with_coxph(fit, reference("survival/clogit_infert")["results"]["exact"])


def test_an_effect_that_changes_with_the_log_of_time(reference: Any) -> None:
    stored = reference("survival/cox_veteran_tt")["results"]["tt"]
    spells = xm.Spells.from_frame(reference.csv("survival/veteran_o.csv"), exit="time", event="status")
    model = xm.Cox("trt + prior + karno", time_varying={"karno": lambda t: np.log(t + 20)})
    fit = model.fit(spells)
    agrees_with_coxph(fit, stored)
    assert fit.names[-1] == "karno:f(t)"


@pytest.mark.parametrize("kind", ["stype1_ctype1", "stype2_ctype1", "stype2_ctype2"])
def test_baselines_of_rossi_and_ovarian(reference: Any, kind: str) -> None:
    new = {"fin": ["no", "yes"], "age": [30, 30], "prio": [4, 4]}
    fit = xm.Cox("fin + age + prio").fit(rossi(reference))
    _same_curve(fit, new, [10, 26, 52], reference("survival/cox_rossi")["results"]["curves"][kind], kind)
    spells = xm.Spells.from_frame(reference.csv("survival/ovarian.csv"), exit="futime", event="fustat")
    fit = xm.Cox("age + `ecog.ps` + rx").fit(spells)
    new = {"age": [45, 65], "ecog.ps": [1, 2], "rx": [1, 2]}
    _same_curve(fit, new, [100, 365, 600], reference("survival/cox_ovarian")["results"]["curves"][kind], kind)


def _same_curve(fit: Any, new: Any, times: list[float], stored: Any, kind: str) -> None:
    baseline = {"stype1_ctype1": "kalbfleisch-prentice", "stype2_ctype1": "breslow", "stype2_ctype2": "efron"}[kind]
    variance = "centred" if kind == "stype1_ctype1" else "full"
    at = fit.predict_survival(new, transform="log", variance=variance, baseline=baseline).at(times)
    for ours, theirs in (("estimate", "surv"), ("se", "std_err_surv"), ("lower", "lower"), ("upper", "upper")):
        agree(at[ours].to_numpy().reshape(2, -1).T, stored[theirs], what=f"{kind} {ours}")


def test_a_path_through_the_heart_study(reference: Any) -> None:
    stored = reference("survival/cox_heart_timedep")["results"]["path_curve"]
    data = reference.csv("survival/heart.csv")
    data["transplant"] = pd.Categorical(data.transplant.astype(str), categories=["0", "1"])
    spells = xm.Spells.from_frame(data, entry="start", exit="stop", event="event")
    fit = xm.Cox("(age + surgery) * transplant").fit(spells)
    path = {"start": [0, 60], "stop": [60, 1000], "age": [2, 2], "surgery": [0, 0], "transplant": ["0", "1"]}
    at = fit.predict_path(path, kind="cumhaz").at(stored["time"])
    agree(at.estimate, stored["cumhaz"])
    agree(at.se, stored["std_err"])
    agree(fit.predict_path(path).at(stored["time"]).estimate, stored["surv"])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_concordance_of_a_fit(reference: Any, ties: str) -> None:
    stored = reference("survival/cox_lung_ties")["results"][ties]["concordance"]
    found = xm.Cox("age + sex + ph.ecog", ties=ties).fit(lung(reference)).concordance()
    agree([found.estimate[0], np.sqrt(found.covariance[0, 0])], [stored["concordance"], stored["std"]])
    stored = reference("survival/cox_lung_strata")["results"]["strata"]["concordance"]
    found = xm.Cox("age + ph.ecog + strata(sex)").fit(lung(reference)).concordance()
    agree([found.estimate[0], np.sqrt(found.covariance[0, 0])], [stored["concordance"], stored["std"]])
