"""From a formula to numbers: the design matrix, its names, strata, clusters and offset.

First floor. A sum of numeric columns is stacked directly; everything else
(factors, interactions, splines) is formulaic's work. The coding found on the
first data is kept, so that new rows are coded alike or refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError, FormulaError
from exitmodels.shapes.coding import code_rows, make_matrix, materialise, small_frame
from exitmodels.shapes.formula import Formula, parse
from exitmodels.shapes.frames import Column
from exitmodels.shapes.grouping import crossed
from exitmodels.shapes.terms import formulaic_formula, variables

__all__ = ["Design", "incomplete_rows"]


@dataclass(frozen=True, eq=False)
class Design:
    """The numbers behind a formula.

    Attributes
    ----------
    names : tuple of str
        One per column of `matrix`.
    matrix : (n, p) float64
        Without an intercept unless one was asked for.
    offset : (n,) or None
        Sum of the `offset()` terms.
    strata, cluster : (n,) int or None
        Codes; `strata_labels` names the strata.
    coding : object
        What is needed to code new rows alike; used by `rebuild`.

    Examples
    --------
    >>> from exitmodels.shapes.frames import Table
    >>> table = Table({"age": [20, 30, 40], "unit": ["a", "b", "a"]})
    >>> design = Design.of("age + unit", {name: table.column(name) for name in table.names})
    >>> design.names
    ('age', 'unit[T.b]')
    >>> design.matrix.tolist()
    [[20.0, 0.0], [30.0, 1.0], [40.0, 0.0]]
    """

    names: tuple[str, ...]
    matrix: Floats
    formula: Formula
    offset: Floats | None = None
    strata: Ints | None = None
    strata_labels: tuple[str, ...] = ("",)
    cluster: Ints | None = None
    coding: Any = None

    @classmethod
    def of(
        cls,
        formula: str,
        columns: Mapping[str, Column],
        *,
        labels: AnyArray | None = None,
        intercept: bool = False,
    ) -> Design:
        """Build the design of `formula` from columns.

        Raises
        ------
        FormulaError
            If the formula cannot be read or names a column that is not there.
        DataError
            If a column it uses has missing or infinite values.
        """
        parsed = parse(formula)
        used = _used(parsed, columns)
        labels = _labels(labels, columns)
        for name in used:
            _refuse_missing(columns[name], labels)
        names, matrix, coding = make_matrix(parsed, columns, intercept, len(labels))
        _refuse_infinite(names, matrix, labels, formula)
        strata, strata_labels = crossed(parsed.strata, columns)
        cluster, _ = crossed(parsed.cluster, columns)
        offset = _offset(parsed, columns)
        return cls(names, matrix, parsed, offset, strata, strata_labels, cluster, coding)

    def rebuild(self, columns: Mapping[str, Column], *, labels: AnyArray | None = None) -> Design:
        """Code new rows as the first ones were coded; an unknown level is refused.

        Strata are looked up by label; clusters are not needed for new rows and are left out.
        """
        _known(self.formula, columns, skip=self.formula.cluster)
        labels = _labels(labels, columns)
        for name in self.variables:
            _refuse_missing(columns[name], labels)
        matrix = code_rows(self.coding, columns, labels, len(labels), self.names)
        _refuse_infinite(self.names, matrix, labels, self.formula.text)
        strata = self._known_strata(columns, labels)
        offset = _offset(self.formula, columns)
        return Design(self.names, matrix, self.formula, offset, strata, self.strata_labels, None, self.coding)

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns that new rows must have."""
        return tuple(name for name in variables(self.formula.text) if name not in self.formula.cluster)

    def _known_strata(self, columns: Mapping[str, Column], labels: AnyArray) -> Ints | None:
        if not self.formula.strata:
            return None
        codes, found = crossed(self.formula.strata, columns)
        assert codes is not None
        table = np.array(
            [self.strata_labels.index(label) if label in self.strata_labels else -1 for label in found], dtype=np.int64
        )
        bad = np.flatnonzero(table[codes] < 0)
        if bad.size:
            raise DataError(
                f"Stratum {found[int(codes[bad[0]])]!r} was not in the data of the fit.",
                rows=labels[bad],
                code="unknown-level",
                hint=f"Known strata: {', '.join(self.strata_labels)}.",
            )
        return table[codes]


def _used(parsed: Formula, columns: Mapping[str, Column]) -> tuple[str, ...]:
    _known(parsed, columns)
    return variables(parsed.text)


def _known(parsed: Formula, columns: Mapping[str, Column], skip: Sequence[str] = ()) -> None:
    absent = [name for name in variables(parsed.text) if name not in columns and name not in skip]
    if absent:
        raise FormulaError(
            f"The formula {parsed.text!r} names {absent[0]!r}, which is not a column of the data.",
            column=absent[0],
            code="no-column",
            hint=f"Columns: {', '.join(columns) or 'none'}.",
        )


def incomplete_rows(formula: str, columns: Mapping[str, Column]) -> Bools | None:
    """Return a mask of rows with a missing or infinite value in a column the formula uses, or None."""
    worst: Bools | None = None
    for name in _used(parse(formula), columns):
        bad = _gaps(columns[name])
        if bad is not None:
            worst = bad if worst is None else worst | bad
    return worst


def _gaps(column: Column) -> Bools | None:
    missing = column.missing
    if column.kind == "number" and column.values.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            total = column.values.sum()
        if not np.isfinite(total):
            bad = ~np.isfinite(column.values)
            missing = bad if missing is None else missing | bad
    return missing if missing is not None and missing.any() else None


def _labels(labels: AnyArray | None, columns: Mapping[str, Column]) -> AnyArray:
    if labels is not None:
        return labels
    return np.arange(len(next(iter(columns.values()))) if columns else 0)


def _refuse_missing(column: Column, labels: AnyArray) -> None:
    gaps = _gaps(column)
    if gaps is not None:
        rows = np.flatnonzero(gaps)
        raise DataError(
            f"{rows.size} values are missing or infinite.",
            column=column.name,
            rows=labels[rows],
            code="missing",
            hint='Complete them, or read the data with missing="drop", which counts the rows in the ledger.',
        )


def _refuse_infinite(names: Sequence[str], matrix: Floats, labels: AnyArray, formula: str) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        sums = matrix.sum(axis=0)
    for j in np.flatnonzero(~np.isfinite(sums)).tolist():
        rows = np.flatnonzero(~np.isfinite(matrix[:, j]))
        if rows.size:
            raise DataError(
                f"The term {names[j]!r} of {formula!r} is not finite in {rows.size} rows.",
                column=names[j],
                rows=labels[rows],
                code="not-finite",
                hint="A logarithm of zero, or a division by zero? Change the term or the rows.",
            )


def _offset(parsed: Formula, columns: Mapping[str, Column]) -> Floats | None:
    if not parsed.offset:
        return None
    total: Floats | None = None
    for expression in parsed.offset:
        made = materialise(formulaic_formula(expression), small_frame(expression, columns, {}), parsed.text)
        value = np.asarray(made, dtype=np.float64)[:, -1]
        total = value if total is None else total + value
    return total
