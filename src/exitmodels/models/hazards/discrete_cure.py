"""Discrete time with a share that never leaves: does an item ever reappear, and after how many issues?

Third floor, in the room of hazards. Use it when lags are counted in whole periods (issues, weeks, terms), when those
not seen yet were watched to a last period, and when some of them never will be seen.

Read next: discrete_cure_results.py (what comes back), reprint.py (issue numbers or dates to lags), omission.py (what an
omission is worth).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc

from exitmodels.arrays import Bools
from exitmodels.errors import ConvergenceWarning, DataError, DataWarning, FormulaError, IdentificationError
from exitmodels.kernels.ascent import Ascent
from exitmodels.kernels.curelag import CureRows, Penalty, fit_cure
from exitmodels.kernels.cureprofile import FollowUp, follow_up
from exitmodels.models.hazards.cure_checks import boundary_test, sources, trouble
from exitmodels.models.hazards.cure_rows import CureDesign, baseline_of, collapsed, cure_rows, penalty_of, whole_lags
from exitmodels.models.hazards.discrete_cure_results import CureFitted, DiscreteCureResults
from exitmodels.render.text import number
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["DiscreteCure"]

_LINKS = ("logit", "cloglog")
_VARIANCES = ("model", "robust", "cluster")


@dataclass(frozen=True)
class DiscreteCure:
    """Mixture of items that never leave (reappear) and items that do after a lag, in discrete time.

    Parameters
    ----------
    never : str
        Covariates of logit P(never); "1" for none.
    lag : str
        Covariates of the lag of those that do; "1" for none. ``offset()`` and ``cluster()`` may stand in either.
    event : label, list of labels or "any", optional
    link : {"logit", "cloglog"}
        Of the hazard of each period, given that the item will leave and has not yet.
    baseline : str
        "constant": the same hazard in every period (a geometric lag). A formula of ``period``, such as
        ``"log(period)"``. "periods": a free hazard for each period in which something left; the last of them is
        taken to be the last possible one (the "zero tail": whatever is still out then never leaves).
    penalty : {None, "logf"}
        "logf" for few items: half the log of p (1 - p) of the share that never leaves (at the mean covariates), of a
        constant hazard, and of the odds ratio of each covariate (per unit of a 0/1 column, else per two standard
        deviations). Jeffreys' prior of a proportion, and log-F(1, 1) priors; estimates are then always finite.
    vcov : {"model", "robust", "cluster"}, optional
        By default "model"; "robust" with sampling weights; "cluster" when a formula has ``cluster()``.
    max_steps : int

    Notes
    -----
    The share that never leaves can be told apart from long lags only when the follow-up outlasts the lags. Every
    summary says how far it does (`follow_up`), and `never_bounds` gives what is known without a law of the lag.

    The name is the field's: a mixture cure model (Boag 1949; Farewell 1982) in discrete time, here for texts that a
    second publication carries late or never, leave from which people return or do not, and the like.

    Source: Farewell (1982); zero tail: Taylor (1995); follow-up: Maller & Zhou (1996); penalty: Firth (1993), Greenland
    & Mansournia (2015).

    Examples
    --------
    >>> import exitmodels as xm
    >>> items = xm.Spells(exit=[1, 1, 1, 2, 2, 3, 9, 9, 9, 9], event=[1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    >>> fit = xm.DiscreteCure().fit(items)
    >>> fit.never_fraction().round(3).to_dict("records")
    [{'row': 0, 'estimate': 0.4, 'low': 0.145, 'high': 0.7}]
    """

    never: str = "1"
    lag: str = "1"
    event: object = None
    link: str = "logit"
    baseline: str = "constant"
    penalty: str | None = None
    vcov: str | None = None
    max_steps: int = 200

    def fit(self, spells: Spells) -> DiscreteCureResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        IdentificationError
            With baseline="periods" when nothing was watched beyond the longest lag.
        FormulaError, DataError
            For lags that are no whole periods, nothing that left, nothing still out, fewer exits than columns (without
            a penalty), constant or collinear columns, a formula that cannot be read.

        Warns
        -----
        DataWarning
            When nothing was watched beyond the longest lag, so that the share rests on the law of the lag alone.
        ConvergenceWarning
            When the best fit lies at the edge: nothing (or no lag) is left to estimate.
        """
        self._check()
        spells.require_scheme("DiscreteCure")
        rows = usable(usable(spells.for_cause(self.event), self.never), self.lag)
        enters, leaves = whole_lags(rows)
        event = rows.event > 0
        self._enough(rows, event)
        known = follow_up(enters, leaves, event, rows.row_weight)
        short = self._short(known)
        design = CureDesign.of(rows, self.never, self.lag, baseline_of(self.baseline, rows, enters, leaves))
        self._enough_events(event, design)
        data = cure_rows(rows, design, enters, leaves, self.link)
        penalty = penalty_of(design) if self.penalty else None
        small = collapsed(data)
        best = fit_cure(small, penalty, self.max_steps)
        return self._result(rows, design, (data, small), penalty, best, known, short)

    def _check(self) -> None:
        choices = (
            ("link", self.link, _LINKS),
            ("vcov", self.vcov or "model", _VARIANCES),
            ("penalty", self.penalty or "logf", ("logf",)),
        )
        for name, value, known in choices:
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        for formula in (self.never, self.lag):
            if "strata(" in formula:
                raise FormulaError("strata() has no place here.", code="formula", hint="Use the column as a covariate.")

    def _enough(self, rows: Spells, event: Bools) -> None:
        if rows.stratum is not None:
            raise FormulaError("Strata have no place here.", code="formula", hint="Use the column as a covariate.")
        if len(rows) < 2:
            raise DataError("There is one row only.", code="one-row", hint="A lag needs several items.")
        if not event.any():
            raise DataError(
                "Nothing left, so the lag is not known, and with it how many never will.",
                code="no-events",
                hint="xm.shares gives exact limits of a share of zero.",
            )
        if event.all():
            raise DataError(
                "Everything left, so the share that never does is 0, at its edge.",
                code="no-open",
                hint="Use DiscreteHazard for the lag; exact limits of the share are those of 0 of so many (xm.shares).",
            )

    def _enough_events(self, event: Bools, design: CureDesign) -> None:
        found, columns = int(event.sum()), design.slopes
        if not self.penalty and found < columns:
            raise DataError(
                f"There are {found} exits for {columns} columns.",
                code="few-events",
                hint='Use fewer columns, or penalty="logf".',
            )

    def _short(self, known: FollowUp) -> tuple[str, ...]:
        """Say, or refuse, that the follow-up does not outlast the lags."""
        if known.beyond > 0:
            return ()
        told = (
            f"Nothing was watched beyond the longest lag, {known.longest_lag}: without a law of the lag the share that "
            f"never leaves is only known to lie between 0 and {number(known.plateau)}."
        )
        if self.baseline == "periods":
            raise IdentificationError(
                told,
                code="follow-up",
                hint='Watch longer, or assume a law: baseline="constant" or a formula of period.',
            )
        warnings.warn(told, DataWarning, stacklevel=3)
        return (told + " The estimate rests on that law.",)

    def _result(
        self,
        rows: Spells,
        design: CureDesign,
        rows_and_patterns: tuple[CureRows, CureRows],
        penalty: Penalty | None,
        best: Ascent,
        known: FollowUp,
        short: tuple[str, ...],
    ) -> DiscreteCureResults:
        data, small = rows_and_patterns
        found = trouble(best, small, design)
        for text in found:
            warnings.warn(text, ConvergenceWarning, stacklevel=3)
        recode = design.recode()
        copies = rows.weights == "frequency"
        tests, llnull = self._tests(small, penalty, best, design, rows)
        cluster = design.cluster if design.cluster is not None else rows.cluster
        fitted = CureFitted(data, small, penalty, best.at, best.surface.value, recode, design, rows, cluster)
        what = f"never ~ {self.never}, lag ~ {self.lag} ({self.link}, baseline {self.baseline})"
        made = DiscreteCureResults(
            names=design.names,
            estimate=recode @ best.at,
            covariance=np.empty((len(design.names),) * 2),
            vcov="model",
            llf=best.surface.value,
            llnull=llnull,
            nobs=rows.n,
            n_events=rows.n_events,
            converged=not found,
            ledger=rows.ledger,
            method=f"Discrete-time mixture cure model for {rows.causes[0]}: {what}"
            + (", log-F penalty" if penalty is not None else ""),
            sources=sources(self.baseline, penalty is not None),
            outcome=str(rows.causes[0]),
            warnings=(*short, *found),
            tests=tests,
            link=self.link,
            watched=known,
            designs=design.bare(),
            unit=rows.unit,
            fitted=fitted,
        )
        default = "cluster" if design.cluster is not None else "model" if copies else "robust"
        return made.with_vcov(self.vcov or default)

    def _tests(
        self, data: CureRows, penalty: Penalty | None, best: Ascent, design: CureDesign, rows: Spells
    ) -> tuple[dict[str, HypothesisTest], float]:
        """Likelihood ratio of the covariates, and of there being any that never leave."""
        tests: dict[str, HypothesisTest] = {}
        null = best.surface.value
        if design.slopes:
            plain = replace(data, never=data.never[:, :1], lag=data.lag[:, :0])
            less = None if penalty is None else penalty_of(design, slopes=False)
            null = fit_cure(plain, less, self.max_steps).surface.value
            value = max(2 * (best.surface.value - null), 0.0)
            tests["likelihood ratio"] = HypothesisTest(
                statistic=value,
                df=design.slopes,
                pvalue=float(chdtrc(design.slopes, value)),
                method="likelihood ratio test that all coefficients of covariates are zero",
                ledger=rows.ledger,
            )
        if self.baseline != "periods" and penalty is None:
            tests["some never leave"] = boundary_test(data, best.surface.value, null, self.max_steps, rows)
        return tests, null
