"""Cox regression in reverse time, for stays seen only when they were short enough.

Third floor. Effects are on the reverse hazard: on the distribution of stays, not on the hazard of leaving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import chdtrc

from exitmodels.errors import DataError
from exitmodels.kernels.coxresiduals import sandwich
from exitmodels.kernels.linalg import symmetric_inverse
from exitmodels.kernels.optimise import newton
from exitmodels.kernels.partial import cox_data, cox_terms
from exitmodels.kernels.risksets import risk_index
from exitmodels.models.truncation.covariates import coded
from exitmodels.models.truncation.right import refuse_left
from exitmodels.models.truncation.seen import refuse_open, sorted_groups
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.regression import Regression
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["ReverseCox", "ReverseCoxResults"]

_TIES = ("efron", "breslow")
_VARIANCES = ("model", "robust", "cluster")


@dataclass(frozen=True, eq=False, kw_only=True)
class ReverseCoxResults(Regression):
    """A fitted model of reverse hazards: F(t | x) = F0(t) ** exp(x b). Above 1: longer stays."""

    ratio_name: ClassVar[str] = "power of F"


@dataclass(frozen=True)
class ReverseCox:
    """Proportional reverse hazards, for right-truncated stays.

    Parameters
    ----------
    formula : str
        Covariates, with ``strata()``, ``cluster()`` and ``offset()``; no left-hand side.
    ties : {"efron", "breslow"}
    vcov : {"model", "robust", "cluster"}, optional
        "model" by default; "robust" with sampling weights; "cluster" with a ``cluster()`` term.

    Notes
    -----
    The effect is on F, the distribution of stays: F(t | x) = F0(t) ** exp(x b). A positive coefficient means longer
    stays. It is *not* a log hazard ratio and cannot be turned into one; `TruncatedCox` estimates those. What it needs
    is less: nothing about stays beyond the largest limit. The score test of one group with Breslow's ties is the
    reverse-time log-rank test but for its variance under ties.
    Source: Lagakos, Barraj & De Gruttola (1988); Kalbfleisch & Lawless (1989).

    Examples
    --------
    >>> import exitmodels as xm
    >>> x = {"x": [0, 0, 1, 1, 0, 1]}
    >>> spells = xm.Spells(exit=[1, 2, 3, 4, 2, 5], right_limit=[5, 4, 6, 5, 6, 7], covariates=x)
    >>> xm.ReverseCox("x").fit(spells).names
    ('x',)
    """

    formula: str
    ties: str = "efron"
    vcov: str | None = None
    tol: float = 1e-9
    max_steps: int = 40

    def fit(self, spells: Spells) -> ReverseCoxResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If the spells have no windows, or short stays are missing too.
        FormulaError, DataError
            For a formula that cannot be read, missing values, constant or collinear columns, few exits.
        """
        for name, value, known in (("ties", self.ties, _TIES), ("vcov", self.vcov or "model", _VARIANCES)):
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        refuse_open(spells, "ReverseCox")
        refuse_left(spells, "ReverseCox")
        rows = usable(spells, self.formula)
        made = coded(rows, self.formula, len(rows), "any cause")
        group = next(iter(sorted_groups(rows, None, "right")))
        size = len(group.time)
        everyone = np.ones(len(rows), dtype=bool)
        index = risk_index(size - group.stop, size - group.slot, everyone, made.stratum, made.n_strata)
        copies = rows.weights == "frequency"
        data = cox_data(made.matrix, index, rows.weight, made.offset, self.ties, copies)
        best = newton(lambda beta: cox_terms(beta, data), np.zeros(len(made.names)), self.tol, self.max_steps)
        inverse = symmetric_inverse(best.terms.information)
        kind = self.vcov
        if kind is None:
            kind = "cluster" if "cluster(" in self.formula else "model"
            kind = "robust" if kind == "model" and not copies and rows.weight is not None else kind
        if kind == "cluster" and made.cluster is None:
            raise DataError("There are no clusters.", code="no-cluster", hint="Read the spells with cluster=.")
        covariance = inverse
        if kind != "model":
            weight = np.asarray(rows.row_weight, dtype=np.float64)
            factor = np.sqrt(weight) if copies and kind == "robust" else weight
            middle = sandwich(data, best.terms, factor, made.cluster if kind == "cluster" else None)
            covariance = inverse @ middle @ inverse
        scale = np.outer(made.scale, made.scale)
        score = float(best.start.gradient @ np.linalg.solve(best.start.information, best.start.gradient))
        estimate = best.at
        values = {
            "likelihood ratio": 2 * (best.terms.value - best.start.value),
            "Wald": float(estimate @ np.linalg.solve(covariance, estimate)),
            "score": score,
        }
        p, sources = len(estimate), ("lagakos1988", "kalbfleisch_lawless1989")
        notes = ["effects are on the distribution of stays, F(t) to the power shown: not on the hazard of leaving"]
        if not best.converged:
            notes.append("no maximum was found: a coefficient may run to infinity")
        return ReverseCoxResults(
            names=made.names,
            estimate=estimate / made.scale,
            covariance=covariance / scale,
            vcov=kind,
            llf=best.terms.value,
            llnull=best.start.value,
            nobs=rows.n,
            n_events=rows.n_events,
            converged=best.converged,
            ledger=rows.ledger,
            method=f"Reverse-time Cox regression (effects on F), {self.ties.capitalize()} ties",
            sources=sources,
            outcome="stay, reverse hazard",
            warnings=tuple(notes),
            tests={
                name: _test(name, value, p, rows, sources) for name, value in values.items() if name == "Wald" or copies
            },
        )


def _test(name: str, value: float, p: int, rows: Spells, sources: tuple[str, ...]) -> Any:
    return HypothesisTest(
        statistic=value,
        df=p,
        pvalue=float(chdtrc(p, value)),
        method=f"{name} test that all coefficients are zero",
        ledger=rows.ledger,
        sources=sources,
    )
