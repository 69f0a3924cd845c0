"""Coding: from columns to numbers, in a way that can be repeated on new rows.

First floor. A sum of numeric columns is stacked; everything else is formulaic's
work, whose learnt levels are kept so that unknown ones are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError, FormulaError
from exitmodels.shapes.formula import Formula
from exitmodels.shapes.frames import Column
from exitmodels.shapes.grouping import group_codes, present
from exitmodels.shapes.seasons import FUNCTIONS
from exitmodels.shapes.terms import factors_of, formulaic_formula, names_of

_ROWS = 1 << 12

__all__ = ["Coded", "Stacked", "code_rows", "make_matrix", "materialise", "small_frame"]


@dataclass(frozen=True, eq=False)
class Stacked:
    """Coding of a plain sum of numeric columns."""

    columns: tuple[str, ...]
    intercept: bool


@dataclass(frozen=True, eq=False)
class Coded:
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
            name: _cycle(name, {**self.levels, **self.factors}.get(name, (0.5,)), size) for name in names_of(self.terms)
        }
        frame = small_frame(self.terms, made, self.levels)
        return materialise(formulaic_formula(self.terms), frame, self.terms).model_spec


def _cycle(name: str, levels: tuple[Any, ...], size: int) -> Column:
    """A column in which every level occurs."""
    places = np.arange(size) % len(levels)
    if any(isinstance(level, str) for level in levels):
        return Column(name, "text", places.astype(np.int64), None, levels)
    return Column(name, "number", np.asarray(levels)[places])


def make_matrix(
    parsed: Formula, columns: Mapping[str, Column], intercept: bool, n: int
) -> tuple[tuple[str, ...], Floats, Any]:
    if parsed.plain is not None and all(columns[name].kind in ("number", "bool") for name in parsed.plain):
        plain = tuple(dict.fromkeys(parsed.plain))
        names = (("Intercept",) if intercept else ()) + plain
        return names, _stack(plain, columns, intercept, n), Stacked(plain, intercept)
    levels = {name: present(columns[name]) for name in names_of(parsed.terms) if columns[name].kind == "text"}
    factors = {name: group_codes(columns[name])[1] for name in factors_of(parsed.terms) if name not in levels}
    frame = small_frame(parsed.terms, columns, levels)
    made = materialise(formulaic_formula(parsed.terms), frame, parsed.text)
    everything = tuple(made.model_spec.column_names)
    keep = tuple(j for j, name in enumerate(everything) if intercept or name != "Intercept")
    matrix = np.asarray(made, dtype=np.float64)[:, keep]
    return (
        tuple(everything[j] for j in keep),
        matrix,
        Coded(parsed.terms, levels, factors, keep, bool(made.model_spec.transform_state), made.model_spec),
    )


def materialise(spec: Any, frame: Any, formula: str) -> Any:
    from formulaic.errors import FormulaicError

    try:
        with np.errstate(all="ignore"):
            return spec.get_model_matrix(frame, output="numpy", context={"np": np, **FUNCTIONS})
    except (FormulaicError, ValueError, TypeError, KeyError) as problem:
        raise FormulaError(
            f"The formula {formula!r} cannot be worked out on these data: {str(problem).splitlines()[0]}",
            code="formula",
            hint="Check the functions it calls and the kinds of the columns they are given.",
        ) from problem


def _stack(names: Sequence[str], columns: Mapping[str, Column], intercept: bool, n: int) -> Floats:
    """Put columns side by side, a few thousand rows at a time, so that the rows written stay in cache."""
    matrix = np.empty((n, len(names) + intercept))
    if intercept:
        matrix[:, 0] = 1.0
    held = [columns[name].values for name in names]
    for start in range(0, n, _ROWS):
        rows = slice(start, start + _ROWS)
        for j, values in enumerate(held, start=int(intercept)):
            matrix[rows, j] = values[rows]
    return matrix


def small_frame(terms: str, columns: Mapping[str, Column], levels: Mapping[str, tuple[Any, ...]]) -> Any:
    """Make the small frame that formulaic reads: only the columns the terms name."""
    import pandas as pd

    made: dict[str, Any] = {}
    for name in names_of(terms):
        column = columns[name]
        if column.kind == "text":
            made[name] = pd.Categorical(column.decoded(), categories=list(levels[name]))
        elif column.kind == "bool":
            made[name] = column.values.astype(np.int64)
        else:
            made[name] = column.values
    n = len(next(iter(columns.values())))
    return pd.DataFrame(made, index=pd.RangeIndex(n))


def code_rows(coding: Any, columns: Mapping[str, Column], labels: AnyArray, n: int, names: Sequence[str]) -> Floats:
    if isinstance(coding, Stacked):
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
    frame = small_frame(coding.terms, columns, coding.levels)
    with np.errstate(all="ignore"):
        made = coding.known_spec().get_model_matrix(frame, context={"np": np, **FUNCTIONS})
    made = np.asarray(made, dtype=np.float64)
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
