"""Figures: arrays in, axes out. Readable in black and white; units on the axes.

Ground floor. matplotlib is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats

__all__ = [
    "UNIT_NAMES",
    "Line",
    "axes_or_new",
    "coefficients",
    "curves",
    "note_above",
    "panels",
    "risk_table",
    "scatter_trend",
    "stacked",
]

UNIT_NAMES = {"D": "days", "W": "weeks", "h": "hours", "min": "minutes", "s": "seconds", "Y": "years", "M": "months"}
_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
_COLOURS = ("#1b4965", "#c8553d", "#588157", "#8e6c8a", "#bc8a2f", "#444444")
_HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++", "ooo", "---", "|||", "***", "//", "xx")


@dataclass(frozen=True)
class Line:
    """One curve to draw."""

    label: str
    time: Floats
    value: Floats
    low: Floats
    high: Floats
    censored: Floats
    total: str = ""
    band: tuple[Floats, Floats, Floats] | None = None


def axes_or_new(ax: Any, size: tuple[float, float] = (6.4, 4.4)) -> Any:
    """Return `ax`, or the axes of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, made = plt.subplots(figsize=size, layout="constrained")
    return made


def _tidy(ax: Any) -> None:
    ax.spines[["top", "right"]].set_visible(False)


def time_label(unit: str) -> str:
    """Name the time axis."""
    return f"Time ({UNIT_NAMES.get(unit, unit)})"


def curves(ax: Any, lines: Sequence[Line], start: float, kind: str, unit: str, limits: bool) -> Any:
    """Draw step curves with shaded limits, bands (time, low, high) in outline, and ticks at censorings."""
    ax = axes_or_new(ax)
    ticks = sum(int(np.count_nonzero(line.censored)) for line in lines) <= 300
    for i, line in enumerate(lines):
        colour, dash = _COLOURS[i % len(_COLOURS)], _DASHES[i % len(_DASHES)]
        time = np.concatenate([[0.0], line.time])
        value = np.concatenate([[start], line.value])
        label = f"{line.label} ({line.total})" if line.total else line.label
        ax.step(time, value, where="post", color=colour, linestyle=dash, linewidth=1.6, label=label)
        if limits:
            known = np.concatenate([[True], np.isfinite(line.low) & np.isfinite(line.high)])
            low, high = np.concatenate([[start], line.low]), np.concatenate([[start], line.high])
            ax.fill_between(time, low, high, where=known, step="post", color=colour, alpha=0.15, linewidth=0)
            for edge in (low, high):
                ax.step(time, np.where(known, edge, np.nan), where="post", color=colour, linestyle=dash, linewidth=0.5)
        if line.band is not None:
            _draw_band(ax, line.band, colour, dash)
        if ticks and len(line.censored):
            at = line.censored > 0
            ax.plot(line.time[at], line.value[at], "|", color=colour, markersize=5, markeredgewidth=0.8)
    _name_axes(ax, kind, unit)
    if len(lines) > 1 or lines[0].total:
        _legend(ax, "(exits of people)" if lines[0].total else None, 5 if kind == "survival" else 3)
    return ax


def _draw_band(ax: Any, band: tuple[Floats, Floats, Floats], colour: str, dash: Any) -> None:
    """Simultaneous limits: a faint fill that is seen where pointwise limits end, and an outline of its own."""
    time, low, high = band
    known = np.isfinite(low) & np.isfinite(high)
    ax.fill_between(time, low, high, where=known, step="post", color=colour, alpha=0.08, linewidth=0)
    for edge in (low, high):
        ax.step(time, np.where(known, edge, np.nan), where="post", color=colour, linestyle=dash, linewidth=0.9)


def note_above(ax: Any, text: str) -> None:
    """Say in small letters above the axes what is drawn; at the right, beside a legend that may stand there."""
    ax.set_title(text, loc="right", fontsize="x-small")


