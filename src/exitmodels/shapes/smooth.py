"""Smooth terms of a formula: ``pspline(age, df=4)`` read, and turned into columns.

First floor. A smooth term is a basis of B-splines on evenly spaced knots; the
penalty that makes it smooth belongs to the model. All that is learnt from the
data is the range of the column, so a saved design codes new rows alike.

Read next: kernels/psplines.py (the basis), design.py (everything else).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats
from exitmodels.errors import DataError, FormulaError
from exitmodels.kernels import psplines
from exitmodels.shapes import checks
from exitmodels.shapes.design import Design
from exitmodels.shapes.formula import split_terms
from exitmodels.shapes.frames import Column

__all__ = ["Smooth", "SmoothDesign", "has_smooth", "split_smooth"]

_CALL = re.compile(r"pspline\s*\(", re.DOTALL)
_CHOICES = ("df", "strength", "segments", "degree", "order", "range")
_HINT = 'Write it as in "pspline(age, df=4)"; other choices: strength=, segments=, degree=, order=, range=(low, high).'


@dataclass(frozen=True)
class Smooth:
    """A penalised spline of one column.

    Attributes
    ----------
    column : str
    df : float or {"aic", "reml"} or None
        Degrees of freedom wanted, or what decides them; None when `strength` is given.
    strength : float or None
        Multiplier of the penalty.
    segments, degree, order : int
        Equal parts of the range, degree of the splines, and order of the differences that are penalised.
    low, high : float
        The range; NaN until the data are seen. Beyond it curves go on along their tangent.
    """

    column: str
    df: float | str | None = 4.0
    strength: float | None = None
    segments: int = 10
    degree: int = 3
    order: int = 2
    low: float = float("nan")
    high: float = float("nan")

    @property
    def label(self) -> str:
        """Name of the term."""
        return f"pspline({self.column})"

    @property
    def width(self) -> int:
        """Columns: the first basis function is left out, for the baseline hazard holds the level."""
        return self.segments + self.degree - 1

    @property
    def names(self) -> tuple[str, ...]:
        """One name per column."""
        return tuple(f"{self.label}[{i}]" for i in range(2, self.width + 2))

    @property
    def penalty(self) -> Floats:
        """Cross product of the differences of coefficients, the first held at zero: (width, width)."""
        return psplines.difference_penalty(self.width + 1, self.order)[1:, 1:]

    @property
    def centres(self) -> Floats:
        """Where the basis functions have their centres, (width,)."""
        return psplines.centres(self.low, self.high, self.segments, self.degree)[1:]

    def basis(self, values: Floats) -> Floats:
        """Columns for these values of the column, (n, width)."""
        return psplines.basis(values, self.low, self.high, self.segments, self.degree)[:, 1:]

    def seen(self, columns: Mapping[str, Column], labels: AnyArray) -> Smooth:
        """Return the same term with the range of the data, unless one was given."""
        values = self.values(columns, labels)
        low, high = float(values.min()), float(values.max())
        if not np.isnan(self.low):
            return self
        if not low < high:
            raise DataError("It does not vary.", column=self.column, code="constant", hint="Take it out.")
        return replace(self, low=low, high=high)

    def values(self, columns: Mapping[str, Column], labels: AnyArray) -> Floats:
        """Numbers of the column; anything else is refused."""
        if self.column not in columns:
            raise FormulaError(
                f"The formula names {self.column!r}, which is not a column of the data.",
                column=self.column,
                code="no-column",
                hint=f"Columns: {', '.join(columns) or 'none'}.",
            )
        column = columns[self.column]
        if column.kind != "number":
            raise DataError(
                f"pspline() needs numbers; the column holds {column.examples(3)}.",
                column=self.column,
                code="not-numeric",
                hint="Give a numeric column, or C() for levels.",
            )
        checks.refuse_gaps(self.column, column.missing, labels)
        checks.refuse_gaps(self.column, checks.not_finite(column.values), labels)
        return column.values.astype(np.float64)


@dataclass(frozen=True, eq=False)
class SmoothDesign(Design):
    """A design whose last columns are those of smooth terms.

    Attributes
    ----------
    smooths : tuple of Smooth

    Examples
    --------
    >>> from exitmodels.shapes.frames import Table
    >>> table = Table({"age": [20, 30, 40, 45], "fin": [0, 1, 0, 1]})
    >>> rest, smooths = split_smooth("pspline(age, df=2, segments=3) + fin")
    >>> columns = {name: table.column(name) for name in table.names}
    >>> design = SmoothDesign.with_smooths(Design.of(rest, columns), smooths, columns)
    >>> design.matrix.shape, design.names[:2]
    ((4, 6), ('fin', 'pspline(age)[2]'))
    """

    smooths: tuple[Smooth, ...] = ()

    @classmethod
    def with_smooths(
        cls, plain: Design, smooths: Sequence[Smooth], columns: Mapping[str, Column], labels: AnyArray | None = None
    ) -> SmoothDesign:
        """Add smooth terms to a design, learning their ranges."""
        labels = np.arange(len(plain.matrix)) if labels is None else labels
        known = tuple(smooth.seen(columns, labels) for smooth in smooths)
        names = plain.names + tuple(name for smooth in known for name in smooth.names)
        matrix = _side_by_side(plain.matrix, known, columns, labels)
        return cls(**{**plain.__dict__, "names": names, "matrix": matrix, "smooths": known})

    def rebuild(self, columns: Mapping[str, Column], *, labels: AnyArray | None = None) -> Design:
        """Code new rows as the first ones were coded."""
        made = super().rebuild(columns, labels=labels)
        if labels is None:
            labels = np.arange(len(made.matrix))
        return replace(made, matrix=_side_by_side(made.matrix, self.smooths, columns, labels))

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns that new rows must have."""
        return tuple(dict.fromkeys([*super().variables, *(smooth.column for smooth in self.smooths)]))

    def places(self, smooth: Smooth) -> list[int]:
        """Positions of the columns of a smooth term."""
        return [self.names.index(name) for name in smooth.names]


