"""Labels are added at the edge: arrays become pandas objects only when a reader asks.

Second floor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from exitmodels.arrays import AnyArray

__all__ = ["labelled"]


def labelled(values: AnyArray, index: Iterable[Any], columns: Iterable[Any] | None = None, name: str = "") -> Any:
    """Return a pandas Series (1-d) or DataFrame (2-d) with these labels."""
    import pandas as pd

    if values.ndim == 1:
        return pd.Series(values, index=list(index), name=name or None)
    return pd.DataFrame(values, index=list(index), columns=list(columns if columns is not None else index))
