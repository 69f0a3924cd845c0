"""Log-rank tests: do groups leave at the same rate?

Third floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels import logrank
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["logrank_test"]

_SYNONYMS = {
    "wilcoxon": "gehan",
    "gehan-wilcoxon": "gehan",
    "log-rank": "logrank",
    "peto-peto": "peto",
    "fh": "fleming-harrington",
}
_SOURCES = {
    "logrank": ("mantel1966",),
    "gehan": ("gehan1965",),
    "tarone-ware": ("tarone_ware1977",),
    "peto": ("peto1972",),
    "modified-peto": ("peto1972", "klein_moeschberger2003"),
    "fleming-harrington": ("fleming_harrington1991",),
}


def logrank_test(
    spells: Spells,
    by: str | Sequence[str],
    *,
    event: Any = None,
    strata: str | Sequence[str] | None = None,
    weights: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
    trend: bool | Sequence[float] | None = None,
) -> HypothesisTest:
    """Compare the hazards of k groups.

    Parameters
    ----------
    spells : Spells
    by : str or list of str
        Columns whose values (crossed) make the groups.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes.
    strata : str or list of str, optional
        Compare within these; by default within the strata of the spells, if any.
    weights : {"logrank", "gehan", "tarone-ware", "peto", "modified-peto", "fleming-harrington"}
        Which differences count most. Gehan's (generalised Wilcoxon) and Peto's stress early ones;
        Fleming-Harrington weighs by S(t-)^rho (1 - S(t-))^gamma.
    rho, gamma : float
        For Fleming-Harrington.
    trend : True or sequence of float, optional
        Test for a trend over the groups in order, with scores 1, 2, ... (or those given).

    Returns
    -------
    HypothesisTest
        ``detail`` holds observed and expected exits, the weighted score, and its covariance.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, no exits, or sampling weights.

    Notes
    -----
    Delayed entry is allowed: a row is at risk on (entry, exit]. Frequency weights count as copies.
    Source: Mantel (1966); trend: Tarone (1975).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[5, 8, 12, 9, 13, 18], event=[1, 1, 1, 1, 0, 1],
    ...                    covariates={"unit": list("aaabbb")})
    >>> test = xm.logrank_test(spells, by="unit")
    >>> round(test.statistic, 4), test.df
    (2.5567, 1)
    """
    spells.require_scheme("logrank_test")
    rows = spells.for_cause(event).complete(by).complete(strata)
    family = _SYNONYMS.get(weights.lower(), weights.lower())
    _refuse(rows, family, weights)
    group, keys = rows.groups(by)
    assert group is not None
    if len(keys) < 2:
        raise DataError(
            f"There is one group only ({keys[0]}).", code="one-group", hint="Name a column with two or more values."
        )
    stratum, n_strata = _strata(rows, strata)
    sizes, observed, expected, score, covariance = _sums(rows, group, len(keys), stratum, n_strata, family, rho, gamma)
    labels = tuple(", ".join(f"{k}={v}" for k, v in key.items()) for key in keys)
    detail = {"n": sizes, "observed": observed, "expected": expected, "score": score}
    scores = _scores(trend, len(keys))
    if scores is None:
        statistic, df = logrank.chi_squared(score, covariance)
    else:
        statistic, df = float((scores @ score) ** 2 / (scores @ covariance @ scores)), 1
    if df == 0:
        raise DataError(
            "No two groups are ever at risk together at an exit, so they cannot be compared.",
            code="no-comparison",
            hint="Check the groups, the strata and the entry times.",
        )
    return HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=float(stats.chi2.sf(statistic, df)),
        method=_method(family, rho, gamma, scores is not None, n_strata),
        labels=labels,
        detail={**detail, "covariance": covariance},
        sources=_SOURCES[family] + (("tarone1975",) if scores is not None else ()),
        ledger=rows.ledger,
    )


def _refuse(rows: Spells, family: str, given: str) -> None:
    if family not in logrank.FAMILIES:
        raise DataError(
            f"weights={given!r} is not known.", code="weights-family", hint=f"One of {', '.join(logrank.FAMILIES)}."
        )
    if rows.weight is not None and rows.weights == "sampling":
        raise DataError(
            "The log-rank test counts people; sampling weights are not counts.",
            code="sampling-weights",
            hint='Use Cox with vcov="robust" and its Wald test.',
        )
    if not rows.event.any():
        raise DataError("Nobody left, so there is nothing to compare.", code="no-events", hint="Check event=.")


def _strata(rows: Spells, names: str | Sequence[str] | None) -> tuple[Ints | None, int]:
    if names is None:
        return rows.stratum, max(len(rows.stratum_labels), 1)
    code, keys = rows.groups(names)
    return code, len(keys)


def _sums(
    rows: Spells,
    group: Ints,
    n_groups: int,
    stratum: Ints | None,
    n_strata: int,
    family: str,
    rho: float,
    gamma: float,
) -> list[Floats]:
    """Size, observed, expected, score and covariance, added over strata."""
    totals = [*np.zeros((4, n_groups)), np.zeros((n_groups, n_groups))]
    tables = logrank.risk_tables(
        rows.entry_or_none, rows.exit, rows.event, group, n_groups, rows.weight, stratum, n_strata
    )
    for at_risk, events, sizes in tables:
        weight = logrank.time_weights(at_risk.sum(axis=0), events.sum(axis=0), family, rho, gamma)
        for total, part in zip(totals, (sizes, *logrank.score(at_risk, events, weight)), strict=True):
            total += part
    return totals


def _scores(trend: bool | Sequence[float] | None, n_groups: int) -> Floats | None:
    if trend is None or trend is False:
        return None
    scores = np.arange(1.0, n_groups + 1) if trend is True else np.asarray(trend, dtype=float)
    if len(scores) != n_groups:
        raise DataError(
            f"{len(scores)} scores were given for {n_groups} groups.", code="trend", hint="Give one for each, in order."
        )
    return scores


def _method(family: str, rho: float, gamma: float, trend: bool, n_strata: int) -> str:
    names = {
        "logrank": "Log-rank",
        "gehan": "Gehan-Wilcoxon",
        "tarone-ware": "Tarone-Ware",
        "peto": "Peto-Peto",
        "modified-peto": "Modified Peto-Peto",
        "fleming-harrington": f"Fleming-Harrington (rho={rho:g}, gamma={gamma:g})",
    }
    return names[family] + " test" + (" for trend" if trend else "") + (f", {n_strata} strata" if n_strata > 1 else "")
