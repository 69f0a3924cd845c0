"""What a penalty was, in the words of the model that had it.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from exitmodels.render.text import number
from exitmodels.shapes.smooth import Smooth

__all__ = ["Penalty"]


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """What was added to the log partial likelihood.

    Attributes
    ----------
    kind : {"", "ridge", "lasso", "elasticnet"}
        Empty when only smooth terms are penalised.
    strength, mix, convention, standardised, factors
        As the model had them.
    smooths : tuple of Smooth
    smooth_strengths : tuple of float
        Given or found, one for each smooth term.
    """

    kind: str
    strength: float | None
    mix: float | None
    convention: str
    standardised: bool
    factors: tuple[float, ...]
    smooths: tuple[Smooth, ...] = ()
    smooth_strengths: tuple[float, ...] = ()

    def with_strengths(self, strengths: tuple[float, ...]) -> Penalty:
        """Return the same penalty with the strengths of its smooth terms."""
        return replace(self, smooth_strengths=strengths)

    def __str__(self) -> str:
        parts = []
        if self.kind:
            mix = f" (mix {self.mix:g})" if self.kind == "elasticnet" else ""
            name = {"elasticnet": "elastic-net"}.get(self.kind, self.kind)
            parts.append(f"{name}{mix} penalty {number(self.strength)}, {self.convention} scale")
        if self.smooths:
            parts.append("splines with a penalty")
        return " and ".join(parts)
