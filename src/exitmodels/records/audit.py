"""The audit: what a careful archivist would list before anything is counted.

Third floor, in the room of records. Everything is detected and named, nothing is changed. Each finding says the rows,
what was found, and what to write where that is plain; `Records.repair` and `Records.set_aside` take findings as they
are. What an honest table could show by chance is judged by a test at a level of one in a million.

Read next: auditview.py, the files detect_*.py (one for each kind of defect), effects.py (what each defect does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.records.auditview import View, counted
from exitmodels.records.codebook import Codebook
from exitmodels.records.detect_dates import date_defects
from exitmodels.records.detect_duplicates import duplicate_defects
from exitmodels.records.detect_file import encodings, layout
from exitmodels.records.detect_habits import habit_defects
from exitmodels.records.detect_numbers import id_defects, number_defects, repeated_ids
from exitmodels.records.detect_orders import order_defects
from exitmodels.records.detect_reasons import is_placeholder, reason_defects
from exitmodels.records.detect_rows import row_defects
from exitmodels.records.effects import COLUMNS, effects_of
from exitmodels.records.finding import Finding
from exitmodels.records.records import Records
from exitmodels.render.text import Block, Summary
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Audit", "audit"]

_WEIGHTS = ("fault", "doubt", "note")
_SHOWN = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class Audit(Tabled):
    """What an audit found.

    Attributes
    ----------
    findings : tuple of Finding
        Faults first, then doubts and notes.
    facts : tuple of (name, value)
        How the file was read.
    reasons : tuple of (code, label, rows, share)
        Rows that name each reason, by the shipped codebook; and those that name none.
    effect_rows : tuple of tuples
        See `effects`.
    ledger : Ledger
        Of the records that were audited.

    Examples
    --------
    >>> import exitmodels as xm
    >>> records = xm.read_records({"joined": ["03/01/2014", "20/12/2013"], "left": ["11/02/2014", "09/01/2013"]},
    ...                           joined="joined", left="left", dates=xm.DateFormat(order="dmy"),
    ...                           window=("2013-03-01", "2014-08-21"))
    >>> found = audit(records)
    >>> [(finding.code, finding.rows, finding.proposal) for finding in found.faults]
    [('year-slip', (1,), ('09/01/2014',))]
    >>> audit(records.repair(found.faults[0])).clean
    True
    """

    findings: tuple[Finding, ...]
    facts: tuple[tuple[str, Any], ...]
    reasons: tuple[tuple[str, str, int, float], ...]
    effect_rows: tuple[tuple[Any, ...], ...]
    ledger: Ledger
    method: str = "Audit of records as written"
    sources: tuple[str, ...] = ()

    # ---- what was found ----------------------------------------------------------------------------------------
    def of(self, code: str) -> tuple[Finding, ...]:
        """Findings of one code, one for each column that shows it."""
        return tuple(finding for finding in self.findings if finding.code == code)

    def rows(self, code: str) -> tuple[Any, ...]:
        """Labels of the rows with a finding of this code, in any column."""
        return tuple(dict.fromkeys(row for finding in self.of(code) for row in finding.rows))

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Findings that stand in the way of spells."""
        return tuple(finding for finding in self.findings if finding.weight == "fault")

    @property
    def doubts(self) -> tuple[Finding, ...]:
        """Findings that deserve a decision."""
        return tuple(finding for finding in self.findings if finding.weight == "doubt")

    @property
    def clean(self) -> bool:
        """Whether there are neither faults nor doubts."""
        return not self.faults and not self.doubts

    @property
    def effects(self) -> Any:
        """What each finding does, as a DataFrame.

        One row for the table as read, one for each fault and doubt (and note with a proposal) by itself, repaired where
        a repair is proposed and set aside otherwise, and two for all together. "usable": records with both dates, in
        order, the exit inside the window. "exits per day": those with an exit inside the window, by its days. "naive
        mean stay": of all rows with both dates, however wrong, without regard to how records came to be seen. "largest
        reason": its share among rows with a reason.
        """
        import pandas as pd

        return pd.DataFrame(list(self.effect_rows), columns=list(COLUMNS))

    def to_frame(self) -> Any:
        """Return one row for each finding: code, weight, column, rows, first rows, repair, what, hint."""
        import pandas as pd

        columns, rows = self._table(0.05)
        told = [(finding.what, finding.hint) for finding in self.findings]
        made = [(*row, *words) for row, words in zip(rows, told, strict=True)]
        return pd.DataFrame(made, columns=[*columns, "what", "hint"])

    # ---- printed -----------------------------------------------------------------------------------------------
    def _table(self, alpha: float) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        columns = ("finding", "weight", "column", "rows", "first rows", "repair")
        rows = [
            (f.code, f.weight, _seen(f.column), f.n, _first(f), "proposed" if f.proposal is not None else "")
            for f in self.findings
        ]
        return columns, rows

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        counts = [counted(sum(f.weight == weight for f in self.findings), weight) for weight in _WEIGHTS]
        facts = (*self.facts, ("found", ", ".join(counts)))
        columns, rows = self._table(alpha)
        blocks = [Block(tuple(columns), tuple(tuple(row) for row in rows))] if rows else []
        if self.reasons:
            told = tuple((label, n, f"{share:.1%}") for _, label, n, share in self.reasons)
            blocks.append(Block(("reason named", "rows", "share"), told))
        if len(self.effect_rows) > 1:
            blocks.append(Block(COLUMNS, tuple(map(_printed, self.effect_rows)), "If repaired, or else set aside"))
        notes = tuple(_told(finding) for finding in self.findings)
        return Summary(f"Audit of {self.ledger.source or 'records'}", facts, tuple(blocks), notes)


