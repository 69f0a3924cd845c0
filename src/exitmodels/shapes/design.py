"""From a formula to numbers: the design matrix, its names, strata, clusters and offset.

First floor. A sum of numeric columns is stacked directly; everything else
(factors, interactions, splines) is formulaic's work. The coding found on the
first data is kept, so that new rows are coded alike or refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError, FormulaError
from exitmodels.shapes.formula import Formula, parse
from exitmodels.shapes.frames import Column

__all__ = ["Design", "incomplete_rows", "variables"]


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
        names, matrix, coding = _matrix(parsed, columns, intercept, len(labels))
        _refuse_infinite(names, matrix, labels, formula)
        strata, strata_labels = _crossed(parsed.strata, columns)
        cluster, _ = _crossed(parsed.cluster, columns)
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
        matrix = _code(self.coding, columns, labels, len(labels), self.names)
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
        codes, found = _crossed(self.formula.strata, columns)
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


@dataclass(frozen=True, eq=False)
class _Stacked:
    """Coding of a plain sum of numeric columns."""

    columns: tuple[str, ...]
    intercept: bool


@dataclass(frozen=True, eq=False)
class _Formulaic:
    """Coding made by formulaic, the known levels (of text, and of numbers inside C()), and which columns to keep."""

    terms: str
    levels: dict[str, tuple[Any, ...]]
    factors: dict[str, tuple[Any, ...]]
    keep: tuple[int, ...]
    stateful: bool
    spec: Any = field(default=None, metadata={"stored": False})

    def known_spec(self) -> Any:
        """The specification found on the first data; after loading, made again from the levels."""
        if self.spec is not None:
            return self.spec
        if self.stateful:
            raise DataError(
                f"The terms {self.terms!r} hold values learnt from the data, which a saved result does not keep.",
                code="no-data",
                hint="Fit the model again on the data before predicting.",
            )
        size = max((len(v) for v in {**self.levels, **self.factors}.values()), default=1)
        made = {
            name: _cycle(name, {**self.levels, **self.factors}.get(name, (0.5,)), size) for name in _names(self.terms)
        }
        frame = _pandas(self.terms, made, self.levels)
        return _materialise(_formulaic_formula(self.terms), frame, self.terms).model_spec


def _cycle(name: str, levels: tuple[Any, ...], size: int) -> Column:
    """A column in which every level occurs."""
    places = np.arange(size) % len(levels)
    if any(isinstance(level, str) for level in levels):
        return Column(name, "text", places.astype(np.int64), None, levels)
    return Column(name, "number", np.asarray(levels)[places])


@lru_cache(maxsize=256)
def _formulaic_formula(terms: str) -> Any:
    from formulaic import Formula as Read
    from formulaic.errors import FormulaicError

    try:
        return Read(f"1 + {terms}" if terms else "1")
    except (FormulaicError, SyntaxError, ValueError) as problem:
        raise FormulaError(
            f"The formula {terms!r} cannot be read: {str(problem).splitlines()[0]}",
            code="formula",
            hint='Write terms as in "age + C(unit) + bs(day, df=4)".',
        ) from problem


@lru_cache(maxsize=256)
def variables(formula: str) -> tuple[str, ...]:
    """Return the columns that a formula needs: covariates, strata, clusters and offsets.

    >>> variables("age + log(prio) + strata(unit)")
    ('age', 'prio', 'unit')
    """
    parsed = parse(formula)
    found: list[str] = list(parsed.plain) if parsed.plain is not None else _names(parsed.terms)
    for expression in parsed.offset:
        found += _names(expression)
    return tuple(dict.fromkeys([*found, *parsed.strata, *parsed.cluster]))


def _names(terms: str) -> list[str]:
    factors = [factor for term in _formulaic_formula(terms) for factor in term.factors]
    looked_up = [[str(f.expr)] if f.eval_method.value == "lookup" else _names_in(str(f.expr)) for f in factors]
    return list(dict.fromkeys(name for names in looked_up for name in names))


@lru_cache(maxsize=256)
def _factors(terms: str) -> tuple[str, ...]:
    """Columns that stand inside C(...), and so are factors though they may be numbers."""
    found: list[str] = []
    for factor in (factor for term in _formulaic_formula(terms) for factor in term.factors):
        code = re.sub(r"`[^`]+`", "0", str(factor.expr))
        for node in ast.walk(ast.parse(code, mode="eval")) if "C(" in code else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "C":
                found += [node.args[0].id] if node.args and isinstance(node.args[0], ast.Name) else []
    return tuple(dict.fromkeys(found))


def _names_in(expression: str) -> list[str]:
    """Column names in one factor: every name that is not called and not the owner of a function."""
    quoted = re.findall(r"`([^`]+)`", expression)
    try:
        tree = ast.parse(re.sub(r"`[^`]+`", "0", expression), mode="eval")
    except SyntaxError:
        return [expression]
    nodes = list(ast.walk(tree))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    owners = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    return quoted + [node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called | owners]


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


def _matrix(
    parsed: Formula, columns: Mapping[str, Column], intercept: bool, n: int
) -> tuple[tuple[str, ...], Floats, Any]:
    if parsed.plain is not None and all(columns[name].kind in ("number", "bool") for name in parsed.plain):
        plain = tuple(dict.fromkeys(parsed.plain))
        names = (("Intercept",) if intercept else ()) + plain
        return names, _stack(plain, columns, intercept, n), _Stacked(plain, intercept)
    levels = {name: _present(columns[name]) for name in _names(parsed.terms) if columns[name].kind == "text"}
    factors = {name: group_codes(columns[name])[1] for name in _factors(parsed.terms) if name not in levels}
    frame = _pandas(parsed.terms, columns, levels)
    made = _materialise(_formulaic_formula(parsed.terms), frame, parsed.text)
    everything = tuple(made.model_spec.column_names)
    keep = tuple(j for j, name in enumerate(everything) if intercept or name != "Intercept")
    matrix = np.asarray(made, dtype=np.float64)[:, keep]
    return (
        tuple(everything[j] for j in keep),
        matrix,
        _Formulaic(parsed.terms, levels, factors, keep, bool(made.model_spec.transform_state), made.model_spec),
    )


def _materialise(spec: Any, frame: Any, formula: str) -> Any:
    from formulaic.errors import FormulaicError

    try:
        with np.errstate(all="ignore"):
            return spec.get_model_matrix(frame, output="numpy", context={"np": np})
    except (FormulaicError, ValueError, TypeError, KeyError) as problem:
        raise FormulaError(
            f"The formula {formula!r} cannot be worked out on these data: {str(problem).splitlines()[0]}",
            code="formula",
            hint="Check the functions it calls and the kinds of the columns they are given.",
        ) from problem


def _stack(names: Sequence[str], columns: Mapping[str, Column], intercept: bool, n: int) -> Floats:
    matrix = np.empty((n, len(names) + intercept))
    if intercept:
        matrix[:, 0] = 1.0
    for j, name in enumerate(names, start=int(intercept)):
        matrix[:, j] = columns[name].values
    return matrix


def _present(column: Column) -> tuple[Any, ...]:
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.levels))
    return tuple(level for level, count in zip(column.levels, counts, strict=True) if count)


def _pandas(terms: str, columns: Mapping[str, Column], levels: Mapping[str, tuple[Any, ...]]) -> Any:
    """Make the small frame that formulaic reads: only the columns the terms name."""
    import pandas as pd

    made: dict[str, Any] = {}
    for name in _names(terms):
        column = columns[name]
        if column.kind == "text":
            made[name] = pd.Categorical(column.decoded(), categories=list(levels[name]))
        elif column.kind == "bool":
            made[name] = column.values.astype(np.int64)
        else:
            made[name] = column.values
    n = len(next(iter(columns.values())))
    return pd.DataFrame(made, index=pd.RangeIndex(n))


def _code(coding: Any, columns: Mapping[str, Column], labels: AnyArray, n: int, names: Sequence[str]) -> Floats:
    if isinstance(coding, _Stacked):
        for name in coding.columns:
            if columns[name].kind not in ("number", "bool"):
                raise DataError(
                    f"This column was numeric in the fit; here it holds {columns[name].examples(3)}.",
                    column=name,
                    code="not-numeric",
                    hint="Give numbers.",
                )
        return _stack(coding.columns, columns, coding.intercept, n)
    for name, known in {**coding.levels, **coding.factors}.items():
        _refuse_unknown(columns[name], known, labels)
    frame = _pandas(coding.terms, columns, coding.levels)
    with np.errstate(all="ignore"):
        made = np.asarray(coding.known_spec().get_model_matrix(frame, context={"np": np}), dtype=np.float64)
    return made[:, coding.keep]


def _refuse_unknown(column: Column, known: tuple[Any, ...], labels: AnyArray) -> None:
    codes, found = group_codes(column)
    strange = [i for i, level in enumerate(found) if level not in known]
    if strange:
        raise DataError(
            f"The level {found[strange[0]]!r} was not in the data of the fit.",
            column=column.name,
            rows=labels[np.flatnonzero(np.isin(codes, strange))],
            code="unknown-level",
            hint=f"Known levels: {', '.join(str(level) for level in known)}.",
        )


def _crossed(names: Sequence[str], columns: Mapping[str, Column]) -> tuple[Ints | None, tuple[str, ...]]:
    """Cross several columns into one code per row; labels as "a=1, b=x"."""
    if not names:
        return None, ("",)
    code: Ints | None = None
    labels: list[str] = [""]
    for name in names:
        part, levels = group_codes(columns[name])
        code = part if code is None else code * len(levels) + part
        labels = [f"{old}, {name}={new}" if old else f"{name}={new}" for old in labels for new in levels]
        used, code = np.unique(code, return_inverse=True)
        labels = [labels[i] for i in used]
    assert code is not None
    return code.astype(np.int64), tuple(labels)


def group_codes(column: Column) -> tuple[Ints, tuple[Any, ...]]:
    """Return a code for each row and the label of each code; labels in order (levels, or sorted values)."""
    if column.kind == "text":
        present = _present(column)
        if len(present) == len(column.levels):
            return column.values, column.levels
        table = np.cumsum([level in present for level in column.levels]) - 1
        return table.astype(np.int64)[column.values], present
    values = column.values
    if values.dtype.kind in "iub" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < 1 << 16:
            shifted = values.astype(np.int64, copy=False) - low if low else values.astype(np.int64, copy=False)
            found = np.flatnonzero(np.bincount(shifted))
            kind = bool if values.dtype.kind == "b" else int
            labels = tuple(kind(v + low) for v in found)
            if len(found) == high - low + 1:
                return shifted, labels
            table = np.zeros(high - low + 1, dtype=np.int64)
            table[found] = np.arange(len(found))
            return table[shifted], labels
    levels, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), tuple(v.item() if hasattr(v, "item") else v for v in levels)


def _offset(parsed: Formula, columns: Mapping[str, Column]) -> Floats | None:
    if not parsed.offset:
        return None
    total: Floats | None = None
    for expression in parsed.offset:
        made = _materialise(_formulaic_formula(expression), _pandas(expression, columns, {}), parsed.text)
        value = np.asarray(made, dtype=np.float64)[:, -1]
        total = value if total is None else total + value
    return total
