"""Incidence of each cause when the cause of some exits is masked.

Third floor, in the room of curves. Read next: bounds.py (what can be said without an assumption),
kernels/maskedincidence.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.maskedincidence import area_error, masked_form, masked_variance, shared_out
from exitmodels.kernels.maskedpieces import pattern_counts
from exitmodels.kernels.patternshares import split_shares
from exitmodels.kernels.products import aalen_johansen
from exitmodels.kernels.steps import value_at
from exitmodels.models.nonparametric.observed import Group, choose_variance, exhausted, groups
from exitmodels.results.curve import Curve
from exitmodels.results.piece import Piece
from exitmodels.shapes.masking import Masking, check_cuts, piece_names
from exitmodels.shapes.spells import Spells

__all__ = ["MaskedIncidence"]


@dataclass(frozen=True)
class MaskedIncidence:
    """Cumulative incidence of each cause when some exits show only which causes are possible.

    Parameters
    ----------
    unknown : label or list of labels, optional
        Labels of exit that leave every cause open.
    masked : mapping, optional
        Labels that leave some causes open, or chances of fallible labels, as in `MaskedCauses`.
    cuts : sequence of float, optional
        Times between which masked exits are shared out alike; none by default: one set of shares for all times.
    by : str or list of str, optional
        Columns whose values (crossed) make the groups; shares are found in each.
    causes : list of labels, optional
        The causes to report; all are always in the model.
    variance : {"jackknife", "cluster"}, optional
        Infinitesimal jackknife over rows (the same as "robust") or clusters; the error of the shares is in it.
    transform : str
        Scale of the limits, as in `AalenJohansen`.

    Notes
    -----
    At each time the exits with a certain cause count as they are; masked ones count for each cause they leave open by
    its share among the exits of the group and piece (EM). Without masked exits this is `AalenJohansen`.
    Missing at random: within group and piece, masking does not depend on which of the causes left open it is; and,
    between cuts, the causes' shares among masked exits do not drift. Source: Dinse (1982), in pieces; the total
    hazard and the shares apart: Nicolaie, van Houwelingen & Putter (2010).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 2, 3], event=["a", "a", "b", "?"], censor=[])
    >>> cif = xm.MaskedIncidence(unknown="?").fit(spells)
    >>> cif.at(3)[["cause", "estimate"]].round(3).values.tolist()
    [['a', 0.667], ['b', 0.333]]
    """

    unknown: Any = None
    masked: Mapping[Any, Any] | None = None
    cuts: Sequence[float] = ()
    by: str | Sequence[str] | None = None
    causes: Sequence[Any] | None = None
    variance: str | None = None
    transform: str = "log-log"

    def fit(self, spells: Spells) -> Curve:
        """Estimate the incidence of each cause in each group.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        IdentificationError
            If in some piece the exits do not tell the causes apart.
        """
        spells.require_scheme("MaskedIncidence")
        said = Masking.of(spells, self.unknown, self.masked)
        chosen = range(len(said.causes)) if self.causes is None else [said.cause(c) for c in self.causes]
        cuts = check_cuts(self.cuts)
        rows = spells.complete(self.by)
        said.refuse_unseen(rows.event)
        kind = choose_variance(self.variance, rows, "jackknife", ("jackknife", "robust", "cluster"))
        pieces: list[Piece] = []
        notes: list[str] = []
        for group in groups(rows, self.by, kind == "cluster"):
            made, note = _pieces(group, said, cuts, chosen)
            pieces += made
            notes += [note] if note else []
        hidden = _masked_exits(rows, said)
        return Curve(
            kind="incidence",
            pieces=tuple(pieces),
            transform=self.transform,
            variance=kind,
            unit=rows.unit,
            ledger=rows.ledger.note("exits have a masked cause, and are shared out", hidden) if hidden else rows.ledger,
            method="Aalen-Johansen estimate of cumulative incidence, masked causes shared out by EM",
            sources=("aalen_johansen1978", "dinse1982", "nicolaie2010"),
            outcome="cause of exit",
            warnings=tuple(notes),
        )


def _masked_exits(rows: Spells, said: Masking) -> int:
    gone = rows.event > 0
    return int(np.count_nonzero(~said.certain[rows.event[gone] - 1]))


def _pieces(group: Group, said: Masking, cuts: Floats, chosen: Sequence[int]) -> tuple[list[Piece], str | None]:
    table = group.table
    label = ", ".join(f"{name}={value}" for name, value in group.keys.items()) or "all"
    share = _shares(table.time, table.events, cuts, said, label)
    events = shared_out(table.time, table.events, cuts, share, said.chance)
    before, incidence = aalen_johansen(table.at_risk, events)
    made = []
    rows = group.rows()
    for k in chosen:
        form = masked_form(rows, cuts, share, said.chance, k)
        squared = value_at(rows.index.times, masked_variance(rows, form), table.time, 0.0)
        made.append(
            Piece(
                keys={**group.keys, "cause": said.causes[k]},
                time=table.time,
                estimate=incidence[k],
                se=np.sqrt(squared),
                at_risk=table.at_risk,
                events=events[k],
                censored=table.censored,
                n=group.n,
                integral_se=partial(area_error, rows, form),
            )
        )
    return made, exhausted(table, before - before * table.all_events / table.at_risk, label)


def _shares(times: Floats, counts: Floats, cuts: Floats, said: Masking, label: str) -> Floats:
    """Shares of the causes in each piece; refuse pieces in which the exits do not tell the causes apart."""
    n_patterns, n_times = counts.shape
    pattern = np.repeat(np.arange(n_patterns) + 1, n_times)
    count = pattern_counts(np.tile(times, n_patterns), pattern, counts.ravel(), cuts, n_patterns)
    found = split_shares(count, said.chance)
    if not found.unique.all():
        piece = piece_names(cuts)[int(np.flatnonzero(~found.unique)[0])]
        raise IdentificationError(
            f"{label}: in {piece} the exits do not tell the causes apart: too few labels there are certain.",
            code="masked",
            hint="Use fewer cuts or larger groups; incidence_bounds() needs no assumption.",
        )
    if not found.converged:
        raise DataError(f"{label}: the EM algorithm did not converge.", code="masked", hint="Use fewer cuts.")
    return found.share
