"""Masked causes against independent programs."""

from __future__ import annotations

import exitmodels as xm
from support import agree, numbers


def melanoma(reference):
    """Every fourth row's cause is masked (status 9)."""
    data = reference.csv("survival/melanoma_masked.csv")
    return xm.Spells(
        exit=data["time"],
        event=data["status_obs"].map({0: 0, 1: 1, 2: 2, 9: 3}),
        causes=["1", "2", "?"],
        covariates={"age": data["age"], "logthick": data["logthick"]},
    )


def test_masked_cause_piecewise(reference):
    case = reference("survival/masked_cause_piecewise")["results"]
    fit = xm.MaskedCauses(unknown="?", cuts=case["cuts"]).fit(melanoma(reference))
    group = fit.groups[0]
    agree(group.time, case["persontime"])
    agree(group.count.T, [case["d1"], case["d2"], case["missing"]])
    agree(group.share[:, 0], case["share_cause1"])
    agree(group.hazard.T, [case["lambda1"], case["lambda2"]])
    agree(fit.predict_incidence(case["times"])["cause=1"].at(case["times"]).estimate, case["cif1"])


def test_masked_cause_proportional(reference):
    stored = reference("survival/masked_cause_proportional")
    case, rtol = stored["results"], stored["tolerance"]["par_rtol"]
    fit = xm.MaskedCox("age + logthick", unknown="?").fit(melanoma(reference))
    agree(fit.llf, case["loglik"], stored["tolerance"]["loglik_rtol"])
    agree(fit.params, case["par"], rtol)
    agree(fit.bse, case["se"], rtol)
    agree(fit.cov_params(), numbers(case["var"]), rtol)
