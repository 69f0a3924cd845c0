"""Shares of reasons against independent programs: nnet, VGAM, DirichletReg, first principles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm
from exitmodels.kernels.simultaneous import sison_glaz
from support import agree

REASONS = ["treatment", "family", "mission", "other"]


def marital(reference: Any) -> Any:
    data = reference.csv("counts/marital_nz.csv")
    return data.assign(a=(data["age"] - 40) / 10)


def months(reference: Any) -> Any:
    data = reference.csv("counts/exit_reasons_synthetic.csv")
    return data.assign(t=(data["month"] - 9.5) / 12)


def test_marital_status_by_age(reference: Any) -> None:
    stored = reference("counts/mnl01_marital")["results"]
    data = marital(reference)
    fit = xm.Composition("a + I(a**2)", reason="status_code").fit(data)
    order = np.argsort(_by_size(fit, stored))
    pick = np.concatenate([3 * np.flatnonzero(order == k)[0] + np.arange(3) for k in range(3)])
    agree(fit.estimate[pick], stored["coef"], 1e-9, atol=1e-12)
    agree(fit.standard_errors[pick], stored["se"], 1e-9)
    agree(fit.with_vcov("robust").standard_errors[pick], stored["se_robust_HC0"], 1e-9)
    agree(fit.llf, stored["loglik_kernel"], 1e-12)
    agree(fit.deviance, stored["deviance_vs_saturated"], 1e-10)
    agree(fit.pearson_chi2, stored["pearson_X2"], 1e-9)
    agree(fit.dispersion, stored["phi_pearson"], 1e-9)
    linear = xm.Composition("a", reason="status_code").fit(data)
    agree(fit.lr_test(linear).statistic, stored["LR_quadratic"], 1e-9)
    for age, key in ((25, "prob_age25"), (60, "prob_age60")):
        agree(np.sort(fit.predict({"a": [(age - 40) / 10]}).to_numpy()[0]), np.sort(stored[key]), 1e-9)
    years = fit.marginal_effects("a").estimate / 10
    agree(np.sort(years), np.sort(stored["average_marginal_effect_of_one_year"]), 1e-9)


def _by_size(fit: Any, stored: Any) -> list[int]:
    """Place of each of our reasons among divorced, single, widowed: told by the share at 25 and at 60."""
    young = fit.predict({"a": [-1.5]}).iloc[0]
    known = {"divorced": stored["prob_age25"][1], "single": stored["prob_age25"][2], "widowed": stored["prob_age25"][3]}
    return [int(np.argmin([abs(young[reason] - value) for value in known.values()])) for reason in fit.reasons[1:]]


def test_pneumoconiosis_by_exposure(reference: Any) -> None:
    stored = reference("counts/mnl02_pneumo")["results"]
    data = reference.csv("counts/pneumo.csv").rename(columns={"exposure.time": "years"})
    fit = xm.Composition("np.log(years)", reasons=["normal", "mild", "severe"]).fit(data)
    agree(fit.estimate, stored["coef"], 1e-9)
    agree(fit.standard_errors, stored["se"], 1e-9)
    agree(fit.with_vcov("robust").standard_errors, stored["se_robust_HC0"], 1e-9)
    agree([fit.llf_kernel, fit.llf], [stored["loglik_kernel"], stored["loglik_with_coefficients"]], 1e-11)
    agree([fit.pearson_chi2, fit.deviance], [stored["pearson_X2"], stored["deviance_vs_saturated"]], 1e-9)
    ordered = xm.ProportionalOdds("np.log(years)", order=["normal", "mild", "severe"]).fit(data)
    agree(ordered.estimate, stored["propodds_coef"], 1e-8)
    agree(ordered.standard_errors, stored["propodds_se"], 1e-6)
    agree(ordered.llf, stored["propodds_loglik"], 1e-9)


@pytest.mark.parametrize("door", ["wide", "counts"])
def test_reasons_of_431_exits(reference: Any, door: str) -> None:
    """The same through a table with one row a month, and through Counts with one row a cell."""
    stored = reference("counts/mnl03_exit_reasons")["results"]
    data = months(reference)
    wide: dict[str, Any] = {"reasons": REASONS, "exposure": "days"}
    if door == "counts":
        long = data.melt(
            id_vars=["month", "days", "policy", "t"], value_vars=REASONS, var_name="reason", value_name="n"
        )
        data = xm.Counts.from_table(long, n="n", by="reason", exposure="days", covariates=["month", "policy", "t"])
        wide = {}
    fit = xm.Composition("policy + t", baseline="treatment", total=True, **wide).fit(data)
    shares = {name: value for name, value in zip(fit.names, fit.estimate, strict=True) if not name.startswith("total")}
    theirs = stored["multinomial"]
    ours = [_ours(name) for name in theirs["coef"]]
    agree([shares[name] for name in ours], theirs["coef"], 1e-8)
    agree(fit.bse[ours], theirs["se"], 1e-8)
    alone = xm.Composition("policy + t", baseline="treatment", **wide).fit(data)
    agree(alone.with_vcov("robust").bse[ours], theirs["se_robust_HC0"], 1e-8)
    agree([alone.llf_kernel, alone.llf], [theirs["loglik_kernel"], theirs["loglik_with_coefficients"]], 1e-10)
    agree([alone.pearson_chi2, alone.deviance], [theirs["pearson_X2"], theirs["deviance_vs_saturated"]], 1e-8)
    smaller = xm.Composition("t", baseline="treatment", **wide).fit(data)
    test = alone.lr_test(smaller)
    agree([test.statistic, test.df], [stored["LR_policy"], stored["LR_policy_df"]], 1e-8)
    effects = fit.effects({"policy": (0, 1)}, at={"t": (18 - 9.5) / 12})
    place = [effects.names.index(f"share difference: {reason}") for reason in stored["share_difference"]]
    agree(effects.estimate[place], stored["share_difference"], 1e-8)
    agree(effects.standard_errors[place], stored["share_difference_se"], 1e-8)
    agree(effects.before[place], stored["share_without_policy_month18"], 1e-8)
    agree(effects.after[place], stored["share_with_policy_month18"], 1e-8)
    agree(fit.params[["total: Intercept", "total: policy", "total: t"]], stored["total_poisson"]["coef"], 1e-8)
    agree(fit.bse[["total: Intercept", "total: policy", "total: t"]], stored["total_poisson"]["se"], 1e-8)
    agree(fit.llf - alone.llf, stored["total_poisson"]["loglik"], 1e-8)


def _ours(name: str) -> str:
    reason, term = name.split(":")
    return f"{reason}: {'Intercept' if term == 'const' else term}"


def test_overdispersed_reasons(reference: Any) -> None:
    stored = reference("counts/mnl03_exit_reasons")["results"]["dirichlet_multinomial"]
    fit = xm.Composition("policy + t", reasons=REASONS, family="dirichlet-multinomial").fit(months(reference))
    agree(fit.estimate, stored["coef"], 1e-8)
    agree(fit.standard_errors, stored["se"], 1e-8)
    agree(fit.llf, stored["loglik"], 1e-10)
    agree([fit.concentration, fit.intraclass], [stored["concentration"]["1"], stored["rho_intraclass"]["1"]], 1e-8)


@pytest.mark.parametrize(
    ("counts", "key"), [("counts431", "all431"), ("counts11", "list11"), ("counts_with_zero", "with_zero")]
)
def test_simultaneous_limits(reference: Any, counts: str, key: str) -> None:
    case = reference("counts/mnl04_simultaneous")["results"]
    n = dict(zip("abcd", case[counts], strict=True))
    for method, name in (
        ("goodman", "goodman"),
        ("quesenberry-hurst", "quesenberry_hurst"),
        ("bonferroni", "bonferroni_clopper_pearson"),
    ):
        ours = xm.shares(n, method=method)
        agree(ours.low, case[key][f"{name}_lo"], 1e-9)
        agree(ours.high, case[key][f"{name}_hi"], 1e-9)
    c, delta, low, high = sison_glaz(np.array(case[counts], dtype=float))
    stored = case[key]["sison_glaz"]
    assert c == stored["c"]
    agree(delta, stored["delta"], 1e-9)
    agree(low, stored["lower"], 1e-9, atol=1e-15)
    agree(high, stored["upper"], 1e-9)


def test_arctic_lake(reference: Any) -> None:
    stored = reference("counts/dir01_arctic_lake")["results"]
    data = reference.csv("counts/arctic_lake.csv")
    fit = xm.DirichletRegression("depth", parts=["sand", "silt", "clay"]).fit(data)
    agree(fit.estimate, stored["coef"], 1e-8)
    agree(fit.standard_errors, stored["se"], 1e-7)
    agree(fit.llf, stored["loglik"], 1e-10)
    assert "divided by their sum" in str(fit.ledger)
