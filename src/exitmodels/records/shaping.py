"""From records to spells and counts: every row is used, refused, or set aside in the ledger.

Third floor, in the room of records. Called by: records.py, which describes the arguments.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools
from exitmodels.errors import DataError, DataWarning
from exitmodels.records.cellnumbers import read_numbers
from exitmodels.records.dates import Dates
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.dates import window_days
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.spells import Spells

if TYPE_CHECKING:
    from exitmodels.records.codebook import Codebook
    from exitmodels.records.records import Records
    from exitmodels.records.schema import Schema

__all__ = ["NO_TEXT", "UNCODED", "drawn_spells", "to_counts", "to_spells"]

UNCODED, NO_TEXT = "uncoded", "no text"
"""Label of records in whose reason no cue was found; of empty cells, where labels are taken as written."""

_INSIDE = "not yet left"
_EVENT = "reason for leaving"
_TRIES = 1000
_DAY = np.timedelta64(1, "D")


def to_spells(
    records: Records,
    event: str | None,
    rule: str,
    level: str,
    codebook: Codebook | str | None,
    missing: str,
    unit: str,
    day_fraction: float | None,
) -> Spells:
    """See `Records.to_spells`."""
    kept = _usable(records, missing, spells=True)
    joined, left, inside = _joined(kept), kept.left, _inside(kept)
    loose = np.flatnonzero(joined.lower < joined.upper)
    if loose.size:
        raise DataError(
            f"{loose.size} stays begin on a day that is not known for certain.",
            column=kept.schema.joined,
            rows=kept.labels[loose],
            code="origin",
            hint="A clock needs a certain start: use imputations(m, rng=) and pool the fits, or set these rows aside.",
        )
    low, high, notes = _limits(kept, joined.lower, left, inside)
    if np.array_equal(low, high, equal_nan=True):
        times, used = {_name(kept): low}, {"exit": _name(kept)}
    else:
        times, used = {"lower": low, "upper": high}, {"lower": "lower", "upper": "upper"}
    what = _events(kept, event, rule, level, codebook)
    return _read(kept, joined.lower, times, used, what, inside, unit, day_fraction, notes)


def drawn_spells(
    records: Records,
    m: int,
    rng: np.random.Generator | int,
    event: str | None,
    rule: str,
    level: str,
    codebook: Codebook | str | None,
    missing: str,
    unit: str,
    day_fraction: float | None,
) -> list[Spells]:
    """See `Records.imputations`."""
    kept = _usable(records, missing, spells=True)
    generator, what, inside = np.random.default_rng(rng), _events(kept, event, rule, level, codebook), _inside(kept)
    note = f"days known only to lie between two others were drawn, {m} times"
    made = []
    for _ in range(m):
        start, end = _drawn(kept, _joined(kept), inside, generator)
        times = {_name(kept): end}
        made.append(_read(kept, start, times, {"exit": _name(kept)}, what, inside, unit, day_fraction, [note]))
    return made


def to_counts(
    records: Records, by: str | Sequence[str] | None, freq: Any, rule: str, codebook: Codebook | str, missing: str
) -> Counts:
    """See `Records.to_counts`."""
    import pandas as pd

    kept = _usable(records, missing, spells=False)
    inside = _inside(kept)
    if inside.any():
        kept = kept.set_aside(inside, why="had not left: no exit to count")
    names = [by] if isinstance(by, str) else list(by or ())
    left = kept.left
    held: dict[str, Any] = {
        "first day": left.lower.astype("datetime64[s]"),
        "last day": left.upper.astype("datetime64[s]"),
    }
    many: dict[str, Any] = {}
    for name in names:
        if name == kept.schema.reason:
            codes = kept.code(codebook).joined()
            held[name] = np.where(codes == "", UNCODED, codes)
            many = {"labels": {name: rule}, "separator": "; "}
        else:
            held[name] = kept.sheet.want(name)
    exact = bool(np.all(left.lower == left.upper))
    made = Counts.from_frame(
        pd.DataFrame(held, index=pd.Index(kept.labels)),
        date="first day",
        until=None if exact else "last day",
        by=names,
        freq=freq,
        window=kept.schema.window,
        **many,
    )
    return replace(made, ledger=_chained(kept, made.ledger))


# ---- which rows --------------------------------------------------------------------------------------------------
def _usable(records: Records, missing: str, spells: bool) -> Records:
    """Refuse rows that cannot be used, or set them aside with the reason."""
    if missing not in ("raise", "drop"):
        raise DataError(f"missing={missing!r} is not known.", code="missing-rule", hint='"raise" or "drop".')
    names = [records.schema.left] if not spells or records.schema.joined is None else [*_both(records)]
    for why, bad, column in _bars(records, names):
        if not bad.any():
            continue
        if missing == "raise":
            raise DataError(
                f"{int(bad.sum())} rows: {why}.",
                column=column,
                rows=records.labels[bad],
                code="not-usable",
                hint="See audit(); repair the cells, or set the rows aside with a reason "
                '(missing="drop" sets aside all of them).',
            )
        return _usable(records.set_aside(bad, why=f"{column}: {why}" if column else why), missing, spells)
    return records


def _both(records: Records) -> tuple[str, str]:
    assert records.schema.joined is not None
    return records.schema.joined, records.schema.left


def _bars(records: Records, names: Sequence[str]) -> list[tuple[str, Bools, str | None]]:
    """What stands in the way of using a row, one kind at a time."""
    over = np.zeros(len(records), dtype=bool)
    over[list(records.sheet.surplus)] = True
    found: list[tuple[str, Bools, str | None]] = [("more cells than columns, so they may be shifted", over, None)]
    inside = _inside(records)
    for name in names:
        dates, empty = records.dates(name), records.sheet.is_empty(name)
        still = inside if name == records.schema.left else np.zeros(len(records), dtype=bool)
        found.append(("no date", dates.missing & empty & ~still, name))
        found.append(("a date that cannot be read", dates.missing & ~empty, name))
    return found


def _inside(records: Records) -> Bools:
    """People who had not left: no date of exit, where the schema gives that meaning."""
    if records.schema.missing_left != "inside":
        return np.zeros(len(records), dtype=bool)
    return records.sheet.is_empty(records.schema.left)


# ---- times -------------------------------------------------------------------------------------------------------
def _name(records: Records) -> str:
    return records.schema.left


def _joined(records: Records) -> Dates:
    if records.joined is None:
        raise DataError(
            "No date of joining is declared, so how long people stayed is not known.",
            code="schema",
            hint="Give the schema joined=; or count exits by calendar time with to_counts().",
        )
    return records.joined


def _limits(records: Records, start: AnyArray, left: Dates, inside: Bools) -> tuple[AnyArray, AnyArray, list[str]]:
    """Limits (lower, upper] of each exit as dates, equal where the day is certain; within the window and the stay."""
    low, high = left.lower.astype("datetime64[D]"), left.upper.astype("datetime64[D]")
    exact, notes = low == high, []
    low = np.where(exact | inside, low, low - _DAY)
    span = records.schema.window
    if span is not None:
        first, end = window_days(span)
        inner = ~exact & ~inside
        cut = inner & ((low < np.datetime64(first - 1, "D")) | (high > np.datetime64(end - 1, "D")))
        meets = cut & (high >= np.datetime64(first, "D")) & (low < np.datetime64(end - 1, "D"))
        low = np.where(meets, np.maximum(low, np.datetime64(first - 1, "D")), low)
        high = np.where(meets, np.minimum(high, np.datetime64(end - 1, "D")), high)
        notes += [f"{int(meets.sum()):,} ranges of days were cut at the edge of the window"] if meets.any() else []
    low = np.where(~exact & ~inside & (high > start), np.maximum(low, start), low)
    if inside.any() and not np.all(exact | inside):
        if span is None:
            raise DataError("Who is still inside needs window=.", code="window", hint="Give the schema window=.")
        low = np.where(inside, np.datetime64(window_days(span)[1] - 1, "D"), low)
    return low, high, notes


def _drawn(records: Records, joined: Dates, inside: Bools, rng: np.random.Generator) -> tuple[AnyArray, AnyArray]:
    """Draw both days of each stay, given that it ends after it begins and inside the window."""
    start, end = joined.draw(rng=rng)[0], records.left.draw(rng=rng)[0]
    span = None if records.schema.window is None else window_days(records.schema.window)

    def wrong() -> AnyArray:
        bad = ~inside & (end <= start)
        if span is not None:
            bad |= ~inside & ((end < np.datetime64(span[0], "D")) | (end >= np.datetime64(span[1], "D")))
        return np.flatnonzero(bad)

    for _ in range(_TRIES):
        again = wrong()
        if not again.size:
            return start, end
        start[again] = joined.draw(rng=rng)[0][again]
        end[again] = records.left.draw(rng=rng)[0][again]
    again = wrong()
    raise DataError(
        f"{again.size} stays cannot end after they begin and inside the window, whichever days are drawn.",
        rows=records.labels[again],
        code="order",
        hint="Correct these dates, or set the rows aside.",
    )


# ---- reasons and covariates --------------------------------------------------------------------------------------
def _events(
    records: Records, event: str | None, rule: str, level: str, codebook: Codebook | str | None
) -> AnyArray | None:
    """Label of each exit; None when every exit is alike."""
    if event == "any" or (event is None and records.schema.reason is None):
        return None
    column = event or str(records.schema.reason)
    if codebook is None or column != records.schema.reason:
        labels = records.sheet.want(column).copy()
        labels[records.sheet.is_empty(column)] = NO_TEXT
        return labels
    coded = records.code(codebook)
    labels = coded.primary(rule, level)
    lost = int((labels == "").sum())
    if lost > len(labels) / 2:
        warnings.warn(
            f"No cue of {coded.codebook.version} was found in {lost:,} of {len(labels):,} reasons. Labels of another "
            "kind are taken as written with codebook=None; other wordings need cues: Codebook.extend.",
            DataWarning,
            stacklevel=4,
        )
    return np.where(labels == "", UNCODED, labels)


def _covariates(records: Records) -> dict[str, AnyArray]:
    sheet, schema = records.sheet, records.schema
    numbers = {name: read_numbers(sheet.cells[name], name, records.labels) for name in schema.numbers}
    groups = {name: sheet.cells[name].copy() for name in schema.groups}
    for name in (schema.source, schema.listed):
        if name is not None:
            groups[name] = sheet.cells[name].copy()
    for name, cells in groups.items():
        cells[sheet.is_empty(name)] = None
    return {**numbers, **groups}


def _people(records: Records) -> AnyArray | None:
    """One text for each person; records without any of it are people of their own."""
    columns = [records.sheet.cells[name] for name in records.schema.person]
    if not columns:
        return None
    parts = [[(cell or "").strip() for cell in column] for column in columns]
    named = ["\x1f".join(cells) if any(cells) else "" for cells in zip(*parts, strict=True)]
    own = [name or f"row {label}" for name, label in zip(named, records.labels.tolist(), strict=True)]
    return np.array([*own, None], dtype=object)[:-1]


# ---- together ----------------------------------------------------------------------------------------------------
def _read(
    records: Records,
    start: AnyArray,
    times: dict[str, AnyArray],
    used: dict[str, str],
    what: AnyArray | None,
    inside: Bools,
    unit: str,
    day_fraction: float | None,
    notes: Sequence[str],
) -> Spells:
    import pandas as pd

    schema = records.schema
    _check_scheme(schema)
    held: dict[str, Any] = _covariates(records)
    held |= {name: days.astype("datetime64[s]") for name, days in {schema.joined or "": start, **times}.items()}
    options: dict[str, Any] = {**used}
    if schema.window is not None:
        options |= {"window": schema.window, "scheme": schema.scheme}
    if what is not None or inside.any():
        labels = np.where(inside, _INSIDE, "exit" if what is None else what)
        held[_EVENT] = labels
        options |= {"event": _EVENT, "censor": [_INSIDE] if inside.any() else []}
        options |= {"open_end": "window"} if inside.any() and "exit" in used else {}
    people = _people(records)
    if people is not None:
        held["person"] = people
        options["cluster"] = "person"
    frame = pd.DataFrame(held, index=pd.Index(records.labels))
    spells = Spells.from_frame(frame, origin=schema.joined, unit=unit, day_fraction=day_fraction, **options)
    ledger = spells.ledger
    said = [f"{name}: {note}" for name in _both(records) for note in records.dates(name).notes]
    for note in (*said, *notes):
        ledger = ledger.note(note)
    return spells._with(ledger=_chained(records, ledger))


def _check_scheme(schema: Schema) -> None:
    if schema.scheme is None:
        raise DataError(
            "The schema does not say how the records came to be seen.",
            code="scheme",
            hint='Give scheme="exits-only" when a record exists only because its exit fell inside the window, or '
            '"censored" when people still inside are in the table too.',
        )
    if schema.scheme == "exits-only" and schema.window is None:
        raise DataError(
            "The schema says that only exits inside a window were recorded, but not which window.",
            code="window",
            hint='Give window=, the first and last day of the records; or scheme="censored".',
        )


def _chained(records: Records, later: Ledger) -> Ledger:
    """The ledger of the records, followed by that of the shape; the source names both hashes."""
    before = records.ledger
    source = (
        before.source if f"{records.digest} as read" in before.source else f"{before.source}, {records.digest} as used"
    )
    return Ledger(before.read, (*before.entries, *later.entries), source)
