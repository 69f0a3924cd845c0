"""Incidence of each cause between bounds: what masked exits leave open, with no assumption about them.

Third floor, in the room of curves. Read next: results/bounded.py (limits), masked_incidence.py (with the assumption).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Bools
from exitmodels.models.nonparametric.aalen_johansen import AalenJohansen
from exitmodels.results.bounded import IncidenceBounds
from exitmodels.results.curve import Curve
from exitmodels.shapes.masking import Masking
from exitmodels.shapes.spells import Spells

__all__ = ["incidence_bounds"]

_OTHER = "any other"


def incidence_bounds(
    spells: Spells,
    unknown: Any = None,
    masked: Mapping[Any, Any] | None = None,
    by: str | Sequence[str] | None = None,
    causes: Sequence[Any] | None = None,
    variance: str | None = None,
    transform: str = "log-log",
) -> IncidenceBounds:
    """Bounds of the incidence of each cause when some causes are masked, whatever hides behind the masks.

    Parameters
    ----------
    spells : Spells
    unknown, masked
        As in `MaskedCauses`.
    by : str or list of str, optional
        Columns whose values (crossed) make the groups.
    causes : list of labels, optional
        The causes to report.
    variance, transform
        As in `AalenJohansen`.

    Returns
    -------
    IncidenceBounds
        The lower bound counts no masked exit for the cause, the upper one every exit that may have been for it. Both
        can be true; nothing outside can. Bounds of different causes are not reached together.

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded.

    Notes
    -----
    Limits cover the incidence itself, wherever it lies between the bounds: Imbens & Manski (2004). Censoring is taken
    as uninformative, as always; only the masking is free. Source: Manski (2003); Peterson (1976) for the idea in
    competing risks.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 2, 3], event=["a", "a", "b", "?"], censor=[])
    >>> xm.incidence_bounds(spells, unknown="?").at(3)[["cause", "lowest", "highest"]].values.tolist()
    [['a', 0.5, 0.75], ['b', 0.25, 0.5]]
    """
    spells.require_scheme("incidence_bounds")
    said = Masking.of(spells, unknown, masked)
    chosen = range(len(said.causes)) if causes is None else [said.cause(c) for c in causes]
    low = [_curve(spells, said, k, said.certain & said.possible[:, k], by, variance, transform) for k in chosen]
    high = [_curve(spells, said, k, said.possible[:, k], by, variance, transform) for k in chosen]
    first = low[0]
    return IncidenceBounds(
        lower=tuple(piece for curve in low for piece in curve.pieces),
        upper=tuple(piece for curve in high for piece in curve.pieces),
        transform=transform,
        variance=first.variance,
        unit=first.unit,
        ledger=first.ledger,
        masked=int(np.count_nonzero(~said.certain[spells.event[spells.event > 0] - 1])),
        n_exits=int(np.count_nonzero(spells.event)),
        warnings=tuple(dict.fromkeys(note for curve in low for note in curve.warnings)),
    )


def _curve(spells: Spells, said: Masking, k: int, mine: Bools, by: Any, variance: str | None, transform: str) -> Curve:
    """Incidence of cause k when these labels are all for it, and all others for another cause."""
    table = np.concatenate([[0], np.where(mine, 1, 2)]).astype(np.int64)
    rows = spells._with(event=table[spells.event], causes=(said.causes[k], _OTHER))
    return AalenJohansen(by=by, causes=[said.causes[k]], variance=variance, transform=transform).fit(rows)
