"""What a count regression answers: rate ratios, predictions, residuals, other covariances.

Third floor. Everything common to regressions comes from results/regression.py; here is what only counts know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy import special, stats

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError
from exitmodels.kernels.countglm import unit_deviance
from exitmodels.kernels.countlaws import at_most, quantile_residuals, variance
from exitmodels.models.counts.checks import log_exposure
from exitmodels.models.counts.covariance import SOURCES, FitData, covariance, plain_kind
from exitmodels.models.counts.examined import Examined
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.frames import Column, Table

__all__ = ["CountPrediction", "CountResults", "cautions", "degrees", "new_rows"]


def cautions(data: FitData, kind: str) -> tuple[str, ...]:
    """What a careful reader would say about the variance of this fit."""
    if data.family in ("nb1", "nb2") and data.fit.alpha == 0:
        return ("the counts show no overdispersion: alpha is at its limit 0, and this is the Poisson fit",)
    spread = data.pearson_chi2 / data.df_resid if data.df_resid > 0 else 0.0
    wide = data.df_resid > 0 and stats.chi2.sf(data.pearson_chi2, data.df_resid) < 0.01
    if data.family == "poisson" and kind == "model" and wide and spread > 1.25:
        return (
            f"counts vary {spread:.2f} times as much as Poisson counts would: these errors are too small "
            '(see vcov="robust", family="quasipoisson" or "nb2")',
        )
    return ()


def degrees(data: FitData, df: float | None) -> float | None:
    """Degrees of freedom of Student's t: of a clustered variance for few clusters, of quasi-Poisson, else none."""
    return df if df is not None else float(data.df_resid) if data.family == "quasipoisson" else None


