"""Stacked shares with the limits of every border: grey shades and hatching that survive a photocopier.

Ground floor: takes arrays, gives axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats

__all__ = ["sensitivity", "stacked_shares"]

_HATCHES = ("", "///", "...", "\\\\\\", "xx", "++", "oo", "--", "||", "**")


def stacked_shares(
    ax: Any,
    place: AnyArray,
    borders: Sequence[tuple[Floats, Floats, Floats]],
    names: Sequence[str],
    *,
    label: str,
    level: str,
    cut: tuple[AnyArray, AnyArray] | None = None,
    note: str = "",
) -> Any:
    """Draw shares on top of one another.

    Parameters
    ----------
    ax : matplotlib Axes or None
    place : (m,) numbers or datetime64, rising
    borders : for each border between two shares, its height and limits, (m,) each
    names : one more than borders, from the bottom up
    label, level, note : str
    cut : first and last day of the periods that the window cuts, which are marked below the axis
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
    dated = place.dtype.kind == "M"
    x = place.astype("datetime64[s]") if dated else place
    edges = [np.zeros(len(x)), *(b[0] for b in borders), np.ones(len(x))]
    shades = np.linspace(0.55, 0.95, len(names))
    for i, name in enumerate(names):
        ax.fill_between(
            x,
            edges[i],
            edges[i + 1],
            facecolor=str(shades[i]),
            hatch=_HATCHES[i % len(_HATCHES)],
            edgecolor="0.4",
            linewidth=0.0,
            label=name,
        )
    n_bars = max(len(borders), min(6 * len(borders), len(x)))
    bars = np.unique(np.linspace(0, len(x) - 1, n_bars).round().astype(int))
    for i, (middle, low, high) in enumerate(borders):
        ax.plot(x, middle, color="black", linewidth=1.6)
        own = bars[i :: len(borders)]
        for colour, wide, cap in (("white", 3.4, 4.5), ("black", 1.1, 3.5)):
            ax.errorbar(
                x[own],
                middle[own],
                yerr=[middle[own] - low[own], high[own] - middle[own]],
                fmt="none",
                ecolor=colour,
                elinewidth=wide,
                capsize=cap,
                capthick=wide,
            )
        ax.plot(x[own], middle[own], "o", color="black", markersize=3.5)
    if cut is not None:
        for begin, end in zip(*cut, strict=True):
            ax.axvspan(
                begin.astype("datetime64[s]"), end.astype("datetime64[s]"), 0, 0.03, facecolor="white", hatch="////"
            )
    ax.set_ylim(0, 1)
    if cut is None or not len(cut[0]):
        ax.set_xlim(x[0], x[-1])
    ax.set_xlabel(label)
    ax.set_ylabel("share of records")
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(
        handles[::-1], labels[::-1], frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5)
    )
    words = f"bars: {level} % limits of each border" + (f"; {note}" if note else "")
    words += "; hatched below: period cut by the window" if cut is not None and len(cut[0]) else ""
    ax.set_title(words, fontsize="small", loc="left")
    if dated:
        import matplotlib.dates as mdates

        ax.xaxis.set_major_locator(mdates.AutoDateLocator(maxticks=7))
        ax.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
    return ax


def sensitivity(
    ax: Any,
    x: Floats,
    value: Floats,
    low: Floats,
    high: Floats,
    marks: Sequence[tuple[float, str]],
    labels: Sequence[str],
) -> Any:
    """Draw an estimate with limits along an assumption, the zero line, and marked values of the assumption."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    ax.fill_between(x, low, high, color="0.85", linewidth=0)
    ax.plot(x, value, color="black", linewidth=1.6)
    ax.axhline(0, color="black", linewidth=0.8, linestyle=":")
    for at, words in marks:
        if np.isfinite(at):
            ax.axvline(at, color="black", linewidth=0.9, linestyle="--")
            ax.annotate(
                f"{words} {at:.2f}",
                (at, 1),
                xycoords=("data", "axes fraction"),
                rotation=90,
                fontsize="small",
                ha="right",
                va="top",
                xytext=(-2, -4),
                textcoords="offset points",
            )
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.spines[["top", "right"]].set_visible(False)
    return ax
