"""The Lexis diagram: each spell a line of slope one, with the window through which exits were seen.

Ground floor. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.render.axes import UNIT_NAMES, axes_or_new, time_label

__all__ = ["bars", "lexis"]

_SEEN, _UNSEEN = "#d9e6ec", "0.72"


def lexis(
    ax: Any,
    begin: AnyArray,
    entry: AnyArray,
    exit: AnyArray,
    event: Bools,
    window: tuple[float, float] | None,
    hidden: Bools | None,
    unit: str,
    length: float,
    title: str,
    dates: bool,
) -> Any:
    """Draw spells as lines of slope one: calendar time across, time since origin up.

    Parameters
    ----------
    begin : (n,)
        Calendar time (days, when `dates`) at which each clock starts.
    entry, exit : (n,)
        Since then, in `unit`.
    event : (n,) bool
        Whether the spell ended with an exit.
    window : (float, float), optional
        Opening and close.
    hidden : (before, after) of bool, optional
        Whether exits before the opening, and after the close, have no record at all; those regions are hatched.
    length : float
        Calendar time in one unit.
    dates : bool
        Whether calendar time is shown as dates.
    """
    from matplotlib.collections import LineCollection

    ax = axes_or_new(ax, (7.2, 4.6))
    low = np.column_stack([begin + entry * length, entry])
    high = np.column_stack([begin + exit * length, exit])
    top = float(np.max(exit)) * 1.06
    left, right = float(low[:, 0].min()), float(high[:, 0].max())
    if window is not None:
        left, right = min(left, window[0]), max(right, window[1])
    room = 0.06 * (right - left)
    left, right = left - room, right + room
    if window is not None:
        _window(ax, window, hidden, (left, right), top)
    dense = len(exit) > 150
    ax.add_collection(
        LineCollection(list(np.stack([low, high], axis=1)), colors="0.45", linewidths=0.35 if dense else 0.7)
    )
    size = 1.6 if dense else 3.0
    ax.plot(*high[event].T, "o", color="black", markersize=size, linestyle="none", label="left")
    if not event.all():
        marks = {"markerfacecolor": "white", "color": "black", "markersize": size + 0.8, "linestyle": "none"}
        ax.plot(*high[~event].T, "o", label="not yet left", **marks)
    if dates:
        _dates(ax)
    else:
        ax.set_xlabel(f"Time since the window opened ({UNIT_NAMES.get(unit, unit)})")
    ax.set_xlim(left, right)
    ax.set_ylim(0, top)
    ax.set_aspect(length, adjustable="box", anchor="SW")
    ax.set_ylabel(f"Time since origin ({UNIT_NAMES.get(unit, unit)})")
    _close(ax, title)
    return ax


def _dates(ax: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=8)
    ax.xaxis_date()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.set_xlabel("Date")


def _window(ax: Any, window: tuple[float, float], hidden: Bools | None, sides: tuple[float, float], top: float) -> None:
    """Shade the window; hatch what could not be seen."""
    ax.axvspan(*window, facecolor=_SEEN, alpha=0.7, linewidth=0, zorder=0, label="exits recorded")
    named = False
    for away, span in zip((False, False) if hidden is None else hidden, _outside(window, sides), strict=True):
        if not away or span[1] <= span[0]:
            continue
        label = None if named else "exits without a record"
        ax.fill_between(
            span, 0.0, top, facecolor="none", edgecolor=_UNSEEN, hatch="\\\\\\\\", linewidth=0.0, zorder=0, label=label
        )
        named = True
    for side in window:
        ax.axvline(side, color="black", linestyle="--", linewidth=0.9)


def _outside(window: tuple[float, float], sides: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return (sides[0], window[0]), (window[1], sides[1])


def bars(ax: Any, entry: AnyArray, exit: AnyArray, event: Bools, unit: str, title: str) -> Any:
    """Draw spells one above another, shortest first, when no calendar time is known."""
    from matplotlib.collections import LineCollection

    ax = axes_or_new(ax)
    order = np.argsort(exit, kind="stable")
    y = np.arange(len(order))
    ends: Floats = np.column_stack([exit[order], y])
    lines = np.stack([np.column_stack([entry[order], y]), ends], axis=1)
    ax.add_collection(LineCollection(list(lines), colors="0.55", linewidths=0.6))
    flags = np.asarray(event)[order]
    ax.plot(*ends[flags].T, "o", color="black", markersize=2.5, label="left")
    if not flags.all():
        ax.plot(*ends[~flags].T, "o", markerfacecolor="white", color="black", markersize=2.5, label="not yet left")
    ax.autoscale_view()
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel("Spells, ordered by length")
    _close(ax, title)
    return ax


def _close(ax: Any, title: str) -> None:
    ax.set_title(title, loc="left", fontsize="small")
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    ax.spines[["top", "right"]].set_visible(False)
