"""The codebook: reasons with their cues, groups and rank, under a version that is written into every result.

Third floor, in the room of records. Several reasons of one record are kept, in the order in which they were mentioned;
which of them counts is a choice made later (`CodedReasons.primary`, `CodedReasons.weights`).

Read next: coded.py (a coded column), cues.py (how a cue is found), exit_reasons.py (the shipped codebook).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from exitmodels.errors import DataError
from exitmodels.records import exit_reasons
from exitmodels.records.coded import CodedReasons, code_column
from exitmodels.records.cues import Hit, clauses_of, cue_pattern, find_cues

__all__ = ["Codebook", "CodedText", "Reason"]


@dataclass(frozen=True)
class Reason:
    """One reason: its code, its name, the group it belongs to, and the cues that suggest it."""

    code: str
    label: str
    group: str
    cues: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodedText:
    """One text, coded.

    Attributes
    ----------
    text : str
    codes : tuple of str
        The reasons, in order of mention, each once; the code for a blank when nothing is written.
    hits : tuple of Hit
        Every cue that matched, with the words it matched.
    uncoded : tuple of str
        Clauses (folded) in which no cue was found.
    doubts : tuple of str
        Words at which a person should look, and why.
    """

    text: str
    codes: tuple[str, ...]
    hits: tuple[Hit, ...]
    uncoded: tuple[str, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True)
class Codebook:
    """Reasons for leaving, the cues that suggest them, and their rank.

    Parameters
    ----------
    version : str
        Name of this codebook; a change of any cue deserves another one (`extend` insists on it).
    reasons : tuple of Reason
    hierarchy : tuple of str
        All codes, highest first; decides the primary reason of a record with several.
    doubtful : tuple of (cue, why)
        Words at which a person should look, whatever was coded.
    blank, absent : str
        Codes of a field left empty, and of a form without such a field.

    Raises
    ------
    DataError
        For a code given twice, a hierarchy that is not exactly the codes, and cues that cannot be read.

    Notes
    -----
    Cues are starting stems, not decisions. A cue within a longer cue of another reason gives way to it. See
    `exitmodels.records.cues.cue_pattern` for the way cues are written.

    Examples
    --------
    >>> book = Codebook.named("exit-reasons-1")
    >>> book.code("to visit his mother; treatment").codes
    ('VIS', 'MED')
    >>> [(hit.code, hit.written) for hit in book.code("علاج والدته").hits]
    [('FEM', 'علاج والدته')]
    """

    version: str
    reasons: tuple[Reason, ...]
    hierarchy: tuple[str, ...]
    doubtful: tuple[tuple[str, str], ...] = ()
    blank: str = "UNK_blank"
    absent: str = "UNK_nofield"

    def __post_init__(self) -> None:
        codes = [reason.code for reason in self.reasons]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise _refusal(f"The codes {', '.join(twice)} are given twice.", "Give each reason a code of its own.")
        if sorted(self.hierarchy) != sorted(codes):
            odd = sorted(set(self.hierarchy) ^ set(codes)) or ["a code named twice"]
            raise _refusal(
                f"The hierarchy and the reasons differ: {', '.join(odd)}.", "Rank every code once, highest first."
            )
        for code in (self.blank, self.absent):
            if code not in codes:
                raise _refusal(f"The code {code!r} for a missing reason is not in the codebook.", "Add it as a reason.")
        for cue in [*(cue for _, cue in self._cues), *(cue for cue, _ in self.doubtful)]:
            _check_cue(cue)

    @classmethod
    def named(cls, version: str = exit_reasons.VERSION_1) -> Codebook:
        """Return a shipped codebook: "exit-reasons-1"."""
        if version != exit_reasons.VERSION_1:
            raise _refusal(f"No codebook {version!r} is shipped.", f'Use "{exit_reasons.VERSION_1}", or make your own.')
        return _shipped()

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Every code, in the order of the codebook."""
        return tuple(reason.code for reason in self.reasons)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Name of each reason by its code."""
        return {reason.code: reason.label for reason in self.reasons}

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Codes of each group."""
        names = dict.fromkeys(reason.group for reason in self.reasons)
        return {name: tuple(r.code for r in self.reasons if r.group == name) for name in names}

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with anything in the codebook, also under the same version."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def _cues(self) -> tuple[tuple[str, str], ...]:
        return tuple((reason.code, cue) for reason in self.reasons for cue in reason.cues)

    def code(self, text: str) -> CodedText:
        """Code one text: reasons in order of mention, the cue behind each, and what no cue reached.

        Parameters
        ----------
        text : str
            As written; "" and marks without a letter ("-", "/") are a blank.

        Examples
        --------
        >>> coded = Codebook.named().code("surgery, then something private")
        >>> coded.codes, coded.uncoded
        (('MED',), ('then something private',))
        """
        if not isinstance(text, str):
            raise _refusal(f"{text!r} is not a text.", "Give a str; code a whole column with code_column.")
        clauses = clauses_of(text)
        if not clauses:
            return CodedText(text, (self.blank,), (), (), ())
        hits = find_cues(clauses, self._cues)
        stated = [hit for hit in hits if hit.code != self.blank]
        hits = stated or hits
        reached = {hit.clause for hit in hits}
        left = tuple(clause for place, clause in enumerate(clauses) if place not in reached)
        doubts = find_cues(clauses, tuple((why, cue) for cue, why in self.doubtful))
        said = dict.fromkeys(f"{hit.written}: {hit.code}" for hit in doubts)
        return CodedText(text, tuple(dict.fromkeys(hit.code for hit in hits)), tuple(hits), left, tuple(said))

    def code_column(self, values: Any, *, missing: str | None = None, name: str = "reason") -> CodedReasons:
        """Code a column; each distinct text is read once.

        Parameters
        ----------
        values : Series, array or sequence of str
        missing : {"blank", "no-field"}, optional
            What a missing value (None, NaN) means: the clerk left the field empty, or the form has no such field. Must
            be said when there are any; an empty text is always a blank.
        name : str
            Name of the column, for messages.

        Raises
        ------
        DataError
            For missing values whose meaning is not said, values that are not text, and an empty column.
        """
        return code_column(self, values, missing, name)

    def extend(self, version: str, cues: Mapping[str, Sequence[str]], reasons: Sequence[Reason] = ()) -> Codebook:
        """Return a codebook with further cues and reasons (ranked last before the unknown), under a new version.

        Examples
        --------
        >>> further = Reason("PIL", "pilgrimage", "other", ("hajj*", "حج"))
        >>> book = Codebook.named().extend("exit-reasons-1-hajj", {}, [further])
        >>> book.code("للحج").codes
        ('PIL',)
        """
        if version == self.version:
            raise _refusal(f"The version {version!r} is taken.", "Give the changed codebook a name of its own.")
        unknown = sorted(set(cues) - set(self.codes))
        if unknown:
            raise _refusal(f"No such code: {', '.join(unknown)}.", f"Codes: {', '.join(self.codes)}.")
        longer = tuple(replace(r, cues=(*r.cues, *cues.get(r.code, ()))) for r in self.reasons)
        rank = [code for code in self.hierarchy if code not in (self.blank, self.absent)]
        last = [code for code in self.hierarchy if code in (self.blank, self.absent)]
        hierarchy = (*rank, *(reason.code for reason in reasons), *last)
        return replace(self, version=version, reasons=(*longer, *reasons), hierarchy=hierarchy)

    def to_dict(self) -> dict[str, Any]:
        """Return plain text and lists, for a file that goes with a paper."""
        rows = [{"code": r.code, "label": r.label, "group": r.group, "cues": list(r.cues)} for r in self.reasons]
        return {
            "version": self.version,
            "reasons": rows,
            "hierarchy": list(self.hierarchy),
            "doubtful": [list(pair) for pair in self.doubtful],
            "blank": self.blank,
            "absent": self.absent,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Codebook:
        """Rebuild a codebook from `to_dict`."""
        rows = tuple(Reason(r["code"], r["label"], r["group"], tuple(r["cues"])) for r in stored["reasons"])
        doubtful = tuple((cue, why) for cue, why in stored["doubtful"])
        return cls(stored["version"], rows, tuple(stored["hierarchy"]), doubtful, stored["blank"], stored["absent"])

    def __str__(self) -> str:
        lines = [f"Codebook {self.version} ({self.digest}), {len(self.reasons)} reasons"]
        for group, codes in self.groups.items():
            lines.append(f"  {group}: " + ", ".join(f"{code} {self.labels[code]}" for code in codes))
        return "\n".join(lines)


@lru_cache(maxsize=1)
def _shipped() -> Codebook:
    reasons = tuple(Reason(*row) for row in exit_reasons.REASONS)
    return Codebook(exit_reasons.VERSION_1, reasons, exit_reasons.HIERARCHY, exit_reasons.DOUBTFUL)


def _check_cue(cue: str) -> None:
    words = cue.split()
    bare = [part.strip("=*") for word in words for part in word.split("|")]
    if not words or ".." in (words[0], words[-1]) or not all(bare):
        raise _refusal(f"The cue {cue!r} cannot be read.", 'Write words, "stem*", "a|b", and ".." between words.')
    cue_pattern(cue)


def _refusal(message: str, hint: str) -> DataError:
    return DataError(message, code="codebook", hint=hint)
