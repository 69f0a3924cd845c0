"""Likelihood-ratio tests between count models, with dispersion and extra zeros on the edge of their range.

Third floor. Called by: examined.py, twopart_results.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from exitmodels.errors import DataError
from exitmodels.results.hypothesis import HypothesisTest

__all__ = ["half_chi2", "likelihood_ratio"]

_OVER = ("nb1", "nb2")


def half_chi2(statistic: float, df: int, edges: int) -> float:
    """P(a likelihood ratio at least this large) on `df` degrees of freedom, of which one lies on an edge, or none.

    With one, the law is a half chi-squared on df - 1 and a half on df. Source: Self and Liang (1987).

    >>> round(half_chi2(2.706, 1, 1), 3), round(half_chi2(3.841, 1, 0), 3)
    (0.05, 0.05)
    """
    full = float(stats.chi2.sf(statistic, df))
    if edges == 0:
        return full
    less = float(stats.chi2.sf(statistic, df - 1)) if df > 1 else float(statistic <= 0)
    return 0.5 * less + 0.5 * full


def likelihood_ratio(larger: Any, smaller: Any) -> HypothesisTest:
    """Twice the difference of two log-likelihoods.

    Parameters
    ----------
    larger, smaller : results of CountRegression, ZeroInflated or Hurdle
        The terms of the smaller stand in the larger too; the smaller may be Poisson where the larger is negative
        binomial, and a plain count regression where the larger has one share of extra zeros for all cells.

    Returns
    -------
    HypothesisTest
        Dispersion counts as a parameter. A dispersion, or a share of extra zeros, that the smaller model holds at zero
        lies on the edge of its range: the law is then a half-and-half mixture of chi-squareds.

    Raises
    ------
    DataError
        For fits to other cells or without a likelihood, for models that are not nested, and for two parameters on
        their edge at once, whose law depends on the data.

    Notes
    -----
    Source: Self and Liang (1987), JASA 82, 605-610, cases 5 and 6.
    """
    _refuse_other_cells(larger, smaller)
    edges = _edges(larger, smaller)
    df = round(larger.n_parameters - smaller.n_parameters)
    if df <= 0:
        raise DataError(
            f"The fit given has {smaller.n_parameters:g} parameters, this one {larger.n_parameters:g}.",
            code="nested",
            hint="Ask the larger fit, and give it the smaller.",
        )
    value = max(2 * (larger.llf - smaller.llf), 0.0)
    law = "half chi2" if edges else "chi2"
    words = ", one parameter on the edge of its range" if edges else ""
    return HypothesisTest(
        statistic=value,
        df=float(df),
        pvalue=half_chi2(value, df, edges),
        method=f"Likelihood ratio of {df} parameter(s){words}",
        distribution=law,
        sources=("self_liang1987",) if edges else (),
        ledger=larger.ledger,
        warnings=() if larger.converged and smaller.converged else ("one of the two searches did not converge",),
    )


def _refuse_other_cells(larger: Any, smaller: Any) -> None:
    one, other = getattr(larger, "data", None), getattr(smaller, "data", None)
    same = larger.nobs == smaller.nobs and larger.n_events == smaller.n_events
    if one is not None and other is not None:
        same = same and np.array_equal(one.y, other.y) and np.allclose(one.offset, other.offset)
    if not same:
        raise DataError(
            "The two fits are of different cells, or differ in their offset.",
            code="other-data",
            hint="Fit both to the same Counts.",
        )
    by_rule = [getattr(getattr(fit, "data", None), "dispersion", "ml") != "ml" for fit in (larger, smaller)]
    if any(by_rule) or not (np.isfinite(larger.llf) and np.isfinite(smaller.llf)):
        raise DataError(
            "One of the fits has no maximised likelihood.",
            code="no-likelihood",
            hint='Fit family="poisson", "nb1" or "nb2" with dispersion="ml".',
        )


def _edges(larger: Any, smaller: Any) -> int:
    """How many parameters the smaller model holds at the edge of their range; refuse models that are not nested."""
    ours, theirs = getattr(larger, "form", ""), getattr(smaller, "form", "")
    names = set(larger.names)
    below = {f"count_{name}" for name in smaller.names} if ours and not theirs else set(smaller.names)
    if not below <= names:
        raise _not_nested(f"the smaller fit has {', '.join(sorted(below - names))}, which the larger has not")
    if theirs and ours != theirs:
        raise _not_nested(f"one is {theirs}, the other {ours or 'a plain count regression'}")
    if smaller.family in _OVER and smaller.family != larger.family:
        raise _not_nested(f"{smaller.family} is not inside {larger.family}")
    zeros = 0
    if ours and not theirs:
        if ours == "hurdle":
            raise _not_nested("a hurdle model has no parameter whose limit is the plain model")
        zeros = 1
        if [name for name in larger.names if name.startswith("zero_")] != ["zero_Intercept"]:
            raise _not_nested("the share of extra zeros has covariates, whose effects vanish with it")
    edges = zeros + (larger.family in _OVER and smaller.family not in _OVER)
    if edges > 1:
        raise DataError(
            "Dispersion and extra zeros would both be on the edge of their range; the law then depends on the data.",
            code="edges",
            hint="Test one at a time.",
        )
    return edges


def _not_nested(why: str) -> DataError:
    return DataError(
        f"These models are not nested: {why}.",
        code="nested",
        hint="Compare their AIC, the rootograms, or ask zero_test() of the plain fit.",
    )
