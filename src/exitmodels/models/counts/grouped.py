"""Counts and exposures by group: the cells that a rate, a test or a standardised rate works on.

Third floor. Called by: rates.py, conditional.py, standardise.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.shapes import cells
from exitmodels.shapes.counts import Counts

__all__ = ["Grouped", "grouped_cells"]


@dataclass(frozen=True, eq=False)
class Grouped:
    """Counts summed by group.

    Attributes
    ----------
    labels : tuple of str
    n : (g,) int64
    exposure : (g,)
    first : (g,) int
        Where each group's first cell is.
    """

    labels: tuple[str, ...]
    n: Ints
    exposure: Floats
    first: Ints


def grouped_cells(counts: Counts, by: str | Sequence[str] | None, what: str, exposure: Any = None) -> Grouped:
    """Sum counts and exposure over the cells of each group.

    Parameters
    ----------
    by : str, list of str or None
        Keys, or "period"; None for one group.
    what : str
        Who asks, for messages.
    exposure : (k,) array, optional
        Instead of the counts' own.
    """
    counts.require_whole(what)
    if exposure is not None:
        counts = replace(counts, exposure=np.broadcast_to(np.asarray(exposure, dtype=np.float64), (len(counts),)))
    names = [by] if isinstance(by, str) else list(by or ())
    unknown = [name for name in names if name != "period" and name not in counts.keys]
    if unknown:
        raise DataError(
            f"by={unknown[0]!r} is not a key of these counts.",
            column=unknown[0],
            code="no-key",
            hint=f"Use one of: {', '.join(['period', *counts.keys])}.",
        )
    codes = [counts.period_code if name == "period" else counts.keys[name].values for name in names]
    group, first = cells.numbered(codes or [np.zeros(len(counts), dtype=np.int64)])
    shown = [counts.period if name == "period" else counts.keys[name].decoded() for name in names]
    labels = tuple(", ".join(str(values[i]) for values in shown) for i in first)
    return Grouped(labels, _sums(counts, names, group), cells.summed_exposure(counts, group), first)


def _sums(counts: Counts, names: Sequence[str], group: Ints) -> Ints:
    """Records of each group, each counted once."""
    if counts.records is None or counts.mentions in names:
        return np.asarray(cells.grouped(group, counts.n))
    others = [column.values for column in counts.key_columns if column.name != counts.mentions]
    once = cells.first_of([counts.period_code, *others])
    return np.asarray(np.bincount(group[once], counts.records[once], int(group.max()) + 1).round().astype(np.int64))
