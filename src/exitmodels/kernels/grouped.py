"""Sums by group, and codes for distinct values, without a sort where whole numbers allow it.

Ground floor. Whole-day times are counted; real times are sorted once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import CHUNK, AnyArray, Floats, Ints

__all__ = ["TIE_TOLERANCE", "Days", "count_codes", "group_sum", "ranks", "snap_levels", "whole_days"]

TIE_TOLERANCE = 1.5e-8
"""Times closer than this, relative to their mean size, are one time, so that 0.1 + 0.2 ties with 0.3."""

_WIDEST = 1 << 24


def group_sum(values: AnyArray, group: Ints, n_groups: int) -> Floats:
    """Sum rows of `values` within groups.

    Parameters
    ----------
    values : (n,) or (n, p)
    group : (n,) int
        Codes 0 .. n_groups - 1.

    Returns
    -------
    (n_groups,) or (n_groups, p)
    """
    if values.ndim == 1:
        return np.bincount(group, values, n_groups)
    out = np.empty((n_groups, values.shape[1]))
    for j in range(values.shape[1]):
        out[:, j] = np.bincount(group, values[:, j], n_groups)
    return out


def count_codes(codes: Ints, n_codes: int, weight: Floats | None = None) -> Floats | Ints:
    """Histogram of whole-number codes, by chunks that stay in cache."""
    if weight is not None:
        return np.bincount(codes, weight, n_codes)
    if len(codes) <= 4 * CHUNK:
        return np.bincount(codes, minlength=n_codes)
    total = np.zeros(n_codes, dtype=np.int64)
    for start in range(0, len(codes), CHUNK):
        total += np.bincount(codes[start : start + CHUNK], minlength=n_codes)
    return total


@dataclass(frozen=True, eq=False)
class Days:
    """Times that are whole numbers, with their range."""

    values: Ints
    low: int
    high: int


def whole_days(times: AnyArray) -> Days | None:
    """Return `times` as whole numbers when they are, in a range small enough to count; else None."""
    if len(times) == 0:
        return None
    low, high = float(times.min()), float(times.max())
    if not high - low <= max(4 * len(times), 1 << 16) or high - low > _WIDEST:
        return None
    if times.dtype.kind in "iu":
        return Days(times.astype(np.int64, copy=False), int(low), int(high))
    if times[0] != np.floor(times[0]):
        return None
    whole = times.astype(np.int64)
    return Days(whole, int(low), int(high)) if np.array_equal(whole, times) else None


def snap_levels(levels: Floats) -> Ints:
    """Give sorted distinct times a code each; times within the tie tolerance share one.

    Source: the rule of R survival's `timefix`, relative part only.
    """
    if len(levels) < 2:
        return np.zeros(len(levels), dtype=np.int64)
    apart = np.diff(levels) > TIE_TOLERANCE * float(np.mean(np.abs(levels)))
    return np.concatenate([[0], np.cumsum(apart)]).astype(np.int64)


def ranks(*times: AnyArray) -> tuple[Floats, tuple[Ints, ...]]:
    """Replace real times by the codes of their distinct values, near-ties made one.

    Returns
    -------
    levels : (m,)
        The distinct times, ascending; the smallest of each set of near-ties.
    codes : one (n,) int array for each input
    """
    sizes = np.cumsum([len(t) for t in times])[:-1]
    levels, inverse = np.unique(np.concatenate(times), return_inverse=True)
    code = snap_levels(levels)
    first = np.concatenate([[True], np.diff(code) > 0]) if len(code) else np.zeros(0, bool)
    return levels[first].astype(np.float64), tuple(np.split(code[inverse], sizes))
