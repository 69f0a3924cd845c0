"""Numbers with limits, one under another: a forest of differences or ratios.

Ground floor. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new, coefficients
from exitmodels.render.text import number

__all__ = ["points"]


def points(ax: Any, names: Sequence[str], values: Floats, null: float, label: str, level: str = "95") -> Any:
    """Draw estimates with limits, (n, 3); ratios (null = 1) on a log axis, differences (null = 0) on a plain one."""
    if null == 1.0:
        return coefficients(ax, names, values, label, level)
    ax = axes_or_new(ax, (6.0, 0.8 + 0.42 * max(len(names), 2)))
    y = np.arange(len(names))[::-1]
    errors = np.abs(values[:, 1:].T - values[:, 0])
    ax.errorbar(values[:, 0], y, xerr=errors, fmt="s", color="black", markersize=4, capsize=2.5, linewidth=1)
    ax.axvline(null, color="0.5", linewidth=0.8, linestyle="--")
    ax.set_yticks(y, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlabel(f"{label} with {level}% limits")
    for place, row in zip(y, values, strict=True):
        text = f"{number(row[0], 3)} ({number(row[1], 3)}, {number(row[2], 3)})"
        where = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(text, (1.0, place), (6, 0), fontsize="small", va="center", **where)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
