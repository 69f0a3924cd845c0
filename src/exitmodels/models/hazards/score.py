"""How good are predicted risks? Brier score, accuracy against no model, AUC over time.

Third floor, in the room of hazards. Use `score` on people who were not used for the fit, or inside
`cross_validate`; on the rows of the fit itself it flatters the model.

Read next: followed.py (who is followed, and the censoring), score_results.py (what comes back).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.products import aalen_johansen
from exitmodels.kernels.scores import Scored, brier_score, dynamic_auc
from exitmodels.kernels.steps import value_at
from exitmodels.kernels.tables import event_table
from exitmodels.models.hazards.followed import Followed, follow
from exitmodels.models.hazards.predicted import Predicted, event_risks, needed_columns, several
from exitmodels.models.hazards.score_results import NULL, Scores
from exitmodels.shapes.spells import Spells

__all__ = ["CONTROLS", "METRICS", "score", "score_predicted"]

METRICS = ("brier", "ipa", "auc")
CONTROLS = ("event-free", "all")


def score(
    predictions: Any,
    spells: Spells,
    times: Any,
    *,
    event: Any = None,
    metrics: Sequence[str] = METRICS,
    censoring: str | None = None,
    start: float | None = None,
    controls: str = "event-free",
    same_day: str = "known",
    area: str = "trapezoid",
) -> Scores:
    """Score predicted probabilities of having left by given times.

    Parameters
    ----------
    predictions : fit, array, or mapping of names to these
        A fit with `predict_survival` or `predict_incidence`; or probabilities of having left (not of staying),
        one row for each spell and one column for each time; or, for the AUC only, a marker: one number for
        each spell, higher meaning sooner.
    spells : Spells
        The people on whom the predictions are judged.
    times : float or sequence of float
        Increasing. With two or more, the Brier score is also integrated up to the last.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. The others compete.
    metrics : sequence of {"brier", "ipa", "auc"}
        "ipa", the index of prediction accuracy, is 1 - Brier / Brier of the null model.
    censoring : str, optional
        By default the censoring is the same for all (Kaplan-Meier). "strata(a)": Kaplan-Meier within groups;
        "x + z": a Cox model of the censoring.
    start : float, optional
        Judge those there at this time by what they do afterwards; needed when people enter late. Fits are then
        asked for the probability given presence at `start`; arrays must be that already.
    controls : {"event-free", "all"}
        With several causes: the AUC compares with those still there, or with all who have not left for `event`.
    same_day : {"known", "lost"}
        Whether someone censored on day t is known not to have left by t (exits come first on a day), or
        counts as lost.
    area : {"trapezoid", "step"}
        How Brier scores are integrated: straight lines between the times, or each score holding until the next
        time; either way from 0 at the start, where nothing has happened and nothing can be missed.

    Returns
    -------
    Scores
        ``.to_frame()``, ``.compare()``, ``.plot()``, ``.summary()``.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        For late entry without `start`, times at which nobody is under observation any more, probabilities
        outside [0, 1], and arrays of the wrong shape.

    Notes
    -----
    People lost before t are made up for by inverse probability of censoring weights, which assume that the
    censoring tells nothing beyond the covariates of `censoring`. Standard errors come from the influence of
    each row (or cluster), the estimated censoring included; predictions are taken as given, so limits say how
    exactly *these* predictions are scored. The null model gives everyone the Aalen-Johansen risk of these
    spells. The integrated Brier score is the area from 0 (or `start`) to the last time, divided by that length.

    Source: Graf et al. (1999); Gerds & Schumacher (2006); Kattan & Gerds (2018); Uno et al. (2007); Blanche,
    Dartigues & Jacqmin-Gadda (2013).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 5, 7, 8, 9], event=[1, 1, 0, 1, 0, 1])
    >>> scores = xm.score([0.8, 0.6, 0.3, 0.4, 0.1, 0.2], spells, 6)
    >>> scores.to_frame().query("model == 'model'")[["metric", "estimate"]].round(4).values.tolist()
    [['brier', 0.08], ['ipa', 0.64], ['auc', 1.0]]
    """
    asked = np.atleast_1d(np.asarray(times, dtype=float))
    _check(metrics, controls, area)
    named = several(predictions)
    if NULL in named:
        raise DataError('The name "null" is taken.', code="name", hint="Give the prediction another name.")
    people = follow(spells, "score", event, asked, start, censoring, same_day, needed_columns(named))
    found = {name: event_risks(name, what, spells, people.keep, asked, event, start) for name, what in named.items()}
    return score_predicted(people, found, asked, tuple(metrics), start, controls, censoring, area)


def _check(metrics: Sequence[str], controls: str, area: str) -> None:
    strange = [metric for metric in metrics if metric not in METRICS]
    if strange or isinstance(metrics, str) or not metrics:
        raise DataError(f"metrics={metrics!r} is not known.", code="metric", hint=f"Some of {', '.join(METRICS)}.")
    if controls not in CONTROLS:
        raise DataError(f"controls={controls!r} is not known.", code="controls", hint="event-free or all.")
    if area not in ("trapezoid", "step"):
        raise DataError(f"area={area!r} is not known.", code="area", hint="trapezoid or step.")


def score_predicted(
    people: Followed,
    found: dict[str, Predicted],
    times: Floats,
    metrics: tuple[str, ...],
    start: float | None = None,
    controls: str = "event-free",
    censoring: str | None = None,
    rule: str = "trapezoid",
) -> Scores:
    """Score probabilities that have been read already."""
    squared = "brier" in metrics or "ipa" in metrics
    markers = [name for name, p in found.items() if not p.probability]
    if squared and markers:
        raise DataError(
            f"{markers[0]!r} is no table of probabilities: values lie outside [0, 1], or there is one column for "
            f"{len(times)} times.",
            code="probability",
            hint='Give the probability of having left by each time; or metrics=("auc",) for a marker.',
        )
    names = (*found, NULL)
    values: dict[str, list[Floats]] = {metric: [] for metric in metrics}
    spreads: dict[str, list[Floats]] = {metric: [] for metric in metrics}
    area = _Area(times, 0.0 if start is None else start, rule, len(people.weight), len(names))
    nulls = _null_risks(people, times)
    for i, t in enumerate(times):
        risks = np.column_stack([*(p.values[:, i] for p in found.values()), np.full(len(people.weight), nulls[i])])
        known = people.at(float(t))
        made: dict[str, Scored] = {}
        if squared:
            made["brier"] = brier_score(known, people.censoring, people.weight, risks, 1)
            made["ipa"] = _accuracy(made["brier"])
            area.add(i, made["brier"])
        if "auc" in metrics:
            made["auc"] = dynamic_auc(known, people.censoring, people.weight, risks, 1, controls)
        for metric in metrics:
            values[metric].append(made[metric].value)
            spreads[metric].append(people.covariance(made[metric].influence))
    if squared and len(times) > 1:
        for metric, whole in (("ibs", area.mean), ("integrated ipa", _accuracy(area.mean))):
            if metric == "ibs" or "ipa" in metrics:
                values[metric], spreads[metric] = [whole.value], [people.covariance(whole.influence)]
    return _finish(people, names, times, values, spreads, metrics, start, controls, censoring)


def _finish(
    people: Followed,
    names: tuple[str, ...],
    times: Floats,
    values: dict[str, list[Floats]],
    spreads: dict[str, list[Floats]],
    metrics: tuple[str, ...],
    start: float | None,
    controls: str,
    censoring: str | None,
) -> Scores:
    rows = people.spells
    facts: dict[str, Any] = {"people or rows": rows.n, f"left for {people.outcome}": _count(people)}
    facts |= {} if start is None else {"judged from": start}
    facts["censoring"] = "the same for all (Kaplan-Meier)" if censoring is None else censoring
    if "auc" in metrics and people.event.max() > 1:
        facts["controls"] = "those still there" if controls == "event-free" else "all who have not left for the cause"
    if rows.cluster is not None:
        facts["variance"] = "clusters"
    sources: tuple[str, ...] = ("graf1999", "gerds_schumacher2006") if "brier" in metrics or "ipa" in metrics else ()
    sources += ("kattan_gerds2018",) if "ipa" in metrics else ()
    sources += ("uno2007", "blanche2013") if "auc" in metrics else ()
    return Scores(
        names=names,
        times=times,
        estimates={metric: np.stack(v) for metric, v in values.items()},
        covariances={metric: np.stack(v) for metric, v in spreads.items()},
        outcome=people.outcome,
        unit=rows.unit,
        ledger=rows.ledger,
        method=f"Scores of predicted risk of leaving for {people.outcome}",
        sources=sources,
        facts=facts,
    )


def _count(people: Followed) -> float:
    own = people.event == 1
    return float(people.weight[own].sum()) if people.copies else float(own.sum())


def _null_risks(people: Followed, times: Floats) -> Floats:
    """Aalen-Johansen risk of these people at each time."""
    table = event_table(people.spells.exit, people.event, int(people.event.max()), None, people.weight)
    _, incidence = aalen_johansen(table.at_risk, table.events)
    return value_at(table.time, incidence[0], times, 0.0)


def _accuracy(brier: Scored) -> Scored:
    """1 - B / B0, the null model last. Its prediction minimises B0, so its error adds nothing to first order."""
    null = brier.value[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = brier.value / null
        return Scored(1.0 - ratio, (ratio * brier.influence[:, -1:] - brier.influence) / null)


class _Area:
    """Running area under the Brier scores, and of their influences; one column for each model, no more."""

    def __init__(self, times: Floats, start: float, rule: str, n: int, m: int) -> None:
        after, before = np.append(np.diff(times), 0.0), np.diff(times, prepend=start)
        self.width = (after if rule == "step" else (after + before) / 2) / (times[-1] - start)
        self.mean = Scored(np.zeros(m), np.zeros((n, m)))

    def add(self, i: int, brier: Scored) -> None:
        value = self.mean.value + self.width[i] * brier.value
        self.mean = Scored(value, self.mean.influence + self.width[i] * brier.influence)
