"""What a composition answers: share ratios, predicted shares, effects on shares, total and rates, other covariances.

Third floor. Everything common to regressions comes from results/regression.py.

Read next: composition_predict.py (shares with limits), composition_effects.py, relabelling.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.multinomial import MultinomialData
from exitmodels.kernels.multinomial_firth import firth_terms
from exitmodels.kernels.profile import Profile, profile_limit
from exitmodels.kernels.simplex import ratio_matrix
from exitmodels.models.counts.composition_covariance import SOURCES, covariance, pearson_of
from exitmodels.models.counts.composition_effects import CompositionEffects, effects_of, marginal_effects_of
from exitmodels.models.counts.composition_fit import Fitted
from exitmodels.models.counts.composition_predict import SharePrediction, predicted_shares, share_figure
from exitmodels.models.counts.relabelling import Relabelling, relabelling_of
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored

__all__ = ["CompositionResults"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CompositionResults(Regression):
    """A fitted composition.

    Attributes
    ----------
    reasons : tuple of str
        The baseline first.
    terms : tuple of str
        Columns of the formula, for every reason but the baseline.
    family : str
    penalty : str or None
    edf : float
        Effective number of coefficients of the shares (less than their number for smooth terms).
    total_terms : tuple of str
        Columns of the log total, when it was fitted.

    Coefficients are named "reason: term"; those of the total "total: term". Other attributes are those of
    `exitmodels.results.regression.Regression`.
    """

    reasons: tuple[str, ...]
    terms: tuple[str, ...]
    family: str
    penalty: str | None
    edf: float
    total_terms: tuple[str, ...]
    data: Fitted | None = field(default=None, metadata={"stored": False})
    model_of: Any = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "ratio"

    # ---- coefficients ------------------------------------------------------------------------------------------
    @property
    def baseline(self) -> str:
        """The reason that the others are compared with."""
        return self.reasons[0]

    @property
    def beta(self) -> Floats:
        """Coefficients of the shares, (reasons - 1, terms)."""
        return self.estimate[: self._own].reshape(len(self.reasons) - 1, -1)

    @property
    def _own(self) -> int:
        return (len(self.reasons) - 1) * len(self.terms)

    @property
    def df_model(self) -> int:
        """Number of coefficients, intercepts not counted."""
        return sum(not name.endswith(": Intercept") for name in self.names)

    @property
    def n_parameters(self) -> float:
        """Effective coefficients of the shares, and those of the total."""
        rest = len(self.names) - self._own
        overdispersed = self.data is not None and self.data.total is not None and self.data.total.fit.alpha > 0
        return self.edf + rest - (len(self._spread) if self.family != "multinomial" else 0) + overdispersed

    @property
    def bic_size(self) -> float:
        """Records."""
        return self.n_events

    @property
    def _spread(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name.startswith("log concentration: "))

    @property
    def concentration(self) -> float:
        """Concentration of the Dirichlet law, when one is common to all cells; infinite for a multinomial."""
        if not self._spread:
            return float("inf")
        if len(self._spread) > 1:
            raise DataError("The concentration differs from cell to cell.", code="concentration", hint="See params.")
        return float(np.exp(self.estimate[self._own]))

    @property
    def intraclass(self) -> float:
        """Correlation of two records of one cell being of one reason, 1 / (1 + concentration)."""
        return 1 / (1 + self.concentration)

    def share_ratios(self, alpha: float = 0.05) -> Any:
        """Ratios of each share to the baseline's, for one unit of a term, with limits."""
        return self.ratios(alpha)

    def conf_int(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Limits of the coefficients: columns low, high.

        Parameters
        ----------
        alpha : float
        method : {"wald", "profile"}
            Profile limits (of the penalised likelihood, for Firth's) do not assume a symmetric likelihood; they are
            worth their cost with small counts. Only for multinomial shares without a total or a spline.
        """
        if method == "wald":
            return super().conf_int(alpha)
        if method != "profile":
            raise DataError(f"method={method!r} is not known.", code="method", hint='"wald" or "profile".')
        fitted = self._data("A profile")
        if self.total_terms or self._spread or np.isfinite(fitted.strength) or not self.vcov == "model":
            raise DataError(
                "Profile limits are those of plain multinomial shares with model variance.",
                code="profile",
                hint="Fit without total=, pspline(), another family and other variances.",
            )
        return labelled(_profile_limits(self, fitted, alpha), self.names, ("low", "high"))

    def wald_test(self, what: str | Sequence[str] | Floats | None = None) -> HypothesisTest:
        """Test that coefficients are zero; a term such as "policy" stands for its coefficient in every reason.

        By default all coefficients but the intercepts and the concentration.
        """
        if what is None:
            skip = (": Intercept",)
            what = [n for n in self.names if not n.endswith(skip) and n not in self._spread]
        if isinstance(what, str):
            what = [what]
        if not isinstance(what, np.ndarray) and all(isinstance(name, str) for name in what):
            wanted = [str(name) for name in what]
            found = [self._coefficients(name) for name in wanted]
            what = [name for names in found for name in names]
        return super().wald_test(what)

    def _coefficients(self, name: str) -> list[str]:
        if name in self.terms:
            return [f"{reason}: {name}" for reason in self.reasons[1:]]
        return [name]

    def lr_test(self, smaller: CompositionResults) -> HypothesisTest:
        """Likelihood-ratio test of this fit against one with fewer terms, on the same rows.

        A Dirichlet-multinomial against the multinomial of the same terms lies on the edge of its parameters, and half
        of the chi-squared law on one degree of freedom is used.
        """
        if (smaller.nobs, smaller.n_events) != (self.nobs, self.n_events) or smaller.edf > self.edf:
            raise DataError(
                "The two fits are not of the same rows, or the second has more coefficients.",
                code="lr-test",
                hint="Fit a smaller formula to the same data.",
            )
        if self.penalty or smaller.penalty:
            raise DataError("Penalised fits have no plain likelihood ratio.", code="lr-test", hint="Use wald_test().")
        statistic = max(2 * (self.llf - smaller.llf), 0.0)
        df = len(self.names) - len(smaller.names)
        edge = self._spread and not smaller._spread and df == 1
        p = float(stats.chi2.sf(statistic, df)) * (0.5 if edge else 1.0)
        words = "Likelihood-ratio test" + (" on the edge: half of chi-squared" if edge else "")
        return HypothesisTest(
            statistic=statistic, df=df, pvalue=p, method=words, sources=self.sources, ledger=self.ledger
        )

    # ---- views -------------------------------------------------------------------------------------------------
    def with_baseline(self, baseline: str) -> CompositionResults:
        """The same fit with coefficients relative to another reason; shares do not move and nothing is refitted."""
        if baseline not in self.reasons:
            raise DataError(
                f"{baseline!r} is not a reason.", code="baseline", hint=f"Reasons: {', '.join(self.reasons)}."
            )
        j, p = len(self.reasons), len(self.terms)
        new = self.reasons.index(baseline)
        order = [new, *(i for i in range(j) if i != new)]
        whole = np.eye(j)[order]
        change = (whole[1:] - whole[0])[:, 1:]
        turn = np.eye(len(self.names))
        turn[: self._own, : self._own] = np.kron(change, np.eye(p))
        reasons = tuple(self.reasons[i] for i in order)
        names = tuple(f"{reason}: {term}" for reason in reasons[1:] for term in self.terms)
        return replace(
            self,
            reasons=reasons,
            names=names + self.names[self._own :],
            estimate=turn @ self.estimate,
            covariance=turn @ self.covariance @ turn.T,
            method=self.method.replace(f"baseline {self.baseline}", f"baseline {baseline}"),
            data=None if self.data is None else _turned(self.data, order, change),
        )

    def log_ratios(self, kind: str = "clr", alpha: float = 0.05) -> Any:
        """Coefficients of log-ratios of the shares: no data are transformed, so empty cells do no harm.

        Parameters
        ----------
        kind : {"clr", "alr", "ilr"}
            Each share over the geometric mean of all; over the baseline; or orthonormal pivot coordinates in the
            order of `reasons`.

        Returns
        -------
        pandas.DataFrame
            ratio, term, estimate, se, low, high.
        """
        import pandas as pd

        if kind not in ("clr", "alr", "ilr"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint='"clr", "alr" or "ilr".')
        weights = ratio_matrix(kind, len(self.reasons))[:, 1:]
        turn = np.kron(weights, np.eye(len(self.terms)))
        own = slice(0, self._own)
        value = turn @ self.estimate[own]
        se = np.sqrt(np.maximum(np.diag(turn @ self.covariance[own, own] @ turn.T), 0.0))
        labels = {"clr": self.reasons, "alr": self.reasons[1:], "ilr": self.reasons[:-1]}[kind]
        half = self._critical(alpha) * se
        columns = {
            "ratio": np.repeat([f"{kind}: {label}" for label in labels], len(self.terms)),
            "term": np.tile(self.terms, len(labels)),
            "estimate": value,
            "se": se,
            "low": value - half,
            "high": value + half,
        }
        return pd.DataFrame(columns)

    def with_vcov(self, kind: str, *, hac_lags: int | None = None, small_sample: bool = True) -> CompositionResults:
        """Return the same fit with another covariance of shares and total together; nothing is refitted."""
        fitted = self._data("Another covariance")
        cov = covariance(fitted, kind, hac_lags, small_sample)
        old = {key for keys in SOURCES.values() for key in keys} - {"mccullagh_nelder1989"}
        sources = tuple(dict.fromkeys([*(s for s in self.sources if s not in old), *SOURCES[cov.kind]]))
        kept = tuple(w for w in (*fitted.notes, fitted.trouble) if w)
        return replace(
            self,
            covariance=cov.matrix,
            vcov=cov.label,
            df_resid=cov.df_resid,
            sources=sources,
            warnings=kept + cov.warnings,
        )

    # ---- fit as a whole ----------------------------------------------------------------------------------------
    @property
    def llf_kernel(self) -> float:
        """Log-likelihood of the shares without the number of orders of the records of a cell (nnet's constant)."""
        from exitmodels.kernels.multinomial import log_ways

        fitted = self._data("The kernel of the log-likelihood")
        grouped = fitted.rows.grouped and bool(np.all(fitted.rows.weight == 1))
        return fitted.llf - (log_ways(fitted.rows.counts) if grouped else 0.0)

    @property
    def pearson_chi2(self) -> float:
        """Pearson's chi-squared of the shares, over cells with records."""
        return pearson_of(self._data("Pearson's chi-squared"))[0]

    @property
    def deviance(self) -> float:
        """Twice the log-likelihood of the shares lost against a perfect fit of every row."""
        return pearson_of(self._data("The deviance"))[1]

    @property
    def dispersion(self) -> float:
        """Pearson's chi-squared over its degrees of freedom; about one for independent records."""
        chi2, _, df = pearson_of(self._data("The dispersion"))
        return chi2 / df if df > 0 else float("nan")

    # ---- answers -----------------------------------------------------------------------------------------------
    def predict(self, new: Any = None) -> Any:
        """Shares of each reason, one row for each row of `new` (by default the rows of the fit)."""
        return self.get_prediction(new).predicted_mean

    def get_prediction(self, new: Any = None) -> SharePrediction:
        """Shares with limits: ``.summary_frame(alpha, simultaneous=False)``."""
        return predicted_shares(self, self._data("Prediction"), new)

    def effects(self, change: Mapping[str, tuple[Any, Any]], at: Any = None) -> CompositionEffects:
        """What changes when columns go from one value to another.

        Parameters
        ----------
        change : mapping of column to (from, to)
            Such as ``{"policy": (0, 1)}``.
        at : frame or dict, optional
            Rows that say the other columns; by default those of the fit. Shares are averaged over rows, weighted by
            their records (by one each when `at` is given).

        Returns
        -------
        CompositionEffects
            Differences of shares; with a total also the ratio of totals and of each reason's rate; with their joint
            covariance and simultaneous limits.
        """
        return effects_of(self, self._data("An effect"), dict(change), at)

    def marginal_effects(self, column: str, at: Any = None) -> CompositionEffects:
        """Average derivative of each share along a numeric column."""
        return marginal_effects_of(self, self._data("A marginal effect"), column, at)

    def relabelling(
        self,
        change: Mapping[str, tuple[Any, Any]],
        *,
        source: str,
        target: str,
        q: Any = None,
        at: Any = None,
        alpha: float = 0.05,
    ) -> Relabelling:
        """How much strategic misreporting would explain a change of shares.

        Supposes that in the rows where `change` is at its second value a part q of those whose true reason is
        `source` wrote `target` instead, fits the true shares for every q, and finds the q at which the change of the
        share of `target` is no longer significant, and the q at which it is gone.
        """
        return relabelling_of(self, self._data("Relabelling"), dict(change), source, target, q, at, alpha)

    def residuals(self, kind: str = "response") -> Any:
        """Counts less expected counts of each reason, or these over their standard deviation ("pearson")."""
        import pandas as pd

        if kind not in ("response", "pearson"):
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint='"response" or "pearson".')
        fitted = self._data("Residuals")
        share = self.get_prediction().shares
        size = fitted.rows.size[:, None]
        out = fitted.rows.table() - size * share
        if kind == "pearson":
            with np.errstate(invalid="ignore", divide="ignore"):
                out = out / np.sqrt(size * share * (1 - share))
        return pd.DataFrame(out, columns=list(self.reasons), index=fitted.rows.labels)

    def plot(self, ax: Any = None, alpha: float = 0.05, x: str | None = None) -> Any:
        """Draw the shares with their limits, one panel for each reason, against time or a column `x`.

        Without a time (and without `x`) the ratios of the coefficients are drawn. Return the Axes.
        """
        drawn = share_figure(self, self._data("The figure"), ax, alpha, x)
        return super().plot(ax, alpha) if drawn is None else drawn

    def _data(self, what: str) -> Fitted:
        return unstored(self.data, what)

    def tidy(self, alpha: float = 0.05) -> Any:
        """One row per coefficient, with the reason and the column beside the name."""
        frame = super().tidy(alpha)
        parts = [name.split(": ", 1) for name in self.names]
        frame.insert(1, "reason", [part[0] for part in parts])
        frame.insert(2, "column", [part[1] for part in parts])
        return frame

    def _facts(self) -> list[tuple[str, Any]]:
        facts = super()._facts()
        facts[1] = ("records", self.n_events)
        if self._spread and len(self._spread) == 1:
            facts += [("concentration", self.concentration), ("intraclass correlation", self.intraclass)]
        if self.data is not None and self.data.rows.grouped:
            facts.append(("Pearson chi2 / df", self.dispersion))
        return facts


def _turned(fitted: Fitted, order: list[int], change: Floats) -> Fitted:
    """The same fit in the order of another baseline."""
    rows = fitted.rows.ordered(order)
    turn = np.eye(len(fitted.at))
    own = fitted.k * len(fitted.recode)
    turn[:own, :own] = np.kron(change, np.eye(len(fitted.recode)))
    undo = np.linalg.inv(turn)
    changes = {
        "rows": rows,
        "at": turn @ fitted.at,
        "information": undo.T @ fitted.information @ undo,
        "curved": undo.T @ fitted.curved @ undo,
        "data": None,
    }
    return Fitted(**{**fitted.__dict__, **changes})


def _profile_limits(result: CompositionResults, fitted: Fitted, alpha: float) -> Floats:
    """Profile limits in scaled but not centred columns, where each coefficient is a coordinate."""
    from exitmodels.kernels.multinomial import multinomial_terms
    from exitmodels.models.counts.composition_fit import likelihood_data

    size = np.sqrt(np.mean(fitted.design.matrix**2, axis=0))
    size[size == 0] = 1.0
    data: MultinomialData = likelihood_data(fitted.rows, fitted.design.matrix / size)
    terms = firth_terms if result.penalty else multinomial_terms
    best = (result.beta * size).ravel()
    scale = np.tile(size, len(result.reasons) - 1)
    drop, errors = 0.5 * float(stats.chi2.isf(alpha, 1)), result.standard_errors * scale
    out = np.empty((len(best), 2))
    for j in range(len(best)):
        profile = Profile(lambda at: terms(at, data), best, terms(best, data).value, j)
        step = float(min(errors[j] * 2, 10.0))
        for column, side in enumerate((-1, 1)):
            out[j, column] = profile_limit(profile, drop, side, step, 60.0)
    return out / scale[:, None]
