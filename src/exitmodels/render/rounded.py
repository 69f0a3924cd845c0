"""A rate by day over dates as they were written: certain days as bars by week, ranges as lines.

Ground floor. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.render.axes import UNIT_NAMES, axes_or_new

__all__ = ["rate_and_dates"]


def rate_and_dates(
    ax: Any,
    first: int,
    frame: Any,
    n: Floats,
    exposure: Floats,
    ranges: tuple[Ints, Ints, Floats],
    level: str,
    unit: str,
    written: str = "dates known to the day, by week",
) -> Any:
    """Draw the rate with limits, and what was written.

    Parameters
    ----------
    first : int
        Day number of the first day.
    frame : DataFrame with date, rate, low, high
    n, exposure : (days,)
    ranges : first places, places after the last, and how many records have each
    """
    import matplotlib.dates as mdates

    ax = axes_or_new(ax, (7.2, 4.2))
    edges = np.append(np.arange(0, len(n), 7), len(n))
    weekly = np.add.reduceat(n, edges[:-1]) / np.maximum(np.add.reduceat(exposure, edges[:-1]), 1e-300)
    left = mdates.date2num((edges[:-1] + first).astype("datetime64[D]"))
    ax.bar(
        left,
        weekly,
        np.diff(edges),
        align="edge",
        color="0.85",
        edgecolor="0.4",
        linewidth=0.3,
        label=written,
    )
    _lines(ax, first, exposure, ranges)
    days = mdates.date2num(frame["date"].to_numpy()) + 0.5
    ax.plot(days, frame["rate"], color="black", linewidth=1.6, label=f"fitted rate, {level}% limits")
    for name in ("low", "high"):
        ax.plot(days, frame[name], color="black", linewidth=0.8, linestyle="--")
    ax.xaxis.set_major_locator(mdates.AutoDateLocator(maxticks=7))
    ax.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
    ax.set_xlabel("date")
    word = UNIT_NAMES.get(unit, unit).removesuffix("s") or "unit of exposure"
    ax.set_ylabel(f"records per {word}")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _lines(ax: Any, first: int, exposure: Floats, ranges: tuple[Ints, Ints, Floats]) -> None:
    """Each range at the mean rate of the records known to lie in it."""
    import matplotlib.dates as mdates

    total = np.concatenate([[0.0], np.cumsum(exposure)])
    for i, (low, high, times) in enumerate(zip(*ranges, strict=True)):
        ends = mdates.date2num((np.array([low, high]) + first).astype("datetime64[D]"))
        rate = times / (total[high] - total[low])
        label = "dates known to a range only" if i == 0 else None
        ax.plot(ends, [rate, rate], color="black", linestyle=":", linewidth=1.2, label=label)
