"""Small helpers of the tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

import exitmodels as xm


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


def lung(reference: Any) -> xm.Spells:
    """Lung cancer spells; rows without a value stand aside."""
    data = reference.csv("survival/lung.csv")
    return xm.Spells.from_frame(data, exit="time", event="status", censor=1, missing="drop")


def rossi(reference: Any) -> xm.Spells:
    """Rossi's men with labels as factors."""
    data = reference.csv("survival/rossi.csv")
    levels = {"fin": ["no", "yes"], "race": ["black", "other"], "mar": ["married", "not married"]}
    data = data.assign(**{name: pd.Categorical(data[name], categories=known) for name, known in levels.items()})
    return xm.Spells.from_frame(data, exit="week", event="arrest")
