"""People followed from a common start, and the censoring that hides some of them.

Third floor, in the room of hazards: what scores, calibration and cross-validation share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.ipcw import Censoring, Clock, Known, by_cox, by_groups, clock, known_at
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.scores import covariance
from exitmodels.models.hazards.cox import Cox
from exitmodels.render.text import number
from exitmodels.shapes.formula import parse
from exitmodels.shapes.spells import Spells

__all__ = ["Followed", "follow"]

SAME_DAY = ("known", "lost")


@dataclass(frozen=True, eq=False)
class Followed:
    """Spells as scores need them.

    Attributes
    ----------
    spells : Spells
        Those who are there at the start.
    keep : (n,) int
        Their places among the spells that were given.
    event : (n,) int
        0 for censored, 1 for the cause in question, 2 and up for others.
    outcome : str
    """

    spells: Spells
    keep: Ints
    event: Ints
    weight: Floats
    when: Clock
    censoring: Censoring
    same_day: str
    outcome: str

    @property
    def copies(self) -> bool:
        """Whether a weight counts separate people."""
        return self.spells.weight is None or self.spells.weights == "frequency"

    def settled(self, t: float) -> tuple[Known, Ints]:
        """What is known at time t, and the groups of which it is not known: nobody is left, the last was censored."""
        known = known_at(self.when, self.event, self.censoring, t, self.same_day)
        group = np.zeros(len(self.event), np.int64) if self.censoring.group is None else self.censoring.group
        present = np.bincount(group, known.there) > 0
        last = np.zeros(len(present))
        np.maximum.at(last, group, self.spells.exit)
        final = (known.event == 0) & ~known.there & (self.spells.exit == last[group])
        return known, np.flatnonzero((np.bincount(group, final) > 0) & ~present)

    def at(self, t: float) -> Known:
        """What is known at time t; refused where the censoring leaves nobody to speak for those lost."""
        known, unknown = self.settled(t)
        if unknown.size:
            group = np.zeros(len(self.event), np.int64) if self.censoring.group is None else self.censoring.group
            until = min(float(self.spells.exit[group == g].max()) for g in unknown)
            raise DataError(
                f"At {number(t)} nobody is left under observation, and the last person seen was censored at "
                f"{number(until)}, so what happened by then is not known.",
                code="horizon",
                hint=f"Give times up to {number(until)}.",
            )
        return known

    def covariance(self, influence: Floats) -> Floats:
        """Covariance of scores by rows or clusters."""
        return covariance(influence, self.weight, self.copies, self.spells.cluster)


def follow(
    spells: Spells,
    name: str,
    event: Any,
    times: Floats,
    start: float | None = None,
    censoring: str | None = None,
    same_day: str = "known",
    columns: Sequence[str] = (),
) -> Followed:
    """Choose the rows, code the events, and estimate the censoring.

    Parameters
    ----------
    name : str
        Of the function that asks, for messages.
    columns : sequence of str
        Columns the predictions need; incomplete rows are set aside if the spells were read so.
    """
    spells.require_scheme(name)
    if same_day not in SAME_DAY:
        raise DataError(f"same_day={same_day!r} is not known.", code="same-day", hint="known or lost.")
    codes, outcome = _codes(spells, event)
    _refuse_times(times, start)
    keep, rows = _present(spells, name, start, [*columns, *_censoring_columns(censoring)])
    kept = codes[keep]
    if not (kept == 1).any():
        raise DataError(f"Nobody left for {outcome}.", code="no-events", hint="Check event= and start=.")
    when = clock(rows.exit, kept)
    weight = rows.row_weight
    made = _censoring(rows, kept, when, weight, censoring)
    return Followed(rows, keep, kept, weight, when, made, same_day, outcome)


def _codes(spells: Spells, event: Any) -> tuple[Ints, str]:
    """1 for the chosen cause or causes, higher codes for others."""
    chosen = spells.for_cause(event)
    own = chosen.event > 0
    return np.where(own, 1, np.where(spells.event > 0, 1 + spells.event, 0)), str(chosen.causes[0])


def _refuse_times(times: Floats, start: float | None) -> None:
    low = 0.0 if start is None else start
    if not len(times) or not np.isfinite(times).all() or np.any(times <= low) or np.any(np.diff(times) <= 0):
        raise DataError(
            f"times={[float(t) for t in times[:6]]} cannot be used.",
            code="times",
            hint=f"Give finite times after {number(low)}, in increasing order.",
        )


def _present(spells: Spells, name: str, start: float | None, columns: Sequence[str]) -> tuple[Ints, Spells]:
    keep = np.ones(len(spells), dtype=bool)
    rows = spells
    steps: list[tuple[Bools, str]] = []
    if spells.weight is not None:
        steps.append((spells.weight > 0, "weight zero"))
    if spells.missing == "drop":
        for column in dict.fromkeys(columns):
            gaps = spells.columns.want(column).missing
            if gaps is not None:
                steps.append((~gaps, f"{column} missing"))
    if start is None and spells.delayed:
        raise DataError(
            f"{name} needs people who are all followed from the same time, and here some enter late: those who "
            "left before they could enter are missing, and they were the ones at higher risk.",
            code="delayed-entry",
            hint="Give start=: then those there at that time are judged by what they do afterwards.",
        )
    if start is not None:
        steps.append((spells.exit > start, f"gone by {number(start)}"))
        steps.append((spells.entry <= start, f"entered after {number(start)}"))
    for mask, why in steps:
        if not mask[keep].all():
            rows = rows.select(mask[keep], why=why)
            keep &= mask
    places = np.flatnonzero(keep)
    if start is not None and spells.cluster is not None:
        _refuse_pieces(spells, places)
    return places, rows


def _refuse_pieces(spells: Spells, places: Ints) -> None:
    """Refuse stays cut into rows: their first piece would count as censored at the cut."""
    assert spells.cluster is not None
    ends = places[spells.event[places] == 0]
    levels, code = np.unique(np.concatenate([spells.exit[ends], spells.entry]), return_inverse=True)
    key = np.concatenate([spells.cluster[ends], spells.cluster]).astype(np.int64) * len(levels) + code
    cut = ends[np.isin(key[: len(ends)], key[len(ends) :])]
    if cut.size:
        raise DataError(
            f"{cut.size} rows end where another row of the same cluster begins: they are pieces of one stay, and "
            "would count as censored at the cut.",
            rows=spells.labels[cut],
            code="pieces",
            hint="Give one row for each stay, with the covariates known at start.",
        )


def _censoring_columns(censoring: str | None) -> tuple[str, ...]:
    from exitmodels.shapes.terms import variables

    return () if censoring is None else variables(censoring)


def _censoring(rows: Spells, event: Ints, when: Clock, weight: Floats, formula: str | None) -> Censoring:
    if formula is None:
        return by_groups(when, event, weight)
    read = parse(formula)
    if read.cluster or read.offset:
        raise DataError(
            f"censoring={formula!r} has cluster() or offset().", code="censoring", hint="Covariates and strata only."
        )
    if not read.terms:
        code, keys = rows.groups(list(read.strata))
        return by_groups(when, event, weight, code, len(keys))
    if not (event == 0).any():
        return by_groups(when, event, weight)
    lost = (event == 0).astype(np.int64)
    hidden = rows._with(entry=None, exit=when.place + 1, event=lost, causes=("censored",), stratum=None, cluster=None)
    fitted = Cox(formula, ties="breslow").fit(hidden).fitted
    assert fitted is not None
    assert fitted.terms is not None
    return by_cox(fitted.data, fitted.terms, symmetric_inverse(fitted.terms.information), fitted.stratum)
