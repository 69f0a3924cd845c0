"""Cox regression for stays seen only because they ended inside a window.

Third floor. Each row is weighted by one over the chance that a stay of its length is recorded, estimated with the
law of the windows by `DoublyTruncated`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Floats
from exitmodels.errors import ConvergenceWarning, DataError
from exitmodels.models.truncation.covariates import coded
from exitmodels.models.truncation.fitting import linked
from exitmodels.models.truncation.right import refuse_left
from exitmodels.models.truncation.seen import refuse_open, sorted_groups
from exitmodels.models.truncation.weighted import Weighted, draws, prepare, solve
from exitmodels.render.text import number
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.regression import Regression
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["TruncatedCox", "TruncatedCoxResults"]

_ESTIMATORS = ("weighted", "stabilised")
_TIES = ("breslow", "efron")
_VARIANCES = ("robust", "given-weights", "cluster", "bootstrap")
_CHANCES = ("npmle", "limits")


@dataclass(frozen=True, eq=False, kw_only=True)
class TruncatedCoxResults(Regression):
    """A fitted regression on weighted rows.

    Attributes
    ----------
    effective : float
        Effective sample size of the weights (Kish).
    largest_weight : float
        Largest weight relative to the mean.
    n_trimmed : int
        Rows whose weight was capped.
    naive : (p,)
        Coefficients of the same regression without weights: what it replaces.
    chance : (n,)
        Estimated chance that a stay of each row's length is recorded, up to a factor; not saved.
    """

    effective: float
    largest_weight: float
    n_trimmed: int
    naive: Floats
    chance: Floats | None = field(default=None, metadata={"stored": False})
    fitted: Weighted | None = field(default=None, metadata={"stored": False})

    ratio_name: ClassVar[str] = "hazard ratio"

    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Exponentiated coefficients with limits."""
        return self.ratios(alpha)

    def _facts(self) -> list[tuple[str, Any]]:
        naive = ", ".join(f"{name} {number(v)}" for name, v in zip(self.names, self.naive, strict=True))
        return [
            *((name, value) for name, value in super()._facts() if name not in ("AIC", "BIC")),
            ("effective sample size", self.effective),
            ("largest weight / mean", self.largest_weight),
            ("weights trimmed", self.n_trimmed),
            ("without the weights", naive),
        ]

    def with_vcov(
        self, kind: str, n_samples: int = 500, rng: np.random.Generator | int | None = None
    ) -> TruncatedCoxResults:
        """Return the same fit with another variance.

        Parameters
        ----------
        kind : {"robust", "given-weights", "cluster", "bootstrap"}
        """
        if self.fitted is None:
            raise DataError(
                "Another variance needs the data, which a saved fit does not hold.",
                code="no-data",
                hint="Ask the fit before saving it.",
            )
        covariance, notes = _covariance(self.fitted, kind, n_samples, rng)
        return self.with_covariance(covariance, kind, warnings=(*self.warnings, *notes))