def _side_by_side(matrix: Floats, smooths: Sequence[Smooth], columns: Mapping[str, Column], labels: AnyArray) -> Floats:
    return np.column_stack([matrix, *(smooth.basis(smooth.values(columns, labels)) for smooth in smooths)])


def has_smooth(formula: str) -> bool:
    """Whether a formula calls pspline().

    >>> has_smooth("pspline(age) + fin"), has_smooth("bs(age, df=4)")
    (True, False)
    """
    return "pspline" in formula and any(_CALL.match(term) for _, term in split_terms(formula))


def split_smooth(formula: str) -> tuple[str, tuple[Smooth, ...]]:
    """Take the smooth terms out of a formula.

    >>> rest, smooths = split_smooth("pspline(age, df=3) + fin + strata(mar)")
    >>> rest, smooths[0].df, smooths[0].segments
    ('fin + strata(mar)', 3.0, 8)

    Raises
    ------
    FormulaError
        If a call cannot be read, is subtracted, or a column has two smooth terms.
    """
    rest, found = [], []
    for sign, term in split_terms(formula):
        if not _CALL.match(term):
            rest.append(f"{sign} {term}")
            continue
        if sign == "-":
            raise FormulaError(f"{term!r} is subtracted.", code="formula", hint="Leave it out.")
        found.append(_read(term))
    names = [smooth.column for smooth in found]
    if len(set(names)) < len(names):
        raise FormulaError(f"{formula!r} smooths one column twice.", code="formula", hint="Once is enough.")
    return " ".join(rest).removeprefix("+ "), tuple(found)


def _read(term: str) -> Smooth:
    """Read one call, with numbers and words only."""
    quoted = re.findall(r"`([^`]+)`", term)
    try:
        call = ast.parse(re.sub(r"`[^`]+`", "_quoted", term), mode="eval").body
        if not isinstance(call, ast.Call) or len(call.args) not in (1, 2) or not isinstance(call.args[0], ast.Name):
            raise ValueError
        given: dict[str, Any] = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        if len(call.args) == 2:
            given["df"] = ast.literal_eval(call.args[1])
    except (SyntaxError, ValueError):
        raise FormulaError(f"{term!r} cannot be read.", code="formula", hint=_HINT) from None
    unknown = [name for name in given if name not in _CHOICES]
    if unknown:
        raise FormulaError(f"{term!r} gives {unknown[0]!r}, which is not known.", code="formula", hint=_HINT)
    return _checked(quoted[0] if call.args[0].id == "_quoted" else call.args[0].id, given, term)


def _checked(column: str, given: dict[str, Any], term: str) -> Smooth:
    """Make the term, once its numbers make sense."""
    df, strength = given.get("df"), given.get("strength")
    if df is not None and strength is not None:
        raise FormulaError(f"{term!r} gives both df and strength.", code="formula", hint="One decides the other.")
    df = 4.0 if df is None and strength is None else df
    segments = given.get("segments", 15 if isinstance(df, str) or df is None else round(2.5 * max(_number(df), 1.2)))
    low, high = given.get("range", (float("nan"), float("nan")))
    degree, order = given.get("degree", 3), given.get("order", 2)
    made = Smooth(column, df if df is None or isinstance(df, str) else float(df), strength, segments, degree, order)
    right = {
        'df is a number above order - 1 and below the number of columns, "aic" or "reml"': df is None
        or df in ("aic", "reml")
        or (not isinstance(df, str) and order - 1 < _number(df) < made.width),
        "strength is above 0": strength is None or _number(strength) > 0,
        "segments is a whole number, at least 3": isinstance(segments, int) and segments >= 3,
        "degree is a whole number, at least 1": isinstance(degree, int) and degree >= 1,
        "order is 1, 2 or 3": order in (1, 2, 3),
        "range is (low, high) with low below high": np.isnan(low) or low < high,
    }
    wrong = [rule for rule, kept in right.items() if not kept]
    if wrong:
        raise FormulaError(f"{term!r} does not keep a rule: {wrong[0]}.", code="formula", hint=_HINT)
    return replace(made, low=float(low), high=float(high))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")
