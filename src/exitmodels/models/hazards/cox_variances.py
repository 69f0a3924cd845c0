"""Other variances of a Cox fit: robust, clusters one or two ways, jackknife, bootstrap.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import scaled_rank, without_spread
from exitmodels.models.hazards.cox_fit import CoxFit
from exitmodels.models.hazards.cox_fitted import Fitted, cluster_codes, robust_score, two_ways
from exitmodels.models.hazards.cox_refit import bootstrap_draws, jackknife_covariance

__all__ = ["CoxVariances"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxVariances(CoxFit):
    """Covariances of the coefficients, without fitting again where that can be."""

    def with_vcov(
        self, kind: str, cluster: Any = None, n: int = 1000, rng: np.random.Generator | int | None = None
    ) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster", "jackknife", "bootstrap"}
            "robust" is the infinitesimal jackknife, "jackknife" refits without each row (or cluster) in
            turn, "bootstrap" on resampled rows; both by clusters when `cluster` is given.
        cluster : str, (n,) labels, or a pair of these, optional
            A column, or one label per row; by default (for "cluster") the clusters of the spells. A pair
            gives two-way clusters (Cameron, Gelbach & Miller 2011).
        n : int
            Bootstrap samples.
        rng : numpy Generator or seed
            For the bootstrap.
        """
        if kind == "model":
            return self._with_wald(self.model_covariance, kind)
        kinds = ("model", "robust", "cluster", "jackknife", "bootstrap")
        if kind not in kinds:
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {', '.join(kinds)}.")
        fitted = self._data("Another variance")
        pair = two_ways(cluster, len(fitted.rows))
        if pair is not None:
            first, second = (cluster_codes(fitted.rows, c) for c in pair)
            fitted = replace(fitted, cluster=first, second=second)
        elif cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, cluster), second=None)
        if kind in ("jackknife", "bootstrap"):
            return self._resampled(fitted, kind, pair is not None, None if cluster is None else fitted.cluster, n, rng)
        return self._with_wald(_robust(self, fitted, kind), kind, fitted=fitted)

    def _resampled(
        self,
        fitted: Fitted,
        kind: str,
        two: bool,
        cluster: Ints | None,
        n: int,
        rng: np.random.Generator | int | None,
    ) -> Self:
        """Covariance of the coefficients over samples, with a note on those that had no maximum."""
        if two or self.varying is not None:
            raise DataError(
                f"The {kind} does not go with {'two-way clusters' if two else 'effects that change with time'}.",
                code="vcov",
                hint='Use vcov="cluster".' if two else 'Use vcov="robust".',
            )
        at = self.estimate * self.scale
        kept = replace(fitted, resampled=cluster is not None)
        if kind == "jackknife":
            covariance = jackknife_covariance(fitted, at, cluster) / np.outer(self.scale, self.scale)
            return self._with_wald(covariance, kind, fitted=kept)
        draws = bootstrap_draws(fitted, at, cluster, n, np.random.default_rng(rng)) / self.scale
        known = draws[~np.isnan(draws).any(axis=1)]
        failed = n - len(known)
        note = (f"{failed} of {n} bootstrap samples had no maximum and were left out",) if failed else ()
        covariance = np.atleast_2d(np.cov(known, rowvar=False))
        return self._with_wald(covariance, kind, warnings=(*self.warnings, *note), fitted=kept)

    def _bootstrap_draws(
        self, units: Ints | None, n: int, rng: np.random.Generator, tick: Callable[[int], None]
    ) -> Floats | None:
        """Coefficients on n resamples, for `exitmodels.bootstrap`; None when each sample must be fitted in full."""
        if self.fitted is None or self.ties == "exact" or self.varying is not None or "penalty" in self.method:
            return None
        return bootstrap_draws(self.fitted, self.estimate * self.scale, units, n, rng, tick) / self.scale

    def _with_wald(self, covariance: Floats, kind: str, **changes: Any) -> Self:
        """Replace the covariance, and the Wald test that follows from it."""
        other = self.with_covariance(covariance, kind, **changes)
        if not len(self.estimate):
            return other
        tests = {name: test for name, test in self.tests.items() if name != "robust score"}
        warnings = other.warnings
        if kind in ("robust", "cluster"):
            tests["robust score"] = robust_score(other._data("A robust test"), kind)
        rank = scaled_rank(covariance)
        if rank == len(self.estimate):
            tests["Wald"] = other.wald_test()
        else:
            del tests["Wald"]
            note = f"the {kind} variance has rank {rank} for {len(self.estimate)} coefficients: no Wald test"
            warnings = (*warnings, note)
        return replace(other, tests=tests, warnings=warnings)


def _robust(result: CoxVariances, fitted: Fitted, kind: str) -> Floats:
    assert fitted.terms is not None
    assert fitted.at is not None
    middle = fitted.middle(kind, fitted.terms, fitted.at)
    if fitted.second is not None:
        size, turn = np.linalg.eigh(middle)
        middle = (turn * np.maximum(size, 0.0)) @ turn.T
    middle = middle * np.outer(result.scale, result.scale)
    return without_spread(result.model_covariance @ middle @ result.model_covariance, result.model_covariance)
