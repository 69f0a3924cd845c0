"""Which groups differ? Any test of two groups, for every pair, with a guard against chance.

Third floor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.models.nonparametric.compared import family_of
from exitmodels.models.nonparametric.logrank import logrank_test
from exitmodels.models.nonparametric.maxcombo import maxcombo_test
from exitmodels.models.nonparametric.permutation import permutation_test
from exitmodels.models.nonparametric.renyi import renyi_test
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.multiplicity import adjusted
from exitmodels.results.pairwise import PairwiseTests
from exitmodels.shapes.spells import Spells

__all__ = ["pairwise_tests"]

_TESTS: dict[str, Callable[..., HypothesisTest]] = {
    "maxcombo": maxcombo_test,
    "renyi": renyi_test,
    "permutation": permutation_test,
}
_ADJUSTMENTS = {
    "holm": ("holm1979",),
    "bonferroni": (),
    "fdr_bh": ("benjamini_hochberg1995",),
    "hommel": ("hommel1988",),
}


def pairwise_tests(
    spells: Spells,
    by: str | Sequence[str],
    test: str | Callable[..., HypothesisTest] = "logrank",
    *,
    method: str = "holm",
    versus: str | None = None,
    **options: Any,
) -> PairwiseTests:
    """Test every pair of groups, and adjust the p-values for their number.

    Parameters
    ----------
    spells : Spells
    by : str or list of str
        Columns whose values (crossed) make the groups.
    test : str or callable
        A name of weights that `logrank_test` knows ("logrank", "gehan", "fleming-harrington", ...), "maxcombo",
        "renyi" or "permutation"; or any function of (spells, by=, ...) that returns a test with `statistic`, `df`
        and `pvalue`.
    method : str
        Adjustment: "holm" (controls the chance of any false finding, under any dependence), "bonferroni", "hommel",
        "fdr_bh", ... as statsmodels' `multipletests` names them.
    versus : str, optional
        Label of one group; only pairs with it are tested.
    **options
        Passed to the test: `event`, `strata`, `rho`, `gamma`, `rng`, ...

    Returns
    -------
    PairwiseTests

    Raises
    ------
    DataError
        For one group, an unknown test or method, and whatever the test itself refuses.

    Notes
    -----
    Each test sees the rows of its two groups only: weights, risk sets and strata are theirs.
    Source: Holm (1979).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[5, 8, 12, 9, 13, 18, 2, 3, 4], covariates={"unit": list("aaabbbccc")})
    >>> found = xm.pairwise_tests(spells, by="unit")
    >>> found.to_frame()[["group", "with", "p adjusted"]].round(3).values.tolist()
    [['unit=a', 'unit=b', 0.11], ['unit=a', 'unit=c', 0.074], ['unit=b', 'unit=c', 0.074]]
    """
    run, fixed = _chosen(test)
    rows = spells.complete(by)
    code, keys = rows.groups(by)
    if code is None or len(keys) < 2:
        raise DataError("There is one group only.", code="one-group", hint="Name a column with two or more values.")
    labels = tuple(", ".join(f"{k}={v}" for k, v in key.items()) for key in keys)
    pairs = _pairs(labels, versus)
    found = [run(rows.select(np.flatnonzero((code == a) | (code == b))), by=by, **fixed, **options) for a, b in pairs]
    p = np.array([one.pvalue for one in found])
    notes = dict.fromkeys(note for one in found for note in getattr(one, "warnings", ()))
    sources = dict.fromkeys(source for one in found for source in getattr(one, "sources", ()))
    words = found[0].method.split(";")[0] if hasattr(found[0], "method") else getattr(run, "__name__", "test")
    return PairwiseTests(
        groups=labels,
        pairs=np.asarray(pairs, dtype=np.int64),
        statistic=np.array([one.statistic for one in found], dtype=float),
        df=np.array([getattr(one, "df", np.nan) for one in found], dtype=float),
        p=p,
        adjusted=adjusted(p, method),
        adjustment=method,
        method=f"Pairwise: {words}",
        sources=(*sources, *_ADJUSTMENTS.get(method, ())),
        ledger=rows.ledger,
        warnings=tuple(notes),
    )


def _chosen(test: str | Callable[..., HypothesisTest]) -> tuple[Callable[..., HypothesisTest], dict[str, Any]]:
    if not isinstance(test, str):
        return test, {}
    if test in _TESTS:
        return _TESTS[test], {}
    return logrank_test, {"weights": family_of(test)}


def _pairs(labels: tuple[str, ...], versus: str | None) -> list[tuple[int, int]]:
    if versus is None:
        return list(combinations(range(len(labels)), 2))
    if versus not in labels:
        raise DataError(f"There is no group {versus!r}.", code="group", hint=f"There are: {'; '.join(labels)}.")
    own = labels.index(versus)
    return [(own, other) for other in range(len(labels)) if other != own]
