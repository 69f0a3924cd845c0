"""Which rows, or clusters, move a Cox fit, and how far.

Third floor, in the room of hazards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.kernels.grouped import group_sum
from exitmodels.models.hazards.cox_fitted import cluster_codes, row_residual
from exitmodels.results.labels import labelled

if TYPE_CHECKING:
    from exitmodels.models.hazards.cox_results import CoxResults

__all__ = ["influence_table"]


def influence_table(result: CoxResults, by: Any = None) -> Any:
    """Make the table of `CoxResults.influence`."""
    fitted = result._data("Influence")
    assert fitted.terms is not None
    score = fitted.score(fitted.terms) * result.scale * fitted.rows.row_weight[:, None]
    labels: Any = fitted.rows.labels
    if by is not None:
        code, labels = _groups(result, by)
        score = group_sum(score, code, len(labels))
    moved = score @ result.model_covariance
    half = np.linalg.cholesky(result.model_covariance)
    size, turn = np.linalg.eigh(half.T @ score.T @ score @ half)
    lmax = score @ half @ turn[:, -1] / np.sqrt(size[-1])
    table = labelled(moved / result.standard_errors, labels, [f"dfbetas {name}" for name in result.names])
    table["displacement"] = np.einsum("ip,ip->i", moved, score)
    table["lmax"] = lmax * (1.0 if lmax[np.argmax(np.abs(lmax))] > 0 else -1.0)
    if by is None:
        for kind in ("martingale", "deviance"):
            table[kind] = row_residual(fitted, fitted.terms, kind)
    return table


def _groups(result: CoxResults, by: Any) -> tuple[Any, Any]:
    fitted = result._data("Influence")
    if isinstance(by, str) and by == "cluster":
        _, _, code = fitted.units("cluster")[0]
        assert code is not None
        names, code = np.unique(code, return_inverse=True)
        return code, names
    if isinstance(by, str):
        code, keys = fitted.rows.groups(by)
        return code, [key[by] for key in keys]
    names = np.unique(np.asarray(by))
    return cluster_codes(fitted.rows, by), names
