"""From short periods to longer ones.

First floor. Called by: counts.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.shapes import cells
from exitmodels.shapes.dates import iso
from exitmodels.shapes.periods import period_edges, period_labels, plain_frequency

if TYPE_CHECKING:
    from exitmodels.shapes.counts import Counts

__all__ = ["coarser"]


def coarser(counts: Counts, freq: Any) -> dict[str, Any]:
    """Fields of the counts summed over the periods that lie in each longer one; parameters as in ``aggregate``."""
    if not counts.dated:
        raise DataError("These cells have no dates.", column="start", code="no-dates", hint="Count with dates.")
    start, end = counts.start.astype(np.int64), counts.end.astype(np.int64)
    first, last = (int(start.min()), int(end.max())) if counts.window is None else _window(counts)
    edges = period_edges(freq, first, last)
    place = np.searchsorted(edges, start, side="right") - 1
    cut = np.flatnonzero(end > edges[place + 1])
    if cut.size:
        i = cut[0]
        raise DataError(
            f"The period {iso(start[i])} to {iso(end[i] - 1)} lies in two of the longer ones.",
            column="freq",
            code="inside-period",
            hint='Count the records with this frequency, or by day (freq="D") and sum.',
        )
    group, where = cells.numbered([place, *(c.values for c in counts.key_columns)])
    name = plain_frequency(freq) if isinstance(freq, str) else "edges"
    begins, ends = np.maximum(edges[:-1], first)[place[where]], np.minimum(edges[1:], last)[place[where]]
    covered = np.bincount(group, end - start)
    gap = np.flatnonzero(covered != ends - begins)
    kept = tuple(c for c in counts.covariate_columns if np.array_equal(c.values, c.values[where][group]))
    ledger = counts.ledger
    if gap.size:
        ledger = ledger.note(f"{gap.size} of the longer periods lack days, and count as partial")
    labels = np.asarray(period_labels(name, edges[:-1]))
    short = (begins > edges[:-1][place[where]]) | (ends < edges[1:][place[where]])
    return {
        "start": begins.astype("datetime64[D]"),
        "end": ends.astype("datetime64[D]"),
        "period": labels[place[where]],
        "partial": short | (covered < ends - begins),
        "n": cells.grouped(group, counts.n),
        "records": None if counts.records is None else cells.grouped(group, counts.records),
        "exposure": np.bincount(group, counts.exposure),
        "key_columns": tuple(c.take(where) for c in counts.key_columns),
        "covariate_columns": tuple(c.take(where) for c in kept),
        "freq": name,
        "loose": None,
        "ledger": ledger,
    }


def _window(counts: Counts) -> tuple[int, int]:
    assert counts.window is not None
    return int(counts.window[0].astype(np.int64)), int(counts.window[1].astype(np.int64)) + 1
