"""Pictures of a count series and its predictions: fitted means, fans of what may come, and calibration.

Ground floor: takes arrays, gives axes; no statistics here. Readable in black and white; cut periods are hatched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["calibration_gap", "counted_series", "level_line", "pit_bars", "profile_line"]


def _edges(starts: AnyArray | None, ends: AnyArray | None, n: int) -> tuple[Floats, Floats, bool]:
    """Left and right end of each period on the axis: dates where there are some, else 1, 2, ..."""
    if starts is None or ends is None or len(starts) < n:
        left = np.arange(1, n + 1) - 0.5
        return left, left + 1, False
    import matplotlib.dates as mdates

    return mdates.date2num(starts), mdates.date2num(ends), True


def _date_axis(ax: Any, dated: bool) -> None:
    if dated:
        import matplotlib.dates as mdates

        ax.xaxis.set_major_locator(mdates.AutoDateLocator(maxticks=7))
        ax.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
        ax.set_xlabel("date")
    else:
        ax.set_xlabel("period")
    ax.spines[["top", "right"]].set_visible(False)


def counted_series(
    ax: Any,
    *,
    y: Floats,
    mean: Floats,
    low: Floats,
    high: Floats,
    starts: AnyArray | None,
    ends: AnyArray | None,
    partial: Bools,
    level: str,
    future: int = 0,
    label: str = "one-step mean",
) -> Any:
    """Draw counts as bars, means as a line and limits as a shaded band.

    Parameters
    ----------
    y, mean, low, high : (n,)
        NaN in `y` where no count is known.
    starts, ends : (n,) datetime64[D] or None
    partial : (n,) bool
        Bars to hatch.
    level : str
        What the limits are, such as "95 %".
    future : int
        The last so many periods are still to come; a dashed line stands before them.
    """
    ax = axes_or_new(ax, (7.2, 4.0))
    left, right, dated = _edges(starts, ends, len(y))
    seen = np.isfinite(y)
    many = len(y) > 250
    edge = "none" if many else "0.45"
    look = {"align": "edge", "color": "0.85", "edgecolor": edge, "linewidth": 0.4, "zorder": 2}
    bars = ax.bar(left[seen], y[seen], (right - left)[seen], **look)
    for bar, cut in zip(bars, partial[seen], strict=True):
        bar.set_hatch("////" if cut else "")
    bars.set_label("counts")
    grid = np.append(left, right[-1])
    if np.isfinite(low).any():
        edges = (np.append(low, low[-1]), np.append(high, high[-1]))
        # The band lies behind the bars; its edges are drawn over them.
        ax.fill_between(grid, *edges, step="post", color="0.94", linewidth=0, zorder=1)
        for line, name in zip(edges, (f"{level} limits", None), strict=True):
            ax.step(grid, line, where="post", color="black", linewidth=0.9, linestyle=":", zorder=3, label=name)
    middle = (left + right) / 2
    ax.plot(middle, mean, color="black", linewidth=1.4, label=label, zorder=4)
    lost = np.flatnonzero(~seen[: len(y) - future])
    if lost.size:
        ax.plot(middle[lost], np.zeros(lost.size), "x", color="black", markersize=5, label="count not known")
    if future:
        ax.axvline(left[-future], color="black", linestyle="--", linewidth=0.9)
    if partial[seen].any():
        ax.bar([left[0]], [0], color="white", edgecolor="0.45", hatch="////", label="partial period")
    ax.set_ylabel("records per period")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left[0], right[-1])
    _date_axis(ax, dated)
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4)
    return ax


def pit_bars(ax: Any, heights: Floats, n: int) -> Any:
    """Draw the histogram of the probability integral transform, with the line at one."""
    ax = axes_or_new(ax, (4.6, 3.6))
    edges = np.linspace(0, 1, len(heights) + 1)
    ax.bar(edges[:-1], heights, np.diff(edges), align="edge", color="0.8", edgecolor="black", linewidth=0.7)
    ax.axhline(1.0, color="black", linestyle="--", linewidth=1, label="calibrated")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, max(1.6, 1.1 * float(heights.max())))
    ax.set_xlabel("probability integral transform")
    ax.set_ylabel("density")
    ax.set_title(f"{n} one-step predictions", loc="left", fontsize="small")
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def calibration_gap(ax: Any, k: Floats, gap: Floats) -> Any:
    """Draw predicted less observed shares of counts up to k."""
    ax = axes_or_new(ax, (4.6, 3.6))
    ax.step(k, gap, where="post", color="black", linewidth=1.2)
    ax.axhline(0.0, color="black", linestyle="--", linewidth=0.9)
    most = max(0.05, 1.15 * float(np.abs(gap).max()))
    ax.set_ylim(-most, most)
    ax.set_xlabel("count")
    ax.set_ylabel("predicted less observed share up to count")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def level_line(
    ax: Any,
    *,
    y: Floats,
    lines: Sequence[tuple[str, Floats, Floats, Floats]],
    starts: AnyArray | None,
    ends: AnyArray | None,
    label: str,
    level: str,
) -> Any:
    """Draw observations as points and smoothed lines with limits.

    Parameters
    ----------
    lines : sequence of (name, value, low, high)
        The last one is drawn bold, with its limits.
    label : str
        Of the vertical axis.
    """
    ax = axes_or_new(ax, (7.2, 4.0))
    left, right, dated = _edges(starts, ends, len(y))
    middle = (left + right) / 2
    ax.plot(middle, y, "o", color="0.45", markersize=3, markerfacecolor="none", label="observed")
    for i, (name, value, low, high) in enumerate(lines):
        last = i == len(lines) - 1
        style = {"linewidth": 1.7} if last else {"linewidth": 0.8}
        ax.plot(middle, value, color="black", label=f"{name}, {level} limits" if last else name, **style)
        if last:
            ax.fill_between(middle, low, high, color="black", alpha=0.15, linewidth=0)
    ax.set_ylabel(label)
    _date_axis(ax, dated)
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    return ax


def profile_line(ax: Any, times: AnyArray, values: Floats, label: str, title: str) -> Any:
    """Draw a statistic over candidate times, its largest value marked."""
    ax = axes_or_new(ax, (7.2, 3.4))
    place = np.arange(len(times))
    ax.plot(place, values, color="black", linewidth=1.2)
    top = int(np.nanargmax(values))
    ax.plot([top], [values[top]], "o", color="black", markersize=5)
    side = {"ha": "left", "xytext": (6, 3)} if top < 0.7 * len(times) else {"ha": "right", "xytext": (-6, 3)}
    ax.annotate(str(times[top]), (top, values[top]), textcoords="offset points", fontsize="small", **side)
    ticks = np.unique(np.linspace(0, len(times) - 1, min(len(times), 7)).astype(int))
    ax.set_xticks(ticks, [str(times[i]) for i in ticks])
    ax.set_ylim(0, 1.15 * float(np.nanmax(values)))
    ax.set_xlabel("time of the change")
    ax.set_ylabel(label)
    ax.set_title(title, loc="left", fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
