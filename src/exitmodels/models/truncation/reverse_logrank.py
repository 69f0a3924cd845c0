"""Log-rank tests in reverse time: do groups that are seen only when they left early enough stay equally long?

Third floor, in the room of truncation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.logrank import FAMILIES, chi_squared, risk_tables, total_scores
from exitmodels.models.truncation.right import refuse_left
from exitmodels.models.truncation.seen import refuse_open, sorted_groups
from exitmodels.results.hypothesis import HypothesisTest, trend_scores
from exitmodels.shapes.spells import Spells

__all__ = ["reverse_logrank_test"]


def reverse_logrank_test(
    spells: Spells,
    by: str | Sequence[str],
    *,
    strata: str | Sequence[str] | None = None,
    weights: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
    trend: bool | Sequence[float] | None = None,
) -> HypothesisTest:
    """Compare the reverse hazards of k groups under right truncation.

    Parameters
    ----------
    spells : Spells
        With a right limit for each row, and no left limits.
    by : str or list of str
        Columns whose values (crossed) make the groups.
    strata : str or list of str, optional
        Compare within these; by default within the strata of the spells, if any.
    weights : {"logrank", "gehan", "tarone-ware", "peto", "modified-peto", "prentice", "fleming-harrington"}
        Which differences count most, time running backwards: "gehan" weighs by the rows at risk, so that the range
        where most are seen counts; "peto" and "prentice" stress long stays; Fleming-Harrington weighs by
        F(t)^rho (1 - F(t))^gamma, with F of the pooled rows just above t.
    rho, gamma : float
        For Fleming-Harrington.
    trend : True or sequence of float, optional
        Test for a trend over the groups in order, with scores 1, 2, ... (or those given).

    Returns
    -------
    HypothesisTest
        ``detail`` holds observed and expected exits in reverse time, the weighted score, and its covariance. A group
        with *fewer* observed than expected has shorter stays: it is at risk (T <= t <= limit) at times at which others
        left.

    Raises
    ------
    SchemeError
        If there are no right limits, or short stays are missing too.
    DataError
        For one group, sampling weights, or groups that are never at risk together.

    Notes
    -----
    Groups are compared below the largest limit only: F(t) / F(largest) in each. Nothing is assumed of longer stays, but
    two groups that differ only there look alike, and two that agree in hazards below it may look different. Tied
    exits have the hypergeometric variance; `ReverseCox`, with one 0/1 column and Breslow's ties, has the same score.
    Frequency weights count as copies. Source: Lagakos, Barraj & De Gruttola (1988); Mantel (1966).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 3, 4, 2, 5], right_limit=[5, 4, 6, 5, 6, 7], covariates={"unit": list("aabbab")})
    >>> test = xm.reverse_logrank_test(spells, by="unit")
    >>> round(test.statistic, 4), test.df
    (4.588, 1)
    """
    if weights not in FAMILIES:
        raise DataError(
            f"weights={weights!r} is not known.", code="weights-family", hint=f"One of {', '.join(FAMILIES)}."
        )
    refuse_open(spells, "reverse_logrank_test")
    refuse_left(spells, "reverse_logrank_test")
    rows = _counted(spells).complete(by).complete(strata)
    group, labels = _grouped(rows, by)
    stratum, n_strata = (rows.stratum, max(len(rows.stratum_labels), 1)) if strata is None else _strata(rows, strata)
    totals = _sums(rows, group, len(labels), stratum, n_strata, (weights, rho, gamma))
    sizes, observed, expected, scored, covariance = totals
    trending = trend_scores(trend, len(labels))
    if trending is None:
        statistic, df = chi_squared(scored, covariance)
    else:
        spread = float(trending @ covariance @ trending)
        statistic, df = (float((trending @ scored) ** 2 / spread), 1) if spread > 0 else (0.0, 0)
    if df == 0:
        raise DataError(
            "No two groups are ever at risk together in reverse time, so they cannot be compared.",
            code="no-comparison",
            hint="Check the groups, the strata and the limits.",
        )
    name = weights if weights != "fleming-harrington" else f"Fleming-Harrington (rho={rho:g}, gamma={gamma:g})"
    weighing = "" if weights == "logrank" else f", {name} weights"
    parts = f", {n_strata} strata" if n_strata > 1 else ""
    return HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=float(chdtrc(df, statistic)),
        method="Reverse-time log-rank test" + (" for trend" if trending is not None else "") + weighing + parts,
        labels=labels,
        detail={"n": sizes, "observed": observed, "expected": expected, "score": scored, "covariance": covariance},
        sources=("lagakos1988", "mantel1966", *(("tarone1975",) if trending is not None else ())),
        ledger=rows.ledger,
    )


def _counted(spells: Spells) -> Spells:
    """Refuse sampling weights; set rows of weight zero aside."""
    if spells.weight is None:
        return spells
    if spells.weights == "sampling":
        raise DataError(
            "reverse_logrank_test counts people; sampling weights are not counts.",
            code="sampling-weights",
            hint='Use ReverseCox with vcov="robust" and its Wald test.',
        )
    return spells if spells.weight.all() else spells.select(spells.weight > 0, why="weight zero")


def _grouped(rows: Spells, by: str | Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    group, keys = rows.groups(by)
    if group is None or len(keys) < 2:
        raise DataError("There is one group only.", code="one-group", hint="Name a column with two or more values.")
    return group, tuple(", ".join(f"{k}={v}" for k, v in key.items()) for key in keys)


def _strata(rows: Spells, strata: str | Sequence[str]) -> tuple[Ints | None, int]:
    code, found = rows.groups(strata)
    return code, len(found)


def _sums(
    rows: Spells, group: Ints, n_groups: int, stratum: Ints | None, n_strata: int, family: tuple[str, float, float]
) -> list[Floats]:
    """Size, observed, expected, score and covariance, added over strata; times are slots counted from the largest."""
    placed = next(iter(sorted_groups(rows, None, "right")))
    size = len(placed.time)
    everyone = np.ones(len(rows), dtype=np.int64)
    entry, exit = size - placed.stop, size - placed.slot
    tables = risk_tables(entry, exit, everyone, group, n_groups, rows.weight, stratum, n_strata)
    return total_scores(tables, n_groups, *family)
