"""Figures of curves seen through intervals: lines where the curve is known, boxes where it is not.

Ground floor: arrays in, axes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.render.axes import _COLOURS, _DASHES, axes_or_new, time_label

__all__ = ["Boxed", "boxed_curves"]


@dataclass(frozen=True)
class Boxed:
    """One curve to draw: it falls from `above` to `below` somewhere in each (left, right]."""

    label: str
    left: Floats
    right: Floats
    above: Floats
    below: Floats
    at: Floats
    low: Floats
    high: Floats


def boxed_curves(ax: Any, curves: Sequence[Boxed], unit: str, end: float) -> Any:
    """Draw survival curves; a box is where any falling curve fits the data equally well.

    Parameters
    ----------
    end : float
        Last finite time; open boxes are drawn to a little beyond it.
    """
    ax = axes_or_new(ax)
    edge = end * 1.05
    for i, curve in enumerate(curves):
        colour, dash = _COLOURS[i % len(_COLOURS)], _DASHES[i % len(_DASHES)]
        right = np.minimum(curve.right, edge)
        for left, stop, above, below in zip(curve.left, right, curve.above, curve.below, strict=True):
            if stop > left:
                box = ([left, stop], [below, below], [above, above])
                ax.fill_between(*box, color=colour, alpha=0.30, linewidth=0.0)
        time, value = _known(curve, right, edge)
        ax.plot(time, value, color=colour, linestyle=dash, linewidth=1.6, label=curve.label)
        if len(curve.at):
            ax.fill_between(curve.at, curve.low, curve.high, step="post", color=colour, alpha=0.12, linewidth=0)
            for side in (curve.low, curve.high):
                ax.step(curve.at, side, where="post", color=colour, linestyle=dash, linewidth=0.5)
    ax.set_xlabel(time_label(unit))
    ax.set_ylabel("Share not yet left")
    ax.set_xlim(0, edge)
    ax.set_ylim(0, 1.02)
    ax.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        ax.legend(frameon=False, fontsize="small")
    return ax


def _known(curve: Boxed, right: Floats, edge: float) -> tuple[Floats, Floats]:
    """Corners of the flat pieces, with a gap (NaN) inside each box and a plain step at exact times."""
    time, value = [0.0], [1.0]
    for left, stop, above, below in zip(curve.left, right, curve.above, curve.below, strict=True):
        gap = [] if stop <= left else [(left, np.nan)]
        for t, v in [(left, above), *gap, (stop, below)]:
            time.append(t)
            value.append(v)
    if not len(curve.right) or np.isfinite(curve.right[-1]):
        time.append(edge)
        value.append(value[-1])
    return np.asarray(time), np.asarray(value)
