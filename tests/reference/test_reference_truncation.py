"""Curves, regressions and tests under truncation against stored results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.support import agree, agrees_with_coxph

import exitmodels as xm
from exitmodels.models.truncation.weighted import solve


def windowed(frame: Any, names: tuple[str, str, str], shift: float = 0.0, **more: Any) -> xm.Spells:
    x, u, v = (frame[name].to_numpy(dtype=float) + shift for name in names)
    return xm.Spells(exit=x, left_limit=u, right_limit=v, **more)


def per_row(curve: Any, frame_time: Any) -> float:
    """Log-likelihood with the mass of a time shared by its rows, as the stored results count it."""
    counts = np.unique(np.asarray(frame_time), return_counts=True)[1]
    return float(curve.checks[0].llf - np.sum(counts * np.log(counts)))


@pytest.mark.parametrize(
    ("case", "file", "names", "shift"),
    [
        ("dt_aids", "aids_dt", ("X", "U", "V"), 0.0),
        ("dt_quasars", "quasars", ("y", "u", "v"), 10.0),
    ],
)
def test_masses_of_double_truncation(reference: Any, case: str, file: str, names: Any, shift: float) -> None:
    frame, stored = reference.csv(f"survival/{file}.csv"), reference(f"survival/{case}")["results"]
    curve = xm.DoublyTruncated(closed="both").fit(windowed(frame, names, shift))
    masses = curve.masses()
    agree(masses.time - shift, stored["time"], 1e-8, atol=1e-12)
    agree(masses.mass, stored["mass"], 1e-9)
    agree(masses.chance, stored["P_obs_given_x"], 1e-9)
    agree(1 - curve.estimate, stored["cdf"], 1e-9)
    agree(per_row(curve, frame[names[0]]), stored["loglik_conditional"], 1e-10)
    law = curve.window_law()
    assert abs(law.share.sum() - 1) < 1e-12
    weights = np.sort(np.asarray(stored["trunc_weight_k"]))
    if len(law) == len(weights):
        agree(np.sort(law.share), weights, 1e-8)
    assert curve.checks[0].gap < 1e-9


def test_existence(reference: Any) -> None:
    """The manual of DTDA says that ACS fails the condition; others pass."""
    stored = reference("survival/dt_existence")["results"]
    frame = reference.csv("survival/acs_full.csv")
    spells = windowed(frame, ("X", "U", "V"))
    with pytest.raises(xm.IdentificationError, match="12 sets") as raised:
        xm.DoublyTruncated(closed="both").fit(spells)
    known = stored["acs_full"]
    assert raised.value.n_rows == known["n"] - known["largest_component"]
    kept = xm.DoublyTruncated(closed="both", existence="largest", variance="none").fit(spells)
    assert (kept.checks[0].n, kept.checks[0].components) == (known["largest_component"], 12)
    assert kept.ledger.n_set_aside == known["n"] - known["largest_component"]
    for case, names in (("quasars", ("y", "u", "v")), ("aids_dt", ("X", "U", "V")), ("pd_late", ("X", "U", "V"))):
        rows = windowed(reference.csv(f"survival/{case}.csv"), names, 50.0)
        fit = xm.DoublyTruncated(closed="both", variance="none").fit(rows)
        assert (fit.checks[0].components, fit.checks[0].n) == (1, stored[case]["n"])


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_weighted_cox(reference: Any, ties: str) -> None:
    stored = reference("survival/dt_pdlate_cox")["results"]
    frame = reference.csv("survival/pd_late.csv")
    columns = {"g": (frame.SNP_A10398G == "G").astype(int)}
    fit = xm.TruncatedCox("g", ties=ties, closed="both", vcov="given-weights").fit(
        windowed(frame, ("X", "U", "V"), covariates=columns)
    )
    agree(fit.estimate, stored[ties]["coef"], 1e-8)
    agree(fit.covariance, stored[ties]["var"], 1e-8)
    agree([fit.llnull, fit.llf], stored[ties]["loglik"], 1e-10)
    if ties == "efron":
        agree(fit.naive, stored["naive"]["coef"], 1e-8)
    curve = xm.DoublyTruncated(closed="both").fit(windowed(frame, ("X", "U", "V")))
    agree(curve.masses().mass, stored["npmle"]["mass"], 1e-8)
    agree(curve.masses().chance, stored["npmle"]["P_obs_given_x"], 1e-8)


def test_kendall_under_double_truncation(reference: Any) -> None:
    """The stored values are rounded to three decimals by the program that made them."""
    stored = reference("survival/dt_pdlate_cox")["results"]["kendall"]
    test = xm.quasi_independence_test(windowed(reference.csv("survival/pd_late.csv"), ("X", "U", "V")), closed="both")
    # stored with three figures; see the docstring
    np.testing.assert_allclose(test.detail["tau"], stored["tau"], atol=5e-4)
    assert abs(test.statistic - stored["stat"]) < 5e-4
    assert test.df == 1  # both limits move together


@pytest.mark.parametrize(("gender", "name"), [(1, "male"), (2, "female")])
def test_tsai(reference: Any, gender: int, name: str) -> None:
    stored = reference("survival/kendall_conditional_channing")["results"][name]
    data = reference.csv("survival/channing.csv").query("gender == @gender")
    spells = xm.Spells(exit=data.age, entry=data.ageentry, event=data.death)
    test = xm.quasi_independence_test(spells, closed="both")
    for key, value in (("K", "K"), ("variance", "V"), ("z", "z")):
        agree(test.detail[key][0], stored[value])
    agree(test.pvalue, stored["p"])


def test_right_truncated_curve(reference: Any) -> None:
    stored = reference("survival/right_truncated_npmle_aids_adults")["results"]
    data = reference.csv("survival/aids_km.csv").query("adult == 1")
    curve = xm.RightTruncated().fit(xm.Spells(exit=data.induct, right_limit=8 - data.infect))
    frame = curve.to_frame()
    agree(frame.time, stored["time"])
    agree(frame.events, stored["d"])
    agree(frame.at_risk, stored["Y"])
    agree(1 - frame.estimate, stored["cdf"])
    agree(frame.se, stored["se_cdf"], atol=1e-14)
    assert curve.checks[0].gap < 1e-12


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_reverse_cox(reference: Any, ties: str) -> None:
    stored = reference("survival/right_truncated_test_aids")["results"][ties]
    data = reference.csv("survival/aids_km.csv")
    spells = xm.Spells(exit=data.induct, right_limit=8 - data.infect, covariates={"adult": data.adult})
    agrees_with_coxph(xm.ReverseCox("adult", ties=ties).fit(spells), stored)


def test_stabilised_equations(reference: Any) -> None:
    """The equations of IPW-S, with that program's own weights: exp(-Nelson-Aalen) of the limit, entered late at T.

    Ours differ by two conventions: the product limit, and the chance that the limit is T *or later*. The stored
    coefficient is 1.1754; with our weights it is 1.0370.
    """
    stored = reference("survival/coxrt_aids")["results"]
    data = reference.csv("survival/aids_gss.csv")
    time, limit = data["T"].to_numpy(float), data["R"].to_numpy(float)
    at = np.unique(limit)
    step = [np.sum(limit == t) / max(np.sum((time < t) & (t <= limit)), 1) for t in at]
    later = np.exp(-np.concatenate([[0.0], np.cumsum(step)])[np.searchsorted(at, time, side="right")])
    spells = xm.Spells(exit=time, right_limit=limit, covariates={"ageg": data.ageg})
    fit = xm.TruncatedCox("ageg", estimator="stabilised", ties="efron").fit(spells)
    assert fit.fitted is not None
    weight = (1 / later) / np.mean(1 / later)
    best = solve(replace(fit.fitted, selection=weight), np.ones(len(time)), weight)
    agree(best.at / fit.fitted.coded.scale, [stored["coef"]], 1e-6)


def test_exit_window(reference: Any) -> None:
    stored = reference("survival/exit_window_independent")["results"]
    frame = reference.csv("survival/exit_window_indep.csv")
    spells = windowed(frame, ("T", "U", "V"), event=frame.reason, censor=[])
    curve = xm.DoublyTruncated().fit(spells)
    agree(1 - curve.at(stored["grid"]).estimate, stored["cdf"], 1e-8)
    agree(per_row(curve, frame["T"]), stored["loglik_conditional"], 1e-9)
    incidence = xm.DoublyTruncated(kind="incidence").fit(spells).at(stored["grid"])
    for cause in ("other", "treatment", "family"):
        agree(incidence[incidence.cause == cause].estimate, stored[f"cif_{cause}"], 1e-8)


@pytest.mark.parametrize(("closed", "name"), [("right", "strict_left"), ("both", "closed_left")])
def test_monthly_ties(reference: Any, closed: str, name: str) -> None:
    stored = reference("survival/exit_window_monthly_ties")["results"]
    frame = reference.csv("survival/exit_window_monthly.csv")
    curve = xm.DoublyTruncated(closed=closed).fit(windowed(frame, ("T", "U", "V")))
    agree(curve.time, stored["time"])
    agree(1 - curve.estimate, stored[f"cdf_{name}"], 1e-8)
    agree(per_row(curve, frame["T"]), stored[f"loglik_{name.split('_')[0]}"], 1e-9)
