"""Figures of curves that are only known to lie between bounds.

Ground floor. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import _COLOURS, _HATCHES, axes_or_new, time_label

__all__ = ["draw_bounds"]


def draw_bounds(
    ax: Any, lines: Sequence[tuple[str, Floats, Floats, Floats, Floats, Floats]], unit: str, level: str
) -> Any:
    """Draw the range between two step curves, and limits around it.

    Parameters
    ----------
    lines : sequence of (label, time, lowest, highest, low, high)
    level : str
        Confidence of the limits, in per cent.
    """
    ax = axes_or_new(ax)
    for i, (label, time, lowest, highest, low, high) in enumerate(lines):
        colour, hatch = _COLOURS[i % len(_COLOURS)], _HATCHES[i % len(_HATCHES)]
        t = np.concatenate([[0.0], time])
        first, second, bottom, top = (np.concatenate([[0.0], v]) for v in (lowest, highest, low, high))
        ax.fill_between(
            t, first, second, step="post", facecolor=colour, alpha=0.35, hatch=hatch, edgecolor=colour, label=label
        )
        for edge in (bottom, top):
            ax.step(t, edge, where="post", color=colour, linewidth=0.8, linestyle=":")
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel(f"Incidence: between bounds; dotted: {level}% limits")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
