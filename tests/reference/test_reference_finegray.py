"""Fine-Gray regression against cmprsk, crrSC and survival::finegray; Gray's test against cmprsk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import exitmodels as xm
from exitmodels.kernels.stays import Stays, code_times
from exitmodels.kernels.subdistribution import subdistribution
from support import agree, numbers


def bmt(reference: Any) -> xm.Spells:
    return xm.Spells.from_frame(reference.csv("survival/bmt_timereg.csv"), exit="time", event="cause", censor=0)


def mgus(reference: Any, **changes: Any) -> xm.Spells:
    data = reference.csv("survival/mgus2_fg.csv").assign(start=lambda d: d.age, stop=lambda d: d.age + d.etime / 12)
    names = {"exit": "etime", "event": "event", "censor": 0, "unit": "M", **changes}
    return xm.Spells.from_frame(data, **names)


def as_crr(fit: xm.FineGray, stored: dict[str, Any], time_varying: bool = False) -> None:
    agree(fit.estimate, stored["coef"], what="coef")
    agree(fit.covariance, stored["var"], 1e-8, atol=1e-14, what="var")
    agree(fit.bse, stored["se"])
    agree([fit.llf, fit.llnull], [stored["loglik"], stored["loglik_null"]], 1e-10)
    agree(fit.tests["pseudo likelihood ratio"].statistic, stored["lr"])
    agree(np.linalg.inv(fit.model_covariance), stored["inf_inverse"], atol=1e-8)
    agree(
        fit.residuals("schoenfeld").groupby(level=0).sum().to_numpy()[:3], numbers(stored["score_resid_head"])[:3], 1e-7
    )
    base = fit.baseline_hazard
    steps = pd.Series(np.diff(base.cumhaz, prepend=0.0), index=base.time)
    agree(steps.loc[stored["uftime_sel"]].to_numpy(), stored["bfitj_sel"], 1e-8)


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("plain", {}),
        ("timevar", {"time_varying": {"platelet": "identity"}}),
        ("cengroup", {"censoring": "tcell", "vcov": "cmprsk"}),
    ],
)
def test_crr_with_effects_that_change_and_groups_of_censoring(
    reference: Any, name: str, choices: dict[str, Any]
) -> None:
    stored = reference("survival/crr_bmt_timereg")["results"]
    fit = xm.FineGray("platelet + age + tcell", event=1, **choices).fit(bmt(reference))
    as_crr(fit, stored[name])
    if name == "plain":
        read = numbers(stored["predict"])
        new = {"platelet": [0, 1], "age": [0, 1], "tcell": [0, 1]}
        agree(fit.predict(new, "incidence", read[:, 0]).to_numpy().T, read[:, 1:])
        curve = fit.predict_incidence(new, times=read[:, 0])
        agree(curve.estimate.reshape(2, -1).T, read[:, 1:])


def test_crr_for_both_causes(reference: Any) -> None:
    stored = reference("survival/crr_mgus2")["results"]
    for cause, name in ((1, "pcm"), (2, "death")):
        fit = xm.FineGray("age + male + mspike", event=cause).fit(mgus(reference))
        as_crr(fit, stored[name])
        if cause == 1:
            read = numbers(stored["predict_pcm"])
            new = {"age": [60, 80], "male": [0, 1], "mspike": [1, 2]}
            agree(fit.predict(new, "incidence", read[:, 0]).to_numpy().T, read[:, 1:])


def test_clusters_as_crrsc(reference: Any) -> None:
    stored = reference("survival/crrc_clustered")["results"]
    data = reference.csv("survival/center.csv")
    spells = xm.Spells.from_frame(data, exit="ftime", event="fstatus", censor=0, missing="drop")
    fit = xm.FineGray("fm + cells + cluster(id)", event=1).fit(spells)
    assert fit.vcov == "cluster"
    assert fit.ledger.n_set_aside == 17
    agree(fit.estimate, stored["coef"], 1e-7)
    agree(fit.covariance, stored["var"], 1e-7)
    agree(fit.llf, stored["loglik"], 1e-10)
    again = xm.FineGray("fm + cells", event=1).fit(spells).with_vcov("cluster", cluster="id")
    agree(again.covariance, stored["var"], 1e-7)


def as_coxph(fit: Any, stored: dict[str, Any]) -> None:
    agree(fit.estimate, stored["coef"])
    agree(fit.covariance, stored["var"], atol=1e-14)
    agree([fit.llnull, fit.llf], stored["loglik"], 1e-10)
    if "naive_var" in stored:
        agree(fit.model_covariance, stored["naive_var"], atol=1e-14)
        agree(fit.score_test().statistic, stored["robust_score_test"])
    if fit.vcov != "model":
        agree(fit.tests["Wald"].statistic, stored["wald_test"])


@pytest.mark.parametrize(
    ("name", "cause", "choices"),
    [
        ("breslow", 1, {}),
        ("efron_model_based", 1, {"ties": "efron", "vcov": "model"}),
        ("death_breslow", 2, {}),
        ("stratified_censoring", 1, {"formula": "age + mspike + strata(male)", "censoring": "male"}),
    ],
)
def test_coxph_with_the_rows_of_finegray(reference: Any, name: str, cause: int, choices: dict[str, Any]) -> None:
    stored = reference("survival/finegray_mgus2")["results"][name]
    model = xm.FineGray(
        **{"formula": "age + male + mspike", "weighting": "geskus", "known_weights": True, **choices}, event=cause
    )
    as_coxph(model.fit(mgus(reference)), stored)


def test_late_entry_on_the_age_scale(reference: Any) -> None:
    stored = reference("survival/finegray_mgus2")["results"]["left_truncated_age_scale"]["fit"]
    spells = mgus(reference, entry="start", exit="stop", unit="Y")
    fit = xm.FineGray("male + mspike", event=1, known_weights=True).fit(spells)
    assert fit.weighting == "geskus"
    as_coxph(fit, stored)


@pytest.mark.parametrize("name", ["type1", "type2", "left_truncated"])
def test_weights_of_fourteen_people_by_hand(reference: Any, name: str) -> None:
    """Weight of everyone who left for the other cause, over each stretch of time after it."""
    stored = pd.DataFrame(reference("survival/finegray_small")["results"][name])
    data = reference.csv("survival/finegray_small.csv")
    cause = 2 if name == "type2" else 1
    status = np.where(data.status == cause, 1, np.where(data.status > 0, 2, 0))
    starts = data.time1.to_numpy() if name == "left_truncated" else None
    entry, exit, levels = code_times(starts, data.time.to_numpy())
    made = subdistribution(Stays(exit, entry, levels, status, convention="geskus"), np.zeros((len(data), 1)))
    ours = {}
    for layer in made.cox.beyond.layers:
        for j, row in enumerate(layer.rows):
            for k in range(layer.start[j], layer.stop[j]):
                ours[int(data.id[row]), float(made.cox.index.times[k])] = layer.factor[j] * layer.keep[k]
    times = made.cox.index.times
    theirs = {}
    for r in stored.itertuples():
        mine = data.set_index("id").loc[r.id]
        if status[data.id == r.id][0] == 2:
            theirs |= {(r.id, t): r.fgwt for t in times if r.fgstart < t <= r.fgstop and t > mine.time}
    assert ours.keys() == theirs.keys()
    agree(list(ours.values()), [theirs[key] for key in ours], 1e-12)


def test_fourteen_people_two_conventions(reference: Any) -> None:
    stored = reference("survival/finegray_small")["results"]
    data = reference.csv("survival/finegray_small.csv")
    spells = xm.Spells.from_frame(data, exit="time", event="status", censor=0)
    fit = xm.FineGray("x", event=1, weighting="geskus", vcov="model").fit(spells)
    agree([fit.estimate[0], fit.covariance[0, 0]], [stored["coef"]["coef"]["x"], numbers(stored["coef"]["var"])[0, 0]])
    fit = xm.FineGray("x", event=1).fit(spells)
    agree([fit.estimate[0], fit.covariance[0, 0]], [stored["crr"]["coef"], numbers(stored["crr"]["var"]).ravel()[0]])
    agree(fit.llf, stored["crr"]["loglik"], 1e-10)


def test_gray(reference: Any) -> None:
    stored = reference("survival/gray_bmt")["results"]
    for name, choices in (("rho0", {}), ("rho1", {"rho": 1}), ("strat", {"strata": "tcell"})):
        tests = xm.gray_test(bmt(reference), by="platelet", **choices)
        agree(tests.to_frame()[["statistic", "p", "df"]], stored[name])
        agree(xm.gray_test(bmt(reference), by="platelet", event=2, **choices).pvalue, numbers(stored[name])[1, 1])
    data = reference.csv("survival/mgus2_cr.csv")
    spells = xm.Spells.from_frame(data, exit="etime", event="event", censor=0)
    tests = xm.gray_test(spells, by="sex")
    agree(tests.to_frame()[["statistic", "p", "df"]], reference("survival/cuminc_mgus2")["results"]["tests"])
