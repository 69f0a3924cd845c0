"""A coded column of reasons: who named what, in which order, and what nobody has coded yet.

Third floor, in the room of records. Held by distinct text, so that a million records cost little more than their
wordings.

Called by: codebook.py. Read next: agreement.py, statement.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from exitmodels.arrays import AnyArray, Bools, Ints
from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.frames import Table

if TYPE_CHECKING:
    from exitmodels.records.codebook import Codebook, CodedText

__all__ = ["CodedReasons", "code_column"]

UNCODED = ""
"""Stands for "no cue matched" where a single code is asked for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CodedReasons(Tabled):
    """Reasons of each record.

    Attributes
    ----------
    codebook : Codebook
    texts : tuple of CodedText
        The distinct texts, coded.
    place : (n,) int
        The text of each record.
    labels : (n,) array
        Row labels of the column.
    """

    codebook: Codebook
    texts: tuple[CodedText, ...]
    place: Ints
    labels: AnyArray
    method: str = "Reasons coded by cues"
    sources: tuple[str, ...] = field(default=())

    @property
    def nobs(self) -> int:
        """Number of records."""
        return len(self.place)

    @cached_property
    def _named(self) -> Bools:
        """Which codes each distinct text names (texts, codes)."""
        return np.array([[code in t.codes for code in self.codebook.codes] for t in self.texts], dtype=bool)

    @property
    def named(self) -> Bools:
        """Which codes each record names (n, codes)."""
        return self._named[self.place]

    @property
    def is_unknown(self) -> Bools:
        """Records whose reason is blank, absent, or reached by no cue (n,)."""
        gone = {self.codebook.blank, self.codebook.absent}
        return np.array([not t.codes or set(t.codes) <= gone for t in self.texts], dtype=bool)[self.place]

    @property
    def is_partial(self) -> Bools:
        """Records with a clause that no cue reached: they may hold a further reason (n,)."""
        return np.array([bool(t.uncoded) for t in self.texts], dtype=bool)[self.place]

    def sets(self) -> list[frozenset[str] | None]:
        """The set of codes of each record; None where no cue matched, as a coder who has not coded it."""
        made = [frozenset(t.codes) if t.codes else None for t in self.texts]
        return [made[i] for i in self.place]

    def primary(self, rule: str = "hierarchy", level: str = "reason") -> AnyArray:
        """One code for each record: the highest by "hierarchy", or the "first" mentioned; "" where none was found.

        Parameters
        ----------
        rule : {"hierarchy", "first"}
        level : {"reason", "group"}
        """
        if rule not in ("hierarchy", "first"):
            raise _choice("rule", rule, '"hierarchy" or "first"')
        rank = {code: i for i, code in enumerate(self.codebook.hierarchy)}
        pick = [
            min(t.codes, key=rank.__getitem__)
            if rule == "hierarchy" and t.codes
            else t.codes[0]
            if t.codes
            else UNCODED
            for t in self.texts
        ]
        if level == "group":
            owner = {code: group for group, codes in self.codebook.groups.items() for code in codes}
            pick = [owner.get(code, UNCODED) for code in pick]
        elif level != "reason":
            raise _choice("level", level, '"reason" or "group"')
        return np.array([*pick, None], dtype=object)[:-1][self.place]

    def weights(self, rule: str = "all", level: str = "reason") -> Any:
        """What each record counts for each reason, as a DataFrame.

        Parameters
        ----------
        rule : {"all", "fractional", "hierarchy", "first"}
            Every reason counts one; 1/k each; or one reason only.
        level : {"reason", "group"}
            A group counts once however many of its reasons are named; fractions are added.
        """
        import pandas as pd

        codes, book = self.codebook.codes, self.codebook
        if rule in ("hierarchy", "first"):
            one = self.primary(rule)
            made = (one[:, None] == np.array(codes, dtype=object)).astype(np.float64)
        elif rule in ("all", "fractional"):
            made = self.named.astype(np.float64)
            many = np.maximum(made.sum(axis=1, keepdims=True), 1)
            made = made / many if rule == "fractional" else made
        else:
            raise _choice("rule", rule, '"all", "fractional", "hierarchy" or "first"')
        if level == "reason":
            return pd.DataFrame(made, index=pd.Index(self.labels), columns=list(codes))
        if level != "group":
            raise _choice("level", level, '"reason" or "group"')
        member = np.array([[code in held for held in book.groups.values()] for code in codes], dtype=np.float64)
        grouped = made @ member
        grouped = np.minimum(grouped, 1.0) if rule == "all" else grouped
        return pd.DataFrame(grouped, index=pd.Index(self.labels), columns=list(book.groups))

    def joined(self, separator: str = "; ") -> AnyArray:
        """The codes of each record as one text in order of mention, for ``Counts.from_frame(separator=)``."""
        made = np.array([*(separator.join(t.codes) for t in self.texts), None], dtype=object)[:-1]
        return made[self.place]

    def cues(self) -> Any:
        """One row per distinct text and cue that matched: text, order, code, cue, written, n (records)."""
        n = self._per_text()
        rows = [
            (t.text, i + 1, h.code, h.cue, h.written, int(n[k]))
            for k, t in enumerate(self.texts)
            for i, h in enumerate(t.hits)
        ]
        return _frame(rows, ("text", "order", "code", "cue", "written", "n"))

    def uncoded(self) -> Any:
        """Texts with a clause that no cue reached: text, the clauses, codes found elsewhere in it, n; most first."""
        n = self._per_text()
        rows = [
            (t.text, "; ".join(t.uncoded), "; ".join(t.codes), int(n[k])) for k, t in enumerate(self.texts) if t.uncoded
        ]
        return _frame(sorted(rows, key=lambda row: (-row[-1], row[0])), ("text", "uncoded", "codes", "n"))

    def doubtful(self) -> Any:
        """Texts at which a person should look: text, codes, why, n; most first."""
        n = self._per_text()
        rows = [
            (t.text, "; ".join(t.codes), "; ".join(t.doubts), int(n[k])) for k, t in enumerate(self.texts) if t.doubts
        ]
        return _frame(sorted(rows, key=lambda row: (-row[-1], row[0])), ("text", "codes", "why", "n"))

    def to_frame(self) -> Any:
        """One row per reason: records that name it, and that have it under each rule for one reason."""
        import pandas as pd

        columns, rows = self._table(0.05)
        return pd.DataFrame(rows, columns=list(columns)).set_index("code")

    def summary(self, alpha: float = 0.05) -> Summary:
        """Return the printed form."""
        columns, rows = self._table(alpha)
        used = tuple(tuple(row) for row in rows if row[2])
        several = int((self.named.sum(axis=1) > 1).sum())
        none = int(sum(n for t, n in zip(self.texts, self._per_text(), strict=True) if not t.codes))
        facts = (
            ("codebook", f"{self.codebook.version} ({self.codebook.digest})"),
            ("records", self.nobs),
            ("several reasons", several),
            ("no cue matched", none),
            ("a clause uncoded", int(self.is_partial.sum())),
        )
        notes = ("Cues are a first reading: have two people code the records, and see agreement().",)
        return Summary(self.method, facts, (Block(tuple(columns), used),), notes)

    def _table(self, alpha: float) -> tuple[tuple[str, ...], list[list[Any]]]:
        book, n = self.codebook, self._per_text()
        any_named = n @ self._named
        top, first = self.primary("hierarchy"), self.primary("first")
        rows = [
            [code, book.labels[code], int(any_named[j]), int((first == code).sum()), int((top == code).sum())]
            for j, code in enumerate(book.codes)
        ]
        return ("code", "reason", "named", "first", "primary"), rows

    def _per_text(self) -> Ints:
        return np.bincount(self.place, minlength=len(self.texts))


