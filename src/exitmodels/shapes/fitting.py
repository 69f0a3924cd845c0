"""What every regression asks of its rows: complete ones, columns that stand apart, clusters.

First floor. Models of several rooms share these refusals, so that one cause has one message.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.linalg import Dependency, cross_product, dependencies
from exitmodels.render.text import number
from exitmodels.shapes.design import incomplete_rows
from exitmodels.shapes.spells import Spells

__all__ = ["clusters_of", "explain", "factor_of", "independent", "usable"]


def usable(rows: Spells, formula: str) -> Spells:
    """Set aside incomplete rows when the data were read so, and rows of weight zero."""
    if rows.weight is not None and not rows.weight.all():
        rows = rows.select(rows.weight > 0, why="weight zero")
    if rows.missing == "drop":
        gaps = incomplete_rows(formula, rows.columns)
        if gaps is not None:
            rows = rows.select(~gaps, why=f"missing in a column of {formula!r}")
    return rows


def explain(names: tuple[str, ...], d: Dependency, scale: Floats) -> str:
    """Write out how a column follows from others."""
    if not d.on:
        return f"{names[d.column]} is constant"
    terms = (
        f"{number(b * scale[d.column] / scale[i])} * {names[i]}" for i, b in zip(d.on, d.coefficients, strict=True)
    )
    return f"{names[d.column]} follows from other columns: {names[d.column]} = {' + '.join(terms)} + constant"


def independent(
    names: tuple[str, ...], matrix: Floats, scale: Floats, weight: Floats | None, collinear: str | None = None
) -> list[int]:
    """Columns that do not follow from others; refuse or drop the rest.

    Parameters
    ----------
    matrix : (n, p)
        Centred and scaled; columns with scale 0 are constant.
    collinear : {"raise", "drop"}, optional
        None refuses where the model has no such choice to offer.
    """
    gram = cross_product(matrix, np.ones(len(matrix)) if weight is None else weight)
    gram[scale == 0, :] = gram[:, scale == 0] = 0.0
    found = dependencies(gram)
    if found and collinear != "drop":
        offer = "." if collinear is None else ', or give collinear="drop".'
        raise DataError(
            "; ".join(explain(names, d, scale) for d in found) + ".",
            column=names[found[0].column],
            code="collinear",
            hint=f"Take the column out of the formula{offer}",
        )
    gone = {d.column for d in found}
    return [j for j in range(len(scale)) if j not in gone]


def clusters_of(rows: Spells, own: Ints | None, kind: str = "cluster") -> Ints:
    """Clusters of the formula, else of the spells; refuse when there are none."""
    cluster = own if own is not None else rows.cluster
    if cluster is None:
        raise DataError(
            f'vcov="{kind}" needs clusters.',
            code="no-cluster",
            hint="Read the spells with cluster=, or put cluster(column) in the formula.",
        )
    return cluster


def factor_of(rows: Spells) -> Floats:
    """What the influence of a row alone is multiplied by before squaring: a frequency weight counts as many people."""
    weight = rows.row_weight
    return np.sqrt(weight) if rows.weights == "frequency" else weight
