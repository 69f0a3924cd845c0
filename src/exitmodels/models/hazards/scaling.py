"""Columns on a common scale, and the refusal of columns that follow from others.

Third floor, in the room of hazards.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import cross_product, dependencies, standardise
from exitmodels.models.hazards.cox_checks import explain

__all__ = ["scaled_columns"]


def scaled_columns(names: tuple[str, ...], matrix: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Columns with mean zero and spread one, and what brings them back: ``centre + scale * column``.

    Raises
    ------
    DataError
        For constant and collinear columns, with the dependency written out.
    """
    matrix = matrix.copy()
    centre, scale, spread = standardise(matrix, weight)
    gram = cross_product(matrix, weight)
    gram[scale == 0, :] = gram[:, scale == 0] = 0.0
    found = dependencies(gram)
    if found:
        raise DataError(
            "; ".join(explain(names, d, scale) for d in found) + ".",
            column=names[found[0].column],
            code="collinear",
            hint="Take the column out of the formula.",
        )
    return np.divide(matrix, spread, out=matrix) if len(spread) else matrix, centre, scale * spread
