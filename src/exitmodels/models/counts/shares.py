"""Shares of each category, with limits.

Third floor. Read next: kernels/exact_binomial.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.exact_binomial import BINOMIAL_METHODS, binomial_interval
from exitmodels.render.text import number, table
from exitmodels.results.bibliography import citation
from exitmodels.results.storing import Stored
from exitmodels.shapes.cells import check_counts
from exitmodels.shapes.counts import Counts

__all__ = ["Shares", "shares"]

_SOURCES = {"clopper-pearson": ("clopper1934",), "wilson": ("wilson1927",), "mid-p": ("lancaster1961",)}


@dataclass(frozen=True, eq=False, kw_only=True)
class Shares(Stored):
    """Each category's share of the total, with limits that hold for one category at a time.

    Attributes
    ----------
    names : tuple of str
    n : (g,) int
    total : int
    estimate, low, high : (g,)
    """

    names: tuple[str, ...]
    n: Ints
    total: int
    estimate: Floats
    low: Floats
    high: Floats
    method: str
    alpha: float

    def to_frame(self) -> Any:
        """Return one row per category: n, share, low, high."""
        import pandas as pd

        columns = {"n": self.n, "share": self.estimate, "low": self.low, "high": self.high}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="category"))

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(_SOURCES.get(self.method, ()), f"shares with {self.method} limits")

    def __str__(self) -> str:
        rows = [
            (name, str(n), f"{share:.4f}", f"{low:.4f}", f"{high:.4f}")
            for name, n, share, low, high in zip(self.names, self.n, self.estimate, self.low, self.high, strict=True)
        ]
        head = f"Shares of {self.total}; {number(100 * (1 - self.alpha))} % limits, {self.method}"
        return f"{head}\n{table(('category', 'n', 'share', 'low', 'high'), rows)}"

    __repr__ = __str__


def shares(
    counts: Counts | Mapping[str, int],
    by: str | None = None,
    *,
    method: str = "clopper-pearson",
    alpha: float = 0.05,
) -> Shares:
    """Share of each category, with limits.

    Parameters
    ----------
    counts : Counts, or mapping from category to count
    by : str, optional
        The key whose values are the categories; needed when the counts have several keys.
    method : {"clopper-pearson", "mid-p", "wilson", "jeffreys"}
    alpha : float

    Raises
    ------
    DataError
        If nothing was counted, counts are not whole, or the key is not clear.

    Notes
    -----
    Assumes that records are independent draws; the limits say nothing about records that were never made. The shares
    add to one, the limits do not. Source: Clopper and Pearson (1934), Wilson (1927).

    Examples
    --------
    >>> print(shares({"treatment": 3, "relative imprisoned": 1}))
    Shares of 4; 95 % limits, clopper-pearson
    category             n   share     low    high
    treatment            3  0.7500  0.1941  0.9937
    relative imprisoned  1  0.2500  0.0063  0.8059
    """
    if method not in BINOMIAL_METHODS:
        known = ", ".join(BINOMIAL_METHODS)
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {known}.")
    if not 0 < alpha < 1:
        raise DataError(f"alpha={alpha} is not between 0 and 1.", code="alpha", hint="0.05 gives 95 % limits.")
    found = _by_category(counts, by) if isinstance(counts, Counts) else counts
    n = np.asarray(list(found.values()), dtype=np.float64)
    check_counts("n", n, np.asarray(list(found)))
    total = int(n.sum())
    if total == 0:
        raise DataError("Nothing was counted, so there are no shares.", code="empty", hint="Check the counts.")
    low, high = binomial_interval(n, total, alpha, method)
    names = tuple(str(name) for name in found)
    return Shares(
        names=names,
        n=n.astype(np.int64),
        total=total,
        estimate=n / total,
        low=low,
        high=high,
        method=method,
        alpha=alpha,
    )


def _by_category(counts: Counts, by: str | None) -> dict[str, int]:
    keys = counts.keys
    if by is None and len(keys) == 1:
        by = next(iter(keys))
    if by not in keys:
        raise DataError(
            f"by={by!r} is not a key of these counts." if by else f"Which of the {len(keys)} keys is not said.",
            column=by,
            code="no-key",
            hint=f"Give by= as one of: {', '.join(keys) or 'none; count the records with by='}.",
        )
    levels, where = np.unique(keys[by].decoded().astype(str), return_inverse=True)
    sums = np.bincount(where.ravel(), counts.n)
    return {str(level): int(n) for level, n in zip(levels, sums, strict=True)}
