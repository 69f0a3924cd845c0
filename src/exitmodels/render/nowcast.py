"""A picture of completed counts: what was seen, what is still to come, and limits.

Ground floor: takes arrays, gives axes. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["completed_bars"]


def completed_bars(
    ax: Any, names: Sequence[str], seen: Floats, estimate: Floats, low: Floats, high: Floats, level: str, whole: bool
) -> Any:
    """Draw one bar per origin; what is estimated is hatched. Limits that leave the picture end in an arrow."""
    ax = axes_or_new(ax, (7.2, 4.0))
    x, more = np.arange(len(names)), np.where(np.isfinite(estimate), estimate - seen, 0.0)
    ax.bar(x, seen, width=1.0, color="0.8", edgecolor="0.45", linewidth=0.5, label="recorded")
    ax.bar(
        x, more, bottom=seen, width=1.0, color="white", edgecolor="0.45", hatch="////", linewidth=0.5,
        label="estimated, not yet recorded",
    )  # fmt: skip
    top = 1.6 * max(float(np.nanmax(estimate)), float(seen.max()), 1.0)
    some = (high > low) & np.isfinite(estimate)
    shown = np.minimum(high, top)
    ax.vlines(x[some], low[some], shown[some], color="black", linewidth=1.0, label=f"{level} limits")
    beyond = some & (high > top)
    ax.plot(x[beyond], np.full(int(beyond.sum()), 0.985 * top), "^", color="black", markersize=4)
    ax.set_ylim(0, top)
    ticks = x[:: max(1, -(-len(names) // 8))]
    ax.set_xticks(ticks, [names[i] for i in ticks], fontsize="small")
    ax.set_ylabel("events" if whole else "amount")
    ax.set_xlabel("period of the event")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    return ax
