"""Case-cohort regression against R survival's cch, and against the whole cohort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm
from support import agree, numbers

METHODS = {
    "Prentice": "prentice",
    "SelfPrentice": "self-prentice",
    "LinYing": "lin-ying",
    "I.Borgan": "borgan-i",
    "II.Borgan": "borgan-ii",
}
SIZES = {1: 3622, 2: 406}  # of the study, by institution


@pytest.mark.parametrize("name", METHODS)
def test_wilms_tumour(reference: Any, name: str) -> None:
    stored = reference("survival/case_cohort_nwtco")["results"][name]
    data = reference.csv("survival/nwtco_casecohort.csv")
    data["ageyr"] = data.age / 12
    spells = xm.Spells.from_frame(data, exit="edrel", event="rel")
    more: dict[str, Any] = {"cohort_size": 4028}
    if "Borgan" in name:
        more = {"cohort_size": SIZES, "strata": "instit"}
    model = xm.CaseCohort("C(stage) + C(histol) + ageyr", subcohort="subcohort", method=METHODS[name], **more)
    fit = model.fit(spells)
    agree(fit.estimate, stored["coef"])
    # a covariance near zero is judged beside the standard errors that it belongs to
    spread = np.outer(fit.standard_errors, fit.standard_errors)
    agree(fit.covariance / spread, numbers(stored["var"]) / spread, atol=1e-8)


def cohort(n: int = 3000, seed: int = 5) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    x, place = rng.normal(size=n), rng.integers(0, 2, n)
    stay = rng.exponential(np.exp(-0.5 * x) * 8)
    drawn = rng.random(n) < np.where(place == 1, 0.5, 0.2)
    table = {"exit": np.minimum(stay, 1.0), "event": stay < 1, "x": x, "drawn": drawn.astype(int), "place": place}
    return table, drawn | (stay < 1)


@pytest.mark.parametrize("method", METHODS.values())
def test_a_subcohort_of_everyone_is_the_cohort(method: str) -> None:
    table, _ = cohort()
    everyone = {**table, "drawn": np.ones(3000, int)}
    spells = xm.Spells.from_frame(everyone, exit="exit", event="event")
    more: dict[str, Any] = {"cohort_size": 3000}
    if "borgan" in method:
        more = {"cohort_size": dict(enumerate(np.bincount(table["place"]).tolist())), "strata": "place"}
    fit = xm.CaseCohort("x", subcohort="drawn", method=method, **more).fit(spells)
    whole = xm.Cox("x").fit(spells)
    assert_allclose(fit.estimate, whole.estimate, rtol=1e-6)
    assert_allclose(fit.covariance, whole.covariance, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS.values())
def test_the_sample_finds_the_effect_of_the_cohort(method: str) -> None:
    table, kept = cohort()
    sample = xm.Spells.from_frame({k: v[kept] for k, v in table.items()}, exit="exit", event="event")
    more: dict[str, Any] = {"cohort_size": 3000}
    if "borgan" in method:
        more = {"cohort_size": dict(enumerate(np.bincount(table["place"]).tolist())), "strata": "place"}
    fit = xm.CaseCohort("x", subcohort="drawn", method=method, **more).fit(sample)
    assert abs(fit.estimate[0] - 0.5) < 3 * fit.standard_errors[0]
    assert "HR" in str(fit)


def test_bad_case_cohort_tables() -> None:
    table, kept = cohort()
    whole = xm.Spells.from_frame(table, exit="exit", event="event")
    with pytest.raises(xm.DataError, match="neither left nor were drawn"):
        xm.CaseCohort("x", subcohort="drawn", cohort_size=3000).fit(whole)
    sample = xm.Spells.from_frame({k: v[kept] for k, v in table.items()}, exit="exit", event="event")
    with pytest.raises(xm.DataError, match="cannot be smaller"):
        xm.CaseCohort("x", subcohort="drawn", cohort_size=100).fit(sample)
    with pytest.raises(xm.DataError, match="needs"):
        xm.CaseCohort("x", subcohort="drawn", cohort_size=3000, method="borgan-i").fit(sample)
    with pytest.raises(xm.DataError, match="The column holds"):
        xm.CaseCohort("x", subcohort="x", cohort_size=3000).fit(sample)
