"""Shares of each category, with limits.

Third floor. Read next: kernels/exact_binomial.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.kernels.exact_binomial import BINOMIAL_METHODS, binomial_interval
from exitmodels.kernels.simultaneous import SIMULTANEOUS_METHODS, simultaneous_limits
from exitmodels.models.counts.grouped import grouped_cells
from exitmodels.render.text import number, table
from exitmodels.results.bibliography import citation
from exitmodels.results.estimates import Estimates, check_level
from exitmodels.shapes.cells import check_counts
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.ledger import Ledger

__all__ = ["Shares", "shares"]

_SOURCES = {
    "clopper-pearson": ("clopper1934",),
    "wilson": ("wilson1927",),
    "mid-p": ("lancaster1961",),
    "goodman": ("goodman1965",),
    "quesenberry-hurst": ("quesenberry_hurst1964",),
    "sison-glaz": ("sison_glaz1995",),
    "bonferroni": ("clopper1934",),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Shares(Estimates):
    """Each category's share of the total, with limits for each category, or for all together.

    Attributes
    ----------
    names : tuple of str
    n : (g,) int
    total : int
        Records; less than the sum of `n` where one record may count in several categories.
    estimate, low, high : (g,)
    together : bool
        Whether the limits hold for all categories at once.
    """

    names: tuple[str, ...]
    n: Ints
    total: int
    estimate: Floats
    low: Floats
    high: Floats
    method: str
    alpha: float
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None

    @property
    def together(self) -> bool:
        """Whether the limits hold for all categories at once."""
        return self.method in SIMULTANEOUS_METHODS

    def to_frame(self) -> Any:
        """Return one row per category: n, share, low, high."""
        import pandas as pd

        columns = {"n": self.n, "share": self.estimate, "low": self.low, "high": self.high}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="category"))

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(_SOURCES.get(self.method, ()), f"shares with {self.method} limits")

    def _named(self) -> tuple[Sequence[str], Floats]:
        return self.names, self.estimate

    def _limits(self, alpha: float) -> tuple[Floats, Floats]:
        return share_limits(self.n, self.total, alpha, self.method)

    def _heading(self) -> str:
        kind = "simultaneous limits" if self.together else "limits"
        return f"Shares of {self.total}; {number(100 * (1 - self.alpha))} % {kind}, {self.method}"

    def _measure(self) -> str:
        return "share"

    def _more(self) -> dict[str, Sequence[Any]]:
        return {"n": self.n.tolist()}

    def __str__(self) -> str:
        rows = [
            (name, str(n), f"{share:.4f}", f"{low:.4f}", f"{high:.4f}")
            for name, n, share, low, high in zip(self.names, self.n, self.estimate, self.low, self.high, strict=True)
        ]
        body = table(("category", "n", "share", "low", "high"), rows)
        return "\n".join([self._heading(), body, *(f"* {note}" for note in self.notes)])

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
    method : str
        For one category at a time: "clopper-pearson" (exact, the default), "mid-p", "wilson" or "jeffreys". For all
        together: "goodman", "quesenberry-hurst", "sison-glaz" or "bonferroni" (exact).
    alpha : float

    Raises
    ------
    DataError
        If nothing was counted, counts are not whole, or the key is not clear; if limits that hold together are asked
        for categories of which one record may have several.

    Notes
    -----
    Assumes that records are independent draws; the limits say nothing about records that were never made. The shares
    add to one, the limits do not. With ``labels="all"`` a category's share is that of the records that name it; such
    shares add to more than one. Source: Clopper and Pearson (1934), Wilson (1927), Goodman (1965), Quesenberry and
    Hurst (1964), Sison and Glaz (1995).

    Examples
    --------
    >>> print(shares({"treatment": 3, "relative imprisoned": 1}))
    Shares of 4; 95 % limits, clopper-pearson
    category             n   share     low    high
    treatment            3  0.7500  0.1941  0.9937
    relative imprisoned  1  0.2500  0.0063  0.8059
    """
    if method not in (*BINOMIAL_METHODS, *SIMULTANEOUS_METHODS):
        known = ", ".join((*BINOMIAL_METHODS, *SIMULTANEOUS_METHODS))
        raise DataError(f"method={method!r} is not known.", code="method", hint=f"Use one of {known}.")
    check_level(alpha)
    found, total = _by_category(counts, by) if isinstance(counts, Counts) else (counts, None)
    n = np.asarray(list(found.values()), dtype=np.float64)
    check_counts("n", n, np.asarray(list(found)))
    total = int(n.sum()) if total is None else total
    if total == 0:
        raise DataError("Nothing was counted, so there are no shares.", code="empty", hint="Check the counts.")
    overlap = isinstance(counts, Counts) and bool(counts.mentions) and counts.mentions == _key(counts, by)
    if overlap and method in SIMULTANEOUS_METHODS and method != "bonferroni":
        raise DataError(
            f"One record may count in several categories, and {method} limits are for categories that exclude one "
            "another.",
            code="mentions",
            hint='Use method="bonferroni", or count with labels="first".',
        )
    low, high = share_limits(n, total, alpha, method)
    notes = ("one record may count in several categories; shares add to more than one",) if overlap else ()
    if method == "sison-glaz" and n.min() < 5:
        notes = (*notes, "with fewer than five records in a category these limits cover too little; use goodman")
    return Shares(
        names=tuple(str(name) for name in found),
        n=n.astype(np.int64),
        total=total,
        estimate=n / total,
        low=low,
        high=high,
        method=method,
        alpha=alpha,
        notes=notes,
        ledger=counts.ledger if isinstance(counts, Counts) else None,
    )


def share_limits(n: AnyArray, total: int, alpha: float, method: str) -> tuple[Floats, Floats]:
    """Limits of each share; for one category at a time, or for all together."""
    count = np.asarray(n, dtype=np.float64)
    if method not in SIMULTANEOUS_METHODS:
        return binomial_interval(count, total, alpha, method)
    if method == "bonferroni":
        return binomial_interval(count, total, alpha / len(count))
    return simultaneous_limits(count, alpha, method)


def _key(counts: Counts, by: str | None) -> str:
    """The key whose values are the categories."""
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
    return str(by)


def _by_category(counts: Counts, by: str | None) -> tuple[dict[str, int], int]:
    """Records in each category, in alphabetical order, and in all."""
    made = grouped_cells(counts, _key(counts, by), "shares")
    order = np.argsort(made.labels, kind="stable")
    return {made.labels[i]: int(made.n[i]) for i in order}, int(counts.total)
