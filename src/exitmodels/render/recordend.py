"""A picture of two ends: a series, its controls, and where each may have fallen off.

Ground floor: takes arrays, gives axes. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.render.axes import axes_or_new

__all__ = ["two_series"]


def two_series(
    ax: Any,
    periods: Sequence[str],
    rates: Floats,
    name: str,
    places: Ints,
    weights: Floats,
    chances: tuple[float, float],
) -> Any:
    """Draw rates relative to their means as steps, and the weight of each candidate date as bars from the axis.

    Parameters
    ----------
    rates : (2, T)
        Of the kind in question and of the controls.
    places : (c,)
        Candidate first periods after an end.
    weights : (2, c)
        For the recording and for the events; each sums to its chance.
    """
    ax = axes_or_new(ax, (7.2, 4.0))
    x = np.arange(len(periods))
    for row, style, label in zip(
        rates, ("-", ":"), (f"{name}, over its mean", "controls, over their mean"), strict=True
    ):
        ax.step(x, row, where="mid", color="black", linestyle=style, linewidth=1.3, label=label)
    top = 1.05 * float(np.nanmax(rates))
    looks = (("0.6", "", "recording"), ("white", "////", "events"))
    for j, (weight, chance, (colour, hatch, what)) in enumerate(zip(weights, chances, looks, strict=True)):
        height = 0.45 * top * weight
        label = f"end of {what} (probability {chance:.2f})"
        ax.bar(
            places - 0.7 + 0.4 * j, height, 0.4, align="edge", color=colour, edgecolor="0.3", hatch=hatch,
            linewidth=0.5, label=label, zorder=0,
        )  # fmt: skip
    ticks = x[:: max(1, -(-len(periods) // 8))]
    ax.set_xticks(ticks, [periods[i] for i in ticks], fontsize="small")
    ax.set_ylim(0, top)
    ax.set_ylabel("rate over its mean; bars: weight of the date")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return ax
