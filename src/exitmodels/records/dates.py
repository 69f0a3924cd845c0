"""Dates as read: the first and the last day each may mean, and what follows for spells, counts and imputation.

Third floor, in the room of records. Read next: parsing.py (makes them from text), dayerror.py (the clerk's day).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Floats, Ints
from exitmodels.errors import DataError
from exitmodels.records.dayerror import DayError
from exitmodels.records.monthnames import CALENDARS
from exitmodels.records.reading import PRECISION_WORDS
from exitmodels.shapes.dates import iso, window_days
from exitmodels.shapes.hijri import hijri_table
from exitmodels.shapes.imprecise import spread_days
from exitmodels.shapes.periods import period_edges, period_labels, plain_frequency

__all__ = ["Dates"]


@dataclass(frozen=True, eq=False, repr=False)
class Dates:
    """Dates, each known to lie between two days.

    Made by `parse_dates`. Missing dates are NaT.

    Attributes
    ----------
    first, last : (n,) int
        Day numbers of the first and last day by the calendar's table, before any error of the clerk. Zero where
        missing.
    missing : (n,) bool
    precision_code, calendar_code : (n,) int8
        Places in the words of `precision` and `calendar`.
    day_error : DayError or None
        How far the day meant may lie from the table's day, for Hijri dates.
    problems : pandas.DataFrame
        Texts that could not be read and stand as missing, with the row, the text and a word for the reason.
    notes : tuple of str
        What a reader of the result should know.

    Examples
    --------
    >>> from exitmodels.records.parsing import parse_dates
    >>> dates = parse_dates(["25 Shawwal 1435", "رمضان ١٤٣٥"], calendar="hijri")
    >>> print(dates.to_frame().to_string(index=False))
         lower      upper precision calendar
    2014-08-21 2014-08-21       day    hijri
    2014-06-28 2014-07-27     month    hijri
    """

    first: Ints
    last: Ints
    missing: Bools
    precision_code: Ints
    calendar_code: Ints
    day_error: DayError | None
    problems: Any
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.first)

    def __repr__(self) -> str:
        held = Counter(self.precision_code[~self.missing].tolist())
        parts = [f"{n:,} to the {PRECISION_WORDS[code]}" for code, n in sorted(held.items())]
        gone = int(self.missing.sum())
        parts += [f"{gone:,} missing"] if gone else []
        known = ~self.missing
        span = f", {self.lower[known].min()} to {self.upper[known].max()}" if known.any() else ""
        return "\n".join([f"{len(self):,} dates{span}: {', '.join(parts)}", *self.notes])

    # ---- the interval ------------------------------------------------------------------------------------------
    @cached_property
    def lower(self) -> AnyArray:
        """First day each date may mean (n,), datetime64[D]."""
        return self._moments(self.first + self._shift(0))

    @cached_property
    def upper(self) -> AnyArray:
        """Last day each date may mean (n,), datetime64[D]; itself possible."""
        return self._moments(self.last + self._shift(1))

    @property
    def precision(self) -> AnyArray:
        """What was written: "day", "month part" (early, mid, late), "month", "year part" or "year"; None if missing."""
        return np.array([*PRECISION_WORDS, None], dtype=object)[np.where(self.missing, -1, self.precision_code)]

    @property
    def calendar(self) -> AnyArray:
        """The calendar each date was read in; None if missing."""
        return np.array([*CALENDARS, None], dtype=object)[np.where(self.missing, -1, self.calendar_code)]

    def _moments(self, days: Ints) -> AnyArray:
        made = days.astype("datetime64[D]")
        made[self.missing] = np.datetime64("NaT")
        return made

    @cached_property
    def _lunar(self) -> Bools:
        return np.asarray((self.calendar_code == 1) & ~self.missing)

    @cached_property
    def _month(self) -> Ints:
        """Place of the Hijri month in which each date begins; 0 for other dates."""
        table = hijri_table()
        inside = np.clip(self.first, table.starts[0], table.starts[-1] - 1)
        # A thirtieth day written in a month of 29 counts as the first of the next, as its day number does.
        return np.where(self._lunar, np.searchsorted(table.starts, inside, side="right") - 1, 0)

    @cached_property
    def _known(self) -> tuple[Bools, Ints]:
        assert self.day_error is not None
        return self.day_error.known(self._month, self._lunar & (self.precision_code <= 2))

    def _shift(self, side: int) -> Ints:
        if self.day_error is None:
            return np.zeros(len(self), dtype=np.int64)
        sure, off = self._known
        days = self.day_error.offsets
        return np.where(self._lunar, np.where(sure, off, days[-side]), 0)

    # ---- where they go -----------------------------------------------------------------------------------------
    def to_frame(self) -> Any:
        """Return a pandas table: lower, upper, precision, calendar.

        `Counts.from_frame` takes `lower` as ``date=`` and `upper` as ``until=``.
        """
        import pandas as pd

        held = {"lower": self.lower.astype("datetime64[s]"), "upper": self.upper.astype("datetime64[s]")}
        return pd.DataFrame({**held, "precision": self.precision, "calendar": self.calendar})

    def limits(self, origin: Any) -> tuple[Floats, Floats]:
        """Limits (lower, upper] of the time from `origin`, in days, for `Spells`.

        Parameters
        ----------
        origin : Dates, or (n,) dates
            When each clock starts; known to the day.

        Returns
        -------
        lower, upper : (n,) float64
            Equal where the day is certain. Else the exit came after the day before the first possible one, and by the
            last. A lower limit never lies before the origin. NaN where a date is missing: for those not yet left give
            `Spells` the time last seen as lower and infinity as upper limit.

        Raises
        ------
        DataError
            If an origin is not known to the day, or the last possible day is not later than the origin.

        Examples
        --------
        >>> from exitmodels.records.parsing import parse_dates
        >>> left = parse_dates(["25 Shawwal 1435", "Ramadan 1435"], calendar="hijri")
        >>> lower, upper = left.limits(["2014-06-01", "2014-06-01"])
        >>> lower.tolist(), upper.tolist()
        ([81.0, 26.0], [81.0, 56.0])
        """
        start = self._origin(origin)
        low, high = self.lower.astype("datetime64[D]"), self.upper.astype("datetime64[D]")
        exact = low == high
        gone = np.isnat(low) | np.isnat(start)
        day = np.timedelta64(1, "D")
        begin = np.where(gone, np.nan, ((low - start) / day) - ~exact)
        end = np.where(gone, np.nan, (high - start) / day)
        bad = np.flatnonzero(end <= 0)
        if bad.size:
            raise DataError(
                f"{bad.size} dates are not later than their origin (first: {high[bad[0]]} against {start[bad[0]]}).",
                rows=bad,
                code="order",
                hint="Correct these rows, or set them aside; a stay that ends on its first day needs a length.",
            )
        return np.fmax(begin, np.where(gone, np.nan, 0.0)), end

    def _origin(self, origin: Any) -> AnyArray:
        if not isinstance(origin, Dates):
            return np.broadcast_to(np.asarray(origin, dtype="datetime64[D]"), (len(self),))
        loose = np.flatnonzero(origin.lower < origin.upper)
        if loose.size:
            raise DataError(
                f"{loose.size} origins are not known to the day.",
                rows=loose,
                code="origin",
                hint="A clock needs a certain start: draw origins with .draw() and pool the fits.",
            )
        return origin.lower

    def draw(self, m: int = 1, *, rng: np.random.Generator | int) -> AnyArray:
        """Draw days for multiple imputation.

        Parameters
        ----------
        m : int
            How many sets of dates.
        rng : numpy Generator or seed

        Returns
        -------
        (m, n) datetime64[D]
            Within what was written each day is as likely as another; the error of the clerk's day is added, one error
            for all dates of a Hijri month when ``day_error.shared``. Missing dates stay missing.

        Examples
        --------
        >>> from exitmodels.records.parsing import parse_dates
        >>> parse_dates(["2014-02"]).draw(3, rng=1).ravel().astype(str).tolist()
        ['2014-02-14', '2014-02-15', '2014-02-22']
        """
        generator = np.random.default_rng(rng)
        made = np.empty((m, len(self)), dtype="datetime64[D]")
        for row in range(m):
            days = generator.integers(self.first, self.last + 1)
            made[row] = self._moments(days + self._drawn_error(generator))
        return made

    def _drawn_error(self, rng: np.random.Generator) -> Ints:
        law = self.day_error
        if law is None:
            return np.zeros(len(self), dtype=np.int64)
        sure, off = self._known
        if law.shared:
            months, which = np.unique(self._month, return_inverse=True)
            error = rng.choice(law.offsets, len(months), p=law.weights / law.weights.sum())[which]
        else:
            error = rng.choice(law.offsets, len(self), p=law.weights / law.weights.sum())
        return np.where(self._lunar, np.where(sure, off, error), 0)

    def expected(self, freq: Any, window: tuple[Any, Any]) -> Any:
        """Expected number of dates in each period.

        Parameters
        ----------
        freq : str or sequence of dates
            As in `Counts.from_frame`: "D", "W", "MS", "HM", ... or edges; edges at a policy's date split by
            probability.
        window : (first, last)
            First and last day on which a record could have been made, both inside.

        Returns
        -------
        pandas.DataFrame
            period, start (first day inside the window), days, n.

        Raises
        ------
        DataError
            If a date cannot lie inside the window.

        Notes
        -----
        Each day of what was written is as likely as another, moved by `day_error`; given that the day lies in the
        window. Cost: O(n + days) for each possible error. Missing dates are left out. Counts keep no trace of how
        uncertain they are: to carry that into a fit, draw dates and pool.

        Examples
        --------
        >>> from exitmodels.records.parsing import parse_dates
        >>> dates = parse_dates(["Ramadan 1435", "1 Shawwal 1435"], calendar="hijri")
        >>> dates.expected("MS", ("2014-06-01", "2014-07-31"))["n"].round(2).tolist()
        [0.1, 1.9]
        """
        import pandas as pd

        begin, end = window_days(window)
        edges = period_edges(freq, begin, end)
        rows = np.flatnonzero(~self.missing)
        shifts = self._chances(rows)
        low, high = self.first[rows], self.last[rows] + 1
        inside = sum(
            (
                chance * np.maximum(np.minimum(high + off, end) - np.maximum(low + off, begin), 0)
                for off, chance in shifts
            ),
            start=np.zeros(len(rows)),
        )
        lost = np.flatnonzero(inside <= 0)
        if lost.size:
            raise DataError(
                f"{lost.size} dates lie outside the window {iso(begin)} to {iso(end - 1)} "
                f"(first: {iso(low[lost[0]])} to {iso(high[lost[0]] - 1)}).",
                rows=rows[lost],
                code="outside-window",
                hint="Correct the dates or the window, or set these rows aside.",
            )
        by_day = np.zeros(end - begin)
        for off, chance in shifts:
            here, there = np.maximum(low + off, begin) - begin, np.minimum(high + off, end) - begin
            use = np.flatnonzero((there > here) & (chance > 0))
            weight = (chance * (there - here) / inside)[use]
            by_day += spread_days(here[use], there[use], weight, np.zeros(len(use), dtype=np.int64), (end - begin, 1))[
                :, 0
            ]
        cut = np.clip(edges, begin, end)
        names = period_labels(plain_frequency(freq) if isinstance(freq, str) else "", edges[:-1])
        start = cut[:-1].astype("datetime64[D]").astype("datetime64[s]")
        n = np.add.reduceat(by_day, cut[:-1] - begin)
        return pd.DataFrame({"period": names, "start": start, "days": np.diff(cut), "n": n})

    def _chances(self, rows: Ints) -> list[tuple[int, Floats]]:
        """Every possible error with its chance in each row."""
        if self.day_error is None:
            return [(0, np.ones(len(rows)))]
        law, lunar = self.day_error, self._lunar[rows]
        sure, off = (part[rows] for part in self._known)
        chance = dict(zip(law.offsets.tolist(), law.weights.tolist(), strict=True))
        possible = sorted({0, *chance, *np.unique(off).tolist()})
        return [(o, np.where(lunar, np.where(sure, off == o, chance.get(o, 0.0)), float(o == 0))) for o in possible]
