"""Regression of probabilities and mean times through pseudo-observations.

Third floor. Use it when the question is a probability at a date, or a mean
time, and how it differs between people, rather than a hazard.

Read next: moment_results.py (what comes back).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels import functionals
from exitmodels.kernels.meanregression import LINKS, MeanTerms
from exitmodels.models.hazards.moment_fit import MomentSetup, asked_times, fit_moments
from exitmodels.models.hazards.moment_results import MomentResults
from exitmodels.models.hazards.pseudo_values import Pseudo, make_pseudo, method_for, pseudo_rows
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["PseudoRegression"]

_VARIANCES = ("robust", "cluster", "corrected", "corrected-cluster")
_NAMES = {
    "survival": "probability of still being there",
    "incidence": "probability of having left",
    "rmst": "mean time before leaving",
    "time-lost": "mean time lost",
    "cumhaz": "cumulative hazard",
}
_SOURCES = {"rmst": ("andersen_hansen_klein2004",), "incidence": ("klein_andersen2005",)}


@dataclass(frozen=True)
class PseudoRegression:
    """Regression of a probability or a mean time on covariates, through pseudo-observations.

    Parameters
    ----------
    formula : str
        Covariates, ``offset()`` and ``cluster()``.
    kind : {"survival", "incidence", "rmst", "time-lost", "cumhaz"}
        As in `pseudo_values`.
    times : float or sequence of float
        With several, effects are common to all and each time has its own intercept.
    event : label, list of labels or "any", optional
    link : {"identity", "log", "logit", "cloglog"}
        "identity": differences. "log": ratios. "logit": odds ratios. "cloglog": log(-log) of the probability of
        still being there (for an incidence: of its complement), so ratios of hazards.
    by, method, start
        As in `pseudo_values`.
    vcov : {"robust", "cluster", "corrected", "corrected-cluster"}
        "robust": the sandwich of generalised estimating equations, in which pseudo-observations count as
        independent; as other programs print, and a little too large. "corrected": adds what each row does to
        the pseudo-observations of the others.

    Notes
    -----
    Least squares with independence between times. Source: Andersen, Klein & Rosthoj (2003); incidence: Klein &
    Andersen (2005); corrected variance: Jacobsen & Martinussen (2016), Overgaard, Parner & Pedersen (2017).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    >>> fit = xm.PseudoRegression("fin", kind="survival", times=52).fit(spells)
    >>> fit.params.round(4).to_dict()
    {'Intercept': 0.6944, 'fin': 0.0833}
    """

    formula: str
    kind: str = "survival"
    times: Any = None
    event: Any = None
    link: str = "identity"
    by: str | Sequence[str] | None = None
    method: str | None = None
    start: float | None = None
    vcov: str | None = None

    def fit(self, spells: Spells) -> MomentResults:
        """Make the pseudo-observations and regress them.

        Raises
        ------
        SchemeError, FormulaError, DataError
            As `pseudo_values`; for a formula that cannot be read, constant or collinear columns, fewer exits
            than columns.
        """
        for name, value, known in (("link", self.link, LINKS), ("vcov", self.vcov or "robust", _VARIANCES)):
            if value not in known:
                raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"One of {', '.join(known)}.")
        asked = asked_times(self.times)
        rows, cause, begin = pseudo_rows(spells, self.kind, self.event, asked, self.start, "PseudoRegression")
        if self.link in ("logit", "cloglog") and self.kind not in ("survival", "incidence"):
            raise DataError(
                f'link={self.link!r} is for probabilities, and kind="{self.kind}" is none.',
                code="link",
                hint='Use link="identity" or "log".',
            )
        rows = usable(rows.complete(self.by), self.formula)
        method = method_for(self.method, rows)
        made = make_pseudo(rows, self.kind, asked, cause, self.by, method, begin)
        what = _NAMES[self.kind] + ("" if self.kind in ("rmst", "survival") else f" ({_label(rows, cause)})")
        setup = MomentSetup(
            formula=self.formula,
            rows=rows,
            y=made.values,
            times=asked,
            link=self.link,
            falling=self.kind == "survival",
            variance="constant",
            what=what,
            method=f"Regression of pseudo-observations ({method}): {what}",
            sources=("andersen_klein_rosthoj2003", *_SOURCES.get(self.kind, ())),
            outcome=_label(rows, cause),
            cause=cause,
            kinds=_VARIANCES,
            vcov=self.vcov,
            extra=lambda columns, terms, setup: _second_order(made, columns, terms),
            extra_sources=("jacobsen_martinussen2016", "overgaard2017"),
        )
        return fit_moments(setup)


def _label(rows: Spells, cause: int) -> str:
    return "any" if cause == 0 and len(rows.causes) > 1 else str(rows.causes[max(cause - 1, 0)])


def _second_order(made: Pseudo, columns: Sequence[Floats], terms: MeanTerms) -> Floats:
    """What each row does to the pseudo-observations of the others, summed as the estimating equation sums them.

    `columns` holds, for each time, what a residual is multiplied by: (n, q) each.
    """
    out = np.zeros((len(made.rows), columns[0].shape[1]))
    for members, r, size in made.parts:
        own = functionals.influence(r)
        for m, column in enumerate(columns):
            direction = column[members] * r.weight[:, None]
            total = direction.sum(axis=0)
            out[members] += own[:, [m]] * total + direction.T @ own[:, m]
            out[members] += size * functionals.direction_influence(r, m, direction)
    return out
