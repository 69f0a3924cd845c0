"""What an omission is worth: closed forms, quadrature, limits, and what a fit says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

import exitmodels as xm


@pytest.mark.parametrize(("p", "ratio"), [(0.1, 10 / 9), (0.3, 10 / 7), (0.5, 2.0), (0.9, 10.0), (0.95, 20.0)])
def test_one_omission_is_worth_one_over_one_minus_p(p, ratio):
    found = xm.omission_evidence(p)
    assert_allclose([found.ratio, found.averaged, found.single], ratio, rtol=1e-12)
    assert_allclose(found.needed, 0.95, rtol=1e-12)


def test_one_omission_at_a_base_rate_of_a_tenth_is_next_to_nothing():
    found = xm.omission_evidence(0.1)
    assert round(found.ratio, 3) == 1.111
    assert found.words == "not worth more than a bare mention"
    assert found.items_needed == 29
    assert 1 / 0.9**29 > 20 > 1 / 0.9**28


def test_several_omissions_multiply_when_independent():
    found = xm.omission_evidence(0.3, items=4)
    assert_allclose(found.ratio, 0.7**-4, rtol=1e-12)
    assert_allclose(found.single, 1 / 0.7, rtol=1e-12)
    assert_allclose(1 / (1 - found.needed) ** 4, 20.0, rtol=1e-10)
    assert any("count as independent" in note for note in found.warnings)
    assert_allclose(xm.omission_evidence(0.3, items=4, deliberate=0.5).ratio, 0.5 * 0.7**-4, rtol=1e-12)


@pytest.mark.parametrize("items", [1, 5])
@pytest.mark.parametrize("rho", [0.0, 0.2])
def test_the_averaged_ratio_is_an_integral_over_the_posterior(items, rho):
    found = xm.omission_evidence(appeared=3, of=30, items=items, correlation=rho, prior=(1, 1))
    law = stats.beta(4, 28)

    def missing(p: float) -> float:
        if rho == 0:
            return (1 - p) ** items
        a, b = p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho
        return stats.betabinom(items, a, b).pmf(0) if p > 0 else 1.0

    chance = integrate.quad(lambda p: law.pdf(p) * missing(p), 0, 1)[0]
    # Correlated items are averaged over 2000 midpoints, good to about 1e-6.
    assert_allclose(found.averaged, 1 / chance, rtol=1e-8 if rho == 0 else 1e-5)
    assert_allclose([found.low, found.high], [1 / missing(law.ppf(q)) for q in (0.025, 0.975)], rtol=1e-8)


def test_uncertainty_about_the_base_rate_ties_items_together():
    """By Jensen's inequality the average is below the ratio at the mean, for two items or more."""
    one, five = (xm.omission_evidence(appeared=3, of=30, items=k) for k in (1, 5))
    assert_allclose(one.averaged, one.ratio, rtol=1e-12)
    assert five.averaged < five.ratio
    known = xm.omission_evidence(appeared=30_000, of=300_000, items=5)
    assert_allclose(known.averaged, 0.9**-5, rtol=1e-3)  # 300,000 items: the rate is known to a few parts in 1000


def test_correlation_goes_from_independent_to_one_item():
    ratios = [xm.omission_evidence(0.5, items=6, correlation=r).ratio for r in (0.0, 0.01, 0.3, 0.99, 1.0)]
    assert np.all(np.diff(ratios) < 0)
    assert_allclose([ratios[0], ratios[-1]], [64.0, 2.0], rtol=1e-12)


def test_posterior_chances_follow_from_the_odds():
    found = xm.omission_evidence(0.9).posterior([0.0, 0.5, 1.0])
    assert_allclose(found["posterior"], [0.0, 10 / 11, 1.0], rtol=1e-12)


