"""Cross-validation: how good is a model on people it has not seen?

Third floor, in the room of hazards. Any model with `.fit` will do whose fits predict survival or incidence.

Read next: validate_results.py (what comes back).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.partial import cox_data, cox_terms
from exitmodels.kernels.risksets import risk_index
from exitmodels.kernels.scores import brier_score, dynamic_auc
from exitmodels.models.hazards.concordance import concordance
from exitmodels.models.hazards.concordance_results import Concordance
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.models.hazards.followed import Followed, follow
from exitmodels.models.hazards.predicted import Predicted, event_risks, linear_score, own_cause
from exitmodels.models.hazards.score import METRICS, score_predicted
from exitmodels.models.hazards.validate_results import CrossValidated
from exitmodels.shapes.spells import Spells
from exitmodels.shapes.terms import variables

__all__ = ["cross_validate"]

SCORES = (*METRICS, "concordance", "partial")


def cross_validate(
    model: Any,
    spells: Spells,
    times: Any = None,
    *,
    k: int = 10,
    rng: np.random.Generator | int | None = None,
    scores: Sequence[str] = ("brier", "ipa", "auc", "concordance"),
    by: str | None = None,
    event: Any = None,
    censoring: str | None = None,
    start: float | None = None,
    controls: str = "event-free",
    same_day: str = "known",
    area: str = "trapezoid",
) -> CrossValidated:
    """Fit on all folds but one, predict that one, and score all predictions together.

    Parameters
    ----------
    model : model, or mapping of names to models
        Anything with ``.fit(spells)`` whose result has `predict_survival` or `predict_incidence`; all are
        judged on the same folds.
    spells : Spells
    times : float or sequence of float
        For "brier", "ipa" and "auc".
    k : int
        Number of folds.
    rng : numpy Generator or seed
        Divides the people.
    scores : sequence of {"brier", "ipa", "auc", "concordance", "partial"}
        "partial": the cross-validated log partial likelihood, for Cox models.
    by : str, optional
        "cluster", or a column: those who share it are kept in one fold. By default clusters if the spells
        have them, otherwise rows (a row with a frequency weight is kept whole).
    event, censoring, start, controls, same_day, area
        As in `score`.

    Returns
    -------
    CrossValidated
        Pooled scores with limits (`to_frame`, `compare`, `plot`) and scores by fold (`by_fold`).

    Raises
    ------
    DataError
        For fewer people than folds, unknown scores, "partial" for other models than Cox, and whatever a fit or
        a prediction refuses (the message names the fold).

    Notes
    -----
    Limits take the k fits as given: they do not say how the scores would differ with other people to fit on. The
    concordance compares within folds only, for scores from different fits have no common zero. The partial
    likelihood of a fold is that of everybody less that of the others, both at the coefficients fitted to the others
    (Verweij & van Houwelingen 1993).

    Examples
    --------
    >>> import exitmodels as xm
    >>> rossi = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    >>> found = xm.cross_validate(xm.Cox("fin + age + prio"), rossi, 52, k=5, rng=1, scores=("ipa",))
    >>> bool(found.to_frame().estimate[0] < 0.1)
    True
    """
    asked = np.atleast_1d(np.asarray([] if times is None else times, dtype=float))
    models = dict(model) if isinstance(model, Mapping) else {"model": model}
    _check(models, scores, k, asked)
    if spells.missing == "drop":
        formulas = [getattr(m, "formula", None) or "1" for m in models.values()]
        spells = spells.complete(dict.fromkeys(name for formula in formulas for name in variables(formula)))
    unit, divided = _units(spells, by)
    fold = _folds(unit, k, np.random.default_rng(rng))
    metrics = tuple(name for name in scores if name in METRICS)
    judged = spells.for_cause(event) if not metrics else spells
    people = follow(spells, "cross_validate", event, asked, start, censoring, same_day) if metrics else None
    asks = (judged, fold, k, asked, people, event, start, scores)
    made = {name: _left_out(name, m, *asks) for name, m in models.items()}
    pooled, ordered, rows = None, None, []
    if people is not None:
        found = {name: Predicted(v.risks, True) for name, v in made.items()}
        pooled = score_predicted(people, found, asked, metrics, start, controls, censoring, area)
        rows += _scored_by_fold(people, found, asked, metrics, controls, fold[people.keep], k)
    if "concordance" in scores:
        ordered, parts = _concordance(spells, event, {name: v.score for name, v in made.items()}, fold, k)
        rows += parts
    partial = {name: v.partial for name, v in made.items() if v.partial is not None}
    rows += [(f, name, "partial", np.nan, float(v)) for name, own in partial.items() for f, v in enumerate(own)]
    sources = tuple(dict.fromkeys((*(pooled.sources if pooled else ()), *(ordered.sources if ordered else ()),
                                   *(("verweij_vanhouwelingen1993",) if partial else ()))))  # fmt: skip
    return CrossValidated(
        names=tuple(models),
        scores=pooled,
        concordance=ordered,
        partial=partial,
        fold=np.array([r[0] + 1 for r in rows], dtype=np.int64),
        fold_model=tuple(r[1] for r in rows),
        fold_metric=tuple(r[2] for r in rows),
        fold_time=np.array([r[3] for r in rows]),
        fold_estimate=np.array([r[4] for r in rows]),
        k=k,
        divided=divided,
        ledger=spells.ledger if people is None else people.spells.ledger,
        method=f"Cross-validation in {k} folds",
        sources=sources,
    )


FoldRow = tuple[int, str, str, float, float]


@dataclass(frozen=True, eq=False)
class _LeftOut:
    """What the fits say of those they have not seen."""

    risks: Floats
    score: Floats
    partial: Floats | None


def _check(models: Mapping[str, Any], scores: Sequence[str], k: int, times: Floats) -> None:
    strange = [name for name in scores if name not in SCORES]
    if strange or isinstance(scores, str) or not scores:
        raise DataError(f"scores={scores!r} is not known.", code="metric", hint=f"Some of {', '.join(SCORES)}.")
    if isinstance(k, bool) or not isinstance(k, int) or k < 2:
        raise DataError(f"k={k!r} cannot be used.", code="folds", hint="A whole number from 2 up.")
    for name, model in models.items():
        if not callable(getattr(model, "fit", None)):
            raise DataError(f"{name!r} has no fit.", code="model", hint="Give a model, not a fitted result.")
    if not len(times) and any(name in METRICS for name in scores):
        raise DataError("No time was given.", code="times", hint='Give times=; or scores=("concordance",).')


def _units(spells: Spells, by: str | None) -> tuple[Ints, str]:
    if by is None:
        by = "cluster" if spells.cluster is not None else None
    if by is None:
        return np.arange(len(spells)), "rows"
    if by == "cluster" and "cluster" not in spells.columns:
        if spells.cluster is None:
            raise DataError("The spells have no clusters.", code="no-cluster", hint="Read them with cluster=.")
        return np.unique(spells.cluster, return_inverse=True)[1], "clusters"
    code, _ = spells.groups(by)
    assert code is not None
    return code, by


def _folds(unit: Ints, k: int, generator: np.random.Generator) -> Ints:
    """Number of the fold of each row; folds of about equal numbers of units."""
    size = int(unit.max()) + 1
    if size < k:
        raise DataError(f"There are {size} units for {k} folds.", code="folds", hint="Give a smaller k.")
    place = np.empty(size, dtype=np.int64)
    place[generator.permutation(size)] = np.arange(size) % k
    return place[unit]


def _left_out(
    name: str, model: Any, spells: Spells, fold: Ints, k: int, times: Floats, people: Followed | None, event: Any,
    start: float | None, scores: Sequence[str],
) -> _LeftOut:  # fmt: skip
    n = len(spells)
    risks, score, partial = np.zeros((n, len(times))), np.zeros(n), np.zeros(k)
    keep = np.arange(n) if people is None else people.keep
    for f in range(k):
        out = fold == f
        try:
            fit = model.fit(spells.select(~out, why=f"fold {f + 1}"))
            some = keep[out[keep]]
            if people is not None:
                risks[some] = event_risks(name, fit, spells, some, times, event, start).values
            if "concordance" in scores:
                here = np.flatnonzero(out)
                score[here] = _rank_score(name, fit, spells, here, event)
            if "partial" in scores:
                partial[f] = _partial(name, fit, spells) - _partial(name, fit, spells._take(np.flatnonzero(~out)))
        except DataError as problem:
            raise DataError(
                f"{name!r}, fold {f + 1} of {k}: {problem}", rows=problem.rows, code=problem.code, hint=""
            ) from problem
    return _LeftOut(risks[keep], score, partial if "partial" in scores else None)


def _rank_score(name: str, fit: Any, spells: Spells, here: Ints, event: Any) -> Floats:
    """Linear predictor of a Cox fit, else the predicted risk at the median exit of all."""
    if isinstance(fit, CoxResults) and fit.varying is None:
        return linear_score(fit, spells._take(here))[0]
    at = float(np.median(spells.exit[spells.for_cause(event).event > 0]))
    return event_risks(name, fit, spells, here, np.array([at]), event, None).values[:, 0]


def _partial(name: str, fit: Any, spells: Spells) -> float:
    """Log partial likelihood of these spells at the coefficients of the fit."""
    if not isinstance(fit, CoxResults) or fit.varying is not None or fit.ties == "exact":
        raise DataError(
            f"{name!r} has no partial likelihood that can be split.",
            code="partial",
            hint='Leave "partial" out, or use Cox with ties="efron" or "breslow" and constant effects.',
        )
    rows = own_cause(fit, spells)
    line, stratum = linear_score(fit, rows)
    index = risk_index(rows.entry_or_none, rows.exit, rows.event > 0, stratum, len(fit.strata_labels))
    data = cox_data(line[:, None], index, rows.weight, None, fit.ties, rows.weights == "frequency")
    return float(cox_terms(np.ones(1), data).value)


def _scored_by_fold(
    people: Followed, found: Mapping[str, Predicted], times: Floats, metrics: Sequence[str], controls: str, fold: Ints,
    k: int,
) -> list[FoldRow]:  # fmt: skip
    """Scores in each fold, with the censoring estimated from everybody."""
    rows: list[FoldRow] = []
    for i, t in enumerate(times):
        known = people.at(float(t))
        risks = np.column_stack([p.values[:, i] for p in found.values()])
        for f in range(k):
            weight = np.where(fold == f, people.weight, 0.0)
            if not weight.any():
                continue
            share = float(weight @ (known.weight * (known.event == 1))) / float(weight.sum())
            everyone = np.column_stack([risks, np.full(len(weight), share)])
            brier = brier_score(known, people.censoring, weight, everyone, 1).value
            values = {"brier": brier[:-1]}
            with np.errstate(divide="ignore", invalid="ignore"):
                values["ipa"] = 1.0 - brier[:-1] / brier[-1]
            if "auc" in metrics:
                values["auc"] = dynamic_auc(known, people.censoring, weight, risks, 1, controls).value
            rows += [(f, name, m, float(t), float(values[m][j])) for m in metrics for j, name in enumerate(found)]
    return rows


def _concordance(
    spells: Spells, event: Any, scores: Mapping[str, Floats], fold: Ints, k: int
) -> tuple[Concordance, list[FoldRow]]:
    """Pairs within folds (and within the strata of the spells)."""
    labels = [str(label) for label in spells.stratum_labels] or [""]
    own = np.zeros(len(spells), dtype=np.int64) if spells.stratum is None else spells.stratum
    crossed = fold * len(labels) + own
    names = tuple(f"fold {f + 1}" + (f", {s}" if s else "") for f in range(k) for s in labels)
    whole = concordance(spells._with(stratum=crossed, stratum_labels=names), dict(scores), event=event)
    rows: list[FoldRow] = []
    for f in range(k):
        here = np.flatnonzero(fold == f)
        try:
            part = concordance(spells._take(here), {n: v[here] for n, v in scores.items()}, event=event)
            rows += [(f, name, "concordance", np.nan, float(part.estimate[j])) for j, name in enumerate(scores)]
        except DataError:
            rows += [(f, name, "concordance", np.nan, np.nan) for name in scores]
    return replace(whole, method=whole.method + ", within folds"), rows
