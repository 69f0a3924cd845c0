"""Innermost intervals: the only places where a distribution seen through intervals can hold mass.

Ground floor. A row says that a time lies in (lower, upper] and was seen only because it exceeded `entry`.
Sorting all ends shows which stretches begin with a left end and close with a right end, with nothing between:
there, and only there, the likelihood puts mass. Each row then is three whole numbers.

Read next: turnbull.py (how much mass).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.kernels.grouped import TIE_TOLERANCE, ranks

__all__ = ["Ends", "Innermost", "innermost", "rank_ends"]


@dataclass(frozen=True, eq=False)
class Ends:
    """Rows on the scale of the distinct times that occur.

    Attributes
    ----------
    levels : (k,)
        Distinct finite times, ascending.
    begins, closes : (n,) int
        Keys of the ends: at the v-th time a point begins at 3 v, an interval closes at 3 v + 1 and the next
        opens at 3 v + 2. An open right end has the key 3 k + 1.
    enters : (n,) int
        Key after which the row could be seen; -1 when every time could.
    """

    levels: Floats
    begins: Ints
    closes: Ints
    enters: Ints

    def take(self, rows: Ints) -> Ends:
        """Keep some rows (they may repeat)."""
        return Ends(self.levels, self.begins[rows], self.closes[rows], self.enters[rows])

    def including(self, time: float) -> tuple[Ends, int]:
        """The same rows with one more time among the levels (if it is not one), and its place."""
        place = int(np.searchsorted(self.levels, time))
        near = np.flatnonzero(
            np.abs(self.levels - time) <= TIE_TOLERANCE * max(abs(time), float(np.abs(self.levels).mean()))
        )
        if near.size:
            return self, int(near[0])
        shifted = [np.where(keys >= 3 * place, keys + 3, keys) for keys in (self.begins, self.closes, self.enters)]
        return Ends(np.insert(self.levels, place, time), *shifted), place

    @property
    def never(self) -> int:
        """Key of "not yet, as far as is known"."""
        return 3 * len(self.levels) + 1


def rank_ends(lower: AnyArray, upper: AnyArray, entry: AnyArray | None = None) -> Ends:
    """Put rows on the scale of the distinct times.

    Parameters
    ----------
    lower, upper : (n,)
        The time lies in (lower, upper]; it is known exactly where they are equal. `upper` may be infinite,
        `lower` may be minus infinity.
    entry : (n,), optional
        The row was seen only because its time exceeds `entry`; minus infinity where nothing was required.

    Notes
    -----
    Times closer than the tie tolerance are one time. Where entry exceeds lower, the row begins at entry.
    """
    n = len(lower)
    given = [np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)]
    if entry is not None:
        given.append(np.asarray(entry, dtype=np.float64))
    everything = np.concatenate(given)
    finite = np.isfinite(everything)
    levels, (codes,) = ranks(everything[finite])
    place = np.full(len(everything), -1, dtype=np.int64)
    place[finite] = codes
    place[np.isposinf(everything)] = len(levels)
    low, high = place[:n], place[n : 2 * n]
    exact = (low == high) & (low >= 0)
    begins = np.where(exact, 3 * low, np.where(low >= 0, 3 * low + 2, -1))
    enters = np.full(n, -1, dtype=np.int64)
    if entry is not None:
        enters = np.where(place[2 * n :] >= 0, 3 * place[2 * n :] + 1, -1)
        begins = np.maximum(begins, np.where(enters >= 0, enters + 1, -1))
    return Ends(levels, begins, 3 * high + 1, enters)


@dataclass(frozen=True, eq=False)
class Innermost:
    """Innermost intervals, and where each row stands among them.

    Attributes
    ----------
    left, right : (m,)
        The j-th is (left, right]; the single time when both are equal and `point` says so.
    point : (m,) bool
    enters, first, stop : (n,) int
        Row i holds the intervals first .. stop - 1 and could be seen at enters .. m - 1.
    node : int
        Number of intervals up to the time asked for, when one was; else -1.
    """

    left: Floats
    right: Floats
    point: Bools
    enters: Ints
    first: Ints
    stop: Ints
    node: int = -1

    def __len__(self) -> int:
        return len(self.left)


def innermost(ends: Ends, at: int | None = None) -> Innermost:
    """Find the innermost intervals.

    Parameters
    ----------
    ends : Ends
    at : int, optional
        Place in ``ends.levels`` of a time at which the distribution is to be fixed; the time then cuts
        intervals, for mass may be wanted just before or just after it.

    Notes
    -----
    An interval is innermost when a left end is followed by a right end with no other end between. Entries
    count as right ends: mass just below one is not charged to the rows that enter there.
    Cost: linear in rows and distinct times.
    Source: Peto (1973); Turnbull (1976), section 3; for truncation Frydman (1994).
    """
    size = 3 * len(ends.levels) + 3
    opens, shuts = np.zeros(size + 1, dtype=bool), np.zeros(size + 1, dtype=bool)
    opens[ends.begins + 1] = True
    shuts[ends.closes + 1] = True
    shuts[ends.enters[ends.enters >= 0] + 1] = True
    if at is not None:
        shuts[[3 * at + 2, ends.never + 1]] = True
        opens[[3 * at + 3, int(ends.enters.min()) + 2 if ends.enters.min() >= 0 else 0]] = True
    keys = np.flatnonzero(opens | shuts)
    starts = opens[keys]
    inner = np.flatnonzero(starts[:-1] & ~starts[1:])
    begin, close = keys[inner] - 1, keys[inner + 1] - 1
    outer = np.concatenate([ends.levels, [np.inf, -np.inf]])
    return Innermost(
        left=outer[np.where(begin < 0, len(ends.levels) + 1, begin // 3)],
        right=outer[np.minimum(close // 3, len(ends.levels))],
        point=(begin % 3 == 0) & (begin >= 0),
        enters=np.searchsorted(close, ends.enters, side="right"),
        first=np.searchsorted(begin, ends.begins),
        stop=np.searchsorted(close, ends.closes, side="right"),
        node=-1 if at is None else int(np.searchsorted(close, 3 * at + 1, side="right")),
    )
