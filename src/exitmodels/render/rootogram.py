"""The hanging rootogram: observed frequencies hang from the expected curve, on the scale of square roots.

Ground floor: arrays in, axes out. Source: Tukey (1977); Kleiber and Zeileis (2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["hanging"]


def hanging(ax: Any, observed: Floats, expected: Floats, title: str = "") -> Any:
    """Draw frequencies of 0, 1, 2, ...

    Parameters
    ----------
    observed, expected : (m,)
        Numbers of cells with each count.
    """
    ax = axes_or_new(ax, (6.4, 4.0))
    count = np.arange(len(observed))
    top, height = np.sqrt(expected), np.sqrt(observed)
    ax.bar(count, height, 0.85, bottom=top - height, color="0.82", edgecolor="0.35", linewidth=0.6, label="observed")
    ax.plot(count, top, "o-", color="black", markersize=3.5, linewidth=1.2, label="expected")
    ax.axhline(0.0, color="black", linewidth=0.9)
    low = float(np.min(top - height, initial=0.0))
    ax.set_ylim(1.1 * low - 0.05, 1.08 * float(np.max(top)))
    ax.set_xlabel("records per cell")
    ax.set_ylabel("square root of the number of cells")
    if title:
        ax.set_title(title, loc="left", fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small")
    return ax
