"""Did people come at a constant rate? For people found inside on a day and followed from there.

Third floor, in the room of truncation. When they did, time since entry and time yet to come have one law.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.logrank import FAMILIES, time_weights
from exitmodels.kernels.risksets import accumulate, at_risk_sum, risk_index
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["found_inside", "stationarity_test"]


def found_inside(spells: Spells, model: str) -> Spells:
    """Refuse spells that are not of people found inside: exits only, intervals, or people met as they came."""
    spells.require_scheme(model)
    entry = np.asarray(spells.entry, dtype=np.float64)
    fresh = np.flatnonzero(entry <= 0) if spells.delayed else np.arange(len(spells))
    if fresh.size:
        raise DataError(
            f"{model} is for people found inside on one day, some time after they came; {fresh.size} rows are at risk "
            "from time 0, as people met on the day they came.",
            column="entry",
            rows=spells.labels[fresh],
            code="not-prevalent",
            hint="Give entry= the time between coming and being found. For people followed from the start, alone or "
            "mixed with others, use KaplanMeier, which takes delayed entry.",
        )
    return spells


def stationarity_test(spells: Spells, weights: str = "logrank") -> HypothesisTest:
    """Test that people came at a constant rate, from a roll of those inside on one day who were then followed.

    Parameters
    ----------
    spells : Spells
        `entry` is the time since each person came (backward recurrence), `exit` the whole stay or its length when last
        seen.
    weights : {"logrank", "gehan", "tarone-ware", "peto", "modified-peto", "prentice"}
        Which differences count most; see `logrank_test`.

    Returns
    -------
    HypothesisTest
        `detail` holds sizes, exits observed and expected of both times.

    Raises
    ------
    SchemeError, DataError
        If the rows are not of people found inside, or nobody left.

    Notes
    -----
    With a constant rate of coming, and stays that do not depend on when people came, the time since entry and the time
    yet to come have the same law (both have density S(t) / mean). They are compared by a weighted log-rank statistic;
    both come from one person, so its variance is the sum of squared influences of persons (or clusters). A rejection
    says that one of the two assumptions fails, not which. `KaplanMeier` with delayed entry needs only the second.
    Source: Wang (1991); Addona & Wolfson (2006); paired variance: Jung (1999).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(entry=[3, 8, 2, 6, 5], exit=[9, 11, 4, 14, 9], event=[1, 1, 1, 0, 1])
    >>> test = xm.stationarity_test(spells)
    >>> test.df, round(test.pvalue, 3)
    (1, 0.726)
    """
    if weights not in FAMILIES[:-1]:
        raise DataError(
            f"weights={weights!r} is not known.", code="weights-family", hint=f"One of {', '.join(FAMILIES[:-1])}."
        )
    found_inside(spells, "stationarity_test")
    if not (spells.event > 0).any():
        raise DataError("Nobody left, so there is nothing to compare.", code="no-events", hint="Follow people longer.")
    since, to_come = np.asarray(spells.entry, float), np.asarray(spells.exit, float) - np.asarray(spells.entry, float)
    weight = np.asarray(spells.row_weight, dtype=np.float64)
    copies = spells.weight is None or spells.weights == "frequency"
    score, own, counts = paired_logrank(since, to_come, spells.event > 0, weight, weights)
    if spells.cluster is not None:
        code = np.unique(spells.cluster, return_inverse=True)[1].ravel()
        together = np.bincount(code, weight * own)
        variance = float(together @ together)
    else:
        variance = float((weight if copies else weight**2) @ own**2)
    if variance <= 0:
        raise DataError(
            "The two times do not overlap, so they cannot be compared.", code="no-pairs", hint="Follow more people."
        )
    statistic = score**2 / variance
    return HypothesisTest(
        statistic=statistic,
        df=1,
        pvalue=float(chdtrc(1, statistic)),
        method="Test of a constant rate of coming: time since entry against time yet to come, paired",
        labels=("since entry", "yet to come"),
        detail={**counts, "score": np.array([-score, score]), "variance": np.array([variance, variance])},
        sources=("wang1991", "addona_wolfson2006", "jung1999"),
        ledger=spells.ledger,
    )


def paired_logrank(
    since: AnyArray, to_come: AnyArray, event: AnyArray, weight: Floats, family: str
) -> tuple[float, Floats, dict[str, Floats]]:
    """Score of the second time, the influence of each person on it, and counts of both."""
    n = len(since)
    time, happened = np.concatenate([since, to_come]), np.concatenate([np.ones(n, dtype=bool), event])
    second: Ints = np.repeat([0, 1], n)
    both = np.concatenate([weight, weight])
    index = risk_index(None, time, happened)
    at_risk, second_risk = at_risk_sum(index, both), at_risk_sum(index, both * second)
    rows, moment = index.event_rows, index.moment[index.event_rows]
    events = np.bincount(moment, both[rows], index.n_times)
    second_events = np.bincount(moment, (both * second)[rows], index.n_times)
    factor = time_weights(at_risk, events, family)
    factor = np.ones(index.n_times) if factor is None else factor
    share, hazard = second_risk / at_risk, events / at_risk
    # (z - mean z) over the rows at risk, less what was expected while at risk
    lived = accumulate(index, factor * hazard) * second - accumulate(index, factor * hazard * share)
    own = -lived
    own[rows] += factor[moment] * (second[rows] - share[moment])
    expected = second_risk * hazard
    counts = {
        "n": np.array([weight.sum(), weight.sum()]),
        "observed": np.array([events.sum() - second_events.sum(), second_events.sum()]),
        "expected": np.array([events.sum() - expected.sum(), expected.sum()]),
    }
    return float(factor @ (second_events - expected)), own[:n] + own[n:], counts
