"""The schema: which column is what, in which calendar dates are written, and how the records came to be.

Third floor, in the room of records. Declared by the researcher; nothing here is inferred from the data.

Read next: records.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exitmodels.errors import DataError
from exitmodels.records.dayerror import DayError
from exitmodels.shapes.dates import window_days

__all__ = ["DateFormat", "Schema"]

_SCHEMES = ("exits-only", "censored")


@dataclass(frozen=True, kw_only=True)
class DateFormat:
    """How the dates of a column are written; the choices of `parse_dates`.

    Parameters
    ----------
    calendar : {"gregorian", "hijri", "solar hijri", "mixed"}
    order : str or sequence of str, optional
        "dmy", "mdy", "ymd", "ydm", or several that are allowed.
    two_digit_from : int, optional
        First of the hundred years meant by years of two digits.
    zeros : {"refuse", "unknown"}
        What 00 means for a day or month.
    day_error : DayError or mapping, optional
        How far the day meant may lie from the day of the Hijri table.

    Examples
    --------
    >>> DateFormat(calendar="hijri", order="dmy").calendar
    'hijri'
    """

    calendar: str = "gregorian"
    order: str | Sequence[str] | None = None
    two_digit_from: int | None = None
    zeros: str = "refuse"
    day_error: DayError | Mapping[int, float] | None = None

    def choices(self) -> dict[str, Any]:
        """Arguments for `parse_dates`."""
        names = ("calendar", "order", "two_digit_from", "zeros", "day_error")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What the columns of a table of exit records are.

    Parameters
    ----------
    left : str
        Column with the date of exit.
    joined : str, optional
        Column with the date at which the stay began; needed for spells.
    reason : str, optional
        Column with the reason as text.
    id : str, optional
        Column that numbers the records; it must not repeat.
    person : str or sequence of str
        Columns that together name a person (name, mother's name, year of birth): for near duplicates, and as the
        cluster of spells.
    source, listed : str, optional
        Columns with the source (archive, file) and the list or office a record comes from; covariates of spells too.
    numbers, groups : str or sequence of str
        Columns of numbers, and of labels, that go into spells as covariates.
    dates : DateFormat or mapping of str to DateFormat
        How dates are written, for all columns of dates or by column.
    other_dates : str or sequence of str
        Further columns of dates (born, recorded, ...), read and audited.
    window : (first, last), optional
        First and last day on which a record could have been made, both inside.
    scheme : {"exits-only", "censored"}, optional
        How rows came to be seen; spells are refused without it. "exits-only": only people whose exit fell inside the
        window were recorded. "censored": people still inside at the close are in the table too.
    missing_left : {"inside"}, optional
        An empty date of exit means that the person had not left (with scheme "censored"). Otherwise it is a fault.
    missing_reason : {"blank", "no-field"}, optional
        What an absent reason (no cell, as against an empty one) means: the clerk wrote nothing, or the form has no
        such field.

    Raises
    ------
    DataError
        For columns named twice, formats of columns that hold no dates, and unknown choices.

    Examples
    --------
    >>> schema = Schema(joined="entry_date", left="exit_date", reason="reason_text", numbers="age",
    ...                 dates=DateFormat(order="dmy"), window=("2013-03-01", "2014-08-21"))
    >>> schema.date_columns
    ('entry_date', 'exit_date')
    """

    left: str
    joined: str | None = None
    reason: str | None = None
    id: str | None = None
    person: str | Sequence[str] = ()
    source: str | None = None
    listed: str | None = None
    numbers: str | Sequence[str] = ()
    groups: str | Sequence[str] = ()
    dates: DateFormat | Mapping[str, DateFormat] = field(default_factory=DateFormat)
    other_dates: str | Sequence[str] = ()
    window: tuple[Any, Any] | None = None
    scheme: str | None = None
    missing_left: str | None = None
    missing_reason: str | None = None

    def __post_init__(self) -> None:
        for name in ("person", "numbers", "groups", "other_dates"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))
        _choice("scheme", self.scheme, (None, *_SCHEMES))
        _choice("missing_left", self.missing_left, (None, "inside"))
        _choice("missing_reason", self.missing_reason, (None, "blank", "no-field"))
        if self.missing_left and self.scheme == "exits-only":
            raise _refusal("missing_left='inside' with scheme='exits-only': only exits are recorded there.")
        self._check_columns()
        if self.window is not None:
            window_days(self.window)

    def _check_columns(self) -> None:
        said = [*self.date_columns, self.reason, self.id, *self.numbers]
        named = [name for name in said if name is not None]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise _refusal(f"The column {twice[0]!r} is given two meanings.")
        if not isinstance(self.dates, DateFormat):
            odd = sorted(set(self.dates) - set(self.date_columns))
            if odd:
                raise _refusal(f"dates= names {odd[0]!r}, which is not a column of dates in this schema.")

    @property
    def date_columns(self) -> tuple[str, ...]:
        """Columns of dates: joined, left, then the others."""
        return (*((self.joined,) if self.joined else ()), self.left, *self.other_dates)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column named, each once."""
        single = [self.id, *self.date_columns, self.reason, *self.person, self.source, self.listed]
        return tuple(dict.fromkeys(name for name in [*single, *self.numbers, *self.groups] if name is not None))

    def date_format(self, name: str) -> DateFormat:
        """How the dates of one column are written."""
        return self.dates if isinstance(self.dates, DateFormat) else self.dates.get(name, DateFormat())


def _choice(name: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        shown = ", ".join(repr(k) for k in known)
        raise DataError(f"{name}={value!r} is not known.", column=name, code="option", hint=f"Use one of {shown}.")


def _refusal(message: str) -> DataError:
    return DataError(message, code="schema", hint="Declare each column once, for what it is.")
