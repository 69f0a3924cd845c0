"""What a discrete-time fit gives back: ratios, tests and variances; curves are in discrete_predict.py.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.discrete import DiscreteData, row_scores
from exitmodels.kernels.grouped import group_sum
from exitmodels.models.hazards.cox_fitted import cluster_codes
from exitmodels.models.hazards.discrete_frame import bounded_inverse
from exitmodels.models.hazards.discrete_predict import DiscretePrediction
from exitmodels.models.hazards.wald import with_wald
from exitmodels.render.text import Summary, number
from exitmodels.results.differences import Differences
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.storing import unstored
from exitmodels.shapes.spells import Spells

__all__ = ["DiscreteFitted", "DiscreteHazardRatios", "DiscreteOddsRatios", "DiscreteProbits", "DiscreteResults"]


@dataclass(frozen=True, eq=False)
class DiscreteFitted:
    """The data of a fit, for other variances; never saved. `order` puts rows in the order of their patterns."""

    data: DiscreteData
    at: Floats
    order: Ints
    rows: Spells
    cluster: Ints | None
    recode: Floats
    information: Floats

    def covariance(self, kind: str) -> Floats:
        """Covariance of the coefficients in the units given."""
        inverse = bounded_inverse(self.information)
        if kind == "model":
            return np.asarray(self.recode @ inverse @ self.recode.T)
        weight = self.rows.row_weight[self.order]
        if kind == "robust":
            factor = np.sqrt(weight) if self.rows.weights == "frequency" else weight
            middle = np.zeros_like(inverse)
            for _, block in row_scores(self.data, self.at, factor):
                middle += block.T @ block
        else:
            middle = self._clustered(weight)
        half = self.recode @ inverse
        return np.asarray(half @ middle @ half.T)

    def _clustered(self, weight: Floats) -> Floats:
        if self.cluster is None:
            raise DataError(
                'vcov="cluster" needs clusters.',
                code="no-cluster",
                hint="Read the spells with cluster=, or put cluster(column) in the formula.",
            )
        _, own = np.unique(self.cluster[self.order], return_inverse=True)
        sums = np.zeros((int(own.max()) + 1, len(self.at)))
        for rows, block in row_scores(self.data, self.at, weight):
            sums += group_sum(block, own[rows], len(sums))
        return sums.T @ sums


@dataclass(frozen=True, eq=False, kw_only=True)
class DiscreteResults(DiscretePrediction):
    """A fitted discrete-time hazard model.

    Attributes
    ----------
    free_baseline : bool
        Whether each period has a coefficient of its own.
    person_periods : float
        Periods at risk, added over people.
    """

    free_baseline: bool
    person_periods: float
    fitted: DiscreteFitted | None = field(default=None, metadata={"stored": False})

    def _facts(self) -> list[tuple[str, Any]]:
        facts = super()._facts()
        return [facts[0], ("person-periods", self.person_periods), *facts[1:]]

    @property
    def df_model(self) -> int:
        """Number of coefficients of covariates."""
        return len(self.covariates) * len(self.causes)

    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster"}
        cluster : str or (n,) labels, optional
            A column, or one label per row; by default the clusters of the formula or the spells.
        """
        if kind not in ("model", "robust", "cluster"):
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint="One of model, robust, cluster.")
        fitted = unstored(self.fitted, "Another variance")
        if cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, cluster))
        made = self.with_covariance(fitted.covariance(kind), kind, fitted=fitted)
        tests: dict[str, HypothesisTest] = {}
        if self.covariates:
            value, df = 2 * (self.llf - self.llnull), self.df_model
            tests["likelihood ratio"] = HypothesisTest(
                statistic=value,
                df=df,
                pvalue=float(chdtrc(df, value)),
                method="likelihood ratio test that all coefficients of covariates are zero",
                ledger=self.ledger,
            )
        return with_wald(replace(made, tests=tests), self._of_covariates())

    def _of_covariates(self) -> list[int]:
        """Places of the coefficients of covariates."""
        found, start = list[int](), 0
        for basis, size in zip(self.basis, self._sizes(), strict=True):
            found += range(start + basis.shape[1], start + size)
            start += size
        return found

    def _table(self, alpha: float) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        columns, rows = super()._table(alpha)
        if not self.free_baseline:
            return columns, rows
        return columns, tuple(rows[i] for i in self._of_covariates())

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form; coefficients of single periods are left to `params` and `predict_hazard`."""
        made = super().summary(alpha)
        hidden = len(self.names) - len(self._of_covariates())
        if not self.free_baseline:
            return made
        return replace(made, notes=(*made.notes, f"{hidden} coefficients of periods are not printed; see .params."))

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the ratios of the covariates with their limits; return the Axes."""
        from exitmodels.render.axes import coefficients

        keep = self._of_covariates()
        values = self.ratios(alpha).to_numpy()[keep]
        return coefficients(ax, [self.names[i] for i in keep], values, self.ratio_name, number(100 * (1 - alpha), 3))


@dataclass(frozen=True, eq=False, kw_only=True)
class DiscreteOddsRatios(DiscreteResults):
    """Logit link: odds ratios of leaving in a period."""

    ratio_name: ClassVar[str] = "OR"


@dataclass(frozen=True, eq=False, kw_only=True)
class DiscreteHazardRatios(DiscreteResults):
    """Complementary log-log link: ratios of the hazards behind grouped times."""

    ratio_name: ClassVar[str] = "HR"


@dataclass(frozen=True, eq=False, kw_only=True)
class DiscreteProbits(DiscreteResults, Differences):
    """Probit link: coefficients on the scale of a normal latent variable."""

    def _effect(self) -> str:
        return "Probit coefficient"

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the coefficients of the covariates with their limits; return the Axes."""
        from exitmodels.render.effects import differences

        keep = self._of_covariates()
        values = np.column_stack([self.estimate, self.conf_int(alpha).to_numpy()])[keep]
        return differences(ax, [self.names[i] for i in keep], values, self._effect(), number(100 * (1 - alpha), 3))