@dataclass(frozen=True)
class TruncatedCox:
    """Proportional hazards for records that exist only because the exit fell inside a window.

    Parameters
    ----------
    formula : str
        Covariates, as in ``"age + unit + strata(year)"``; no left-hand side. They must be fixed in time.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. Others are censored, and weighted alike.
    estimator : {"weighted", "stabilised"}
        "weighted": both the exits and those at risk are weighted (Rennert & Xie 2018; Mandel et al. 2018).
        "stabilised": exits count once and those at risk by their weight relative to the exit's; less ruled by a
        few early exits
        that were hardly ever recorded (Vakulenko-Lagun, Mandel & Betensky 2020, who call it IPW-S).
    ties : {"breslow", "efron"}
    vcov : {"robust", "given-weights", "cluster", "bootstrap"}, optional
        "robust" (default): infinitesimal jackknife that also moves the weights. "given-weights": takes the weights as
        known. "cluster": as "robust" over clusters (default with a ``cluster()`` term). "bootstrap": rows or clusters
        drawn again, weights estimated anew.
    trim : float, optional
        Cap weights at this many times their mean. Less variance, some bias; the number capped is reported.
    chances : {"npmle", "limits"}
        Where the chance of being recorded comes from. "npmle" (default): the law of windows that goes with
        `DoublyTruncated`. "limits": for right limits only, exp(-Nelson-Aalen) of the limits, each entering at its own
        stay; the chance is that of a limit *beyond* the stay, which is the convention of the R program coxrt. The two
        agree in large samples without ties of stays and limits; with such ties "limits" takes rows as seen that its
        own rule says cannot be.
    closed, existence
        As in `DoublyTruncated`.
    n_samples : int
    rng : numpy Generator or seed, optional

    Notes
    -----
    Assumes that stay *and covariates* are unrelated to the window (`quasi_independence_test`), and that every stay
    length
    in question could be seen through some window: effects are on the hazard among stays inside that range. With the
    covariate of interest a policy of a calendar date this fails; use a likelihood that knows the date.

    Examples
    --------
    >>> import exitmodels as xm
    >>> fit = xm.TruncatedCox("married", event="any").fit(xm.datasets.exits431().spells())
    >>> fit.names, fit.n_events
    (('married',), 431.0)
    """

    formula: str
    event: Any = None
    estimator: str = "weighted"
    ties: str = "breslow"
    vcov: str | None = None
    trim: float | None = None
    chances: str = "npmle"
    closed: str = "right"
    existence: str = "raise"
    n_samples: int = 500
    rng: np.random.Generator | int | None = None
    max_steps: int = 50

    def fit(self, spells: Spells) -> TruncatedCoxResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If the spells have no windows.
        IdentificationError
            If the windows do not link all times.
        FormulaError, DataError
            For a formula that cannot be read, missing values, constant or collinear columns, few exits, several causes
            and none chosen.

        Warns
        -----
        ConvergenceWarning
            When no maximum was found (a coefficient runs to infinity).
        """
        self._check_choices()
        refuse_open(spells, "TruncatedCox")
        if self.chances == "limits":
            refuse_left(spells, 'TruncatedCox(chances="limits")')
        rows = usable(spells, self.formula)
        group = next(iter(sorted_groups(rows, None, self.closed)))
        gone, n_parts = np.zeros(0, dtype=np.int64), 1
        if self.chances == "npmle":
            group, gone, n_parts = linked(group, self.existence, rows)
        if gone.size:
            keep = np.ones(len(rows), dtype=bool)
            keep[gone] = False
            rows = rows.select(keep, why="not linked to the largest set of times: its share cannot be told")
            group = next(iter(sorted_groups(rows, None, self.closed)))
            group = group if n_parts == 1 else linked(group, "largest", rows)[0]
        chosen = rows.for_cause(self.event)
        made = coded(rows, self.formula, int(np.count_nonzero(chosen.event)), str(chosen.causes[0]))
        options = (self.estimator, self.ties, self.trim, self.max_steps, self.chances)
        fitted = prepare(made, rows, chosen.event > 0, group, *options)
        notes = list(_notes(fitted))
        if not fitted.best.converged:
            notes.append("no maximum was found: a coefficient may run to infinity; its standard error means nothing")
            warnings.warn(notes[-1], ConvergenceWarning, stacklevel=2)
        kind = self.vcov or ("cluster" if made.cluster is not None and "cluster(" in self.formula else "robust")
        covariance, more = _covariance(fitted, kind, self.n_samples, self.rng)
        estimate = fitted.best.at / made.scale
        wald = float(estimate @ np.linalg.pinv(covariance) @ estimate)
        p = len(estimate)
        weight = fitted.selection
        total = fitted.base * weight
        sources = ("rennert_xie2018", "mandel2018")
        if self.estimator == "stabilised":
            sources = ("vakulenko_lagun2020", "mandel2018")
        return TruncatedCoxResults(
            names=made.names,
            estimate=estimate,
            covariance=covariance,
            vcov=kind,
            llf=fitted.best.terms.value,
            llnull=fitted.best.start.value,
            nobs=rows.n,
            n_events=chosen.n_events,
            converged=fitted.best.converged,
            ledger=rows.ledger,
            method=f"Cox regression for {chosen.causes[0]}, doubly truncated, {self.estimator}, "
            f"{self.ties.capitalize()} ties",
            sources=(*sources, "shen2010"),
            outcome=str(chosen.causes[0]),
            warnings=(*notes, *more),
            tests={
                "Wald": HypothesisTest(
                    statistic=wald,
                    df=p,
                    pvalue=float(chdtrc(p, wald)),
                    method=f"Wald test that all coefficients are zero, {kind} variance",
                    ledger=rows.ledger,
                    sources=sources,
                )
            },
            effective=float(total.sum() ** 2 / (fitted.base * weight**2 if fitted.copies else total**2).sum()),
            largest_weight=float(weight.max()),
            n_trimmed=int(np.count_nonzero(fitted.capped)),
            naive=solve(fitted, fitted.base, np.ones(len(rows))).at / made.scale,
            chance=1 / fitted.selection,
            fitted=fitted,
        )

    def _check_choices(self) -> None:
        for name, value, known in (
            ("estimator", self.estimator, _ESTIMATORS),
            ("ties", self.ties, _TIES),
            ("vcov", self.vcov or "robust", _VARIANCES),
            ("chances", self.chances, _CHANCES),
        ):
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        if self.trim is not None and not self.trim > 1:
            raise DataError(
                f"trim={self.trim} would cap the average weight.", code="trim", hint="Give a number above 1, say 10."
            )


def _notes(fitted: Weighted) -> list[str]:
    notes = ["effects are on the hazard among stays in the range that could be seen; nothing is known beyond it"]
    total = fitted.base * fitted.selection
    share = float(np.sort(total)[::-1][: max(1, len(total) // 20)].sum() / total.sum())
    if share > 0.5:
        notes.append(
            f"a twentieth of the rows carry {number(100 * share, 3)} % of the weight: the estimate rests on stays that "
            'were hardly ever recorded. Compare estimator="stabilised" and trim='
        )
    if fitted.capped.any():
        notes.append(
            f"{int(fitted.capped.sum())} weights were capped; robust standard errors take them as known, the bootstrap "
            "does not"
        )
    return notes


def _covariance(
    fitted: Weighted, kind: str, n_samples: int, rng: np.random.Generator | int | None
) -> tuple[Floats, list[str]]:
    if kind not in _VARIANCES:
        raise DataError(f"vcov={kind!r} is not known.", code="vcov", hint=f"One of {', '.join(_VARIANCES)}.")
    if kind == "cluster" and fitted.coded.cluster is None:
        raise DataError("There are no clusters.", code="no-cluster", hint="Read the spells with cluster=.")
    scale = fitted.coded.scale
    if kind != "bootstrap":
        return fitted.sandwich(kind != "given-weights", kind == "cluster") / np.outer(scale, scale), []
    found = draws(fitted, n_samples, np.random.default_rng(rng)) / scale
    known = np.isfinite(found).all(axis=1)
    notes = []
    if not known.all():
        notes.append(f"{int((~known).sum())} of {n_samples} bootstrap samples have no estimate; left out")
    if known.sum() < max(2, n_samples / 2):
        return np.full((len(scale), len(scale)), np.nan), notes
    return np.atleast_2d(np.cov(found[known], rowvar=False)), notes
