"""Direct binomial regression: the probability of having left for one reason by a given time.

Third floor. Use it when the question is the incidence itself ("how many will
have been arrested within a year?") and how it differs between people. Those
who were censored are stood for by those who were not.

Read next: moment_results.py (what comes back).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, SchemeError
from exitmodels.kernels.censoring import Censoring, censoring, estimation_influence
from exitmodels.kernels.meanregression import LINKS, MeanTerms
from exitmodels.models.hazards.moment_fit import MomentSetup, asked_times, fit_moments
from exitmodels.models.hazards.moment_results import MomentResults
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["DirectBinomial"]

_VARIANCES = ("robust", "cluster", "naive")
_WORKING = ("binomial", "constant")
_TIED = ("exits-first", "censored-first")


@dataclass(frozen=True)
class DirectBinomial:
    """Regression of a cumulative incidence at given times, weighted for censoring.

    Parameters
    ----------
    formula : str
        Covariates, ``offset()`` and ``cluster()``.
    event : label, list of labels or "any", optional
        The reason whose incidence is regressed; other exits compete.
    times : float or sequence of float
        With several, effects are common to all and each time has its own intercept.
    link : {"logit", "cloglog", "log", "identity"}
        Odds ratios; ratios of subdistribution hazards; ratios, or differences, of incidences.
    working : {"binomial", "constant"}
        Working variance of the estimating equation. "binomial": F (1 - F), as R's mets (its score for the
        logit link). "constant": least squares, as R's timereg.
    censoring : str or list of str, optional
        Columns within which the censoring law is estimated; by default one law for all.
    tied : {"exits-first", "censored-first"}
        Order of exits and censorings on the same day. "exits-first" is the order kept everywhere here; R's mets
        (1.3.2) weighs by G(T) with those who leave on the day still at risk: "censored-first".
    vcov : {"robust", "cluster", "naive"}, optional
        "robust" and "cluster" account for the estimated censoring weights; "naive" takes them as known, and is
        a little too large as a rule.

    Notes
    -----
    The outcome is 1(left for the reason by t) / G(T-), G the Kaplan-Meier estimate of not being censored.
    Assumes that censoring does not depend on the covariates (within the groups of `censoring`).
    Source: Scheike, Zhang & Gerds (2008).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    >>> fit = xm.DirectBinomial("fin", times=52).fit(spells)
    >>> fit.params.round(4).to_dict()
    {'Intercept': -0.821, 'fin': -0.4318}
    """

    formula: str
    event: Any = None
    times: Any = None
    link: str = "logit"
    working: str = "binomial"
    censoring: str | Sequence[str] | None = None
    tied: str = "exits-first"
    vcov: str | None = None

    def fit(self, spells: Spells) -> MomentResults:
        """Weigh those who left, and solve the estimating equation.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded, or if people enter late.
        FormulaError, DataError
            For times beyond the last one observed; a formula that cannot be read; constant or collinear
            columns; fewer exits than columns; several causes and none chosen.
        """
        choices = (
            ("link", self.link, LINKS),
            ("working", self.working, _WORKING),
            ("tied", self.tied, _TIED),
            ("vcov", self.vcov or "robust", _VARIANCES),
        )
        for name, value, known in choices:
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        times = asked_times(self.times)
        rows = self._rows(spells, times)
        code, keys = rows.groups(self.censoring)
        copies = rows.weights == "frequency"
        first = self.tied == "exits-first"
        weighed = censoring(rows.exit, rows.event == 0, rows.row_weight, code, len(keys), first, copies)
        y = _outcomes(rows, weighed, times)
        name = str(rows.causes[0])

        def extra(columns: Sequence[Floats], terms: MeanTerms, setup: MomentSetup) -> Floats:
            parts = np.zeros((len(rows), columns[0].shape[1]))
            for m, column in enumerate(columns):
                parts += column * setup.y[:, [m]]
            return estimation_influence(weighed, parts)

        setup = MomentSetup(
            formula=self.formula,
            rows=rows,
            y=y,
            times=times,
            link=self.link,
            falling=False,
            variance=self.working,
            what=f"probability of having left ({name})",
            method=f"Direct binomial regression of the incidence of {name}",
            sources=("scheike_zhang_gerds2008",),
            outcome=name,
            cause=1,
            kinds=_VARIANCES,
            vcov=self.vcov,
            extra=extra,
        )
        return fit_moments(setup)

    def _rows(self, spells: Spells, times: Floats) -> Spells:
        """Rows with code 1 for the reason asked for and 2 for all others."""
        spells.require_scheme("DirectBinomial")
        chosen = spells.for_cause(self.event)
        code = np.where(chosen.event > 0, 1, np.where(spells.event > 0, 2, 0)).astype(np.int64)
        rows = usable(
            spells._with(event=code, causes=(chosen.causes[0], "any other")).complete(self.censoring), self.formula
        )
        begin = float(rows.entry.min())
        late = np.flatnonzero(rows.entry > begin)
        if late.size:
            raise SchemeError(
                f"{late.size} people enter after time {begin:g}. Who is seen then depends on how long people stay, and "
                "weights for censoring do not mend that.",
                rows=rows.labels[late],
                code="delayed-entry",
                hint="Use Cox, AalenAdditive or DiscreteHazard, which take delayed entry as it stands.",
            )
        last = float(rows.exit.max())
        if times[-1] > last or times[0] <= begin:
            raise DataError(
                f"The times run from {times[0]:g} to {times[-1]:g}; people were observed from {begin:g} to {last:g}.",
                code="horizon",
                hint="Give times within the observed range.",
            )
        return rows


def _outcomes(rows: Spells, weighed: Censoring, times: Floats) -> Floats:
    """1(left for the reason by t) / G(T-), (n, m)."""
    left = (rows.event == 1)[:, None] & (rows.exit[:, None] <= times)
    share = np.where(weighed.before > 0, weighed.before, 1.0)
    return left / share[:, None]
