"""Weights that give the share of those who were lost to those like them who were not.

Third floor, in the room of curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels.ipcw import by_groups, clock, known_at
from exitmodels.results.labels import labelled
from exitmodels.shapes.spells import Spells

__all__ = ["censoring_weights"]


def censoring_weights(
    spells: Spells, times: float | Sequence[float] | None = None, *, by: str | Sequence[str] | None = None
) -> Any:
    """Inverse-probability-of-censoring weights (redistribution to the right).

    Parameters
    ----------
    spells : Spells
    times : float or sequence of float, optional
        Moments at which it is asked whether people have left. By default the end: those censored get nothing, and
        each who left gets 1 / G just before the exit.
    by : str or list of str, optional
        Groups within which censoring is alike.

    Returns
    -------
    DataFrame
        One row per row of the spells (labelled alike), one column per time: 0 for those lost by then, otherwise the
        row's own weight over G, the chance of not having been lost; it is still there, or left by then. With
        ``times=None`` one column, "end".

    Raises
    ------
    SchemeError
        If only exits inside a window were recorded, or times are only known to lie between limits.
    DataError
        With delayed entry: those who enter late have no weights of this kind.

    Notes
    -----
    Exits of any cause are exits. Weighted by these, the share of people who have left by a time is one minus the
    Kaplan-Meier estimate; with several causes it is the Aalen-Johansen estimate.
    Source: Efron (1967); Robins & Rotnitzky (1992). R's ``rttright`` gives the same, divided by n at the end.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[1, 2, 2, 3], event=[1, 0, 1, 1])
    >>> xm.censoring_weights(spells, [2.5])[2.5].round(4).tolist()
    [1.0, 0.0, 1.0, 2.0]
    """
    spells.require_scheme("censoring_weights")
    rows = spells.complete(by)
    if rows.delayed:
        late = np.flatnonzero(rows.entry > 0)
        raise DataError(
            f"{late.size} people enter late; what was lost before they came cannot be given to them.",
            rows=rows.labels[late],
            code="delayed-entry",
            hint="Use estimators that take delayed entry as it is (KaplanMeier, AalenJohansen, Cox).",
        )
    asked = [] if times is None else [float(t) for t in np.atleast_1d(times)]
    group, keys = rows.groups(by)
    own = rows.row_weight
    when = clock(rows.exit, rows.event)
    law = by_groups(when, rows.event, own, group, len(keys))
    if times is None:
        end = known_at(when, rows.event, law, float(np.max(rows.exit)) + 1.0)
        return labelled((own * end.weight)[:, None], rows.labels, ["end"])
    columns = [own * known_at(when, rows.event, law, t).weight for t in asked]
    return labelled(np.column_stack(columns), rows.labels, asked)
