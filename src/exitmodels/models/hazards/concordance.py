"""Concordance: do those with the higher score leave first?

Third floor, in the room of hazards. It judges the order of a prediction, not its size; for the size use
`score` and `calibration`.

Read next: concordance_results.py (what comes back), kernels/concordance.py (how pairs are counted).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.concordance import PairCounts, pair_counts
from exitmodels.kernels.grouped import group_sum
from exitmodels.kernels.places import TIME_WEIGHTS, moments, time_weights
from exitmodels.models.hazards.concordance_results import Concordance, Ranks
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.models.hazards.predicted import event_risks, is_fit, linear_score, needed_columns, numbers_of, several
from exitmodels.render.text import number
from exitmodels.shapes.spells import Spells

__all__ = ["concordance"]

_SOURCES = {
    "n": "harrell1982",
    "S": "therneau_atkinson2024",
    "S/G": "schemper2009",
    "n/G2": "uno2011",
    "I": "therneau_atkinson2024",
}


def concordance(
    spells: Spells,
    score: Any,
    *,
    event: Any = None,
    time_weight: str = "n",
    tau: float | None = None,
    tmin: float | None = None,
    ranks: bool = False,
) -> Concordance:
    """Share of comparable pairs in which the person with the higher score leaves first.

    Parameters
    ----------
    spells : Spells
        Strata are compared within; frequency weights count as copies; clusters make the variance.
    score : (n,) array, fit, or mapping of names to these
        Higher means sooner. A Cox fit gives its linear predictor (compared within its strata), any other fit
        its predicted risk at `tau` (by default at the median of the exits). Several scores are compared on the
        same people.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. Other exits are censored.
    time_weight : {"n", "S", "S/G", "n/G2", "I"}
        Weight of a comparison at time t: 1 (Harrell); n S(t-) / Y(t) (Peto-Wilcoxon); n S(t-) / (G(t-) Y(t))
        (Schemper); 1 / G(t-)^2 (Uno); 1 / Y(t). Without late entry, "S/G" and "n/G2" are the same.
    tau : float, optional
        Exits after it do not count (though those still there then are compared). Uno's weights need it when
        few are followed long.
    tmin : float, optional
        Exits before it count as exits at it, so that the order among them does not matter.
    ranks : bool
        Keep the rank of each exit among those compared with it, for `Concordance.ranks`.

    Returns
    -------
    Concordance

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        When no two people can be compared, when scores are missing, and for weights by the censoring when
        people enter late (the chance of being seen is then not that of not being censored).

    Notes
    -----
    A pair counts when one leaves while the other is at risk; equal scores count one half; pairs tied in time do
    not count, but one censored on the day of an exit stayed longer. The variance is the infinitesimal
    jackknife over people or clusters, with time weights taken as known (as in R's `concordance`);
    `conservative_se` takes the variance of the ranks under no effect, as R's `cvar`.

    Source: Harrell et al. (1982); Uno et al. (2011); Schemper, Wakounig & Heinze (2009); Therneau &
    Atkinson (2024).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 3, 4, 5], event=[1, 1, 0, 1, 1])
    >>> found = xm.concordance(spells, [5, 3, 4, 2, 1])
    >>> round(float(found.estimate[0]), 4), found.counts[0].tolist()
    (0.875, [[7.0, 1.0, 0.0, 0.0, 0.0]])
    """
    spells.require_scheme("concordance")
    if time_weight not in TIME_WEIGHTS:
        raise DataError(
            f"time_weight={time_weight!r} is not known.", code="time-weight", hint=f"One of {', '.join(TIME_WEIGHTS)}."
        )
    if spells.delayed and "G" in time_weight:
        raise DataError(
            f"time_weight={time_weight!r} makes up for censoring, and here some enter late: the chance of being seen "
            "at a time is then not that of not being censored.",
            code="delayed-entry",
            hint='Use "n" or "S".',
        )
    named = several(score)
    rows, keep = _usable(spells.for_cause(event), needed_columns(named))
    exit = _from(rows, tmin)
    found = []
    for name, what in named.items():
        values, stratum, labels = _scores(name, what, spells, rows, keep, tau)
        found.append(_count(rows, exit, values, stratum, labels, time_weight, tau, ranks))
    return _finish(rows, tuple(named), found, time_weight, tau)


def _usable(rows: Spells, columns: tuple[str, ...]) -> tuple[Spells, Ints]:
    keep = np.ones(len(rows), dtype=bool)
    steps = [] if rows.weight is None else [(rows.weight > 0, "weight zero")]
    if rows.missing == "drop":
        gaps = {name: rows.columns.want(name).missing for name in columns}
        steps += [(~gap, f"{name} missing") for name, gap in gaps.items() if gap is not None]
    for mask, why in steps:
        if not mask[keep].all():
            rows = rows.select(mask[keep], why=why)
            keep &= mask
    return rows, np.flatnonzero(keep)


def _from(rows: Spells, tmin: float | None) -> AnyArray:
    """Times with everything before tmin moved to it."""
    if tmin is None:
        return rows.exit
    early = np.flatnonzero((rows.exit < tmin) & (rows.event == 0))
    if early.size:
        raise DataError(
            f"{early.size} people are censored before tmin={number(tmin)}, so whether they left by then is not known.",
            rows=rows.labels[early],
            code="tmin",
            hint=f"Give tmin up to {number(float(rows.exit[early].min()))}, or leave it out.",
        )
    return np.maximum(rows.exit, tmin)


def _scores(
    name: str, what: Any, spells: Spells, rows: Spells, keep: Ints, tau: float | None
) -> tuple[Floats, Ints | None, tuple[str, ...]]:
    """Score and stratum of each row."""
    own = rows.stratum, tuple(str(label) for label in rows.stratum_labels) or ("",)
    if not is_fit(what):
        values = numbers_of(name, what, spells)[keep]
        if values.ndim != 1:
            raise DataError(
                f"The score {name!r} has {values.shape[1]} columns.", code="length", hint="Give one number per row."
            )
        return values, *own
    if isinstance(what, CoxResults) and what.varying is None:
        values, stratum = linear_score(what, rows)
        if len(what.strata_labels) > 1 and stratum is not None:
            return values, stratum, what.strata_labels
        return values, *own
    at = float(np.median(rows.exit[rows.event > 0])) if tau is None else tau
    return event_risks(name, what, rows, np.arange(len(rows)), np.array([at]), None, None).values[:, 0], *own


def _count(
    rows: Spells,
    exit: AnyArray,
    score: Floats,
    stratum: Ints | None,
    labels: tuple[str, ...],
    time_weight: str,
    tau: float | None,
    ranks: bool,
) -> tuple[PairCounts, tuple[str, ...]]:
    weight = rows.row_weight
    places = moments(rows.entry_or_none, exit, rows.event > 0, weight, stratum, len(labels))
    per_time = time_weights(places, time_weight, tau)
    copies = rows.weight is None or rows.weights == "frequency"
    return pair_counts(places, score, weight, per_time, stratum, copies, ranks), labels


def _finish(
    rows: Spells,
    names: tuple[str, ...],
    found: list[tuple[PairCounts, tuple[str, ...]]],
    time_weight: str,
    tau: float | None,
) -> Concordance:
    influence = np.empty((len(rows), len(names)))
    estimate, conservative = np.empty(len(names)), np.empty(len(names))
    for j, (pairs, _) in enumerate(found):
        total = pairs.counts[:, :3].sum(axis=0)
        if not total.sum() > 0:
            raise DataError(
                "No two people can be compared: nobody leaves while another is still there.",
                code="no-pairs",
                hint="Check event=, tau= and the strata.",
            )
        estimate[j] = (total[0] + total[2] / 2) / total.sum()
        slope = np.array([1.0, 0.0, 0.5]) - estimate[j]
        influence[:, j] = pairs.influence @ slope / total.sum()
        conservative[j] = pairs.spread.sum() / (4 * total.sum() ** 2)
    counted = [Ranks(*p.ranks, rows.row_weight[p.ranks[0]]) for p, _ in found if p.ranks is not None]
    return Concordance(
        names=names,
        estimate=estimate,
        covariance=_covariance(influence, rows),
        conservative=conservative,
        counts=tuple(p.counts if len(labels) <= 10 else p.counts.sum(axis=0)[None] for p, labels in found),
        strata=tuple(labels if len(labels) <= 10 else ("all strata",) for _, labels in found),
        time_weight=time_weight,
        tau=tau,
        nobs=rows.n,
        n_events=rows.n_events,
        variance="cluster" if rows.cluster is not None else "robust",
        outcome=str(rows.causes[0]),
        unit=rows.unit,
        ledger=rows.ledger,
        method=f"Concordance of leaving for {rows.causes[0]} with a score",
        sources=tuple(dict.fromkeys(("harrell1982", _SOURCES[time_weight], "therneau_atkinson2024"))),
        ranked=tuple(counted),
        influence=influence,
    )


def _covariance(influence: Floats, rows: Spells) -> Floats:
    """Infinitesimal jackknife, grouped by cluster; no small-sample factor (as R)."""
    apart = rows.cluster is None and (rows.weight is None or rows.weights == "frequency")
    own = influence * (np.sqrt(rows.row_weight) if apart else rows.row_weight)[:, None]
    if rows.cluster is not None:
        codes = np.unique(rows.cluster, return_inverse=True)[1]
        own = group_sum(own, codes, int(codes.max()) + 1)
    return np.asarray(own.T @ own)
