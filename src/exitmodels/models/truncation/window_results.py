"""What a parametric fit under truncation gives back: estimates beside the naive ones, tests, other variances.

Third floor, in the room of truncation; curves are in window_predict.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.models.truncation import window_fit
from exitmodels.models.truncation.window_beside import Beside, lay_beside
from exitmodels.models.truncation.window_fit import Fitted
from exitmodels.models.truncation.window_predict import HazardPrediction
from exitmodels.render.text import Block, Summary, number, pvalue
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["INDEPENDENCE", "ParametricResults", "check_vcov"]

_DIRECT = ("model", "robust", "cluster")
INDEPENDENCE = "quasi-independence, given the model (score)"


def check_vcov(kind: str | None, known: Sequence[str] = _DIRECT) -> None:
    """Refuse a variance that is not known."""
    if kind not in (None, *known):
        more = "" if "bootstrap" in known else '; for the bootstrap fit.with_vcov("bootstrap", rng=)'
        raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {', '.join(known)}{more}.")


@dataclass(frozen=True, eq=False, kw_only=True)
class ParametricResults(HazardPrediction):
    """A fitted parametric model of stays, under any scheme.

    Attributes
    ----------
    effects : (q,) bool
        Which coefficients are effects of covariates or policies; the others belong to the baselines.
    stretches : (q,) bool
        Which of these stretch the clock (lognormal, log-logistic and gamma laws); the others multiply hazards.
    naive, naive_se : (q,) or None
        What the same model says when the right limits are forgotten; None when there are none.
    effective : float
        Effective sample size of rows weighted by one over their chance to be seen.
    chance : float
        Estimated share of all such stays (the same join dates) that the records could hold.
    chosen : str
        How the number of knots was chosen, if it was.
    kept : Beside or None
        The estimate without a law, once it was asked for; see `beside`.
    """

    effects: Floats
    stretches: Floats
    naive: Floats | None = None
    naive_se: Floats | None = None
    effective: float = float("nan")
    chance: float = float("nan")
    exits: tuple[tuple[str, float], ...] = ()
    chosen: str = ""
    kept: Beside | None = None
    fitted: Fitted | None = field(default=None, metadata={"stored": False})
    rows: Spells | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "HR"

    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Ratios of the hazards with limits, effects on hazards only: columns HR, low, high."""
        found = self.ratios(alpha)[np.asarray(self.effects, dtype=bool) & ~np.asarray(self.stretches, dtype=bool)]
        return found.rename(columns={self.ratio_name: "HR"})

    def time_ratios(self, alpha: float = 0.05) -> Any:
        """Factors by which the clock is stretched, with limits: columns TR, low, high; above 1 stays are longer."""
        found = self.ratios(alpha)[np.asarray(self.stretches, dtype=bool)]
        return found.rename(columns={self.ratio_name: "TR"})

    @property
    def df_model(self) -> int:
        """Number of effects."""
        return int(np.sum(self.effects))

    def with_vcov(
        self, kind: str, cluster: Any = None, n: int = 500, rng: np.random.Generator | int | None = None
    ) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster", "bootstrap"}
            Inverse observed information; sandwich over rows; over clusters; covariance of `n` bootstrap estimates, in
            which rows are drawn, people where weights count them, clusters where there are any.
        cluster : str or (n,) labels, optional
            A column, or one label per row; by default the clusters of the formula or the spells.
        n : int
            Bootstrap samples.
        rng : numpy Generator or seed
            For the bootstrap.
        """
        check_vcov(kind, (*_DIRECT, "bootstrap"))
        if self.fitted is None or self.rows is None:
            raise DataError(
                "Another variance needs the data of the fit, which a saved result does not hold.",
                code="no-data",
                hint="Fit the model again on the data.",
            )
        if kind == "bootstrap":
            return self._with_bootstrap(cluster, n, np.random.default_rng(rng))
        codes = self._clusters(cluster) if kind == "cluster" else None
        made = self.with_covariance(self.fitted.covariance(kind, codes), kind, kept=None)
        return replace(made, tests=made._tests())

    def _with_bootstrap(self, cluster: Any, n: int, rng: np.random.Generator) -> Self:
        assert self.fitted is not None
        assert self.rows is not None
        own = self.fitted.named.cluster if self.fitted.named.cluster is not None else self.rows.cluster
        codes = None if cluster is None and own is None else self._clusters(cluster)
        draws = window_fit.resampled(self.fitted, codes, n, rng)
        known = draws[np.isfinite(draws).all(axis=1)]
        if len(known) < max(n / 2, 2):
            raise DataError(
                f"The likelihood has no maximum in {n - len(known)} of {n} bootstrap samples.",
                code="bootstrap",
                hint="Use fewer parameters, or another law.",
            )
        lost = n - len(known)
        note = (f"{lost} of {n} bootstrap samples had no maximum and were left out.",) if lost else ()
        made = self.with_covariance(np.atleast_2d(np.cov(known, rowvar=False)), "bootstrap")
        return replace(made, tests=made._tests(), warnings=(*self.warnings, *note))

    def _bootstrap_draws(
        self, units: Ints | None, n: int, rng: np.random.Generator, tick: Callable[[int], None]
    ) -> Floats | None:
        """Coefficients on n resamples, for `exitmodels.bootstrap`."""
        return None if self.fitted is None else window_fit.resampled(self.fitted, units, n, rng, tick)

    def _clusters(self, cluster: Any) -> Any:
        assert self.rows is not None
        assert self.fitted is not None
        own = self.fitted.named.cluster if self.fitted.named.cluster is not None else self.rows.cluster
        if isinstance(cluster, str):
            own = self.rows.groups(cluster)[0]
        elif cluster is not None:
            own = np.asarray(cluster)
        if own is None:
            raise DataError(
                'vcov="cluster" needs clusters.',
                code="no-cluster",
                hint="Read the spells with cluster=, or put cluster(column) in the formula.",
            )
        if len(own) != len(self.rows):
            raise DataError(f"{len(own)} labels for {len(self.rows)} rows.", code="length", hint="Give one per row.")
        return np.unique(own, return_inverse=True)[1]

    def _tests(self) -> dict[str, HypothesisTest]:
        """Likelihood ratio and Wald tests of all effects, and quasi-independence."""
        tests = {name: test for name, test in self.tests.items() if name == INDEPENDENCE}
        places = np.flatnonzero(self.effects)
        made: dict[str, HypothesisTest] = {}
        if len(places):
            value, df = 2 * (self.llf - self.llnull), float(len(places))
            text = "likelihood ratio test that all effects are zero"
            made["likelihood ratio"] = HypothesisTest(
                statistic=value, df=df, pvalue=float(chdtrc(df, max(value, 0.0))), method=text, ledger=self.ledger
            )
            part = self.covariance[np.ix_(places, places)]
            if np.isfinite(part).all() and np.linalg.matrix_rank(part) == len(places):
                made["Wald"] = self.wald_test([self.names[i] for i in places])
        return {**made, **tests}

    # ---- print -------------------------------------------------------------------------------------------------
    def _facts(self) -> list[tuple[str, Any]]:
        facts = super()._facts()
        exits = [(f"exits: {cause}", n) for cause, n in self.exits] if len(self.exits) > 1 else []
        more: list[tuple[str, Any]] = []
        if self.naive is not None:
            more = [("effective sample size", self.effective), ("chance to be recorded", self.chance)]
            more.append(("finite maximum", "yes" if self.converged else "no"))
        return [*facts[:2], *exits, *more, *facts[2:]]

    def compare_naive(self) -> Any:
        """Estimates beside those of the fit that forgets the right limits: estimate, se, naive, naive se."""
        import pandas as pd

        if self.naive is None or self.naive_se is None:
            raise DataError("No row has a right limit.", code="naive", hint="Then this fit is the naive one.")
        values = {"estimate": self.estimate, "se": self.standard_errors, "naive": self.naive, "naive se": self.naive_se}
        return pd.DataFrame(values, index=list(self.names))

    def beside(self) -> Beside | None:
        """The estimate without a law, its existence check and the test without a model; None without right limits.

        Computed when first asked for, and saved with the result.
        """
        if self.kept is None and self.naive is not None and self.fitted is not None and self.rows is not None:
            clustered = self.vcov == "cluster"
            made = lay_beside(self.rows, self.fitted.named.data, self.fitted.at, self.causes, clustered)
            object.__setattr__(self, "kept", made)
        return self.kept

    def save(self, path: str | Path) -> None:
        """Write the result as JSON, with the estimate beside it; read it back with `exitmodels.load`."""
        self.beside()
        super().save(path)

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the fit, the tests, the naive fit it replaces, and what is not identified.

        Where there are right limits the incidence of each reason estimated without a law stands beside the fitted one,
        both among stays inside the range that could be seen, and beside the plain share of the records.
        """
        made = super().summary(alpha)
        chosen = (self.chosen,) if self.chosen else ()
        if self.naive is None:
            return replace(made, notes=(*made.notes, *chosen))
        frame = self.compare_naive()
        rows = tuple((name, *(float(v) for v in row)) for name, row in zip(frame.index, frame.to_numpy(), strict=True))
        heading = "Beside the naive fit (right limits forgotten; biased, for comparison only)"
        blocks = [Block(("term", *frame.columns), rows, heading)]
        found = self.beside()
        facts, told = made.facts, [*made.notes, *chosen]
        if found is not None:
            blocks.append(found.block(alpha))
            told.append(f"Existence: {found.why}.")
            if found.curve is not None:
                check = found.curve.checks[0]
                more = (("effective sample size, no law", check.effective), ("mean recorded stay", check.naive_mean))
                facts = (*facts, *more, ("mean stay in range, no law", check.mean))
            told += self._independence(found)
        return replace(made, facts=facts, tables=(*made.tables, *blocks), notes=(*told, *self._unknown()))

    def _independence(self, found: Beside) -> list[str]:
        if found.test is None:
            return [f"Quasi-independence was not tested without a model: {found.why_not}"]
        more = "; ".join(found.test.warnings)
        policy = " A policy breaks it, and the estimate without a law with it." if self.policies else ""
        return [
            f"Quasi-independence of stays and windows without a model ({found.test.method.split(' (')[0]}): chi2 "
            f"{found.test.statistic:.2f} on {found.test.df:g} df, p {pvalue(found.test.pvalue)}.{policy}"
            + (f" ({more})" if more else "")
        ]

    def _unknown(self) -> tuple[str, ...]:
        """What records of exits alone cannot say."""
        told = [
            f"Not identified: the share who never leave, and stays beyond {number(self.horizon)} {self.unit}, the "
            "largest limit; there the law speaks, not the records."
        ]
        if INDEPENDENCE not in self.tests:
            told.append("Quasi-independence was not tested: the right limits do not vary, or a trend is in the model.")
        return tuple(told)
