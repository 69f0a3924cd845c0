"""Tests for groups whose exits are only known to lie between two times.

Third floor, in the room of curves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.innermost import innermost, rank_ends
from exitmodels.kernels.intervaltests import EFFECTS, Scored, permutation_variance, score_rows, score_variance
from exitmodels.kernels.logrank import chi_squared
from exitmodels.kernels.turnbull import fit_masses
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.between import Between, between
from exitmodels.shapes.spells import Spells

__all__ = ["interval_logrank_test"]

_VARIANCES = ("score", "permutation")
_MASS = 1e-12
_SOURCES = {"sun": "sun1996", "finkelstein": "finkelstein1986", "wilcoxon": "fay1999"}
_NAMES = {
    "sun": "Log-rank test for intervals (Sun's scores)",
    "finkelstein": "Log-rank test for intervals (Finkelstein's scores)",
    "wilcoxon": "Wilcoxon test for intervals",
}


def interval_logrank_test(
    spells: Spells,
    by: str | Sequence[str],
    *,
    event: Any = None,
    strata: str | Sequence[str] | None = None,
    scores: str = "sun",
    variance: str | None = None,
    trend: bool | Sequence[float] | None = None,
    n_permutations: int = 0,
    rng: np.random.Generator | int | None = None,
) -> HypothesisTest:
    """Compare groups whose exits lie in (lower, upper].

    Parameters
    ----------
    spells : Spells
    by : str or list of str
        Columns whose values (crossed) make the groups.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes.
    strata : str or list of str, optional
        Compare within these; by default within the strata of the spells, if any.
    scores : {"sun", "finkelstein", "wilcoxon"}
        "sun": equal to the log-rank test when times are exact (``logrank1`` of R's interval). "finkelstein":
        proportional hazards of grouped times (``logrank2``). "wilcoxon": proportional odds (``wmw``).
    variance : {"score", "permutation"}, optional
        "score": the information about the group that the unknown curve leaves; holds when groups were inspected, or
        entered, at different times. "permutation": labels dealt out at random, which takes inspections to be
        alike in all groups; not with delayed entry. By default "score".
    trend : True or sequence of float, optional
        Test for a trend over the groups in order, with scores 1, 2, ... (or those given).
    n_permutations : int
        With variance="permutation": this many deals of the labels give the p-value instead of chi-squared.
    rng : numpy Generator or seed, optional

    Returns
    -------
    HypothesisTest
        ``detail`` holds the size of each group, the sum of its scores (exits beyond those expected), and the
        covariance.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For one group, no exits, sampling weights, or a pooled curve that falls to zero before later entries.

    Notes
    -----
    Frequency weights count as copies. Intervals of the pooled curve without mass are left out of the information
    (Fay 1996): it is that of a fixed number of times, a fair picture when inspections share dates.
    Source: Finkelstein (1986); Sun (1996); Fay (1999); Fay & Shaw (2010).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(lower=[5, 8, 12, 9, 13, 18], upper=[5, 8, 12, 9, float("inf"), 18],
    ...                    covariates={"unit": list("aaabbb")})
    >>> test = xm.interval_logrank_test(spells, by="unit")
    >>> round(test.statistic, 3), test.df
    (3.338, 1)
    """
    spells.require_scheme("interval_logrank_test", intervals=True)
    rows = spells.complete(by).complete(strata)
    chosen = rows.for_cause(event)
    kind = _check(rows, chosen, scores, variance, n_permutations)
    seen = between(rows, chosen.event)
    group, keys = rows.groups(by)
    assert group is not None
    if len(keys) < 2:
        raise DataError(
            f"There is one group only ({keys[0]}).", code="one-group", hint="Name a column with two or more values."
        )
    k, weight = len(keys), rows.row_weight
    total, covariance = np.zeros(k), np.zeros((k, k))
    layers = []
    for members in _layers(rows, strata):
        scored = _scored(seen, members, weight[members], scores)
        own, w = group[members], weight[members]
        total += np.bincount(own, w * scored.score, k)
        if kind == "score":
            covariance += score_variance(scored, own, k, w)
        else:
            covariance += permutation_variance(scored.score, own, k, w)
        layers.append((scored.score, own, w))
    slopes = _slopes(trend, k)
    statistic, df = _statistic(total, covariance, slopes)
    if df == 0:
        raise DataError(
            "The scores of the groups have no spread, so they cannot be compared.",
            code="no-comparison",
            hint="Check the groups, the strata and the limits.",
        )
    p = float(stats.chi2.sf(statistic, df))
    if n_permutations:
        p = _dealt(layers, covariance, slopes, statistic, n_permutations, np.random.default_rng(rng))
    named = "observed information" if kind == "score" else "permutation variance"
    dealt = f", {n_permutations} permutations" if n_permutations else ""
    return HypothesisTest(
        statistic=statistic,
        df=df,
        pvalue=p,
        method=f"{_NAMES[scores]}{' for trend' if slopes is not None else ''}, {named}{dealt}",
        labels=tuple(", ".join(f"{name}={value}" for name, value in key.items()) for key in keys),
        detail={"n": np.bincount(group, weight, k), "score": total, "covariance": covariance},
        sources=(_SOURCES[scores], "fay_shaw2010" if kind == "permutation" else "fay1996"),
        ledger=rows.ledger,
    )


def _check(rows: Spells, chosen: Spells, scores: str, variance: str | None, n_permutations: int) -> str:
    kind = variance or ("permutation" if n_permutations else "score")
    for name, value, known in (("scores", scores, EFFECTS), ("variance", kind, _VARIANCES)):
        if value not in known:
            raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
    if rows.weight is not None and rows.weights == "sampling":
        raise DataError(
            "The test counts people; sampling weights are not counts.",
            code="sampling-weights",
            hint="Compare curves by xm.Turnbull(by=...), whose limits take such weights.",
        )
    if kind == "permutation" and rows.delayed:
        raise DataError(
            "A permutation takes every row to have been seen under the same conditions, but some entered late.",
            code="delayed-entry",
            hint='Use variance="score".',
        )
    if n_permutations and kind != "permutation":
        raise DataError("Permutations need their own variance.", code="variance", hint='Use variance="permutation".')
    if not chosen.event.any():
        raise DataError("Nobody left, so there is nothing to compare.", code="no-events", hint="Check event=.")
    return kind


def _layers(rows: Spells, strata: str | Sequence[str] | None) -> Iterator[Ints]:
    code = rows.stratum if strata is None else rows.groups(strata)[0]
    if code is None:
        yield np.arange(len(rows))
        return
    for value in np.unique(code):
        yield np.flatnonzero(code == value)


def _scored(seen: Between, members: Ints, weight: Floats, scores: str) -> Scored:
    """Scores of the rows of one stratum under the pooled curve."""
    entry = None if seen.entry is None else seen.entry[members]
    places = innermost(rank_ends(seen.lower[members], seen.upper[members], entry))
    found = fit_masses(places, weight)
    if found.exhausted:
        raise DataError(
            f"The pooled curve falls to zero at {places.right[found.exhausted[0]]:g}, though others entered later.",
            code="exhausted",
            hint="Leave out the earliest entries, so that somebody is at risk throughout.",
        )
    mass = np.where(found.mass > _MASS, found.mass, 0.0)
    return score_rows(found.before, mass, places.enters, places.first, places.stop, scores)


def _slopes(trend: bool | Sequence[float] | None, n_groups: int) -> Floats | None:
    if trend is None or trend is False:
        return None
    slopes = np.arange(1.0, n_groups + 1) if trend is True else np.asarray(trend, dtype=float)
    if len(slopes) != n_groups:
        raise DataError(
            f"{len(slopes)} scores were given for {n_groups} groups.", code="trend", hint="Give one for each, in order."
        )
    return slopes


def _statistic(total: Floats, covariance: Floats, slopes: Floats | None) -> tuple[float, int]:
    if slopes is None:
        return chi_squared(total, covariance)
    spread = float(slopes @ covariance @ slopes)
    return (float(slopes @ total) ** 2 / spread, 1) if spread > 0 else (0.0, 0)


def _dealt(
    layers: list[tuple[Floats, Ints, Floats]],
    covariance: Floats,
    slopes: Floats | None,
    observed: float,
    n: int,
    rng: np.random.Generator,
) -> float:
    """Share of deals of the labels, within strata, that give a statistic at least as large (the data counted once)."""
    copies = [(np.repeat(s, w.astype(int)), np.repeat(g, w.astype(int))) for s, g, w in layers]
    beyond = 0
    for _ in range(n):
        total = np.zeros(len(covariance))
        for score, group in copies:
            total += np.bincount(rng.permutation(group), score, len(covariance))
        beyond += _statistic(total, covariance, slopes)[0] >= observed * (1 - 1e-10)
    return (beyond + 1) / (n + 1)