def code_column(book: Codebook, values: Any, missing: str | None, name: str) -> CodedReasons:
    """Code each distinct text of a column once; see `Codebook.code_column`."""
    from exitmodels.records.codebook import CodedText

    if missing not in (None, "blank", "no-field"):
        raise _choice("missing", missing, '"blank" or "no-field"')
    table = Table({name: list(values)} if not hasattr(values, "to_frame") else values.to_frame(name))
    column = table.column(name)
    gone = column.is_missing
    if column.kind != "text" and not gone.all():
        raise DataError(
            f"Reasons are text; the column holds {column.kind} values such as {column.examples(3)}.",
            column=name,
            code="codebook",
            hint="Give the column of reasons as written.",
        )
    if gone.any() and missing is None:
        raise DataError(
            f"{int(gone.sum())} reasons are missing, which can mean two things.",
            column=name,
            rows=table.labels[gone],
            code="missing",
            hint='Say missing="blank" (the field was left empty) or "no-field" (the form has none).',
        )
    texts = [book.code(str(level)) for level in column.levels]
    place = np.where(gone, len(texts), column.values if column.kind == "text" else 0).astype(np.int64)
    if gone.any():
        texts.append(CodedText("", (book.blank if missing == "blank" else book.absent,), (), (), ()))
    return CodedReasons(codebook=book, texts=tuple(texts), place=place, labels=table.labels)


def _frame(rows: list[Any], columns: tuple[str, ...]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns))


def _choice(what: str, given: Any, known: str) -> DataError:
    return DataError(f"{what}={given!r} is not known.", code="choice", hint=f"Use {known}.")
