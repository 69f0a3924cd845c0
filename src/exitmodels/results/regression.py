"""One protocol for every regression: the names that statsmodels users know.

Second floor. A model fills in arrays; everything a reader asks for (limits,
tables, tests) is derived here once. Subclasses add what only they know
(prediction, residuals, other covariances).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import scaled_rank
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.labels import labelled
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Regression"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Regression(Tabled):
    """A fitted regression.

    Attributes
    ----------
    names : tuple of str
        Columns of the design, in order.
    estimate : (p,)
        Coefficients on the scale of the linear predictor.
    covariance : (p, p)
        Covariance of `estimate`; `vcov` names the kind.
    llf, llnull : float
        Log-likelihood at the estimate and with all coefficients zero (or the intercept only).
    nobs, n_events : float
        Rows used (replications counted) and events.
    df_resid : float or None
        Residual degrees of freedom when limits use Student's t; None for the normal law.
    ledger : Ledger
        Records read, set aside, and why.
    method : str
        What was fitted, in words; printed at the head of the summary.
    sources : tuple of str
        Keys of the papers behind the numbers, printed by `cite`.
    """

    names: tuple[str, ...]
    estimate: Floats
    covariance: Floats
    vcov: str
    llf: float
    llnull: float
    nobs: float
    n_events: float
    converged: bool
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    outcome: str = "exit"
    df_resid: float | None = None
    warnings: tuple[str, ...] = ()
    tests: Mapping[str, HypothesisTest] = field(default_factory=dict)

    ratio_name: ClassVar[str] = "exp(coef)"

    # ---- estimates -------------------------------------------------------------------------------------------
    @property
    def params(self) -> Any:
        """Coefficients, as a Series."""
        return labelled(self.estimate, self.names, name="coef")

    @property
    def standard_errors(self) -> Floats:
        """Standard errors, as an array."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def bse(self) -> Any:
        """Standard errors, as a Series."""
        return labelled(self.standard_errors, self.names, name="se")

    @property
    def zvalues(self) -> Any:
        """Coefficients over their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return labelled(self.estimate / self.standard_errors, self.names, name="z")

    @property
    def tvalues(self) -> Any:
        """The same as `zvalues`; the name that table-making packages look for."""
        return self.zvalues

    @property
    def pvalues(self) -> Any:
        """Two-sided p-values (normal law, or Student's t when `df_resid` is given)."""
        z = np.abs(self.zvalues.to_numpy())
        p = 2 * (stats.norm.sf(z) if self.df_resid is None else stats.t.sf(z, self.df_resid))
        return labelled(p, self.names, name="p")

    def cov_params(self) -> Any:
        """Covariance of the coefficients, as a DataFrame."""
        return labelled(self.covariance, self.names, self.names)

    def _critical(self, alpha: float) -> float:
        if not 0 < alpha < 1:
            raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
        tail = 1 - alpha / 2
        return float(stats.norm.ppf(tail) if self.df_resid is None else stats.t.ppf(tail, self.df_resid))

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Wald limits of the coefficients: columns low, high."""
        half = self._critical(alpha) * self.standard_errors
        limits = np.column_stack([self.estimate - half, self.estimate + half])
        return labelled(limits, self.names, ("low", "high"))

    def ratios(self, alpha: float = 0.05) -> Any:
        """Exponentiated coefficients with limits: columns ratio, low, high."""
        limits = self.conf_int(alpha).to_numpy()
        with np.errstate(over="ignore"):
            values = np.exp(np.column_stack([self.estimate, limits]))
        return labelled(values, self.names, (self.ratio_name, "low", "high"))

    # ---- fit as a whole --------------------------------------------------------------------------------------
    @property
    def df_model(self) -> int:
        """Number of coefficients estimated (intercept not counted)."""
        return len(self.names) - ("Intercept" in self.names)

    @property
    def n_parameters(self) -> float:
        """Parameters counted by the information criteria."""
        return len(self.names)

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 llf + 2 parameters."""
        return -2 * self.llf + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion; the sample size is `bic_size`."""
        return -2 * self.llf + float(np.log(self.bic_size)) * self.n_parameters

    @property
    def bic_size(self) -> float:
        """What counts as the sample size in `bic`: rows, unless a model says otherwise."""
        return self.nobs

    @property
    def model(self) -> SimpleNamespace:
        """Names of outcome and columns, where table-making packages look for them."""
        return SimpleNamespace(endog_names=self.outcome, exog_names=list(self.names))

    # ---- tests -----------------------------------------------------------------------------------------------
    def wald_test(self, what: str | Sequence[str] | Floats | None = None) -> HypothesisTest:
        """Test that coefficients, or linear combinations of them, are zero.

        Parameters
        ----------
        what : str, list of str or (q, p) array, optional
            Names of coefficients, or a contrast matrix; by default all coefficients but the intercept.
        """
        contrast = self._contrast(what)
        middle = contrast @ self.covariance @ contrast.T
        value = contrast @ self.estimate
        rank = scaled_rank(middle)
        if rank < len(contrast):
            raise DataError(
                f"The {len(contrast)} combinations have a covariance of rank {rank}.",
                code="contrast",
                hint="Leave out combinations that follow from the others.",
            )
        spread = np.sqrt(np.diag(middle))
        value = value / spread
        statistic = float(value @ np.linalg.solve(middle / np.outer(spread, spread), value))
        name = f"Wald test of {len(contrast)} combination(s), {self.vcov} variance"
        return HypothesisTest(
            statistic=statistic, df=rank, pvalue=float(stats.chi2.sf(statistic, rank)), method=name, ledger=self.ledger
        )

    def _contrast(self, what: str | Sequence[str] | Floats | None) -> Floats:
        if what is None:
            what = [name for name in self.names if name != "Intercept"]
        if isinstance(what, str):
            what = [what]
        if isinstance(what, np.ndarray) or not all(isinstance(name, str) for name in what):
            matrix = np.atleast_2d(np.asarray(what, dtype=float))
            if matrix.shape[1] != len(self.names):
                raise DataError(
                    f"The contrast has {matrix.shape[1]} columns; there are {len(self.names)} coefficients.",
                    code="contrast",
                    hint=f"Give one column for each of {', '.join(self.names)}.",
                )
            return matrix
        unknown = [name for name in what if name not in self.names]
        if unknown:
            raise DataError(
                f"No coefficient is called {unknown[0]!r}.", code="contrast", hint=f"Known: {', '.join(self.names)}."
            )
        return np.eye(len(self.names))[[self.names.index(str(name)) for name in what]]

    # ---- tables ----------------------------------------------------------------------------------------------
    def tidy(self, alpha: float = 0.05) -> Any:
        """One row per coefficient: term, estimate, se, statistic, p, low, high, ratio and its limits."""
        import pandas as pd

        limits, ratios = self.conf_int(alpha).to_numpy(), self.ratios(alpha).to_numpy()
        return pd.DataFrame(
            {
                "term": list(self.names),
                "estimate": self.estimate,
                "se": self.standard_errors,
                "statistic": self.zvalues.to_numpy(),
                "p": self.pvalues.to_numpy(),
                "low": limits[:, 0],
                "high": limits[:, 1],
                "ratio": ratios[:, 0],
                "ratio_low": ratios[:, 1],
                "ratio_high": ratios[:, 2],
            }
        )

    def glance(self) -> Any:
        """One row about the whole fit."""
        import pandas as pd

        return pd.DataFrame([dict(self._facts())])

    def _facts(self) -> list[tuple[str, Any]]:
        return [
            ("rows", self.nobs),
            ("events", self.n_events),
            ("log-likelihood", self.llf),
            ("AIC", self.aic),
            ("BIC", self.bic),
            ("variance", self.vcov),
            ("converged", "yes" if self.converged else "no"),
        ]

    def _note(self) -> str:
        return f"{self.method}. {number(self.nobs)} rows, {number(self.n_events)} events; {self.vcov} variance."

    def _table(self, alpha: float) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        level = number(100 * (1 - alpha), 3)
        statistic = "z" if self.df_resid is None else "t"
        columns = ("term", "coef", "se", statistic, "p", self.ratio_name, f"low {level}%", f"high {level}%")
        frame = self.tidy(alpha)
        rows = tuple(
            (r.term, r.estimate, r.se, f"{r.statistic:.2f}", pvalue(r.p), r.ratio, r.ratio_low, r.ratio_high)
            for r in frame.itertuples()
        )
        return columns, rows

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the fit, the coefficients, the tests, and every warning."""
        columns, rows = self._table(alpha)
        blocks = [Block(columns, rows)]
        if self.tests:
            lines = tuple((name, t.statistic, t.df, pvalue(t.pvalue)) for name, t in self.tests.items())
            blocks.append(Block(("test", "chi2", "df", "p"), lines))
        notes = list(self.warnings)
        if self.ledger.n_set_aside:
            notes.append(f"{self.ledger.n_set_aside} of {self.ledger.read} records were set aside; see .ledger.")
        return Summary(self.method, tuple(self._facts()), tuple(blocks), tuple(notes))

    def plot(self, ax: Any = None, alpha: float = 0.05) -> Any:
        """Draw the ratios with their limits on a log axis; return the Axes."""
        from exitmodels.render.axes import coefficients

        keep = [i for i, name in enumerate(self.names) if name != "Intercept"]
        values = self.ratios(alpha).to_numpy()[keep]
        return coefficients(ax, [self.names[i] for i in keep], values, self.ratio_name, number(100 * (1 - alpha), 3))

    def with_covariance(self, covariance: Floats, kind: str, **changes: Any) -> Self:
        """Return the same fit with another covariance; the coefficients stay."""
        return replace(self, covariance=covariance, vcov=kind, **changes)
