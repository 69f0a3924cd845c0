"""What a parametric fit under truncation gives back: estimates beside the naive ones, tests, other variances.

Third floor, in the room of truncation; curves are in window_predict.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.models.truncation import window_fit
from exitmodels.models.truncation.window_fit import Fitted
from exitmodels.models.truncation.window_predict import HazardPrediction
from exitmodels.models.truncation.window_rows import Named
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.spells import Spells

__all__ = ["ParametricResults", "check_vcov", "finish"]

_KINDS = ("model", "robust", "cluster")
_INDEPENDENCE = "quasi-independence, given the model (score)"


def check_vcov(kind: str | None) -> None:
    """Refuse a variance that is not known."""
    if kind not in (None, *_KINDS):
        raise DataError(
            f"vcov={kind!r} is not known.",
            code="vcov",
            hint="One of model, robust, cluster; for the bootstrap use exitmodels.bootstrap(model, spells, rng=).",
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class ParametricResults(HazardPrediction):
    """A fitted parametric model of stays, under any scheme.

    Attributes
    ----------
    effects : (q,) bool
        Which coefficients are effects of covariates or policies; the others belong to the baselines.
    naive, naive_se : (q,) or None
        What the same model says when the right limits are forgotten; None when there are none.
    effective : float
        Effective sample size of rows weighted by one over their chance to be seen.
    chance : float
        Estimated share of all such stays (the same join dates) that the records could hold.
    """

    effects: Floats
    naive: Floats | None = None
    naive_se: Floats | None = None
    effective: float = float("nan")
    chance: float = float("nan")
    exits: tuple[tuple[str, float], ...] = ()
    fitted: Fitted | None = field(default=None, metadata={"stored": False})
    rows: Spells | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "HR"

    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Ratios of the hazards with limits, effects only: columns HR, low, high."""
        return self.ratios(alpha)[np.asarray(self.effects, dtype=bool)]

    @property
    def df_model(self) -> int:
        """Number of effects."""
        return int(np.sum(self.effects))

    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fit with another covariance; the estimates stay.

        Parameters
        ----------
        kind : {"model", "robust", "cluster"}
            Inverse observed information; sandwich over rows; over clusters.
        cluster : str or (n,) labels, optional
            A column, or one label per row; by default the clusters of the formula or the spells.
        """
        check_vcov(kind)
        if self.fitted is None or self.rows is None:
            raise DataError(
                "Another variance needs the data of the fit, which a saved result does not hold.",
                code="no-data",
                hint="Fit the model again on the data.",
            )
        codes = self._clusters(cluster) if kind == "cluster" else None
        made = self.with_covariance(self.fitted.covariance(kind, codes), kind)
        return replace(made, tests=made._tests())

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
        tests = {name: test for name, test in self.tests.items() if name == _INDEPENDENCE}
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

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: the fit, the tests, the naive fit it replaces, and what is not identified."""
        made = super().summary(alpha)
        if self.naive is None:
            return made
        frame = self.compare_naive()
        rows = tuple((name, *(float(v) for v in row)) for name, row in zip(frame.index, frame.to_numpy(), strict=True))
        heading = "Beside the naive fit (right limits forgotten; biased, for comparison only)"
        block = Block(("term", *frame.columns), rows, heading)
        return replace(made, tables=(*made.tables, block), notes=(*made.notes, *self._unknown()))

    def _unknown(self) -> tuple[str, ...]:
        """What records of exits alone cannot say."""
        told = [
            f"Not identified: the share who never leave, and stays beyond {number(self.horizon)} {self.unit}, the "
            "largest limit; there the law speaks, not the records."
        ]
        if _INDEPENDENCE not in self.tests:
            told.append("Quasi-independence was not tested: the right limits do not vary, or a trend is in the model.")
        return tuple(told)


def finish(
    kind: type[Any],
    rows: Spells,
    named: Named,
    causes: Sequence[Any],
    vcov: str | None,
    most: int,
    method: str,
    sources: tuple[str, ...],
) -> Any:
    """Search, check, and fill in the results."""
    window_fit.enough(named, rows.n_events)
    found = window_fit.search(named.data, most)
    best = found.best
    trouble = window_fit.runaway(named, best)
    told = (trouble,) if trouble else ()
    if trouble:
        warnings.warn(trouble, ConvergenceWarning, stacklevel=3)
    copies = rows.weights == "frequency" or rows.weight is None
    fitted = Fitted(named, best.at, best.surface.information, copies)
    naive = naive_se = None
    effective = chance = float("nan")
    tests: dict[str, HypothesisTest] = {}
    if found.naive is not None:
        naive = named.recode @ found.naive.at
        spread = named.recode @ window_fit.inverse(found.naive.surface.information) @ named.recode.T
        naive_se = np.sqrt(np.diag(spread))
        effective, chance = window_fit.seen(named, best.at)
        test = window_fit.independence_test(named, best)
        tests = {} if test is None else {_INDEPENDENCE: test}
    data = named.data
    tops = np.where(np.isfinite(data.close), data.close, data.end)
    made = kind(
        names=named.names,
        estimate=named.recode @ best.at,
        covariance=fitted.covariance("model", None),
        vcov="model",
        llf=best.surface.value,
        llnull=window_fit.null_value(data, best.at, most) if named.effects.any() else best.surface.value,
        nobs=rows.n,
        n_events=rows.n_events,
        converged=not trouble,
        ledger=rows.ledger,
        method=method,
        sources=sources,
        warnings=told,
        tests=tests,
        causes=tuple(causes),
        laws=data.laws,
        designs=named.designs,
        policies=named.policies,
        touches=data.touches,
        combine=data.combine,
        horizon=float(tops.max()),
        unit=rows.unit,
        effects=named.effects,
        naive=naive,
        naive_se=naive_se,
        effective=effective,
        chance=chance,
        exits=_exits(rows),
        fitted=fitted,
        rows=rows,
    )
    wanted = vcov or ("cluster" if named.cluster is not None else "model" if copies else "robust")
    return made.with_vcov(wanted)


def _exits(rows: Spells) -> tuple[tuple[str, float], ...]:
    weight = rows.row_weight if rows.weights == "frequency" else np.ones(len(rows))
    return tuple((str(c), float(weight[rows.event == k].sum())) for k, c in enumerate(rows.causes, start=1))
