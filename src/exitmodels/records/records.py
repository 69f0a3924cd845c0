"""Records: a table of exits as written, what its columns are, and everything that was done to it.

Third floor, in the room of records. Nothing is corrected on the way in: what cannot be read stands in `problems` and in
the audit, and spells are refused until a researcher has repaired it or set it aside, which the ledger then says.

Read next: schema.py (what is declared), opening.py (files), audit.py (what an archivist would list), shaping.py (spells
and counts).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError
from exitmodels.records import shaping
from exitmodels.records.codebook import Codebook
from exitmodels.records.coded import CodedReasons
from exitmodels.records.datecolumns import parsed_column
from exitmodels.records.dates import Dates
from exitmodels.records.finding import Finding
from exitmodels.records.pseudonyms import pseudonyms
from exitmodels.records.schema import Schema
from exitmodels.records.sheet import Sheet
from exitmodels.shapes.counts import Counts
from exitmodels.shapes.ledger import Ledger
from exitmodels.shapes.spells import Spells

if TYPE_CHECKING:
    from exitmodels.records.audit import Audit

__all__ = ["Records"]


@dataclass(frozen=True, eq=False, repr=False)
class Records:
    """Exit records as written. Made by `read_records`; never changed, only replaced.

    Attributes
    ----------
    sheet : Sheet
        Every cell as text.
    schema : Schema
    ledger : Ledger
        What was read, set aside and repaired, with the reasons.

    Examples
    --------
    >>> from exitmodels.records.reader import read_records
    >>> records = read_records({"joined": ["2014-01-03", "2014-01-09"], "left": ["2014-02-11", "2014-02-30"],
    ...                         "reason": ["treatment", "family visit"]}, joined="joined", left="left", reason="reason",
    ...                        scheme="censored")
    >>> records.problems[["row", "column", "text", "why"]].values.tolist()
    [[1, 'left', '2014-02-30', 'no-such-day']]
    >>> fixed = records.repair("left", {1: "2014-02-28"}, why="February has 28 days; the scan shows an 8")
    >>> fixed.to_spells().exit
    array([39, 50])
    """

    sheet: Sheet
    schema: Schema
    ledger: Ledger

    def __len__(self) -> int:
        return len(self.sheet)

    def __repr__(self) -> str:
        window = self.schema.window
        span = "" if window is None else f", window {window[0]} to {window[1]}"
        return (
            f"<Records: {len(self):,} of {self.ledger.read:,} rows from {self.sheet.source}, "
            f"scheme {self.schema.scheme or 'not declared'}{span}, sha256 {self.digest}>"
        )

    # ---- what is there -----------------------------------------------------------------------------------------
    @cached_property
    def sha256(self) -> str:
        """Hash of the cells and the schema: two tables with one hash give the same results."""
        said = f"{self.sheet.sha256}{self.schema!r}"
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def digest(self) -> str:
        """The first twelve digits of `sha256`."""
        return self.sha256[:12]

    @property
    def labels(self) -> AnyArray:
        """Row labels: line of the file, row of the worksheet, or index of the frame."""
        return self.sheet.labels

    @cached_property
    def _dates(self) -> dict[str, Dates]:
        return {
            name: parsed_column(self.sheet, name, self.schema.date_format(name)) for name in self.schema.date_columns
        }

    def dates(self, column: str) -> Dates:
        """Return a column of dates as intervals of days; texts that cannot be read are missing there."""
        if column not in self._dates:
            raise DataError(
                f"{column!r} is not declared as a column of dates.",
                column=column,
                code="no-column",
                hint=f"Declared: {', '.join(self._dates)}.",
            )
        return self._dates[column]

    @property
    def left(self) -> Dates:
        """Dates of exit."""
        return self._dates[self.schema.left]

    @property
    def joined(self) -> Dates | None:
        """Dates at which the stays began."""
        return None if self.schema.joined is None else self._dates[self.schema.joined]

    @cached_property
    def problems(self) -> Any:
        """Dates that cannot be read, as a table: row, column, text, why."""
        import pandas as pd

        parts = [dates.problems.assign(column=name) for name, dates in self._dates.items()]
        return pd.concat(parts, ignore_index=True)[["row", "column", "text", "why"]]

    def code(self, codebook: Codebook | str = "exit-reasons-1") -> CodedReasons:
        """Code the reasons by a codebook.

        Raises
        ------
        DataError
            If there is no column of reasons, or absent ones have no declared meaning (``missing_reason=``).
        """
        import pandas as pd

        if self.schema.reason is None:
            raise DataError("No column of reasons is declared.", code="schema", hint="Give the schema reason=.")
        book = Codebook.named(codebook) if isinstance(codebook, str) else codebook
        text = pd.Series(self.sheet.cells[self.schema.reason], index=pd.Index(self.labels), dtype=object)
        return book.code_column(text, missing=self.schema.missing_reason, name=self.schema.reason)

    def to_frame(self) -> Any:
        """Return the cells as text, one column for each of the file, indexed by row label."""
        import pandas as pd

        return pd.DataFrame({n: c.copy() for n, c in self.sheet.cells.items()}, index=pd.Index(self.labels))

    def audit(self, *, show: bool = True) -> Audit:
        """List what a careful archivist would, and print it.

        Parameters
        ----------
        show : bool
            Print the report.

        Returns
        -------
        Audit
            `findings` (each with its rows, and a proposal where the repair is plain), `effects` of each repair,
            shares of the reasons. Nothing is changed: see `repair` and `set_aside`.

        Examples
        --------
        >>> from exitmodels.records.reader import read_records
        >>> records = read_records({"left": ["2013-03-09", "2019-08-30", "2014-05-01"]}, left="left",
        ...                        window=("2013-03-01", "2014-08-21"))
        >>> [(finding.code, finding.rows) for finding in records.audit(show=False).faults]
        [('outside-window', (1,))]
        """
        from exitmodels.records.audit import audit

        made = audit(self)
        if show:
            print(made)
        return made

    # ---- what is done ------------------------------------------------------------------------------------------
    def with_window(self, first: Any, last: Any, scheme: str | None = None) -> Records:
        """Return records with another declared window (and scheme)."""
        schema = replace(self.schema, window=(first, last), scheme=scheme or self.schema.scheme)
        return replace(self, schema=schema, ledger=self.ledger.note(f"window {first} to {last}, {schema.scheme}"))

    def set_aside(self, rows: Finding | Bools | Iterable[Any], why: str = "") -> Records:
        """Return records without some rows; the ledger says which, and why.

        Parameters
        ----------
        rows : Finding, mask, or labels
        why : str
            The reason; may be left out for a finding, which has its own words.

        Raises
        ------
        DataError
            For labels that are not there, no rows, or no reason.
        """
        reason = why or (_said(rows) if isinstance(rows, Finding) else "")
        places = self._places(rows)
        if not reason:
            raise DataError(
                "No reason is given.", code="why", hint="Say why=: it stands in the ledger of every result."
            )
        stay = np.ones(len(self), dtype=bool)
        stay[places] = False
        ledger = self.ledger.set_aside(reason, rows=self.labels[places[:10]].tolist(), n=len(places))
        return replace(self, sheet=self.sheet.take(np.flatnonzero(stay)), ledger=ledger)

    def repair(self, what: Finding | str, new: Mapping[Any, str | None] | None = None, *, why: str = "") -> Records:
        """Return records in which some cells hold other text; the ledger says which, and why.

        Parameters
        ----------
        what : Finding or str
            A finding that proposes a repair, or the name of a column.
        new : mapping of row label to text
            What to write, for a column; None empties the cell.
        why : str
            The reason; may be left out for a finding.

        Raises
        ------
        DataError
            For findings without a proposal, columns and labels that are not there, and no reason.
        """
        column, text, reason = _repairs(what, new, why)
        old = self.sheet.want(column)
        places = self._places(list(text))
        changes = {int(place): text[label] for place, label in zip(places, self.labels[places].tolist(), strict=True)}
        first = int(places[0])
        said = f"{column}: {reason} (first: {old[first]!r} became {changes[first]!r})"
        ledger = self.ledger.repaired(said, rows=self.labels[places[:10]].tolist(), n=len(places))
        return replace(self, sheet=self.sheet.rewritten(column, changes), ledger=ledger)

    # ---- where it goes -----------------------------------------------------------------------------------------
    def to_spells(
        self,
        *,
        event: str | None = None,
        rule: str = "hierarchy",
        level: str = "reason",
        codebook: Codebook | str | None = "exit-reasons-1",
        missing: str = "raise",
        unit: str = "D",
        day_fraction: float | None = None,
    ) -> Spells:
        """Return spells: one for each record, from the day of joining.

        Parameters
        ----------
        event : str, optional
            By default the reason as coded; "any" for exits of one kind; or a column whose labels are taken as written.
        rule, level : str
            Which reason counts, and reasons or groups: see `CodedReasons.primary`. Records without a cue are "uncoded".
        codebook : Codebook or str, optional
            None: reasons as written, each wording a cause of its own, empty cells "no text".
        missing : {"raise", "drop"}
            What to do with rows whose dates are missing or cannot be read, or whose cells are shifted: refuse, or set
            aside in the ledger.
        unit, day_fraction
            As in `Spells.from_frame`.

        Returns
        -------
        Spells
            With the window and scheme of the schema, `numbers` and `groups` as covariates, the person as cluster.
            When a date of exit is a range of days, the exits lie in (lower, upper], cut at the window.

        Raises
        ------
        DataError
            For rows that cannot be used, stays that begin on an uncertain day, and whatever `Spells` refuses; rows are
            named by their labels.

        Warns
        -----
        DataWarning
            When the codebook knows less than half of the reasons.
        """
        return shaping.to_spells(self, event, rule, level, codebook, missing, unit, day_fraction)

    def imputations(
        self,
        m: int,
        *,
        rng: np.random.Generator | int,
        event: str | None = None,
        rule: str = "hierarchy",
        level: str = "reason",
        codebook: Codebook | str | None = "exit-reasons-1",
        missing: str = "raise",
        unit: str = "D",
        day_fraction: float | None = None,
    ) -> list[Spells]:
        """Return m sets of spells with days drawn where only a range is known; fit each and combine with `xm.pool`.

        Parameters
        ----------
        m : int
        rng : numpy Generator or seed
        event, rule, level, codebook, missing, unit, day_fraction
            As in `to_spells`.

        Notes
        -----
        Each day of a range is as likely as another (`Dates.draw`), given that the stay ends after it begins, inside the
        window. Joining may be a range here.
        """
        return shaping.drawn_spells(self, m, rng, event, rule, level, codebook, missing, unit, day_fraction)

    def to_counts(
        self,
        *,
        by: str | Sequence[str] | None = None,
        freq: Any = "MS",
        rule: str = "all",
        codebook: Codebook | str = "exit-reasons-1",
        missing: str = "raise",
    ) -> Counts:
        """Return counts of exits by period, and by reason or other columns.

        Parameters
        ----------
        by : str or sequence of str, optional
            Columns; the column of reasons is coded first.
        freq
            As in `Counts.from_frame`.
        rule : {"all", "fractional", "first"}
            How records with several reasons count.
        codebook, missing
            As in `to_spells`.

        Returns
        -------
        Counts
            Over the window of the schema; dates known as a range are spread over it.

        Examples
        --------
        >>> from exitmodels.records.reader import read_records
        >>> records = read_records({"left": ["2014-01-03", "2014-01", "2014-03-09"]}, left="left",
        ...                        window=("2014-01-01", "2014-03-31"))
        >>> records.to_counts().n.tolist()
        [2, 0, 1]
        """
        return shaping.to_counts(self, by, freq, rule, codebook, missing)

    def pseudonymised(
        self, salt: str | bytes, columns: str | Sequence[str] | None = None, *, fold: bool = False
    ) -> Records:
        """Return records in which names are replaced by salted hashes, before anything is fitted.

        Parameters
        ----------
        salt : str or bytes
            The secret; see `pseudonyms`, also for what this does not protect from.
        columns : str or sequence of str, optional
            By default those that name a person in the schema.
        fold : bool
            Fold names first, so that spellings of one name share a pseudonym.

        Returns
        -------
        Records
            What the ledger says of earlier repairs and set-asides in these columns leaves it too, for it quotes names.

        Raises
        ------
        DataError
            For short salts, columns that are not there, and none named.

        Examples
        --------
        >>> held = {"who": ["A. B.", "", "A. B."], "left": ["2014-01-03"] * 3}
        >>> from exitmodels.records.reader import read_records
        >>> records = read_records(held, left="left", person="who")
        >>> hashed = records.pseudonymised("not a secret: example").sheet.cells["who"]
        >>> bool(hashed[0] == hashed[2]), len(hashed[0]), hashed[1]
        (True, 32, None)
        """
        names = (columns,) if isinstance(columns, str) else tuple(columns or self.schema.person)
        if not names:
            raise DataError("No column of names is given.", code="schema", hint="Give columns=, or the schema person=.")
        sheet, ledger = self.sheet, self.ledger
        for name in names:
            sheet = sheet.replaced(name, pseudonyms(sheet.want(name), salt, fold=fold))
            ledger = ledger.without_words(name).note(f"{name}: replaced by salted hashes")
        return replace(self, sheet=sheet, ledger=ledger)

    def _places(self, rows: Finding | Bools | Iterable[Any]) -> Ints:
        """Places of rows given by a finding, a mask or labels."""
        if isinstance(rows, np.ndarray) and rows.dtype == bool:
            if len(rows) != len(self):
                raise DataError(
                    f"The mask has {len(rows)} values for {len(self)} rows.", code="length", hint="One each."
                )
            places = np.flatnonzero(rows)
        else:
            wanted = list(rows.rows if isinstance(rows, Finding) else rows)
            lost = [label for label in wanted if label not in self.sheet.places]
            if lost:
                raise DataError(
                    f"{len(lost)} of these rows are not in the records (any more): {lost[0]!r}.",
                    code="no-row",
                    hint="Rows are named by their label: line of the file, row of the worksheet, index of the frame.",
                )
            places = np.array(sorted({self.sheet.places[label] for label in wanted}), dtype=np.int64)
        if not len(places):
            raise DataError("No row is named.", code="empty", hint="Give labels, a mask, or a finding with rows.")
        return places


def _said(finding: Finding) -> str:
    return f"{finding.column}: {finding.what}" if finding.column else finding.what


def _repairs(what: Finding | str, new: Mapping[Any, str | None] | None, why: str) -> tuple[str, dict[Any, Any], str]:
    """Column, new text by row label, and the reason."""
    if isinstance(what, Finding):
        if what.proposal is None or what.column is None:
            raise DataError(
                f"The finding {what.code!r} proposes no repair.",
                code="no-repair",
                hint=what.hint or "Write the text yourself (column, {row: text}), or set the rows aside.",
            )
        text = dict(zip(what.rows, what.proposal, strict=True))
        return what.column, text if new is None else {**text, **new}, why or what.what
    if not new:
        raise DataError("What to write is not said.", code="no-repair", hint="Give {row label: text}.")
    if not why:
        raise DataError("No reason is given.", code="why", hint="Say why=: it stands in the ledger of every result.")
    return what, dict(new), why
