"""Incidences of several causes on top of one another, one panel for each group.

Second floor; the work behind ``Curve.plot(stacked=True)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exitmodels.errors import DataError
from exitmodels.render.text import number
from exitmodels.results.piece import Piece

if TYPE_CHECKING:
    from exitmodels.results.curve import Curve

__all__ = ["draw_stacked"]


def draw_stacked(curve: Curve, ax: Any) -> Any:
    """One panel for each group; the causes on top of one another."""
    from exitmodels.render import axes

    if curve.kind != "incidence":
        raise DataError(
            f"This is a curve of {curve.kind}.", code="stack", hint="Only incidences of several causes are stacked."
        )
    panels: dict[str, list[Piece]] = {}
    for piece in curve.pieces:
        name = ", ".join(f"{key}={value}" for key, value in piece.keys.items() if key != "cause")
        panels.setdefault(name, []).append(piece)
    if ax is not None and len(panels) > 1:
        raise DataError(
            f"{len(panels)} groups need a panel each, and one ax was given.",
            code="stack",
            hint=f"Leave ax out, or pick one group: cif[{next(iter(panels))!r}].",
        )
    places = axes.panels(len(panels)) if len(panels) > 1 else [ax]
    drawn: list[Any] = []
    for place, (name, pieces) in zip(places, panels.items(), strict=True):
        last = len(drawn) == len(panels) - 1
        counted = all(len(p.events) for p in pieces)
        names = [str(p.keys.get("cause", p.label)) for p in pieces]
        labels = [f"{n} ({curve._total(p)})" if counted else n for n, p in zip(names, pieces, strict=True)]
        layers = [(label, p.time, p.estimate) for label, p in zip(labels, pieces, strict=True)]
        if len(panels) > 1:
            total = number(float(sum(p.events.sum() for p in pieces)))
            name = f"{name}\n{total} exits of {number(float(pieces[0].n))}" if counted else name
            layers = [(n, p.time, p.estimate) for n, p in zip(names, pieces, strict=True)]
        drawn.append(axes.stacked(place, layers, curve.unit, counted and len(panels) == 1, name, legend=last))
    return drawn if len(drawn) > 1 else drawn[0]
