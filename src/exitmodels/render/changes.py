"""Pictures of changes: a series with its segments, where a change may lie, and charts that watch a series.

Ground floor: takes arrays, gives axes; no statistics here. Readable in black and white; cut periods are hatched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.render.axes import axes_or_new
from exitmodels.render.series import _date_axis, _edges

__all__ = ["bent_line", "date_chances", "segmented_series", "share_segments", "watched_series", "watched_sum"]


def _bars(ax: Any, y: Floats, left: Floats, right: Floats, partial: Bools) -> None:
    edge = "none" if len(y) > 250 else "0.45"
    drawn = ax.bar(left, y, right - left, align="edge", color="0.85", edgecolor=edge, linewidth=0.4)
    for bar, cut in zip(drawn, partial, strict=True):
        bar.set_hatch("////" if cut else "")
    if partial.any():
        ax.bar([left[0]], [0], color="white", edgecolor="0.45", hatch="////", label="partial period")


def _legend(ax: Any, columns: int = 4) -> None:
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns)


def segmented_series(
    ax: Any,
    *,
    y: Floats,
    mean: Floats,
    low: Floats,
    high: Floats,
    cuts: Ints,
    starts: AnyArray | None,
    ends: AnyArray | None,
    partial: Bools,
    label: str,
    level: str,
    bars: bool = True,
) -> Any:
    """Draw a series, the level of each segment with limits, and dashed lines at the cuts."""
    ax = axes_or_new(ax, (7.2, 4.0))
    left, right, dated = _edges(starts, ends, len(y))
    if bars:
        _bars(ax, y, left, right, partial)
        ax.set_ylim(bottom=0)
    else:
        ax.plot((left + right) / 2, y, "o", color="0.45", markersize=3, markerfacecolor="none", label="observed")
    grid = np.append(left, right[-1])
    twice = [np.append(v, v[-1]) for v in (low, high)]
    ax.fill_between(grid, *twice, step="post", color="black", alpha=0.15, linewidth=0, label=f"{level}% limits")
    ax.step(grid, np.append(mean, mean[-1]), where="post", color="black", linewidth=1.6, label="segment level")
    for i, cut in enumerate(cuts):
        ax.axvline(left[cut], color="black", linestyle="--", linewidth=0.9, label="change" if i == 0 else None)
    ax.set_xlim(left[0], right[-1])
    ax.set_ylabel(label)
    _date_axis(ax, dated)
    _legend(ax)
    return ax


def share_segments(
    ax: Any, *, shares: Floats, names: Sequence[str], cuts: Ints, starts: AnyArray | None, ends: AnyArray | None
) -> Any:
    """Draw the shares (n, k) of each segment on top of one another, and dashed lines at the cuts."""
    ax = axes_or_new(ax, (7.2, 4.0))
    left, right, dated = _edges(starts, ends, len(shares))
    hatches = ("", "///", "...", "xxx", "\\\\\\", "+++", "ooo", "---")
    grid, base = np.append(left, right[-1]), np.zeros(len(shares) + 1)
    greys = np.linspace(0.95, 0.55, shares.shape[1])
    for k, name in enumerate(names):
        top = base + np.append(shares[:, k], shares[-1, k])
        look = {"facecolor": str(greys[k]), "hatch": hatches[k % len(hatches)], "edgecolor": "0.25", "linewidth": 0.3}
        ax.fill_between(grid, base, top, step="post", label=str(name), **look)
        base = top
    for cut in cuts:
        ax.axvline(left[cut], color="black", linestyle="--", linewidth=1.2)
    ax.set_xlim(left[0], right[-1])
    ax.set_ylim(0, 1)
    ax.set_ylabel("share of records")
    _date_axis(ax, dated)
    _legend(ax, 3)
    return ax


def date_chances(
    ax: Any,
    *,
    values: Floats,
    inside: Bools,
    starts: AnyArray | None,
    ends: AnyArray | None,
    label: str,
    inside_label: str,
    line: float | None = None,
) -> Any:
    """Draw one bar for each date of a change, dark where it belongs to the set; bars stand where the new regime is."""
    ax = axes_or_new(ax, (7.2, 3.4))
    left, right, dated = _edges(starts, ends, len(values) + 1)
    width = (right - left)[1:]
    for chosen, colour, name in ((~inside, "0.8", ""), (inside, "0.15", inside_label)):
        place = left[1:][chosen] - 0.5 * width[chosen]
        ax.bar(place, values[chosen], width[chosen], align="edge", color=colour, label=name or None)
    if line is not None:
        ax.axhline(line, color="black", linestyle="--", linewidth=0.9)
    ax.set_xlim(left[0], right[-1])
    ax.set_ylim(bottom=0)
    ax.set_ylabel(label)
    _date_axis(ax, dated)
    ax.set_xlabel("first day after the change" if dated else "last period before the change + 1")
    _legend(ax)
    return ax


def watched_series(
    ax: Any,
    *,
    y: Floats,
    expected: Floats,
    upper: Floats,
    alarm: Bools,
    starts: AnyArray | None,
    ends: AnyArray | None,
    partial: Bools,
    first: int = 0,
) -> Any:
    """Draw counts, what was expected, the limit, and a triangle over each alarm; `first` periods came before."""
    ax = axes_or_new(ax, (7.2, 4.0))
    left, right, dated = _edges(starts, ends, len(y))
    if not dated:
        left, right = left + first, right + first
    _bars(ax, y, left, right, partial)
    middle = (left + right) / 2
    ax.plot(middle, expected, color="black", linewidth=1.2, label="expected")
    ax.step(
        np.append(left, right[-1]),
        np.append(upper, upper[-1]),
        where="post",
        color="black",
        linestyle="--",
        label="limit",
    )
    top = np.nanmax(np.append(y, upper)) * 1.05
    if alarm.any():
        ax.plot(middle[alarm], np.full(int(alarm.sum()), top), "v", color="black", markersize=6, label="alarm")
    ax.set_ylim(0, 1.08 * top)
    ax.set_xlim(left[0], right[-1])
    ax.set_ylabel("records per period")
    _date_axis(ax, dated)
    _legend(ax)
    return ax


def watched_sum(
    ax: Any,
    *,
    paths: Sequence[tuple[str, Floats]],
    limits: Sequence[float],
    alarms: Ints,
    starts: AnyArray | None,
    ends: AnyArray | None,
    label: str,
) -> Any:
    """Draw cumulated sums against their limits; alarms are triangles."""
    n = len(paths[0][1])
    ax = axes_or_new(ax, (7.2, 3.6))
    left, right, dated = _edges(starts, ends, n)
    middle = (left + right) / 2
    for (name, path), dash in zip(paths, ("-", ":", "-."), strict=False):
        ax.plot(middle, path, color="black", linestyle=dash, linewidth=1.2, label=name)
    for i, limit in enumerate(limits):
        ax.axhline(limit, color="black", linestyle="--", linewidth=0.9, label="limit" if i == 0 else None)
    if alarms.size:
        ax.plot(middle[alarms], paths[0][1][alarms], "v", color="black", markersize=6, label="alarm")
    ax.set_xlim(left[0], right[-1])
    ax.set_ylabel(label)
    _date_axis(ax, dated)
    _legend(ax)
    return ax


def bent_line(
    ax: Any,
    *,
    x: Floats,
    y: Floats,
    grid: Floats,
    line: Floats,
    place: float,
    low: float,
    high: float,
    x_label: str,
    y_label: str,
    level: str,
) -> Any:
    """Draw points, the fitted line, and the bend with its limits."""
    ax = axes_or_new(ax, (6.4, 4.0))
    ax.plot(x, y, "o", color="0.4", markersize=4, markerfacecolor="none", label="observed")
    ax.plot(grid, line, color="black", linewidth=1.5, label="fitted")
    ax.axvspan(low, high, color="black", alpha=0.12, linewidth=0, label=f"bend, {level}% limits")
    ax.axvline(place, color="black", linestyle="--", linewidth=0.9)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.spines[["top", "right"]].set_visible(False)
    _legend(ax)
    return ax
