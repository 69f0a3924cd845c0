"""Parametric stays under every scheme: censored on either side or in intervals, truncated on either side or both.

Third floor, in the room of truncation. One kind of exit; for several reasons seen through a window see exit_window.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.models.truncation.window_choice import Choices, fitted_as
from exitmodels.models.truncation.window_laws import STRETCHING
from exitmodels.models.truncation.window_results import ParametricResults, check_vcov
from exitmodels.models.truncation.window_rows import usable_rows
from exitmodels.shapes.spells import Spells

__all__ = ["ParametricSpells", "StretchedResults"]


class StretchedResults(ParametricResults):
    """A fitted law whose clock covariates stretch; see `ParametricResults`."""

    ratio_name = "TR"


@dataclass(frozen=True)
class ParametricSpells:
    """A parametric law of the stay, whatever hides part of it.

    Parameters
    ----------
    formula : str
        Covariates, ``offset()`` and ``cluster()``; "1" for none.
    hazard : str
        "exponential", "weibull", "gompertz", "piecewise" or "spline": covariates multiply the hazard. "lognormal",
        "loglogistic", "gamma" or "generalised gamma": they stretch the clock, coefficients are logs of time ratios.
    cuts : sequence of float, optional
        Where a piecewise hazard changes (by default five pieces with equal numbers of exits), or the inner knots of a
        spline.
    df : int or "aic", optional
        Coefficients of a spline beside its level, 3 by default: its df - 1 inner knots share out the exits equally, the
        outer two are at the first and last exit. "aic" tries 1 to 5 and says what it found.
    event : label, list of labels or "any", optional
        Which exits count; others are censored, which truncation on the right forbids.
    vcov : {"model", "robust", "cluster"}, optional
        By default "model"; "robust" with sampling weights; "cluster" when the formula has ``cluster()``.
    max_steps : int

    Notes
    -----
    With a the later of entry and left limit, and V the right limit, a row adds the log of f(T), of S(T) when still
    there at T, or of S(l) - S(u) when the exit is known to lie in (l, u]; less log(S(a) - S(V)). Differences are taken
    in logs.
    Weibull: H(t) = exp(log rate) t^shape, so the usual scale is exp(-log rate / shape). Spline: the log cumulative
    hazard is a natural cubic spline in log time (Royston & Parmar 2002); df=1 is the Weibull law. Gamma: scale
    exp(log scale), shape exp(log shape). Generalised gamma: Prentice's form, Weibull at shape 1 and lognormal at 0.
    Without its upper tail a law may have no best fit: right-truncated Weibull data often only tell the shape. That is
    noticed and said. Source: Kalbfleisch & Lawless (1989); Klein & Moeschberger (2003), section 3.5.

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[3, 8, 12, 20], event=[1, 1, 0, 1], entry=[0, 2, 4, 0])
    >>> fit = xm.ParametricSpells(hazard="exponential").fit(spells)
    >>> round(float(fit.params["log rate"]), 6)  # log of 3 exits in 37 days at risk
    -2.512306
    """

    formula: str = "1"
    hazard: str = "weibull"
    cuts: Any = None
    df: Any = None
    event: Any = None
    vcov: str | None = None
    max_steps: int = 200

    def fit(self, spells: Spells) -> ParametricResults:
        """Fit the law.

        Raises
        ------
        DataError, FormulaError
            For rows outside their limits, censored rows under right truncation, missing values, collinear columns, or
            fewer exits than parameters.

        Warns
        -----
        ConvergenceWarning
            When the likelihood has no finite maximum; the parameters that run off are named.
        """
        check_vcov(self.vcov)
        rows = usable_rows(spells.for_cause(self.event), [self.formula])
        hidden = np.zeros(len(rows), dtype=bool)
        if rows.right_limit is not None:
            hidden = (rows.event == 0) & np.isfinite(rows.right_limit)
        if hidden.any():
            raise DataError(
                f"{int(hidden.sum())} rows have not left (or left for another cause), but only exits up "
                "to the right limit could be seen.",
                rows=rows.labels[hidden],
                code="scheme",
                hint='Give event="any"; someone known to leave later has limits of the exit: lower and upper. '
                "For several causes use ExitWindow.",
            )
        causes = [rows.causes[0]]
        choices = Choices(causes=causes, formulas=[self.formula], hazards=[self.hazard], cuts=[self.cuts], df=[self.df])
        method = f"Parametric stays ({self.hazard}), {_scheme(rows)}"
        own = {"spline": ("royston_parmar2002",), "generalised gamma": ("prentice1974",)}
        sources = ("kalbfleisch_lawless1989", "klein_moeschberger2003", *own.get(self.hazard, ()))
        kind = StretchedResults if self.hazard in STRETCHING else ParametricResults
        fit: ParametricResults = fitted_as(kind, rows, choices, self.vcov, self.max_steps, method, sources)
        return fit


def _scheme(rows: Spells) -> str:
    left = rows.delayed or (rows.left_limit is not None and bool((rows.left_limit > 0).any()))
    right = rows.right_limit is not None
    kind = "doubly truncated" if left and right else "right-truncated" if right else "left-truncated" if left else ""
    between = rows.lower is not None or rows.upper is not None
    words = [kind, "interval-censored" if between else "censored" if (rows.event == 0).any() else ""]
    return " and ".join(word for word in words if word) or "fully observed"
