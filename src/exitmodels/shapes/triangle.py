"""The delay triangle: records by the period of the event and by how much later they were made.

First floor. A cell is seen when its delay fits into the time since the event's period. What could not be seen yet is
not zero: it is unknown, and `last` says where it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.render.text import number
from exitmodels.shapes.dates import day_number, day_numbers, iso
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.periods import period_edges, period_labels, plain_frequency

__all__ = ["DelayTriangle"]


@dataclass(frozen=True, eq=False)
class DelayTriangle:
    """Records by origin (period of the event) and delay (periods until the record).

    Attributes
    ----------
    n : (m, D + 1)
        Zero in cells that cannot be seen yet.
    last : (m,) int
        Largest delay that could be seen of each origin.
    origins : (m,)
        Names of the origins, in order of time.
    ledger : Ledger
    freq : str
        Of the periods; "" when they came as numbers.
    whole : bool
        False for amounts.

    Examples
    --------
    >>> left, noted = ["2014-03-01", "2014-03-01", "2014-03-02"], ["2014-03-01", "2014-03-02", "2014-03-02"]
    >>> table = {"left": left, "noted": noted}
    >>> made = DelayTriangle.from_frame(table, event="left", recorded="noted", now="2014-03-02", date_format="%Y-%m-%d")
    >>> made.n.tolist(), made.last.tolist()
    ([[1.0, 1.0], [1.0, 0.0]], [1, 0])
    """

    n: Floats
    last: Ints
    origins: tuple[str, ...]
    ledger: Ledger
    freq: str = ""
    whole: bool = True

    def __post_init__(self) -> None:
        n = np.array(self.n, dtype=np.float64)
        last = np.array(self.last, dtype=np.int64)
        unseen = np.arange(n.shape[1]) > last[:, None]
        bad = np.argwhere(~np.isfinite(n) | (n < 0) | (unseen & (n != 0)))
        if len(bad):
            i, d = bad[0]
            raise DataError(
                f"{len(bad)} cells are negative, missing, or not seen yet and yet filled "
                f"(first: origin {self.origins[i]}, delay {d}, value {n[i, d]:g}).",
                rows=[self.origins[i] for i in bad[:, 0]],
                code="cells",
                hint="Give counts of new records by delay (not running totals), only for delays that had passed.",
            )
        if n.sum() == 0:
            raise DataError("There is no record in the triangle.", code="empty", hint="Check the dates and the limits.")
        for name, value in (("n", n), ("last", last)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        event: str,
        recorded: str,
        now: Any,
        max_delay: int | None = None,
        first: Any = None,
        freq: str = "D",
        weight: str | None = None,
        missing: str = "raise",
        date_format: str | None = None,
        timezone: str | None = None,
    ) -> DelayTriangle:
        """Count records, one row each, by the date of the event and the delay of the record.

        Parameters
        ----------
        frame : table
        event, recorded : str
            Columns of dates.
        now : date
            Last day on which a record could have been made and still be in the table: the end of the leak. Records
            made later are set aside in the ledger.
        max_delay : int, optional
            Largest delay, in periods, that is modelled; records with longer ones are set aside. By default the longest
            found.
        first : date, optional
            First day of the first origin; earlier events are set aside. By default the first event found.
        freq : str
            "D", "7D", "W", "MS", ...; the last period must be over by `now`.
        weight : str, optional
            Column of whole numbers: the row stands for that many records.
        missing : {"raise", "drop"}
        date_format, timezone : str, optional

        Raises
        ------
        DataError
            For missing dates, records made before the event, or a last period that was not over.
        IdentificationError
            When no origin is old enough to show `max_delay`.
        """
        table = Table(frame)
        labels, ledger = table.labels, Ledger(table.n)
        days, gaps = [], np.zeros(table.n, dtype=bool)
        for name in (event, recorded):
            found, absent = day_numbers(table.column(name), labels, date_format, timezone)
            days.append(np.floor(found).astype(np.int64))
            gaps |= False if absent is None else absent
        if gaps.any():
            if missing != "drop":
                raise DataError(
                    f"{int(gaps.sum())} records have no {event!r} or no {recorded!r} date.",
                    rows=labels[gaps],
                    code="missing",
                    hint='missing="drop" sets them aside and counts them in the ledger.',
                )
            ledger = ledger.set_aside(f"no {event} or {recorded} date", labels[gaps])
        begin, made = days
        back = ~gaps & (made < begin)
        if back.any():
            i = int(np.flatnonzero(back)[0])
            raise DataError(
                f"{int(back.sum())} records were made before their event (first: {iso(begin[i])}, {iso(made[i])}).",
                column=recorded,
                rows=labels[back],
                code="negative-delay",
                hint="Correct the dates, or set the rows aside before reading.",
            )
        end = int(np.floor(day_number(now, "now"))) + 1
        keep = ~gaps
        start = None if first is None else int(np.floor(day_number(first, "first")))
        tests = [(made >= end, f"recorded after {iso(end - 1)}")]
        tests += [] if start is None else [(begin < start, f"event before {iso(start)}")]
        for out, why in tests:
            if (keep & out).any():
                ledger, keep = ledger.set_aside(why, labels[keep & out]), keep & ~out
        if not keep.any():
            raise DataError("No record is left.", code="empty", hint=f"Is now={now!r} the right end?")
        begun = int(begin[keep].min()) if start is None else start
        edges = period_edges(freq, begun, end)
        if edges[-1] != end or (start is not None and edges[0] != start):
            raise DataError(
                f"The periods run from {iso(edges[0])} to {iso(edges[-1] - 1)}; observation from {iso(begun)} to "
                f"{iso(end - 1)} cuts one of them.",
                code="partial",
                hint="End at the last day of a whole period, for a cut period would look like a long delay.",
            )
        origin = np.searchsorted(edges, begin, side="right") - 1
        delay = np.searchsorted(edges, made, side="right") - 1 - origin
        weights = _weights(table, weight, labels)
        m, longest = len(edges) - 1, int(delay[keep].max())
        width = longest if max_delay is None else int(max_delay)
        _reach(width, m)
        long = keep & (delay > width)
        if long.any():
            ledger, keep = ledger.set_aside(f"delay longer than {width} periods", labels[long]), keep & ~long
        n = np.bincount(origin[keep] * (width + 1) + delay[keep], weights[keep], m * (width + 1)).reshape(m, -1)
        names = period_labels(plain_frequency(freq), edges[:-1])
        return cls(n, np.minimum(m - 1 - np.arange(m), width), names, ledger, plain_frequency(freq))

    @classmethod
    def from_table(cls, frame: Any, *, origin: str, delay: str, n: str, max_delay: int | None = None) -> DelayTriangle:
        """Read a triangle that is already counted: one row per origin and delay, in units that are not running totals.

        Parameters
        ----------
        origin : str
            Column of whole numbers; origins without a row are zero.
        delay : str
            Column of whole numbers from 0. The newest origin has shown delay 0 only.
        n : str
            Column of counts or amounts.
        max_delay : int, optional
            Longer delays are set aside.
        """
        table = Table(frame)
        columns = [_whole_numbers(table.column(name)) for name in (origin, delay)]
        value = table.column(n).values.astype(np.float64)
        begin, late = columns[0] - columns[0].min(), columns[1]
        m = int(begin.max()) + 1
        bad = (late < 0) | (begin + late > m - 1)
        if bad.any():
            raise DataError(
                f"{int(bad.sum())} rows have a delay that had not passed when the newest origin was seen.",
                rows=table.labels[bad],
                code="future",
                hint="Leave cells out that lie in the future; origins must reach to the newest period observed.",
            )
        width, ledger = int(late.max()) if max_delay is None else int(max_delay), Ledger(table.n)
        _reach(width, m)
        long = late > width
        if long.any():
            ledger = ledger.set_aside(f"delay longer than {width} periods", table.labels[long])
        cell = (begin * (width + 1) + late)[~long]
        if len(np.unique(cell)) < len(cell):
            raise DataError("A cell is given twice.", code="duplicate", hint="Sum the rows of each origin and delay.")
        made = np.bincount(cell, value[~long], m * (width + 1)).reshape(m, -1)
        names = tuple(str(v) for v in columns[0].min() + np.arange(m))
        whole = bool(np.all(made == np.floor(made)))
        return cls(made, np.minimum(m - 1 - np.arange(m), width), names, ledger, "", whole)

    @property
    def max_delay(self) -> int:
        """Largest delay that is modelled."""
        return self.n.shape[1] - 1

    @property
    def total(self) -> float:
        """Records in the triangle."""
        return float(self.n.sum())

    def recent(self, origins: int) -> DelayTriangle:
        """Return the newest origins only, with delays as far as they can show them."""
        width = min(self.max_delay, origins - 1)
        n, last = self.n[-origins:, : width + 1], np.minimum(self.last[-origins:], width)
        lost = round(self.total - n.sum())
        ledger = (
            self.ledger.set_aside(f"older than the newest {origins} origins", n=lost) if self.whole else self.ledger
        )
        return DelayTriangle(n, last, self.origins[-origins:], ledger, self.freq, self.whole)

    def to_frame(self) -> Any:
        """Return a DataFrame, origins by delays; NaN where not seen yet."""
        import pandas as pd

        unseen = np.arange(self.n.shape[1]) > self.last[:, None]
        return pd.DataFrame(np.where(unseen, np.nan, self.n), index=pd.Index(self.origins, name="origin"))

    def __repr__(self) -> str:
        return f"DelayTriangle({number(self.total)} records, {len(self.n)} origins, delays 0 to {self.max_delay})"


def _reach(width: int, m: int) -> None:
    if width < 1:
        raise DataError(f"max_delay={width}: there is no delay to estimate.", code="max-delay", hint="Use 1 or more.")
    if width > m - 1:
        raise IdentificationError(
            f"A delay of {width} periods cannot be seen in {m} origins.",
            code="max-delay",
            hint=f"Use max_delay={m - 1} or less; nothing is known about longer delays.",
        )


def _weights(table: Table, weight: str | None, labels: AnyArray) -> Floats:
    if weight is None:
        return np.ones(table.n)
    values = table.column(weight).values.astype(np.float64)
    bad = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} weights are not whole numbers of 0 or more.",
            column=weight,
            rows=labels[bad],
            code="weight",
            hint="A weight of 3 stands for three records.",
        )
    return values


def _whole_numbers(column: Column) -> Ints:
    values = column.values
    if column.kind != "number" or column.missing is not None or np.any(values != np.floor(values)):
        raise DataError(
            f"Whole numbers are needed; found {column.examples(3)}.", column=column.name, code="not-whole",
            hint="Number the periods 1, 2, 3, ...; for dates use from_frame.",
        )  # fmt: skip
    return values.astype(np.int64)
