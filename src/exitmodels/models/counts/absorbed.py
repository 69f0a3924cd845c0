"""fe(unit): a level for each unit of a count regression, fitted without a column for any of them.

Third floor. Called by: regression.py. The arithmetic is in kernels/absorbed.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError, FormulaError
from exitmodels.kernels.absorbed import AbsorbedFit, fit_absorbed, within_groups
from exitmodels.models.counts.checks import refuse_collinear
from exitmodels.models.counts.covariance import FitData
from exitmodels.models.counts.fitted import CountPrediction, CountResults, new_rows
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.design import Design
from exitmodels.shapes.formula import split_terms
from exitmodels.shapes.frames import Column
from exitmodels.shapes.grouping import group_codes

__all__ = ["AbsorbedData", "EffectResults", "absorb", "split_effects"]

_CALL = re.compile(r"fe\s*\((.*)\)$", re.DOTALL)
_INSIDE = re.compile(r"(?<![\w.])fe\s*\(")
_FEW_ROWS = 10


def split_effects(formula: str, columns: Mapping[str, Column]) -> tuple[str, tuple[str, ...]]:
    """Take fe() out of a formula: the other terms, and the columns named, the one with most levels first.

    >>> split_effects("x + fe(unit)", {"unit": Column("unit", "number", np.arange(3))})
    ('+ x', ('unit',))
    """
    if not _INSIDE.search(formula):
        return formula, ()
    rest: list[str] = []
    names: list[str] = []
    for sign, term in split_terms(formula):
        call = _CALL.match(term)
        if call and sign == "+" and call.group(1).strip():
            names += [part.strip().strip("`") for part in call.group(1).split(",")]
        elif _INSIDE.search(term):
            raise FormulaError(
                f"fe() stands alone in a formula; {term!r} subtracts it, names nothing, or puts it inside a term.",
                code="formula",
                hint='Write "x + fe(unit)"; for slopes by unit write x:C(unit) beside it.',
            )
        else:
            rest.append(f"{sign} {term}")
    absent = [name for name in names if name not in columns]
    if absent:
        raise FormulaError(
            f"fe({absent[0]}) names a column that is not there.",
            column=absent[0],
            code="no-column",
            hint=f"Columns: {', '.join(columns)}.",
        )
    unique = list(dict.fromkeys(names))
    return " ".join(rest), tuple(sorted(unique, key=lambda name: -len(group_codes(columns[name])[1])))


@dataclass(frozen=True, eq=False)
class AbsorbedData(FitData):
    """What a fit with unit levels was made from."""

    group: Ints | None = None
    labels: tuple[Any, ...] = ()
    middle: Floats | None = None

    @property
    def absorbed(self) -> AbsorbedFit:
        """The fit, with its levels."""
        assert isinstance(self.fit, AbsorbedFit)
        return self.fit

    @property
    def centred(self) -> Floats:
        """The design less its weighted means within units."""
        assert self.group is not None
        p = len(self.design.names)
        matrix = (self.design.matrix - self.middle) @ self.recode
        return np.asarray(matrix - self.absorbed.level_mean[self.group, :p], dtype=np.float64)

    @property
    def df_resid(self) -> int:
        """Rows less coefficients and levels."""
        return len(self.counts) - len(self.design.names) - len(self.labels)

    @property
    def n_levels(self) -> int:
        """Levels that are estimated without a column."""
        return len(self.labels)

    @property
    def leverage_design(self) -> Floats:
        """Columns less their means within units, under the weights of the leverages."""
        assert self.group is not None
        return within_groups((self.design.matrix - self.middle) @ self.recode, self.working_weight, self.group)[2]

    def hat(self, bread: Floats) -> Floats:
        """Leverage of each row, through the coefficients and its unit's level (n,)."""
        assert self.group is not None
        return self.working_weight * self.spread_of(self.design.matrix, self.group, bread)

    def spread_of(self, matrix: Floats, unit: Ints, bread: Floats) -> Floats:
        """Variance of level plus terms, 1 / D_g + v' C v, v being the columns less what the level follows."""
        fit = self.absorbed
        inner = (matrix - self.middle) @ self.recode
        extra = np.zeros((len(inner), fit.level_mean.shape[1] - inner.shape[1]))
        moved = np.column_stack([inner, extra]) - fit.level_mean[unit]
        return np.asarray(1 / fit.level_weight[unit] + np.einsum("ij,jk,ik->i", moved, bread, moved))

    def refuse_unnested(self, cluster: Ints, kind: str) -> None:
        """A level that several clusters share is pulled by all of them; then corrections by cluster are not exact."""
        assert self.group is not None
        order = np.argsort(self.group, kind="stable")
        changes = np.diff(cluster[order]) != 0
        same_unit = np.diff(self.group[order]) == 0
        if np.any(changes & same_unit):
            raise DataError(
                f"vcov={kind!r} needs clusters that hold whole units; here cells of one {self.unit} lie in several.",
                column=self.unit,
                code="cluster",
                hint=f'Cluster by {self.unit} or something coarser, or use vcov="cluster".',
            )


