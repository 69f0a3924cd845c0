"""What counts as the same answer. Nothing is timed before a peer has passed here.

Every quantity has its own scale: curves are compared absolutely, standard errors relatively,
coefficients in standard errors, and bootstrap draws against their Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.data import Array
from benchmarks.tasks import Numbers

__all__ = ["TOLERANCE", "Agreement", "compare"]

TOLERANCE: Mapping[str, float] = {
    "survival": 1e-9,  # absolute
    "incidence": 1e-9,  # absolute
    "se": 1e-6,  # relative
    "se_aalen": 1e-6,  # relative
    "statistic": 1e-8,  # relative
    "concordance": 1e-9,  # relative
    "coef": 1e-3,  # standard errors
    "coef_se": 1e-4,  # relative
    "model_se": 1e-4,  # relative
    "loglik": 5e-5,  # relative; others stop before the maximum, or sum hazards where we multiply
    "draws": 5.0,  # Monte Carlo standard errors, of the mean and of the standard deviation
}


@dataclass(frozen=True)
class Agreement:
    """The largest difference found, as a multiple of what is tolerated."""

    quantity: str
    difference: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the answers are the same (a missing number is a difference)."""
        return bool(self.difference <= self.tolerance)

    def __str__(self) -> str:
        return f"{self.quantity} differs by {self.difference:.2g} (tolerated {self.tolerance:.0e})"


def compare(ours: Numbers, theirs: Numbers) -> Agreement:
    """Compare every quantity that both report; return the worst.

    Raises
    ------
    ValueError
        If there is nothing to compare.
    """
    shared = [name for name in theirs if name in ours]
    if not shared:
        raise ValueError(f"Nothing to compare: ours {sorted(ours)}, theirs {sorted(theirs)}.")
    found = [Agreement(name, _difference(name, ours, theirs[name]), TOLERANCE[name]) for name in shared]
    return max(found, key=lambda a: np.inf if np.isnan(a.difference) else a.difference / a.tolerance)


def _difference(name: str, ours: Numbers, theirs: Array) -> float:
    here, there = np.asarray(ours[name], dtype=float), np.asarray(theirs, dtype=float)
    if name == "draws":
        return _monte_carlo(here, there)
    if here.shape != there.shape:
        return float("nan")
    gap = np.abs(here - there)
    if name == "coef":
        gap = gap / ours["coef_se"]
    elif name not in ("survival", "incidence"):
        gap = gap / np.maximum(np.abs(here), 1e-300)
    return float(gap.max())


def _monte_carlo(here: Array, there: Array) -> float:
    """Two sets of draws: the larger z of the difference in means and in log standard deviations."""
    spread = np.sqrt(here.var() / len(here) + there.var() / len(there))
    mean = abs(here.mean() - there.mean()) / max(float(spread), 1e-300)
    scale = abs(np.log(here.std() / there.std())) / np.sqrt(0.5 / len(here) + 0.5 / len(there))
    return float(max(mean, scale))
