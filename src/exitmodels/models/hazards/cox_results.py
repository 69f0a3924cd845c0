"""What a Cox fit gives back: ratios, limits, tests, residuals and diagnostics; predictions and variances below.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.kernels import coxresiduals
from exitmodels.kernels.partial import CoxTerms
from exitmodels.kernels.varying import varying_events
from exitmodels.models.hazards.cox_compare import added_terms, compare
from exitmodels.models.hazards.cox_fitted import Fitted, row_residual
from exitmodels.models.hazards.cox_influence import influence_table
from exitmodels.models.hazards.cox_predictions import CoxPredictions
from exitmodels.models.hazards.cox_profile import likelihood_tests, profile_limits
from exitmodels.models.hazards.ph_test import ProportionalityTest, proportionality_test
from exitmodels.results.comparison import Comparison
from exitmodels.results.labels import labelled

if TYPE_CHECKING:
    from exitmodels.models.hazards.concordance_results import Concordance

__all__ = ["CoxResults"]

_RESIDUALS = ("martingale", "deviance", "cox-snell", "score", "dfbeta", "dfbetas", "schoenfeld", "scaled-schoenfeld")


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxResults(CoxPredictions):
    """A fitted Cox model; its attributes are those of `CoxFit`."""

    def hazard_ratios(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Hazard ratios with limits: columns HR, low, high.

        Parameters
        ----------
        alpha : float
        method : {"wald", "profile"}
            As in `conf_int`.
        """
        return self.ratios(alpha, method)

    def conf_int(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Limits of the coefficients: columns low, high.

        Parameters
        ----------
        alpha : float
        method : {"wald", "profile"}
            Estimate and standard error; or the profile likelihood, see `profile_limits`.
        """
        if method not in ("wald", "profile"):
            raise DataError(f"method={method!r} is not known.", code="method", hint="wald or profile.")
        return super().conf_int(alpha) if method == "wald" else self.profile_limits(alpha=alpha)

    def ratios(self, alpha: float = 0.05, method: str = "wald") -> Any:
        """Hazard ratios with limits: columns HR, low, high."""
        with np.errstate(over="ignore"):
            values = np.exp(np.column_stack([self.estimate, self.conf_int(alpha, method).to_numpy()]))
        return labelled(values, self.names, (self.ratio_name, "low", "high"))

    def profile_limits(self, names: str | Sequence[str] | None = None, alpha: float = 0.05) -> Any:
        """Profile-likelihood limits of the coefficients: columns low, high.

        Parameters
        ----------
        names : str or list of str, optional
            Some of the coefficients; all by default.
        alpha : float

        Returns
        -------
        DataFrame
            Infinite where the likelihood never falls far enough (monotone likelihood). With
            ``penalty="firth"`` the penalised likelihood is profiled, and limits are finite.

        Raises
        ------
        DataError
            With robust variance, sampling weights, or a ridge or lasso penalty: there is no likelihood of
            independent rows to profile.

        Notes
        -----
        Source: Venzon & Moolgavkar (1988); for Firth's penalty Heinze & Schemper (2001).
        """
        return profile_limits(self, names, alpha)

    def likelihood_tests(self, names: str | Sequence[str] | None = None) -> Any:
        """Likelihood-ratio test that each coefficient is zero, the others refitted: columns chi2, df, p.

        With ``penalty="firth"`` the penalised likelihood is compared, its penalty that of all columns
        (Heinze & Schemper 2001).
        """
        return likelihood_tests(self, names)

    def anova(self, *others: CoxResults) -> Comparison:
        """Likelihood-ratio tests: terms added one after another, or this fit against larger or smaller ones.

        Parameters
        ----------
        *others : CoxResults
            Fits to the same rows; each model must hold the smaller ones (this is checked on the columns).

        Notes
        -----
        Needs a likelihood, so robust variance, sampling weights and penalties are refused: use `wald_test`.
        """
        return compare(self, *others) if others else added_terms(self)

    def concordance(self, time_weight: str = "n", tau: float | None = None) -> Concordance:
        """Share of comparable pairs that the linear predictor puts in order, on the rows of the fit.

        Judged on its own rows a model is flattered; see `exitmodels.concordance`, which takes other rows too,
        and `exitmodels.cross_validate`.

        Parameters
        ----------
        time_weight : {"n", "S", "S/G", "n/G2", "I"}
            "n": Harrell's; "n/G2": Uno's.
        tau : float, optional
        """
        from exitmodels.models.hazards.concordance import concordance

        return concordance(self._data("Concordance").rows, self, time_weight=time_weight, tau=tau)

    def influence(self, by: Any = None) -> Any:
        """How far each row, or each cluster, moves the estimates.

        Parameters
        ----------
        by : str, array of labels or "cluster", optional
            Add up rows that belong together; "cluster" takes the clusters of the spells.

        Returns
        -------
        DataFrame
            ``dfbetas`` of each coefficient (change if the row were left out, in standard errors, to first
            order), ``displacement`` (twice the fall of the log-likelihood that leaving it out causes, to
            second order), ``lmax`` (share in the direction that moves the estimates most; its squares sum to 1),
            and the martingale and deviance residuals of rows.

        Notes
        -----
        Source: Cain & Lange (1984); Pettitt & Bin Daud (1989).
        """
        return influence_table(self, by)

    def residuals(self, kind: str = "martingale", weighted: bool | None = None) -> Any:
        """Residuals of the rows of the fit.

        Parameters
        ----------
        kind : {"martingale", "deviance", "cox-snell", "score", "dfbeta", "dfbetas", "schoenfeld",
            "scaled-schoenfeld"}
        weighted : bool, optional
            Multiply by the weight of the row; by default only for dfbeta and dfbetas.

        Returns
        -------
        Series or DataFrame labelled by row; Schoenfeld residuals by the time of each exit.

        Notes
        -----
        All agree with the tie method. Source: Therneau & Grambsch (2000), chapters 4-6.
        """
        if kind not in _RESIDUALS:
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint=f"One of {', '.join(_RESIDUALS)}.")
        fitted = self._data("A residual")
        assert fitted.terms is not None
        if "schoenfeld" in kind:
            return self._schoenfeld(fitted, fitted.terms, scaled=kind.startswith("scaled"), weighted=bool(weighted))
        weight = fitted.rows.row_weight
        labels = fitted.rows.labels
        if kind in ("martingale", "deviance", "cox-snell"):
            values = row_residual(fitted, fitted.terms, kind)
            return labelled(values * weight if weighted else values, labels, name=kind)
        table = fitted.score(fitted.terms) * self.scale
        if kind != "score":
            table = table @ self.model_covariance
            table = table / self.standard_errors if kind == "dfbetas" else table
        if weighted if weighted is not None else kind != "score":
            table = table * weight[:, None]
        return labelled(table, labels, self.names)

    def ph_test(self, transform: str = "km", form: str = "score") -> ProportionalityTest:
        """Test that effects do not change with time; see `ph_test.proportionality_test`.

        Parameters
        ----------
        transform : {"km", "rank", "identity", "log"}
            The function of time.
        form : {"score", "approximate"}
            Both names are printed with the answer.
        """
        if self.varying is not None:
            raise DataError(
                "Effects already change with time here.",
                code="time-varying",
                hint="Test the fit without time_varying=.",
            )
        return proportionality_test(self, transform, form)

    def _schoenfeld(self, fitted: Fitted, terms: CoxTerms, scaled: bool, weighted: bool) -> Any:
        data = fitted.data
        rows = data.index.event_rows
        turn = np.argsort(data.index.moment[rows], kind="stable")
        order = rows[turn]
        at = data.index.moment[order]
        own = data.matrix[order] if fitted.varying is None else varying_events(data, fitted.varying)[turn]
        table = (own - coxresiduals.event_means(data, terms)[at]) * self.scale
        if weighted:
            table = table * fitted.rows.row_weight[order][:, None]
        if scaled:
            table = table @ self.model_covariance * len(order) + self.estimate
        return labelled(table, data.index.times[at], self.names)
