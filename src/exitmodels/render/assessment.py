"""Figures of scores and calibration: readable in black and white, limits always shown.

Ground floor: arrays in, axes out; no statistics here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new, time_label

__all__ = ["calibration_points", "estimates_with_limits", "scores_over_time"]

_MARKS = ("o", "s", "^", "D", "v", "P")
_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
_GREYS = ("#000000", "#1b4965", "#c8553d", "#588157", "#8e6c8a", "#bc8a2f")

ScoreLine = tuple[str, Floats, Floats, Floats, Floats]


def scores_over_time(ax: Any, lines: Sequence[ScoreLine], label: str, unit: str, level: float | None) -> Any:
    """Draw (name, time, value, low, high) of each model; models side by side so that their limits do not overlap."""
    ax = axes_or_new(ax)
    times = np.unique(np.concatenate([line[1] for line in lines]))
    reach = float(times[-1]) if len(times) < 2 else float(np.diff(times).min())
    many = len(times) > 12
    for i, (name, time, value, low, high) in enumerate(lines):
        mark, dash = _MARKS[i % len(_MARKS)], _DASHES[i % len(_DASHES)]
        colour = _GREYS[i % len(_GREYS)]
        if many:
            ax.plot(time, value, linestyle=dash, color=colour, linewidth=1.6, label=name)
            ax.fill_between(time, low, high, color=colour, alpha=0.12, linewidth=0)
            continue
        place = time + reach * 0.06 * (i - (len(lines) - 1) / 2)
        errors = np.abs(np.stack([low, high]) - value)
        style = {"markersize": 5, "markerfacecolor": "white" if i % 2 else colour, "linewidth": 1.0, "capsize": 2.5}
        ax.errorbar(place, value, yerr=errors, fmt=mark, linestyle=dash, color=colour, label=name, **style)
    if level is not None:
        ax.axhline(level, color="0.5", linewidth=0.8, linestyle=":")
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel(label[0].upper() + label[1:])
    if not many:
        ax.set_xticks(times)
    ax.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        ax.legend(frameon=False, fontsize="small")
    return ax


def calibration_points(
    ax: Any,
    groups: Sequence[ScoreLine],
    curves: Sequence[tuple[str, Floats, Floats]],
    predicted: Sequence[Floats],
    label: str,
) -> Any:
    """Draw observed against predicted risk by group, the fitted line of each model, and where the risks lie."""
    ax = axes_or_new(ax, (5.2, 5.2))
    top = max(float(np.nanmax(np.concatenate([g[4], g[1]]))) for g in groups)
    top = min(1.0, 1.08 * max(top, max(float(p.max()) for p in predicted)))
    ax.plot([0, top], [0, top], color="0.6", linewidth=0.9, linestyle="-", zorder=0)
    for i, (name, mean, value, low, high) in enumerate(groups):
        mark, dash, colour = _MARKS[i % len(_MARKS)], _DASHES[(i + 1) % len(_DASHES)], _GREYS[i % len(_GREYS)]
        errors = np.abs(np.stack([low, high]) - value)
        face = "white" if i % 2 else colour
        ax.errorbar(mean, value, yerr=errors, fmt=mark, color=colour, markersize=5.5, markerfacecolor=face,
                    linewidth=1.0, capsize=2.5, label=f"{name}, by group")  # fmt: skip
        if i < len(curves):
            ax.plot(curves[i][1], curves[i][2], linestyle=dash, color=colour, linewidth=1.4, label=f"{name}, fitted")
        height = 0.05 * top
        counts, edges = np.histogram(predicted[i], bins=40, range=(0, top))
        bars = height * counts / max(counts.max(), 1)
        ax.vlines((edges[1:] + edges[:-1]) / 2, -height * (1.2 * i + 0.2), -height * (1.2 * i + 0.2) - bars,
                  color=colour, linewidth=2.2)  # fmt: skip
    ax.set_xlim(-0.01 * top, top)
    ax.set_ylim(-0.07 * top * len(groups), top)
    ax.set_aspect("equal", adjustable="box")
    ax.set_xlabel(f"Predicted {label}")
    ax.set_ylabel(f"Observed {label}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    return ax


def estimates_with_limits(ax: Any, names: Sequence[str], values: Floats, label: str, level: float | None) -> Any:
    """Draw (estimate, low, high) of each name on a plain axis, with the numbers beside."""
    ax = axes_or_new(ax, (6.0, 0.9 + 0.42 * max(len(names), 2)))
    y = np.arange(len(names))[::-1]
    errors = np.abs(values[:, 1:].T - values[:, 0])
    ax.errorbar(values[:, 0], y, xerr=errors, fmt="s", color="black", markersize=4, capsize=2.5, linewidth=1)
    if level is not None:
        ax.axvline(level, color="0.5", linewidth=0.8, linestyle="--")
    ax.set_yticks(y, list(names))
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlabel(label)
    for place, row in zip(y, values, strict=True):
        where = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        text = "{:.3f} ({:.3f}, {:.3f})".format(*row)
        ax.annotate(text, (1.0, place), (6, 0), fontsize="small", va="center", **where)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
