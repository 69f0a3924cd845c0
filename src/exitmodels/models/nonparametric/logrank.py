"""Log-rank tests: do groups leave at the same rate?

Third floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.kernels import logrank
from exitmodels.models.nonparametric.compared import (
    SOURCES,
    Compared,
    compare,
    family_name,
    family_of,
    never_together,
)
from exitmodels.results.hypothesis import HypothesisTest, trend_scores
from exitmodels.shapes.spells import Spells

__all__ = ["logrank_test"]


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
    weights : {"logrank", "gehan", "tarone-ware", "peto", "modified-peto", "prentice", "fleming-harrington"}
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
    family = family_of(weights)
    compared = compare(spells, "logrank_test", by, event, strata)
    rows, labels = compared.rows, compared.labels
    sizes, observed, expected, score, covariance = _sums(compared, family, rho, gamma)
    detail = {"n": sizes, "observed": observed, "expected": expected, "score": score}
    scores = trend_scores(trend, len(labels))
    if scores is None:
        statistic, df = logrank.chi_squared(score, covariance)
    else:
        statistic, df = float((scores @ score) ** 2 / (scores @ covariance @ scores)), 1
    if df == 0:
        raise never_together()
    return HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=float(stats.chi2.sf(statistic, df)),
        method=_method(family, rho, gamma, scores is not None, compared.n_strata),
        labels=labels,
        detail={**detail, "covariance": covariance},
        sources=SOURCES[family] + (("tarone1975",) if scores is not None else ()),
        ledger=rows.ledger,
    )


def _sums(compared: Compared, family: str, rho: float, gamma: float) -> list[Floats]:
    """Size, observed, expected, score and covariance, added over strata."""
    tables = (table[1:] for table in compared.tables())
    return logrank.total_scores(tables, len(compared.labels), family, rho, gamma)


def _method(family: str, rho: float, gamma: float, trend: bool, n_strata: int) -> str:
    strata = f", {n_strata} strata" if n_strata > 1 else ""
    return family_name(family, rho, gamma) + " test" + (" for trend" if trend else "") + strata
