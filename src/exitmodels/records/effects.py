"""What each finding does to the simplest numbers: records, exits per day, the naive mean stay, the largest reason.

Third floor, in the room of records. A finding with a proposal is repaired, any other set aside; each by itself, then
all together, so that one sees which defect matters.

Called by: audit.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.records.auditview import Span, View
from exitmodels.records.codebook import Codebook
from exitmodels.records.finding import Finding

__all__ = ["COLUMNS", "effects_of"]

COLUMNS = ("finding", "column", "rows", "done", "usable", "exits per day", "naive mean stay", "largest reason")


@dataclass(frozen=True)
class _State:
    """The table as it stands: rows kept, dates, and the first-ranked reason of each row (-1: none)."""

    view: View
    kept: Bools
    left: Span
    joined: Span | None
    reason: Ints
    largest: int

    def numbers(self) -> tuple[int, float, float, float]:
        """Usable records, exits per day, naive mean stay, share of the largest reason."""
        left, joined, window = self.left, self.joined, self.view.window
        seen = self.kept & left.known
        inside = seen if window is None else seen & (left.low >= window[0]) & (left.high <= window[1])
        usable, mean = inside, math.nan
        if joined is not None:
            both = seen & joined.known
            stay = (left.low + left.high - joined.low - joined.high) / 2
            mean = float(stay[both].mean()) if both.any() else math.nan
            usable = inside & both & (stay > 0)
        span = _length(self.left, inside) if window is None else window[1] - window[0] + 1
        coded = self.kept & (self.reason >= 0)
        share = float((self.reason[coded] == self.largest).mean()) if coded.any() else math.nan
        return int(usable.sum()), float(inside.sum()) / span if span else math.nan, mean, share

    def after(self, finding: Finding) -> _State:
        """The table once a finding is repaired, or its rows are set aside."""
        places = np.array([self.view.records.sheet.places[label] for label in finding.rows], dtype=np.int64)
        if finding.proposal is None or finding.column is None:
            kept = self.kept.copy()
            kept[places] = False
            return replace(self, kept=kept)
        schema = self.view.records.schema
        if finding.column in (schema.left, schema.joined):
            read = self.view.read(finding.column, [*finding.proposal, None])
            if finding.column == schema.left:
                return replace(self, left=_patched(self.left, places, read))
            return self if self.joined is None else replace(self, joined=_patched(self.joined, places, read))
        if finding.column == schema.reason:
            reason = self.reason.copy()
            reason[places] = [_first_code(text or "") for text in finding.proposal]
            return replace(self, reason=reason)
        return self


def effects_of(view: View, findings: Sequence[Finding]) -> list[tuple[object, ...]]:
    """Rows of the table of effects, in the order of `COLUMNS`.

    Parameters
    ----------
    view : View
        With no row passed over: the first line is the table as read.
    """
    start = _state(view)
    rows: list[tuple[object, ...]] = [("as read", "", 0, "", *start.numbers())]
    weighty = [f for f in findings if f.rows and (f.weight != "note" or f.proposal is not None)]
    for finding in weighty:
        done = "repaired" if finding.proposal is not None else "set aside"
        rows.append((finding.code, finding.column or "", finding.n, done, *start.after(finding).numbers()))
    for name, weights in (("all faults", ("fault",)), ("all repairs, faults aside", ())):
        chosen = [f for f in weighty if f.weight in weights] if weights else _plain(weighty)
        if chosen:
            state = start
            for finding in sorted(chosen, key=lambda f: f.proposal is None):
                state = state.after(finding)
            n = len({row for finding in chosen for row in finding.rows})
            rows.append((name, "", n, "together", *state.numbers()))
    return rows


def _plain(findings: Sequence[Finding]) -> list[Finding]:
    """Everything with a proposal, and faults without one."""
    return [f for f in findings if f.proposal is not None or f.weight == "fault"]


def _state(view: View) -> _State:
    schema = view.records.schema
    joined = None if schema.joined is None else view.span(schema.joined)
    kept = np.ones(view.n, dtype=bool)
    kept[list(view.records.sheet.surplus)] = False
    reason = np.full(view.n, -1, dtype=np.int64)
    if schema.reason is not None:
        book = Codebook.named()
        place = {code: k for k, code in enumerate(book.codes) if code not in (book.blank, book.absent)}
        first = np.array([place.get(codes[0], -1) if codes else -1 for codes in view.reason_codes] + [-1])
        reason = first[view.column(schema.reason).codes]
    known = reason[reason >= 0]
    largest = int(np.bincount(known).argmax()) if known.size else -1
    return _State(view, kept, view.span(schema.left), joined, reason, largest)


def _first_code(text: str) -> int:
    book = Codebook.named()
    rank = {code: place for place, code in enumerate(book.hierarchy)}
    codes = sorted(book.code(text).codes, key=rank.__getitem__)
    return book.codes.index(codes[0]) if codes and codes[0] not in (book.blank, book.absent) else -1


def _patched(span: Span, places: Ints, read: Span) -> Span:
    def put(old: AnyArray, new: AnyArray) -> AnyArray:
        made = old.copy()
        made[places] = new[:-1]
        return made

    return Span(put(span.low, read.low), put(span.high, read.high), put(span.known, read.known))


def _length(left: Span, rows: Bools) -> int:
    return int(left.high[rows].max() - left.low[rows].min() + 1) if rows.any() else 0