def absorb(
    counts: Counts, formula: str, units: tuple[str, ...], family: str, dispersion: str, exposure: bool
) -> AbsorbedData:
    """Fit with levels for the first of `units`; the others, which have fewer levels, become columns.

    Raises
    ------
    DataError
        For families without this form, formulas without other terms, columns that do not vary within units, and fewer
        cells than parameters.
    """
    unit = units[0]
    _refuse_family(family, dispersion)
    text = " ".join([formula, *(f"+ C({name})" for name in units[1:])]).strip()
    notes: tuple[str, ...] = ()
    kept, size = counts, -1
    while len(kept) != size:
        # Cells set aside for one column may leave a level of another without events.
        size = len(kept)
        for name in units:
            kept, said = _with_events(kept, name)
            notes += said
    group, labels = group_codes(kept.columns[unit])
    design = Design.of(text, kept.columns, intercept=False)
    if design.strata is not None or not design.names:
        raise FormulaError(
            f"Beside fe() the formula has {'strata()' if design.strata is not None else 'no terms'}.",
            code="formula",
            hint='Write "x + fe(unit)"; for the rates of the units alone use rate(counts, by=...).',
        )
    recode, middle = _scaled(design.matrix)
    _refuse_without_spread(kept, design, recode, middle, group, unit, len(labels))
    offset = np.zeros(len(kept)) if design.offset is None else design.offset
    offset = offset + np.log(kept.exposure) if exposure else offset
    y = kept.n.astype(np.float64)
    group = np.asarray(group, dtype=np.int64)
    fit = fit_absorbed(y, (design.matrix - middle) @ recode, offset, group, "nb2" if family == "nb2" else "poisson")
    if family == "nb2" and len(kept) < _FEW_ROWS * len(labels):
        notes = (
            *notes,
            f"{len(kept) / len(labels):.1f} cells for each {unit}: alpha, and errors with it, are too small",
        )
    return AbsorbedData(
        kept, design, recode, offset, fit, family, exposure, dispersion, unit, notes, group, labels, middle
    )


def _refuse_family(family: str, dispersion: str) -> None:
    if family == "nb1" or dispersion != "ml":
        raise DataError(
            f"fe() is worked out for Poisson, quasi-Poisson and NB2 by maximum likelihood, not for {family} with "
            f"dispersion={dispersion!r}.",
            code="effects",
            hint="Use C() in place of fe().",
        )


def _with_events(counts: Counts, unit: str) -> tuple[Counts, tuple[str, ...]]:
    """Leave out the levels of a column that have no event, and say so."""
    column = counts.columns[unit]
    if column.missing is not None and column.missing.any():
        rows = np.flatnonzero(column.missing)
        raise DataError("Units are missing.", column=unit, rows=rows, code="missing", hint="Complete them.")
    codes, labels = group_codes(column)
    empty = np.flatnonzero(np.bincount(codes, counts.n, len(labels)) == 0)
    if len(empty) == len(labels):
        raise DataError("There are no events.", column="n", code="few-events", hint="A regression needs some.")
    if not empty.size:
        return counts, ()
    out = np.isin(codes, empty)
    kept = counts.select(~out)
    why = f"not used by fe(): {unit} without any event, whose level is minus infinity"
    kept = replace(kept, ledger=kept.ledger.note(why, int(out.sum())))
    return kept, (f"{int(out.sum())} cells of {empty.size} levels of {unit} have no event and say nothing here",)