def _seen(column: str | None) -> str:
    """The name of a column with marks that are not seen spelled out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in column or "")


def _told(finding: Finding) -> str:
    where = f" ({_seen(finding.column)})" if finding.column else ""
    return f"{finding.code}{where}: {finding.what}. {finding.hint}".strip()


def _first(finding: Finding) -> str:
    shown = ", ".join(str(row) for row in finding.rows[:_SHOWN])
    return shown + (", ..." if finding.n > _SHOWN else "")


def _printed(row: tuple[Any, ...]) -> tuple[Any, ...]:
    code, column, n, done, usable, rate, mean, share = row
    numbers = (f"{rate:.3f}", "" if np.isnan(mean) else f"{mean:.1f}", "" if np.isnan(share) else f"{share:.1%}")
    return (code, column, n, done, usable, *numbers)


def audit(records: Records) -> Audit:
    """List what is wrong, doubtful or worth knowing in records as written.

    Parameters
    ----------
    records : Records

    Returns
    -------
    Audit

    Notes
    -----
    Rows that are no records (totals, headings, shifted cells) are named first, and passed over by the rest. Cost:
    a few passes over the distinct texts of each column; nothing is done row by row.
    """
    whole = View.of(records)
    found, aside = row_defects(whole)
    view = whole.without(aside)
    copies, twins = duplicate_defects(view)
    dates = date_defects(view)
    found += [*encodings(view), *layout(view), *dates, *order_defects(_without_exchanged(view, dates))]
    found += [
        *habit_defects(view),
        *reason_defects(view),
        *number_defects(view),
        *id_defects(view),
        *repeated_ids(view, twins),
        *copies,
    ]
    findings = sorted(found, key=lambda finding: _WEIGHTS.index(finding.weight))
    return Audit(
        findings=tuple(findings),
        facts=_facts(view),
        reasons=_reasons(view),
        effect_rows=tuple(effects_of(whole, findings)),
        ledger=records.ledger,
    )


def _without_exchanged(view: View, dates: list[Finding]) -> View:
    """Dates whose day and month a spreadsheet has exchanged are not held against the other dates as well."""
    wrong = np.zeros(view.n, dtype=bool)
    for finding in dates:
        if finding.code == "typed-beside-text" and finding.proposal is not None:
            wrong[[view.records.sheet.places[label] for label in finding.rows]] = True
    return view.without(wrong)


def _facts(view: View) -> tuple[tuple[str, Any], ...]:
    records = view.records
    sheet, window = records.sheet, records.schema.window
    told: list[tuple[str, Any]] = [
        ("rows read", records.ledger.read),
        ("rows here", len(records)),
        ("rows that are records", int(view.sound.sum())),
    ]
    told += [("columns", len(sheet.names))]
    if window is not None:
        told += [("window", f"{window[0]} to {window[1]}, {records.schema.scheme}")]
    shown = ("encoding", "byte-order mark", "delimiter", "line ends", "worksheet", "day numbers begin", "row labels")
    told += [(name, str(sheet.facts[name])) for name in shown if sheet.facts.get(name)]
    return (*told, ("sha256", records.digest))


def _reasons(view: View) -> tuple[tuple[str, str, int, float], ...]:
    """Rows that name each reason, most first; then those that name none, and those no cue reaches."""
    name = view.records.schema.reason
    if name is None or not view.sound.any():
        return ()
    book, column = Codebook.named(), view.column(name)
    times = np.bincount(column.codes[view.sound & (column.codes >= 0)], minlength=len(column.texts))
    counts = dict.fromkeys(book.codes, 0)
    uncoded = unknown = 0
    for text, codes, n in zip(column.texts, view.reason_codes, times.tolist(), strict=True):
        stated = [code for code in codes if code not in (book.blank, book.absent)]
        for code in stated:
            counts[code] += n
        empty = (bool(codes) and not stated) or is_placeholder(text) or not text.strip()
        unknown += n if empty and not stated else 0
        uncoded += n if not stated and not empty else 0
    unknown += int((view.sound & (column.codes < 0)).sum())
    total = int(view.sound.sum())
    rows = sorted(((c, book.labels[c], n) for c, n in counts.items() if n), key=lambda row: (-row[2], row[0]))
    rows += [("", "unknown (blank, absent, a mark)", unknown), ("", "no cue found", uncoded)]
    return tuple((code, label, n, n / total) for code, label, n in rows)
