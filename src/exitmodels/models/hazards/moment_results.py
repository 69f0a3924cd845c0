"""What a regression of probabilities or mean times gives back.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats
from exitmodels.kernels.meanregression import inverse_link
from exitmodels.models.hazards.cox_fitted import cluster_codes
from exitmodels.models.hazards.wald import with_wald
from exitmodels.results.differences import Differences
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.columns import rows_of
from exitmodels.shapes.design import Design

if TYPE_CHECKING:
    from exitmodels.models.hazards.moment_fit import MomentFitted

__all__ = ["HazardRatioResults", "MeanDifferenceResults", "MomentResults", "OddsRatioResults", "RatioResults"]


@dataclass(frozen=True, eq=False, kw_only=True)
class MomentResults(Regression):
    """A fitted regression of probabilities or mean times at given times.

    Attributes
    ----------
    times : (m,)
        With several, "Intercept" belongs to the first and "time[t]" is how much t differs from it.
    link : str
    falling : bool
        Whether the outcome is a probability of still being there.
    what : str
        The outcome in words.
    """

    times: Floats
    link: str
    falling: bool
    what: str
    unit: str
    design: Design
    fitted: MomentFitted | None = field(default=None, metadata={"stored": False})

    def _facts(self) -> list[tuple[str, Any]]:
        at = ", ".join(f"{t:g}" for t in self.times)
        return [
            ("rows", self.nobs),
            ("events", self.n_events),
            (f"times ({self.unit})", at),
            ("link", self.link),
            ("variance", self.vcov),
            ("converged", "yes" if self.converged else "no"),
        ]

    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : str
            One of the variances of the model.
        cluster : str or (n,) labels, optional
            A column, or one label per row; by default the clusters of the formula or the spells.
        """
        fitted = unstored(self.fitted, "Another variance")
        if cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.setup.rows, cluster))
        sources = tuple(s for s in self.sources if s not in fitted.setup.extra_sources)
        if kind.startswith("corrected"):
            sources += fitted.setup.extra_sources
        made = self.with_covariance(fitted.covariance(kind), kind, fitted=fitted, sources=sources)
        return with_wald(made, range(len(self.times), len(self.names)))

    # ---- prediction ------------------------------------------------------------------------------------------
    def _linear(self, new: Any) -> tuple[Floats, Floats, Any]:
        """Columns of every new row at every time (rows, m, q), the linear predictors (rows, m), and labels."""
        columns, n, labels = rows_of(new)
        made = self.design.rebuild(columns, labels=labels)
        m = len(self.times)
        reader = np.zeros((n, m, len(self.names)))
        reader[:, :, 0] = 1.0
        reader[:, np.arange(1, m), np.arange(1, m)] = 1.0
        reader[:, :, m:] = made.matrix[:, None, :]
        offset = 0.0 if made.offset is None else made.offset[:, None]
        return reader, reader @ self.estimate + offset, labels

    def predict(self, new: Any) -> Any:
        """Predicted probability or mean time: one row per new row, one column per time."""
        _, eta, labels = self._linear(new)
        return labelled(inverse_link(self.link, eta, self.falling)[0], labels, list(self.times))

    def get_prediction(self, new: Any) -> MomentPrediction:
        """Predicted values of new rows; ``.summary_frame()`` is a table with limits."""
        return MomentPrediction(self, new)


@dataclass(frozen=True)
class MomentPrediction:
    """Predicted values, as statsmodels users expect to read them."""

    result: MomentResults
    new: Any

    def summary_frame(self, alpha: float = 0.05) -> Any:
        """One row per new row and time: row, time, estimate, se, lower, upper; limits by the link."""
        import pandas as pd

        fit = self.result
        reader, eta, labels = fit._linear(self.new)
        error = np.sqrt(np.einsum("imp,pq,imq->im", reader, fit.covariance, reader))
        half = float(ndtri(1 - alpha / 2)) * error
        mean, slope = inverse_link(fit.link, eta, fit.falling)
        ends = np.stack([inverse_link(fit.link, eta + side * half, fit.falling)[0] for side in (-1, 1)])
        return pd.DataFrame(
            {
                "row": np.repeat(np.asarray(labels), len(fit.times)),
                "time": np.tile(fit.times, len(eta)),
                "estimate": mean.ravel(),
                "se": (np.abs(slope) * error).ravel(),
                "lower": ends.min(axis=0).ravel(),
                "upper": ends.max(axis=0).ravel(),
            }
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanDifferenceResults(MomentResults, Differences):
    """Identity link: coefficients are differences of probabilities or of mean times."""

    def _effect(self) -> str:
        return f"Difference of {self.what}"


@dataclass(frozen=True, eq=False, kw_only=True)
class RatioResults(MomentResults):
    """Log link: exponentiated coefficients are ratios of probabilities or of mean times."""

    ratio_name: ClassVar[str] = "ratio"


@dataclass(frozen=True, eq=False, kw_only=True)
class OddsRatioResults(MomentResults):
    """Logit link: exponentiated coefficients are odds ratios."""

    ratio_name: ClassVar[str] = "OR"


@dataclass(frozen=True, eq=False, kw_only=True)
class HazardRatioResults(MomentResults):
    """Complementary log-log link: exponentiated coefficients are ratios of (subdistribution) hazards."""

    ratio_name: ClassVar[str] = "HR"
