"""Small helpers of the tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.testing import assert_allclose


def numbers(value: Any) -> np.ndarray:
    """Stored numbers as floats: null is NaN, "Infinity" is inf, matrices are {rows, cols, values}."""
    if isinstance(value, dict):
        value = value["values"] if "values" in value else list(value.values())

    def plain(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return x.tolist()
        if isinstance(x, list):
            return [plain(y) for y in x]
        if isinstance(x, dict):
            return [plain(y) for y in x.values()]
        return np.nan if x is None else float(x)

    return np.asarray(plain(value), dtype=float)


def agree(ours: Any, theirs: Any, rtol: float = 1e-8, atol: float = 0.0, what: str = "") -> None:
    """Assert that our numbers are theirs."""
    assert_allclose(np.asarray(ours, dtype=float), numbers(theirs), rtol=rtol, atol=atol, err_msg=what)


def agrees_with_coxph(fit: Any, stored: dict[str, Any], rtol: float = 1e-8) -> None:
    """Coefficients, variance, log-likelihoods and the three tests of a stored coxph fit."""
    agree(fit.estimate, stored["coef"], rtol, what="coef")
    agree(fit.covariance, stored["var"], rtol, atol=1e-14, what="var")
    agree([fit.llnull, fit.llf], stored["loglik"], 1e-10, what="loglik")
    assert (fit.nobs, fit.n_events) == (stored["n"], stored["nevent"])
    for ours, theirs in (("likelihood ratio", "lr_test"), ("Wald", "wald_test"), ("score", "score_test")):
        agree(fit.tests[ours].statistic, numbers([stored[theirs]]).ravel()[0], rtol, what=ours)
    if "robust_score_test" in stored:
        agree(fit.tests["robust score"].statistic, numbers([stored["robust_score_test"]]).ravel()[0], rtol)
