"""Log-rank tests against R's survdiff and a family of weights worked out by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm
from support import agree, numbers

FAMILY = {
    "logrank": ("logrank", 0, 0),
    "gehan": ("gehan", 0, 0),
    "tarone_ware": ("tarone-ware", 0, 0),
    "peto_peto": ("peto", 0, 0),
    "peto_modified": ("modified-peto", 0, 0),
    "fh_0_1": ("fleming-harrington", 0, 1),
    "fh_1_0": ("fleming-harrington", 1, 0),
    "fh_1_1": ("fleming-harrington", 1, 1),
    "fh_05_05": ("fleming-harrington", 0.5, 0.5),
    "fh_05_2": ("fleming-harrington", 0.5, 2),
}


def channing(data: Any) -> xm.Spells:
    data = data[data.age > 816].assign(ageentry=lambda d: np.maximum(d.ageentry, 816))
    return xm.Spells.from_frame(data[data.age > data.ageentry], entry="ageentry", exit="age", event="death")


def plain(data: Any) -> xm.Spells:
    return xm.Spells.from_frame(data, exit="time", event="delta")


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize(
    ("case", "file", "by", "read"),
    [
        ("weighted_logrank_kidney_cath", "kidney_cath", "type", plain),
        ("trend_larynx", "larynx", "stage", plain),
        ("logrank_left_truncated_channing", "channing", "gender", channing),
    ],
)
def test_every_weight_and_the_trend(reference: Any, case: str, file: str, by: str, read: Any, name: str) -> None:
    stored = reference(f"survival/{case}")["results"][name]
    weights, rho, gamma = FAMILY[name]
    spells = read(reference.csv(f"survival/{file}.csv"))
    test = xm.logrank_test(spells, by=by, weights=weights, rho=rho, gamma=gamma)
    agree(test.detail["score"], stored["U"])
    agree(test.detail["covariance"], stored["V"])
    agree(test.detail["observed"], stored["obs"])
    agree(test.detail["expected"], stored["exp"])
    agree([test.statistic, test.df, test.pvalue], [stored["chisq"], stored["df"], stored["p"]])
    if "trend_z" in stored:
        trend = xm.logrank_test(spells, by=by, weights=weights, rho=rho, gamma=gamma, trend=[1, 2, 3, 4])
        agree([trend.statistic, trend.pvalue], [stored["trend_z"] ** 2, stored["trend_p"]])


def test_survdiff_with_rho_and_strata(reference: Any) -> None:
    stored = reference("survival/logrank_aml_lung")["results"]
    lung = reference.csv("survival/lung.csv")

    def spells(data: Any) -> xm.Spells:
        return xm.Spells.from_frame(data, exit="time", event="status", censor=1)

    for name, rho in (("lung_sex_rho0", 0), ("lung_sex_rho1", 1), ("lung_sex_rho05", 0.5)):
        test = xm.logrank_test(spells(lung), by="sex", weights="fleming-harrington", rho=rho)
        agree(test.statistic, stored[name]["chisq"])
    known = lung[lung["inst"].notna() & lung["pat.karno"].notna()]
    test = xm.logrank_test(spells(known), by="pat.karno", strata="inst")
    agree([test.statistic, test.df], [stored["lung_karno_by_inst"][k] for k in ("chisq", "df")])
    agree(test.detail["covariance"], stored["lung_karno_by_inst"]["var"], atol=1e-12)
    test = xm.logrank_test(spells(lung[lung["ph.ecog"].notna()]), by="sex", strata="ph.ecog")
    agree(test.detail["observed"], numbers(stored["lung_sex_by_ecog"]["obs"]).sum(axis=1))
    agree(test.statistic, stored["lung_sex_by_ecog"]["chisq"])
    aml = xm.Spells.from_frame(reference.csv("survival/aml.csv"), exit="time", event="status")
    for name, rho in (("aml_rho0", 0), ("aml_rho1", 1)):
        agree(xm.logrank_test(aml, by="x", weights="fh", rho=rho).pvalue, stored[name]["p"])