def _legend(ax: Any, title: str | None, inside: int) -> None:
    """Inside the axes for a few lines; above them for more, where no curve can run through it."""
    labels = ax.get_legend_handles_labels()[1]
    place: dict[str, Any] = {}
    if len(labels) > inside:
        columns = 1 if max(len(label) for label in labels) > 36 else 2
        place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": columns}
    ax.legend(frameon=False, fontsize="small", title=title, title_fontsize="x-small", **place)


def _name_axes(ax: Any, kind: str, unit: str) -> None:
    names = {
        "survival": "Share not yet left",
        "cumulative hazard": "Cumulative hazard",
        "incidence": "Cumulative incidence",
    }
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel(names[kind])
    ax.set_xlim(left=0)
    if kind == "survival":
        ax.set_ylim(0, 1.02)
    else:
        ax.set_ylim(bottom=0)
    _tidy(ax)


def risk_table(
    ax: Any, groups: Mapping[str, Callable[[AnyArray], Mapping[str, Floats]]], times: Sequence[float] | None
) -> None:
    """Print the numbers at risk, and exits so far in brackets, under the time axis."""
    ticks = np.asarray(times if times is not None else [t for t in ax.get_xticks() if t >= 0], dtype=float)
    left, right = ax.get_xlim()
    ticks = ticks[(ticks >= left) & (ticks <= right)]
    shown = [(name, count(ticks)) for name, count in groups.items()]
    cells = [(name, [f"{n:g} ({d:g})" for n, d in zip(c["at_risk"], c["events"], strict=True)]) for name, c in shown]
    step = _every(ax, ticks, max((len(text) for _, texts in cells for text in texts), default=0))
    ticks, cells = ticks[::step], [(name, texts[::step]) for name, texts in cells]
    ax.set_xticks(ticks)
    ax.set_xlim(left, right)
    half = 2.6 * max((len(texts[0]) for _, texts in cells if texts), default=0)
    _below(ax, left, -46.0, "At risk (exits so far)", "left")
    for row, (name, texts) in enumerate(cells, start=1):
        down = -46.0 - 14.0 * row
        _below(ax, left, down, name, "right", -half - 8.0)
        for t, text in zip(ticks, texts, strict=True):
            _below(ax, t, down, text, "center")


def _every(ax: Any, ticks: Floats, letters: int) -> int:
    """Keep every so many columns, that they do not run into one another (about 4.6 points for a letter)."""
    if len(ticks) < 2:
        return 1
    left, right = ax.get_xlim()
    room = ax.get_window_extent().width * 72 / ax.figure.dpi * float(np.diff(ticks).min()) / (right - left)
    return max(int(np.ceil((4.6 * letters + 5.0) / max(room, 1e-9))), 1)


def _below(ax: Any, x: float, down: float, text: str, align: str, right: float = 0.0) -> None:
    """Write under the time axis, `down` points below it, whatever the height of the figure."""
    where = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(text, (x, 0.0), (right, down), fontsize="small", va="center", ha=align, **where)


def panels(n: int) -> list[Any]:
    """Return n axes side by side (three in a row), sharing their scales."""
    import matplotlib.pyplot as plt

    columns = n if n < 4 else 2 if n == 4 else 3
    rows = -(-n // columns)
    size = (2.9 * columns + 2.2, 3.2 * rows + 0.3)
    _, grid = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False)
    places = list(grid.ravel()[:n])
    for spare in grid.ravel()[n:]:
        spare.set_visible(False)
    for i, place in enumerate(places):
        place.tick_params(labelbottom=i + columns >= n)
    return places