def _refuse_nb1(family: str, what: str) -> None:
    if family == "nb1":
        raise DataError(
            f"{what} is not defined for NB1, whose law does not have a mean and a variance of exponential form.",
            code="deviance",
            hint='Use residuals("quantile", rng=...) or "pearson", and pearson_chi2.',
        )


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CountResults(Examined):
    """A fitted count regression.

    Attributes
    ----------
    family : str
    alpha : float
        Negative binomial: variance is mean + alpha mean^2 (NB2) or mean (1 + alpha) (NB1); zero for the other
        families. `theta` is 1 / alpha.
    log_alpha_se : float
        Standard error of log alpha, from the joint model; NaN when alpha is not estimated by maximum likelihood.

    n_levels : int
        Levels that fe() estimates without a column.

    Other attributes are those of `exitmodels.results.regression.Regression`.
    """

    log_alpha_se: float
    n_levels: int = 0

    ratio_name: ClassVar[str] = "rate ratio"

    # ---- variance ----------------------------------------------------------------------------------------------
    @property
    def theta(self) -> float:
        """1 / alpha; infinite without overdispersion."""
        return 1 / self.alpha if self.alpha else float("inf")

    @property
    def theta_se(self) -> float:
        """Standard error of theta, by the delta method from log alpha."""
        return self.theta * self.log_alpha_se

    def alpha_interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Limits for the dispersion, symmetric in log alpha; the argument is one minus the confidence level."""
        if self.family not in ("nb1", "nb2") or self.alpha == 0 or np.isnan(self.log_alpha_se):
            raise DataError(
                f"The dispersion of this {self.family} fit has no limits of this kind.",
                code="alpha",
                hint='Fit family="nb2" or "nb1" with dispersion="ml"; alpha 0 means that no overdispersion is seen.',
            )
        half = float(stats.norm.ppf(1 - alpha / 2)) * self.log_alpha_se
        return self.alpha * float(np.exp(-half)), self.alpha * float(np.exp(half))

    @property
    def n_parameters(self) -> int:
        """Coefficients, levels of fe(), and alpha for the negative binomials."""
        return len(self.names) + self.n_levels + (self.family in ("nb1", "nb2"))

    @property
    def deviance(self) -> float:
        """Twice the log-likelihood lost against a perfect fit; NB1 has none, its alpha would change with the fit."""
        data = self._data("The deviance")
        _refuse_nb1(self.family, "The deviance")
        return float(unit_deviance(data.y, data.fit.mean, data.fit.alpha).sum())

    @property
    def pearson_chi2(self) -> float:
        """Sum of squared Pearson residuals."""
        return self._data("Pearson's chi-squared").pearson_chi2

    @property
    def dispersion(self) -> float:
        """Pearson's chi-squared over residual degrees of freedom; about one where the family's variance holds."""
        data = self._data("The dispersion")
        return data.pearson_chi2 / data.df_resid if data.df_resid else float("nan")

    def with_vcov(
        self, kind: str, *, hac_lags: int | None = None, cluster: str | None = None, small_sample: bool = True
    ) -> CountResults:
        """Return the same fit with another covariance; nothing is refitted.

        Parameters
        ----------
        kind : {"model", "robust", "hc1", "hc2", "hc3", "hac", "cluster", "kc", "md"}
        hac_lags, cluster, small_sample
            As in `CountRegression`.
        """
        data = self._data("Another covariance")
        cov = covariance(data, kind, hac_lags, cluster, small_sample)
        first = {key for keys in SOURCES.values() for key in keys}
        sources = tuple(s for s in self.sources if s not in first) + SOURCES[plain_kind(kind)]
        kept = [w for w in self.warnings if "runs to infinity" in w or "stopped before" in w]
        notes = (*kept, *data.notes, *cautions(data, cov.kind), *cov.warnings)
        return replace(
            self,
            covariance=cov.beta,
            vcov=cov.label,
            log_alpha_se=cov.log_alpha_se,
            sources=sources,
            warnings=notes,
            df_resid=degrees(data, cov.df),
        )

    # ---- answers -----------------------------------------------------------------------------------------------
    def rate_ratios(self, alpha: float = 0.05) -> Any:
        """Rate ratios with limits; the row of the intercept is the rate where all terms are zero."""
        return self.ratios(alpha)

    def predict(self, new: Any = None) -> Any:
        """Expected counts.

        Parameters
        ----------
        new : Counts, frame or dict, optional
            By default the cells of the fit. A column "exposure" gives the exposure; without one, the expected count
            for one unit of exposure (the rate) is given.

        Returns
        -------
        pandas.Series
        """
        return self.get_prediction(new).predicted_mean

    def get_prediction(self, new: Any = None) -> CountPrediction:
        """Expected counts with standard errors; see `predict` for `new` and ``.summary_frame()`` for limits."""
        data = self._data("Prediction")
        if new is None:
            matrix, offset, index = data.design.matrix, data.offset, np.arange(len(data.counts))
        else:
            matrix, offset, index, _ = new_rows(data, new)
        eta = offset + matrix @ self.estimate
        error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", matrix, self.covariance, matrix), 0.0))
        return CountPrediction(eta, error, index, self.df_resid)

    def residuals(self, kind: str = "response", rng: Any = None) -> Any:
        """Residuals of the cells.

        Parameters
        ----------
        kind : {"response", "pearson", "deviance", "anscombe", "quantile"}
            n - mean; over its standard deviation under the family; signed root of the unit deviance; the
            transformation that makes residuals nearly normal; and the normal quantile of a point drawn between
            P(less than n) and P(at most n), which is normal when the model is right. Quasi-Poisson ones are those of
            Poisson, unscaled. NB1 has no deviance, and so neither the third nor the fourth.
        rng : numpy Generator or seed, optional
            For "quantile".
        """
        import pandas as pd

        data = self._data("Residuals")
        y, mean, alpha = data.y, data.fit.mean, data.fit.alpha
        if kind == "quantile":
            below, up_to = (at_most(k, mean, self.family, alpha) for k in (y - 1, y))
            made = quantile_residuals(below, up_to, np.random.default_rng(rng).random(len(y)))
        elif kind == "pearson":
            made = (y - mean) / np.sqrt(variance(mean, self.family, alpha))
        elif kind in _RESIDUALS:
            if kind != "response":
                _refuse_nb1(self.family, f"kind={kind!r}")
            made = _RESIDUALS[kind](y, mean, alpha)
        else:
            known = ", ".join(("pearson", "quantile", *_RESIDUALS))
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint=f"Use one of {known}.")
        return pd.Series(made, name=kind)

    def _facts(self) -> list[tuple[str, Any]]:
        facts = super()._facts()
        if self.family in ("nb1", "nb2"):
            facts.append(("alpha", self.alpha))
            if self.alpha and np.isfinite(self.log_alpha_se):
                low, high = self.alpha_interval()
                facts.append(("alpha, 95 % limits", f"{low:.4g} to {high:.4g}"))
        if self.data is not None:
            facts += [] if self.family == "nb1" else [("deviance", self.deviance)]
            facts.append(("Pearson chi2 / df", self.dispersion))
        return facts


def new_rows(data: FitData, new: Any, unit: str = "") -> tuple[Floats, Floats, AnyArray, Any]:
    """Design, offset and labels of new rows, and their column of units when one is named."""
    columns: dict[str, Column]
    if isinstance(new, Counts):
        columns, index = new.columns, np.arange(len(new))
    else:
        table = Table(new)
        needed = [name for name in table.names if name in (*data.design.variables, "exposure", unit)]
        columns, index = {name: table.column(name) for name in needed}, table.labels
    design = data.design.rebuild(columns, labels=index)
    offset = design.offset if design.offset is not None else np.zeros(len(index))
    if data.exposure and "exposure" in columns:
        offset = offset + log_exposure(columns["exposure"], index)
    if unit and unit not in columns:
        raise DataError("The units of the new rows are not given.", column=unit, code="no-column", hint="Add them.")
    return design.matrix, offset, index, columns.get(unit)


def _response(y: Floats, mean: Floats, alpha: float) -> Floats:
    return y - mean


def _deviance(y: Floats, mean: Floats, alpha: float) -> Floats:
    return np.asarray(np.sign(y - mean) * np.sqrt(unit_deviance(y, mean, alpha)), dtype=np.float64)


def _anscombe(y: Floats, mean: Floats, alpha: float) -> Floats:
    """(A(n) - A(mean)) / V(mean)^(1/6), where A is the integral of V^(-1/3); Hilbe (2011), section 8.4."""

    def integral(t: Floats) -> Floats:
        return np.asarray(1.5 * t ** (2 / 3) * special.hyp2f1(1 / 3, 2 / 3, 5 / 3, -alpha * t), dtype=np.float64)

    return np.asarray((integral(y) - integral(mean)) / (mean + alpha * mean**2) ** (1 / 6), dtype=np.float64)


_RESIDUALS = {"response": _response, "deviance": _deviance, "anscombe": _anscombe}


@dataclass(frozen=True, eq=False)
class CountPrediction:
    """Expected counts with standard errors.

    Attributes
    ----------
    linear, linear_se : (m,)
        Linear predictor and its standard error.
    index : (m,)
        Row labels.
    df_resid : float or None
        Degrees of freedom of Student's t, for quasi-Poisson.
    """

    linear: Floats
    linear_se: Floats
    index: AnyArray
    df_resid: float | None = None

    @property
    def predicted_mean(self) -> Any:
        """Expected counts, as a Series."""
        import pandas as pd

        return pd.Series(np.exp(self.linear), index=self.index, name="mean")

    def summary_frame(self, alpha: float = 0.05) -> Any:
        """Columns mean, mean_se, mean_ci_lower, mean_ci_upper; limits are made on the log scale."""
        import pandas as pd

        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        tail = 1 - alpha / 2
        width = stats.norm.ppf(tail) if self.df_resid is None else stats.t.ppf(tail, self.df_resid)
        mean, half = np.exp(self.linear), width * self.linear_se
        columns = {
            "mean": mean,
            "mean_se": mean * self.linear_se,
            "mean_ci_lower": np.exp(self.linear - half),
            "mean_ci_upper": np.exp(self.linear + half),
        }
        return pd.DataFrame(columns, index=self.index)
