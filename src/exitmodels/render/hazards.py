"""Figures of rates over time: smooth lines or steps, with limits.

Ground floor: arrays in, axes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import _COLOURS, _DASHES, UNIT_NAMES, axes_or_new, time_label

__all__ = ["Rate", "rates"]


@dataclass(frozen=True)
class Rate:
    """One line to draw."""

    label: str
    time: Floats
    value: Floats
    low: Floats
    high: Floats


def rates(
    ax: Any, lines: Sequence[Rate], unit: str, what: str = "hazard", end: float | None = None, step: bool = False
) -> Any:
    """Draw rates; `step` holds each value from its time to the next, the last until `end`."""
    ax = axes_or_new(ax)
    for i, line in enumerate(lines):
        colour, dash = _COLOURS[i % len(_COLOURS)], _DASHES[i % len(_DASHES)]
        time, columns = line.time, [line.value, line.low, line.high]
        if step and end is not None:
            time, columns = np.append(time, end), [np.append(column, column[-1:]) for column in columns]
        value, low, high = columns
        how: dict[str, Any] = {"drawstyle": "steps-post"} if step else {}
        ax.plot(time, value, color=colour, linestyle=dash, linewidth=1.6, label=line.label, **how)
        known = np.isfinite(low) & np.isfinite(high)
        fill: dict[str, Any] = {"step": "post"} if step else {}
        ax.fill_between(time, low, high, where=known, color=colour, alpha=0.15, linewidth=0, **fill)
        for side in (low, high):
            ax.plot(time, side, color=colour, linestyle=dash, linewidth=0.5, **how)
    ax.set_xlabel(time_label(unit))
    each = UNIT_NAMES.get(unit, unit)
    singular = each.removesuffix("s") if unit in UNIT_NAMES else each
    ax.set_ylabel("Share not yet left" if what == "survival" else f"Exits per person-{singular}")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=min(float(np.min(line.time)) for line in lines))
    ax.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        ax.legend(frameon=False, fontsize="small")
    return ax
