"""Permutation form of the log-rank tests: a p-value that needs no large numbers.

Third floor. Use it for small or very unequal groups; with hundreds of exits it agrees with `logrank_test`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.logrank import chi_squared
from exitmodels.kernels.permutation import (
    Layer,
    drawn_sums,
    exact_tail,
    layers,
    logrank_scores,
    permutation_moments,
)
from exitmodels.models.nonparametric.compared import (
    SOURCES,
    Compared,
    compare,
    family_name,
    family_of,
    never_together,
)
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["permutation_test"]


def permutation_test(
    spells: Spells,
    by: str | Sequence[str],
    *,
    event: Any = None,
    strata: str | Sequence[str] | None = None,
    weights: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
    ties: str = "shared",
    law: str = "auto",
    n_draws: int = 9999,
    rng: np.random.Generator | int | None = None,
) -> HypothesisTest:
    """Compare groups by the permutation law of their log-rank scores.

    Parameters
    ----------
    spells, by, event, strata, weights, rho, gamma
        As in `logrank_test`; rows are permuted within strata.
    ties : {"shared", "average"}
        Tied exits share one risk set, as in `logrank_test`; or the scores are averaged over all orders.
    law : {"auto", "exact", "drawn", "normal"}
        Exact (two groups), drawn at random, or the normal approximation with the permutation variance. "auto" is
        exact where that is feasible (about 40 rows with distinct scores, many more with ties), drawn otherwise.
    n_draws : int
        Random permutations; the p-value is (1 + number as extreme) / (1 + n_draws).
    rng : numpy Generator or seed

    Returns
    -------
    HypothesisTest
        `statistic` is the chi-squared form with the permutation variance; ``to_frame()`` has the sum of scores of
        each group, and its standardised value.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, no exits, sampling weights, clusters of several rows, or law="exact" where it is not feasible.

    Notes
    -----
    Two-sided: as far from its mean as observed, or farther. It assumes that under the hypothesis the rows could
    have belonged to either group: the groups are then alike in censoring, and in entry times if those are delayed.
    `logrank_test` needs neither. Source: Peto & Peto (1972); Streitberg & Roehmel (1986); Heimann & Neuhaus (1998).

    Examples
    --------
    Three against three; the observed split is one of the two most extreme of twenty:

    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 3, 4, 5, 6], covariates={"unit": list("aaabbb")})
    >>> round(xm.permutation_test(spells, by="unit").pvalue, 12)
    0.1
    """
    family = family_of(weights)
    compared = compare(spells, "permutation_test", by, event, strata)
    _refuse(compared.rows, ties, law)
    parts, sums = _scored(compared, (family, rho, gamma), ties == "average")
    g = len(compared.labels)
    covariance = permutation_moments(parts, g)
    statistic, df = chi_squared(sums, covariance)
    if df == 0:
        raise never_together()
    found = _tail(parts, sums, covariance, law, n_draws, rng)
    spread = np.sqrt(np.diag(covariance))
    strata_words = f", {compared.n_strata} strata" if compared.n_strata > 1 else ""
    return HypothesisTest(
        statistic=statistic,
        df=float("nan") if found.words != "normal" else df,
        pvalue=found.pvalue,
        method=f"{family_name(family, rho, gamma)} permutation test, {found.words}{strata_words}",
        distribution=f"permutations within strata, {found.words}",
        labels=compared.labels,
        detail={
            "n": np.sum([part.sizes for part in parts], axis=0).astype(float),
            "score": sums,
            "se": spread,
            "z": np.divide(sums, spread, out=np.full(g, np.nan), where=spread > 0),
            "covariance": covariance,
            "normal p-value": float(stats.chi2.sf(statistic, df)),
        },
        sources=(*SOURCES[family], "streitberg1986" if found.words == "exact" else "peto1972"),
        ledger=compared.rows.ledger,
        warnings=_notes(compared.rows),
    )


def _refuse(rows: Spells, ties: str, law: str) -> None:
    for name, value, known in (
        ("ties", ties, ("shared", "average")),
        ("law", law, ("auto", "exact", "drawn", "normal")),
    ):
        if value not in known:
            raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
    if rows.cluster is not None and len(np.unique(rows.cluster)) < len(rows):
        raise DataError(
            "Rows of one cluster cannot be permuted one by one: they belong together.",
            code="cluster",
            hint="Use logrank_test for pieces of spells, or Cox with vcov='cluster' for people who are alike.",
        )


def _notes(rows: Spells) -> tuple[str, ...]:
    if not rows.delayed:
        return ()
    return ("entry is delayed: the p-value assumes that the groups are alike in when people enter",)


def _scored(compared: Compared, kind: tuple[str, float, float], average: bool) -> tuple[list[Layer], Floats]:
    """Scores by stratum, and the sum of the centred scores of each group."""
    rows = compared.rows
    index = rows.risk_index(compared.stratum, compared.n_strata)
    scores = logrank_scores(index, rows.event > 0, rows.row_weight, *kind, average)
    g, n = len(compared.labels), compared.n_strata
    parts = layers(scores, compared.group, g, rows.row_weight, compared.stratum, n)
    stratum = np.zeros(len(scores), np.int64) if compared.stratum is None else compared.stratum
    sizes = np.bincount(stratum, rows.row_weight, n)
    means = np.bincount(stratum, rows.row_weight * scores, n) / np.where(sizes > 0, sizes, 1.0)
    return parts, np.bincount(compared.group, rows.row_weight * (scores - means[stratum]), g)


@dataclass(frozen=True)
class _Found:
    pvalue: float
    words: str


def _tail(
    parts: list[Layer],
    sums: Floats,
    covariance: Floats,
    law: str,
    n_draws: int,
    rng: np.random.Generator | int | None,
) -> _Found:
    statistic, df = chi_squared(sums, covariance)
    if law == "normal":
        return _Found(float(stats.chi2.sf(statistic, df)), "normal")
    if law in ("auto", "exact"):
        exact = exact_tail(parts, abs(float(sums[0]))) if len(sums) == 2 else None
        if exact is not None:
            return _Found(exact, "exact")
        if law == "exact":
            why = "there are more than two groups" if len(sums) > 2 else "there are too many distinct sums of scores"
            raise DataError(f"The exact law is not feasible: {why}.", code="exact", hint='Use law="drawn".')
    if n_draws < 99:
        raise DataError(f"{n_draws} draws are too few.", code="draws", hint="Give n_draws of 999 or more.")
    drawn = drawn_sums(parts, len(sums), n_draws, np.random.default_rng(rng))
    inverse = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
    forms = np.einsum("ig,gh,ih->i", drawn, inverse, drawn)
    extreme = int(np.count_nonzero(forms >= float(sums @ inverse @ sums) * (1 - 1e-9)))
    return _Found((1 + extreme) / (1 + n_draws), f"{n_draws} random permutations")
