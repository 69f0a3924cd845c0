"""A tornado: how far each change of the data moves one number, widest first; and the same along a grid.

Ground floor: takes arrays, gives axes. Black and white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["Bar", "grid", "tornado"]


@dataclass(frozen=True, eq=False)
class Bar:
    """One variation: ends of the bar, (m, 3) estimates with limits, what each level is called, levels that failed."""

    name: str
    low: float
    high: float
    points: Floats
    levels: tuple[str, ...]
    failed: int = 0


def tornado(ax: Any, bars: Sequence[Bar], base: Floats, label: str, level: str, null: float | None) -> Any:
    """Draw bars of estimates, thin lines of the limits of every level, and the base with its limits.

    Parameters
    ----------
    ax : matplotlib Axes or None
    bars : sequence of Bar, from the top
    base : (3,)
        Estimate, low and high; limits may be NaN.
    """
    ax = axes_or_new(ax, (7.2, 1.3 + 0.62 * max(len(bars), 2)))
    if np.isfinite(base[1:]).all():
        ax.axvspan(base[1], base[2], facecolor="0.93", linewidth=0, zorder=0)
    ax.axvline(base[0], color="black", linewidth=1.0, zorder=3)
    if null is not None:
        ax.axvline(null, color="0.3", linewidth=0.9, linestyle=":", zorder=3)
    for place, bar in zip(range(len(bars) - 1, -1, -1), bars, strict=True):
        _bar(ax, place, bar, base)
    names = [bar.name + (f"\n({bar.failed} of {len(bar.levels)} failed)" if bar.failed else "") for bar in bars]
    ax.set_yticks(range(len(bars) - 1, -1, -1), names)
    ax.set_ylim(-0.6, len(bars) - 0.3)
    ax.margins(x=0.08)
    ax.set_xlabel(f"{label} (line: base; shaded: its {level}% limits; thin lines: {level}% limits of refits)")
    ax.xaxis.label.set_fontsize("small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _bar(ax: Any, place: float, bar: Bar, base: Floats) -> None:
    ax.barh(place, bar.high - bar.low, left=bar.low, height=0.34, color="0.72", edgecolor="black", linewidth=0.7)
    m = len(bar.points)
    spots = place + (np.linspace(0.13, -0.13, m) if m > 1 else np.zeros(1))
    for spot, (middle, low, high) in zip(spots, bar.points, strict=True):
        if np.isfinite(middle):
            ax.plot([low, high], [spot, spot], color="black", linewidth=0.7, zorder=4)
            ax.plot(middle, spot, "o", color="black", markersize=3.2, zorder=5)
    known = np.flatnonzero(np.isfinite(bar.points[:, 0]))
    if not len(known):
        return
    least, most = (int(known[pick(bar.points[known, 0])]) for pick in (np.argmin, np.argmax))
    for row, side in ((least, "right"), (most, "left")):
        beyond = bar.points[row, 0] <= base[0] if side == "right" else bar.points[row, 0] >= base[0]
        if bar.levels[row] and beyond:
            shift = (-4, 9) if side == "right" else (4, 9)
            where = {"xytext": shift, "textcoords": "offset points", "fontsize": "x-small", "ha": side, "va": "bottom"}
            ax.annotate(bar.levels[row], (bar.points[row, 0], place + 0.1), **where)


def grid(ax: Any, values: Floats, base: Floats, across: str, label: str, level: str, null: float | None) -> Any:
    """Draw estimates with limits along a grid, the base as a line, and the value of no effect.

    Parameters
    ----------
    values : (m, 4)
        Place, estimate, low, high, by rising place; rows of NaN leave a gap. Infinite places are drawn at the ends.
    """
    ax = axes_or_new(ax, (6.4, 4.0))
    x = _finite(values[:, 0])
    ax.axhline(base[0], color="0.45", linewidth=0.9, linestyle="--", label="base")
    if null is not None:
        ax.axhline(null, color="0.3", linewidth=0.9, linestyle=":")
    known = np.isfinite(values[:, 2]) & np.isfinite(values[:, 3])
    ax.fill_between(x, values[:, 2], values[:, 3], where=known, color="0.87", linewidth=0)
    ax.plot(x, values[:, 1], "-o", color="black", linewidth=1.4, markersize=3.5)
    ax.set_xlabel(across)
    ax.set_ylabel(f"{label} with {level}% limits")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small")
    if not np.array_equal(x, values[:, 0]):
        ax.set_xticks(x, [f"{v:g}" for v in values[:, 0]])
    return ax


def _finite(x: Floats) -> Floats:
    """Infinite places a step beyond the last finite one."""
    known = x[np.isfinite(x)]
    if not len(known):
        return np.arange(len(x), dtype=np.float64)
    step = float(np.diff(known).mean()) if len(known) > 1 else 1.0
    return np.where(np.isneginf(x), known[0] - step, np.where(np.isposinf(x), known[-1] + step, x))
