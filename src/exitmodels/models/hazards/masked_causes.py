"""Piecewise constant hazards of each cause when the cause of some exits is masked.

Third floor, in the room of hazards. Read next: masked_results.py (what comes back), kernels/patternshares.py (EM).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import ConvergenceWarning, DataError, DataWarning, IdentificationError
from exitmodels.kernels.maskedpieces import hazard_value, pattern_counts, time_at_risk
from exitmodels.kernels.patternshares import split_shares
from exitmodels.models.hazards.masked_results import Group, MaskedFit, MaskedResults
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.masking import Masking, check_cuts, piece_names
from exitmodels.shapes.spells import Spells

__all__ = ["MaskedCauses"]

_METHOD = "Piecewise constant hazards of each cause, some causes masked, by EM"
_SOURCES = ("dinse1982", "craiu_duchesne2004", "louis1982")


@dataclass(frozen=True)
class MaskedCauses:
    """Hazards of each cause, constant between cuts, when some exits show only which causes are possible.

    Parameters
    ----------
    unknown : label or list of labels, optional
        Labels of exit that leave every cause open.
    masked : mapping, optional
        Labels that leave some causes open, ``{"family": ["visit", "emergency"]}``; or, for fallible labels, the chance
        that each cause is written so, ``{"visit": {"visit": 0.9, "treatment": 0.2}}``.
    cuts : sequence of float, optional
        Times at which hazards change; none by default. The cause of a masked exit is shared out within its piece.
    by : str or list of str, optional
        Columns whose values (crossed) make groups, each with its own hazards.
    vcov : {"model", "robust", "cluster"}, optional
        By default "model"; "robust" with sampling weights.

    Notes
    -----
    Missing at random: within a group and piece, whether (and how far) a cause is masked does not depend on which of
    the causes left open it is. This cannot be tested with the records alone; `incidence_bounds` does without it.
    The hazard of all causes is exits over time; EM shares it out, and the observed information is that of complete
    labels less what masking loses. Delayed entry and weights are as in `Cox`. Source: Dinse (1982); Craiu & Duchesne
    (2004); Louis (1982).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 4, 5, 7, 8], event=["a", "b", "a", "?", "a", "in"], censor="in")
    >>> fit = xm.MaskedCauses(unknown="?").fit(spells)
    >>> fit.hazards()["hazard"].round(4).tolist()
    [0.1293, 0.0431]
    """

    unknown: Any = None
    masked: Mapping[Any, Any] | None = None
    cuts: Sequence[float] = ()
    by: str | Sequence[str] | None = None
    vcov: str | None = None

    def fit(self, spells: Spells) -> MaskedResults:
        """Fit all causes and groups.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded (`ExitWindow` has ``unknown=``).
        IdentificationError
            If in some piece the exits do not tell the causes apart: all are masked, say.
        DataError
            For labels that are not there, bad cuts, or a piece in which nobody was at risk.

        Warns
        -----
        DataWarning
            When a cause gets a hazard of zero in a piece, where standard errors have no meaning.
        """
        spells.require_scheme("MaskedCauses")
        said = Masking.of(spells, self.unknown, self.masked)
        cuts = check_cuts(self.cuts)
        rows = usable(spells.complete(self.by), "1")
        said.refuse_unseen(rows.event)
        code, keys = rows.groups(self.by)
        groups = tuple(_group(rows, said, cuts, code, g, key) for g, key in enumerate(keys))
        fitted = MaskedFit(rows, said, code)
        laws = piece_names(cuts)
        names = tuple(
            f"{_prefix(group.keys)}{cause}: log rate {law}" for group in groups for cause in said.causes for law in laws
        )
        told = _notes(groups, said, laws)
        if told:
            warnings.warn("; ".join(told), DataWarning, stacklevel=2)
        with np.errstate(divide="ignore"):
            estimate = np.concatenate([np.log(group.hazard.T).ravel() for group in groups])
        copies = rows.weight is None or rows.weights == "frequency"
        made = MaskedResults(
            names=names,
            estimate=estimate,
            covariance=fitted.covariance(groups, cuts, "model", None),
            vcov="model",
            llf=sum(hazard_value(g.count, g.time, g.hazard, said.chance) for g in groups),
            llnull=_null(groups, said),
            nobs=rows.n,
            n_events=rows.n_events,
            converged=all(g.converged for g in groups),
            ledger=rows.ledger,
            method=_METHOD,
            sources=_SOURCES,
            warnings=told,
            causes=said.causes,
            labels_seen=said.labels,
            chance=said.chance,
            cuts=cuts,
            groups=groups,
            horizon=float(rows.exit.max()),
            unit=rows.unit,
            fitted=fitted,
        )
        return made.with_vcov(self.vcov or ("model" if copies else "robust"))


def _prefix(keys: Mapping[str, Any]) -> str:
    return "".join(f"{name}={value}, " for name, value in keys.items())


def _group(rows: Spells, said: Masking, cuts: Floats, code: Ints | None, g: int, keys: dict[str, Any]) -> Group:
    own: Any = slice(None) if code is None else np.flatnonzero(code == g)
    entry, exit, weight = rows.entry[own], rows.exit[own], rows.row_weight[own]
    time = time_at_risk(entry, exit, weight, cuts)
    count = pattern_counts(exit, rows.event[own], weight, cuts, len(said.labels))
    pieces, where = piece_names(cuts), _prefix(keys)
    if np.any(time <= 0):
        name = pieces[int(np.flatnonzero(time <= 0)[0])]
        raise DataError(
            f"{where}nobody was at risk in {name}, so the hazard there cannot be estimated.",
            code="cuts",
            hint="Use cuts between which people were at risk.",
        )
    found = split_shares(count, said.chance)
    if not found.unique.all():
        name = pieces[int(np.flatnonzero(~found.unique)[0])]
        raise IdentificationError(
            f"{where}in {name} the exits do not tell the causes apart: too few labels there are certain.",
            code="masked",
            hint="Use fewer cuts or larger groups; incidence_bounds() needs no assumption.",
        )
    if not found.converged:
        warnings.warn(f"{where}the EM algorithm did not converge.", ConvergenceWarning, stacklevel=4)
    total = count.sum(axis=1)
    hazard = found.share * (total / time)[:, None]
    size = len(rows) if code is None else len(own)
    n = float(weight.sum()) if rows.weight is not None and rows.weights == "frequency" else float(size)
    return Group(keys=keys, n=n, time=time, count=count, share=found.share, hazard=hazard, converged=found.converged)


def _null(groups: Sequence[Group], said: Masking) -> float:
    """Log-likelihood of hazards that are constant and alike in all groups."""
    count = np.sum([g.count.sum(axis=0) for g in groups], axis=0)[None]
    time = np.array([sum(float(g.time.sum()) for g in groups)])
    share = split_shares(count, said.chance).share
    return hazard_value(count, time, share * (count.sum() / time)[:, None], said.chance)


def _notes(groups: Sequence[Group], said: Masking, laws: Sequence[str]) -> tuple[str, ...]:
    told = []
    for group in groups:
        for j, k in zip(*np.nonzero(group.hazard == 0), strict=True):
            piece = laws[j]
            told.append(
                f"{_prefix(group.keys)}{said.causes[k]} has a hazard of zero in {piece}: limits leave it as it is"
            )
    return tuple(told)
