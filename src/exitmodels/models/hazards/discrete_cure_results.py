"""What a discrete-time cure fit gives back: coefficients, the share that never leaves, the follow-up.

Third floor, in the room of hazards; predictions are in discrete_cure_predict.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import expit

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.curelag import cure_surface, row_values
from exitmodels.kernels.cureprofile import profile_never
from exitmodels.kernels.intervals import probability_limits
from exitmodels.kernels.sandwich import cluster_meat
from exitmodels.models.hazards.cox_fitted import cluster_codes
from exitmodels.models.hazards.discrete_cure_predict import CureFitted, CurePrediction, _Case
from exitmodels.models.hazards.discrete_frame import bounded_inverse
from exitmodels.models.hazards.wald import with_wald
from exitmodels.render.text import Summary, number
from exitmodels.results.storing import unstored

__all__ = ["CureFitted", "DiscreteCureResults"]

_KINDS = ("model", "robust", "cluster")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DiscreteCureResults(CurePrediction):
    """A fitted discrete-time mixture cure model.

    Coefficients named "never: ..." are log odds of never leaving; those named "lag: ..." belong to the hazard of each
    period (log odds, or log hazards with link="cloglog"). `llf` is the penalised log-likelihood if there is a penalty.
    """

    ratio_name: ClassVar[str] = "exp(coef)"

    @property
    def df_model(self) -> int:
        """Number of coefficients of covariates."""
        return self.designs.slopes

    # ---- the share that never leaves ---------------------------------------------------------------------------
    def never_fraction(self, new: Any = None, alpha: float = 0.05, method: str = "profile") -> Any:
        """Share that never leaves, with limits: columns row, estimate, low, high.

        Parameters
        ----------
        new : table or mapping of columns, optional
            May be left out when there are no covariates.
        alpha : float
        method : {"profile", "wald"}
            "profile": where the profile likelihood falls too far (0 or 1 when it never does); needs the data.
            "wald": symmetric on the logit scale.
        """
        import pandas as pd

        self._critical(alpha)
        if method not in ("profile", "wald"):
            raise DataError(f"method={method!r} is not known.", code="method", hint='"profile" or "wald".')
        rows = []
        for case in self._cases(new):
            v, se = self._never_at(case)
            low, high = self._profile(case, alpha) if method == "profile" else self._wald(v, se, alpha)
            rows.append({"row": case.label, "estimate": float(expit(v)), "low": low, "high": high})
        return pd.DataFrame(rows)

    def _wald(self, v: float, se: float, alpha: float) -> tuple[float, float]:
        half = self._critical(alpha) * se
        return float(expit(v - half)), float(expit(v + half))

    def _profile(self, case: _Case, alpha: float) -> tuple[float, float]:
        fitted = self.fitted
        if fitted is None:
            raise DataError(
                "Profile limits need the data of the fit, which a saved result does not hold.",
                code="no-data",
                hint='Use method="wald", or fit again.',
            )
        scale = fitted.design
        point = np.concatenate([[1.0], (case.x[1:] - scale.centres[0]) / scale.scales[0]])
        limits = profile_never(fitted.small, fitted.penalty, fitted.at, fitted.top, point, alpha)
        return float(expit(limits[0] + case.offsets[0])), float(expit(limits[1] + case.offsets[0]))

    @property
    def follow_up(self) -> Any:
        """How long the records follow those that are still out, as a Series; see `kernels.cureprofile.FollowUp`."""
        import pandas as pd

        w = self.watched
        values = {
            "longest lag": w.longest_lag,
            "longest follow-up": w.longest,
            "watched beyond the longest lag": w.beyond,
            "still out at the end (product limit)": w.plateau,
            "p that the follow-up is too short": w.alpha,
        }
        return pd.Series(values, dtype=float)

    def never_bounds(self, alpha: float = 0.05) -> tuple[float, float, float]:
        """What is known without a law of the lag: least and greatest share that never leaves, and the upper limit.

        The share lies between 0 (everything still out will come) and the product-limit chance to be still out at
        the end; the third number is that chance's upper limit (one-sided at alpha / 2, log(-log) scale). Covariates are
        left aside. Source: Manski (2003) for the reasoning; Maller & Zhou (1996).
        """
        self._critical(alpha)
        w = self.watched
        _, high = probability_limits(np.array([w.plateau]), np.array([w.se]), alpha, "log-log")
        return 0.0, w.plateau, float(high[0]) if np.isfinite(high[0]) else 1.0

    # ---- variance ----------------------------------------------------------------------------------------------
    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster"}
            Inverse observed information; sandwich over rows; over clusters.
        cluster : str or (n,) labels, optional
        """
        if kind not in _KINDS:
            raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {', '.join(_KINDS)}.")
        fitted = unstored(self.fitted, "Another variance")
        if cluster is not None:
            fitted = replace(fitted, cluster=cluster_codes(fitted.rows, cluster))
        made = self.with_covariance(_covariance(fitted, kind), kind, fitted=fitted)
        return with_wald(made, self._slopes())

    def _slopes(self) -> list[int]:
        """Places of the coefficients of covariates."""
        a, f = len(self.designs.never.names), len(self.designs.baseline.names)
        return [*range(1, a), *range(a + f, len(self.names))]

    # ---- print -------------------------------------------------------------------------------------------------
    def _facts(self) -> list[tuple[str, Any]]:
        w = self.watched
        facts = super()._facts()
        return [
            facts[0],
            ("still out", self.nobs - self.n_events),
            ("longest lag; follow-up", f"{w.longest_lag}; {w.longest}"),
            ("watched beyond the longest lag", w.beyond),
            ("still out at the end (product limit)", w.plateau),
            *facts[1:],
        ]

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the follow-up, the coefficients, the tests, and what is not identified."""
        made = super().summary(alpha)
        bounds = self.never_bounds(alpha)
        told = (
            f"Without a law of the lag the share that never leaves is only known to lie between 0 and "
            f"{number(bounds[1])} (upper limit {number(bounds[2])})."
        )
        return replace(made, notes=(*made.notes, told))

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the ratios of the covariates; without covariates, the chance to have left by each period."""
        from exitmodels.render.axes import coefficients

        keep = self._slopes()
        if not keep:
            return self.predict_incidence().plot(ax=ax)
        values = self.ratios(alpha).to_numpy()[keep]
        return coefficients(ax, [self.names[i] for i in keep], values, self.ratio_name, number(100 * (1 - alpha), 3))


def _covariance(fitted: CureFitted, kind: str) -> Floats:
    surface = cure_surface(fitted.at, fitted.small, fitted.penalty)
    assert surface is not None
    bread = bounded_inverse(surface.information)
    if kind == "model":
        middle = bread
    else:
        weight = fitted.data.weight
        scores = row_values(fitted.at, fitted.data)[1]
        if kind == "robust":
            power = np.sqrt(weight) if fitted.rows.weights == "frequency" else weight
            meat = (scores * power[:, None]).T @ (scores * power[:, None])
        else:
            if fitted.cluster is None:
                raise DataError(
                    'vcov="cluster" needs clusters.',
                    code="no-cluster",
                    hint="Read the spells with cluster=, or put cluster(column) in a formula.",
                )
            codes = np.unique(fitted.cluster, return_inverse=True)[1]
            meat = cluster_meat(scores * weight[:, None], codes, False)
        middle = bread @ meat @ bread
    return np.asarray(fitted.recode @ middle @ fitted.recode.T)
