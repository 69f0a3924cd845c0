"""The curve of one group seen through intervals: where it holds mass, what else fits, and its limits.

Third floor, in the room of curves. Read next: turnbull_curve.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.innermost import Ends
from exitmodels.kernels.turnbull_limits import Profile, Steps, draw_steps
from exitmodels.results.piece import Piece

__all__ = ["IntervalPiece", "Sampler"]


@dataclass(frozen=True, eq=False)
class Sampler:
    """What a bootstrap needs: rows, weights, and what is drawn."""

    ends: Ends
    weight: Floats
    copies: bool
    cluster: Ints | None

    def draw(self, n_samples: int, rng: np.random.Generator) -> Steps:
        """Curves of `n_samples` samples."""
        return draw_steps(self.ends, self.weight, n_samples, rng, self.copies, self.cluster)


@dataclass(frozen=True, eq=False, kw_only=True)
class IntervalPiece(Piece):
    """The curve of one group.

    Attributes
    ----------
    left, right, mass : (m,)
        Innermost intervals (left, right] that hold mass; a single time where both are equal. The last may be
        open to the right.
    gap : float
        Largest breach of the conditions of a maximum; the estimate is self-consistent to within `drift`.
    drift : float
    flat : int
        Directions in which the likelihood does not change (0: the masses are unique).
    llf : float
        Log-likelihood.
    samples : Steps, optional
        Bootstrap curves.
    profile, sampler
        Functions of the data behind the limits; not saved.
    kept : pair of (k,), optional
        95 % limits at the times of the piece, as saved.
    """

    left: Floats
    right: Floats
    mass: Floats
    gap: float
    drift: float
    flat: int
    llf: float
    samples: Steps | None = None
    kept: tuple[Floats, Floats] | None = None
    profile: Profile | None = field(default=None, metadata={"stored": False})
    sampler: Sampler | None = field(default=None, metadata={"stored": False})

    @property
    def above(self) -> Floats:
        """Survival before each interval with mass."""
        return 1.0 - np.concatenate([[0.0], np.cumsum(self.mass)[:-1]])

    @property
    def below(self) -> Floats:
        """Survival after each interval with mass."""
        below = 1.0 - np.cumsum(self.mass)
        return np.where(below < 1e-12, 0.0, below)

    def bounds(self, times: Floats) -> tuple[Floats, Floats]:
        """Least and most survival at each time among all curves that maximise the likelihood."""
        point = self.left == self.right
        begun = np.searchsorted(np.where(point, np.nextafter(self.left, -np.inf), self.left), times, side="left")
        done = np.searchsorted(self.right, times, side="right")
        steps = np.concatenate([[1.0], self.below])
        return steps[begun], steps[done]

    def limits(self, times: Floats, alpha: float) -> tuple[Floats, Floats]:
        """Pointwise limits of survival at each time."""
        if self.samples is not None:
            draws = np.stack([self.samples.at(float(t)) for t in times]) if len(times) else np.zeros((0, 1))
            low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2], axis=1)
            return low, high
        if self.profile is None:
            return self._saved(times, alpha)
        least, most = self.bounds(times)
        quantile = float(stats.chi2.ppf(1 - alpha, 1))
        profile, known = self.profile, zip(times, least, most, strict=True)
        found = [profile.limits(float(t), float(a), float(b), quantile) for t, a, b in known]
        return np.array([low for low, _ in found]), np.array([high for _, high in found])

    def _saved(self, times: Floats, alpha: float) -> tuple[Floats, Floats]:
        places = np.searchsorted(self.time, times)
        known = self.kept is not None and alpha == 0.05 and bool(np.isin(times, self.time).all())
        if not known or self.kept is None:
            raise DataError(
                "Likelihood ratio limits at other times or levels need the data, which a saved curve does not hold.",
                code="no-data",
                hint="Ask the fitted curve before saving it, or read the 95 % limits at its own times.",
            )
        return self.kept[0][places], self.kept[1][places]

    def quantile_limits(self, level: float, alpha: float) -> tuple[float, float]:
        """Times at which survival may have the value `level`: those the pointwise limits do not rule out."""
        if self.samples is not None:
            times = self.samples.crossing(level)
            low, high = np.quantile(times, [alpha / 2, 1 - alpha / 2], method="inverted_cdf")
            return float(low), float(high) if np.isfinite(high) else np.nan
        if self.profile is None:
            return np.nan, np.nan
        grid, profile = self.profile.ends.levels, self.profile
        quantile = float(stats.chi2.ppf(1 - alpha, 1))

        def ruled_out(i: int, early: bool) -> bool:
            least, most = self.bounds(grid[i : i + 1])
            outside = float(least[0]) > level if early else float(most[0]) < level
            return outside and profile.statistic(float(grid[i]), level) > quantile

        first = _first(len(grid), lambda i: not ruled_out(i, True))
        last = _first(len(grid), lambda i: ruled_out(i, False))
        early = float(grid[first]) if first < len(grid) else np.nan
        return early, float(grid[last]) if last < len(grid) else np.nan


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """First of 0 .. n - 1 for which `holds` is true (false before, true from then on); n when none."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
