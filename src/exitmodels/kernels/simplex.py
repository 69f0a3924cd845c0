"""Shares as points of a simplex: log-ratios, their inverses, and what to do with zeros.

Ground floor: NumPy only. A log-ratio is a weighted sum of log shares with weights that add to zero, so each view is a
matrix: `ratio_matrix` gives it.

Called by: models.counts.logratios, models.counts.composition_results.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats

__all__ = ["closed", "from_log_ratios", "log_ratios", "ratio_matrix"]


def ratio_matrix(kind: str, n_parts: int, baseline: int = 0) -> Floats:
    """Weights of the log-ratios on the log shares, one row for each.

    Parameters
    ----------
    kind : {"alr", "clr", "ilr"}
        Additive: each part over the baseline (J - 1 rows). Centred: each part over the geometric mean of all (J rows).
        Isometric: orthonormal pivot coordinates, each part over the geometric mean of those after it (J - 1 rows).

    Notes
    -----
    Source: Aitchison (1982); Egozcue et al. (2003), eq. 18, in the order of parts given.

    Examples
    --------
    >>> ratio_matrix("alr", 3).tolist()
    [[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    """
    eye = np.eye(n_parts)
    if kind == "alr":
        return np.delete(eye, baseline, axis=0) - eye[baseline]
    if kind == "clr":
        return np.asarray(eye - 1 / n_parts, dtype=np.float64)
    if kind != "ilr":
        raise ValueError(kind)
    out = np.zeros((n_parts - 1, n_parts))
    for i in range(n_parts - 1):
        after = n_parts - 1 - i
        out[i, i], out[i, i + 1 :] = 1.0, -1 / after
        out[i] *= np.sqrt(after / (after + 1))
    return out


def closed(parts: Floats) -> Floats:
    """Divide each row by its sum."""
    return np.asarray(parts / parts.sum(axis=-1, keepdims=True), dtype=np.float64)


def log_ratios(shares: Floats, kind: str, baseline: int = 0) -> Floats:
    """Log-ratios of rows of positive parts, (n, J) to (n, J - 1), or (n, J) for "clr"."""
    return np.asarray(np.log(shares) @ ratio_matrix(kind, shares.shape[-1], baseline).T, dtype=np.float64)


def from_log_ratios(values: Floats, kind: str, baseline: int = 0) -> Floats:
    """Shares that have these log-ratios.

    >>> there = log_ratios(np.array([[0.2, 0.3, 0.5]]), "ilr")
    >>> from_log_ratios(there, "ilr").round(6).tolist()
    [[0.2, 0.3, 0.5]]
    """
    n_parts = values.shape[-1] + (kind != "clr")
    if kind == "alr":
        log = np.insert(values, baseline, 0.0, axis=-1)
    else:
        log = values @ ratio_matrix(kind, n_parts, baseline)
    log = log - log.max(axis=-1, keepdims=True)
    return closed(np.exp(log))
