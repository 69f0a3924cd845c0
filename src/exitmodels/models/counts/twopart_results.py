"""What a zero-inflated or hurdle regression answers: means, shares of zeros, frequencies, residuals.

Third floor. Made by twopart.py. Everything common to regressions comes from results/regression.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from scipy import special, stats

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.countlaws import at_most, log_probability, quantile_residuals
from exitmodels.kernels.twopart import count_rows
from exitmodels.models.counts.checks import log_exposure
from exitmodels.models.counts.nested import likelihood_ratio
from exitmodels.models.counts.twopart_covariance import PAPERS, TwoPartData, covariance_of
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.frames import Column, Table

__all__ = ["TwoPartPrediction", "TwoPartResults"]


@dataclass(frozen=True, eq=False)
class TwoPartPrediction:
    """A predicted mean, or probability of no event, with standard errors by the delta method.

    Attributes
    ----------
    what : {"mean", "zero"}
    value, link_se : (m,)
        The prediction, and the standard error of its log ("mean") or logit ("zero").
    index : (m,)
    """

    what: str
    value: Floats
    link_se: Floats
    index: AnyArray

    @property
    def predicted_mean(self) -> Any:
        """Predictions, as a Series."""
        import pandas as pd

        return pd.Series(self.value, index=self.index, name=self.what)

    def summary_frame(self, alpha: float = 0.05) -> Any:
        """Columns mean, mean_se, mean_ci_lower, mean_ci_upper; limits are made on the log or logit scale."""
        import pandas as pd

        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        half = float(stats.norm.ppf(1 - alpha / 2)) * self.link_se
        if self.what == "mean":
            low, high, slope = self.value * np.exp(-half), self.value * np.exp(half), self.value
        else:
            middle = special.logit(self.value)
            low, high = special.expit(middle - half), special.expit(middle + half)
            slope = self.value * (1 - self.value)
        columns = {"mean": self.value, "mean_se": slope * self.link_se, "mean_ci_lower": low, "mean_ci_upper": high}
        return pd.DataFrame(columns, index=self.index)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TwoPartResults(Regression):
    """A fitted zero-inflated or hurdle regression.

    Attributes
    ----------
    family : {"poisson", "nb2"}
    form : {"zero-inflated", "hurdle"}
    alpha : float
        Variance of the ordinary counts is mean + alpha mean^2; `theta` is 1 / alpha.
    log_alpha_se : float
        Standard error of log alpha.

    Coefficients named ``count_`` belong to the log-linear part, ``zero_`` to the logit of an extra zero, ``any_`` to
    the logit of any event. Exponentiated they are rate ratios and odds ratios.
    """

    family: str
    form: str
    alpha: float
    log_alpha_se: float
    data: TwoPartData | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "exp(coef)"

    @property
    def theta(self) -> float:
        """1 / alpha; infinite without overdispersion."""
        return 1 / self.alpha if self.alpha else float("inf")

    @property
    def n_parameters(self) -> int:
        """Coefficients of both parts, and alpha for the negative binomial."""
        return len(self.names) + (self.family == "nb2")

    @property
    def df_model(self) -> int:
        """Number of coefficients estimated, the two intercepts not counted."""
        return len(self.names) - 2

    def _facts(self) -> list[tuple[str, Any]]:
        facts = super()._facts()
        if self.family == "nb2":
            facts.append(("alpha", self.alpha))
        if self.data is not None:
            frame = self.frequencies(0)
            facts.append(("cells without events", int(frame["observed"].iloc[0])))
            facts.append(("expected", float(frame["expected"].iloc[0])))
        return facts

    def _data(self, what: str) -> TwoPartData:
        return unstored(self.data, what)

    def with_vcov(self, kind: str, *, cluster: str | None = None) -> TwoPartResults:
        """Return the same fit with another covariance: "model", "robust" or "cluster"."""
        cov = covariance_of(self._data("Another covariance"), kind, cluster)
        papers = {key for keys in PAPERS.values() for key in keys}
        sources = tuple(s for s in self.sources if s not in papers) + cov.sources
        kept = tuple(w for w in self.warnings if "clusters" not in w)
        return replace(
            self,
            covariance=cov.beta,
            vcov=cov.label,
            log_alpha_se=cov.log_alpha_se,
            sources=sources,
            warnings=kept + cov.warnings,
        )

    # ---- predictions -------------------------------------------------------------------------------------------
    def predict(self, new: Any = None, what: str = "mean") -> Any:
        """Predict for new cells; see `get_prediction`."""
        return self.get_prediction(new, what).predicted_mean

    def get_prediction(self, new: Any = None, what: str = "mean") -> TwoPartPrediction:
        """Predict expected counts, or the probability of no event, with standard errors.

        Parameters
        ----------
        new : Counts, frame or dict, optional
            By default the cells of the fit. A column "exposure" gives the exposure; without one it is one unit.
        what : {"mean", "zero"}
            Mean of all counts, zeros included; or P(no event).

        Notes
        -----
        Limits by the delta method, on the log scale for means and the logit scale for probabilities; they take alpha
        as estimated, related to the coefficients, under the variance of this fit.
        """
        data = self._data("Prediction")
        if what not in ("mean", "zero"):
            raise DataError(f"what={what!r} is not known.", code="what", hint='Use "mean" or "zero".')
        count, zero, offset, index = _rows(data, new)
        p = count.shape[1]
        eta, zeta = offset + count @ self.estimate[:p], zero @ self.estimate[p:]
        value, by_eta, by_zeta, by_k = _predicted(what, self.form, eta, zeta, self.alpha)
        slopes = np.column_stack([count * by_eta[:, None], zero * by_zeta[:, None]])
        full = covariance_of(data, *_kind_of(self.vcov)).full
        if len(full) > slopes.shape[1]:
            slopes = np.column_stack([slopes, by_k])
        spread = np.einsum("ij,jk,ik->i", slopes, full, slopes)
        return TwoPartPrediction(what, value, np.sqrt(np.maximum(spread, 0.0)), index)

    def zero_probability(self) -> Any:
        """P(no event) of each cell of the fit, as a Series."""
        return self.predict(what="zero")

    # ---- whether it fits ---------------------------------------------------------------------------------------
    def frequencies(self, most: int | None = None) -> Any:
        """Observed and expected number of cells with each count; columns observed, expected."""
        import pandas as pd

        data = self._data("Frequencies")
        top = min(int(data.y.max()), 200) if most is None else int(most)
        mean, weight, zero = self._parts(data)
        family = "nb2" if self.alpha else "poisson"
        expected = np.array([zero.sum(), *(self._expected(k, mean, weight, family) for k in range(1, top + 1))])
        observed = np.bincount(data.y.astype(np.int64), minlength=top + 1)[: top + 1]
        return pd.DataFrame({"observed": observed, "expected": expected}, index=pd.RangeIndex(top + 1, name="count"))

    def _expected(self, k: int, mean: Floats, weight: Floats, family: str) -> float:
        return float(weight @ np.exp(log_probability(np.full(len(mean), float(k)), mean, family, self.alpha)))

    def _parts(self, data: TwoPartData) -> tuple[Floats, Floats, Floats]:
        """Mean before cutting or inflating, weight of the family's probabilities above zero, and P(0); each (n,)."""
        count, zero, offset, _ = _rows(data, None)
        p = count.shape[1]
        mean, zeta = np.exp(offset + count @ self.estimate[:p]), zero @ self.estimate[p:]
        none = np.exp(count_rows(np.zeros(len(mean)), mean, self.alpha)[0])
        if self.form == "hurdle":
            some = special.expit(zeta)
            return mean, some / (1 - none), 1 - some
        pi = special.expit(zeta)
        return mean, 1 - pi, pi + (1 - pi) * none

    def rootogram(self, ax: Any = None, most: int | None = None) -> Any:
        """Draw observed frequencies hanging from the expected ones, both as square roots; return the Axes."""
        from exitmodels.render.rootogram import hanging

        frame = self.frequencies(most)
        return hanging(ax, frame["observed"].to_numpy(), frame["expected"].to_numpy(), self.method)

    def residuals(self, kind: str = "response", rng: Any = None) -> Any:
        """Residuals of the cells.

        Parameters
        ----------
        kind : {"response", "pearson", "quantile"}
            n - mean; over its standard deviation; randomised normal quantile (normal when the model is right).
        rng : numpy Generator or seed, optional
            For "quantile".
        """
        import pandas as pd

        data = self._data("Residuals")
        y, family = data.y, "nb2" if self.alpha else "poisson"
        mean, weight, zero = self._parts(data)
        if kind == "quantile":
            at_zero = at_most(np.zeros(len(y)), mean, family, self.alpha)
            both = [
                np.where(k < 0, 0.0, zero + weight * np.maximum(at_most(k, mean, family, self.alpha) - at_zero, 0.0))
                for k in (y - 1, y)
            ]
            made = quantile_residuals(both[0], both[1], np.random.default_rng(rng).random(len(y)))
        elif kind in ("response", "pearson"):
            # P(k) is weight x the family's above zero, so moments about zero are weight x the family's.
            whole = weight * mean
            made = y - whole
            if kind == "pearson":
                made = made / np.sqrt(weight * (mean + (1 + self.alpha) * mean**2) - whole**2)
        else:
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint="Use one of response, pearson, quantile.")
        return pd.Series(made, name=kind)

    def lr_test(self, smaller: Regression) -> HypothesisTest:
        """Likelihood-ratio test against a fit with fewer terms; see `exitmodels.models.counts.nested`."""
        return likelihood_ratio(self, smaller)