def stacked(
    ax: Any,
    layers: Sequence[tuple[str, Floats, Floats]],
    unit: str,
    counted: bool = False,
    title: str = "",
    legend: bool = True,
) -> Any:
    """Draw incidences on top of one another; the white above is the share not yet left."""
    ax = axes_or_new(ax, (7.6, 4.4))
    base = np.zeros(len(layers[0][1]) + 1)
    time = np.concatenate([[0.0], layers[0][1]])
    for i, (label, _, value) in enumerate(layers):
        top = base + np.concatenate([[0.0], value])
        hatch = _HATCHES[i % len(_HATCHES)]
        colour = _COLOURS[i % len(_COLOURS)]
        ax.fill_between(
            time,
            base,
            top,
            step="post",
            facecolor=colour,
            alpha=0.45,
            hatch=hatch,
            edgecolor="0.25",
            linewidth=0.4,
            label=label,
        )
        base = top
    ax.set_ylim(0, 1)
    ax.set_xlim(left=0)
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel("Share that has left, by cause")
    _tidy(ax)
    if title:
        ax.set_title(title, fontsize="small")
    if not legend:
        return ax
    handles, labels = ax.get_legend_handles_labels()
    if title:
        place = {"loc": "outside right center", "frameon": False, "fontsize": "small"}
        ax.figure.legend(handles[::-1], labels[::-1], **place)
        return ax
    ax.legend(
        handles[::-1],
        labels[::-1],
        frameon=False,
        fontsize="small",
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        title="(exits of people)" if counted else None,
        title_fontsize="x-small",
    )
    return ax


def coefficients(ax: Any, names: Sequence[str], ratios: Floats, label: str, level: str = "95") -> Any:
    """Draw ratios with limits on a log axis."""
    ax = axes_or_new(ax, (6.0, 0.8 + 0.42 * max(len(names), 2)))
    y = np.arange(len(names))[::-1]
    errors = np.abs(ratios[:, 1:].T - ratios[:, 0])
    ax.errorbar(ratios[:, 0], y, xerr=errors, fmt="s", color="black", markersize=4, capsize=2.5, linewidth=1)
    ax.axvline(1.0, color="0.5", linewidth=0.8, linestyle="--")
    ax.set_xscale("log")
    _plain_log_ticks(ax, ratios)
    ax.set_yticks(y, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlabel(f"{label} with {level}% limits (log scale)")
    for place, row in zip(y, ratios, strict=True):
        text = "{} ({}, {})".format(*(f"{v:.2f}" if 0.095 <= abs(v) < 1000 else f"{v:.2g}" for v in row))
        where = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(text, (1.0, place), (6, 0), fontsize="small", va="center", **where)
    _tidy(ax)
    return ax


def _plain_log_ticks(ax: Any, ratios: Floats) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    finite = ratios[np.isfinite(ratios) & (ratios > 0)]
    low, high = float(finite.min()), float(finite.max())
    steps = (1, 1.5, 2, 3, 5, 7) if high / low < 20 else (1, 2, 5) if high / low < 500 else (1,)
    nice = [m * 10.0**e for e in range(-6, 7) for m in steps]
    inside = [t for t in nice if low / 2 <= t <= high * 2]
    ax.xaxis.set_major_locator(FixedLocator(inside or [1.0]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def scatter_trend(ax: Any, time: AnyArray, values: AnyArray, level: float, label: str, unit: str) -> Any:
    """Draw points over time with the mean of neighbouring points, and a dashed line at a constant level."""
    ax = axes_or_new(ax)
    order = np.argsort(time, kind="stable")
    t, v = np.asarray(time)[order], np.asarray(values)[order]
    ax.plot(t, v, "o", color="0.45", markersize=3, markerfacecolor="none")
    width = max(len(t) // 5, 3)
    total = np.cumsum(np.concatenate([[0.0], v]))
    low = np.clip(np.arange(len(t)) - width // 2, 0, max(len(t) - width, 0))
    high = np.minimum(low + width, len(t))
    mean = (total[high] - total[low]) / (high - low)
    ax.plot(t, mean, "-", color="black", linewidth=1.8, label=f"mean of {width} neighbours")
    ax.axhline(level, color="black", linewidth=1, linestyle="--", label="constant effect of the fit")
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel("Scaled Schoenfeld residual + coefficient")
    ax.set_title(label, loc="left", fontsize="small")
    ax.legend(frameon=False, fontsize="small")
    _tidy(ax)
    return ax
