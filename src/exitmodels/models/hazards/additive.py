"""Additive hazards: what a covariate adds to the hazard of leaving.

Third floor. Use it when differences of hazards are wanted (so many more exits
per thousand and day), when effects change with time, or when proportional
hazards fail. `AalenAdditive` leaves effects free over time, all or some;
`LinYing` holds them all constant.

Read next: additive_results.py (what comes back).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, FormulaError
from exitmodels.kernels.additive import AdditiveData, AdditiveTerms, additive_fit, additive_grid, model_covariance
from exitmodels.models.hazards.additive_fitted import AdditiveFrame, Fitted, separate
from exitmodels.models.hazards.additive_results import AdditiveResults
from exitmodels.models.hazards.cox_checks import enough
from exitmodels.models.hazards.cox_prepare import strata_of
from exitmodels.models.hazards.scaling import scaled_columns
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import usable
from exitmodels.shapes.spells import Spells

__all__ = ["AalenAdditive", "LinYing"]

_VARIANCES = ("model", "robust", "cluster")


@dataclass(frozen=True)
class AalenAdditive:
    """Aalen's additive hazards, hazard = b0(t) + x'b(t), or with some effects constant, + z'g.

    Parameters
    ----------
    formula : str
        Covariates; ``const(term)`` holds the effect of a term constant over time. ``strata(column)`` gives
        each stratum a baseline of its own; ``cluster(column)`` names clusters.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes. Other exits are censored.
    constant : list of str
        Further terms with constant effects, the same as ``const()`` in the formula.
    vcov : {"model", "robust", "cluster"}, optional
        "model": from the exits themselves (optional variation, as R's aareg). "robust": squared influence of
        each row (as timereg). By default "model"; "robust" with sampling weights; "cluster" when the formula
        has ``cluster()``.
    least : float, optional
        Times with fewer people at risk are not used. By default three for each covariate with a changing
        effect (as R's aareg); 1 keeps all.

    Notes
    -----
    Ordinary least squares at each exit time, risk on (entry, exit]. Constant effects integrate over time: the
    integral is exact, its steps are all times at which someone enters or leaves (programs that step from exit
    to exit differ in the third digit). Source: Aalen (1989); McKeague & Sasieni (1994); Martinussen & Scheike
    (2006).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    >>> fit = xm.AalenAdditive("fin + const(age)").fit(spells)
    >>> fit.params.round(6).to_dict()
    {'age': -0.000301}
    """

    formula: str
    event: Any = None
    constant: Sequence[str] = ()
    vcov: str | None = None
    least: float | None = None

    def fit(self, spells: Spells) -> AdditiveResults:
        """Fit the model.

        Raises
        ------
        SchemeError
            If only exits inside a window were recorded.
        FormulaError, DataError
            For a formula that cannot be read; missing values; fewer exits than columns; constant or
            collinear columns; several causes and none chosen; no time at which effects can be told apart.
        """
        spells.require_scheme("AalenAdditive")
        free, constant = separate(self.formula, self.constant)
        return _fit(spells, self.event, free, constant, self.vcov, self.least, "Aalen's additive hazards")


@dataclass(frozen=True)
class LinYing:
    """Additive hazards with constant effects, hazard = b0(t) + z'g.

    Parameters
    ----------
    formula : str
        Covariates, ``strata()`` and ``cluster()``.
    event : label, list of labels or "any", optional
        Which exits count; needed when the spells have several causes.
    vcov : {"model", "robust", "cluster"}, optional
        As in `AalenAdditive`.

    Notes
    -----
    A coefficient is a difference of hazards: exits per person and unit of time.
    Source: Lin & Ying (1994).

    Examples
    --------
    >>> import exitmodels as xm
    >>> spells = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    >>> xm.LinYing("fin + age + prio").fit(spells).params.round(6).to_dict()
    {'fin': -0.001975, 'age': -0.000279, 'prio': 0.00072}
    """

    formula: str
    event: Any = None
    vcov: str | None = None

    def fit(self, spells: Spells) -> AdditiveResults:
        """Fit the model; errors as in `AalenAdditive.fit`."""
        spells.require_scheme("LinYing")
        covariates, marks = separate(self.formula, (), marks=True)
        return _fit(spells, self.event, marks, covariates, self.vcov, 1.0, "Additive hazards of Lin and Ying")


def _fit(
    spells: Spells, event: Any, free: str, constant: str, vcov: str | None, least: float | None, title: str
) -> AdditiveResults:
    if vcov is not None and vcov not in _VARIANCES:
        raise DataError(f"vcov={vcov!r} is not known.", code="vcov", hint=f"One of {', '.join(_VARIANCES)}.")
    both = " + ".join(part for part in (free, constant) if part)
    rows = usable(spells.for_cause(event), both)
    first = Design.of(free or "1", rows.columns, labels=rows.labels)
    second = Design.of(constant or "1", rows.columns, labels=rows.labels)
    if first.offset is not None or second.offset is not None:
        raise FormulaError("An additive hazard takes no offset().", code="formula", hint="Leave it out.")
    data, frame, weight = _prepare(rows, first, second, least)
    terms = additive_fit(data)
    notes = _check_usable(data, terms)
    fitted = Fitted(data, terms, rows, first.cluster, first.strata)
    sampled = rows.weight is not None and rows.weights == "sampling"
    kind = vcov or ("cluster" if first.cluster is not None else "robust" if sampled else "model")
    result = AdditiveResults(
        names=frame.constants,
        estimate=terms.constant / frame.constant_scale,
        covariance=np.empty((len(frame.constants),) * 2),
        vcov="model",
        llf=np.nan,
        llnull=np.nan,
        nobs=rows.n,
        n_events=rows.n_events,
        converged=True,
        ledger=rows.ledger,
        method=f"{title} for {rows.causes[0]}",
        sources=_sources(frame),
        outcome=str(rows.causes[0]),
        warnings=notes,
        frame=frame,
        time=data.index.times,
        cumulative=np.cumsum(terms.steps, axis=0),
        elapsed=terms.elapsed,
        spread=model_covariance(data, terms, weight),
        until=_known_until(rows, data, terms, fitted),
        free_design=_bare(first),
        constant_design=_bare(second),
        unit=rows.unit,
        fitted=fitted,
    )
    return result.with_vcov(kind)


def _sources(frame: AdditiveFrame) -> tuple[str, ...]:
    if not frame.constants:
        return ("aalen1989", "martinussen_scheike2006")
    return ("lin_ying1994",) if not frame.names else ("mckeague_sasieni1994", "martinussen_scheike2006")


def _bare(design: Design) -> Design:
    """The coding alone, for new rows."""
    return replace(design, matrix=np.empty((0, len(design.names))), cluster=None, strata=None, offset=None)


def _prepare(
    rows: Spells, first: Design, second: Design, least: float | None
) -> tuple[AdditiveData, AdditiveFrame, Floats]:
    """Centred and scaled columns behind one indicator column for each baseline."""
    found, labels = strata_of(rows, first)
    stratum = np.zeros(len(rows), dtype=np.int64) if found is None else found
    names = first.names + second.names
    every = len(second.names) > 0
    index, width = additive_grid(rows.entry_or_none, rows.exit, rows.event > 0, every)
    enough(rows, replace(first, names=names), index)
    matrix, centre, scale = scaled_columns(names, np.hstack([first.matrix, second.matrix]), rows.row_weight)
    p = len(first.names)
    frame = AdditiveFrame(
        labels, first.names, second.names, centre[:p], scale[:p], centre[p:], scale[p:], rows.stratum is not None
    )
    indicators = (stratum[:, None] == np.arange(len(labels))).astype(np.float64)
    few = least if least is not None else 3.0 * max(p, 1) if p else 1.0
    if rows.weight is not None and rows.weights == "sampling":
        few *= float(rows.weight.mean())
    columns = np.hstack([indicators, matrix])
    data = AdditiveData(columns, len(labels) + p, len(labels), index, width, rows.row_weight, few, centre / scale)
    weight = rows.row_weight
    return data, frame, np.sqrt(weight) if rows.weights == "frequency" else weight


def _check_usable(data: AdditiveData, terms: AdditiveTerms) -> tuple[str, ...]:
    """Say how many exits stand at times where the effects cannot be told apart; refuse when all do."""
    rows = data.index.event_rows
    lost = ~terms.usable[data.index.moment[rows]]
    if lost.all():
        raise DataError(
            "At no exit can the effects be told apart among those at risk.",
            code="no-variation",
            hint="Use fewer columns or strata, or hold effects constant: const(x), or LinYing.",
        )
    if not lost.any():
        return ()
    times = data.index.times[data.index.moment[rows[lost]]]
    number = float(data.weight[rows[lost]].sum())
    return (
        f"{number:g} exits (first at {times.min():g}, last at {times.max():g}) add nothing to the cumulative effects: "
        f"fewer than {data.least:g} people at risk, or effects that cannot be told apart there",
    )


def _known_until(rows: Spells, data: AdditiveData, terms: AdditiveTerms, fitted: Fitted) -> tuple[float, ...]:
    """Time up to which each baseline is known: the last exit of its stratum, if effects were known until then."""
    last = int(np.flatnonzero(terms.usable)[-1])
    end = np.inf if last == data.index.n_times - 1 else float(data.index.times[last])
    member = data.columns[:, : data.n_baselines] > 0
    return tuple(min(float(rows.exit[own].max()), end) for own in member.T)
