"""Figures of effects that are added: coefficients on a plain axis, and effects cumulated over time.

Ground floor. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new, time_label

__all__ = ["Effect", "cumulated", "departures", "differences"]


@dataclass(frozen=True)
class Effect:
    """One cumulative effect to draw; `wide` holds the limits of a band over all times, if there is one."""

    name: str
    time: Floats
    value: Floats
    low: Floats
    high: Floats
    wide: tuple[Floats, Floats] | None = None


def differences(ax: Any, names: Sequence[str], values: Floats, label: str, level: str = "95") -> Any:
    """Draw estimates with limits on a plain axis, each with its numbers beside it."""
    ax = axes_or_new(ax, (6.4, 0.8 + 0.42 * max(len(names), 2)))
    y = np.arange(len(names))[::-1]
    errors = np.abs(values[:, 1:].T - values[:, 0])
    ax.errorbar(values[:, 0], y, xerr=errors, fmt="s", color="black", markersize=4, capsize=2.5, linewidth=1)
    ax.axvline(0.0, color="0.5", linewidth=0.8, linestyle="--")
    ax.set_yticks(y, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel(f"{label}, with {level}% limits")
    for place, row in zip(y, values, strict=True):
        text = "{:.3g} ({:.2g}, {:.2g})".format(*row)
        where = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(text, (1.0, place), (6, 0), fontsize="small", va="center", **where)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def cumulated(effects: Sequence[Effect], unit: str, level: str = "95") -> list[Any]:
    """Draw each cumulative effect in a panel of its own; its slope is the effect at that time. Return the Axes."""
    import matplotlib.pyplot as plt

    n = len(effects)
    across = n if n < 4 else 2 if n == 4 else 3
    down = -(-n // across)
    size = (3.2 * across + 0.6, 2.8 * down + 0.4)
    _, grid = plt.subplots(down, across, figsize=size, sharex=True, layout="constrained", squeeze=False)
    places = list(grid.ravel())
    for spare in places[n:]:
        spare.set_visible(False)
    for i, (ax, effect) in enumerate(zip(places[:n], effects, strict=True)):
        time = np.concatenate([[0.0], effect.time])
        ax.step(time, np.concatenate([[0.0], effect.value]), where="post", color="#1b4965", linewidth=1.6)
        low, high = np.concatenate([[0.0], effect.low]), np.concatenate([[0.0], effect.high])
        ax.fill_between(time, low, high, step="post", color="#1b4965", alpha=0.15, linewidth=0)
        for edge in (low, high):
            ax.step(time, edge, where="post", color="#1b4965", linewidth=0.5)
        for edge in effect.wide or ():
            ax.step(time, np.concatenate([[0.0], edge]), where="post", color="black", linewidth=0.9, linestyle="--")
        ax.axhline(0.0, color="0.5", linewidth=0.8, linestyle=":")
        ax.set_title(effect.name, loc="left", fontsize="medium")
        ax.set_xlim(left=0)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelbottom=i + across >= n)
        if i + across >= n:
            ax.set_xlabel(time_label(unit))
        if i % across == 0:
            ax.set_ylabel(f"Cumulative effect, {level}% limits", fontsize="small")
    return places[:n]


def departures(ax: Any, time: Floats, value: Floats, draws: Floats, label: str, unit: str) -> Any:
    """Draw an observed process in front of processes drawn under the hypothesis."""
    ax = axes_or_new(ax)
    for i, drawn in enumerate(draws):
        name = f"{len(draws)} drawn under a constant effect" if i == 0 else None
        ax.step(time, drawn, where="post", color="0.75", linewidth=0.6, label=name)
    ax.step(time, value, where="post", color="black", linewidth=1.8, label="observed")
    ax.axhline(0.0, color="0.4", linewidth=0.8, linestyle=":")
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel("Cumulative effect less a straight line")
    ax.set_title(label, loc="left", fontsize="small")
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
