"""An effect fitted at each of several delays, lengths or rates: which of them the series allows.

Third floor. Made by interrupted_checks.profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Bools, Floats
from exitmodels.render.text import Block, Summary
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored

__all__ = ["EffectProfile"]


@dataclass(frozen=True, eq=False, kw_only=True)
class EffectProfile(Stored):
    """Deviance of the fit at each value of one number.

    Attributes
    ----------
    parameter : {"delay", "length", "rate"}
    value, deviance : (k,)
    coefficient, se : (k,)
        First effect, and its error under the family alone.
    cut : float
        Rise of the deviance above its least that the chosen limits still allow, at the 95 % level.
    vcov : str
    method : str
    sources : tuple of str
    """

    parameter: str
    value: Floats
    deviance: Floats
    coefficient: Floats
    se: Floats
    cut: float
    vcov: str
    method: str
    sources: tuple[str, ...] = ()

    @property
    def best(self) -> float:
        """Value with the least deviance."""
        return float(self.value[int(np.argmin(self.deviance))])

    @property
    def inside(self) -> Bools:
        """Whether each value is in the 95 % confidence set."""
        return np.asarray(self.deviance - self.deviance.min() <= self.cut)

    @property
    def confidence_set(self) -> tuple[float, ...]:
        """Values that the series does not rule out, of those tried."""
        return tuple(float(v) for v in self.value[self.inside])

    def to_frame(self) -> Any:
        """One row per value tried: deviance, coefficient, se, inside."""
        import pandas as pd

        names = ("deviance", "coefficient", "se", "inside")
        index = pd.Index(self.value, name=self.parameter)
        return pd.DataFrame({name: getattr(self, name) for name in names}, index=index)

    def summary(self) -> Summary:
        """Return the printed form."""
        rows = tuple(
            (f"{v:g}", d, c, "yes" if ok else "no")
            for v, d, c, ok in zip(self.value, self.deviance, self.coefficient, self.inside, strict=True)
        )
        facts = (("best", self.best), ("allowed rise of the deviance", self.cut), ("variance", self.vcov))
        return Summary(self.method, facts, (Block((self.parameter, "deviance", "effect", "in 95 % set"), rows),))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def plot(self, ax: Any = None) -> Any:
        """Draw the deviance over the values tried, with the height that limits the confidence set."""
        from exitmodels.render.axes import axes_or_new

        ax = axes_or_new(ax)
        ax.plot(self.value, self.deviance, "-", color="0.5", linewidth=1)
        ax.plot(self.value[self.inside], self.deviance[self.inside], "o", color="black", label="in the 95 % set")
        out = ~self.inside
        ax.plot(self.value[out], self.deviance[out], "o", color="black", markerfacecolor="white", label="ruled out")
        ax.axhline(self.deviance.min() + self.cut, color="black", linestyle="--", linewidth=0.8)
        words = {"delay": "Delay (periods)", "length": "Length of the ramp (periods)", "rate": "Rate"}
        ax.set_xlabel(words[self.parameter])
        ax.set_ylabel("Deviance")
        ax.legend(frameon=False, fontsize="small")
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