def _kind_of(label: str) -> tuple[str, str | None]:
    """Kind and cluster column of a label such as "cluster(unit)"."""
    kind, _, inside = label.partition("(")
    return kind, (inside.rstrip(")") or None) if inside and "," not in inside else None


def _rows(data: TwoPartData, new: Any) -> tuple[Floats, Floats, Floats, AnyArray]:
    if new is None:
        return data.count.matrix, data.zero.matrix, data.offset, np.arange(len(data.counts))
    columns: dict[str, Column]
    if isinstance(new, Counts):
        columns, index = new.columns, np.arange(len(new))
    else:
        table = Table(new)
        needed = {*data.count.variables, *data.zero.variables, "exposure"}
        columns, index = {n: table.column(n) for n in table.names if n in needed}, table.labels
    count, zero = (design.rebuild(columns, labels=index) for design in (data.count, data.zero))
    offset = np.zeros(len(index)) if count.offset is None else count.offset
    if data.exposure and "exposure" in columns:
        offset = offset + log_exposure(columns["exposure"], index)
    return count.matrix, zero.matrix, offset, index


def _predicted(what: str, form: str, eta: Floats, zeta: Floats, alpha: float) -> tuple[Floats, Floats, Floats, Floats]:
    """A prediction, and the derivatives of its log (mean) or logit (zero) in eta, zeta and log alpha."""
    mean, part = np.exp(eta), special.expit(zeta)
    u, e, k, *_ = count_rows(np.zeros(len(mean)), mean, alpha)
    none, some = np.exp(u), -np.expm1(u)
    nothing = np.zeros_like(mean)
    if form == "hurdle":
        if what == "zero":
            return 1 - part, nothing, -np.ones_like(part), nothing
        return part * mean / some, 1 + none / some * e, 1 - part, none / some * k
    if what == "mean":
        return (1 - part) * mean, np.ones_like(mean), -part, nothing
    zero = part + (1 - part) * none
    scale = 1 / (zero * (1 - zero))
    inner = (1 - part) * none * scale
    return zero, inner * e, part * (1 - part) * some * scale, inner * k
