"""How many pairs have each weight: matches and others, and where the line is drawn.

Ground floor: takes arrays, gives axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["weight_bars"]


def weight_bars(ax: Any, *, weight: Floats, matches: Floats, others: Floats, marks: Sequence[float]) -> Any:
    """Draw expected matches and other pairs by weight, on a log scale.

    Parameters
    ----------
    ax : matplotlib Axes or None
    weight : (c,)
        Bits, for each cell of pairs.
    matches, others : (c,)
        Pairs expected in each cell.
    marks : sequence of float
        Weights at which the lines of review and linking lie.
    """
    ax = axes_or_new(ax)
    low, high = float(np.floor(weight.min())), float(np.ceil(weight.max()))
    edges = np.linspace(low, max(high, low + 1), int(min(max(high - low, 10), 60)) + 1)
    heights = [np.histogram(weight, edges, weights=w)[0] for w in (others, matches)]
    for height, style, label in (
        (heights[0], {"facecolor": "0.85", "edgecolor": "0.4"}, "other pairs"),
        (heights[1], {"facecolor": "none", "edgecolor": "black", "hatch": "////"}, "matches"),
    ):
        shown = np.where(height >= 0.5, height, np.nan)
        ax.bar(edges[:-1], shown, np.diff(edges), align="edge", linewidth=0.6, label=label, **style)
    for mark, dash in zip(marks, (":", "--") if len(marks) > 1 else ("--",), strict=False):
        ax.axvline(mark, color="black", linestyle=dash, linewidth=1)
    ax.set_yscale("log")
    ax.set_ylim(bottom=0.5)
    ax.set_xlabel("Weight (bits)")
    ax.set_ylabel("Pairs expected")
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
