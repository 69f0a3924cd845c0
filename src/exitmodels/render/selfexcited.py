"""A picture of an intensity that jumps at events: the line, its limits, and the events as ticks below.

Ground floor: takes arrays, gives axes. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["intensity_line"]


def intensity_line(
    ax: Any, time: AnyArray, value: Floats, low: Floats, high: Floats, events: AnyArray, level: str
) -> Any:
    """Draw an intensity with limits, and the events.

    Parameters
    ----------
    time, value, low, high : (m,)
    events : (n,)
        In the same clock as `time`.
    """
    ax = axes_or_new(ax, (7.2, 3.8))
    ax.plot(time, value, color="black", linewidth=1.1, label=f"intensity, {level} limits")
    known = np.isfinite(low) & np.isfinite(high)
    ax.fill_between(time, low, high, where=known, color="black", alpha=0.18, linewidth=0)
    top = float(np.nanmax(np.where(known, high, value)))
    ax.plot(
        events, np.full(len(events), -0.05 * top), "|", color="black", markersize=6, markeredgewidth=0.5, label="events"
    )
    ax.set_ylim(-0.1 * top, 1.02 * top)
    ax.axhline(0, color="black", linewidth=0.5)
    ax.set_ylabel("events per unit of time")
    ax.set_xlabel("date" if np.asarray(time).dtype.kind == "M" else "time")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return ax
