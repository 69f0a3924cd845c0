"""From anyone's table to spells: durations or dates, reasons, weights, and the window.

First floor; the work behind `Spells.from_frame`, which describes every argument.
Every step either keeps a row, sets it aside in the ledger, or refuses with the
column, the rows and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError
from exitmodels.shapes import checks
from exitmodels.shapes.between import last_known
from exitmodels.shapes.columns import Columns
from exitmodels.shapes.dates import day_numbers, days_in_unit, has_dates, iso, window_days
from exitmodels.shapes.events import code_events
from exitmodels.shapes.frames import Column, Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.spells import Spells

__all__ = ["Reader"]

SCHEMES = ("censored", "exits-only")


@dataclass
class Reader:
    """The table being read, and what has been set aside so far."""

    table: Table
    missing: str
    unit: str
    date_format: str | None
    timezone: str | None
    day_fraction: float | None
    gone: Bools | None = None
    reasons: list[tuple[str, AnyArray]] = field(default_factory=list)
    notes: list[tuple[str, int]] = field(default_factory=list)

    def read(
        self,
        *,
        exit: str | None,
        event: str | None,
        origin: str | None,
        entry: str | None,
        censor: Any,
        unknown: str | None,
        cluster: str | None,
        weight: str | None,
        weights: str,
        stratum: str | Iterable[str] | None,
        limits: tuple[str | None, str | None],
        window: tuple[Any, Any] | None,
        scheme: str,
        open_end: str | None,
    ) -> Spells:
        self._check_choices(scheme, window, origin, open_end)
        codes, causes = self._event(event, censor, unknown)
        start = None if origin is None else self._days(origin)
        span = None if window is None else window_days(window)
        clock = _Clock(start, self, span if open_end == "window" else None)
        begins = None if entry is None else clock.read(entry)
        named = None if event is None else codes
        bounds = [None if name is None else clock.read(name, named, open_right=True) for name in limits]
        if exit is None:
            ends, known = last_known(bounds[0], bounds[1], begins, self.table.labels, named, self.gone)
            codes, causes = (known, ("exit",)) if event is None else (codes, causes)
            exit = str(limits[1])
        else:
            ends = clock.read(exit, codes)
        count = None if weight is None else self._weight(weight, weights)
        groups = None if cluster is None else self._labels(cluster)[0]
        strata, strata_labels = self._strata(stratum)
        ends = self._same_day(begins, ends)
        keep = None if self.gone is None else np.flatnonzero(~self.gone)
        rows = self.table.labels if keep is None else self.table.labels[keep]

        def kept(values: Any) -> Any:
            return values if values is None or keep is None else values[keep]

        spells = Spells._make(
            exit=kept(ends),
            event=kept(codes),
            causes=causes,
            entry=kept(begins),
            weight=kept(count),
            weights=weights,
            cluster=kept(groups),
            stratum=kept(strata),
            stratum_labels=strata_labels,
            lower=kept(bounds[0]),
            upper=kept(bounds[1]),
            columns=Columns(self.table, keep),
            labels=rows,
            ledger=self._ledger(),
            unit=self.unit,
            scheme=scheme,
            window=span,
            origin=kept(start),
            missing=self.missing,
        )
        if len(spells.exit) == 0:
            raise DataError(
                "Every row was set aside.", code="empty", hint="; ".join(why for why, _ in self.reasons) + "."
            )
        spells._check((entry or "entry", exit))
        return spells if span is None else _window(spells, span, days_in_unit(self.unit), exit)

    def _check_choices(self, scheme: str, window: Any, origin: str | None, open_end: str | None) -> None:
        if self.missing not in ("raise", "drop"):
            raise DataError(f"missing={self.missing!r} is not known.", code="missing-rule", hint='"raise" or "drop".')
        if scheme not in SCHEMES:
            raise DataError(f"scheme={scheme!r} is not known.", code="scheme", hint=f"One of {', '.join(SCHEMES)}.")
        needs = [("scheme='exits-only'", scheme == "exits-only"), ("open_end='window'", open_end is not None)]
        for what, asked in needs:
            if asked and (window is None or origin is None):
                raise DataError(
                    f"{what} needs both window= and origin=.", code="window", hint="Give the dates of the window."
                )
        if window is not None and origin is None:
            raise DataError(
                "A window is a pair of dates; without origin= the times are durations, which have no date.",
                code="window",
                hint="Give origin= and dates, or leave the window out.",
            )

    # ---- one column at a time --------------------------------------------------------------------------------
    def _set_aside(self, name: str, bad: Bools | None, what: str, hint: str | None = None) -> None:
        """Refuse the rows, or set them aside when missing="drop"."""
        if bad is None or not bad.any():
            return
        if self.missing == "raise":
            checks.refuse_gaps(name, bad, self.table.labels, what, **({"hint": hint} if hint else {}))
        fresh = bad if self.gone is None else bad & ~self.gone
        if fresh.any():
            self.reasons.append((f"{name} {what}", self.table.labels[fresh]))
        self.gone = bad.copy() if self.gone is None else self.gone | bad

    def _event(self, name: str | None, censor: Any, unknown: str | None) -> tuple[Ints, tuple[Any, ...]]:
        if name is None:
            return np.ones(self.table.n, dtype=np.int64), ("exit",)
        codes, causes, gone, notes = code_events(self.table.column(name), self.table.labels, censor, unknown)
        self.notes += [(note, 0) for note in notes]
        hint = (
            "Say what it means: censor=[..., None] for not yet left, or unknown='a reason'; "
            'or set the rows aside with missing="drop".'
        )
        self._set_aside(name, gone, "missing, and a missing label is not a reason", hint)
        return codes, causes

    def _days(self, name: str) -> AnyArray:
        days, gone = day_numbers(self.table.column(name), self.table.labels, self.date_format, self.timezone)
        self._set_aside(name, gone, "missing")
        return days

    def _weight(self, name: str, kind: str) -> AnyArray:
        column = _number(self.table.column(name), self.table.labels)
        values = column.values.astype(np.float64)
        bad = checks.not_finite(values)
        self._set_aside(name, bad, "missing or infinite")
        usable = np.where(bad, 1.0, values) if bad is not None else values
        checks.check_weights(usable, kind, self.table.labels, name)
        return usable

    def _labels(self, name: str) -> tuple[Ints, tuple[Any, ...]]:
        column = self.table.column(name)
        self._set_aside(name, column.missing, "missing")
        codes, labels = group_codes(column)
        return np.where(codes < 0, 0, codes) if column.missing is not None else codes, labels

    def _strata(self, names: str | Iterable[str] | None) -> tuple[Ints | None, tuple[Any, ...]]:
        if names is None:
            return None, ()
        code: Ints | None = None
        labels: list[str] = [""]
        for name in [names] if isinstance(names, str) else names:
            part, levels = self._labels(name)
            code = part if code is None else code * len(levels) + part
            labels = [f"{old}, {name}={new}" if old else f"{name}={new}" for old in labels for new in levels]
        present, crossed = np.unique(np.asarray(code), return_inverse=True)
        return crossed.astype(np.int64), tuple(labels[i] for i in present)

    def _same_day(self, entry: AnyArray | None, exit: AnyArray) -> AnyArray:
        if self.day_fraction is None:
            return exit
        same = exit == (0 if entry is None else entry)
        if self.gone is not None:
            same &= ~self.gone
        if not same.any():
            return exit
        self.notes.append((f"exits on the day of entry were given a length of {self.day_fraction:g}", int(same.sum())))
        return np.where(same, exit + self.day_fraction, exit)

    def _ledger(self) -> Ledger:
        ledger = Ledger(self.table.n)
        for why, rows in self.reasons:
            ledger = ledger.set_aside(why, rows=rows[:10].tolist(), n=len(rows))
        for what, n in self.notes:
            ledger = ledger.note(what, n)
        return ledger


@dataclass(frozen=True)
class _Clock:
    """Turns a column of times into durations since the origin."""

    start: AnyArray | None
    reader: Reader
    close: tuple[int, int] | None

    def read(self, name: str, event: Ints | None = None, open_right: bool = False) -> AnyArray:
        reader = self.reader
        column = reader.table.column(name)
        dated = has_dates(column, reader.date_format)
        if dated and self.start is None:
            raise DataError(
                f"This column holds dates (such as {column.examples(1)}); a date is not a duration.",
                column=name,
                code="needs-origin",
                hint="Give origin=, the column with the date at which each clock starts.",
            )
        if self.start is not None:
            return self._dates(column, event, open_right)
        if column.kind == "duration":
            values = column.values.astype(np.int64) / (days_in_unit(reader.unit) * 86_400e6)
            values = np.where(column.is_missing, np.nan, values)
        else:
            values = _number(column, reader.table.labels).values
        bad = np.isnan(values) if open_right and values.dtype.kind == "f" else checks.not_finite(values)
        reader._set_aside(name, bad, "missing or infinite")
        return values

    def _dates(self, column: Column, event: Ints | None, open_right: bool = False) -> AnyArray:
        reader = self.reader
        days, gone = day_numbers(column, reader.table.labels, reader.date_format, reader.timezone)
        if open_right:
            return self._limits(column.name, days, gone, event)
        if gone is not None and self.close is not None and event is not None:
            days, gone = self._still_open(column.name, days, gone, event)
        reader._set_aside(column.name, gone, "missing")
        assert self.start is not None
        length = days_in_unit(reader.unit)
        durations = days - self.start
        return durations if length == 1 else durations / length

    def _limits(self, name: str, days: AnyArray, gone: Bools | None, event: Ints | None) -> AnyArray:
        """A limit without a date is infinite for those who have not left, and missing for the others."""
        open_end = np.zeros(len(days), dtype=bool) if gone is None or event is None else gone & (event == 0)
        self.reader._set_aside(name, None if gone is None else gone & ~open_end, "missing")
        durations = (days - self.start) / days_in_unit(self.reader.unit)
        return np.where(open_end, np.inf, durations)

    def _still_open(self, name: str, days: AnyArray, gone: Bools, event: Ints) -> tuple[AnyArray, Bools | None]:
        left = gone & (event > 0)
        if left.any():
            checks.refuse_gaps(name, left, self.reader.table.labels, "missing though the row is an exit")
        assert self.close is not None
        self.reader.notes.append((f"stays without {name} are open at the close of the window", int(gone.sum())))
        return np.where(gone, self.close[1] - 1, days), None


def _number(column: Column, labels: AnyArray) -> Column:
    if column.kind == "number":
        return column
    bad = np.flatnonzero(~column.is_missing)
    raise DataError(
        f"It must hold numbers; it holds {column.kind} values such as {column.examples(3)}.",
        column=column.name,
        rows=labels[bad[:50]],
        code="not-numeric",
        hint="Convert it before reading, or name the right column; dates need origin= (and date_format= if text).",
    )


def _window(spells: Spells, span: tuple[int, int], length: float, exit_name: str) -> Spells:
    """Apply the window: refuse exits outside it, delay the entry of those who came before it, or set limits."""
    assert spells.origin is not None
    first, end = span
    left_on = spells.origin + spells.exit * length
    whole = spells.exit.dtype.kind in "iu" and length == 1
    last = end - 1 if whole else end
    outside = (left_on < first) | (left_on > last)
    if outside.any():
        rows = np.flatnonzero(outside)
        raise DataError(
            f"{rows.size} spells end outside the window {iso(first)} to {iso(end - 1)} "
            f"(first: {iso(float(left_on[rows[0]]))}).",
            column=exit_name,
            rows=spells.labels[rows],
            code="outside-window",
            hint="Correct the window or the dates, or set these rows aside before reading.",
        )
    opens = (first - (1 if whole else 0) - spells.origin) / (1 if length == 1 else length)
    opens = opens.astype(spells.exit.dtype) if whole else opens
    before = np.maximum(opens, 0)
    if spells.scheme == "exits-only":
        return _exits_only(spells, before, (last - spells.origin) / length)
    late = before > spells.entry
    if not late.any():
        return spells
    note = "spells began before the window: at risk from its first day only"
    return spells._with(entry=np.where(late, before, spells.entry), ledger=spells.ledger.note(note, int(late.sum())))


def _exits_only(spells: Spells, before: AnyArray, close: AnyArray) -> Spells:
    still = np.flatnonzero(spells.event == 0)
    if still.size:
        raise DataError(
            f'{still.size} rows are people who had not left, but scheme="exits-only" says only exits were recorded.',
            rows=spells.labels[still],
            code="scheme",
            hint='If people still inside are in the table, read it with scheme="censored".',
        )
    note = "only exits inside the window could be recorded: left and right limits follow from window and origin"
    return spells._with(
        left_limit=before.astype(np.float64), right_limit=close.astype(np.float64), ledger=spells.ledger.note(note)
    )
