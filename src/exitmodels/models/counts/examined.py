"""Whether a count regression fits: tests of its variance and its zeros, profile limits, and the rootogram.

Third floor. `CountResults` derives from `Examined`; what is here needs a fit and its data, and nothing of the way in
which covariances are chosen.

Read next: fitted.py, kernels/spread.py, nested.py (likelihood-ratio tests).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.errors import DataError
from exitmodels.kernels import spread
from exitmodels.kernels.countglm import CountFit, fit_nb2, fit_poisson
from exitmodels.kernels.countlaws import expected_frequencies
from exitmodels.kernels.countprofile import count_terms, scores_at_zero
from exitmodels.kernels.nb1 import fit_nb1
from exitmodels.kernels.profile import Profile, profile_limit
from exitmodels.models.counts.covariance import FitData
from exitmodels.models.counts.nested import half_chi2, likelihood_ratio
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.regression import Regression
from exitmodels.results.storing import unstored

__all__ = ["Examined"]

_TESTS = ("score", "linear", "quadratic", "lr", "lr-nb1")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Examined(Regression):
    """A count regression that can be asked whether it fits; see `CountResults`."""

    family: str
    alpha: float
    data: FitData | None = field(default=None, metadata={"stored": False})

    def _data(self, what: str) -> FitData:
        return unstored(self.data, what)

    def _plain(self, what: str) -> FitData:
        """The data, when the fit is by maximum likelihood in columns that are all there."""
        data = self._data(what)
        if data.n_levels:
            raise DataError(
                f"{what} is not worked out for fits with fe().", code="effects", hint="Use C() in place of fe()."
            )
        return data

    # ---- limits ------------------------------------------------------------------------------------------------
    def profile_conf_int(self, names: str | Sequence[str] | None = None, alpha: float = 0.05) -> Any:
        """Limits at which twice the log-likelihood has fallen by the quantile of chi-squared on one degree of freedom.

        Parameters
        ----------
        names : str or list of str, optional
            Coefficients; by default all of them.
        alpha : float

        Returns
        -------
        pandas.DataFrame
            Columns low and high, on the scale of the coefficients. A limit is infinite where the likelihood never
            falls so far (no event at a level).

        Raises
        ------
        DataError
            For quasi-Poisson, or alpha set by a moment rule: there is no likelihood to profile.

        Notes
        -----
        The other coefficients and alpha are at their best at every point. Trusts the family; for counts that are
        related use another covariance. Source: Venzon and Moolgavkar (1988).
        """
        data = self._plain("A profile")
        if self.family == "quasipoisson" or data.dispersion != "ml":
            raise DataError(
                "A fit without a likelihood has no profile.",
                code="profile",
                hint='Fit family="poisson", "nb1" or "nb2" with dispersion="ml".',
            )
        wanted = list(self.names) if names is None else [names] if isinstance(names, str) else list(names)
        place = np.argmax(self._contrast(wanted), axis=1)
        drop = float(stats.chi2.isf(alpha, 1)) / 2
        limits = np.array([self._profiled(data, int(j), drop, alpha) for j in place])
        return labelled(limits, tuple(wanted), ("low", "high"))

    def _profiled(self, data: FitData, j: int, drop: float, alpha: float) -> tuple[float, float]:
        # Slopes are the same in centred columns; the intercept needs the columns as they are.
        if j == 0 and self.names[0] == "Intercept":
            size = np.maximum(np.abs(data.design.matrix).max(axis=0), 1e-300)
            matrix, best, scale = data.design.matrix / size, self.estimate * size, 1.0
        else:
            matrix, best, scale = data.centred, data.fit.beta, float(data.recode[j, j])
        family = self.family if self.alpha else "poisson"
        best = np.append(best, np.log(self.alpha)) if self.alpha else best
        evaluate = count_terms(data.y, matrix, data.offset, family)
        profile = Profile(evaluate, best, data.fit.llf, j)
        curve = evaluate(best).information
        wald = float(np.sqrt(np.linalg.pinv(curve, rcond=1e-13)[j, j]) * np.sqrt(2 * drop))
        low, high = (profile_limit(profile, drop, side, wald, max(30.0, 20 * wald)) for side in (-1, 1))
        return scale * low, scale * high

    # ---- variance ----------------------------------------------------------------------------------------------
    def overdispersion_test(self, kind: str = "score") -> HypothesisTest:
        """Test of Poisson variance in these columns, against more.

        Parameters
        ----------
        kind : {"score", "linear", "quadratic", "lr", "lr-nb1"}
            "score" against variance mean + alpha mean^2 (Dean's P_B); regressions against mean (1 + alpha) and
            mean + alpha mean^2 (Cameron and Trivedi's t); likelihood ratio against NB2 or NB1.

        Returns
        -------
        HypothesisTest
            One-sided. `statistic` is a normal deviate, or for "lr" a likelihood ratio whose law is a half chi-squared
            on one degree of freedom and a half zero, for alpha lies on the edge of its range. ``detail["alpha"]`` holds
            the alpha of the alternative where one is estimated.

        Notes
        -----
        "score" has the most power against NB2. With few rows its normal law is rough: the p-value of "score" is then
        too large. Source: Dean (1992); Cameron and Trivedi (1990); Lawless (1987) for the half chi-squared.
        """
        data = self._plain("This test")
        if kind not in _TESTS:
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint=f"Use one of {', '.join(_TESTS)}.")
        y, offset, matrix = data.y, data.offset, data.centred
        poisson = data.fit if data.fit.alpha == 0 else fit_poisson(y, matrix, offset)
        if kind.startswith("lr"):
            other: CountFit = (fit_nb2 if kind == "lr" else fit_nb1)(y, matrix, offset)
            value = max(2 * (other.llf - poisson.llf), 0.0)
            law = f"half chi-squared, Poisson against {'NB2' if kind == 'lr' else 'NB1'}"
            return self._test(value, half_chi2(value, 1, 1), law, 1.0, other.alpha, ("lawless1987",))
        if kind == "score":
            z = spread.dean_score(y, poisson.mean)
            alpha, sources, words = float("nan"), ("dean1992",), "score, against NB2 variance"
        else:
            alpha, z = spread.auxiliary_regression(y, poisson.mean, 1 if kind == "linear" else 2)
            sources, words = ("cameron_trivedi1990",), f"regression, against {kind} variance"
        return self._test(z, float(stats.norm.sf(z)), words, float("nan"), alpha, sources)

    def _test(
        self, value: float, p: float, words: str, df: float, alpha: float, sources: tuple[str, ...]
    ) -> HypothesisTest:
        return HypothesisTest(
            statistic=value,
            df=df,
            pvalue=p,
            method=f"Test of overdispersion ({words}), one-sided",
            distribution="normal" if np.isnan(df) else "half chi2",
            detail={"alpha": alpha},
            sources=sources,
            ledger=self.ledger,
        )

    def dispersion_estimates(self) -> Any:
        """Estimates of the NB2 alpha by several rules, all at the means of this fit.

        Returns
        -------
        pandas.Series
            maximum likelihood, moments (those of Cameron and Trivedi's quadratic regression), pearson, deviance.

        Notes
        -----
        They agree when NB2 is right. The deviance rule is far off when means are small, as chi-squared then is.
        To refit with one of them: ``CountRegression(..., family="nb2", dispersion="pearson")``.
        """
        import pandas as pd

        data = self._data("An estimate of the dispersion")
        y, mean, df = data.y, data.fit.mean, data.df_resid
        rows = {
            "maximum likelihood": spread.likely_alpha(y, mean),
            "moments": spread.moment_alpha(y, mean),
            "pearson": spread.pearson_alpha(y, mean, df),
            "deviance": spread.deviance_alpha(y, mean, df),
        }
        return pd.Series(rows, name="alpha")

    # ---- zeros and other counts --------------------------------------------------------------------------------
    def zero_test(self) -> HypothesisTest:
        """Score test of whether there are more zeros than the family has; one-sided.

        Returns
        -------
        HypothesisTest
            `statistic` is a normal deviate, above zero for too many; ``detail`` holds observed and expected zeros.

        Notes
        -----
        Allows for the parameters having been estimated. Asks for one share of extra zeros in all cells. It needs no
        fit of another model, and so none of the laws for models that are not nested.
        Source: van den Broek (1995) for Poisson; the same projection is used for the negative binomials.
        """
        data = self._plain("This test")
        if data.dispersion != "ml" or self.family == "quasipoisson":
            raise DataError(
                "Without a likelihood the number of zeros is not known.",
                code="zeros",
                hint='Fit family="poisson", "nb1" or "nb2" with dispersion="ml".',
            )
        fit, family = data.fit, self.family if self.alpha else "poisson"
        log_zero, at_zero = scores_at_zero(data.centred, fit.mean, family, fit.alpha)
        p_zero = np.exp(log_zero)
        z, _ = spread.zero_score(data.y, p_zero, at_zero, fit.information)
        return HypothesisTest(
            statistic=z,
            df=float("nan"),
            pvalue=float(stats.norm.sf(z)),
            method=f"Score test of extra zeros beside {family}, one-sided",
            distribution="normal",
            labels=("cells without events",),
            detail={"observed": np.array([float(np.sum(data.y == 0))]), "expected": np.array([float(p_zero.sum())])},
            sources=("vandenbroek1995",),
            ledger=self.ledger,
        )

    def frequencies(self, most: int | None = None) -> Any:
        """Observed and expected number of cells with each count.

        Parameters
        ----------
        most : int, optional
            Largest count; by default the largest seen, but at most 200.

        Returns
        -------
        pandas.DataFrame
            Index: the count; columns observed, expected.
        """
        import pandas as pd

        data = self._data("Frequencies")
        top = min(int(data.y.max()), 200) if most is None else int(most)
        family = self.family if self.alpha else "poisson"
        observed = np.bincount(data.y.astype(np.int64), minlength=top + 1)[: top + 1]
        expected = expected_frequencies(data.fit.mean, family, self.alpha, top)
        return pd.DataFrame({"observed": observed, "expected": expected}, index=pd.RangeIndex(top + 1, name="count"))

    def rootogram(self, ax: Any = None, most: int | None = None) -> Any:
        """Draw observed frequencies hanging from the expected ones, both as square roots; return the Axes.

        A bar that ends above zero is a count seen less often than expected. Source: Kleiber and Zeileis (2016).
        """
        from exitmodels.render.rootogram import hanging

        frame = self.frequencies(most)
        return hanging(ax, frame["observed"].to_numpy(), frame["expected"].to_numpy(), self.method)

    def lr_test(self, smaller: Regression) -> HypothesisTest:
        """Likelihood-ratio test against a fit with fewer terms, or without overdispersion; see `likelihood_ratio`."""
        return likelihood_ratio(self, smaller)
