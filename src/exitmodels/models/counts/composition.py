"""Composition: which reasons, in which shares, and how the shares move.

Third floor. The model says what is asked; `fit` reads like the method section of a paper.

Read next: reason_rows.py (from a table to rows), composition_fit.py, composition_results.py (what a fit answers).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from exitmodels.errors import ConvergenceWarning, DataError, FormulaError
from exitmodels.kernels.multinomial import fit_multinomial, log_ways
from exitmodels.models.counts.composition_covariance import KINDS, SOURCES, covariance, pearson_of
from exitmodels.models.counts.composition_fit import Fitted, fit_shares, fit_total, likelihood_data
from exitmodels.models.counts.composition_results import CompositionResults
from exitmodels.models.counts.reason_rows import Asked, ReasonRows, read_reasons
from exitmodels.shapes.design import Design
from exitmodels.shapes.smooth import SmoothDesign, has_smooth, split_smooth

__all__ = ["Composition"]

_FAMILIES = ("multinomial", "dirichlet-multinomial")
_TOTALS = ("poisson", "quasipoisson", "nb2")


@dataclass(frozen=True)
class Composition:
    """Shares of several reasons as a function of covariates, and with `total=True` the total beside them.

    For each reason but the baseline, log(share / share of the baseline) is linear in the terms of the formula.

    Parameters
    ----------
    formula : str
        Right-hand side, such as ``"policy + time"``, or ``"1"``. One ``pspline(time, df=4)`` (or ``df="reml"``,
        ``df="aic"``) may stand in it for shares that move smoothly. ``offset(...)`` belongs to the total.
    reason : str, optional
        The key of `Counts`, or the column of a table of records, that holds the reasons; may be left out for counts
        with one key, and for spells (whose causes are the reasons).
    reasons : sequence of str, optional
        Columns of counts, in a table with one row for each cell.
    baseline : str, optional
        The reason that the others are compared with; by default the most frequent. Shares and their limits do not
        depend on it.
    family : {"multinomial", "dirichlet-multinomial"}
        The second lets the shares of a cell vary around their mean (clerks, posts, convoys); it needs cells.
    penalty : {"firth"}, optional
        Jeffreys' penalty: finite estimates when a reason never occurs in a part of the rows.
    total : bool or {"poisson", "quasipoisson", "nb2"}
        Fit the log total of the cells on the same formula, with log(exposure) as offset, and keep the joint
        covariance; True is "poisson".
    total_formula : str, optional
        Another formula for the total.
    concentration : str
        Formula of the log concentration of the Dirichlet law; ``"1"`` is one for all cells.
    vcov : {"model", "quasi", "robust", "hc1", "cluster", "hac"}, optional
        "quasi" multiplies by Pearson's overdispersion, never below one, and uses Student's t. By default "cluster"
        when there are clusters, "robust" with sampling weights, else "model".
    hac_lags : int, optional
    cluster, weight, exposure : str, optional
        Columns. Spells bring their own weights and clusters, counts their exposure.
    weights : {"frequency", "sampling"}
        A weight of three is three records, or the inverse of a chance to be drawn (robust variance).
    offset : mapping of reason to column, optional
        Added to the linear predictor of that reason, such as the log of the number of people it could happen to.
    separator, labels : str, optional
        For records that name several reasons: what stands between them, and how they count ("all", "fractional",
        "first"). The mentions of a record are then a cluster. See also `MultipleResponse`.
    small_sample : bool
        Whether clustered variances are multiplied by G / (G - 1).
    missing : {"raise", "drop"}
        What to do with records without a reason; "drop" counts them in the ledger.

    Notes
    -----
    Assumes that records fall into reasons independently given the columns; "dirichlet-multinomial", "quasi", "robust"
    and "cluster" let go of that in the ways that they name. A share can rise because its own count rose or because
    the others' fell: only `total` tells them apart. Nothing is said about records that were never made.
    The total and the shares of a Poisson count are independent given the columns, so the joint model of both is the
    log-linear Poisson model of the table of cells and reasons (Baker 1994).
    Source: McCullagh and Nelder (1989), section 6.4; Firth (1993) and Kosmidis and Firth (2011); Mosimann (1962).

    Examples
    --------
    >>> cells = {"treatment": [30, 40], "family": [20, 30], "policy": [0, 1]}
    >>> fit = Composition("policy", reasons=["treatment", "family"]).fit(cells)
    >>> fit.params.round(4).tolist()
    [-0.4055, 0.1178]
    >>> fit.predict().round(3).to_numpy().tolist()
    [[0.6, 0.4], [0.571, 0.429]]
    """

    formula: str
    reason: str | None = None
    reasons: Sequence[str] = ()
    baseline: str | None = None
    family: str = "multinomial"
    penalty: str | None = None
    total: bool | str = False
    total_formula: str | None = None
    concentration: str = "1"
    vcov: str | None = None
    hac_lags: int | None = None
    cluster: str | None = None
    weight: str | None = None
    weights: str = "frequency"
    exposure: str | None = None
    offset: Mapping[str, str] | None = None
    separator: str | None = None
    labels: str | None = None
    small_sample: bool = True
    missing: str = "raise"

    def __post_init__(self) -> None:
        _one_of("family", self.family, _FAMILIES)
        _one_of("penalty", self.penalty, (None, "firth"))
        _one_of("total", self.total, (True, False, *_TOTALS))
        _one_of("weights", self.weights, ("frequency", "sampling"))
        _one_of("missing", self.missing, ("raise", "drop"))
        _one_of("vcov", self.vcov if self.vcov is None else self.vcov.lower(), (None, "hc0", *KINDS))
        if self.penalty and (self.family != "multinomial" or has_smooth(self.formula)):
            raise DataError(
                "The penalty is for plain multinomial shares.",
                code="penalty",
                hint="Leave penalty= out, or the overdispersion or the spline.",
            )

    def fit(self, data: Any) -> CompositionResults:
        """Fit to counts, spells or a table; the data and the model stay as they were.

        Raises
        ------
        DataError
            When the reasons are not clear, with fewer records than coefficients, a reason that never occurs, missing
            values, constant or collinear columns.
        FormulaError
            If the formula cannot be read or names a column that is not there.
        """
        rows = self._rows(data)
        design = self._design(rows, self.formula, "shares")
        if design.offset is not None and not self.total:
            raise FormulaError(
                "An offset that is the same for every reason does not change shares.",
                code="offset",
                hint='Give offset={"reason": "column"} for one reason, or total=True for an offset of the total.',
            )
        self._refuse_few(rows, design)
        spread = self._design(rows, self.concentration, "concentration").matrix if self._wide else None
        fitted = fit_shares(rows, design, self.family, self.penalty, spread)
        if self.total:
            other = design if self.total_formula is None else self._design(rows, self.total_formula, "total")
            if isinstance(other, SmoothDesign):
                raise FormulaError(
                    "The total cannot use pspline().", code="formula", hint='Give total_formula="bs(time, df=4)".'
                )
            family = "poisson" if self.total is True else self.total
            fitted = Fitted(**{**fitted.__dict__, "total": fit_total(rows, other, family)})
        return self._answer(fitted)

    # ---- what goes in ------------------------------------------------------------------------------------------
    @property
    def _wide(self) -> bool:
        return self.family == "dirichlet-multinomial"

    def _rows(self, data: Any) -> ReasonRows:
        asked = Asked(
            self.reason,
            tuple(self.reasons),
            self.baseline,
            self.weight,
            self.weights,
            self.cluster,
            self.exposure,
            dict(self.offset or {}),
            self.separator,
            self.labels,
            self.missing,
        )
        rows = read_reasons(data, asked)
        if (self._wide or self.total) and not rows.grouped:
            raise DataError(
                "Single records have no total and no cells whose shares could vary.",
                code="records",
                hint="Count them first: Counts.from_frame(frame, date=, by=reason, freq=).",
            )
        if (self._wide or self.total) and np.any(rows.weight != 1):
            raise DataError("Weights of cells do not go with this.", column=self.weight, code="weight")
        return rows

    def _design(self, rows: ReasonRows, formula: str, what: str) -> Design:
        rest, smooths = split_smooth(formula) if has_smooth(formula) else (formula, ())
        if smooths and (what != "shares" or self._wide or len(smooths) > 1):
            raise FormulaError(
                "One pspline() may stand in the formula of multinomial shares.", code="formula", hint="Use bs()."
            )
        design = Design.of(rest or "1", rows.columns, labels=rows.labels, intercept=True)
        if design.strata is not None or design.cluster is not None:
            raise FormulaError(
                "strata() and cluster() are not for compositions.",
                code="formula",
                hint="Write the stratum as a term, C(column); give cluster= to the model.",
            )
        return SmoothDesign.with_smooths(design, smooths, rows.columns, rows.labels) if smooths else design

    def _refuse_few(self, rows: ReasonRows, design: Design) -> None:
        empty = [name for name, n in zip(rows.reasons, rows.totals, strict=True) if n == 0]
        if empty and not self.penalty:
            raise DataError(
                f"The reason {empty[0]!r} never occurs, so its share cannot be modelled.",
                code="empty-reason",
                hint='Leave it out, or fit with penalty="firth".',
            )
        n = float(rows.totals.sum()) if rows.weights == "frequency" else float(len(rows))
        wanted = (len(rows.reasons) - 1) * len(design.names)
        if isinstance(design, SmoothDesign):
            wanted = (len(rows.reasons) - 1) * (len(design.names) - len(design.smooths[0].names) + 1)
        if n < wanted or n < 2:
            raise DataError(
                f"There are {n:g} records for {wanted} coefficients ({len(rows.reasons)} reasons, "
                f"{len(design.names)} columns).",
                code="few-events",
                hint="Ask for fewer terms, merge reasons, or give shares() with exact limits.",
            )

    # ---- what comes out ----------------------------------------------------------------------------------------
    def _answer(self, fitted: Fitted) -> CompositionResults:
        rows = fitted.rows
        clustered = rows.cluster is not None
        kind = self.vcov or ("cluster" if clustered else "robust" if rows.weights == "sampling" else "model")
        quasi_total = self.total == "quasipoisson"
        cov = covariance(fitted, kind, self.hac_lags, self.small_sample)
        matrix, label, df = cov.matrix, cov.label, cov.df_resid
        if quasi_total and cov.kind == "model":
            part = covariance(fitted, "quasi")
            own = len(fitted.at)
            matrix = matrix.copy()
            matrix[own:, own:] = part.matrix[own:, own:]
            label, df = "model, total quasi", part.df_resid
        notes = [*fitted.notes, *cov.warnings, *_cautions(fitted, cov.kind)]
        if fitted.trouble:
            warnings.warn(fitted.trouble, ConvergenceWarning, stacklevel=3)
            notes.insert(0, fitted.trouble)
        estimate = fitted.back @ np.append(fitted.at, [] if fitted.total is None else fitted.total.fit.beta)
        own_llf = _total_llf(fitted)
        return CompositionResults(
            names=_names(self, fitted),
            estimate=estimate,
            covariance=matrix,
            vcov=label,
            llf=fitted.llf + own_llf[0],
            llnull=_null(fitted) + own_llf[1],
            nobs=float(fitted.used.sum()) if rows.grouped else float(rows.weight.sum()),
            n_events=float(rows.totals.sum()),
            df_resid=df,
            converged=fitted.converged,
            ledger=rows.ledger,
            method=self._method(fitted),
            sources=self._sources(fitted, cov.kind),
            outcome="share",
            warnings=tuple(notes),
            reasons=rows.reasons,
            terms=fitted.design.names,
            family=fitted.kind if fitted.kind == "dirichlet-multinomial" else "multinomial",
            penalty=self.penalty,
            edf=fitted.edf,
            total_terms=() if fitted.total is None else fitted.total.design.names,
            data=fitted,
            model_of=self,
        )

    def _method(self, fitted: Fitted) -> str:
        words = "Dirichlet-multinomial" if fitted.kind == "dirichlet-multinomial" else "Multinomial logit"
        words += ", Jeffreys' penalty" if self.penalty else ""
        total = "" if fitted.total is None else f"; {fitted.total.family} total"
        return (
            f"{words} of {len(fitted.rows.reasons)} reasons on {self.formula}{total}; baseline {fitted.rows.reasons[0]}"
        )

    def _sources(self, fitted: Fitted, kind: str) -> tuple[str, ...]:
        keys = ["mccullagh_nelder1989"]
        keys += ["firth1993", "kosmidis_firth2011"] if self.penalty else []
        keys += ["mosimann1962", "chen_li2013"] if fitted.kind == "dirichlet-multinomial" else []
        keys += ["baker1994"] if fitted.total is not None else []
        keys += ["eilers_marx1996"] if isinstance(fitted.design, SmoothDesign) else []
        return tuple(dict.fromkeys([*keys, *SOURCES[kind]]))


def _one_of(name: str, value: Any, known: Sequence[Any]) -> None:
    if not any(value is item or (value == item and type(value) is type(item)) for item in known):
        listed = ", ".join(repr(item) for item in known)
        raise DataError(f"{name}={value!r} is not known.", code=name, hint=f"Use one of {listed}.")


def _names(model: Composition, fitted: Fitted) -> tuple[str, ...]:
    shares = [f"{reason}: {term}" for reason in fitted.rows.reasons[1:] for term in fitted.design.names]
    spread: list[str] = []
    if fitted.spread is not None:
        terms = model._design(fitted.rows, model.concentration, "concentration").names
        spread = [f"log concentration: {term}" for term in terms]
    total = [] if fitted.total is None else [f"total: {term}" for term in fitted.total.design.names]
    return (*shares, *spread, *total)


def _null(fitted: Fitted) -> float:
    """Log-likelihood with intercepts only."""
    rows = fitted.rows
    ways = log_ways(rows.counts) if rows.grouped and np.all(rows.weight == 1) else 0.0
    if rows.offset is None:
        totals = rows.totals
        return float(special.xlogy(totals, totals / totals.sum()).sum()) + ways
    return float(fit_multinomial(likelihood_data(rows, np.ones((len(rows), 1)))).terms.value) + ways


def _total_llf(fitted: Fitted) -> tuple[float, float]:
    """Log-likelihood of the total, and that of its intercept alone."""
    total = fitted.total
    if total is None:
        return 0.0, 0.0
    if total.family == "quasipoisson":
        return float("nan"), float("nan")
    rate = fitted.rows.size.sum() / np.exp(total.offset).sum()
    mean = rate * np.exp(total.offset)
    return total.fit.llf, float(stats.poisson.logpmf(fitted.rows.size, mean).sum())


def _cautions(fitted: Fitted, kind: str) -> tuple[str, ...]:
    """What a careful reader would say about the variance of this fit."""
    rows = fitted.rows
    if kind != "model" or fitted.kind == "dirichlet-multinomial" or not rows.grouped:
        return ()
    chi2, _, df = pearson_of(fitted)
    if df < 1 or stats.chi2.sf(chi2, df) > 0.01 or chi2 < 1.25 * df:
        return ()
    return (
        f"shares vary {chi2 / df:.2f} times as much between cells as independent records would: these errors are too "
        'small (see vcov="quasi" or "robust", family="dirichlet-multinomial")',
    )
