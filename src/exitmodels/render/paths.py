"""Figures of penalised fits: coefficient paths, cross-validation, smooth effects, shrunken coefficients.

Ground floor: arrays in, axes out; no statistics here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["coefficient_paths", "cross_validation", "shrunken", "smooth_curve"]

_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
_COLOURS = ("#1b4965", "#c8553d", "#588157", "#8e6c8a", "#bc8a2f", "#444444")


def coefficient_paths(
    ax: Any, strengths: Floats, coefficients: Floats, names: Sequence[str], counts: Floats, marks: dict[str, float]
) -> Any:
    """Draw coefficients against the strength of the penalty (falling to the right), with their number above.

    Parameters
    ----------
    strengths : (m,)
    coefficients : (m, p)
        On a common scale.
    counts : (m,)
        Columns in use.
    marks : mapping of str to float
        Strengths to mark with a vertical line.
    """
    ax = axes_or_new(ax, (7.2, 4.6))
    last = coefficients[-1]
    shown = np.flatnonzero(np.any(coefficients != 0, axis=0))
    named = set(shown[np.argsort(-np.abs(last[shown]), kind="stable")][:15].tolist())
    for i, j in enumerate(shown):
        style = {"color": _COLOURS[i % 6], "linestyle": _DASHES[i % 5], "linewidth": 1.4}
        ax.plot(strengths, coefficients[:, j], **style)
    _strength_axis(ax, strengths)
    _labels_at_the_end(
        ax, [(names[int(j)], float(last[j]), _COLOURS[i % 6]) for i, j in enumerate(shown) if j in named]
    )
    ax.axhline(0.0, color="0.6", linewidth=0.8)
    _mark(ax, marks)
    ax.set_ylabel("Coefficient per standard deviation")
    _counts_above(ax, strengths, counts)
    return ax


def cross_validation(
    ax: Any, strengths: Floats, mean: Floats, se: Floats, counts: Floats, marks: dict[str, float]
) -> Any:
    """Draw the cross-validated deviance with one standard error either side."""
    ax = axes_or_new(ax, (7.2, 4.4))
    ax.errorbar(
        strengths, mean, yerr=se, fmt="o", color="black", ecolor="0.7", markersize=3, linewidth=0.8, capsize=1.5
    )
    _strength_axis(ax, strengths)
    _mark(ax, marks)
    ax.set_ylabel("Cross-validated deviance per exit")
    _counts_above(ax, strengths, counts)
    return ax


def smooth_curve(
    ax: Any, x: Floats, effect: Floats, low: Floats, high: Floats, seen: Floats, name: str, what: str
) -> Any:
    """Draw a smooth effect as a hazard ratio on a log axis, with its limits and ticks where rows lie."""
    ax = axes_or_new(ax)
    ax.fill_between(x, np.exp(low), np.exp(high), color=_COLOURS[0], alpha=0.18, linewidth=0)
    for edge in (low, high):
        ax.plot(x, np.exp(edge), color=_COLOURS[0], linewidth=0.5)
    ax.plot(x, np.exp(effect), color=_COLOURS[0], linewidth=1.8)
    ax.axhline(1.0, color="0.5", linewidth=0.8, linestyle="--")
    ax.set_yscale("log")
    _plain_ticks(ax)
    if len(seen):
        ticks = np.unique(seen)
        ticks = ticks if len(ticks) <= 400 else np.quantile(ticks, np.linspace(0, 1, 400))
        ax.plot(ticks, np.zeros(len(ticks)), "|", color="0.3", markersize=7, transform=ax.get_xaxis_transform())
    ax.set_xlabel(name)
    ax.set_ylabel("HR against the average row (log scale)")
    ax.set_title(f"{name}: {what}", loc="left", fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def shrunken(ax: Any, names: Sequence[str], values: Floats) -> Any:
    """Draw coefficients as dots on stems from zero: no limits, because there are none."""
    ax = axes_or_new(ax, (6.0, 0.9 + 0.34 * max(len(names), 2)))
    y = np.arange(len(names))[::-1]
    ax.hlines(y, 0, values, color="0.5", linewidth=1.2)
    ax.plot(values, y, "s", color="black", markersize=4.5)
    ax.axvline(0.0, color="0.5", linewidth=0.8)
    ax.set_yticks(y, names)
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.set_xlabel("Shrunken coefficient per standard deviation (no limits)")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _strength_axis(ax: Any, strengths: Floats) -> None:
    ax.set_xscale("log")
    ax.set_xlim(strengths.max() * 1.05, strengths.min() * 0.95)
    ax.set_xlabel("Strength of the penalty (log scale, weaker to the right)")
    ax.spines[["top", "right"]].set_visible(False)


def _mark(ax: Any, marks: dict[str, float]) -> None:
    for (label, at), dash in zip(marks.items(), ("--", ":", "-."), strict=False):
        ax.axvline(at, color="0.3", linewidth=1, linestyle=dash, label=f"{label}: {at:.3g}")
    if marks:
        ax.legend(frameon=False, fontsize="small", loc="best")


def _counts_above(ax: Any, strengths: Floats, counts: Floats) -> None:
    """Number of columns in use, written along the top."""
    places = np.unique(np.linspace(0, len(strengths) - 1, 8).round().astype(int))
    for i in places:
        ax.annotate(
            f"{int(counts[i])}",
            (strengths[i], 1.0),
            (0, 4),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            fontsize="small",
            annotation_clip=False,
        )
    ax.set_title("columns in use", fontsize="small", loc="center", pad=16)


def _labels_at_the_end(ax: Any, ends: Sequence[tuple[str, float, str]]) -> None:
    """Names to the right of their lines, moved apart so that none covers another."""
    if not ends:
        return
    low, high = ax.get_ylim()
    gap = (high - low) / 24
    order = sorted(ends, key=lambda end: end[1])
    places: list[float] = []
    for _, value, _ in order:
        places.append(max(value, places[-1] + gap) if places else value)
    shift = float(np.mean([p - v for p, (_, v, _) in zip(places, order, strict=True)]))
    for place, (name, _, colour) in zip(places, order, strict=True):
        where = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(name, (1.0, place - shift), (5, 0), fontsize="small", va="center", color=colour, **where)


def _plain_ticks(ax: Any) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    low, high = ax.get_ylim()
    steps = (1, 1.5, 2, 3, 5, 7) if high / low < 20 else (1, 2, 5) if high / low < 500 else (1,)
    nice = [m * 10.0**e for e in range(-6, 7) for m in steps]
    ax.yaxis.set_major_locator(FixedLocator([t for t in nice if low <= t <= high] or [1.0]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
