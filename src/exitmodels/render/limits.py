"""Estimates with limits, one under another; a limit at infinity (or at zero on a log axis) is an arrow.

Ground floor. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new
from exitmodels.render.text import number

__all__ = ["limits"]


def limits(ax: Any, names: Sequence[str], values: Floats, label: str, level: str, null: float | None, log: bool) -> Any:
    """Draw estimates with limits.

    Parameters
    ----------
    ax : matplotlib Axes or None
    values : (k, 3)
        Estimate, low, high; an estimate of NaN is not drawn.
    null : float or None
        Where to draw the line of no effect.
    """
    ax = axes_or_new(ax, (6.4, 0.9 + 0.36 * max(len(names), 2)))
    y = np.arange(len(names))[::-1]
    shown = values[np.isfinite(values) & (values > 0)] if log else values[np.isfinite(values)]
    left, right = _reach(shown, log)
    for place, (middle, low, high) in zip(y, values, strict=True):
        open_low, open_high = bool(log and low <= 0), bool(np.isinf(high))
        a, b = (left if open_low else low), (right if open_high else high)
        ax.plot([a, b], [place, place], color="black", linewidth=1)
        for end, is_open, arrow in ((a, open_low, "<"), (b, open_high, ">")):
            ax.plot(end, place, arrow if is_open else "|", color="black", markersize=5, clip_on=False)
        if np.isfinite(middle) and not (log and middle <= 0):
            ax.plot(middle, place, "s", color="black", markersize=4)
        shown_limits = f"({_short(low)}, {_short(high)})"
        text = shown_limits if np.isnan(middle) else f"{_short(middle)} {shown_limits}"
        where = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(text, (1.0, place), (6, 0), fontsize="small", va="center", **where)
    if null is not None:
        ax.axvline(null, color="0.5", linewidth=0.8, linestyle="--")
    if log:
        _log_axis(ax, left, right)
    ax.set_xlim(left, right)
    ax.set_yticks(y, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlabel(f"{label} with {level}% limits" + (" (log scale)" if log else ""))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _log_axis(ax: Any, left: float, right: float) -> None:
    """A log axis with plain numbers at round places."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    steps = (1, 1.5, 2, 3, 5, 7) if right / left < 20 else (1, 2, 5) if right / left < 500 else (1,)
    nice = [m * 10.0**e for e in range(-9, 10) for m in steps]
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator([t for t in nice if left <= t <= right] or [1.0]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def _short(value: float) -> str:
    return number(float(value), 3)


def _reach(shown: Floats, log: bool) -> tuple[float, float]:
    """Ends of the axis, a little beyond every finite number."""
    if not shown.size:
        return (0.1, 10.0) if log else (0.0, 1.0)
    low, high = float(shown.min()), float(shown.max())
    if log:
        return low / 1.6, high * 1.6
    room = 0.06 * (high - low or abs(high) or 1.0)
    return (0.0 if 0 <= low <= 0.6 * high else low - room), high + room
