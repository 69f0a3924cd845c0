"""The picture of an interrupted series: counts, what was fitted, and what would have been.

Ground floor: takes arrays, gives axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["interruption"]

_WORDS = {"D": "day", "W": "week", "MS": "month", "QS": "quarter", "YS": "year", "HM": "Hijri month"}


def interruption(
    ax: Any,
    *,
    start: AnyArray,
    end: AnyArray,
    n: Floats,
    partial: Bools,
    fitted: Floats,
    counterfactual: Floats,
    low: Floats,
    high: Floats,
    touched: Bools,
    at: Sequence[str],
    freq: str,
    level: str,
) -> Any:
    """Draw bars of counts (hatched where a period is cut), the fit, and the counterfactual with its limits.

    Parameters
    ----------
    start, end : (n,) datetime64[D]
    n, fitted, counterfactual, low, high : (n,)
        Records in each period.
    partial, touched : (n,) bool
        Periods cut by the window; periods that an effect reaches.
    at : dates
    freq, level : str
    """
    import matplotlib.dates as mdates
    from matplotlib.patches import Patch

    ax = axes_or_new(ax, (7.4, 4.2))
    left, right = mdates.date2num(start), mdates.date2num(end)
    bars = ax.bar(left, n, right - left, align="edge", color="0.9", edgecolor="0.6", linewidth=0.5)
    for bar, cut in zip(bars, partial, strict=True):
        bar.set_hatch("////" if cut else "")
    ax.plot(*_stairs(left, right, fitted), "-", color="black", linewidth=1.8, label="fitted")
    bands = [_stairs(left[touched], right[touched], edge[touched]) for edge in (low, high)]
    ax.fill_between(bands[0][0], bands[0][1], bands[1][1], color="0.35", alpha=0.22, linewidth=0)
    for band in bands:
        ax.plot(*band, ":", color="black", linewidth=0.9)
    label = f"without the effect, {level}% limits"
    stairs = _stairs(left[touched], right[touched], counterfactual[touched])
    ax.plot(*stairs, "--", color="black", linewidth=1.6, label=label)
    for date in at:
        ax.axvline(mdates.date2num(np.datetime64(date)), color="black", linewidth=1, linestyle=(0, (1, 2)))
        ax.annotate(date, (mdates.date2num(np.datetime64(date)), 1.0), (0, 2), xycoords=ax.get_xaxis_transform(),
                    textcoords="offset points", ha="center", va="bottom", fontsize="x-small")  # fmt: skip
    handles = [*ax.get_legend_handles_labels()[0], Patch(facecolor="0.9", edgecolor="0.6", label="records")]
    if partial.any():
        handles.append(Patch(facecolor="0.9", edgecolor="0.6", hatch="////", label="partial period"))
    per = _WORDS.get(freq.split("-")[0], "period")
    ax.xaxis.set_major_locator(mdates.AutoDateLocator(maxticks=7))
    ax.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
    ax.set_xlim(left[0], right[-1])
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"date ({per}s)" + (", partial periods hatched" if partial.any() else ""))
    ax.set_ylabel(f"records per {per}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(handles=handles, frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=4)
    return ax


def _stairs(left: Floats, right: Floats, value: Floats) -> tuple[Floats, Floats]:
    """One level step for each period, broken where periods are missing."""
    x, y = np.column_stack([left, right, right]), np.column_stack([value, value, value])
    y[:, 2] = np.where(np.append(left[1:] > right[:-1], False), np.nan, value)
    return x.ravel(), y.ravel()