def _scaled(matrix: Floats) -> tuple[Floats, Floats]:
    """Scales and means of the columns; levels take up the means."""
    middle = matrix.mean(axis=0)
    size = np.sqrt(np.mean((matrix - middle) ** 2, axis=0))
    size[size <= 1e-12 * np.maximum(np.abs(matrix).max(axis=0), 1e-300)] = 1.0
    return np.diag(1 / size), middle


def _refuse_without_spread(
    counts: Counts, design: Design, recode: Floats, middle: Floats, group: Ints, unit: str, n_units: int
) -> None:
    """Refuse columns that the levels contain, columns that follow from others within units, and too few cells."""
    p = len(design.names)
    if len(counts) < p + n_units or counts.total < p:
        raise DataError(
            f"There are {len(counts)} cells and {counts.total} events for {p} coefficients and {n_units} levels of "
            f"{unit}.",
            code="few-rows",
            hint="Count in finer periods, or ask for fewer terms.",
        )
    within = within_groups((design.matrix - middle) @ recode, np.ones(len(counts)), group)[2]
    left = np.sqrt(np.mean(within**2, axis=0))
    flat = np.flatnonzero(left < 1e-9)
    if flat.size:
        name = design.names[int(flat[0])]
        raise DataError(
            f"It is the same in all cells of each {unit}, so its effect cannot be told from the levels of {unit}.",
            column=name,
            code="constant-within",
            hint="Leave the term out, or take fe() out and cluster the errors.",
        )
    refuse_collinear(design.matrix, within, design.names)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EffectResults(CountResults):
    """A count regression with a level for each unit; see `CountResults`."""

    def _absorbed(self, what: str) -> AbsorbedData:
        data = self._data(what)
        assert isinstance(data, AbsorbedData)
        return data

    @property
    def effects(self) -> Any:
        """Level of each unit on the log scale, where all terms are zero: columns level, se (of the model)."""
        import pandas as pd

        data = self._absorbed("Levels")
        k = len(data.labels)
        level, error = self._linear(data, np.zeros((k, len(self.names))), np.arange(k))
        return pd.DataFrame({"level": level, "se": error}, index=pd.Index(data.labels, name=data.unit))

    def get_prediction(self, new: Any = None) -> CountPrediction:
        """Expected counts with standard errors of the model; new rows name their unit, and it must be a known one."""
        data = self._absorbed("Prediction")
        assert data.group is not None
        if not self.vcov == "model":
            raise DataError(
                f"Predictions with fe() have limits from the model only, and this fit has {self.vcov} variance.",
                code="vcov",
                hint='Use .with_vcov("model"), or C() in place of fe().',
            )
        if new is None:
            matrix, offset, index, unit = data.design.matrix, data.offset, np.arange(len(data.counts)), data.group
        else:
            matrix, offset, index, column = new_rows(data, new, data.unit)
            unit = _known_units(data, column, index)
        eta, error = self._linear(data, matrix, unit)
        return CountPrediction(offset + eta, error, index, self.df_resid)

    def _linear(self, data: AbsorbedData, matrix: Floats, unit: Ints) -> tuple[Floats, Floats]:
        """Level plus terms, and its standard error."""
        fit = data.absorbed
        eta = fit.level[unit] + (matrix - data.middle) @ data.recode @ fit.beta
        spread = data.spread_of(matrix, unit, np.linalg.inv(fit.information))
        scale = data.pearson_chi2 / data.df_resid if data.family == "quasipoisson" else 1.0
        return eta, np.sqrt(scale * spread)

    def conf_int_levels(self, alpha: float = 0.05) -> Any:
        """Limits of the levels: columns low, high."""
        frame = self.effects
        half = float(stats.norm.ppf(1 - alpha / 2)) * frame["se"]
        return frame.assign(low=frame["level"] - half, high=frame["level"] + half)[["low", "high"]]


def _known_units(data: AbsorbedData, column: Column, index: AnyArray) -> Ints:
    codes, found = group_codes(column)
    place = {label: i for i, label in enumerate(data.labels)}
    table = np.array([place.get(label, -1) for label in found], dtype=np.int64)
    bad = np.flatnonzero(table[codes] < 0)
    if bad.size:
        raise DataError(
            f"The level {found[int(codes[bad[0]])]!r} was not in the fit, or had no event there.",
            column=data.unit,
            rows=index[bad],
            code="unknown-level",
            hint=f"Known levels: {', '.join(str(label) for label in data.labels[:20])}.",
        )
    return table[codes]
