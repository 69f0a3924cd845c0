"""From spells and a formula to the numbers of a Cox fit: strata, centred columns, functions of time.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import clearly_independent, standardise
from exitmodels.kernels.partial import CoxData, CoxTerms, cox_data, cox_terms
from exitmodels.kernels.risksets import RiskIndex, risk_index
from exitmodels.kernels.varying import Varying
from exitmodels.models.hazards.cox_checks import enough
from exitmodels.models.hazards.cox_time import changing
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import independent, usable
from exitmodels.shapes.spells import Spells

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox import Cox

__all__ = ["Prepared", "centred", "prepare", "strata_of"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a fit works on.

    Attributes
    ----------
    rows : Spells
        Those used, with one kind of event.
    design : Design
    stratum : (n,) int or None
    strata_labels : tuple of str
    data : CoxData
    names : tuple of str
        Of the columns kept, then of their products with functions of time.
    keep : list of int
        Places of the columns kept in the design.
    centre, scale, spread : (p,)
    varying : Varying or None
    first : CoxTerms or None
        Terms at zero of the plain likelihood, if they are known.
    """

    rows: Spells
    design: Design
    stratum: Ints | None
    strata_labels: tuple[str, ...]
    data: CoxData
    names: tuple[str, ...]
    keep: list[int]
    centre: Floats
    scale: Floats
    spread: Floats
    varying: Varying | None
    first: CoxTerms | None

    @property
    def dropped(self) -> list[str]:
        """Columns that follow from others, and were left out."""
        return [name for name in self.design.names if name not in self.names]


def prepare(model: Cox, spells: Spells) -> Prepared:
    """Code the design and place the rows on the grid of event times."""
    rows = usable(spells.for_cause(model.event), model.formula)
    design = Design.of(model.formula, rows.columns, labels=rows.labels)
    stratum, labels = strata_of(rows, design)
    index = risk_index(rows.entry_or_none, rows.exit, rows.event > 0, stratum, len(labels))
    enough(rows, design, index)
    matrix = design.matrix
    centre, scale, spread = standardise(matrix, rows.weight)
    data = _data(model, matrix, index, rows, design)
    first = cox_terms(np.zeros(matrix.shape[1]), data) if scale.all() else None
    keep = list(range(len(scale)))
    if first is None or not clearly_independent(first.information):
        keep = independent(design.names, matrix, scale, rows.weight, model.collinear)
    if len(keep) < len(scale):
        matrix = np.ascontiguousarray(matrix[:, keep])
        centre, scale, spread = centre[keep], scale[keep], spread[keep]
        data, first = _data(model, matrix, index, rows, design), None
    names = tuple(design.names[j] for j in keep)
    varying = None
    if model.time_varying:
        varying, products = changing(model.time_varying, names, index)
        names = (*names, *products)
        centre, scale, spread = (np.concatenate([v, v[varying.columns]]) for v in (centre, scale, spread))
        spread[len(keep) :] *= np.sqrt(np.mean(varying.steps**2, axis=0))
    return Prepared(rows, design, stratum, labels, data, names, keep, centre, scale, spread, varying, first)


def strata_of(rows: Spells, design: Design) -> tuple[Ints | None, tuple[str, ...]]:
    """Strata of the formula crossed with those of the spells."""
    if rows.stratum is None:
        return design.strata, design.strata_labels
    names = tuple(str(label) for label in rows.stratum_labels)
    if design.strata is None:
        return rows.stratum, names
    code = rows.stratum * len(design.strata_labels) + design.strata
    used, crossed = np.unique(code, return_inverse=True)
    labels = [f"{a}, {b}" for a in names for b in design.strata_labels]
    return crossed.astype(np.int64), tuple(labels[i] for i in used)


def centred(offset: Floats | None) -> Floats | None:
    """The offset less its mean."""
    return None if offset is None else offset - float(np.mean(offset))


def _data(model: Cox, matrix: Floats, index: RiskIndex, rows: Spells, design: Design) -> CoxData:
    copies = rows.weights == "frequency"
    if model.ties == "exact" and rows.weight is not None and not copies:
        raise DataError(
            "The exact likelihood counts people, and sampling weights do not.",
            code="ties",
            hint='Use ties="efron".',
        )
    return cox_data(matrix, index, rows.weight, centred(design.offset), model.ties, copies)
