"""Count regression against stored results of other programs: NB1, tests of dispersion, zero-inflated forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import exitmodels as xm

TREATED = "C(fem, contr.treatment('Men')) + C(mar, contr.treatment('Single')) + kid5 + phd + ment"
QUINE = "Sex + Age + Eth + Lrn"


def values(stored):
    return np.array(list(stored.values()), dtype=float)


def quine(reference):
    return xm.Counts.from_table(reference.csv("counts/quine.csv"), n="Days", covariates=["Sex", "Age", "Eth", "Lrn"])


def biochemists(reference):
    frame = reference.csv("counts/biochemists.csv")
    return xm.Counts.from_table(frame, n="art", covariates=["fem", "mar", "kid5", "phd", "ment"])


def test_nb1_of_school_absence(reference):
    case = reference("counts/cnt01_quine_nb")
    wanted, tolerance = case["results"]["nb1"], case["tol"]["nb1"]
    fit = xm.CountRegression(QUINE, family="nb1").fit(quine(reference))
    assert_allclose(fit.estimate, values(wanted["coef"]), rtol=tolerance)
    assert_allclose(fit.standard_errors, values(wanted["se_observed"]), rtol=tolerance)
    assert_allclose([fit.alpha, fit.llf], [wanted["delta"], wanted["loglik"]], rtol=tolerance)


@pytest.mark.parametrize("name", ["cnt01_quine_nb", "cnt02_biochem_poisson_nb"])
def test_overdispersion(reference, name):
    case = reference(f"counts/{name}")
    wanted, tolerance = case["results"]["overdispersion"], case["tol"]["default"]
    is_quine = name.startswith("cnt01")
    counts, formula = (quine(reference), QUINE) if is_quine else (biochemists(reference), TREATED)
    fit = xm.CountRegression(formula).fit(counts)
    for kind in ("linear", "quadratic"):
        test = fit.overdispersion_test(kind)
        stored = wanted[f"cameron_trivedi_{kind}"]
        assert_allclose([test.statistic, test.detail["alpha"]], [stored["z"], stored["alpha"]], rtol=tolerance)
    assert_allclose(fit.overdispersion_test().statistic, wanted["dean_score_PB"], rtol=tolerance)
    if is_quine:
        test = fit.overdispersion_test("lr")
        assert_allclose(test.statistic, case["results"]["LR_nb_vs_poisson"], rtol=tolerance)
        assert_allclose(test.pvalue, case["results"]["LR_p_half_chi2"], rtol=1e-7)
        same = xm.CountRegression(formula, family="nb2").fit(counts).lr_test(fit)
        assert_allclose([same.statistic, same.pvalue, same.df], [test.statistic, test.pvalue, 1], rtol=1e-10)


def test_frequencies_of_articles(reference):
    case = reference("counts/cnt02_biochem_poisson_nb")
    results, tolerance, counts = case["results"], case["tol"]["default"], biochemists(reference)
    poisson = xm.CountRegression(TREATED).fit(counts).frequencies(9)
    assert poisson["observed"].tolist() == results["counts_0_to_9"]["observed"]
    assert_allclose(poisson["expected"], results["counts_0_to_9"]["expected"], rtol=tolerance)
    nb2 = xm.CountRegression(TREATED, family="nb2").fit(counts).frequencies(9)
    assert_allclose(nb2["expected"], results["expected_nb_0_to_9"], rtol=tolerance)


@pytest.mark.parametrize(
    ("name", "family"), [("cnt03_biochem_zip", "poisson"), ("cnt04_biochem_zinb", "nb2")], ids=["zip", "zinb"]
)
def test_zero_inflated_articles(reference, name, family):
    case = reference(f"counts/{name}")
    results, tolerance = case["results"], case["tol"]["default"]
    fit = xm.ZeroInflated(TREATED, TREATED, family=family).fit(biochemists(reference))
    estimate, errors = fit.estimate, fit.standard_errors
    if family == "nb2":
        estimate, errors = np.append(estimate, np.log(fit.theta)), np.append(errors, fit.log_alpha_se)
        assert_allclose(fit.theta, results["theta"], rtol=tolerance)
    assert_allclose(estimate, values(results["coef"]), rtol=tolerance)
    assert_allclose(errors, values(results["se"]), rtol=tolerance)
    assert_allclose([fit.llf, fit.aic], [results["loglik"], results["AIC"]], rtol=tolerance)
    assert fit.converged


def test_effects_without_columns_give_the_fit_with_columns(reference):
    """quine with a level for each age: the same coefficients, errors of every kind, predictions and criteria."""
    counts = quine(reference)
    for family in ("poisson", "nb2"):
        one = xm.CountRegression("Sex + Eth + Lrn + fe(Age)", family=family).fit(counts)
        other = xm.CountRegression("Sex + Eth + Lrn + C(Age)", family=family).fit(counts)
        place = [other.names.index(name) for name in one.names]
        assert_allclose(one.estimate, other.estimate[place], rtol=1e-9)
        assert_allclose([one.llf, one.aic, one.bic], [other.llf, other.aic, other.bic], rtol=1e-12)
        for kind in ("model", "robust", "hc1", "hc2", "hc3", "cluster", "kc", "md"):
            options = {"cluster": "Age"} if kind in ("cluster", "kc", "md") else {}
            errors = [fit.with_vcov(kind, **options).standard_errors for fit in (one, other)]
            assert_allclose(errors[0], errors[1][place], rtol=1e-7, err_msg=kind)
        frames = [fit.get_prediction().summary_frame() for fit in (one, other)]
        pd.testing.assert_frame_equal(*frames, rtol=1e-8)
