"""Columns on a common scale, and the refusal of columns that follow from others.

Third floor, in the room of hazards.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.kernels.linalg import standardise
from exitmodels.shapes.fitting import independent

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
    independent(names, matrix, scale, weight)
    return np.divide(matrix, spread, out=matrix) if len(spread) else matrix, centre, scale * spread
