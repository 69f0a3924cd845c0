"""The same spells under another reading of the reasons: wrong labels, and labels nobody wrote.

First floor. Both draw what the reasons may truly have been. Persons counted by a frequency weight draw one by one.

Called by: results.sensitivity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes.shifted import one_by_one
from exitmodels.shapes.spells import Spells

__all__ = ["belonging", "draw_labels", "draw_unknown", "noise_table"]

_STEPS, _TOL = 10_000, 1e-13


def noise_table(causes: Sequence[Any], noise: Any, shares: Floats | None = None) -> Floats:
    """Chances of each true reason, given the reason written.

    Parameters
    ----------
    causes : sequence of g labels
    noise : float, (g, g) array or labelled table
        A rate: a label is wrong with this chance, and every other reason is then as likely. A table: rows are labels
        as written and columns what they stand for. A labelled table may leave reasons out: those are never wrong.
    shares : (g,), optional
        Shares of the labels as written. When given, the table is read the other way, rows true and columns
        written, and turned round by Bayes' rule with the shares of the true reasons that fit best.

    Returns
    -------
    (g, g), rows add to one.

    Examples
    --------
    >>> noise_table(["a", "b", "c"], 0.2).tolist()[0]
    [0.8, 0.1, 0.1]
    >>> noise_table(["a", "b"], [[0.9, 0.1], [0.0, 1.0]], shares=np.array([0.45, 0.55])).round(3).tolist()
    [[1.0, 0.0], [0.091, 0.909]]
    """
    g = len(causes)
    if g < 2:
        raise DataError(
            f"There is one reason only ({causes[0]}), so a label cannot be wrong.",
            code="label-noise",
            hint="Give spells with all their reasons, and let the model choose its event=.",
        )
    table = _rate(g, float(noise)) if np.ndim(noise) == 0 else _table(causes, noise)
    return table if shares is None else _turned(table, shares)


def _rate(g: int, rate: float) -> Floats:
    if not 0 <= rate <= 1:
        raise DataError(f"label_noise={rate:g} is no rate.", code="label-noise", hint="Give a share between 0 and 1.")
    return np.where(np.eye(g, dtype=bool), 1 - rate, rate / (g - 1))


def _table(causes: Sequence[Any], noise: Any) -> Floats:
    names = list(causes)
    made = np.eye(len(names))
    if hasattr(noise, "loc") and hasattr(noise, "columns"):
        strange = [label for label in [*noise.index, *noise.columns] if label not in names]
        if strange or list(noise.index) != list(noise.columns):
            raise DataError(
                f"The table of label noise has rows {list(noise.index)} and columns {list(noise.columns)}.",
                code="label-noise",
                hint=f"Use the same labels for both, out of: {', '.join(str(c) for c in names)}.",
            )
        places = [names.index(label) for label in noise.index]
        made[np.ix_(places, places)] = np.asarray(noise, dtype=np.float64)
    else:
        given = np.asarray(noise, dtype=np.float64)
        if given.shape != made.shape:
            raise DataError(
                f"The table of label noise is {' by '.join(str(s) for s in given.shape)}; there are {len(names)} "
                "reasons.",
                code="label-noise",
                hint=f"One row and one column for each of, in this order: {', '.join(str(c) for c in names)}.",
            )
        made = given
    if not np.isfinite(made).all() or made.min() < 0 or np.abs(made.sum(axis=1) - 1).max() > 1e-8:
        raise DataError(
            "The rows of the table of label noise are no distributions.",
            code="label-noise",
            hint="Give chances between 0 and 1; each row adds to one.",
        )
    return made


def _turned(table: Floats, shares: Floats) -> Floats:
    """True given written, from written given true (k true, j written) and the shares written, by EM."""
    true = np.full(len(table), 1 / len(table))
    for _ in range(_STEPS):
        joint = true[:, None] * table
        seen = np.maximum(joint.sum(axis=0), 1e-300)
        better = (joint * (shares / seen)).sum(axis=1)
        done = np.abs(better - true).max() < _TOL
        true = better
        if done:
            break
    joint = (true[:, None] * table).T
    total = joint.sum(axis=1, keepdims=True)
    return np.where(total > 0, joint / np.where(total > 0, total, 1.0), np.eye(len(table)))


def draw_labels(spells: Spells, table: Floats, rng: np.random.Generator) -> Spells:
    """Draw what each reason truly was; `table` as from `noise_table`. Those who have not left are left alone."""
    people = one_by_one(spells)
    u = rng.random(len(people))
    left = people.event > 0
    edges = np.cumsum(table, axis=1)[:, :-1]
    drawn = 1 + (u[:, None] >= edges[np.maximum(people.event, 1) - 1]).sum(axis=1)
    return people._with(event=np.where(left, drawn, 0).astype(np.int64))


# ---- labels nobody wrote -------------------------------------------------------------------------------------------
def belonging(
    spells: Spells, unknown: Any, belongs: Any, offset: float, by: str | Iterable[str] | None = None
) -> tuple[Floats, Ints]:
    """Chances of each reason for an exit whose reason is unknown, one row for each group, and the rows' groups.

    Parameters
    ----------
    unknown, belongs : label
        The label of unknown reasons, and the reason to which they may belong more or less often than the rest.
    offset : float
        logit P(belongs | unknown) = logit P(belongs | known) + offset; the other reasons keep their proportions.
        0 is missing at random within the groups; -inf and inf give none and all of the unknown to `belongs`.
    by : str or list of str, optional
        Columns within which the shares among the known are taken; a group without a known reason takes those of all.

    Returns
    -------
    (m, g), (n,)
    """
    causes = list(spells.causes)
    for name, label in (("unknown", unknown), ("belongs", belongs)):
        if label not in causes:
            raise DataError(
                f"{name}={label!r} is not a reason in these spells.",
                code="unknown-cause",
                hint=f"Reasons: {', '.join(str(c) for c in causes)}.",
            )
    code, keys = spells.groups(by)
    group = np.zeros(len(spells), dtype=np.int64) if code is None else code
    g, u, b = len(causes), causes.index(unknown), causes.index(belongs)
    left = spells.event > 0
    key = group[left] * g + spells.event[left] - 1
    count = np.bincount(key, spells.row_weight[left], len(keys) * g).reshape(len(keys), g)
    count[:, u] = 0.0
    overall = count.sum(axis=0)
    rest = np.delete(overall, b).sum()
    if u == b or overall[b] + rest == 0 or (rest == 0 and offset != np.inf):
        raise DataError(
            "No known reason is left beside the one asked about, so the unknown have nowhere to go.",
            code="unknown",
            hint="Give a label of unknown reasons, and another reason; two known reasons must occur.",
        )
    count = np.where(count.sum(axis=1, keepdims=True) > 0, count, overall)
    share = count[:, b] / count.sum(axis=1)
    chance = np.full(len(share), float(offset > 0)) if np.isinf(offset) else expit(logit(share) + offset)
    others = np.where(np.arange(g) == b, 0.0, count)
    none = others.sum(axis=1, keepdims=True) == 0
    others = np.where(none, np.where(np.arange(g) == b, 0.0, overall), others)
    total = others.sum(axis=1, keepdims=True)
    table = (1 - chance)[:, None] * others / np.where(total > 0, total, 1.0)
    table[:, b] = chance
    return table, group


def draw_unknown(
    spells: Spells,
    unknown: Any,
    belongs: Any,
    offset: float,
    rng: np.random.Generator,
    by: str | Iterable[str] | None = None,
) -> Spells:
    """Draw the reasons of exits whose reason is unknown; see `belonging`. The label `unknown` is gone afterwards."""
    people = one_by_one(spells)
    table, group = belonging(people, unknown, belongs, offset, by)
    causes = list(people.causes)
    place = causes.index(unknown)
    u = rng.random(len(people))
    b = causes.index(belongs)
    order = [place, b, *(k for k in range(len(causes)) if k not in (place, b))]
    edges = np.cumsum(table[:, order], axis=1)[:, :-1]
    drawn = 1 + np.asarray(order)[np.minimum((u[:, None] >= edges[group]).sum(axis=1), len(order) - 1)]
    event = np.where(people.event == place + 1, drawn, people.event)
    event = event - (event > place + 1)
    return people._with(event=event.astype(np.int64), causes=tuple(c for c in causes if c != unknown))
