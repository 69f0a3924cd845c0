"""Bars of counts by period: grey shades that survive a photocopier, hatching where a period is cut.

Ground floor: takes arrays, gives axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats

__all__ = ["period_bars"]


def period_bars(
    ax: Any,
    *,
    starts: AnyArray,
    ends: AnyArray,
    heights: Floats,
    names: Sequence[str],
    partial: Bools,
    per: str,
    calendar: str = "",
) -> Any:
    """Draw stacked bars, one for each period, as wide as the period is long.

    Parameters
    ----------
    ax : matplotlib Axes or None
    starts, ends : (k,) datetime64[D]
    heights : (g, k), one row for each name
    partial : (k,) bool
        Bars to hatch.
    per, calendar : str
        Words for the axis labels.
    """
    import matplotlib.dates as mdates
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    left, width = mdates.date2num(starts), (ends - starts).astype(float)
    shades = np.linspace(0.35, 0.9, len(heights)) if len(heights) > 1 else np.array([0.7])
    base = np.zeros(heights.shape[1])
    for row, shade in zip(heights, shades, strict=True):
        drawn = ax.bar(left, row, width, bottom=base, align="edge", color=str(shade), edgecolor="black", linewidth=0.4)
        for bar, cut in zip(drawn, partial, strict=True):
            bar.set_hatch("////" if cut else "")
        base = base + row
    legend = [Patch(facecolor=str(s), edgecolor="black", label=n) for s, n in zip(shades, names, strict=False) if n]
    legend += [Patch(facecolor="white", edgecolor="black", hatch="////", label="partial period")] * bool(partial.any())
    if legend:
        ax.legend(handles=legend, frameon=False, ncols=1, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    ax.xaxis.set_major_locator(mdates.AutoDateLocator(maxticks=7))
    ax.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
    ax.set_xlabel(f"date (start of {per})" + (f", {calendar}" if calendar and calendar.split()[0] not in per else ""))
    ax.set_ylabel(f"records per {per}")
    ax.set_ylim(bottom=0)
    return ax
