"""Max-combo test: the largest of several weighted log-rank statistics, with the p-value of their joint law.

Third floor. Use it when it is not known beforehand whether groups differ early, late or throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.logrank import joint_score, time_weights
from exitmodels.kernels.maxima import largest_form_tail, quadratic_forms
from exitmodels.models.nonparametric.compared import compare, family_name, family_of, never_together
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["maxcombo_test"]

_DEFAULT = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))


def maxcombo_test(
    spells: Spells,
    by: str | Sequence[str],
    *,
    event: Any = None,
    strata: str | Sequence[str] | None = None,
    weights: Sequence[str | tuple[float, float]] = _DEFAULT,
) -> HypothesisTest:
    """Compare the hazards of k groups by the largest of several weighted log-rank statistics.

    Parameters
    ----------
    spells, by, event, strata
        As in `logrank_test`.
    weights : sequence of pairs (rho, gamma) or names
        Fleming-Harrington weights S(t-)^rho (1 - S(t-))^gamma, or any name that `logrank_test` knows. The default
        takes all times alike, late ones, early ones and those in the middle. Choose them before looking.

    Returns
    -------
    HypothesisTest
        `statistic` is the largest chi-squared; ``to_frame()`` has the statistic of each weight, with the p-value it
        would have had alone.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, no exits, sampling weights, or unknown weights.

    Notes
    -----
    The scores share their increments, so their covariance is a sum over event times; under no difference they are
    jointly normal, and the p-value is that of the largest of the correlated chi-squared statistics (two groups: of
    the largest absolute normal), computed by a fixed rule and not simulated. Delayed entry, strata and frequency
    weights as in `logrank_test`. Source: Tarone (1981); Lee (2007); Karrison (2016).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[5, 8, 12, 9, 13, 18], event=[1, 1, 1, 1, 0, 1],
    ...                    covariates={"unit": list("aaabbb")})
    >>> test = xm.maxcombo_test(spells, by="unit", weights=[(0, 0), (1, 0)])
    >>> test.to_frame().statistic.round(4).tolist()
    [2.5567, 2.45]
    """
    compared = compare(spells, "maxcombo_test", by, event, strata)
    chosen = [_read(weight) for weight in weights]
    if not chosen:
        raise DataError("No weights were given.", code="weights-family", hint="Give pairs such as (0, 1), or names.")
    j, g = len(chosen), len(compared.labels)
    score, covariance = np.zeros((j, g)), np.zeros((j, g, j, g))
    for _, at_risk, events, _ in compared.tables():
        own = _over_time(chosen, at_risk.sum(axis=0), events.sum(axis=0))
        part = joint_score(at_risk, events, own)
        score, covariance = score + part[0], covariance + part[1]
    statistic, df, forms = quadratic_forms(score, covariance)
    if forms.shape[1] == 0:
        raise never_together()
    largest = float(statistic.max())
    strata_words = f", {compared.n_strata} strata" if compared.n_strata > 1 else ""
    return HypothesisTest(
        statistic=largest,
        df=float("nan"),
        pvalue=largest_form_tail(largest, forms),
        method=f"Max-combo test of {j} weighted log-rank statistics, {g} groups{strata_words}",
        distribution="largest of correlated chi-squared statistics",
        labels=tuple(family_name(*choice) for choice in chosen),
        detail={
            "statistic": statistic,
            "df": df,
            "p alone": stats.chi2.sf(statistic, df),
            "score": score,
            "covariance": covariance,
        },
        sources=("karrison2016", "fleming_harrington1991", "tarone1981"),
        ledger=compared.rows.ledger,
    )


def _read(weight: str | tuple[float, float]) -> tuple[str, float, float]:
    if isinstance(weight, str):
        return family_of(weight), 0.0, 0.0
    rho, gamma = (float(v) for v in weight)
    if min(rho, gamma) < 0:
        raise DataError(
            f"rho={rho:g} and gamma={gamma:g} are not both zero or more.",
            code="weights-family",
            hint="Give powers >= 0.",
        )
    return ("logrank" if rho == gamma == 0 else "fleming-harrington"), rho, gamma


def _over_time(chosen: Sequence[tuple[str, float, float]], at_risk: Floats, events: Floats) -> Floats:
    found = [time_weights(at_risk, events, *choice) for choice in chosen]
    return np.stack([np.ones(len(at_risk)) if own is None else own for own in found])
