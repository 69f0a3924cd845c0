"""Spells made ready for a penalised Cox fit, and the two conventions for the size of a penalty.

Third floor, in the room of hazards. Columns are brought to mean zero and
standard deviation one; a penalty is then two numbers for each column.

Read next: penalised.py (one strength), cox_path.py (a path of them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import cross_product, dependencies, standardise
from exitmodels.kernels.partial import CoxData, cox_data
from exitmodels.kernels.risksets import risk_index
from exitmodels.models.hazards.cox_checks import enough
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import explain, usable
from exitmodels.shapes.smooth import Smooth, SmoothDesign, split_smooth
from exitmodels.shapes.spells import Spells

__all__ = ["CONVENTIONS", "Prepared", "factors_of_columns", "penalty_weights", "prepare", "refuse_dependent"]

CONVENTIONS = ("glmnet", "coxph")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a penalised fit works on.

    Attributes
    ----------
    rows : Spells
    design : Design
    data : CoxData
        Columns with mean 0 and standard deviation 1 (weighted, divisor n).
    centre, scale : (p,)
        Of the columns as given.
    kept : tuple of int
        Columns of the design that vary.
    smooths : tuple of Smooth
        The last columns are theirs, in this order.
    """

    rows: Spells
    design: Design
    data: CoxData
    centre: Floats
    scale: Floats
    kept: tuple[int, ...]
    stratum: Ints | None
    strata_labels: tuple[str, ...]
    smooths: tuple[Smooth, ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in use."""
        return tuple(self.design.names[j] for j in self.kept)

    @property
    def people(self) -> float:
        """Sum of the weights; the number of rows without them."""
        return float(self.rows.row_weight.sum())

    @property
    def n_plain(self) -> int:
        """Columns that belong to no smooth term; they come first."""
        return len(self.kept) - sum(smooth.width for smooth in self.smooths)

    @property
    def offset_centre(self) -> float:
        """Mean of the offset, which is taken out."""
        return 0.0 if self.design.offset is None else float(np.mean(self.design.offset))

    def stored_design(self) -> Design:
        """The design as results keep it: how to code new rows, without the rows themselves."""
        empty = np.empty((0, len(self.design.names)))
        return replace(self.design, matrix=empty, cluster=None, strata=None, offset=None)


def prepare(spells: Spells, formula: str, event: Any, ties: str, collinear: str = "raise") -> Prepared:
    """Read the formula, code the rows, standardise the columns; more columns than exits are welcome.

    Raises
    ------
    DataError
        For missing values, no exits, one row, and columns that do not vary.
    """
    spells.require_scheme("Cox")
    rest, smooths = split_smooth(formula)
    everything = " + ".join([rest or "1", *(f"`{smooth.column}`" for smooth in smooths)])
    rows = usable(spells.for_cause(event), everything)
    design = Design.of(rest, rows.columns, labels=rows.labels)
    if smooths:
        design = SmoothDesign.with_smooths(design, smooths, rows.columns, rows.labels)
        smooths = design.smooths
    stratum, labels = _strata(rows, design)
    index = risk_index(rows.entry_or_none, rows.exit, rows.event > 0, stratum, len(labels))
    enough(rows, replace(design, names=()), index)
    if not design.names:
        raise DataError("There is nothing to penalise.", code="formula", hint="Name covariates in the formula.")
    matrix = design.matrix.copy() if design.matrix.base is not None else design.matrix
    centre, scale, spread = standardise(matrix, rows.weight)
    kept = _varying(design, scale, smooths, collinear)
    if len(kept) < len(scale):
        matrix = np.ascontiguousarray(matrix[:, kept])
        centre, scale, spread = centre[kept], scale[kept], spread[kept]
    empty = scale == 0
    scale, spread = np.where(empty, 1.0, scale), np.where(empty, 1.0, spread)
    matrix /= spread
    offset = None if design.offset is None else design.offset - float(np.mean(design.offset))
    data = cox_data(matrix, index, rows.weight, offset, ties, rows.weights == "frequency")
    notes = tuple(f"dropped, because it is constant: {n}" for j, n in enumerate(design.names) if j not in kept)
    return Prepared(rows, design, data, centre, scale * spread, tuple(kept), stratum, labels, smooths, notes)


def _strata(rows: Spells, design: Design) -> tuple[Ints | None, tuple[str, ...]]:
    from exitmodels.models.hazards.cox_prepare import strata_of as crossed

    return crossed(rows, design)


def _varying(design: Design, scale: Floats, smooths: tuple[Smooth, ...], collinear: str) -> list[int]:
    """Columns to use: those of smooth terms always (empty ones follow their neighbours), others if they vary."""
    smooth = {name for term in smooths for name in term.names}
    flat = [j for j, s in enumerate(scale) if s == 0 and design.names[j] not in smooth]
    if flat and collinear == "raise":
        raise DataError(
            f"{design.names[flat[0]]} is constant.",
            column=design.names[flat[0]],
            code="collinear",
            hint='Take the column out of the formula, or give collinear="drop".',
        )
    return [j for j in range(len(scale)) if j not in flat]


def factors_of_columns(given: Mapping[str, float] | None, names: tuple[str, ...], mix: float = 1.0) -> Floats:
    """Penalty factor of each column: 1 unless its name, or that of its term, is given another.

    Raises
    ------
    DataError
        For names that no column has, negative factors, infinite ones with ridge, or when no column is left to
        penalise.
    """
    out = np.ones(len(names))
    for key, factor in (given or {}).items():
        own = [j for j, name in enumerate(names) if name == key or name.split("[")[0] == key]
        if not own:
            raise DataError(
                f"penalty_factors names {key!r}, which is not a column.",
                column=key,
                code="penalty-factors",
                hint=f"Columns: {', '.join(names[:20])}.",
            )
        if not float(factor) >= 0 or (mix == 0 and np.isinf(factor)):
            what = "infinite, and ridge leaves no column out" if np.isinf(factor) else "negative"
            raise DataError(
                f"The penalty factor {factor!r} is {what}.",
                column=key,
                code="penalty-factors",
                hint="0 leaves a column unpenalised; infinity takes it out, with a lasso; else change the formula.",
            )
        out[own] = float(factor)
    if not np.any((out > 0) & np.isfinite(out)):
        raise DataError(
            "Every penalty factor is zero or infinite.", code="penalty-factors", hint="Then fit Cox without a penalty."
        )
    return out


def penalty_weights(
    ready: Prepared, factors: Floats, mix: float, standardised: bool, convention: str
) -> tuple[Floats, Floats]:
    """Multipliers, for strength 1, of sum |b| and of sum b^2 / 2 over the standardised columns: (p,) each.

    Parameters
    ----------
    factors : (p,)
    mix : float
        1 for the lasso, 0 for ridge.
    standardised : bool
        Whether columns are penalised by standard deviation, or in the units given.
    convention : {"glmnet", "coxph"}
        "glmnet": the log-likelihood is divided by the sum of weights, factors are rescaled to sum to the
        number of columns, standard deviations have divisor n. "coxph": the log-likelihood is not divided,
        factors are as given, standard deviations have divisor n - 1.
    """
    n, used = ready.people, np.isfinite(factors)
    if convention == "glmnet":
        size, unit = n, 1.0
        total = float(np.where(used, factors, 1.0).sum())
        factors = factors * (len(factors) / total if total > 0 else 1.0)
    else:
        size, unit = 1.0, n / (n - 1.0)
    per_column = np.full(len(factors), np.sqrt(unit)) if standardised else 1.0 / ready.scale[: len(factors)]
    absolute = np.where(used, size * mix * np.where(used, factors, 0.0) * per_column, np.inf)
    squared = size * (1 - mix) * np.where(used, factors, 0.0) * per_column**2
    return absolute, squared


def refuse_dependent(ready: Prepared, free: Ints) -> None:
    """Refuse unpenalised columns that follow from one another."""
    gram = cross_product(np.ascontiguousarray(ready.data.matrix[:, free]), ready.rows.row_weight)
    found = dependencies(gram)
    if found:
        names = tuple(ready.names[j] for j in free)
        raise DataError(
            explain(names, found[0], ready.scale[free]) + ", and no penalty chooses between them.",
            column=names[found[0].column],
            code="collinear",
            hint="Take one out, or penalise them.",
        )
