"""P-values adjusted for how many there are.

Second floor.
"""

from __future__ import annotations

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError

__all__ = ["adjusted"]


def adjusted(p: Floats, method: str) -> Floats:
    """P-values adjusted for their number; those that are not known do not count."""
    from statsmodels.stats.multitest import multipletests

    out, known = np.full(len(p), np.nan), np.isfinite(p)
    if not known.any():
        return out
    try:
        out[known] = multipletests(p[known], method=method)[1]
    except ValueError as problem:
        raise DataError(
            f"method={method!r}: {problem}.",
            code="adjust",
            hint='"holm", "bonferroni", "sidak", "holm-sidak", "hommel", "fdr_bh", "fdr_by".',
        ) from None
    return out
