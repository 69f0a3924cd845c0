"""Cause-specific Cox models for all causes at once, and the absolute risk that follows.

Third floor, in the room of hazards. Each cause has its own Cox model (the others
are censored); the chance of having left for one cause by some day needs them all.

Read next: absolute_risk.py (predicted incidence), fine_gray.py (one model for the incidence itself).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from exitmodels.errors import DataError
from exitmodels.models.hazards.absolute_risk import predicted_incidence
from exitmodels.models.hazards.cox import Cox
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.models.hazards.standardised import standardised
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.contrasts import Contrasts
from exitmodels.results.curve import Curve
from exitmodels.results.storing import Stored
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.spells import Spells

__all__ = ["CauseSpecificCox", "CauseSpecificResults"]


@dataclass(frozen=True)
class CauseSpecificCox:
    """A Cox model for the hazard of each cause of exit.

    Parameters
    ----------
    formula : str or mapping of cause to str
        One formula for all causes, or one for each; ``"1"`` for a cause without covariates.
    ties, vcov, collinear, tol
        As in `Cox`.

    Notes
    -----
    The causes' hazards are what happens to those still there, so no assumption that causes are independent is
    needed; a hazard ratio of one cause says nothing by itself about how many leave for it, which
    `predict_incidence` answers. Source: Prentice et al. (1978).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells(exit=[2, 3, 4, 5, 7, 8], event=["a", "b", "a", "in", "b", "a"], censor="in",
    ...                    covariates={"x": [1, 0, 0, 1, 1, 0]})
    >>> fit = xm.CauseSpecificCox("x").fit(spells)
    >>> risk = fit.predict_incidence({"x": [0]}).at(5)
    >>> risk[["cause", "estimate"]].round(3).values.tolist()
    [['a', 0.337], ['b', 0.153]]
    """

    formula: str | Mapping[Any, str]
    ties: str = "efron"
    vcov: str | None = None
    collinear: str = "raise"
    tol: float = 1e-9

    def fit(self, spells: Spells) -> CauseSpecificResults:
        """Fit one model for each cause, to the same rows.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        DataError
            If a formula is missing for a cause, or a model cannot be fitted.
        """
        spells.require_scheme("CauseSpecificCox")
        if self.ties == "exact":
            raise DataError(
                "Absolute risks need a baseline, which the exact likelihood conditions away.",
                code="ties",
                hint='Use ties="efron" or "breslow".',
            )
        formulas = self._formulas(spells)
        rows = spells
        for formula in dict.fromkeys(formulas.values()):
            rows = usable(rows, formula)
        fits = tuple(
            Cox(formula, event=cause, ties=self.ties, vcov=self.vcov, collinear=self.collinear, tol=self.tol).fit(rows)
            for cause, formula in formulas.items()
        )
        return CauseSpecificResults(
            causes=tuple(formulas), fits=fits, ledger=rows.ledger, n=rows.n, unit=rows.unit, vcov=fits[0].vcov
        )

    def _formulas(self, spells: Spells) -> dict[Any, str]:
        if isinstance(self.formula, str):
            return dict.fromkeys(spells.causes, self.formula)
        absent = [cause for cause in spells.causes if cause not in self.formula]
        unknown = [cause for cause in self.formula if cause not in spells.causes]
        if absent or unknown:
            raise DataError(
                f"The formulas are for {', '.join(map(str, self.formula))}; the causes are "
                f"{', '.join(map(str, spells.causes))}.",
                code="causes",
                hint='Give a formula for each cause; "1" for one without covariates.',
            )
        return {cause: self.formula[cause] for cause in spells.causes}


@dataclass(frozen=True, eq=False, kw_only=True)
class CauseSpecificResults(Stored):
    """Fitted cause-specific Cox models.

    Attributes
    ----------
    causes : tuple
    fits : tuple of CoxResults
        In the order of `causes`; ``results["treatment"]`` gives one.
    """

    causes: tuple[Any, ...]
    fits: tuple[CoxResults, ...]
    ledger: Ledger
    n: float
    unit: str
    vcov: str
    method: str = "Cause-specific Cox regressions"
    sources: tuple[str, ...] = field(default=("prentice1978", "cox1972"))

    def __getitem__(self, cause: Any) -> CoxResults:
        if cause not in self.causes:
            raise DataError(
                f"{cause!r} is not a cause of exit here.",
                code="unknown-cause",
                hint=f"Causes: {', '.join(map(str, self.causes))}.",
            )
        return self.fits[self.causes.index(cause)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.causes)

    def with_vcov(self, kind: str, cluster: Any = None) -> Self:
        """Return the same fits with another covariance; see `CoxResults.with_vcov`."""
        fits = tuple(fit.with_vcov(kind, cluster) for fit in self.fits)
        return type(self)(
            causes=self.causes, fits=fits, ledger=self.ledger, n=self.n, unit=self.unit, vcov=kind, method=self.method
        )

    def predict_incidence(
        self,
        new: Any,
        causes: Any = None,
        survival: str = "product-limit",
        start: float = 0.0,
        transform: str = "log-log",
    ) -> Curve:
        """Absolute risk: the chance that a person with these covariates has left for each cause, with limits.

        Parameters
        ----------
        new : table or mapping of columns
            All covariates of all formulas.
        causes : label or list of labels, optional
            Which causes to report; all are always in the calculation.
        survival : {"product-limit", "exponential"}
            How the hazards of all causes make the chance to be still there: the product of one minus their
            increments (then risks and survival add to one exactly), or exp of minus their sum.
        start : float
            Risk from this time on, given that the person is still there.
        transform : str
            Scale of the limits, as in `AalenJohansen`.

        Notes
        -----
        Limits have parts for every cause's baseline and coefficients; robust and cluster fits use the
        influence of each row (or cluster) on all of them together.
        Source: Benichou & Gail (1990); Ozenne et al. (2017).
        """
        return predicted_incidence(self, new, causes, survival, start, transform)

    def standardised_incidence(
        self,
        set: Mapping[str, Any],
        times: Any,
        cause: Any,
        over: Any = None,
        target: str = "population",
        survival: str = "product-limit",
    ) -> Contrasts:
        """Incidence of one cause averaged over people's covariates when one of these is set for everyone.

        Parameters
        ----------
        set, times, over, target
            As in `CoxResults.standardised_survival`.
        cause : label
        survival : {"product-limit", "exponential"}
        """
        if cause not in self.causes:
            self[cause]
        return standardised(self.fits, self.causes.index(cause), set, times, over, target, survival == "product-limit")

    def predict_survival(self, new: Any, survival: str = "product-limit", start: float = 0.0) -> Any:
        """Chance of still being there, all causes together: columns row, time, estimate."""
        import pandas as pd

        curve = self.predict_incidence(new, survival=survival, start=start)
        frames = []
        labels = list(dict.fromkeys(piece.keys["row"] for piece in curve.pieces))
        for label in labels:
            own = [piece for piece in curve.pieces if piece.keys["row"] == label]
            gone = np.sum([piece.estimate for piece in own], axis=0)
            frames.append(pd.DataFrame({"row": label, "time": own[0].time, "estimate": 1 - gone}))
        return pd.concat(frames, ignore_index=True)

    @property
    def params(self) -> Any:
        """Coefficients of all causes, as a Series indexed by cause and column."""
        import pandas as pd

        return pd.concat({cause: fit.params for cause, fit in zip(self.causes, self.fits, strict=True)})

    @property
    def bse(self) -> Any:
        """Standard errors, indexed like `params`."""
        import pandas as pd

        return pd.concat({cause: fit.bse for cause, fit in zip(self.causes, self.fits, strict=True)})

    def hazard_ratios(self, alpha: float = 0.05) -> Any:
        """Hazard ratios with limits: one row per cause and column."""
        import pandas as pd

        return pd.concat({cause: fit.hazard_ratios(alpha) for cause, fit in zip(self.causes, self.fits, strict=True)})

    def tidy(self, alpha: float = 0.05) -> Any:
        """One row per cause and coefficient."""
        import pandas as pd

        frames = [fit.tidy(alpha).assign(cause=cause) for cause, fit in zip(self.causes, self.fits, strict=True)]
        made = pd.concat(frames, ignore_index=True)
        return made[["cause", *[c for c in made.columns if c != "cause"]]]

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form: one table for each cause."""
        columns = ("cause", "term", "coef", "se", "z", "p", "HR", "low", "high")
        rows = tuple(
            (
                str(r.cause),
                r.term,
                r.estimate,
                r.se,
                f"{r.statistic:.2f}",
                pvalue(r.p),
                r.ratio,
                r.ratio_low,
                r.ratio_high,
            )
            for r in self.tidy(alpha).itertuples()
        )
        facts = [("rows", self.n), ("variance", self.vcov)]
        facts += [(f"exits: {cause}", fit.n_events) for cause, fit in zip(self.causes, self.fits, strict=True)]
        notes = tuple(f"{c}: {w}" for c, fit in zip(self.causes, self.fits, strict=True) for w in fit.warnings)
        return Summary(self.method, tuple(facts), (Block(columns, rows),), notes)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)
