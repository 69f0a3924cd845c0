"""Likelihood ratio limits for the mean stay of a group seen through windows.

Third floor, in the room of truncation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.windowmean import MeanRatio, mean_ratio
from exitmodels.models.truncation.seen import Group

__all__ = ["MeanLimits"]


@dataclass(frozen=True, eq=False)
class MeanLimits:
    """What limits of the mean need of one group: its rows. Made by the models, used by `WindowCurve.means`."""

    group: Group

    def _ratio(self, weight: Floats, start: Floats | None = None, scaled: bool = True) -> MeanRatio | None:
        g = self.group
        square = None
        if scaled and (g.cluster is not None or not g.copies):
            square = weight if g.cluster is not None else weight**2
        return mean_ratio(g.slot, g.first, g.stop, weight, g.time, start, square, g.cluster)

    def limits(
        self, alpha: float, n_samples: int = 0, rng: np.random.Generator | int | None = None
    ) -> tuple[float, float, float]:
        """Limits of the mean, and the correction of the statistic.

        Parameters
        ----------
        n_samples : int
            Bootstrap samples for Bartlett's correction; 0: none.

        Returns
        -------
        low, high, correction : float
        """
        whole = self._ratio(self.group.weight)
        if whole is None:
            raise DataError(
                f"{self.group.label}: no unique estimate, so no likelihood ratio limits.",
                code="not-connected",
                hint='Use limits="log".',
            )
        correction = self._correction(whole, n_samples, np.random.default_rng(rng)) if n_samples else 1.0
        low, high = whole.limits(float(chdtri(1, alpha)) * correction)
        return low, high, correction

    def _correction(self, whole: MeanRatio, n_samples: int, rng: np.random.Generator) -> float:
        """Mean of the statistic, at the estimate, over bootstrap samples; never below 1, its mean under chi-squared."""
        g, found = self.group, []
        for _ in range(n_samples):
            drawn = self._ratio(_drawn(g, rng))
            value = np.inf if drawn is None else drawn.statistic(whole.mean)
            if np.isfinite(value):
                found.append(value)
        if len(found) < max(n_samples / 2, 2):
            raise DataError(
                f"{g.label}: only {len(found)} of {n_samples} bootstrap samples have a unique estimate.",
                code="bootstrap",
                hint='Use limits="likelihood-ratio".',
            )
        return max(float(np.mean(found)), 1.0)


def _drawn(group: Group, rng: np.random.Generator) -> Floats:
    """Weights of one bootstrap sample of rows, copies or clusters."""
    if group.cluster is not None:
        size = int(group.cluster.max()) + 1
        return group.weight * rng.multinomial(size, np.full(size, 1 / size))[group.cluster]
    if group.copies:
        total = round(float(group.weight.sum()))
        return rng.multinomial(total, group.weight / group.weight.sum()).astype(np.float64)
    n = len(group.weight)
    return group.weight * rng.multinomial(n, np.full(n, 1 / n))
