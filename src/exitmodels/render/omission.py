"""The likelihood ratio of an omission against the base rate, on a log axis.

Ground floor: takes arrays, gives axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import axes_or_new

__all__ = ["ratios"]


def ratios(
    ax: Any,
    rates: Floats,
    curves: Sequence[tuple[str, Floats]],
    mark: tuple[float, float, float, float],
    wanted: float,
) -> Any:
    """Draw ratios along the base rate.

    Parameters
    ----------
    ax : matplotlib Axes or None
    rates : (m,)
    curves : sequence of name and (m,) ratios
    mark : base rate asked about, its ratio, low and high (NaN: none)
    wanted : ratio marked by a line
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ax = axes_or_new(ax, (6.4, 4.0))
    dashes = ("-", "--", ":")
    for i, (name, values) in enumerate(curves):
        ax.plot(rates, values, dashes[i % 3], color="black", linewidth=1.5, label=name)
    ax.axhline(wanted, color="0.4", linewidth=0.9, linestyle=":")
    ax.annotate(f"ratio {wanted:g}", (0.0, wanted), (2, 2), textcoords="offset points", fontsize="small")
    rate, ratio, low, high = mark
    top = 10 * wanted
    if np.isfinite([low, high]).all():
        ax.plot([rate, rate], [low, min(high, top)], color="0.45", linewidth=3.0, solid_capstyle="butt")
    ax.plot(rate, min(ratio, top), "o", color="black", markersize=6)
    ax.annotate(f"here: {ratio:.3g}", (rate, min(ratio, top)), (7, -11), textcoords="offset points", fontsize="small")
    ax.set_yscale("log")
    steps = [v for v in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if v <= top]
    ax.yaxis.set_major_locator(FixedLocator(steps))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.set_ylim(min(0.9, 0.9 * min(float(values.min()) for _, values in curves)), top)
    ax.set_xlim(0, 1)
    ax.set_xlabel("Base rate: chance that such an item appears when nothing is held back")
    ax.set_ylabel("Likelihood ratio of the omission (log)")
    ax.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0.0, 0.9))
    return ax
