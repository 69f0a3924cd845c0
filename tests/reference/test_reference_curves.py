"""Curves against R: survival 3.8-11, cmprsk and mstate, as stored beside the project."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm
from exitmodels.kernels.products import aalen_johansen, restricted_area
from exitmodels.kernels.tables import event_table
from support import agree, numbers

TRANSFORMS = {"log": "log", "log-log": "loglog", "plain": "plain", "logit": "logit", "arcsine": "arcsin"}


@pytest.mark.parametrize(("case", "by", "last"), [("km_aml_all_ci", "x", 161), ("km_freireich", "arm", 35)])
def test_kaplan_meier_with_every_transform(reference: Any, case: str, by: str, last: float) -> None:
    stored = reference(f"survival/{case}")
    data = reference.csv(f"survival/{stored['data'][0]}")
    curve = xm.KaplanMeier(by=by, transform="log").fit(xm.Spells.from_frame(data, exit="time", event="status"))
    fit, frame = stored["results"]["fit"], curve.to_frame()
    for ours, theirs in (("time", "time"), ("at_risk", "n_risk"), ("events", "n_event"), ("censored", "n_censor")):
        agree(frame[ours], fit[theirs])
    agree(frame["estimate"], fit["surv"])
    with np.errstate(invalid="ignore"):
        agree(
            (frame["se"] / frame["estimate"])[frame["estimate"] > 0], numbers(fit["std_err"])[numbers(fit["surv"]) > 0]
        )
    for transform, name in TRANSFORMS.items():
        limits = curve.conf_int(transform=transform)
        agree(limits["low"], stored["results"][f"ci_{name}"]["lower"], what=transform)
        agree(limits["high"], stored["results"][f"ci_{name}"]["upper"], what=transform)
    quantiles = curve.quantile([0.1, 0.25, 0.5, 0.75])
    for ours, theirs in (("time", "quantile"), ("lower", "lower"), ("upper", "upper")):
        agree(quantiles[ours].to_numpy().reshape(2, 4), stored["results"]["quantiles"][theirs])
    whole = numbers(stored["results"]["table_rmean_individual"])
    for i, group in enumerate(curve.groups):
        horizon = float(curve[group].time[-1])
        area = curve[group].rmst(horizon)
        agree([area.estimate[0], area.se[0]], whole[i][4:6])
    assert curve[0].time[-1] == last


def test_nelson_aalen_and_its_survival_form(reference: Any) -> None:
    stored = reference("survival/na_lung_stype_ctype")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/lung.csv"), exit="time", event="status", censor=1)
    for ties, ctype in (("aalen", 1), ("fleming-harrington", 2)):
        curve = xm.NelsonAalen(by="sex", ties=ties).fit(spells)
        fit = stored[f"stype2_ctype{ctype}"]
        agree(curve.estimate, fit["cumhaz"])
        agree(curve.se, fit["std_chaz"])
        survival = curve.survival(transform="log")
        agree(survival.estimate, fit["surv"])
        agree(survival.conf_int()["low"], fit["lower"])
        agree(survival.conf_int()["high"], fit["upper"])
    for event in ("surv", "lower", "upper"):
        frame = xm.KaplanMeier(by="sex", transform="log").fit(spells).to_frame()
        agree(frame[{"surv": "estimate"}.get(event, event)], stored["stype1_ctype1"][event])


def test_weighted_kaplan_meier_and_its_robust_variances(reference: Any) -> None:
    stored = reference("survival/km_lung_weighted")["results"]
    data = reference.csv("survival/lung_weighted.csv")
    cases = [
        ("integer_greenwood", "w_int", "frequency", None, data),
        ("integer_robust", "w_int", "sampling", None, data),
        ("fractional_robust", "w_frac", "sampling", None, data),
        ("fractional_cluster", "w_frac", "sampling", "inst", data[data.inst.notna()]),
    ]
    for name, weight, kind, cluster, rows in cases:
        spells = xm.Spells.from_frame(
            rows, exit="time", event="status", censor=1, weight=weight, weights=kind, cluster=cluster
        )
        curve = xm.KaplanMeier(variance="cluster" if cluster else None).fit(spells)
        agree(curve.estimate, stored[name]["surv"], what=name)
        se = curve.se / curve.estimate if stored[name]["logse"] else curve.se
        agree(se, stored[name]["std_err"], what=name)


def test_kaplan_meier_with_delayed_entry(reference: Any) -> None:
    stored = reference("survival/km_channing_left_truncated")["results"]
    data = reference.csv("survival/channing.csv")
    spells = xm.Spells.from_frame(data[data.ageentry < data.age], entry="ageentry", exit="age", event="death")
    curve = xm.KaplanMeier(by="gender").fit(spells)
    agree(curve.time, stored["all"]["time"])
    agree(curve.estimate, stored["all"]["surv"])
    agree(curve.to_frame()["at_risk"], stored["all"]["n_risk"])
    assert "falls to 0 at 781" in curve.warnings[0]
    later = xm.KaplanMeier(by="gender", start=816, transform="log").fit(spells)
    agree(later.time, stored["from68"]["time"])
    agree(later.estimate, stored["from68"]["surv"])
    agree((later.se / later.estimate)[later.estimate > 0], numbers(stored["from68"]["std_err"])[later.estimate > 0])


def test_readings_at_times_and_reverse_kaplan_meier(reference: Any) -> None:
    stored = reference("survival/km_lung_times_extend")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/lung.csv"), exit="time", event="status", censor=1)
    at, r = xm.KaplanMeier(by="sex", transform="log").fit(spells).at([0, 100, 365, 730]), stored["at_times"]
    keep = [i for i, t in enumerate(r["time"]) if t <= 730]
    for ours, theirs in (
        ("estimate", "surv"),
        ("se", "se"),
        ("lower", "lower"),
        ("upper", "upper"),
        ("at_risk", "n_risk"),
    ):
        agree(at[ours], numbers(r[theirs])[keep])
    agree(np.diff(at["events"].to_numpy().reshape(2, 4), prepend=0), numbers(r["n_event"])[keep].reshape(2, 4))
    censored = xm.Spells.from_frame(reference.csv("survival/lung.csv"), exit="time", event="status", censor=2)
    follow_up = xm.KaplanMeier(transform="log").fit(censored).quantile([0.25, 0.5, 0.75])
    for ours, theirs in (("time", "quantile"), ("lower", "lower"), ("upper", "upper")):
        agree(follow_up[ours], stored["reverse_km_quantiles"][theirs])
    later, k = xm.KaplanMeier(start=200, transform="log").fit(spells), stored["start_time_200"]
    agree(later.estimate, k["surv"])
    agree(later.se / later.estimate, k["std_err"])


def test_aalen_johansen_jackknife_and_mean_time_lost(reference: Any) -> None:
    stored = reference("survival/aj_mgus2")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/mgus2_cr.csv"), exit="etime", event="event", censor=0)
    curve = xm.AalenJohansen(by="sex", transform="log").fit(spells)
    at = curve.at([12, 60, 120, 240, 360])
    for cause in (1, 2):
        own = at[at.cause == cause]
        for ours, theirs in (("estimate", "pstate"), ("se", "std_err"), ("lower", "lower"), ("upper", "upper")):
            agree(own[ours], numbers(stored[theirs])[:, cause], what=theirs)
    lost, rmts = curve.rmst(240).sort_values(["cause", "sex"]), numbers(stored["rmts"])[2:, 2:4]
    agree(lost["estimate"], rmts[:, 0])
    agree(lost["se"].iloc[[0, 2]], rmts[[0, 2], 1])
    # For men R prints 1.70104 and 3.39083 where the derivative of the area by the weight of each row (below, by
    # finite differences) gives 1.70088 and 3.39059; there 240 is not one of the recorded times.
    men = spells.select(spells.columns["sex"].decoded() == "M")
    for i, cause in ((1, 1), (3, 2)):
        agree(lost["se"].iloc[i], area_error(men, cause, 240.0), 1e-7)


def area_error(spells: xm.Spells, cause: int, tau: float) -> float:
    """Infinitesimal jackknife of an area by its definition: move the weight of each row a little."""

    def area(weight: np.ndarray) -> float:
        counts = event_table(spells.exit, spells.event, len(spells.causes), None, weight)
        _, incidence = aalen_johansen(counts.at_risk, counts.events)
        return restricted_area(counts.time, incidence[cause - 1], 0.0, tau)[0]

    step, ones = 1e-4, np.eye(len(spells))
    slope = [(area(1 + step * row) - area(1 - step * row)) / (2 * step) for row in ones]
    return float(np.sqrt(np.sum(np.square(slope))))


def test_incidence_limits_on_every_scale(reference: Any) -> None:
    stored = reference("survival/aj_ci_types_mgus2")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/mgus2_cr.csv"), exit="etime", event="event", censor=0)
    for transform in ("log", "log-log", "plain", "logit"):
        at = xm.AalenJohansen(transform=transform).fit(spells).at([24, 120, 240])
        for cause in (1, 2):
            own = at[at.cause == cause]
            agree(own["lower"], numbers(stored[transform.replace("-", "")]["lower"])[:, cause])
            agree(own["upper"], numbers(stored[transform.replace("-", "")]["upper"])[:, cause])
    at = xm.AalenJohansen(start=24).fit(spells).at([60, 120, 240])
    for cause in (1, 2):
        agree(at[at.cause == cause]["estimate"], numbers(stored["start24"]["pstate"])[:, cause])
        agree(at[at.cause == cause]["se"], numbers(stored["start24"]["std_err"])[:, cause])


def test_weighted_and_clustered_aalen_johansen(reference: Any) -> None:
    stored = reference("survival/aj_weighted_cluster")["results"]
    data = reference.csv("survival/mgus2_weighted.csv")
    for cluster, name in ((None, "se_id"), ("cl", "se_cluster")):
        spells = xm.Spells.from_frame(
            data, exit="etime", event="event", censor=0, weight="w", weights="sampling", cluster=cluster
        )
        at = xm.AalenJohansen(variance="cluster" if cluster else None).fit(spells).at([12, 60, 120, 240])
        for cause in (1, 2):
            agree(at[at.cause == cause]["estimate"], numbers(stored["pstate"])[:, cause])
            agree(at[at.cause == cause]["se"], numbers(stored[name])[:, cause], what=name)


def test_incidence_with_the_variance_of_cmprsk(reference: Any) -> None:
    stored = reference("survival/cuminc_mgus2")["results"]
    spells = xm.Spells.from_frame(reference.csv("survival/mgus2_cr.csv"), exit="etime", event="event", censor=0)
    curve = xm.AalenJohansen(by="sex", variance="aalen").fit(spells)
    for row, name in enumerate(stored["est"]["rows"]):
        sex, cause = name.split()
        at = curve[{"sex": sex, "cause": int(cause)}].at([12, 60, 120, 240, 360])
        agree(at["estimate"], numbers(stored["est"])[row])
        agree(at["se"] ** 2, numbers(stored["var"])[row])


def test_incidence_of_real_times_against_mstate(reference: Any) -> None:
    stored = reference("survival/aj_aidssi")["results"]["mstate_every10"]
    data = reference.csv("survival/aidssi.csv")
    spells = xm.Spells.from_frame(data[data.ccr5.notna()], exit="time", event="status", censor=0)
    curve = xm.AalenJohansen(by="ccr5").fit(spells)
    for group in ("WW", "WM"):
        rows = [i for i, g in enumerate(stored["group"]) if g == group]
        for cause in (1, 2):
            at = curve[{"ccr5": group, "cause": cause}].at(numbers(stored["time"])[rows])
            agree(at["estimate"], numbers(stored[f"CI.{cause}"])[rows], atol=1e-14)
            agree(at["se"], numbers(stored[f"seCI.{cause}"])[rows], atol=1e-14)
