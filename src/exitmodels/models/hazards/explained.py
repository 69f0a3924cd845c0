"""Explained variation of a Cox model: how much of the difference between stays do the covariates account for?

Third floor, in the room of hazards. Measures for one model; to judge predictions use `score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.explained import gonen_heller, normal_scores
from exitmodels.models.hazards.cox import Cox
from exitmodels.models.hazards.cox_results import CoxResults
from exitmodels.models.hazards.predicted import linear_score, own_cause
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.bibliography import citation
from exitmodels.results.labels import labelled
from exitmodels.results.storing import Stored
from exitmodels.shapes.frames import Column
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.spells import Spells

__all__ = ["ExplainedVariation", "explained_variation"]

_SPREAD = np.pi**2 / 6
_SCORE = "normal_score"


@dataclass(frozen=True, eq=False, kw_only=True)
class ExplainedVariation(Stored):
    """Measures of explained variation, each with a word on what it is.

    Attributes
    ----------
    names : tuple of str
    estimate, se, low, high : (q,)
        NaN where no standard error is known.
    meaning : tuple of str
    """

    names: tuple[str, ...]
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    meaning: tuple[str, ...]
    alpha: float
    ledger: Ledger
    method: str
    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    converged: bool = True

    @property
    def params(self) -> Any:
        """Estimates, as a Series."""
        return labelled(self.estimate, self.names, name="estimate")

    @property
    def bse(self) -> Any:
        """Standard errors, as a Series; NaN where none is known."""
        return labelled(self.se, self.names, name="se")

    def to_frame(self) -> Any:
        """One row for each measure: estimate, se, lower, upper (at the level asked for), meaning."""
        table = labelled(np.column_stack([self.estimate, self.se, self.low, self.high]), self.names,
                         ("estimate", "se", "lower", "upper"))  # fmt: skip
        return table.assign(meaning=list(self.meaning))

    def summary(self) -> Summary:
        """Return the printed form."""
        rows = []
        for i, name in enumerate(self.names):
            cells = ["" if np.isnan(v[i]) else number(float(v[i])) for v in (self.se, self.low, self.high)]
            rows.append((name, float(self.estimate[i]), *cells, self.meaning[i]))
        level = number(100 * (1 - self.alpha), 3)
        columns = ("measure", "estimate", "se", f"low {level}%", f"high {level}%", "meaning")
        return Summary(self.method, (), (Block(columns, tuple(rows)),), self.warnings)

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def _cells(self) -> tuple[list[str], list[list[Any]]]:
        frame = self.to_frame().reset_index(names="measure")
        return list(frame.columns), frame.to_numpy(dtype=object).tolist()

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """Return the measures as a LaTeX table."""
        return tables.to_latex(*self._cells(), caption=caption, label=label, notes=(f"{self.method}.",))

    def to_markdown(self) -> str:
        """Return the measures as a Markdown table."""
        return tables.to_markdown(*self._cells())

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(self.sources, self.method)


def explained_variation(
    fit: CoxResults, spells: Spells | None = None, *, adjust: bool = False, ties: str = "average", alpha: float = 0.05
) -> ExplainedVariation:
    """Royston and Sauerbrei's D with its R2, and other measures of explained variation.

    Parameters
    ----------
    fit : CoxResults
    spells : Spells, optional
        New people on whom the fit is judged; by default those of the fit, which flatters it.
    adjust : bool
        Correct D and its R2 for the number of coefficients (as adjusted R2 in linear regression).
    ties : {"average", "rank"}
        Equal linear predictors get the mean of the normal scores of their ranks, or the score of their mean rank.

    Returns
    -------
    ExplainedVariation
        D: log hazard ratio between the halves of lower and higher risk, if risks were normal. R2_D: its share of
        explained variation, with limits from those of D. R2_KO: Kent and O'Quigley's, from the spread of the
        linear predictor. R2_N: Nagelkerke's, from the likelihood; R2_OXS: O'Quigley, Xu and Stare's, by exits
        (the last two for the people of the fit only). C_GH: concordance that the model implies (Gonen & Heller).

    Raises
    ------
    DataError
        For a saved fit without its data, effects that change with time, and a constant linear predictor.

    Notes
    -----
    Strata, weights and clusters of the fit are kept when the normal scores are fitted. The residual variance
    is pi^2 / 6, that of a log exponential stay.

    Source: Royston & Sauerbrei (2004); Kent & O'Quigley (1988); Nagelkerke (1991); O'Quigley, Xu & Stare (2005);
    Gonen & Heller (2005).

    Examples
    --------
    >>> import exitmodels as xm
    >>> rossi = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest")
    >>> found = xm.explained_variation(xm.Cox("fin + age + prio").fit(rossi))
    >>> found.params[["D", "R2_D"]].round(3).tolist()
    [0.84, 0.144]
    """
    if not isinstance(fit, CoxResults) or fit.varying is not None:
        raise DataError(
            "Explained variation needs a Cox fit with effects that do not change.",
            code="model",
            hint="Use score for other predictions.",
        )
    if ties not in ("average", "rank"):
        raise DataError(f"ties={ties!r} is not known.", code="ties", hint="average or rank.")
    rows, line, stratum, labels = _people(fit, spells)
    if not np.ptp(line) > 1e-12 * max(1.0, float(np.abs(line).max())):
        raise DataError(
            "The linear predictor is the same for everyone.", code="constant", hint="There is nothing to explain."
        )
    copies = rows.weight is None or rows.weights == "frequency"
    scores = normal_scores(line, rows.row_weight, copies, ties == "average")
    graded = _cox_on(rows, scores, stratum, labels, fit)
    beta, se = float(graded.estimate[0]), float(graded.standard_errors[0])
    if spells is not None:
        line = line * float(_cox_on(rows, line, stratum, labels, fit).estimate[0])
    found = _separation(beta, se, fit, adjust, float(ndtri(1 - alpha / 2)))
    spread = _variance(line, rows.row_weight, copies)
    found["R2_KO"] = (spread / (_SPREAD + spread), *_NONE, "share explained, by the spread of the linear predictor")
    if spells is None:
        found |= _by_likelihood(fit)
    pairs = gonen_heller(line, rows.row_weight, copies)
    found["C_GH"] = (pairs, *_NONE, "concordance that the model implies")
    values = np.array([v[:4] for v in found.values()], dtype=float)
    return ExplainedVariation(
        names=tuple(found),
        estimate=values[:, 0],
        se=values[:, 1],
        low=values[:, 2],
        high=values[:, 3],
        meaning=tuple(str(v[4]) for v in found.values()),
        alpha=alpha,
        ledger=rows.ledger,
        method="Explained variation of a Cox model" + ("" if spells is None else ", on new people"),
        sources=("royston_sauerbrei2004", "kent_oquigley1988", "nagelkerke1991", "oquigley2005", "gonen_heller2005"),
    )


_NONE = (float("nan"),) * 3
Measure = tuple[float, float, float, float, str]


def _people(fit: CoxResults, spells: Spells | None) -> tuple[Spells, Floats, Ints | None, tuple[str, ...]]:
    """Rows, linear predictor, and strata."""
    if spells is None:
        fitted = fit._data("Explained variation")
        rows = fitted.rows
        if fitted.cluster is not None:
            rows = rows._with(cluster=fitted.cluster)
        return rows, linear_score(fit, rows)[0], fitted.stratum, fit.strata_labels
    spells.require_scheme("explained_variation")
    rows = own_cause(fit, spells)
    rows = rows.complete(fit.design.variables)
    line, stratum = linear_score(fit, rows)
    return rows, line, stratum if len(fit.strata_labels) > 1 else None, fit.strata_labels


def _cox_on(rows: Spells, values: Floats, stratum: Ints | None, labels: tuple[str, ...], fit: CoxResults) -> CoxResults:
    """Cox regression on one column, in the strata and with the kind of variance of the fit."""
    with_column = rows._with(
        columns=rows.columns.with_column(Column(_SCORE, "number", values)),
        stratum=stratum if len(labels) > 1 else None,
        stratum_labels=labels if len(labels) > 1 else (),
    )
    ties = fit.ties if fit.ties in ("efron", "breslow") else "efron"
    vcov = fit.vcov if fit.vcov in ("model", "robust", "cluster") else None
    if vcov == "cluster" and rows.cluster is None:
        vcov = "robust"
    return Cox(_SCORE, ties=ties, vcov=vcov).fit(with_column)


def _separation(beta: float, se: float, fit: CoxResults, adjust: bool, z: float) -> dict[str, Measure]:
    ratio = fit.n_events / (fit.n_events - len(fit.estimate)) if adjust else 1.0
    d, own, share = _d_of(beta, se, ratio)
    ends = [_d_of(max(beta + side * z * se, 0.0), se, ratio)[2] for side in (-1.0, 1.0)]
    return {
        "D": (d, own, d - z * own, d + z * own, "log hazard ratio between the halves of lower and higher risk"),
        "R2_D": (share, float("nan"), max(ends[0], 0.0), max(ends[1], 0.0), "share explained, from D"),
    }


def _d_of(beta: float, se: float, ratio: float) -> tuple[float, float, float]:
    """D, its standard error, and R2_D, corrected when ratio (exits over exits less coefficients) is above 1."""
    scale = float(np.sqrt(8 / np.pi))
    if ratio == 1.0:
        return scale * beta, scale * se, beta**2 / (_SPREAD + beta**2)
    inside = (1 + beta**2 - ratio) / ratio
    size = float(np.sqrt(abs(inside)))
    d = float(np.sign(beta) * np.sign(inside)) * size * scale
    own = scale * se * abs(beta) / (ratio * size) if size > 0 else float("nan")
    return d, own, 1 - ratio / (1 + beta**2)


def _variance(line: Floats, weight: Floats, copies: bool) -> float:
    total = float(weight.sum())
    units = total if copies else float(len(line))
    mean = float(weight @ line) / total
    return float(weight @ (line - mean) ** 2) / total * units / (units - 1)


def _by_likelihood(fit: CoxResults) -> dict[str, Measure]:
    gain = 2 * (fit.llf - fit.llnull)
    nagelkerke = -np.expm1(-gain / fit.nobs) / -np.expm1(2 * fit.llnull / fit.nobs)
    per_exit = -np.expm1(-gain / fit.n_events)
    return {
        "R2_N": (float(nagelkerke), *_NONE, "Nagelkerke's, from the likelihood and the number of people"),
        "R2_OXS": (float(per_exit), *_NONE, "from the likelihood and the number of exits"),
    }
