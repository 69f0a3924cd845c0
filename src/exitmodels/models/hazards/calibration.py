"""Calibration: do as many leave as were predicted?

Third floor, in the room of hazards. Use it beside `score`: a prediction can rank people well and still be
wrong about how many leave.

Read next: calibration_results.py (what comes back).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.calibrate import cloglog, fit_line, observed_risk, quantile_groups, risk_influence
from exitmodels.kernels.ipcw import by_groups
from exitmodels.models.hazards.calibration_results import Calibration, Groups
from exitmodels.models.hazards.followed import Followed, follow
from exitmodels.models.hazards.predicted import event_risks, needed_columns, several
from exitmodels.render.text import number
from exitmodels.shapes.spells import Spells

__all__ = ["calibration"]


def calibration(
    predictions: Any,
    spells: Spells,
    time: float,
    *,
    event: Any = None,
    groups: int = 10,
    start: float | None = None,
    same_day: str = "known",
) -> Calibration:
    """Compare predicted probabilities of having left by `time` with what happened.

    Parameters
    ----------
    predictions : fit, (n,) array, or mapping of names to these
        As in `score`: probabilities of having left.
    spells : Spells
    time : float
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. The others compete.
    groups : int
        Groups of about equal size by predicted risk; equal predictions stay together.
    start, same_day
        As in `score`.

    Returns
    -------
    Calibration
        ``.to_frame()`` by group, ``.overall()``, ``.perfect_test()``, ``.plot()``.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.
    DataError
        As in `score`; and when fewer than two groups can be told apart or nobody has left by then.

    Notes
    -----
    Observed risks are Aalen-Johansen estimates (one minus Kaplan-Meier with one cause), within each group, with
    the infinitesimal jackknife. The correcting line regresses pseudo-values on the predictions on the scale
    log(-log(1 - risk)), so that a hazard model that is right has slope 1; its variance takes pseudo-values as
    given. The censoring must tell nothing about the exit (for the line: nor depend on the prediction).

    Source: Andersen, Klein & Rosthoj (2003); Royston & Altman (2013); Gerds, Andersen & Kattan (2014).

    Examples
    --------
    >>> import exitmodels as xm
    >>> rossi = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    >>> fit = xm.Cox("fin + age + prio").fit(rossi)
    >>> found = xm.calibration(fit, rossi, 52, groups=5)
    >>> found.overall().estimate.round(2).tolist()
    [1.0, 0.0, -0.04, 0.97]
    """
    asked = np.array([float(time)])
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 2:
        raise DataError(f"groups={groups!r} cannot be used.", code="groups", hint="A whole number from 2 up.")
    named = several(predictions)
    people = follow(spells, "calibration", event, asked, start, None, same_day, needed_columns(named))
    made: list[tuple[Groups, Floats, Floats, bool]] = []
    notes: list[str] = []
    risks = []
    for name, what in named.items():
        found = event_risks(name, what, spells, people.keep, asked, event, start)
        if not found.probability:
            raise DataError(
                f"{name!r} is no probability: values lie outside [0, 1].",
                code="probability",
                hint="Give the probability of having left by `time`.",
            )
        risk = found.values[:, 0]
        risks.append(risk)
        table, note = _by_group(name, people, risk, float(time), groups)
        made.append((table, *_overall(people, risk, float(time))))
        notes += note + ([] if made[-1][3] else [f"{name}: the correcting line did not converge"])
    return Calibration(
        names=tuple(named),
        time=float(time),
        groups=tuple(m[0] for m in made),
        estimate=np.stack([m[1] for m in made]),
        covariance=np.stack([m[2] for m in made]),
        predicted=tuple(risks),
        outcome=people.outcome,
        unit=people.spells.unit,
        ledger=people.spells.ledger,
        method=f"Calibration of predicted risk of leaving for {people.outcome}",
        sources=("andersen_klein_rosthoj2003", "royston_altman2013", "gerds2014"),
        warnings=tuple(notes),
        converged=all(m[3] for m in made),
    )


def _by_group(name: str, people: Followed, risk: Floats, time: float, n_groups: int) -> tuple[Groups, list[str]]:
    group = quantile_groups(risk, people.weight, n_groups)
    count = int(group.max()) + 1
    if count < 2:
        raise DataError(
            f"{name!r} gives everybody the same risk, so there are no groups to compare.",
            code="groups",
            hint="Compare a prediction that differs between people.",
        )
    own = by_groups(people.when, people.event, people.weight, group, count)
    within = replace(people, censoring=own)
    known, unknown = within.settled(time)
    observed, size = observed_risk(known, people.weight, 1, group, count)
    influence = risk_influence(known, own, people.weight, 1, group, observed, size)
    se = np.sqrt(np.diag(people.covariance(influence[:, None] * (group[:, None] == np.arange(count)))))
    observed[unknown], se[unknown] = np.nan, np.nan
    mean = np.bincount(group, people.weight * risk, count) / size
    notes = [f"{name}, group {g + 1}: nobody is followed up to {number(time)}" for g in unknown]
    heads = people.weight if people.copies else np.ones(len(risk))
    seen = np.bincount(group, heads * ((known.event > 0) | known.there), count)
    return Groups(mean, observed, se, np.bincount(group, heads, count), seen), notes


def _overall(people: Followed, risk: Floats, time: float) -> tuple[Floats, Floats, bool]:
    """Four measures of one model with their covariance."""
    known, weight = people.at(time), people.weight
    one = np.zeros(len(risk), dtype=np.int64)
    observed, size = observed_risk(known, weight, 1, one, 1)
    if not 0 < observed[0] < 1:
        raise DataError(
            f"By {number(time)} {'nobody' if observed[0] <= 0 else 'everybody'} has left, so nothing can be compared.",
            code="no-events",
            hint="Choose another time.",
        )
    pull = risk_influence(known, people.censoring, weight, 1, one, observed, size)
    expected = float(weight @ risk) / size[0]
    large = pull / observed[0] - (risk - expected) / (size[0] * expected)
    pseudo = observed[0] + size[0] * pull
    scale = cloglog(risk)
    shift = fit_line(pseudo, np.ones((len(risk), 1)), weight, scale)
    line = fit_line(pseudo, np.column_stack([np.ones(len(risk)), scale]), weight)
    estimate = np.concatenate([[np.log(observed[0] / expected)], shift.estimate, line.estimate])
    influence = np.column_stack([large, shift.influence, line.influence])
    return estimate, people.covariance(influence), shift.converged and line.converged