def test_words_follow_kass_and_raftery():
    words = [xm.omission_evidence(p).words for p in (0.5, 0.8, 0.96, 0.999)]
    assert words == ["not worth more than a bare mention", "positive", "strong", "very strong"]
    assert xm.omission_evidence(0.1, deliberate=0.2).words == "against a deliberate omission"


def test_it_prints_draws_and_is_saved(tmp_path):
    found = xm.omission_evidence(appeared=3, of=30, items=2)
    assert "base rate needed for 20" in str(found)
    assert "one omission" in found.to_markdown()
    assert "Kass" in found.cite()
    frame = found.to_frame()
    assert_allclose(frame["2 omissions"], frame["one omission"] ** 2, rtol=1e-12)
    assert found.plot().get_yscale() == "log"
    found.save(tmp_path / "omission.json")
    assert xm.load(tmp_path / "omission.json").averaged == found.averaged


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"base_rate": 0.1, "appeared": 1, "of": 2},
        {"appeared": 1},
        {"base_rate": 1.0},
        {"base_rate": -0.1},
        {"appeared": 5, "of": 3},
        {"base_rate": 0.1, "items": 0},
        {"base_rate": 0.1, "items": 1.5},
        {"base_rate": 0.1, "deliberate": 0.0},
        {"base_rate": 0.1, "correlation": 2.0},
        {"appeared": 1, "of": 3, "prior": (0, 1)},
        {"base_rate": 0.1, "wanted": 0.5},
        {"base_rate": 0.1, "grid": [1.0]},
        {"base_rate": 0.1, "alpha": 2.0},
    ],
)
def test_bad_questions_are_refused(asked):
    with pytest.raises(xm.DataError) as problem:
        xm.omission_evidence(**asked)
    assert problem.value.hint


# ---- from a fit --------------------------------------------------------------------------------------------------
def watched() -> xm.Spells:
    rng = np.random.default_rng(1)
    lag = rng.geometric(0.6, 400)
    left = (rng.random(400) < 0.3) & (lag <= 12)
    return xm.Spells(exit=np.where(left, lag, 12), event=left.astype(int))


def test_a_fit_and_its_evidence_agree():
    fit = xm.DiscreteCure().fit(watched())
    found = fit.omission_evidence(waited=[0, 0, 1], rng=2)
    chance = fit.predict_next(waited=[0, 0, 1]).chance[:3]
    assert_allclose(found.ratio, 1 / np.prod(1 - chance), rtol=1e-10)
    assert_allclose(found.single, 1 / (1 - chance.max()), rtol=1e-10)
    assert_allclose((1 - found.base_rate) ** 3, np.prod(1 - chance), rtol=1e-10)
    assert found.low < found.ratio < found.high
    assert fit.omission_evidence(waited=[0, 0, 1], rng=2).averaged == found.averaged


def test_the_average_over_the_fit_is_near_that_over_a_beta_posterior():
    """With long follow-up the chance in the first issue is (1 - never) h: its delta interval is the drawn one."""
    fit = xm.DiscreteCure().fit(watched())
    found = fit.omission_evidence(waited=0, n_draws=20_000)
    limits = 1 / (1 - fit.predict_next(waited=0).conf_int().iloc[0])
    # Quantiles of 20000 draws have an error of about 1 % of the width of the interval, and the two scales differ.
    assert_allclose([found.low, found.high], limits, rtol=5e-3)
    assert_allclose(found.averaged, found.ratio, rtol=5e-3)


def test_covariates_of_the_item_are_used():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, 600)
    lag = rng.geometric(0.6, 600)
    left = (rng.random(600) < np.where(x == 1, 0.8, 0.1)) & (lag <= 12)
    spells = xm.Spells(exit=np.where(left, lag, 12), event=left.astype(int), covariates={"x": x})
    fit = xm.DiscreteCure("x").fit(spells)
    rare, usual = (fit.omission_evidence({"x": [v]}, issues=3).ratio for v in (0, 1))
    assert 1.05 < rare < 1.25
    assert usual > 3
