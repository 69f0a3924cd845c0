"""Gray's test: do groups differ in how many have left for a cause by each time?

Third floor. The log-rank test compares hazards, among those still there; this one compares cumulative incidences,
which depend on the other causes too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.gray import gray_score, gray_tables
from exitmodels.kernels.logrank import chi_squared
from exitmodels.results.causes import CauseTests
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["gray_test"]


def gray_test(
    spells: Spells,
    by: str | Sequence[str],
    *,
    event: Any = None,
    rho: float = 0.0,
    strata: str | Sequence[str] | None = None,
) -> HypothesisTest | CauseTests:
    """Compare the cumulative incidences of k groups.

    Parameters
    ----------
    spells : Spells
    by : str or list of str
        Columns whose values (crossed) make the groups.
    event : label or list of labels, optional
        The cause in question (several are taken as one); by default each cause in turn.
    rho : float
        Times are weighted by (1 - F(t-))^rho, F being the incidence common to all groups.
    strata : str or list of str, optional
        Compare within these; by default within the strata of the spells, if any.

    Returns
    -------
    HypothesisTest
        For one cause; ``detail`` holds the exits, those expected, the weighted score and its covariance.
    CauseTests
        When there are several causes and none was chosen.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, no exits, sampling weights; with late entry, if a group is emptied and filled again.

    Notes
    -----
    Assumes censoring (and late entry) that tells nothing about the exit that follows; groups may be censored
    differently. Frequency weights count as copies. With late entry the risk sets are those of the people who have
    entered: the statistic is a sum of martingale integrals, which late entry leaves so (Andersen, Borgan, Gill &
    Keiding 1993, section III.3). Source: Gray (1988).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 5, 8, 9, 12, 14, 20], event=["a", "b", "a", "in", "b", "a", "b", "in"],
    ...                    censor="in", covariates={"unit": list("xxxyxyyy")})
    >>> test = xm.gray_test(spells, by="unit", event="a")
    >>> round(test.statistic, 4), test.df
    (2.2323, 1)
    >>> xm.gray_test(spells, by="unit").to_frame().round(4).p.tolist()
    [0.1352, 0.1836]
    """
    spells.require_scheme("gray_test")
    rows = spells.complete(by).complete(strata)
    if event is not None or len(rows.causes) == 1:
        return _one(rows, by, event, rho, strata)
    tests = {cause: _one(rows, by, cause, rho, strata) for cause in rows.causes}
    return CauseTests(tests=tests, method="Gray's test for each cause" + _options(rho), ledger=rows.ledger)


def _one(rows: Spells, by: str | Sequence[str], event: Any, rho: float, strata: Any) -> HypothesisTest:
    target = rows.for_cause(event)
    _refuse(target)
    group, keys = rows.groups(by)
    assert group is not None
    if len(keys) < 2:
        raise DataError(
            f"There is one group only ({keys[0]}).", code="one-group", hint="Name a column with two or more values."
        )
    kind = np.where(target.event > 0, 1, np.where(rows.event > 0, 2, 0))
    stratum = rows.stratum if strata is None else rows.groups(strata)[0]
    labels = tuple(", ".join(f"{k}={v}" for k, v in key.items()) for key in keys)
    sizes, observed, expected, score, covariance = _sums(rows, kind, group, labels, stratum, rho)
    statistic, df = chi_squared(score, covariance)
    if df == 0:
        raise DataError(
            "No two groups are ever at risk together at an exit, so they cannot be compared.",
            code="no-comparison",
            hint="Check the groups, the strata and the entry times.",
        )
    n_strata = 1 if stratum is None else len(np.unique(stratum))
    return HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=float(stats.chi2.sf(statistic, df)),
        method=f"Gray's test for {target.causes[0]}" + _options(rho) + (f", {n_strata} strata" if n_strata > 1 else ""),
        labels=labels,
        detail={"n": sizes, "observed": observed, "expected": expected, "score": score, "covariance": covariance},
        sources=("gray1988",),
        ledger=rows.ledger,
    )


def _options(rho: float) -> str:
    return f" (rho={rho:g})" if rho else ""


def _refuse(target: Spells) -> None:
    if target.weight is not None and target.weights == "sampling":
        raise DataError(
            "Gray's test counts people; sampling weights are not counts.",
            code="sampling-weights",
            hint="Use FineGray with the group as a factor, and its Wald test.",
        )
    if not target.event.any():
        raise DataError(
            f"Nobody left for {target.causes[0]}, so there is nothing to compare.",
            code="no-events",
            hint="Check event=.",
        )


def _sums(
    rows: Spells, kind: Ints, group: Ints, labels: tuple[str, ...], stratum: Ints | None, rho: float
) -> list[Floats]:
    """Size, observed, expected, score and covariance, added over strata."""
    g = len(labels)
    totals = [*np.zeros((4, g)), np.zeros((g, g))]
    for tables, sizes in gray_tables(rows.entry_or_none, rows.exit, kind, group, g, rows.weight, stratum):
        emptied = tables.emptied()
        if emptied.any():
            raise DataError(
                f"In {labels[int(np.flatnonzero(emptied)[0])]} everyone then at risk had left, and others entered "
                "later; the chance of being there cannot be followed across the gap.",
                code="empty-risk-set",
                hint="Begin later: select rows that leave after a time at which enough people are at risk.",
            )
        for total, part in zip(totals, (sizes, *gray_score(tables, rho)), strict=True):
            total += part
    return totals
