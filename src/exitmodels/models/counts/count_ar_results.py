"""What a count autoregression answers: forecasts, and tests of interventions.

Third floor. The rest is in series_results.py. Read next: interventions.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.ingarch import Recursion
from exitmodels.kernels.ingarch_paths import expected_path, feasible_draws, simulate_paths
from exitmodels.models.counts.interventions import InterventionSearch, find_intervention, intervention_test
from exitmodels.models.counts.series_ahead import FutureRows
from exitmodels.models.counts.series_results import SeriesFit, SeriesResults
from exitmodels.results.hypothesis import HypothesisTest

__all__ = ["CountARResults"]

_SETS = 400


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CountARResults(SeriesResults):
    """A fitted count autoregression.

    Attributes
    ----------
    dispersion_by : {"", "pearson", "ml"}
        How alpha was found.
    past_observations, past_means : tuple of int

    Other attributes are those of `SeriesResults`.
    """

    dispersion_by: str
    past_observations: tuple[int, ...]
    past_means: tuple[int, ...]

    @property
    def persistence(self) -> float:
        """Sum of the coefficients of the lags: the share of a disturbance that is carried on in all."""
        return float(self.estimate[self.n_covariates :].sum())

    def intervention_test(
        self, at: Any, kind: str | float = "level", *, method: str = "score", external: bool = False
    ) -> HypothesisTest:
        """Test for an intervention at a known time; see `interventions.intervention_test`."""
        return intervention_test(self, at, kind, method=method, external=external)

    def find_intervention(
        self,
        kind: str | float = "level",
        *,
        candidates: Any = None,
        external: bool = False,
        draws: int = 499,
        rng: np.random.Generator | int | None = None,
    ) -> InterventionSearch:
        """Test for an intervention at an unknown time; see `interventions.find_intervention`."""
        return find_intervention(self, kind, candidates=candidates, external=external, draws=draws, rng=rng)

    def _paths(
        self, data: SeriesFit, rows: FutureRows, paths: int, parameters: bool, rng: np.random.Generator
    ) -> tuple[Floats, Floats, tuple[str, ...]]:
        past: Recursion = data.kernel
        n, h = len(past.y), len(rows.exposure)
        whole = replace(
            past,
            y=np.append(past.y, np.full(h, np.nan)),
            exposure=np.append(past.exposure, rows.exposure),
            design=np.vstack([past.design, rows.matrix]),
        )
        sets = min(paths, _SETS) if parameters else 1
        each = -(-paths // sets)
        thetas, share = np.tile(data.theta, (sets, 1)), 1.0
        alphas = np.full(sets, self.alpha)
        if parameters:
            thetas, share = feasible_draws(past, data.theta, self.covariance, sets, rng)
            if self.alpha > 0 and np.isfinite(self.log_alpha_se):
                alphas = self.alpha * np.exp(np.clip(self.log_alpha_se * rng.standard_normal(sets), -10, 10))
        drawn = simulate_paths(whole, n, thetas, alphas, rng, each)[:paths]
        ended = ~np.isfinite(drawn).all(axis=1)
        notes = []
        if share < 0.5:
            notes.append(f"only {100 * share:.0f} % of the drawn parameters lie inside the model's domain")
        if ended.any():
            notes.append(f"{int(ended.sum())} paths whose mean left the positive numbers were left out")
        if not parameters:
            notes.append("limits take the estimates as if they were known")
        return drawn[~ended], expected_path(whole, n, data.theta), tuple(notes)
