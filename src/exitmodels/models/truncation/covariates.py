"""From a formula to the columns of a regression on windowed spells, with what is refused.

Third floor, in the room of truncation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import standardise
from exitmodels.shapes.design import Design
from exitmodels.shapes.fitting import independent
from exitmodels.shapes.spells import Spells

__all__ = ["Coded", "coded"]


@dataclass(frozen=True, eq=False)
class Coded:
    """Centred and scaled columns, with strata and clusters."""

    names: tuple[str, ...]
    matrix: Floats
    scale: Floats
    offset: Floats | None
    stratum: Ints | None
    n_strata: int
    cluster: Ints | None


def coded(rows: Spells, formula: str, n_events: int, what: str) -> Coded:
    """Code the formula; refuse no columns, few events, constant and collinear columns."""
    design = Design.of(formula, rows.columns, labels=rows.labels)
    if not design.names:
        raise DataError("The formula has no covariates.", code="no-columns", hint="Use DoublyTruncated for a curve.")
    if n_events == 0:
        raise DataError(f"Nobody left for {what}.", code="no-events", hint="Check event=.")
    if n_events < len(design.names) or len(rows) < 2:
        raise DataError(
            f"There are {n_events} exits for {len(design.names)} columns ({', '.join(design.names[:8])}).",
            code="few-events",
            hint="Use fewer columns; ten exits for each is a common rule of thumb.",
        )
    matrix = np.ascontiguousarray(design.matrix)
    _, scale, _ = standardise(matrix, rows.weight)
    independent(design.names, matrix, scale, rows.row_weight)
    parts = [code for code in (rows.stratum, design.strata) if code is not None]
    stratum, n_strata = None, 1
    if parts:
        known, stratum = np.unique(np.stack(parts), axis=1, return_inverse=True)
        stratum, n_strata = stratum.ravel().astype(np.int64), known.shape[1]
    cluster = design.cluster if design.cluster is not None else rows.cluster
    cluster = None if cluster is None else np.unique(cluster, return_inverse=True)[1].ravel()
    offset = None if design.offset is None else design.offset - float(np.mean(design.offset))
    return Coded(design.names, matrix, scale, offset, stratum, n_strata, cluster)
