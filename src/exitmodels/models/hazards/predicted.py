"""Predictions to be judged: arrays as they are given, or read off a fit.

Third floor, in the room of hazards. Any fit will do that has `predict_survival` or `predict_incidence`; the
risks of a Cox fit are computed at once for all rows.

Read next: followed.py, score.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.steps import value_at
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.render.text import number
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.shapes.spells import Spells

__all__ = ["Predicted", "event_risks", "is_fit", "linear_score", "needed_columns", "numbers_of", "own_cause", "several"]

_ROWS = 2000


@dataclass(frozen=True, eq=False)
class Predicted:
    """What one model says of each row.

    Attributes
    ----------
    values : (n, k)
        Probability of having left by each of k times; or a marker, higher meaning sooner.
    probability : bool
    """

    values: Floats
    probability: bool


def several(predictions: Any) -> dict[str, Any]:
    """Name the predictions: a mapping as it is, anything else as "model"."""
    if isinstance(predictions, Mapping):
        if not predictions:
            raise DataError("No prediction was given.", code="empty", hint="Give a fit, an array, or a dict of them.")
        return {str(name): value for name, value in predictions.items()}
    return {"model": predictions}


def is_fit(what: Any) -> bool:
    """Whether something predicts by itself."""
    return any(callable(getattr(what, name, None)) for name in ("predict_survival", "predict_incidence"))


def needed_columns(models: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns that the fits among the predictions use."""
    found = [getattr(getattr(fit, "design", None), "variables", ()) for fit in models.values() if is_fit(fit)]
    return tuple(dict.fromkeys(name for names in found for name in names))


def numbers_of(name: str, what: Any, spells: Spells) -> Floats:
    """An array of predictions, one row for each spell, finite."""
    values = np.asarray(what, dtype=float)
    if values.ndim not in (1, 2) or len(values) != len(spells):
        raise DataError(
            f"The prediction {name!r} has shape {values.shape} for {len(spells)} spells.",
            code="length",
            hint="Give one row for each spell, in the same order (and one column for each time).",
        )
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
    if bad.size:
        raise DataError(
            f"The prediction {name!r} is missing or infinite in {bad.size} rows.",
            rows=spells.labels[bad],
            code="missing",
            hint="Predict for every spell, or leave these spells out with select().",
        )
    return values


def event_risks(
    name: str, what: Any, spells: Spells, keep: Ints, times: Floats, event: Any, start: float | None
) -> Predicted:
    """Probability of having left by each time (given presence at `start`), for the rows that are kept."""
    if not is_fit(what):
        values = numbers_of(name, what, spells)[keep]
        if values.ndim == 1 and len(times) > 1:
            return Predicted(np.repeat(values[:, None], len(times), axis=1), False)
        values = values.reshape(len(values), -1)
        if values.shape[1] != len(times):
            raise DataError(
                f"The prediction {name!r} has {values.shape[1]} columns for {len(times)} times.",
                code="length",
                hint="Give one column for each time.",
            )
        return Predicted(values, bool(np.all((values >= 0) & (values <= 1))))
    rows = spells._take(keep)
    competing = len(spells.causes) > 1 and not (isinstance(event, str) and event == "any")
    if competing and not callable(getattr(what, "predict_incidence", None)):
        raise DataError(
            f"{name!r} predicts survival, as if the other ways to leave did not exist; with several causes that is not "
            "the probability of leaving for one of them.",
            code="not-incidence",
            hint='Give a fit with predict_incidence, an array of probabilities, event="any", or first '
            "spells.for_cause(...), which turns other exits into censorings.",
        )
    if isinstance(what, CoxResults) and what.varying is None and not competing:
        return Predicted(_cox_risks(name, what, rows, times, start), True)
    return Predicted(_curve_risks(name, what, rows, times, event if competing else None, start), True)


def _plain_columns(rows: Spells, names: Sequence[str]) -> dict[str, AnyArray]:
    """Columns as plain arrays, as a table of new rows."""
    return {name: rows.columns.want(name).decoded() for name in names}


def own_cause(fit: CoxResults, spells: Spells) -> Spells:
    """The spells with the exits that the fit is about; the others censored."""
    if len(spells.causes) == 1:
        return spells
    labels = {str(cause): cause for cause in spells.causes}
    return spells.for_cause(labels.get(fit.outcome, "any"))


