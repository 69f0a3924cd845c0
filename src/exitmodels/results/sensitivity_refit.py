"""One level of one variation of a sensitivity analysis, as it was refitted.

Second floor.
"""

from __future__ import annotations

from dataclasses import dataclass

from exitmodels.arrays import Floats

__all__ = ["Refit", "failures", "side_of"]


@dataclass(frozen=True, kw_only=True)
class Refit:
    """One level of one variation.

    Attributes
    ----------
    variation, level : str
    value : float
        Place of the level on an axis; NaN when it has none.
    estimate, low, high : float
        NaN when no refit succeeded.
    spread : float
        Standard deviation of the estimate over draws; NaN when nothing was drawn.
    rows, set_aside : float
        Rows used, and rows set aside by the change (means over draws).
    draws, failed : int
    why : str
        Why the first refit that failed did.
    """

    variation: str
    level: str
    value: float
    estimate: float
    low: float
    high: float
    spread: float
    rows: float
    set_aside: float
    draws: int
    failed: int
    why: str

    @property
    def title(self) -> str:
        """Variation and level in words."""
        return f"{self.variation} {self.level}".strip()


def side_of(numbers: Floats, null: float) -> int:
    """1 when the limits lie above `null`, -1 below, 0 when they hold it or do not exist."""
    return 1 if numbers[1] > null else -1 if numbers[2] < null else 0


def failures(refit: Refit) -> str:
    """How many refits failed, in words; nothing when none did."""
    if not refit.failed:
        return ""
    return f"{refit.failed} of {refit.draws}" if refit.draws > 1 else "yes"