def linear_score(fit: CoxResults, rows: Spells) -> tuple[Floats, Ints | None]:
    """Centred linear predictor of each row, and its stratum in the fit (None when the rows cannot be placed)."""
    names = fit.design.variables
    made = fit.design.rebuild(rows.columns, labels=rows.labels) if names else None
    raw = np.zeros((len(rows), 0)) if made is None else made.matrix[:, list(fit.kept)]
    p = raw.shape[1]
    score = (raw - fit.centre[:p]) @ fit.estimate[:p]
    if made is not None and made.offset is not None:
        score = score + made.offset - fit.offset_centre
    if made is not None and made.strata is not None:
        return score, made.strata
    if len(fit.strata_labels) == 1:
        return score, np.zeros(len(rows), dtype=np.int64)
    labels = [str(label) for label in rows.stratum_labels]
    if rows.stratum is None or not set(labels) <= set(fit.strata_labels):
        return score, None
    return score, np.array([fit.strata_labels.index(label) for label in labels])[rows.stratum]


def _cox_risks(name: str, fit: CoxResults, rows: Spells, times: Floats, start: float | None) -> Floats:
    score, stratum = linear_score(fit, rows)
    if stratum is None:
        raise DataError(
            f"{name!r} has strata that neither its formula nor these spells name, so no baseline belongs to a row.",
            code="strata",
            hint="Put strata(column) in the formula.",
        )
    base = fit.baseline
    asked = times if start is None else np.append(times, start)
    out = np.empty((len(rows), len(times)))
    for s in range(len(fit.strata_labels)):
        here = np.flatnonzero(stratum == s)
        if not here.size:
            continue
        _refuse_beyond(name, times, fit.until[s])
        own = slice(int(base.bounds[s]), int(base.bounds[s + 1]))
        hazard = value_at(base.times[own], np.cumsum(base.hazard[own]), asked, 0.0)
        if start is not None:
            hazard = hazard[:-1] - hazard[-1]
        out[here] = -np.expm1(-np.exp(score[here])[:, None] * hazard)
    return out


def _refuse_beyond(name: str, times: Floats, until: float) -> None:
    if times.max() > until:
        raise DataError(
            f"{name!r} was fitted to people seen up to {number(until)}; it predicts nothing for {number(times.max())}.",
            code="horizon",
            hint=f"Give times up to {number(until)}.",
        )


def _curve_risks(name: str, fit: Any, rows: Spells, times: Floats, event: Any, start: float | None) -> Floats:
    """Read curves row by row, some thousand rows at a time, so that no table of all rows by all steps is made."""
    names = getattr(getattr(fit, "design", None), "variables", None)
    columns = _plain_columns(rows, list(rows.columns) if names is None else names)
    by_cause = event is not None or not callable(getattr(fit, "predict_survival", None))
    method = fit.predict_incidence if by_cause else fit.predict_survival
    asked = np.unique(times if start is None else np.append(times, start))
    extra = {"times": asked} if "times" in inspect.signature(method).parameters else {}
    parts = []
    for begin in range(0, len(rows), _ROWS):
        some = slice(begin, begin + _ROWS)
        count = len(rows.exit[some])
        curve = method({key: values[some] for key, values in columns.items()}, **extra)
        parts.append(_read(name, curve, count, times, event, start))
    return np.concatenate(parts)


def _read(name: str, curve: Curve, count: int, times: Floats, event: Any, start: float | None) -> Floats:
    own = [p for p in curve.pieces if event is None or "cause" not in p.keys or p.keys["cause"] == event]
    if len(own) != count:
        raise DataError(
            f"{name!r} gives {len(own)} curves for {count} rows" + (f" and the cause {event!r}." if event else "."),
            code="prediction",
            hint="A fit must predict one curve for each row (and cause).",
        )
    values = np.stack([_values(name, piece, times, curve.start) for piece in own])
    if start is None:
        return values if curve.start == 0 else 1.0 - values
    begin = _at(own, start, curve.start)
    if curve.start == 1:
        return 1.0 - values / begin[:, None]
    causes = list(dict.fromkeys(p.keys.get("cause") for p in curve.pieces))
    if len(causes) < 2 or len(curve.pieces) != count * len(causes):
        raise DataError(
            f"{name!r} predicts one cause, so the chance of being there at start is not known.",
            code="start",
            hint="Give an array of probabilities from start on.",
        )
    gone = sum(_at([p for p in curve.pieces if p.keys.get("cause") == cause], start, 0.0) for cause in causes)
    return (values - begin[:, None]) / (1.0 - np.asarray(gone)[:, None])


def _at(pieces: Sequence[Piece], time: float, begin: float) -> Floats:
    return np.array([float(value_at(p.time, p.estimate, np.array([time]), begin)[0]) for p in pieces])


def _values(name: str, piece: Piece, times: Floats, begin: float) -> Floats:
    ends = len(piece.estimate) > 0 and begin == 1 and piece.estimate[-1] == 0
    if not ends:
        _refuse_beyond(name, times, piece.known_until)
    return value_at(piece.time, piece.estimate, times, begin)
